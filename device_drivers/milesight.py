"""The frame of all Milesight LoRaWAN devices: channel, type, data; and again, to the end.

A family's driver is a table of the channels it reads (`(channel, type): Channel`). Everything else
that the maker lists is here with its size, so that it can be stepped over. All numbers are least
significant byte first. Facts: the channel tables in the makers' READMEs,
github.com/Milesight-IoT/SensorDecoders.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from device_drivers.bits import whole_le
from device_drivers.driver import Found, Frame, FrameDecoder, Unreadable
from device_drivers.moments import unix_s_ms
from device_drivers.points import reading
from device_drivers.reading import Reading, Value

Read = Callable[[bytes], list[Reading]]
Size = int | Callable[[bytes], int]


class Channel(NamedTuple):
    """How many bytes follow (a function sees all that is left), and how they are read."""

    size: Size
    read: Read | None = None


Table = Mapping[tuple[int, int], Channel]


def number(point: str, *, divisor: int = 1, size: int = 1, signed: bool = False) -> Read:
    """A number in the first `size` bytes; what follows (an alarm's kind) is not ours."""

    def read_number(data: bytes) -> list[Reading]:
        value: float = whole_le(data[:size], signed=signed)
        return [reading(point, value / divisor if divisor > 1 else value)]

    return read_number


def code(point: str, values: Mapping[int, Value]) -> Read:
    """A code of one byte; one that the maker does not list is unreadable."""

    def read_code(data: bytes) -> list[Reading]:
        if data[0] not in values:
            known = ", ".join(str(key) for key in values)
            raise Unreadable(f"{point}: expected a code of {known}, not {data[0]}")
        return [reading(point, values[data[0]])]

    return read_code


def pair(first: str, second: str, size: int = 2) -> Read:
    """Two whole numbers, one behind the other."""

    def read_pair(data: bytes) -> list[Reading]:
        return [
            reading(first, whole_le(data[:size])),
            reading(second, whole_le(data[size : 2 * size])),
        ]

    return read_pair


def history(*parts: tuple[int, Read]) -> Read:
    """A stored record: its own Unix time in four bytes, then parts at their offsets behind it."""

    def read_record(data: bytes) -> list[Reading]:
        at_ms = unix_s_ms(whole_le(data[:4]))
        found = [one for offset, read in parts for one in read(data[4 + offset :])]
        return [one._replace(at_ms=at_ms) for one in found]

    return read_record


BATTERY = Channel(1, number("battery"))
TEMPERATURE = Channel(2, number("temperature", divisor=10, size=2, signed=True))
TEMPERATURE_ALARM = TEMPERATURE._replace(size=3)
HUMIDITY = Channel(1, number("humidity", divisor=2))
PULSES_SIZE = 4


def pulses(point: str) -> Channel:
    """A running total of 32 bits."""
    return Channel(PULSES_SIZE, number(point, size=PULSES_SIZE))


COMMON: Table = {
    (0x01, 0x75): BATTERY,
    (0x03, 0x67): TEMPERATURE,
    (0x83, 0x67): TEMPERATURE_ALARM,
    (0x04, 0x68): HUMIDITY,
}

# What the device says of itself after joining, and its answers to settings: nothing of ours.
_MODBUS_VALUE_SIZES = {0: 1, 1: 1, 2: 2, 3: 2}


def _modbus_size(rest: bytes) -> int:
    return 3 + _MODBUS_VALUE_SIZES.get(rest[2] & 0x7F, 4) if len(rest) > 2 else 3


def _modbus_data_size(rest: bytes) -> int:
    return 2 + (rest[1] >> 3) if len(rest) > 1 else 2


_ABOUT_ITSELF: dict[int, Size] = {
    0x01: 1,  # protocol version
    0x08: 6,  # serial number
    0x09: 2,  # hardware version
    0x0A: 2,  # firmware version
    0x0B: 1,  # switched on
    0x0F: 1,  # LoRaWAN class
    0x16: 8,  # serial number
    0x1F: 4,  # firmware version
    0xFE: 1,  # reset
    0xFF: 2,  # version of the data model
    0x03: 2,  # from here on: answers to settings
    0x10: 1,
    0x27: 1,
    0x28: 1,
    0x2F: 1,
    0x3E: 1,
    0x74: 1,
    0x0E: _modbus_data_size,
    0x12: 8,
    0x14: 1,
    0x15: 1,
    0x19: _modbus_size,
}

# Sizes by the type alone, wherever the type has one size in all tables of the maker.
_SIZE_OF_TYPE = {
    0x00: 1,  # digital input
    0x01: 1,  # digital output
    0x65: 6,  # light
    0x67: 2,  # temperature
    0x68: 1,  # humidity
    0x6A: 2,  # activity
    0x73: 2,  # air pressure
    0x75: 1,  # battery
    0x7B: 2,  # pressure
    0x7D: 2,  # gas
    0x82: 2,  # distance
    0x88: 9,  # place
    0x8E: 1,  # calibration
    0xC8: 4,  # pulses
    0xCC: 4,  # people in and out
    0xCD: 1,  # most people
    0xCF: 7,  # tilt with alarms
    0xD2: 4,  # running total
    0xD4: 6,  # tilt
    0xD5: 8,  # regions
    0xD9: 9,  # one Wi-Fi network
    0xDA: 8,  # flows
    0xDB: 37,  # SDI-12
    0xE1: 8,  # water
    0xE2: 8,  # statistics
    0xE3: 4,  # regions
    0xE4: 5,  # dwell times
    0xED: 1,  # liquid
    0xEE: 1,  # calibration
    0xEF: 4,  # time
    0xF4: 2,  # event
    0xF6: 2,  # valve
}


ALARM = 0x80


def _known(channel: int, kind: int, table: Table) -> Channel | None:
    if (channel, kind) in table:
        return table[channel, kind]
    if channel in (0xFE, 0xFF):
        size = _ABOUT_ITSELF.get(kind)
    elif channel & 0xF0 == ALARM:  # the same channel with one byte behind it: which alarm it is
        plain = _SIZE_OF_TYPE.get(kind)
        size = None if plain is None else plain + 1
    else:
        size = _SIZE_OF_TYPE.get(kind)
    return None if size is None else Channel(size)


def read_payload(payload: bytes, table: Table) -> Found:
    """Readings of a frame. Raises `Unreadable` where the frame is cut off or says nothing known.

    A channel that is not in the tables ends the reading, because nobody knows where the next one
    begins: what stood before it is kept and the rest is named.
    """
    readings: list[Reading] = []
    warnings: list[str] = []
    at = 0
    while at < len(payload):
        try:
            at = _step(payload, at, table, readings, warnings)
        except Unreadable as error:
            if not any(one.point == "press" for one in readings):
                raise
            warnings.append(str(error))
            break
    if warnings and not readings:
        raise Unreadable("; ".join(warnings))
    return Found(tuple(readings), tuple(warnings))


def _step(
    payload: bytes, at: int, table: Table, readings: list[Reading], warnings: list[str]
) -> int:
    """One channel; the place behind it."""
    head = payload[at : at + 2]
    if len(head) < 2:
        raise Unreadable(f"byte {at}: {head.hex()} is half a channel; the frame is cut off")
    known = _known(head[0], head[1], table)
    if known is None:
        rest = payload[at:].hex()
        warnings.append(f"byte {at}: channel {head.hex()} is not known here; left out: {rest}")
        return len(payload)
    start = at + 2
    size = known.size if isinstance(known.size, int) else known.size(payload[start:])
    data = payload[start : start + size]
    if len(data) < size:
        raise Unreadable(
            f"byte {at}: channel {head.hex()} needs {size} bytes and {len(data)} follow; "
            "the frame is cut off"
        )
    try:
        readings += known.read(data) if known.read is not None else ()
    except Unreadable as error:
        warnings.append(f"byte {at}: channel {head.hex()}: {error}")
    return start + size


def decoder(table: Table, alone: tuple[str, ...] = ()) -> FrameDecoder:
    """A driver's `decode` over its channels and those that all devices share.

    `alone`: points of numbered channels (`uses`) that also stand without a number where the frame
    has one of them only.
    """
    whole_table = {**COMMON, **table}

    def decode(frame: Frame) -> Found:
        found = read_payload(frame.payload or b"", whole_table)
        extra = [one for point in alone for one in _alone(point, found.readings)]
        return found._replace(readings=(*found.readings, *extra))

    return decode


def _alone(point: str, readings: tuple[Reading, ...]) -> list[Reading]:
    numbered = [one for one in readings if one.point.startswith(f"{point}_")]
    several = len({one.point for one in numbered}) > 1
    return [] if several else [one._replace(point=point) for one in numbered]
