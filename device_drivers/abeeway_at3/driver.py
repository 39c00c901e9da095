"""Abeeway trackers with firmware AT3: a head of four bytes, then a message by its type.

Head: bit 7 several frames, bit 6 SOS, bits 5-3 type, bits 2-0 token; bit 7 kept in a buffer, bits
6-0 percent of battery (0: it is charged, 127: unknown); then seconds of the half day in two bytes
or, where it was kept in a buffer, Unix time in four. Where there are several frames, one byte of
numbering follows. Most significant byte first. Facts: the maker's driver,
github.com/actility/device-catalog (abeeway, asset-tracker-3).
"""

from collections.abc import Callable
from typing import NamedTuple

from device_drivers.bits import whole
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.moments import unix_s_ms
from device_drivers.points import reading
from device_drivers.reading import Reading

HEAD_SIZE = 4
BUFFERED_HEAD_SIZE = 6
MANY_FRAMES_BIT = 0x80
SOS_BIT = 0x40
BUFFERED_BIT = 0x80
CHARGING = 0
PERCENT_MAX = 100  # 127: unknown
NOTIFICATION, POSITION = 1, 2
OTHER_TYPES = (3, 4, 5)  # question, answer, telemetry: nothing of ours
POSITION_SIZE = 4
POSITION_TYPE_MAX = 11
MOVING_BIT = 0x80

Read = Callable[[bytes], list[Reading]]


class Notice(NamedTuple):
    """Bytes behind the kind of a notification, and what is read of them."""

    size: int = 0
    read: Read | None = None


def _flag(point: str, value: bool) -> Read:
    def read_flag(_data: bytes) -> list[Reading]:
        return [reading(point, value)]

    return read_flag


def _temperature(data: bytes) -> list[Reading]:
    return [reading("temperature", whole(data[:1], signed=True))]


def _status(data: bytes) -> list[Reading]:
    """Temperature, then the page's number in three bits; page 0 has the voltage in mV."""
    page = data[1] & 0x07
    if page not in PAGE_SIZES:
        raise Unreadable(f"page {page} of a status is not known here")
    if len(data) < PAGE_SIZES[page]:
        raise Unreadable(f"page {page} has {PAGE_SIZES[page]} bytes, not {len(data)}; cut off")
    volts = [reading("battery_v", whole(data[19:21]) / 1_000)] if page == 0 else []
    return [*_temperature(data), *volts]


def _low_battery(data: bytes) -> list[Reading]:
    return [reading("battery_low", True), reading("battery_v", whole(data[2:4]) / 1_000)]


def _tamper(data: bytes) -> list[Reading]:
    return [reading("tamper", bool(data[0] & 0x01))]


def _sos_on(_data: bytes) -> list[Reading]:
    return [reading("press", "sos"), reading("sos", True)]


PAGE_SIZES = {0: 34, 1: 2, 2: 8, 3: 2}
# By the byte behind the head: class in the high four bits, kind in the low four.
NOTICES: dict[int, Notice] = {
    0x00: Notice(2, _status),
    0x01: Notice(4, _low_battery),
    0x02: Notice(1),  # Bluetooth
    0x03: Notice(1, _tamper),
    0x04: Notice(2, _temperature),  # heartbeat
    0x05: Notice(1),  # switched off
    0x06: Notice(9),  # the buffer
    0x07: Notice(1),  # new firmware
    0x10: Notice(0, _sos_on),
    0x11: Notice(0, _flag("sos", False)),
    0x20: Notice(1, _temperature),
    0x21: Notice(1, _temperature),
    0x22: Notice(1, _temperature),
    0x30: Notice(0, _flag("motion", True)),
    0x31: Notice(7, _flag("motion", False)),
    0x32: Notice(8, _flag("vibration", True)),
    **{kind: Notice(1) for kind in (0x40, 0x41)},  # network
    **{kind: Notice() for kind in (0x50, 0x51, 0x52, 0x53, 0x54)},  # zones
    **{kind: Notice() for kind in (0x60, 0x61)},  # telemetry
}


def decode(frame: Frame) -> Found:
    """The head of every message, then what its type adds; all of it at the buffer's own time."""
    payload = frame.payload or b""
    buffered = len(payload) > 1 and bool(payload[1] & BUFFERED_BIT)
    size = BUFFERED_HEAD_SIZE if buffered else HEAD_SIZE
    if len(payload) < size:
        raise Unreadable(f"the head has {size} bytes, not {len(payload)}; the frame is cut off")
    kind = payload[0] >> 3 & 0x07
    if kind not in (NOTIFICATION, POSITION, *OTHER_TYPES):
        raise Unreadable(f"message type {kind} is not known here")
    head = _head(payload)
    readings, warnings = _with_body(kind, head, _body_of(payload, size))
    if not buffered:
        return Found(readings, warnings)
    at_ms = unix_s_ms(whole(payload[2:6]))
    return Found(tuple(one._replace(at_ms=at_ms) for one in readings), warnings)


def _body_of(payload: bytes, head_size: int) -> bytes:
    return payload[head_size + bool(payload[0] & MANY_FRAMES_BIT) :]


def _head(payload: bytes) -> list[Reading]:
    sos = bool(payload[0] & SOS_BIT)
    level = payload[1] & 0x7F
    known = CHARGING < level <= PERCENT_MAX
    return [
        *([reading("press", "sos"), reading("sos", True)] if sos else []),
        *([reading("battery", level)] if known else []),
    ]


def _with_body(
    kind: int, head: list[Reading], body: bytes
) -> tuple[tuple[Reading, ...], tuple[str, ...]]:
    """Head and body together; a body that cannot be read costs no press of the head."""
    try:
        found = _body(kind, body)
    except Unreadable as error:
        if not any(one.point == "press" for one in head):
            raise
        return tuple(head), (str(error),)
    return tuple(dict.fromkeys([*head, *found])), ()


def _body(kind: int, body: bytes) -> list[Reading]:
    if kind == NOTIFICATION:
        return _notification(body)
    return _position(body) if kind == POSITION else []


def _notification(body: bytes) -> list[Reading]:
    if not body:
        raise Unreadable("a notification without its kind; the frame is cut off")
    if body[0] not in NOTICES:
        raise Unreadable(f"notification {body[0]:#04x} is not known here")
    notice, data = NOTICES[body[0]], body[1:]
    if len(data) < notice.size:
        raise Unreadable(
            f"notification {body[0]:#04x} needs {notice.size} bytes and {len(data)} follow; cut off"
        )
    return notice.read(data) if notice.read is not None else []


def _position(body: bytes) -> list[Reading]:
    if len(body) < POSITION_SIZE:
        raise Unreadable(f"a position has {POSITION_SIZE} bytes, not {len(body)}; cut off")
    if body[0] & 0x0F > POSITION_TYPE_MAX:
        raise Unreadable(f"position type {body[0] & 0x0F} is not known here")
    return [reading("motion", bool(body[0] & MOVING_BIT))]


DRIVER = Driver(
    name="abeeway_at3",
    families=("button",),
    maker="Abeeway",
    models=(
        "assettracker3*",
        "at3*",
        "compacttrackermct*",
        "compactrelay*",
        "combotracker*",
    ),
    transport="lorawan",
    points=(
        "press",
        "sos",
        "motion",
        "vibration",
        "tamper",
        "battery",
        "battery_v",
        "battery_low",
        "temperature",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "the maker lists no downlink that rings or blinks at once"),
    tested="frames",
    decode=decode,
    fports=(3, 19, 199),
)
