"""comtac MS-3: many sensors in one; of them the cell, the climate and the contact for a button."""

from device_drivers.bits import whole
from device_drivers.driver import Driver, Found, Frame, Heard
from device_drivers.points import reading
from device_drivers.records import at_least

SIZE = 35
NOT_MEASURED = 0x01


def decode(frame: Frame) -> Found:
    """What is on (1 byte), states (1), hundredths of a volt above 1 V, light, percent, tenths."""
    payload = at_least(frame.payload or b"", SIZE)
    cell = reading("battery_v", (100 + payload[2]) / 100)
    if not payload[0] & NOT_MEASURED:
        return Found((cell,))
    degrees = whole(payload[5:7], signed=True) / 10
    return Found((cell, reading("humidity", payload[4]), reading("temperature", degrees)))


DRIVER = Driver(
    name="comtac_ms3",
    families=("sensor",),
    maker="comtac",
    models=("ms3*",),
    transport="lorawan",
    points=("battery_v", "temperature", "humidity"),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
)
