"""ioTracker 3: a tracker with a button. Flags say what follows; most significant byte first."""

from device_drivers.bits import whole
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading
from device_drivers.records import at_least

HEAD_SIZE = 3
BUTTON, MOVEMENT, SENSORS = 0x01, 0x02, 0x10
FULL = 254
HAS_TEMPERATURE, HAS_MORE = 0x01, 0x80


def _temperature(payload: bytes) -> list[Reading]:
    """The first of the sensors' values: hundredths of a degree."""
    flags = at_least(payload, HEAD_SIZE + 1, what="a frame of sensors")[HEAD_SIZE]
    if not flags & HAS_TEMPERATURE:
        return []
    start = HEAD_SIZE + 1 + bool(flags & HAS_MORE)
    raw = at_least(payload, start + 2, what="a frame with a temperature")[start : start + 2]
    return [reading("temperature", whole(raw, signed=True) / 100)]


def decode(frame: Frame) -> Found:
    """Why it was sent, checksum, battery; a press is kept whatever follows."""
    payload = at_least(frame.payload or b"", HEAD_SIZE)
    press = [reading("press", "single")] if payload[0] & BUTTON else []
    moved = [reading("motion", True)] if payload[0] & MOVEMENT and not press else []
    head = [*press, *moved]
    try:
        head.append(reading("battery", round(payload[2] * 100 / FULL)))
        values = _temperature(payload) if payload[0] & SENSORS else []
    except Unreadable as error:
        if not press:
            raise
        return Found(tuple(head), (str(error),))
    return Found((*head, *values))


DRIVER = Driver(
    name="iotracker",
    families=("button", "sensor"),
    maker="ioTracker",
    models=("iotracker3*", "*"),
    transport="lorawan",
    points=("press", "motion", "battery", "temperature"),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
)
