"""How often the machines were used today, counted at most once every `usage_every_s`."""

import asyncio

from sqlalchemy.engine import Engine

from dashboard_api import figures, queries
from hub.clock import Clock
from hub.series import Series, Unavailable

WINDOW_MS = 3_600_000


class Usage:
    """Asks the time series of every counter and remembers the sum for a while."""

    def __init__(self, engine: Engine, series: Series, clock: Clock, every_s: float) -> None:
        self._engine = engine
        self._series = series
        self._clock = clock
        self._every_s = every_s
        self._lock = asyncio.Lock()
        self._counted: tuple[float, int, int | None] | None = None  # when, since, uses

    async def since(self, from_ms: int) -> int | None:
        """Uses of all counters from `from_ms` to now; None: the time series cannot be asked."""
        async with self._lock:
            now_s = self._clock.monotonic_s()
            if self._counted is not None:
                at_s, counted_from_ms, known = self._counted
                if counted_from_ms == from_ms and now_s - at_s < self._every_s:
                    return known
            found = await self._count(from_ms)
            self._counted = now_s, from_ms, found
            return found

    async def _count(self, from_ms: int) -> int | None:
        total = 0.0
        try:
            for device in await asyncio.to_thread(self._counters):
                rows = await self._series.readings(
                    device, from_ms, self._clock.now_ms() + 1, WINDOW_MS, ("uses", "rep")
                )
                total += figures.uses(rows)
        except Unavailable:
            return None  # shown as unknown; the archive's own health row says why
        return round(total)

    def _counters(self) -> list[str]:
        with self._engine.connect() as connection:
            return [row["id"] for row in queries.find_devices(connection, family="counter")]
