"""comtac LPN TD-1: a tracker. Version, state and occasion in bits, cell, degrees, positions."""

from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading
from device_drivers.records import at_least

VERSION = 1
DATA_PORT, SETTINGS_PORT, REJOIN_PORT = 3, 100, 102
HEAD_SIZE = 4
NO_VOLTS, NO_DEGREES = 255, 127


def _cell(steps: int) -> list[Reading]:
    """Steps of 5 mV above 3 V."""
    return [] if steps == NO_VOLTS else [reading("battery_v", (3_000 + steps * 5) / 1_000)]


def decode(frame: Frame) -> Found:
    """Cell and degrees behind each other; what it saw of satellites and networks is not read."""
    payload = at_least(frame.payload or b"", HEAD_SIZE)
    if payload[0] != VERSION:
        raise Unreadable(f"version {payload[0]}: expected {VERSION}")
    if frame.fport != DATA_PORT:
        return Found()
    degrees = int.from_bytes(payload[3:4], signed=True)
    known = [] if degrees == NO_DEGREES else [reading("temperature", degrees)]
    return Found((*_cell(payload[2]), *known))


DRIVER = Driver(
    name="comtac_td1",
    families=("sensor",),
    maker="comtac",
    models=("lpntd1*", "td1*"),
    transport="lorawan",
    points=("battery_v", "temperature"),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
    fports=(DATA_PORT, SETTINGS_PORT, REJOIN_PORT),
)
