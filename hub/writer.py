"""The hub's one writer: a thread that owns the writing connection and takes jobs in turn.

A job is a function of the connection, run in a transaction of its own; its result comes back to
the event loop when the commit is on the disk. Urgent jobs (presses) go before the others. While
the disk is full or read-only the job that met it is tried again until there is room: nothing is
acknowledged meanwhile, and `on_trouble` is told once when it begins and once (None) when it ends.
"""

import asyncio
import itertools
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

Result = TypeVar("Result")
URGENT, NORMAL, IDLE = 0, 1, 2

# What passes by itself: the disk has room again, another process has finished its turn.
_PASSING = ("disk is full", "readonly", "read-only", "disk i/o error", "locked", "unable to open")


class Writer:
    """Runs jobs one at a time in a thread. `close()` finishes what is queued."""

    def __init__(
        self,
        engine: Engine,
        *,
        retry_s: float,
        on_trouble: Callable[[str | None], None] = lambda _trouble: None,
    ) -> None:
        self._engine = engine
        self._retry_s = retry_s
        self.on_trouble = on_trouble
        self.is_troubled = False  # the disk takes nothing
        self._jobs: queue.PriorityQueue[tuple[int, int, Any]] = queue.PriorityQueue()
        self._order = itertools.count()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()

    async def run(self, job: Callable[[Connection], Result], *, rank: int = NORMAL) -> Result:
        """Run `job` in a transaction; returns when it is committed. Raises what the job raised."""
        return await asyncio.wrap_future(self.submit(job, rank=rank))

    def submit(self, job: Callable[[Connection], Result], *, rank: int = NORMAL) -> Future[Result]:
        """The same without waiting."""
        future: Future[Result] = Future()
        self._jobs.put((rank, next(self._order), (job, future)))
        return future

    def close(self) -> None:
        """Finish what is queued and stop; a job that waits for room on the disk is given up."""
        self._stopped.set()
        self._jobs.put((IDLE + 1, next(self._order), None))
        self._thread.join()

    def _work(self) -> None:
        while (task := self._jobs.get()[2]) is not None:
            job, future = task
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(self._persist(job))
            except BaseException as error:  # noqa: BLE001 - it is handed to the one who waits
                future.set_exception(error)

    def _persist(self, job: Callable[[Connection], Result]) -> Result:
        troubled = False
        while True:
            try:
                with self._engine.begin() as connection:
                    result = job(connection)
            except sa.exc.OperationalError as error:
                if self._stopped.is_set() or not passes(error):
                    raise
                if not troubled:
                    self.on_trouble(str(error.orig))
                troubled = self.is_troubled = True
                self._stopped.wait(self._retry_s)
            else:
                if troubled:
                    self.is_troubled = False
                    self.on_trouble(None)
                return result


def passes(error: sa.exc.OperationalError) -> bool:
    """Can the same statement succeed later (a full disk), or is it wrong for good?"""
    text = str(error.orig).lower()
    return any(sign in text for sign in _PASSING)
