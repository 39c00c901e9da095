"""The console: what is sent twice is done once, who is where, filters and pages, looks at cards."""

import asyncio

import httpx
import sqlalchemy as sa
from fastapi import FastAPI
from sqlalchemy.engine import Engine

from dashboard_api.access import Viewer
from dashboard_api.nearest import apart, neighbours, staff_nearest
from dashboard_api.presence import Presence
from dashboard_api.queries import Row
from dashboard_api.timeline import timeline
from hub.database import case_log, for_writing, looks
from hub.journal import COMMAND, read
from hub.settings import Settings
from tests.dashboard_api.community import NAMES, StandInJudge
from tests.dashboard_api.conftest import NOW_MS, HandClock

# -- acts that may come twice ---------------------------------------------------------------------


async def test_a_note_that_is_sent_again_with_its_key_is_written_once(
    staff: httpx.AsyncClient, judge: StandInJudge, engine: Engine
) -> None:
    case_id = judge.raise_case()
    first, again = [
        await staff.post(
            f"/api/v1/cases/{case_id}/note",
            json={"text": "door is open"},
            headers={"Idempotency-Key": "abc-1"},
        )
        for _ in range(2)
    ]
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json()["seq"] == again.json()["seq"]
    with engine.connect() as connection:
        assert len(list(read(connection, 0, 10, [COMMAND]))) == 1


async def test_a_key_is_for_one_command_only(
    staff: httpx.AsyncClient, crew: httpx.AsyncClient, judge: StandInJudge
) -> None:
    case_id = judge.raise_case()
    key = {"Idempotency-Key": "abc-1"}
    await staff.post(f"/api/v1/cases/{case_id}/answer", headers=key)
    other = await staff.post(f"/api/v1/cases/{case_id}/arrive", headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "key_used")
    fault = judge.raise_case(category="fault")
    await staff.post(f"/api/v1/cases/{fault}/answer", headers={"Idempotency-Key": "abc-2"})
    hers = await crew.post(f"/api/v1/cases/{fault}/answer", headers={"Idempotency-Key": "abc-2"})
    assert (hers.status_code, hers.json()["code"]) == (422, "key_used"), "of another person"
    wrong = await staff.post(f"/api/v1/cases/{case_id}/arrive", headers={"Idempotency-Key": "a b"})
    assert wrong.status_code == 422


async def test_a_case_that_has_changed_is_said_in_both_languages(
    staff: httpx.AsyncClient, judge: StandInJudge
) -> None:
    case_id = judge.raise_case(version=4)
    body = {"to": "Wang", "expected_version": 3}
    refused = await staff.post(f"/api/v1/cases/{case_id}/dispatch", json=body)
    assert refused.status_code == 409
    assert refused.json()["code"] == "changed_since"
    assert "第 4 版" in refused.json()["reason_zh"]


# -- who is where ---------------------------------------------------------------------------------


def test_pages_are_at_one_case_each_and_are_forgotten_when_they_say_nothing() -> None:
    clock = HandClock()
    clock.step_s = 0.0
    presence = Presence(clock, Settings(presence_keep_s=25.0, presence_tabs_max=2))
    assert presence.say("tab-a", "wang", "C-1", "")
    assert not presence.say("tab-a", "wang", "C-1", "")
    assert presence.say("tab-a", "wang", "C-1", "close")
    clock.at_s = 20.0
    presence.say("tab-b", "li", "C-1", "")
    shown = presence.shown()
    assert [(one["by"], one["doing"]) for one in shown["C-1"]] == [("wang", "close"), ("li", "")]

    clock.at_s, before = 26.0, presence.version
    presence.forget_silent()
    assert [one["by"] for one in presence.shown()["C-1"]] == ["li"]
    assert presence.version > before
    for tab in ("tab-c", "tab-d"):
        presence.say(tab, "zhao", "C-2", "")
    assert list(presence.shown()) == ["C-2"], "the one that was silent for longest made room"
    assert presence.say("tab-c", "zhao", "", "")


async def test_who_follows_as_staff_hears_who_is_where_and_a_wall_does_not(
    app: FastAPI, staff: httpx.AsyncClient, wall: httpx.AsyncClient
) -> None:
    said = await staff.post("/api/v1/presence", json={"tab": "tab-12345", "case": "C-000001"})
    refused = await wall.post("/api/v1/presence", json={"tab": "tab-12345", "case": "C-000001"})
    assert (said.status_code, refused.status_code) == (204, 403)
    feed = app.state.parts.feed
    heard = {}
    for role in ("staff", "wall"):
        events = feed.follow(Viewer(role, role), None)
        heard[role] = [(await anext(events)).event]
        async with asyncio.timeout(5):
            if role == "staff":
                heard[role].append((await anext(events)).event)
        await events.aclose()
    assert heard == {"staff": ["ping", "presence"], "wall": ["ping"]}


# -- filters and pages ----------------------------------------------------------------------------


FILTERS = {
    "": "123",
    "severity=warning": "2",
    "category=fault": "2",
    "grid=grid-2": "3",
    "whose=mine": "3",
    "whose=new": "12",
    f"q={NAMES[0]}": "12",
    "q=C-000003": "3",
    "q=nobody%25": "",
}


async def test_open_cases_are_filtered_by_what_people_know_of_them(
    staff: httpx.AsyncClient, judge: StandInJudge
) -> None:
    judge.raise_case()
    judge.raise_case(severity="warning", category="fault")
    nobodys = {"grid": "grid-2", "resident_id": None, "device": "d-1"}
    judge.raise_case(**nobodys, answered_by="staff", state="answered")
    for query, shown in FILTERS.items():
        page = (await staff.get(f"/?{query}")).text
        assert "".join(n for n in "123" if f'id="case-C-00000{n}"' in page) == shown, query


async def test_a_filter_that_hides_an_unanswered_emergency_says_so(
    staff: httpx.AsyncClient, judge: StandInJudge
) -> None:
    judge.raise_case()
    judge.raise_case(severity="warning")
    await staff.get("/language/en")
    hiding = (await staff.get("/?severity=warning")).text
    assert "The filter hides 1 unanswered emergency" in hiding
    assert "The filter hides" not in (await staff.get("/?severity=emergency")).text


async def test_many_open_cases_come_by_pages_and_the_count_is_of_all(
    staff: httpx.AsyncClient, judge: StandInJudge, settings: Settings
) -> None:
    for _ in range(settings.console_cases_max + 3):
        judge.raise_case()
    await staff.get("/language/en")
    first, second = [(await staff.get(f"/?page={page}")).text for page in (1, 2)]
    assert first.count("<article") == settings.console_cases_max
    assert second.count("<article") == 3
    assert 'data-raised="53"' in first
    assert 'hx-get="/fragments/cases?page=2"' in second


async def test_a_case_shows_whom_its_plan_did_not_reach_until_somebody_answers(
    staff: httpx.AsyncClient, judge: StandInJudge, engine: Engine
) -> None:
    case_id = judge.raise_case()
    line = {"case_id": case_id, "at_ms": NOW_MS, "heard_ms": NOW_MS, "body_json": "{}"}
    with for_writing(engine).begin() as connection:
        connection.execute(case_log.insert(), [{**line, "what": "unreached"}] * 2)
        connection.execute(case_log.insert().values(**line, what="nobody"))
    await staff.get("/language/en")
    page = (await staff.get("/")).text
    assert page.count("Reached nobody") == 1
    assert "Nobody has taken it" in page
    await staff.post(f"/api/v1/cases/{case_id}/answer")
    assert "Reached nobody" not in (await staff.get("/")).text


# -- the card -------------------------------------------------------------------------------------


async def test_each_look_at_a_residents_card_is_kept_and_stands_in_the_line_of_time(
    staff: httpx.AsyncClient, crew: httpx.AsyncClient, judge: StandInJudge, engine: Engine
) -> None:
    case_id = judge.raise_case()
    card = await staff.get(f"/fragments/card/{case_id}")
    assert f"{NAMES[0]}的女儿" in card.text
    assert (await crew.get(f"/fragments/card/{case_id}")).status_code == 401
    with engine.connect() as connection:
        [look] = connection.execute(sa.select(looks)).all()
    assert (look.by, look.resident_id, look.case_id) == ("staff", "r-0", case_id)
    page = (await staff.get(f"/cases/{case_id}")).text
    assert "staff 查看了居民卡片" in page
    assert (await staff.get("/fragments/card/C-999999")).status_code == 404


def test_neighbours_are_those_of_the_same_entrance_the_nearest_floor_first() -> None:
    def lives(resident: str, place: str, phone: str | None = "1") -> dict[str, str | None]:
        return {"id": resident, "place": place, "phone": phone}

    around = [
        lives("far", "b3/u1/0304"),
        lives("door", "b3/u1/1202"),
        lives("below", "b3/u1/1104"),
        lives("same-home", "b3/u1/1204"),
        lives("mute", "b3/u1/1203", None),
        lives("other-entrance", "b3/u2/1204"),
    ]
    assert [one["id"] for one in neighbours("b3/u1/1204", around, 9)] == ["door", "below", "far"]
    assert neighbours("b3/u1/1204", around, 1) == [around[1]]
    assert apart("b3/u1/1204", "b3/u1/1204") == 0
    assert apart("b3/u1/1204", "b3/u2/1204") < apart("b3/u1/1204", "b4/u1/1204")


def test_staff_nearest_are_of_the_own_grid_then_of_the_one_that_stands_in() -> None:
    grids = {
        name: {"id": name, "phone": f"tel-{name}", "leader": f"leader-{name}"}
        for name in ("grid-1", "grid-2", "grid-3")
    }
    shifts: list[Row] = [
        {"role": "duty-phone", "grid": "grid-3", "person": "Zhao"},
        {"role": "duty-phone", "grid": "grid-2", "person": "Li"},
        {"role": "desk", "grid": None, "person": "Wang"},
    ]
    found = staff_nearest("grid-1", "grid-2", shifts, grids)
    assert [(one["grid"], one["person"], one["phone"]) for one in found] == [
        ("grid-1", None, "tel-grid-1"),
        ("grid-2", "Li", "tel-grid-2"),
        (None, "Wang", None),
        ("grid-3", "Zhao", "tel-grid-3"),
    ]


def test_what_was_said_stands_before_what_it_brought_about() -> None:
    moments = timeline(
        [{"at_ms": 10, "what": "raised"}, {"at_ms": 30, "what": "answer"}],
        [{"created_ms": 10, "channel": "log"}],
        [{"at_ms": 10, "readings": [("press", "sos")]}, {"at_ms": 5, "readings": []}],
        [{"at_ms": 20, "by": "wang"}],
    )
    assert [(one.at_ms, one.kind) for one in moments] == [
        (5, "reading"), (10, "reading"), (10, "story"), (10, "notice"), (20, "look"), (30, "story"),
    ]  # fmt: skip
