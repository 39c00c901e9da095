"""GlobalSat LT-20: a tracker; kind and group (2 bytes), place (6), what it reports, battery."""

from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.records import sized

REPORT_SIZE = 11
PLACE, BATTERY = 8, 9
MOVES = {5: True, 6: True, 4: False, 7: False}
KINDS = (2, 4, 5, 6, 7, 15)
LOW_CELL = 15


def decode(frame: Frame) -> Found:
    """The lower five bits of the eighth byte tell why it reports."""
    payload = sized(frame.payload or b"", REPORT_SIZE)
    kind = payload[PLACE] & 0x1F
    if kind not in KINDS:
        raise Unreadable(f"report {kind}: expected one of {', '.join(map(str, KINDS))}")
    motion = [reading("motion", MOVES[kind])] if kind in MOVES else []
    low = [reading("battery_low", True)] if kind == LOW_CELL else []
    return Found((*motion, *low, reading("battery", payload[BATTERY])))


DRIVER = Driver(
    name="globalsat_tracker",
    families=("sensor",),
    maker="GlobalSat",
    models=("lt20*",),
    transport="lorawan",
    points=("motion", "battery", "battery_low"),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
)
