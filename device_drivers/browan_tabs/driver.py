"""Browan Tabs: door, button, motion, locator, climate, light, sound, leak; the port tells which."""

from collections.abc import Callable

from device_drivers.bits import whole_le
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading

DOOR_PORT = 100
MOTION_PORT = 102
CLIMATE_PORT = 103
LIGHT_PORT = 104
SOUND_PORT = 105
LEAK_PORT = 106
LOCATOR_PORT = 136
BUTTON_PORT = 147
SIZES = {
    DOOR_PORT: (8,),
    MOTION_PORT: (8,),
    CLIMATE_PORT: (8, 11),  # the longer one with air quality
    LIGHT_PORT: (6,),
    SOUND_PORT: (4,),
    LEAK_PORT: (4, 5),  # with and without the probe's own temperature
    LOCATOR_PORT: (11,),
    BUTTON_PORT: (8,),
}
TEMPERATURE_OFFSET = 32
CAPACITY_MAX = 15
LOCATORS = ("tbol", "objectlocator")  # the tracker on the same port has no button
NO_HUMIDITY = 0x7F
CELL = "ER14250 to 3.1 V"  # of all but locator and tracker


def decode(frame: Frame) -> Found:
    """Status, battery, temperature, then what the port's device says."""
    payload, fport = frame.payload or b"", frame.fport
    if fport is None:
        raise Unreadable("fPort: the port tells which device it is, and nobody said it")
    if len(payload) not in SIZES[fport]:
        sizes = " or ".join(str(size) for size in SIZES[fport])
        raise Unreadable(f"a frame on port {fport} has {sizes} bytes, not {len(payload)}")
    common = (
        reading("battery_v", (25 + (payload[1] & 0x0F)) / 10),
        reading("temperature", (payload[2] & 0x7F) - TEMPERATURE_OFFSET),
    )
    if fport == LOCATOR_PORT:
        return Found((*_locator(payload, frame.model), *common))
    own = READ[fport](payload) if fport in READ else ()
    return Found((*own, *common), cell=CELL)


def _count(payload: bytes) -> int:
    return whole_le(payload[5:8])


def _door(payload: bytes) -> list[Reading]:
    contact = "open" if payload[0] & 1 else "closed"
    return [reading("contact", contact), reading("openings", _count(payload))]


def _motion(payload: bytes) -> list[Reading]:
    return [reading("motion", bool(payload[0] & 1)), reading("uses", _count(payload))]


def _button(payload: bytes) -> list[Reading]:
    return [reading("press", "single")] if payload[0] & 1 else []


def _humidity(payload: bytes) -> list[Reading]:
    humidity = payload[3] & 0x7F
    return [] if humidity == NO_HUMIDITY else [reading("humidity", min(humidity, 100))]


def _locator(payload: bytes, model: str) -> list[Reading]:
    """The locator's button, and what is left of its battery in sixteen steps."""
    if not model.startswith(LOCATORS):
        return []
    return [*_button(payload), reading("battery", 100 * (payload[1] >> 4) / CAPACITY_MAX)]


READ: dict[int, Callable[[bytes], list[Reading]]] = {
    DOOR_PORT: _door,
    MOTION_PORT: _motion,
    BUTTON_PORT: _button,
    CLIMATE_PORT: _humidity,
    LEAK_PORT: _humidity,
}


DRIVER = Driver(
    name="browan_tabs",
    families=(
        "door",
        "button",
        "counter",
    ),
    maker="Browan",
    models=(
        "tabs*",
        "tbdw*",
        "tbpb*",
        "tbms*",
        "tbhh*",
        "tbhv*",
        "tbam*",
        "tbsl*",
        "tbwl*",
        "tbol*",
        "tbclimate*",
        "tbsound*",
        "tbwaterleak*",
        "browanindustrialtracker",
        "doorandwindowsensor",
        "motionsensor",
        "objectlocator",
        "industrialtracker",
        "soundlevel",
        "ambientlight",
        "waterleak",
        "temperaturehumiditysensor",
        "healthyhomesensoriaq",
    ),
    transport="lorawan",
    points=(
        "contact",
        "openings",
        "press",
        "uses",
        "motion",
        "battery",
        "battery_v",
        "temperature",
        "humidity",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
    fports=tuple(SIZES),
)
