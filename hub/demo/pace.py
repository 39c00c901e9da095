"""What of the community's rules makes no sense in a day that goes faster than life.

Rules that count in the time of people: in a day that goes sixty times as fast an entrance is opened
as often in five minutes as in life in five hours. Rules of certain hours: they go by the real
clock, by which it may be night while the residents do their morning exercise. What is off stands,
with its reason, on the page of overrides.
"""

from collections.abc import Mapping

from hub.rule_files import folder_of, read_texts
from hub.settings import Settings
from rules.loader import RuleMistakes, load_texts
from rules.rule import Rule

OVERRIDES_FILE = "demo.yaml"
IN_THE_TIME_OF_PEOPLE = frozenset(("door-contact-flutters",))
FASTER = "演示中的一天过得比实际快 (a day of the demo goes faster than life)"
BY_THE_CLOCK = "演示中的时刻不是真实的时刻 (the hour of the demo's day is not that of the clock)"

_HEAD = """\
# Written by `hub demo` at its start, as long as its day goes faster than life.
overrides:
"""
_OVERRIDE = """\
  - rule: {rule}
    place: ["*"]
    off: true
    reason: {reason}
    by: hub demo
    until: 2099-12-31
"""


def keep_pace(settings: Settings, speed: float) -> None:
    """Put the demo's overrides beside its rules, or take them away at the pace of life. OSError."""
    file = folder_of(settings) / OVERRIDES_FILE
    reasons = _reasons(settings) if speed > 1 else {}
    if reasons:
        overrides = (_OVERRIDE.format(rule=rule, reason=why) for rule, why in reasons.items())
        file.write_text(_HEAD + "".join(overrides), encoding="utf-8")
    else:
        file.unlink(missing_ok=True)


def _reasons(settings: Settings) -> Mapping[str, str]:
    """Why which rules are off. Whoever tries the demo may have changed them: mistakes wait."""
    try:
        texts = read_texts(settings)
        texts.pop(OVERRIDES_FILE, None)
        found = {rule.name: _reason(rule) for rule in load_texts(texts).rules}
    except RuleMistakes:
        return {}  # the hub says what is wrong, with file and line
    return {rule: why for rule, why in found.items() if why}


def _reason(rule: Rule) -> str:
    if rule.name in IN_THE_TIME_OF_PEOPLE:
        return FASTER
    return BY_THE_CLOCK if rule.during is not None else ""
