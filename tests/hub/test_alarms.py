"""The watcher's ways to tell, each against a real other side.

Only the mail server is made here: none is installed, and of SMTP a few lines are needed.
"""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiomqtt
import msgspec
import pytest

from hub.alarms import Call, Means, NotTold, WrongWay, way_of
from hub.notifiers.webhook import signature
from hub.watcher import ALARM, CANARY, OVER, Alarm, Trouble
from tests.hub.timekeeper import Timekeeper
from tests.listener import listening_on
from tests.programs import Mosquitto

NOW_MS = 1_772_413_200_000
RAISED = Call("demo", Alarm(ALARM, (Trouble(CANARY, 91.0, ""),), 91.0), NOW_MS)
ENDED = Call("demo", Alarm(OVER, (), 300.0), NOW_MS)
MEANS = Means(Timekeeper(), "key")


class Post:
    """What came to a small server of HTTP or SMTP."""

    port: int
    text = ""


@contextlib.asynccontextmanager
async def http(status: str = "200 OK") -> AsyncIterator[Post]:
    """A server that takes one request after the other."""
    post = Post()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        size = next(line for line in head.splitlines() if line.lower().startswith("content-length"))
        body = await reader.readexactly(int(size.partition(":")[2]))
        post.text = head + body.decode()
        writer.write(
            f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
        )
        await writer.drain()
        writer.close()

    async with listening_on(serve) as post.port:
        yield post


@contextlib.asynccontextmanager
async def smtp() -> AsyncIterator[Post]:
    """As much of a mail server as takes one letter."""
    post = Post()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        in_letter = False
        async for line in reader:
            post.text += line.decode()
            word = line.strip().upper()
            if in_letter and word != b".":
                continue
            in_letter = word == b"DATA"
            if word == b"QUIT":
                writer.write(b"221 bye\r\n")
                break
            writer.write(b"354 go on\r\n" if in_letter else b"250 ok\r\n")
        writer.close()

    async with listening_on(serve) as post.port:
        yield post


async def test_a_program_is_run_with_the_alarm_on_its_input(tmp_path: Path) -> None:
    program = tmp_path / "siren.py"
    program.write_text(
        "import os, sys\n"
        f"heard = open({str(tmp_path / 'heard')!r}, 'w')\n"
        "heard.write(os.environ['WATCH_STATE'] + sys.stdin.read())\n"
    )
    await way_of(f"command:{sys.executable}%20{program}", MEANS, 5).tell(RAISED)
    state, body = (tmp_path / "heard").read_text()[:5], (tmp_path / "heard").read_text()[5:]
    told = msgspec.json.decode(body)
    assert (state, told["state"], told["site"]) == ("alarm", "alarm", "demo")
    assert [one["what"] for one in told["troubles"]] == ["canary"]
    assert told["since_ms"] == NOW_MS - 91_000
    assert "自检按压没有回来" in told["text_zh"]


async def test_a_program_that_fails_or_is_not_there_has_not_told() -> None:
    with pytest.raises(NotTold, match="ended with 3"):
        await way_of(f"command:{sys.executable} -c 'raise SystemExit(3)'", MEANS, 5).tell(RAISED)
    with pytest.raises(NotTold, match="No such file"):
        await way_of("command:/no/such/program", MEANS, 5).tell(RAISED)


async def test_the_webhook_is_signed_and_an_error_is_no_confirmation() -> None:
    async with http() as post:
        await way_of(f"http://127.0.0.1:{post.port}/x", MEANS, 5).tell(RAISED)
    body = RAISED.body()
    stamp = str(MEANS.clock.now_ms() // 1_000)
    assert signature(b"key", stamp, body) in post.text
    assert post.text.endswith(body.decode())
    async with http("503 Away") as post:
        with pytest.raises(NotTold, match="HTTP 503"):
            await way_of(f"http://127.0.0.1:{post.port}/x", MEANS, 5).tell(RAISED)


async def test_a_push_is_urgent_while_it_lasts() -> None:
    async with http() as post:
        await way_of(f"ntfy:http://127.0.0.1:{post.port}/hub", MEANS, 5).tell(RAISED)
        assert "Priority: urgent" in post.text
        await way_of(f"ntfy:http://127.0.0.1:{post.port}/hub", MEANS, 5).tell(ENDED)
        assert "Priority: default" in post.text
        assert "恢复正常" in post.text


async def test_a_siren_that_comes_later_hears_it_too(broker: Mosquitto) -> None:
    await way_of(f"{broker.url}/siren/gate", MEANS, 5).tell(RAISED)
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        await client.subscribe("siren/gate")
        message = await anext(aiter(client.messages))
    assert message.retain
    assert message.payload == RAISED.body()
    broker.stop()
    with pytest.raises(NotTold):
        await way_of(f"{broker.url}/siren/gate", MEANS, 5).tell(RAISED)


async def test_a_letter_goes_to_its_receiver() -> None:
    async with smtp() as post:
        address = f"smtp://127.0.0.1:{post.port}/duty@example.org?from=hub@example.org"
        await way_of(address, MEANS, 5).tell(RAISED)
    assert "rcpt to:<duty@example.org>" in post.text.lower()
    assert "From: hub@example.org" in post.text


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("pigeon:x", "expected one of command, http"),
        ("command:", "expected command:PROGRAM"),
        ("https://", "expected http[s]://host/path"),
        ("mqtt://127.0.0.1", "expected mqtt[s]://user:password@host:port/TOPIC"),
        ("mqtt://127.0.0.1/a/#/b", "expected mqtt[s]://user:password@host:port/TOPIC"),
        ("smtp://127.0.0.1/nobody", "expected smtp[s]://"),
    ],
)
def test_a_wrong_address_is_refused_in_words(address: str, words: str) -> None:
    with pytest.raises(WrongWay) as caught:
        way_of(address, MEANS, 5)
    assert words in str(caught.value)


def test_a_webhook_without_a_key_is_refused() -> None:
    with pytest.raises(WrongWay, match="WATCH_SECRET"):
        way_of("https://example.org/x", MEANS._replace(secret=""), 5)


def test_no_secret_stands_in_a_name() -> None:
    assert way_of("mqtt://me:pw@host/x", MEANS, 5).name == "mqtt://host/x"
