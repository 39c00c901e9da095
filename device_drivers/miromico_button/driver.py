"""Miromico FMLR button: four buttons N, E, S, W on one device; records of length and type."""

from device_drivers.bits import whole, whole_le
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.length_records import read_length_records
from device_drivers.points import reading
from device_drivers.reading import Reading
from device_drivers.records import sized

PRESSED_MASK = 0xF0  # pressed; the lower half says which of them came first


def _button(data: bytes) -> list[Reading]:
    """Which buttons (1 byte), then how many presses there have been (2)."""
    sized(data, 3, what="a press")
    presses = [reading("press", "single")] if data[0] & PRESSED_MASK else []
    return [*presses, reading("uses", whole_le(data[1:3]))]


def _state(data: bytes) -> list[Reading]:
    """Hundredths of a volt above 1.7 V, degrees."""
    sized(data, 2, what="a state")
    return [
        reading("battery_v", (data[0] + 170) / 100),
        reading("temperature", whole(data[1:2], signed=True)),
    ]


RECORDS = {1: _button, 3: _state}
SILENT = (2, 4, 5)  # charge drawn from the cell, settings, firmware


def decode(frame: Frame) -> Found:
    """A press, a state, or what it says after joining."""
    payload = frame.payload or b""
    if payload[1:2] and payload[1] not in (*RECORDS, *SILENT):
        raise Unreadable(f"message {payload[1]}: expected 1 to 5")
    return read_length_records(payload, RECORDS)


DRIVER = Driver(
    name="miromico_button",
    families=("button",),
    maker="Miromico",
    models=("rev2*", "fmlrbutton*", "button*", "miromicobutton*"),
    transport="lorawan",
    points=("press", "uses", "battery_v", "temperature"),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "no downlink that makes its buzzer sound is published"),
    tested="frames",
    decode=decode,
)
