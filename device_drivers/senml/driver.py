"""Sensor Measurement Lists (RFC 8428) as JSON: records with base name, base time, base value.

What a record is about says its name, which the sender chose: `words.py` knows the common ones.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from device_drivers.driver import (
    Decoded,
    Documents,
    Driver,
    Heard,
    Refused,
    Unreadable,
    no_documents,
)
from device_drivers.message import Message
from device_drivers.moments import EARLIEST_MS, LATEST_MS
from device_drivers.names import NAME_CHARACTERS_MAX
from device_drivers.points import number_or_none, shown
from device_drivers.words import POINTS_OF_NAMES, Named, read_all

NAME = "senml"
VERSION = 10  # of RFC 8428, section 4.4
RECORDS_MAX = 1_000
RELATIVE_BELOW_S = 2**28  # section 4.5.3: a smaller time is relative to now
ENDS_OF_A_BASE_NAME = ":/;_-."
# Every label of the RFC and of its registry; another that ends in `_` must be understood.
BASES = ("bn", "bt", "bu", "bv", "bs", "bver")
VALUES = ("v", "vb", "vs")


class Base(NamedTuple):
    """What the records so far said for all that follow."""

    name: str = ""
    time_s: float = 0
    unit: str = ""
    value: float = 0


class Pack(NamedTuple):
    """The devices that a message names, what they said, what is wrong, whether times are ages."""

    devices: set[str]
    values: list[Named]
    wrong: list[str]
    is_relative: bool = False


def receive(message: Message, _documents: Documents = no_documents) -> Decoded | Refused:
    """One pack, understood or refused."""
    address = _address_of_topic(message.topic)
    try:
        pack = _resolve(_records(message))
        devices = pack.devices
        if len(devices) > 1:
            names = ", ".join(shown(name) for name in sorted(devices)[:3])
            raise Unreadable(f"the records are of several devices ({names} …), not of one")
        address = _address(next(iter(devices), ""), address)
        readings, warnings = read_all(pack.values, pack.wrong)
    except Unreadable as error:
        return Refused(str(error), address or None, NAME)
    if pack.is_relative:
        warnings += ("a time relative to now: the moment of arrival is taken",)
    return Decoded(NAME, address, None, readings, warnings=warnings)


def _address_of_topic(topic: str) -> str:
    """`devices/x/senml` → `senml:devices/x`, `senml/x` → `senml:x`."""
    levels = [level for level in topic.split("/") if level and level != NAME]
    return f"{NAME}:{'/'.join(levels)}" if levels and topic.isprintable() else ""


def _address(device: str, of_topic: str) -> str:
    if not device and not of_topic:
        raise Unreadable("bn: a pack without a base name, on a topic that names no device")
    return f"{NAME}:{device}" if device else of_topic


def _records(message: Message) -> list[Mapping[str, Any]]:
    first = bytes(message.payload[:1])
    if first and 0x80 <= first[0] <= 0x9F:  # a CBOR array
        raise Unreadable("SenML as CBOR is not read here: expected JSON")
    try:
        pack = message.read_json(message.payload)
    except RecursionError:
        raise Unreadable("the payload is nested too deep") from None
    except ValueError as error:
        raise Unreadable(f"the payload is not JSON: {error}") from None
    if not isinstance(pack, list) or not pack or not all(isinstance(one, dict) for one in pack):
        raise Unreadable(f"expected a list of SenML records, not {shown(pack)}")
    if len(pack) > RECORDS_MAX:
        raise Unreadable(f"expected up to {RECORDS_MAX} records, not {len(pack)}")
    return pack


def _resolve(records: list[Mapping[str, Any]]) -> Pack:
    """Names, times and values put together. What is wrong with one record costs only that one."""
    base = Base()
    pack = Pack(set(), [], [])
    for record in records:
        _understand(record)
        base = _rebased(base, record)
        device, name = _name(base, record)
        pack.devices.add(device)
        try:
            time_s = base.time_s + _number(record, "t")
            value = _value(base, record)
            at_ms = _at_ms(time_s)
        except Unreadable as error:
            pack.wrong.append(f"{shown(name)}: {error}")
            continue
        pack = pack._replace(is_relative=pack.is_relative or (at_ms is None and time_s != 0))
        if value is not None:
            pack.values.append(Named(name, value, at_ms, _unit(base, record)))
    return pack


def _understand(record: Mapping[str, Any]) -> None:
    version = record.get("bver", VERSION)
    if type(version) is not int or not 1 <= version <= VERSION:
        raise Unreadable(f"bver: expected a version up to {VERSION}, not {shown(version)}")
    for label in record:
        if label.endswith("_"):
            raise Unreadable(f"{shown(label)}: a label that must be understood and is not")


def _rebased(base: Base, record: Mapping[str, Any]) -> Base:
    return Base(
        _text(record, "bn", base.name),
        _number(record, "bt", base.time_s),
        _text(record, "bu", base.unit),
        _number(record, "bv", base.value),
    )


def _name(base: Base, record: Mapping[str, Any]) -> tuple[str, str]:
    """The device and what of it: the base name and the name, or the two parts of a whole URN."""
    name = _text(record, "n", "")
    if not base.name or not name:
        whole = base.name + name
        at = max(whole.rfind(mark) for mark in ":/;") if whole.startswith("urn:") else -1
        return whole[: max(at, 0)], whole[at + 1 :]
    return base.name.rstrip(ENDS_OF_A_BASE_NAME), name


def _value(base: Base, record: Mapping[str, Any]) -> Any:
    said = [key for key in VALUES if key in record]
    if len(said) > 1:
        raise Unreadable(f"one record has {' and '.join(said)}: expected one value")
    if not said:
        return None
    value = record[said[0]]
    if said[0] == "v":
        return _number(record, "v") + base.value if base.value else _checked_number(value, "v")
    if type(value) is not (bool if said[0] == "vb" else str):
        raise Unreadable(f"{said[0]}: a value of the wrong kind, {shown(value)}")
    return value


def _at_ms(time_s: float) -> int | None:
    """An absolute time; a relative one is unknown without a clock, and so is 0: now."""
    if time_s < RELATIVE_BELOW_S:
        return None
    at_ms = round(time_s * 1_000)
    if EARLIEST_MS <= at_ms <= LATEST_MS:
        return at_ms
    raise Unreadable(f"t: expected a time from the year 2000 to 2100, not {shown(time_s)}")


def _unit(base: Base, record: Mapping[str, Any]) -> str:
    return _text(record, "u", base.unit)


def _text(record: Mapping[str, Any], key: str, default: str) -> str:
    value = record.get(key, default)
    if isinstance(value, str) and len(value) <= NAME_CHARACTERS_MAX and value.isprintable():
        return value
    raise Unreadable(f"{key}: expected printable text, not {shown(value)}")


def _number(record: Mapping[str, Any], key: str, default: float = 0) -> float:
    return _checked_number(record.get(key, default), key)


def _checked_number(value: Any, key: str) -> float:
    if number_or_none(value) is None:
        raise Unreadable(f"{key}: expected a number, not {shown(value)}")
    checked: float = value  # whole numbers stay whole
    return checked


DRIVER = Driver(
    name=NAME,
    families=("button", "door", "counter"),
    maker="any",
    models=("*",),
    transport="senml",
    points=POINTS_OF_NAMES,
    expected_silence_s=26 * 3_600,
    heard=Heard("none", "SenML has no way back to the device"),
    tested="frames",
    receive=receive,
    topics=("+/+/senml", "senml/#"),
    topic="senml/unknown",
)
