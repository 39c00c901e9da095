"""Shelly's generations two to four over MQTT: `{id}/events/rpc`, `{id}/status/…`, `{id}/online`.

`NotifyEvent` carries presses of inputs and of Bluetooth buttons behind the device; `NotifyStatus`,
`NotifyFullStatus` and the topics `status/…` carry states of components.
"""

import re
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
from device_drivers.loose import Value, answer, checked, flag, json_or_text, numbered
from device_drivers.message import Message
from device_drivers.moments import EARLIEST_MS, LATEST_MS
from device_drivers.names import is_name
from device_drivers.points import number_or_none, shown

NAME = "shelly_gen2"
SCHEME = "shelly"
SHAPE = "{id}/events/rpc, {id}/status/{component} or {id}/online"
OLD_BASE = "shellies/"  # many owners keep the first generation's base as prefix
COMPONENT = re.compile(r"[a-z_0-9]{1,40}(:\d{1,5})?")
BLUETOOTH = re.compile(r"(bthomedevice|bthomesensor|blutrv):\d{1,5}")

# Events of inputs (`…_push`) and of BTHome buttons, in the words of both documents.
PRESS_OF_EVENT = {
    **dict.fromkeys(("single_push", "press", "single_press"), "single"),
    **dict.fromkeys(("double_push", "double_press"), "double"),
    **dict.fromkeys(("triple_push", "triple_press"), "triple"),
    **dict.fromkeys(("long_push", "long_press", "hold_press"), "long"),
    **dict.fromkeys(("long_double_push", "long_double_press"), "long"),
    **dict.fromkeys(("long_triple_push", "long_triple_press"), "long"),
}
Body = dict[str, Any]


def receive(message: Message, _documents: Documents = no_documents) -> Decoded | Refused:
    """One message of a device of a later generation."""
    device, _, leaf = message.topic.removeprefix(OLD_BASE).partition("/")
    is_known = leaf in ("events/rpc", "online") or leaf.startswith("status/")
    if not is_name(device) or not is_known:
        return Refused(f"topic {shown(message.topic)}: expected {SHAPE}", driver=NAME)
    address = f"{SCHEME}:{device}"
    try:
        body = json_or_text(message)
        if leaf == "online":
            return _online(address, body)
        if not isinstance(body, dict):
            raise Unreadable(f"expected a JSON object, not {shown(body)}")
        return _notified(device, body) if leaf == "events/rpc" else _status(device, leaf, body)
    except Unreadable as error:
        return Refused(str(error), address, NAME)


def _online(address: str, body: Any) -> Decoded | Refused:
    warnings: list[str] = []
    readings = checked([("online", flag(body))], warnings)
    return answer(NAME, address, readings, warnings)


def _notified(device: str, body: Body) -> Decoded | Refused:
    params = body.get("params")
    if not isinstance(params, dict):
        raise Unreadable(f"params: expected an object, not {shown(params)}")
    events = params.get("events")
    if isinstance(events, list):
        found = [one for one in events if isinstance(one, dict)]
        return _events(device, found, _at_ms(params.get("ts")))
    parts = {key: value for key, value in params.items() if isinstance(value, dict)}
    return _components(device, parts, _at_ms(params.get("ts")))


def _status(device: str, leaf: str, body: Body) -> Decoded | Refused:
    component = leaf.removeprefix("status/")
    if not COMPONENT.fullmatch(component):
        raise Unreadable(f"status of {shown(component)}: expected a component, such as input:0")
    return _components(device, {component: body}, None)


def _at_ms(seconds: Any) -> int | None:
    """Seconds since 1970 with a fraction; a device without a clock sends null or a small number."""
    known = number_or_none(seconds)
    at_ms = 0 if known is None else round(known * 1_000)
    return at_ms if EARLIEST_MS <= at_ms <= LATEST_MS else None


# -- events ---------------------------------------------------------------------------------------


def _events(device: str, events: list[Body], at_ms: int | None) -> Decoded | Refused:
    """Presses; a Bluetooth button behind the device is a device of its own."""
    warnings: list[str] = []
    presses = [one for one in events if _kind(one) is not None]
    sender = _sender(device, [str(one.get("component")) for one in presses])
    values: dict[Value, None] = dict.fromkeys(("press", _kind(one)) for one in presses)
    if presses:
        own_ms = _at_ms(presses[0].get("ts"))
        at_ms = at_ms if own_ms is None else own_ms
    readings = checked(values, warnings, at_ms)
    gateway = None if sender == device else device
    return answer(NAME, f"{SCHEME}:{sender}", readings, warnings, gateway=gateway)


def _kind(event: Body) -> str | None:
    """How it was pressed; None for an edge (`btn_down`), and for what is not about a button."""
    word = event.get("event")
    return PRESS_OF_EVENT.get(word) if isinstance(word, str) else None


def _sender(device: str, components: list[str]) -> str:
    own = set(components)
    only = own.pop() if len(own) == 1 else ""
    return f"{device}/{only}" if BLUETOOTH.fullmatch(only) else device


# -- states ---------------------------------------------------------------------------------------


def _components(device: str, parts: dict[str, Body], at_ms: int | None) -> Decoded | Refused:
    warnings: list[str] = []
    sender = _sender(device, list(parts))
    values = _bluetooth(parts) if sender != device else _own(parts)
    readings = checked(values, warnings, at_ms)
    gateway = None if sender == device else device
    return answer(NAME, f"{SCHEME}:{sender}", readings, warnings, gateway=gateway)


def _bluetooth(parts: dict[str, Body]) -> list[Value]:
    """A Bluetooth device's own state; what a sensor of it measures only its configuration says."""
    values: list[Value] = []
    for said in parts.values():
        values.append(("battery", number_or_none(said.get("battery"))))
        values.append(("rssi", number_or_none(said.get("rssi"))))
    return values


def _own(parts: dict[str, Body]) -> list[Value]:
    return [
        *numbered("uses", _counts(parts)),
        *_power(_first(parts, "devicepower:")),
        ("temperature", number_or_none(_first(parts, "temperature:").get("tC"))),
        ("humidity", number_or_none(_first(parts, "humidity:").get("rh"))),
        ("rssi", number_or_none(_first(parts, "wifi").get("rssi"))),
    ]


def _first(parts: dict[str, Body], kind: str) -> Body:
    return next((parts[key] for key in sorted(parts) if key.startswith(kind)), {})


def _counts(parts: dict[str, Body]) -> list[Any]:
    """Totals of inputs that count, in the order of their numbers."""
    found: dict[int, Any] = {}
    for key, said in parts.items():
        counts = said.get("counts")
        channel = key.removeprefix("input:")
        if isinstance(counts, dict) and channel.isdecimal() and counts.get("total") is not None:
            found[int(channel[:5])] = counts["total"]
    return [found[channel] for channel in sorted(found)]


def _power(said: Body) -> list[Value]:
    battery = said.get("battery")
    if not isinstance(battery, dict):
        return []
    return [
        ("battery", number_or_none(battery.get("percent"))),
        ("battery_v", number_or_none(battery.get("V"))),
    ]


DRIVER = Driver(
    name=NAME,
    families=("button", "counter", "gateway"),
    maker="any",
    models=("*",),
    transport="shelly-gen2",
    points=(
        *("press", "uses", *(f"uses_{channel}" for channel in range(1, 17))),
        *("battery", "battery_v", "rssi", "temperature", "humidity", "online"),
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "its output could show it, but nobody knows what else hangs on the output"),
    tested="frames",
    receive=receive,
    topics=(
        *("+/events/rpc", "+/status/+", "+/online"),
        *("shellies/+/events/rpc", "shellies/+/status/+"),
    ),
    subscriptions=("+/events/rpc", "+/status/+", "+/online"),  # the first generation has the rest
    topic="unknown/events/rpc",
)
