"""Work orders before the real judge: closed by the device or a second person, by nothing else."""

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
from hub.database import alerts, case_log, cases, command_results, notices
from hub.devices import Device
from hub.journal import COMMAND, GATEWAY, PRESS, READING, Entry
from rules.order_reader import COMMUNITY_ORDERS, load_orders
from tests.hub.courtroom import MORNING_MS, Courtroom

TABLES = load_orders([COMMUNITY_ORDERS])
H = 3_600
RULES = """
rules:
  - rule: battery-low
    when: {point: battery, below: 15, back_above: 20}
    severity: notice
    category: maintenance
  - rule: device-silent
    where: {device: door-1}
    when: {silent_for: 26h}
    severity: warning
    category: fault
  - rule: service-due
    when: {point: uses, every: 100}
    severity: notice
    category: maintenance
  - rule: stands-still
    where: {family: counter}
    when: {point: uses, rises_less_than: 1, within: 14d}
    severity: notice
    category: maintenance
  - rule: both-doors
    when:
      together: {family: door}
      at_least: 2
      within: 1h
      same: grid
      when: {point: tamper, equals: true}
    severity: warning
    category: fault
"""
SILENCE_S = 24 * H
DEVICES = [
    Device(
        *("btn-1", "button", "native", "native:btn-1", "按钮", "Button"),
        place="b3/u1/1204",
        grid="g1",
        expected_silence_s=SILENCE_S,
        resident_id="r1",
        resident_tags=frozenset({"lives-alone"}),
    ),
    Device(*("door-1", "door", "native", "native:door-1", "门", "Door"), place="b3/u1", grid="g1"),
    Device(*("door-2", "door", "native", "native:door-2", "门", "Door"), place="b3/u2", grid="g1"),
    Device(
        *("gym-1", "counter", "native", "native:gym-1", "漫步机", "Walker"),
        place="g1",
        ground="g1",
        expected_silence_s=SILENCE_S,
    ),
]


def opened(folder: Path) -> Courtroom:
    return Courtroom(folder, RULES, DEVICES, orders=TABLES)


@pytest.fixture
def court(tmp_path: Path) -> Iterator[Courtroom]:
    court = opened(tmp_path)
    yield court
    court.close()


def moved(court: Courtroom, second: float) -> None:
    """It is so many seconds after the morning; nothing is judged yet."""
    court.clock.now = MORNING_MS + int(second * 1_000)


def only(court: Courtroom, *rules: str) -> None:
    """No other rules, so that no other device's silence is a case of the test."""
    court.set_rules(rules)
    court.begin()


async def battery_is_low(court: Courtroom, device: str = "btn-1") -> None:
    moved(court, 1)
    court.said(device, battery=12)
    await court.work()


async def on_site(court: Courtroom, second: float, device: str = "btn-1", by: str = "li") -> None:
    moved(court, second)
    court.order("answer", "C-000001", by=by)
    court.order("arrive", "C-000001", by=by, scanned=device, scanned_place="b3/u1/1204")
    await court.work()


def the_case(court: Courtroom, *columns: str) -> Any:
    [row] = court.rows(cases, *columns)
    return row


def story(court: Courtroom) -> list[str]:
    return court.rows(case_log, "what")


async def test_a_battery_that_was_changed_closes_its_order_by_what_the_device_says(
    court: Courtroom,
) -> None:
    await battery_is_low(court)
    assert the_case(court, "trouble", "depends", "priority") == ("battery-low", "alone_button", 2)
    await on_site(court, 100)
    parts = [{"name": "CR2032", "count": 1}]
    moved(court, 200)
    court.order("done", "C-000001", by="li", parts=parts, text="换好")
    await court.work()
    assert the_case(court, "state", "done_by", "proof_until_ms") == (
        *("dealt_with", "li"),
        MORNING_MS + 200_000 + 2 * SILENCE_S * 1_000,
    )
    moved(court, 300)
    court.said("btn-1", battery=96)
    await court.work()

    assert the_case(court, "state", "closed_by", "outcome", "shown", "active") == (
        *("closed", None, "mended", "battery 96"),
        False,
    )
    assert story(court) == ["raised", "answer", "arrive", "done", "ended", "proved"]
    assert ("log", "closed") in court.rows(notices, "channel", "reason")
    assert CR2032 in court.rows(case_log, "body_json")[3]


CR2032 = '{"name":"CR2032","count":1}'


async def test_what_the_device_shows_between_the_scan_and_the_word_done_counts(
    court: Courtroom,
) -> None:
    await battery_is_low(court)
    await on_site(court, 100)
    moved(court, 150)
    court.said("btn-1", battery=96)
    await court.work()
    assert the_case(court, "state", "active") == ("on_site", False)
    moved(court, 200)
    court.order("done", "C-000001", by="li")
    await court.work()

    assert the_case(court, "state", "shown") == ("closed", "battery 96")


async def test_without_a_scan_only_what_comes_after_the_word_done_counts(court: Courtroom) -> None:
    await battery_is_low(court)
    moved(court, 100)
    court.order("arrive", "C-000001", by="li")
    await court.work()
    moved(court, 150)
    court.said("btn-1", battery=96)
    await court.work()
    moved(court, 200)
    court.order("done", "C-000001", by="li")
    await court.work()
    assert the_case(court, "state") == "dealt_with"
    moved(court, 250)
    court.said("btn-1", battery=95)
    await court.work()

    assert the_case(court, "state") == "closed"


async def test_an_old_reading_that_arrives_late_closes_nothing(court: Courtroom) -> None:
    await battery_is_low(court)
    await on_site(court, 100)
    moved(court, 200)
    court.order("done", "C-000001", by="li")
    await court.work()
    moved(court, 200)
    court.said("btn-1", late_ms=150_000, battery=60)  # made before anybody was there
    await court.work()

    assert the_case(court, "state", "active", "shown_at_ms") == ("dealt_with", False, None)
    moved(court, 201)
    court.order("close", "C-000001", by="li", outcome="mended")
    await court.work()
    assert court.rows(command_results, "ok")[-1] is False


async def test_a_device_whose_clock_is_ahead_shows_nothing_by_what_it_said_before(
    court: Courtroom,
) -> None:
    await battery_is_low(court)
    moved(court, 2)
    court.order("answer", "C-000001", by="li")
    await court.work()
    court.said("btn-1", late_ms=-60_000, battery=60)  # says that it was a minute later
    await court.work()
    await on_site(court, 10)
    moved(court, 11)
    court.order("done", "C-000001", by="li")
    await court.work()
    await court.kill()
    await court.at(12)

    assert the_case(court, "state", "active", "shown_at_ms") == ("dealt_with", False, None)


async def test_eighteen_percent_is_no_new_battery(court: Courtroom) -> None:
    await battery_is_low(court)
    await on_site(court, 100)
    moved(court, 200)
    court.order("done", "C-000001", by="li")
    court.said("btn-1", battery=18)
    await court.work()

    assert the_case(court, "state") == "dealt_with"


async def test_what_is_not_shown_in_time_falls_open_again_more_urgent_and_told(
    court: Courtroom,
) -> None:
    only(court, "battery-low")
    await battery_is_low(court)
    await on_site(court, 100)
    moved(court, 200)
    court.order("done", "C-000001", by="li")
    await court.work()
    moved(court, 200 + 24 * H)
    court.said("btn-1", battery=13)
    await court.work()
    await court.at(200 + 2 * SILENCE_S)

    assert the_case(court, "state", "answered_by", "priority", "reopened", "done_by") == (
        *("raised", None, 1, 1),
        None,
    )
    assert story(court)[-1] == "reopened"
    assert ("log", "reopened") in court.rows(notices, "channel", "reason")
    await on_site(court, 200 + 2 * SILENCE_S + 10, by="wang")
    moved(court, 200 + 2 * SILENCE_S + 20)
    court.order("done", "C-000001", by="wang")
    court.said("btn-1", battery=99)
    await court.work()
    assert the_case(court, "state", "done_by") == ("closed", "wang")


async def test_the_wait_begins_anew_where_the_hub_was_not_there_to_hear(court: Courtroom) -> None:
    only(court, "battery-low")
    await battery_is_low(court)
    await on_site(court, 100)
    moved(court, 200)
    court.order("done", "C-000001", by="li")
    await court.work()
    court.clock.now = MORNING_MS + 5 * SILENCE_S * 1_000
    await court.kill()
    await court.work()
    assert the_case(court, "state") == "dealt_with"
    moved(court, 5 * SILENCE_S + 60)
    court.said("btn-1", battery=90)
    await court.work()

    assert the_case(court, "state") == "closed"


async def test_while_its_gateway_is_gone_nobody_can_say_that_it_was_not_mended(
    court: Courtroom,
) -> None:
    only(court, "battery-low")
    await battery_is_low(court)
    court.keep([said_by_gateway(court, online=True)])
    court.keep([Entry(0, READING, "btn-1", court.clock.now, (), flags=PRESS, gateway="gw-1")])
    await on_site(court, 100)
    moved(court, 200)
    court.order("done", "C-000001", by="li")
    court.keep([said_by_gateway(court, online=False)])
    await court.work()
    await court.at(200 + 2 * SILENCE_S)
    assert the_case(court, "state", "proof_until_ms") == (
        "dealt_with",
        MORNING_MS + (200 + 4 * SILENCE_S) * 1_000,
    )
    moved(court, 200 + 3 * SILENCE_S)
    court.keep([said_by_gateway(court, online=True)])
    await court.work()
    await court.at(200 + 4 * SILENCE_S)
    assert the_case(court, "state") == "raised"


def said_by_gateway(court: Courtroom, *, online: bool) -> Entry:
    """What a gateway that nobody registered says of itself."""
    now_ms = court.clock.now
    word = (Reading("online", online, now_ms),)
    return Entry(0, READING, "gw-1", now_ms, word, flags=GATEWAY)


async def test_the_code_of_another_device_is_refused_with_both_places(court: Courtroom) -> None:
    await battery_is_low(court)
    moved(court, 10)
    court.order("arrive", "C-000001", by="li", scanned="door-2", scanned_place="b3/u2")
    await court.work()

    [(ok, body)] = court.rows(command_results, "ok", "body_json")
    assert not ok
    assert "wrong_code" in body
    assert "This is b3/u2 (door-2), the order is for b3/u1/1204 (btn-1)." in body


async def test_a_silent_device_is_well_when_it_says_anything_after_the_work(
    court: Courtroom,
) -> None:
    moved(court, 1)
    court.said("door-1", battery=50)
    await court.work()
    await court.at(27 * H)
    assert the_case(court, "trouble", "priority") == ("silent", 2)
    moved(court, 28 * H)
    court.order("answer", "C-000001", by="li")
    court.order("done", "C-000001", by="li")
    await court.work()
    moved(court, 28 * H + 5)
    court.said("door-1", battery=90)
    await court.work()

    assert the_case(court, "state", "closed_by") == ("closed", None)


async def test_a_counter_must_count_and_what_it_had_counted_before_is_no_proof(
    court: Courtroom,
) -> None:
    only(court, "stands-still")
    moved(court, 1)
    court.said("gym-1", uses=120)
    await court.work()
    moved(court, 14 * 24 * H + 5)
    court.said("gym-1", uses=120)
    await court.work()
    assert the_case(court, "rule", "trouble") == ("stands-still", "counter-stands-still")
    now_s = 14 * 24 * H + 10
    moved(court, now_s)
    court.order("arrive", "C-000001", by="li", scanned="gym-1")
    await court.work()
    moved(court, now_s + 1)
    court.order("done", "C-000001", by="li")
    court.said("gym-1", uses=120)
    await court.work()
    assert the_case(court, "state") == "dealt_with"
    moved(court, now_s + 60)
    court.said("gym-1", uses=123)
    await court.work()

    assert the_case(court, "state", "shown") == ("closed", "uses 123")


async def test_a_service_that_is_done_begins_the_next_count_at_the_total_of_that_moment(
    court: Courtroom,
) -> None:
    moved(court, 1)
    court.said("gym-1", uses=0)
    await court.work()
    moved(court, 2)
    court.said("gym-1", uses=130)
    await court.work()
    assert the_case(court, "rule", "trouble", "state") == ("service-due", "service-due", "raised")
    moved(court, 3)
    court.said("gym-1", uses=170)
    await court.work()
    moved(court, 4)
    court.order("arrive", "C-000001", by="li", scanned="gym-1")
    court.order("done", "C-000001", by="li")
    await court.work()
    await court.kill()
    moved(court, 5)
    court.said("gym-1", uses=172)
    await court.work()
    assert the_case(court, "state", "outcome") == ("closed", "mended")
    moved(court, 6)
    court.said("gym-1", uses=269)
    await court.work()
    assert len(court.rows(cases, "id")) == 1
    moved(court, 7)
    court.said("gym-1", uses=271)
    await court.work()

    assert court.rows(cases, "rule", "state") == [
        ("service-due", "closed"),
        ("service-due", "raised"),
    ]
    assert [row[1] is None for row in court.rows(alerts, "rule", "closed_at_ms")] == [False, True]


async def test_of_a_group_of_devices_the_rule_itself_says_that_it_is_well(
    court: Courtroom,
) -> None:
    moved(court, 1)
    court.said("door-1", tamper=True)
    court.said("door-2", tamper=True)
    await court.work()
    moved(court, 10)
    court.order("done", "C-000001", by="li")
    await court.work()
    moved(court, 20)
    court.said("door-1", tamper=False)
    await court.work()

    assert the_case(court, "rule", "state", "closed_by") == ("both-doors", "closed", None)


async def test_what_was_well_before_the_work_or_has_no_rule_any_more_is_signed(
    court: Courtroom,
) -> None:
    only(court, "battery-low", "both-doors")
    await battery_is_low(court)
    moved(court, 2)
    court.order("done", "C-000001", by="li")
    await court.work()
    court.set_rules(["both-doors"])
    await court.kill()
    await court.at(2 + 2 * SILENCE_S)
    assert the_case(court, "state", "proof_until_ms") == ("dealt_with", None)
    assert story(court)[-1] == "to_sign"
    moved(court, 3 + 2 * SILENCE_S)
    court.order("sign", "C-000001", by="wang")
    await court.work()
    assert the_case(court, "state", "closed_by") == ("closed", "wang")


async def test_the_same_person_cannot_sign_and_a_second_one_can(court: Courtroom) -> None:
    await battery_is_low(court)
    moved(court, 10)
    court.order("done", "C-000001", by="li", phone="duty-1")
    await court.work()
    for by, phone in (("li", None), ("duty-1", None), ("chen", "li")):
        moved(court, 11)
        court.order("sign", "C-000001", by=by, phone=phone)
        await court.work()
    assert court.rows(command_results, "ok") == [True, False, False, False]
    assert the_case(court, "state") == "dealt_with"
    moved(court, 12)
    court.order("sign", "C-000001", by="wang", phone="duty-1")
    await court.work()

    assert the_case(court, "state", "closed_by", "done_by") == ("closed", "wang", "li")


async def test_a_case_that_is_no_order_has_neither_done_nor_sign(court: Courtroom) -> None:
    moved(court, 1)
    court.order("done", "C-000009")
    await court.work()
    assert court.rows(command_results, "ok") == [False]


# -- no sequence of acts and readings closes an order without proof or signature ------------------

ACTS = ("answer", "arrive", "scan", "done", "note", "close", "sign", "release", "confirm", "shelve")
STEPS = st.one_of(
    st.tuples(st.just("act"), st.sampled_from(ACTS), st.sampled_from(["li", "wang"])),
    st.tuples(
        st.just("said"),
        st.sampled_from([3.0, 14.0, 18.0, 21.0, 99.0]),
        st.sampled_from([0, 0, 5_000, 700_000]),
    ),
    st.tuples(st.just("kill"), st.none(), st.none()),
)
HISTORIES = st.lists(
    st.tuples(st.sampled_from([0, 1, 60, 600, 50_000]), STEPS), min_size=3, max_size=25
)


async def play(court: Courtroom, history: list[tuple[int, Any]]) -> None:
    now_s = 10
    for gap_s, (what, first, second) in history:
        now_s += gap_s
        court.clock.now = MORNING_MS + now_s * 1_000
        if what == "kill":
            await court.kill()
        elif what == "said":
            court.said("btn-1", late_ms=second, battery=first)
        else:
            act = "arrive" if first == "scan" else first
            more: dict[str, Any] = {"scanned": "btn-1"} if first == "scan" else {}
            outcome = "mended" if first in ("done", "note", "close") else None
            more |= {"outcome": outcome, "text": "x", "reason": "x"}
            more["until_ms"] = court.clock.now + 60_000
            court.order(act, "C-000001", second, **more)
        await court.work()


def check_endings(court: Courtroom) -> None:
    """By the journal alone: each order that is closed was shown, signed, or well by itself."""
    granted = dict(court.rows(command_results, "seq", "ok"))
    columns = ("case_id", "seq", "at_ms", "what", "by", "body_json")
    lines = court.rows(case_log, *columns)
    for case_id, state, shown_ms in court.rows(cases, "id", "state", "shown_at_ms"):
        if state != "closed":
            continue
        theirs = [line for line in lines if line[0] == case_id]
        last = max(i for i, line in enumerate(theirs) if line[3] in ENDINGS)
        _, _, _, what, by, _ = theirs[last]
        begins, doer = begun(theirs[:last], granted)
        if what == "proved":
            assert shown_ms is not None
            assert begins is not None
            assert shown_ms >= begins
        elif what in ("sign", "close") and doer is not None:
            assert by != doer
        else:  # nobody had said that it was done: the device was well by itself
            assert doer is None
            assert any(line[3] in ("ended", "taken_back") for line in theirs[: last + 1])


ENDINGS = ("proved", "sign", "close", "ended", "taken_back")


def begun(lines: list[Any], granted: dict[int, bool]) -> tuple[int | None, str | None]:
    """Since when somebody works, and who has said that it is done, by the lines of a story."""
    begins: int | None = None
    doer: str | None = None
    for _, seq, at_ms, what, by, body in lines:
        if what in ("reopened", "again") or (what == "release" and doer is None):
            begins = doer = None
        elif what == "arrive" and "scanned" in (body or "") and begins is None:
            begins = at_ms
        elif what in ("done", "note") and granted.get(seq) and "outcome" in (body or ""):
            begins, doer = at_ms if begins is None else begins, by
    return begins, doer


@given(HISTORIES)
@effort(max_examples=12, deadline=None)
def test_no_acts_and_readings_close_an_order_without_proof_or_a_second_person(
    history: list[tuple[int, Any]],
) -> None:
    with TemporaryDirectory() as folder:
        court = opened(Path(folder))
        court.keep([Entry(0, READING, "btn-1", MORNING_MS, (Reading("battery", 12, MORNING_MS),))])
        asyncio.run(play(court, history))
        check_endings(court)
        court.close()


def test_a_command_is_one_of_the_log(court: Courtroom) -> None:
    """What people do is in the journal before anybody acts on it."""
    court.order("done", "C-000001")
    with court.engine.connect() as connection:
        kinds = connection.exec_driver_sql("SELECT kind FROM journal").scalars().all()
    assert kinds == [COMMAND]
