"""How long a backtest takes against merely reading the journal, in the same run.

A history is written as the ingest writes it (`benchmarks/history.py`; kept in the temporary folder
for the next run), read once without judging, then judged by the community's rules, as `hub rules
backtest` does. The ratio of the two times means more than either.

Prints JSON at the end. `python -m benchmarks.backtest [--devices N] [--days D] [--processes P]`.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from benchmarks.history import BEGIN_MS, DAY_MS, kept
from hub.backtest import Trial
from hub.database import open_engine
from hub.memory import settle_memory
from hub.settings import Settings
from hub.side_by_side import processes_for
from hub.site import Site
from hub.trying import Span, open_past, try_rules
from rules.loader import COMMUNITY, load


def measure(folder: Path, days: int, processes: int) -> dict[str, Any]:
    """Read, then judge; seconds of the wall clock and of the processor."""
    settings, rules = Settings(data_dir=folder, backtest_processes=processes), load([COMMUNITY])
    engine, span = open_engine(settings.database), Span(None, BEGIN_MS + days * DAY_MS)
    past = open_past(engine, settings, Site(), rules, span)
    read_s, read_cpu_s = _timed(lambda: sum(1 for _ in past.entries()))
    settle_memory()
    with Progress(console=Console(file=sys.stderr)) as bar:
        task = bar.add_task("Judging", total=past.about)
        found: list[Any] = []
        judged_s, judged_cpu_s = _timed(
            lambda: found.append(
                try_rules(
                    past,
                    Trial.of(rules, rules),
                    span,
                    settings,
                    Site(),
                    lambda done, _at_ms: bar.update(task, completed=done),
                )
            )
        )
    engine.dispose()
    return {
        "entries": past.about,
        "processes": processes_for(past.about, settings),
        "read_s": round(read_s, 1),
        "read_cpu_s": round(read_cpu_s, 1),
        "judged_s": round(judged_s, 1),
        "judged_cpu_s": round(judged_cpu_s, 1),
        "ratio": round(judged_s / read_s, 1),
        "ratio_of_cpu": round(judged_cpu_s / read_cpu_s, 1),
        "cpu_us_per_entry": round(judged_cpu_s / past.about * 1e6, 1),
        "alerts": len(found[0].here.alerts),
        "processors": os.cpu_count(),
        "load_of_the_machine": [round(load, 1) for load in os.getloadavg()],
    }


def _timed(job: Any) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), _cpu_s()
    job()
    return time.perf_counter() - wall, _cpu_s() - cpu


def _cpu_s() -> float:
    """Of this process and of those that it started and that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def main() -> None:
    """Measure, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=3_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--processes", type=int, default=0, help="0: as many as processors")
    asked = parser.parse_args()
    print("looking for the history, or writing it …", file=sys.stderr)
    folder = kept(asked.devices, asked.days)
    found = {
        "devices": asked.devices,
        "days": asked.days,
        **measure(folder, asked.days, asked.processes),
    }
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
