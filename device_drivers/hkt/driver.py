"""HKT (Heng Ke Tech) door sensor and people counter: letters "hkt", two bytes, then records."""

from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.records import Record, both, flag, number, pick, read_records

HEAD = b"hkt"
HEAD_SIZE = 5

RECORDS = {
    0x01: Record(2),  # versions
    0x03: Record(1, number("battery")),
    0x04: Record(1),  # when the counter reports
    0x05: Record(2),
    0x06: Record(2),  # from which count on it reports
    0x07: Record(12, both(pick(number("in"), 4, 8), pick(number("out"), 8))),
    0x08: Record(1, flag("contact", "open", "closed")),
    0x22: Record(1),  # mode
    0x23: Record(4),  # hours of counting
    0x24: Record(2),
    0x25: Record(1),
    0x26: Record(12, pick(number("openings"), 4, 8)),
    0x83: Record(1),  # the infrared beam is broken
    0x84: Record(1),  # installed, or not: decoders disagree about which
    0x86: Record(2),
}


def decode(frame: Frame) -> Found:
    """The records behind the head."""
    payload = frame.payload or b""
    if not payload.startswith(HEAD) or len(payload) <= HEAD_SIZE:
        raise Unreadable(f"expected a frame that begins with the letters hkt, not {payload.hex()}")
    return read_records(payload[HEAD_SIZE:], RECORDS)


DRIVER = Driver(
    name="hkt",
    families=("door", "counter"),
    maker="HKT",
    models=("*", "doorsensor*", "peoplecounter*"),
    transport="lorawan",
    points=("contact", "openings", "in", "out", "battery"),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
)
