"""Dragino door and leak sensors: battery first (LDS01, LDS02, LWL01, LWL02), records (LDS03A)."""

from collections.abc import Callable

from device_drivers import dragino
from device_drivers.bits import whole
from device_drivers.cells import with_cells
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading

BATTERY_FIRST_PORT = 10
EDGE_PORT = 7  # LDS02 from firmware 1.8: which edge was counted
BATTERY_FIRST_SIZE = 10
EDGE_SIZE = 5
SHORT_SIZE = 7  # without duration and alarm; port 10 only, where nothing else can be meant
TWO_DOORS_SIZE = 18
SECOND_DOOR = 11
DOOR_MODE, LEAK_MODE, BOTH_MODE = 1, 2, 3
OPEN_BIT = 0x80  # with the battery
OPEN_FLAG, PART_FLAG = 0x01, 0x08  # of a record; a part is what was counted since the last one


def decode(frame: Frame) -> Found:
    """The port tells the layout; on port 2 two exist and the length tells it."""
    payload = frame.payload or b""
    read = PORTS.get(frame.fport)
    return read(payload) if read is not None else _now(payload, frame.fport)


def _now(payload: bytes, fport: int | None) -> Found:
    """What is sent at once."""
    if len(payload) == dragino.RECORD_SIZE:
        return Found(tuple(_door(*dragino.one_record(payload)[0])))
    if len(payload) == TWO_DOORS_SIZE:
        return _two_doors(payload)
    short = len(payload) == SHORT_SIZE and fport == BATTERY_FIRST_PORT
    if len(payload) != BATTERY_FIRST_SIZE and not short:
        raise Unreadable(f"expected a frame of 10, 11 or 18 bytes, not {len(payload)}")
    return _battery_first(payload)


def _stored(payload: bytes) -> Found:
    return Found(tuple(one for record in dragino.records(payload) for one in _door(*record)))


def _door(flags: int, count: int, at_ms: int | None, number: str = "") -> list[Reading]:
    contact = "open" if flags & OPEN_FLAG else "closed"
    counted = "rep" if flags & PART_FLAG else "openings"
    return [
        reading(f"contact{number}", contact, at_ms),
        reading(f"{counted}{number}", count, at_ms),
    ]


def _two_doors(payload: bytes) -> Found:
    """A record, and the second door's flags, count and duration behind it."""
    at_ms = dragino.live_moment_ms(payload)
    first, second = payload[0], payload[SECOND_DOOR] | payload[0] & PART_FLAG
    counts = whole(payload[1:4]), whole(payload[SECOND_DOOR + 1 : SECOND_DOOR + 4])
    return Found(
        (*_door(first, counts[0], at_ms, "_1"), *_door(second, counts[1], at_ms, "_2")),
    )


def _edges(payload: bytes) -> Found:
    """Battery and the door's state (2 bytes), edges counted (3)."""
    if len(payload) != EDGE_SIZE:
        raise Unreadable(f"a frame on port {EDGE_PORT} has {EDGE_SIZE} bytes, not {len(payload)}")
    contact = "open" if payload[0] & OPEN_BIT else "closed"
    return Found((dragino.cell_v(payload[:2]), reading("contact", contact)))


def _battery_first(payload: bytes) -> Found:
    battery, mode = dragino.cell_v(payload[:2]), payload[2]
    if mode not in (DOOR_MODE, LEAK_MODE, BOTH_MODE):
        raise Unreadable(f"mode {mode}: expected 1 (door), 2 (leak) or 3 (both)")
    if mode == LEAK_MODE:
        return Found((battery,))
    contact = reading("contact", "open" if payload[0] & OPEN_BIT else "closed")
    if mode == BOTH_MODE:  # it counts neither
        return Found((battery, contact))
    return Found((battery, contact, reading("openings", whole(payload[3:6]))))


PORTS: dict[int | None, Callable[[bytes], Found]] = {
    dragino.STORED_PORT: _stored,
    dragino.SETTINGS_PORT: lambda _payload: Found(),
    dragino.STATUS_PORT: dragino.status,
    EDGE_PORT: _edges,
}

# By how the model's name begins.
CELLS = {
    "lds02": "2xAAA to 2.1 V",
    "lwl02": "2xAAA to 2.1 V",
    "lds03a": "ER26500 to 2.45 V",
    "ds03alb": "ER26500 to 2.45 V",
}

DRIVER = Driver(
    name="dragino_door",
    families=("door",),
    maker="Dragino",
    models=(
        "lds01*",
        "lds02*",
        "lds03*",
        "ds03*",
        "lwl01*",
        "lwl02*",
    ),
    transport="lorawan",
    points=(
        "contact",
        "openings",
        "rep",
        "contact_1",
        "contact_2",
        "openings_1",
        "openings_2",
        "rep_1",
        "rep_2",
        "battery",
        "battery_v",
    ),
    expected_silence_s=49 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=with_cells(decode, CELLS),
    fports=(2, 3, 4, 5, EDGE_PORT, BATTERY_FIRST_PORT),
)
