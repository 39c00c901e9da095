"""From the outbox through channels: in order, again, given up, and never lost."""

import asyncio
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub import database, outbox
from hub.deliver import UNCONFIRMED, Backoff, GiveUp, Later, TryAgain
from hub.outbox import Notice
from tests.hub.office import SETTINGS, Office, Script


async def test_a_notice_is_sent_once_and_noted(office: Office) -> None:
    channel = Script()
    async with office.at_work(channel):
        await office.put("C-1")
        told = await channel.next()
        assert await office.noted(1) == ("green", "ready")

    [row] = office.rows()
    assert (row.id, row.state, row.tries, row.last_error) == (told.id, "sent", 1, None)
    assert row.done_ms == office.time.now_ms()
    assert channel.told.empty()


async def test_a_channel_that_hangs_does_not_delay_another(office: Office) -> None:
    never = asyncio.Event()
    webhook, mqtt = Script("webhook", never), Script("mqtt")
    async with office.at_work(webhook, mqtt):
        await office.put("C-1", channel="webhook")
        await webhook.next()
        for _ in range(3):
            await office.put("C-1", channel="mqtt")
            await mqtt.next()
        await office.reported(lambda part, _s, f: part == "deliver-mqtt" and f.get("sent") == 3)

    assert [row.state for row in office.rows()] == ["waiting", "sent", "sent", "sent"]


async def test_notices_of_one_case_stay_in_order_and_other_cases_pass(office: Office) -> None:
    channel = Script("log", TryAgain("busy"))
    async with office.at_work(channel):
        await office.put("C-1", "C-1", "C-2")
        first = [(await channel.next()).id for _ in range(2)]
        await office.noted(2)
        assert first == [1, 3]
        assert channel.told.empty()

        office.time.let_pass(1.0)
        assert [(await channel.next()).id for _ in range(2)] == [1, 2]
        await office.noted(4)

    assert [row.state for row in office.rows()] == ["sent"] * 3


async def test_a_call_does_not_wait_behind_news_of_its_case(office: Office) -> None:
    channel = Script("log", TryAgain("busy", after_s=60.0))
    async with office.at_work(channel):
        await office.put("C-1")
        await office.noted(1)
        await office.put_calls("log", [{"id": "C-1"}], [{}])
        await office.noted(2)

    assert [row.state for row in office.rows()] == ["waiting", "sent"]


async def test_what_a_channel_holds_back_costs_no_try(office: Office) -> None:
    channel = Script("log", Later("its limit", 30.0))
    async with office.at_work(channel):
        await office.put("C-1")
        [row] = await office.until(lambda rows: rows[0].last_error is not None)
        assert (row.state, row.tries, row.last_error) == ("waiting", 0, "its limit")
        assert row.due_ms == office.time.now_ms() + 30_000
        office.time.let_pass(30.0)
        await office.noted(1)

    [row] = office.rows()
    assert (row.state, row.tries, row.last_error) == ("sent", 1, None)


async def test_what_nobody_confirmed_says_so_in_its_row_and_in_the_figures(
    office: Office,
) -> None:
    class Unsure(Script):
        async def send(self, notice: Notice) -> str | None:
            await super().send(notice)
            return UNCONFIRMED

    async with office.at_work(Unsure("log")):
        await office.put("C-1")
        await office.reported(lambda _p, _s, figures: figures.get("unconfirmed") == 1)

    [row] = office.rows()
    assert (row.state, row.note) == ("sent", "unconfirmed")


async def test_a_failed_try_is_visible_and_made_again_when_it_is_due(office: Office) -> None:
    channel = Script("log", TryAgain("HTTP 503"), TryAgain("HTTP 502"))
    async with office.at_work(channel):
        await office.put("C-1")
        assert await office.noted(1) == ("yellow", "will try again: C-1: HTTP 503")
        [row] = office.rows()
        assert (row.state, row.tries, row.last_error) == ("waiting", 1, "HTTP 503")
        assert row.due_ms == office.time.now_ms() + 1000

        office.time.let_pass(1.0)
        await office.noted(2)
        [row] = office.rows()
        assert (row.tries, row.due_ms) == (2, office.time.now_ms() + 2000)

        office.time.let_pass(2.0)
        assert await office.noted(3) == ("green", "ready")

    [row] = office.rows()
    assert (row.state, row.tries, row.last_error) == ("sent", 3, None)
    assert [(await channel.next()).tries for _ in range(3)] == [0, 1, 2]


async def test_the_receivers_own_wish_for_a_pause_is_honoured(office: Office) -> None:
    channel = Script("log", TryAgain("HTTP 429", after_s=7.0))
    async with office.at_work(channel):
        await office.put("C-1")
        await office.noted(1)

    [row] = office.rows()
    assert row.due_ms == office.time.now_ms() + 7000


@pytest.mark.parametrize(
    ("steps", "tries", "error"),
    [
        ([GiveUp("HTTP 410 Gone")], 1, "HTTP 410 Gone"),
        ([TryAgain("busy", after_s=0.0)] * 3, 3, "busy (3 tries)"),
    ],
    ids=["the channel says that it is no use", "too many tries"],
)
async def test_giving_up_is_a_visible_fact(
    office: Office, steps: list[BaseException], tries: int, error: str
) -> None:
    async with office.at_work(Script("log", *steps)):
        await office.put("C-1")
        state, text = await office.reported(lambda _p, _s, f: f.get("given_up") == 1)

    [row] = office.rows()
    assert (row.state, row.tries, row.last_error) == ("given_up", tries, error)
    assert row.done_ms == office.time.now_ms()
    told = office.rows(database.changes)
    assert {(change.kind, change.key) for change in told} == {("notice", str(row.id))}
    assert len(told) == tries
    assert error in told[-1].body_json
    assert (state, text) == ("yellow", f"given up: C-1: {error}")


async def test_after_a_notice_was_given_up_the_case_goes_on(office: Office) -> None:
    async with office.at_work(Script("log", GiveUp("no"))):
        await office.put("C-1", "C-1")
        await office.noted(2)

    assert [row.state for row in office.rows()] == ["given_up", "sent"]
    told = [json.loads(change.body_json) for change in office.rows(database.changes)]
    assert [(body["case"], body["state"]) for body in told] == [
        ("C-1", "given_up"),
        ("C-1", "sent"),
    ]


async def test_no_answer_in_time_is_a_failed_try(office: Office) -> None:
    hurried = replace(SETTINGS, deliver_timeout_s=0.01)
    async with office.at_work(Script("log", asyncio.Event()), settings=hurried):
        await office.put("C-1")
        await office.noted(1)

    [row] = office.rows()
    assert (row.state, row.last_error) == ("waiting", "no answer within 0.01 s")


async def test_a_fault_in_a_channels_code_stops_nothing_else(office: Office) -> None:
    other = Script("mqtt")
    async with office.at_work(Script("log", ZeroDivisionError("oh")), other):
        await office.put("C-1", channel="log")
        await office.reported(lambda _p, _s, f: f.get("failed_tries") == 1)
        await office.put("C-1", channel="mqtt")
        await office.reported(lambda _p, _s, f: f.get("sent") == 1)

    assert office.rows()[0].last_error == "ZeroDivisionError: oh"


async def test_a_channel_without_its_other_side_waits_and_loses_no_try(office: Office) -> None:
    channel = Script()
    channel.there.clear()
    hurried = replace(SETTINGS, deliver_timeout_s=0.01)
    async with office.at_work(channel, settings=hurried):
        await office.put("C-1")
        await office.reported(lambda _p, state, _f: state == "yellow")
        assert office.rows()[0].tries == 0

        channel.there.set()
        await office.noted(1)

    assert office.rows()[0].state == "sent"


async def test_a_channel_that_nobody_set_up_is_given_up_in_words(office: Office) -> None:
    await office.put("C-1", channel="webhook")
    async with office.at_work(Script("log")):
        state, text = await office.reported(lambda part, _s, _f: part == "deliver")

    [row] = office.rows()
    assert (row.state, row.last_error) == ("given_up", "no channel 'webhook' is set up")
    assert [change.kind for change in office.rows(database.changes)] == ["notice"]
    assert (state, text) == ("yellow", f"notices given up: 1: {row.last_error}")


async def test_what_was_sent_and_not_yet_noted_is_sent_again_under_its_id(office: Office) -> None:
    before = Script("log", asyncio.Event())
    async with office.at_work(before):
        await office.put("C-1")
        first = await before.next()

    after = Script()
    async with office.at_work(after):
        second = await after.next()
        await office.noted(1)

    assert (first.id, first.body_json) == (second.id, second.body_json)
    assert [row.state for row in office.rows()] == ["sent"]


async def test_only_what_is_over_is_forgotten(office: Office) -> None:
    async with office.at_work(Script("log", None, GiveUp("no"), TryAgain("busy"))):
        for case in ("C-1", "C-2", "C-3"):
            await office.put(case)
        await office.noted(3)
    now_ms = office.time.now_ms()

    def forget(before_ms: int, rows_max: int) -> int:
        with database.for_writing(office.engine).begin() as connection:
            return outbox.forget(connection, before_ms, rows_max)

    assert forget(now_ms, 10) == 0
    assert forget(now_ms + 1, 1) == 1
    assert forget(now_ms + 1, 10) == 1
    assert [row.state for row in office.rows()] == ["waiting"]


async def test_tries_that_began_together_and_end_one_by_one_are_all_noted(
    office: Office,
) -> None:
    gates = [asyncio.Event() for _ in range(4)]
    channel = Script("log", *gates)
    async with office.at_work(channel):
        await office.put("C-1", "C-2", "C-3", "C-4")
        for _ in gates:
            await channel.next()
        for ended, gate in enumerate(gates, 1):
            gate.set()
            await office.noted(ended)

    assert [(row.state, row.tries) for row in office.rows()] == [("sent", 1)] * 4
    assert channel.told.empty()


class Uneven(Script):
    """Takes longer for some notices than for others; every seventh fails at first."""

    async def send(self, notice: Notice) -> None:
        for _ in range(notice.id % 4):
            await asyncio.to_thread(lambda: None)
        if notice.id % 7 == 0 and notice.tries == 0:
            raise TryAgain("not yet", after_s=0.0)
        self.told.put_nowait(notice)


async def test_many_notices_all_arrive_once_and_in_the_order_of_their_case(
    office: Office,
) -> None:
    channel = Uneven()
    narrow = replace(SETTINGS, deliver_batch_max=7)
    cases = [f"C-{number % 20}" for number in range(300)]
    async with office.at_work(channel, settings=narrow):
        await office.put(*cases)
        await office.noted(300 + 300 // 7)

    told = [channel.told.get_nowait() for _ in range(channel.told.qsize())]
    assert sorted(notice.id for notice in told) == list(range(1, 301))
    for case in set(cases):
        numbers = [notice.id for notice in told if notice.case_id == case]
        assert numbers == sorted(numbers)
    assert {row.state for row in office.rows()} == {"sent"}


async def test_a_batch_is_bounded(office: Office) -> None:
    gate = asyncio.Event()
    channel = Script("log", *[gate] * 5)
    narrow = replace(SETTINGS, deliver_batch_max=2)
    async with office.at_work(channel, settings=narrow):
        await office.put("C-1", "C-2", "C-3", "C-4", "C-5")
        await channel.next()
        await channel.next()
        assert channel.told.empty()

        gate.set()
        await office.noted(5)

    assert [row.state for row in office.rows()] == ["sent"] * 5


@given(
    tries=st.integers(1, 10_000),
    jitter=st.floats(0, 1),
    after_s=st.none() | st.floats(0, 1e12),
)
def test_a_pause_keeps_its_bounds(tries: int, jitter: float, after_s: float | None) -> None:
    backoff = Backoff(1.0, 300.0, 3600.0, 12, lambda: jitter)
    wait_s = backoff.wait_s(tries, after_s)

    if after_s is None:
        assert 0.5 <= wait_s <= 300.0
    else:
        assert wait_s == min(after_s, 3600.0)
