"""What of the community's rules makes no sense in a day that goes faster than life."""

from pathlib import Path

OVERRIDES_FILE = "demo.yaml"
RULE = "door-contact-flutters"

# The rule counts in the time of people. In a day that goes sixty times as fast an entrance is
# opened as often in five minutes as in life in five hours. What is off stands, with its reason, on
# the page of overrides.
OVERRIDES = f"""\
# Written by `hub demo` at its start, as long as its day goes faster than life.
overrides:
  - rule: {RULE}
    place: ["*"]
    off: true
    reason: 演示中的一天过得比实际快 (a day of the demo goes faster than life)
    by: hub demo
    until: 2099-12-31
"""


def keep_pace(rules_dir: Path, speed: float) -> None:
    """Put the demo's overrides beside its rules, or take them away at the pace of life. OSError."""
    file = rules_dir / OVERRIDES_FILE
    if speed > 1 and _has_rule(rules_dir):
        file.write_text(OVERRIDES, encoding="utf-8")
    else:
        file.unlink(missing_ok=True)


def _has_rule(rules_dir: Path) -> bool:
    """Whoever tries the demo may have taken it out: an override of no rule is a mistake."""
    files = (one for one in rules_dir.rglob("*.yaml") if one.name != OVERRIDES_FILE)
    return any(f"rule: {RULE}\n" in one.read_text(encoding="utf-8") for one in files)
