"""Properties and events whose names a product's maker chose: what they mean, by their words.

Platforms such as Alink and JetLinks fix the envelope and leave the names to each product.
`words.py` knows the words; here stands what holds for such platforms: an alarm that nothing stands
beside may be smoke or water, a session's count is no running total, and a bare `contact: 1` tells
open or closed only with a word beside it.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from device_drivers.driver import Unreadable
from device_drivers.moments import EARLIEST_MS, LATEST_MS
from device_drivers.points import number_or_none, shown
from device_drivers.reading import Reading
from device_drivers.words import press_of, read_named, words_of

VALUES_MAX = 256  # of one message

_ALARMS = frozenset(("alarm", "alert"))
_BESIDE_AN_ALARM = _ALARMS | {"state", "status", "active", "triggered", "call", "level"}
_SESSION = frozenset(("session", "today", "daily", "day", "current", "set"))
_BARE_CONTACTS = frozenset(("contact", "reed", "magnet"))
_TELLING = frozenset(("door", "window", "gate", "open", "opened", "closed", "doorcontact"))
_TAKEN_BACK = frozenset(
    ("cancel", "cancelled", "canceled", "clear", "cleared", "restore", "restored", "recover")
) | frozenset(("recovered", "reset", "dismiss", "off", "stop"))
_KIND_KEYS = ("type", "kind", "action", "press", "value", "state", "status")
_POINTS_OF_EVENTS = ("press", "battery_low", "tamper", "vibration")


class Named(NamedTuple):
    """One property: its name, its value, its own time."""

    name: str
    value: Any
    at_ms: int | None = None


def moment_or_none(value: Any) -> int | None:
    """Seconds or milliseconds since 1970, as number or text; None where it can be neither."""
    if isinstance(value, str) and value.isdecimal() and len(value) < 20:
        value = int(value)
    known = number_or_none(value)
    if known is None:
        return None
    return next(
        (round(one) for one in (known, known * 1_000) if EARLIEST_MS <= one <= LATEST_MS), None
    )


def unwrapped(name: str, value: Any, at_ms: int | None) -> list[Named]:
    """`{"value": 1, "time": …}`, several of them, or the bare value."""
    if isinstance(value, dict) and "value" in value:
        own_ms = moment_or_none(value.get("time"))
        return [Named(name, value["value"], at_ms if own_ms is None else own_ms)]
    if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        return [named for one in value for named in unwrapped(name, one, at_ms)]
    return [Named(name, value, at_ms)]


def read_properties(found: Iterable[Named], warnings: list[str]) -> list[Reading]:
    """The readings of the properties that are known. Two names of one point are one too many."""
    readings: list[Reading] = []
    said_by: dict[str, str] = {}
    for name, value, at_ms in list(found)[:VALUES_MAX]:
        for one in _read(name, value, at_ms, warnings):
            if said_by.setdefault(one.point, name) == name:
                readings.append(one)
            else:
                warnings.append(f"{shown(name)}: {shown(said_by[one.point])} says the same already")
    return readings


def _read(name: str, value: Any, at_ms: int | None, warnings: list[str]) -> tuple[Reading, ...]:
    if value is None or isinstance(value, dict | list) or not _is_telling(name):
        return ()
    words = frozenset(words_of(name))
    if words & _BARE_CONTACTS and not words & _TELLING and _is_flag(value):
        warnings.append(f"{shown(name)}: {shown(value)} may be open or closed")
        return ()
    try:
        return read_named(name, value, at_ms, made="open") or ()
    except Unreadable as error:
        warnings.append(str(error))
        return ()


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool | int | float) or str(value).strip().lower() in ("true", "false")


def _is_telling(name: str) -> bool:
    words = frozenset(words_of(name))
    return not (words & _ALARMS and words <= _BESIDE_AN_ALARM) and not words & _SESSION


def read_event(event: str, data: Any, at_ms: int | None, warnings: list[str]) -> list[Reading]:
    """What an event says by its own name, and by the values that it carries."""
    body = data if isinstance(data, dict) else {"value": data}
    named = [one for key, value in body.items() for one in unwrapped(key, value, at_ms)]
    readings = read_properties(named, warnings)
    told = {one.point for one in readings}
    return [*(one for one in _by_name(event, body, at_ms) if one.point not in told), *readings]


def _by_name(event: str, body: dict[str, Any], at_ms: int | None) -> list[Reading]:
    words = frozenset(words_of(event))
    if words & _TAKEN_BACK or not _is_telling(event):
        return []
    try:
        found = read_named(event, _kind(body) or True, at_ms, made="open") or ()
    except Unreadable:
        return []
    opens = bool(words & {"open", "opened", "close", "closed"})
    return [
        one for one in found if one.point in _POINTS_OF_EVENTS or (opens and one.point == "contact")
    ]


def _kind(body: dict[str, Any]) -> str | None:
    """How a button was pressed, where the event carries it beside its name."""
    texts = (body.get(key) for key in _KIND_KEYS)
    return next((text for text in texts if isinstance(text, str) and press_of(text)), None)
