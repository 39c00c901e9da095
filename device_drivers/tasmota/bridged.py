"""Devices that a Tasmota bridge speaks for: Zigbee (`ZbReceived`) and LoRaWAN (`LwReceived`)."""

import re
from typing import Any, NamedTuple

from device_drivers.loose import Value, flag, number, open_or_closed, whole_number
from device_drivers.points import shown
from device_drivers.tasmota import words

ZIGBEE, LORA = "ZbReceived", "LwReceived"
RECEIVED = (ZIGBEE, LORA)
SHORT_ADDRESS = re.compile(r"0x[0-9A-Fa-f]{4}")

ZIGBEE_MEASURES = {
    "BatteryPercentage": "battery",
    "BatteryVoltage": "battery_v",
    "LinkQuality": "lqi",
    "Temperature": "temperature",
    "Humidity": "humidity",
}
ZIGBEE_FLAGS = {"Occupancy": "occupancy", "Vibration": "vibration"}
LORA_MEASURES = {
    "Battery": "battery_v",  # the bridge's decoders write volts
    "RSSI": "rssi",
    "SNR": "snr",
    "Temperature": "temperature",
    "Humidity": "humidity",
}
# Bits of an intruder alarm zone's status (Zigbee cluster library, 8.2.2.2.1.3).
TAMPER_BIT = 0x04
BATTERY_LOW_BIT = 0x08
ZONE_STATUS_MAX = 0xFFFF


class Bridged(NamedTuple):
    """One device behind the bridge: its name, and what is said of it."""

    name: str
    said: dict[str, Any]
    is_lora: bool


def find_bridged(body: dict[str, Any], sub: str) -> list[Bridged]:
    """The devices in a message; `sub` is the device's name where the topic tells it."""
    for word in RECEIVED:
        inner = body.get(word)
        if isinstance(inner, dict):
            return _named(inner, sub, is_lora=word == LORA)
    bare = {key: value for key, value in body.items() if SHORT_ADDRESS.fullmatch(key)}
    if bare:  # SetOption100 leaves the outer word away
        return _named(bare, sub, is_lora=any("Node" in one for one in _objects(bare)))
    if sub and ("LinkQuality" in body or "DoorOpen" in body or "Node" in body):
        return [Bridged(sub, body, "LinkQuality" not in body)]
    return []


def _objects(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in found.values() if isinstance(one, dict)]


def _named(inner: dict[str, Any], sub: str, *, is_lora: bool) -> list[Bridged]:
    if "LinkQuality" in inner or "Node" in inner:  # SetOption119 leaves the address away
        return [Bridged(_name(inner, sub), inner, is_lora)] if _name(inner, sub) else []
    return [
        Bridged(_name(said, key), said, is_lora)
        for key, said in inner.items()
        if isinstance(said, dict)
    ]


def _name(said: dict[str, Any], otherwise: str) -> str:
    """The name that its owner gave it: it stays when the network gives a new address."""
    name = said.get("Name")
    return name if isinstance(name, str) and name else otherwise


def values_of(device: Bridged, warnings: list[str]) -> list[Value]:
    """What is said of one device, unchecked."""
    return _lora(device.said) if device.is_lora else _zigbee(device.said, warnings)


def _lora(said: dict[str, Any]) -> list[Value]:
    values: list[Value] = []
    if "DoorOpen" in said:
        values.append(("contact", open_or_closed(said["DoorOpen"])))
        values.append(("openings", whole_number(said.get("Events"))))
    if "Tamper" in said:
        values.append(("tamper", flag(said["Tamper"])))
    return values + _measures(said, LORA_MEASURES)


def _zigbee(said: dict[str, Any], warnings: list[str]) -> list[Value]:
    values: list[Value] = [("press", kind) for kind in _presses(said, warnings)]
    if "Contact" in said:  # bit 0 of the zone's status: 1 is open
        values.append(("contact", open_or_closed(said["Contact"])))
    if said.get("AqaraVibrationMode") == "vibrate":
        values.append(("vibration", True))
    values += [(point, flag(said[key])) for key, point in ZIGBEE_FLAGS.items() if key in said]
    return values + _zone_status(said) + _measures(said, ZIGBEE_MEASURES)


def _presses(said: dict[str, Any], warnings: list[str]) -> list[str]:
    kinds: dict[str, None] = {}
    if any(command in said for command in words.ALARM_COMMANDS):
        kinds["sos"] = None
    if type(said.get("Power")) is int and said["Power"] == words.TOGGLED:
        kinds["single"] = None
    click = said.get("Click")
    if isinstance(click, str) and click in words.PRESS_OF_CLICK:
        kinds[words.PRESS_OF_CLICK[click]] = None
    elif click is not None and click not in words.NO_PRESS_OF_CLICK:
        warnings.append(f"Click: {shown(click)} is no press that is known here")
    return list(kinds)


def _zone_status(said: dict[str, Any]) -> list[Value]:
    status = said.get("ZoneStatusChange", said.get("ZoneStatus"))
    if type(status) is not int or not 0 <= status <= ZONE_STATUS_MAX:
        return []
    return [
        ("tamper", bool(status & TAMPER_BIT)),
        ("battery_low", bool(status & BATTERY_LOW_BIT)),
    ]


def _measures(said: dict[str, Any], names: dict[str, str]) -> list[Value]:
    return [(point, number(said[key])) for key, point in names.items() if key in said]
