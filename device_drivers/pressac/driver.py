"""Pressac sensors of rooms and desks: occupancy, climate, battery.

Product, message and revision, supply; then by the message. Flags say which values there are.
"""

from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading
from device_drivers.records import at_least

START, VALUES, OCCUPANCY = 1, 2, 3
HEAD_SIZE, VALUES_AT = 3, 5
ON_MAINS, NOT_MEASURED = 0x00, 0xFF
STEP_V = 0.2
HAS_CLIMATE, OCCUPIED = 0x01, 0x01
CURRENT_CLAMP = "ctclamp"


def _supply(steps: int) -> list[Reading]:
    """Steps of 0.2 V, the first of which is 0 V."""
    if steps in (ON_MAINS, NOT_MEASURED):
        return []
    return [reading("battery_v", round((steps - 1) * STEP_V, 1))]


def _climate(degrees: int, percent: int) -> list[Reading]:
    """Quarters of a degree above -10, halves of a percent."""
    found = [] if degrees == NOT_MEASURED else [reading("temperature", degrees / 4 - 10)]
    return found if percent == NOT_MEASURED else [*found, reading("humidity", percent / 2)]


def _values(payload: bytes) -> list[Reading]:
    flags = at_least(payload, VALUES_AT, what="a frame of values")[4]
    if not flags & HAS_CLIMATE:
        return []
    at_least(payload, VALUES_AT + 2, what="a frame with climate")
    return _climate(*payload[VALUES_AT : VALUES_AT + 2])


def _occupancy(payload: bytes) -> list[Reading]:
    at_least(payload, VALUES_AT, what="a frame of occupancy")
    return [reading("occupancy", bool(payload[4] & OCCUPIED))]


def decode(frame: Frame) -> Found:
    """The message in the upper half of the second byte; a current clamp has nothing of ours."""
    payload = frame.payload or b""
    if frame.model.startswith(CURRENT_CLAMP):
        return Found()
    message = at_least(payload, HEAD_SIZE)[1] >> 4
    supply = _supply(payload[2])
    if message == START:
        return Found(tuple(supply))
    if message == VALUES:
        return Found((*_values(payload), *supply))
    if message == OCCUPANCY:
        return Found((*_occupancy(payload), *supply))
    raise Unreadable(f"message {message}: expected 1 (start), 2 (values) or 3 (occupancy)")


DRIVER = Driver(
    name="pressac",
    families=("sensor",),
    maker="Pressac",
    models=("*",),
    transport="lorawan",
    points=("occupancy", "battery_v", "temperature", "humidity"),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
)
