"""Channels against what they are for: a real mosquitto, a real HTTP server, the real log."""

import asyncio
import contextlib
import hashlib
import hmac
import json
import logging
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from hub.database import for_writing, migrate, open_engine
from hub.deliver import Channel, GiveUp, TryAgain
from hub.health import GREEN, RED, Health
from hub.mqtt import Address
from hub.notifiers import open_channels
from hub.notifiers.health import tell_health
from hub.notifiers.log import LogChannel
from hub.notifiers.mqtt import open_publisher
from hub.outbox import Notice
from hub.settings import Settings, WrongSetting
from hub.writer import Writer
from tests.hub.office import Office
from tests.hub.timekeeper import Timekeeper
from tests.listener import listening_on
from tests.programs import Mosquitto, free_port

SETTINGS = Settings(reconnect_min_s=0.01, reconnect_max_s=0.05, deliver_timeout_s=5.0)
SOON_S = 20.0


def a_notice(channel: str, body: object = None, notice_id: int = 7) -> Notice:
    text = body if isinstance(body, str) else json.dumps(body or {"case": "C-1", "state": "raised"})
    return Notice(notice_id, "C-1", channel, "duty", "opened", text, 0, 0, 0)


@asynccontextmanager
async def channels_at(
    port: int, settings: Settings = SETTINGS
) -> AsyncIterator[dict[str, Channel]]:
    async with (
        open_publisher(Address("127.0.0.1", port), "demo", settings) as publisher,
        open_channels(
            publisher=publisher, site="demo", settings=settings, clock=Timekeeper()
        ) as channels,
    ):
        yield channels


@asynccontextmanager
async def listening(broker: Mosquitto) -> AsyncIterator[aiomqtt.Client]:
    """A subscriber to everything, whose session outlives its connection."""
    async with aiomqtt.Client(
        "127.0.0.1", broker.port, identifier="listener", clean_session=False
    ) as client:
        await client.subscribe("#", qos=1)
        yield client


async def heard(client: aiomqtt.Client) -> tuple[str, Any]:
    async with asyncio.timeout(SOON_S):
        message = await anext(aiter(client.messages))
    assert isinstance(message.payload, bytes)
    return str(message.topic), json.loads(message.payload)


async def test_a_case_is_published_with_the_notices_id(broker: Mosquitto) -> None:
    async with listening(broker) as client, channels_at(broker.port) as channels:
        await channels["mqtt"].ready()
        await channels["mqtt"].send(a_notice("mqtt", {"case": "C-1", "title": {"zh": "紧急"}}))

        assert await heard(client) == (
            "hub/demo/cases",
            {"notice": 7, "case": "C-1", "title": {"zh": "紧急"}},
        )


async def test_a_device_is_told_on_its_own_topic(broker: Mosquitto) -> None:
    body = {"family": "button", "device": "b-1204", "case": "C-1", "state": "on_the_way"}
    async with listening(broker) as client, channels_at(broker.port) as channels:
        await channels["down"].ready()
        await channels["down"].send(a_notice("down", body))

        assert await heard(client) == (
            "community/demo/button/b-1204/down",
            {"case": "C-1", "state": "on_the_way"},
        )


@pytest.fixture
def stuck_health(tmp_path: Path) -> Iterator[Health]:
    """A health whose writer waits for room on the disk."""
    engine = open_engine(f"sqlite:///{tmp_path / 'hub.db'}")
    migrate(engine)
    writer, room = Writer(for_writing(engine), retry_s=0.01), threading.Event()
    writer.submit(lambda _connection: room.wait(SOON_S))
    yield Health(writer=writer, clock=Timekeeper(), write_every_s=0.01, changes_max=3)
    room.set()
    writer.close()
    engine.dispose()


@asynccontextmanager
async def health_told(broker: Mosquitto, health: Health) -> AsyncIterator[None]:
    async with open_publisher(Address("127.0.0.1", broker.port), "demo", SETTINGS) as publisher:
        telling = asyncio.create_task(tell_health(health.conditions, publisher, "demo", 0.01))
        yield
        telling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await telling


async def until_healths(client: aiomqtt.Client, expected: dict[str, Any]) -> None:
    while await heard(client) != ("hub/demo/health", expected):
        continue


async def test_a_watcher_outside_hears_of_a_full_disk_that_nothing_can_be_written_to(
    broker: Mosquitto, stuck_health: Health
) -> None:
    stuck_health.report("hub", GREEN, "运行中", "running")
    async with listening(broker) as early, health_told(broker, stuck_health):
        await until_healths(early, {"state": "green", "parts": {"hub": "green"}})
        stuck_health.report("journal", RED, "盘满", "secret words")
        full = {"state": "red", "parts": {"hub": "green", "journal": "red"}}
        await until_healths(early, full)
        async with aiomqtt.Client("127.0.0.1", broker.port) as late:
            await late.subscribe("hub/demo/health", qos=1)
            assert await heard(late) == ("hub/demo/health", full)
        stuck_health.report("journal", GREEN, "恢复", "room again")
        await until_healths(
            early, {"state": "green", "parts": {"hub": "green", "journal": "green"}}
        )


async def test_a_broker_that_came_back_is_told_the_health_anew(
    broker: Mosquitto, stuck_health: Health
) -> None:
    stuck_health.report("journal", RED, "盘满", "full")
    red = {"state": "red", "parts": {"journal": "red"}}
    async with health_told(broker, stuck_health):
        async with listening(broker) as client:
            await until_healths(client, red)
            await client.publish("hub/demo/health", b"", qos=1, retain=True)  # nothing is retained
        broker.stop()
        broker.start()
        async with aiomqtt.Client("127.0.0.1", broker.port) as client:
            await client.subscribe("hub/demo/health", qos=1)
            await until_healths(client, red)


@pytest.mark.parametrize(
    ("channel", "body"),
    [
        ("mqtt", "no JSON"),
        ("mqtt", "[1]"),
        ("down", {"case": "C-1"}),
        ("down", {"family": "button", "device": "a/b"}),
        ("down", {"family": "button", "device": "+"}),
        ("down", {"family": "button", "device": 5}),
        ("down", {"family": "button", "device": ""}),
    ],
)
async def test_a_body_of_no_use_is_given_up(broker: Mosquitto, channel: str, body: object) -> None:
    async with channels_at(broker.port) as channels:
        await channels[channel].ready()
        with pytest.raises(GiveUp):
            await channels[channel].send(a_notice(channel, body))


async def test_a_broker_that_was_killed_is_found_again(broker: Mosquitto) -> None:
    async with channels_at(broker.port) as channels:
        cases = channels["mqtt"]
        await cases.ready()
        broker.stop(signal.SIGKILL)
        with pytest.raises(TryAgain):
            await cases.send(a_notice("mqtt"))

        broker.start()
        async with listening(broker) as client:
            async with asyncio.timeout(SOON_S):
                await cases.ready()
            await cases.send(a_notice("mqtt", notice_id=8))
            _topic, body = await heard(client)

    assert body == {"notice": 8, "case": "C-1", "state": "raised"}


async def test_what_waits_for_a_broker_goes_out_in_order_when_it_is_back(
    broker: Mosquitto, office: Office
) -> None:
    async with listening(broker):
        pass  # its session stays at the broker and collects
    broker.stop()
    async with channels_at(broker.port) as channels, office.at_work(channels["mqtt"]):
        await office.put("C-1", "C-2", "C-1", "C-1", channel="mqtt")
        await office.reported(lambda part, _state, _f: part == "deliver-mqtt")
        broker.start()
        await office.noted(4)

    async with listening(broker) as client:
        numbers = [(await heard(client))[1] for _ in range(4)]
    assert [row.tries for row in office.rows()] == [1, 1, 1, 1]
    assert sorted(body["notice"] for body in numbers) == [1, 2, 3, 4]
    assert [body["notice"] for body in numbers if body["notice"] != 2] == [1, 3, 4]


async def test_sent_means_that_the_broker_has_confirmed() -> None:
    """A broker (a fake: a real one always confirms) that takes a publish and says nothing."""
    published = asyncio.Event()
    hang_up = asyncio.Event()

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1024)
        writer.write(b"\x20\x02\x00\x00")  # CONNACK
        await reader.read(1024)
        published.set()
        await hang_up.wait()
        writer.close()

    async with listening_on(speak) as port, channels_at(port) as channels:
        await channels["mqtt"].ready()
        sending = asyncio.create_task(channels["mqtt"].send(a_notice("mqtt")))
        async with asyncio.timeout(SOON_S):
            await published.wait()
        assert not sending.done()

        hang_up.set()
        with pytest.raises(TryAgain, match="before it confirmed"):
            await sending


class Receiver:
    """An HTTP server of the test's own. Answers what it is told, in turn; then 204."""

    def __init__(self) -> None:
        self.answers: list[bytes] = []
        self.requests: list[tuple[bytes, dict[str, str], bytes]] = []
        self.url = ""

    async def speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        body = await reader.readexactly(int(headers["content-length"]))
        self.requests.append((head[0].encode(), headers, body))
        answer = self.answers.pop(0) if self.answers else b"204 No Content"
        writer.write(b"HTTP/1.1 " + answer + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    server = Receiver()
    async with listening_on(server.speak) as port:
        server.url = f"http://127.0.0.1:{port}/cases"
        yield server


@asynccontextmanager
async def webhook(url: str) -> AsyncIterator[Channel]:
    settings = replace(SETTINGS, webhook_url=url, webhook_secret="a key")
    async with channels_at(free_port(), settings) as channels:
        yield channels["webhook"]


async def test_a_receiver_can_check_who_it_was_and_when(receiver: Receiver) -> None:
    async with webhook(receiver.url) as channel:
        await channel.send(a_notice("webhook", '{"title": "紧急"}'))

    [(line, headers, body)] = receiver.requests
    assert line == b"POST /cases HTTP/1.1"
    assert body == '{"title": "紧急"}'.encode()
    assert headers["content-type"] == "application/json"
    assert headers["x-hub-notice"] == "7"
    assert headers["x-hub-timestamp"] == "1700000000"
    expected = hmac.new(b"a key", b"1700000000." + body, hashlib.sha256).hexdigest()
    assert headers["x-hub-signature"] == f"sha256={expected}"


async def test_the_manuals_way_to_verify_a_request_works(receiver: Receiver) -> None:
    page = (Path(__file__).parents[2] / "docs/webhook.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    exec(page.split("```python\n")[1].split("```")[0], names)
    is_genuine = names["is_genuine"]
    async with webhook(receiver.url) as channel:
        await channel.send(a_notice("webhook"))

    [(_line, sent, body)] = receiver.requests
    headers = {name.title(): value for name, value in sent.items()}
    now_s = 1_700_000_000
    assert is_genuine(b"a key", headers, body, now_s + 5)
    assert not is_genuine(b"a key", headers, body, now_s + 3600)
    assert not is_genuine(b"another", headers, body, now_s)
    assert not is_genuine(b"a key", headers, body + b" ", now_s)


@pytest.mark.parametrize("answer", ["408 Slow", "425 Early", "429 Many", "500 Oh", "503 Later"])
async def test_an_answer_that_may_change_is_tried_again(receiver: Receiver, answer: str) -> None:
    receiver.answers = [answer.encode()]
    async with webhook(receiver.url) as channel:
        with pytest.raises(TryAgain, match=f"HTTP {answer}") as failed:
            await channel.send(a_notice("webhook"))
        assert failed.value.after_s is None
        await channel.send(a_notice("webhook"))


@pytest.mark.parametrize("answer", ["301 Moved", "400 Bad", "401 Who", "404 Nothing", "410 Gone"])
async def test_an_answer_that_stays_is_given_up(receiver: Receiver, answer: str) -> None:
    receiver.answers = [answer.encode()]
    async with webhook(receiver.url) as channel:
        with pytest.raises(GiveUp, match=f"HTTP {answer}"):
            await channel.send(a_notice("webhook"))


@pytest.mark.parametrize(
    ("wish", "after_s"),
    [
        ("120", 120.0),
        (formatdate(1_700_000_090, usegmt=True), 90.0),
        (formatdate(1_600_000_000, usegmt=True), 0.0),
        ("soon", None),
        ("-5", None),
        ("١٢", None),
    ],
    ids=["seconds", "a date", "a date gone by", "no number", "negative", "other digits"],
)
async def test_retry_after_is_read_in_both_forms(
    receiver: Receiver, wish: str, after_s: float | None
) -> None:
    receiver.answers = [f"503 Later\r\nRetry-After: {wish}".encode()]
    async with webhook(receiver.url) as channel:
        with pytest.raises(TryAgain) as failed:
            await channel.send(a_notice("webhook"))

    assert failed.value.after_s == after_s


async def test_nobody_there_is_tried_again() -> None:
    async with webhook(f"http://127.0.0.1:{free_port()}/") as channel:
        with pytest.raises(TryAgain, match="ConnectError"):
            await channel.send(a_notice("webhook"))


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        (Settings(webhook_url="ftp://x/", webhook_secret="k"), "HUB_WEBHOOK_URL"),
        (Settings(webhook_url="example", webhook_secret="k"), "HUB_WEBHOOK_URL"),
        (Settings(webhook_url="https://x.example/"), "HUB_WEBHOOK_SECRET"),
    ],
)
async def test_a_webhook_that_cannot_work_is_refused(settings: Settings, complaint: str) -> None:
    with pytest.raises(WrongSetting, match=complaint):
        async with channels_at(free_port(), settings):
            pass


async def test_without_an_address_there_is_no_webhook() -> None:
    async with channels_at(free_port()) as channels:
        assert set(channels) == {"mqtt", "calls", "down", "log", "canary"}


async def test_the_log_gets_one_line_of_json(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    await LogChannel().send(a_notice("log", {"case": "C-1", "title": "门"}))

    [record] = caplog.records
    word, line = record.getMessage().split(" ", 1)
    assert word == "notice"
    assert json.loads(line) == {
        "notice": 7,
        "case": "C-1",
        "role": "duty",
        "reason": "opened",
        "body": {"case": "C-1", "title": "门"},
    }
