"""Coverage, figures, readings, and how the hub is."""

import re

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from dashboard_api import figures
from dashboard_api.access import Viewer
from dashboard_api.live import Change, shown
from hub.database import cases, devices, for_writing, health, latest
from hub.local_series import LocalSeries
from hub.series import Point, Row, at_ns
from hub.settings import Settings
from tests.dashboard_api.community import NAMES, StandInJudge, encode, say_alive
from tests.dashboard_api.conftest import NOW_MS, HandClock

HOUR_MS = 3_600_000


async def test_who_was_never_heard_is_not_covered_and_says_why(staff: httpx.AsyncClient) -> None:
    coverage = (await staff.get("/api/v1/coverage")).json()

    assert (coverage["reachable"], coverage["residents"]) == (2, 3)
    missing = [one for one in coverage["list"] if not one["reachable"]]
    assert [(one["name"], one["reasons"]) for one in missing] == [(NAMES[2], ["never_heard"])]


async def test_a_gateway_that_is_gone_takes_its_buttons_with_it(
    staff: httpx.AsyncClient, engine: Engine
) -> None:
    with for_writing(engine).begin() as connection:
        gone = encode({"online": [False, NOW_MS]})
        connection.execute(
            latest.update().where(latest.c.device == "gw-1").values(points_json=gone)
        )
    coverage = (await staff.get("/api/v1/coverage")).json()

    assert coverage["reachable"] == 0
    assert coverage["list"][0]["reasons"] == ["gateway_offline"]


async def test_a_button_past_its_expected_silence_is_not_covered(
    staff: httpx.AsyncClient, engine: Engine, clock: HandClock
) -> None:
    with for_writing(engine).begin() as connection:
        connection.execute(devices.update().values(expected_silence_s=3_600))
    clock.at_ms += HOUR_MS + 1
    coverage = (await staff.get("/api/v1/coverage")).json()

    assert coverage["list"][0]["reasons"] == ["silent"]


async def test_a_wall_gets_totals_and_no_list(wall: httpx.AsyncClient) -> None:
    coverage = (await wall.get("/api/v1/coverage")).json()

    assert coverage["residents"] == 3
    assert coverage["list"] == []


async def test_figures_count_from_when_the_hub_heard(
    staff: httpx.AsyncClient, judge: StandInJudge, clock: HandClock
) -> None:
    for answered_s in (30, 90, 500):
        judge.raise_case(answered_at_ms=NOW_MS + answered_s * 1000)
    judge.raise_case()
    clock.at_ms += HOUR_MS
    kpi = (await staff.get("/api/v1/kpi")).json()["categories"]["emergency"]

    assert (kpi["cases"], kpi["answered"]) == (4, 3)
    assert (kpi["answered_within_60_s"], kpi["answered_within_180_s"]) == (1, 2)
    assert kpi["median_answer_s"] == 90
    assert kpi["median_arrival_s"] is None


async def test_readings_come_raw_and_in_windows(
    staff: httpx.AsyncClient, settings: Settings
) -> None:
    series = LocalSeries(settings, "demo")
    values = ((0, 10.0), (60_000, 12.0), (HOUR_MS, 20.0))
    await series.write(
        [
            Point(n, at_ns(NOW_MS + ms, n, 0), "c-1", "uses", v, "counter")
            for n, (ms, v) in enumerate(values)
        ]
    )
    await series.close()
    path = "/api/v1/devices/c-1/readings?from=2026-03-02T09:00:00%2B08:00"
    raw = (await staff.get(f"{path}&to={NOW_MS + 2 * HOUR_MS}")).json()
    windows = (await staff.get(f"{path}&to={NOW_MS + 2 * HOUR_MS}&every=1h")).json()

    assert [row["value"] for row in raw["readings"]] == [10, 12, 20]
    assert [(row["value"], row["count"]) for row in windows["readings"]] == [(12, 2), (20, 1)]


def test_a_counter_that_was_reset_goes_on_from_what_it_had() -> None:
    totals = [Row(0, "uses", 100.0), Row(1, "uses", 130.0), Row(2, "uses", 5.0)]
    reps = [Row(0, "rep", 2.0), Row(1, "rep", 3.0, count=4, mean=2.5)]

    assert figures.uses(totals) == 35
    assert figures.uses(reps) == 12
    assert figures.uses([]) == 0


async def test_devices_are_found_by_family_grid_and_words(staff: httpx.AsyncClient) -> None:
    async def found(query: str) -> list[str]:
        answer = (await staff.get(f"/api/v1/devices?{query}")).json()
        return [device["id"] for device in answer["devices"]]

    assert await found("family=door") == ["d-1"]
    assert await found("grid=grid-2") == ["c-1"]
    assert await found("q=漫步") == ["c-1"]
    assert await found("q=%25") == []
    first = await found("limit=2")
    assert await found(f"after={first[-1]}") == ["b-2", "c-1", "d-1", "gw-1"]


async def test_ready_is_said_only_while_the_hub_says_that_it_runs(
    anybody: httpx.AsyncClient, clock: HandClock, engine: Engine
) -> None:
    assert (await anybody.get("/healthz")).status_code == 200
    assert (await anybody.get("/readyz")).status_code == 200
    clock.at_ms += 10_000
    silent = await anybody.get("/readyz")
    with for_writing(engine).begin() as connection:
        say_alive(connection, clock.at_ms)

    assert silent.status_code == 503
    assert [part["part"] for part in silent.json()["parts"] if not part["ready"]] == ["hub"]
    assert (await anybody.get("/readyz")).status_code == 200


async def test_a_yellow_part_is_listed_and_only_a_red_one_makes_the_hub_not_ready(
    anybody: httpx.AsyncClient, engine: Engine
) -> None:
    row = {"part": "archive", "text_zh": "等待", "text_en": "waits", "at_ms": NOW_MS}
    answers = {}
    for state in ("yellow", "red"):
        with for_writing(engine).begin() as connection:
            connection.execute(health.delete().where(health.c.part == "archive"))
            connection.execute(health.insert(), {**row, "state": state})
        answers[state] = await anybody.get("/readyz")

    assert {state: answer.status_code for state, answer in answers.items()} == {
        "yellow": 200,
        "red": 503,
    }
    for state, answer in answers.items():
        assert answer.json()["well"] is False
        assert ("archive", state) in {
            (part["part"], part["state"]) for part in answer.json()["parts"]
        }


async def test_ready_waits_for_nobody_who_writes(
    anybody: httpx.AsyncClient, engine: Engine
) -> None:
    with for_writing(engine).begin():  # the writer's place is taken
        answer = await anybody.get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["database"] == "readable"


async def test_without_a_database_nothing_is_ready(
    anybody: httpx.AsyncClient, engine: Engine
) -> None:
    with for_writing(engine).begin() as connection:
        connection.execute(sa.schema.DropTable(health))
    answer = await anybody.get("/readyz")

    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "well": False, "database": "unreadable", "parts": []}


SECRETIVE = "http://10.1.2.3:8086 says: bad token"


def trouble(engine: Engine) -> None:
    row = {"part": "archive", "text_zh": SECRETIVE, "text_en": SECRETIVE, "at_ms": NOW_MS}
    with for_writing(engine).begin() as connection:
        connection.execute(health.insert(), {**row, "state": "yellow"})


async def test_what_a_part_says_is_for_those_who_look_after_the_hub(
    engine: Engine,
    anybody: httpx.AsyncClient,
    staff: httpx.AsyncClient,
    crew: httpx.AsyncClient,
    wall: httpx.AsyncClient,
) -> None:
    trouble(engine)
    archive = {"part": "archive", "state": "yellow", "ready": True}
    for client in (anybody, crew, wall):
        assert archive in (await client.get("/readyz")).json()["parts"]
    detailed = archive | {"text": SECRETIVE, "at_ms": NOW_MS}

    assert detailed in (await staff.get("/readyz")).json()["parts"]
    for page in ("/wall", "/fragments/wall"):
        answer = await wall.get(page)
        assert answer.status_code == 200
        assert "8086" not in answer.text


@pytest.mark.parametrize(
    ("role", "told"),
    [("admin", True), ("staff", True), ("program", True), ("crew", False), ("wall", False)],
)
def test_the_live_feed_tells_a_parts_words_to_those_who_look_after_it(
    role: str, told: bool
) -> None:
    body = {"part": "archive", "state": "yellow", "text_zh": "等", "text_en": SECRETIVE}
    change = Change(7, "health", "archive", {**body, "figures": {"error": SECRETIVE}}, NOW_MS)
    event = shown(change, Viewer("x", role))

    assert event is not None
    assert event.data["state"] == "yellow"
    assert (SECRETIVE in str(event.data)) is told


async def test_the_wall_counts_all_open_cases_and_shows_a_few(
    wall: httpx.AsyncClient, engine: Engine, judge: StandInJudge
) -> None:
    judge.raise_case()
    with for_writing(engine).begin() as connection:
        row = dict(connection.execute(cases.select()).mappings().one())
        fault = {"category": "fault", "severity": "notice"}
        states = ["raised"] * 100 + ["answered"] * 150
        rows = [{**row, **fault, "id": f"C-1{n:05}", "state": s} for n, s in enumerate(states)]
        closed = [
            {**row, "id": f"C-2{n:05}", "state": "closed", "closed_at_ms": NOW_MS}
            for n in range(20)
        ]
        connection.execute(cases.insert(), rows + closed)
    for _ in range(49):
        judge.raise_case()
    await wall.get("/language/en")
    page = (await wall.get("/wall")).text

    assert ">50 urgent cases wait for an answer" in page
    assert "and 294 more" in page
    figures_shown = re.findall(r'class="kind (\w+) [^"]*"><span class="figure">(\d+)<', page)
    assert dict(figures_shown) == {
        "emergency": "50",
        "welfare": "0",
        "security": "0",
        "fault": "250",
        "maintenance": "0",
    }


async def test_metrics_count_open_cases_by_severity(
    anybody: httpx.AsyncClient, judge: StandInJudge
) -> None:
    judge.raise_case()
    judge.raise_case(severity="warning")
    text = (await anybody.get("/metrics")).text

    assert 'hub_cases_open{severity="emergency"} 1.0' in text
    assert 'hub_cases_open{severity="notice"} 0.0' in text
    assert 'hub_health{part="hub",state="green"} 1.0' in text
