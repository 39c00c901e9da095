"""comtac Cluey and LPN KM: inputs and counters with their own time; the port tells the message.

Version, device, status, battery (1 byte each; 1 to 254 are 0 to 100 %, 0 is an outside source, 255
an error), then what the port is about.
"""

from collections.abc import Iterator

from device_drivers.bits import whole
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.moments import unix_s_ms
from device_drivers.points import CHANNELS_MAX, reading
from device_drivers.reading import Reading

HEAD_SIZE = 4
FIXED_PORT, INPUTS_PORT, COUNTERS_PORT = 3, 20, 21
OTHER_PORTS = (5, 6, 22, 23, 100, 101, 106, 110)
DEVICES = (0x10, 0x11, 0x12)
ON_MAINS, UNKNOWN = 0, 255
COUNTER_SIZE = 5
COUNTER = 0x40


def _battery(code: int) -> list[Reading]:
    if code in (ON_MAINS, UNKNOWN):
        return []
    return [reading("battery", round((code - 1) * 100 / 253))]


def _counters(data: bytes) -> Iterator[Reading]:
    """Groups of a number, a time (4 bytes) and as many counters of five bytes."""
    at = 0
    while at < len(data):
        count, start = data[at], at + 5
        end = start + count * COUNTER_SIZE
        if end > len(data):
            raise Unreadable(f"{count} counters need {end - at} bytes; the frame is cut off")
        at_ms = unix_s_ms(whole(data[at + 1 : start]))
        for place in range(start, end, COUNTER_SIZE):
            yield from _counter(data[place : place + COUNTER_SIZE], at_ms)
        at = end


def _counter(raw: bytes, at_ms: int) -> list[Reading]:
    """Kind and number of the input, cause, total (3 bytes)."""
    number = raw[0] & 0x0F
    if raw[0] & 0xF0 != COUNTER or not 0 < number <= CHANNELS_MAX:
        return []
    return [reading(f"uses_{number}", whole(raw[2:5]), at_ms)]


def decode(frame: Frame) -> Found:
    """Battery, and on the counters' port their totals. Inputs are the owner's: no point of ours."""
    payload = frame.payload or b""
    if len(payload) < HEAD_SIZE:
        raise Unreadable(f"a frame has at least {HEAD_SIZE} bytes, not {len(payload)}: cut off")
    device = payload[0]
    if device not in DEVICES:
        raise Unreadable(f"device {device:02x}: expected 10, 11 or 12")
    battery = _battery(payload[3])
    counters = _counters(payload[HEAD_SIZE:]) if frame.fport == COUNTERS_PORT else ()
    return Found((*battery, *counters))


DRIVER = Driver(
    name="comtac_cluey",
    families=("counter", "sensor"),
    maker="comtac",
    models=("cluey*", "lpnkm*"),
    transport="lorawan",
    points=("battery", *(f"uses_{number}" for number in range(1, CHANNELS_MAX + 1))),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
    fports=(FIXED_PORT, INPUTS_PORT, COUNTERS_PORT, *OTHER_PORTS),
)
