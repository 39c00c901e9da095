"""Yobiiq SD-1001: a smoke detector on the mains, with a test button; records of two bytes' type."""

from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading
from device_drivers.records import Record, flag, number, read_records

ABOUT_PORT, DATA_PORTS, ANSWER_PORTS = 50, (8, 9), (100,)
ANSWER_SIZE = 1


def _test(data: bytes) -> list[Reading]:
    if data[0] not in (0, 1):
        raise Unreadable(f"test: expected 0 or 1, not {data[0]}")
    return [reading("press", "test")] if data[0] else []


def _record(kind: int) -> Record:
    reads = {1: number("battery"), 3: flag("battery_low"), 7: _test}
    return Record(1, reads.get(kind))


# The first byte tells the kind; the second differs between versions of the firmware.
RECORDS = {
    **{kind << 8 | form: _record(kind) for kind in range(1, 8) for form in range(256)},
    **dict.fromkeys((0xFF09, 0xFF0A), Record(2)),
    0xFF16: Record(5),
    **dict.fromkeys((0xFF0F, 0xFF0B), Record(1)),
}


def decode(frame: Frame) -> Found:
    """All records; a frame of one byte is the answer to a command."""
    payload = frame.payload or b""
    if len(payload) == ANSWER_SIZE:
        return Found()
    return read_records(payload, RECORDS, type_size=2)


DRIVER = Driver(
    name="yobiiq_sd1001",
    families=("sensor",),
    maker="Yobiiq",
    models=("sd1001*",),
    transport="lorawan",
    points=("press", "battery", "battery_low"),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "no downlink that makes its buzzer sound is published"),
    tested="frames",
    decode=decode,
    fports=(ABOUT_PORT, *DATA_PORTS, *ANSWER_PORTS),
)
