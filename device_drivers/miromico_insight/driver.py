"""Miromico Insight: climate and carbon dioxide; records of length and type."""

from device_drivers.bits import whole_le
from device_drivers.driver import Driver, Found, Frame, Heard
from device_drivers.length_records import read_length_records
from device_drivers.points import reading
from device_drivers.reading import Reading
from device_drivers.records import at_least, sized


def _climate(data: bytes) -> list[Reading]:
    """Hundredths of a degree (2 bytes), halves of a percent (1); a second pair may follow."""
    at_least(data, 3, what="a climate record")
    return [
        reading("temperature", whole_le(data[:2], signed=True) / 100),
        reading("humidity", data[2] / 2),
    ]


def _cell(data: bytes) -> list[Reading]:
    return [reading("battery_v", (sized(data, 1, what="a cell record")[0] + 170) / 100)]


def decode(frame: Frame) -> Found:
    """All records; of those about settings and gases nothing is ours."""
    return read_length_records(frame.payload or b"", {1: _climate, 10: _cell})


DRIVER = Driver(
    name="miromico_insight",
    families=("sensor",),
    maker="Miromico",
    models=("insight*",),
    transport="lorawan",
    points=("battery_v", "temperature", "humidity"),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "nobody carries it, and it has nothing to show"),
    tested="frames",
    decode=decode,
)
