"""Yosensi YO PeopleCounter: people who passed from left to right and from right to left."""

from device_drivers.driver import Driver, Heard
from device_drivers.reading import Reading
from device_drivers.yosensi import COUNTER, Measurement, decoder, total

POINTS = {b"\x02": "in", b"\x03": "out"}  # sums since the beginning; 0, 1 and 4 are differences


def _passages(one: Measurement) -> list[Reading]:
    point = POINTS.get(one.address) if one.kind == COUNTER else None
    return [] if point is None else total(point, one.value)


DRIVER = Driver(
    name="yosensi_people",
    families=("counter",),
    maker="Yosensi",
    models=("yopeoplecounter*", "peoplecounter*"),
    transport="lorawan",
    points=("in", "out", "battery_v", "temperature", "humidity"),
    expected_silence_s=2 * 3_600,
    heard=Heard("none", "nobody carries it, and it has nothing to show"),
    tested="frames",
    decode=decoder(_passages),
)
