"""The hub's front door for tests: real broker, real journal, both connections, no judge behind."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import aiomqtt
import sqlalchemy as sa

from device_drivers.catalog import receive
from hub.app import listen_to_announced
from hub.clock import Clock, SystemClock
from hub.database import announcements, for_writing, journal, migrate, open_engine, strangers
from hub.devices import Device, Devices
from hub.feed import Feed
from hub.ingest import (
    BUTTONS,
    OTHERS,
    Around,
    Commits,
    Opened,
    Opener,
    Read,
    ingest,
    keep_due,
    remembered,
)
from hub.journal import Entry, Journal
from hub.mqtt import Address, Link, LinkSettings
from hub.repeats import Repeats
from hub.settings import Settings
from hub.strangers import Strangers
from hub.worth import Worth
from hub.writer import Writer
from tests.programs import Mosquitto

PATIENCE_S = 20.0

Result = TypeVar("Result")


async def soon(what: Awaitable[Result]) -> Result:
    """What comes of it; a test that waits longer than `PATIENCE_S` has failed."""
    async with asyncio.timeout(PATIENCE_S):
        return await what


class Doorway:
    """Both ingest loops over one database; `stop()` ends them between any two steps, as a kill."""

    def __init__(
        self,
        broker: Mosquitto,
        folder: Path,
        *,
        known: list[Device] | None = None,
        settings: Settings | None = None,
        clock: Clock | None = None,
        read: Read = receive,
    ) -> None:
        self._read = read
        self.settings = settings or Settings(data_dir=folder, reconnect_min_s=0.01)
        self.clock = clock or SystemClock()
        self.engine = open_engine(f"sqlite:///{folder / 'hub.db'}")
        migrate(self.engine)
        self.writer = Writer(for_writing(self.engine), retry_s=0.01)
        self.devices = Devices(known or [])
        self.feed = Feed(1_000)
        self.done = 0
        self._changed = asyncio.Condition()
        self._broker = broker
        self._tasks: list[asyncio.Task[Any]] = []
        self.links = self._links()

    def _links(self) -> tuple[Link, Link]:
        address = Address.parse(self._broker.url)
        bounds = LinkSettings(
            client_id="hub-demo",
            keepalive_s=30,
            reconnect_min_s=self.settings.reconnect_min_s,
            reconnect_max_s=0.1,
            inflight_messages_max=self.settings.inflight_messages_max,
        )
        urgent = LinkSettings(
            **{name: getattr(bounds, name) for name in bounds.__slots__ if name != "client_id"}
            | {"client_id": "hub-demo-buttons"}
        )
        topics = ["community/demo/#", *self.settings.topic_filters]
        buttons = ["community/demo/button/+/up", *self.devices.button_topics()]
        return Link(address, urgent, buttons), Link(address, bounds, topics)

    async def start(self) -> None:
        """Connect both links and begin to take messages in."""
        unknown = Strangers(strangers_max=100, messages_max=5)
        repeats = Repeats(
            messages_max=10_000,
            presses_max=10_000,
            repeat_window_ms=3_600_000,
            copy_window_ms=600_000,
            overlap_window_ms=self.settings.overlap_window_ms,
            several_fit=lambda link, topic: self.links[link].filters.several_fit(topic),
        )
        with self.engine.connect() as connection:
            repeats.remember(remembered(connection, self.settings))
            unknown.load(connection)
            worth = Worth(self.settings)
            worth.load(connection)
        around = self.around = Around.of(self.settings, self.devices, unknown, self.clock.now_ms())
        with self.engine.connect() as connection:
            around.announcements.load(connection)
            around.gateways.load(connection)
        listen_to_announced(self.links, self.devices, around.announcements)
        opener = Opener(
            self.settings,
            self.devices,
            repeats,
            unknown,
            around,
            self.links[0].add_topic,
            worth,
            self._read,
        )
        commits = Commits(self.writer, unknown, self.devices, around)
        self._start(
            keep_due(
                opener=opener,
                commits=commits,
                feed=self.feed,
                settings=self.settings,
                clock=self.clock,
                count=self._count,
            )
        )
        for number in (BUTTONS, OTHERS):
            self._start(self.links[number].run())
            self._start(
                ingest(
                    self.links[number],
                    number,
                    opener=opener,
                    commits=commits,
                    feed=self.feed,
                    settings=self.settings,
                    clock=self.clock,
                    count=self._count,
                )
            )
        for link in self.links:
            await soon(link.ready())

    def _start(self, loop: Any) -> None:
        self._tasks.append(asyncio.create_task(loop))

    def _count(self, _number: int, opened: Opened) -> None:
        self.done += len(opened.entries) + opened.repeats
        self._start(self._tell())

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def until(self, so: Callable[["Doorway"], bool]) -> None:
        """Return when `so` holds; it is looked at after every batch."""
        async with asyncio.timeout(PATIENCE_S), self._changed:
            await self._changed.wait_for(lambda: so(self))

    async def until_so(self, so: Callable[[], bool]) -> None:
        """The same for what is seen in the database only, looked at in a thread."""
        async with asyncio.timeout(PATIENCE_S):
            while not await asyncio.to_thread(so):
                pass

    def announced(self, part: str) -> list[dict[str, Any]]:
        """What is kept of the announcements with that part."""
        query = announcements.select().where(announcements.c.part == part)
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    async def stop(self) -> None:
        """Stop in the middle of whatever is going on."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def close(self) -> None:
        """Stop, and let the database go."""
        await self.stop()
        await asyncio.to_thread(self.writer.close)
        self.engine.dispose()

    def entries(self, kind: str = "") -> list[Entry]:
        """The whole journal, or what it holds of one kind."""
        return Journal(self.engine).read(0, 1_000_000, [kind] if kind else ())

    def points(self) -> list[tuple[str | None, str, Any]]:
        """Every reading kept: device, point, value."""
        return [
            (entry.device, reading.point, reading.value)
            for entry in self.entries("reading")
            for reading in entry.readings
        ]

    def count(self, kind: str) -> int:
        """How many entries of a kind there are."""
        query = sa.select(sa.func.count()).where(journal.c.kind == kind)
        with self.engine.connect() as connection:
            return connection.execute(query).scalar_one()

    def strangers(self) -> list[dict[str, Any]]:
        """Every unknown sender."""
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(strangers.select()).mappings()]


@contextlib.asynccontextmanager
async def doorway(broker: Mosquitto, folder: Path, **options: Any) -> AsyncIterator[Doorway]:
    """A running doorway for the length of a block."""
    running = Doorway(broker, folder, **options)
    try:
        await running.start()
        yield running
    finally:
        await running.close()


def client(broker: Mosquitto, **options: Any) -> aiomqtt.Client:
    """A plain MQTT client on the same broker."""
    return aiomqtt.Client("127.0.0.1", broker.port, **options)
