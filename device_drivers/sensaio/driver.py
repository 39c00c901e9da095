"""Sensaio's industrial sensors: kind, then a head of bits, least significant first, then values."""

from struct import unpack

from device_drivers.bits import whole_le
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading
from device_drivers.records import at_least

HEAD_SIZE, PROBE_SIZE = 7, 4
KINDS_MAX, SETTINGS = 10, 0xFF
PROBES = (2, 4)  # resistance and thermocouple
STORED = 3  # of the messages: records with a time of their own
ZERO_KELVIN = -273.15


def _probe(data: bytes) -> list[Reading]:
    """Kelvin as a float, least significant byte first."""
    kelvin = unpack("<f", at_least(data, PROBE_SIZE, what="a temperature")[:PROBE_SIZE])[0]
    return [reading("temperature", round(kelvin + ZERO_KELVIN, 2))]


def decode(frame: Frame) -> Found:
    """Message in two bits, percent in seven; version, temperature, shocks and faults follow."""
    payload = frame.payload or b""
    if payload[0] == SETTINGS:
        return Found()
    if payload[0] > KINDS_MAX:
        raise Unreadable(f"kind of sensor {payload[0]}: expected 0 to {KINDS_MAX}")
    bits = whole_le(at_least(payload, HEAD_SIZE)[1:3])
    battery = reading("battery", bits >> 2 & 0x7F)
    if payload[0] not in PROBES or bits & 0x03 == STORED:
        return Found((battery,))
    return Found((battery, *_probe(payload[HEAD_SIZE:])))


DRIVER = Driver(
    name="sensaio",
    families=("sensor",),
    maker="Sensaio",
    models=("*",),
    transport="lorawan",
    points=("battery", "temperature"),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
)
