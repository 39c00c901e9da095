"""The machine's clock is set back: nobody's call waits until it is there again."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hub.database import escalations, for_writing, notices
from hub.health import GREEN, YELLOW
from hub.outbox import WAITING
from hub.set_back import SetBack
from rules.case import IMAGINED
from rules.escalation import Escalation, Taken, set_back
from rules.response import UNANSWERED
from tests.hub.courtroom import MORNING_MS, Courtroom, HandClock
from tests.hub.test_escalations import CHANNELS, PLAN, ROSTER, S

HOUR = 3_600 * S


@pytest.fixture
def court(tmp_path: Path) -> Iterator[Courtroom]:
    """The clock is five hours ahead of the morning, as after a power cut."""
    opened = Courtroom(tmp_path, plans={"emergency": PLAN}, roster=ROSTER, channels=CHANNELS)
    opened.set_rules(["emergency-press"])
    opened.clock.leap(5 * HOUR)
    opened.begin()
    yield opened
    opened.close()


async def pass_seconds(court: Courtroom, seconds: int) -> None:
    """Time goes on; the judge looks every second."""
    for _ in range(seconds):
        court.clock.now += S
        await court.work()


def called(court: Courtroom, since_ms: int) -> list[tuple[float, str]]:
    """Seconds since then, and who was called."""
    rows = court.rows(notices, "reason", "created_ms", "recipient")
    return [((at - since_ms) / S, who) for reason, at, who in rows if reason == "call"]


async def test_an_escalation_goes_on_as_if_nobody_had_touched_the_clock(court: Courtroom) -> None:
    court.said("btn-1", press="sos")
    await court.work()
    await pass_seconds(court, 30)
    court.clock.leap(-5 * HOUR)
    await pass_seconds(court, 170)

    now = called(court, MORNING_MS)
    assert now[2:] == [(60, "grid-leader"), (120, "desk")]
    assert {who for _, who in now[:2]} == {"duty-phone"}


async def test_a_hub_that_was_off_meanwhile_takes_up_at_the_latest_now(court: Courtroom) -> None:
    """How long it was off nobody can say: what was waited for until then counts."""
    court.said("btn-1", press="sos")
    await court.work()
    await pass_seconds(court, 30)
    court.clock.leap(-5 * HOUR)
    await court.kill()
    await pass_seconds(court, 100)

    assert (70, "grid-leader") >= called(court, MORNING_MS)[2] >= (60, "grid-leader")
    states = court.rows(escalations, "state_json")
    await court.kill()
    await court.work()
    assert court.rows(escalations, "state_json") == states  # found out once


async def test_what_waits_in_the_outbox_waits_no_longer_than_it_would_have(
    court: Courtroom,
) -> None:
    court.said("btn-1", press="sos")
    await court.work()
    with for_writing(court.engine).begin() as connection:
        connection.execute(notices.update().values(due_ms=court.clock.now + 40 * S))
    court.clock.leap(-5 * HOUR)
    await court.work()

    assert set(court.rows(notices, "state", "due_ms")) == {(WAITING, court.clock.now + 40 * S)}


def test_a_shelf_ends_when_people_said() -> None:
    """One that was set by the wrong clock ends as much earlier; what was said moves along."""
    now_ms, until_ms = MORNING_MS, MORNING_MS + HOUR
    right = replace(IMAGINED, changed_ms=now_ms - S, shelved_until_ms=until_ms)
    wrong = replace(right, changed_ms=now_ms + 4 * HOUR, shelved_until_ms=until_ms + 5 * HOUR)
    for case in (right, wrong):
        assert case.shelved_until_ms is not None
        before = Escalation(UNANSWERED, case.shelved_until_ms)
        assert set_back(before, case, 5 * HOUR, now_ms).since_ms == until_ms
    said = Escalation(UNANSWERED, now_ms + 4 * HOUR, (Taken(now_ms - S, 1), Taken(until_ms, 2)))
    moved = set_back(said, IMAGINED, 5 * HOUR, now_ms)
    assert (moved.since_ms, moved.taken[0].at_ms) == (now_ms - HOUR, now_ms - S)
    assert moved.taken[1] == Taken(until_ms - 5 * HOUR, 2)
    assert set_back(said, IMAGINED, 10, now_ms).since_ms == now_ms  # never later than now


def test_only_a_step_back_is_told_until_the_clock_is_there_again() -> None:
    """Small steps and steps ahead are none."""
    clock, told = HandClock(), list[tuple[str, str]]()
    looking = SetBack(clock, 5_000, lambda part, state, *_: told.append((part, state)))
    for leap_ms in (0, -4_999, 8 * HOUR):
        clock.leap(leap_ms)
        assert looking.look() == 0
    clock.now += 10 * S
    clock.leap(-2 * HOUR)
    assert looking.look() == 2 * HOUR
    assert told == [("clock", YELLOW)]
    clock.now += 2 * HOUR - 1
    assert looking.look() == 0
    clock.now += 1
    assert looking.look() == 0
    assert told == [("clock", YELLOW), ("clock", GREEN)]
