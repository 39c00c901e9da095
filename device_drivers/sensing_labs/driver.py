"""Sensing Labs SenLab D (door contact) and SenLab M (pulses): type, battery, what it is about.

The battery is a level of 254 steps; between it and the counts stands the maker's own data.
"""

from device_drivers.bits import whole
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading
from device_drivers.records import at_least

START, LEVEL, LEVEL_AND_WIRE, TWO_LEVELS, DOOR = 0, 2, 7, 10, 5
FULL = 254
OPEN_ABOVE = 0x80


def _battery(payload: bytes) -> Reading:
    if payload[1] > FULL:
        raise Unreadable(f"battery: expected at most {FULL}, not {payload[1]}")
    return reading("battery", round(payload[1] * 100 / FULL))


def _door(payload: bytes) -> list[Reading]:
    at_least(payload, 3, what="a door frame")
    state = "open" if payload[2] > OPEN_ABOVE else "closed"
    return [reading("contact", state), _battery(payload)]


def _counts(payload: bytes) -> list[Reading]:
    """Running totals in the last bytes; where a wire is watched, one byte says it is cut."""
    two = payload[0] == TWO_LEVELS
    at_least(payload, 10 if two else 6, what="a frame of counts")
    watched = payload[0] in (LEVEL_AND_WIRE, TWO_LEVELS)
    cut = [reading("tamper", bool(payload[2]))] if watched else []
    if two:
        counts = [reading("uses_1", whole(payload[-8:-4])), reading("uses_2", whole(payload[-4:]))]
    else:
        counts = [reading("uses", whole(payload[-4:]))]
    return [*counts, *cut, _battery(payload)]


def decode(frame: Frame) -> Found:
    """The first byte tells the kind of message."""
    payload = frame.payload or b""
    if payload[0] == START:
        return Found()
    if payload[0] == DOOR:
        return Found(tuple(_door(payload)))
    if payload[0] in (LEVEL, LEVEL_AND_WIRE, TWO_LEVELS):
        return Found(tuple(_counts(payload)))
    raise Unreadable(f"message {payload[0]}: expected one of 0, 2, 5, 7 or 10")


DRIVER = Driver(
    name="sensing_labs",
    families=("door", "counter"),
    maker="Sensing Labs,senlab",
    models=("*", "senlabd*", "senlabm*"),
    transport="lorawan",
    points=("contact", "uses", "uses_1", "uses_2", "tamper", "battery"),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
)
