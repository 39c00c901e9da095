"""The embedded broker: a child process of the hub's own, so that nothing need be set up before.

mosquitto where it is installed; otherwise the wheel `iotcore`, which can do less and says so
(`EmbeddedBroker.note`). Both listen on the loopback address only, without passwords: whoever may
start programs on this machine may talk to them. A broker that falls is started again on the same
port, with a word to the log; it ends when the hub ends, even when the hub is killed.
"""

import asyncio
import contextlib
import getpass
import importlib.util
import logging
import shutil
import socket
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hub import private_files
from hub.children import end_child, start_child
from hub.ports import try_address
from hub.settings import Settings

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
STANDARD_PORT = 1883
READY_WITHIN_S = 10.0
END_WITHIN_S = 10.0  # mosquitto writes its sessions to the disk first
LOOK_EVERY_S = 0.05
PORT_TRIES_MAX = 5  # somebody may take a free port between the look and the start
LOG_LINES_MAX = 20

# Runs the wheel's broker in the foreground of a process of its own. Its library writes a line of
# log for every packet at its usual level.
_RUN_IOTCORE = """
import json, logging, sys
from iotcore.iotcore import IotCoreBroker
logging.basicConfig(level=logging.ERROR)
logging.getLogger("rumqttd").setLevel(logging.CRITICAL)
IotCoreBroker(**json.loads(sys.argv[1])).run_forever()
"""

IOTCORE_NOTE = (
    "mosquitto is not installed; the broker of the wheel iotcore takes its place. It speaks no "
    "MQTT 5, keeps nothing when it is killed (sessions, retained messages and what waits for the "
    "hub are gone), and redelivers without the mark DUP."
)
NO_BROKER = (
    "no broker was found: install mosquitto (apt-get install mosquitto), or the wheel iotcore "
    "(pip install 'community-hub[broker]'), or name a broker in HUB_BROKER"
)


class BrokerFailed(Exception):
    """The embedded broker cannot be had; the text is for a person."""


@dataclass(frozen=True, slots=True)
class Program:
    """One way to run a broker: how to start it on a port, and what a person must know of it."""

    name: str
    arguments: Callable[[Settings, Path, int], Sequence[str]]
    note: str = ""


def find_mosquitto(path: str | None = None) -> Program | None:
    """mosquitto, where it is installed. Debian keeps it in /usr/sbin, outside people's PATH."""
    places = [path] if path is not None else [None, "/usr/sbin:/usr/local/sbin"]
    found = next(filter(None, (shutil.which("mosquitto", path=place) for place in places)), None)
    if found is None:
        return None
    program = str(Path(found).resolve())

    def arguments(settings: Settings, folder: Path, port: int) -> Sequence[str]:
        config = folder / "mosquitto.conf"
        config.write_text(mosquitto_config(settings, folder, port), encoding="utf-8")
        return [program, "-c", str(config)]

    return Program("mosquitto", arguments)


def mosquitto_config(settings: Settings, folder: Path, port: int) -> str:
    """The configuration: durable sessions, queues that hold a burst, this machine only."""
    return "\n".join(
        [
            f"listener {port} {HOST}",
            "allow_anonymous true",
            "persistence true",
            f"persistence_location {folder}/",
            f"autosave_interval {settings.embedded_autosave_s}",
            f"persistent_client_expiration {settings.embedded_session_days}d",
            f"max_queued_messages {settings.embedded_queue_messages_max}",
            "set_tcp_nodelay true",
            f"max_inflight_messages {settings.embedded_inflight_messages_max}",
            f"message_size_limit {settings.embedded_payload_bytes_max}",
            # As another user than the one who starts it, it could not write to this folder.
            f"user {getpass.getuser()}",
            "connection_messages false",
            "log_dest stderr",
            "log_timestamp false",
            *(f"log_type {kind}" for kind in ("error", "warning", "notice")),
            "",
        ]
    )


def find_iotcore() -> Program | None:
    """The wheel's broker, where it is installed."""
    if importlib.util.find_spec("iotcore") is None:
        return None
    return Program("iotcore", _iotcore_arguments, IOTCORE_NOTE)


def _iotcore_arguments(settings: Settings, _folder: Path, port: int) -> Sequence[str]:
    options = (
        f'{{"listen": "{HOST}", "port": {port}, '
        f'"max_payload_size": {settings.embedded_payload_bytes_max}, '
        f'"max_inflight_count": {min(settings.embedded_inflight_messages_max, 1_000)}}}'
    )
    return [sys.executable, "-c", _RUN_IOTCORE, options]


def find_program() -> Program | None:
    """mosquitto first, the wheel second."""
    return find_mosquitto() or find_iotcore()


class EmbeddedBroker:
    """A broker's child process: started, watched, started again when it falls, ended."""

    def __init__(self, program: Program, settings: Settings, folder: Path, port: int) -> None:
        self.program = program
        self.port = port
        self._settings = settings
        self._folder = folder
        self._last_words: deque[str] = deque(maxlen=LOG_LINES_MAX)
        self._process: asyncio.subprocess.Process | None = None
        self._listener: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """What HUB_BROKER would say for it."""
        return f"mqtt://{HOST}:{self.port}"

    @property
    def note(self) -> str:
        """What a person must know of this broker; empty when there is nothing."""
        return self.program.note

    @property
    def process_id(self) -> int | None:
        """The child's process id while it runs."""
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Start it; returns when it accepts connections. Raises `BrokerFailed`."""
        arguments = self.program.arguments(self._settings, self._folder, self.port)
        self._last_words.clear()
        self._process = await start_child(arguments, stderr=asyncio.subprocess.PIPE)
        self._listener = asyncio.create_task(self._listen(self._process))
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                await self._until_ready(self._process)
        except TimeoutError:
            await self.stop()
            raise BrokerFailed(f"{self.program.name} did not answer on port {self.port}") from None
        except BaseException:  # Ctrl-C in mid-start leaves nothing behind
            await self.stop()
            raise

    async def _until_ready(self, process: asyncio.subprocess.Process) -> None:
        while process.returncode is None:
            with contextlib.suppress(OSError):
                _reader, writer = await asyncio.open_connection(HOST, self.port)
                writer.close()
                await writer.wait_closed()
                return
            await asyncio.sleep(LOOK_EVERY_S)
        await self._end_listener()
        words = "; ".join(self._last_words) or "no word"
        raise BrokerFailed(f"{self.program.name} ended with {process.returncode}: {words}")

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        async for line in process.stderr:
            word = line.decode(errors="replace").strip()
            self._last_words.append(word)
            log.debug("%s: %s", self.program.name, word)

    async def _end_listener(self) -> None:
        if self._listener is not None:
            await self._listener

    async def watch(self) -> None:
        """Start it again whenever it falls; runs until it is cancelled."""
        wait_s = self._settings.reconnect_min_s
        while True:
            assert self._process is not None
            code = await self._process.wait()
            log.warning("the embedded broker fell (%s); starting it again", code)
            try:
                await self.start()
                log.warning("the embedded broker runs again on port %s", self.port)
                wait_s = self._settings.reconnect_min_s
            except BrokerFailed as error:
                log.error("the embedded broker does not start: %s", error)
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, self._settings.reconnect_max_s)

    async def stop(self) -> None:
        """End it and wait until it is gone."""
        if self._process is not None:
            await end_child(self._process, END_WITHIN_S)
            await self._end_listener()
            self._process = None


class GivenBroker:
    """The broker that HUB_BROKER names: somebody else looks after it."""

    note = ""

    def __init__(self, url: str) -> None:
        self.url = url


@contextlib.asynccontextmanager
async def open_broker(
    settings: Settings, data_dir: Path, *, program: Program | None = None
) -> AsyncIterator[EmbeddedBroker | GivenBroker]:
    """The broker of the settings for the length of a block: `url` to connect to, `note` to say.

    `embedded` starts one (`program`, or what is found), on `embedded_port`, or if that is 0 on
    1883 where it is free and on any free port otherwise. Raises `BrokerFailed`.
    """
    if settings.broker != "embedded":
        yield GivenBroker(settings.broker)
        return
    broker = await _start(settings, _folder(data_dir), program or find_program())
    watching = asyncio.create_task(broker.watch())
    try:
        yield broker
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
        await broker.stop()


def _folder(data_dir: Path) -> Path:
    folder = data_dir.resolve() / "broker"
    try:
        private_files.make_folder(folder.parent)
        private_files.make_folder(folder)
    except OSError as error:
        raise BrokerFailed(f"HUB_DATA_DIR: {error}") from error
    return folder


async def _start(settings: Settings, folder: Path, program: Program | None) -> EmbeddedBroker:
    if program is None:
        raise BrokerFailed(NO_BROKER)
    for last in (*(False,) * (PORT_TRIES_MAX - 1), True):
        broker = EmbeddedBroker(program, settings, folder, choose_port(settings.embedded_port))
        try:
            await broker.start()
        except BrokerFailed:
            if last or settings.embedded_port or is_free(broker.port):
                raise
        else:
            return broker
    raise AssertionError("the last try returns or raises")


def choose_port(wished: int) -> int:
    """The wished port if it is free; for 0 the standard port, or any other when it is taken."""
    if wished and not is_free(wished):
        raise BrokerFailed(
            f"HUB_EMBEDDED_PORT: port {wished} is in use; name another, or 0 for any free one"
        )
    if wished or is_free(STANDARD_PORT):
        return wished or STANDARD_PORT
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    """Could somebody listen on this port of the loopback address now?"""
    try:
        try_address(HOST, port)
    except OSError:
        return False
    return True
