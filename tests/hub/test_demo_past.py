"""The demo's past: its reports have something to show, and its counters go on from there."""

from datetime import date
from pathlib import Path

from dashboard_api.report_period import OWN, Period
from dashboard_api.report_series import Histories
from dashboard_api.report_sources import entrances, machines
from dashboard_api.report_use import QUIET, UNUSED, USED, Wants, use_report
from device_drivers.reading import Reading
from hub.counters import Counters, Sender
from hub.database import for_writing
from hub.demo.community import community, seed
from hub.demo.past_uses import DAYS, keep_points, keep_totals, past_uses
from hub.local_series import LocalSeries
from hub.settings import Settings
from hub.site_days import day_named
from hub.total import Bounds
from rules.rule import RuleSet
from tests.fresh import fresh_engine
from tests.hub.timekeeper import Timekeeper

ZONE = community().site.zone
NOW_MS = day_named("2026-11-25", ZONE).from_ms + 9 * 3_600_000 + 1_800_000
FIRST, LAST = date(2026, 11, 1), date(2026, 11, 24)
NOVEMBER = Period(
    OWN, FIRST, LAST, day_named("2026-11-01", ZONE).from_ms, day_named("2026-11-24", ZONE).to_ms
)


async def test_reports_of_a_new_demo_have_a_month_and_a_usual_day(tmp_path: Path) -> None:
    engine, settings = fresh_engine(tmp_path / "hub.db"), Settings(data_dir=tmp_path)
    with for_writing(engine).begin() as connection:
        seed(connection, NOW_MS)
        found = machines(connection, RuleSet(()))
        doors = entrances(connection, RuleSet(()), settings)
    past, series = past_uses(NOW_MS, ZONE), LocalSeries(settings, "demo")
    await keep_points(series, past.points)
    histories = Histories(series, Timekeeper(NOW_MS), settings, community().site)
    uses = await histories.uses(found.sources, NOVEMBER)
    openings = await histories.openings(doors.sources, NOVEMBER)
    await series.close()
    report = use_report(uses, found.groups, Wants.of(settings))
    visits = use_report(openings, doors.groups, Wants.of(settings))

    assert len(doors.groups) == 2
    assert report.uncompared == visits.uncompared == []
    states = [row.state for row in report.devices]
    assert (states.count(UNUSED), states.count(USED)) == (1, len(states) - 1)
    assert [row.figure.known for row in report.devices].count("partly") == 1
    for its in (report, visits):
        assert its.compared.percent is not None
        assert -30 < its.compared.percent < 30
        assert all(row.figure.uses for row in its.days)
        assert QUIET not in [row.state for row in its.devices]


def test_a_counter_that_begins_anew_goes_on_from_its_past(tmp_path: Path) -> None:
    engine, settings = fresh_engine(tmp_path / "hub.db"), Settings(data_dir=tmp_path)
    past = past_uses(NOW_MS, ZONE)
    keep_totals(engine, past, settings)
    counters = Counters(Bounds(settings.counter_jump_uses, settings.counter_uses_per_s))
    with engine.connect() as connection:
        counters.load(connection)
    row = next(one for one in community().devices if one["id"] in past.totals)
    sender = Sender(row["id"], row["address"])
    said, notes = counters.read((Reading("uses", 5, NOW_MS),), sender, NOW_MS)

    assert said[0].value == past.totals[row["id"]][0] + 5
    assert notes == []


def test_the_same_moment_has_the_same_past_and_nothing_of_it_is_to_come() -> None:
    past = past_uses(NOW_MS, ZONE)
    moments = [one.at_ns // 1_000_000 for one in past.points]
    assert past == past_uses(NOW_MS, ZONE)
    assert min(moments) > (NOW_MS - (DAYS + 1) * 86_400_000)
    assert max(moments) < NOW_MS
