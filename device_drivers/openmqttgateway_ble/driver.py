"""Bluetooth devices behind OpenMQTTGateway or Theengs Gateway: `home/{gateway}/BTtoMQTT/{mac}`.

The gateway decodes advertisements with the Theengs decoder, whose properties have one meaning
over all models (decoder.theengs.io); BTHome's bytes are decoded here where they come along.
"""

import re
from typing import Any, NamedTuple

from device_drivers.bits import from_hex
from device_drivers.bthome import read_bthome
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
    json_or_text,
    number,
    open_or_closed,
)
from device_drivers.message import Message
from device_drivers.moments import unix_s_ms
from device_drivers.names import is_name, read_id
from device_drivers.payload import json_object
from device_drivers.points import shown

NAME = "openmqttgateway_ble"
SCHEME = "ble"
SHAPE = "home/{gateway}/BTtoMQTT/{mac} or home/{gateway}/LWT"
DEVICES, WILL, OWN_STATE = "BTtoMQTT", "LWT", "SYStoMQTT"
ONLINE = {"online": True, "offline": False}
_MAC = re.compile(r"[0-9A-Fa-f]{12}")

# What Theengs says of a button; 0 is none (a beacon between presses), 10 a release.
PRESS_OF_CODE = {
    1: "single",
    2: "double",
    3: "triple",
    4: "quadruple",
    5: "many",
    9: "long",
    11: "long",
}
NO_PRESS_CODES = (0, 10)
_BUTTON = re.compile(r"button\d?")
CONTACT_KEYS = ("contact", "open", "opening", "door", "window", "garage_door")
STILL_OPEN = "timeout not closed"  # SwitchBot: open for longer than its alarm time
COVERS = "WCVR"  # type of curtains and blinds, whose `open` is a position
MEASURES = {
    "batt": "battery",
    "volt": "battery_v",
    "tempc": "temperature",
    "hum": "humidity",
    "rssi": "rssi",
}
FLAGS = {
    "lowbatt": "battery_low",
    "motion": "motion",
    "occupancy": "occupancy",
    "presence": "occupancy",
    "tamper": "tamper",
    "vibration": "vibration",
}
BTHOME_UUID = re.compile(r"(0x|0000)?fcd2(-0000-1000-8000-00805f9b34fb)?")
TOLD = ("press", "contact")  # points that make two messages with one packet number differ


class Said(NamedTuple):
    """What one message comes to, before it is checked."""

    values: list[Value]
    packet: Any = None
    at_ms: int | None = None


def receive(message: Message, _documents: Documents = no_documents) -> Decoded | Refused:
    """One message of a gateway, about itself or about a device that it heard."""
    levels = message.topic.split("/")
    if len(levels) < 3 or levels[0] != "home" or not is_name(levels[1]):
        return Refused(f"topic {shown(message.topic)}: expected {SHAPE}", driver=NAME)
    gateway, leaf = levels[1], levels[2]
    if leaf == DEVICES:
        return _device(gateway, levels[-1], message)
    if leaf == WILL:
        return _will(gateway, message)
    return Decoded(NAME, f"{SCHEME}:{gateway}", "gateway", ())


def _will(gateway: str, message: Message) -> Decoded | Refused:
    address = f"{SCHEME}:{gateway}"
    try:
        body = json_or_text(message)
    except Unreadable as error:
        return Refused(str(error), address, NAME, "gateway")
    if not isinstance(body, str) or body not in ONLINE:
        reason = f"LWT: expected online or offline, not {shown(body)}"
        return Refused(reason, address, NAME, "gateway")
    readings = checked([("online", ONLINE[body])], [])
    return Decoded(NAME, address, "gateway", readings)


def _device(gateway: str, last_level: str, message: Message) -> Decoded | Refused:
    mac: str | None = None
    try:
        mac = _mac(last_level)
        body = json_object(message)
        mac = mac or _mac(body.get("id")) or _mac(body.get("mac"))
        if mac is None:
            raise Unreadable("no address of a device, neither in the topic nor as `id`")
        return _said(gateway, f"{SCHEME}:{mac}", body)
    except Unreadable as error:
        return Refused(str(error), mac and f"{SCHEME}:{mac}", NAME)


def _mac(value: Any) -> str | None:
    """Twelve hex digits in capitals, with or without colons; None if it is something else."""
    digits = value.replace(":", "") if isinstance(value, str) else ""
    return digits.upper() if _MAC.fullmatch(digits) else None


def _said(gateway: str, address: str, body: dict[str, Any]) -> Decoded | Refused:
    if body.get("encr"):
        raise Unreadable("encrypted; the gateway must be given the device's key")
    warnings: list[str] = []
    said = _merged(_bthome(body, warnings), _theengs(body, warnings))
    readings = checked(said.values, warnings, said.at_ms)
    told = [str(one.value) for one in readings if one.point in TOLD]
    return answer(
        NAME, address, readings, warnings, id=_id(said.packet, told, warnings), gateway=gateway
    )


def _id(packet: Any, told: list[str], warnings: list[str]) -> str | None:
    """The packet's number counts to 255 only: what it tells makes it the message's own."""
    if packet is None:
        return None
    try:
        return ":".join([read_id(packet), *told])
    except Unreadable as error:
        warnings.append(f"packet: {error}")
        return None


def _merged(bytes_say: Said, gateway_says: Said) -> Said:
    """Both may tell the same: the device's own bytes come first."""
    known = {point for point, _ in bytes_say.values}
    more = [(point, value) for point, value in gateway_says.values if point not in known]
    packet = gateway_says.packet if bytes_say.packet is None else bytes_say.packet
    return Said([*bytes_say.values, *more], packet, bytes_say.at_ms)


def _bthome(body: dict[str, Any], warnings: list[str]) -> Said:
    uuid, data = body.get("servicedatauuid"), body.get("servicedata")
    if not (isinstance(uuid, str) and isinstance(data, str)):
        return Said([])
    if not BTHOME_UUID.fullmatch(uuid.lower()):
        return Said([])
    try:
        heard = read_bthome(from_hex(data))
        at_ms = None if heard.unix_s is None else unix_s_ms(heard.unix_s)
    except Unreadable as error:
        warnings.append(str(error))
        return Said([])
    warnings += heard.warnings
    return Said(list(heard.values), heard.packet, at_ms)


def _theengs(body: dict[str, Any], warnings: list[str]) -> Said:
    values = [*_presses(body, warnings), *_contact(body)]
    values += [(point, flag(body[key])) for key, point in FLAGS.items() if key in body]
    values += [(point, number(body[key])) for key, point in MEASURES.items() if key in body]
    return Said(values, body.get("packet"))


def _presses(body: dict[str, Any], warnings: list[str]) -> list[Value]:
    """Every kind of press once: the buttons of a remote come as `button1` … `button4`."""
    codes = [(key, value) for key, value in body.items() if _BUTTON.fullmatch(key)]
    kinds: dict[str, None] = {}
    for key, code in codes:
        kind = PRESS_OF_CODE.get(code) if type(code) is int else None
        if kind is not None:
            kinds[kind] = None
        elif type(code) is not int or code not in NO_PRESS_CODES:
            warnings.append(f"{key}: {shown(code)} is no press that Theengs lists")
    return [("press", kind) for kind in kinds]


def _contact(body: dict[str, Any]) -> list[Value]:
    for key in CONTACT_KEYS:
        value = body.get(key)
        if value == STILL_OPEN:
            return [("contact", "open")]
        if value is not None and not _is_position(key, value, body):
            return [("contact", open_or_closed(value))]
    return []


def _is_position(key: str, value: Any, body: dict[str, Any]) -> bool:
    """A blind or curtain says how far it is open, in percent."""
    return key == "open" and (body.get("type") == COVERS or type(value) in (int, float))


DRIVER = Driver(
    name=NAME,
    families=("button", "door", "counter", "gateway"),
    maker="any",
    models=("*",),
    transport="openmqttgateway-ble",
    points=(
        *("press", "contact", *(f"contact_{channel}" for channel in range(1, 17))),
        *("uses", *(f"uses_{channel}" for channel in range(1, 17))),
        *("tamper", "vibration", "motion", "occupancy"),
        *("battery", "battery_v", "battery_low", "rssi", "temperature", "humidity", "online"),
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "these devices only advertise; nothing can be sent to them"),
    tested="frames",
    receive=receive,
    topics=("home/+/BTtoMQTT/#", "home/+/LWT", "home/+/SYStoMQTT"),
    topic="home/OpenMQTTGateway/BTtoMQTT/000000000000",
)
