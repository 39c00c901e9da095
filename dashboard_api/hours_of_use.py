"""Use of machines by hour: what was counted, what is not known, and what a usual day looks like.

Pure: hourly rows of the time series go in, figures come out; doors are counted by the same means.
A counter says its total now and then. A use belongs to the hour in which the counter told it. An
hour is *unknown*, never zero, when it lies in a silence of the device:

* a silence longer than what is expected of the device, in which lies at least one whole hour of the
  clock: every hour that it touches, from the last word to the next;
* an hour without a word in which what carries the device (its gateway, the site's link) was gone.

The growth over such a gap happened, and nobody knows in which hour: it is *unplaced*, counts for
every day, month or period that holds both ends of the gap, and for no hour.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from math import gcd
from statistics import median
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hub.site_days import HOUR_MS, day_named, offsets_between

ABSENT, KNOWN, UNKNOWN = 0, 1, 2  # of an hour: not in service yet; counted; nobody knows
GRAIN_MS_MIN = 900_000  # zones are ahead of UTC by quarters of an hour
_EPOCH = date(1970, 1, 1).toordinal()


# -- hours of the site ----------------------------------------------------------------------------


class Hour(NamedTuple):
    """One hour of the site's clock, the end not included.

    An hour that comes twice when clocks are put back is one of two hours' length.
    """

    from_ms: int
    to_ms: int
    day: str  # 2026-11-25
    hour: int  # 0 … 23


def hours_between(from_ms: int, to_ms: int, zone: ZoneInfo) -> list[Hour]:
    """Every hour of the clock that has a moment in [from, to); the first and last may be cut."""
    found: list[Hour] = []
    spans = offsets_between(from_ms, to_ms, zone)
    ends = [*(since_ms for since_ms, _ in spans[1:]), to_ms]
    for (since_ms, ahead_ms), until_ms in zip(spans, ends, strict=True):
        at_ms = since_ms
        while at_ms < until_ms:
            number = (at_ms + ahead_ms) // HOUR_MS
            next_ms = min((number + 1) * HOUR_MS - ahead_ms, until_ms)
            day = date.fromordinal(_EPOCH + number // 24).isoformat()
            if found and (found[-1].day, found[-1].hour) == (day, number % 24):
                found[-1] = found[-1]._replace(to_ms=next_ms)
            else:
                found.append(Hour(at_ms, next_ms, day, number % 24))
            at_ms = next_ms
    return found


def grain_ms(from_ms: int, to_ms: int, zone: ZoneInfo) -> int:
    """The longest windows, aligned to UTC, of which every hour of the zone's clock is made."""
    offsets = [ahead_ms for _, ahead_ms in offsets_between(from_ms, to_ms, zone)]
    return max(gcd(HOUR_MS, *offsets), GRAIN_MS_MIN)


def hour_at(hours: Sequence[Hour], at_ms: int) -> int:
    """The number of the hour that holds the moment; -1: before all of them."""
    return bisect_right(hours, at_ms, key=_begin) - 1


def _begin(hour: Hour) -> int:
    return hour.from_ms


# -- silence --------------------------------------------------------------------------------------


class Silence(NamedTuple):
    """How long a device may be silent, since when it is in service, when its carrier was gone."""

    expected_ms: int
    since_ms: int = 0
    gone: Sequence[tuple[int, int]] = ()  # [from, to) of its gateway, of the site's link


class Gap(NamedTuple):
    """From one word of a device to the next, with hours between them in which it said nothing.

    `first` and `last` are the hours of the two words by number; `first` is -1 where none is known,
    and `last` the newest hour where none came since. `least_ms` and `most_ms` bound how long the
    silence was: hours tell no minutes.
    """

    first: int
    last: int
    quiet: range
    least_ms: int
    most_ms: int


def gaps_of(heard: Sequence[int], hours: Sequence[Hour], since_ms: int) -> list[Gap]:
    """Every stretch that holds a whole hour without a word; `heard` are hours by number, in order.

    What lies beyond the hours is not looked at: they must begin and end so much outside of what is
    asked for that a silence there is one by its length alone.
    """
    begin_ms, end_ms = max(hours[0].from_ms, since_ms), hours[-1].to_ms
    before = hour_at(hours, since_ms) if since_ms > hours[0].from_ms else -1
    ends = [(before, begin_ms, begin_ms)]
    ends += [(one, hours[one].from_ms, hours[one].to_ms - 1) for one in heard if one >= before]
    found = [
        Gap(first, last, range(first + 1, last), begins - latest_ms, latest - begins_ms)
        for (first, begins_ms, latest_ms), (last, begins, latest) in pairwise(ends)
        if last - first > 1
    ]
    first, begins_ms, latest_ms = ends[-1]
    quiet = range(first + 1, len(hours))
    if len(quiet) > 1:
        found.append(Gap(first, quiet[-1], quiet, end_ms - latest_ms, end_ms - begins_ms))
    return found


def doubtful(gaps: Iterable[Gap], expected_ms: int) -> list[Gap]:
    """Those of which hours alone do not tell whether they are longer than expected."""
    return [gap for gap in gaps if gap.least_ms <= expected_ms < gap.most_ms]


# -- what one device counted ----------------------------------------------------------------------


class Window(NamedTuple):
    """The lowest and the highest total of one point that was told in an hour."""

    hour: int
    low: float
    high: float


class Unplaced(NamedTuple):
    """Growth that happened in some hour from `first` to `last`, by number."""

    first: int
    last: int
    uses: int


@dataclass(slots=True)
class Tally:
    """What one device counted, hour by hour: uses, and whether that is all."""

    uses: list[int]
    state: bytearray  # ABSENT, KNOWN or UNKNOWN
    unplaced: list[Unplaced] = field(default_factory=list)

    def between(self, first: int, last: int) -> "Figure":
        """What is known of the hours [first, last)."""
        uses = sum(self.uses[first:last])
        uses += sum(one.uses for one in self.unplaced if first <= one.first and one.last < last)
        state = self.state[first:last]
        return Figure(uses, state.count(KNOWN), len(state) - state.count(ABSENT))

    def is_clear(self, first: int, last: int) -> bool:
        """Is nothing of these hours unknown?"""
        return UNKNOWN not in self.state[first:last]


class Figure(NamedTuple):
    """A sum: what was counted, in how many hours of machines, of how many that there were."""

    uses: int = 0
    known_hours: int = 0
    hours: int = 0

    @property
    def known(self) -> str:
        """`yes`; `partly`: at least so many; `no`: nothing is known, and `uses` means nothing."""
        if self.known_hours == self.hours:
            return "yes"
        return "partly" if self.known_hours or self.uses else "no"

    def __add__(self, other: "Figure") -> "Figure":  # type: ignore[override]
        """Both together."""
        return Figure(*(mine + its for mine, its in zip(self, other, strict=True)))


NOTHING = Figure()


def tally(
    windows: Iterable[Sequence[Window]],
    heard: Sequence[int],
    hours: Sequence[Hour],
    silence: Silence,
    longer: Mapping[tuple[int, int], bool],
    before: Mapping[int, float] | None = None,
) -> Tally:
    """The uses of one machine. `windows`: of each of its totals, in order of the hours.

    `longer` says of the doubtful gaps whether they were longer than expected. `before` holds, by
    the place in `windows`, the newest total before all hours where that is known.
    """
    state, gaps = states(heard, hours, silence, longer)
    found = Tally([0] * len(hours), state)
    for place, its in enumerate(windows):
        _grow(found, its, gaps, (before or {}).get(place))
    return found


def states(
    heard: Sequence[int],
    hours: Sequence[Hour],
    silence: Silence,
    longer: Mapping[tuple[int, int], bool],
) -> tuple[bytearray, list[Gap]]:
    """Of each hour whether it is known, and the gaps that hide something."""
    state = bytearray([KNOWN]) * len(hours)
    hiding = []
    for gap in gaps_of(heard, hours, silence.since_ms):
        if gap.least_ms > silence.expected_ms or longer.get((gap.first, gap.last), False):
            hidden = list(range(max(gap.first, 0), gap.last + 1))
        else:
            hidden = [one for one in gap.quiet if _touches(hours[one], silence.gone)]
            hidden += [gap.last] if hidden else []
        for one in hidden:
            state[one] = UNKNOWN
        hiding += [gap] if hidden else []
    absent = bisect_left(hours, silence.since_ms, key=lambda hour: hour.to_ms - 1)
    state[:absent] = bytes(absent)
    return state, hiding


def _touches(hour: Hour, spans: Sequence[tuple[int, int]]) -> bool:
    return any(begin < hour.to_ms and hour.from_ms < end for begin, end in spans)


def _grow(found: Tally, windows: Sequence[Window], gaps: list[Gap], before: float | None) -> None:
    """Totals never fall; one that does all the same (very late news) is no growth."""
    top, at = before, -1
    for hour, low, high in windows:
        if top is None:  # the first total of all is no growth
            top = low
        across = round(max(0, low - top))
        if across and any(at <= gap.first and gap.last <= hour for gap in gaps):
            found.unplaced.append(Unplaced(at, hour, across))
        else:
            found.uses[hour] += across
        found.uses[hour] += round(max(0, high - max(top, low)))
        top, at = max(top, high), hour


def openings(
    contacts: Iterable[tuple[int, bool]], hours: Sequence[Hour], flutter_ms: int
) -> list[int]:
    """How often a door was opened in each hour; `contacts`: moment and whether it was open.

    The first word of all is no opening. A door that opens again within `flutter_ms` of closing has
    not been closed: a contact bounces, a hand pulls twice.
    """
    counts = [0] * len(hours)
    was_open, closed_ms = None, None
    for at_ms, is_open in contacts:
        if is_open and was_open is False:
            place = hour_at(hours, at_ms)
            fluttered = closed_ms is not None and at_ms - closed_ms < flutter_ms
            if not fluttered and place >= 0:
                counts[place] += 1
        elif was_open and not is_open:
            closed_ms = at_ms
        was_open = is_open
    return counts


# -- a usual day ----------------------------------------------------------------------------------


class Typical(NamedTuple):
    """A median, and of how many days."""

    uses: float
    days: int


class Compared(NamedTuple):
    """What was counted on days that can be compared, and what is usual for the same days."""

    uses: int = 0
    usual: float = 0.0
    days: int = 0

    @property
    def percent(self) -> float | None:
        """By how much more (less: below zero) it was than usual; None: not to be said."""
        return 100 * (self.uses / self.usual - 1) if self.days and self.usual else None


class Day(NamedTuple):
    """A day of the site by its hours [first, last), by number. `whole`: none of them is missing."""

    name: str
    first: int
    last: int
    workday: bool
    whole: bool


def days_of(hours: Sequence[Hour], is_workday: Callable[[date], bool], zone: ZoneInfo) -> list[Day]:
    """The days of these hours; one that is not over yet is not whole."""
    begins = [at for at, hour in enumerate(hours) if at == 0 or hour.day != hours[at - 1].day]
    found = []
    for first, last in zip(begins, [*begins[1:], len(hours)], strict=True):
        day = day_named(hours[first].day, zone)
        whole = hours[first].from_ms == day.from_ms and hours[last - 1].to_ms == day.to_ms
        found.append(Day(day.name, first, last, is_workday(date.fromisoformat(day.name)), whole))
    return found


@dataclass(frozen=True, slots=True)
class Unit:
    """Machines that are looked at together: those of a ground, or one alone."""

    tallies: tuple[Tally, ...]

    def figure(self, first: int, last: int) -> Figure:
        """What is known of the hours [first, last)."""
        return sum((one.between(first, last) for one in self.tallies), NOTHING)

    def is_clear(self, first: int, last: int) -> bool:
        """Is everything known of these hours, and was there a machine?"""
        return all(one.is_clear(first, last) for one in self.tallies) and any(
            KNOWN in one.state[first:last] for one in self.tallies
        )

    def counted(self, days: Sequence[Day], known_percent: float) -> "Unit":
        """Without the machines of which too little is known on these days: they make no usual."""
        if not days:
            return Unit(())
        span = days[0].first, days[-1].last
        return Unit(tuple(one for one in self.tallies if _is_known(one, span, known_percent)))


def _is_known(tally: Tally, span: tuple[int, int], percent: float) -> bool:
    figure = tally.between(*span)
    return figure.known_hours > 0 and 100 * figure.known_hours >= percent * figure.hours


def usual_hours(
    unit: Unit, hours: Sequence[Hour], days: Iterable[Day], days_min: int
) -> dict[tuple[bool, int], Typical]:
    """By kind of day (workday?) and hour of the clock: the median of the days known then."""
    seen: dict[tuple[bool, int], list[int]] = defaultdict(list)
    for day in days:
        for at in range(day.first, day.last):
            if unit.is_clear(at, at + 1):
                uses = sum(one.uses[at] for one in unit.tallies)
                seen[day.workday, hours[at].hour].append(uses)
    return {
        key: Typical(median(uses), len(uses)) for key, uses in seen.items() if len(uses) >= days_min
    }


def usual_day(unit: Unit, days: Iterable[Day], days_min: int) -> dict[bool, Typical]:
    """By kind of day (workday?): the median of all whole days of which everything is known."""
    seen: dict[bool, list[int]] = defaultdict(list)
    for day in days:
        if day.whole and unit.is_clear(day.first, day.last):
            seen[day.workday].append(unit.figure(day.first, day.last).uses)
    return {
        kind: Typical(median(uses), len(uses))
        for kind, uses in seen.items()
        if len(uses) >= days_min
    }


def compare(unit: Unit, days: Iterable[Day], usual: Mapping[bool, Typical]) -> Compared:
    """Whole days of which everything is known, beside what is usual on such days."""
    uses, expected, count = 0, 0.0, 0
    for day in days:
        if day.whole and day.workday in usual and unit.is_clear(day.first, day.last):
            uses += unit.figure(day.first, day.last).uses
            expected += usual[day.workday].uses
            count += 1
    return Compared(uses, expected, count)


def together(
    typical: Iterable[Mapping[tuple[bool, int], Typical]],
) -> dict[tuple[bool, int], Typical]:
    """The usual hours of several grounds together; of as many days as the one with the fewest."""
    found: dict[tuple[bool, int], Typical] = {}
    for its in typical:
        for key, (uses, days) in its.items():
            mine = found.get(key)
            found[key] = (
                Typical(uses, days)
                if mine is None
                else Typical(mine.uses + uses, min(mine.days, days))
            )
    return found
