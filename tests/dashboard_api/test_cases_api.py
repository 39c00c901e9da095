"""Cases over HTTP: who sees what, and how people's commands reach the judge."""

import asyncio

import httpx
import pytest
from sqlalchemy.engine import Engine

from hub import journal
from tests.dashboard_api.community import NAMES, StandInJudge
from tests.dashboard_api.conftest import NOW_MS, HandClock

CASES = "/api/v1/cases"


async def ids(client: httpx.AsyncClient, query: str = "") -> list[str]:
    answer = await client.get(f"{CASES}{query}")
    assert answer.status_code == 200, answer.text
    return [case["id"] for case in answer.json()["cases"]]


async def test_the_most_urgent_comes_first_and_of_equals_the_oldest(
    staff: httpx.AsyncClient, judge: StandInJudge
) -> None:
    warning = judge.raise_case(severity="warning", category="security", raised_at_ms=NOW_MS - 9_000)
    late = judge.raise_case()
    early = judge.raise_case(raised_at_ms=NOW_MS - 5_000)

    assert await ids(staff) == [early, late, warning]


@pytest.mark.parametrize("state", ["open", "all"])
async def test_pages_join_without_gap_or_double(
    staff: httpx.AsyncClient, judge: StandInJudge, state: str
) -> None:
    for number in range(7):
        judge.raise_case(severity=("urgent", "emergency")[number % 2])
    whole = await ids(staff, f"?state={state}")

    paged: list[str] = []
    while page := await ids(staff, f"?state={state}&limit=2&before={paged[-1] if paged else ''}"):
        paged += page

    assert paged == whole
    assert len(whole) == 7


async def test_an_answer_is_kept_judged_and_shown(
    staff: httpx.AsyncClient, judge: StandInJudge, engine: Engine
) -> None:
    case_id = judge.raise_case()
    done = await staff.post(f"{CASES}/{case_id}/answer")

    assert done.status_code == 200
    assert done.json()["case"]["answered_by"] == "staff"
    with engine.connect() as connection:
        kept = journal.read(connection, 0, 10, [journal.COMMAND])
    assert [entry.seq for entry in kept] == [done.json()["seq"]]
    body = kept[0].body
    assert body is not None
    assert (body["act"], body["case"], body["by"]) == ("answer", case_id, "staff")


async def test_the_second_to_answer_is_told_who_was_first(
    staff: httpx.AsyncClient, judge: StandInJudge
) -> None:
    case_id = judge.raise_case()
    both = await asyncio.gather(*(staff.post(f"{CASES}/{case_id}/answer") for _ in range(2)))

    assert sorted(answer.status_code for answer in both) == [200, 409]
    second = next(answer.json() for answer in both if answer.status_code == 409)
    assert second["reason_zh"] == "staff 已先接警"
    assert second["reason_en"] == "staff was first"


async def test_while_the_judge_is_silent_the_command_is_kept_and_its_word_can_be_asked_for(
    staff: httpx.AsyncClient, engine: Engine, clock: HandClock
) -> None:
    judge = StandInJudge(engine, NOW_MS)  # does not sit
    clock.step_s = 1.0
    case_id = judge.raise_case()
    waiting = await staff.post(f"{CASES}/{case_id}/answer")
    assert waiting.status_code == 202
    judge.judge_all()
    word = await staff.get(f"/api/v1/commands/{waiting.json()['waiting']}")

    assert word.status_code == 200
    assert word.json()["case"]["state"] == "answered"


async def test_a_change_in_between_is_noticed_when_the_version_is_given(
    staff: httpx.AsyncClient, judge: StandInJudge
) -> None:
    case_id = judge.raise_case()
    await staff.post(f"{CASES}/{case_id}/note", json={"text": "打过电话"})
    answer = await staff.post(f"{CASES}/{case_id}/answer", json={"expected_version": 1})

    assert answer.status_code == 409
    assert answer.json()["code"] == "changed_since"


async def test_a_closed_case_leaves_the_open_list_and_keeps_its_story(
    staff: httpx.AsyncClient, judge: StandInJudge
) -> None:
    case_id = judge.raise_case()
    await staff.post(f"{CASES}/{case_id}/answer")
    closing = {"outcome": "mistake", "called_back": True, "text": "误按，本人安好"}
    assert (await staff.post(f"{CASES}/{case_id}/close", json=closing)).status_code == 200

    assert await ids(staff) == []
    assert await ids(staff, "?state=closed") == [case_id]
    whole = (await staff.get(f"{CASES}/{case_id}")).json()
    assert [line["what"] for line in whole["log"]] == ["raised", "answer", "close"]
    assert whole["resident"]["name"] == NAMES[0]
    assert whole["device"]["points"]["battery"][0] == 80.0


async def test_a_wall_reads_cases_without_any_name(
    wall: httpx.AsyncClient, judge: StandInJudge
) -> None:
    case_id = judge.raise_case(answered_by="王主任")
    answers = [await wall.get(CASES), await wall.get(f"{CASES}/{case_id}"), await wall.get("/wall")]

    for answer in answers:
        assert answer.status_code == 200
        assert "3号楼1单元" in answer.text
        for name in (*NAMES, "王主任", "1204"):
            assert name not in answer.text


async def test_a_crew_sees_and_acts_on_faults_only(
    crew: httpx.AsyncClient, judge: StandInJudge
) -> None:
    emergency = judge.raise_case()
    fault = judge.raise_case(category="fault", severity="notice")

    assert await ids(crew) == [fault]
    assert (await crew.get(f"{CASES}/{emergency}")).status_code == 404
    assert (await crew.post(f"{CASES}/{emergency}/answer")).status_code == 404
    done = await crew.post(f"{CASES}/{fault}/answer")
    assert done.json()["case"]["answered_by"] == "van"
    assert done.json()["case"]["resident"] is None


async def test_a_session_is_over_when_its_time_is(
    staff: httpx.AsyncClient, clock: HandClock
) -> None:
    assert (await staff.get("/api/v1/session")).json()["role"] == "staff"
    clock.at_ms += 12 * 3_600_000

    assert (await staff.get("/api/v1/session")).status_code == 401
