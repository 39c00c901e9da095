"""Plans before the judge's loop: who is told when, over kills, and what a failed way brings."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from device_drivers.reading import Reading
from hub import outbox
from hub.database import (
    case_log,
    cases,
    command_results,
    devices,
    escalations,
    for_writing,
    notices,
    shifts,
)
from hub.journal import COMMAND, PRESS, READING, STRANGER, Entry
from hub.outbox import GIVEN_UP, SENT, WAITING, Notice, Outcome
from hub.reach import go_on
from hub.register import tell_of_change
from rules.response import Plan, Step
from rules.roster import Contact, Roster, Way
from tests.hub.courtroom import MORNING_MS, Courtroom

S = 1_000
PLAN = Plan(
    "emergency",
    unanswered=(
        Step(0, ("duty-phone",), repeat_ms=20 * S, times=2),
        Step(60 * S, ("grid-leader",)),
        Step(120 * S, ("health-station", "desk")),
    ),
    not_arrived=(Step(900 * S, ("answerer",)),),
    nobody_after_ms=180 * S,
)
ROSTER = Roster(
    contacts=(
        Contact("duty-phone:grid-1", "duty-phone", "grid-1", ways=(Way("wecom"), Way("sms", "1"))),
        Contact("duty-phone", "duty-phone", ways=(Way("wecom"), Way("sms", "9"))),
        Contact("grid-leader", "grid-leader", phone="0374-2", ways=(Way("sms"),)),
        Contact("desk", "desk"),
        Contact("health-station", "health-station", ways=(Way("voice", "120"),)),
    ),
)
CHANNELS = ("mqtt", "calls", "log", "wecom", "sms", "down")


@pytest.fixture
def court(tmp_path: Path) -> Iterator[Courtroom]:
    opened = Courtroom(tmp_path, plans={"emergency": PLAN}, roster=ROSTER, channels=CHANNELS)
    opened.set_rules(["emergency-press"])
    opened.begin()
    yield opened
    opened.close()


def calls(court: Courtroom) -> list[tuple[float, str, str, str | None]]:
    """Who was called: seconds, contact, channel, address."""
    rows = court.rows(notices, "reason", "created_ms", "recipient", "channel", "address")
    return [((at - MORNING_MS) / S, *who) for reason, at, *who in rows if reason == "call"]


def story(court: Courtroom) -> list[tuple[float, str]]:
    rows = court.rows(case_log, "case_id", "what", "at_ms")
    return [((at - MORNING_MS) / S, what) for case, what, at in rows if case == "C-000001"]


async def watch(court: Courtroom, until_s: int, since_s: int = 0) -> None:
    for second in range(since_s, until_s + 1):
        await court.at(second)


async def test_every_step_comes_at_its_second_and_the_button_hears_that_nobody_took_it(
    court: Courtroom,
) -> None:
    court.said("btn-1", press="sos")
    await watch(court, 200)
    assert calls(court) == [
        (0, "duty-phone", "wecom", None),
        (20, "duty-phone", "wecom", None),
        (60, "grid-leader", "sms", "0374-2"),
        (120, "desk", "calls", None),
    ]
    assert [one for one in story(court) if one[1] != "called"] == [(0, "raised"), (180, "nobody")]
    down = [json.loads(body) for body in court.rows(notices, "body_json") if '"state":"no' in body]
    assert [(one["case"], one["state"]) for one in down] == [("C-000001", "nobody")]


async def test_the_call_of_an_unknown_button_goes_on_in_the_grid_where_it_is_registered(
    court: Courtroom,
) -> None:
    """Its story says so, people are told the place, and a kill forgets none of it."""
    court.said("native:btn-9", press="sos")
    await watch(court, 10)
    with for_writing(court.engine).begin() as connection:
        for name, grid in (("btn-1", None), ("btn-9", "grid-1")):
            row = {"id": name, "family": "button", "driver": "native", "address": f"native:{name}"}
            row |= {"name_zh": "按钮", "name_en": "Button", "place": "b1/101"}
            connection.execute(devices.insert().values(**row, grid=grid, added_ms=0))
        tell_of_change(connection, court.clock.now, "test")
    await court.at(11)
    await court.kill()
    await watch(court, 40, 12)

    assert [(at, who) for at, who, *_ in calls(court)] == [
        (0, "duty-phone"),
        (20, "duty-phone:grid-1"),
    ]
    assert "placed" in [what for _, what in story(court)]
    assert court.rows(cases, "device", "place", "grid") == [("native:btn-9", "b1/101", "grid-1")]
    assert "changed" in court.rows(notices, "reason")


async def test_a_kill_in_the_middle_changes_no_moment(court: Courtroom) -> None:
    court.said("btn-1", press="sos")
    await watch(court, 50)
    await court.kill()
    await watch(court, 200, 51)
    assert [at for at, *_ in calls(court)] == [0, 20, 60, 120]


async def test_a_hub_that_was_away_calls_at_once_when_it_is_back(court: Courtroom) -> None:
    court.said("btn-1", press="sos")
    await court.at(0)
    await court.kill()
    await court.at(70)
    assert [(at, who) for at, who, *_ in calls(court)] == [
        (0, "duty-phone"),
        (70, "duty-phone"),
        (70, "grid-leader"),
    ]


async def test_an_answer_ends_the_calls_and_whoever_was_called_hears_of_it(
    court: Courtroom,
) -> None:
    court.said("btn-1", press="sos")
    await watch(court, 65)
    court.order("answer", "C-000001")
    await watch(court, 400, 66)
    assert [at for at, *_ in calls(court)] == [0, 20, 60]
    told = court.rows(notices, "reason", "recipient", "channel", "address")
    assert [who for reason, *who in told if reason == "changed" and who[0]] == [
        ["duty-phone", "wecom", None],
        ["grid-leader", "sms", "0374-2"],
    ]


async def test_two_who_press_in_the_same_second_are_two_chains(court: Courtroom) -> None:
    court.said("btn-1", press="sos")
    court.said("btn-2", press="sos")
    await watch(court, 30)
    court.order("answer", "C-000001")
    await watch(court, 70, 31)
    rows = court.rows(notices, "case_id", "reason", "recipient")
    called = [(case, who) for case, reason, who in rows if reason == "call"]
    assert called.count(("C-000001", "duty-phone")) == called.count(("C-000002", "duty-phone")) == 2
    assert ("C-000002", "grid-leader") in called
    assert ("C-000001", "grid-leader") not in called


async def test_three_hundred_at_once_keep_their_clocks(court: Courtroom) -> None:
    def press(number: int) -> Entry:
        at_ms = MORNING_MS + number
        readings = (Reading("press", "sos", at_ms),)
        return Entry(0, READING, f"native:b{number}", at_ms, readings, flags=PRESS | STRANGER)

    for number in range(300):
        court.clock.now = MORNING_MS + number
        court.keep([press(number)])
        await court.work()
    await court.at(59)
    for number in range(300):
        court.clock.now = MORNING_MS + 60_000 + number
        await court.work()
    rows = court.rows(notices, "case_id", "recipient", "created_ms")
    heard = dict(court.rows(cases, "id", "heard_at_ms"))
    late = [at - heard[case] - 60_000 for case, who, at in rows if who == "grid-leader"]
    assert late == [0] * 300


def failed(court: Courtroom, notice_id: int, state: str = WAITING) -> None:
    """The deliverer notes that a try did not work."""
    with for_writing(court.engine).begin() as connection:
        row = connection.execute(notices.select().where(notices.c.id == notice_id)).mappings().one()
        notice = Notice(**{name: row[name] for name in Notice._fields})
        at_ms = court.clock.now
        outcomes = [Outcome(notice, state, at_ms, at_ms + 5_000, "no such number")]
        outbox.note(connection, outcomes)
        go_on(connection, outcomes)


def call_ids(court: Courtroom) -> list[int]:
    return [one for one, reason in court.rows(notices, "id", "reason") if reason == "call"]


async def test_a_way_that_fails_is_followed_by_the_next_at_once(court: Courtroom) -> None:
    court.said("btn-1", press="sos")
    await court.at(0)
    court.clock.now += 500
    failed(court, call_ids(court)[-1])
    await court.work()
    assert calls(court)[1:] == [(0.5, "duty-phone", "sms", "9")]
    failed(court, call_ids(court)[0])
    assert len(calls(court)) == 2, "the first failure only; the retries go on beside it"


async def test_when_the_last_way_fails_the_next_step_comes_at_once(court: Courtroom) -> None:
    court.said("btn-1", press="sos")
    await court.at(0)
    failed(court, call_ids(court)[-1])
    await court.at(1)
    failed(court, call_ids(court)[-1], GIVEN_UP)
    await court.at(2)
    assert calls(court)[2:] == [(2, "grid-leader", "sms", "0374-2")]
    assert (2, "unreached") in story(court)
    await watch(court, 70, 3)
    assert calls(court)[-1] == (62, "desk", "calls", None), "and what follows comes along"


async def test_a_role_that_nobody_has_is_passed_over_at_once(tmp_path: Path) -> None:
    court = Courtroom(
        tmp_path,
        plans={"emergency": PLAN},
        roster=Roster(contacts=ROSTER.contacts[2:]),
        channels=CHANNELS,
    )
    court.said("btn-1", press="sos")
    await court.at(0)
    assert calls(court) == [(0, "grid-leader", "sms", "0374-2")]
    court.close()


async def test_a_phone_to_which_nobody_signed_on_rings_and_the_next_step_comes_at_once(
    tmp_path: Path,
) -> None:
    phone = Contact("duty-phone", "duty-phone", ways=(Way("wecom"),), sign_on=True)
    roster = Roster(contacts=(phone, *ROSTER.contacts[2:]))
    court = Courtroom(tmp_path, plans={"emergency": PLAN}, roster=roster, channels=CHANNELS)
    court.said("btn-1", press="sos")
    await court.at(0)
    assert [who for _, who, *_ in calls(court)] == ["duty-phone", "grid-leader"]

    sign(court, role="duty-phone", person="zhang")
    await court.at(1)
    court.said("btn-2", press="sos")
    await court.at(2)
    assert [(at, who) for at, who, *_ in calls(court)][2:] == [(2, "duty-phone")]
    court.close()


def sign(court: Courtroom, act: str = "sign_on", **more: Any) -> None:
    body = {"act": act, "by": "desk", **more}
    if act == "sign_on":
        body = {"until_ms": MORNING_MS + 8 * 3_600 * S, "grid": None, **body}
    court.keep([Entry(0, COMMAND, None, court.clock.now, (), body)], in_memory=False)


async def test_who_signs_off_gives_back_what_is_open(court: Courtroom) -> None:
    sign(court, role="duty-phone", person="zhang")
    court.said("btn-1", press="sos")
    await court.at(0)
    court.order("answer", "C-000001", by="zhang")
    await court.at(10)
    [shift] = court.rows(shifts, "id")
    sign(court, "sign_off", shift=shift)
    await court.at(100)
    assert court.rows(cases, "state", "answered_by") == [("raised", None)]
    assert [(at, who) for at, who, *_ in calls(court)][-1] == (100, "duty-phone")
    assert json.loads(court.rows(command_results, "body_json")[-1])["given_back"] == ["C-000001"]
    await court.kill()
    await court.at(130)
    assert court.rows(shifts, "until_ms", "ended_ms")[0][1] == MORNING_MS + 100_000
    assert [at for at, *_ in calls(court)] == [0, 100, 130], "a new clock, over a kill as well"


async def test_a_shift_that_ends_by_itself_gives_back_too(court: Courtroom) -> None:
    sign(court, role="duty-phone", person="zhang", until_ms=MORNING_MS + 50_000)
    court.said("btn-1", press="sos")
    await court.at(0)
    court.order("answer", "C-000001", by="zhang")
    await court.at(49)
    assert court.rows(cases, "answered_by") == ["zhang"]
    assert court.evaluation.wait_s() <= 1.0
    await court.at(50)
    assert court.rows(cases, "state", "answered_by") == [("raised", None)]


@pytest.mark.parametrize(
    ("said", "cancelled"),
    [(["sos", "cancel"], True), (["cancel", "sos"], False), (["cancel", "sos", "cancel"], True)],
)
async def test_only_a_call_before_the_cancel_is_cancelled_when_all_is_read_at_once(
    court: Courtroom, said: list[str], cancelled: bool
) -> None:
    for press in said:
        court.said("btn-1", press=press)
    await court.kill()
    await court.at(0)
    assert court.rows(cases, "times", "cancelled_at_ms") == [(1, MORNING_MS if cancelled else None)]


async def test_a_cancel_press_is_told_and_ends_nothing(court: Courtroom) -> None:
    court.said("btn-1", press="sos")
    await court.at(0)
    court.clock.now += 5_000
    court.said("btn-1", press="cancel")
    await court.work()
    assert court.rows(cases, "state", "cancelled_at_ms") == [("raised", MORNING_MS + 5_000)]
    assert (5, "cancelled") in story(court)
    told = court.rows(notices, "reason", "recipient")
    assert ("cancelled", "duty-phone") in told
    await watch(court, 25, 6)
    assert calls(court)[-1][0] == 20, "nobody has asked yet: the calls go on"


async def test_what_is_closed_leaves_no_row_behind(court: Courtroom) -> None:
    court.said("btn-1", press="sos")
    await court.at(0)
    assert court.rows(escalations, "case_id", "plan") == [("C-000001", "emergency")]
    court.order("close", "C-000001", outcome="mistake", called_back=True)
    await watch(court, 100, 1)
    assert court.rows(escalations, "case_id") == []
    assert len(calls(court)) == 1


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("press"), st.sampled_from(["btn-1", "btn-2"]), st.just(0)),
        st.tuples(st.just("cancel"), st.sampled_from(["btn-1", "btn-2"]), st.just(0)),
        st.tuples(st.just("wait"), st.just(""), st.sampled_from([1, 7, 20, 61, 180])),
        st.tuples(
            st.sampled_from(["answer", "arrive", "release", "close", "shelve"]),
            st.sampled_from(["C-000001", "C-000002"]),
            st.just(0),
        ),
        st.tuples(st.just("fail"), st.just(""), st.integers(1, 12)),
    ),
    max_size=12,
)


async def play(court: Courtroom, steps: list[tuple[str, str, int]], kills: set[int]) -> None:
    second = 0.0
    for number, (what, about, figure) in enumerate(steps):
        until = second + (figure if what == "wait" else 0.001)
        court.clock.now = MORNING_MS + int(until * S)
        if what in ("press", "cancel"):
            court.said(about, press="sos" if what == "press" else "cancel")
        elif what == "fail":
            if figure in court.rows(notices, "id"):
                failed(court, figure)
        elif what != "wait":
            until_ms = court.clock.now + 60_000
            more: Any = {
                "outcome": "other",
                "called_back": True,
                "reason": "?",
                "until_ms": until_ms,
            }
            court.order(what, about, **more)
        if number in kills:
            await court.kill()
        for moment in range(int(second) + 1, int(until) + 1):
            await court.at(moment)
        await court.at(until)
        second = until


@effort(max_examples=25)
@example(steps=[("cancel", "btn-1", 0), ("press", "btn-1", 0)], kills={1})
@given(steps=STEPS, kills=st.sets(st.integers(0, 11), max_size=4))
def test_kills_change_nothing_of_who_is_told(
    steps: list[tuple[str, str, int]], kills: set[int]
) -> None:
    histories = []
    for killed in (set[int](), kills):
        with TemporaryDirectory() as folder:
            court = Courtroom(
                Path(folder), plans={"emergency": PLAN}, roster=ROSTER, channels=CHANNELS
            )
            asyncio.run(play(court, steps, killed))
            histories.append(court.history())
            court.close()
    assert histories[0] == histories[1]


def test_a_sent_call_asks_for_nothing_more(court: Courtroom) -> None:
    notice = Notice(1, "C-1", "sms", "desk", "call", "{}", 0, 0, 0, "desk", "1", "[]")
    with for_writing(court.engine).begin() as connection:
        go_on(connection, [Outcome(notice, SENT, 1, 1)])
    assert court.rows(notices, "id") == []
