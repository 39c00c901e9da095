"""How the invented community's machines and doors were used in the weeks before the demo began.

So that the reports, and the usual day beside today, have something to show. The days are made by
the simulator's own plans and put straight into the time series; the counters' totals go on from
there. Machines are not used alike: one is not used at all, and one was silent for some days.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy.engine import Engine

from device_drivers.reading import Reading
from hub.counters import WRITE, Counters, Sender
from hub.database import for_writing
from hub.demo.community import SEED, community
from hub.register import Row
from hub.series import Point, Series, at_ns
from hub.settings import Settings
from hub.simulated.day import DAY_MS, Act, SimulatedDevice, live
from hub.simulated.figures import FIGURES, Figures, Traffic
from hub.site_days import day_at
from hub.total import Bounds

DAYS = 60
# So much of the traffic of the simulated day: with it a machine is due for service now and then.
LEAST_USED, MOST_USED = 0.02, 0.22
UNUSED = 7  # this machine in their order nobody uses
SILENT = 12  # this one has said nothing
SILENT_DAYS_AGO = (16, 12)
FOREIGN_HEARTBEAT_H = 0.9  # the driver of Milesight's counters expects a word an hour
DOORS = ("station", "culture")  # roles of the doors whose openings are counted
POINTS_AT_ONCE = 2_000
KEPT = frozenset(("alive", "battery", "contact", "uses"))


class Past(NamedTuple):
    """Readings for the time series, and each counter's total at the end with its moment."""

    points: list[Point]
    totals: dict[str, tuple[int, int]]


def past_uses(now_ms: int, zone: ZoneInfo) -> Past:
    """All that counters and counted doors said from `DAYS` before until now."""
    found = Past([], {})
    machines = [row for row in community().devices if row["family"] == "counter"]
    for number, row in enumerate(machines):
        acts = _acts(row, now_ms, zone, _figures(_share_of(number, len(machines))))
        if number == UNUSED:
            acts = map(_stands_still, acts)
        _add(found, row, acts, _days_ago(now_ms, SILENT_DAYS_AGO) if number == SILENT else (0, 0))
    for row in community().devices:
        if row["family"] == "door" and SimulatedDevice.of(row).role in DOORS:
            _add(found, row, _acts(row, now_ms, zone, FIGURES), (0, 0))
    return found


def _stands_still(act: Act) -> Act:
    return act._replace(points={**act.points, "uses": 0})


def _share_of(number: int, count: int) -> float:
    """Neighbours differ, and all shares between the least and the most are there."""
    return LEAST_USED + (MOST_USED - LEAST_USED) * (number * 7 % count) / count


def _days_ago(now_ms: int, days: tuple[int, int]) -> tuple[int, int]:
    return now_ms - days[0] * DAY_MS, now_ms - days[1] * DAY_MS


def _figures(share: float) -> Figures:
    """A session is told by one message: the charts look no closer."""
    sessions = tuple(
        Traffic(one.from_h, one.to_h, one.per_hour * share) for one in FIGURES.machine_sessions
    )
    most = FIGURES.session_repetitions[1]
    return replace(FIGURES, machine_sessions=sessions, repetitions_a_message=most)


def _acts(row: Row, now_ms: int, zone: ZoneInfo, figures: Figures) -> Iterator[Act]:
    start_ms = day_at(now_ms - DAYS * DAY_MS, zone).from_ms
    device = SimulatedDevice.of(row)
    if device.driver != "native":
        figures = replace(figures, heartbeat_h=FOREIGN_HEARTBEAT_H)
    acts = live([device], seed=_SEED, start_ms=start_ms, zone=zone, figures=figures)
    return takewhile(lambda act: act.at_ms < now_ms, acts)


_SEED = sum(SEED.encode())


def _add(found: Past, row: Row, acts: Iterator[Act], quiet: tuple[int, int]) -> None:
    for number, act in enumerate(acts):
        if "uses" in act.points:
            found.totals[row["id"]] = int(act.points["uses"]), act.at_ms
        if not quiet[0] <= act.at_ms < quiet[1]:
            found.points.extend(_points(row, act, number))


def _points(row: Row, act: Act, number: int) -> Iterator[Point]:
    for index, (point, value) in enumerate(act.points.items()):
        if point not in KEPT:
            continue
        moment = at_ns(act.at_ms, number, index)
        where = row.get("grid"), row.get("ground")
        yield Point(number, moment, row["id"], point, value, row["family"], *where)


async def keep_points(series: Series, points: Sequence[Point]) -> None:
    """Into the time series. Raises what a store says no with (`hub.series`)."""
    for begin in range(0, len(points), POINTS_AT_ONCE):
        await series.write(points[begin : begin + POINTS_AT_ONCE])


def keep_totals(engine: Engine, past: Past, settings: Settings) -> None:
    """Every counter goes on from its total."""
    totals = Counters(Bounds(settings.counter_jump_uses, settings.counter_uses_per_s))
    for row in community().devices:
        if row["id"] in past.totals:
            total, at_ms = past.totals[row["id"]]
            sender = Sender(row["id"], row["address"])
            totals.read((Reading("uses", total, at_ms),), sender, at_ms)
    with for_writing(engine).begin() as connection:
        for written in totals.take_rows(0):
            connection.exec_driver_sql(WRITE, written)
