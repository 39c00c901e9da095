"""MerryIoT by Browan: door DW10, motion MS10, leak and air; the port tells which."""

from device_drivers.bits import whole, whole_le
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading

DOOR_PORT = 120
MOTION_PORT = 122
LEAK_PORT = 126
AIR_PORT = 127
SIZES = {DOOR_PORT: (9, 10), MOTION_PORT: (9,), LEAK_PORT: (4,), AIR_PORT: (6,)}
FINE_SIZE = 10  # newer firmware: temperature in two bytes
OPEN_BIT = 0x01
TAMPER_BIT = 0x04


def decode(frame: Frame) -> Found:
    """Status, battery, temperature, humidity, time (2 bytes), count (3 bytes)."""
    payload = frame.payload or b""
    fport = frame.fport
    if fport is None:
        raise Unreadable("fPort: the port tells which device it is, and nobody said it")
    if len(payload) not in SIZES[fport]:
        sizes = " or ".join(str(size) for size in SIZES[fport])
        raise Unreadable(f"a frame on port {fport} has {sizes} bytes, not {len(payload)}")
    battery = reading("battery_v", (21 + (payload[1] & 0x0F)) / 10)
    tamper = reading("tamper", bool(payload[0] & TAMPER_BIT))
    if fport == AIR_PORT:
        return Found((battery,))
    if fport == LEAK_PORT:
        return Found((battery, tamper))
    count = whole_le(payload[-3:])
    own = [reading("uses", count)] if fport == MOTION_PORT else _door(payload[0], count)
    climate, warnings = _climate(payload)
    return Found((*own, tamper, battery, *climate), warnings)


def _door(status: int, count: int) -> list[Reading]:
    contact = "open" if status & OPEN_BIT else "closed"
    return [reading("contact", contact), reading("openings", count)]


def _climate(payload: bytes) -> tuple[tuple[Reading, ...], tuple[str, ...]]:
    if len(payload) == FINE_SIZE:
        temperature, humidity = whole_le(payload[2:4], signed=True) / 10, payload[4]
    else:
        temperature, humidity = whole(payload[2:3], signed=True), payload[3]
    try:
        return (reading("temperature", temperature), reading("humidity", humidity)), ()
    except Unreadable as error:
        return (), (str(error),)


DRIVER = Driver(
    name="browan_merryiot",
    families=(
        "door",
        "counter",
    ),
    maker="Browan MerryIoT",
    models=(
        "merryiot*",
        "dw10*",
        "ms10*",
        "*",
    ),
    transport="lorawan",
    points=(
        "contact",
        "openings",
        "tamper",
        "uses",
        "battery_v",
        "temperature",
        "humidity",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
    fports=(DOOR_PORT, MOTION_PORT, LEAK_PORT, AIR_PORT),
)
