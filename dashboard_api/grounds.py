"""Use of the machines by hour of the day, and what is usual: rows of the time series go in.

An hour in which a counter may have been dead is unknown (None), never zero: nothing came from it
for longer than it is expected to be silent, or its gateway was gone. What a running total grew by
over such a gap belongs to no hour. Pure: no clock, no store.

A usual day is the median over days of the same kind (workday or day off) of the uses of all
counters, hour by hour. A counter that was unknown in an hour of a past day counts there with its
own mean of that hour; an hour of which too many counters are unknown is left out of the median.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from itertools import groupby, pairwise
from statistics import fmean, median
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hub.series import Row

HOURS = 24
HOUR_MS = 3_600_000
QUARTER_MS = 900_000  # for zones whose hours do not begin with those of UTC

Table = Mapping[tuple[date, int], float | None]  # day and hour by the site's clocks → uses
Hours = tuple[float | None, ...]  # one figure for each of the 24 hours; None: unknown


class Usual(NamedTuple):
    """A usual day: uses of all counters by hour, over how many days, and each counter's own mean.

    `hours` and the values of `own` have 24 figures; None: no past day tells.
    """

    hours: Hours
    days: int
    own: Mapping[str, Hours]


class HourUse(NamedTuple):
    """An hour of today. `uses`: of the counters that are known; None: of none, or not yet.

    `unknown` counters may have been used too: `missing` is what they are usually used.
    """

    hour: int
    uses: float | None
    unknown: int
    missing: float
    usual: float | None


class MachineUse(NamedTuple):
    """How often one machine was used; `at_least`: some of its hours are unknown; None: all."""

    device: str
    uses: float | None
    at_least: bool


def window_ms(zone: ZoneInfo, at_ms: int) -> int:
    """How long windows of the time series may be, so that each lies within one of the site's hours.

    Windows are aligned to UTC; India's hours begin at half past UTC's, Nepal's a quarter later.
    """
    offset = datetime.fromtimestamp(at_ms / 1_000, zone).utcoffset()
    whole = offset is not None and offset.total_seconds() * 1_000 % HOUR_MS == 0
    return HOUR_MS if whole else QUARTER_MS


# -- one counter ----------------------------------------------------------------------------------


def uses_in_windows(
    rows: Iterable[Row],
    span: tuple[int, int],
    every_ms: int,
    silence_ms: int,
    *,
    gone: bool = False,
) -> dict[int, float | None]:
    """Uses in each window that begins in `span` (from, to; milliseconds), by where it begins.

    `rows`: one counter's windows of `every_ms`, of all its points, in the order of time, and from
    before the span too: a total needs one to grow from. `to` is now or the past. `gone`: it is
    known that nothing can come any more, so after its last word nothing is known.
    """
    from_ms, to_ms = span
    by_window = {at_ms: list(some) for at_ms, some in groupby(rows, key=lambda row: row.at_ms)}
    gaps = _gaps(list(by_window), to_ms, every_ms, 0 if gone else silence_ms, silence_ms)
    grown = _grown(by_window, gaps)
    first_ms = from_ms - from_ms % every_ms
    return {
        at_ms: None if _in_gap(at_ms, gaps) else grown.get(at_ms, 0.0)
        for at_ms in range(first_ms, to_ms, every_ms)
    }


def _gaps(
    heard: Sequence[int], to_ms: int, every_ms: int, last_ms: int, silence_ms: int
) -> list[tuple[int, float]]:
    """Spans [from, to) in which it may have been dead; before its first word it is unknown."""
    if not heard:
        return [(-(2**62), float("inf"))]
    gaps: list[tuple[int, float]] = [(-(2**62), heard[0])]
    for before, after in pairwise(heard):
        if after - before - every_ms > silence_ms:
            gaps.append((before + every_ms, after))
    if to_ms - heard[-1] - every_ms > last_ms:
        gaps.append((heard[-1] + every_ms, float("inf")))
    return gaps


def _in_gap(at_ms: int, gaps: Iterable[tuple[int, float]]) -> bool:
    return any(begin <= at_ms < end for begin, end in gaps)


def _grown(
    by_window: Mapping[int, Sequence[Row]], gaps: Sequence[tuple[int, float]]
) -> dict[int, float]:
    """What each window adds: growth of the running total since the last one, or repetitions.

    Repetitions count only where no total stands beside them: the hub puts a total of its own behind
    every one (`hub/counters.py`).
    """
    found: dict[int, float] = {}
    before: Row | None = None
    has_total = any(row.point == "uses" for rows in by_window.values() for row in rows)
    for at_ms, rows in by_window.items():
        for row in rows:
            if row.point == "rep" and not has_total:
                mean = row.mean if row.mean is not None else _number(row.value)
                found[at_ms] = found.get(at_ms, 0.0) + mean * row.count
            elif row.point == "uses":
                grown = _growth_since(before, row, gaps)
                found[at_ms] = found.get(at_ms, 0.0) + grown
                before = row
    return found


def _growth_since(before: Row | None, row: Row, gaps: Iterable[tuple[int, float]]) -> float:
    """Over a gap it is not known when it grew: then only what the window itself shows."""
    if before is None or any(before.at_ms < end <= row.at_ms for _, end in gaps):
        return _growth_within(row)
    return _growth(before, row)


def _number(value: bool | float | str) -> float:
    return value if isinstance(value, float) else 0.0


def _growth(before: Row, after: Row) -> float:
    """After a reset the new value counts from zero."""
    was, now = _number(before.value), _number(after.value)
    return now - was if now >= was else now


def _growth_within(first: Row) -> float:
    return 0.0 if first.min is None else max(0.0, _number(first.value) - first.min)


def by_hour(
    windows: Mapping[int, float | None], zone: ZoneInfo
) -> dict[tuple[date, int], float | None]:
    """The same by day and hour of the site's clocks; unknown if any part of the hour is.

    An hour that a change of the clocks repeats holds both; one that it leaves out is not there.
    """
    found: dict[tuple[date, int], float | None] = {}
    for at_ms, uses in windows.items():
        local = datetime.fromtimestamp(at_ms / 1_000, zone)
        key = local.date(), local.hour
        so_far = found.get(key, 0.0)
        found[key] = None if uses is None or so_far is None else so_far + uses
    return found


# -- all counters ---------------------------------------------------------------------------------


def usual_day(tables: Mapping[str, Table], days: Collection[date], known_share: float) -> Usual:
    """What is usual on such days, from each counter's past; see the module.

    `known_share`: an hour of a day counts when so large a part of all counters is known then.
    """
    own = {device: _own_mean(table, days) for device, table in tables.items()}
    least = known_share * len(tables)
    totals: list[list[float]] = [[] for _ in range(HOURS)]
    counted: set[date] = set()
    for day in days:
        for hour in range(HOURS):
            known = sum(table.get((day, hour)) is not None for table in tables.values())
            if known and known >= least:
                totals[hour].append(_total(tables, own, day, hour))
                counted.add(day)
    hours = tuple(median(some) if some else None for some in totals)
    return Usual(hours, len(counted), own)


def _own_mean(table: Table, days: Iterable[date]) -> Hours:
    found: list[float | None] = []
    for hour in range(HOURS):
        known = [uses for day in days if (uses := table.get((day, hour))) is not None]
        found.append(fmean(known) if known else None)
    return tuple(found)


def _total(tables: Mapping[str, Table], own: Mapping[str, Hours], day: date, hour: int) -> float:
    said = ((table.get((day, hour)), own[device][hour]) for device, table in tables.items())
    return sum((uses if uses is not None else mean or 0.0) for uses, mean in said)


def hours_of_day(
    tables: Mapping[str, Table], day: date, until_hour: int, usual: Usual | None
) -> list[HourUse]:
    """The 24 hours of a day of which `until_hour` is the last that has begun."""
    return [_hour_use(tables, day, hour, until_hour, usual) for hour in range(HOURS)]


def _hour_use(
    tables: Mapping[str, Table], day: date, hour: int, until_hour: int, usual: Usual | None
) -> HourUse:
    expected = None if usual is None else usual.hours[hour]
    said = {device: table.get((day, hour), 0.0) for device, table in tables.items()}
    known = [uses for uses in said.values() if uses is not None]
    dead = [device for device, uses in said.items() if uses is None]
    if hour > until_hour:
        return HourUse(hour, None, 0, 0.0, expected)
    means = {} if usual is None else usual.own
    missing = sum(means[device][hour] or 0.0 for device in dead if device in means)
    return HourUse(hour, sum(known) if known else None, len(dead), missing, expected)


def machines_of_day(tables: Mapping[str, Table], day: date, until_hour: int) -> list[MachineUse]:
    """Every machine's uses of a day so far, the most used first, unknown ones last."""
    found = []
    for device, table in tables.items():
        hours = [table.get((day, hour), 0.0) for hour in range(until_hour + 1)]
        known = [uses for uses in hours if uses is not None]
        found.append(MachineUse(device, sum(known) if known else None, len(known) < len(hours)))
    return sorted(found, key=lambda one: (one.uses is None, -(one.uses or 0.0), one.device))
