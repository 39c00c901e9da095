"""A baseline: what is usual at a point, hour by hour, learned from its own last days.

Of every hour of the newest days it is kept whether something happened, and at which minute first.
An hour that was not watched from end to end is *unknown*: it is no history and proves nothing.

**Less than usual.** Of a quiet stretch of today (whole hours, up to now) it is asked how surprising
it is: each of its hours counts by how seldom it is quiet, as the logarithm of that share. The same
figure is worked out for the most surprising quiet stretch of every day before. Today is unlike them
if at most so many of the days had one that is as surprising, that today and they together are no
more than `rarer_than` of all days. So a device that is quiet at odd hours every other day does not
fire for being so, and of days that are all alike at most `rarer_than` fire, whatever they look
like. Only days on which the very hours of the stretch are known are compared.

**More than usual.** Something happens at an hour near which (an hour before or after) it rarely
does. Again every day before is asked for its own rarest hour, and today counts only if at most so
many of them were as odd.

Pure: whole numbers in, whole numbers out; the same inputs in the order of their moments give the
same history.
"""

from collections.abc import Sequence
from math import log2
from statistics import median_low
from typing import Any, NamedTuple
from zlib import crc32

from rules.condition import Unlike
from rules.local_days import HOURS, Hour, LocalDays

DAY_MS = 86_400_000
QUIET, UNKNOWN = ".", "?"
# An hour in which something happened is written as the minute at which it first did.
MINUTES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwx"
NOTHING_KNOWN = UNKNOWN * HOURS
LESS, MORE = "less", "more"

# -- defaults and bounds: data with their reasons ------------------------------------------------

# Four of each day of the week: a month of habits, short enough to follow the seasons.
OVER_DAYS = 28
OVER_DAYS_MIN = 3
OVER_DAYS_MAX = 56  # 56 strings of 24 characters are the memory of one device
# Days of history before anything is said: half of `over`. Of rest days kept apart from workdays
# there are eight in 28, of which most must be known.
AT_LEAST_SHARE = 0.5
AT_LEAST_SHARE_APART = 0.2
# On days like all others it is true on at most one in ten: in 28 days one may be as unusual (a day
# away) without making the rule deaf for a month. With fewer days it is what these can show.
RARER_THAN = 0.10
RARER_THAN_MAX = 0.5


def default_at_least_days(over_days: int, *, apart: bool) -> int:
    """How many days must be known, where the rule does not say."""
    return max(2, int(over_days * (AT_LEAST_SHARE_APART if apart else AT_LEAST_SHARE)))


def default_rarer_than(at_least_days: int) -> float:
    """Which share of days is rare, where the rule does not say."""
    return max(RARER_THAN, 1 / (at_least_days + 1))


def is_rare(as_odd: int, days: int, rarer_than: float) -> bool:
    """Today and the `as_odd` of `days` days before that were as odd: are they few enough?"""
    return as_odd + 1 <= rarer_than * (days + 1) + 1e-9


SPREAD_MS = 30 * 60_000  # of the first look at a new day, over all devices


def spread_of(device: str) -> int:
    """Always the same of one device."""
    return crc32(device.encode()) % SPREAD_MS


class Figures(NamedTuple):
    """What a judgement rests on: at hours `begin` … `end` (minutes of the day), on `days` of `of`
    days something happened (`less`: in these hours; `more`: near this hour), usually first at
    `usual` (a minute of the day; None where it never did).
    """

    way: str
    begin: int
    end: int
    days: int
    of: int
    usual: int | None

    def text(self) -> str:
        """As an alert carries it: `less 06:00-09:00 26/28 07:10`."""
        usual = "-" if self.usual is None else clock_of(self.usual)
        hours = f"{clock_of(self.begin)}-{clock_of(self.end)}"
        return f"{self.way} {hours} {self.days}/{self.of} {usual}"

    @classmethod
    def parse(cls, text: Any) -> "Figures | None":
        """Back from `text`; None if it is none."""
        parts = text.split(" ") if isinstance(text, str) else []
        if len(parts) != 4 or parts[0] not in (LESS, MORE):
            return None
        way, hours, share, usual = parts
        (begin, end), (days, of) = hours.split("-"), share.split("/")
        first = None if usual == "-" else _minute_of(usual)
        return cls(way, _minute_of(begin), _minute_of(end), int(days), int(of), first)


def clock_of(minute: int) -> str:
    """430 -> `07:10`."""
    return f"{minute // 60:02}:{minute % 60:02}"


def _minute_of(clock: str) -> int:
    hour, _, minute = clock.partition(":")
    return int(hour) * 60 + int(minute)


class Knowledge(NamedTuple):
    """On `days` of the last `over_days` days the hour that it is now is known; `needed` must be."""

    days: int
    needed: int
    over_days: int

    @property
    def learning(self) -> bool:
        """Is it too little to judge by?"""
        return self.days < self.needed


class Table(NamedTuple):
    """What the days before `day` say: worked out once a day."""

    day: int
    days: tuple[str, ...]  # those that today is compared with
    surprise: tuple[int, ...]  # of each hour, if it is quiet today
    stretches: tuple[int, ...]  # of each day: the surprise of its most surprising quiet stretch
    near: tuple[int, ...]  # of each hour: on how many days something happened near it
    rarest: tuple[int, ...]  # of each day: `near` of its rarest hour at which something happened


def table_of(day: int, days: Sequence[str]) -> Table:
    """See `Table`. Of a day before, its own hours are among those that it is measured by."""
    columns = list(zip(*days, strict=True)) if days else [()] * HOURS
    known = [len(column) - column.count(UNKNOWN) for column in columns]
    quiet = [column.count(QUIET) for column in columns]
    before = [_surprise(known[hour], quiet[hour]) for hour in range(HOURS)]
    today = tuple(_surprise(known[hour] + 1, quiet[hour] + 1) for hour in range(HOURS))
    stretches = tuple(_stretch(one, before) for one in days)
    active = [[cell not in (QUIET, UNKNOWN) for cell in one] for one in days]
    near = tuple(sum(any(one[max(h - 1, 0) : h + 2]) for one in active) for h in range(HOURS))
    rarest = tuple(
        min((near[hour] for hour in range(HOURS) if one[hour]), default=len(days) + 1)
        for one in active
    )
    return Table(day, tuple(days), today, stretches, near, rarest)


def _surprise(known: int, quiet: int) -> int:
    """Thousandths of bits: of an hour that is quiet on `quiet` of `known` days."""
    return round(1_000 * log2(known / quiet)) if quiet else 0


def _stretch(day: str, surprise: Sequence[int]) -> int:
    most = run = 0
    for cell, weight in zip(day, surprise, strict=True):
        if cell == QUIET:
            run += weight
        else:
            most, run = max(most, run), 0
    return max(most, run)


class Baseline:
    """The kept days of one device, and the hour that is being watched."""

    __slots__ = (
        "_days", "_first", "_next_ms", "_spread_ms", "_table", "_wanted", "_whole", "history",
        "hour",
    )  # fmt: skip

    def __init__(self, wanted: Unlike, days: LocalDays, spread_ms: int = 0) -> None:
        self._wanted = wanted
        self._days = days
        self._spread_ms = spread_ms  # so that not all devices look at the new day at midnight
        self.history: list[tuple[int, str]] = []  # (day, its hours), the oldest first
        self.hour: Hour | None = None  # None: nothing was heard yet
        self._first: int | None = None  # minute in this hour at which something first happened
        self._whole = False  # has this hour been watched so far?
        self._table: Table | None = None
        self._next_ms: int | None = None  # `next_less_ms`, until something of it has changed

    # -- time passes -----------------------------------------------------------------------------

    def begin(self, at_ms: int) -> None:
        """The point was heard for the first time."""
        self.hour, self._first, self._whole = self._days.hour_at(at_ms), None, False
        self._next_ms = None

    def advance(self, at_ms: int, alive_until_ms: int) -> Hour | None:
        """Close the hours that are over at `at_ms`; the last of them, None if there is none.

        What was not alive until after an hour's end has not watched it.
        """
        hour, closed = self.hour, None
        assert hour is not None
        if at_ms - hour.end_ms > (self._wanted.over_days + 1) * DAY_MS:
            self.history.clear()  # all of it is too old, and it was dead for as long
            self._table = None
            self.begin(at_ms)
            return None
        while hour.end_ms <= at_ms:
            self._close(hour, known=self._whole and hour.end_ms < alive_until_ms)
            closed, hour = hour, self._days.hour_at(hour.end_ms)
            self.hour, self._first = hour, None
            self._whole = hour.begin_ms < alive_until_ms
            self._next_ms = None
        return closed

    def _close(self, hour: Hour, *, known: bool) -> None:
        cell = UNKNOWN if not known else QUIET if self._first is None else MINUTES[self._first]
        history = self.history
        if not history or history[-1][0] != hour.day:
            history.append((hour.day, NOTHING_KNOWN))
            while history[0][0] < hour.day - self._wanted.over_days:
                del history[0]
        self._write(len(history) - 1, hour.hour, cell)

    def _write(self, index: int, hour: int, cell: str) -> None:
        day, cells = self.history[index]
        self.history[index] = (day, cells[:hour] + cell + cells[hour + 1 :])

    def act(self, at_ms: int) -> None:
        """Something happened."""
        hour = self.hour
        assert hour is not None
        if self._first is None:
            self._next_ms = None
            self._first = min((at_ms - hour.begin_ms) // 60_000, 59)  # 59: an hour that comes twice

    def spoil(self) -> None:
        """A part of this hour was not watched."""
        self._whole = False
        self._next_ms = None

    def unprove(self, from_ms: int, to_ms: int) -> None:
        """It has turned out that nobody knows what was between: hours of it that were closed."""
        first, last = self._days.hour_at(from_ms), self._days.hour_at(to_ms)
        for index, (day, _) in enumerate(self.history):
            for hour in range(HOURS):
                if first[:2] <= (day, hour) <= last[:2]:
                    self._write(index, hour, UNKNOWN)
        self._table = self._next_ms = None

    # -- what is judged --------------------------------------------------------------------------

    def _table_of(self, day: int) -> Table:
        table = self._table
        if table is None or table.day != day:
            table = self._table = table_of(day, self._days_before(day))
        return table

    def _days_before(self, day: int) -> list[str]:
        wanted = self._wanted
        kept = [one for one in self.history if day - wanted.over_days <= one[0] < day]
        if wanted.apart:
            kind = self._days.is_workday(day)
            kept = [one for one in kept if self._days.is_workday(one[0]) is kind]
        return [cells for _, cells in kept]

    def _cells_of(self, day: int) -> str:
        return next((cells for one, cells in reversed(self.history) if one == day), NOTHING_KNOWN)

    def less(self, closed: Hour) -> Figures | None:
        """Is the quiet stretch that ends with this hour unlike the days before?"""
        cells = self._cells_of(closed.day)
        begin = _stretch_begin(cells, closed.hour)
        if begin > closed.hour:
            return None
        table = self._table_of(closed.day)
        if not self._is_rare_stretch(table, begin, closed.hour):
            return None
        return self._figures(table, begin, closed.hour)

    def _is_rare_stretch(self, table: Table, begin: int, last: int) -> bool:
        surprise = sum(table.surprise[begin : last + 1])
        if surprise <= 0:
            return False
        days = as_odd = 0
        for cells, stretch in zip(table.days, table.stretches, strict=True):
            if UNKNOWN not in cells[begin : last + 1]:
                days += 1
                as_odd += stretch >= surprise
        wanted = self._wanted
        return days >= wanted.at_least_days and is_rare(as_odd, days, wanted.rarer_than)

    def _figures(self, table: Table, begin: int, last: int) -> Figures:
        """In words of hours and days; the hours in which nothing is usual are left out in front."""
        days = [cells for cells in table.days if UNKNOWN not in cells[begin : last + 1]]
        few = self._wanted.rarer_than * len(days)
        while begin < last and sum(cells[begin] in MINUTES for cells in days) <= few:
            begin += 1
        firsts = [first for cells in days if (first := _first_in(cells, begin, last)) is not None]
        usual = median_low(firsts) if firsts else None
        return Figures(LESS, begin * 60, (last + 1) * 60, len(firsts), len(days), usual)

    def more(self) -> Figures | None:
        """Something happens in this hour: is that unlike the days before?"""
        hour = self.hour
        assert hour is not None
        if not self._whole:
            return None
        table = self._table_of(hour.day)
        today = table.near[hour.hour] + 1
        days = as_odd = 0
        for cells, rarest in zip(table.days, table.rarest, strict=True):
            if cells[hour.hour] != UNKNOWN:
                days += 1
                as_odd += rarest <= today
        wanted = self._wanted
        if days < wanted.at_least_days or not is_rare(as_odd, days, wanted.rarer_than):
            return None
        begin, end = max(hour.hour - 1, 0), min(hour.hour + 2, HOURS)
        return Figures(MORE, begin * 60, end * 60, today - 1, days, None)

    def next_less_ms(self) -> int:
        """When `less` comes true if nothing more happens today, else when to look again: soon
        after midnight, long before an hour of the new day is over.
        """
        if self._next_ms is None:
            self._next_ms = self._find_next_less_ms()
        return self._next_ms

    def _find_next_less_ms(self) -> int:
        hour = self.hour
        assert hour is not None
        table = self._table_of(hour.day)
        if len(table.days) >= self._wanted.at_least_days:
            begin = hour.hour + 1
            if self._whole and self._first is None:
                begin = _stretch_begin(self._cells_of(hour.day), hour.hour - 1)
            for last in range(max(begin, hour.hour), HOURS):
                if self._is_rare_stretch(table, begin, last):
                    return self._days.end_of(hour.day, last)
        return self._days.end_of(hour.day, HOURS - 1) + self._spread_ms

    def knows(self) -> Knowledge:
        """How much is there to judge by, at this hour?"""
        wanted, hour = self._wanted, self.hour
        days = 0
        if hour is not None:
            table = self._table_of(hour.day)
            days = sum(cells[hour.hour] != UNKNOWN for cells in table.days)
        return Knowledge(days, wanted.at_least_days, wanted.over_days)

    # -- what is kept ----------------------------------------------------------------------------

    def copy(self) -> "Baseline":
        """One of its own."""
        other = Baseline(self._wanted, self._days, self._spread_ms)
        other.history, other.hour = self.history.copy(), self.hour
        other._first, other._whole = self._first, self._whole
        other._table, other._next_ms = self._table, self._next_ms
        return other

    def dump(self) -> list[Any]:
        """As JSON can carry it."""
        begin_ms = None if self.hour is None else self.hour.begin_ms
        return [self.history, begin_ms, self._first, self._whole]

    def load(self, state: list[Any]) -> None:
        """Back from `dump`."""
        history, begin_ms, self._first, self._whole = state
        self.history = [(day, cells) for day, cells in history]
        self.hour = None if begin_ms is None else self._days.hour_at(begin_ms)
        self._table = self._next_ms = None


def _stretch_begin(cells: str, last: int) -> int:
    """The first hour of the quiet stretch that ends with `last`; after `last` if there is none."""
    begin = last + 1
    while begin > 0 and cells[begin - 1] == QUIET:
        begin -= 1
    return begin


def _first_in(cells: str, begin: int, last: int) -> int | None:
    for hour in range(begin, last + 1):
        if cells[hour] in MINUTES:
            return hour * 60 + MINUTES.index(cells[hour])
    return None
