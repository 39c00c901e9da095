"""Yosensi YO Pulse (three inputs), YO MeterPulse and MeterReader (one): pulses counted."""

from device_drivers.bits import whole
from device_drivers.driver import Driver, Heard
from device_drivers.points import reading
from device_drivers.reading import Reading
from device_drivers.yosensi import COUNTER, TWO_VALUES, Measurement, decoder, total

INPUTS = {b"\x04": "uses_1", b"\x05": "uses_2", b"\x06": "uses_3"}
BOTH_COUNTS_SIZE = 8


def _pulses(one: Measurement) -> list[Reading]:
    """Of the two values of a meter, the first began anew with the period, the second never."""
    if one.kind == TWO_VALUES and not one.address and len(one.raw) == BOTH_COUNTS_SIZE:
        return [reading("rep", whole(one.raw[:4])), reading("uses", whole(one.raw[4:]))]
    point = INPUTS.get(one.address) if one.kind == COUNTER else None
    return [] if point is None else total(point, one.value)


DRIVER = Driver(
    name="yosensi_pulse",
    families=("counter",),
    maker="Yosensi",
    models=("yopulse*", "yometerpulse*", "yometerreader*"),
    transport="lorawan",
    points=("uses", "rep", *INPUTS.values(), "battery_v", "temperature", "humidity"),
    expected_silence_s=2 * 3_600,
    heard=Heard("none", "nobody carries it, and it has nothing to show"),
    tested="frames",
    decode=decoder(_pulses),
)
