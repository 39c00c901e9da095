"""Milesight controllers UC501 and UC502: counting inputs 1 and 2 on channels 3 and 4."""

from device_drivers.bits import whole_le
from device_drivers.driver import Driver, Heard
from device_drivers.milesight import Channel, Table, decoder, pulses
from device_drivers.moments import unix_s_ms
from device_drivers.points import reading
from device_drivers.reading import Reading

COUNTER = 2  # what an input of a stored record is: 0 input, 1 output, 2 counter
SENSOR_RECORD_SIZE = 22
FIRST_INPUT, INPUT_SIZE = 4, 5
MODBUS_VALUE_SIZE, SDI12_VALUE_SIZE = 5, 36
MASKED_HEAD_SIZE = 6  # time (4), which channels follow (2)


def _stored(data: bytes) -> list[Reading]:
    """Time, then what the input is (1 byte) and its value (4) for both, then analogue values."""
    at_ms = unix_s_ms(whole_le(data[:4]))
    starts = (FIRST_INPUT, FIRST_INPUT + INPUT_SIZE)
    return [
        reading(f"uses_{channel}", whole_le(data[start + 1 : start + INPUT_SIZE]), at_ms)
        for channel, start in enumerate(starts, start=1)
        if data[start] == COUNTER
    ]


def _modbus_size(rest: bytes) -> int:
    return MASKED_HEAD_SIZE + MODBUS_VALUE_SIZE * whole_le(rest[4:6]).bit_count()


def _sdi12_size(rest: bytes) -> int:
    return MASKED_HEAD_SIZE + SDI12_VALUE_SIZE * whole_le(rest[4:6]).bit_count()


def _alarm_size(rest: bytes) -> int:
    """A Modbus channel: number, kind, a value of one, two or four bytes, which alarm it is."""
    kind = rest[1] & 0x07 if len(rest) > 1 else 0
    return 3 + (1 if kind < 2 else 2 if kind < 4 else 4)


CHANNELS: Table = {
    (0x03, 0xC8): pulses("uses_1"),
    (0x04, 0xC8): pulses("uses_2"),
    # analogue inputs: value, smallest, largest and mean
    **{(channel, 0x02): Channel(8) for channel in (0x05, 0x06)},
    (0x80, 0x0E): Channel(_alarm_size),
    (0x20, 0xDC): Channel(SENSOR_RECORD_SIZE, _stored),
    (0x20, 0xDD): Channel(_modbus_size),
    (0x20, 0xE0): Channel(_sdi12_size),
}


DRIVER = Driver(
    name="milesight_uc50x",
    families=("counter",),
    maker="Milesight",
    models=(
        "uc501*",
        "uc502*",
        "uc500*",
        "uc50x*",
    ),
    transport="lorawan",
    points=(
        "uses",
        "uses_1",
        "uses_2",
        "battery",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decoder(CHANNELS, alone=("uses",)),
)
