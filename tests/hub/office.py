"""An office for tests of the deliverer: database, writer, clock, and a channel that is a script."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from hub import database, outbox
from hub.deliver import Channel, deliver
from hub.health import NO_FIGURES, Figures
from hub.outbox import NewNotice, Notice
from hub.settings import Settings
from hub.writer import Writer
from tests.hub.timekeeper import Timekeeper

SOON_S = 10.0
SETTINGS = Settings(deliver_retry_min_s=1.0, deliver_retry_max_s=60.0, deliver_tries_max=3)


class Script:
    """A channel that does what it is told, notice by notice; a fake, for outcomes at will."""

    def __init__(self, name: str = "log", *steps: BaseException | asyncio.Event | None) -> None:
        self.name = name
        self.steps = list(steps)
        self.told: asyncio.Queue[Notice] = asyncio.Queue()
        self.there = asyncio.Event()
        self.there.set()

    async def ready(self) -> None:
        await self.there.wait()

    async def send(self, notice: Notice) -> str | None:
        self.told.put_nowait(notice)
        step = self.steps.pop(0) if self.steps else None
        if isinstance(step, asyncio.Event):
            await step.wait()
        elif step is not None:
            raise step
        return None

    async def next(self) -> Notice:
        async with asyncio.timeout(SOON_S):
            return await self.told.get()


class Office:
    """A database with its writer, a clock, and a deliverer that can be started and stopped."""

    def __init__(self, engine: Engine, writer: Writer) -> None:
        self.engine = engine
        self.writer = writer
        self.time = Timekeeper()
        self.wake = asyncio.Event()
        self.reports: asyncio.Queue[tuple[str, str, str, Figures]] = asyncio.Queue()

    def report(
        self, part: str, state: str, text_zh: str, text_en: str, figures: Figures = NO_FIGURES
    ) -> None:
        assert text_zh
        self.reports.put_nowait((part, state, text_en, figures))

    async def put(self, *cases: str, channel: str = "log") -> None:
        """A notice for each of the cases, then wake the deliverer as the judge does."""
        now_ms = self.time.now_ms()
        rows = [NewNotice(case, channel, "opened", "{}", now_ms, now_ms) for case in cases]
        await self.writer.run(lambda connection: outbox.put(connection, rows))
        self.wake.set()

    async def put_calls(
        self,
        channel: str,
        bodies: Sequence[Mapping[str, Any]],
        rows: Sequence[Mapping[str, Any]],
    ) -> None:
        """Calls with these bodies, and what else stands in their rows."""
        now_ms = self.time.now_ms()
        news = [
            NewNotice(str(body["id"]), channel, "call", json.dumps(body), now_ms, now_ms, **row)
            for body, row in zip(bodies, rows, strict=True)
        ]
        await self.writer.run(lambda connection: outbox.put(connection, news))
        self.wake.set()

    async def until(self, so: Callable[[list[Any]], bool]) -> list[Any]:
        """The rows as soon as `so` holds of them."""
        async with asyncio.timeout(SOON_S):
            while not so(rows := await asyncio.to_thread(self.rows)):
                continue
        return rows

    async def reported(self, wanted: Callable[[str, str, Figures], bool]) -> tuple[str, str]:
        """State and text of the next report that is wanted."""
        while True:
            async with asyncio.timeout(SOON_S):
                part, state, text, figures = await self.reports.get()
            if wanted(part, state, figures):
                return state, text

    async def noted(self, tries: int) -> tuple[str, str]:
        """Wait until so many tries in all have been written."""
        return await self.reported(lambda _p, _s, f: sum(int(n or 0) for n in f.values()) == tries)

    def rows(self, table: sa.Table = database.notices) -> list[Any]:
        with self.engine.connect() as connection:
            return list(connection.execute(sa.select(table).order_by(table.c.id)))

    @asynccontextmanager
    async def at_work(
        self, *channels: Channel, settings: Settings = SETTINGS
    ) -> AsyncIterator[None]:
        """The deliverer runs while the block lasts; its end is as sudden as a crash."""
        running = asyncio.create_task(
            deliver(
                engine=self.engine,
                writer=self.writer,
                channels={channel.name: channel for channel in channels},
                settings=settings,
                clock=self.time,
                wake=self.wake,
                report=self.report,
                wait=self.time.wait,
                jitter=lambda: 1.0,
            )
        )
        try:
            yield
        finally:
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
