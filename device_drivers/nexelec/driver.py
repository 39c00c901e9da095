"""Nexelec: rooms' climate with a button on the case; the first byte tells the product.

Insafe Pilot names its message in the first byte. All others have the product there and the message
in the second: periodic data, status, or what happened. Bits are counted from the most significant.
"""

from collections.abc import Callable

from device_drivers.bits import whole
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading
from device_drivers.records import at_least

Read = Callable[[bytes], list[Reading]]

BUTTON_IN_PERIODIC = 0x20  # in the tenth byte
NOT_MEASURED = 0x3FF
ON_MAINS, NO_VOLTAGE = 0x3FE, 0x3FF
PRESENT = 0x80
CHARGES = (100, 50, 10, 0)
# What a smoke detector says of its base: there, just taken off, just put on. Codes 0 and 4 say
# only that no base is seen or never was.
TAKEN_OFF = {1: False, 2: True, 3: False}


def _nothing(_payload: bytes) -> list[Reading]:
    return []


def _press(payload: bytes) -> list[Reading]:
    """Three bits say how: all other kinds but the short one are reserved."""
    kind = at_least(payload, 2, what="a press")[1] >> 5
    if kind:
        raise Unreadable(f"press: expected kind 0, not {kind}")
    return [reading("press", "single")]


def _button_frame(_payload: bytes) -> list[Reading]:
    return [reading("press", "single")]


def _climate(degrees: int, percent: int) -> list[Reading]:
    """Ten bits each: tenths of a degree above -30, tenths of a percent."""
    found = []
    if degrees < NOT_MEASURED - 1:
        found.append(reading("temperature", (degrees - 300) / 10))
    if percent < NOT_MEASURED - 1:
        found.append(reading("humidity", percent / 10))
    return found


def _periodic(payload: bytes) -> list[Reading]:
    at_least(payload, 10, what="periodic data")
    pressed = [reading("press", "single")] if payload[9] & BUTTON_IN_PERIODIC else []
    bits = whole(payload[2:5])
    return [*pressed, *_climate(bits >> 14, bits >> 4 & NOT_MEASURED)]


def _status(payload: bytes) -> list[Reading]:
    """The cell's voltage in steps of 5 mV, unless the mains feed it."""
    at_least(payload, 6, what="a status")
    steps = whole(payload[4:6]) >> 4 & NOT_MEASURED
    return [] if steps in (ON_MAINS, NO_VOLTAGE) else [reading("battery_v", steps * 5 / 1_000)]


def _presence(payload: bytes) -> list[Reading]:
    flags = at_least(payload, 3, what="a presence alert")[2]
    return [reading("occupancy", bool(flags & PRESENT))]


def _alarm_status(payload: bytes) -> list[Reading]:
    """A smoke detector's cell: its level in four steps, then 2 V and 5 mV a step."""
    at_least(payload, 7, what="a status")
    base = payload[5] >> 2 & 0x07
    tamper = [reading("tamper", TAKEN_OFF[base])] if base in TAKEN_OFF else []
    return [*tamper, reading("battery", CHARGES[payload[5] & 0x03]), *_air_status(payload)]


def _air_status(payload: bytes) -> list[Reading]:
    """Of Air+, the volts alone: its level is a word for energy of every kind."""
    return [reading("battery_v", (at_least(payload, 7, what="a status")[6] * 5 + 2_000) / 1_000)]


def _first_cell(payload: bytes) -> list[Reading]:
    """The first of an Insafe Origin's two cells."""
    at_least(payload, 13, what="a status")
    return [reading("battery_v", (payload[8] * 5 + 2_000) / 1_000)]


_ROOM: dict[int, Read] = {
    1: _periodic,
    **dict.fromkeys((2, 3, 4), _nothing),  # stored values of gases and climate
    5: _status,
    **dict.fromkeys((6, 7), _nothing),  # settings
    8: _presence,
    **dict.fromkeys((0x11, 0x15, 0x16, 0x17), _nothing),  # the same for another network
}
_AIR: dict[int, Read] = {**dict.fromkeys((1, 2, 3, 4), _nothing), 5: _button_frame}
_SMOKE: dict[int, Read] = {0: _alarm_status, **dict.fromkeys(range(1, 9), _nothing)}
_MONITOR: dict[int, Read] = dict.fromkeys(range(10), _nothing)

PRODUCTS: dict[int, dict[int, Read]] = {
    **dict.fromkeys((0xA9, 0xAA, 0xAB, 0xAD), _ROOM),  # Feel, Rise, Move, Sign
    **dict.fromkeys((0xB9, 0xBA, 0xBB, 0xC6, 0xC7, 0xC8, 0xCD), _ROOM),  # the same with a plus
    **dict.fromkeys((0xA3, 0xA7), _AIR),  # Atmo, Aero
    **dict.fromkeys((0xB1, 0xB2, 0xB3, 0xB4), _SMOKE),  # Origin+, Guard+
    0xA2: {**_MONITOR, 0: _nothing},  # Insafe Origin
    0xAE: {**_MONITOR, 0: _air_status},  # Air+
    0xB5: _MONITOR,  # Track+
}
PILOT: dict[int, Read] = {
    0x61: _nothing,
    0x62: _nothing,
    0x63: _nothing,
    0x64: _press,
    0x65: _nothing,
    0x66: _nothing,
}


def decode(frame: Frame) -> Found:
    """The product's own table tells what the message means."""
    payload = frame.payload or b""
    if payload[0] in PILOT:
        return Found(tuple(PILOT[payload[0]](payload)))
    messages = PRODUCTS.get(payload[0])
    if messages is None:
        raise Unreadable(f"product {payload[0]:02x} is not known here")
    kind = at_least(payload, 2)[1]
    if kind not in messages:
        raise Unreadable(f"message {kind} of product {payload[0]:02x} is not known here")
    return Found(tuple(messages[kind](payload)))


DRIVER = Driver(
    name="nexelec",
    families=("button", "sensor"),
    maker="Nexelec",
    models=("*", "insafepilot*", "insafeorigin*"),
    transport="lorawan",
    points=("press", "occupancy", "tamper", "battery", "battery_v", "temperature", "humidity"),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
)
