"""Milesight EM300-DI: pulses of a dry contact, with temperature and humidity."""

from device_drivers.bits import whole_le
from device_drivers.driver import Driver, Heard
from device_drivers.milesight import Channel, Table, decoder, history, number, pulses
from device_drivers.points import reading
from device_drivers.reading import Reading

COUNTER_MODE = 2
RECORD_SIZE = 13
WATER_RECORD_SIZE = 18
CLIMATE = (
    (0, number("temperature", divisor=10, size=2, signed=True)),
    (2, number("humidity", divisor=2)),
)


def _stored_pulses(data: bytes) -> list[Reading]:
    """Mode, level, total of a stored record; in the other mode only the level counts."""
    return [reading("uses", whole_le(data[2:6]))] if data[0] == COUNTER_MODE else []


CHANNELS: Table = {
    (0x05, 0xC8): pulses("uses"),
    (0x20, 0xCE): Channel(RECORD_SIZE, history(*CLIMATE, (3, _stored_pulses))),
    (0x21, 0xCE): Channel(WATER_RECORD_SIZE, history(*CLIMATE)),
}


DRIVER = Driver(
    name="milesight_em300_di",
    families=("counter",),
    maker="Milesight",
    models=("em300di*",),
    transport="lorawan",
    points=(
        "uses",
        "battery",
        "temperature",
        "humidity",
    ),
    expected_silence_s=3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decoder(CHANNELS),
)
