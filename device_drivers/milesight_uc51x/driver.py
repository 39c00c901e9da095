"""Milesight controllers UC511, UC512 and UC521: pulse inputs 1 and 2 on channels 4 and 6."""

from device_drivers.bits import whole_le
from device_drivers.driver import Driver, Heard
from device_drivers.milesight import Channel, Table, decoder, pulses
from device_drivers.moments import unix_s_ms
from device_drivers.points import reading
from device_drivers.reading import Reading

COUNTING_BIT, SECOND_BIT = 0x02, 0x10
RECORD_SIZE, PRESSURE_RECORD_SIZE = 9, 6


def _stored(data: bytes) -> list[Reading]:
    """Time (4 bytes), state of the valve (1), total (4) where the input counts."""
    if not data[4] & COUNTING_BIT:
        return []
    channel = 2 if data[4] & SECOND_BIT else 1
    return [reading(f"uses_{channel}", whole_le(data[5:9]), unix_s_ms(whole_le(data[:4])))]


CHANNELS: Table = {
    (0x04, 0xC8): pulses("uses_1"),
    (0x06, 0xC8): pulses("uses_2"),
    (0x20, 0xCE): Channel(RECORD_SIZE, _stored),
    (0x21, 0xCE): Channel(PRESSURE_RECORD_SIZE),
    (0x0B, 0xF5): Channel(9),  # pressure alarms
    (0x0C, 0xF5): Channel(9),
    **{(valve, 0xAF): Channel(3) for valve in (0x0E, 0x0F)},  # tasks of the valves
    (0xFE, 0x55): Channel(28),
}


DRIVER = Driver(
    name="milesight_uc51x",
    families=("counter",),
    maker="Milesight",
    models=(
        "uc51*",
        "uc52*",
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
