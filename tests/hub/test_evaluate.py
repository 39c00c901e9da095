"""The judge's loop: each thing once, at its own moment, whatever is killed in between."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from device_drivers.reading import Reading
from hub.database import (
    alerts,
    case_log,
    cases,
    changes,
    command_results,
    devices,
    for_writing,
    latest,
    notices,
    standings,
)
from hub.devices import Device
from hub.journal import (
    COMMAND,
    DEVICE_TIME,
    GATEWAY,
    PRESS,
    READING,
    REDECODE,
    REDECODED,
    STRANGER,
    Entry,
)
from hub.register import tell_of_change
from rules.judge import SITE
from tests.hub.courtroom import DEVICES, MORNING_MS, Courtroom


@pytest.fixture
def court(tmp_path: Path) -> Iterator[Courtroom]:
    opened = Courtroom(tmp_path)
    yield opened
    opened.close()


async def test_a_press_raises_an_emergency_and_a_second_one_adds_to_it(court: Courtroom) -> None:
    court.said("btn-1", press="sos")
    await court.at(5)
    court.said("btn-1", press="sos", battery=50)
    await court.at(5)

    assert court.rows(cases, "id", "severity", "state", "times", "place") == [
        ("C-000001", "emergency", "raised", 2, "b1/101")
    ]
    assert court.rows(case_log, "what") == ["raised", "again"]
    assert court.rows(notices, "channel", "reason") == [
        ("mqtt", "opened"),
        ("log", "opened"),
        ("down", "raised"),
        ("mqtt", "again"),
        ("log", "again"),
        ("down", "again"),
    ]


async def test_a_low_battery_does_not_tell_the_resident_that_somebody_heard(
    court: Courtroom,
) -> None:
    court.said("btn-1", battery=5)
    await court.at(0)

    assert court.rows(cases, "rule") == ["battery-low"]
    assert "down" not in court.rows(notices, "channel")


async def test_two_residents_are_two_cases(court: Courtroom) -> None:
    court.said("btn-1", press="sos")
    court.said("btn-2", press="sos")
    await court.at(0)

    assert court.rows(cases, "key") == ["btn-1", "btn-2"]


async def test_a_stranger_who_presses_is_heard(court: Courtroom) -> None:
    court.said("native:btn-new", press="sos")
    await court.at(0)

    assert court.rows(cases, "device", "severity") == [("native:btn-new", "emergency")]


async def test_a_press_is_judged_before_a_backlog_of_others(court: Courtroom) -> None:
    for _ in range(1_000):
        court.said("door-1", battery=80)
    court.said("btn-1", press="sos")
    await court.evaluation.fill()
    await court.evaluation.step()

    assert court.rows(cases, "key") == ["btn-1"]
    assert await court.evaluation.step()


async def test_a_hold_opens_at_its_due_moment_across_a_kill(court: Courtroom) -> None:
    court.said("door-1", contact="closed")
    court.said("door-1", contact="open")
    await court.at(4)
    await court.kill()
    await court.at(17)

    assert court.rows(alerts, "rule", "opened_at_ms") == [("door-open", MORNING_MS + 10_000)]
    assert court.rows(cases, "raised_at_ms", "heard_at_ms") == [
        (MORNING_MS + 10_000, MORNING_MS + 17_000)
    ]


async def test_a_case_that_nobody_answered_closes_with_its_alert_and_an_emergency_never(
    court: Courtroom,
) -> None:
    court.said("btn-1", press="sos")
    court.said("door-1", contact="open")
    await court.at(12)
    court.said("door-1", contact="closed")
    await court.at(12)

    assert court.rows(cases, "rule", "state", "outcome") == [
        ("emergency-press", "raised", None),
        ("door-open", "closed", "ended_by_itself"),
    ]


async def test_late_news_takes_an_opening_back_and_people_are_told(court: Courtroom) -> None:
    court.said("door-1", contact="open")
    await court.at(12)
    court.said("door-1", late_ms=5_000, contact="closed")
    await court.at(12.5)

    assert court.rows(alerts, "taken_back") == [True]
    assert court.rows(case_log, "what") == ["raised", "taken_back"]


async def test_a_service_before_a_kill_is_not_forgotten_by_the_judge(tmp_path: Path) -> None:
    """Its command has its answer and is not read again: the standing must have it."""
    rule = """
rules:
  - rule: service-due
    when: {point: uses, every: 100}
    severity: notice
    category: maintenance
"""
    court = Courtroom(tmp_path, rule)
    court.said("door-1", uses=0)
    await court.at(1)
    body = {"act": "service", "device": "door-1", "by": "li"}
    court.said("door-1", uses=90)
    await court.at(2)
    court.keep([Entry(0, COMMAND, None, court.clock.now, (), body)], in_memory=False)
    await court.work()
    await court.kill()
    court.said("door-1", uses=150)
    await court.at(3)

    assert court.rows(alerts, "rule") == []
    court.close()


async def test_the_call_of_a_stranger_is_over_with_its_case_though_it_has_not_spoken_since(
    court: Courtroom,
) -> None:
    """A hub that started anew knows no stranger before it speaks."""
    court.said("native:btn-new", press="sos")
    await court.at(1)
    await court.kill()
    court.order("close", "C-000001", outcome="mistake", called_back=True)
    await court.at(2)

    assert court.rows(alerts, "key", "closed_at_ms") == [("native:btn-new", MORNING_MS + 1_000)]


async def test_people_answer_dispatch_arrive_and_close(court: Courtroom) -> None:
    court.said("btn-1", press="sos")
    await court.at(0)
    for second, (act, more) in enumerate(
        [("answer", {}), ("dispatch", {"to": "li"}), ("arrive", {}), ("note", {"text": "ok"})], 1
    ):
        court.order(act, "C-000001", **more)
        await court.at(second)
    court.order("close", "C-000001", outcome="real_need", called_back=True)
    await court.at(9)
    court.said("btn-1", press="sos")
    await court.at(9)

    assert court.rows(command_results, "ok") == [True] * 5
    assert court.rows(cases, "id", "state", "outcome", "answered_by", "dispatched_to") == [
        ("C-000001", "closed", "real_need", "wang", "li"),
        ("C-000002", "raised", None, None, None),
    ]
    told = court.rows(notices, "channel", "reason")
    assert [reason for channel, reason in told if channel == "log"] == [
        *("opened", "changed", "changed", "changed", "closed", "opened"),
    ]
    assert [reason for channel, reason in told if channel == "mqtt"] == [
        *("opened", "changed", "changed", "changed", "note", "closed", "opened"),
    ]
    assert [reason for channel, reason in told if channel == "down"] == [
        *("raised", "dispatch", "arrive", "close", "raised"),
    ]


async def test_the_second_who_answers_is_told_who_was_first(court: Courtroom) -> None:
    court.said("btn-1", press="sos")
    await court.at(0)
    court.order("answer", "C-000001", by="wang")
    court.order("answer", "C-000001", by="li")
    await court.at(1)

    assert court.rows(command_results, "ok") == [True, False]
    assert "wang" in court.rows(command_results, "body_json")[1]
    assert court.rows(cases, "answered_by") == ["wang"]


async def test_a_command_about_no_case_is_answered_in_words(court: Courtroom) -> None:
    court.order("answer", "C-000099")
    await court.at(0)

    assert court.rows(command_results, "ok") == [False]
    assert "C-000099" in court.rows(command_results, "body_json")[0]


async def test_a_command_is_done_once_though_its_entry_is_read_again(court: Courtroom) -> None:
    court.said("btn-1", press="sos")
    await court.at(0)
    court.order("note", "C-000001", text="called her son")
    await court.at(1)
    await court.kill()
    await court.at(2)

    assert court.rows(case_log, "what") == ["raised", "note"]


async def test_what_memory_let_go_is_read_from_the_disk(court: Courtroom) -> None:
    for _ in range(court.settings.judge_queue_batches_max + 10):
        court.said("door-1", battery=80)
    court.said("btn-1", press="sos")
    court.said("door-1", contact="open")
    await court.at(20)

    assert court.rows(cases, "rule") == ["emergency-press", "door-open"]


async def test_pages_see_the_newest_values_and_are_told_of_changes(court: Courtroom) -> None:
    court.said("door-1", contact="open", battery=80)
    await court.at(1)

    assert f'"contact":["open",{MORNING_MS}]' in court.points("door-1")
    assert court.rows(changes, "kind", "key") == [("device", "door-1")]


async def test_a_press_from_before_the_closing_that_is_heard_after_it_is_a_new_case(
    court: Courtroom,
) -> None:
    court.said("btn-1", press="sos")
    await court.at(0)
    court.order("close", "C-000001", outcome="test", called_back=True)
    await court.at(10)
    court.clock.now += 5_000
    court.said("btn-1", late_ms=10_000, press="sos")
    await court.work()

    assert court.rows(cases, "id", "state") == [("C-000001", "closed"), ("C-000002", "raised")]


async def test_the_closing_of_an_alert_keeps_when_and_why_it_was_heard_first(
    court: Courtroom,
) -> None:
    court.said("door-1", contact="open")
    await court.at(10)
    before = court.rows(alerts, "opened_heard_ms", "why_en", "case_id")
    await court.at(12)
    court.said("door-1", contact="closed")
    await court.at(12)

    assert court.rows(alerts, "opened_heard_ms", "why_en", "case_id") == before
    assert court.rows(alerts, "closed_at_ms") == [MORNING_MS + 12_000]


async def test_a_rule_that_is_gone_takes_its_alerts_along_and_leaves_emergencies_to_people(
    court: Courtroom,
) -> None:
    court.said("btn-1", press="sos")
    court.said("door-1", contact="open")
    await court.at(12)
    court.set_rules(["silent"])
    await court.kill()
    await court.at(13)

    assert court.rows(alerts, "rule", "closed_at_ms") == [
        ("emergency-press", MORNING_MS + 12_000),
        ("door-open", MORNING_MS + 12_000),
    ]
    assert court.rows(cases, "rule", "state", "active") == [
        ("emergency-press", "raised", False),
        ("door-open", "closed", False),
    ]


async def test_a_running_judge_learns_of_a_changed_register(court: Courtroom) -> None:
    court.said("native:door-9", contact="open")
    await court.at(0)
    with for_writing(court.engine).begin() as connection:
        added_ms = court.clock.now
        row = {"name_zh": "门", "name_en": "Door", "added_ms": added_ms, "driver": "native"}
        for device in [*DEVICES, Device("door-9", "door", "native", "native:door-9", "", "")]:
            news = {"id": device.id, "family": device.family, "address": device.address}
            connection.execute(devices.insert().values(**row, **news))
        tell_of_change(connection, court.clock.now, "test")
    await court.at(1)
    court.said("door-9", contact="open")
    await court.at(12)

    assert court.rows(cases, "device") == ["door-9"]


async def test_a_note_on_a_closed_case_leaves_the_newer_one_alone(court: Courtroom) -> None:
    court.said("btn-1", press="sos")
    await court.at(0)
    court.order("close", "C-000001", outcome="test", called_back=True)
    await court.at(1)
    court.said("btn-1", press="sos")
    await court.at(1)
    court.order("note", "C-000001", text="she had been cooking")
    await court.at(2)
    court.said("btn-1", press="sos")
    await court.at(2)

    assert court.rows(cases, "id", "times") == [("C-000001", 1), ("C-000002", 2)]


async def test_the_millionth_case_is_followed_by_the_next(court: Courtroom) -> None:
    court.said("btn-1", press="sos")
    await court.at(0)
    with for_writing(court.engine).begin() as connection:
        connection.execute(cases.update().values(id="C-1000000"))
    await court.kill()
    court.said("btn-2", press="sos")
    await court.at(1)

    assert court.rows(cases, "id") == ["C-1000000", "C-1000001"]


@pytest.mark.parametrize(
    "more",
    [
        {"until_ms": 2**63, "reason": "x"},
        {"until_ms": "soon", "reason": "x"},
        {"until_ms": MORNING_MS * 2, "reason": ["x"]},
    ],
)
async def test_a_command_that_cannot_be_kept_is_refused_and_the_hub_lives_on(
    court: Courtroom, more: dict[str, Any]
) -> None:
    court.said("door-1", contact="open")
    await court.at(12)
    court.order("shelve", "C-000001", **more)
    await court.at(12.5)
    court.said("btn-1", press="sos")
    await court.at(13)

    assert court.rows(command_results, "ok") == [False]
    assert court.rows(cases, "rule") == ["door-open", "emergency-press"]


async def test_a_stranger_that_turns_out_to_be_a_button_is_heard(court: Courtroom) -> None:
    court.keep([Entry(0, READING, "lorawan:1", court.clock.now, (), flags=STRANGER)])
    await court.at(0)
    pressed = (Reading("press", "sos", court.clock.now),)
    flags = STRANGER | PRESS
    court.keep([Entry(0, READING, "lorawan:1", court.clock.now, pressed, flags=flags)])
    await court.at(1)

    assert court.rows(cases, "device") == ["lorawan:1"]


async def test_a_stranger_that_made_room_takes_no_gateway_and_not_the_site_along(
    court: Courtroom,
) -> None:
    for name in ("gw-1", SITE):
        gone = (Reading("online", False, court.clock.now),)
        flags = STRANGER | GATEWAY
        court.keep([Entry(0, READING, name, court.clock.now, gone, flags=flags)])
    await court.at(1)
    for address in ("native:gw-1", f"native:{SITE}", SITE):
        court.evaluation.make_room(address)
    assert court.judge.latest("gw-1")["online"][0] is False
    assert court.judge.latest(SITE)["online"][0] is False


async def test_of_a_stranger_that_had_to_make_room_nothing_stays(court: Courtroom) -> None:
    court.said("native:btn-new", press="sos")
    court.said("door-1", contact="open")
    await court.at(1)
    court.evaluation.make_room("native:btn-new")
    court.said("btn-1", press="sos")
    await court.at(3)

    assert sorted(court.rows(latest, "device")) == ["btn-1", "door-1"]
    assert not [key for key in court.rows(standings, "key") if "btn-new" in key]


async def test_a_press_too_late_for_the_history_is_told_all_the_same(court: Courtroom) -> None:
    """More inputs than a watch keeps have come since: the history cannot be written anew."""
    for second in range(600):
        court.clock.now = MORNING_MS + second * 1_000
        court.said("btn-1", press="test")
    await court.work()
    court.said("btn-1", late_ms=599_500, press="sos")
    await court.work()
    await court.kill()
    await court.work()

    raised = court.rows(cases, "rule", "key", "raised_at_ms", "times")
    assert [row[1:] for row in raised if row[0] == "emergency-press"] == [
        ("btn-1", MORNING_MS - 500, 1)
    ]


async def test_a_notice_goes_out_without_anybodys_name(court: Courtroom) -> None:
    court.said("btn-1", press="sos")
    await court.at(0)
    court.order("dispatch", "C-000001", by="wang", to="li")
    await court.at(1)

    told = court.rows(notices, "body_json")
    assert told
    assert not [body for body in told if "wang" in body or '"li"' in body]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("press"), st.sampled_from(["btn-1", "btn-2"]), st.just(0)),
        st.tuples(st.just("open"), st.just("door-1"), st.sampled_from([0, 3, 9])),
        st.tuples(st.just("closed"), st.just("door-1"), st.sampled_from([0, 3, 9])),
        st.tuples(st.just("wait"), st.just(""), st.sampled_from([1, 4, 11, 40])),
        st.tuples(st.just("answer"), st.sampled_from(["C-000001", "C-000002"]), st.just(0)),
        st.tuples(st.just("close"), st.sampled_from(["C-000001", "C-000002"]), st.just(0)),
    ),
    max_size=12,
)


async def play(court: Courtroom, steps: list[tuple[str, str, int]], kills: set[int]) -> None:
    second = 0.0
    for number, (what, about, figure) in enumerate(steps):
        second += figure if what == "wait" else 0.001
        court.clock.now = MORNING_MS + int(second * 1_000)
        if what == "press":
            court.said(about, press="sos")
        elif what in {"open", "closed"}:
            court.said(about, late_ms=figure * 1_000, contact=what)
        elif what != "wait":
            court.order(what, about, outcome="test", called_back=True)
        if number in kills:
            await court.kill()
        await court.work()
        if number in kills:
            await court.kill()


@effort(max_examples=35, deadline=None)
@given(steps=STEPS, kills=st.sets(st.integers(0, 11), max_size=4))
def test_kills_change_nothing_of_the_history(
    steps: list[tuple[str, str, int]], kills: set[int]
) -> None:
    histories = []
    for killed in (set[int](), kills):
        with TemporaryDirectory() as folder:
            court = Courtroom(Path(folder))
            asyncio.run(play(court, steps, killed))
            histories.append(court.history())
            court.close()

    assert histories[0] == histories[1]


async def test_it_is_kept_whose_time_a_devices_newest_message_has(court: Courtroom) -> None:
    battery = (Reading("battery", 80.0, MORNING_MS),)
    court.keep([Entry(0, READING, "door-1", MORNING_MS, battery, flags=DEVICE_TIME)])
    court.keep([Entry(0, READING, "btn-1", MORNING_MS, battery, flags=PRESS)])
    await court.at(5)

    told = dict(court.rows(latest, "device", "time_from"))
    assert (told["door-1"], told["btn-1"]) == ("device", "arrival")


async def test_what_another_process_read_again_is_late_news_and_no_sign_of_life(
    court: Courtroom,
) -> None:
    """Judge and pages need no other message to see it; the device was heard then, not now."""
    court.said("btn-1", battery=80.0)
    await court.at(600)
    old = (Reading("press", "sos", MORNING_MS - 60_000),)
    flags = PRESS | REDECODED
    again = Entry(0, READING, "btn-1", MORNING_MS - 60_000, old, flags=flags)
    command = Entry(0, COMMAND, None, court.clock.now, (), {"act": REDECODE})
    court.keep([again, command], in_memory=False)
    await court.work()

    told = {row[0]: row[1:] for row in court.rows(cases, "key", "raised_at_ms", "heard_at_ms")}
    assert told["btn-1"] == (MORNING_MS - 60_000, MORNING_MS + 600_000)
    await court.at(601)
    assert dict(court.rows(latest, "device", "heard_ms"))["btn-1"] == MORNING_MS
