"""Giving back, handing over to 120, the page to read aloud, the plan's next step; real judge."""

from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy.engine import Engine

from dashboard_api.app import create_app
from hub.database import residents
from hub.local_series import LocalSeries
from hub.plan_files import plans_in_force
from hub.settings import Settings
from hub.site import Site
from rules.roster import Contact
from tests.dashboard_api.community import NAMES
from tests.dashboard_api.conftest import NOW_MS, HandClock
from tests.dashboard_api.real_judge import RealJudge, until_found

CASES = "/api/v1/cases"


@pytest.fixture
def court(engine: Engine, clock: HandClock, settings: Settings) -> Iterator[RealJudge]:
    plans = plans_in_force(settings)
    with RealJudge(engine, clock, settings.data_dir, plans).sitting() as sitting:
        yield sitting


async def press(court: RealJudge, client: httpx.AsyncClient) -> str:
    court.say("b-0", press="sos")

    async def look() -> list[str]:
        return [one["id"] for one in (await client.get(CASES)).json()["cases"]]

    return (await until_found(look))[0]


async def whats(client: httpx.AsyncClient, case_id: str, what: str) -> list[str]:
    log = (await client.get(f"{CASES}/{case_id}")).json()["log"]
    return [one["by"] for one in log if one["what"] == what]


async def test_a_case_is_handed_to_120_and_given_back_and_closed_after_a_call_only(
    staff: httpx.AsyncClient, court: RealJudge
) -> None:
    case_id = await press(court, staff)
    nobody = await staff.post(f"{CASES}/{case_id}/hand_over")
    handed = await staff.post(f"{CASES}/{case_id}/hand_over", json={"to": "120"})
    assert (nobody.status_code, nobody.json()["code"]) == (409, "to_needed")
    assert (handed.json()["case"]["handed_to"], handed.json()["case"]["state"]) == (
        "120",
        "answered",
    )
    closing = {"outcome": "real_need"}
    early = await staff.post(f"{CASES}/{case_id}/close", json=closing)
    assert (early.status_code, early.json()["code"]) == (409, "call_back_needed")
    assert "须先回访" in early.json()["reason_zh"]
    back = await staff.post(f"{CASES}/{case_id}/release")
    assert (back.json()["case"]["state"], back.json()["case"]["answered_by"]) == ("raised", None)
    over = await staff.post(f"{CASES}/{case_id}/close", json=closing | {"called_back": True})
    assert over.json()["case"]["state"] == "closed"


async def test_the_page_to_read_aloud_has_all_that_120_asks_and_the_look_is_kept(
    staff: httpx.AsyncClient, crew: httpx.AsyncClient, court: RealJudge, engine: Engine
) -> None:
    with engine.begin() as connection:
        connection.execute(residents.update().values(notes="青霉素过敏, 装有起搏器"))
    case_id = await press(court, staff)
    await staff.post(f"{CASES}/{case_id}/dispatch", json={"to": "李医生"})
    page = await staff.get(f"/cases/{case_id}/handover")

    assert page.status_code == 200
    for needed in ("3号楼1单元1204室", NAMES[0], "82 岁", "09:00:00", "青霉素过敏", "李医生"):
        assert needed in page.text, needed
    assert "0374-5550101" in page.text  # the grid's duty phone, to call back
    assert await until_found(lambda: whats(staff, case_id, "look")) == ["staff"]
    assert (await crew.get(f"/cases/{case_id}/handover")).status_code == 303
    assert await whats(staff, case_id, "look") == ["staff"]
    assert (await staff.get("/cases/C-999999/handover")).status_code == 404


async def test_a_card_says_who_was_told_and_which_step_comes_next(
    staff: httpx.AsyncClient, court: RealJudge
) -> None:
    case_id = await press(court, staff)
    whole = (await staff.get(f"{CASES}/{case_id}")).json()
    console = (await staff.get("/")).text

    assert whole["next_step"] == {"due_ms": NOW_MS + 20_000, "roles": ["duty-phone", "desk"]}
    assert [(one["role"], one["recipient"]) for one in whole["notices"] if one["recipient"]] == [
        ("duty-phone", "duty-phone:grid-1"),
        ("desk", "desk:grid-1"),
    ]
    assert f'data-due="{NOW_MS + 20_000}"' in console
    await staff.post(f"{CASES}/{case_id}/answer")
    answered = (await staff.get(f"{CASES}/{case_id}")).json()
    assert answered["next_step"] == {"due_ms": NOW_MS + 600_000, "roles": ["answerer"]}


async def test_the_desk_of_the_site_is_called_back_first(
    settings: Settings, clock: HandClock, engine: Engine, court: RealJudge, staff: httpx.AsyncClient
) -> None:
    case_id = await press(court, staff)
    site = Site(roles=(Contact("desk", "desk", phone="0374-5550100"),))
    series = LocalSeries(settings, "demo")
    app = create_app(settings, clock, engine, series, site)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://hub.test", cookies=staff.cookies
    ) as client:
        text = (await client.get(f"/cases/{case_id}/handover")).text
    await series.close()

    assert text.index("0374-5550100") < text.index("0374-5550101")
