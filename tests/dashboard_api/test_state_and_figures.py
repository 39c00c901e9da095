"""Coverage, figures, readings, and how the hub is."""

import re
from dataclasses import replace
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from sqlalchemy.engine import Engine

from dashboard_api import figures
from dashboard_api.access import Viewer
from dashboard_api.live import Change, shown
from hub.database import (
    alerts,
    cases,
    chatterers,
    commissionings,
    devices,
    for_writing,
    grids,
    health,
    latest,
)
from hub.journal import NOTE, REDECODED, REFUSAL, Entry, append
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
    assert [(one["name"], one["reasons"]) for one in missing] == [
        (NAMES[2], ["never_heard", "no_test_press"])
    ]


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
        say_alive(connection, NOW_MS + HOUR_MS + 1)
    clock.at_ms += HOUR_MS + 1
    coverage = (await staff.get("/api/v1/coverage")).json()

    assert coverage["list"][0]["reasons"] == ["silent"]


async def test_each_thing_between_a_press_and_a_person_is_a_reason(
    staff: httpx.AsyncClient, engine: Engine, clock: HandClock
) -> None:
    async def reasons() -> list[str]:
        return list((await staff.get("/api/v1/coverage")).json()["list"][0]["reasons"])

    def change(table: sa.Table, where: Any, **values: Any) -> None:
        with for_writing(engine).begin() as connection:
            connection.execute(table.update().where(where).values(**values))

    assert await reasons() == []

    button = latest.c.device == "b-0"
    change(latest, button, points_json=encode({"press": ["test", NOW_MS], "battery": [4, NOW_MS]}))
    assert await reasons() == ["battery_flat"]

    change(latest, button, points_json=encode({"press": ["sos", NOW_MS - 32 * 24 * HOUR_MS]}))
    assert await reasons() == ["no_test_press"]
    with for_writing(engine).begin() as connection:
        proof = {"device": "b-0", "address": "x", "why": "adopted", "at_ms": NOW_MS, "by": "staff"}
        connection.execute(commissionings.insert().values(**proof, test_press_ms=NOW_MS))
    assert await reasons() == []

    change(grids, grids.c.id == "grid-1", phone=None)
    assert await reasons() == ["no_duty_phone"]
    change(grids, grids.c.id == "grid-1", phone="0374-5550101")

    with for_writing(engine).begin() as connection:
        for part in ("broker-buttons", "broker-others"):
            row = {"part": part, "state": "red", "text_zh": "", "text_en": "", "at_ms": NOW_MS}
            connection.execute(health.insert().values(row))
    assert await reasons() == ["broker_down"]
    change(health, health.c.part == "broker-others", state="green")  # presses come that way too
    assert await reasons() == []

    clock.at_ms += 60_000
    assert await reasons() == ["hub_down"]


async def test_a_duty_phone_that_said_it_is_at_hand_must_go_on_saying_so(
    staff: httpx.AsyncClient, engine: Engine, clock: HandClock
) -> None:
    answer = await staff.post("/api/v1/grids/grid-1/phone")
    assert answer.json() == {"grid": "grid-1", "heard_ms": NOW_MS}
    assert (await staff.get("/api/v1/coverage")).json()["list"][0]["reasons"] == []

    clock.at_ms += 301_000
    with for_writing(engine).begin() as connection:
        say_alive(connection, clock.at_ms)
    assert (await staff.get("/api/v1/coverage")).json()["list"][0]["reasons"] == ["no_duty_phone"]

    await staff.post("/api/v1/grids/grid-1/phone")
    assert (await staff.get("/api/v1/coverage")).json()["list"][0]["reasons"] == []
    assert (await staff.post("/api/v1/grids/nowhere/phone")).status_code == 404


async def test_a_resident_without_a_button_cannot_call(
    staff: httpx.AsyncClient, engine: Engine
) -> None:
    with for_writing(engine).begin() as connection:
        connection.execute(devices.delete().where(devices.c.id == "b-0"))
    coverage = (await staff.get("/api/v1/coverage")).json()

    assert coverage["residents"] == 3
    assert coverage["list"][0]["reasons"] == ["no_button"]


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
    beside = [Row(0, "rep", 2.0), Row(0, "uses", 100.0), Row(1, "rep", 3.0), Row(1, "uses", 103.0)]
    assert figures.uses(beside) == 3  # the total has counted the repetitions already


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

    assert ">50 emergency and urgent cases wait" in page
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


async def test_metrics_count_what_was_left_out_and_who_talks_too_much(
    anybody: httpx.AsyncClient, engine: Engine
) -> None:
    row = {"part": "ingest", "state": "green", "text_zh": "", "text_en": "", "at_ms": NOW_MS}
    with for_writing(engine).begin() as connection:
        figures_json = encode({"kept_others": 7, "left_out": 489})
        connection.execute(health.insert().values(**row, figures_json=figures_json))
        connection.execute(chatterers.insert().values(device="d-0", state_json="{}"))
    text = (await anybody.get("/metrics")).text

    assert 'hub_ingest_messages{of="left_out"} 489.0' in text
    assert "hub_devices_chattering 1.0" in text


async def test_a_refusal_says_whether_it_was_read_again(
    staff: httpx.AsyncClient, engine: Engine
) -> None:
    with for_writing(engine).begin() as connection:
        heard = [
            Entry(0, REFUSAL, None, NOW_MS, (), {"reason": "x"}, b"", flags=flags)
            for flags in (0, REDECODED, NOTE)
        ]
        append(connection, heard)
    told = (await staff.get("/api/v1/refusals")).json()

    assert [(one["read_again"], one["remark"]) for one in told] == [
        (False, True),
        (True, False),
        (False, False),
    ]


async def test_figures_that_name_devices_are_not_for_walls(
    staff: httpx.AsyncClient, wall: httpx.AsyncClient, engine: Engine
) -> None:
    with for_writing(engine).begin() as connection:
        row = {"rule": "door-open", "rule_version": "1", "key": "d-1", "device": "d-1"}
        row |= {"severity": "warning", "category": "security", "why_zh": "", "why_en": ""}
        for number in range(4):
            at_ms = NOW_MS - (number + 1) * 1_000
            moments = {"opened_at_ms": at_ms, "opened_heard_ms": at_ms}
            connection.execute(
                alerts.insert().values(id=f"door-open|d-1|{number}", **row, **moments)
            )
    kept = (await staff.get("/api/v1/kpi")).json()
    shown = (await wall.get("/api/v1/kpi")).json()

    assert [one["device"] for one in kept["noisiest"]["devices"]] == ["d-1"]
    assert [(one["key"], one["bursts"]) for one in kept["chatter"]] == [("d-1", 2)]
    assert (shown["noisiest"], shown["chatter"]) == ({}, [])
    page = (await staff.get("/reports")).text
    assert 'href="/d/d-1"' in page


async def test_a_call_of_this_minute_makes_no_share_worse(
    staff: httpx.AsyncClient, judge: StandInJudge, clock: HandClock
) -> None:
    judge.raise_case(answered_at_ms=NOW_MS + 30_000)
    judge.raise_case()
    for after_s, undecided in ((60, (1, 1)), (61, (0, 1)), (181, (0, 0))):
        clock.at_ms = NOW_MS + after_s * 1_000
        kpi = (await staff.get("/api/v1/kpi")).json()["categories"]["emergency"]
        found = kpi["answered_undecided_60_s"], kpi["answered_undecided_180_s"]
        page = (await staff.get("/reports")).text
        assert found == undecided
        assert (kpi["cases"], kpi["answered_within_60_s"]) == (2, 1)
        assert f"1 / {2 - undecided[0]} · " in page
        assert f"1 / {2 - undecided[1]} · " in page


async def test_limits_are_settings_and_stand_in_the_names(
    staff: httpx.AsyncClient, judge: StandInJudge, app: FastAPI, settings: Settings
) -> None:
    case_id = judge.raise_case()
    with for_writing(judge.engine).begin() as connection:
        values = {"answered_at_ms": NOW_MS + 90_000, "arrived_at_ms": NOW_MS + 900_000}
        connection.execute(cases.update().where(cases.c.id == case_id).values(values))
    other = replace(settings, target_answer_s=90, target_on_site_s=899)
    app.state.parts = replace(app.state.parts, settings=other)
    found = (await staff.get("/api/v1/kpi", params={"to": NOW_MS + 1})).json()
    emergency = found["categories"]["emergency"]

    assert (emergency["answered_within_90_s"], emergency["answered_within_180_s"]) == (1, 1)
    assert (emergency["arrived_within_899_s"], emergency["arrived_within_3600_s"]) == (0, 1)
    assert found["by_hour"]["9"]["emergency"]["cases"] == 1
    assert found["by_grid"]["grid-1"]["emergency"]["cases"] == 1
    assert found["targets"]["answer"][0] == {"within_s": 90, "percent": 97.5}
    assert (await staff.get("/reports")).status_code == 200
