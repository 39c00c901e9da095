"""What Dragino's devices share: the status frame, and counting frames with a time of their own."""

from device_drivers.bits import whole
from device_drivers.driver import Found, Unreadable
from device_drivers.moments import unix_s_ms
from device_drivers.points import reading
from device_drivers.reading import Reading

DATA_PORTS = (2,)
STORED_PORT = 3
SETTINGS_PORT = 4
STATUS_PORT = 5
STATUS_SIZE = 7
RECORD_SIZE = 11
CELL_V_MIN, CELL_V_MAX = 1.5, 6.0  # no cell of theirs gives less or more: it is another layout


def status(payload: bytes) -> Found:
    """Model, firmware, band, and the cell's voltage in mV in the last two bytes."""
    if len(payload) != STATUS_SIZE:
        raise Unreadable(f"a status frame has {STATUS_SIZE} bytes, not {len(payload)}")
    return Found((reading("battery_v", whole(payload[5:7]) / 1_000),))


def records(payload: bytes) -> list[tuple[int, int, int]]:
    """Records of flags (1 byte), count (3), duration (3), Unix time (4): flags, count, moment."""
    return [(raw[0], whole(raw[1:4]), moment_ms(raw)) for raw in raw_records(payload)]


def raw_records(payload: bytes) -> list[bytes]:
    """Stored records, all of the same size, which end with a Unix time."""
    if not payload or len(payload) % RECORD_SIZE:
        raise Unreadable(f"expected records of {RECORD_SIZE} bytes, not {len(payload)} bytes")
    starts = range(0, len(payload), RECORD_SIZE)
    return [payload[start : start + RECORD_SIZE] for start in starts]


def moment_ms(raw: bytes) -> int:
    """The Unix time at the end of a record."""
    return unix_s_ms(whole(raw[7:11]))


def live_moment_ms(raw: bytes) -> int | None:
    """The time of a record that was sent at once: where the clock was never set, the frame's."""
    try:
        return moment_ms(raw)
    except Unreadable:
        return None


def one_record(payload: bytes) -> list[tuple[int, int, int | None]]:
    """The record of a data frame, which is one."""
    if len(payload) != RECORD_SIZE:
        raise Unreadable(f"a data frame has {RECORD_SIZE} bytes, not {len(payload)}")
    return [(payload[0], whole(payload[1:4]), live_moment_ms(payload))]


def battery_v(raw: bytes) -> Reading:
    """A voltage in mV in the lower 14 bits of two bytes."""
    return reading("battery_v", (whole(raw) & 0x3FFF) / 1_000)


def cell_v(raw: bytes) -> Reading:
    """The same, where a voltage that no cell has shows that the bytes are something else."""
    found = battery_v(raw)
    if not CELL_V_MIN <= float(found.value) <= CELL_V_MAX:
        raise Unreadable(f"battery {found.value} V: expected {CELL_V_MIN} to {CELL_V_MAX} V")
    return found
