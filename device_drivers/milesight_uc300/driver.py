"""Milesight controller UC300: counting inputs 1 to 4 on channels 3 to 6."""

from collections.abc import Iterator

from device_drivers.bits import whole_le
from device_drivers.driver import Driver, Heard
from device_drivers.milesight import Channel, Table, decoder, pulses
from device_drivers.moments import unix_s_ms
from device_drivers.points import reading
from device_drivers.reading import Reading

INPUTS = 4
INPUT_SIZE = 5  # what it is (0 a level, else a counter), then its value
# What a stored record holds, a bit each: inputs, outputs, PT100, analogue inputs, text.
PART_SIZES = (*(INPUT_SIZE,) * INPUTS, 1, 1, 2, 2, 8, 8, 8, 8, 48)
HEAD_SIZE = 6  # time (4 bytes), which parts follow (2)
MODBUS_HEAD_SIZE, MODBUS_VALUE_SIZE = 8, 5


def _parts(rest: bytes) -> Iterator[tuple[int, int, int]]:
    """Number, place and size of every part of a stored record."""
    at, mask = HEAD_SIZE, whole_le(rest[4:HEAD_SIZE])
    for number, size in enumerate(PART_SIZES):
        if mask >> number & 1:
            yield number, at, size
            at += size


def _record_size(rest: bytes) -> int:
    return HEAD_SIZE + sum(size for _number, _at, size in _parts(rest))


def _stored(data: bytes) -> list[Reading]:
    """The totals of a stored record, with its time."""
    at_ms = unix_s_ms(whole_le(data[:4]))
    return [
        reading(f"uses_{number + 1}", whole_le(data[at + 1 : at + INPUT_SIZE]), at_ms)
        for number, at, _size in _parts(data)
        if number < INPUTS and data[at]
    ]


def _modbus_size(rest: bytes) -> int:
    """Time (4 bytes), which channels follow (4), a kind and a value for each."""
    return MODBUS_HEAD_SIZE + MODBUS_VALUE_SIZE * whole_le(rest[4:MODBUS_HEAD_SIZE]).bit_count()


CHANNELS: Table = {
    (0x03, 0xC8): pulses("uses_1"),
    (0x04, 0xC8): pulses("uses_2"),
    (0x05, 0xC8): pulses("uses_3"),
    (0x06, 0xC8): pulses("uses_4"),
    # analogue inputs, current and voltage
    **{(channel, 0x02): Channel(4) for channel in (0x0B, 0x0C, 0x0D, 0x0E)},
    (0x20, 0xDC): Channel(_record_size, _stored),
    (0x20, 0xDD): Channel(_modbus_size),
}


DRIVER = Driver(
    name="milesight_uc300",
    families=("counter",),
    maker="Milesight",
    models=("uc300*",),
    transport="lorawan",
    points=(
        "uses",
        "uses_1",
        "uses_2",
        "uses_3",
        "uses_4",
        "battery",
        "temperature",
        "humidity",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decoder(CHANNELS, alone=("uses",)),
)
