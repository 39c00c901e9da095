"""How often the machines were used today, hour by hour, against a usual day.

The time series is asked in the background, one counter after the other, at most once every
`usage_every_s`: a page waits for it no longer than `usage_wait_s` and shows what is known until
then, with its age. Each counter's past is read once a day.
"""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy.engine import Engine

from dashboard_api import grounds, queries
from dashboard_api.grounds import HourUse, MachineUse, Table, Usual
from dashboard_api.topology import explained_by, gone_since
from hub.clock import Clock
from hub.devices import expected_silence_s
from hub.series import Row, Series, Unavailable
from hub.settings import Settings
from hub.site import Site

log = logging.getLogger(__name__)

LEAD_MS_MAX = 7 * 86_400_000
WINDOWS_AT_ONCE = 168  # with every point that there is, still fewer than `series_rows_max` rows


class Counter(NamedTuple):
    """A machine's counter as the register knows it. `gone`: what carries its words is away."""

    id: str
    silence_ms: int
    gone: bool


@dataclass(frozen=True, slots=True)
class Today:
    """The use of all machines as it was counted at `at_ms`.

    `total` is what is known of today, `at_least`: there are hours that are not; `unknown` counters
    cannot be known now. `usual_days`: days that the usual day rests on; `usual_so_far`: what is
    usual up to now, None: not known (yet).
    """

    at_ms: int
    total: float
    at_least: bool
    counters: int
    unknown: int
    hours: tuple[HourUse, ...]
    machines: tuple[MachineUse, ...]
    usual_days: int
    usual_so_far: float | None


class Usage:
    """Counts when it is asked and the last count is old; keeps each counter's past for a day."""

    def __init__(
        self, engine: Engine, series: Series, clock: Clock, settings: Settings, site: Site
    ) -> None:
        self._engine = engine
        self._series = series
        self._clock = clock
        self._settings = settings
        self._site = site
        self._past: dict[str, tuple[date, Table]] = {}  # up to which day, and its hours
        self._counted_s: float | None = None
        self._counting: asyncio.Task[None] | None = None
        self._today: Today | None = None

    async def today(self) -> Today | None:
        """The newest count; None: there is none, or the time series cannot be asked."""
        if self._counting is None or self._counting.done():
            now_s = self._clock.monotonic_s()
            if self._counted_s is None or now_s - self._counted_s >= self._settings.usage_every_s:
                self._counted_s = now_s
                self._counting = asyncio.create_task(self._count(), name="count uses")
        if self._counting is not None:
            await asyncio.wait([self._counting], timeout=self._settings.usage_wait_s)
        return self._today

    async def close(self) -> None:
        """End a count that still runs."""
        if self._counting is not None:
            self._counting.cancel()
            with suppress(asyncio.CancelledError):
                await self._counting

    async def _count(self) -> None:
        now_ms = self._clock.now_ms()
        try:
            counters = await asyncio.to_thread(self._counters, now_ms)
            now = datetime.fromtimestamp(now_ms / 1_000, self._site.zone)
            tables = {one.id: await self._table(one, _midnight_ms(now), now_ms) for one in counters}
            self._today = self._figures(tables, now, now_ms)
            if await self._renew_past(counters, now.date()):
                self._today = self._figures(tables, now, now_ms)
        except Unavailable as outage:
            log.warning("today's use of the machines cannot be counted: %s", outage)
            self._today = None  # shown as unknown; the archive's own health says why

    def _counters(self, now_ms: int) -> list[Counter]:
        with self._engine.connect() as connection:
            gone = gone_since(connection)
            rows = queries.find_devices(connection, family="counter")
        return [_counter(row, gone, now_ms) for row in rows]

    async def _renew_past(self, counters: list[Counter], day: date) -> bool:
        """Read what is not of today yet; was there any?"""
        due = [one for one in counters if self._past.get(one.id, (None,))[0] != day]
        for one in due:
            self._past[one.id] = day, await self._past_table(one, day)
        for device in self._past.keys() - {one.id for one in counters}:
            del self._past[device]
        return bool(due)

    async def _past_table(self, counter: Counter, day: date) -> Table:
        begin = day - timedelta(days=self._settings.usual_days)
        zone = self._site.zone
        awake = counter._replace(gone=False)
        return await self._table(awake, _moment_ms(begin, zone), _moment_ms(day, zone))

    async def _table(self, counter: Counter, from_ms: int, to_ms: int) -> Table:
        """Its uses by hour; what came before is looked at for so long as it may be silent."""
        every_ms = grounds.window_ms(self._site.zone, from_ms)
        lead_ms = min(counter.silence_ms, LEAD_MS_MAX) + every_ms
        at_once_ms = WINDOWS_AT_ONCE * every_ms
        rows: list[Row] = []
        for begin_ms in range(from_ms - lead_ms, to_ms, at_once_ms):
            end_ms = min(begin_ms + at_once_ms, to_ms)
            rows += await self._series.readings(counter.id, begin_ms, end_ms, every_ms)
        windows = grounds.uses_in_windows(
            rows, (from_ms, to_ms), every_ms, counter.silence_ms, gone=counter.gone
        )
        return grounds.by_hour(windows, self._site.zone)

    def _figures(self, tables: Mapping[str, Table], now: datetime, now_ms: int) -> Today:
        day, hour = now.date(), now.hour
        usual = self._usual(day, now_ms) if tables.keys() <= self._past.keys() else None
        hours = grounds.hours_of_day(tables, day, hour, usual)
        return Today(
            at_ms=now_ms,
            total=sum(one.uses or 0.0 for one in hours),
            at_least=any(one.unknown for one in hours),
            counters=len(tables),
            unknown=sum(table.get((day, hour)) is None for table in tables.values()),
            hours=tuple(hours),
            machines=tuple(grounds.machines_of_day(tables, day, hour)),
            usual_days=0 if usual is None else usual.days,
            usual_so_far=None if usual is None else _so_far(usual, now),
        )

    def _usual(self, day: date, now_ms: int) -> Usual | None:
        """None: too few days of this kind are known."""
        calendar = self._site.calendar(now_ms)
        workday = calendar.is_workday(day)
        before = (day - timedelta(days=back) for back in range(1, self._settings.usual_days + 1))
        days = [one for one in before if calendar.is_workday(one) is workday]
        past = {device: table for device, (_, table) in self._past.items()}
        usual = grounds.usual_day(past, days, self._settings.usual_known_percent / 100)
        return usual if usual.days >= self._settings.usual_days_min else None


def _counter(row: queries.Row, gone: Mapping[str, int], now_ms: int) -> Counter:
    silence_s = expected_silence_s(row["expected_silence_s"], row["driver"], row["learned_s"])
    silent = row["heard_ms"] is None or now_ms - row["heard_ms"] > silence_s * 1_000
    return Counter(row["id"], silence_s * 1_000, silent or explained_by(row, gone) is not None)


def _midnight_ms(now: datetime) -> int:
    return int(now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp() * 1_000)


def _moment_ms(day: date, zone: ZoneInfo) -> int:
    return int(datetime.combine(day, time(), zone).timestamp() * 1_000)


def _so_far(usual: Usual, now: datetime) -> float:
    """What is usual up to now, of the present hour the part that has passed."""
    whole = sum(uses or 0.0 for uses in usual.hours[: now.hour])
    return whole + now.minute / 60 * (usual.hours[now.hour] or 0.0)
