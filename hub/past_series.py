"""Time before the journal's oldest reading, from the time series: moments and values only.

A bite of some days of all devices is asked for, put in order of moments and given on as if each had
arrived at once. Readings of one device and moment make one entry.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from device_drivers.reading import Reading
from hub.device_facts import facts_of
from hub.devices import Device
from hub.journal import DAY_MS, READING, Entry
from hub.past import Asked
from hub.series import Row, Series
from hub.settings import Settings

ARRIVALS_UNKNOWN = (
    "when readings arrived (all count as told at once), which were kept copies of the broker, "
    "by which gateway a device was heard, and when the site's link was gone"
)
STRANGERS_UNKNOWN = "senders that nobody had registered"

_Wanted = list[str] | None  # points of a device; None: all


@dataclass(frozen=True, slots=True)
class Stretches:
    """The time series of all devices of a register, bite by bite."""

    open_series: Callable[[], Series]
    settings: Settings
    devices: Sequence[Device]
    asked: Asked

    def entries(self, from_ms: int, to_ms: int) -> Iterator[Entry]:
        """Entries of `from_ms` ≤ moment < `to_ms`, numbered from 1. Raises `Unavailable`."""
        seq, bite_ms = 0, self.settings.backtest_series_days * DAY_MS
        with asyncio.Runner() as runner:
            series = self.open_series()
            try:
                for since_ms in range(from_ms, to_ms, bite_ms):
                    found = runner.run(self._bite(series, since_ms, min(to_ms, since_ms + bite_ms)))
                    for entry in found:
                        seq += 1
                        yield entry._replace(seq=seq)
            finally:
                runner.run(series.close())

    async def _bite(self, series: Series, from_ms: int, to_ms: int) -> list[Entry]:
        at_once = asyncio.Semaphore(self.settings.backtest_series_queries_max)

        async def ask(device: Device) -> list[Entry]:
            async with at_once:
                rows = await self._rows(series, device, from_ms, to_ms)
            return list(entries_of(device.id, rows))

        parts = await asyncio.gather(*map(ask, self.devices))
        return sorted((one for part in parts for one in part), key=lambda one: one.arrived_ms)

    async def _rows(self, series: Series, device: Device, from_ms: int, to_ms: int) -> list[Row]:
        """All of them, however many answers that takes."""
        points = None if self.asked.lives(facts_of(device)) else sorted(self.asked.points)
        found: list[Row] = []
        while True:
            rows = await series.readings(device.id, from_ms, to_ms, points=points)
            if len(rows) < self.settings.series_rows_max:
                return found + rows
            last_ms = rows[-1].at_ms  # what happened at that moment may be cut off
            whole = [row for row in rows if row.at_ms < last_ms]
            if not whole:
                return found + rows
            found += whole
            from_ms = last_ms


def entries_of(device: str, rows: Sequence[Row]) -> Iterator[Entry]:
    """Rows, in the order of their moments, as entries that arrived when they happened."""
    readings: list[Reading] = []
    for row in rows:
        if readings and readings[0].at_ms != row.at_ms:
            yield _entry(device, readings)
            readings = []
        readings.append(Reading(row.point, row.value, row.at_ms))
    if readings:
        yield _entry(device, readings)


def _entry(device: str, readings: list[Reading]) -> Entry:
    at_ms = readings[0].at_ms
    assert at_ms is not None
    return Entry(0, READING, device, at_ms, tuple(readings))
