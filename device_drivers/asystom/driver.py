"""Asystom Sentinel: a machine's vibration; of it only the cell's voltage and the humidity are ours.

On ports 3 and 4: number of the value (1 byte), value (2, least significant byte first) as a part of
its range; on port 4 spectra follow behind them.
"""

from device_drivers.bits import whole_le
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading

VALUES_PORTS = (3, 4)
SPECTRA_PORT = 4
SILENT_PORTS = (1, 2, 5, 6, 100, 101, 102)
RECORD_SIZE = 3
RANGE = 100  # of volts and of percent alike
FULL = 0xFFFF
BATTERY, HUMIDITY, TEMPERATURE = 0x00, 0x02, 0x0E
POINTS = {BATTERY: "battery_v", HUMIDITY: "humidity"}


def decode(frame: Frame) -> Found:
    """All values, up to the spectra."""
    if frame.fport in SILENT_PORTS:
        return Found()
    payload = frame.payload or b""
    found: list[Reading] = []
    for at in range(0, len(payload), RECORD_SIZE):
        record = payload[at : at + RECORD_SIZE]
        if frame.fport == SPECTRA_PORT and record[0] not in (*POINTS, TEMPERATURE):
            break
        if len(record) < RECORD_SIZE:
            raise Unreadable(f"byte {at}: {record.hex()} is a part of a value; it is cut off")
        if record[0] in POINTS:
            found.append(reading(POINTS[record[0]], whole_le(record[1:]) * RANGE / FULL))
    return Found(tuple(found))


DRIVER = Driver(
    name="asystom",
    families=("sensor",),
    maker="Asystom",
    models=("sentinel*",),
    transport="lorawan",
    points=("battery_v", "humidity"),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
    fports=(*VALUES_PORTS, *SILENT_PORTS),
)
