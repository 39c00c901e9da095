"""What zigbee2mqtt publishes: `zigbee2mqtt/{name}`, its availability, and the bridge's own words.

The properties are those of its "exposes", which are the same for every model, so this driver knows
no models: `properties.py` reads them, `announced.py` keeps what differs between devices.
"""

from typing import Any

from device_drivers.driver import (
    Decoded,
    Document,
    Documents,
    Driver,
    Heard,
    Publication,
    Refused,
    Sign,
    Unreadable,
    no_documents,
)
from device_drivers.message import Message
from device_drivers.points import CHANNELS_MAX, shown
from device_drivers.reading import Reading
from device_drivers.zigbee2mqtt.announced import BASE, BRIDGE, DEVICE, NAME, announce
from device_drivers.zigbee2mqtt.announced import show as show_sign
from device_drivers.zigbee2mqtt.properties import PROPERTIES, read_properties

TOPIC_CHARACTERS_MAX = 512
ONLINE = {"online": True, "offline": False}
LISTS = ("bridge/devices", "bridge/config/devices")  # the second one until version 1.17
COMMANDS = ("set", "get")


def receive(message: Message, documents: Documents = no_documents) -> Decoded | Refused:
    """One message of zigbee2mqtt, understood or refused."""
    name = message.topic.removeprefix(BASE)
    if name == message.topic or not name or not _is_topic(name):
        return Refused(f"topic {shown(message.topic)}: expected {BASE}{{name}}", driver=NAME)
    if name == "bridge" or name.startswith("bridge/"):
        return _bridge(name, message, documents)
    head, _, tail = name.rpartition("/")
    if head and tail == "availability":
        return _availability(f"{NAME}:{head}", message)
    commanded = _commanded(name)
    if commanded is not None:
        reason = f"topic {shown(message.topic)}: a command to a device, not its word"
        return Refused(reason, f"{NAME}:{commanded}", NAME)
    return _device(name, head, tail, message, documents)


def _commanded(name: str) -> str | None:
    """The device that a command is for: `{name}/set`, `{name}/set/{property}`."""
    levels = name.split("/")
    for place in (-1, -2):
        if len(levels) > -place and levels[place] in COMMANDS:
            return "/".join(levels[:place])
    return None


def _is_topic(name: str) -> bool:
    plain = name.isprintable() and "+" not in name and "#" not in name
    return plain and len(name) <= TOPIC_CHARACTERS_MAX and not name.startswith("/")


def _read(message: Message) -> Any:
    """The payload as JSON, or as the plain text that old versions send."""
    try:
        return message.read_json(message.payload)
    except RecursionError:
        raise Unreadable("the payload is nested too deep") from None
    except ValueError as error:
        try:
            text = bytes(message.payload).decode()
        except UnicodeDecodeError:
            raise Unreadable(f"the payload is neither JSON nor text: {error}") from None
        if not text or not text.isprintable() or text.lstrip()[:1] in ("{", "[", '"'):
            raise Unreadable(f"the payload is not JSON: {error}") from None
        return text


def _online(message: Message) -> bool:
    body = _read(message)
    state = body.get("state") if isinstance(body, dict) else body
    if isinstance(state, str) and state in ONLINE:
        return ONLINE[state]
    raise Unreadable(f"state: expected online or offline, not {shown(state)}")


def _bridge(name: str, message: Message, documents: Documents) -> Decoded | Refused:
    """The bridge's own words; whatever it says, it is there."""
    if name.startswith("bridge/request/"):
        return Refused(f"topic {shown(message.topic)}: a command to the bridge", BRIDGE, NAME)
    said = Decoded(NAME, BRIDGE, "gateway", ())
    try:
        if name == "bridge/state":
            return said._replace(readings=(Reading("online", _online(message)),))
        if name in LISTS:
            return said._replace(announcements=announce(_read(message), documents(BRIDGE)))
    except Unreadable as error:
        return Refused(str(error), BRIDGE, NAME, "gateway")
    return said


def _availability(address: str, message: Message) -> Decoded | Refused:
    try:
        online = Reading("online", _online(message))
    except Unreadable as error:
        return Refused(str(error), address, NAME)
    return Decoded(NAME, address, None, (online,), gateway="bridge")


def _device(
    name: str, head: str, tail: str, message: Message, documents: Documents
) -> Decoded | Refused:
    try:
        body = _read(message)
    except Unreadable as error:
        return Refused(str(error), f"{NAME}:{name}", NAME)
    if not isinstance(body, dict) and head and tail in PROPERTIES:
        name, body = head, {tail: body}
    address = f"{NAME}:{name}"
    if not isinstance(body, dict):
        return Refused(f"expected a JSON object, not {shown(body)}", address, NAME)
    readings, warnings = read_properties(body, documents(address).get(DEVICE) or {})
    if warnings and not readings:
        return Refused("; ".join(warnings), address, NAME)
    return Decoded(NAME, address, None, readings, gateway="bridge", warnings=tuple(warnings))


def show(sign: Sign, topic: str, document: Document) -> Publication | None:
    """The sign as a command to the device, where its announced document names a way."""
    name = topic.removeprefix(BASE)
    head, _, tail = name.rpartition("/")
    if head and tail in ("availability", *PROPERTIES):
        name = head
    return show_sign(sign, name, document) if topic.startswith(BASE) and name else None


DRIVER = Driver(
    name=NAME,
    families=("button", "door", "counter", "gateway"),
    maker="any",
    models=("*",),
    transport="zigbee2mqtt",
    points=(
        "press",
        "contact",
        "tamper",
        "vibration",
        "battery",
        "battery_v",
        "battery_low",
        "lqi",
        "temperature",
        "humidity",
        "occupancy",
        "motion",
        "people",
        "uses",
        *(f"contact_{number}" for number in range(1, CHANNELS_MAX + 1)),
        "online",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("zigbee2mqtt_set", "a light, a beep or a short warning, where the device has one"),
    tested="frames",
    receive=receive,
    show=show,
    topics=("zigbee2mqtt/#",),
    subscriptions=(
        "zigbee2mqtt/+",
        "zigbee2mqtt/+/availability",
        "zigbee2mqtt/bridge/state",
        "zigbee2mqtt/bridge/devices",
        "zigbee2mqtt/bridge/event",
    ),
    topic="zigbee2mqtt/unknown",
)
