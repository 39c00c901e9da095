"""Rivercity Innovations Lynx (a tracker) and TXH (climate); the model tells them apart."""

from device_drivers.bits import whole
from device_drivers.cells import with_cells
from device_drivers.driver import Driver, Found, Frame, Heard
from device_drivers.points import reading
from device_drivers.reading import Reading
from device_drivers.records import sized

DATA_PORT = 2
SILENT_PORTS = (3, 4, 5, 6)  # versions and settings
PLACE_SIZE = 11
CLIMATE_SIZES = (5, 7)
IN_TRIP, CELL = 0x80, 0x3F


def _place(payload: bytes) -> list[Reading]:
    """Place (8 bytes), states with the cell in tenths above 2 V, course, temperature in halves."""
    return [
        reading("battery_v", (20 + (payload[8] & CELL)) / 10),
        reading("motion", bool(payload[8] & IN_TRIP)),
        reading("temperature", whole(payload[10:11], signed=True) / 2),
    ]


def _climate(payload: bytes) -> list[Reading]:
    """Tenths of a degree and of a percent, alarms, and in newer firmware the cell in mV."""
    found = [
        reading("temperature", whole(payload[0:2], signed=True) / 10),
        reading("humidity", whole(payload[2:4]) / 10),
    ]
    cell = [reading("battery_v", whole(payload[5:7]) / 1_000)] if len(payload) == 7 else []
    return [*cell, *found]


def decode(frame: Frame) -> Found:
    """The size tells a place from a climate."""
    if frame.fport in SILENT_PORTS:
        return Found()
    payload = sized(frame.payload or b"", PLACE_SIZE, *CLIMATE_SIZES)
    read = _place if len(payload) == PLACE_SIZE else _climate
    return Found(tuple(read(payload)))


# By how the model's name begins.
CELLS = {
    "lynx": "Li-ion",
    "txh": "CR123A",
}

DRIVER = Driver(
    name="rivercity_lynx",
    families=("sensor",),
    maker="Rivercity",
    models=("lynx*", "txh*"),
    transport="lorawan",
    points=("battery", "battery_v", "motion", "temperature", "humidity"),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=with_cells(decode, CELLS),
    fports=(DATA_PORT, *SILENT_PORTS),
)
