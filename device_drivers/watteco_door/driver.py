"""Watteco Clos'O: a door contact on the second input, the opening of its own case on the first."""

from device_drivers.driver import Driver, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading
from device_drivers.watteco import BINARY_INPUT, PORT, decoder, flag

CASE, DOOR = 0, 1


def _input(endpoint: int, value: bytes) -> list[Reading]:
    active = flag(value)
    if endpoint == CASE:
        return [reading("tamper", active)]
    if endpoint == DOOR:
        return [reading("contact", "open" if active else "closed")]
    raise Unreadable(f"input {endpoint}: a Clos'O has 0 and 1")


DRIVER = Driver(
    name="watteco_door",
    families=("door",),
    maker="Watteco,Watecco,nke",
    models=("closo*",),
    transport="lorawan",
    points=("contact", "tamper", "battery_v", "temperature", "humidity", "occupancy"),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decoder({BINARY_INPUT: _input}),
    fports=(PORT,),
)
