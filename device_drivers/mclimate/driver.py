"""MClimate buttons, door, flood, presence and room sensors. Most significant byte first.

The model tells the layout. A frame is a message of the model's own, or answers to settings with
such a message at their end. Facts: the maker's decoders in github.com/actility/device-catalog and
TheThingsNetwork/lorawan-devices, and docs.mclimate.eu.
"""

from collections.abc import Callable
from typing import NamedTuple

from device_drivers.bits import whole
from device_drivers.cells import with_cells
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading, shown
from device_drivers.reading import Reading

KEEP_ALIVE = 0x01
REED, KNOB = 0x20, 0x21  # of the door sensor: its reed switch changed, its button was pressed
PRESENCE = 0x51
PRESSES = {1: "single", 2: "double", 3: "triple"}
NO_PROBE_BIT = 0x04
KEEP_ALIVE_OF_NEW_FIRMWARE = 0x81
# Of a radiator's valve, by the first byte: divisor and what is taken away.
RADIATOR_DEGREES = {KEEP_ALIVE: (256 / 165, 40), KEEP_ALIVE_OF_NEW_FIRMWARE: (17 / 3, 5)}

Read = Callable[[bytes], Found]


class Layout(NamedTuple):
    """The first bytes of a model's own messages, their sizes, and how they are read."""

    kinds: tuple[int, ...]
    sizes: tuple[int, ...]
    read: Read


def _battery(raw: int, digits: int = 3) -> Reading:
    return reading("battery_v", round((raw * 8 + 1_600) / 1_000, digits))


def _probe(data: bytes) -> list[Reading]:
    """Ten bits of tenths of a degree, unless the bit above them says that there is no probe."""
    if data[0] & NO_PROBE_BIT:
        return []
    return [reading("temperature", (whole(data) & 0x03FF) / 10)]


def _room(data: bytes) -> list[Reading]:
    """Ten bits of tenths of a degree over -40, then humidity in 256ths."""
    return [
        reading("temperature", ((whole(data[:2]) & 0x03FF) - 400) / 10),
        reading("humidity", round(data[2] * 100 / 256, 2)),
    ]


def _press(code: int) -> Found:
    if code in PRESSES:
        return Found((reading("press", PRESSES[code]),))
    return Found() if code == 0 else Found((), (f"press {code} is not known here",))


def _button(digits: int) -> Read:
    def read_button(data: bytes) -> Found:
        press = _press(data[4])
        others = (_battery(data[1], digits), *_probe(data[2:4]))
        return Found((*press.readings, *others), press.warnings)

    return read_button


def _door(digits: int) -> Read:
    """A total of 24 bits; which state of its last byte is the open door, nobody publishes."""

    def read_door(data: bytes) -> Found:
        press = (reading("press", "single"),) if data[0] == KNOB else ()
        openings = reading("openings", whole(data[4:7]))
        return Found((*press, openings, _battery(data[1], digits), *_probe(data[2:4])))

    return read_door


def _flood(data: bytes) -> Found:
    """Reason and states in the bits of the first byte, the cell in 16 mV, then degrees."""
    found = [reading("tamper", bool(data[0] & 0x08)), reading("battery_v", data[1] * 16 / 1_000)]
    return Found((*found, *(reading("temperature", one) for one in data[2:3])))


def _presence(data: bytes) -> Found:
    volts = round((data[4] * 2_200 / 255 + 1_600) / 1_000, 3)
    occupied = bool(data[1] & 0x04)
    return Found((reading("occupancy", occupied), reading("battery_v", volts), *_room(data[1:4])))


def _climate(digits: int) -> Read:
    return lambda data: Found((_battery(data[4], digits), *_room(data[1:4])))


def _carbon_dioxide(data: bytes) -> Found:
    return Found((_battery(data[6]), *_room(data[3:6])))


def _display(data: bytes) -> Found:
    """A room and its battery in mV."""
    return Found((reading("battery_v", whole(data[4:6]) / 1_000), *_room(data[1:4])))


def _watching_display(data: bytes) -> Found:
    """The same with a motion sensor, which has the last byte."""
    found = _display(data)
    return found._replace(readings=(reading("motion", bool(data[-1])), *found.readings))


def _air(data: bytes) -> Found:
    """Of the air's quality, whose numbers share bytes, the battery alone."""
    return Found((_battery(data[9]),))


def _radiator(data: bytes) -> Found:
    """Reason, wanted and measured degrees, humidity, motor (3 bytes), then tenths of 2 to 3.5 V.

    Degrees are a straight line of one byte; the second reason has another line.
    """
    divisor, offset = RADIATOR_DEGREES[data[0]]
    return Found(
        (
            reading("battery_v", (20 + (data[7] >> 4)) / 10),
            reading("temperature", round(data[2] / divisor - offset, 2)),
            reading("humidity", round(data[3] * 100 / 256, 2)),
        )
    )


def _fan_coil(data: bytes) -> Found:
    return Found(tuple(_room(data[1:4])))


EVENTS = (KEEP_ALIVE,)
NEW_EVENTS = (KEEP_ALIVE, KEEP_ALIVE_OF_NEW_FIRMWARE)
DOOR_EVENTS = (KEEP_ALIVE, REED, KNOB)
# By the beginning of the model's name, the longest first. Decoders of the maker that name a model
# in full give its voltage in tenths.
LAYOUTS: dict[str, Layout] = {
    "multipurposebutton": Layout(EVENTS, (5,), _button(1)),
    "mcbutton": Layout(EVENTS, (5,), _button(1)),
    "button": Layout(EVENTS, (5,), _button(3)),
    "openclose": Layout(DOOR_EVENTS, (8,), _door(3)),
    "openclosesensor": Layout(DOOR_EVENTS, (8,), _door(1)),
    "floodsensor": Layout((), (2, 3), _flood),
    "htpirlite": Layout((PRESENCE,), (6,), _presence),
    "co2pirlite": Layout((PRESENCE,), (8,), _presence),
    "htsensor": Layout(EVENTS, (5, 7), _climate(1)),
    "ht": Layout(EVENTS, (5, 7), _climate(3)),
    "co2": Layout(EVENTS, (7,), _carbon_dioxide),
    "co2display": Layout(EVENTS, (11,), _watching_display),
    "co2displaylite": Layout(EVENTS, (10,), _display),
    "wirelessthermostat": Layout(NEW_EVENTS, (11, 12), _watching_display),
    "aqisensor": Layout(EVENTS, (10,), _air),
    "vicki": Layout(NEW_EVENTS, (9, 11), _radiator),
    "fancoil": Layout(EVENTS, (11,), _fan_coil),
}


def decode(frame: Frame) -> Found:
    """By the model that the register knows, because the frames do not tell it."""
    payload = frame.payload or b""
    names = [name for name in LAYOUTS if frame.model.startswith(name)]
    if not names:
        known = ", ".join(LAYOUTS)
        raise Unreadable(f"the model decides how this is read; known here are {known}")
    layout = LAYOUTS[max(names, key=len)]
    return layout.read(_message(payload, layout))


def _message(payload: bytes, layout: Layout) -> bytes:
    """The model's own message: the whole frame, or its end behind answers to settings."""
    if not layout.kinds or payload[0] in layout.kinds:
        ends = [payload] if len(payload) in layout.sizes else []
    else:
        sizes = [size for size in layout.sizes if size < len(payload)]
        ends = [payload[-size:] for size in sizes if payload[-size] in layout.kinds]
    if not ends:
        sizes_in_words = " or ".join(str(size) for size in layout.sizes)
        raise Unreadable(
            f"expected a message of {sizes_in_words} bytes, not {shown(payload.hex())}; "
            "it is cut off or unknown"
        )
    return max(ends, key=len)


# By how the model's name begins.
CELLS = {
    "floodsensor": "CR123A",
}

DRIVER = Driver(
    name="mclimate",
    families=("button", "door"),
    maker="MClimate",
    models=(
        "multipurposebutton*",
        "mcbutton*",
        "openclosesensor*",
        "floodsensor*",
        "htpirlite*",
        "co2pirlite*",
        "*",
    ),
    transport="lorawan",
    points=(
        "press",
        "openings",
        "tamper",
        "occupancy",
        "motion",
        "battery",
        "battery_v",
        "temperature",
        "humidity",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "the maker lists no downlink that sounds or blinks"),
    tested="frames",
    decode=with_cells(decode, CELLS),
)
