"""Digital Matter trackers (Oyster, Yabby, Guppy, G62) and SensorNode. Least significant byte first.

The model tells the layout, the port which of its messages this is. Facts: the maker's decoders in
TheThingsNetwork/lorawan-devices, github.com/chirpstack/chirpstack-device-profiles and
github.com/akenza-io/device-type-library.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from device_drivers.bits import whole_le
from device_drivers.cells import with_cells
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading

Read = Callable[[bytes], list[Reading]]


class Message(NamedTuple):
    """The sizes that a message may have (none: any), and how it is read."""

    sizes: tuple[int, ...] = ()
    read: Read | None = None


Messages = Mapping[int, Message]
OTHER = Message()


def _volts(raw: int, step: float, base: float = 0) -> Reading:
    return reading("battery_v", round(base + raw * step, 3))


def _trip(flag: int) -> Reading:
    """A trip lasts from the first move to some rest after the last."""
    return reading("motion", bool(flag))


def _oyster(data: bytes) -> list[Reading]:
    return [_trip(data[8] & 0x01), _volts(data[10], 0.025)]


def _oyster_short(data: bytes) -> list[Reading]:
    """The fourth flag says by which of two scales the battery is told."""
    new_scale = bool(data[8] & 0x08)
    battery = _volts(data[7], 0.032, 3.5) if new_scale else _volts(data[7], 0.025)
    return [_trip(data[8] & 0x01), battery]


def _oyster_statistics(data: bytes) -> list[Reading]:
    low = bool(data[4] & 0x03)  # critical, low
    return [_volts(data[3], 0.032, 3.5), reading("battery_low", low)]


def _oyster_binary(data: bytes) -> list[Reading]:
    """In bits: failed fix 1, place 47, trip 1, critical battery 1, alarm 1, rest 14, battery 8."""
    flags = data[6]
    return [
        _trip(flags & 0x01),
        reading("battery_low", bool(flags & 0x02)),
        _volts(whole_le(data[8:10]) >> 1 & 0xFF, 0.032, 3.5),
    ]


def _guppy(data: bytes) -> list[Reading]:
    degrees = -40 + data[1] / 2
    return [_trip(data[0] & 0x01), _volts(data[0] >> 1, 0.014, 2), reading("temperature", degrees)]


def _g62(data: bytes) -> list[Reading]:
    """A vehicle's tracker: why it is on its way in two bits, digital inputs, the inner battery."""
    found = [_trip(data[0] & 0x03), _volts(data[10], 0.02)]
    if len(data) > 15:
        found.append(reading("temperature", whole_le(data[15:16], signed=True)))
    return found


OYSTER: Messages = {
    1: Message((11,), _oyster),
    2: OTHER,  # receipt of a downlink
    3: Message((11,)),  # statistics
    4: Message((9, 11), _oyster_short),
    30: OTHER,  # started again
    31: Message((11,), _oyster_statistics),
    33: Message((11,), _oyster_binary),
}
GUPPY: Messages = {1: Message((2, 4), _guppy), 2: OTHER, 3: Message((7,)), 4: Message((8,))}
G62: Messages = {
    1: Message((17, *range(19, 64)), _g62),
    2: Message((11,), _g62),
    3: OTHER,  # the second half of a message
    4: OTHER,
    5: OTHER,
}
MODELS: dict[str, Messages] = {
    "oyster": OYSTER,
    "yabby3": OYSTER,
    "yabby": OYSTER,
    "guppy": GUPPY,
    "g62": G62,
}
NOT_KNOWN = ("yabbyedge", "falcon")
NODE = "sensornode"


# SensorNode: the first field is named by the port, every other by a byte before it.
NODE_SIZES = {
    0: 0,
    1: 4,
    2: 0,
    3: 4,
    10: 6,
    20: 2,
    21: 2,
    22: 2,
    23: 2,
    30: 1,
    31: 2,
    32: 2,
    33: 2,
    39: 6,
    40: 2,
    41: 2,
    42: 2,
    43: 3,
    50: 2,
    51: 1,
}
NODE_READS: dict[int, Read] = {
    20: lambda data: [reading("battery_v", whole_le(data) / 1_000)],
    31: lambda data: [reading("uses_1", whole_le(data))],
    32: lambda data: [reading("uses_2", whole_le(data))],
    33: lambda data: [reading("uses_3", whole_le(data))],
    40: lambda data: [reading("temperature", whole_le(data, signed=True) / 100)],
}


def decode(frame: Frame) -> Found:
    """By the model that the register knows, because the frames do not tell it."""
    payload = frame.payload or b""
    if NODE in frame.model:
        return _node(payload, frame.fport or 0)
    names = [name for name in MODELS if name in frame.model]
    if not names or any(name in frame.model for name in NOT_KNOWN):
        known = ", ".join((*MODELS, NODE))
        raise Unreadable(f"the model decides how this is read; known here are {known}")
    messages, fport = MODELS[names[0]], frame.fport or 1
    if fport not in messages:
        ports = ", ".join(str(port) for port in messages)
        raise Unreadable(f"fPort {fport}: expected one of {ports}")
    return _message(payload, fport, messages[fport])


def _message(payload: bytes, fport: int, message: Message) -> Found:
    if message.sizes and len(payload) not in message.sizes:
        sizes = " or ".join(str(size) for size in message.sizes[:2])
        raise Unreadable(f"a message on port {fport} has {sizes} bytes, not {len(payload)}")
    return Found(tuple(message.read(payload)) if message.read is not None else ())


def _node(payload: bytes, field: int) -> Found:
    readings: list[Reading] = []
    at = 0
    while True:
        if field not in NODE_SIZES:
            raise Unreadable(f"byte {at}: field {field} is not known here")
        data = payload[at : at + NODE_SIZES[field]]
        if len(data) < NODE_SIZES[field]:
            raise Unreadable(f"byte {at}: field {field} needs {NODE_SIZES[field]} bytes; cut off")
        readings += NODE_READS[field](data) if field in NODE_READS else ()
        at += len(data)
        if at >= len(payload):
            return Found(tuple(readings))
        field = payload[at]
        at += 1


# By how the model's name begins.
CELLS = {
    "oyster": "3xAA to 3.5 V",
}

DRIVER = Driver(
    name="digital_matter",
    families=("button", "counter"),
    maker="Digital Matter",
    models=(
        "oyster*",
        "yabby*",
        "guppy*",
        "digitalmatter*",
        "*",
    ),
    transport="lorawan",
    points=(
        "motion",
        "uses_1",
        "uses_2",
        "uses_3",
        "battery",
        "battery_v",
        "battery_low",
        "temperature",
    ),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it has no buzzer or light that a downlink works"),
    tested="frames",
    decode=with_cells(decode, CELLS),
)
