"""Pepperl+Fuchs WILSEN: records of length, type of two bytes, value."""

from collections.abc import Iterator

from device_drivers.bits import whole
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading

TYPE_SIZE = 2
CELL = 0x5101


def _records(payload: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(payload):
        size = payload[at]
        record = payload[at + 1 : at + 1 + size]
        if size < TYPE_SIZE or len(record) < size:
            raise Unreadable(
                f"byte {at}: a record needs {max(size, TYPE_SIZE)} bytes and {len(record)} follow; "
                "the frame is cut off"
            )
        yield whole(record[:TYPE_SIZE]), record[TYPE_SIZE:]
        at += 1 + size


def _read(kind: int, value: bytes) -> list[Reading]:
    """The cell in tenths of a volt."""
    return [reading("battery_v", whole(value) / 10)] if kind == CELL and len(value) == 1 else []


def decode(frame: Frame) -> Found:
    """Of all records, the cell's."""
    records = list(_records(frame.payload or b""))
    return Found(tuple(one for kind, value in records for one in _read(kind, value)))


DRIVER = Driver(
    name="pepperl_wilsen",
    families=("sensor",),
    maker="Pepperl+Fuchs, Pepperl, PF",
    models=("wilsen*",),
    transport="lorawan",
    points=("battery_v",),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
)
