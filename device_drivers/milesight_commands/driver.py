"""Milesight devices of the newer format: a command, its value; and again. No channels.

Numbers come least significant byte first. The same command means different things in different
models, so each model has its table. Facts: the decoders in github.com/Milesight-IoT/SensorDecoders.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from device_drivers.bits import whole_le
from device_drivers.driver import Driver, Found, Frame, Heard, Unreadable
from device_drivers.points import reading
from device_drivers.reading import Reading

Read = Callable[[bytes], list[Reading]]
Size = int | Callable[[bytes], int]


class Command(NamedTuple):
    """How many bytes follow (a function sees all that is left), and how they are read."""

    size: Size
    read: Read | None = None


def _number(point: str, divisor: int = 1, *, signed: bool = False) -> Read:
    return lambda data: [reading(point, whole_le(data, signed=signed) / divisor)]


def _flag(point: str) -> Read:
    return lambda data: [reading(point, bool(data[0]))]


def _alarm(point: str) -> Read:
    """Over (0x20) or begun (0x21)."""
    return lambda data: [reading(point, data[0] == BEGUN)]


def _by_kind(sizes: Mapping[int, int]) -> Callable[[bytes], int]:
    """An alarm whose kind tells what else it carries."""
    return lambda rest: 1 + sizes.get(rest[0], 0) if rest else 1


BEGUN = 0x21
SETTINGS_FROM = 0xC0  # answers to settings and about itself: nothing of ours, and of many sizes
ABOUT_ITSELF: Mapping[int, int] = {0xDF: 2, 0xDB: 8, 0xDA: 8, 0xD9: 2, 0xFF: 1, 0xFE: 1, 0xEE: 0}
VALUE_ALARM = {0x10: 2, 0x11: 2}
BATTERY = Command(1, _number("battery"))
TEMPERATURE = Command(2, _number("temperature", 100, signed=True))

VALVE: Mapping[int, Command] = {  # WT102
    0x00: BATTERY,
    0x01: TEMPERATURE,
    0x02: Command(2),  # stroke of its motor
    0x03: Command(2),
    0x04: Command(1),  # opening
    0x05: Command(1),
    0x06: Command(2),  # wanted temperature
    0x07: Command(1),
    0x08: BATTERY,  # low
    0x09: Command(_by_kind({0x10: 2, 0x11: 2, 0x12: 2, 0x13: 2})),
    0x0A: Command(_by_kind({0x20: 3, 0x21: 3})),
    0x0B: Command(_by_kind({0x20: 4, 0x21: 4})),
    0x0D: Command(_by_kind({0x20: 3, 0x21: 3})),
}
THERMOSTAT: Mapping[int, Command] = {  # WT401
    0x00: BATTERY,
    0x01: TEMPERATURE,
    0x02: Command(2, _number("humidity", 10)),
    0x03: Command(1),  # what it does
    0x04: Command(1),
    0x05: Command(1),
    0x06: Command(2),  # wanted temperatures
    0x07: Command(2),
    0x08: Command(1, _flag("occupancy")),
    **{command: Command(1) for command in (0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x0F)},  # events
}
AIR: Mapping[int, Command] = {  # GS601
    0x00: BATTERY,
    0x01: Command(1),  # vapour
    0x02: Command(_by_kind({0x10: 1, 0x11: 1})),
    **{command: Command(2) for command in (0x03, 0x05, 0x07, 0x0D)},  # dust, gases
    **{command: Command(_by_kind(VALUE_ALARM)) for command in (0x04, 0x06, 0x08, 0x0E)},
    0x09: Command(2, _number("temperature", 10, signed=True)),
    0x0A: Command(_by_kind(VALUE_ALARM)),
    0x0B: Command(2, _number("humidity", 10)),
    0x0C: Command(1),
    0x0F: Command(1, _flag("tamper")),
    0x10: Command(1, _alarm("tamper")),
    0x11: Command(1),  # its buzzer
    0x12: Command(1, _flag("occupancy")),
    **{command: Command(4) for command in range(0x20, 0x2C)},  # raw values, hours of work
}
MODELS: Mapping[str, Mapping[int, Command]] = {"wt102": VALVE, "wt401": THERMOSTAT, "gs601": AIR}


def decode(frame: Frame) -> Found:
    """By the table of the model that the register knows."""
    names = [name for name in MODELS if frame.model.startswith(name)]
    if not names:
        known = ", ".join(MODELS)
        raise Unreadable(f"the model decides how this is read; known here are {known}")
    return _read(frame.payload or b"", MODELS[names[0]])


def _read(payload: bytes, table: Mapping[int, Command]) -> Found:
    """To the end, or to a command that nobody knows: what stood before it is kept."""
    readings: list[Reading] = []
    warnings: list[str] = []
    at = 0
    while at < len(payload) and not warnings:
        try:
            at = _step(payload, at, table, readings, warnings)
        except Unreadable as error:
            warnings.append(str(error))
    if warnings and not readings and payload[0] < SETTINGS_FROM:
        raise Unreadable("; ".join(warnings))
    return Found(tuple(readings), tuple(warnings))


def _step(
    payload: bytes,
    at: int,
    table: Mapping[int, Command],
    readings: list[Reading],
    warnings: list[str],
) -> int:
    """One command; the place behind it. A value that cannot be true costs itself only."""
    code, start = payload[at], at + 1
    known = table.get(code)
    if known is None and code not in ABOUT_ITSELF:
        warnings.append(f"byte {at}: command {code:02x} is not known here")
        return len(payload)
    size = known.size if known is not None else ABOUT_ITSELF[code]
    end = start + (size if isinstance(size, int) else size(payload[start:]))
    if end > len(payload):
        raise Unreadable(f"byte {at}: command {code:02x} is cut off")
    if known is not None and known.read is not None:
        readings += known.read(payload[start:end])
    return end


DRIVER = Driver(
    name="milesight_commands",
    families=("sensor",),
    maker="Milesight",
    models=("wt102*", "wt401*", "gs601*"),
    transport="lorawan",
    points=("tamper", "occupancy", "battery", "temperature", "humidity"),
    expected_silence_s=25 * 3_600,
    heard=Heard("none", "it hears a downlink only after an uplink of its own, and shows nothing"),
    tested="frames",
    decode=decode,
)
