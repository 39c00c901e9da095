"""Radionode RN320: a report of the device itself, with its cell. Least significant byte first."""

from device_drivers.bits import whole_le
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.records import at_least

ABOUT = 0x0B
DATA = (0x0C, 0x0D, 0x0E)  # measured, stored, an event
ABOUT_SIZE = 11


def decode(frame: Frame) -> Found:
    """Kind, model, version (4 bytes), interval (2), level, millivolts (2)."""
    payload = frame.payload or b""
    if payload[0] in DATA:
        return Found()
    if payload[0] != ABOUT:
        raise Unreadable(f"kind {payload[0]:#04x}: expected {ABOUT:#04x} to {DATA[-1]:#04x}")
    at_least(payload, ABOUT_SIZE)
    return Found((reading("battery_v", whole_le(payload[9:11]) / 1_000),))


DRIVER = Driver(
    name="radionode",
    families=("sensor",),
    maker="Radionode",
    models=("rn320*", "*"),
    transport="lorawan",
    points=("battery_v",),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
)
