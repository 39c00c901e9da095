"""Advantech EVA: version, device, kind of report, battery, and what the device says; 11 bytes."""

from device_drivers.driver import Driver, Found, Frame, Heard
from device_drivers.points import reading
from device_drivers.records import sized

PORT = 6
SIZE = 11
VERSION_REPORT = 0
KIND, CELL = 2, 3
LOW = 0x80


def decode(frame: Frame) -> Found:
    """Tenths of a volt in seven bits, a low cell in the eighth. Its "on" and "off" are no point."""
    payload = sized(frame.payload or b"", SIZE)
    if payload[KIND] == VERSION_REPORT:
        return Found()
    cell = payload[CELL]
    return Found(
        (reading("battery_v", (cell & ~LOW) / 10), reading("battery_low", bool(cell & LOW)))
    )


DRIVER = Driver(
    name="advantech_eva",
    families=("sensor",),
    maker="Advantech",
    models=("eva*",),
    transport="lorawan",
    points=("battery_v", "battery_low"),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
    fports=(PORT,),
)
