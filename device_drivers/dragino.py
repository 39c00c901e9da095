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


def status(payload: bytes) -> Found:
    """Model, firmware, band, and the cell's voltage in mV in the last two bytes."""
    if len(payload) != STATUS_SIZE:
        raise Unreadable(f"a status frame has {STATUS_SIZE} bytes, not {len(payload)}")
    return Found((reading("battery_v", whole(payload[5:7]) / 1_000),))


def records(payload: bytes) -> list[tuple[int, int, int]]:
    """Records of flags (1 byte), count (3), duration (3), Unix time (4): flags, count, moment."""
    if not payload or len(payload) % RECORD_SIZE:
        raise Unreadable(f"expected records of {RECORD_SIZE} bytes, not {len(payload)} bytes")
    starts = range(0, len(payload), RECORD_SIZE)
    return [_record(payload[start : start + RECORD_SIZE]) for start in starts]


def _record(raw: bytes) -> tuple[int, int, int]:
    return raw[0], whole(raw[1:4]), unix_s_ms(whole(raw[7:11]))


def one_record(payload: bytes) -> list[tuple[int, int, int]]:
    """The record of a data frame, which is one."""
    if len(payload) != RECORD_SIZE:
        raise Unreadable(f"a data frame has {RECORD_SIZE} bytes, not {len(payload)}")
    return records(payload)


def battery_v(raw: bytes) -> Reading:
    """A voltage in mV in the lower 14 bits of two bytes."""
    return reading("battery_v", (whole(raw) & 0x3FFF) / 1_000)
