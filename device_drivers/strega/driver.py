"""STREGA smart valves and switches: text of digits, then a byte of states, then climate in bytes.

The first four characters are the cell in mV where the first is `3` (or a byte B3, whose lower half
is that 3); 7 and F in its upper half say that there is no cell. The states are a character of which
the lower six bits count.
"""

from device_drivers.bits import whole
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading
from device_drivers.records import at_least

ON_CELL, ON_MAINS = (0x3, 0xB), (0x7, 0xF)
EMPTY_MV, STEP_MV = 2_000, 16
STATE, MARK, CLIMATE_MARK = 4, 5, 0x23
TAMPER = 0x02
HEAD_SIZE, CLIMATE_SIZE = 5, 10


def _cell(payload: bytes) -> list[Reading]:
    if payload[0] >> 4 in ON_MAINS:
        return []
    if payload[0] >> 4 not in ON_CELL:
        raise Unreadable(f"expected a first character of 3, 7, B or F, not {payload[:1].hex()}")
    digits = bytes([0x30 | payload[0] & 0x0F]) + payload[1:4]
    if not digits.isdigit():
        raise Unreadable(f"expected four digits of mV, not {digits.hex()}")
    millivolts = int(digits)
    percent = max(0, min(100, round((millivolts - EMPTY_MV) / STEP_MV)))
    return [reading("battery_v", millivolts / 1_000), reading("battery", percent)]


def _climate(payload: bytes) -> list[Reading]:
    """Two parts of 65536, by the formula of the sensor inside."""
    if payload[MARK : MARK + 1] != bytes([CLIMATE_MARK]):
        return []
    at_least(payload, CLIMATE_SIZE, what="a frame with climate")
    return [
        reading("temperature", whole(payload[6:8]) / 65_536 * 165 - 40),
        reading("humidity", whole(payload[8:10]) / 65_536 * 100),
    ]


def decode(frame: Frame) -> Found:
    """Cell, whether somebody tampers, climate."""
    payload = at_least(frame.payload or b"", HEAD_SIZE)
    tamper = reading("tamper", bool(payload[STATE] & TAMPER))
    return Found((tamper, *_cell(payload), *_climate(payload)))


DRIVER = Driver(
    name="strega",
    families=("sensor",),
    maker="Strega",
    models=("*", "smartvalve*", "smartswitch*", "smartemitter*"),
    transport="lorawan",
    points=("tamper", "battery", "battery_v", "temperature", "humidity"),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
)
