"""How often the machines were used today, counted beside the pages.

The time series is asked in the background, at most once every `usage_every_s`: a page waits for it
no longer than `usage_wait_s` and shows what is known until then, with its age. What is usual is
made anew when the hour of the clock is another.
"""

import asyncio
import logging
from contextlib import suppress
from typing import NamedTuple

from sqlalchemy.engine import Engine

from dashboard_api import queries
from dashboard_api.figures import is_alive
from dashboard_api.grounds import Today, Usual, today_of, usual_of
from dashboard_api.report_period import DAY, Asked, Period, read_period
from dashboard_api.report_series import Histories
from dashboard_api.report_sources import Sources, machines
from dashboard_api.report_use import Wants
from dashboard_api.rulebook import Rulebook
from dashboard_api.topology import explained_by, gone_since
from hub.clock import Clock
from hub.series import Unavailable
from hub.settings import Settings
from hub.site import Site
from hub.site_days import HOUR_MS

log = logging.getLogger(__name__)


class _Known(NamedTuple):
    """What is usual, of which hour of which machines."""

    of: tuple[int, tuple[str, ...]]
    usual: Usual


class Usage:
    """Counts when it is asked and the last count is old."""

    def __init__(
        self,
        engine: Engine,
        histories: Histories,
        clock: Clock,
        settings: Settings,
        site: Site,
        rulebook: Rulebook,
    ) -> None:
        self._engine = engine
        self._histories = histories
        self._clock = clock
        self._settings = settings
        self._site = site
        self._rulebook = rulebook
        self._usual: _Known | None = None
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
            sources, dead = await asyncio.to_thread(self._sources, now_ms)
            period = read_period(Asked(DAY), now_ms, self._site.zone, days_max=1)
            history = await self._histories.uses_now(sources.sources, period)
            of = now_ms // HOUR_MS, tuple(sources.devices)
            if self._usual is None or self._usual.of != of:
                before = None if self._usual is None else self._usual.usual
                self._today = today_of(history, dead, before)  # the past takes longer
                self._usual = _Known(of, await self._make_usual(sources, period))
            self._today = today_of(history, dead, self._usual.usual)
        except Unavailable as outage:
            log.warning("today's use of the machines cannot be counted: %s", outage)
            self._today = None  # shown as unknown; the archive's own health says why

    async def _make_usual(self, sources: Sources, period: Period) -> Usual:
        history = await self._histories.uses(sources.sources, period)
        wants, groups = Wants.of(self._settings), sources.groups.values()
        workday = self._site.calendar(period.from_ms).is_workday(period.first)
        return await asyncio.to_thread(usual_of, history, groups, wants, workday=workday)

    def _sources(self, now_ms: int) -> tuple[Sources, set[str]]:
        """The machines, and those of them that cannot be heard now."""
        with self._engine.connect() as connection:
            rules = self._rulebook.in_force(connection, now_ms).rule_set
            found = machines(connection, rules)
            gone = gone_since(connection)
            rows = queries.find_devices(connection, family="counter")
        dead = {
            row["id"]
            for row in rows
            if not is_alive(row, now_ms) or explained_by(row, gone) is not None
        }
        return found, dead
