"""How long a report takes: `python -m benchmarks.reports [MACHINES] [USES_A_DAY]`.

Writes a history straight into a local store (every use a reading), asks for the report of the last
month twice, and prints one line of JSON: seconds cold and warm, and how many readings were there.
"""

import asyncio
import json
import random
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

from dashboard_api.report_period import Asked, read_period
from dashboard_api.report_series import Histories, Source
from dashboard_api.report_use import Wants, use_report
from hub.journal import DAY_MS
from hub.local_series import LocalSeries
from hub.series import Point, at_ns
from hub.settings import Settings
from hub.site import Site

NOW_MS = 1_777_593_600_000  # 2026-05-01 08:00 in Shanghai
DAYS = 62
PER_GROUND = 8
HOURS = range(6, 22)  # of a day in which machines are used


async def _write(series: LocalSeries, machine: str, a_day: int, rng: random.Random) -> int:
    uses, points = 0, []
    for day in range(DAYS):
        begin = (NOW_MS // DAY_MS - DAYS + day) * DAY_MS - 8 * 3_600_000
        moments = sorted(rng.sample(range(HOURS.start * 3_600_000, HOURS.stop * 3_600_000), a_day))
        for moment in moments:
            uses += 1
            at = at_ns(begin + moment, uses, 0)
            points.append(Point(uses, at, machine, "uses", uses, "counter"))
    await series.write(points)
    return len(points)


async def measure(machines: int, a_day: int) -> dict[str, float]:
    """Seconds of the report of April, cold and from what was kept."""
    with TemporaryDirectory() as folder:
        settings, site = Settings(data_dir=Path(folder)), Site()
        series, rng = LocalSeries(settings, site.id), random.Random(1)
        names = [f"m-{number:03}" for number in range(machines)]
        readings = sum([await _write(series, name, a_day, rng) for name in names])
        clock = SimpleNamespace(now_ms=lambda: NOW_MS, monotonic_s=time.monotonic)
        histories = Histories(series, clock, settings, site)
        period = read_period(Asked("month", "2026-04-30"), NOW_MS, site.zone, 400)
        sources = [Source(name, 26 * 3_600_000) for name in names]
        groups: dict[str, list[str]] = {}
        for number, name in enumerate(names):
            groups.setdefault(f"g{number // PER_GROUND}", []).append(name)
        taken, spent = [], time.process_time()
        for _ in range(2):
            begun = time.perf_counter()
            history = await histories.uses(sources, period)
            use_report(history, groups, Wants.of(settings))
            taken.append(round(time.perf_counter() - begun, 2))
        await series.close()
    return {
        "machines": machines,
        "readings": readings,
        "cold_s": taken[0],
        "warm_s": taken[1],
        "cpu_s": round(time.process_time() - spent, 2),
    }


if __name__ == "__main__":
    given = dict(enumerate(map(int, sys.argv[1:3])))
    print(json.dumps(asyncio.run(measure(given.get(0, 100), given.get(1, 300)))))
