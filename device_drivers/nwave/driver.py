"""Nwave: car counters (NCC) and parking sensors (NPS), told apart by the model's name.

Counters, port 1: a count of 16 bits. Parking, port 1: occupied in the highest bit, in the older
NPS310 in the lowest. Port 2 is the heartbeat, port 3 a start.
"""

from device_drivers.bits import whole
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading
from device_drivers.records import sized

EVENT_PORT, HEARTBEAT_PORT = 1, 2
SILENT_PORTS = (3, 6, 10, 11)
COUNT_SIZE, COUNTER_HEARTBEAT_SIZE, PARKING_HEARTBEAT_SIZE = 2, 3, 6
OLD_PARKING = "nps310"


def _cell(code: int) -> Reading:
    """Steps of 4 mV above 2.5 V."""
    return reading("battery_v", 2.5 + code * 4 / 1_000)


def _event(payload: bytes, model: str) -> list[Reading]:
    if len(payload) == COUNT_SIZE:
        return [reading("uses", whole(payload))]
    bits = sized(payload, 1, what="a parking event")[0]
    return [reading("occupancy", bool(bits & 1 if OLD_PARKING in model else bits >> 7))]


def _heartbeat(payload: bytes) -> list[Reading]:
    """State, cell, and of counters its mean; the parking sensors' has three bytes more."""
    if len(payload) == 1:
        return [reading("occupancy", bool(payload[0] & 1))]
    sized(payload, COUNTER_HEARTBEAT_SIZE, PARKING_HEARTBEAT_SIZE, what="a heartbeat")
    if len(payload) == PARKING_HEARTBEAT_SIZE:
        return [reading("occupancy", bool(payload[0] & 0x80)), _cell(payload[1])]
    return [_cell(payload[1])]


def decode(frame: Frame) -> Found:
    """The port tells an event from a heartbeat."""
    payload = frame.payload or b""
    if frame.fport in SILENT_PORTS:
        return Found()
    if frame.fport == HEARTBEAT_PORT:
        return Found(tuple(_heartbeat(payload)))
    if frame.fport == EVENT_PORT:
        return Found(tuple(_event(payload, frame.model)))
    raise Unreadable("fPort: the port tells what the frame says, and nobody said it")


DRIVER = Driver(
    name="nwave",
    families=("counter", "sensor"),
    maker="Nwave",
    models=("ncc*", "g4ncc*", "nps*", "g4nps*"),
    transport="lorawan",
    points=("uses", "occupancy", "battery_v"),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
    fports=(EVENT_PORT, HEARTBEAT_PORT, *SILENT_PORTS),
)
