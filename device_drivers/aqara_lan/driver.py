"""Aqara's gateway on the local network: JSON whose `data` is JSON in a string.

The gateway sends datagrams to its neighbours, not MQTT; a forwarder publishes each of them as it
is on `aqara/{gateway}`. `sid` is the device, `model` says what it is.
"""

from json import loads
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
from device_drivers.loose import Value, answer, checked, number
from device_drivers.message import Message
from device_drivers.names import is_name
from device_drivers.payload import json_object
from device_drivers.points import number_or_none, shown

NAME = "aqara_lan"
SCHEME = "aqara"
SHAPE = "aqara/{gateway}"
SAYS = ("report", "heartbeat", "read_ack", "write_ack")
PRESS_OF_CLICK = {
    "click": "single",
    "double_click": "double",
    "triple_click": "triple",
    "long_click": "long",
    "long_click_press": "long",
    "both_click": "single",
}
NO_PRESS = ("long_click_release",)
CHANNELS = ("status", "channel_0", "channel_1", "dual_channel", "button_0", "button_1")
CONTACTS = {"open": "open", "close": "closed", "closed": "closed"}
HUNDREDTHS = 100
VERSION_2 = {
    "window_status": "status",
    "motion_status": "status",
    "vibration_status": "status",
    "battery_voltage": "voltage",
}
Body = dict[str, Any]


def receive(message: Message, _documents: Documents = no_documents) -> Decoded | Refused:
    """One datagram of a gateway, as a forwarder published it."""
    begin, _, gateway = message.topic.partition("/")
    if begin != SCHEME or not is_name(gateway):
        return Refused(f"topic {shown(message.topic)}: expected {SHAPE}", driver=NAME)
    address: str | None = None
    try:
        body = json_object(message)
        sid = body.get("sid")
        if not isinstance(sid, str) or not is_name(sid):
            raise Unreadable(f"sid: expected the device, not {shown(sid)}")
        address = f"{SCHEME}:{sid}"
        return _said(address, gateway, body)
    except Unreadable as error:
        return Refused(str(error), address, NAME)


def _said(address: str, gateway: str, body: Body) -> Decoded | Refused:
    model = body.get("model")
    if body.get("cmd") not in SAYS or not isinstance(model, str):
        return Decoded(NAME, address, None, (), gateway=gateway)
    warnings: list[str] = []
    data = _renamed(body["params"]) if "params" in body else _data(body.get("data"))
    readings = checked(_values(model, data), warnings)
    own_gateway = None if model == "gateway" else gateway
    return answer(NAME, address, readings, warnings, gateway=own_gateway)


def _data(text: Any) -> Body:
    """The document inside: text, in newer firmware an object."""
    if isinstance(text, dict):
        return text
    try:
        data = loads(text) if isinstance(text, str) else text
    except RecursionError:
        raise Unreadable("data is nested too deep") from None
    except ValueError as error:
        raise Unreadable(f"data is not JSON: {error}") from None
    if isinstance(data, dict):
        return data
    raise Unreadable(f"data: expected a JSON object in text, not {shown(data)}")


def _renamed(params: Any) -> Body:
    """Version 2 of the protocol has a list of objects, and longer names."""
    if not isinstance(params, list):
        raise Unreadable(f"params: expected a list, not {shown(params)}")
    found: Body = {}
    for one in params:
        if isinstance(one, dict):
            found.update({_short(key): value for key, value in one.items()})
    return found


def _short(key: str) -> str:
    return VERSION_2.get(key, key)


def _values(model: str, data: Body) -> list[Value]:
    values = [*_presses(model, data), *_states(model, data)]
    if "battery" in data:
        values.append(("battery", number(data["battery"])))
    millivolts = number_or_none(number(data.get("voltage")))
    if millivolts is not None and model != "plug":
        values.append(("battery_v", millivolts / 1_000))
    return values + _climate(data)


def _presses(model: str, data: Body) -> list[Value]:
    if not any(word in model for word in ("switch", "86sw", "remote")):
        return []
    clicks = [data[key] for key in CHANNELS if key in data]
    kinds = dict.fromkeys(
        PRESS_OF_CLICK.get(click, "") for click in clicks if isinstance(click, str)
    )
    return [("press", kind) for kind in kinds if kind]


def _states(model: str, data: Body) -> list[Value]:
    status = data.get("status")
    if "magnet" in model:
        if "no_close" in data:  # seconds for which it has been open
            return [("contact", "open")]
        return [("contact", CONTACTS[status])] if status in CONTACTS else []
    if "motion" in model:
        if "no_motion" in data:
            return [("motion", False)]
        return [("motion", True)] if status == "motion" else []
    if "vibration" in model and status == "vibrate":
        return [("vibration", True)]
    return []


def _climate(data: Body) -> list[Value]:
    values: list[Value] = []
    for point in ("temperature", "humidity"):
        hundredths = number_or_none(number(data.get(point)))
        if hundredths is not None:
            values.append((point, hundredths / HUNDREDTHS))
    return values


DRIVER = Driver(
    name=NAME,
    families=("button", "door", "counter"),
    maker="any",
    models=("*",),
    transport="aqara-lan",
    points=(
        *("press", "contact", "motion", "vibration", "battery", "battery_v"),
        *("temperature", "humidity"),
    ),
    expected_silence_s=3 * 3_600,
    heard=Heard("none", "the gateway's light and sound need its key; the buttons show nothing"),
    tested="frames",
    receive=receive,
    topics=("aqara/+",),
    topic="aqara/unknown",
)
