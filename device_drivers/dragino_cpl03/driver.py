"""Dragino CPL03: one counter with a time of its own, or three without."""

from device_drivers import dragino
from device_drivers.bits import whole
from device_drivers.cells import with_cells
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading

INPUTS_PORT = 7  # levels of the three inputs
THREE_FLAG, PART_FLAG = 0x08, 0x20
COUNT_SIZE = 3
INPUTS = 3


def decode(frame: Frame) -> Found:
    """Port 2 one record, port 3 stored ones, port 5 the status; 4 and 7 have no count."""
    payload = frame.payload or b""
    if frame.fport in (dragino.SETTINGS_PORT, INPUTS_PORT):
        return Found()
    if frame.fport == dragino.STATUS_PORT:
        return dragino.status(payload)
    if frame.fport == dragino.STORED_PORT:
        raws = dragino.raw_records(payload)
        return Found(tuple(one for raw in raws for one in _stored(raw)))
    if len(payload) != dragino.RECORD_SIZE:
        raise Unreadable(f"a data frame has {dragino.RECORD_SIZE} bytes, not {len(payload)}")
    if payload[0] & THREE_FLAG:
        return Found(tuple(_three(payload)))
    return Found((_one(payload, dragino.live_moment_ms(payload)),))


def _name(flags: int) -> str:
    return "rep" if flags & PART_FLAG else "uses"


def _one(raw: bytes, at_ms: int | None) -> Reading:
    """Flags, count (3 bytes), duration (3), time (4)."""
    return reading(_name(raw[0]), whole(raw[1:4]), at_ms)


def _three(raw: bytes) -> list[Reading]:
    """Flags, then a count of three bytes for each input."""
    starts = range(1, 1 + INPUTS * COUNT_SIZE, COUNT_SIZE)
    return [
        reading(f"{_name(raw[0])}_{number}", whole(raw[start : start + COUNT_SIZE]))
        for number, start in enumerate(starts, start=1)
    ]


def _stored(raw: bytes) -> list[Reading]:
    """With three counters a stored record has two of them and the time."""
    at_ms = dragino.moment_ms(raw)
    if not raw[0] & THREE_FLAG:
        return [_one(raw, at_ms)]
    return [one._replace(at_ms=at_ms) for one in _three(raw)[:2]]


# By how the model's name begins. With LS it is a cell that the sun charges.
CELLS = {
    "cpl03lb": "ER26500 to 2.45 V",
    "cpl03lbls": "",
}

DRIVER = Driver(
    name="dragino_cpl03",
    families=("counter",),
    maker="Dragino",
    models=("cpl03*",),
    transport="lorawan",
    points=(
        "uses",
        "rep",
        "uses_1",
        "uses_2",
        "uses_3",
        "rep_1",
        "rep_2",
        "rep_3",
        "battery",
        "battery_v",
    ),
    expected_silence_s=49 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=with_cells(decode, CELLS),
    fports=(2, 3, 4, 5, 7),
)
