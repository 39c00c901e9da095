"""Shelly's first generation over MQTT: `shellies/{id}/…`, one value on a topic.

Buttons and inputs say `{"event": "S", "event_cnt": 57}`, door sensors `open` and `close`; `info`
and `status` repeat everything as one document; `announce` says what a device is.
"""

import re
from typing import Any

from device_drivers.driver import (
    Announcement,
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
    json_or_text,
    number,
    open_or_closed,
)
from device_drivers.message import Message
from device_drivers.moments import unix_s_ms
from device_drivers.names import is_name, read_id
from device_drivers.points import shown

NAME = "shelly_gen1"
SCHEME = "shelly"
SHAPE = "shellies/{id}/…"
ANNOUNCE = "announce"
DOCUMENTS = ("info", "status")
COMMANDS = ("command", "set")

PRESS_OF_EVENT = {
    "S": "single",
    "SS": "double",
    "SSS": "triple",
    "L": "long",
    "SL": "long",  # a short push and a long one
    "LS": "long",
}
LONG_PUSH = {"0": "single", "1": "long"}
NUMBERED_LEAF = re.compile(r"(input_event|longpush)/(\d{1,2})")

MEASURES = {
    "sensor/battery": "battery",
    "sensor/temperature": "temperature",
    "sensor/humidity": "humidity",
}
FLAGS = {"sensor/vibration": "vibration", "sensor/motion": "motion", "online": "online"}
Body = dict[str, Any]


def receive(message: Message, _documents: Documents = no_documents) -> Decoded | Refused:
    """One message of a device of the first generation."""
    device, _, leaf = message.topic.removeprefix("shellies/").partition("/")
    if device == ANNOUNCE and not leaf:
        return _announced(None, message)
    if not message.topic.startswith("shellies/") or not is_name(device) or not leaf:
        return Refused(f"topic {shown(message.topic)}: expected {SHAPE}", driver=NAME)
    address = f"{SCHEME}:{device}"
    if leaf.rpartition("/")[2] in COMMANDS:
        reason = f"topic {shown(message.topic)}: a command to a device, not its word"
        return Refused(reason, address, NAME)
    if leaf == ANNOUNCE:
        return _announced(address, message)
    try:
        return _said(address, leaf, json_or_text(message))
    except Unreadable as error:
        return Refused(str(error), address, NAME)


def _announced(address: str | None, message: Message) -> Decoded | Refused:
    try:
        body = json_or_text(message)
        device = body.get("id") if isinstance(body, dict) else None
        if not isinstance(device, str) or not is_name(device):
            raise Unreadable(
                f"announce: expected an object with the device's id, not {shown(body)}"
            )
    except Unreadable as error:
        return Refused(str(error), address, NAME)
    address = f"{SCHEME}:{device}"
    model = body.get("model")
    news = Announcement(
        address,
        ANNOUNCE,
        {"model": model} if isinstance(model, str) else {"id": device},
        address=address,
        maker="Shelly",
        model=model if isinstance(model, str) else None,
    )
    return Decoded(NAME, address, None, (), announcements=(news,))


def _said(address: str, leaf: str, body: Any) -> Decoded | Refused:
    warnings: list[str] = []
    if leaf in DOCUMENTS and isinstance(body, dict):
        readings = checked(_document(body), warnings, _at_ms(body))
        return answer(NAME, address, readings, warnings)
    numbered = NUMBERED_LEAF.fullmatch(leaf)
    if numbered is None:
        return answer(NAME, address, checked(_single(leaf, body), warnings), warnings)
    if numbered[1] == "longpush":
        values = _press(LONG_PUSH.get(str(body)), f"{leaf}: {shown(body)}", warnings)
        return answer(NAME, address, checked(values, warnings), warnings)
    return _input_event(address, leaf, body)


def _input_event(address: str, leaf: str, body: Any) -> Decoded | Refused:
    """`event_cnt` counts the events: a device repeats its last one, and then it is the same."""
    if not isinstance(body, dict):
        raise Unreadable(f"{leaf}: expected a JSON object, not {shown(body)}")
    warnings: list[str] = []
    event = body.get("event")
    values: list[Value] = []
    if event != "":  # before its first event, and after a start, there is none
        kind = PRESS_OF_EVENT.get(event) if isinstance(event, str) else None
        values = _press(kind, f"{leaf}: event {shown(event)}", warnings)
    readings = checked(values, warnings)
    own_id = _id(leaf, body.get("event_cnt"), warnings) if readings else None
    return answer(NAME, address, readings, warnings, id=own_id)


def _id(leaf: str, count: Any, warnings: list[str]) -> str | None:
    if count is None:
        return None
    try:
        return f"{leaf}:{read_id(count)}"
    except Unreadable as error:
        warnings.append(f"event_cnt: {error}")
        return None


def _press(kind: str | None, otherwise: str, warnings: list[str]) -> list[Value]:
    if kind is None:
        warnings.append(f"{otherwise} is no press that Shelly lists")
        return []
    return [("press", kind)]


def _single(leaf: str, body: Any) -> list[Value]:
    """One value on a topic of its own; everything else is a sign of life."""
    if leaf == "sensor/state":
        return [("contact", open_or_closed(body))]
    if leaf in FLAGS:
        return [(FLAGS[leaf], flag(body))]
    return [(MEASURES[leaf], number(body))] if leaf in MEASURES else []


def _at_ms(body: Body) -> int | None:
    """`unixtime` is 0 while the device does not know the time."""
    seconds = body.get("unixtime", body.get("timestamp"))
    try:
        return unix_s_ms(seconds) if type(seconds) is int else None
    except Unreadable:
        return None


def _document(body: Body) -> list[Value]:
    """The whole state. Events of inputs are left out: each came on its own topic."""
    sensor, battery = _part(body, "sensor"), _part(body, "bat")
    climate = _part(body, "tmp")
    vibration = _part(body, "accel").get("vibration", sensor.get("vibration"))
    degrees = climate.get("tC", climate.get("value")) if climate.get("is_valid", True) else None
    return [
        ("contact", _contact(sensor)),
        ("vibration", _or_none(flag, vibration)),
        ("motion", _or_none(flag, sensor.get("motion", body.get("motion")))),
        ("battery", _or_none(number, battery.get("value"))),
        ("battery_v", _or_none(number, battery.get("voltage"))),
        ("temperature", None if climate.get("units") == "F" and "tC" not in climate else degrees),
        ("humidity", _or_none(number, _part(body, "hum").get("value"))),
        ("rssi", _or_none(number, _part(body, "wifi_sta").get("rssi"))),
    ]


def _contact(sensor: Body) -> Any:
    if "state" not in sensor or not sensor.get("is_valid", True):
        return None
    return open_or_closed(sensor["state"])


def _part(body: Body, key: str) -> Body:
    found = body.get(key)
    return found if isinstance(found, dict) else {}


def _or_none(read: Any, value: Any) -> Any:
    return None if value is None else read(value)


DRIVER = Driver(
    name=NAME,
    families=("button", "door", "counter"),
    maker="any",
    models=("*",),
    transport="shelly-gen1",
    points=(
        *("press", "contact", "vibration", "motion", "battery", "battery_v", "rssi"),
        *("temperature", "humidity", "online"),
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "its relay could show it, but nobody knows what else hangs on the relay"),
    tested="frames",
    receive=receive,
    topics=("shellies/#",),
    topic="shellies/unknown/sensor/state",
)
