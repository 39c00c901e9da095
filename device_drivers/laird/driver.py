"""Laird (now Ezurio) Sentrius RS1xx: climate, door or button at its contact, battery.

The first byte tells the message, the second has options. Numbers with a fraction are two bytes:
hundredths, then the whole part. Facts: the maker's decoder in TheThingsNetwork/lorawan-devices.
"""

from collections.abc import Callable, Mapping

from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading
from device_drivers.records import at_least, sized

DOOR, BUTTON = 0, 1
CLOSED, OPEN = 0, 1
LOW_CODES = (0, 1)  # of six: up to 5 %, up to 20 %
SILENT_MAX = 0x10

Read = Callable[[bytes], list[Reading]]


def _fraction(raw: bytes) -> float:
    """The fraction has the sign of the whole part."""
    whole_part = int.from_bytes(raw[1:2], signed=True)
    hundredths = -raw[0] if whole_part < 0 else raw[0]
    return whole_part + hundredths / 100


def _climate(payload: bytes) -> list[Reading]:
    """Humidity (2 bytes), temperature (2), one of six levels of the battery."""
    sized(payload, 11, what="a frame of climate")
    return [
        reading("temperature", _fraction(payload[4:6])),
        reading("humidity", _fraction(payload[2:4])),
        reading("battery_low", payload[6] in LOW_CODES),
    ]


def _several(payload: bytes) -> list[Reading]:
    """Stored climate has no times of its own that could be told: only the battery is read."""
    return [
        reading("battery_low", at_least(payload, 6, what="a frame of readings")[5] in LOW_CODES)
    ]


def _contact(payload: bytes) -> list[Reading]:
    """Door or button, as its owner set it; closed is a button that is pressed."""
    mode, state = sized(payload, 6, what="a frame of the contact")[2:4]
    if mode not in (DOOR, BUTTON) or state not in (CLOSED, OPEN):
        raise Unreadable(f"mode {mode} with state {state}: expected 0 or 1 of both")
    if mode == DOOR:
        return [reading("contact", "open" if state == OPEN else "closed")]
    return [reading("press", "single")] if state == CLOSED else []


def _voltage(payload: bytes) -> list[Reading]:
    return [reading("battery_v", _fraction(sized(payload, 4, what="a frame of the voltage")[2:4]))]


MESSAGES: Mapping[int, Read] = {1: _climate, 2: _several, 9: _contact, 10: _voltage}


def decode(frame: Frame) -> Found:
    """The message; stored climate, settings and versions are signs of life."""
    payload = frame.payload or b""
    if not 0 < payload[0] <= SILENT_MAX:
        raise Unreadable(f"message {payload[0]}: expected 1 to {SILENT_MAX}")
    read = MESSAGES.get(payload[0])
    return Found(tuple(read(payload)) if read is not None else ())


DRIVER = Driver(
    name="laird",
    families=("door", "button", "sensor"),
    maker="Laird, Ezurio",
    models=("rs1xx*", "rs186*", "rs191*", "*"),
    transport="lorawan",
    points=("press", "contact", "battery_v", "battery_low", "temperature", "humidity"),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
)
