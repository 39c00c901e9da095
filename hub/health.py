"""How the hub's parts are: in memory at once, in the table `health` soon after.

A part tells its state with `Health.report`; a change of state is logged once and written at once
together with a row of the live feed, everything else is written every `health_write_every_s` by
`Health.run`, which reports the part `hub` itself: its age is how a page knows that the hub is
alive. While the disk is full nothing can be written, but the state in memory, the log and
`hub/{site}/health` (`hub/notifiers/health.py`, which reads the memory) still say so.
Bounds: one write waits at a time; `health_changes_max` changes of state wait with it.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from typing import NamedTuple, Protocol

import msgspec
from sqlalchemy.engine import Connection

from hub import writer as ranks
from hub.clock import Clock
from hub.database import changes, health
from hub.writer import Writer

log = logging.getLogger(__name__)

GREEN, YELLOW, RED = "green", "yellow", "red"
HUB = "hub"  # the part that says that the process lives
_LEVEL = {GREEN: logging.INFO, YELLOW: logging.WARNING, RED: logging.ERROR}
_BADNESS = {GREEN: 0, YELLOW: 1, RED: 2}

Figures = Mapping[str, int | float | str | None]
NO_FIGURES: Figures = {}


def worst_of(states: Iterable[str]) -> str:
    """The worst of these states; green when there is none."""
    return max(states, key=_BADNESS.__getitem__, default=GREEN)


class Condition(NamedTuple):
    """How one part was at `at_ms`. `state` is green, yellow or red."""

    part: str
    state: str
    text_zh: str
    text_en: str
    figures: Figures
    at_ms: int


class Report(Protocol):
    """What a part is given to say how it is: `Health.report`."""

    def __call__(
        self, part: str, state: str, text_zh: str, text_en: str, figures: Figures = NO_FIGURES
    ) -> None:
        """See `Health.report`."""
        ...


class Health:
    """Keeps the newest condition of every part. May be called from any thread."""

    def __init__(
        self, *, writer: Writer, clock: Clock, write_every_s: float, changes_max: int
    ) -> None:
        self._writer = writer
        self._clock = clock
        self._write_every_s = write_every_s
        self._lock = threading.Lock()
        self._conditions: dict[str, Condition] = {}
        self._unwritten: set[str] = set()
        self._unwritten_changes: deque[Condition] = deque(maxlen=changes_max)
        self._writing = False
        self._first_write = True

    def report(
        self, part: str, state: str, text_zh: str, text_en: str, figures: Figures = NO_FIGURES
    ) -> None:
        """Say how `part` is now. A part that begins green is no change."""
        now = Condition(part, state, text_zh, text_en, dict(figures), self._clock.now_ms())
        with self._lock:
            before = self._conditions.get(part)
            changed = (before.state if before else GREEN) != state
            self._conditions[part] = now
            self._unwritten.add(part)
            if changed:
                self._unwritten_changes.append(now)
        if changed:
            log.log(_LEVEL[state], "%s is %s: %s", part, state, text_en)
        if changed or before is None:
            self._write(ranks.NORMAL)

    def conditions(self) -> dict[str, Condition]:
        """The newest condition of every part, by its name."""
        with self._lock:
            return dict(self._conditions)

    def worst(self) -> str:
        """The state of the worst part; green when nobody has said anything."""
        return worst_of(condition.state for condition in self.conditions().values())

    async def run(self) -> None:
        """Say that the hub is alive and write what has not been written, until cancelled."""
        while True:
            self.report(HUB, GREEN, "运行中", "running")
            self._write(ranks.IDLE)
            await asyncio.sleep(self._write_every_s)

    def _write(self, rank: int) -> None:
        """Hand the unwritten to the writer, unless it still has the last ones."""
        with self._lock:
            if self._writing or not self._unwritten:
                return
            rows = [self._conditions[part] for part in sorted(self._unwritten)]
            news = list(self._unwritten_changes)
            first, self._first_write = self._first_write, False
            self._unwritten.clear()
            self._unwritten_changes.clear()
            self._writing = True
        job = self._writer.submit(
            lambda connection: _keep(connection, rows, news, first), rank=rank
        )
        job.add_done_callback(self._written)

    def _written(self, job: "Future[None]") -> None:
        with self._lock:
            self._writing = False
            again = bool(self._unwritten_changes)
        if not job.cancelled() and (error := job.exception()) is not None:
            log.error("the state of the hub's parts cannot be written: %s", error)
        elif again:
            self._write(ranks.NORMAL)


def _keep(
    connection: Connection, rows: Iterable[Condition], news: Sequence[Condition], first: bool
) -> None:
    if first:  # parts that an earlier run knew and this one does not
        connection.execute(health.delete())
    for row in rows:
        connection.execute(health.insert().prefix_with("OR REPLACE"), _columns(row))
    for change in news:
        connection.execute(
            changes.insert(),
            {
                "kind": "health",
                "key": change.part,
                "body_json": _body(change),
                "at_ms": change.at_ms,
            },
        )


def _columns(condition: Condition) -> dict[str, str | int]:
    figures = msgspec.json.encode(condition.figures).decode()
    return {
        "part": condition.part,
        "state": condition.state,
        "text_zh": condition.text_zh,
        "text_en": condition.text_en,
        "figures_json": figures,
        "at_ms": condition.at_ms,
    }


def _body(condition: Condition) -> str:
    return msgspec.json.encode(condition._asdict()).decode()
