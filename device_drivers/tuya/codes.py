"""Tuya's standard codes: data points whose meaning its "standard status sets" fix."""

from collections.abc import Callable
from typing import Any

from device_drivers.loose import Value, flag_or_none
from device_drivers.points import number_or_none

CONTACTS = ("doorcontact_state", "doorcontact", "door_state")  # true is open
FLAGS = {
    "temper_alarm": "tamper",
    "tamper_alarm": "tamper",
    "va_battery_low": "battery_low",
}
BATTERIES = ("battery_percentage", "residual_electricity", "va_battery", "battery")
BATTERY_LOW = {"low": True, "middle": False, "high": False}
# Enumerations: code → word → point and value. A word that is not listed is nothing of ours.
_CLICKS: dict[str, Value] = {
    "click": ("press", "single"),
    "single_click": ("press", "single"),
    "double_click": ("press", "double"),
    "press": ("press", "long"),  # scene switches call a long press so
    "long_press": ("press", "long"),
}
_SHOCKS: dict[str, Value] = {
    "normal": ("vibration", False),
    "vibration": ("vibration", True),
    "shock": ("vibration", True),
}
_PIR: dict[str, Value] = {"pir": ("motion", True), "none": ("motion", False)}
_PRESENCE: dict[str, Value] = {
    "presence": ("occupancy", True),
    "none": ("occupancy", False),
    "move": ("occupancy", True),
    "static": ("occupancy", True),
}
_ENUMS = {
    "shock_state": _SHOCKS,
    "pir": _PIR,
    "presence_state": _PRESENCE,
    **{f"switch_mode{number}": _CLICKS for number in range(1, 9)},
    **{f"switch{number}_value": _CLICKS for number in range(1, 9)},
    "switch_type_1": _CLICKS,
}
CALLS = ("sos_state", "sos", "emergency_call", "hijack")  # hijack: a lock opened under duress


def values_of(code: str, value: Any) -> list[Value] | None:
    """What a code says; None: Tuya's standard sets do not list it here."""
    reader = _READERS.get(code)
    return None if reader is None else reader(code, value)


def _contact(_code: str, value: Any) -> list[Value]:
    return _flag("contact", value, {True: "open", False: "closed"})


def _alarm(code: str, value: Any) -> list[Value]:
    return _flag(FLAGS[code], value, {True: True, False: False})


def _percent(_code: str, value: Any) -> list[Value]:
    known = number_or_none(value)
    return [("battery", value if known is None else known)]


def _battery_state(_code: str, value: Any) -> list[Value]:
    known = BATTERY_LOW.get(value) if isinstance(value, str) else None
    return [] if known is None else [("battery_low", known)]


def _word(code: str, value: Any) -> list[Value]:
    found = _ENUMS[code].get(value) if isinstance(value, str) else None
    return [] if found is None else [found]


def _flag(point: str, value: Any, meaning: dict[bool, Any]) -> list[Value]:
    known = flag_or_none(value)
    return [(point, value if known is None else meaning[known])]


def _call(_code: str, value: Any) -> list[Value]:
    """A state that stays until it is taken back: while it is true, somebody calls."""
    known = flag_or_none(value)
    if known is None:
        return [("sos", value)]
    return [("press", "sos"), ("sos", True)] if known else [("sos", False)]


_READERS: dict[str, Callable[[str, Any], list[Value]]] = {
    **dict.fromkeys(CALLS, _call),
    **dict.fromkeys(CONTACTS, _contact),
    **dict.fromkeys(FLAGS, _alarm),
    **dict.fromkeys(BATTERIES, _percent),
    "battery_state": _battery_state,
    **dict.fromkeys(_ENUMS, _word),
}
