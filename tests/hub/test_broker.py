"""The embedded broker: real mosquitto, real wheel, real kills."""

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aiomqtt
import pytest

from hub.broker import (
    NO_BROKER,
    BrokerFailed,
    EmbeddedBroker,
    Program,
    choose_port,
    find_iotcore,
    find_mosquitto,
    is_free,
    open_broker,
)
from hub.settings import Settings
from tests.programs import free_port

WITHIN_S = 15.0
PROGRAMS = {"mosquitto": find_mosquitto, "iotcore": find_iotcore}


def program_of(name: str) -> Program:
    found = PROGRAMS[name]()
    assert found is not None, f"{name} is missing: run the tests by `make test`"
    return found


def settings_on(port: int) -> Settings:
    return Settings(embedded_port=port)


def client_of(url: str, identifier: str, *, clean: bool = True) -> aiomqtt.Client:
    return aiomqtt.Client(
        "127.0.0.1", int(url.rsplit(":", 1)[1]), identifier=identifier, clean_session=clean
    )


@pytest.fixture(params=PROGRAMS)
async def broker(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[EmbeddedBroker]:
    settings = settings_on(free_port())
    async with open_broker(settings, tmp_path, program=program_of(request.param)) as running:
        assert isinstance(running, EmbeddedBroker)
        yield running


class Words(logging.Handler):
    """Wakes who waits for a word in the log."""

    def __init__(self, word: str) -> None:
        super().__init__()
        self.word = word
        self.heard = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if self.word in record.getMessage():
            self.heard.set()


async def test_a_message_at_qos_1_comes_through_and_the_session_survives_an_absence(
    broker: EmbeddedBroker,
) -> None:
    async with client_of(broker.url, "hub", clean=False) as hub:
        await hub.subscribe("community/#", qos=1)
    async with client_of(broker.url, "button") as button:
        await button.publish("community/demo/button/btn-1/up", b'{"press":"sos"}', qos=1)
    async with client_of(broker.url, "hub", clean=False) as hub, asyncio.timeout(WITHIN_S):
        message = await anext(aiter(hub.messages))
    assert message.payload == b'{"press":"sos"}'


async def test_a_broker_that_is_killed_comes_back_on_the_same_port_with_a_word(
    broker: EmbeddedBroker, caplog: pytest.LogCaptureFixture
) -> None:
    words = Words("runs again")
    logging.getLogger("hub.broker").addHandler(words)
    assert broker.process_id is not None
    os.kill(broker.process_id, signal.SIGKILL)
    async with asyncio.timeout(WITHIN_S):
        await words.heard.wait()
        async with client_of(broker.url, "after") as client:
            await client.publish("community/demo/door/d/up", b"{}", qos=1)
    logging.getLogger("hub.broker").removeHandler(words)
    assert "the embedded broker fell (-9)" in caplog.text


async def test_after_the_block_the_process_is_gone_and_the_port_is_free(tmp_path: Path) -> None:
    async with open_broker(settings_on(free_port()), tmp_path) as running:
        assert isinstance(running, EmbeddedBroker)
        child = running.process_id
        assert child is not None
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
    assert is_free(running.port)


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_broker_ends_when_its_parent_is_killed(name: str, tmp_path: Path) -> None:
    port = free_port()
    script = f"""
import asyncio
from pathlib import Path
from hub.broker import *
from hub.settings import Settings
async def main():
    program = find_{name}()
    async with open_broker(
        Settings(embedded_port={port}), Path({str(tmp_path)!r}), program=program
    ) as broker:
        print(broker.process_id, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    with parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        descriptor = os.pidfd_open(child)
        parent.kill()
    asyncio.run(_until_ended(descriptor))


async def _until_ended(descriptor: int) -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(descriptor, ended.set)
    async with asyncio.timeout(WITHIN_S):
        await ended.wait()
    asyncio.get_running_loop().remove_reader(descriptor)
    os.close(descriptor)


async def test_what_waits_for_the_hub_survives_an_orderly_restart_of_mosquitto(
    tmp_path: Path,
) -> None:
    settings = settings_on(free_port())
    async with open_broker(settings, tmp_path) as running:
        async with client_of(running.url, "hub", clean=False) as hub:
            await hub.subscribe("community/#", qos=1)
        async with client_of(running.url, "button") as button:
            await button.publish("community/demo/button/b/up", b"{}", qos=1)
    async with (
        open_broker(settings, tmp_path) as again,
        client_of(again.url, "hub", clean=False) as hub,
        asyncio.timeout(WITHIN_S),
    ):
        message = await anext(aiter(hub.messages))
    assert message.topic.value == "community/demo/button/b/up"


async def test_the_wheel_says_what_it_cannot_do_and_mosquitto_needs_no_excuse(
    broker: EmbeddedBroker,
) -> None:
    expected = {"mosquitto": "", "iotcore": "no MQTT 5"}[broker.program.name]
    assert expected in broker.note
    assert bool(broker.note) == (broker.program.name == "iotcore")


async def test_a_named_broker_is_taken_as_it_is(tmp_path: Path) -> None:
    settings = Settings(broker="mqtt://somewhere:1883")
    async with open_broker(settings, tmp_path) as running:
        assert running.url == "mqtt://somewhere:1883"


async def test_a_wished_port_that_is_taken_is_refused_with_the_setting_to_change(
    tmp_path: Path,
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        settings = settings_on(other.getsockname()[1])
        with pytest.raises(BrokerFailed, match=r"HUB_EMBEDDED_PORT: port .* is in use"):
            async with open_broker(settings, tmp_path):
                pass


def test_without_a_wish_the_port_is_the_standard_one_or_a_free_one() -> None:
    port = choose_port(0)
    assert port == 1883 or not is_free(1883)
    assert is_free(port)


async def test_a_program_that_does_not_start_is_reported_in_its_own_words(tmp_path: Path) -> None:
    broken = Program(
        "mosquitto",
        lambda _settings, folder, _port: [
            *program_of("mosquitto").arguments(settings_on(1), folder, 1)[:1],
            "-c",
            str(folder / "absent.conf"),
        ],
    )
    with pytest.raises(BrokerFailed, match=r"ended with 3: .*absent.conf"):
        async with open_broker(settings_on(free_port()), tmp_path, program=broken):
            pass


def test_without_any_program_a_person_is_told_what_to_install() -> None:
    assert find_mosquitto("/nowhere") is None
    assert "install mosquitto" in NO_BROKER


async def test_a_data_folder_that_cannot_be_had_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    settings = replace(settings_on(0), data_dir=tmp_path / "file")
    with pytest.raises(BrokerFailed, match="HUB_DATA_DIR"):
        async with open_broker(settings, settings.data_dir):
            pass
