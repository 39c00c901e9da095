"""Swisscom Multisense: button, reed counter, movements, climate.

Version, mode, what made it send, the cell; then records of a type and a value. Most significant
byte first.
"""

from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading
from device_drivers.records import Record, at_least, number, read_records

DATA_PORT, MODE_PORT = 3, 100
HEAD_SIZE = 4
USAGE_MODE = 1  # in which the bits of the causes are others
PRESSED = {True: 0x20, False: 0x40}
MOVED = 0x04  # in all modes but that of usage
REED, MOVEMENTS = 3, 4

TABLE = {
    1: Record(2, number("temperature", divisor=100, signed=True)),
    2: Record(1, number("humidity", divisor=2)),
    REED: Record(2, number("uses_1")),
    MOVEMENTS: Record(2, number("uses_2")),
    5: Record(6),  # acceleration
    6: Record(16, lambda data: number("temperature", divisor=100, signed=True)(data[:2])),
    7: Record(8, lambda data: number("humidity", divisor=2)(data[:1])),
}


def _head(payload: bytes) -> list[Reading]:
    """Causes by the mode; the cell in steps of 6 mV above 2 V."""
    mode, causes = payload[1:3]
    pressed = [reading("press", "single")] if causes & PRESSED[mode == USAGE_MODE] else []
    moved = [reading("motion", True)] if mode != USAGE_MODE and causes & MOVED else []
    return [*pressed, *moved, reading("battery_v", round((payload[3] * 6 + 2_000) / 1_000, 3))]


def _alone(readings: tuple[Reading, ...]) -> list[Reading]:
    """The only counter of a frame stands without its number too."""
    counts = [one for one in readings if one.point.startswith("uses_")]
    return [counts[0]._replace(point="uses")] if len(counts) == 1 else []


def decode(frame: Frame) -> Found:
    """Head and records; a press is kept whatever follows."""
    payload = at_least(frame.payload or b"", HEAD_SIZE)
    if frame.fport == MODE_PORT:
        return Found((_head(payload)[-1],))
    head = _head(payload)
    try:
        rest = read_records(payload[HEAD_SIZE:], TABLE)
    except Unreadable as error:
        return Found(tuple(head), (str(error),))
    return Found((*head, *rest.readings, *_alone(rest.readings)), rest.warnings)


DRIVER = Driver(
    name="swisscom_multisense",
    families=("button", "counter", "door"),
    maker="Swisscom",
    models=("multisense*", "*"),
    transport="lorawan",
    points=(
        "press",
        "motion",
        "uses",
        "uses_1",
        "uses_2",
        "battery",
        "battery_v",
        "temperature",
        "humidity",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
    cell="3 V lithium to 2.55 V",
    fports=(DATA_PORT, MODE_PORT),
)
