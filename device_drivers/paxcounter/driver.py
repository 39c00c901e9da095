"""ESP32-Paxcounter: radios nearby as a stand-in for people, and a button; the port tells which.

Numbers come least significant byte first. Port 1: devices heard over Wi-Fi (2 bytes), then over
Bluetooth where that is on (2), then perhaps a place.
"""

from device_drivers.bits import whole_le
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.records import sized

COUNT_PORT, BUTTON_PORT = 1, 5
SILENT_PORTS = (2, 3, 4, 6, 7, 8, 9, 10)  # settings, place, weather, the voltage of the board
COUNT_SIZES = (2, 4, 15, 17)


def decode(frame: Frame) -> Found:
    """Counts, or a press."""
    payload, port = frame.payload or b"", frame.fport
    if port in SILENT_PORTS:
        return Found()
    if port == COUNT_PORT:
        sized(payload, *COUNT_SIZES, what="a frame of counts")
        over_bluetooth = whole_le(payload[2:4]) if len(payload) in (4, 17) else 0
        return Found((reading("people", whole_le(payload[:2]) + over_bluetooth),))
    if port == BUTTON_PORT:
        sized(payload, 1, what="a press")
        return Found((reading("press", "single"),) if payload[0] else ())
    raise Unreadable("fPort: the port tells what the frame says, and nobody said it")


DRIVER = Driver(
    name="paxcounter",
    families=("counter", "button"),
    maker="opensource,paxcounter",
    models=("esp32paxcounter*", "paxcounter*"),
    transport="lorawan",
    points=("people", "press"),
    expected_silence_s=3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
    fports=(COUNT_PORT, BUTTON_PORT, *SILENT_PORTS),
)
