"""The live feed: rows of the table `changes` as server-sent events.

One reader asks the database for all clients and keeps the newest rows in memory; a client that fell
behind those reads the disk by itself. Beside the rows goes `presence`, from memory and without an
id: who of the staff is at which case just now. An event's id is the row's, so a client that comes
back with the last id it saw gets what followed: no gap and no double. An id that is no longer (or
not yet) known is answered by `reset`: load everything anew. A `ping` says every `live_ping_ms` that
feed and hub are alive; it carries an id too, so that a client to whom many rows are not shown does
not fall out of what is kept.
Bounds: `live_rows_max` in memory, `live_clients_max`, `live_connection_s`.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from fastapi.sse import ServerSentEvent
from sqlalchemy.engine import Engine

from dashboard_api.access import Right, Viewer
from dashboard_api.errors import Problem
from dashboard_api.presence import Presence
from hub.clock import Clock
from hub.database import changes, health
from hub.health import HUB
from hub.settings import Settings

log = logging.getLogger(__name__)

RETRY_MS = 1_000

# What of a case may stand before everybody: what and where, never who.
_PUBLIC = (
    "what",
    "id",
    "severity",
    "category",
    "grid",
    "state",
    "active",
    "times",
    "raised_at_ms",
    "answered_at_ms",
    "arrived_at_ms",
    "closed_at_ms",
    "version",
)

_PART = ("part", "state", "at_ms")  # of a part of the hub, for those who do not look after it


class Change(NamedTuple):
    """One row of the table."""

    id: int
    kind: str
    key: str
    body: dict[str, Any]
    at_ms: int


def shown(change: Change, viewer: Viewer) -> ServerSentEvent | None:
    """The event as this viewer may see it; None: not at all."""
    if change.kind == "case":
        if not viewer.sees(str(change.body.get("category"))):
            return None
        body = change.body
        if viewer.public:
            body = {name: body[name] for name in _PUBLIC if name in body}
    elif change.kind in ("device", "rules", "round") and viewer.may(Right.DEVICES):
        body = {"id": change.key, **change.body}
    elif change.kind == "health":
        body = {"part": change.key, **change.body}
        if not viewer.may(Right.TEXTS):
            body = {name: body[name] for name in _PART if name in body}
    elif change.kind == "notice" and viewer.may(Right.RESIDENTS):
        body = {"id": change.key, **change.body}
    else:
        return None
    return ServerSentEvent(event=change.kind, id=str(change.id), data=body)


class LiveFeed:
    """The one reader, and the seats of those who follow."""

    def __init__(self, engine: Engine, clock: Clock, settings: Settings) -> None:
        self._engine = engine
        self._clock = clock
        self._settings = settings
        self._rows: deque[Change] = deque(maxlen=settings.live_rows_max)
        self._clients = 0
        self._some = asyncio.Event()
        self._closed = False
        self._hub_at_ms: int | None = None
        self._failing = False
        self._presence = Presence(clock, settings)
        self.newest = 0

    # -- the reader ------------------------------------------------------------------------------

    async def start(self) -> None:
        """Learn where the table ends."""
        self.newest = (await asyncio.to_thread(self._span))[1]

    async def run(self) -> None:
        """Read what is new until cancelled."""
        while not self._closed:
            await self._read_new()
            await asyncio.sleep(self._settings.live_poll_ms / 1000)

    async def _read_new(self) -> None:
        try:
            rows, self._hub_at_ms = await asyncio.to_thread(self._look)
        except sa.exc.OperationalError as error:
            if not self._failing:
                log.error("the live feed cannot read the database: %s", error)
            self._failing = True
            return
        if self._failing:
            log.info("the live feed reads the database again")
        self._failing = False
        if rows:
            self._rows.extend(rows)
            self.newest = rows[-1].id
            self._wake()

    def _wake(self) -> None:
        self._some.set()
        self._some = asyncio.Event()

    def _look(self) -> tuple[list[Change], int | None]:
        query = sa.select(health.c.at_ms).where(health.c.part == HUB)
        with self._engine.connect() as connection:
            hub_at_ms = connection.execute(query).scalar()
        return self.read(self.newest), hub_at_ms

    def read(self, after: int) -> list[Change]:
        """Rows after an id, from the disk."""
        query = changes.select().where(changes.c.id > after).order_by(changes.c.id)
        with self._engine.connect() as connection:
            rows = connection.execute(query.limit(self._settings.live_rows_max)).all()
        return [
            Change(
                row.id, row.kind, row.key, msgspec.json.decode(row.body_json, type=dict), row.at_ms
            )
            for row in rows
        ]

    def _span(self) -> tuple[int, int]:
        query = sa.select(sa.func.min(changes.c.id), sa.func.max(changes.c.id))
        with self._engine.connect() as connection:
            oldest, newest = connection.execute(query).one()
        return oldest or 0, newest or 0

    def close(self) -> None:
        """End every feed, so that the server can end."""
        self._closed = True
        self._some.set()

    # -- the clients -----------------------------------------------------------------------------

    @contextmanager
    def seat(self) -> Iterator[None]:
        """A client's place. Raises the 503 when all are taken."""
        if self._clients >= self._settings.live_clients_max:
            raise Problem(
                503, "All live feeds are taken.", headers={"Retry-After": "5"}, code="feeds_taken"
            )
        self._clients += 1
        try:
            yield
        finally:
            self._clients -= 1

    def be_at(self, tab: str, viewer: Viewer, case: str, doing: str) -> None:
        """Tell all others at which case this page is now ("": at none)."""
        if self._presence.say(tab, viewer.actor, case, doing):
            self._wake()

    def alive(self) -> dict[str, Any]:
        """What a ping says: the server's time, and whether the hub itself runs."""
        now_ms = self._clock.now_ms()
        silent_ms = self._settings.silent_after_s * 1000
        heard = self._hub_at_ms is not None and now_ms - self._hub_at_ms <= silent_ms
        return {"now_ms": now_ms, "live": heard and not self._failing, "hub_ms": self._hub_at_ms}

    async def follow(self, viewer: Viewer, after: int | None) -> AsyncIterator[ServerSentEvent]:
        """Events after an id (None: from now on), until the connection has had its time."""
        begun_s = pinged_s = self._clock.monotonic_s()
        oldest, newest = await asyncio.to_thread(self._span)
        position = newest if after is None else after
        if position > newest or position < oldest - 1:  # of another database, or removed since
            position = newest
            yield ServerSentEvent(event="reset", id=str(position), data={}, retry=RETRY_MS)
        yield self._ping(position)
        met = 0
        while not self._closed and self._left_s(begun_s, self._settings.live_connection_s) > 0:
            some = self._some
            rows = await self._after(position)
            for row in rows:
                position = row.id
                event = shown(row, viewer)
                if event is not None:
                    yield event
            if met != self._presence.version and viewer.may(Right.RESIDENTS):
                met = self._presence.version
                yield ServerSentEvent(event="presence", data={"cases": self._presence.shown()})
            ping_in_s = self._left_s(pinged_s, self._settings.live_ping_ms / 1000)
            if ping_in_s <= 0:
                pinged_s = self._clock.monotonic_s()
                self._presence.forget_silent()
                yield self._ping(position)
            elif not rows:
                await _wait(some, ping_in_s)

    def _ping(self, position: int) -> ServerSentEvent:
        return ServerSentEvent(event="ping", id=str(position), data=self.alive(), retry=RETRY_MS)

    def _left_s(self, since_s: float, span_s: float) -> float:
        return since_s + span_s - self._clock.monotonic_s()

    async def _after(self, position: int) -> list[Change]:
        if position >= self.newest:
            return []
        if self._rows and self._rows[0].id <= position + 1:
            return [row for row in self._rows if row.id > position]
        return await asyncio.to_thread(self.read, position)


async def _wait(some: asyncio.Event, timeout_s: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            await some.wait()
