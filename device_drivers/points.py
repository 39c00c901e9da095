"""The closed table of points: every name that a reading may have, with kind, type, unit, range.

`event`: it happens (a press); `state`: it is so until it is otherwise (a contact); `total`: it
counts up (uses); `measure`: it was measured (battery). A driver may yield nothing else.
"""

from collections.abc import Callable
from difflib import get_close_matches
from math import isfinite
from reprlib import Repr
from typing import Any, Literal, NamedTuple

from device_drivers.driver import Unreadable
from device_drivers.reading import Reading, Value

WHOLE_MAX = 2**63 - 1  # what SQLite and InfluxDB can keep
CHANNELS_MAX = 16  # numbered inputs of one device

# What only the hub itself says of a device; a device that says so is not believed.
HUBS_OWN = frozenset(("signal_worse",))

PRESS_KINDS = (
    *("sos", "single", "double", "triple", "quadruple", "many", "long", "fall", "cancel", "test"),
)

_shown = Repr()
_shown.maxstring = _shown.maxother = _shown.maxlong = 40


def shown(value: object) -> str:
    """A value as a sentence can carry it: short, and without characters that harm a screen."""
    return _shown.repr(value)


class Point(NamedTuple):
    """One row. `low` and `high` bound what can be true; `words` are all words of a word."""

    name: str
    kind: Literal["event", "state", "total", "measure"]
    type: Literal["word", "flag", "whole", "number"]
    unit: str | None = None
    low: float = 0
    high: float = WHOLE_MAX
    words: tuple[str, ...] = ()


_ROWS = (
    Point("press", "event", "word", words=PRESS_KINDS),
    Point("contact", "state", "word", words=("open", "closed")),
    Point("tamper", "state", "flag"),
    Point("vibration", "state", "flag"),
    Point("motion", "state", "flag"),
    Point("occupancy", "state", "flag"),
    Point("people", "measure", "whole"),
    Point("sos", "state", "flag"),  # an emergency that lasts until it is taken back, as watches say
    Point("uses", "total", "whole"),
    Point("rep", "event", "whole"),
    Point("openings", "total", "whole"),
    Point("in", "total", "whole"),
    Point("out", "total", "whole"),
    Point("battery", "measure", "number", "%", 0, 100),
    Point("battery_v", "measure", "number", "V", 0, 1_000),
    Point("battery_low", "state", "flag"),
    Point("rssi", "measure", "number", "dBm", -250, 50),
    Point("snr", "measure", "number", "dB", -100, 100),
    Point("lqi", "measure", "number", None, 0, 255),
    Point("temperature", "measure", "number", "°C", -273.15, 2_000),
    Point("humidity", "measure", "number", "%", 0, 100),
    Point("signal_worse", "state", "flag"),  # the survey's word: heard worse than it used to be
    Point("alive", "event", "flag"),
    Point("online", "state", "flag"),
)
_NUMBERED = ("uses", "rep", "in", "out", "openings", "contact")


def _all_points() -> dict[str, Point]:
    named = {point.name: point for point in _ROWS}
    for name in _NUMBERED:
        for channel in range(1, CHANNELS_MAX + 1):
            named[f"{name}_{channel}"] = named[name]._replace(name=f"{name}_{channel}")
    return named


POINTS = _all_points()


def _word_reader(point: Point) -> Callable[[Any], Value]:
    words = frozenset(point.words)

    def read_word(value: Any) -> Value:
        if type(value) is str and value in words:
            return value
        near = get_close_matches(value, point.words, n=1) if isinstance(value, str) else []
        also = f"; did you mean {near[0]}?" if near else ""
        raise Unreadable(f"expected {', '.join(point.words)}, not {shown(value)}{also}")

    return read_word


def _read_flag(value: Any) -> Value:
    if value is True or value is False:
        return bool(value)
    raise Unreadable(f"expected true or false, not {shown(value)}")


def _read_alive(value: Any) -> Value:
    if value is True:
        return True
    raise Unreadable(f"expected true, not {shown(value)}")


def _whole_reader(point: Point) -> Callable[[Any], Value]:
    low, high = int(point.low), int(point.high)

    def read_whole(value: Any) -> Value:
        if type(value) is int and low <= value <= high:
            return value
        raise Unreadable(f"expected a whole number from {low} to {high}, not {shown(value)}")

    return read_whole


def _number_reader(point: Point) -> Callable[[Any], Value]:
    low, high = point.low, point.high

    def read_number(value: Any) -> Value:
        if (type(value) is float or type(value) is int) and low <= value <= high:
            return float(value)
        raise Unreadable(f"expected a number from {low:g} to {high:g}, not {shown(value)}")

    return read_number


def _reader(point: Point) -> Callable[[Any], Value]:
    if point.type == "word":
        return _word_reader(point)
    if point.type == "flag":
        return _read_alive if point.name == "alive" else _read_flag
    return _whole_reader(point) if point.type == "whole" else _number_reader(point)


# name → (function from a raw value to a checked one, unit); the function raises `Unreadable`
READERS: dict[str, tuple[Callable[[Any], Value], str | None]] = {
    point.name: (_reader(point), point.unit) for point in POINTS.values()
}


def reading(name: str, value: Any, at_ms: int | None = None) -> Reading:
    """A checked reading of a point of the table. Raises `Unreadable`, which names the point."""
    read, unit = READERS[name]
    try:
        return Reading(name, read(value), at_ms, unit)
    except Unreadable as error:
        raise Unreadable(f"{name}: {error}") from None


def number_or_none(value: Any) -> float | None:
    """A finite number, or None for everything else."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if abs(value) < WHOLE_MAX and isfinite(value) else None
    return None
