"""Every other sensor of Watteco: battery, climate, occupancy, and the opening of its case."""

from device_drivers.driver import Driver, Heard
from device_drivers.points import reading
from device_drivers.reading import Reading
from device_drivers.watteco import BINARY_INPUT, PORT, decoder, flag

CASE = 0


def _case(endpoint: int, value: bytes) -> list[Reading]:
    """The first input watches the case in all models that have one; others are not published."""
    return [reading("tamper", flag(value))] if endpoint == CASE else []


DRIVER = Driver(
    name="watteco_sensor",
    families=("sensor",),
    maker="Watteco,Watecco,nke",
    models=("*",),
    transport="lorawan",
    points=("tamper", "occupancy", "battery_v", "temperature", "humidity"),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decoder({BINARY_INPUT: _case}),
    fports=(PORT,),
)
