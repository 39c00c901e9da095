"""Lesser notices are merged when the limit is near; an emergency's call never is, nor does it wait.

Through the real adapter to a real HTTP server that counts, the clock in the hand.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from hub.deliver import Channel, GiveUp, Later, TryAgain
from hub.outbox import Notice
from tests.hub.http_service import Asked, Service, answer, serving
from tests.hub.messages import NOON_MS, a_body, a_notice, opened, write
from tests.hub.office import Office
from tests.hub.timekeeper import Timekeeper

LESSER = 15  # of the 20 messages a minute of a robot


def ok(_asked: Asked) -> bytes:
    return answer({"errcode": 0, "errmsg": "ok"})


@asynccontextmanager
async def group(
    folder: Path, clock: Timekeeper, **more: Any
) -> AsyncIterator[tuple[Channel, Service]]:
    async with serving(ok) as service:
        entry = {"kind": "wecom", "url_file": "address", **more}
        file = write(folder, {"group": entry}, address=f"{service.url}/send?key=k")
        async with opened(file, clock=clock) as channels:
            yield channels["group"], service


def notice(number: int, severity: str = "warning", what: str = "call", **more: Any) -> Notice:
    body = a_body(severity, what, id=f"C-{number:06d}")
    return a_notice("group", body, number=number, **more)


async def send_all(channel: Channel, notices: list[Notice]) -> list[Any]:
    return await asyncio.gather(*(channel.send(one) for one in notices), return_exceptions=True)


def texts(service: Service) -> list[str]:
    return [asked.json["text"]["content"] for asked in service.asked]


async def test_few_notices_go_one_by_one(tmp_path: Path) -> None:
    async with group(tmp_path, Timekeeper(NOON_MS)) as (channel, service):
        assert await send_all(channel, [notice(n) for n in range(LESSER - 1)]) == [None] * 14
        assert len(service.asked) == LESSER - 1


async def test_a_flood_is_told_in_one_message_that_lists_the_cases(tmp_path: Path) -> None:
    async with group(tmp_path, Timekeeper(NOON_MS)) as (channel, service):
        results = await send_all(channel, [notice(n) for n in range(30)])

        assert results == [None] * 30
        assert len(service.asked) == LESSER
        [listed] = [text for text in texts(service) if text.startswith("16 条通知")]
        assert listed.count("•") == 16
        told = "".join(texts(service))
        assert all(f"C-{number:06d}" in told for number in range(30))


async def test_what_one_message_cannot_hold_waits_for_the_next_one(tmp_path: Path) -> None:
    clock = Timekeeper(NOON_MS)
    async with group(tmp_path, clock) as (channel, service):
        notices = [notice(n) for n in range(60)]
        results = await send_all(channel, notices)
        held = [one for one, end in zip(notices, results, strict=True) if isinstance(end, Later)]
        assert len(held) == 60 - 14 - 20
        assert {end.after_s for end in results if isinstance(end, Later)} == {60.0}

        clock.let_pass(60.0)
        assert await send_all(channel, held[:14]) == [None] * 14
        assert all(len(text.encode()) <= 2_048 for text in texts(service))


async def test_an_emergency_goes_at_once_and_alone_while_others_are_held_back(
    tmp_path: Path,
) -> None:
    async with group(tmp_path, Timekeeper(NOON_MS)) as (channel, service):
        await send_all(channel, [notice(n) for n in range(40)])
        before = len(service.asked)
        with pytest.raises(Later):
            await channel.send(notice(41))
        assert await channel.send(notice(42, "emergency")) is None

        assert len(service.asked) == before + 1
        assert texts(service)[-1].startswith("【紧急】")


async def test_an_emergency_above_the_whole_limit_fails_so_that_the_next_way_is_tried(
    tmp_path: Path,
) -> None:
    async with group(tmp_path, Timekeeper(NOON_MS)) as (channel, service):
        results = await send_all(channel, [notice(n, "emergency") for n in range(21)])
        assert results[:20] == [None] * 20
        assert isinstance(results[20], TryAgain)
        assert results[20].after_s == 60.0
        assert len(service.asked) == 20


async def test_too_fast_leaves_the_service_alone_but_for_emergencies(tmp_path: Path) -> None:
    clock = Timekeeper(NOON_MS)
    async with group(tmp_path, clock) as (channel, service):
        service.answers = [answer({"errcode": 45009, "errmsg": "api freq out of limit"})]
        with pytest.raises(TryAgain, match="45009"):
            await channel.send(notice(1))
        with pytest.raises(Later) as held:
            await channel.send(notice(2))
        assert held.value.after_s == 60.0
        assert await channel.send(notice(3, "emergency")) is None
        clock.let_pass(60.0)
        assert await channel.send(notice(2)) is None


async def test_a_merged_message_that_fails_fails_for_each(tmp_path: Path) -> None:
    async with group(tmp_path, Timekeeper(NOON_MS), per_minute=1) as (channel, service):
        service.answers = [answer({"errcode": 93000, "errmsg": "invalid webhook url"})]
        results = await send_all(channel, [notice(n) for n in range(3)])
        assert [type(one) for one in results] == [GiveUp] * 3


async def test_held_back_is_no_try_and_brings_no_next_way(tmp_path: Path, office: Office) -> None:
    office.time = Timekeeper(NOON_MS)
    async with (
        group(tmp_path, office.time, per_minute=1) as (channel, service),
        office.at_work(channel),
    ):
        rows = [
            {"role": "desk", "recipient": f"desk:{n}", "ways_json": '[["log", null]]'}
            for n in range(3)
        ]
        await office.put_calls(
            "group", [a_body("warning", id=f"C-{n}") for n in range(2)], rows[:2]
        )
        await office.noted(2)
        await office.put_calls("group", [a_body("warning", id="C-2")], rows[2:])
        held = await office.until(lambda rows: rows[2].last_error is not None)
        assert (held[2].state, held[2].tries) == ("waiting", 0)
        assert held[2].due_ms == NOON_MS + 60_000
        assert [row.channel for row in held] == ["group"] * 3
        office.time.let_pass(60.0)
        await office.noted(3)

    assert [(row.state, row.tries) for row in office.rows()] == [("sent", 1)] * 3
    assert len(service.asked) == 2


@effort(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["emergency", "urgent", "warning", "notice"]),
            st.sampled_from(["call", "answer"]),
        ),
        min_size=1,
        max_size=60,
    )
)
def test_whatever_comes_together_no_emergencys_call_is_ever_merged_or_held_back(
    mixed: list[tuple[str, str]],
) -> None:
    async def run() -> None:
        with TemporaryDirectory() as folder:
            async with group(Path(folder), Timekeeper(NOON_MS)) as (channel, service):
                notices = [notice(n, *one) for n, one in enumerate(mixed)]
                results = await send_all(channel, notices)
                calls = [n for n, one in enumerate(mixed) if one == ("emergency", "call")]
                for number in calls:
                    assert not isinstance(results[number], Later)
                    if results[number] is None:
                        alone = [text for text in texts(service) if f"C-{number:06d}" in text]
                        assert len(alone) == 1
                        assert alone[0].startswith("【紧急】紧急呼叫 ·")
                # Held back by nothing but the service's whole limit:
                if len(calls) <= 5:
                    assert all(results[number] is None for number in calls)
                told = json.dumps(texts(service), ensure_ascii=False)
                for number, end in enumerate(results):
                    assert end is not None or f"C-{number:06d}" in told

    asyncio.run(run())
