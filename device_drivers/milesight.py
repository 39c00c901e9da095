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


NO_VALUE = 0xFF  # what some firmware sends where it has not measured yet


def _percent(point: str, divisor: int) -> Read:
    """A percentage in one byte; the byte of a sensor that has none is no reading."""
    read = number(point, divisor=divisor)
    return lambda data: [] if data[0] == NO_VALUE else read(data)


BATTERY = Channel(1, _percent("battery", 1))
TEMPERATURE = Channel(2, number("temperature", divisor=10, size=2, signed=True))
TEMPERATURE_ALARM = TEMPERATURE._replace(size=3)
TEMPERATURE_CHANGE = TEMPERATURE._replace(size=5)
HUMIDITY = Channel(1, _percent("humidity", 2))
HUMIDITY_ALARM = HUMIDITY._replace(size=2)
HUMIDITY_CHANGE = HUMIDITY._replace(size=3)
PULSES_SIZE = 4


def pulses(point: str) -> Channel:
    """A running total of 32 bits."""
    return Channel(PULSES_SIZE, number(point, size=PULSES_SIZE))


COMMON: Table = {
    (0x01, 0x75): BATTERY,
    (0x03, 0x67): TEMPERATURE,
    (0x83, 0x67): TEMPERATURE_ALARM,
    (0x93, 0x67): TEMPERATURE_CHANGE,
    (0x83, 0xD7): TEMPERATURE_CHANGE,
    (0x93, 0xD7): TEMPERATURE_CHANGE,
    (0x04, 0x68): HUMIDITY,
    (0x84, 0x68): HUMIDITY_ALARM,
    (0x94, 0x68): HUMIDITY_CHANGE,
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
    0x02: 2,  # from here on: answers to settings
    0x03: 2,
    0x10: 1,
    0x11: 4,
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
    0x29: 1,  # wall switch
    0x31: 2,  # light controller
    0x5B: 7,  # sound level
    0x63: 4,  # energy
    0x65: 6,  # light
    0x67: 2,  # temperature
    0x68: 1,  # humidity
    0x6A: 2,  # activity
    0x6B: 1,  # why it was sent
    0x6E: 1,  # wires
    0x70: 1,  # socket
    0x73: 2,  # air pressure
    0x74: 2,  # voltage
    0x75: 1,  # battery
    0x77: 2,  # depth
    0x7B: 2,  # pressure
    0x7D: 2,  # gas
    0x7F: 2,  # conductivity
    0x80: 4,  # power
    0x81: 1,  # power factor
    0x82: 2,  # distance
    0x83: 4,  # energy
    0x84: 2,  # wind direction
    0x85: 4,  # time
    0x88: 9,  # place
    0x8E: 1,  # calibration
    0x94: 4,  # light
    0x97: 4,  # charge
    0x98: 2,  # current
    0x99: 2,  # current
    0x9A: 2,  # humidity
    0x9C: 1,  # storage
    0x9D: 2,  # light
    0x9F: 2,  # motion
    0xA1: 8,  # place
    0xA2: 4,  # signal
    0xA3: 1,  # spreading factor
    0xA4: 2,  # transmitting power
    0xB0: 8,  # person in a room
    0xB1: 3,  # breath
    0xB2: 6,  # kinds of regions
    0xB3: 5,  # regions
    0xB4: 9,  # time out of bed
    0xBC: 1,  # plan
    0xC7: 2,  # strength of a radar echo
    0xC8: 4,  # pulses
    0xCA: 2,  # moisture
    0xCB: 1,  # light level
    0xCC: 4,  # people in and out
    0xCD: 1,  # most people
    0xCF: 7,  # tilt with alarms
    0xD2: 4,  # running total
    0xD4: 6,  # tilt
    0xD5: 8,  # regions
    0xD6: 1,  # what remains
    0xD9: 9,  # one Wi-Fi network
    0xDA: 8,  # flows
    0xDB: 37,  # SDI-12
    0xE1: 8,  # water
    0xE2: 8,  # statistics
    0xE3: 4,  # regions
    0xE4: 5,  # dwell times
    0xE6: 2,  # gas
    0xEA: 5,  # calibration
    0xEC: 5,  # rain
    0xED: 1,  # liquid
    0xEE: 1,  # calibration
    0xEF: 4,  # time
    0xF4: 2,  # event
    0xF6: 2,  # valve
    0xF8: 6,  # person in a room
    0xF9: 4,  # regions
    0xFA: 8,  # time out of bed
    0xFB: 5,  # alarm of a room
    0xFD: 2,  # people
    0xFE: 4,  # regions
}
# An alarm carries more than the value in these; in all others one byte: which alarm it is.
_SIZE_OF_ALARM = {0x88: 9, 0x98: 7, 0x99: 7, 0xD7: 5, 0xE9: 5}
_SIZE_OF_SUDDEN_CHANGE = {0x67: 5, 0x9A: 5, 0xD7: 5, 0x68: 3, 0x82: 5}
_SIZE_OF_SENSOR_FAULT = {0xF6: 2}

ALARM, SUDDEN_CHANGE, SENSOR_FAULT = 0x80, 0x90, 0xB0  # the upper half of a channel's number
TELLS_OF_SETTINGS = (0xF8, 0xF9, 0xFE, 0xFF)
STORED = (b"\x20\xce", b"\x21\xce")  # each family has a layout of its own


def _known(channel: int, kind: int, table: Table) -> Channel | None:
    if (channel, kind) in table:
        return table[channel, kind]
    size = _size(channel, kind)
    return None if size is None else Channel(size)


def _size(channel: int, kind: int) -> Size | None:
    if channel in TELLS_OF_SETTINGS:
        return _ABOUT_ITSELF.get(kind) if channel in (0xFE, 0xFF) else None
    plain = _SIZE_OF_TYPE.get(kind)
    upper = channel & 0xF0
    if upper == ALARM:
        return _SIZE_OF_ALARM.get(kind, None if plain is None else plain + 1)
    if upper == SUDDEN_CHANGE:
        return _SIZE_OF_SUDDEN_CHANGE.get(kind)
    if upper == SENSOR_FAULT:
        return _SIZE_OF_SENSOR_FAULT.get(kind, 1)
    return plain


def read_payload(payload: bytes, table: Table) -> Found:
    """Readings of a frame. Raises `Unreadable` where the frame is cut off or says nothing known.

    A channel that is not in the tables or is cut off ends the reading, because nobody knows where
    the next one begins: what stood whole before it is kept and the rest is named.
    """
    readings: list[Reading] = []
    warnings: list[str] = []
    at = 0
    while at < len(payload):
        try:
            at = _step(payload, at, table, readings, warnings)
        except Unreadable as error:
            warnings.append(str(error))
            break
    if warnings and not readings and not _is_nobodys(payload[:2], table):
        raise Unreadable("; ".join(warnings))
    return Found(tuple(readings), tuple(warnings))


def _is_nobodys(head: bytes, table: Table) -> bool:
    """Whether a frame begins with a setting or a stored record of which there is no reading."""
    if len(head) < 2 or (head[0], head[1]) in table:
        return False
    return head[0] in TELLS_OF_SETTINGS or head in STORED


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
