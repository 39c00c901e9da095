"""JetLinks' own protocol: `/{product}/{device}/properties/report`, `…/event/{id}`, `…/online`.

A gateway speaks for devices behind it as `/{product}/{gateway}/child/{device}/…`.
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
from device_drivers.named import Named, moment_or_none, read_event, read_properties
from device_drivers.names import is_name
from device_drivers.payload import json_object
from device_drivers.points import shown

NAME = "jetlinks"
SHAPE = "/{product}/{device}/… or /{product}/{gateway}/child/{device}/…"
CHILD = ("child", "child-reply")
ONLINE = {("online",): True, ("offline",): False}
PROPERTIES = (("properties", "report"), ("properties", "read", "reply"))
Body = dict[str, Any]


def receive(message: Message, _documents: Documents = no_documents) -> Decoded | Refused:
    """One message of a device, or of a gateway for a device behind it."""
    levels = message.topic.split("/")
    if levels[0] or len(levels) < 4 or not all(map(is_name, levels[1:3])):
        return Refused(f"topic {shown(message.topic)}: expected {SHAPE}", driver=NAME)
    device, gateway, leaf = levels[2], None, tuple(levels[3:])
    if leaf[0] in CHILD and len(leaf) > 2 and is_name(leaf[1]):
        device, gateway, leaf = leaf[1], device, leaf[2:]
    try:
        return _said(f"{NAME}:{device}", gateway, leaf, message)
    except Unreadable as error:
        return Refused(str(error), f"{NAME}:{device}", NAME)


def _said(
    address: str, gateway: str | None, leaf: tuple[str, ...], message: Message
) -> Decoded | Refused:
    warnings: list[str] = []
    if leaf in ONLINE:
        return answer(NAME, address, checked([("online", ONLINE[leaf])], []), [], gateway=gateway)
    if leaf in PROPERTIES:
        body = json_object(message)
        readings = read_properties(_properties(body), warnings)
    elif leaf[0] == "event" and len(leaf) == 2:
        body = json_object(message)
        at_ms = moment_or_none(body.get("timestamp"))
        readings = read_event(leaf[1], body.get("data"), at_ms, warnings)
    else:
        return Decoded(NAME, address, None, (), gateway=gateway)
    return answer(NAME, address, tuple(readings), warnings, gateway=gateway)


def _properties(body: Body) -> list[Named]:
    found = body.get("properties")
    if not isinstance(found, dict):
        raise Unreadable(f"properties: expected an object, not {shown(found)}")
    times = body.get("propertySourceTimes")
    own = times if isinstance(times, dict) else {}
    at_ms = moment_or_none(body.get("timestamp"))
    return [
        Named(key, value, moment_or_none(own.get(key)) or at_ms) for key, value in found.items()
    ]


DRIVER = Driver(
    name=NAME,
    families=("button", "door", "counter", "gateway"),
    maker="any",
    models=("*",),
    transport="jetlinks",
    points=(
        *("press", "contact", *(f"contact_{channel}" for channel in range(1, 17))),
        *("tamper", "vibration", "motion", "occupancy", "people", "battery", "battery_v"),
        *("battery_low", "rssi", "snr", "lqi", "temperature", "humidity", "online"),
        *(
            f"{point}{channel}"
            for point in ("uses", "rep", "openings", "in", "out")
            for channel in ("", *(f"_{number}" for number in range(1, 17)))
        ),
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "what a device can show is each product's own function"),
    tested="frames",
    receive=receive,
    topics=(
        *("/+/+/properties/report", "/+/+/properties/read/reply", "/+/+/event/+"),
        *("/+/+/online", "/+/+/offline", "/+/+/child/#"),
    ),
    topic="/unknown/unknown/properties/report",
)
