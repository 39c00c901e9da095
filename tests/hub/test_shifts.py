"""Handing over a shift before the judge's loop, the clock in hand; over kills."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.database import case_log, cases, command_results, notices, shifts
from hub.journal import COMMAND, Entry
from rules.response import Plan, Step
from tests.hub.courtroom import MORNING_MS, Courtroom

S = 1_000
PLAN = Plan("emergency", unanswered=(Step(0, ("duty-phone",), repeat_ms=20 * S, times=9),))


@pytest.fixture
def court(tmp_path: Path) -> Iterator[Courtroom]:
    opened = Courtroom(tmp_path, plans={"emergency": PLAN}, channels=("mqtt", "calls"))
    opened.set_rules(["emergency-press"])
    opened.begin()
    yield opened
    opened.close()


def sign_on(court: Courtroom, person: str, until_s: int = 28_800, **more: Any) -> None:
    body: dict[str, Any] = {
        "act": "sign_on",
        "role": "duty-phone",
        "grid": None,
        "person": person,
        "by": "phone-1",
    }
    body |= {"until_ms": MORNING_MS + until_s * S, **more}
    court.keep([Entry(0, COMMAND, None, court.clock.now, (), body)], in_memory=False)


def has(court: Courtroom) -> list[tuple[str, str | None]]:
    return court.rows(cases, "state", "answered_by")


def story(court: Courtroom) -> list[tuple[str, str | None]]:
    rows = court.rows(case_log, "case_id", "what", "by")
    return [(what, by) for case, what, by in rows if case == "C-000001" and what != "called"]


async def begin(court: Courtroom) -> int:
    """Zhang is on duty and has the one press; the number of the shift."""
    sign_on(court, "zhang")
    await court.at(0)
    court.said("btn-1", press="sos")
    await court.at(1)
    court.order("answer", "C-000001", by="zhang", phone="phone-1")
    await court.at(2)
    assert has(court) == [("answered", "zhang")]
    [number] = court.rows(shifts, "id")
    return int(number)


async def test_what_the_next_one_confirmed_stays_in_hand_and_rings_nobody(
    court: Courtroom,
) -> None:
    number = await begin(court)
    before = len(court.rows(notices, "id"))
    sign_on(court, "li", takes_over=number, confirmed=["C-000001"])
    await court.at(10)
    await court.kill()
    await court.at(600)

    assert has(court) == [("answered", "li")]
    assert story(court) == [("raised", None), ("answer", "zhang"), ("take_over", "li")]
    more = court.rows(notices, "channel", "reason")[before:]
    assert [one for one in more if one[1] == "call"] == []
    assert court.rows(shifts, "person", "by", "ended_by") == [
        ("zhang", "phone-1", "li"),
        ("li", "phone-1", None),
    ]


async def test_what_was_not_confirmed_goes_back_and_the_plan_begins_anew(
    court: Courtroom,
) -> None:
    number = await begin(court)
    sign_on(court, "li", takes_over=number, confirmed=[])
    await court.at(10)
    await court.at(11)

    assert has(court) == [("raised", None)]
    calls = [
        (at - MORNING_MS) // S
        for at, reason in court.rows(notices, "created_ms", "reason")
        if reason == "call"
    ]
    assert calls == [1, 10]


async def test_a_shift_of_another_role_is_not_taken_over(court: Courtroom) -> None:
    number = await begin(court)
    sign_on(court, "li", takes_over=number, role="desk", confirmed=["C-000001"])
    await court.at(10)

    assert has(court) == [("answered", "zhang")]
    assert story(court)[-1] == ("seen", "li")
    assert court.rows(shifts, "ended_by") == [None, None]


async def test_whoever_leaves_without_a_word_gives_back_at_the_end(court: Courtroom) -> None:
    sign_on(court, "zhang", until_s=60)
    await court.at(0)
    court.said("btn-1", press="sos")
    await court.at(1)
    court.order("answer", "C-000001", by="zhang")
    await court.at(59)
    assert has(court) == [("answered", "zhang")]
    await court.at(60)

    assert has(court) == [("raised", None)]
    assert court.rows(shifts, "ended_by") == ["hub"]


async def test_a_shift_that_would_be_over_already_does_not_begin(court: Courtroom) -> None:
    sign_on(court, "zhang", until_s=-1)
    await court.at(0)

    assert court.rows(shifts, "id") == []
    assert court.rows(command_results, "ok") == [False]


async def test_whoever_signs_on_anew_at_the_same_phone_keeps_what_is_in_hand(
    court: Courtroom,
) -> None:
    number = await begin(court)
    sign_on(court, "zhang", takes_over=number, confirmed=["C-000001"])
    await court.at(10)

    assert has(court) == [("answered", "zhang")]
    assert court.rows(shifts, "person", "ended_by") == [("zhang", "zhang"), ("zhang", None)]
    assert story(court)[-1] == ("seen", "zhang")
