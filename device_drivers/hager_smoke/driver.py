"""Hager TG563A, a smoke detector: telegram, settings, degrees, states, faults, and a cell.

Facts: the decoders in github.com/chirpstack/chirpstack-device-profiles (SEPT-S) and akenza's
library.
"""

from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.records import at_least

HEAD_SIZE, LONG_SIZE = 5, 35
TELEGRAMS = (*range(10), 0x0F)
LONG = 0x0F
MOUNTED, CELL_FAULT = 0x01, 0x02


def decode(frame: Frame) -> Found:
    """All telegrams begin alike; the long one has the cell in hundredths above 1 V."""
    payload = at_least(frame.payload or b"", HEAD_SIZE)
    telegram = payload[0] & 0x0F
    if telegram not in TELEGRAMS:
        raise Unreadable(f"telegram {telegram}: expected 0 to 9 or {LONG}")
    found = [
        reading("tamper", not payload[3] & MOUNTED),
        reading("battery_low", bool(payload[4] & CELL_FAULT)),
        reading("temperature", int.from_bytes(payload[2:3], signed=True)),
    ]
    if telegram == LONG:
        at_least(payload, LONG_SIZE, what="the long telegram")
        found.append(reading("battery_v", (payload[5] + 100) / 100))
    return Found(tuple(found))


DRIVER = Driver(
    name="hager_smoke",
    families=("sensor",),
    maker="Hager, SEPT-S",
    models=("tg563a*",),
    transport="lorawan",
    points=("tamper", "battery_low", "battery_v", "temperature"),
    expected_silence_s=49 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
)
