"""Frames that are a row of records: a type, as many bytes as the type says, and again, to the end.

A driver is a table of the types; what it does not need stands there with its size alone, so that
it can be stepped over.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from device_drivers.bits import whole
from device_drivers.driver import Found, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading, Value

Read = Callable[[bytes], list[Reading]]


class Record(NamedTuple):
    """How many bytes follow the type, and how they are read."""

    size: int
    read: Read | None = None


def number(point: str, *, divisor: float = 1, signed: bool = False) -> Read:
    """A whole number, most significant byte first, or a fraction of one."""

    def read_number(data: bytes) -> list[Reading]:
        value = whole(data, signed=signed)
        return [reading(point, value if divisor == 1 else value / divisor)]

    return read_number


def flag(point: str, on: Value = True, off: Value = False) -> Read:
    """A byte that is 0 or 1."""

    def read_flag(data: bytes) -> list[Reading]:
        if data[0] not in (0, 1):
            raise Unreadable(f"{point}: expected 0 or 1, not {data[0]}")
        return [reading(point, on if data[0] else off)]

    return read_flag


def pick(read: Read, start: int, stop: int | None = None) -> Read:
    """The same reading of a part of the bytes."""
    return lambda data: read(data[start:stop])


def both(*reads: Read) -> Read:
    """Several readings of the same bytes."""
    return lambda data: [one for read in reads for one in read(data)]


def read_records(payload: bytes, table: Mapping[int, Record], *, type_size: int = 1) -> Found:
    """Readings of all records. Raises `Unreadable` where the frame is cut off.

    A type that is not in the table ends the reading, because nobody knows where the next record
    begins: what stood before it is kept and the rest is named. A press is kept in any case.
    """
    readings: list[Reading] = []
    warnings: list[str] = []
    at = 0
    while at < len(payload) and not warnings:
        try:
            at = _step(payload, at, table, type_size, readings)
        except Unreadable as error:
            warnings.append(f"byte {at}: {error}")
            if isinstance(error, CutOff) and not any(one.point == "press" for one in readings):
                raise Unreadable(warnings[-1]) from None
    if warnings and not readings:
        raise Unreadable("; ".join(warnings))
    return Found(tuple(readings), tuple(warnings))


class CutOff(Unreadable):
    """A record that is longer than what is left of its frame."""


def _step(
    payload: bytes, at: int, table: Mapping[int, Record], type_size: int, found: list[Reading]
) -> int:
    """One record; the place behind it."""
    head = payload[at : at + type_size]
    if len(head) < type_size:
        raise CutOff(f"{head.hex()} is half a type; the frame is cut off")
    record = table.get(whole(head))
    if record is None:
        raise Unreadable(f"type {head.hex()} is not known here; left out: {payload[at:].hex()}")
    start = at + type_size
    data = payload[start : start + record.size]
    if len(data) < record.size:
        raise CutOff(
            f"type {head.hex()} needs {record.size} bytes and {len(data)} follow; "
            "the frame is cut off"
        )
    found += record.read(data) if record.read is not None else ()
    return start + record.size


def sized(payload: bytes, *sizes: int, what: str = "the frame") -> bytes:
    """The payload, if it has one of these sizes."""
    if len(payload) not in sizes:
        expected = " or ".join(str(size) for size in sizes)
        raise Unreadable(f"{what} has {expected} bytes, not {len(payload)}")
    return payload


def at_least(payload: bytes, size: int, what: str = "the frame") -> bytes:
    """The payload, if it is not shorter."""
    if len(payload) < size:
        raise Unreadable(f"{what} has at least {size} bytes, not {len(payload)}: it is cut off")
    return payload
