"""Netvox devices: version, device type, kind of report, then what the type says.

The device type in the second byte tells the layout, so one table serves all models. Bytes of
numbers come most significant first.
"""

from collections.abc import Callable

from device_drivers.bits import whole
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading

DATA_PORT = 6
FRAME_SIZE = 11
VERSION_REPORT = 0
DATA_REPORT = 1
LOW_BIT = 0x80

Read = Callable[[bytes], list[Reading]]


def _alarm(kind: str) -> Read:
    def read_alarm(data: bytes) -> list[Reading]:
        return [reading("press", kind)] if data[0] else []

    return read_alarm


def _totals(size: int, count: int = 1) -> Read:
    def read_totals(data: bytes) -> list[Reading]:
        names = ["uses"] if count == 1 else [f"uses_{number}" for number in range(1, count + 1)]
        return [
            reading(name, whole(data[index * size : (index + 1) * size]))
            for index, name in enumerate(names)
        ]

    return read_totals


# What stands behind the battery, by device type.
TYPES: dict[int, Read] = {
    0x10: _alarm("sos"),  # RB02I
    0x4D: _alarm("sos"),  # R312A
    0x31: _alarm("single"),  # R718T
    0x1F: _totals(2),  # R718H
    0x3F: _totals(2, count=2),  # R718H2
    0x2B: _totals(4),  # R718MBB
}
# Types with a cell of which only the battery is read: their state is "on" or "off", and which of
# them is an open door is not published.
BATTERY_ONLY = frozenset(
    (
        *(0x02, 0x03, 0x1A, 0x1B, 0x1D, 0x21, 0x25, 0x27, 0x2C, 0x2F, 0x3D, 0x3E, 0x43),
        *(0x4C, 0x4F, 0x50, 0x56, 0x59, 0x82, 0x8B, 0x9A, 0xA8, 0xA9, 0xC8),
    )
)


def decode(frame: Frame) -> Found:
    """Port 6 carries data; 7 and 13 answer to settings with the same device byte."""
    if frame.fport is not None and frame.fport != DATA_PORT:
        return Found()
    payload = frame.payload or b""
    if len(payload) != FRAME_SIZE:
        raise Unreadable(f"a frame of Netvox has {FRAME_SIZE} bytes, not {len(payload)}")
    _version, kind, report, battery = payload[:4]
    if report == VERSION_REPORT:
        return Found()
    if report != DATA_REPORT:
        raise Unreadable(f"report {report} of device type {kind:#04x} is not known here")
    if kind not in TYPES and kind not in BATTERY_ONLY:
        raise Unreadable(f"device type {kind:#04x} is not known here")
    read = TYPES.get(kind)
    own = read(payload[4:]) if read is not None else []
    return Found((*own, *_battery(battery)))


def _battery(raw: int) -> tuple[Reading, Reading]:
    low = bool(raw & LOW_BIT)
    return reading("battery_v", (raw & ~LOW_BIT) / 10), reading("battery_low", low)


DRIVER = Driver(
    name="netvox",
    families=(
        "button",
        "door",
        "counter",
    ),
    maker="Netvox",
    models=(
        "r311*",
        "r312*",
        "r718*",
        "r719*",
        "r730*",
        "rb02i*",
        "rb11e*",
        "*",
    ),
    transport="lorawan",
    points=(
        "press",
        "uses",
        "uses_1",
        "uses_2",
        "battery_v",
        "battery_low",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
    fports=(6, 7, 13),
)
