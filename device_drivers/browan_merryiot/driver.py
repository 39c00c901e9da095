"""MerryIoT by Browan: door DW10, motion MS10, leak and air; the port tells which."""

from device_drivers.bits import whole, whole_le
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading

DOOR_PORT = 120
MOTION_PORT = 122
LEAK_PORT = 126
AIR_PORT = 127
SETTINGS_PORT = 204
SIZES = {DOOR_PORT: 9, MOTION_PORT: 9, LEAK_PORT: 4, AIR_PORT: 6}
FINE = 1  # newer firmware sends one byte more: temperature in two bytes
ACTIVE_BIT, TAMPER_BIT = 0x01, 0x04
DOOR_CELL = "ER14250"  # two of them


def decode(frame: Frame) -> Found:
    """Status, battery, temperature, humidity; door and motion time (2 bytes) and count (3)."""
    payload, fport = frame.payload or b"", frame.fport
    if fport is None:
        raise Unreadable("fPort: the port tells which device it is, and nobody said it")
    if fport == SETTINGS_PORT:
        return Found()
    fine = len(payload) - SIZES[fport]
    if fine not in (0, FINE):
        sizes = f"{SIZES[fport]} or {SIZES[fport] + FINE}"
        raise Unreadable(f"a frame on port {fport} has {sizes} bytes, not {len(payload)}")
    battery = reading("battery_v", (21 + (payload[1] & 0x0F)) / 10)
    climate, warnings = _climate(payload, is_fine=bool(fine))
    cell = DOOR_CELL if fport == DOOR_PORT else ""
    return Found((*_own(payload, fport), battery, *climate), warnings, cell)


def _own(payload: bytes, fport: int) -> list[Reading]:
    """What the port's device watches."""
    status, found = payload[0], []
    if fport == DOOR_PORT:
        found.append(reading("contact", "open" if status & ACTIVE_BIT else "closed"))
        found.append(reading("openings", whole_le(payload[-3:])))
    elif fport == MOTION_PORT:
        found.append(reading("motion", bool(status & ACTIVE_BIT)))
        found.append(reading("uses", whole_le(payload[-3:])))
    if fport != AIR_PORT:
        found.append(reading("tamper", bool(status & TAMPER_BIT)))
    return found


def _climate(payload: bytes, *, is_fine: bool) -> tuple[tuple[Reading, ...], tuple[str, ...]]:
    if is_fine:
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
    maker="Browan, MerryIoT",
    models=(
        "merryiot*",
        "dw10*",
        "ms10*",
        "cd10*",
        "wl10*",
        "*",
    ),
    transport="lorawan",
    points=(
        "contact",
        "openings",
        "tamper",
        "uses",
        "motion",
        "battery",
        "battery_v",
        "temperature",
        "humidity",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
    fports=(*SIZES, SETTINGS_PORT),
)
