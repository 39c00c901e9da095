"""Local days: which hour of which day of the site's clock a moment falls into.

An hour that a clock change leaves out has no length and no moment falls into it; an hour that
comes twice is one hour of twice the length.
"""

from bisect import bisect_right
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from rules.calendar import PLAIN, Calendar

HOURS = 24
DAYS_KEPT_MAX = 512  # days whose hours are worked out and remembered, for all devices together


class Hour(NamedTuple):
    """One hour of one day; `day` counts as `date.toordinal` does. The end is not in it."""

    day: int
    hour: int
    begin_ms: int
    end_ms: int


class LocalDays:
    """Days of a zone and a calendar. Shared by all that ask."""

    def __init__(self, zone: ZoneInfo, calendar: Calendar = PLAIN) -> None:
        self._zone = zone
        self._calendar = calendar
        self._edges: dict[int, tuple[int, ...]] = {}

    def hour_at(self, at_ms: int) -> Hour:
        """The hour that holds the moment."""
        day = datetime.fromtimestamp(at_ms / 1_000, self._zone).toordinal()
        edges = self._edges_of(day)
        if at_ms < edges[0]:  # a clock set back over midnight
            day, edges = day - 1, self._edges_of(day - 1)
        elif at_ms >= edges[HOURS]:
            day, edges = day + 1, self._edges_of(day + 1)
        hour = bisect_right(edges, at_ms) - 1
        return Hour(day, hour, edges[hour], edges[hour + 1])

    def end_of(self, day: int, hour: int) -> int:
        """When that hour is over."""
        return self._edges_of(day)[hour + 1]

    def is_workday(self, day: int) -> bool:
        """By the calendar."""
        return self._calendar.is_workday(date.fromordinal(day))

    def _edges_of(self, day: int) -> tuple[int, ...]:
        found = self._edges.get(day)
        if found is None:
            if len(self._edges) >= DAYS_KEPT_MAX:
                self._edges.clear()
            midnight = date.fromordinal(day)
            edges = [self._moment_ms(midnight, hour) for hour in range(HOURS)]
            edges.append(self._moment_ms(midnight + timedelta(days=1), 0))
            found = self._edges[day] = tuple(edges)
        return found

    def _moment_ms(self, day: date, hour: int) -> int:
        local = datetime.combine(day, time(hour), self._zone)
        return round(local.timestamp() * 1_000)


PLAIN_DAYS = LocalDays(ZoneInfo("UTC"))
