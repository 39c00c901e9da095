"""The address of a broker, and what a link does when there is none."""

import asyncio
from pathlib import Path

import pytest

from hub.mqtt import Address, Link, LinkSettings, WrongAddress
from tests.hub.doorway import PATIENCE_S, client, soon
from tests.listener import listening_on
from tests.programs import Mosquitto


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("mqtt://b", Address("b", 1883)),
        ("mqtt://b:1", Address("b", 1)),
        ("mqtts://b", Address("b", 8883, secure=True)),
        ("mqtt://u:p%40ss@b:2", Address("b", 2, user="u", password="p@ss")),
    ],
)
def test_an_address_is_read(url: str, address: Address) -> None:
    assert Address.parse(url) == address


@pytest.mark.parametrize("url", ["b:1883", "http://b", "mqtt://", "mqtt://u:secret@b:port"])
def test_a_wrong_address_is_told_without_its_password(url: str) -> None:
    with pytest.raises(WrongAddress) as wrong:
        Address.parse(url)

    assert "HUB_BROKER" in str(wrong.value)
    assert "secret" not in str(wrong.value)


def bounds(connect_s: float = 10.0) -> LinkSettings:
    return LinkSettings(
        connect_s=connect_s,
        client_id="link",
        keepalive_s=5,
        reconnect_min_s=0.01,
        reconnect_max_s=0.05,
        inflight_messages_max=100,
        will_topic="hub/demo/state",
    )


async def test_a_link_says_that_there_is_no_broker_and_connects_when_there_is(
    tmp_path: Path,
) -> None:
    said: asyncio.Queue[tuple[bool, str]] = asyncio.Queue()
    broker = Mosquitto(tmp_path)
    address = Address("127.0.0.1", broker.port)
    link = Link(address, bounds(), ["a/#"], lambda up, why: said.put_nowait((up, why)))
    running = asyncio.create_task(link.run())
    up, why = await soon(said.get())
    assert not up
    assert why
    await asyncio.to_thread(broker.start)
    await soon(link.ready())

    while not (await soon(said.get()))[0]:
        pass
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    broker.stop()


async def test_the_hubs_state_is_online_while_it_lives_and_offline_when_it_goes(
    broker: Mosquitto,
) -> None:
    link = Link(Address("127.0.0.1", broker.port), bounds(), ["a/#"])
    async with client(broker) as listener:
        await listener.subscribe("hub/demo/state", qos=1)
        running = asyncio.create_task(link.run())
        states = []
        async with asyncio.timeout(PATIENCE_S):
            async for message in listener.messages:
                states.append(message.payload)
                if len(states) == 1:
                    running.cancel()
                if len(states) == 2:
                    break
        await asyncio.gather(running, return_exceptions=True)

    assert states == [b"online", b"offline"]


async def test_a_link_that_is_refused_says_so(tmp_path: Path) -> None:
    said: asyncio.Queue[tuple[bool, str]] = asyncio.Queue()
    broker = Mosquitto(tmp_path, "allow_anonymous false\n")
    broker.start()
    link = Link(
        Address("127.0.0.1", broker.port),
        bounds(),
        ["a/#"],
        lambda up, why: said.put_nowait((up, why)),
    )
    running = asyncio.create_task(link.run())
    up, why = await soon(said.get())
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    broker.stop()

    assert not up
    assert "authori" in why.lower()


async def test_something_that_takes_the_connection_and_is_no_broker_is_told_and_tried_again() -> (
    None
):
    said: asyncio.Queue[tuple[bool, str]] = asyncio.Queue()
    calls: asyncio.Queue[int] = asyncio.Queue()

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.put_nowait(1)
        await reader.read()
        writer.close()

    async with listening_on(mute) as port:
        link = Link(
            Address("127.0.0.1", port),
            bounds(connect_s=0.0),
            ["a/#"],
            lambda up, why: said.put_nowait((up, why)),
        )
        running = asyncio.create_task(link.run())
        up, why = await soon(said.get())
        for _ in range(2):
            await soon(calls.get())
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    assert not up
    assert "no answer of a broker" in why
