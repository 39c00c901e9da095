"""CTWing (AEP), China Telecom's platform: what it pushes, published by a forwarder as it is.

The platform calls an HTTP address; a forwarder publishes the body on `ctwing/{anything}`.
`payload` holds a product's own properties, or `APPdata`: base64 of the device's own bytes.
"""

from json import loads
from typing import Any

from device_drivers.bits import from_base64
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
from device_drivers.reading import Reading

NAME = "ctwing"
SHAPE = "ctwing/{anything}"
DATA, EVENT, ONLINE = "dataReport", "eventReport", "deviceOnlineOfflineReport"
IS_ONLINE = {1: True, 0: False, "1": True, "0": False}
Body = dict[str, Any]


def receive(message: Message, _documents: Documents = no_documents) -> Decoded | Refused:
    """One push of the platform."""
    if not message.topic.startswith("ctwing/"):
        return Refused(f"topic {shown(message.topic)}: expected {SHAPE}", driver=NAME)
    address: str | None = None
    try:
        body = json_object(message)
        device = body.get("deviceId") or body.get("IMEI")
        if not isinstance(device, str) or not is_name(device):
            raise Unreadable(f"deviceId: expected the device, not {shown(device)}")
        address = f"{NAME}:{device}"
        return _said(address, body)
    except Unreadable as error:
        return Refused(str(error), address, NAME)


def _said(address: str, body: Body) -> Decoded | Refused:
    warnings: list[str] = []
    at_ms = moment_or_none(body.get("timestamp"))
    kind = body.get("messageType")
    if kind == DATA:
        readings = _data(body.get("payload"), at_ms, warnings)
    elif kind == EVENT:
        readings = _event(body, at_ms, warnings)
    elif kind == ONLINE and body.get("eventType") in IS_ONLINE:
        readings = list(checked([("online", IS_ONLINE[body["eventType"]])], warnings, at_ms))
    else:
        readings = []
    return answer(NAME, address, tuple(readings), warnings, network_ms=at_ms)


def _data(payload: Any, at_ms: int | None, warnings: list[str]) -> list[Reading]:
    if not isinstance(payload, dict):
        raise Unreadable(f"payload: expected an object, not {shown(payload)}")
    if isinstance(payload.get("APPdata"), str):
        payload = _own_document(payload["APPdata"])
    service = payload.get("serviceData")
    found = service if isinstance(service, dict) else payload
    return read_properties([Named(key, value, at_ms) for key, value in found.items()], warnings)


def _own_document(text: str) -> Body:
    """The device's own bytes, where they are JSON."""
    raw = from_base64(text)
    try:
        document = loads(raw)
    except (ValueError, RecursionError):
        document = None
    if isinstance(document, dict):
        return document
    raise Unreadable(f"APPdata: {len(raw)} bytes in the product's own format, which is not known")


def _event(body: Body, at_ms: int | None, warnings: list[str]) -> list[Reading]:
    content = body.get("eventContent", body.get("payload"))
    if not isinstance(content, dict):
        raise Unreadable(f"eventContent: expected an object, not {shown(content)}")
    service = body.get("serviceId")
    return read_event(service if isinstance(service, str) else "", content, at_ms, warnings)


DRIVER = Driver(
    name=NAME,
    families=("button", "door", "counter"),
    maker="any",
    models=("*",),
    transport="ctwing-http-push",
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
    heard=Heard("none", "commands go through the platform's own HTTP interface"),
    tested="frames",
    receive=receive,
    topics=("ctwing/#",),
    topic="ctwing/push",
)
