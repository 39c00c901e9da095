"""Hours of machines and doors out of the time series, whichever store holds it; kept for a while.

Few questions are asked of each device: its totals by the hour, what else it said where it was
silent at these, and single hours where only minutes tell whether a silence was too long.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple
from weakref import WeakValueDictionary
from zoneinfo import ZoneInfo

from dashboard_api import hours_of_use
from dashboard_api.hours_of_use import Day, Gap, Hour, Silence, Tally, Window
from dashboard_api.report_period import Period
from device_drivers.points import POINTS
from hub.clock import Clock
from hub.journal import DAY_MS
from hub.series import WINDOW_MS_MAX, Row, Series
from hub.settings import Settings
from hub.site import Site
from hub.site_days import day_at, day_named

USES = tuple(name for name in POINTS if name.partition("_")[0] == "uses")
CONTACT = ("contact",)
# Not a device's own words at this moment: its will, and what the hub says of it.
NO_LIFE = frozenset(("online", "signal_worse", "ghost"))
_GAPS_APART_MAX = 4  # more silences than that are looked into by one question


Asked = tuple[object, ...]  # what is counted, of which period, of which devices


class Source(NamedTuple):
    """A device that is counted. `gone`: when what carries it was gone."""

    device: str
    expected_ms: int
    since_ms: int = 0
    gone: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """Counted hours, from so long before the period that a usual day can be made of them.

    The period's hours are [first, last) by number, those before it [begin, first). `days` are all
    of them; `counted_ms`: up to when is known.
    """

    hours: Sequence[Hour]
    begin: int
    first: int
    last: int
    days: Sequence[Day]
    tallies: dict[str, Tally]
    counted_ms: int

    @property
    def period_days(self) -> list[Day]:
        """Days of the period; the last one may not be over."""
        return [day for day in self.days if self.first <= day.first < self.last]

    @property
    def usual_days(self) -> list[Day]:
        """Days before it."""
        return [day for day in self.days if self.begin <= day.first < self.first]


class Histories:
    """Counts, and remembers for `report_cache_s` what was counted; the same is counted once."""

    def __init__(self, series: Series, clock: Clock, settings: Settings, site: Site) -> None:
        self._series = series
        self._clock = clock
        self._settings = settings
        self._site = site
        self._counting: WeakValueDictionary[Asked, asyncio.Lock] = WeakValueDictionary()
        self._kept: OrderedDict[Asked, tuple[float, History]] = OrderedDict()

    async def uses(self, sources: Sequence[Source], period: Period) -> History:
        """Uses of machines. Raises `Unavailable`."""
        return await self._history("uses", sources, period, self._machine)

    async def uses_now(self, sources: Sequence[Source], period: Period) -> History:
        """The same counted anew, without the days before the period. Raises `Unavailable`."""
        return await self._make(sources, period, self._machine, usual_days=0)

    async def openings(self, sources: Sequence[Source], period: Period) -> History:
        """Openings of doors. Raises `Unavailable`."""
        return await self._history("openings", sources, period, self._door)

    async def _history(
        self, what: str, sources: Sequence[Source], period: Period, count: "_Count"
    ) -> History:
        asked = (what, period.from_ms, period.to_ms, tuple(sources))
        async with self._counting.setdefault(asked, asyncio.Lock()):
            now_s = self._clock.monotonic_s()
            at_s, known = self._kept.get(asked, (0.0, None))
            if known is not None and now_s - at_s < self._settings.report_cache_s:
                return known
            found = await self._make(sources, period, count, self._settings.usual_days)
            self._kept[asked] = now_s, found
            self._kept.move_to_end(asked)
            while len(self._kept) > self._settings.report_periods_cached_max:
                self._kept.popitem(last=False)
            return found

    async def _make(
        self, sources: Sequence[Source], period: Period, count: "_Count", usual_days: int
    ) -> History:
        now_ms, zone, settings = self._clock.now_ms(), self._site.zone, self._settings
        longest_ms = max((one.expected_ms for one in sources), default=0)
        more_ms = (longest_ms // DAY_MS + 2) * DAY_MS  # a silence shows itself outside
        begin = period.first - timedelta(days=usual_days)
        begin_ms = day_named(begin.isoformat(), zone).from_ms
        hours = hours_of_use.hours_between(
            _midnight(begin_ms - more_ms, zone), min(now_ms, period.to_ms + more_ms), zone
        )
        grain = hours_of_use.grain_ms(hours[0].from_ms, hours[-1].to_ms, zone)
        look = _Look(hours, grain, _first_since(hours, period.from_ms))
        at_once = asyncio.Semaphore(settings.report_queries_max)

        async def one(source: Source) -> Tally:
            async with at_once:
                return await count(source, look)

        counted = await asyncio.gather(*map(one, sources))
        calendar = self._site.calendar(now_ms)
        return History(
            hours=hours,
            begin=_first_since(hours, begin_ms),
            first=look.first,
            last=_first_since(hours, period.to_ms),
            days=hours_of_use.days_of(hours, calendar.is_workday, zone),
            tallies={one.device: its for one, its in zip(sources, counted, strict=True)},
            counted_ms=now_ms,
        )

    # -- machines --------------------------------------------------------------------------------

    async def _machine(self, source: Source, look: "_Look") -> Tally:
        rows = await self._rows(source.device, look.from_ms, look.to_ms, look.grain, USES)
        windows = _windows_of(rows, look.hours)
        heard = {window.hour for its in windows.values() for window in its}
        silence, words, longer = await self._silence(source, look, heard)
        before = await self._before(source, look, windows)
        return hours_of_use.tally(windows.values(), words, look.hours, silence, longer, before)

    async def _before(
        self, source: Source, look: "_Look", windows: dict[str, list[Window]]
    ) -> dict[int, float]:
        """Totals from before all hours, of those that were not told until the period began."""
        late = {
            place: point
            for place, (point, its) in enumerate(windows.items())
            if its and its[0].hour >= look.first
        }
        found = {}
        for place, point in late.items():
            rows = await self._rows(source.device, 0, look.from_ms, WINDOW_MS_MAX, (point,))
            if rows:
                found[place] = max(row.max for row in rows if row.max is not None)
        return found

    # -- doors -----------------------------------------------------------------------------------

    async def _door(self, source: Source, look: "_Look") -> Tally:
        rows = await self._rows(source.device, look.from_ms, look.to_ms, None, CONTACT)
        heard = {hours_of_use.hour_at(look.hours, row.at_ms) for row in rows}
        silence, words, longer = await self._silence(source, look, heard)
        state, _ = hours_of_use.states(words, look.hours, silence, longer)
        contacts = ((row.at_ms, row.value == "open") for row in rows)
        flutter_ms = round(self._settings.visit_flutter_s * 1_000)
        return Tally(hours_of_use.openings(contacts, look.hours, flutter_ms), state)

    # -- silence ---------------------------------------------------------------------------------

    async def _silence(
        self, source: Source, look: "_Look", heard: set[int]
    ) -> tuple[Silence, list[int], dict[tuple[int, int], bool]]:
        """Who tells no totals may say other things: these are asked for where it matters."""
        silence = Silence(source.expected_ms, source.since_ms, source.gone)
        silence = _in_service(silence, heard, look.hours)
        suspicious = [
            gap
            for gap in hours_of_use.gaps_of(sorted(heard), look.hours, silence.since_ms)
            if gap.most_ms > silence.expected_ms or _was_gone(gap, look.hours, silence)
        ]
        for first, last in _spans(suspicious):
            begin_ms, end_ms = look.hours[first].from_ms, look.hours[last].to_ms
            rows = await self._rows(source.device, begin_ms, end_ms, look.grain)
            heard |= {hours_of_use.hour_at(look.hours, row.at_ms) for row in _alive(rows)}
        silence = _in_service(silence, heard, look.hours)
        words = sorted(heard)
        gaps = hours_of_use.gaps_of(words, look.hours, silence.since_ms)
        longer = {}
        for gap in hours_of_use.doubtful(gaps, silence.expected_ms):
            lasted_ms = await self._exact_ms(source.device, gap, look, heard, silence)
            longer[gap.first, gap.last] = lasted_ms > silence.expected_ms
        return silence, words, longer

    async def _exact_ms(
        self, device: str, gap: Gap, look: "_Look", heard: set[int], silence: Silence
    ) -> int:
        begin_ms = max(look.from_ms, silence.since_ms)
        if gap.first in heard:
            begin_ms = max(await self._words(device, look.hours[gap.first]))
        end_ms = look.to_ms
        if gap.last in heard:
            end_ms = min(await self._words(device, look.hours[gap.last]))
        return end_ms - begin_ms

    async def _words(self, device: str, hour: Hour) -> list[int]:
        rows = await self._rows(device, hour.from_ms, hour.to_ms, None)
        return [row.at_ms for row in _alive(rows)]

    # -- the store -------------------------------------------------------------------------------

    async def _rows(
        self,
        device: str,
        from_ms: int,
        to_ms: int,
        every_ms: int | None,
        points: tuple[str, ...] | None = None,
    ) -> list[Row]:
        """All of them, however many answers that takes."""
        found: list[Row] = []
        while from_ms < to_ms:
            rows = await self._series.readings(device, from_ms, to_ms, every_ms, points)
            found += rows
            if len(rows) < self._settings.series_rows_max:
                break
            cut_ms = rows[-1].at_ms  # what belongs to that moment may be missing
            if cut_ms <= from_ms:
                break
            found, from_ms = [row for row in found if row.at_ms < cut_ms], cut_ms
        return found


class _Look(NamedTuple):
    """What is asked for of every device; `first` is the period's first hour."""

    hours: Sequence[Hour]
    grain: int
    first: int

    @property
    def from_ms(self) -> int:
        return self.hours[0].from_ms

    @property
    def to_ms(self) -> int:
        return self.hours[-1].to_ms


_Count = Callable[[Source, _Look], Awaitable[Tally]]


def _midnight(at_ms: int, zone: ZoneInfo) -> int:
    return day_at(max(0, at_ms), zone).from_ms


def _first_since(hours: Sequence[Hour], at_ms: int) -> int:
    """The number of the first hour that begins at that moment or later; all of them: none does."""
    return hours_of_use.hour_at(hours, at_ms - 1) + 1


def _windows_of(rows: Iterable[Row], hours: Sequence[Hour]) -> dict[str, list[Window]]:
    """Totals by point, those of the parts of an hour as one."""
    found: dict[str, list[Window]] = {}
    for row in rows:
        if row.min is None or row.max is None:
            continue
        its = found.setdefault(row.point, [])
        hour = hours_of_use.hour_at(hours, row.at_ms)
        if its and its[-1].hour == hour:
            its[-1] = Window(hour, min(its[-1].low, row.min), max(its[-1].high, row.max))
        else:
            its.append(Window(hour, row.min, row.max))
    return found


def _alive(rows: Iterable[Row]) -> Iterable[Row]:
    return (row for row in rows if row.point not in NO_LIFE)


def _in_service(silence: Silence, heard: set[int], hours: Sequence[Hour]) -> Silence:
    """A device that was heard before it was registered was there before."""
    first_ms = hours[min(heard)].from_ms if heard else silence.since_ms
    return silence._replace(since_ms=min(silence.since_ms, first_ms))


def _was_gone(gap: Gap, hours: Sequence[Hour], silence: Silence) -> bool:
    begin_ms, end_ms = hours[gap.quiet[0]].from_ms, hours[gap.quiet[-1]].to_ms
    return any(begin < end_ms and begin_ms < end for begin, end in silence.gone)


def _spans(gaps: Sequence[Gap]) -> list[tuple[int, int]]:
    """Hours [first, last] to be looked into."""
    if len(gaps) <= _GAPS_APART_MAX:
        return [(gap.quiet[0], gap.quiet[-1]) for gap in gaps]
    return [(gaps[0].quiet[0], gaps[-1].quiet[-1])]
