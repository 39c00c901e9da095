"""Thermokon LRW sensors: keys of one byte, or of two from 80 on, and their values."""

from device_drivers.driver import Driver, Found, Frame, Heard
from device_drivers.points import reading
from device_drivers.reading import Reading
from device_drivers.records import Record, number, read_records

LONG_KEY = 0x80


def _occupancy(data: bytes) -> list[Reading]:
    """Bit 0 is the state, the rest counts the changes."""
    return [reading("occupancy", bool(data[0] & 1))]


def _button(data: bytes) -> list[Reading]:
    """Bit 0: the last press was long; the rest counts presses since the frame before."""
    count = data[0] >> 1
    return [reading("press", "long" if data[0] & 1 else "single")] if count else []


def _cell(data: bytes) -> list[Reading]:
    """Steps of 20 mV."""
    return [reading("battery_v", data[0] / 50)]


# Which state of a reed contact is an open window, the maker leaves to the installation.
SHORT = {
    **dict.fromkeys((0x00, 0x01, 0x12, 0x13, 0x30, 0x31, 0x32, 0x40, 0x51), Record(2)),
    0x10: Record(2, number("temperature", divisor=10, signed=True)),
    0x11: Record(1, number("humidity")),
    0x41: Record(1, _occupancy),
    0x50: Record(1),
    0x54: Record(1, _cell),
    0x63: Record(1),
}
LONG = {
    **dict.fromkeys((0x9100, 0x9140, 0x9510, 0x9630, 0xA100, 0xC000, 0xC100, 0xC103), Record(2)),
    **dict.fromkeys((0xC106, 0xC107, 0xC108, 0xC10A, 0xC10B, 0xC121, 0xC230), Record(2)),
    **dict.fromkeys((0x8413, 0x8414, *range(0xC123, 0xC12E, 2), *range(0xC135, 0xC13A)), Record(2)),
    **dict.fromkeys((0x8415, 0x9410, 0x9500, 0xC105, 0xC120, 0xC134), Record(1)),
    0x8540: Record(2, number("battery_v", divisor=1_000)),
    0x8550: Record(1, _button),
    0x9550: Record(1, _button),
}


def decode(frame: Frame) -> Found:
    """Short and long keys may follow each other: a short one is given the length of a long one."""
    return read_records(_padded(frame.payload or b""), {**SHORT, **LONG}, type_size=2)


def _padded(payload: bytes) -> bytes:
    """The same records with keys of two bytes all through."""
    padded, at = b"", 0
    while at < len(payload):
        head = 2 if payload[at] & LONG_KEY else 1
        key = payload[at : at + head]
        record = {**SHORT, **LONG}.get(int.from_bytes(key, "big"))
        end = len(payload) if record is None else at + head + record.size
        padded += (key if head == 2 else b"\0" + key) + payload[at + head : end]
        at = end
    return padded


DRIVER = Driver(
    name="thermokon_lrw",
    families=("button", "sensor"),
    maker="Thermokon",
    models=("generic*", "mcslrw*", "lrw*"),
    transport="lorawan",
    points=("press", "occupancy", "battery_v", "temperature", "humidity"),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
)
