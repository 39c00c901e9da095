"""Tuya: devices that speak TuyaLink (`tylink/{device}/thing/…`), and pushed status sets.

A status set (`{"status": [{"code", "value", "t"}]}`) is what Tuya's cloud pushes; a forwarder may
publish it as it is on `tuya/{device}/status`.
"""

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
from device_drivers.loose import answer, checked
from device_drivers.message import Message
from device_drivers.named import (
    VALUES_MAX,
    Named,
    moment_or_none,
    read_event,
    read_properties,
    unwrapped,
)
from device_drivers.names import is_name
from device_drivers.payload import json_object
from device_drivers.points import shown
from device_drivers.reading import Reading
from device_drivers.tuya.codes import values_of

NAME = "tuya"
SHAPE = "tylink/{device}/thing/property/report, …/thing/event/trigger or tuya/{device}/status"
STATUS, PROPERTY, EVENT = (
    ("status",),
    ("thing", "property", "report"),
    ("thing", "event", "trigger"),
)
Body = dict[str, Any]


def receive(message: Message, _documents: Documents = no_documents) -> Decoded | Refused:
    """One message of a device, or of the cloud about it."""
    begin, *levels = message.topic.split("/")
    if begin not in ("tylink", NAME) or len(levels) < 2 or not is_name(levels[0]):
        return Refused(f"topic {shown(message.topic)}: expected {SHAPE}", driver=NAME)
    address = f"{NAME}:{levels[0]}"
    try:
        body = json_object(message)
        device = body.get("devId")
        if begin == NAME and isinstance(device, str) and is_name(device):
            address = f"{NAME}:{device}"
        return _said(address, tuple(levels[1:]), body)
    except Unreadable as error:
        return Refused(str(error), address, NAME)


def _said(address: str, leaf: tuple[str, ...], body: Body) -> Decoded | Refused:
    warnings: list[str] = []
    at_ms = moment_or_none(body.get("time", body.get("t")))
    if leaf == STATUS:
        readings = _readings(_status(body.get("status"), at_ms), warnings)
    elif leaf == PROPERTY:
        readings = _readings(_data(body.get("data"), at_ms), warnings)
    elif leaf == EVENT:
        readings = _event(body.get("data"), at_ms, warnings)
    else:
        return Decoded(NAME, address, None, ())
    return answer(NAME, address, tuple(readings), warnings)


def _status(status: Any, at_ms: int | None) -> list[Named]:
    if not isinstance(status, list):
        raise Unreadable(f"status: expected a list, not {shown(status)}")
    found = []
    for one in status[:VALUES_MAX]:
        code = one.get("code") if isinstance(one, dict) else None
        if isinstance(code, str):
            found.append(Named(code, one.get("value"), moment_or_none(one.get("t")) or at_ms))
    return found


def _data(data: Any, at_ms: int | None) -> list[Named]:
    if not isinstance(data, dict):
        raise Unreadable(f"data: expected an object, not {shown(data)}")
    return [named for key, value in data.items() for named in unwrapped(key, value, at_ms)]


def _readings(found: list[Named], warnings: list[str]) -> list[Reading]:
    """Standard codes by their table, a product's own codes by the words in them."""
    readings: list[Reading] = []
    others: list[Named] = []
    for named in found[:VALUES_MAX]:
        values = values_of(named.name, named.value)
        if values is None:
            others.append(named)
        else:
            readings += checked(values, warnings, named.at_ms)
    told = {one.point for one in readings}
    return readings + [one for one in read_properties(others, warnings) if one.point not in told]


def _event(data: Any, at_ms: int | None, warnings: list[str]) -> list[Reading]:
    code = data.get("eventCode") if isinstance(data, dict) else None
    if not isinstance(code, str):
        raise Unreadable(f"data: expected an object with eventCode, not {shown(data)}")
    own_ms = moment_or_none(data.get("eventTime")) or at_ms
    return read_event(code, data.get("outputParams") or {}, own_ms, warnings)


DRIVER = Driver(
    name=NAME,
    families=("button", "door", "counter", "gateway"),
    maker="any",
    models=("*",),
    transport="tuya",
    points=(
        *("press", "sos", "contact", *(f"contact_{channel}" for channel in range(1, 17))),
        *("tamper", "vibration", "motion", "occupancy", "people", "battery", "battery_v"),
        *("battery_low", "rssi", "snr", "lqi", "temperature", "humidity"),
        *(
            f"{point}{channel}"
            for point in ("uses", "rep", "openings", "in", "out")
            for channel in ("", *(f"_{number}" for number in range(1, 17)))
        ),
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "no code that buttons share makes them beep or blink"),
    tested="frames",
    receive=receive,
    topics=("tylink/#", "tuya/+/status"),
    subscriptions=("tylink/+/thing/#", "tuya/+/status"),
    topic="tuya/unknown/status",
)
