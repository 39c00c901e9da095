"""Milesight VS350, VS351 and VS360: people through a passage, in and out."""

from device_drivers.driver import Driver, Heard
from device_drivers.milesight import Channel, Table, decoder, history, pair
from device_drivers.reading import Reading

TOTALS = pair("in", "out")
PERIOD = pair("rep_1", "rep_2")
SHORT_RECORD_SIZE = 9
LONG_RECORD_SIZE = 13
WITH_TOTALS = 1


def _record_size(rest: bytes) -> int:
    with_totals = len(rest) > 4 and rest[4] == WITH_TOTALS
    return LONG_RECORD_SIZE if with_totals else SHORT_RECORD_SIZE


def _stored_totals(data: bytes) -> list[Reading]:
    return TOTALS(data) if data else []


CHANNELS: Table = {
    (0x04, 0xCC): Channel(4, TOTALS),
    (0x84, 0xCC): Channel(5, TOTALS),
    (0x05, 0xCC): Channel(4, PERIOD),
    (0x85, 0xCC): Channel(5, PERIOD),
    (0x81, 0xEE): Channel(1),  # sensitivity; no alarm, though the channel's number looks like one
    (0x20, 0xCE): Channel(_record_size, history((1, PERIOD), (5, _stored_totals))),
}


DRIVER = Driver(
    name="milesight_vs35x",
    families=("counter",),
    maker="Milesight",
    models=(
        "vs350*",
        "vs351*",
        "vs360*",
    ),
    transport="lorawan",
    points=(
        "in",
        "out",
        "rep_1",
        "rep_2",
        "battery",
        "temperature",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decoder(CHANNELS),
)
