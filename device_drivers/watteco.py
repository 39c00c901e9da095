"""The frame of Watteco's sensors: one attribute of one cluster, in the manner of ZigBee's library.

Control byte (odd; its other bits are the endpoint), command, cluster (2 bytes), attribute (2),
type, value, and behind a report with alarm what caused it. Numbers come most significant byte
first. An even first byte is a batch: many values, compressed by a table that only the model's own
configuration holds. Facts: Watteco's published frame description and decoders.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from device_drivers.bits import whole
from device_drivers.driver import Found, Frame, FrameDecoder, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading

PORT = 125
STANDARD = 0x01
READ_ANSWER = 0x01
REPORT = 0x0A
ALARM_REPORT = 0x8A
CONFIGURATION_ANSWERS = (0x07, 0x09)
SUCCESS = 0
HEAD_SIZE = 6

TEMPERATURE = (0x0402, 0x0000)
HUMIDITY = (0x0405, 0x0000)
OCCUPANCY = (0x0406, 0x0000)
POWER = (0x0050, 0x0006)
BINARY_INPUT = (0x000F, 0x0055)
COUNT = (0x000F, 0x0402)

# Sizes of values by their type; the others begin with a size of so many bytes.
SIZES = {
    **dict.fromkeys((0x08, 0x10, 0x16, 0x18, 0x20, 0x28, 0x30), 1),
    **dict.fromkeys((0x09, 0x19, 0x21, 0x29, 0x31), 2),
    **dict.fromkeys((0x0A, 0x1A, 0x22, 0x2A), 3),
    **dict.fromkeys((0x0B, 0x1B, 0x23, 0x2B, 0x39), 4),
    0x0C: 5,
    0x0D: 6,
    0x0E: 7,
    0x0F: 8,
}
SIZES_OF_SIZE = {0x41: 1, 0x42: 1, 0x43: 2, 0x44: 2, 0x4C: 2}

NO_TEMPERATURE = -32768
DISPOSABLE, RECHARGEABLE = 0x04, 0x02
SOURCES = (0x01, RECHARGEABLE, DISPOSABLE, 0x08, 0x10)


class Attribute(NamedTuple):
    """One attribute's value, from which input of the device."""

    key: tuple[int, int]
    endpoint: int
    value: bytes


ReadAttribute = Callable[[int, bytes], list[Reading]]
Table = Mapping[tuple[int, int], ReadAttribute]


def _hundredths(point: str) -> ReadAttribute:
    """A signed number in hundredths, of the first of its kind in the device."""

    def read_hundredths(endpoint: int, value: bytes) -> list[Reading]:
        number = whole(value, signed=True)
        if endpoint or number == NO_TEMPERATURE:
            return []
        return [reading(point, number / 100)]

    return read_hundredths


def _power(_endpoint: int, value: bytes) -> list[Reading]:
    """Voltages in mV of the sources that a mask names; the cell is the device's battery."""
    if len(value) < 2:
        raise Unreadable(f"the power report has at least 2 bytes, not {len(value)}")
    voltages = {}
    at = 2
    for source in SOURCES:
        if value[1] & source:
            voltages[source] = whole(value[at : at + 2]) / 1_000
            at += 2
    if at > len(value):
        raise Unreadable(f"the power report needs {at} bytes, not {len(value)}")
    cell = voltages.get(DISPOSABLE, voltages.get(RECHARGEABLE))
    return [] if cell is None else [reading("battery_v", cell)]


def flag(value: bytes) -> bool:
    """A boolean."""
    if value not in (b"\0", b"\1"):
        raise Unreadable(f"expected a boolean of 0 or 1, not {value.hex()}")
    return value == b"\1"


COMMON: Table = {
    TEMPERATURE: _hundredths("temperature"),
    HUMIDITY: _hundredths("humidity"),
    OCCUPANCY: lambda _endpoint, value: [reading("occupancy", flag(value))],
    POWER: _power,
}


def decoder(table: Table) -> FrameDecoder:
    """A driver's `decode` over its attributes and those that all models share."""
    whole_table = {**COMMON, **table}

    def decode(frame: Frame) -> Found:
        attribute = read_attribute(frame.payload or b"")
        read = whole_table.get(attribute.key) if attribute is not None else None
        if attribute is None or read is None:
            return Found()
        return Found(tuple(read(attribute.endpoint, attribute.value)))

    return decode


def read_attribute(payload: bytes) -> Attribute | None:
    """The attribute of a report, or None where the frame is an answer about settings."""
    if not payload[0] & STANDARD:
        raise Unreadable(
            "a batch: its values are compressed by a table of the device's own configuration, "
            "which is not read here"
        )
    if len(payload) < HEAD_SIZE:
        raise Unreadable(f"a frame has at least {HEAD_SIZE} bytes, not {len(payload)}: cut off")
    if payload[1] in CONFIGURATION_ANSWERS:
        return None
    key = (whole(payload[2:4]), whole(payload[4:6]))
    if payload[1] == READ_ANSWER:
        if payload[6:7] != bytes([SUCCESS]):
            return None
        return Attribute(key, _endpoint(payload[0]), _value(payload, 7, with_cause=False))
    if payload[1] not in (REPORT, ALARM_REPORT):
        raise Unreadable(f"command {payload[1]:02x}: expected 01, 07, 09, 0a or 8a")
    return Attribute(key, _endpoint(payload[0]), _value(payload, 6, with_cause=True))


def _endpoint(control: int) -> int:
    return (control & 0xE0) >> 5 | (control & 0x06) << 2


def _value(payload: bytes, at: int, *, with_cause: bool) -> bytes:
    """The bytes of the value; a report may name behind it the criteria that caused it."""
    kind, start = payload[at : at + 1], at + 1
    if not kind:
        raise Unreadable("the frame ends before its value; it is cut off")
    size = SIZES.get(kind[0])
    if size is None:
        digits = SIZES_OF_SIZE.get(kind[0])
        if digits is None:
            raise Unreadable(f"type {kind.hex()} of a value is not known here")
        size = whole(payload[start : start + digits])
        start += digits
    value = payload[start : start + size]
    if len(value) < size:
        raise Unreadable(f"the value needs {size} bytes and {len(value)} follow; it is cut off")
    if len(payload) > start + size and not with_cause:
        raise Unreadable(f"{len(payload) - start - size} bytes too many behind the value")
    return value
