"""Watteco's counters: Pulse Sens'O and Torano (three inputs), In'O (ten), Atm'O (two), Flash'O."""

from device_drivers.bits import whole
from device_drivers.driver import Driver, Heard, Unreadable
from device_drivers.points import CHANNELS_MAX, reading
from device_drivers.reading import Reading
from device_drivers.watteco import COUNT, PORT, decoder

INPUTS = tuple(f"uses_{number}" for number in range(1, CHANNELS_MAX + 1))


def _count(endpoint: int, value: bytes) -> list[Reading]:
    """A running total; the first input is also the device's `uses`, as most have one only."""
    if endpoint >= CHANNELS_MAX:
        raise Unreadable(f"input {endpoint}: expected 0 to {CHANNELS_MAX - 1}")
    total = whole(value)
    alone = [reading("uses", total)] if endpoint == 0 else []
    return [*alone, reading(INPUTS[endpoint], total)]


DRIVER = Driver(
    name="watteco_pulse",
    families=("counter",),
    maker="Watteco,Watecco,nke",
    models=("pulsesenso*", "torano*", "ino*", "atmo*", "flasho*", "ventilo*"),
    transport="lorawan",
    points=("uses", *INPUTS, "battery_v", "temperature", "humidity", "occupancy"),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decoder({COUNT: _count}),
    fports=(PORT,),
)
