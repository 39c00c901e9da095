"""Conditions back into the words of the language: for versions, for overrides, for programs.

What comes out is made of what YAML and JSON have, and the loader reads it as the same condition.
"""

from collections.abc import Callable
from typing import Any

from rules import condition as c
from rules.duration import format_duration
from rules.during import During

Plain = dict[str, Any]


def plain(wanted: c.Condition) -> Plain:
    """Such as `{point: contact, still_for: 24h}`."""
    return _PLAIN[type(wanted)](wanted)


def plain_where(where: c.Where) -> Plain:
    """The keys that are given, each with a list."""
    return {key: sorted(names) for key in where.__slots__ if (names := getattr(where, key))}


def plain_during(during: During) -> Plain:
    """`{from: "22:00", to: "06:00", days: […]}`, of which one part may be missing."""
    found: Plain = {}
    if during.from_minute is not None and during.to_minute is not None:
        found = {"from": _clock(during.from_minute), "to": _clock(during.to_minute)}
    return {**found, "days": sorted(during.days)} if during.days else found


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _number(value: float) -> float:
    return int(value) if value == int(value) else value


def _equals(wanted: c.Equals) -> Plain:
    if len(wanted.values) == 1:
        return {"point": wanted.point, "equals": wanted.values[0]}
    return {"point": wanted.point, "in": list(wanted.values)}


def _below(wanted: c.Below) -> Plain:
    found: Plain = {"point": wanted.point, "below": _number(wanted.limit)}
    return found if wanted.back == wanted.limit else {**found, "back_above": _number(wanted.back)}


def _above(wanted: c.Above) -> Plain:
    found: Plain = {"point": wanted.point, "above": _number(wanted.limit)}
    return found if wanted.back == wanted.limit else {**found, "back_below": _number(wanted.back)}


def _happens(wanted: c.Happens) -> Plain:
    return {"point": wanted.point, "happens": list(wanted.values)}


def _changes(wanted: c.Changes) -> Plain:
    return {"point": wanted.point, "changes": wanted.count, "within": _for(wanted.within_ms)}


def _rises(wanted: c.Rises) -> Plain:
    verb = "rises_less_than" if wanted.less else "rises"
    return {"point": wanted.point, verb: _number(wanted.by), "within": _for(wanted.within_ms)}


def _every(wanted: c.Every) -> Plain:
    return {"point": wanted.point, "every": _number(wanted.step)}


def _still(wanted: c.Still) -> Plain:
    return {"point": wanted.point, "still_for": _for(wanted.for_ms)}


def _unlike(wanted: c.Unlike) -> Plain:
    said = {
        "point": wanted.point,
        "by": "hour",
        "over": f"{wanted.over_days}d",
        "way": wanted.way,
        "at_least_days": wanted.at_least_days,
        "rarer_than": wanted.rarer_than,
        "days": "apart" if wanted.apart else "alike",
    }
    return {"unlike_itself": said}


def _silent(wanted: c.Silent) -> Plain:
    return {"silent_for": "expected" if wanted.for_ms is None else _for(wanted.for_ms)}


def _any(wanted: c.AnyOf) -> Plain:
    return {"any": [plain(part) for part in wanted.parts]}


def _all(wanted: c.AllOf) -> Plain:
    return {"all": [plain(part) for part in wanted.parts]}


def _together(wanted: c.Together) -> Plain:
    return {
        "together": plain_where(wanted.where),
        "at_least": wanted.at_least,
        "within": _for(wanted.within_ms),
        "same": wanted.same,
        "when": plain(wanted.when),
    }


def _then(wanted: c.Then) -> Plain:
    halves = {"first": _step(wanted.first), "then": _step(wanted.then)}
    return {**halves, "within": _for(wanted.within_ms), "same": wanted.same}


def _without(wanted: c.Without) -> Plain:
    halves = {"first": _step(wanted.first), "without": _step(wanted.without)}
    return {**halves, "within": _for(wanted.within_ms), "same": wanted.same}


def _step(step: c.Step) -> Plain:
    where = plain_where(step.where)
    return {**({"where": where} if where else {}), **plain(step.when)}


_for = format_duration

_PLAIN: dict[type, Callable[[Any], Plain]] = {
    c.Equals: _equals,
    c.Below: _below,
    c.Above: _above,
    c.Happens: _happens,
    c.Changes: _changes,
    c.Rises: _rises,
    c.Every: _every,
    c.Still: _still,
    c.Silent: _silent,
    c.Unlike: _unlike,
    c.AnyOf: _any,
    c.AllOf: _all,
    c.Together: _together,
    c.Then: _then,
    c.Without: _without,
}
