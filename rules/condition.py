"""The closed list of conditions, as values. What they mean over time is in `rules/probe.py`."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from device_drivers.reading import Value
from rules.facts import DeviceFacts
from rules.place import place_matches
from rules.point import repetitions_of


@dataclass(frozen=True, slots=True)
class Where:
    """Which devices. An empty tuple: any. Within a tuple one is enough, of `tags` all must be."""

    family: tuple[str, ...] = ()
    driver: tuple[str, ...] = ()
    device: tuple[str, ...] = ()
    place: tuple[str, ...] = ()
    grid: tuple[str, ...] = ()
    ground: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    resident_tags: tuple[str, ...] = ()

    def fits(self, facts: DeviceFacts) -> bool:
        """Do all the given keys hold?"""
        return (
            (not self.family or facts.family in self.family)
            and (not self.driver or facts.driver in self.driver)
            and (not self.device or facts.id in self.device)
            and (not self.place or place_matches(facts.place, self.place))
            and (not self.grid or facts.grid in self.grid)
            and (not self.ground or facts.ground in self.ground)
            and facts.tags.issuperset(self.tags)
            and facts.resident_tags.issuperset(self.resident_tags)
        )


@dataclass(frozen=True, slots=True)
class Equals:
    """The newest value is one of these."""

    point: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Below:
    """Below the limit, until above `back` (the limit itself: until no longer below)."""

    point: str
    limit: float
    back: float


@dataclass(frozen=True, slots=True)
class Above:
    """Above the limit, until below `back` (the limit itself: until no longer above)."""

    point: str
    limit: float
    back: float


@dataclass(frozen=True, slots=True)
class Happens:
    """An event with one of these values; of a state: it changes to one of them."""

    point: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """At least `count` changes or events in the sliding window."""

    point: str
    count: int
    within_ms: int


@dataclass(frozen=True, slots=True)
class Rises:
    """A counter grew by at least `by` in the sliding window; `less`: by less than that."""

    point: str
    by: float
    within_ms: int
    less: bool = False


@dataclass(frozen=True, slots=True)
class Every:
    """The uses since the last service pass another multiple of `step`."""

    point: str
    step: float


@dataclass(frozen=True, slots=True)
class Still:
    """Nothing happened at the point for so long, counting the time in which the device lived."""

    point: str
    for_ms: int


@dataclass(frozen=True, slots=True)
class Silent:
    """Nothing came from the device for so long; None: for as long as its driver expects."""

    for_ms: int | None


@dataclass(frozen=True, slots=True)
class Unlike:
    """Unlike what is usual at this hour: `less`, `more` or `either` than on its own last days.

    `apart`: workdays are compared with workdays only, rest days with rest days.
    """

    point: str
    way: str
    over_days: int
    at_least_days: int
    rarer_than: float  # share of days, above 0
    apart: bool = False


Simple = Equals | Below | Above | Happens | Changes | Rises | Every | Still | Silent | Unlike


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of them."""

    parts: tuple[Simple, ...]


@dataclass(frozen=True, slots=True)
class AllOf:
    """AllOf of them."""

    parts: tuple[Simple, ...]


OfDevice = Simple | AnyOf | AllOf


@dataclass(frozen=True, slots=True)
class Together:
    """The inner condition became true for `at_least` devices within the window."""

    where: Where
    at_least: int
    within_ms: int
    same: str
    when: OfDevice


@dataclass(frozen=True, slots=True)
class Step:
    """One half of a sequence; `where` narrows the devices that may bring it."""

    when: OfDevice
    where: Where = field(default_factory=Where)


@dataclass(frozen=True, slots=True)
class Then:
    """`then` follows `first` within the window."""

    first: Step
    then: Step
    within_ms: int
    same: str


@dataclass(frozen=True, slots=True)
class Without:
    """`first` happened and `without` did not follow within the window."""

    first: Step
    without: Step
    within_ms: int
    same: str


OfGroup = Together | Then | Without
Condition = OfDevice | OfGroup


def inner_of(condition: Condition) -> tuple[OfDevice, ...]:
    """The conditions of single devices of which it is made."""
    match condition:
        case Together():
            return (condition.when,)
        case Then():
            return (condition.first.when, condition.then.when)
        case Without():
            return (condition.first.when, condition.without.when)
        case _:
            return (condition,)


def simple_of(condition: Condition) -> Iterator[Simple]:
    """Every simple condition in it."""
    for inner in inner_of(condition):
        if isinstance(inner, AnyOf | AllOf):
            yield from inner.parts
        else:
            yield inner


def points_of(condition: Condition) -> frozenset[str]:
    """Every point that it listens to."""
    points = set()
    for simple in simple_of(condition):
        if not isinstance(simple, Silent):
            points.add(simple.point)
        if isinstance(simple, Rises | Every | Unlike) and (event := repetitions_of(simple.point)):
            points.add(event)
    return frozenset(points)


def hears_life(condition: Condition) -> bool:
    """Does every sign of life matter to it?"""
    return any(isinstance(simple, Silent | Still | Unlike) for simple in simple_of(condition))


def fires(condition: Condition) -> bool:
    """Can it be true at an instant only?"""
    match condition:
        case Happens() | Every():
            return True
        case AnyOf():
            return any(map(fires, condition.parts))
        case AllOf():
            return any(map(fires, condition.parts))
        case Then():
            return fires(condition.then.when)
        case _:
            return False


def lasts(condition: Condition) -> bool:
    """Can it be true for a while?"""
    match condition:
        case Happens() | Every():
            return False
        case AnyOf():
            return any(map(lasts, condition.parts))
        case AllOf():
            return all(map(lasts, condition.parts))
        case Then():
            return lasts(condition.then.when)
        case _:
            return True


def same_of(condition: Condition) -> str:
    """What one alert is about: `device`, or the fact that a group of devices shares."""
    return condition.same if isinstance(condition, Together | Then | Without) else "device"
