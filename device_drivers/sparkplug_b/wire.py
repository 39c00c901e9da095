"""The few messages of Sparkplug B's protobuf payload, read from the wire, with bounds.

Facts: the field numbers in the specification's `sparkplug_b.proto` (Eclipse Sparkplug 3.0,
section 6.4) and protobuf's own wire format. Unknown fields are stepped over, as protobuf wants it;
anything cut off is unreadable.
"""

import struct
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from device_drivers.driver import Unreadable
from device_drivers.points import shown

PAYLOAD_BYTES_MAX = 1_048_576
METRICS_MAX = 10_000
TEXT_BYTES_MAX = 65_536
VARINT_BYTES_MAX = 10
COMPRESSED = b"SPBV1.0_COMPRESSED"
VARINT, FIXED_64, BYTES, FIXED_32 = 0, 1, 2, 5

# datatype → bits of a signed whole number, which is sent as an unsigned one
SIGNED_BITS = {1: 8, 2: 16, 3: 32, 4: 64}
UNSIGNED_BITS = {5: 8, 6: 16, 7: 32, 8: 64, 13: 64}
BOOLEAN, FLOAT, DOUBLE, TEXTS = 11, 9, 10, (12, 14, 15)
Field = tuple[int, int, Any]


class Metric(NamedTuple):
    """One metric: a value with its name or, after a birth certificate, with its alias."""

    name: str | None = None
    alias: int | None = None
    at_ms: int | None = None
    datatype: int | None = None
    historical: bool = False
    null: bool = False
    properties: Mapping[str, Any] = MappingProxyType({})
    raw: Any = None


class Payload(NamedTuple):
    """A whole message."""

    at_ms: int | None
    seq: int | None
    metrics: tuple[Metric, ...]


def read_payload(raw: bytes) -> Payload:
    """The payload of a birth, data or death certificate. Raises `Unreadable`."""
    if len(raw) > PAYLOAD_BYTES_MAX:
        raise Unreadable(f"expected up to {PAYLOAD_BYTES_MAX} bytes, not {len(raw)}")
    at_ms = seq = None
    metrics: list[Metric] = []
    for number, kind, value in fields(raw):
        if number == 1 and kind == VARINT:
            at_ms = value
        elif number == 2 and kind == BYTES:
            metrics.append(_metric(value))
        elif number == 3 and kind == VARINT:
            seq = value
        elif number == 4 and kind == BYTES and value == COMPRESSED:
            raise Unreadable("a compressed payload is not read here")
    if len(metrics) > METRICS_MAX:
        raise Unreadable(f"expected up to {METRICS_MAX} metrics, not {len(metrics)}")
    return Payload(at_ms, seq, tuple(metrics))


def fields(raw: bytes) -> Iterator[Field]:
    """Number, wire type and value of every field. Raises `Unreadable`."""
    at = 0
    while at < len(raw):
        key, at = _varint(raw, at)
        number, kind = key >> 3, key & 7
        if number == 0:
            raise Unreadable("no Sparkplug payload: a field with number 0")
        value, at = _value(raw, at, kind)
        yield number, kind, value


def _value(raw: bytes, at: int, kind: int) -> tuple[Any, int]:
    if kind == VARINT:
        return _varint(raw, at)
    if kind in (FIXED_64, FIXED_32):
        size = 8 if kind == FIXED_64 else 4
    elif kind == BYTES:
        size, at = _varint(raw, at)
    else:
        raise Unreadable(f"no Sparkplug payload: a field of wire type {kind}")
    if at + size > len(raw):
        raise Unreadable(f"the payload is cut off: {len(raw) - at} bytes of {size}")
    return raw[at : at + size], at + size


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    number = 0
    for place in range(VARINT_BYTES_MAX):
        if at + place >= len(raw):
            raise Unreadable("the payload is cut off within a number")
        byte = raw[at + place]
        number |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return number & (2**64 - 1), at + place + 1
    raise Unreadable(f"no Sparkplug payload: a number of more than {VARINT_BYTES_MAX} bytes")


def _text(raw: bytes) -> str:
    if len(raw) > TEXT_BYTES_MAX:
        raise Unreadable(f"text of {len(raw)} bytes: expected up to {TEXT_BYTES_MAX}")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise Unreadable(f"text that is not UTF-8: {error}") from None


def _metric(raw: bytes) -> Metric:
    """Fields 1 to 9 say what it is, 10 to 15 carry the value; data sets and templates do not."""
    said: dict[str, Any] = {}
    for number, kind, value in fields(raw):
        if kind == VARINT and number in _NUMBERS:
            said[_NUMBERS[number]] = value
        elif kind == VARINT and number in _FLAGS:
            said[_FLAGS[number]] = bool(value)
        elif kind == BYTES and number == 1:
            said["name"] = _text(value)
        elif kind == BYTES and number == 9:
            said["properties"] = _properties(value)
        elif number in _CARRIERS and _CARRIERS[number] == kind:
            said["raw"] = _carried(number, value)
    return Metric(**said)


_NUMBERS = {2: "alias", 3: "at_ms", 4: "datatype"}
_FLAGS = {5: "historical", 7: "null"}
_CARRIERS = {10: VARINT, 11: VARINT, 12: FIXED_32, 13: FIXED_64, 14: VARINT, 15: BYTES}


def _carried(number: int, value: Any) -> Any:
    if number in (12, 13):
        return struct.unpack("<f" if number == 12 else "<d", value)[0]
    if number == 15:
        return _text(value)
    return bool(value) if number == 14 else value


def _properties(raw: bytes) -> dict[str, Any]:
    """Texts of a property set: the engineering unit is among them."""
    keys: list[str] = []
    values: list[Any] = []
    for number, kind, value in fields(raw):
        if number == 1 and kind == BYTES:
            keys.append(_text(value))
        elif number == 2 and kind == BYTES:
            values.append(_property_text(value))
    return {key: one for key, one in zip(keys, values, strict=False) if one is not None}


def _property_text(raw: bytes) -> str | None:
    return next((_text(one) for number, kind, one in fields(raw) if (number, kind) == (8, 2)), None)


def value_of(metric: Metric, datatype: int | None) -> Any:
    """The value by its datatype. Raises `Unreadable` where the two do not go together."""
    raw = metric.raw
    if datatype in SIGNED_BITS and type(raw) is int:
        bits = SIGNED_BITS[datatype]
        number = raw & (2**bits - 1)
        return number - 2**bits if number >> (bits - 1) else number
    if datatype in UNSIGNED_BITS and type(raw) is int and raw < 2 ** UNSIGNED_BITS[datatype]:
        return raw
    if datatype == BOOLEAN and isinstance(raw, bool):
        return raw
    if (datatype in (FLOAT, DOUBLE) and isinstance(raw, float)) or datatype is None:
        return raw
    if datatype in TEXTS and isinstance(raw, str):
        return raw
    raise Unreadable(f"datatype {datatype} with the value {shown(raw)}")
