"""SenseCAP trackers (T1000, T1110) and sensors (S210x) by Seeed.

Trackers: packages of a name (1 byte) and a body of known size, one behind the other, most
significant byte first. Sensors: groups of channel (1), quantity (2) and value (4), least
significant byte first, then a checksum of two bytes. Facts: the maker's decoders in
github.com/actility/device-catalog and github.com/chirpstack/chirpstack-device-profiles.
"""

from collections.abc import Callable
from typing import NamedTuple

from device_drivers.bits import whole, whole_le
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.moments import unix_s_ms
from device_drivers.points import reading
from device_drivers.reading import Reading

TRACKER_PORT = 5
CLOUD_PORTS = (192, 199)  # raw positions, sealed for the chip maker's own service
TRACKERS = ("t1000", "t1110", "tracker")
NO_VALUE = 0x8000

Size = int | Callable[[bytes], int]
Read = Callable[[bytes], list[Reading]]


class Package(NamedTuple):
    """The size of a package with its name, where the parts of its body stand, how it is read."""

    size: Size
    battery: int | None = None
    events: int | None = None  # three bytes; the lowest bits matter
    event_size: int = 3
    time: int | None = None
    temperature: int | None = None
    humidity: int | None = None


def _events(bits: int) -> list[Reading]:
    """Which of its bits are set: moves, rests, shock, SOS, one press."""
    found = [
        (0x40, "press", "sos"),
        (0x80, "press", "single"),
        (0x01, "motion", True),
        (0x02, "motion", False),
        (0x08, "vibration", True),
    ]
    return [reading(point, value) for bit, point, value in found if bits & bit]


def _shard(package: bytes) -> int:
    """A part of a raw position carries its own length."""
    return 5 + package[4] if len(package) > 4 else 5


def _counted(at: int, base: int) -> Callable[[bytes], int]:
    """A list of stations of seven bytes, whose count stands in the package; one is in `base`."""

    def size_of(package: bytes) -> int:
        return base + 7 * (package[at] - 1) if len(package) > at and package[at] else base

    return size_of


def _own_length(package: bytes) -> int:
    return max(2, package[1]) if len(package) > 1 else 2


def _located(size: int, battery: int | None, temperature: int | None = None) -> Package:
    """Events, motion, time; then what was found."""
    return Package(size, battery, 0, time=4, temperature=temperature)


PACKAGES: dict[int, Package] = {
    0x01: Package(47, battery=0),  # settings, and the battery
    0x02: Package(16, battery=0),
    0x03: Package(32),
    0x04: Package(10),
    0x05: Package(5, battery=0),  # heartbeat
    0x06: _located(22, 20, 16),  # GPS
    0x07: _located(42, 40, 36),  # Wi-Fi
    0x08: _located(35, 33, 29),  # Bluetooth
    0x09: _located(18, 16),
    0x0A: _located(38, 36),
    0x0B: _located(31, 29),
    0x0C: Package(1),
    0x0D: Package(5),  # an error
    0x0E: Package(_shard),
    0x0F: _located(17, 12, 8),
    0x10: _located(13, 8),
    0x11: Package(14, 12, 1, time=4, temperature=8),
    0x12: Package(_shard),  # from here on: T1110
    0x13: _located(12, None),
    0x14: _located(37, None),
    0x15: _located(30, None),
    0x16: Package(9, events=1, time=4),
    0x17: Package(_own_length),
    0x18: Package(28, events=0, time=3, temperature=7, humidity=9),
    0x1A: _located(28, 26, 16),  # from here on: T1000 with acceleration
    0x1B: _located(48, 46, 36),
    0x1C: _located(41, 39, 29),
    0x1D: Package(20, 18, 1, time=4, temperature=8),
    0x1E: Package(13, battery=0),  # from here on: T1000-E, without times
    0x1F: Package(21, 1, 0, event_size=1, temperature=2),
    0x20: Package(_counted(13, 21), 1, 0, event_size=1, temperature=2),
    0x21: Package(_counted(13, 21), 1, 0, event_size=1, temperature=2),
    0x22: Package(15, 1, 0, event_size=1),
    0x23: Package(_counted(7, 15), 1, 0, event_size=1),
    0x24: Package(_counted(7, 15), 1, 0, event_size=1),
    0x25: Package(13),
    0x26: Package(7),
}

GROUP_SIZE, CHECKSUM_SIZE = 7, 2
BATTERY_GROUP = 0x0007
QUANTITIES = {0x1001: "temperature", 0x1002: "humidity"}  # of the air, in thousandths
NO_QUANTITY = 2_000_000  # from here on: what the sensor says when it fails


def decode(frame: Frame) -> Found:
    """A tracker by its model or, where that is not known, by its port; a sensor otherwise."""
    payload = frame.payload or b""
    if frame.fport in CLOUD_PORTS:
        return Found()
    if any(name in frame.model for name in TRACKERS) or frame.fport == TRACKER_PORT:
        return _tracker(payload)
    return _sensor(payload)


def _tracker(payload: bytes) -> Found:
    readings: list[Reading] = []
    warnings: list[str] = []
    while payload:
        try:
            package, size = _package(payload)
        except Unreadable as error:
            if not any(one.point == "press" for one in readings):
                raise
            warnings.append(str(error))
            break
        found = _read(package, payload[1:size])
        readings += found.readings
        warnings += found.warnings
        payload = payload[size:]
    return Found(tuple(readings), tuple(warnings))


def _package(payload: bytes) -> tuple[Package, int]:
    if payload[0] not in PACKAGES:
        raise Unreadable(f"package {payload[0]:#04x} is not known here")
    package = PACKAGES[payload[0]]
    size = package.size if isinstance(package.size, int) else package.size(payload)
    if len(payload) < size:
        raise Unreadable(
            f"package {payload[0]:#04x} has {size} bytes and {len(payload)} are there; cut off"
        )
    return package, size


def _read(package: Package, body: bytes) -> Found:
    """Events first; what else cannot be read, a clock that was never set too, costs only itself."""
    readings: list[Reading] = []
    if package.events is not None:
        bits = body[package.events : package.events + package.event_size]
        readings += _events(whole(bits))
    found = _measures(package, body)
    at_ms, late = _moment(package, body)
    whole_list = (*readings, *found.readings)
    if at_ms is not None:
        whole_list = tuple(one._replace(at_ms=at_ms) for one in whole_list)
    return Found(whole_list, (*found.warnings, *late))


def _moment(package: Package, body: bytes) -> tuple[int | None, tuple[str, ...]]:
    if package.time is None:
        return None, ()
    try:
        return unix_s_ms(whole(body[package.time : package.time + 4])), ()
    except Unreadable as error:
        return None, (str(error),)


def _measures(package: Package, body: bytes) -> Found:
    found: list[Reading] = []
    warnings: list[str] = []
    for point, raw in _raw_measures(package, body):
        try:
            found.append(reading(point, raw))
        except Unreadable as error:
            warnings.append(str(error))
    return Found(tuple(found), tuple(warnings))


def _raw_measures(package: Package, body: bytes) -> list[tuple[str, float]]:
    raw: list[tuple[str, float]] = []
    if package.battery is not None:
        raw.append(("battery", body[package.battery]))
    if package.temperature is not None:
        tenths = body[package.temperature : package.temperature + 2]
        if whole(tenths) != NO_VALUE:
            raw.append(("temperature", whole(tenths, signed=True) / 10))
    if package.humidity is not None and body[package.humidity] != NO_VALUE >> 8:
        raw.append(("humidity", body[package.humidity]))
    return raw


def _sensor(payload: bytes) -> Found:
    groups = payload[:-CHECKSUM_SIZE]
    if not groups or len(groups) % GROUP_SIZE:
        raise Unreadable(
            f"expected groups of {GROUP_SIZE} bytes and a checksum, not {len(payload)} bytes"
        )
    starts = range(0, len(groups), GROUP_SIZE)
    return Found(
        tuple(one for start in starts for one in _group(groups[start : start + GROUP_SIZE]))
    )


def _group(group: bytes) -> list[Reading]:
    quantity = whole_le(group[1:3])
    if quantity == BATTERY_GROUP:
        return [reading("battery", whole_le(group[3:5]))]
    value = whole_le(group[3:7], signed=True)
    if quantity in QUANTITIES and value < NO_QUANTITY:
        return [reading(QUANTITIES[quantity], value / 1_000)]
    return []


DRIVER = Driver(
    name="sensecap",
    families=("button",),
    maker="SenseCAP, Seeed",
    models=(
        "t1000*",
        "t1110*",
        "sensecapt1000*",
        "sensecapt1110*",
        "s210*",
        "sensecaps210*",
        "*",
    ),
    transport="lorawan",
    points=(
        "press",
        "motion",
        "vibration",
        "battery",
        "temperature",
        "humidity",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "a downlink that sounds its buzzer is not in a public document"),
    tested="frames",
    decode=decode,
)
