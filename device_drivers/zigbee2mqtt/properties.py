"""What a device's properties say: the "exposes" of zigbee2mqtt, which are the same for all models.

Null is "not known", never a value; a property of the wrong kind is left out and said. What differs
between models (a contact the other way round, a voltage in volts, a remote control that knows only
on and off) tells the document that `announced.py` makes of the bridge's list of devices.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from device_drivers.driver import Document, Unreadable
from device_drivers.moments import moment_ms
from device_drivers.points import CHANNELS_MAX, number_or_none, reading, shown
from device_drivers.reading import Reading
from device_drivers.words import press_of as press_of_words
from device_drivers.words import words_of

Body = Mapping[str, Any]
Value = tuple[str, Any]

# A cell's voltage comes in mV or in V, a mains voltage in V: the figure tells them apart.
CELL_MILLIVOLTS_MIN = 500
CELL_MILLIVOLTS_MAX = 60_000
CELL_VOLTS_MAX = 60

# Words of an action that is known and is no press: arming, locking, turning, what a thing does.
NO_PRESS_WORDS = frozenset(
    (
        *("release", "released", "none", "vibration", "arm", "disarm", "exit", "entry", "identify"),
        *("lock", "unlock", "locked", "unlocked", "password", "finger", "fingerprint", "rfid"),
        *("brightness", "brightenss", "color", "colortemp", "temperature", "hue", "saturation"),
        *("move", "step", "stop", "stopped", "store", "rotate", "rotating", "rotation", "dial"),
        *("fall", "tap", "throw", "slide", "wakeup", "flip", "flip90", "flip180", "side", "drop"),
        *("tilt", "static", "orientation", "region", "opening", "closing", "moving", "motion"),
    )
)
SHAKES = frozenset(("vibration", "shake", "triple_strike", "movement", "knock"))
# What a remote control says that is no key: it keeps scenes, or says nothing.
NO_KEYS = frozenset(("add", "remove", "unknown"))
HELD_KEYS = re.compile(r"brightness_move_(?:up|down)")
OF_A_THING = frozenset(("fall", "tap", "strike"))  # what happens to a cube or a vibration sensor
ONLY_A_BUTTON = re.compile(r"button(?:_?[0-9]+)?")

SOS = ("sos", "sos_alarm", "emergency", "panic")
FALLS = {"fall_status": "fall_alarm", "fall_down_status": "fall"}
CONTACTS = ("contact", "garage_door_contact", "dry_contact", "door_state", "opening_state")
CONTACT_WORDS = {
    **dict.fromkeys(("open", "contact_open", "tilted", "error_forced_open"), "open"),
    **dict.fromkeys(("closed", "close", "contact_closed"), "closed"),
}
CONTACT_OF_FLAG = {True: "closed", False: "open"}  # zigbee2mqtt: contact is made = closed
SAME = ("tamper", "battery", "battery_low", "temperature", "humidity", "occupancy", "people")
# property → point and the words for no and yes, where it is no flag
RENAMED: Mapping[str, tuple[str, Mapping[Any, bool]]] = {
    "presence": ("occupancy", {}),
    "presence_state": ("occupancy", {"none": False, "NONE": False}),
    "tamper_alarm": ("tamper", {"ON": True, "OFF": False}),
    "battery_state": ("battery_low", {"low": True, **dict.fromkeys(("middle", "medium"), False)}),
}
BATTERY_IS_WELL = ("high", "usb", "USB", "full")
TOTALS = {"pulse_count": "uses"}
# Single properties that may come on a topic of their own (`output: attribute`, old `…/action`).
PROPERTIES = frozenset(
    (
        *("action", "click", "voltage", "linkquality", *SOS, *FALLS, *CONTACTS, *SAME),
        *(*RENAMED, *TOTALS, "vibration"),
    )
)
_ENDPOINT = re.compile(r"contact_(?:alarm_)?l?([0-9]{1,2})")


def read_properties(body: Body, known: Document) -> tuple[tuple[Reading, ...], list[str]]:
    """Readings of a device's properties, and what had to be left out."""
    readings: list[Reading] = []
    warnings: list[str] = []
    at_ms = _last_seen_ms(body, warnings)
    for read in _READERS:
        for point, value in read(body, known, warnings):
            try:
                readings.append(reading(point, value, at_ms))
            except Unreadable as error:
                warnings.append(str(error))
    return tuple(readings), warnings


def _last_seen_ms(body: Body, warnings: list[str]) -> int | None:
    """Text or milliseconds, as the bridge is told to write it."""
    if body.get("last_seen") is None:
        return None
    try:
        return moment_ms(body["last_seen"])
    except Unreadable as error:
        warnings.append(f"last_seen: {error}")
        return None


def _presses(body: Body, known: Document, warnings: list[str]) -> Iterator[Value]:
    """Presses in `action`, `sos` and their like; those naming the same press make one."""
    kinds = [_action(body.get("action", body.get("click")), known, warnings)]
    kinds += ["sos" for key in SOS if _is_true(key, body, warnings)]
    kinds += ["fall" for key, word in FALLS.items() if body.get(key) == word]
    if _is_true("button_pushed", body, warnings):
        kinds.append("single")
    for kind in dict.fromkeys(kinds):
        if kind is not None:
            yield "press", kind


def _is_true(key: str, body: Body, warnings: list[str]) -> bool:
    value = body.get(key)
    if value not in (None, True, False) or isinstance(value, float):
        warnings.append(f"{key}: expected true or false, not {shown(value)}")
    return value is True


def _action(action: Any, known: Document, warnings: list[str]) -> str | None:
    if action is None or action == "":
        return None  # the reset that follows an action, or a state published again
    if not isinstance(action, str):
        warnings.append(f"action: expected text, not {shown(action)}")
        return None
    kind = press_of(action)
    if kind is None and known.get("remote"):
        kind = _key_of_a_remote(action)
    if kind is None and not _is_no_press(action):
        warnings.append(f"action: {shown(action)} is no press that is known here")
    return kind


def press_of(action: str) -> str | None:
    """How a button was pressed, out of an action's words (`1_double`, `on_press`); None: not.

    `hold` is a long press; `release`, and everything beside it, is none. A cube that falls, or is
    tapped, is no button and nobody's fall.
    """
    if ONLY_A_BUTTON.fullmatch(action):
        return "single"
    return press_of_words(action) if OF_A_THING.isdisjoint(words_of(action)) else None


def _key_of_a_remote(action: str) -> str | None:
    """Whatever key it is, it was pressed (`on`, `scene_2`, `circle`); a dimmer's key is held."""
    if HELD_KEYS.match(action):
        return "long"
    is_key = not _is_no_press(action) and NO_KEYS.isdisjoint(words_of(action))
    return "single" if is_key else None


def _is_no_press(action: str) -> bool:
    return action in SHAKES or not NO_PRESS_WORDS.isdisjoint(words_of(action))


def _contacts(body: Body, known: Document, warnings: list[str]) -> Iterator[Value]:
    for key in CONTACTS:
        value = body.get(key)
        if value is not None:
            yield "contact", _contact(key, value, known)
    for key, value in body.items():
        match = _ENDPOINT.fullmatch(key)
        if match and value is not None and 1 <= int(match[1]) <= CHANNELS_MAX:
            # An alarm input is on when its door is open; an endpoint's contact is as any other.
            is_closed = (not value) if "alarm" in key and isinstance(value, bool) else value
            yield f"contact_{int(match[1])}", _contact("contact", is_closed, {})


def _contact(key: str, value: Any, known: Document) -> Any:
    """Open or closed. Where the model's list says what "on" is, on is open; else true is closed."""
    told = known.get("contact") if key == "contact" else None
    if told:
        for word, state in (("on", "open"), ("off", "closed")):
            if type(value) is type(told.get(word)) and value == told.get(word):
                return state
    if isinstance(value, bool):
        return CONTACT_OF_FLAG[value]
    return CONTACT_WORDS.get(value, value) if isinstance(value, str) else value


def _states(body: Body, _known: Document, warnings: list[str]) -> Iterator[Value]:
    for name in SAME:
        if body.get(name) is not None:
            yield name, body[name]
    for key, (point, words) in RENAMED.items():
        if body.get(key) is not None:
            yield point, _flag(key, body[key], words)
    action = body.get("action")
    if isinstance(body.get("vibration"), bool):  # switches have a setting of the same name
        yield "vibration", body["vibration"]
    elif isinstance(action, str) and action in SHAKES:
        yield "vibration", True
    if action == "motion":
        yield "motion", True


def _flag(key: str, value: Any, words: Mapping[Any, bool]) -> Any:
    """A flag in whichever words the property has; a state that is somebody is yes."""
    if not isinstance(value, str) or not words:
        return value
    if key == "battery_state":
        return False if value in BATTERY_IS_WELL else words.get(value, value)
    return True if key == "presence_state" and value not in words else words.get(value, value)


def _numbers(body: Body, known: Document, _warnings: list[str]) -> Iterator[Value]:
    if body.get("linkquality") is not None:
        yield "lqi", body["linkquality"]
    volts = _cell_volts(body, known)
    if volts is not None:
        yield "battery_v", volts
    for key, point in TOTALS.items():
        if body.get(key) is not None:
            yield point, body[key]


def _cell_volts(body: Body, known: Document) -> float | None:
    voltage = number_or_none(body.get("voltage"))
    if voltage is None:
        return None
    if CELL_MILLIVOLTS_MIN <= voltage <= CELL_MILLIVOLTS_MAX:
        return voltage / 1_000
    has_a_cell = known.get("cell") or any(body.get(key) is not None for key in _OF_A_CELL)
    return voltage if has_a_cell and 0 < voltage <= CELL_VOLTS_MAX else None


_OF_A_CELL = ("battery", "battery_low")
_READERS: tuple[Callable[[Body, Document, list[str]], Iterator[Value]], ...] = (
    _presses,
    _contacts,
    _states,
    _numbers,
)
