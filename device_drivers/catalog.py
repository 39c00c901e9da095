"""Every driver by name, and the way from a message to the driver that understands it.

A new family is one import and one line in `_ALL`; one whose topics tell the driver has a line in
`ROUTES` too.
"""

import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any

from device_drivers.browan_merryiot.driver import DRIVER as BROWAN_MERRYIOT
from device_drivers.browan_tabs.driver import DRIVER as BROWAN_TABS
from device_drivers.dragino_button.driver import DRIVER as DRAGINO_BUTTON
from device_drivers.dragino_door.driver import DRIVER as DRAGINO_DOOR
from device_drivers.dragino_pulse.driver import DRIVER as DRAGINO_PULSE
from device_drivers.driver import Decoded, Driver, Found, Frame, Refused, Unreadable
from device_drivers.envelopes import address_of_topic, open_chirpstack, open_tts
from device_drivers.message import Message
from device_drivers.milesight_button.driver import DRIVER as MILESIGHT_BUTTON
from device_drivers.milesight_door.driver import DRIVER as MILESIGHT_DOOR
from device_drivers.milesight_em300_di.driver import DRIVER as MILESIGHT_EM300_DI
from device_drivers.milesight_sensor.driver import DRIVER as MILESIGHT_SENSOR
from device_drivers.milesight_uc11xx.driver import DRIVER as MILESIGHT_UC11XX
from device_drivers.milesight_uc51x.driver import DRIVER as MILESIGHT_UC51X
from device_drivers.milesight_uc300.driver import DRIVER as MILESIGHT_UC300
from device_drivers.milesight_vs13x.driver import DRIVER as MILESIGHT_VS13X
from device_drivers.milesight_vs35x.driver import DRIVER as MILESIGHT_VS35X
from device_drivers.native.driver import DRIVER as NATIVE
from device_drivers.native.driver import receive as receive_native
from device_drivers.netvox.driver import DRIVER as NETVOX
from device_drivers.payload import json_object
from device_drivers.points import shown
from device_drivers.zigbee2mqtt.driver import DRIVER as ZIGBEE2MQTT
from device_drivers.zigbee2mqtt.driver import receive as receive_zigbee2mqtt

_ALL = (
    NATIVE,
    ZIGBEE2MQTT,
    MILESIGHT_BUTTON,
    MILESIGHT_DOOR,
    MILESIGHT_EM300_DI,
    MILESIGHT_UC300,
    MILESIGHT_UC51X,
    MILESIGHT_UC11XX,
    MILESIGHT_VS13X,
    MILESIGHT_VS35X,
    MILESIGHT_SENSOR,
    DRAGINO_DOOR,
    DRAGINO_BUTTON,
    DRAGINO_PULSE,
    NETVOX,
    BROWAN_TABS,
    BROWAN_MERRYIOT,
)

DRIVERS: Mapping[str, Driver] = MappingProxyType({driver.name: driver for driver in _ALL})
DRIVER_FAILED = "the driver itself failed"  # a bug; no test may ever see it
NETWORK = "lorawan"  # stands for a driver where the network server itself says something

DriverOf = Callable[[str], str | None]
Route = Callable[[Message, DriverOf], Decoded | Refused]


def receive(message: Message, driver_of: DriverOf) -> Decoded | Refused:
    """One message of any ecosystem, understood or refused; never an exception.

    `driver_of` names the driver that the register has for an address, or None.
    """
    try:
        if message.topic.startswith("community/"):
            return receive_native(message)
        route = ROUTES.get(message.topic.partition("/")[0])
        if route is None:
            return Refused(f"topic {shown(message.topic)}: no driver listens to such a topic")
        return route(message, driver_of)
    except Exception as error:  # noqa: BLE001
        # One driver's mistake must not stop the presses of others; the message is kept with this
        # reason and can be decoded again after the driver was mended.
        return Refused(f"{DRIVER_FAILED}: {type(error).__name__}: {shown(str(error))}")


def _lorawan(open_frame: Callable[[str, Any], Frame]) -> Route:
    def receive_lorawan(message: Message, driver_of: DriverOf) -> Decoded | Refused:
        try:
            frame = open_frame(message.topic, json_object(message))
        except Unreadable as error:
            return Refused(str(error), address_of_topic(message.topic))
        registered = driver_of(frame.address)
        if registered is None:
            return decode(driver_by_hint(frame.hint), frame)
        if registered not in DRIVERS:
            reason = f"the register names the driver {shown(registered)}, which is not there"
            return Refused(reason, frame.address)
        return decode(DRIVERS[registered], frame)

    return receive_lorawan


ROUTES: Mapping[str, Route] = {
    "zigbee2mqtt": lambda message, _driver_of: receive_zigbee2mqtt(message),
    "application": _lorawan(open_chirpstack),
    "v3": _lorawan(open_tts),
}


def decode(driver: Driver | None, frame: Frame) -> Decoded | Refused:
    """An opened frame, understood or refused. A frame without bytes is a sign of life."""
    if driver is None or driver.decode is None:
        return _without_driver(driver, frame)
    family = driver.families[0] if len(driver.families) == 1 else None
    try:
        read = _read(driver, frame)
    except Unreadable as error:
        return Refused(str(error), frame.address, driver.name, family)
    readings = tuple(
        one if one.at_ms is not None else one._replace(at_ms=frame.at_ms)
        for one in (*read.readings, *frame.readings)
    )
    return Decoded(
        driver.name,
        frame.address,
        family,
        readings,
        frame.id,
        gateway=frame.gateway,
        warnings=(*frame.warnings, *read.warnings),
    )


def _read(driver: Driver, frame: Frame) -> Found:
    """What the driver finds in the device's own bytes, if there are any and the port is its own."""
    if not frame.payload or frame.fport == 0:  # port 0 carries the network's own commands
        return Found()
    if driver.fports and frame.fport is not None and frame.fport not in driver.fports:
        ports = ", ".join(str(port) for port in driver.fports)
        raise Unreadable(f"fPort {frame.fport}: expected one of {ports}")
    assert driver.decode is not None
    return driver.decode(frame)


def _without_driver(driver: Driver | None, frame: Frame) -> Decoded | Refused:
    if frame.payload is None:  # the network speaks of the device: no driver is needed for that
        readings = tuple(one._replace(at_ms=frame.at_ms) for one in frame.readings)
        return Decoded(NETWORK, frame.address, None, readings, frame.id, warnings=frame.warnings)
    if driver is not None:
        return Refused(f"the driver {driver.name} reads no LoRaWAN frames", frame.address)
    said = f" (the network calls it {shown(frame.hint)})" if frame.hint else ""
    return Refused(f"unknown device, no driver is known for it{said}", frame.address)


def plain(text: str) -> str:
    """A maker's or model's name without what spellings differ in: `EM300-DI` → `em300di`."""
    return re.sub(r"[^a-z0-9]+", "", text.lower())


def driver_by_model(maker: str, model: str) -> Driver | None:
    """The LoRaWAN driver of a model, however it is spelt; the maker's general one otherwise."""
    own = [one for one in _ALL if one.decode is not None and _made_by(maker, one)]
    for driver in own:
        if any(fnmatchcase(plain(model), pattern) for pattern in driver.models if pattern != "*"):
            return driver
    return next((driver for driver in own if "*" in driver.models), None)


def _made_by(maker: str, driver: Driver) -> bool:
    """Makers are written with their brand, their country, their town beside them."""
    return any(plain(name) in plain(maker) for name in driver.maker.split())


def driver_by_hint(hint: str) -> Driver | None:
    """The LoRaWAN driver that a network server's words about a device point to, if any.

    A model's name must be there; the maker's name alone does not tell what the device is.
    """
    models = [plain(word) for word in re.split(r"[\s_/,()]+", hint)]
    for driver in _ALL:
        if driver.decode is not None and any(
            fnmatchcase(model, pattern)
            for pattern in driver.models
            if pattern != "*"
            for model in models
        ):
            return driver
    return None
