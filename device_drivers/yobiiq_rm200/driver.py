"""Yobiiq RM200: two relays on the mains and how often they switched; types of two bytes."""

from device_drivers.bits import whole
from device_drivers.driver import Driver, Found, Frame, Heard
from device_drivers.moments import unix_s_ms
from device_drivers.reading import Reading
from device_drivers.records import Record, number, read_records

ABOUT_PORT, DATA_PORTS, ANSWER_PORTS = 50, (1, 2, 3, 11), (100,)
ANSWER_SIZE = 1
MAKER, MODEL = 0x01, 0x02
# Texts of a size of their own, by their first two bytes.
TEXTS = {MAKER: 6, MODEL: 8}


def _switched(point: str) -> Record:
    return Record(4, number(point))


ABOUT = {
    **{0xFF00 | kind: Record(size) for kind, size in TEXTS.items()},
    **dict.fromkeys((0xFF04, 0xFF05, 0xFF15), Record(2)),
    0xFF03: Record(4),
    0xFF07: Record(1, number("battery")),
    0xFF08: Record(1, number("battery_v", divisor=10)),
    **dict.fromkeys((0xFF06, 0xFF11, 0xFF12, 0xFF13, 0xFF14, 0xFF16), Record(1)),
    **dict.fromkeys((0xFF64, 0xFF65, 0xFF66, 0xFF67, 0xFF69, 0xFF72), Record(1)),
    0xFF71: Record(2),
    0xFF70: Record(4),
}


def _channel(first: int) -> dict[int, Record]:
    """The same kinds on the channel of data and on that of alarms."""
    start = first << 8
    return {
        **dict.fromkeys((start | 0xFE, start | 0xFD, start | 0x70), Record(4)),
        **dict.fromkeys((start | kind for kind in (0x00, 0x01, 0x02, 0x03)), Record(1)),
        **dict.fromkeys((start | kind for kind in (0x12, 0x13, 0x14, 0x16, 0x64)), Record(1)),
        **dict.fromkeys((start | kind for kind in (0x65, 0x66, 0x67, 0x69)), Record(1)),
        **dict.fromkeys((start | kind for kind in (0x95, 0x96, 0x98, 0x99)), Record(1)),
        start | 0x15: Record(2),
        start | 0x97: _switched("uses_1"),
        start | 0x9A: _switched("uses_2"),
        start | 0x71: Record(2, number("temperature", divisor=100, signed=True)),
        start | 0x72: Record(1, number("humidity")),
    }


# The same in newer firmware: time, state, count and hand's override of each relay, its own climate.
NEWER = {
    0x0101: Record(4),
    **dict.fromkeys((0x0110, 0x011A, 0x0120, 0x012A), Record(1)),
    0x011C: _switched("uses_1"),
    0x012C: _switched("uses_2"),
    0x017A: Record(2, number("temperature", divisor=100, signed=True)),
    0x017B: Record(1, number("humidity")),
}
# The moment of all that follows: now, or when it was stored.
TIMES = (b"\xdd\xfe", b"\xdd\xfd", b"\xaa\xfe", b"\xaa\xfd", b"\x01\x01")
RECORDS = {**ABOUT, **_channel(0xDD), **_channel(0xAA), **NEWER}


def _without_battery(found: tuple[Reading, ...]) -> tuple[Reading, ...]:
    """Devices on the mains report a battery of 0 %: an empty one would not have reported."""
    return tuple(one for one in found if one.point != "battery" or one.value)


def decode(frame: Frame) -> Found:
    """All records; a frame of one byte is the answer to a command."""
    payload = frame.payload or b""
    if len(payload) == ANSWER_SIZE:
        return Found()
    found = read_records(payload, RECORDS, type_size=2)
    at_ms = unix_s_ms(whole(payload[2:6])) if payload[:2] in TIMES else None
    readings = (one._replace(at_ms=at_ms) for one in _without_battery(found.readings))
    return found._replace(readings=tuple(readings))


DRIVER = Driver(
    name="yobiiq_rm200",
    families=("counter",),
    maker="Yobiiq",
    models=("rm200*", "iqrm200*"),
    transport="lorawan",
    points=("uses_1", "uses_2", "battery", "battery_v", "temperature", "humidity"),
    expected_silence_s=3 * 3_600,
    heard=Heard("none", "it switches what its owner connected; nobody looks at it"),
    tested="frames",
    decode=decode,
    fports=(ABOUT_PORT, *DATA_PORTS, *ANSWER_PORTS),
)
