"""Radio devices that rtl_433 hears: `rtl_433/{host}/events`, and one value each under `devices/…`.

Keys are those of rtl_433's own list (`docs/DATA_FORMAT`): `battery_ok`, `tamper`, `contact_open`,
`event`. What a frame means differs by model where the makers do: `_MODELS` holds those.
"""

import re
from collections.abc import Callable
from typing import Any

from device_drivers.driver import (
    Decoded,
    Documents,
    Driver,
    Heard,
    Refused,
    Unreadable,
    no_documents,
)
from device_drivers.loose import (
    Value,
    answer,
    checked,
    flag,
    flag_or_none,
    json_or_text,
    number,
    open_or_closed,
)
from device_drivers.message import Message
from device_drivers.moments import text_ms, unix_s_ms
from device_drivers.names import NAME_CHARACTERS_MAX, is_name, read_id
from device_drivers.points import number_or_none, shown

NAME = "rtl_433"
SHAPE = (
    "rtl_433/{host}/events, rtl_433/{host}/devices/{model}/…/{key} or home/{gateway}/RTL_433toMQTT"
)
# What tells one device from another, in the order of rtl_433's own topics. Versions before 2020
# said `device` and `device_type`.
IDENTITY = (("type",), ("model",), ("subtype", "device_type"), ("channel",), ("id", "device"))
SEQUENCES = ("seq", "sequence", "sequence_num", "counter", "encrypted")
_UNSAFE = re.compile(r"[/+#\s]+")
OPEN, CLOSED = "OPEN", "CLOSED"
Body = dict[str, Any]

MEASURES = {
    "temperature_C": "temperature",
    "humidity": "humidity",
    "battery_pct": "battery",
    "battery_V": "battery_v",
}
FLAGS = {"tamper": "tamper", "motion": "motion"}
BATTERY_WORDS = {"OK": False, "LOW": True}
CONTACTS = {"contact_open": True, "opened": True, "closed": False}  # whether 1 is open

# SimpliSafe's sensors have one `state` for all roles: a keychain's panic is a door's opening.
SIMPLISAFE = {1: "open", 2: "closed"}
KEYPAD_PANIC = "Keypad Panic Button"
X10_EVENTS: dict[str, Value] = {
    "DOOR/WINDOW OPEN": ("contact", "open"),
    "DOOR/WINDOW CLOSED": ("contact", "closed"),
    "MOTION TRIPPED": ("motion", True),
    "MOTION READY": ("motion", False),
    "KR15 PANIC": ("press", "sos"),
    "KR15 PANIC-3SECOND": ("press", "sos"),
    "KR18 PANIC": ("press", "sos"),
}
GOVEE_EVENTS: dict[str, Value] = {"Button Press": ("press", "single"), "Open": ("contact", "open")}
GROUPS = ("Interlogix", "SimpliSafe", "X10-Security", "Govee", "Microchip-HCS", "HT680-Remote")


def receive(message: Message, _documents: Documents = no_documents) -> Decoded | Refused:
    """One message of rtl_433, or of OpenMQTTGateway's part of it."""
    levels = message.topic.split("/")
    try:
        if levels[0] == "home" and len(levels) > 2 and levels[2] == "RTL_433toMQTT":
            return _event(levels[1], _object(message))
        if levels[0] != NAME or len(levels) < 3 or not is_name(levels[1]):
            raise Unreadable(f"topic {shown(message.topic)}: expected {SHAPE}")
        if levels[2] == "devices" and len(levels) > 4:
            return _single(levels[1], levels[3:-1], levels[-1], message)
        if levels[2] == "events":
            return _event(levels[1], _object(message))
    except Unreadable as error:
        return Refused(str(error), driver=NAME)
    return Decoded(NAME, f"{NAME}:{levels[1]}", "gateway", ())


def _object(message: Message) -> Body:
    body = json_or_text(message)
    if isinstance(body, dict):
        return body
    raise Unreadable(f"expected a JSON object, not {shown(body)}")


def _address(body: Body) -> str:
    found = [_identity(body, keys) for keys in IDENTITY]
    path = "/".join(part for part in found if part)
    if not path or not path.isprintable():
        raise Unreadable("no model and id: it is not known who sent this")
    return f"{NAME}:{path}"


def _identity(body: Body, keys: tuple[str, ...]) -> str:
    value = next((body[key] for key in keys if key in body), "")
    plain = _UNSAFE.sub("_", value if isinstance(value, str) else str(value))
    return plain[:NAME_CHARACTERS_MAX] if isinstance(value, str | int) else ""


def _single(host: str, path: list[str], key: str, message: Message) -> Decoded | Refused:
    """One value of a device on a topic of its own."""
    address = f"{NAME}:{'/'.join(path)}"
    body = {"model": path[0], key: json_or_text(message)}
    if key == "time" or not all(is_name(part) for part in path):
        return Decoded(NAME, address, None, (), gateway=host)
    warnings: list[str] = []
    readings = checked(_values(body), warnings)
    return answer(NAME, address, readings, warnings, gateway=host)


def _event(host: str, body: Body) -> Decoded | Refused:
    address = _address(body)
    warnings: list[str] = []
    readings = checked(_values(body), warnings, _at_ms(body.get("time")))
    own_id = _id(body, [str(one.value) for one in readings if one.point in ("press", "contact")])
    return answer(NAME, address, readings, warnings, id=own_id, gateway=host)


def _id(body: Body, told: list[str]) -> str | None:
    """The number that the device gave its frame, with what it tells: eight copies have the same.

    Without such a number, copies cannot be told from a second press.
    """
    count = next((body[key] for key in SEQUENCES if key in body), None)
    try:
        return None if count is None else ":".join([read_id(count), *told])
    except Unreadable:
        return None


def _at_ms(time: Any) -> int | None:
    """Seconds since 1970, or text with its zone; local time without a zone tells no moment."""
    try:
        if isinstance(time, str) and time.partition(".")[0].isdecimal():
            return unix_s_ms(int(time.partition(".")[0][:11]))
        if isinstance(time, str):
            return text_ms(_with_colon(time))
        return None
    except Unreadable:
        return None


def _with_colon(time: str) -> str:
    """rtl_433 writes the zone as `+0100`."""
    return re.sub(r"([+-]\d\d)(\d\d)$", r"\1:\2", time, flags=re.ASCII)


# -- values ---------------------------------------------------------------------------------------


def _values(body: Body) -> list[Value]:
    model = body.get("model")
    values = [*_of_model(model if isinstance(model, str) else "", body), *_battery(body)]
    values += _contact(body)
    values += [(point, flag(body[key])) for key, point in FLAGS.items() if key in body]
    values += [(point, number(body[key])) for key, point in MEASURES.items() if key in body]
    millivolts = number_or_none(body.get("battery_mV"))
    if millivolts is not None:
        values.append(("battery_v", millivolts / 1_000))
    return values


def _contact(body: Body) -> list[Value]:
    for key, open_is in CONTACTS.items():
        if key in body:
            return [("contact", open_or_closed(body[key], open_is=open_is))]
    return []


def _battery(body: Body) -> list[Value]:
    """`battery_ok` is 1 or 0; a fraction is how full it is."""
    word = body.get("battery")
    if isinstance(word, str) and word in BATTERY_WORDS:
        return [("battery_low", BATTERY_WORDS[word])]
    level = number(body.get("battery_ok"))
    if not isinstance(level, float) or not 0 <= level <= 1:
        return [("battery_low", body["battery_ok"])] if "battery_ok" in body else []
    if level in (0, 1):
        return [("battery_low", level == 0)]
    return [("battery", round(level * 100, 1))]


def _of_model(model: str, body: Body) -> list[Value]:
    group = next((one for one in GROUPS if model.startswith(one)), "")
    return _MODELS[group](body) if group else []


def _interlogix(body: Body) -> list[Value]:
    """Five latches: of a door sensor the first is the door; the third is every sensor's cover."""
    subtype = body.get("subtype", body.get("device_type"))
    values: list[Value] = []
    if subtype == "contact" and body.get("switch1") in (OPEN, CLOSED):
        values.append(("contact", open_or_closed(body["switch1"])))
    if subtype in ("contact", "motion") and body.get("switch3") in (OPEN, CLOSED):
        values.append(("tamper", body["switch3"] == OPEN))
    return values


def _simplisafe(body: Body) -> list[Value]:
    if body.get("extradata") == KEYPAD_PANIC:
        return [("press", "sos")]
    state = body.get("state")
    return [("contact", SIMPLISAFE[state])] if type(state) is int and state in SIMPLISAFE else []


def _x10(body: Body) -> list[Value]:
    event = body.get("event")
    return [X10_EVENTS[event]] if isinstance(event, str) and event in X10_EVENTS else []


def _govee(body: Body) -> list[Value]:
    event = body.get("event")
    return [GOVEE_EVENTS[event]] if isinstance(event, str) and event in GOVEE_EVENTS else []


def _keyfob(body: Body) -> list[Value]:
    """Such a transmitter sends only while a button is pressed."""
    return [("press", "single")] if flag_or_none(body.get("button")) is not False else []


def _ht680(body: Body) -> list[Value]:
    pressed = any(body.get(f"button{number}") == "PRESSED" for number in range(1, 5))
    return [("press", "single")] if pressed else []


_MODELS: dict[str, Callable[[Body], list[Value]]] = dict(
    zip(GROUPS, (_interlogix, _simplisafe, _x10, _govee, _keyfob, _ht680), strict=True)
)


DRIVER = Driver(
    name=NAME,
    families=("button", "door", "counter", "gateway"),
    maker="any",
    models=("*",),
    transport="rtl_433",
    points=(
        *("press", "contact", "tamper", "motion", "battery", "battery_v", "battery_low"),
        *("temperature", "humidity"),
    ),
    expected_silence_s=3 * 3_600,
    heard=Heard("none", "the receiver only listens; these devices hear nothing"),
    tested="frames",
    receive=receive,
    topics=("rtl_433/#", "home/+/RTL_433toMQTT/#"),
    topic="rtl_433/unknown/events",
)
