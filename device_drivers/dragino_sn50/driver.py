"""Dragino nodes LSN50, SN50v3, S31, D20 to D23: a door input, counting inputs, by their mode."""

from device_drivers import dragino
from device_drivers.bits import whole
from device_drivers.cells import with_cells
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading

SIZES = (11, 12, 17)
MODE_AT = 6
CLOSED_BIT = 0x80
ANALOGUE_MODE = 2  # three voltages; the battery is at the end, in 0.1 V
COUNT_MODE, INTERRUPTS_MODE, TWO_COUNTS_MODE, COUNT_CLIMATE_MODE = 5, 6, 8, 11
LIMITS_MODE = 31  # settings repeated
MODES = (*range(12), LIMITS_MODE)
WITHOUT_DOOR = (COUNT_MODE, INTERRUPTS_MODE)
PROBES = ("d20", "d22", "d23", "s31", "lsn50v2d2", "lsn50v2s31")  # their door input leads nowhere
# By mode: where the counts of four bytes stand.
COUNTS: dict[int, tuple[int, ...]] = {
    COUNT_MODE: (7,),
    TWO_COUNTS_MODE: (9, 13),
    COUNT_CLIMATE_MODE: (7,),
}
OLD_STATUS_MAX = 0x0F  # an old status begins with the band and has no battery, a new with the model


def decode(frame: Frame) -> Found:
    """Port 2 the values, port 3 stored climate, port 4 settings, port 5 the status."""
    payload = frame.payload or b""
    if frame.fport in (dragino.STORED_PORT, dragino.SETTINGS_PORT):
        return Found()
    if frame.fport == dragino.STATUS_PORT:
        old = bool(payload) and payload[0] <= OLD_STATUS_MAX
        return Found() if old else dragino.status(payload)
    if len(payload) not in SIZES:
        raise Unreadable(f"expected a frame of 11, 12 or 17 bytes, not {len(payload)}")
    mode = (payload[MODE_AT] & 0x7C) >> 2
    has_door = mode not in WITHOUT_DOOR and not frame.model.startswith(PROBES)
    return _values(payload, mode, has_door=has_door)


def _values(payload: bytes, mode: int, *, has_door: bool) -> Found:
    if mode not in MODES:
        raise Unreadable(f"mode {mode} is not listed by the maker")
    if mode == LIMITS_MODE:
        return Found()
    found = [_battery(payload, mode)]
    if has_door:
        contact = "closed" if payload[MODE_AT] & CLOSED_BIT else "open"
        found.append(reading("contact", contact))
    return Found((*found, *_counts(payload, COUNTS.get(mode, ()))))


def _battery(payload: bytes, mode: int) -> Reading:
    if mode != ANALOGUE_MODE:
        return dragino.cell_v(payload[:2])
    if len(payload) <= dragino.RECORD_SIZE:
        raise Unreadable("the battery behind three voltages is cut off")
    return reading("battery_v", payload[11] / 10)


def _counts(payload: bytes, places: tuple[int, ...]) -> list[Reading]:
    if places and len(payload) < places[-1] + 4:
        raise Unreadable("the counts are cut off")
    values = [whole(payload[at : at + 4]) for at in places]
    if len(values) == 1:
        return [reading("uses", values[0])]
    return [reading(f"uses_{number}", value) for number, value in enumerate(values, start=1)]


# By how the model's name begins. With LS it is a cell that the sun charges.
CELLS = {
    "lsn50": "ER26500 to 2.45 V",
    "sn50v3lb": "ER26500 to 2.45 V",
    "s31lb": "ER26500 to 2.45 V",
    "s31blb": "ER26500 to 2.45 V",
    "d20lb": "ER26500 to 2.45 V",
    "d20slb": "ER26500 to 2.45 V",
    "d22lb": "ER26500 to 2.45 V",
    "d23lb": "ER26500 to 2.45 V",
    "sn50v3lbls": "",
    "s31lbls": "",
    "s31blbls": "",
}

DRIVER = Driver(
    name="dragino_sn50",
    families=(
        "door",
        "counter",
    ),
    maker="Dragino",
    models=("lsn50*", "sn50v3*", "s31lb*", "s31blb*", "d20lb*", "d20slb*", "d22lb*", "d23lb*"),
    transport="lorawan",
    points=(
        "contact",
        "uses",
        "uses_1",
        "uses_2",
        "battery",
        "battery_v",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=with_cells(decode, CELLS),
    fports=(2, 3, 4, 5),
)
