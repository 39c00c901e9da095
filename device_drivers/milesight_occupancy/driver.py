"""Milesight devices that tell whether a place is taken: VS321 to VS370, WS203."""

from device_drivers.bits import whole_le
from device_drivers.driver import Driver, Heard
from device_drivers.milesight import Channel, Table, code, decoder, history, number
from device_drivers.reading import Reading

OCCUPANCY = code("occupancy", {0: False, 1: True})
PEOPLE = number("people", size=2)
WS203_RECORD_SIZE = 9


def _occupied_region(data: bytes) -> list[Reading]:
    """VS321: which regions are watched, which of them are taken."""
    watched, taken = whole_le(data[:2]), whole_le(data[2:4])
    return OCCUPANCY(bytes([bool(watched & taken)]))


CHANNELS: Table = {
    (0x03, 0x8E): Channel(1, OCCUPANCY),  # VS330
    (0x03, 0x00): Channel(1, OCCUPANCY),  # VS340, VS341, VS370
    (0x05, 0x00): Channel(1, OCCUPANCY),  # WS203
    (0x05, 0xFD): Channel(2, PEOPLE),  # VS321
    (0x06, 0xFE): Channel(4, _occupied_region),
    (0x07, 0xFF): Channel(1),
    (0x20, 0xCE): Channel(
        WS203_RECORD_SIZE,
        history(
            (1, OCCUPANCY),
            (2, number("temperature", divisor=10, size=2, signed=True)),
            (4, number("humidity", divisor=2)),
        ),
    ),
}


DRIVER = Driver(
    name="milesight_occupancy",
    families=("counter",),
    maker="Milesight",
    models=("vs321*", "vs330*", "vs34*", "vs370*", "ws203*"),
    transport="lorawan",
    points=(
        "occupancy",
        "people",
        "battery",
        "temperature",
        "humidity",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decoder(CHANNELS),
)
