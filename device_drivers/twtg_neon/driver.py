"""TWTG Neon: machines' vibration and temperature; of it the cell of its transmitter is ours.

Since version 3 the port tells the message: on port 14 the charge used so far and the cell's level,
packed into bits. Older versions have all on port 15, and say the cell as three voltages in mV; some
sensors send a status on port 2 with the cell in 255 steps above 2 V.
"""

from device_drivers.bits import whole, whole_le
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.records import at_least, sized

STATUS_PORT, BATTERY_PORT, OLD_PORT = 2, 14, 15
SILENT_PORTS = (1, *range(3, 14), *range(16, 32))
BATTERY, RESET_ANSWER = 1, 3
BATTERY_SIZE = 8
STATUS_SIZE = 9
STATUS_VERSIONS = range(1, 5)
# Kind of message in the lower half of the first byte, version of the protocol in the upper.
OLD_STATUS = 4
OLD_STATUS_SIZE = 18
OLD_VERSIONS = (2, 3)
OLD_KINDS = range(8)
UNKNOWN, FULL = 255, 254


def _level(payload: bytes) -> Found:
    """Message and version (1 byte), two charges (15 bits each), temperature (16), level (8)."""
    at_least(payload, BATTERY_SIZE, what="a battery message")
    level = whole(payload[:BATTERY_SIZE]) >> 2 & 0xFF
    if level == UNKNOWN:
        return Found()
    # 0 is written where no charge was drawn yet.
    return Found((reading("battery", 100 if level == 0 else round(level / 2.55)),))


def _old(payload: bytes) -> Found:
    """The voltage that settled after sending is the cell's own."""
    version, kind = payload[0] >> 4, payload[0] & 0x0F
    if version not in OLD_VERSIONS or kind not in OLD_KINDS:
        raise Unreadable(f"message {payload[0]:02x}: the version or the kind is not known here")
    if kind != OLD_STATUS or len(payload) != OLD_STATUS_SIZE:
        return Found()
    return Found((reading("battery_v", whole_le(payload[10:12]) / 1_000),))


def _status(payload: bytes) -> Found:
    """Version and kind (1 byte), cell, temperature, counters."""
    sized(payload, STATUS_SIZE, what="a status")
    if payload[0] >> 4 not in STATUS_VERSIONS or payload[0] & 0x0F:
        return Found()
    return Found((reading("battery_v", 2 + payload[1] * 2 / 255),))


def decode(frame: Frame) -> Found:
    """The port tells which of the two it is."""
    payload = frame.payload or b""
    if frame.fport == STATUS_PORT:
        return _status(payload)
    if frame.fport == OLD_PORT:
        return _old(payload)
    if frame.fport != BATTERY_PORT:
        return Found()
    if payload[0] >> 4 == RESET_ANSWER:
        return Found()
    if payload[0] >> 4 != BATTERY:
        raise Unreadable(f"message {payload[0] >> 4} on port 14: expected 1 or 3")
    return _level(payload)


DRIVER = Driver(
    name="twtg_neon",
    families=("sensor",),
    maker="TWTG",
    models=("*", "neon*", "dsvb*"),
    transport="lorawan",
    points=("battery", "battery_v"),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
    fports=(*SILENT_PORTS, STATUS_PORT, BATTERY_PORT, OLD_PORT),
)
