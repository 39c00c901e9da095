"""Dragino TrackerD: a tracker whose button raises an alarm; the port tells the layout."""

from typing import NamedTuple

from device_drivers import dragino
from device_drivers.bits import whole
from device_drivers.cells import with_cells
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading

ALARM_BIT = 0x40
CELL_MASK = 0x3F
BEACONS_PORT = 9
BEACONS_HEAD_SIZE, BEACON_SIZE = 3, 5


class Layout(NamedTuple):
    """How long a frame is, where alarm and battery stand, where humidity and temperature."""

    size: int
    power_at: int
    climate_at: int | None = None


# By port: older and newer firmware differ in length.
LAYOUTS: dict[int, tuple[Layout, ...]] = {
    2: (Layout(11, 8), Layout(15, 8, 11), Layout(23, 16, 19)),  # satellites, with climate
    3: (Layout(11, 8), Layout(19, 16)),  # satellites
    6: (Layout(27, 24), Layout(31, 24, 27)),  # a beacon
    7: (Layout(3, 0),),  # nothing but the alarm
    8: (Layout(10, 7),),  # Wi-Fi
    10: (Layout(38, 35),),  # beacons by address
}
STATUS_SIZES = (7, 9)
STORED_PORT = 4  # places with their time: nothing of ours


def decode(frame: Frame) -> Found:
    """Bit 6 of the battery's first byte is the alarm."""
    payload, fport = frame.payload or b"", frame.fport
    if fport is None:
        raise Unreadable("fPort: the port tells the layout, and nobody said it")
    if fport == STORED_PORT:
        return Found()
    if fport == dragino.STATUS_PORT:
        return _status(payload)
    if fport == BEACONS_PORT:
        return _beacons(payload)
    for layout in LAYOUTS[fport]:
        if len(payload) == layout.size:
            return _place(payload, layout)
    sizes = ", ".join(str(layout.size) for layout in LAYOUTS[fport])
    raise Unreadable(f"a frame on port {fport} has {sizes} bytes, not {len(payload)}")


def _status(payload: bytes) -> Found:
    if len(payload) not in STATUS_SIZES:
        raise Unreadable(f"a status frame has 7 or 9 bytes, not {len(payload)}")
    return dragino.status(payload[: dragino.STATUS_SIZE])


def _beacons(payload: bytes) -> Found:
    """Battery and mode, then beacons of five bytes."""
    over = len(payload) - BEACONS_HEAD_SIZE
    if over < 0 or over % BEACON_SIZE:
        raise Unreadable(f"expected 3 bytes and beacons of 5, not {len(payload)} bytes")
    return _place(payload, Layout(len(payload), 0))


def _place(payload: bytes, layout: Layout) -> Found:
    power = payload[layout.power_at : layout.power_at + 2]
    battery = reading("battery_v", whole(bytes([power[0] & CELL_MASK, power[1]])) / 1_000)
    found = [reading("press", "sos")] if power[0] & ALARM_BIT else []
    at = layout.climate_at
    if at is None:
        return Found((*found, battery))
    try:
        humidity = reading("humidity", whole(payload[at : at + 2]) / 10)
        warmth = reading("temperature", whole(payload[at + 2 : at + 4], signed=True) / 10)
    except Unreadable as error:
        return Found((*found, battery), (str(error),))
    return Found((*found, battery, warmth, humidity))


# By how the model's name begins.
CELLS = {
    "trackerd": "Li-ion",
}

DRIVER = Driver(
    name="dragino_tracker",
    families=("button",),
    maker="Dragino",
    models=("trackerd*",),
    transport="lorawan",
    points=(
        "press",
        "battery",
        "battery_v",
        "temperature",
        "humidity",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=with_cells(decode, CELLS),
    fports=(2, 3, 4, 5, 6, 7, 8, 9, 10),
)
