"""PMX TCR and PCR2: radar counters of people and vehicles, in both directions.

A frame has the counts of one interval, of one category; the port tells which.
"""

from device_drivers.bits import whole
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.records import sized

SETTINGS_PORTS = (1, 190)  # answers, and what the device is
ALL_PORT = 13
CATEGORY_PORTS = (14, 15, 16, 17)  # the same objects again, by size and speed
COUNTS, SIZE = 0xA2, 10


def decode(frame: Frame) -> Found:
    """Kind, hour, minute; count (2) and speed to the right, to the left; tenths of a volt."""
    payload = frame.payload or b""
    if frame.fport in SETTINGS_PORTS:
        return Found()
    if payload[0] != COUNTS:
        raise Unreadable(f"expected {COUNTS:02x} and counts, not {payload[0]:02x}")
    volts = reading("battery_v", sized(payload, SIZE)[9] / 10)
    if frame.fport in CATEGORY_PORTS:
        return Found((volts,))
    right, left = whole(payload[3:5]), whole(payload[6:8])
    return Found((reading("rep_1", right), reading("rep_2", left), volts))


DRIVER = Driver(
    name="pmx_counter",
    families=("counter",),
    maker="PMX",
    models=("tcr*", "pcr2*", "*"),
    transport="lorawan",
    points=("rep_1", "rep_2", "battery_v"),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
    fports=(*SETTINGS_PORTS, ALL_PORT, *CATEGORY_PORTS),
)
