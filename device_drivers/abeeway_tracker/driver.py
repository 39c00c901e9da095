"""Abeeway trackers and badges with firmware 1.x and 2.x (AT2): a head of five bytes, then a body.

Head: type, mode with flags, battery, temperature, token of acknowledgement (high four bits) with a
part of the body (low four). Numbers come most significant byte first. Facts: the tables of the
uplink messages in the maker's driver, github.com/actility/device-catalog (abeeway).
"""

from collections.abc import Callable
from typing import NamedTuple

from device_drivers.bits import whole
from device_drivers.driver import Downlink, Driver, Found, Frame, Heard, Sign, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading

VOLTS_PORT = 17  # firmware before 2.0; later ones send percent
HEAD_SIZE = 5
MODE_MAX = 5
MOVING_BIT = 0x04
SOS_BIT = 0x10
CHARGING = 0
UNKNOWN_LEVEL = 255
PERCENT_MAX = 100

FRAME_PENDING = 0x00
TEXT_MESSAGE = 0x0D
HEADLESS = {FRAME_PENDING: 2, TEXT_MESSAGE: 6}  # smallest frames

Read = Callable[[bytes], list[Reading]]


class Body(NamedTuple):
    """How long a frame is at least, how long its repeated parts are, and what is read of it."""

    size: int
    step: int = 0
    read: Read | None = None


def _condensed(raw: int, low: float, high: float, reserved: int) -> float:
    """The maker's way to put a range into one byte; `reserved` of its values mean other things."""
    return (raw - reserved / 2) * (high - low) / (255 - reserved) + low


def _health(payload: bytes) -> list[Reading]:
    return [reading("battery_v", whole(payload[17:19]) / 1_000)]


def _activity(payload: bytes) -> list[Reading]:
    return [reading("uses", whole(payload[6:10]))]


def _activity_report(payload: bytes) -> list[Reading]:
    return [reading("uses", whole(payload[18:22]))]


def _shock(_payload: bytes) -> list[Reading]:
    return [reading("vibration", True)]


def _sos_start(_payload: bytes) -> list[Reading]:
    return [reading("press", "sos")]


def _motion(moves: bool) -> Read:
    def read_motion(_payload: bytes) -> list[Reading]:
        return [reading("motion", moves)]

    return read_motion


def _of_byte_4(payload: bytes) -> int:
    return payload[4] & 0x0F


def _of_byte_5(payload: bytes) -> int:
    return payload[5] & 0x07 if len(payload) > HEAD_SIZE else -1


def _event_of(payload: bytes) -> int:
    return payload[5] if len(payload) > HEAD_SIZE else -1


def _positions(age_size: int) -> dict[int, Body]:
    """Kinds of position: two of them name nothing, others end in a list of stations."""
    start = HEAD_SIZE + age_size
    age_or_less = HEAD_SIZE if age_size == 1 else start
    return {
        0: Body(start + (7 if age_size == 1 else 16)),  # GPS
        1: Body(age_or_less + 5),  # GPS found nothing
        2: Body(HEAD_SIZE),  # encrypted Wi-Fi stations
        3: Body(age_or_less + 6),  # Wi-Fi found nothing
        4: Body(age_or_less + 7),  # Wi-Fi failed
        5: Body(HEAD_SIZE),  # raw GPS
        6: Body(HEAD_SIZE),
        7: Body(start, 7),  # Bluetooth beacons
        8: Body(age_or_less + 1),  # Bluetooth failed
        9: Body(start, 7),  # Wi-Fi stations
        10: Body(start, 7),  # short names of beacons
        11: Body(start, 17),  # long names of beacons
    }


EVENTS = {
    0: Body(6),  # a position is sought
    1: Body(6, read=_motion(True)),
    2: Body(6, read=_motion(False)),
    3: Body(6),  # Bluetooth connected
    4: Body(6),
    5: Body(7),  # temperature
    6: Body(6),  # Bluetooth bond deleted
    7: Body(6, read=_sos_start),
    8: Body(6),  # SOS ends; the flag in the head says it
    9: Body(22),  # angle
    10: Body(10),  # a zone
}
REPORTS = {
    1: Body(10, read=_activity),
    2: Body(6, 5),  # settings: name and value
    3: Body(13, read=_shock),
    4: Body(22, read=_activity_report),
    5: Body(12),  # Bluetooth address
}
STATUSES = {0: Body(17), 1: Body(19, read=_health)}
# By the first byte: which part of the frame tells the kind, and the kinds.
TYPES: dict[int, tuple[Callable[[bytes], int], dict[int, Body]]] = {
    0x03: (_of_byte_4, _positions(1)),
    0x04: (_of_byte_4, STATUSES),
    0x07: (_of_byte_5, REPORTS),
    0x0A: (_event_of, EVENTS),
    0x0E: (_of_byte_4, _positions(2)),
}
PLAIN_TYPES = {
    0x05: Body(6),  # heartbeat: cause of the last reset, versions
    0x09: Body(6),  # switched off
    0x0B: Body(8),  # a collection of beacons
    0x0C: Body(6),  # proximity
    0x0F: Body(HEAD_SIZE),  # debugging
}


def decode(frame: Frame) -> Found:
    """The head of every message, then what its type adds."""
    payload = frame.payload or b""
    if payload[0] in HEADLESS:
        return _headless(payload)
    head = _head(payload)
    battery, warnings = _battery(payload[2], frame.fport)
    try:
        return Found((*head, *battery, *_body(payload, head)), warnings)
    except Unreadable as error:
        if not any(one.point == "press" for one in head):
            raise
        return Found((*head, *battery), (*warnings, str(error)))


def _headless(payload: bytes) -> Found:
    if len(payload) < HEADLESS[payload[0]]:
        raise Unreadable(f"type {payload[0]} with {len(payload)} bytes: the frame is cut off")
    return Found()


def _head(payload: bytes) -> list[Reading]:
    if payload[0] not in TYPES and payload[0] not in PLAIN_TYPES:
        raise Unreadable(f"message type {payload[0]} is not known here")
    if len(payload) < HEAD_SIZE:
        raise Unreadable(f"the head has {HEAD_SIZE} bytes, not {len(payload)}; it is cut off")
    flags = payload[1]
    if flags >> 5 > MODE_MAX:
        raise Unreadable(f"mode {flags >> 5} is not known here")
    sos = bool(flags & SOS_BIT)
    return [
        *([reading("press", "sos")] if sos else []),
        reading("sos", sos),
        reading("motion", bool(flags & MOVING_BIT)),
        reading("temperature", round(_condensed(payload[3], -44, 85, 0), 1)),
    ]


def _battery(raw: int, fport: int | None) -> tuple[list[Reading], tuple[str, ...]]:
    """Volts on the old port, where 0 (it is charged) stays 0 V as the maker's driver says it."""
    if fport == VOLTS_PORT:
        volts = 0.0 if raw == CHARGING else round(_condensed(raw, 2.8, 4.2, 2), 2)
        return [reading("battery_v", volts)], ()
    if raw in (CHARGING, UNKNOWN_LEVEL):
        return [], ()
    if raw > PERCENT_MAX:
        return [], (f"a battery of {raw} % cannot be; left out",)
    return [reading("battery", raw)], ()


def _body(payload: bytes, head: list[Reading]) -> list[Reading]:
    body = _kind(payload)
    rest = len(payload) - body.size
    if rest < 0:
        raise Unreadable(
            f"type {payload[0]} needs {body.size} bytes, not {len(payload)}; it is cut off"
        )
    if body.step and rest % body.step:
        raise Unreadable(f"type {payload[0]}: {rest} bytes are no parts of {body.step}; cut off")
    found = body.read(payload) if body.read is not None else []
    return [one for one in found if one.point != "press" or one not in head]


def _kind(payload: bytes) -> Body:
    if payload[0] in PLAIN_TYPES:
        return PLAIN_TYPES[payload[0]]
    kind_of, kinds = TYPES[payload[0]]
    kind = kind_of(payload)
    if kind < 0:
        raise Unreadable(f"type {payload[0]} with {len(payload)} bytes: the frame is cut off")
    if kind not in kinds:
        raise Unreadable(f"type {payload[0]}, kind {kind} is not known here")
    return kinds[kind]


# The command "ring": melody and seconds. The first byte says that a command follows, the second is
# the token that the tracker repeats in its messages.
COMMAND_PORT = 2
RING = bytes((0xFF, 0x01, 0x03))
MELODIES: dict[Sign, bytes] = {
    "heard": bytes((3, 2)),  # alert
    "on_the_way": bytes((3, 4)),
    "closed": bytes((5, 2)),  # the end of SOS
}


def show(sign: Sign) -> Downlink | None:
    """A melody on the tracker's buzzer."""
    melody = MELODIES.get(sign)
    return None if melody is None else Downlink(COMMAND_PORT, RING + melody)


DRIVER = Driver(
    name="abeeway_tracker",
    families=("button",),
    maker="Abeeway",
    models=(
        "compacttracker*",
        "microtracker*",
        "badgetracker*",
        "smartbadge*",
        "industracker*",
        "industrialtracker*",
        "assettracker",
        "abeeway*",
        "*",
    ),
    transport="lorawan",
    points=(
        "press",
        "sos",
        "motion",
        "vibration",
        "uses",
        "battery",
        "battery_v",
        "temperature",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("lorawan_downlink", "a melody on its buzzer, after its next uplink"),
    tested="frames",
    decode=decode,
    fports=(1, 17, 18),
    show_frame=show,
)
