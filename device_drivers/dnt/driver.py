"""dnt sensors of the series LW: tracker, distance, room, window interface.

The model tells the frame. Facts: the maker's decoders in TheThingsNetwork/lorawan-devices.
"""

from collections.abc import Callable, Mapping

from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading
from device_drivers.records import at_least

DATA_PORT = 10
STATUS, SUPPLY, SABOTAGE = 4, 5, 6  # commands of the window's interface
TRIGGERED = {0: False, 1: True}  # 2: switched off
POSITIONS = (2, 3, 6)  # a tracker's frames with a position, in the lower half
PRESSED = 1  # the reason in their upper half
TILTED, TILTED_BACK = 0x40, 0x80
DISTANCE_SABOTAGE = 3

Read = Callable[[bytes], list[Reading]]


def _supply(raw: int) -> Reading:
    """Hundredths above 1.5 V."""
    return reading("battery_v", (raw + 150) / 100)


def _tracker(payload: bytes) -> list[Reading]:
    """Whole volts above one in the upper two bits, then steps of 20 mV; reason and frame."""
    kind = at_least(payload, 2)[1]
    pressed = kind & 0x0F in POSITIONS and kind >> 4 == PRESSED
    volts = reading("battery_v", round(1 + (payload[0] >> 6) + (payload[0] & 0x3F) * 0.02, 2))
    return [reading("press", "single"), volts] if pressed else [volts]


def _distance(payload: bytes) -> list[Reading]:
    """Supply, then the first of its fields: only that the device was turned is ours."""
    found = [_supply(payload[0])]
    if at_least(payload, 2)[1] == DISTANCE_SABOTAGE:
        flags = at_least(payload, 3)[2]
        found.append(reading("tamper", bool(flags & TILTED)))
    return found


def _sabotage(code: int) -> list[Reading]:
    return [reading("tamper", TRIGGERED[code & 0x03])] if code & 0x03 in TRIGGERED else []


def _window(payload: bytes) -> list[Reading]:
    """A status has flags from above: supply, sabotage, the Hall sensor, the clamps."""
    if payload[0] == SUPPLY:
        return [_supply(at_least(payload, 2)[1])]
    if payload[0] == SABOTAGE:
        return _sabotage(at_least(payload, 2)[1])
    if payload[0] != STATUS:
        return []
    flags = at_least(payload, 2)[1]
    values = payload[2:]
    at_least(values, (flags >> 4).bit_count(), what="a status")
    found = [_supply(values[0])] if flags & 0x80 else []
    return [*found, *_sabotage(values[len(found)])] if flags & 0x40 else found


def _room(payload: bytes) -> list[Reading]:
    """A status with flags: of the supply (lowest bit), which comes first."""
    if payload[0] == SUPPLY:
        return [_supply(at_least(payload, 2)[1])]
    if payload[0] != STATUS or not at_least(payload, 2)[1] & 1:
        return []
    return [_supply(at_least(payload, 3)[2])]


# By how the model's name ends.
MODELS: Mapping[str, Read] = {
    "ats": _tracker,
    "dis": _distance,
    "wsci": _window,
    "wth": _room,
}


def decode(frame: Frame) -> Found:
    """By the model that the register knows, because the frames do not tell it."""
    name = next((one for one in MODELS if frame.model.endswith(one)), "")
    if not name:
        known = ", ".join(MODELS)
        raise Unreadable(f"the model decides how this is read; known here are {known}")
    return Found(tuple(MODELS[name](frame.payload or b"")))


DRIVER = Driver(
    name="dnt",
    families=("button", "door", "sensor"),
    maker="dnt",
    models=("dntlw*",),
    transport="lorawan",
    points=("press", "tamper", "battery_v"),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
    fports=(DATA_PORT,),
)
