"""comtac LPN CM-4 (also sold as CM-3): climate, with a button on the case."""

from device_drivers.bits import whole
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading
from device_drivers.records import at_least

VERSIONS = (0, 1)
DATA_PORT, SETTINGS_PORT, ABOUT_PORT = 3, 100, 101
HEAD_SIZE = 4
LOW, PRESSED = 0x20, 0x08
WITH_HUMIDITY = (3, 4)
WITHOUT_HUMIDITY = (1, 2)
INVALID_PERCENT, INVALID_DEGREES = 250, 25_000


def _head(payload: bytes) -> list[Reading]:
    """Version, devices (1 byte), causes (1), battery in halves of a percent (1)."""
    pressed = [reading("press", "single")] if payload[2] & PRESSED else []
    low = reading("battery_low", bool(payload[1] & LOW))
    return [*pressed, reading("battery", payload[3] / 2), low]


def _climate(data: bytes) -> list[Reading]:
    """Kind, hundredths of a degree (2 bytes), percent (1); older values may follow."""
    if not data:
        return []
    if data[0] not in (*WITH_HUMIDITY, *WITHOUT_HUMIDITY):
        raise Unreadable(f"kind {data[0]}: expected 1 to 4")
    at_least(data, 4 if data[0] in WITH_HUMIDITY else 3, what="a climate record")
    degrees = whole(data[1:3], signed=True)
    found = [] if degrees == INVALID_DEGREES else [reading("temperature", degrees / 100)]
    if data[0] in WITH_HUMIDITY and data[3] != INVALID_PERCENT:
        found.append(reading("humidity", data[3]))
    return found


def decode(frame: Frame) -> Found:
    """Head, and on the data's port the climate; a press is kept whatever follows."""
    payload = at_least(frame.payload or b"", HEAD_SIZE)
    if payload[0] not in VERSIONS:
        raise Unreadable(f"version {payload[0]}: expected 0 or 1")
    head = tuple(_head(payload))
    if frame.fport in (SETTINGS_PORT, ABOUT_PORT):
        return Found(head)
    try:
        return Found((*head, *_climate(payload[HEAD_SIZE:])))
    except Unreadable as error:
        return Found(head, (str(error),))


DRIVER = Driver(
    name="comtac_lpn",
    families=("button", "sensor"),
    maker="comtac",
    models=("lpncm3*", "lpncm4*", "cm3*", "cm4*"),
    transport="lorawan",
    points=("press", "battery", "battery_low", "temperature", "humidity"),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
    fports=(DATA_PORT, SETTINGS_PORT, ABOUT_PORT),
)
