"""Elsys sensors: type, value; and again, to the end. Most significant byte first.

One table serves all of them (ERS, EMS, ELT, ECO …): a type has one size and one meaning in every
model. Facts: the maker's list of types (elsys.se, "ELSYS payload"), as the decoders in
TheThingsNetwork/lorawan-devices and akenza-io/device-type-library repeat it.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from device_drivers.bits import whole
from device_drivers.cells import with_cells
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading

SETTINGS = 0x3E  # a frame of settings: this byte, the number of bytes that follow, settings
BYTES = 0x3B  # carries its own length
DIGITAL = 0x0D
DOOR_MODELS = ("emsdoor", "emsreed")  # where the first digital input is the reed switch
OCCUPIED, VACANT = 2, 0  # 1: somebody comes or goes

Read = Callable[[bytes], list[Reading]]


class Field(NamedTuple):
    """How many bytes follow the type, and what is read of them."""

    size: int
    read: Read | None = None


def _number(point: str, divisor: int = 1, *, signed: bool = False) -> Read:
    def read_number(data: bytes) -> list[Reading]:
        value: float = whole(data, signed=signed)
        return [reading(point, value / divisor if divisor > 1 else value)]

    return read_number


def _any(point: str) -> Read:
    """A count since the last frame, of which only matters whether there was one."""

    def read_any(data: bytes) -> list[Reading]:
        return [reading(point, bool(whole(data)))]

    return read_any


def _occupancy(data: bytes) -> list[Reading]:
    return [reading("occupancy", data[0] == OCCUPIED)] if data[0] in (OCCUPIED, VACANT) else []


def _reed(data: bytes) -> list[Reading]:
    return [reading("contact", "closed" if data[0] else "open")]


FIELDS: dict[int, Field] = {
    0x01: Field(2, _number("temperature", 10, signed=True)),
    0x02: Field(1, _number("humidity")),
    0x03: Field(3),  # acceleration
    0x04: Field(2),  # light
    0x05: Field(1, _any("motion")),
    0x06: Field(2),  # carbon dioxide
    0x07: Field(2, _number("battery_v", 1_000)),
    0x08: Field(2),  # analogue input 1
    0x09: Field(6),  # place
    0x0A: Field(2, _number("rep_1")),
    0x0B: Field(4, _number("uses_1")),
    0x0C: Field(2),  # outer temperature 1
    DIGITAL: Field(1),
    0x0E: Field(2),  # distance
    0x0F: Field(1, _any("vibration")),
    0x10: Field(4),  # infrared temperatures
    0x11: Field(1, _occupancy),
    0x12: Field(1),  # water
    0x13: Field(65),  # image of temperatures
    0x14: Field(4),  # air pressure
    0x15: Field(2),  # sound
    0x16: Field(2, _number("rep_2")),
    0x17: Field(4, _number("uses_2")),
    0x18: Field(2),  # analogue input 2
    0x19: Field(2),  # outer temperature 2
    0x1A: Field(1),  # digital input 2
    0x1B: Field(4),  # load cell
    0x1C: Field(2),  # organic compounds
    0x1D: Field(1),  # air quality
    0x1E: Field(1),  # values of the owner's own
    0x1F: Field(1),
    0x20: Field(2),
    0x21: Field(1),  # page of the display
    0x22: Field(2),  # wanted temperature
    0x23: Field(1),  # fan
    0x24: Field(1),  # outer humidity
    0x3C: Field(4),  # checksum
    0x3D: Field(4),  # debugging
}


def decode(frame: Frame) -> Found:
    """Fields to the end; a frame of settings is a sign of life."""
    payload = frame.payload or b""
    if payload[0] == SETTINGS:
        return _settings(payload)
    fields = FIELDS
    if frame.model.startswith(DOOR_MODELS):
        fields = {**FIELDS, DIGITAL: Field(1, _reed)}
    readings: list[Reading] = []
    warnings: list[str] = []
    at = 0
    while at < len(payload):
        at = _step(payload, at, fields, readings, warnings)
    alone = (*_alone("uses", readings), *_alone("rep", readings))
    return Found((*readings, *alone), tuple(warnings))


def _step(
    payload: bytes,
    at: int,
    fields: Mapping[int, Field],
    readings: list[Reading],
    warnings: list[str],
) -> int:
    """One field; the place behind it. A type that nobody knows ends the reading."""
    try:
        size, read = _field(payload, at, fields)
    except Unreadable as error:
        if not readings:
            raise
        warnings.append(f"{error}; left out: {payload[at:].hex()}")
        return len(payload)
    data = payload[at + 1 : at + 1 + size]
    if len(data) < size:
        raise Unreadable(
            f"byte {at}: type {payload[at]:#04x} needs {size} bytes and {len(data)} follow; "
            "the frame is cut off"
        )
    try:
        readings += read(data) if read is not None else ()
    except Unreadable as error:  # a broken probe costs its own value only
        warnings.append(f"byte {at}: {error}")
    return at + 1 + size


def _field(payload: bytes, at: int, fields: Mapping[int, Field]) -> Field:
    kind = payload[at]
    if kind == BYTES:
        return Field(1 + (payload[at + 1] if at + 1 < len(payload) else 0))
    if kind not in fields:
        raise Unreadable(f"byte {at}: type {kind:#04x} is not known here")
    return fields[kind]


def _alone(point: str, readings: list[Reading]) -> list[Reading]:
    """The only counter of a frame stands without its number too."""
    numbered = [one for one in readings if one.point.startswith(f"{point}_")]
    return [numbered[0]._replace(point=point)] if len(numbered) == 1 else []


def _settings(payload: bytes) -> Found:
    if len(payload) < 2 or len(payload) - 2 < payload[1]:
        raise Unreadable("a frame of settings is shorter than it says; it is cut off")
    return Found()


# By how the model's name begins. What is in the ERS Eco is not known.
CELLS = {
    "elt": "ER14505 to 2.7 V",
    "ems": "ER14505 to 2.7 V",
    "ers": "ER14505 to 2.7 V",
    "erseco": "",
}

DRIVER = Driver(
    name="elsys",
    families=("door", "counter"),
    maker="Elsys",
    models=(
        "emsdoor*",
        "elt2*",
        "eltlite*",
        "eltultrasonic*",
        "ersco2*",
        "erseye*",
        "ersdesk*",
        "erssound*",
        "ersvoc*",
        "erslite*",
        "emsdesk*",
        "emslite*",
        "*",
    ),
    transport="lorawan",
    points=(
        "contact",
        "uses",
        "uses_1",
        "uses_2",
        "rep",
        "rep_1",
        "rep_2",
        "motion",
        "vibration",
        "occupancy",
        "battery",
        "battery_v",
        "temperature",
        "humidity",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it has no buzzer or light that a downlink works"),
    tested="frames",
    decode=with_cells(decode, CELLS),
)
