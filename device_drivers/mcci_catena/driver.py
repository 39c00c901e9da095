"""MCCI Catena: a format, flags of what follows, and those values, the cell's voltage first."""

from device_drivers.bits import whole
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading

PORTS = (1, 2, 3, 4, 5)
# Where the flags stand: behind the format, or behind four bytes of the network's time.
FLAGS_AT = {**dict.fromkeys((0x14, 0x15, 0x16, 0x17, 0x19, 0x20, 0x21), 1), 0x22: 5}
CELL, BUS, BOOT, CLIMATE = 0x01, 0x02, 0x04, 0x08
OTHER_FORMATS = (0x11, 0x18, 0x1A, 0x1B, 0x1C, 0x1D, 0x1E, 0x1F)
VOLT = 4_096


def _values(payload: bytes, at: int) -> list[Reading]:
    """Volts in parts of 4096; the climate of a Catena 4450 behind them."""
    flags, at = payload[at], at + 1
    found = []
    if flags & CELL:
        found.append(reading("battery_v", whole(_part(payload, at, 2), signed=True) / VOLT))
        at += 2
    at += 2 * bool(flags & BUS) + bool(flags & BOOT)
    if flags & CLIMATE and payload[0] == 0x14:
        climate = _part(payload, at, 5)
        found.append(reading("temperature", whole(climate[:2], signed=True) / 256))
        found.append(reading("humidity", climate[4] / 256 * 100))
    return found


def _part(payload: bytes, at: int, size: int) -> bytes:
    part = payload[at : at + size]
    if len(part) < size:
        raise Unreadable(f"byte {at}: {size} bytes should follow; the frame is cut off")
    return part


def decode(frame: Frame) -> Found:
    """The format's own flags tell what is there."""
    payload = frame.payload or b""
    if payload[0] in OTHER_FORMATS:
        return Found()
    if payload[0] not in FLAGS_AT:
        raise Unreadable(f"format {payload[0]:02x} is not known here")
    _part(payload, 0, FLAGS_AT[payload[0]] + 1)
    return Found(tuple(_values(payload, FLAGS_AT[payload[0]])))


DRIVER = Driver(
    name="mcci_catena",
    families=("sensor",),
    maker="MCCI",
    models=("*", "catena*"),
    transport="lorawan",
    points=("battery_v", "temperature", "humidity"),
    expected_silence_s=3 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
    fports=PORTS,
)
