"""Terabee's sensors that watch from the ceiling: people in and out, people present, filling level.

Port 1 (L, XL) and 82 (M): running totals in and out (4 bytes each), flags. Port 83 (people
occupancy): flags, people in all, people in eight zones. Answers to commands come on the ports of
the commands; only that to the command of the counts brings something of ours.
"""

from device_drivers.bits import whole
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading
from device_drivers.records import sized

COUNTS_PORTS = (1, 82)
PEOPLE_PORT = 83
ANSWER_PORT = 2
SETTINGS_PORTS = (3, 4, 5, 6, 7, 8, 100, 101)
COUNTS_SIZE = 8
LEVEL_SIZE = 6
ANSWER_OF_COUNTS = 2
ACKNOWLEDGED = 0xFF
NOT_SET = 0xFF


def _counts(raw: bytes) -> list[Reading]:
    return [reading("in", whole(raw[:4])), reading("out", whole(raw[4:8]))]


def _data(payload: bytes) -> list[Reading]:
    """Totals, with flags behind them or without; the level sensor's frame is shorter."""
    if len(payload) == LEVEL_SIZE:
        return [reading("battery_v", whole(payload[3:5]) / 1_000)]
    return _counts(sized(payload, COUNTS_SIZE, COUNTS_SIZE + 1, what="a frame of counts"))


def _people(payload: bytes) -> list[Reading]:
    people = sized(payload, 10, what="a frame of people")[1]
    return [] if people == NOT_SET else [reading("people", people)]


def _answer(payload: bytes) -> list[Reading]:
    """A command's number, then what it asked for; behind FF only whether it was done."""
    if payload[0] == ANSWER_OF_COUNTS:
        return _counts(sized(payload[1:], COUNTS_SIZE, what="an answer of counts"))
    if payload[0] in (ACKNOWLEDGED, 1, 130):
        return []
    raise Unreadable(f"answer {payload[0]}: expected one of 1, 2, 130 or 255")


def decode(frame: Frame) -> Found:
    """The port tells what the frame says; the totals' own where nobody said the port."""
    payload = frame.payload or b""
    if frame.fport in SETTINGS_PORTS:
        return Found()
    if frame.fport == PEOPLE_PORT:
        return Found(tuple(_people(payload)))
    read = _answer if frame.fport == ANSWER_PORT else _data
    return Found(tuple(read(payload)))


DRIVER = Driver(
    name="terabee_people",
    families=("counter",),
    maker="Terabee",
    models=("*", "pclxl*", "tbpcm*", "tbpoc*", "peoplecounting*", "loralm*"),
    transport="lorawan",
    points=("in", "out", "people", "battery_v"),
    expected_silence_s=2 * 3_600,
    heard=Heard("none", "nobody carries it, and it has nothing to show"),
    tested="frames",
    decode=decode,
    fports=(*COUNTS_PORTS, ANSWER_PORT, *SETTINGS_PORTS, PEOPLE_PORT),
)
