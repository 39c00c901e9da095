"""What every reader of rule files needs: mistakes with their place, and single values.

Each function here gives a value or raises `Wrong`, which a reader notes before it goes on.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from string import Formatter
from typing import TypeVar

from device_drivers.reading import Value
from rules.document import Item, Mistake, nearest
from rules.duration import SHAPE, parse_duration
from rules.point import POINT_WORDS, bare_point

COUNT_MAX = 10_000  # of changes, devices together, uses in a window: they are kept in memory
SAY_FIELDS = ("place", "for", "device", "name", "value", "at", "key", "resident", "grid", "ground")
POINTS = (
    "press", "contact", "tamper", "vibration", "uses", "rep", "openings", "in", "out", "battery",
    "battery_v", "battery_low", "rssi", "snr", "lqi", "temperature", "humidity", "alive", "online",
    "undecodable", "motion", "occupancy", "people", "sos", "signal_worse", "jump", "chatter",
    "ghost", "test_press",
)  # fmt: skip

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)|(24):00")


Parsed = TypeVar("Parsed")
Other = TypeVar("Other")


class RuleMistakes(Exception):
    """Everything that is wrong in the files."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = tuple(mistakes)


class Wrong(Exception):
    """Where and what; caught by the reader, which goes on with the next thing."""

    def __init__(self, item: Item, what: str, near: str | None = None) -> None:
        super().__init__(what)
        self.item = item
        self.what = what
        self.near = near


class Reader:
    """Base: reads one file. Mistakes go to the list, and reading goes on with the next thing."""

    def __init__(self, file: str, mistakes: list[Mistake]) -> None:
        self._file = file
        self._mistakes = mistakes

    def _add(self, wrong: Wrong) -> None:
        place = (self._file, wrong.item.line, wrong.item.column)
        self._mistakes.append(Mistake(*place, wrong.what, wrong.near))

    def _try(
        self, read: Callable[[Item], Parsed], item: Item | None, other: Other
    ) -> Parsed | Other:
        """The value; or `other` where the key is left out or wrong (which is noted)."""
        if item is None:
            return other
        try:
            return read(item)
        except Wrong as wrong:
            self._add(wrong)
            return other

    def _map(self, item: Item, what: str, known: Iterable[str] | None = None) -> dict[str, Item]:
        """A mapping with known keys; unknown and doubled ones are noted and left out."""
        if not item.is_map:
            raise Wrong(item, f"{what}: expected a mapping, not {item.shown()}")
        found: dict[str, Item] = {}
        for key, value in item.value:
            name = word_of(key)
            if known is not None and name not in known:
                self._add(Wrong(key, f"{what}: unknown key {name!r}", nearest(name, known)))
            elif name in found:
                self._add(Wrong(key, f"{what}: the key {name!r} stands here twice"))
            else:
                found[name] = value
        return found

    def _need(self, found: dict[str, Item], key: str, item: Item, what: str) -> Item | None:
        if key not in found:
            self._add(Wrong(item, f"{what}: {key!r} is missing"))
        return found.get(key)


def keys_of(item: Item, what: str) -> dict[str, tuple[Item, Item]]:
    """A condition's words, each with its key and value."""
    pairs = pairs_of(item, what, "a condition such as {point: contact, equals: open}")
    return {word_of(key): (key, value) for key, value in pairs}


def pairs_of(item: Item, what: str, expected: str) -> list[tuple[Item, Item]]:
    """The pairs of a mapping that is not empty and has no key twice."""
    if not item.is_map or not item.value:
        raise Wrong(item, f"{what}: expected {expected}, not {item.shown()}")
    seen: set[str] = set()
    for key, _ in item.value:
        name = word_of(key)
        if name in seen:
            raise Wrong(key, f"{what}: the key {name!r} stands here twice")
        seen.add(name)
    return list(item.value)


def list_of(item: Item) -> list[Item]:
    """The items of a list; none where nothing stands."""
    if item.value is None:
        return []
    if not item.is_list:
        raise Wrong(item, f"expected a list, not {item.shown()}")
    found: list[Item] = item.value
    return found


def word_of(item: Item) -> str:
    """A key or a name as text."""
    if isinstance(item.value, list | tuple) or item.value is None:
        raise Wrong(item, f"expected a name, not {item.shown()}")
    return str(item.value)


def text_of(item: Item) -> str:
    """A text that is not empty."""
    if not isinstance(item.value, str) or not item.value.strip():
        raise Wrong(item, f"expected a text, not {item.shown()}")
    return item.value


def rule_name_of(item: Item) -> str:
    """A name in kebab-case."""
    name = text_of(item)
    if not _NAME.fullmatch(name):
        near = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or None
        raise Wrong(item, f"a rule's name is in kebab-case, unlike {name!r}", near)
    return name


def names_of(item: Item) -> tuple[str, ...]:
    """One name or a list of them."""
    items = item.value if item.is_list else [item]
    if not items:
        raise Wrong(item, "expected a name or a list of names, not an empty list")
    return tuple(name_of(one) for one in items)


def name_of(item: Item) -> str:
    """One name."""
    if isinstance(item.value, bool | list | tuple) or item.value is None:
        raise Wrong(item, f"expected a name, not {item.shown()}")
    return str(item.value)


def value_of(item: Item) -> Value:
    """One value of a reading."""
    if item.is_list or item.is_map or item.value is None:
        raise Wrong(item, f"expected one value, not {item.shown()}")
    value: Value = item.value
    return value


def values_of(item: Item) -> tuple[Value, ...]:
    """One value or several."""
    items = item.value if item.is_list else [item]
    if not items:
        raise Wrong(item, "expected at least one value")
    return tuple(value_of(one) for one in items)


def number_of(item: Item) -> float:
    """A finite number."""
    if isinstance(item.value, bool) or not isinstance(item.value, int | float):
        raise Wrong(item, f"expected a number, not {item.shown()}")
    if item.value != item.value or abs(item.value) == float("inf"):
        raise Wrong(item, "expected a finite number")
    return item.value


def share_of(item: Item) -> float:
    """`5%` or `0.05`."""
    text = item.value
    if isinstance(text, str) and text.endswith("%"):
        try:
            return float(text[:-1]) / 100
        except ValueError as error:
            raise Wrong(item, f"expected a share such as 5%, not {item.shown()}") from error
    return number_of(item)


def positive_of(item: Item) -> float:
    """A number above 0."""
    number = number_of(item)
    if number <= 0:
        raise Wrong(item, f"expected a number above 0, not {number:g}")
    return number


def count_of(item: Item) -> int:
    """A whole number from 1 to `COUNT_MAX`."""
    number = number_of(item)
    if number != int(number) or not 1 <= number <= COUNT_MAX:
        raise Wrong(item, f"expected a whole number from 1 to {COUNT_MAX}, not {number:g}")
    return int(number)


def flag_of(item: Item, what: str) -> bool:
    """True or false."""
    if not isinstance(item.value, bool):
        raise Wrong(item, f"{what}: expected true or false, not {item.shown()}")
    return item.value


def duration_of(item: Item) -> int:
    """A duration in ms."""
    if item.value == 0 and not isinstance(item.value, bool):
        return 0
    if isinstance(item.value, int | float) and not isinstance(item.value, bool):
        raise Wrong(item, f"{item.value} of what? a duration has a unit", f"{item.value:g}s")
    if not isinstance(item.value, str):
        raise Wrong(item, f"expected {SHAPE}, not {item.shown()}")
    try:
        return parse_duration(item.value)
    except ValueError as error:
        raise Wrong(item, str(error)) from error


def period_of(item: Item) -> int:
    """A duration above 0, in ms."""
    ms = duration_of(item)
    if ms == 0:
        raise Wrong(item, "expected a duration above 0")
    return ms


def expected_or_duration(item: Item) -> int | None:
    """A duration in ms; None for `expected`."""
    if item.value == "expected":
        return None
    if isinstance(item.value, str) and (near := nearest(item.value, ("expected",))):
        raise Wrong(item, f"silent_for: unknown word {item.value!r}", near)
    return period_of(item)


def one_of(item: Item, what: str, known: Sequence[str]) -> str:
    """One of these words."""
    if item.value not in known:
        expected = f"{what}: expected {' | '.join(known)}, not {item.shown()}"
        raise Wrong(item, expected, nearest(item.value, known))
    return str(item.value)


def point_of(item: Item) -> str:
    """The name of a point; one that is nearly a known one is refused."""
    name = text_of(item)
    bare = bare_point(name)
    if bare not in POINTS and (near := nearest(bare, POINTS, cutoff=0.75)):
        raise Wrong(item, f"unknown point {name!r}", near)
    return name


def check_words(item: Item, point: str, values: Iterable[Value]) -> None:
    """A word that is nearly one of those that the point has is a slip of the pen."""
    words = POINT_WORDS.get(bare_point(point), ())
    for value in values:
        if value not in words and (near := nearest(value, words, cutoff=0.75)):
            raise Wrong(item, f"{point} is never {value!r}", near)


def minute_of(item: Item) -> int:
    """A time of day in minutes since midnight."""
    found = _CLOCK.fullmatch(item.value) if isinstance(item.value, str) else None
    if found is None:
        raise Wrong(item, f'expected a time of day such as "22:00", not {item.shown()}')
    hour, minute, midnight = found.groups()
    return 1_440 if midnight else int(hour) * 60 + int(minute)


def moment_of(item: Item, what: str) -> int:
    """A moment with its offset from UTC, in ms."""
    try:
        at = datetime.fromisoformat(str(item.value))
        ms = round(at.timestamp() * 1_000)
    except (ValueError, OverflowError, OSError) as error:
        expected = "a moment such as 2026-03-02T22:30:00+08:00"
        raise Wrong(item, f"{what}: expected {expected}, not {item.shown()}") from error
    if at.tzinfo is None:
        raise Wrong(item, f"{what}: say the offset from UTC, such as +08:00")
    return ms


def check_fields(item: Item, text: str) -> None:
    """Are the fields of a sentence those that there are?"""
    try:
        fields = [name for _, name, _, _ in Formatter().parse(text) if name is not None]
    except ValueError as error:
        raise Wrong(item, f"say: {error}") from error
    for name in fields:
        if name not in SAY_FIELDS:
            expected = ", ".join(f"{{{one}}}" for one in SAY_FIELDS)
            raise Wrong(
                item, f"say: unknown {{{name}}}; there are {expected}", nearest(name, SAY_FIELDS)
            )
