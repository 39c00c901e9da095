"""`during`: the spans of time in which a rule holds, in the site's zone, over clock changes.

A span begins at `from` of a day that fits and ends at `to`, on the next day where `to` is not
later than `from`. Spans that touch are one. A clock change moves an edge that does not exist to
the moment that it would have been; an hour that comes twice is entered the first time only.
"""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from rules.calendar import Calendar

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_KINDS = (*WEEKDAYS, "workday", "holiday")
DAYS_AHEAD = 45  # spans are worked out for so many days at a time
DAYS_AHEAD_MAX = 750  # no span within two years: there is none


@dataclass(frozen=True, slots=True)
class During:
    """Minutes of the day; both None: whole days. An empty `days`: every day."""

    from_minute: int | None = None
    to_minute: int | None = None
    days: tuple[str, ...] = ()


class Hours:
    """`during` in a zone and with a calendar."""

    def __init__(self, during: During, zone: ZoneInfo, calendar: Calendar) -> None:
        self._during = during
        self._zone = zone
        self._calendar = calendar
        self._edges: list[int] = []  # begin, end, begin, end, …
        self._from_ms = self._to_ms = 0  # for which time the edges are worked out

    def inside(self, at_ms: int) -> bool:
        """Is that moment in a span? The begin is, the end is not."""
        self._look(at_ms)
        return bisect_right(self._edges, at_ms) % 2 == 1

    def next_edge_ms(self, at_ms: int) -> int | None:
        """The next begin or end after that moment; None if there is none within two years."""
        for days in range(0, DAYS_AHEAD_MAX, DAYS_AHEAD - 5):
            self._look(at_ms + days * 86_400_000)
            index = bisect_right(self._edges, at_ms)
            if index < len(self._edges):
                return self._edges[index]
        return None

    def _look(self, at_ms: int) -> None:
        if self._from_ms <= at_ms < self._to_ms:
            return
        today = datetime.fromtimestamp(at_ms / 1_000, self._zone).date()
        first = today - timedelta(days=2)
        self._edges = self._work_out(first, DAYS_AHEAD + 4)
        self._from_ms = _moment_ms(today, 0, self._zone)
        self._to_ms = _moment_ms(today + timedelta(days=DAYS_AHEAD), 0, self._zone)

    def _work_out(self, first: date, count: int) -> list[int]:
        edges: list[int] = []
        for day in (first + timedelta(days=n) for n in range(count)):
            if not self._fits(day):
                continue
            begin, end = self._span(day)
            if edges and begin <= edges[-1]:
                edges[-1] = max(edges[-1], end)
            elif begin < end:
                edges += [begin, end]
        return edges

    def _span(self, day: date) -> tuple[int, int]:
        from_minute = self._during.from_minute or 0
        to_minute = self._during.to_minute if self._during.to_minute is not None else 1_440
        end_day = day if to_minute > from_minute else day + timedelta(days=1)
        return (
            _moment_ms(day, from_minute, self._zone),
            _moment_ms(end_day, to_minute, self._zone),
        )

    def _fits(self, day: date) -> bool:
        wanted = self._during.days
        if not wanted:
            return True
        kind = "workday" if self._calendar.is_workday(day) else "holiday"
        return WEEKDAYS[day.weekday()] in wanted or kind in wanted


def _moment_ms(day: date, minute: int, zone: ZoneInfo) -> int:
    if minute == 1_440:
        day, minute = day + timedelta(days=1), 0
    local = datetime.combine(day, time(minute // 60, minute % 60), zone)
    return round(local.timestamp() * 1_000)
