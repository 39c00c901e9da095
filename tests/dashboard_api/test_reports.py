"""Reports over HTTP: periods, filters, tables, rights, wear, and a time series that is away."""

import csv
import sqlite3
from collections.abc import AsyncIterator, Iterator
from datetime import date, datetime
from io import StringIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.engine import Engine

from dashboard_api.app import create_app
from dashboard_api.errors import Problem
from dashboard_api.report_period import Asked, read_period
from dashboard_api.report_sources import OPEN_END_MS, spans_gone
from dashboard_api.report_wear import interval_of, wear
from hub import journal, users
from hub.database import alerts, devices, for_writing
from hub.journal import COMMAND, Entry
from hub.local_series import LocalSeries
from hub.series import Row, Unavailable
from hub.settings import Settings
from hub.site import Site
from rules.facts import DeviceFacts
from rules.loader import load_texts
from tests.dashboard_api.conftest import HandClock
from tests.dashboard_api.seeded_use import Community, Machine, archive_all, at_ms, write_community
from tests.fresh import fresh_engine

SHANGHAI = ZoneInfo("Asia/Shanghai")


def when(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


COMMUNITY = Community(
    machines=(
        Machine("m-1", "g1", 200),
        Machine("m-2", "g1", 0),
        Machine("m-3", "g2", 90),
        Machine("m-4", "g2", 90, dead=((when("2026-03-20T12:00"), when("2027-01-01T00:00")),)),
    ),
    doors=(("d-daycare", "g1", 20.0),),
    zone=SHANGHAI,
    first=date(2026, 3, 2),
    last=when("2026-04-09T12:00"),
)
NOW_MS = at_ms(COMMUNITY.last)
APRIL = {"period": "month", "day": "2026-04-05"}


def _fill(engine: Engine) -> None:
    write_community(engine, COMMUNITY)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = fresh_engine(tmp_path / "hub.db", _fill)
    yield engine
    engine.dispose()


class Watched(LocalSeries):
    """The local store, which can be away, and counts what it is asked."""

    away = False
    asked = 0

    async def readings(self, *asked: Any, **more: Any) -> list[Row]:
        self.asked += 1
        if self.away:
            raise Unavailable("no answer")
        return await super().readings(*asked, **more)


_ARCHIVED: list[bytes] = []  # the store's file, made once


@pytest.fixture
async def series(tmp_path: Path, engine: Engine) -> AsyncIterator[Watched]:
    file = tmp_path / "series.db"
    if _ARCHIVED:
        file.write_bytes(_ARCHIVED[0])
    series = Watched(Settings(data_dir=tmp_path), "demo")
    if not _ARCHIVED:
        await archive_all(engine, series)
        with sqlite3.connect(file) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        _ARCHIVED.append(file.read_bytes())
    yield series
    await series.close()


@pytest.fixture
def clock() -> HandClock:
    clock = HandClock()
    clock.at_ms = NOW_MS
    return clock


@pytest.fixture
def app(tmp_path: Path, engine: Engine, series: Watched, clock: HandClock) -> FastAPI:
    return create_app(Settings(data_dir=tmp_path), clock, engine, series, Site())


def _asking(app: FastAPI, engine: Engine, role: str) -> httpx.AsyncClient:
    token = users.add_token(engine, HandClock(), role, role)
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://hub.test",
        headers={"Authorization": f"Bearer {token}", "accept-language": "en"},
    )


@pytest.fixture
async def staff(app: FastAPI, engine: Engine) -> AsyncIterator[httpx.AsyncClient]:
    async with _asking(app, engine, "staff") as client:
        yield client


async def _table(client: httpx.AsyncClient, path: str, **query: str) -> list[dict[str, str]]:
    answer = await client.get(f"/reports/{path}.csv", params=APRIL | query)
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(StringIO(answer.text.removeprefix("\ufeff"))))


async def test_the_csv_has_the_figures_of_the_api_and_what_is_unknown_is_empty(
    staff: httpx.AsyncClient,
) -> None:
    told = (await staff.get("/api/v1/reports/grounds", params=APRIL)).json()
    by_id = {row["id"]: row for row in told["devices"]}
    machines = {row["Id"]: row for row in await _table(staff, "grounds/devices")}
    days = await _table(staff, "grounds/days")

    assert (machines["m-4"]["Count"], machines["m-4"]["known"]) == ("", "no")
    assert (machines["m-2"]["Count"], machines["m-2"]["State"]) == ("0", "nobody uses it")
    assert machines["m-1"]["Count"] == str(by_id["m-1"]["figure"]["count"])
    assert [row["Count"] for row in days] == [str(row["figure"]["count"]) for row in told["days"]]
    assert {row["known"] for row in days} == {"partly"}
    cells = await _table(staff, "grounds/cells", ground="g2")
    assert {row["Id"] for row in cells} == {"m-3", "m-4"}
    of_dead = [row for row in cells if row["Id"] == "m-4"]
    assert {(row["Count"], row["known"]) for row in of_dead} == {("", "no")}
    counted = sum(int(row["Count"]) for row in cells if row["Id"] == "m-3")
    assert counted == by_id["m-3"]["figure"]["count"]
    for table in ("hours", "months", "groups"):
        assert await _table(staff, f"grounds/{table}")
        assert await _table(staff, f"visits/{table}")


async def test_a_filter_leaves_out_the_other_grounds_and_grids(staff: httpx.AsyncClient) -> None:
    ask = "/api/v1/reports/grounds"
    whole = (await staff.get(ask, params=APRIL)).json()
    one = (await staff.get(ask, params=APRIL | {"ground": "g1"})).json()
    grid = (await staff.get(ask, params=APRIL | {"grid": "grid-2"})).json()

    assert [row["id"] for row in whole["groups"]] == ["g1", "g2"]
    assert [row["id"] for row in one["devices"]] == ["m-1", "m-2"]
    assert one["total"]["known"] == "yes"
    assert [row["id"] for row in grid["groups"]] == ["g2"]
    page = await staff.get("/reports/grounds", params=APRIL | {"ground": "g1"})
    assert '<option value="g1" selected' in page.text
    assert "ground=g1" in page.text  # of the ways to other periods, and of the CSV


async def test_the_page_says_what_the_api_says(staff: httpx.AsyncClient) -> None:
    told = (await staff.get("/api/v1/reports/grounds", params=APRIL)).json()
    visits = (await staff.get("/api/v1/reports/visits", params=APRIL)).json()
    page = (await staff.get("/reports/grounds", params=APRIL)).text
    doors = (await staff.get("/reports/visits", params=APRIL)).text

    assert f"at least {told['total']['count']:,}" in page
    assert "nobody uses it" in page
    assert f"≈ {round(visits['visits']):,}" in doors
    assert "2 openings in opening hours are taken for one" in doors


async def test_service_that_was_done_and_an_override_change_what_is_due(
    staff: httpx.AsyncClient, engine: Engine
) -> None:
    ask = "/api/v1/reports/grounds"

    async def worn() -> dict[str, Any]:
        rows = (await staff.get(ask, params=APRIL)).json()["devices"]
        return {row["id"]: row["wear"] for row in rows}

    before = (await worn())["m-1"]
    assert before["interval"] == 10_000
    assert 6_000 < before["uses"] < 10_000
    assert before["due"] > "2026-04-09"
    done = {"act": "service", "device": "m-1", "by": "li"}
    service = Entry(0, COMMAND, None, at_ms(when("2026-04-01T00:00")), (), done)
    with for_writing(engine).begin() as connection:
        journal.append(connection, [service])
    after = (await worn())["m-1"]
    assert after["serviced_ms"] == service.arrived_ms
    april = (await staff.get(ask, params=APRIL)).json()["devices"][0]
    assert after["uses"] == april["figure"]["count"]


def test_a_machine_is_due_when_its_interval_is_full_at_its_rate() -> None:
    today = date(2026, 4, 9)

    assert wear("m", 9_000, None, 10_000, 100.0, today).due == date(2026, 4, 19)
    assert wear("m", 21_000, (1, 12_000.0), 10_000, 100.0, today).due == date(2026, 4, 19)
    assert wear("m", 10_000, None, 10_000, None, today).is_due
    assert wear("m", 9_000, None, 10_000, 0.0, today).due is None
    assert wear("m", 0, None, 10_000, 0.001, today).due is None


async def test_a_time_series_that_is_away_is_said_and_hides_no_other_report(
    staff: httpx.AsyncClient, series: Watched
) -> None:
    series.away = True
    refused = await staff.get("/api/v1/reports/grounds", params=APRIL)

    assert (refused.status_code, refused.json()["code"]) == (503, "series_unavailable")
    overview = await staff.get("/reports")
    assert overview.status_code == 200
    assert "uses and visits are unknown" in overview.text
    assert (await staff.get("/reports/cases")).status_code == 200


async def test_who_may_not_see_devices_sees_no_report(app: FastAPI, engine: Engine) -> None:
    async with _asking(app, engine, "wall") as wall:
        for name in ("grounds", "visits", "cases", "devices"):
            assert (await wall.get(f"/api/v1/reports/{name}")).status_code == 403
            assert (await wall.get(f"/reports/{name}")).status_code == 303
        assert (await wall.get("/reports/grounds/days.csv")).status_code == 403
    async with _asking(app, engine, "crew") as crew:
        found = (await crew.get("/api/v1/reports/cases")).json()
        assert set(found["total"]) <= {"fault", "maintenance"}
        page = (await crew.get("/reports/cases")).text
        assert 'data-plot="emergency"' not in page


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"period": "quarter"}, "expected one of day, week, month, year, own"),
        ({"day": "2026-4-1"}, "day: expected a day such as"),
        ({"from": "2026-04-02", "to": "2026-04-01"}, "no later than"),
        ({"from": "2020-01-01", "to": "2026-04-01"}, "at most 400 days"),
        ({"day": "2026-06-01"}, "has begun"),
        ({"from": "9999-01-01"}, "from: expected a day such as"),
    ],
)
async def test_a_period_that_is_none_is_refused_in_words(
    staff: httpx.AsyncClient, query: dict[str, str], words: str
) -> None:
    answer = await staff.get("/api/v1/reports/cases", params=query)

    assert answer.status_code == 422
    assert words in answer.json()["detail"]


async def test_the_first_moment_of_a_day_and_the_oldest_day_have_reports_too(
    staff: httpx.AsyncClient, clock: HandClock
) -> None:
    clock.at_ms = at_ms(when("2026-04-09T00:00"))
    for query in ({"period": "day"}, {"from": "1970-01-01", "to": "1970-01-02"}):
        for name in ("grounds", "visits", "cases", "devices"):
            told = await staff.get(f"/api/v1/reports/{name}", params=query)
            assert told.status_code == 200, told.text
            assert (await staff.get(f"/reports/{name}", params=query)).status_code == 200
    nothing = (await staff.get("/api/v1/reports/grounds", params={"period": "day"})).json()
    assert (nothing["days"], nothing["total"]["hours"]) == ([], 0)


async def test_a_table_that_is_none_names_those_that_are(staff: httpx.AsyncClient) -> None:
    answer = await staff.get("/reports/grounds/minutes.csv")

    assert answer.status_code == 404
    assert "grounds/hours" in answer.json()["detail"]


def test_periods_are_of_the_sites_calendar() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    now_ms = at_ms(datetime(2026, 4, 9, 12, tzinfo=berlin))

    def days(asked: Asked) -> tuple[str, str, int]:
        found = read_period(asked, now_ms, berlin, 400)
        hours = (found.to_ms - found.from_ms) // 3_600_000
        return found.first.isoformat(), found.last.isoformat(), hours

    assert days(Asked("day", "2026-03-29")) == ("2026-03-29", "2026-03-29", 23)
    assert days(Asked("week", "2026-03-29")) == ("2026-03-23", "2026-03-29", 7 * 24 - 1)
    assert days(Asked("month", "2026-02-10")) == ("2026-02-01", "2026-02-28", 28 * 24)
    assert days(Asked("year", "2025-07-01")) == ("2025-01-01", "2025-12-31", 365 * 24)
    assert days(Asked(first="2026-04-01")) == ("2026-04-01", "2026-04-09", 9 * 24)
    with pytest.raises(Problem):
        days(Asked("day", "2026-04-10"))


async def test_what_was_counted_is_kept_for_a_while_and_then_counted_anew(
    staff: httpx.AsyncClient, engine: Engine, series: Watched, clock: HandClock
) -> None:
    asked = []
    for wait_s in (0, 0, 301):
        clock.at_s += wait_s
        await staff.get("/api/v1/reports/visits", params=APRIL)
        asked.append(series.asked)
    assert asked == [asked[0], asked[0], 2 * asked[0]]
    with for_writing(engine).begin() as connection:
        connection.execute(devices.delete().where(devices.c.id == "d-daycare"))
    page = await staff.get("/reports/visits", params=APRIL)
    assert "No entrance of a day-care station" in page.text


# -- what the judge knows -------------------------------------------------------------------------

RULES = """
rules:
  - rule: gateway-gone
    where: {family: gateway}
    when: {point: online, equals: false}
    hold_for: 2m
    severity: urgent
    category: fault
  - rule: due
    where: {family: counter, ground: g1}
    when: {point: uses, every: 10000}
    severity: notice
    category: maintenance
overrides:
  - rule: due
    device: m-1
    set: {when: {every: 4000}}
    reason: its maker says so
    by: li
    until: 2026-12-31
  - rule: due
    device: m-2
    off: true
    reason: it is locked away
    by: li
    until: 2026-12-31
"""


def test_the_interval_is_that_of_the_rule_and_of_the_override_in_force() -> None:
    rules = load_texts({"all.yaml": RULES})

    def interval(device: str, ground: str, now_ms: int = NOW_MS) -> int | None:
        facts = DeviceFacts(device, "counter", ground=ground)
        return interval_of(facts, rules, now_ms, SHANGHAI)

    assert interval("m-9", "g1") == 10_000
    assert interval("m-1", "g1") == 4_000
    assert interval("m-2", "g1") is None
    assert interval("m-9", "g2") is None
    assert interval("m-1", "g1", at_ms(when("2027-01-01T00:00"))) == 10_000


def test_what_carries_was_gone_from_the_fact_on_not_from_its_alert(engine: Engine) -> None:
    rules = load_texts({"all.yaml": RULES})
    alert: dict[str, Any] = {"rule_version": "1", "severity": "urgent", "category": "fault"}
    alert |= {"opened_heard_ms": 0, "why_zh": "", "why_en": ""}
    rows = [
        ("gateway-gone", "gw-1", 500_000, 900_000, False),
        ("gateway-gone", "gw-1", 2_000_000, None, False),
        ("gateway-gone", "gw-2", 500_000, 900_000, True),
        ("due", "m-1", 500_000, 900_000, False),
    ]
    with for_writing(engine).begin() as connection:
        for number, (rule, key, opened, closed, back) in enumerate(rows):
            its = {"id": str(number), "rule": rule, "key": key, "opened_at_ms": opened}
            its |= {"closed_at_ms": closed, "taken_back": back}
            connection.execute(alerts.insert().values(alert | its))
        found = spans_gone(connection, rules)

    assert found == {"gw-1": ((380_000, 900_000), (1_880_000, OPEN_END_MS))}
