"""A whole `hub run` as a process of its own (`tests/forks.py`), and an ear on its broker.

Nothing here waits for a time to pass: waiting ends when a line, a message or an exit has come.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import aiomqtt
import msgspec
import sqlalchemy as sa

from hub.clock import SystemClock
from hub.database import for_writing, migrate, open_engine
from hub.register import DEVICES, keep
from tests.forks import Forked, ForkedHub
from tests.programs import Mosquitto

PATIENCE_S = 60.0  # a test that waits longer has failed
READY = "The hub runs."
HUB = str(Path(sys.executable).with_name("hub"))


def note(figures: str) -> None:
    """A line for whoever looks at the figures (`pytest -s`)."""
    sys.stdout.write(f"{figures}\n")


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with these settings of the hub and no others."""
    ours = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HUB_", "INFLUXDB_"))
    }
    return {**ours, **settings}


class HubProcess:
    """`hub run --no-dashboard` on a folder and a broker; it may be killed and started again.

    `lines` is all that it has said, on both streams, over all its lives.
    """

    arguments: tuple[str, ...] = ("run", "--no-dashboard")

    def __init__(self, folder: Path, broker: Mosquitto, **settings: str) -> None:
        self.data = folder / "data"
        self.data = Path(settings.get("HUB_DATA_DIR", folder / "data"))
        self.lines: list[str] = []
        self.starts = 0
        self._life_from = 0
        self._folder = folder
        self._settings = {
            "HUB_BROKER": broker.url,
            "HUB_DATA_DIR": str(self.data),
            "HUB_RECONNECT_MIN_S": "0.01",
            "HUB_CANARY_EVERY_S": "0",  # it would be counted among the entries
            **settings,
        }
        self._process: ForkedHub | None = None
        self._readers: list[asyncio.Task[None]] = []
        self._said = asyncio.Condition()

    @property
    def pid(self) -> int:
        """The process that lives now."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Started, and neither killed nor fallen."""
        return self._process is not None and self._process.returncode is None

    async def begin(self) -> None:
        """Start it and do not wait for anything."""
        assert not self.is_running
        self._life_from = len(self.lines)
        environs = environment(self._settings)
        self._process = ForkedHub(self.arguments, self._folder, environs, one_stream=True)
        self.starts += 1
        self._readers.append(asyncio.create_task(self._read(self._process)))

    async def start(self) -> None:
        """Start it; return when both of its subscriptions stand."""
        await self.begin()
        await self.ready()

    async def ready(self) -> None:
        """Return when its present life has both of its subscriptions."""
        await self.says(READY, self._life_from)

    async def _read(self, process: ForkedHub) -> None:
        async with stream(process.out) as lines:
            async for line in lines:
                self.lines.append(line.decode().rstrip("\n"))
                await self._tell()
        await ended(process)
        await self._tell()

    async def _tell(self) -> None:
        async with self._said:
            self._said.notify_all()

    async def says(self, words: str, after: int = 0) -> str:
        """The first line from number `after` on that holds `words`; fails when the hub ends."""

        def found() -> str | None:
            return next((line for line in self.lines[after:] if words in line), None)

        async with asyncio.timeout(PATIENCE_S), self._said:
            await self._said.wait_for(lambda: found() is not None or not self.is_running)
        line = found()
        assert line is not None, f"the hub ended without saying {words!r}:\n{self.story()}"
        return line

    def story(self) -> str:
        """The newest lines that are no notices, for a test that fails."""
        lines = [line for line in self.lines if "hub.notifiers.log" not in line]
        return "\n".join(lines[-40:])

    async def kill(self) -> None:
        """SIGKILL: no goodbye, nothing flushed."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """SIGTERM, as whoever looks after services does it. The exit code."""
        return await self._end(signal.SIGTERM)

    async def _end(self, sign: signal.Signals) -> int:
        assert self._process is not None
        assert self.is_running, f"the hub has ended by itself:\n{self.story()}"
        self._process.send_signal(sign)
        async with asyncio.timeout(PATIENCE_S):
            code = await ended(self._process)
            await asyncio.gather(*self._readers)
        self._readers.clear()
        return code

    # -- what it keeps -------------------------------------------------------------------------

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of its database, while it runs or after."""
        engine = open_engine(f"sqlite:///{self.data / 'hub.db'}")
        with engine.connect() as connection:
            rows = [tuple(row) for row in connection.execute(sa.text(query))]
        engine.dispose()
        return rows

    def register(self, devices: Sequence[Mapping[str, Any]]) -> None:
        """Put native devices (`id`, `family`, `tags`) into the register before the first start."""
        self.data.mkdir(parents=True, exist_ok=True)
        engine = open_engine(f"sqlite:///{self.data / 'hub.db'}")
        migrate(engine)
        rows = [
            {
                "id": device["id"],
                "family": device["family"],
                "driver": "native",
                "address": f"native:{device['id']}",
                "name_zh": device["id"],
                "name_en": device["id"],
                "tags_json": msgspec.json.encode(device.get("tags", [])).decode(),
            }
            for device in devices
        ]
        with for_writing(engine).begin() as connection:
            keep(connection, DEVICES, rows, SystemClock().now_ms())
        engine.dispose()


@contextlib.asynccontextmanager
async def stream(descriptor: int) -> AsyncIterator[asyncio.StreamReader]:
    """What comes out of a pipe, which is closed behind it."""
    reader = asyncio.StreamReader()
    with os.fdopen(descriptor, "rb", buffering=0) as pipe:
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), pipe
        )
        try:
            yield reader
        finally:
            transport.close()


async def ended(process: Forked) -> int:
    """Its exit code once it has ended."""
    over, loop = asyncio.Event(), asyncio.get_running_loop()
    waiting = os.dup(process.ended)  # several may wait for the same end
    loop.add_reader(waiting, over.set)
    try:
        await over.wait()
    finally:
        loop.remove_reader(waiting)
        os.close(waiting)
    code = process.returncode
    assert code is not None
    return code


@contextlib.asynccontextmanager
async def hub_process(
    folder: Path, broker: Mosquitto, **settings: str
) -> AsyncIterator[HubProcess]:
    """A hub that is not started yet and does not outlive the block."""
    hub = HubProcess(folder, broker, **settings)
    try:
        yield hub
    finally:
        if hub.is_running:
            await hub.kill()


async def command(*arguments: str, folder: Path, **settings: str) -> tuple[int, str, str]:
    """A command of the hub that ends by itself: exit code, standard output, standard error."""
    process = ForkedHub(arguments, folder, environment(settings))
    try:
        async with (
            asyncio.timeout(PATIENCE_S),
            stream(process.out) as out,
            stream(process.errors) as bad,
        ):
            output, errors = await asyncio.gather(out.read(), bad.read())
            code = await ended(process)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
            await ended(process)
    return code, output.decode(), errors.decode()


class Ear:
    """Hears topics on the broker, hands each message on, and wakes whoever waits for something."""

    def __init__(self, client: aiomqtt.Client, hear: Callable[[str, dict[str, Any]], None]) -> None:
        self._client = client
        self._hear = hear
        self._heard = asyncio.Condition()

    async def listen(self) -> None:
        """Until cancelled."""
        async for message in self._client.messages:
            assert isinstance(message.payload, bytes)
            self._hear(str(message.topic), _object(message.payload))
            await self.wake()

    async def wake(self) -> None:
        """Whoever waits looks again."""
        async with self._heard:
            self._heard.notify_all()

    async def until(self, so: Callable[[], bool], story: Callable[[], str] = lambda: "") -> None:
        """Return when `so` holds; it is looked at after every message."""
        try:
            async with asyncio.timeout(PATIENCE_S), self._heard:
                await self._heard.wait_for(so)
        except TimeoutError:
            raise AssertionError(f"waited {PATIENCE_S} s in vain\n{story()}") from None


def _object(payload: bytes) -> dict[str, Any]:
    """JSON as it is; a bare word such as `online` under the name `word`."""
    try:
        read: dict[str, Any] = msgspec.json.decode(payload, type=dict[str, Any])
    except msgspec.DecodeError:
        return {"word": payload.decode()}
    return read


@contextlib.asynccontextmanager
async def ear(
    broker: Mosquitto, topics: Sequence[str], hear: Callable[[str, dict[str, Any]], None]
) -> AsyncIterator[Ear]:
    """An ear that listens for the length of a block; a fault of `hear` falls out of the block."""
    async with quick_client(broker) as client:
        for topic in topics:
            await client.subscribe(topic, qos=1)
        listening = Ear(client, hear)
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(listening.listen())
            yield listening
            task.cancel()


def quick_client(broker: Mosquitto) -> aiomqtt.Client:
    """A client that has many messages on the way at a time."""
    client = aiomqtt.Client("127.0.0.1", broker.port, max_inflight_messages=1_000)
    client.pending_calls_threshold = 10_000
    return client
