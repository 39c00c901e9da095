"""Alink, the protocol of Alibaba Cloud's IoT platform: `/sys/{productKey}/{deviceName}/thing/…`.

Properties and events are named by each product's own model; `named.py` knows the usual words.
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
from device_drivers.loose import answer
from device_drivers.message import Message
from device_drivers.named import (
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

NAME = "alink"
SHAPE = "/sys/{productKey}/{deviceName}/thing/event/…/post"
REPLY = "_reply"
RAW = ("thing", "model", "up_raw")
Body = dict[str, Any]


def receive(message: Message, _documents: Documents = no_documents) -> Decoded | Refused:
    """One message of a device, understood or refused."""
    levels = message.topic.split("/")
    if levels[:2] != ["", "sys"] or len(levels) < 5 or not all(map(is_name, levels[2:4])):
        return Refused(f"topic {shown(message.topic)}: expected {SHAPE}", driver=NAME)
    address = f"{NAME}:{levels[2]}/{levels[3]}"
    leaf = tuple(levels[4:])
    try:
        return _said(address, leaf, message)
    except Unreadable as error:
        return Refused(str(error), address, NAME)


def _said(address: str, leaf: tuple[str, ...], message: Message) -> Decoded | Refused:
    if leaf == RAW:
        raise Unreadable("up_raw: bytes in the product's own format, which only its script knows")
    if leaf[-1].endswith(REPLY) or leaf[:2] != ("thing", "event") or leaf[-1] != "post":
        return Decoded(NAME, address, None, ())
    body = json_object(message)
    params, warnings = body.get("params"), list[str]()
    readings = _read(leaf[2:-1], params, warnings)
    return answer(NAME, address, tuple(readings), warnings)


def _read(event: tuple[str, ...], params: Any, warnings: list[str]) -> list[Reading]:
    if event[:1] == ("property",):
        return read_properties(_properties(params, warnings), warnings)
    if len(event) != 1 or not isinstance(params, dict):
        raise Unreadable(f"params: expected an object, not {shown(params)}")
    at_ms = moment_or_none(params.get("time"))
    return read_event(event[0], params.get("value", params), at_ms, warnings)


def _properties(params: Any, warnings: list[str]) -> list[Named]:
    """`params` themselves, or those of the packs that carry history and the devices behind."""
    found: list[Named] = []
    for part in params if isinstance(params, list) else [params]:
        if not isinstance(part, dict):
            raise Unreadable(f"params: expected an object, not {shown(part)}")
        if part.get("subDevices"):
            warnings.append("subDevices: devices behind this one in a pack are not read")
        packed = part.get("properties")
        for one in packed if isinstance(packed, list) else [packed or part]:
            if isinstance(one, dict):
                found += [named for key, value in one.items() for named in _named(key, value)]
    return found


def _named(key: str, value: Any) -> list[Named]:
    return unwrapped(key, value, None)


DRIVER = Driver(
    name=NAME,
    families=("button", "door", "counter", "gateway"),
    maker="any",
    models=("*",),
    transport="aliyun-alink",
    points=(
        *("press", "contact", *(f"contact_{channel}" for channel in range(1, 17))),
        *("tamper", "vibration", "motion", "occupancy", "people", "battery", "battery_v"),
        *("battery_low", "rssi", "snr", "lqi", "temperature", "humidity"),
        *(
            f"{point}{channel}"
            for point in ("uses", "rep", "openings", "in", "out")
            for channel in ("", *(f"_{number}" for number in range(1, 17)))
        ),
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "what a device can show is each product's own; the reply says only OK"),
    tested="frames",
    receive=receive,
    topics=("/sys/#",),
    subscriptions=("/sys/+/+/thing/event/#",),
    topic="/sys/unknown/unknown/thing/event/property/post",
)
