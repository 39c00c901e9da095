"""ELV sensors of the series LW and BM: supply, reason, values. Most significant byte first.

The model tells where the supply stands, how it is written, and which reason is the button. Facts:
the maker's decoders in TheThingsNetwork/lorawan-devices.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from device_drivers.bits import whole
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading
from device_drivers.records import at_least

DATA_PORT = 10
STATE, MEASURED = 1, 2  # the frames of a sensor of movement

Volts = Callable[[bytes], float]


class Model(NamedTuple):
    """Supply of the first bytes; where the reason stands (the lower half), which are a press."""

    supply: Volts
    reason_at: int
    presses: Mapping[int, str]
    moves: bool = False
    battery: bool = True


def _stepped(payload: bytes) -> float:
    """Whole volts above one in the upper two bits, then steps of 20 mV."""
    return round(1 + (payload[0] >> 6) + (payload[0] & 0x3F) * 0.02, 2)


def _hundredths(payload: bytes) -> float:
    return payload[0] / 100


def _above(payload: bytes) -> float:
    """Hundredths above 1.5 V."""
    return (payload[0] + 150) / 100


def _millivolts(at: int) -> Volts:
    return lambda payload: whole(at_least(payload, at + 2)[at : at + 2]) / 1_000


# By how the model's name goes on behind the maker's and the series'. A device whose button is
# served on the mains or a car's battery says that supply.
MODELS: Mapping[str, Model] = {
    "mob": Model(_stepped, 2, {9: "single", 10: "long"}, moves=True),
    "omo": Model(_hundredths, 2, {1: "single"}, moves=True),
    "swd": Model(_stepped, 2, {}),
    "int1": Model(_above, 4, {8: "single"}),
    "trx1": Model(_millivolts(3), 0, {1: "single"}),
    "gps1": Model(_millivolts(2), 1, {2: "single"}),
    "esi": Model(_millivolts(2), 1, {}),
}
INPUTS = "int1"
STATUS = bytes(3)  # of the model with inputs: frame, channel, sensor
GPS2, GPS2_REASON, GPS2_SIZE = "gps2", 3, 13


def _movement(payload: bytes) -> list[Reading]:
    """Flags (lowest bit: shaken) and angle; in a state how often so far."""
    if payload[1] not in (STATE, MEASURED):
        return []
    found = [reading("motion", bool(at_least(payload, 4)[3] & 1))]
    if payload[1] == STATE:
        found.append(reading("uses", whole(at_least(payload, 7)[5:7])))
    return found


def _press(payload: bytes, name: str, model: Model) -> list[Reading]:
    if name == INPUTS:
        flagged = len(payload) > model.reason_at and payload[1:4] == STATUS
        reason = payload[model.reason_at] & 0x08 if flagged else 0
    else:
        reason = at_least(payload, model.reason_at + 1)[model.reason_at]
        reason = reason & 0x0F if model.reason_at == 1 else reason
    return [reading("press", model.presses[reason])] if reason in model.presses else []


def decode(frame: Frame) -> Found:
    """Press, supply, movement, by the model that the register knows; a press is kept."""
    payload = frame.payload or b""
    name = next((one for one in MODELS if frame.model.endswith(one)), "")
    if not name:
        known = ", ".join(MODELS)
        raise Unreadable(f"the model decides how this is read; known here are {known}")
    model = MODELS[name]
    press = _press(payload, name, model)
    try:
        volts = reading("battery_v", model.supply(payload))
        moved = _movement(payload) if model.moves else []
    except Unreadable as error:
        if not press:
            raise
        return Found(tuple(press), (str(error),))
    return Found((*press, *moved, volts))


DRIVER = Driver(
    name="elv",
    families=("button", "counter", "sensor"),
    maker="ELV",
    models=("elvlw*", "elvbm*"),
    transport="lorawan",
    points=("press", "motion", "uses", "battery_v"),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
    fports=(DATA_PORT,),
)
