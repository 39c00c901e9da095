"""Dragino buttons PB01 and PB05, and the LGT92 tracker with an SOS button."""

from device_drivers import dragino
from device_drivers.bits import whole
from device_drivers.cells import with_cells
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading

BUTTON_SIZE, KEYS_SIZE = 8, 5  # PB01, PB05
TRACKER_SIZES = (11, 15, 18)  # with roll and pitch; with height
TRACKER_ALARM_BIT = 0x40
ALARM_BIT = 0x01
KEYS = 5
FLAGS, STORED_KEYS = 6, 4  # places in a stored record


def decode(frame: Frame) -> Found:
    """Port 2 the button or the tracker, by the length; 3 stored; 5 the status; 4 settings."""
    payload = frame.payload or b""
    if frame.fport == dragino.SETTINGS_PORT:
        return Found()
    if frame.fport == dragino.STATUS_PORT:
        return dragino.status(payload)
    if frame.fport == dragino.STORED_PORT:
        return _stored(payload, frame.model)
    if len(payload) == BUTTON_SIZE:
        return _button(payload)
    if len(payload) == KEYS_SIZE:
        return Found((*_presses(payload[3], payload[4]), dragino.battery_v(payload[:2])))
    if len(payload) in TRACKER_SIZES:
        return _tracker(payload)
    raise Unreadable(f"expected a frame of 5, 8, 11, 15 or 18 bytes, not {len(payload)}")


def _presses(flags: int, keys: int = 0, at_ms: int | None = None) -> list[Reading]:
    """One press for each key; where only the alarm is set, one."""
    pressed = max((keys & (1 << KEYS) - 1).bit_count(), flags & ALARM_BIT)
    return [reading("press", "single", at_ms)] * pressed


def _button(payload: bytes) -> Found:
    readings = [*_presses(payload[3]), dragino.battery_v(payload[:2])]
    try:
        readings.append(reading("temperature", whole(payload[4:6], signed=True) / 10))
        readings.append(reading("humidity", whole(payload[6:8]) / 10))
    except Unreadable as error:
        return Found(tuple(readings), (str(error),))
    return Found(tuple(readings))


def _stored(payload: bytes, model: str) -> Found:
    """Temperature, something else, humidity (2 bytes each) or keys, flags, Unix time."""
    readings: list[Reading] = []
    for raw in dragino.raw_records(payload):
        keys = raw[STORED_KEYS] if model.startswith("pb05") else 0
        readings += _presses(raw[FLAGS], keys, dragino.moment_ms(raw))
    return Found(tuple(readings))


def _tracker(payload: bytes) -> Found:
    battery = dragino.battery_v(payload[8:10])
    alarm = payload[8] & TRACKER_ALARM_BIT
    return Found((reading("press", "sos"), battery) if alarm else (battery,))


# By how the model's name begins.
CELLS = {
    "pb05": "2xAA",
}

DRIVER = Driver(
    name="dragino_button",
    families=("button",),
    maker="Dragino",
    models=(
        "pb01*",
        "pb05*",
        "lgt92*",
    ),
    transport="lorawan",
    points=(
        "press",
        "battery",
        "battery_v",
        "temperature",
        "humidity",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=with_cells(decode, CELLS),
    fports=(2, 3, 4, 5),
)
