"""Devices out of service over HTTP and on pages; shelved cases; before the real judge."""

import os
from collections.abc import Iterator

import httpx
import pytest
from click.testing import CliRunner
from sqlalchemy.engine import Engine

from hub import journal
from hub.cli import cli
from hub.settings import Settings
from tests.dashboard_api.conftest import NOW_MS, HandClock
from tests.dashboard_api.real_judge import RealJudge, until_found

OUT = "/api/v1/devices/d-1/out_of_service"
HOUR_MS = 3_600_000
WISH = {"until_ms": NOW_MS + HOUR_MS, "reason": "换锁"}


@pytest.fixture
def court(engine: Engine, clock: HandClock, settings: Settings) -> Iterator[RealJudge]:
    with RealJudge(engine, clock, settings.data_dir).sitting() as sitting:
        yield sitting


async def test_a_device_is_taken_out_listed_with_its_muted_cases_and_put_back(
    staff: httpx.AsyncClient, crew: httpx.AsyncClient, court: RealJudge
) -> None:
    assert (await crew.post(OUT, json=WISH)).status_code == 200
    court.say("d-1", battery=3.0)

    async def muted() -> bool:
        found = (await staff.get("/api/v1/quiet")).json()["out_of_service"]
        return bool(found and found[0]["muted"])

    assert await until_found(muted)
    [one] = (await staff.get("/api/v1/quiet")).json()["out_of_service"]
    assert (one["device"], one["by"], one["reason"], one["muted"]) == ("d-1", "van", "换锁", 1)
    [case] = (await staff.get("/api/v1/cases")).json()["cases"]
    assert case["muted"] == "out_of_service"
    metrics = (await staff.get("/metrics")).text
    assert "hub_cases_muted 1.0" in metrics
    assert "hub_devices_out_of_service 1.0" in metrics
    for page in ("/d/D1", "/quiet"):
        text = (await staff.get(page)).text
        assert "换锁" in text
        assert "van" in text
    assert (await staff.delete(OUT)).status_code == 200
    assert (await staff.get("/api/v1/quiet")).json()["out_of_service"] == []
    again = await staff.delete(OUT)
    assert (again.status_code, again.json()["code"]) == (409, "in_service")
    [case] = (await staff.get("/api/v1/cases")).json()["cases"]
    assert case["muted"] is None


async def test_a_shelved_case_says_who_until_when_and_why(
    staff: httpx.AsyncClient, court: RealJudge
) -> None:
    court.say("d-1", battery=3.0)

    async def raised() -> list[str]:
        return [one["id"] for one in (await staff.get("/api/v1/cases")).json()["cases"]]

    [case_id] = await until_found(raised)
    shelving = {"until_ms": NOW_MS + HOUR_MS, "reason": "等配件"}
    await staff.post(f"/api/v1/cases/{case_id}/shelve", json=shelving)

    [one] = (await staff.get("/api/v1/quiet")).json()["shelved"]
    assert (one["case"], one["by"], one["reason"]) == (case_id, "staff", "等配件")
    assert one["until_ms"] == NOW_MS + HOUR_MS
    for page in ("/", "/quiet", f"/cases/{case_id}"):
        assert "等配件" in (await staff.get(page)).text


@pytest.mark.parametrize(
    "wish",
    [
        {"until_ms": NOW_MS, "reason": "x"},
        {"until_ms": NOW_MS + 32 * 24 * HOUR_MS, "reason": "x"},
        {"until_ms": NOW_MS + HOUR_MS, "reason": "  "},
        {"until_ms": NOW_MS + HOUR_MS},
    ],
)
async def test_an_end_and_a_reason_are_needed(
    staff: httpx.AsyncClient, wish: dict[str, object]
) -> None:
    assert (await staff.post(OUT, json=wish)).status_code == 422


async def test_a_device_that_is_not_there_cannot_be_taken_out(
    staff: httpx.AsyncClient, court: RealJudge
) -> None:
    answer = await staff.post("/api/v1/devices/nothing/out_of_service", json=WISH)
    assert answer.status_code == 404


def test_the_command_writes_what_the_judge_reads(engine: Engine, settings: Settings) -> None:
    environment = {**os.environ, "HUB_DATA_DIR": str(settings.data_dir)}
    runner = CliRunner(env=environment)
    words = ["out-of-service", "d-1", "--hours", "4", "--reason", "换锁"]
    done = runner.invoke(cli, words)
    assert done.exit_code == 0, done.output
    assert runner.invoke(cli, ["in-service", "d-1"]).exit_code == 0
    assert "no device" in runner.invoke(cli, ["in-service", "nothing"]).output
    with engine.connect() as connection:
        kept = journal.read(connection, 0, 10, [journal.COMMAND])

    bodies = [entry.body or {} for entry in kept]
    assert [(body["act"], body["device"]) for body in bodies] == [
        ("out_of_service", "d-1"),
        ("in_service", "d-1"),
    ]
    assert bodies[0]["until_ms"] - kept[0].arrived_ms == pytest.approx(4 * HOUR_MS, abs=1_000)
