"""Today's use is counted beside the pages: from the time series, against the days before."""

import asyncio
from collections.abc import AsyncIterator, Collection
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from dashboard_api.grounds import Today
from dashboard_api.report_period import DAY, Period
from dashboard_api.report_series import Histories
from dashboard_api.report_sources import machines as counted_machines
from dashboard_api.report_use import Wants, use_report
from dashboard_api.rulebook import Rulebook
from dashboard_api.usage import Usage
from hub.database import devices, for_writing, latest
from hub.local_series import LocalSeries
from hub.series import Point, Row, Unavailable, at_ns
from hub.settings import Settings
from hub.site import Site
from rules.rule import RuleSet
from tests.dashboard_api.community import encode
from tests.dashboard_api.conftest import NOW_MS, HandClock

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MIDNIGHT_MS = NOW_MS - 9 * HOUR_MS


def usage_of(engine: Engine, histories: Histories, clock: HandClock, settings: Settings) -> Usage:
    return Usage(engine, histories, clock, settings, Site(), Rulebook(settings))


class Machines:
    """Counters with a time series of their own in the test's hands."""

    def __init__(self, engine: Engine, series: LocalSeries, clock: HandClock) -> None:
        self.engine, self.series, self.clock = engine, series, clock
        clock.at_ms += HOUR_MS // 2  # half past nine
        settings = Settings(usage_wait_s=30)
        self.histories = Histories(series, clock, settings, Site())
        self.usage = usage_of(engine, self.histories, clock, settings)
        self._seq = 0

    def add(self, device: str, gateway: str = "gw-1", place: str = "ground") -> None:
        row: dict[str, Any] = {
            "id": device,
            "family": "counter",
            "driver": "native",
            "address": device,
        }
        row |= {
            "name_zh": device,
            "name_en": device,
            "expected_silence_s": 7_200,
            "place": place,
        }
        with for_writing(self.engine).begin() as connection:
            connection.execute(devices.insert().values(row | {"added_ms": 0}))
            said = {"device": device, "heard_ms": NOW_MS, "gateway": gateway, "points_json": "{}"}
            connection.execute(latest.insert().values(said))

    async def say(
        self, device: str, from_ms: int, to_ms: int, total: float, per_hour: float
    ) -> None:
        """A running total, once an hour."""
        points = []
        for at_ms in range(from_ms, to_ms, HOUR_MS):
            self._seq += 1
            moment = at_ns(at_ms + 1_000, self._seq, 0)
            points.append(Point(self._seq, moment, device, "uses", total, "counter"))
            total += per_hour
        await self.series.write(points)

    async def today(self) -> Today:
        self.clock.at_s += 60
        found = await self.usage.today()
        assert found is not None
        return found


@pytest.fixture
async def machines(engine: Engine, settings: Settings, clock: HandClock) -> AsyncIterator[Machines]:
    series = LocalSeries(settings, "demo")
    with for_writing(engine).begin() as connection:  # the small community's own stands still
        connection.execute(devices.delete().where(devices.c.family == "counter"))
    found = Machines(engine, series, clock)
    yield found
    await found.usage.close()
    await series.close()


async def test_todays_hours_stand_beside_a_usual_day_of_the_same_kind(machines: Machines) -> None:
    """NOW is a Monday: Mondays to Fridays count, four weeks of them but for the feast days."""
    machines.add("walker")
    await machines.say("walker", MIDNIGHT_MS - 30 * DAY_MS, MIDNIGHT_MS - HOUR_MS, 0, 10)
    before = 10 * (30 * 24 - 2)
    await machines.say("walker", MIDNIGHT_MS - HOUR_MS, NOW_MS + 1, before, 4)
    today = await machines.today()
    calendar = Site().calendar(NOW_MS)
    days = [MIDNIGHT_MS - back * DAY_MS for back in range(1, 29)]
    workdays = [
        day
        for day in days
        if calendar.is_workday(datetime.fromtimestamp(day / 1e3, Site().zone).date())
    ]

    assert [one.uses for one in today.hours[:10]] == [4.0] * 10
    assert [one.usual for one in today.hours[1:10]] == [10.0] * 9
    assert today.usual_days == len(workdays)
    assert (today.total, today.unknown, today.at_least) == (40, 0, False)
    assert today.usual_so_far == pytest.approx(95)


async def test_few_days_are_no_usual_day(machines: Machines) -> None:
    machines.add("walker")
    await machines.say("walker", MIDNIGHT_MS - 2 * DAY_MS, NOW_MS + 1, 0, 10)
    today = await machines.today()

    assert (today.usual_days, today.usual_so_far) == (0, None)
    assert {one.usual for one in today.hours} == {None}


async def test_a_counter_behind_a_gateway_that_is_gone_is_unknown_from_its_last_word(
    machines: Machines,
) -> None:
    machines.add("walker")
    machines.add("rower", gateway="gw-9")
    await machines.say("walker", MIDNIGHT_MS - DAY_MS, NOW_MS + 1, 0, 10)
    await machines.say("rower", MIDNIGHT_MS - DAY_MS, NOW_MS - HOUR_MS, 0, 5)
    with for_writing(machines.engine).begin() as connection:
        gone = {"online": [False, NOW_MS - HOUR_MS]}
        row = {"device": "gw-9", "heard_ms": NOW_MS, "points_json": encode(gone)}
        connection.execute(latest.insert().values(row))
    today = await machines.today()

    said = [(one.uses, one.unknown) for one in today.hours[6:10]]
    assert said == [(15, 0), (15, 1), (10, 1), (10, 1)]  # its last word was at seven
    assert (today.unknown, today.at_least, today.counters) == (1, True, 2)
    assert [one.device for one in today.machines] == ["walker", "rower"]


async def test_the_wall_and_the_report_of_the_day_say_the_same(machines: Machines) -> None:
    """Day, hours, machines and what is usual, of two grounds and of one that is silent."""
    for device, per_hour in (("walker", 10), ("rower", 5), ("bike", 3)):
        machines.add(device, place="west" if device == "bike" else "ground")
        end_ms = NOW_MS - 4 * HOUR_MS if device == "rower" else NOW_MS + 1
        await machines.say(device, MIDNIGHT_MS - 30 * DAY_MS, end_ms, 0, per_hour)
    today = await machines.today()
    with machines.engine.connect() as connection:
        sources = counted_machines(connection, RuleSet(()))
    day = datetime.fromtimestamp(NOW_MS / 1e3, Site().zone).date()
    period = Period(DAY, day, day, MIDNIGHT_MS, MIDNIGHT_MS + DAY_MS)
    history = await machines.histories.uses(sources.sources, period)
    report = use_report(history, sources.groups, Wants.of(Settings()))

    assert len(sources.groups) == 2
    assert (today.total, today.at_least) == (report.total.uses, report.total.known != "yes")
    assert [one.uses or 0 for one in today.hours] == [row.figure.uses for row in report.hours]
    usual = [row.usual[True].uses if True in row.usual else None for row in report.hours]
    assert [one.usual for one in today.hours] == usual
    assert any(usual)
    its = {row.id: row.figure.uses for row in report.devices}
    assert {one.device: one.uses for one in today.machines} == its


class CannotAnswer(LocalSeries):
    """A stand-in for a time series store that is away: no real one is so on demand."""

    async def readings(
        self,
        device: str,
        from_ms: int,
        to_ms: int,
        every_ms: int | None = None,
        points: Collection[str] | None = None,
    ) -> list[Row]:
        raise Unavailable("away")


async def test_what_cannot_be_asked_is_unknown_and_not_yesterdays(
    engine: Engine, settings: Settings, clock: HandClock
) -> None:
    series = CannotAnswer(settings, "demo")
    usage = usage_of(engine, Histories(series, clock, settings, Site()), clock, settings)
    assert await usage.today() is None
    await usage.close()
    await series.close()


class NeverAnswers(LocalSeries):
    """A stand-in for a time series store that hangs: no real one does so on demand."""

    async def readings(
        self,
        device: str,
        from_ms: int,
        to_ms: int,
        every_ms: int | None = None,
        points: Collection[str] | None = None,
    ) -> list[Row]:
        await asyncio.Event().wait()
        raise AssertionError


async def test_a_store_that_hangs_holds_no_page_and_a_count_that_runs_is_ended(
    engine: Engine, settings: Settings, clock: HandClock
) -> None:
    series = NeverAnswers(settings, "demo")
    impatient = Settings(usage_wait_s=0.05)
    histories = Histories(series, clock, impatient, Site())
    usage = usage_of(engine, histories, clock, impatient)
    async with asyncio.timeout(5):
        assert await usage.today() is None
        assert await usage.today() is None
        await usage.close()
    await series.close()
