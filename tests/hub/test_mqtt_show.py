"""Sirens, lights and walls against a real mosquitto: shown by a call, cleared by an answer."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from sqlalchemy.engine import Engine

from hub import outbox
from hub.database import cases, for_writing, migrate, open_engine
from hub.deliver import Channel, GiveUp
from hub.outbox import NewNotice, Notice
from tests.dashboard_api.community import StandInJudge
from tests.hub.messages import NOON_MS, a_body, a_notice, opened, write
from tests.programs import Mosquitto

SIREN = {"kind": "mqtt-show", "topic": "siren/set", "show": "ON", "clear": "OFF"}
SOON_S = 20.0


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{tmp_path / 'hub.db'}")
    migrate(engine)
    yield engine
    engine.dispose()


@asynccontextmanager
async def siren(
    folder: Path, broker: Mosquitto, engine: Engine | None = None, **more: Any
) -> AsyncIterator[tuple[Channel, aiomqtt.Client]]:
    file = write(folder, {"siren": {**SIREN, **more}})
    async with (
        aiomqtt.Client("127.0.0.1", broker.port) as client,
        opened(file, port=broker.port, engine=engine) as channels,
    ):
        await client.subscribe("siren/#", qos=1)
        await channels["siren"].ready()
        yield channels["siren"], client


async def heard(client: aiomqtt.Client) -> tuple[str, str]:
    async with asyncio.timeout(SOON_S):
        message = await anext(aiter(client.messages))
    assert isinstance(message.payload, bytes)
    return str(message.topic), message.payload.decode()


def news(state: str, case: str = "C-000001") -> Notice:
    return a_notice("siren", a_body(what="answer", id=case, state=state))


async def test_a_call_shows_and_an_answer_clears(tmp_path: Path, broker: Mosquitto) -> None:
    async with siren(tmp_path, broker) as (channel, client):
        await channel.send(a_notice("siren"))
        assert await heard(client) == ("siren/set", "ON")
        await channel.send(news("answered"))
        assert await heard(client) == ("siren/set", "OFF")


async def test_it_is_cleared_only_when_the_last_case_that_it_shows_has_somebody(
    tmp_path: Path, broker: Mosquitto, engine: Engine
) -> None:
    judge = StandInJudge(engine, NOON_MS)
    first, second = judge.raise_case(), judge.raise_case()
    rows = [NewNotice(case, "siren", "call", "{}", 0, 0) for case in (first, second)]
    with for_writing(engine).begin() as connection:
        outbox.put(connection, rows)

    def answered(case: str) -> None:
        with for_writing(engine).begin() as connection:
            connection.execute(cases.update().where(cases.c.id == case).values(state="answered"))

    async with siren(tmp_path, broker, engine) as (channel, client):
        answered(first)
        await channel.send(news("answered", first))
        answered(second)
        await channel.send(news("answered", second))
        await client.publish("siren/end", b"", qos=1)
        assert [await heard(client) for _ in range(2)] == [("siren/set", "OFF"), ("siren/end", "")]


async def test_a_call_that_comes_late_for_a_case_that_somebody_has_shows_nothing(
    tmp_path: Path, broker: Mosquitto
) -> None:
    async with siren(tmp_path, broker, retain=True) as (channel, client):
        await channel.send(a_notice("siren", a_body(state="answered")))
        assert await heard(client) == ("siren/set", "OFF")
        await channel.send(news("raised"))  # given back: its plan calls anew
        await channel.send(a_notice("siren"))
        assert await heard(client) == ("siren/set", "ON")
        async with aiomqtt.Client("127.0.0.1", broker.port) as late:
            await late.subscribe("siren/set", qos=1)
            assert await heard(late) == ("siren/set", "ON")


async def test_a_body_of_no_use_is_given_up(tmp_path: Path, broker: Mosquitto) -> None:
    async with siren(tmp_path, broker) as (channel, _client):
        with pytest.raises(GiveUp):
            await channel.send(a_notice("siren")._replace(body_json="no JSON"))
