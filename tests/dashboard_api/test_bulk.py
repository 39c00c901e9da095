"""Many cases at once: each is judged alone, an emergency is refused by name."""

import httpx
import pytest
from sqlalchemy.engine import Engine

from dashboard_api.app import create_app
from hub.local_series import LocalSeries
from hub.settings import Settings
from hub.site import Site
from tests.dashboard_api.community import StandInJudge
from tests.dashboard_api.conftest import NOW_MS, HandClock

BULK = "/api/v1/cases/bulk"


async def test_the_others_go_through_and_an_emergency_is_refused_by_name(
    staff: httpx.AsyncClient, judge: StandInJudge
) -> None:
    faults = [judge.raise_case(category="fault", severity="notice") for _ in range(3)]
    emergency = judge.raise_case()
    await staff.post(f"/api/v1/cases/{faults[1]}/answer")
    ids = [*faults, emergency, "C-999999", faults[0]]
    done = (await staff.post(BULK, json={"ids": ids, "act": "answer"})).json()

    assert (done["done"], done["refused"]) == (2, 3)
    assert [(one["id"], one["ok"], one["code"]) for one in done["cases"]] == [
        (faults[0], True, None),
        (faults[1], False, "answered_before"),
        (faults[2], True, None),
        (emergency, False, "emergency"),
        ("C-999999", False, "no_such_case"),
    ]
    assert done["cases"][3]["reason"]["zh"] == "紧急事件须逐个处理"
    cases = (await staff.get("/api/v1/cases")).json()["cases"]
    assert {one["id"]: one["state"] for one in cases} == {
        emergency: "raised",
        **dict.fromkeys(faults, "answered"),
    }


async def test_a_crew_reaches_no_case_that_it_may_not_see(
    crew: httpx.AsyncClient, judge: StandInJudge
) -> None:
    door = judge.raise_case(category="security", severity="warning")
    done = (await crew.post(BULK, json={"ids": [door], "act": "answer"})).json()

    assert [one["code"] for one in done["cases"]] == ["no_such_case"]


async def test_what_the_judge_has_not_said_is_waited_for_by_its_number(
    staff: httpx.AsyncClient, engine: Engine, clock: HandClock
) -> None:
    judge = StandInJudge(engine, NOW_MS)  # does not sit
    clock.step_s = 1.0
    case_id = judge.raise_case(category="fault", severity="notice")
    done = (await staff.post(BULK, json={"ids": [case_id], "act": "answer"})).json()
    judge.judge_all()

    assert (done["done"], done["refused"]) == (0, 0)
    word = await staff.get(f"/api/v1/commands/{done['cases'][0]['waiting']}")
    assert word.json()["case"]["state"] == "answered"


@pytest.mark.parametrize(
    "wish",
    [
        {"ids": [], "act": "answer"},
        {"ids": ["C-000001"], "act": "confirm"},
        {"ids": ["C-000001"], "act": "hand_over", "to": "120"},
        {"ids": ["C-000001"], "act": "shelve", "until_ms": NOW_MS * 2, "reason": "x"},
        {"ids": ["C-000001"], "act": "answer", "expected_version": 1},
    ],
)
async def test_what_cannot_be_done_to_many_is_refused_as_a_whole(
    staff: httpx.AsyncClient, wish: dict[str, object]
) -> None:
    assert (await staff.post(BULK, json=wish)).status_code == 422


async def test_there_is_a_bound(
    staff: httpx.AsyncClient, settings: Settings, clock: HandClock, engine: Engine
) -> None:
    series = LocalSeries(settings, "demo")
    small = Settings(data_dir=settings.data_dir, bulk_cases_max=2)
    app = create_app(small, clock, engine, series, Site())
    transport, cookies = httpx.ASGITransport(app), staff.cookies
    async with httpx.AsyncClient(
        transport=transport, base_url="http://hub.test", cookies=cookies
    ) as client:
        wish = {"ids": ["C-1", "C-2", "C-3"], "act": "answer"}
        assert (await client.post(BULK, json=wish)).status_code == 422
    await series.close()
