"""A device out of service before the judge's loop: its faults tell nobody, a press tells all."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.database import case_log, cases, command_results, notices, out_of_service
from hub.journal import COMMAND, Entry
from rules.response import Plan, Step
from tests.hub.courtroom import MORNING_MS, Courtroom

S = 1_000
PLANS = {
    "security": Plan("security", unanswered=(Step(0, ("desk",)), Step(60 * S, ("grid-leader",)))),
    "emergency": Plan("emergency", unanswered=(Step(0, ("desk",)),)),
}


@pytest.fixture
def court(tmp_path: Path) -> Iterator[Courtroom]:
    opened = Courtroom(tmp_path, plans=PLANS, channels=("mqtt", "webhook", "calls"))
    opened.set_rules(["emergency-press", "door-open"])
    opened.begin()
    yield opened
    opened.close()


def rest(court: Courtroom, device: str, until_s: int, reason: str = "换锁") -> None:
    until_ms = MORNING_MS + until_s * S
    body = {"act": "out_of_service", "device": device, "until_ms": until_ms, "by": "wang"}
    order = Entry(0, COMMAND, None, court.clock.now, (), body | {"reason": reason})
    court.keep([order], in_memory=False)


def put_back(court: Courtroom, device: str) -> None:
    body = {"act": "in_service", "device": device, "by": "wang"}
    court.keep([Entry(0, COMMAND, None, court.clock.now, (), body)], in_memory=False)


def told(court: Courtroom) -> list[tuple[float, str, str]]:
    """Notices to people: seconds, channel, reason."""
    rows = court.rows(notices, "created_ms", "channel", "reason")
    return [((at - MORNING_MS) / S, *more) for at, *more in rows if more[0] not in ("mqtt", "down")]


async def test_its_case_is_raised_and_counted_but_tells_nobody(court: Courtroom) -> None:
    rest(court, "door-1", 3_600)
    await court.at(0)
    court.said("door-1", contact="open")
    for second in (5, 10, 70, 600):
        await court.at(second)

    assert court.rows(cases, "rule", "state", "muted") == [
        ("door-open", "raised", "out_of_service")
    ]
    assert told(court) == []


async def test_a_press_is_never_muted(court: Courtroom) -> None:
    rest(court, "btn-1", 3_600)
    await court.at(0)
    court.said("btn-1", press="sos")
    await court.at(1)

    assert court.rows(cases, "rule", "muted") == [("emergency-press", None)]
    assert [reason for _, _, reason in told(court)] == ["opened", "call"]


async def test_it_ends_by_itself_and_what_is_still_open_is_told_from_the_beginning(
    court: Courtroom,
) -> None:
    rest(court, "door-1", 300)
    await court.at(0)
    court.said("door-1", contact="open")
    for second in (11, 299):
        await court.at(second)
    assert told(court) == []
    assert court.evaluation.wait_s() <= 1
    for second in (300, 359, 360):
        await court.at(second)

    assert told(court) == [
        (300, "webhook", "opened"),
        (300, "webhook", "call"),
        (360, "webhook", "call"),
    ]
    assert court.rows(case_log, "what")[:2] == ["raised", "unmuted"]
    assert court.rows(out_of_service, "device") == []


async def test_what_is_open_already_is_told_no_more_and_again_when_it_is_put_back(
    court: Courtroom,
) -> None:
    court.said("door-1", contact="open")
    await court.at(10)
    before = told(court)
    assert [reason for _, _, reason in before] == ["opened", "call"]
    rest(court, "door-1", 3_600)
    for second in (11, 70, 100):
        await court.at(second)
    assert told(court) == before
    put_back(court, "door-1")
    await court.at(101)

    assert [reason for _, _, reason in told(court)[2:]] == ["opened", "call"]
    whats = [what for what in court.rows(case_log, "what") if what != "called"]
    assert whats == ["raised", "muted", "unmuted"]


async def test_a_kill_forgets_nothing_of_it(court: Courtroom) -> None:
    rest(court, "door-1", 300)
    await court.at(0)
    court.said("door-1", contact="open")
    await court.at(11)
    await court.kill()
    await court.at(299)
    assert told(court) == []
    await court.kill()
    await court.at(300)

    assert [(at, reason) for at, _, reason in told(court)] == [(300, "opened"), (300, "call")]


@pytest.mark.parametrize(
    ("device", "until_s", "reason"), [("nothing", 60, "x"), ("door-1", -1, "x"), ("door-1", 60, "")]
)
async def test_without_device_end_or_reason_it_is_refused(
    court: Courtroom, device: str, until_s: int, reason: str
) -> None:
    rest(court, device, until_s, reason)
    put_back(court, "door-1")
    await court.at(0)

    assert court.rows(command_results, "ok") == [False, False]
    assert court.rows(out_of_service, "device") == []
