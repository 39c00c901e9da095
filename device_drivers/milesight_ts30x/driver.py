"""Milesight TS301 and TS302: two probes, each of them temperature, humidity or a magnet."""

from device_drivers.bits import whole_le
from device_drivers.driver import Driver, Heard
from device_drivers.milesight import (
    TEMPERATURE,
    TEMPERATURE_ALARM,
    Channel,
    Read,
    Table,
    code,
    decoder,
)
from device_drivers.moments import unix_s_ms
from device_drivers.points import reading
from device_drivers.reading import Reading

CONTACT = {0: "closed", 1: "open"}
RECORD_SIZE = 9
MAGNET_EVENTS = (5, 6)  # what a stored value is: a magnet's change, a magnet at the usual time
# The second version has one probe in a record, and these values where the probe is a magnet.
MAGNET_VALUES = {-1_000: "closed", -1_001: "open"}


def _values(data: bytes) -> list[int]:
    return [whole_le(data[at : at + 2], signed=True) for at in (5, 7)]


def _stored_magnet(probe: int) -> Read:
    """A record of one probe in the second version: two values, both the magnet's or none."""

    def read_magnet(data: bytes) -> list[Reading]:
        at_ms = unix_s_ms(whole_le(data[:4]))
        magnets = [MAGNET_VALUES[value] for value in _values(data) if value in MAGNET_VALUES]
        return [reading(f"contact_{probe}", state, at_ms) for state in magnets[:1]]

    return read_magnet


STORED_MAGNET_1 = _stored_magnet(1)


def _stored(data: bytes) -> list[Reading]:
    """Time (4 bytes), what the two values are (a nibble each), the values (2 each)."""
    at_ms = unix_s_ms(whole_le(data[:4]))
    values = _values(data)
    if any(value in MAGNET_VALUES for value in values):
        return STORED_MAGNET_1(data)
    events = (data[4] >> 4, data[4] & 0x0F)
    return [
        reading(f"contact_{probe}", CONTACT[value], at_ms)
        for probe, (event, value) in enumerate(zip(events, values, strict=True), start=1)
        if event in MAGNET_EVENTS and value in CONTACT
    ]


CHANNELS: Table = {
    (0x03, 0x00): Channel(1, code("contact_1", CONTACT)),
    (0x04, 0x00): Channel(1, code("contact_2", CONTACT)),
    (0x04, 0x67): TEMPERATURE,
    (0x84, 0x67): TEMPERATURE_ALARM,
    (0x20, 0xCE): Channel(RECORD_SIZE, _stored),
    (0x21, 0xCE): Channel(RECORD_SIZE, _stored_magnet(2)),
}


DRIVER = Driver(
    name="milesight_ts30x",
    families=("door",),
    maker="Milesight",
    models=(
        "ts301*",
        "ts302*",
        "ts30x*",
    ),
    transport="lorawan",
    points=(
        "contact",
        "contact_1",
        "contact_2",
        "battery",
        "temperature",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decoder(CHANNELS, alone=("contact",)),
)
