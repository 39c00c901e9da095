"""Inspections by calendar and the end of life of what stands outside. Pure: days go in.

An inspection is due once in each period (week, month, quarter, half-year, year) for each of its
subjects, from the first day of the period; it is overdue when the period has ended without one.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

from rules.condition import Where
from rules.facts import DeviceFacts

WEEK, MONTH, QUARTER, HALF_YEAR, YEAR = "week", "month", "quarter", "half-year", "year"
PERIODS = (WEEK, MONTH, QUARTER, HALF_YEAR, YEAR)
_MONTHS = {MONTH: 1, QUARTER: 3, HALF_YEAR: 6, YEAR: 12}
OK, FAILED, NOT_APPLICABLE = "ok", "failed", "not_applicable"
ANSWERS = (OK, FAILED, NOT_APPLICABLE)
EACH = ("device", "ground", "place")  # what one inspection is about


class Period(NamedTuple):
    """A stretch of the calendar; `until` is the first day after it."""

    since: date
    until: date

    @property
    def last(self) -> date:
        """Its last day: by then it is due."""
        return self.until - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Item:
    """One question of a checklist. `trouble`: of which kind an order is when it failed."""

    name: str
    ask_zh: str
    ask_en: str
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is looked at, how often, with which questions. `source`: where they come from."""

    name: str
    title_zh: str
    title_en: str
    every: str
    items: tuple[Item, ...]
    where: Where = field(default_factory=Where)
    each: str = "device"
    kinds: tuple[str, ...] = ()  # of places, where `each` is `place`
    source_zh: str = ""
    source_en: str = ""

    def item(self, name: str) -> Item | None:
        """The question of that name."""
        return next((one for one in self.items if one.name == name), None)


@dataclass(frozen=True, slots=True)
class EndOfLife:
    """How long things of a kind may be used. `models`: how a model's name may begin."""

    name: str
    title_zh: str
    title_en: str
    years: float
    warn_ms: int
    where: Where = field(default_factory=Where)
    models: tuple[str, ...] = ()
    source_zh: str = ""
    source_en: str = ""

    def fits(self, facts: DeviceFacts, model: str | None) -> bool:
        """Is it about this device?"""
        known = not self.models or (model or "").startswith(self.models)
        return known and self.where.fits(facts)

    def ends_on(self, since: date) -> date:
        """The day on which one that is used since then should be replaced."""
        whole = int(self.years)
        year = since.year + whole
        day = _same_day(since, year)
        return day + timedelta(days=round((self.years - whole) * 365.25))

    def warns_on(self, since: date) -> date:
        """From which day on people are told."""
        return self.ends_on(since) - timedelta(milliseconds=self.warn_ms)


def _same_day(one: date, year: int) -> date:
    try:
        return one.replace(year=year)
    except ValueError:  # a 29th of February
        return one.replace(year=year, day=28)


def period_of(every: str, day: date) -> Period:
    """The period that holds a day. Weeks begin on Monday."""
    if every == WEEK:
        since = day - timedelta(days=day.weekday())
        return Period(since, since + timedelta(days=7))
    months = _MONTHS[every]
    first = (day.month - 1) // months * months
    since = date(day.year, first + 1, 1)
    over = first + months
    return Period(since, date(day.year + over // 12, over % 12 + 1, 1))


def period_before(every: str, day: date) -> Period:
    """The one before the period that holds the day."""
    return period_of(every, period_of(every, day).since - timedelta(days=1))


class Standing(NamedTuple):
    """How an inspection of one subject stands on a day. `due`: by when; `overdue`: since when."""

    due: date
    is_done: bool
    overdue: date | None


def standing(every: str, today: date, known_since: date, done: Iterable[date]) -> Standing:
    """By the days on which it was done. What was not there yet when a period began has time."""
    days = tuple(done)
    now, before = period_of(every, today), period_before(every, today)
    is_done = any(now.since <= day < now.until for day in days)
    kept = is_done or any(before.since <= day < before.until for day in days)
    missed = not kept and known_since <= before.since
    return Standing(now.last, is_done, before.until if missed else None)
