"""Dragino door sensors LDS01 and LDS02 (battery first), LDS03A and DS03A (records with a time)."""

from device_drivers import dragino
from device_drivers.bits import whole
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading

BATTERY_FIRST_PORT = 10
BATTERY_FIRST_SIZE = 10
SHORT_SIZE = 7  # without duration and alarm; port 10 only, where nothing else can be meant
BATTERY_V_MIN = 1.5  # no cell sends below: such a frame is another layout that was cut off
LEAK_MODE = 2
DOOR_MODE = 1
OPEN_BIT = 0x80


def decode(frame: Frame) -> Found:
    """The port tells the layout; on port 2 both exist and the length tells it."""
    payload = frame.payload or b""
    if frame.fport == dragino.SETTINGS_PORT:
        return Found()
    if frame.fport == dragino.STATUS_PORT:
        return dragino.status(payload)
    if frame.fport == dragino.STORED_PORT:
        return Found(tuple(one for record in dragino.records(payload) for one in _door(*record)))
    if len(payload) == dragino.RECORD_SIZE:
        return Found(tuple(_door(*dragino.one_record(payload)[0])))
    short = len(payload) == SHORT_SIZE and frame.fport == BATTERY_FIRST_PORT
    if len(payload) != BATTERY_FIRST_SIZE and not short:
        raise Unreadable(f"expected a frame of 10 or 11 bytes, not {len(payload)}")
    return _battery_first(payload)


def _door(flags: int, count: int, at_ms: int) -> list[Reading]:
    contact = "open" if flags & 1 else "closed"
    return [reading("contact", contact, at_ms), reading("openings", count, at_ms)]


def _battery_first(payload: bytes) -> Found:
    battery, mode = dragino.battery_v(payload[:2]), payload[2]
    if float(battery.value) < BATTERY_V_MIN or mode not in (DOOR_MODE, LEAK_MODE):
        raise Unreadable(
            f"battery {battery.value} V, mode {mode}: expected at least {BATTERY_V_MIN} V and "
            "mode 1 (door) or 2 (leak)"
        )
    if mode == LEAK_MODE:
        return Found((battery,))
    contact = reading("contact", "open" if payload[0] & OPEN_BIT else "closed")
    return Found((battery, contact, reading("openings", whole(payload[3:6]))))


DRIVER = Driver(
    name="dragino_door",
    families=("door",),
    maker="Dragino",
    models=(
        "lds01*",
        "lds02*",
        "lds03*",
        "ds03*",
    ),
    transport="lorawan",
    points=(
        "contact",
        "openings",
        "battery_v",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
    fports=(2, 3, 4, 5, BATTERY_FIRST_PORT),
)
