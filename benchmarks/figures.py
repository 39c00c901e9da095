"""How long the figures of a year take: `python -m benchmarks.figures [CASES]`.

Cases, alerts and shifts of a year are written into a new database, evenly over the year; then
every group of figures of `/api/v1/kpi` is asked for once, and the log of one day. What is told is
the time of the processor, so that a busy machine tells the same.
"""

import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.engine import Connection

from dashboard_api import alarm_load, noise
from dashboard_api.response_times import false_presses, response_times
from dashboard_api.targets import targets_of
from hub.daily_log import count_lines, read_log
from hub.database import alerts, case_log, cases, for_writing, migrate, open_engine, shifts
from hub.settings import Settings
from hub.site_days import day_named
from rules.condition import Equals
from rules.rule import Rule

START_MS, HOUR, YEAR = 1_772_413_200_000, 3_600_000, 365 * 86_400_000
ZONE = ZoneInfo("Europe/Berlin")  # its clocks change twice a year
GRIDS, RULES, DEVICES = 7, 15, 5_000
CATEGORIES = ("emergency", "welfare", "security", "fault", "maintenance")
SPAN = START_MS, START_MS + YEAR


def fill(connection: Connection, count: int) -> None:
    """A year of cases, each answered, dispatched, reached and closed; three shifts a day."""
    chance = random.Random(1)
    moments = sorted(chance.randrange(*SPAN) for _ in range(count))
    for number, heard_ms in enumerate(moments):
        _case(connection, number, heard_ms, chance)
    rows = [_shift(grid, turn) for grid in range(GRIDS) for turn in range(365 * 3)]
    connection.execute(shifts.insert(), rows)


def _case(connection: Connection, number: int, heard_ms: int, chance: random.Random) -> None:
    answered_ms = heard_ms + chance.randrange(1_000, 300_000)
    arrived_ms = answered_ms + chance.randrange(60_000, 4_000_000)
    closed_ms = arrived_ms + chance.randrange(60_000, 4_000_000)
    names = {"rule": f"rule-{chance.randrange(RULES)}", "key": f"d-{chance.randrange(DEVICES)}"}
    names |= {"device": names["key"], "category": chance.choice(CATEGORIES), "severity": "urgent"}
    whys = {"why_zh": "", "why_en": ""}
    case: dict[str, Any] = {
        "id": f"C-{number:06}",
        "response": "x",
        "title_zh": "x",
        "title_en": "x",
        **names,
    }
    case |= {"state": "closed", "active": False, "times": 1, "version": 5, **whys}
    case |= {"raised_at_ms": heard_ms, "heard_at_ms": heard_ms, "changed_ms": closed_ms}
    case |= {"answered_at_ms": answered_ms, "dispatched_at_ms": answered_ms}
    case |= {"arrived_at_ms": arrived_ms, "closed_at_ms": closed_ms, "closed_by": "w"}
    case |= {"grid": f"grid-{chance.randrange(GRIDS)}", "family": "button"}
    case["outcome"] = chance.choice(("mistake", "mended", "real_need"))
    connection.execute(cases.insert(), case)
    acts = {"answer": answered_ms, "dispatch": answered_ms, "arrive": arrived_ms}
    rows = [_line(case["id"], "raised", heard_ms, None)]
    rows += [_line(case["id"], what, at, "w") for what, at in (acts | {"close": closed_ms}).items()]
    connection.execute(case_log.insert(), rows)
    alert: dict[str, Any] = {
        "id": f"{number}",
        "rule_version": "1",
        "taken_back": False,
        **names,
        **whys,
    }
    alert |= {"opened_at_ms": heard_ms, "opened_heard_ms": heard_ms, "case_id": case["id"]}
    alert |= {"closed_at_ms": closed_ms, "closed_heard_ms": closed_ms}
    connection.execute(alerts.insert(), alert)


def _line(case_id: Any, what: str, at_ms: int, by: str | None) -> dict[str, Any]:
    return {
        "case_id": case_id,
        "at_ms": at_ms,
        "heard_ms": at_ms,
        "what": what,
        "by": by,
        "body_json": "{}",
    }


def _shift(grid: int, turn: int) -> dict[str, Any]:
    since_ms = START_MS + turn * 8 * HOUR
    row: dict[str, Any] = {
        "role": "desk",
        "grid": f"grid-{grid}",
        "person": f"p-{grid}-{turn % 5}",
        "by": "x",
    }
    return row | {"since_ms": since_ms, "until_ms": since_ms + 8 * HOUR}


def measure(connection: Connection) -> None:
    """Ask for everything once, and print what each took."""
    targets = targets_of(Settings())
    span = connection, *SPAN
    rules = {f"rule-{n}": Rule(f"rule-{n}", Equals("contact", ("open",))) for n in range(RULES)}
    day = day_named("2026-07-01", ZONE)
    parts: dict[str, Callable[[], Any]] = {
        "response times": lambda: response_times(connection, SPAN, targets, ZONE, SPAN[1]),
        "load": lambda: alarm_load.load(*span, targets),
        "stale alerts": lambda: alarm_load.stale(connection, SPAN, SPAN[1], targets, ZONE),
        "chatter": lambda: alarm_load.chatter(*span, targets),
        "noise": lambda: noise.noisiest(*span, targets, rules),
        "false presses": lambda: false_presses(*span),
        "log of a day": lambda: read_log(
            connection, "grid-1", day, changed_percent=20, lines_max=5_000
        ),
        "all logs of a day": lambda: count_lines(connection, day, 20),
    }
    for name, part in parts.items():
        begun_s = time.process_time()
        part()
        print(f"{name:<18} {time.process_time() - begun_s:6.3f} s")


def main() -> None:
    """See the module."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    with TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{Path(folder) / 'hub.db'}")
        migrate(engine)
        with for_writing(engine).begin() as connection:
            fill(connection, count)
        begun_s = time.process_time()
        with engine.connect() as connection:
            measure(connection)
        print(f"{'together':<18} {time.process_time() - begun_s:6.3f} s of {count} cases")
        engine.dispose()


if __name__ == "__main__":
    main()
