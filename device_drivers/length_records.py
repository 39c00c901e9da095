"""Frames that are a row of records of length, type and data; the length counts the type."""

from collections.abc import Callable, Mapping

from device_drivers.driver import Found, Unreadable
from device_drivers.reading import Reading

Read = Callable[[bytes], list[Reading]]


def read_length_records(payload: bytes, table: Mapping[int, Read]) -> Found:
    """Readings of the types in the table; every other type steps over itself.

    Raises `Unreadable` where the frame is cut off, unless a press stood before.
    """
    readings: list[Reading] = []
    at = 0
    while at < len(payload):
        size = payload[at]
        record = payload[at + 1 : at + 1 + size]
        if size == 0 or len(record) < size:
            reason = f"byte {at}: a record needs {max(size, 1)} bytes and {len(record)} follow"
            if any(one.point == "press" for one in readings):
                return Found(tuple(readings), (f"{reason}; the rest is left out",))
            raise Unreadable(f"{reason}; the frame is cut off")
        read = table.get(record[0])
        readings += read(record[1:]) if read is not None else ()
        at += 1 + size
    return Found(tuple(readings))
