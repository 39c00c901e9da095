"""Sensative Strips: a number, then reports that each say what they are; port 2 brings old ones."""

from collections.abc import Iterator, Mapping

from device_drivers.bits import whole
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.reading import Reading
from device_drivers.records import Record, both, flag, number, pick, read_records

REPORTS_PORT, STORED_PORT, ANSWER_PORT = 1, 2, 11
NUMBER_SIZE = 2
AGE_SIZE = 4
STORED_BIT = 0x80

_TEMPERATURE = number("temperature", divisor=10, signed=True)
_HUMIDITY = number("humidity", divisor=2)
_DOOR = flag("contact", "open", "closed")
_REPORTS = {
    0: Record(0),
    1: Record(1, number("battery")),
    2: Record(2, _TEMPERATURE),
    3: Record(1),  # alarms of temperature
    4: Record(2, _TEMPERATURE),  # an average
    5: Record(1),
    6: Record(1, _HUMIDITY),
    7: Record(2),  # light
    8: Record(2),
    9: Record(1, _DOOR),
    10: Record(1),  # whether the door has been open for too long
    11: Record(1, flag("tamper")),
    12: Record(1, flag("tamper")),
    13: Record(1),  # water
    14: Record(1),
    15: Record(1),
    16: Record(1),  # a switch of the owner's
    17: Record(2, number("openings")),
    18: Record(1, flag("occupancy")),
    19: Record(2),  # nearness
    20: Record(2),
    21: Record(1),
    22: Record(1),
    80: Record(3, both(pick(_HUMIDITY, 0, 1), pick(_TEMPERATURE, 1))),
    81: Record(3, both(pick(_HUMIDITY, 0, 1), pick(_TEMPERATURE, 1))),
    82: Record(3, both(pick(_DOOR, 0, 1), pick(_TEMPERATURE, 1))),
    110: Record(8),  # version and starts
    112: Record(2),
    113: Record(2),
    114: Record(2),
}
# The highest bit only says that the report is also in the store.
REPORTS: Mapping[int, Record] = {
    **_REPORTS,
    **{key | STORED_BIT: record for key, record in _REPORTS.items()},
}


def decode(frame: Frame) -> Found:
    """Reports of now, or stored ones with their age in seconds."""
    payload = frame.payload or b""
    if frame.fport == ANSWER_PORT:
        return Found()
    if len(payload) <= NUMBER_SIZE:
        raise Unreadable(f"a frame has more than {NUMBER_SIZE} bytes, not {len(payload)}: cut off")
    if frame.fport == STORED_PORT:
        return Found(tuple(_stored(payload, frame.at_ms)))
    return read_records(payload[NUMBER_SIZE:], REPORTS)


def _stored(payload: bytes, at_ms: int | None) -> Iterator[Reading]:
    """The device counts back from the moment of its frame; only the network knows that moment."""
    at = NUMBER_SIZE
    while at < len(payload):
        age_s, kind = whole(payload[at : at + AGE_SIZE]), payload[at + AGE_SIZE : at + AGE_SIZE + 1]
        record = REPORTS.get(whole(kind)) if kind else None
        if record is None:
            raise Unreadable(f"byte {at}: a stored report is cut off or of an unknown type")
        end = at + AGE_SIZE + 1 + record.size
        found = read_records(payload[at + AGE_SIZE : end], REPORTS).readings
        if at_ms is not None:  # without it, nobody knows when it was: it is not of now
            yield from (one._replace(at_ms=at_ms - age_s * 1_000) for one in found)
        at = end


DRIVER = Driver(
    name="sensative_strips",
    families=("door", "sensor"),
    maker="Sensative",
    models=("strips*", "presence*", "msguard*"),
    transport="lorawan",
    points=(
        *("contact", "openings", "tamper", "occupancy"),
        *("battery", "temperature", "humidity"),
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
    fports=(REPORTS_PORT, STORED_PORT, ANSWER_PORT),
)
