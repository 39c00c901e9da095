"""Oxon OXObutton, OXObutton 2 and Buttonboard: the first byte tells which of them it is."""

from device_drivers.bits import whole
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading
from device_drivers.records import at_least

BUTTON, BOARD, SECOND = 0x30, 0x31, 0x39
FIRST_SIZE, SECOND_SIZE = 14, 12
LONG_BIT, BOARD_BUTTONS = 0x80, 0x3F
SECOND_BUTTONS = 0x0F


def _presses(buttons: int, kind: str = "single") -> list[Reading]:
    """One press, however many buttons went down with it; which one, no point can say."""
    return [reading("press", kind)] if buttons else []


def _first(payload: bytes) -> list[Reading]:
    """Buttons, why it spoke (2 bytes), mode or image (2), battery, temperature, acceleration."""
    at_least(payload, FIRST_SIZE)
    if payload[0] == BOARD:
        kind = "long" if payload[1] & LONG_BIT else "single"
        presses = _presses(payload[1] & BOARD_BUTTONS, kind)
    else:
        presses = _presses(payload[1])
    climate = reading("temperature", whole(payload[7:8], signed=True))
    return [*presses, reading("battery", payload[6]), climate]


def _second(payload: bytes) -> list[Reading]:
    """Buttons, other reasons, mode, downlinks, battery, temperature, humidity, light."""
    at_least(payload, SECOND_SIZE)
    return [
        *_presses(payload[1] & SECOND_BUTTONS),
        reading("battery", payload[5]),
        reading("temperature", whole(payload[6:8], signed=True) / 100),
        reading("humidity", whole(payload[8:10]) / 100),
    ]


def decode(frame: Frame) -> Found:
    """A press, or a heartbeat of the same shape."""
    payload = frame.payload or b""
    if payload[0] in (BUTTON, BOARD):
        return Found(tuple(_first(payload)))
    if payload[0] == SECOND:
        return Found(tuple(_second(payload)))
    raise Unreadable(f"device {payload[0]:02x}: expected 30, 31 or 39")


DRIVER = Driver(
    name="oxon",
    families=("button",),
    maker="Oxon",
    models=("*", "oxobutton*", "buttonboard*"),
    transport="lorawan",
    points=("press", "battery", "temperature", "humidity"),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "its display is set in the maker's own tool; no downlink is published"),
    tested="frames",
    decode=decode,
)
