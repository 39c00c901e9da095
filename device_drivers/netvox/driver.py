"""Netvox devices: version, device type, kind of report, then what the type says.

The device type in the second byte tells the layout, so one table serves all models. Bytes of
numbers come most significant first. Facts: Netvox's device types and examples in
TheThingsNetwork/lorawan-devices; that 1 is an open door, from the manuals of R313A, R313CB and
R313CC.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from device_drivers.bits import whole
from device_drivers.cells import cell_of
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading

DATA_PORT = 6
R900_PORT = 22  # of a series with a frame of its own
SETTINGS_PORTS = (7, 13, 14, 20, 23, 32)  # reports, buttons, calibration, joining anew (0x20)
FRAME_SIZE = 11
VERSION_REPORT = 0
DATA_REPORT = 1
LOW_BIT = 0x80
NOT_MEASURED = 0xFFFF
CONTACT = {0: "closed", 1: "open"}

# What a layout finds behind the battery; the kind of report comes with it.
Read = Callable[[bytes, int], Iterable[Reading]]


def _nothing(_data: bytes, _report: int) -> list[Reading]:
    return []


def _press(kind: str, buttons: int = 1) -> Read:
    """One byte for each button: 0 at rest."""
    return lambda data, _report: [reading("press", kind) for one in data[:buttons] if one]


def _contact(places: int = 1) -> Read:
    """One byte for each contact: 0 closed, 1 open."""
    names = ("contact",) if places == 1 else ("contact_1", "contact_2")

    def read_contact(data: bytes, _report: int) -> Iterator[Reading]:
        for name, state in zip(names, data, strict=False):
            if state not in CONTACT:
                raise Unreadable(f"{name}: expected 0 (closed) or 1 (open), not {state}")
            yield reading(name, CONTACT[state])

    return read_contact


def _flag(point: str, *places: int) -> Read:
    """True where one of the bytes is not 0."""
    return lambda data, _report: [reading(point, any(data[place] for place in places))]


def _totals(size: int, count: int = 1) -> Read:
    names = ["uses"] if count == 1 else [f"uses_{number}" for number in range(1, count + 1)]
    return lambda data, _report: [
        reading(name, whole(data[index * size : (index + 1) * size]))
        for index, name in enumerate(names)
    ]


def _temperature(at: int, divisor: int) -> Read:
    """Temperature with a sign in two bytes."""

    def read_temperature(data: bytes, _report: int) -> list[Reading]:
        raw = data[at : at + 2]
        if whole(raw) == NOT_MEASURED:
            return []
        return [reading("temperature", whole(raw, signed=True) / divisor)]

    return read_temperature


def _humidity(at: int) -> Read:
    """Humidity of 0.01 % in two bytes."""

    def read_humidity(data: bytes, _report: int) -> list[Reading]:
        raw = whole(data[at : at + 2])
        return [] if raw == NOT_MEASURED else [reading("humidity", raw / 100)]

    return read_humidity


def _all(*parts: Read) -> Read:
    return lambda data, report: (one for part in parts for one in part(data, report))


def _in_report(wanted: int, read: Read) -> Read:
    """What only one of a type's kinds of report has."""
    return lambda data, report: read(data, report) if report == wanted else []


CLIMATE = _all(_temperature(0, 100), _humidity(2))
R315_BITS_REPORT = 0x11  # as report 1, one byte further on, and nothing measured
R315_CLIMATE_ENABLED = 0x0001
R315_HALF_PERCENT = 2
R315_BUTTON = 0x0002
# By the point: the bits of the sensors that there may be, each with the bit of its state.
R315_FLAGS = {
    "motion": ((0x0004, 0x0001),),
    "occupancy": ((0x4000, 0x0800),),
    "vibration": ((0x0100, 0x0040), (0x0200, 0x0080)),
}
R315_CONTACTS = {
    "contact": (0x0020, 0x0008),
    "contact_1": (0x0040, 0x0010),
    "contact_2": (0x0080, 0x0020),
}


def _many(data: bytes, report: int) -> Iterator[Reading]:
    """R315: which of its sensors there are (2 bytes), their states (2), then the climate."""
    if report not in (DATA_REPORT, R315_BITS_REPORT):
        return
    start = 0 if report == DATA_REPORT else 1
    enabled, states = whole(data[start : start + 2]), whole(data[start + 2 : start + 4])
    if states & R315_BUTTON:
        yield reading("press", "sos")
    for point, (sensor, state) in R315_CONTACTS.items():
        if enabled & sensor:
            yield reading(point, "open" if states & state else "closed")
    for point, bits in R315_FLAGS.items():
        there = [state for sensor, state in bits if enabled & sensor or states & state]
        if there:
            yield reading(point, any(states & state for state in there))
    if report == DATA_REPORT and enabled & R315_CLIMATE_ENABLED:
        yield from _temperature(4, 100)(data, report)
        yield reading("humidity", data[6] / R315_HALF_PERCENT)


ONE = (DATA_REPORT,)
TWO = (1, 2)
MANY = tuple(range(1, 0x21))  # air, water and soil: one kind of report for each group of sensors

AIR_REPORT = 0x0C
AIR_WATER_SOIL = (0x05, 0x09, 0x0D, 0x52, 0x53, 0x54, 0x57, 0x58, *range(0x60, 0x69))
BATTERY_ONLY = (
    *(0x04, 0x06, 0x0C, 0x11, 0x12, 0x1E, 0x20, 0x21, 0x22, 0x23, 0x25, 0x26, 0x2A, 0x2C),
    *(0x32, 0x33, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x49, 0x4B, 0x4C, 0x4E, 0x51),
    *(0x5A, 0x5B, 0x5C, 0x74, 0x75, 0x81, 0x84, 0x8D, 0x8E, 0x97, 0xAA, 0xB1, 0xB7, 0xC8, 0xDE),
    *(0x98, 0xD4),  # R718NL1, R720FLT
)
BATTERY_ONLY_IN_TWO = (*range(0x14, 0x1A), 0x2E, *range(0x38, 0x3D), 0x99, 0xB5, 0xC7, 0xCA)

# By device type: which kinds of report there are, and what stands behind the battery.
TYPES: Mapping[int, tuple[tuple[int, ...], Read]] = {
    # buttons
    0x10: (ONE, _press("sos")),  # RB02I
    0x4D: (ONE, _press("sos")),  # R312A
    0x31: (ONE, _press("single")),  # R718T
    0x48: (ONE, _press("single", buttons=2)),  # R718T2
    0x55: (ONE, _press("single")),  # R312, a doorbell
    0xA6: (ONE, _press("single", buttons=2)),  # RB02B
    0xA7: (ONE, _press("single", buttons=3)),  # RB02C
    # doors
    0x02: (ONE, _contact()),  # R311A
    0x1D: (ONE, _contact()),  # R718F
    0x7D: (ONE, _contact()),  # R730F
    0x56: (ONE, _contact()),  # R311CB: the second byte is a glass sensor
    0x6C: (ONE, _contact(2)),  # R311CC
    0x3E: (ONE, _contact(2)),  # R718F2
    0x7E: (ONE, _contact(2)),  # R730F2
    0xD2: ((1, 2, R315_BITS_REPORT, 0x12), _many),  # R315
    # counters
    0x1F: (ONE, _totals(2)),  # R718H
    0x3F: (ONE, _totals(2, count=2)),  # R718H2
    0x2B: (ONE, _totals(4)),  # R718MBB
    0x50: (ONE, _totals(4)),  # R311FB
    0x83: (ONE, _totals(4)),  # R730MBB
    # shaking: a rolling ball, a spring, activity
    **{kind: (ONE, _flag("vibration", 0)) for kind in (0x1A, 0x1B, 0x27, 0x4F)},
    **{kind: (ONE, _flag("vibration", 0)) for kind in (0x82, 0x89, 0x8B, 0xA8, 0xA9)},
    **{kind: (ONE, _flag("vibration", 0, 1)) for kind in (0x2F, 0x3D, 0x8A, 0x8C)},
    0xBB: (
        (1, 2, 3),
        _all(_in_report(1, CLIMATE), _in_report(1, _flag("vibration", 6))),
    ),  # R718UBB
    # people
    0x03: (ONE, _all(_temperature(0, 100), _flag("occupancy", 4), _flag("tamper", 5))),  # RB11E
    0x07: (ONE, _all(_temperature(0, 100), _flag("occupancy", 4))),  # RB11
    0x59: (ONE, _flag("occupancy", 0)),  # R719A
    # climate
    **dict.fromkeys((1, 11, 19, 110, 188), (ONE, CLIMATE)),
    **dict.fromkeys((53, 54, 55, 93, 94, 95, 106), (ONE, CLIMATE)),
    **dict.fromkeys((0x6B, 0x6F, 0xBE), (ONE, CLIMATE)),  # R718WBA, R720B, R718WAA
    0xAC: (ONE, _temperature(2, 10)),  # R718Y: behind the difference of pressures
    0xD6: (ONE, _temperature(3, 10)),  # RA02D1: behind its alarms
    0xA5: (ONE, _all(_temperature(2, 100), _humidity(4))),  # R720E
    0x70: (ONE, _temperature(4, 100)),  # R720C
    **{kind: (ONE, _temperature(0, 100)) for kind in (0x9C, 0x9D)},  # R718AD, R720D
    0x0A: (ONE, _temperature(2, 10)),  # RA02A: behind its alarms
    0x08: (ONE, _temperature(0, 100)),
    0x9B: (ONE, _temperature(2, 1)),  # R718PA22: behind the depth, in whole degrees
    **{kind: (ONE, _temperature(0, 10)) for kind in (0x90, 0x91, 0x92, 0x93, 0x94, 0x95)},
    0x9A: (ONE, _temperature(3, 10)),  # R718EA
    0x34: (ONE, _temperature(3, 10)),  # R718X: behind state and distance
    0x1C: (TWO, _in_report(2, _temperature(5, 10))),  # R718E: behind the speeds
    **{kind: (MANY, _in_report(AIR_REPORT, CLIMATE)) for kind in AIR_WATER_SOIL},
    # nothing of ours but the battery: light, current, leaks, levels, hours of work, dry contacts
    **dict.fromkeys(BATTERY_ONLY, (ONE, _nothing)),
    **dict.fromkeys(BATTERY_ONLY_IN_TWO, (TWO, _nothing)),
    0x4A: ((1, 2, 3, 4), _nothing),  # R718N3
}
# Types that the mains feed: what stands where others have their battery is something else.
MAINS = frozenset((0x0E, 0x69, 0x73, 0xAD, 0xB0, 0xB2, 0xB3))
MAINS_MODEL = "rp02"  # it has the type of the R718AD
# Cells by device type: lithium thionyl chloride (R718…, R720…, R730…, RB11E), coin cells (R311…,
# R312…), alkaline cells.
LITHIUM = (
    *(
        0x03,
        0x0B,
        0x12,
        0x13,
        0x14,
        0x16,
        0x17,
        *range(0x1A, 0x23),
        0x25,
        0x26,
        0x27,
        0x2A,
        0x2B,
        0x2C,
    ),
    *(0x2F, 0x31, 0x32, 0x34, 0x3D, 0x3E, 0x3F, *range(0x41, 0x46), 0x49, 0x4A, 0x5B, 0x6E, 0x70),
    *(0x82, 0x89, 0x8B, 0x91, 0x92, 0x95, 0x97, 0x9A, 0x9C, 0xA5, 0xB1, 0xB7, 0xC8),
)
COIN = (
    *(0x02, 0x04, 0x06, 0x4B, 0x4C, 0x4D, 0x4E, 0x4F, 0x50, 0x51, 0x55, 0x56, 0x5A, 0x6C),
    *(0xA8, 0xA9, 0xAA),
)
CELLS: Mapping[int, str] = {
    **dict.fromkeys(LITHIUM, "ER14505 to 3.0 V"),
    **dict.fromkeys(COIN, "CR2450"),
    0xBC: "2xAA",  # R711A
    **dict.fromkeys((0x0A, 0x10, 0x11), "2xAAA"),  # RA02A, RB02I, RA02C
}
# Both models have type 1: a new pair of AA has the volts at which the other is low.
CELLS_OF_TYPE_1 = {"r711": "2xAA", "r712": "ER14505 to 3.0 V"}
ANSWER_BIT = 0x80  # in the first byte of an answer to a setting
# R718E, R311FA1, R718N360: the measures fill the whole report.
WITHOUT_BATTERY = {(0x1C, 2), (0xC7, 2), (0xCA, 2)}


class Series(NamedTuple):
    """A model of the series R900: its frame's size, and what is read behind the voltage."""

    size: int
    read: Read = _nothing


# By the third byte, with and without an output. A shock at the case is in the last byte.
_R900_CLIMATE, _R900_TEMPERATURE = Series(11, CLIMATE), Series(9, _temperature(0, 100))
_R900_SOIL = Series(13, _temperature(2, 100))
R900: Mapping[int, Series] = {
    0x00: Series(13),  # R900NAC1: current
    0x01: Series(16),  # R900NAC3
    0x02: Series(26),  # R900NAC6
    0x03: Series(13),  # R900NDC
    **dict.fromkeys((0x07, 0x0F), _R900_SOIL),  # R900PB02
    **dict.fromkeys((0x08, 0x10), Series(11)),  # R900PB03: distance
    **dict.fromkeys((0x09, 0x11), _R900_CLIMATE),  # R900A01
    **dict.fromkeys((0x0A, 0x12), _R900_TEMPERATURE),  # R900A02
    **dict.fromkeys((0x0B, 0x13), Series(7)),  # R900A03: leak
}
R900_HEAD_SIZE = 5
R900_WATER = (0x06, 0x0E)  # R900PD01: fed from outside


def decode(frame: Frame) -> Found:
    """Port 6 carries data, one report or several; the others answer to settings."""
    payload = frame.payload or b""
    if frame.fport is None and payload and payload[0] & ANSWER_BIT:
        return Found()
    if frame.fport == R900_PORT:
        return _r900(payload)
    if frame.fport not in (None, DATA_PORT) or frame.model.startswith(MAINS_MODEL):
        return Found()
    if not payload or len(payload) % FRAME_SIZE:
        raise Unreadable(f"a report of Netvox has {FRAME_SIZE} bytes, not {len(payload)}")
    starts = range(0, len(payload), FRAME_SIZE)
    found = _together([payload[start : start + FRAME_SIZE] for start in starts])
    return found._replace(cell=CELLS.get(payload[1]) or _cell_of_type_1(payload[1], frame.model))


def _r900(payload: bytes) -> Found:
    """Version, group, model, kind of report, tenths of a volt, then as the model has it."""
    if len(payload) < R900_HEAD_SIZE:
        raise Unreadable(f"a report of the series R900 has more than {len(payload)} bytes")
    kind, report = payload[2:4]
    if report == VERSION_REPORT:
        return Found()
    if kind in R900_WATER:
        return Found((reading("tamper", bool(payload[-1])),))
    if kind not in R900 or report != DATA_REPORT:
        raise Unreadable(f"report {report} of model {kind:#04x} of the R900 is not known here")
    if len(payload) != R900[kind].size:
        raise Unreadable(f"a report of it has {R900[kind].size} bytes, not {len(payload)}")
    power = (reading("battery_v", payload[4] / 10), reading("tamper", bool(payload[-1])))
    return _found(R900[kind].read, payload[R900_HEAD_SIZE:], report, power)


def _cell_of_type_1(kind: int, model: str) -> str:
    return cell_of(model, CELLS_OF_TYPE_1) if kind == 1 else ""


def _together(reports: list[bytes]) -> Found:
    """Several reports in a frame: one that cannot be read does not take the others with it."""
    found, wrong = [], []
    for payload in reports:
        try:
            found.append(_report(payload))
        except Unreadable as error:
            wrong.append(str(error))
    if not found:
        raise Unreadable("; ".join(wrong))
    readings = tuple(one for part in found for one in part.readings)
    return Found(readings, tuple(one for part in found for one in part.warnings) + tuple(wrong))


def _report(payload: bytes) -> Found:
    _version, kind, report, battery = payload[:4]
    if report == VERSION_REPORT or kind in MAINS:
        return Found()
    read = _layout(kind, report)
    power = () if (kind, report) in WITHOUT_BATTERY else _battery(battery)
    return _found(read, payload[4:], report, power)


def _layout(kind: int, report: int) -> Read:
    if kind not in TYPES:
        raise Unreadable(f"device type {kind:#04x} is not known here")
    reports, read = TYPES[kind]
    if report not in reports:
        raise Unreadable(f"report {report} of device type {kind:#04x} is not known here")
    return read


def _found(read: Read, data: bytes, report: int, power: tuple[Reading, ...]) -> Found:
    """A measure that cannot be true does not take with it what stood before it."""
    found: list[Reading] = []
    try:
        for one in read(data, report):
            found.append(one)  # noqa: PERF402 - what was found before a failure must stay
    except Unreadable as error:
        return Found((*found, *power), (str(error),))
    return Found((*found, *power))


def _battery(raw: int) -> tuple[Reading, Reading]:
    low = bool(raw & LOW_BIT)
    return reading("battery_v", (raw & ~LOW_BIT) / 10), reading("battery_low", low)


DRIVER = Driver(
    name="netvox",
    families=(
        "button",
        "door",
        "counter",
    ),
    maker="Netvox",
    models=(
        "r311*",
        "r312*",
        "r313*",
        "r315*",
        "r718*",
        "r719*",
        "r720*",
        "r730*",
        "rb02*",
        "rb11*",
        "r900*",
        "*",
    ),
    transport="lorawan",
    points=(
        "press",
        "contact",
        "contact_1",
        "contact_2",
        "uses",
        "uses_1",
        "uses_2",
        "vibration",
        "motion",
        "occupancy",
        "tamper",
        "temperature",
        "humidity",
        "battery",
        "battery_v",
        "battery_low",
    ),
    expected_silence_s=3 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
    fports=(DATA_PORT, R900_PORT, *SETTINGS_PORTS),
)
