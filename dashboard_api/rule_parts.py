"""Which figures of a rule an override may change, as fields of a form."""

from typing import Any, NamedTuple

from dashboard_api.labels import marked
from rules.duration import format_duration
from rules.plain import plain, plain_during
from rules.rule import Rule

LABELS = {
    "hold_for": marked("Must hold for"),
    "clear_for": marked("Over when gone for"),
    "still_for": marked("Unchanged for"),
    "silent_for": marked("Silent for"),
    "below": marked("Below"),
    "back_above": marked("Over when above"),
    "above": marked("Above"),
    "back_below": marked("Over when below"),
    "changes": marked("Changes, at least"),
    "within": marked("Within"),
    "rises": marked("Grows by at least"),
    "rises_less_than": marked("Grows by less than"),
    "every": marked("Every"),
    "from": marked("From"),
    "to": marked("To"),
}


class Part(NamedTuple):
    """A figure of the rule: its path in `set`, its key, its present value."""

    path: str
    key: str
    value: Any


def parts_of(rule: Rule) -> list[Part]:
    """Those of its condition, then how long it must hold, then its hours."""
    found = [
        Part(f"when.{key}", key, value)
        for key, value in plain(rule.when).items()
        if key in LABELS and not isinstance(value, dict | list)
    ]
    if rule.hold_for_ms:
        found.append(Part("hold_for", "hold_for", format_duration(rule.hold_for_ms)))
    if rule.clear_for_ms:
        found.append(Part("clear_for", "clear_for", format_duration(rule.clear_for_ms)))
    if rule.during is not None:
        hours = plain_during(rule.during)
        found += [Part(f"during.{key}", key, hours[key]) for key in ("from", "to") if key in hours]
    return found


def choice_of(rule: Rule) -> dict[str, Any]:
    """What a form must know of a rule."""
    days = [] if rule.during is None else list(rule.during.days)
    return {
        "rule": rule.name,
        "grave": rule.severity == "emergency",
        "days": days,
        "parts": [part._asdict() for part in parts_of(rule)],
    }
