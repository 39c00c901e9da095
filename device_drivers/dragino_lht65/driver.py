"""Dragino LHT65, LHT65N, LHT65N-VIB: climate, and an input or a vibration sensor that counts."""

from device_drivers import dragino
from device_drivers.bits import whole
from device_drivers.cells import with_cells
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading

FRAME_SIZE = 11
LONG_SIZE = 15  # with how long the input has been high
EXTERNAL_AT = 6
STORED_BIT = 0x40
SHORT_COUNT, LONG_COUNT = 7, 8  # what hangs outside: an input that counts to 16 or 32 bits
TIMED = (9, 10)  # with a time; then the battery's place holds a temperature
WITHOUT_CLIMATE = (0x0E, 0x0F)
HUMIDITY_MASK = 0x0FFF
VIBRATION = "lht65nvib"
ALARM_BIT = 0x01
COUNT_ONLY, COUNT_CLIMATE, HOURS_CLIMATE = 1, 2, 3  # modes of the vibration sensor
STORED_PORTS = (3, 7, 9)


def decode(frame: Frame) -> Found:
    """Port 2 the values, port 5 the status; stored climate and settings have no reading."""
    payload = frame.payload or b""
    if frame.fport == dragino.STATUS_PORT:
        return dragino.status(payload)
    if frame.fport == dragino.SETTINGS_PORT or frame.fport in STORED_PORTS:
        return Found()
    if len(payload) not in (FRAME_SIZE, LONG_SIZE):
        raise Unreadable(f"a data frame has 11 or 15 bytes, not {len(payload)}")
    if frame.model.startswith(VIBRATION):
        return _vibration(payload)
    return Found() if payload[EXTERNAL_AT] & STORED_BIT else _climate(payload)


def _climate(payload: bytes) -> Found:
    """Battery, temperature, humidity (2 bytes each), what hangs outside, its value."""
    outside = payload[EXTERNAL_AT] & 0x0F
    found = [*_count(outside, payload)]
    if outside not in TIMED:
        found.append(dragino.battery_v(payload[:2]))
    return _with_climate(found, b"" if outside in WITHOUT_CLIMATE else payload[2:6])


def _count(outside: int, payload: bytes) -> list[Reading]:
    sizes = {SHORT_COUNT: 2, LONG_COUNT: 4}
    if outside not in sizes:
        return []
    return [reading("uses", whole(payload[7 : 7 + sizes[outside]]))]


def _vibration(payload: bytes) -> Found:
    """Battery (2 bytes), mode and alarm (1), then two of: count, climate, minutes (4 each)."""
    mode = payload[2] >> 2 & 0x07
    found = [reading("vibration", bool(payload[2] & ALARM_BIT)), dragino.battery_v(payload[:2])]
    if mode in (COUNT_ONLY, COUNT_CLIMATE):
        found.append(reading("uses", whole(payload[3:7])))
    climate = {COUNT_CLIMATE: payload[7:11], HOURS_CLIMATE: payload[3:7]}
    return _with_climate(found, climate.get(mode, b""))


def _with_climate(found: list[Reading], raw: bytes) -> Found:
    """A probe that has failed does not take the rest with it."""
    if not raw:
        return Found(tuple(found))
    try:
        found.append(reading("temperature", whole(raw[:2], signed=True) / 100))
        found.append(reading("humidity", (whole(raw[2:4]) & HUMIDITY_MASK) / 10))
    except Unreadable as error:
        return Found(tuple(found), (str(error),))
    return Found(tuple(found))


# By how the model's name begins.
CELLS = {
    "lht65": "CR17505 to 2.5 V",
    "lht65s": "",
}

DRIVER = Driver(
    name="dragino_lht65",
    families=("counter",),
    maker="Dragino",
    models=("lht65*",),
    transport="lorawan",
    points=(
        "uses",
        "vibration",
        "battery",
        "battery_v",
        "temperature",
        "humidity",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=with_cells(decode, CELLS),
    fports=(2, 3, 4, 5, 7, 9),
)
