"""Use of machines, or of doors, over a period: by hour, day, month, group and device.

Pure: counted hours go in (`report_series.History`), rows of tables come out; pages, CSV and API
show the same rows. A figure is a `Figure`: a sum, and whether it is all.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from dashboard_api import hours_of_use
from dashboard_api.hours_of_use import KNOWN, NOTHING, Compared, Day, Figure, Tally, Typical, Unit
from dashboard_api.report_series import History
from hub.settings import Settings

HOURS = range(24)
UNUSED, USED, QUIET, UNSURE = "unused", "used", "quiet", "unsure"


class Wants(NamedTuple):
    """What is asked for before something is said; all from the settings."""

    days_min: int
    known_percent: float
    unused_uses: int
    known_hours_min: int

    @classmethod
    def of(cls, settings: Settings) -> "Wants":
        """As the settings say."""
        return cls(
            settings.usual_days_min,
            settings.usual_known_percent,
            settings.unused_uses,
            settings.use_known_hours_min,
        )


class HourRow(NamedTuple):
    """An hour of the clock. `figure`: all of it in the period; per kind of day (workday?) the
    median of the period's days and of a usual day."""

    hour: int
    figure: Figure
    now: Mapping[bool, Typical]
    usual: Mapping[bool, Typical]


class DayRow(NamedTuple):
    """A day, or a month by its name; `workday` is None for a month.

    `usual` is what is usual on its days that are over; None: of no group is anything usual.
    """

    name: str
    figure: Figure
    compared: Compared
    usual: float | None = None
    workday: bool | None = None
    whole: bool = True


class PartRow(NamedTuple):
    """A group or a device. `per_day`: how often it was used a day on the average, by the hours
    that are known.

    `state`: `used`; `unused`; `quiet`, which is unused in so short a time that it says nothing; or
    `unsure`, where too little is known. `last_day`: the newest day of the period with a use.
    """

    id: str
    figure: Figure
    compared: Compared
    per_day: float | None
    state: str
    last_day: str | None


@dataclass(frozen=True, slots=True)
class UseReport:
    """All tables. `kinds`: which kinds of day (workday?) the period has; `uncompared`: groups of
    which no usual day can be made."""

    total: Figure
    compared: Compared
    hours: list[HourRow]
    days: list[DayRow]
    months: list[DayRow]
    groups: list[PartRow]
    devices: list[PartRow]
    kinds: list[bool]
    uncompared: list[str]
    counted_ms: int


class Cell(NamedTuple):
    """One hour of one device, for the longest table of all."""

    day: str
    hour: int
    device: str
    uses: int
    known: bool


def use_report(history: History, groups: Mapping[str, Sequence[str]], wants: Wants) -> UseReport:
    """The tables of these devices; `groups` holds them by ground or house."""
    parts = {name: _Part.of(history, ids, wants) for name, ids in groups.items()}
    single = {one: _Part.of(history, [one], wants) for ids in groups.values() for one in ids}
    days = history.period_days
    return UseReport(
        total=sum((part.figure(days) for part in parts.values()), NOTHING),
        compared=_sum(part.compared(days) for part in parts.values()),
        hours=_hour_rows(history, list(parts.values()), wants),
        days=[_day_row(day, parts.values()) for day in days],
        months=_month_rows(days, parts.values()),
        groups=[part.row(name, history, wants) for name, part in parts.items()],
        devices=[part.row(name, history, wants) for name, part in single.items()],
        kinds=sorted({day.workday for day in days}, reverse=True),
        uncompared=[name for name, part in parts.items() if not part.usual],
        counted_ms=history.counted_ms,
    )


def cells(history: History, devices: Iterable[str]) -> Iterable[Cell]:
    """Every hour of every device in which it was in service; growth in no hour is in none."""
    for device in devices:
        tally = history.tallies[device]
        for at in range(history.first, history.last):
            state = tally.state[at]
            if state != hours_of_use.ABSENT:
                hour = history.hours[at]
                known = state == KNOWN
                yield Cell(hour.day, hour.hour, device, tally.uses[at], known)


@dataclass(frozen=True, slots=True)
class _Part:
    """A group of devices with what is usual for it; `comparable`: those that make the usual."""

    unit: Unit
    comparable: Unit
    usual: Mapping[bool, Typical]

    @classmethod
    def of(cls, history: History, ids: Sequence[str], wants: Wants) -> "_Part":
        unit = Unit(tuple(history.tallies[one] for one in ids))
        before = history.usual_days
        comparable = unit.counted(before, wants.known_percent)
        return cls(unit, comparable, hours_of_use.usual_day(comparable, before, wants.days_min))

    def figure(self, days: Sequence[Day]) -> Figure:
        """Of whole days in a row, so that what happened in no known hour of them counts too."""
        return self.unit.figure(days[0].first, days[-1].last) if days else NOTHING

    def compared(self, days: Iterable[Day]) -> Compared:
        return hours_of_use.compare(self.comparable, days, self.usual)

    def row(self, name: str, history: History, wants: Wants) -> PartRow:
        days = history.period_days
        figure = self.figure(days)
        return PartRow(
            name,
            figure,
            self.compared(days),
            self._per_day(history, wants),
            _state(figure, wants),
            _last_day(self.unit.tallies, history),
        )

    def _per_day(self, history: History, wants: Wants) -> float | None:
        """The sum of its devices' own rates; of those of which nothing is known it has none."""
        span = slice(history.first, history.last)
        known = [(sum(one.uses[span]), one.state[span].count(KNOWN)) for one in self.unit.tallies]
        rates = [24 * uses / hours for uses, hours in known if hours >= wants.known_hours_min]
        return sum(rates) if rates else None


def _state(figure: Figure, wants: Wants) -> str:
    if figure.uses > wants.unused_uses:
        return USED
    if not figure.hours or 100 * figure.known_hours < wants.known_percent * figure.hours:
        return UNSURE
    return UNUSED if figure.known_hours >= wants.known_hours_min else QUIET


def _last_day(tallies: Iterable[Tally], history: History) -> str | None:
    used = [
        max((at for at in range(history.first, history.last) if one.uses[at]), default=-1)
        for one in tallies
    ]
    newest = max(used, default=-1)
    return None if newest < 0 else history.hours[newest].day


def _sum(found: Iterable[Compared]) -> Compared:
    """Of several groups; `days` are those of the one with the most."""
    uses, usual, days = 0, 0.0, 0
    for one in found:
        uses, usual, days = uses + one.uses, usual + one.usual, max(days, one.days)
    return Compared(uses, usual, days)


def _hour_rows(history: History, parts: Sequence[_Part], wants: Wants) -> list[HourRow]:
    units = [part.comparable if part.comparable.tallies else part.unit for part in parts]
    now = typical_hours(units, history, history.period_days, 1)
    comparable = [part.comparable for part in parts]
    usual = typical_hours(comparable, history, history.usual_days, wants.days_min)
    figures = _by_hour(history, (tally for part in parts for tally in part.unit.tallies))
    return [
        HourRow(hour, figures[hour], _of_hour(now, hour), _of_hour(usual, hour)) for hour in HOURS
    ]


def _by_hour(history: History, tallies: Iterable[Tally]) -> list[Figure]:
    """The whole period by hour of the clock; growth in no hour is in none of them."""
    uses, known, there = [0] * 24, [0] * 24, [0] * 24
    clock = [hour.hour for hour in history.hours]
    for one in tallies:
        for at in range(history.first, history.last):
            hour, state = clock[at], one.state[at]
            uses[hour] += one.uses[at]
            known[hour] += state == KNOWN
            there[hour] += state != hours_of_use.ABSENT
    return [Figure(*found) for found in zip(uses, known, there, strict=True)]


def typical_hours(
    units: Iterable[Unit], history: History, days: Sequence[Day], days_min: int
) -> dict[tuple[bool, int], Typical]:
    """By kind of day (workday?) and hour of the clock: what is usual for all units together."""
    return hours_of_use.together(
        hours_of_use.usual_hours(unit, history.hours, days, days_min) for unit in units
    )


def _of_hour(typical: Mapping[tuple[bool, int], Typical], hour: int) -> dict[bool, Typical]:
    return {kind: one for (kind, its), one in typical.items() if its == hour}


def _day_row(day: Day, parts: Iterable[_Part]) -> DayRow:
    some = list(parts)
    figure = sum((part.figure([day]) for part in some), NOTHING)
    compared = _sum(part.compared([day]) for part in some)
    return DayRow(day.name, figure, compared, _usual([day], some), day.workday, day.whole)


def _usual(days: Iterable[Day], parts: Sequence[_Part]) -> float | None:
    found = [
        part.usual[day.workday].uses
        for day in days
        for part in parts
        if day.whole and day.workday in part.usual
    ]
    return sum(found) if found else None


def _month_rows(days: Sequence[Day], parts: Iterable[_Part]) -> list[DayRow]:
    some, found = list(parts), []
    for name, its in groupby(days, key=_month):
        of_month = list(its)
        figure = sum((part.figure(of_month) for part in some), NOTHING)
        compared = _sum(part.compared(of_month) for part in some)
        usual = _usual(of_month, some)
        found.append(DayRow(name, figure, compared, usual, whole=of_month[-1].whole))
    return found


def _month(day: Day) -> str:
    return day.name[:7]
