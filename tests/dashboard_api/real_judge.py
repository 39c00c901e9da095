"""The real judge's loop in a thread, over the database of the pages' tests."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from sqlalchemy.engine import Engine

from hub import journal
from hub.cases import Cases
from hub.clock import Clock
from hub.database import for_writing
from hub.devices import Devices, read_devices
from hub.docket import Docket
from hub.escalations import Escalations, default_ways, feeds_of
from hub.evaluate import Evaluation
from hub.feed import Feed
from hub.journal import PRESS, READING, Entry
from hub.orders import Orders
from hub.settings import Settings
from hub.site import Site
from hub.writer import Writer
from rules.judge import Judge
from rules.loader import load
from rules.order import NO_TABLES, OrderTables
from rules.response import Plan
from rules.roster import Roster
from tests.hub.courtroom import RULES

CHANNELS = ("mqtt", "log", "calls")
LOOK_S = 0.01
WAIT_S = 20.0


Found = TypeVar("Found")


async def until_found(look: Callable[[], Awaitable[Found]]) -> Found:
    """What `look` finds, as soon as it finds something; the judge works beside the test."""
    async with asyncio.timeout(WAIT_S):
        while True:
            if found := await look():
                return found
            await asyncio.sleep(LOOK_S)


class RealJudge:
    """Judges what is in the journal while `sitting`; presses are written beside it."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        folder: Path,
        plans: Mapping[str, Plan] | None = None,
        roster: Roster | None = None,
        orders: OrderTables = NO_TABLES,
    ) -> None:
        self._orders = orders
        self._engine, self._clock, self._folder = engine, clock, folder
        self._plans, self._roster = plans or {}, roster or Roster()
        self._stop = threading.Event()
        self.failed: BaseException | None = None

    def say(self, device: str, **points: str | float | bool) -> None:
        """A device's message that has just come."""
        now_ms = self._clock.now_ms()
        readings = tuple((point, value, now_ms, None) for point, value in points.items())
        flags = PRESS if "press" in points else 0
        entry = Entry(0, READING, device, now_ms, readings, flags=flags)  # type: ignore[arg-type]
        with for_writing(self._engine).begin() as connection:
            journal.append(connection, [entry])

    @contextmanager
    def sitting(self) -> Iterator["RealJudge"]:
        """Judges what comes while the block runs."""
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            thread.join()
        assert self.failed is None

    def _run(self) -> None:
        try:
            asyncio.run(self._sit())
        except BaseException as error:
            self.failed = error
            raise

    async def _sit(self) -> None:
        writer = Writer(for_writing(self._engine), retry_s=0.01)
        evaluation = self._open(writer)
        reader = journal.Journal(self._engine)
        known = 0
        while not self._stop.is_set():
            newest = reader.newest()
            if newest > known:  # presses were written by this process: as after a gap in memory
                await evaluation.catch_up()
                known = newest
            await evaluation.fill()
            while await evaluation.step():
                await evaluation.fill()
            await asyncio.sleep(LOOK_S)
        writer.close()

    def _open(self, writer: Writer) -> Evaluation:
        settings = Settings(data_dir=self._folder, settle_ms=0)
        rules = self._folder / "rules.yaml"
        rules.write_text(RULES, encoding="utf-8")
        with self._engine.connect() as connection:
            devices = Devices(read_devices(connection))
        people = Escalations(self._plans, self._roster, CHANNELS, default_ways(CHANNELS))
        docket = Docket(
            Judge(load([rules]), zone=Site().zone),
            Cases(),
            devices,
            feeds_of(CHANNELS),
            escalations=people,
            orders=Orders(self._orders),
        )
        evaluation = Evaluation(
            docket,
            engine=self._engine,
            writer=writer,
            feed=Feed(settings.judge_queue_batches_max),
            settings=settings,
            clock=self._clock,
            on_written=lambda: None,
        )
        evaluation.restore()
        return evaluation
