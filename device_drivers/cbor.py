"""CBOR (RFC 8949), as far as devices use it: numbers, text, lists, maps, tags, simple values."""

import struct
from typing import Any

from device_drivers.bits import whole
from device_drivers.driver import Unreadable

DEPTH_MAX = 16
UNSIGNED, NEGATIVE, BYTES, TEXT, LIST, MAP, TAG, SIMPLE = range(8)
ENDLESS = 31
BREAK = object()
CONSTANTS = {20: False, 21: True, 22: None, 23: None}
FLOATS = {25: ">e", 26: ">f", 27: ">d"}


def read_cbor(payload: bytes) -> Any:
    """The one value that the payload holds. Raises `Unreadable`."""
    value, end = _value(payload, 0, 0)
    if value is BREAK or end != len(payload):
        raise Unreadable(f"byte {end}: expected one value of CBOR and nothing behind it")
    return value


def _value(payload: bytes, at: int, depth: int) -> tuple[Any, int]:
    """A value, and the place behind it."""
    if at >= len(payload) or depth > DEPTH_MAX:
        raise Unreadable(f"byte {at}: the CBOR is cut off, or nested too deep")
    kind, info = payload[at] >> 5, payload[at] & 0x1F
    if kind == SIMPLE:
        return _simple(payload, at, info)
    number, start = _number(payload, at, info)
    if kind in (LIST, MAP):
        return _collection(payload, start, depth, number, of_pairs=kind == MAP)
    if kind == TAG:
        return _value(payload, start, depth + 1)
    if number is None:
        raise Unreadable(f"byte {at}: expected a size")
    if kind in (BYTES, TEXT):
        raw = _part(payload, start, number)
        return (raw.decode("utf-8", "replace") if kind == TEXT else raw), start + number
    return (number if kind == UNSIGNED else -1 - number), start


def _number(payload: bytes, at: int, info: int) -> tuple[int | None, int]:
    """What the head counts: in itself, in 1, 2, 4 or 8 bytes behind it, or to a break."""
    if info < 24:
        return info, at + 1
    if info == ENDLESS:
        return None, at + 1
    if info > 27:
        raise Unreadable(f"byte {at}: {payload[at]:02x} begins no value of CBOR")
    size = 1 << info - 24
    return whole(_part(payload, at + 1, size)), at + 1 + size


def _simple(payload: bytes, at: int, info: int) -> tuple[Any, int]:
    if info == ENDLESS:
        return BREAK, at + 1
    if info in FLOATS:
        size = 1 << info - 24
        return struct.unpack(FLOATS[info], _part(payload, at + 1, size))[0], at + 1 + size
    if info not in CONSTANTS:
        raise Unreadable(f"byte {at}: {payload[at]:02x} begins no value of CBOR")
    return CONSTANTS[info], at + 1


def _collection(
    payload: bytes, at: int, depth: int, count: int | None, *, of_pairs: bool
) -> tuple[Any, int]:
    items: list[Any] = []
    wanted = None if count is None else count * (2 if of_pairs else 1)
    while wanted is None or len(items) < wanted:
        item, at = _value(payload, at, depth + 1)
        if item is BREAK:
            break
        items.append(item)
    if not of_pairs:
        return items, at
    return {str(key): value for key, value in zip(items[::2], items[1::2], strict=False)}, at


def _part(payload: bytes, at: int, size: int) -> bytes:
    part = payload[at : at + size]
    if len(part) < size:
        raise Unreadable(f"byte {at}: {size} bytes should follow; the CBOR is cut off")
    return part
