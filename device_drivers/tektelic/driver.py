"""Tektelic devices: channel, type, value on port 10; and again, to the end.

The type tells the size, the channel what it is about; the few models that differ have a layout of
their own. Most significant byte first. Facts: the maker's published decoders,
github.com/TektelicCommunications/data-converters, and TheThingsNetwork/lorawan-devices.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from device_drivers.bits import whole
from device_drivers.cells import with_cells
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading

DATA_PORT = 10
EDOCTOR_PORT = 11
# Settings and their receipts, the last reset, logs of places, Bluetooth beacons, serial data.
OTHER_PORTS = (5, 12, 15, 16, *range(20, 27), 32, 100, 101, 192, 197, 199)
ON, OFF = 0xFF, 0x00

Key = tuple[int, int]
Read = Callable[[bytes], list[Reading]]


class Layout(NamedTuple):
    """Sizes that differ from the usual ones, and how channels are read."""

    sizes: Mapping[Key, int]
    reads: Mapping[Key, Read]


SIZE_OF_TYPE = {
    0x00: 1,  # digital input
    0x01: 1,  # digital output
    0x02: 2,  # analogue input
    0x03: 2,
    0x04: 2,  # count
    **dict.fromkeys(range(0x10, 0x18), 2),  # statistics
    0x3C: 1,  # satellites
    0x65: 2,  # light
    0x67: 2,  # temperature
    0x68: 1,  # humidity
    0x71: 6,  # acceleration
    0x73: 2,  # air pressure
    0x74: 2,  # mains voltage
    0x75: 2,  # current
    0x80: 2,  # power
    0x81: 1,  # power factor
    0x85: 4,  # time
    0x88: 8,  # place
    0x92: 1,  # speed
    0x95: 1,  # flags
    0xBA: 2,  # battery, V
    0xBD: 2,  # battery, days
    0xD3: 1,  # battery, percent
    0xE4: 2,  # carbon dioxide
    0xFE: 8,  # energy
    0xFF: 2,  # battery, V
}


def _number(point: str, factor: float = 1, *, signed: bool = False) -> Read:
    def read_number(data: bytes) -> list[Reading]:
        value: float = whole(data, signed=signed)
        return [reading(point, value if factor == 1 else round(value * factor, 3))]

    return read_number


def _state(point: str, on: str | bool, off: str | bool) -> Read:
    def read_state(data: bytes) -> list[Reading]:
        if data[0] not in (ON, OFF):
            raise Unreadable(f"{point}: expected a state of 0 or 255, not {data[0]}")
        return [reading(point, on if data[0] == ON else off)]

    return read_state


def _alarm(data: bytes) -> list[Reading]:
    """Some decoders' examples have 1 for an alarm, the maker's have 255."""
    return [reading("vibration", bool(data[0]))]


def _contact(point: str) -> Read:
    """A magnet that is there, or wires that touch, are 0."""
    return _state(point, "open", "closed")


def _small_battery(data: bytes) -> list[Reading]:
    """Volts over 2.5 V in hundredths; the highest bit says that the cell is at its end."""
    return [
        reading("battery_v", round((data[0] & 0x7F) / 100 + 2.5, 2)),
        reading("battery_low", bool(data[0] & 0x80)),
    ]


def _panic(data: bytes) -> list[Reading]:
    """Finch and Robin: the highest bit is the state of panic, not the button itself."""
    panic = bool(data[0] & 0x80)
    return [*([reading("press", "sos")] if panic else []), reading("sos", panic)]


def _safety(data: bytes) -> list[Reading]:
    """Seal: emergency button, fall."""
    presses = ((0x01, "sos"), (0x02, "fall"))
    return [
        *(reading("press", kind) for bit, kind in presses if data[0] & bit),
        reading("sos", bool(data[0] & 0x01)),
    ]


SIZES: dict[Key, int] = {(0x10, 0x02): 1, (0x12, 0x04): 4, (0x22, 0x04): 4}
READS: dict[Key, Read] = {
    (0x00, 0xFF): _number("battery_v", 0.01),
    (0x00, 0xBA): _number("battery_v", 0.001),
    (0x00, 0xD3): _number("battery"),
    (0x01, 0x00): _contact("contact"),
    (0x0E, 0x00): _contact("contact_2"),
    (0x1E, 0x00): _contact("contact_3"),
    (0x08, 0x04): _number("rep_1"),
    (0x0F, 0x04): _number("rep_2"),
    (0x1F, 0x04): _number("rep_3"),
    (0x12, 0x04): _number("uses_2"),
    (0x22, 0x04): _number("uses_3"),
    (0x0A, 0x00): _state("motion", True, False),
    (0x0C, 0x00): _alarm,
    (0x00, 0x00): _alarm,
    (0x06, 0x00): _state("tamper", True, False),
    (0x02, 0x95): _panic,
    (0x00, 0x67): _number("temperature", 0.1, signed=True),
    (0x03, 0x67): _number("temperature", 0.1, signed=True),
    (0x04, 0x68): _number("humidity", 0.5),
}

ROOM = Layout(SIZES, READS)
TUNDRA = Layout(SIZES, {**READS, (0x0E, 0x00): _contact("contact")})
SEAL = Layout(
    SIZES,
    {**{key: read for key, read in READS.items() if key != (0x00, 0x00)}, (0x02, 0x95): _safety},
)
SMALL = Layout({**SIZES, (0x00, 0xBA): 1}, {**READS, (0x00, 0xBA): _small_battery})
ORCA = Layout(
    {
        (0x00, 0xAA): 1,  # satellites
        (0x00, 0xAB): 2,
        (0x00, 0xAC): 1,
        (0x00, 0xAD): 2,  # stored places
        (0x00, 0x04): 1,  # state
        (0x01, 0xBA): 1,
        (0x02, 0xBA): 1,
        (0x00, 0x85): 7,
        (0x00, 0x88): 9,
        (0x00, 0x92): 2,
    },
    {
        (0x00, 0x00): _alarm,
        (0x00, 0x67): _number("temperature", 0.1, signed=True),
        (0x01, 0xBA): _small_battery,
    },
)
LAYOUT_OF_MODEL = {
    **dict.fromkeys(
        ("smartroom", "comfort", "vivid", "breeze", "t00048", "t00061", "t00078"), ROOM
    ),
    "tundra": TUNDRA,
    "t00067": TUNDRA,
    "t00073": TUNDRA,
    "seal": SEAL,
    "orca": ORCA,
    "t0006129": ORCA,
    **dict.fromkeys(
        (
            *("finch", "robin", "panicbutton", "sparrow", "pelican", "assettracker"),
            *("t0006909", "t0007127", "t0007367", "t0007377", "t0007392", "t0007xxx"),
            *("kiwi", "clover", "agro", "t00059"),
        ),
        SMALL,
    ),
}
EDOCTOR_MODELS = ("edoctor", "t0006923")


def decode(frame: Frame) -> Found:
    """Port 10 is data; the others say nothing of ours."""
    payload = frame.payload or b""
    if frame.model.startswith(EDOCTOR_MODELS):
        return _edoctor(payload, frame.fport)
    if frame.fport in OTHER_PORTS:
        return Found()
    if frame.fport == EDOCTOR_PORT:
        raise Unreadable("port 11 is that of an eDoctor, which this device is not known to be")
    return _as_it_fits(payload, _layouts(frame.model))


def _as_it_fits(payload: bytes, layouts: tuple[Layout, ...]) -> Found:
    """The first of the layouts under which most can be read; the first one says what is wrong."""
    fits: list[Found] = []
    reasons: list[Unreadable] = []
    for layout in layouts:
        try:
            fits.append(_read(payload, layout))
        except Unreadable as error:
            reasons.append(error)
    if not fits:
        raise reasons[0]
    return max(fits, key=lambda found: len(found.readings) - len(found.warnings))


def _layouts(model: str) -> tuple[Layout, ...]:
    """The model's own layout. Where it is not known, all of them.

    The longest part of a name decides: `t0007392` is a Finch, the other `t00073` are Tundras.
    """
    parts = [part for part in LAYOUT_OF_MODEL if part in model]
    if parts:
        return (LAYOUT_OF_MODEL[max(parts, key=len)],)
    return (ROOM, SMALL, ORCA)


def _read(payload: bytes, layout: Layout) -> Found:
    readings: list[Reading] = []
    warnings: list[str] = []
    at = 0
    while at < len(payload):
        try:
            at = _step(payload, at, layout, readings, warnings)
        except Unreadable as error:
            if not any(one.point == "press" for one in readings):
                raise
            warnings.append(str(error))
            break
    return Found((*readings, *_alone("rep", readings), *_alone("uses", readings)), tuple(warnings))


def _step(
    payload: bytes, at: int, layout: Layout, readings: list[Reading], warnings: list[str]
) -> int:
    """One channel; the place behind it. A value that cannot be costs itself only.

    A channel that nobody knows ends the reading: what stood before it is kept.
    """
    key = payload[at : at + 2]
    if len(key) < 2:
        raise Unreadable(f"byte {at}: {key.hex()} is half a channel; the frame is cut off")
    size = layout.sizes.get((key[0], key[1]), SIZE_OF_TYPE.get(key[1]))
    if size is None:
        reason = f"byte {at}: channel {key.hex()} is not known here"
        if not readings:
            raise Unreadable(reason)
        warnings.append(f"{reason}; left out: {payload[at:].hex()}")
        return len(payload)
    data = payload[at + 2 : at + 2 + size]
    if len(data) < size:
        raise Unreadable(
            f"byte {at}: channel {key.hex()} needs {size} bytes and {len(data)} follow; cut off"
        )
    read = layout.reads.get((key[0], key[1]))
    try:
        readings += read(data) if read is not None else ()
    except Unreadable as error:
        warnings.append(f"byte {at}: channel {key.hex()}: {error}")
    return at + 2 + size


def _alone(point: str, readings: list[Reading]) -> list[Reading]:
    """The only counter of a frame stands without its number too."""
    numbered = [one for one in readings if one.point.startswith(f"{point}_")]
    return [numbered[0]._replace(point=point)] if len(numbered) == 1 else []


def _edoctor(payload: bytes, fport: int | None) -> Found:
    """A monitor of heart and breath, of which only the battery is ours: the first byte.

    Firmware 1.1 and before (port 10) has 0 … 254 for 1 … 100 %; later ones (port 11) have percent.
    """
    if fport in OTHER_PORTS:
        return Found()
    raw = payload[0]
    if fport == EDOCTOR_PORT:
        return Found(() if raw == ON else (reading("battery", raw),))
    return Found((reading("battery", min(100.0, round(raw * 0.391304348 + 0.608695652, 2))),))


# By how the model's name begins.
CELLS = {
    "t00048": "CR2477",
    "t00061": "CR2477",
    "t0006923": "CR2450",
    "t00059": "ER26500",
}

DRIVER = Driver(
    name="tektelic",
    families=("button", "door", "counter"),
    maker="Tektelic",
    models=(
        "finch*",
        "robin*",
        "smartroom*",
        "tundra*",
        "t0005*",
        "t0006*",
        "t0007*",
        "t00048*",
        "*",
    ),
    transport="lorawan",
    points=(
        "press",
        "sos",
        "contact",
        "contact_2",
        "contact_3",
        "rep",
        "rep_1",
        "rep_2",
        "rep_3",
        "uses",
        "uses_2",
        "uses_3",
        "motion",
        "vibration",
        "tamper",
        "battery",
        "battery_v",
        "battery_low",
        "temperature",
        "humidity",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "the maker lists no downlink that sounds or blinks"),
    tested="frames",
    decode=with_cells(decode, CELLS),
    fports=(DATA_PORT, EDOCTOR_PORT, *OTHER_PORTS),
)
