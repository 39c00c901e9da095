"""Alerts over HTTP, those of rules on trial apart; a rule on trial beside the live one."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.engine import Engine

from hub.database import alerts, for_writing
from hub.settings import Settings
from tests.dashboard_api.conftest import NOW_MS

HOUR_MS = 3_600_000
RULES = """
rules:
  - rule: press
    where: {family: button}
    when: {point: press, happens: [sos]}
    severity: emergency
    category: emergency
  - rule: open-long
    when: {point: contact, equals: open}
    hold_for: 10m
    severity: warning
    category: security
  - rule: open-short
    mode: shadow
    instead_of: open-long
    when: {point: contact, equals: open}
    hold_for: 5m
    severity: urgent
    category: security
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
    return Settings(data_dir=tmp_path, rules_dir=str(folder))


def alert(rule: str, opened_ms: int, closed_ms: int | None, **more: Any) -> dict[str, Any]:
    """A row of the table."""
    row: dict[str, Any] = {
        "id": f"{rule}|d|{opened_ms}",
        "rule": rule,
        "rule_version": "1",
        "key": "d",
    }
    row |= {"device": "d", "severity": "warning", "category": "security"}
    row |= {"opened_at_ms": opened_ms, "opened_heard_ms": opened_ms, "closed_at_ms": closed_ms}
    return row | {"why_zh": "开", "why_en": "open", "mode": "live", **more}


@pytest.fixture
def known(engine: Engine) -> None:
    night_ms = NOW_MS - 6 * HOUR_MS  # three in the morning
    rows = [
        alert("open-long", night_ms + 600_000, night_ms + HOUR_MS),
        alert("open-short", night_ms + 300_000, night_ms + HOUR_MS, mode="shadow", times=3),
        alert("open-short", NOW_MS - HOUR_MS, None, mode="shadow"),
        alert("open-short", NOW_MS - 2 * HOUR_MS, None, mode="shadow", taken_back=True),
        alert("open-long", NOW_MS - 40 * 24 * HOUR_MS, None, key="d2", device="d2"),
    ]
    with for_writing(engine).begin() as connection:
        for row in rows:
            connection.execute(alerts.insert().values(**row))


@pytest.mark.usefixtures("known")
async def test_alerts_of_rules_on_trial_are_asked_for_by_name(staff: httpx.AsyncClient) -> None:
    async def opened(**asked: Any) -> list[tuple[str, int]]:
        answer = await staff.get("/api/v1/alerts", params=asked)
        assert answer.status_code == 200, answer.text
        return [(one["rule"], one["times"]) for one in answer.json()["alerts"]]

    assert await opened() == [("open-long", 1)]
    assert await opened(mode="shadow") == [("open-short", 1), ("open-short", 1), ("open-short", 3)]
    assert await opened(mode="shadow", state="open") == [("open-short", 1)]
    assert len(await opened(mode="all", rule="open-short", device="d")) == 3
    assert await opened(mode="all", device="other") == []
    assert await opened(before=NOW_MS - 6 * HOUR_MS) == []


@pytest.mark.usefixtures("known")
async def test_a_page_of_alerts_says_that_there_are_more(staff: httpx.AsyncClient) -> None:
    answer = await staff.get("/api/v1/alerts", params={"mode": "all", "limit": 2})

    assert answer.json()["more"] is True
    assert len(answer.json()["alerts"]) == 2


@pytest.mark.parametrize(
    "asked", [{"mode": "shadowy"}, {"from": "yesterday"}, {"from": "2020-01-01T00:00:00Z"}]
)
async def test_a_wrong_wish_is_refused(staff: httpx.AsyncClient, asked: dict[str, str]) -> None:
    answer = await staff.get("/api/v1/alerts", params=asked)

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.usefixtures("known")
async def test_a_rule_on_trial_beside_the_live_one(staff: httpx.AsyncClient) -> None:
    """The night's alert is one at another moment; the morning's only the trial has."""
    found = (await staff.get("/api/v1/rules/open-short/shadow")).json()

    assert found["instead_of"] == "open-long"
    assert (found["both"], found["moved_count"]) == (1, 1)
    assert [one["opened_ms"] for one in found["only_shadow"]] == [NOW_MS - HOUR_MS]
    assert [one["key"] for one in found["only_live"]] == ["d2"]
    assert (found["load"]["calls"], found["load"]["again"], found["load"]["at_night"]) == (2, 2, 1)
    assert found["load"]["woken"] == [{"role": "security", "grid": None, "calls": 1, "nights": 1}]
    assert (found["load_live"]["calls"], found["load_live"]["woken"]) == (1, [])


@pytest.mark.parametrize("name", ["open-long", "nobody"])
async def test_only_rules_on_trial_have_such_a_report(staff: httpx.AsyncClient, name: str) -> None:
    answer = await staff.get(f"/api/v1/rules/{name}/shadow")

    assert (answer.status_code, answer.json()["code"]) == (404, "no_such_shadow")
