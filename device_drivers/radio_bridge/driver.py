"""Radio Bridge sensors (RBS301 to RBS306): version and counter, message type, what the type says.

One table serves all models, because the second byte tells the layout. Facts: the maker's knowledge
base ("How do I decode a … event?"), its user guides, and TheThingsNetwork/lorawan-devices.
"""

from collections.abc import Callable
from typing import NamedTuple

from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading

PROTOCOL = 1
HEAD_SIZE = 2
BUTTONS = (0x01, 0x02, 0x03, 0x12)  # right, left, the only one, both at once
PRESSED, RELEASED, HELD = 0, 1, 2
LOW_BIT = 0x02

Read = Callable[[bytes], Found]


class Event(NamedTuple):
    """How many bytes follow the type at least, and what is read of them."""

    size: int
    read: Read | None = None


def _either(point: str, zero: str | bool, one: str | bool) -> Read:
    """A state of two values."""

    def read_either(data: bytes) -> Found:
        if data[0] not in (0, 1):
            raise Unreadable(f"{point}: expected 0 or 1, not {data[0]}")
        return Found((reading(point, one if data[0] else zero),))

    return read_either


def _supervisory(data: bytes) -> Found:
    """Flags, a byte for the state, volts as two decimal digits; what follows is the day's count."""
    volts = (data[2] >> 4) + (data[2] & 0x0F) / 10
    return Found((reading("battery_low", bool(data[0] & LOW_BIT)), reading("battery_v", volts)))


def _button(data: bytes) -> Found:
    """Button and event; the end of a press is no press."""
    button, event = data[:2]
    if event == RELEASED:
        return Found()
    if event not in (PRESSED, HELD):
        raise Unreadable(f"event {event} of a button is not known here")
    kind = "single" if event == PRESSED else "long"
    strange = () if button in BUTTONS else (f"button {button:#04x} is not known here",)
    return Found((reading("press", kind),), strange)


def _temperature(data: bytes) -> Found:
    degrees = data[1] - 256 if data[1] > 127 else data[1]
    return Found((reading("temperature", degrees),))


def _air(data: bytes) -> Found:
    """Whole degrees with a bit for the sign, tenths in the high half of the next byte."""
    degrees = (data[1] & 0x7F) + (data[2] >> 4) / 10
    humidity = data[3] + (data[4] >> 4) / 10
    found: list[Reading] = [reading("temperature", -degrees if data[1] & 0x80 else degrees)]
    return Found((*found, reading("humidity", round(humidity, 1))))


EVENTS: dict[int, Event] = {
    0x00: Event(4),  # started again: kind of device, versions
    0x01: Event(3, _supervisory),
    0x02: Event(1, _either("tamper", True, False)),
    0x03: Event(1, _either("contact", "closed", "open")),
    0x06: Event(2, _button),
    0x07: Event(1, _either("contact", "closed", "open")),  # wires that touch or do not
    0x08: Event(1),  # water
    0x09: Event(2, _temperature),
    0x0A: Event(1),  # tilt
    0x0D: Event(5, _air),
    0x0E: Event(1, _either("motion", True, False)),
    0x0F: Event(1),  # exact tilt
    0x10: Event(1),  # distance
    0x11: Event(1),  # current loop
    0x13: Event(1),  # thermocouple
    0x14: Event(1),  # voltage
    0x15: Event(0),  # the customer's own
    0x16: Event(1),  # place
    0x17: Event(1),  # Honeywell bridge
    0x18: Event(0),  # magnetometer
    0x19: Event(1),  # vibration, whose strength is no yes or no
    0x1A: Event(1),
    0xFB: Event(3),  # link
    0xFC: Event(0),  # too many messages
    0xFD: Event(0),  # test
    0xFF: Event(1),  # receipt of a downlink
}


def decode(frame: Frame) -> Found:
    """The event that the second byte names."""
    payload = frame.payload or b""
    if len(payload) < HEAD_SIZE:
        raise Unreadable(f"a message has {HEAD_SIZE} bytes at least; this one is cut off")
    if payload[0] >> 4 != PROTOCOL:
        raise Unreadable(f"protocol {payload[0] >> 4} is not known here, only {PROTOCOL}")
    kind, data = payload[1], payload[HEAD_SIZE:]
    if kind not in EVENTS:
        raise Unreadable(f"message type {kind:#04x} is not known here")
    event = EVENTS[kind]
    if len(data) < event.size:
        raise Unreadable(
            f"message type {kind:#04x} needs {event.size} bytes and {len(data)} follow; cut off"
        )
    return event.read(data) if event.read is not None else Found()


DRIVER = Driver(
    name="radio_bridge",
    families=("button", "door"),
    maker="Radio Bridge, MultiTech",
    models=(
        "rbs1*",
        "rbs3*",
        "*",
    ),
    transport="lorawan",
    points=(
        "press",
        "contact",
        "tamper",
        "motion",
        "battery_v",
        "battery_low",
        "temperature",
        "humidity",
    ),
    expected_silence_s=39 * 3_600,
    heard=Heard("none", "its light blinks when a message was sent, but no downlink works it"),
    tested="frames",
    decode=decode,
)
