"""Milesight VS373: a radar that sees whether somebody is in the room, in bed, or has fallen."""

from device_drivers.driver import Driver, Heard, Unreadable
from device_drivers.milesight import Channel, Table, decoder, history
from device_drivers.points import reading
from device_drivers.reading import Reading

NORMAL, VACANT, IN_BED, OUT_OF_BED, FALLEN = range(5)
FALL = 0  # among the kinds of an alarm
ALARM_KINDS = range(9)
# The maker's table begins the states with 0, its decoder (which is newer) with 1: an alarm that is
# on is 0 in the old and 1 in the new, and no fall may be missed.
ALARM_STATES = range(5)
ALARM_ON = (0, 1)
ALARM_SIZE = 5
TIME_SIZE = 4


def _person(data: bytes) -> list[Reading]:
    """Where the person is; `sos` as long as somebody lies on the floor."""
    if data[0] > FALLEN:
        raise Unreadable(f"person: expected a code of 0 to {FALLEN}, not {data[0]}")
    occupied = reading("occupancy", data[0] != VACANT)
    return [occupied, reading("sos", data[0] == FALLEN)]


def _alarm(data: bytes) -> list[Reading]:
    """Number of the alarm (2 bytes), kind, state, region."""
    kind, state = data[2:4]
    if kind not in ALARM_KINDS or state not in ALARM_STATES:
        raise Unreadable(f"alarm: kind {kind} in state {state} is not listed by the maker")
    return [reading("press", "fall")] if kind == FALL and state in ALARM_ON else []


CHANNELS: Table = {
    (0x03, 0xF8): Channel(6, _person),
    (0x07, 0xB0): Channel(8, _person),  # from firmware 1.0.2
    (0x06, 0xFB): Channel(ALARM_SIZE, _alarm),
    (0x20, 0xCE): Channel(TIME_SIZE + ALARM_SIZE, history((0, _alarm))),
}


DRIVER = Driver(
    name="milesight_fall",
    families=("button",),
    maker="Milesight",
    models=("vs373*",),
    transport="lorawan",
    points=(
        "press",
        "sos",
        "occupancy",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decoder(CHANNELS),
)
