"""BTHome version 2, the open format of Bluetooth advertisements (bthome.io/format).

A first byte with version and flags, then objects: one byte that names it, and as many bytes as the
format gives that object, least significant first. An object that is not in the table has no known
length, so nothing after it can be read.
"""

from typing import NamedTuple

from device_drivers.bits import whole_le
from device_drivers.driver import Unreadable
from device_drivers.loose import Value, numbered

VERSION = 2
VERSION_SHIFT = 5
ENCRYPTED_BIT = 0x01
ADDRESS_BIT = 0x02  # the sender's own address, six bytes, stands before the objects
ADDRESS_BYTES = 6

PACKET = 0x00
TIMESTAMP = 0x50
BUTTON = 0x3A
TEXT_AND_RAW = (0x53, 0x54)  # the byte after them is their length
COMMAND = 0x3B  # five bits after it are the length of what follows the command's own byte
COMMAND_LENGTH = 0x1F

# 0xFE is what Shelly's firmware before 1.0.20 says for a held button (their 0x80).
PRESS_OF_EVENT = {
    0x01: "single",
    0x02: "double",
    0x03: "triple",
    0x04: "long",
    0x05: "long",  # long double
    0x06: "long",  # long triple
    0x80: "long",  # held
    0xFE: "long",
}
NO_PRESS = 0x00


class Measure(NamedTuple):
    """How an object of a number is read."""

    point: str
    factor: float = 1
    signed: bool = False


MEASURES = {
    0x01: Measure("battery"),
    0x02: Measure("temperature", 0.01, signed=True),
    0x03: Measure("humidity", 0.01),
    0x0C: Measure("battery_v", 0.001),
    0x2E: Measure("humidity"),
    0x45: Measure("temperature", 0.1, signed=True),
    0x57: Measure("temperature", signed=True),
    0x58: Measure("temperature", 0.35, signed=True),
}
FLAGS = {
    0x15: "battery_low",
    0x21: "motion",
    0x23: "occupancy",
    0x25: "occupancy",  # presence
    0x2B: "tamper",
    0x2C: "vibration",
}
CONTACTS = (0x11, 0x1A, 0x1B, 0x2D)  # opening, door, garage door, window: 1 is open
COUNTS = (0x09, 0x3D, 0x3E)
SIGNED_COUNTS = (0x59, 0x5A, 0x5B)

# Bytes of every object of the format, by size.
_SIZES = {
    1: (
        *(0x00, 0x01, 0x09, *range(0x0F, 0x12), *range(0x15, 0x30)),
        *(0x3A, 0x46, 0x57, 0x58, 0x59, 0x60, 0x64, 0x65),
    ),
    2: (
        *(0x02, 0x03, 0x06, 0x07, 0x08, 0x0C, 0x0D, 0x0E, 0x12, 0x13, 0x14),
        *(0x3C, 0x3D, 0x3F, 0x40, 0x41, 0x43, 0x44, 0x45, 0x47, 0x48, 0x49, 0x4A),
        *(0x51, 0x52, 0x56, 0x5A, 0x5D, 0x5E, 0x5F, 0x61, 0xF0),
    ),
    3: (0x04, 0x05, 0x0A, 0x0B, 0x42, 0x4B, 0xF2),
    4: (0x3E, 0x4C, 0x4D, 0x4E, 0x4F, 0x50, 0x55, 0x5B, 0x5C, 0x62, 0x63, 0xF1),
}
SIZE_OF = {code: size for size, codes in _SIZES.items() for code in codes}

Object = tuple[int, bytes]


class Advertisement(NamedTuple):
    """What one advertisement says: values by point, the packet's number, the device's own time."""

    values: tuple[Value, ...] = ()
    packet: int | None = None
    unix_s: int | None = None
    warnings: tuple[str, ...] = ()


def read_bthome(data: bytes) -> Advertisement:
    """The service data of UUID 0xFCD2. Raises `Unreadable`."""
    if not data:
        raise Unreadable("BTHome: no bytes")
    if data[0] >> VERSION_SHIFT != VERSION:
        raise Unreadable(f"BTHome: version {data[0] >> VERSION_SHIFT}, expected {VERSION}")
    if data[0] & ENCRYPTED_BIT:
        raise Unreadable("BTHome: encrypted; the gateway must be given the device's key")
    start = 1 + (ADDRESS_BYTES if data[0] & ADDRESS_BIT else 0)
    objects, warnings = _objects(data, start)
    if warnings and not objects:
        raise Unreadable(warnings[0])
    return _advertisement(objects, warnings)


def _objects(data: bytes, start: int) -> tuple[list[Object], list[str]]:
    objects: list[Object] = []
    while start < len(data):
        code = data[start]
        if code not in SIZE_OF and code not in (*TEXT_AND_RAW, COMMAND):
            return objects, [f"BTHome: object 0x{code:02X} is not in the format"]
        begin, end = _span(data, start)
        if end > len(data):
            return objects, [f"BTHome: object 0x{code:02X} is cut off"]
        objects.append((code, data[begin:end]))
        start = end
    return objects, []


def _span(data: bytes, start: int) -> tuple[int, int]:
    """Where the data of an object begin and end."""
    code = data[start]
    length = data[start + 1] if start + 1 < len(data) else len(data)
    if code in TEXT_AND_RAW:
        return start + 2, start + 2 + length
    if code == COMMAND:
        return start + 2, start + 3 + (length & COMMAND_LENGTH)
    return start + 1, start + 1 + SIZE_OF[code]


def _advertisement(objects: list[Object], warnings: list[str]) -> Advertisement:
    firsts = {code: whole_le(raw) for code, raw in reversed(objects)}
    presses, unknown = _presses([raw[0] for code, raw in objects if code == BUTTON])
    contacts = ["open" if raw[0] else "closed" for code, raw in objects if code in CONTACTS]
    values = [
        *presses,
        *numbered("contact", contacts),
        *numbered("uses", _counts(objects)),
        *_simple(objects),
    ]
    return Advertisement(
        tuple(values), firsts.get(PACKET), firsts.get(TIMESTAMP), (*warnings, *unknown)
    )


def _presses(events: list[int]) -> tuple[list[Value], list[str]]:
    """Every kind of press once: several buttons of one remote may be pressed together."""
    kinds = dict.fromkeys(PRESS_OF_EVENT[event] for event in events if event in PRESS_OF_EVENT)
    unknown = [one for one in events if one != NO_PRESS and one not in PRESS_OF_EVENT]
    return [("press", kind) for kind in kinds], [
        f"BTHome: button event 0x{one:02X} is not in the format" for one in unknown
    ]


def _counts(objects: list[Object]) -> list[int]:
    return [
        whole_le(raw, signed=code in SIGNED_COUNTS)
        for code, raw in objects
        if code in COUNTS or code in SIGNED_COUNTS
    ]


def _simple(objects: list[Object]) -> list[Value]:
    values: dict[str, Value] = {}
    for code, raw in objects:
        if code in FLAGS:
            values.setdefault(FLAGS[code], (FLAGS[code], bool(raw[0])))
        elif code in MEASURES:
            point, factor, signed = MEASURES[code]
            values.setdefault(point, (point, round(whole_le(raw, signed=signed) * factor, 3)))
    return list(values.values())
