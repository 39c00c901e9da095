"""nanoThings nanoTag: a temperature logger; the port tells where the cell's voltage stands."""

from device_drivers.bits import whole
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading
from device_drivers.records import at_least

# Place of the voltage in mV, by the port; before it on these ports the temperature above -50 °C.
CELL = {1: 2, 13: 2, 28: 1, 22: 4, 21: 0, 31: 0}
WITH_TEMPERATURE = (1, 13, 28)
SILENT_PORTS = (25, 26, 27)  # answers, stored temperatures
TEMPERATURE_OFFSET = 50


def decode(frame: Frame) -> Found:
    """Cell and temperature."""
    payload = frame.payload or b""
    if frame.fport in SILENT_PORTS:
        return Found()
    if frame.fport not in CELL:
        raise Unreadable("fPort: the port tells what the frame says, and nobody said it")
    at = CELL[frame.fport]
    at_least(payload, at + 2)
    found: list[Reading] = [reading("battery_v", whole(payload[at : at + 2]) / 1_000)]
    if frame.fport in WITH_TEMPERATURE:
        found.append(reading("temperature", payload[0] - TEMPERATURE_OFFSET))
    return Found(tuple(found))


DRIVER = Driver(
    name="nanothings",
    families=("sensor",),
    maker="nanoThings",
    models=("nanotag*",),
    transport="lorawan",
    points=("battery_v", "temperature"),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
    fports=(*CELL, *SILENT_PORTS),
)
