"""Dragino PB01 button and LGT92 tracker with an SOS button."""

from device_drivers import dragino
from device_drivers.bits import whole
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading

BUTTON_SIZE = 8
TRACKER_SIZES = (11, 15)  # the longer one with roll and pitch
ALARM_BIT = 0x40


def decode(frame: Frame) -> Found:
    """Port 2 the button or the tracker, by the length; port 5 the status; 4 repeats settings."""
    payload = frame.payload or b""
    if frame.fport == dragino.SETTINGS_PORT:
        return Found()
    if frame.fport == dragino.STATUS_PORT:
        return dragino.status(payload)
    if len(payload) == BUTTON_SIZE:
        return _button(payload)
    if len(payload) in TRACKER_SIZES:
        return _tracker(payload)
    raise Unreadable(f"expected a frame of 8, 11 or 15 bytes, not {len(payload)}")


def _button(payload: bytes) -> Found:
    readings = [dragino.battery_v(payload[:2])]
    if payload[3]:
        readings.insert(0, reading("press", "single"))
    try:
        readings.append(reading("temperature", whole(payload[4:6], signed=True) / 10))
        readings.append(reading("humidity", whole(payload[6:8]) / 10))
    except Unreadable as error:
        return Found(tuple(readings), (str(error),))
    return Found(tuple(readings))


def _tracker(payload: bytes) -> Found:
    battery = dragino.battery_v(payload[8:10])
    return Found((reading("press", "sos"), battery) if payload[8] & ALARM_BIT else (battery,))


DRIVER = Driver(
    name="dragino_button",
    families=("button",),
    maker="Dragino",
    models=(
        "pb01*",
        "lgt92*",
    ),
    transport="lorawan",
    points=(
        "press",
        "battery_v",
        "temperature",
        "humidity",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
    fports=(2, 4, 5),
)
