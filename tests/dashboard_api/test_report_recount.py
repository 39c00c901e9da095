"""Every figure of use and visits equals a recount from the journal, whichever store is asked."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlalchemy.engine import Engine

from dashboard_api.app import create_app
from hub import users
from hub.series import Series, open_series
from hub.settings import Settings
from hub.site import Site
from tests.dashboard_api.conftest import HandClock
from tests.dashboard_api.recount_use import Counted, Recount, day_before, is_workday
from tests.dashboard_api.seeded_use import (
    Community,
    Machine,
    archive_all,
    at_ms,
    write_community,
)
from tests.fresh import fresh_engine
from tests.influxd import DATABASE, influxd

BERLIN = ZoneInfo("Europe/Berlin")  # whose clocks go forward on 2026-03-29
S, HOUR_MS = 1_000, 3_600_000
EXPECTED_S = 25 * 3_600  # of the native driver


def when(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


COMMUNITY = Community(
    machines=(
        Machine("m-plain", "g1", 90, late_day=date(2026, 3, 8)),
        Machine("m-over", "g1", 60, raw=65_000, width=16),
        Machine(
            "m-dead-a-while", "g1", 50, dead=((when("2026-03-10T09:20"), when("2026-03-14T16:40")),)
        ),
        Machine("m-reps", "g2", 40, reps=True),
        Machine("m-swapped", "g2", 45, raw=4_000, swapped=when("2026-03-17T11:00"),
                dead=((when("2026-03-15T22:30"), when("2026-03-17T11:00")),)),
        Machine("m-nobody", "g2", 0),
        Machine("m-new", "g2", 30, since=date(2026, 3, 5)),
        Machine("m-dead", "g2", 70, dead=((when("2026-02-20T06:00"), when("2027-01-01T00:00")),)),
        Machine("m-nervous", "g3", 35, expected_s=3 * 3_600, beats_h=2.4),
    ),
    doors=(("d-daycare", "g1", 24.0), ("d-culture", "g2", 30.0)),
    zone=BERLIN,
    first=date(2026, 1, 30),
    last=when("2026-04-02T10:20"),
    gone=(("gw-g2", when("2026-03-20T13:10"), when("2026-03-20T17:40")),),
)  # fmt: skip
NOW_MS = at_ms(COMMUNITY.last)
MACHINES = {one.id: one for one in COMMUNITY.machines}
GROUNDS = {
    ground: [one.id for one in COMMUNITY.machines if one.ground == ground]
    for ground in ("g1", "g2", "g3")
}
TRUTH: dict[str, int] = {}


def _fill(engine: Engine) -> None:
    TRUTH.update(write_community(engine, COMMUNITY))


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = fresh_engine(tmp_path / "hub.db", _fill)
    yield engine
    engine.dispose()


@asynccontextmanager
async def asking(engine: Engine, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A program that asks the API, over the time series that these settings name."""
    site = Site(zone=BERLIN, country=None)
    series: Series = open_series(settings, site)
    await archive_all(engine, series)
    clock = HandClock()
    clock.at_ms = NOW_MS
    token = users.add_token(engine, clock, "reports", "program")
    transport = httpx.ASGITransport(create_app(settings, clock, engine, series, site))
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://hub.test", headers=headers
    ) as client:
        yield client
    await series.close()


PERIODS = [
    {"period": "month", "day": "2026-03-31"},  # with the day of 23 hours
    {"period": "month"},  # April, which has just begun
    {"from": "2026-03-09", "to": "2026-03-15"},
]


async def test_local_store_and_influxdb_give_the_figures_of_a_recount(
    engine: Engine, tmp_path: Path
) -> None:
    recount = Recount(tmp_path / "hub.db", BERLIN.key, at_ms(when("2026-01-22T00:00")), NOW_MS)
    local = Settings(data_dir=tmp_path)
    machines, doors = _machines(recount), _doors(recount, local)
    houses = {"culture": ["d-culture"], "daycare": ["d-daycare"]}
    _check_truth(machines)
    answers: list[Any] = []
    async with asking(engine, local) as client:
        for period in PERIODS:
            found = [await _ask(client, name, period) for name in ("grounds", "visits")]
            _check_use(found[0], machines, GROUNDS, recount)
            _check_use(found[1]["openings"], doors, houses, recount)
            _check_visits(found[1], recount, doors)
            answers.append(found)
    _check_march(answers[0][0])
    (tmp_path / "influxd").mkdir()
    with influxd(tmp_path / "influxd") as server:
        there = replace(local, influx_api="v1", influxdb_url=server.url, influxdb_bucket=DATABASE)
        async with _renamed(engine), asking(engine, there) as client:
            for period, found in zip(PERIODS, answers, strict=True):
                again = [await _ask(client, name, period) for name in ("grounds", "visits")]
                assert again == found


@asynccontextmanager
async def _renamed(engine: Engine) -> AsyncIterator[None]:
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM tokens")
    yield


def _check_truth(machines: dict[str, Counted]) -> None:
    """Where no counter was unheard, the recount itself is what the machines were really used."""
    everything = range(-1, 10_000)
    for name in ("m-plain", "m-over", "m-reps", "m-new", "m-nervous", "m-dead-a-while"):
        assert machines[name].total(everything)[0] == TRUTH[name]
    assert machines["m-dead-a-while"].spread
    assert machines["m-swapped"].total(everything)[0] < TRUTH["m-swapped"]


def _check_march(found: dict[str, Any]) -> None:
    """What the seeded month is about is there."""
    by_id = {row["id"]: row for row in found["devices"]}
    assert by_id["m-dead"]["figure"]["count"] is None
    assert by_id["m-dead"]["state"] == "unsure"
    assert by_id["m-nobody"]["state"] == "unused"
    assert by_id["m-plain"]["figure"]["known"] == "yes"
    assert by_id["m-plain"]["figure"]["hours"] == 31 * 24 - 1  # its clocks go forward
    assert by_id["m-dead-a-while"]["figure"]["known"] == "partly"
    assert by_id["m-new"]["figure"]["hours"] < 27 * 24
    days = {row["name"]: row for row in found["days"]}
    assert days["2026-03-20"]["figure"]["known"] == "partly"  # a gateway was gone
    assert found["groups"][0]["compared"]["days"] > 20


async def _ask(client: httpx.AsyncClient, name: str, period: dict[str, str]) -> Any:
    answer = await client.get(f"/api/v1/reports/{name}", params=period)
    assert answer.status_code == 200, answer.text
    return answer.json()


def _machines(recount: Recount) -> dict[str, Counted]:
    found = {}
    for one in COMMUNITY.machines:
        since_ms = 0 if one.since is None else at_ms(when(f"{one.since}T00:00"))
        expected_ms = (one.expected_s or EXPECTED_S) * S
        found[one.id] = recount.machine(one.id, expected_ms, since_ms, f"gw-{one.ground}")
    return found


def _doors(recount: Recount, settings: Settings) -> dict[str, Counted]:
    flutter_ms = round(settings.visit_flutter_s * S)
    return {
        door: recount.door(door, EXPECTED_S * S, f"gw-{ground}", flutter_ms)
        for door, ground, _a_day in COMMUNITY.doors
    }


# -- what is compared -----------------------------------------------------------------------------


def _sum(some: list[Counted], hours: range) -> tuple[int, int, int]:
    parts = [one.total(hours) for one in some]
    return sum(p[0] for p in parts), sum(p[1] for p in parts), sum(p[2] for p in parts)


def _same(figure: dict[str, Any], wanted: tuple[int, int, int]) -> None:
    uses, known, hours = wanted
    assert (figure["known_hours"], figure["hours"]) == (known, hours)
    if hours and not known and not uses:
        assert (figure["known"], figure["count"]) == ("no", None)
    else:
        assert figure["count"] == uses
        assert figure["known"] == ("yes" if known == hours else "partly")


def _check_use(
    found: dict[str, Any],
    counted: dict[str, Counted],
    groups: dict[str, list[str]],
    recount: Recount,
) -> None:
    first, last = found["period"]["first"], min(found["period"]["last"], "2026-04-02")
    hours = recount.hours_of(first, last)
    every = list(counted.values())
    _same(found["total"], _sum(every, hours))
    for row in found["days"]:
        _same(row["figure"], _sum(every, recount.hours_of(row["name"], row["name"])))
    assert [row["name"] for row in found["days"]] == [name for name, _ in recount.days(hours)]
    for row in found["months"]:
        begin, end = max(first, f"{row['name']}-01"), min(last, f"{row['name']}-31")
        _same(row["figure"], _sum(every, recount.hours_of(begin, end)))
    for row in found["hours"]:
        its = [n for n in hours if recount.keys[n][1] == row["hour"]]
        known = [one.known[n] for one in every for n in its if n in one.known]
        uses = sum(one.uses.get(n, 0) for one in every for n in its)
        _same(row["figure"], (uses, sum(known), len(known)))
    for row in found["devices"]:
        one = counted[row["id"]]
        _same(row["figure"], one.total(hours))
        _, told, _ = one.total(hours)
        wanted = 24 * sum(one.uses.get(n, 0) for n in hours) / told if told >= 24 else None
        assert row["per_day"] == (None if wanted is None else pytest.approx(wanted))
    for row in found["groups"]:
        some = [counted[one] for one in groups[row["id"]]]
        _same(row["figure"], _sum(some, hours))
        _check_compared(row["compared"], some, hours, recount, first)
    _check_usual_hours(found["hours"], counted, groups, recount, first)


def _comparable(some: list[Counted], before: range) -> list[Counted]:
    kept = []
    for one in some:
        _uses, known, hours = one.total(before)
        if known and 2 * known >= hours:
            kept.append(one)
    return kept


def _before(recount: Recount, first: str) -> range:
    return recount.hours_of(day_before(first, 28), day_before(first, 1))


def _check_compared(
    found: dict[str, Any], some: list[Counted], hours: range, recount: Recount, first: str
) -> None:
    before = _before(recount, first)
    kept = _comparable(some, before)
    usual = (
        {kind: one for kind, one in recount.usual_day(kept, before).items() if one[1] >= 3}
        if kept
        else {}
    )
    uses, expected, days = 0, 0.0, 0
    for name, its in recount.days(hours):
        clear = all(one.known.get(n, True) for one in kept for n in its)
        if kept and clear and is_workday(name) in usual and name < "2026-04-02":
            uses += sum(one.total(its)[0] for one in kept)
            expected += usual[is_workday(name)][0]
            days += 1
    assert (found["count"], found["days"]) == (uses, days)
    assert found["usual"] == pytest.approx(expected)


def _check_usual_hours(
    found: list[dict[str, Any]],
    counted: dict[str, Counted],
    groups: dict[str, list[str]],
    recount: Recount,
    first: str,
) -> None:
    before = _before(recount, first)
    for row in found:
        for kind, name in ((True, "workday"), (False, "rest_day")):
            medians, days = [], []
            for ids in groups.values():
                kept = _comparable([counted[one] for one in ids], before)
                seen = []
                its = [n for n in before if recount.keys[n][1] == row["hour"]]
                for n in its if kept else []:
                    known = all(one.known.get(n, True) for one in kept)
                    if known and is_workday(recount.keys[n][0]) == kind:
                        seen.append(sum(one.uses.get(n, 0) for one in kept))
                if len(seen) >= 3:
                    seen.sort()
                    half = len(seen) // 2
                    middle = seen[half] if len(seen) % 2 else (seen[half - 1] + seen[half]) / 2
                    medians.append(middle)
                    days.append(len(seen))
            usual = row[name]["usual"]
            if medians:
                assert usual == {"count": pytest.approx(sum(medians)), "days": min(days)}
            else:
                assert usual is None


def _check_visits(found: dict[str, Any], recount: Recount, doors: dict[str, Counted]) -> None:
    last = min(found["openings"]["period"]["last"], "2026-04-02")
    hours = recount.hours_of(found["openings"]["period"]["first"], last)
    opened = [n for n in hours if 6 <= recount.keys[n][1] < 22]
    uses = sum(one.uses.get(n, 0) for one in doors.values() for n in opened)
    assert (found["in_hours"]["count"], found["visits"]) == (uses, uses / 2)
