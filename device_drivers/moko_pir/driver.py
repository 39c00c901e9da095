"""Moko LW007-PIR: motion, a door contact with its count, climate. Each frame carries its own time.

Time (4 bytes), time zone (1), two bits each of motion, contact and alarms (1), temperature and
humidity (10 bits each, 4 bits of alarms), low cell (1 bit) with the count of openings (15 bits).
"""

from device_drivers.bits import whole
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.moments import unix_s_ms
from device_drivers.points import reading
from device_drivers.reading import Reading
from device_drivers.records import sized

STATE_PORTS = (5, 6)
OFF_PORT = 7
STATE_SIZE, OFF_SIZE = 11, 6
NOT_SWITCHED_ON, NO_CLIMATE, NO_COUNT = 3, 0x3FF, 0x7FFF
MOTION = {0: False, 1: True}
CONTACT = {0: "closed", 1: "open"}
LOW_AT_OFF = {0: False, 1: True, 2: False, 3: True}


def decode(frame: Frame) -> Found:
    """A state, or a farewell."""
    payload = frame.payload or b""
    if frame.fport == OFF_PORT or len(payload) == OFF_SIZE:
        low = LOW_AT_OFF.get(sized(payload, OFF_SIZE)[5])
        return Found() if low is None else Found((reading("battery_low", low),))
    sized(payload, STATE_SIZE, what="a state")
    found = [*_states(payload[5]), *_climate(payload), *_count(payload)]
    try:
        at_ms = unix_s_ms(whole(payload[:4]))
    except Unreadable as error:
        return Found(tuple(found), (f"time: {error}",))
    return Found(tuple(one._replace(at_ms=at_ms) for one in found))


def _states(bits: int) -> list[Reading]:
    found = []
    for point, words, code in (("motion", MOTION, bits >> 6), ("contact", CONTACT, bits >> 4 & 3)):
        if code != NOT_SWITCHED_ON:
            if code not in words:
                raise Unreadable(f"{point}: expected a code of 0, 1 or 3, not {code}")
            found.append(reading(point, words[code]))
    return found


def _climate(payload: bytes) -> list[Reading]:
    bits = whole(payload[6:9])
    degrees, percent = bits >> 14, bits >> 4 & NO_CLIMATE
    found = []
    if degrees != NO_CLIMATE:
        found.append(reading("temperature", (degrees - 300) / 10))
    if percent != NO_CLIMATE:
        found.append(reading("humidity", percent / 10))
    return found


def _count(payload: bytes) -> list[Reading]:
    bits = whole(payload[9:11])
    low = reading("battery_low", bool(bits >> 15))
    count = bits & NO_COUNT
    return [low] if count == NO_COUNT else [low, reading("openings", count)]


DRIVER = Driver(
    name="moko_pir",
    families=("door", "sensor"),
    maker="Moko,MokoSmart",
    models=("lw007*",),
    transport="lorawan",
    points=("contact", "openings", "motion", "battery_low", "temperature", "humidity"),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
    fports=(*STATE_PORTS, OFF_PORT),
)
