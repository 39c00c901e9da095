"""Watteco BoB Assistant: a machine's vibration; cell, temperature and running are ours."""

from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading
from device_drivers.records import sized

# In small letters where the newer accelerometer measured.
REPORT, STATE = (b"R", b"r"), b"S"
WITHOUT_BATTERY = (b"L", b"l", b"A", b"a")  # learning, alarm
FULL = 127
REPORT_SIZE, STATE_SIZE = 27, 3
BATTERY_IN_REPORT = 17
TEMPERATURE_OFFSET = 30
STOPPED, RUNNING = 0x7D, 0x7E


def _battery(code: int) -> Reading:
    if code > FULL:
        raise Unreadable(f"battery: expected at most {FULL}, not {code}")
    return reading("battery", code * 100 / FULL)


def decode(frame: Frame) -> Found:
    """The first letter says what kind of message it is."""
    payload = frame.payload or b""
    kind = payload[:1]
    if kind in REPORT:
        sized(payload, REPORT_SIZE, what="a report")
        battery = _battery(payload[BATTERY_IN_REPORT])
        return Found((battery, reading("temperature", payload[5] - TEMPERATURE_OFFSET)))
    if kind == STATE:
        sized(payload, STATE_SIZE, what="a state")
        running = {STOPPED: False, RUNNING: True}.get(payload[1])
        moving = [] if running is None else [reading("vibration", running)]
        return Found((*moving, _battery(payload[2])))
    if kind in WITHOUT_BATTERY:
        return Found()
    raise Unreadable(f"message {kind.hex()}: expected the letter R, L, A or S")


DRIVER = Driver(
    name="watteco_bob",
    families=("sensor",),
    maker="Watteco,Watecco,nke",
    models=("bob*",),
    transport="lorawan",
    points=("vibration", "battery", "temperature"),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
    fports=(1,),
)
