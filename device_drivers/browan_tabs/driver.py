"""Browan Tabs: door TBDW100, button TBPB100, motion TBMS100; the port tells which."""

from device_drivers.bits import whole_le
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading

DOOR_PORT = 100
MOTION_PORT = 102
BUTTON_PORT = 147
FRAME_SIZE = 8
TEMPERATURE_OFFSET = 32


def decode(frame: Frame) -> Found:
    """Status, battery, temperature, time (2 bytes), count (3 bytes)."""
    payload = frame.payload or b""
    if len(payload) != FRAME_SIZE:
        raise Unreadable(f"a frame of Tabs has {FRAME_SIZE} bytes, not {len(payload)}")
    common = (
        reading("battery_v", (25 + (payload[1] & 0x0F)) / 10),
        reading("temperature", (payload[2] & 0x7F) - TEMPERATURE_OFFSET),
    )
    return Found((*_own(frame.fport, bool(payload[0] & 1), whole_le(payload[5:8])), *common))


def _own(fport: int | None, active: bool, count: int) -> list[Reading]:
    if fport == DOOR_PORT:
        return [reading("contact", "open" if active else "closed"), reading("openings", count)]
    if fport == MOTION_PORT:
        return [reading("uses", count)]
    if fport == BUTTON_PORT:
        return [reading("press", "single")] if active else []
    raise Unreadable("fPort: the port tells which device it is, and nobody said it")


DRIVER = Driver(
    name="browan_tabs",
    families=(
        "door",
        "button",
        "counter",
    ),
    maker="Browan",
    models=(
        "tbdw100*",
        "tbpb100*",
        "tbms100*",
    ),
    transport="lorawan",
    points=(
        "contact",
        "openings",
        "press",
        "uses",
        "battery_v",
        "temperature",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
    fports=(DOOR_PORT, MOTION_PORT, BUTTON_PORT),
)
