"""Milesight GS524N, a smoke detector: six bytes that sum up to nothing.

Versions, message and sensor, percent, smoke, degrees, and what makes the sum of all 0. Facts: the
maker's README in github.com/Milesight-IoT/SensorDecoders.
"""

from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading
from device_drivers.records import sized

SIZE = 6
TAKEN_OFF = {10: True, 11: False}
LOW = {4: True, 7: False, 14: False, 15: True}  # low, normal, tests with a good and a low cell
OTHERS = (1, 2, 5)  # alarm, silenced, broken: what burns is no word of ours


def _message(kind: int) -> list[Reading]:
    if kind in TAKEN_OFF:
        return [reading("tamper", TAKEN_OFF[kind])]
    if kind in LOW:
        return [reading("battery_low", LOW[kind])]
    if kind not in OTHERS:
        raise Unreadable(f"message {kind} is not known here")
    return []


def decode(frame: Frame) -> Found:
    """The message in the lower half of the second byte."""
    payload = sized(frame.payload or b"", SIZE)
    if sum(payload) & 0xFF:
        raise Unreadable("the bytes do not sum up to nothing: the frame is damaged")
    degrees = int.from_bytes(payload[4:5], signed=True)
    values = (reading("battery", payload[2]), reading("temperature", degrees))
    return Found((*_message(payload[1] & 0x0F), *values))


DRIVER = Driver(
    name="milesight_smoke",
    families=("sensor",),
    maker="Milesight",
    models=("gs524*",),
    transport="lorawan",
    points=("tamper", "battery", "battery_low", "temperature"),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
)
