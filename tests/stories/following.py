"""One who follows the live feed as a browser does: over any number of connections."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

import httpx

from tests.integration.hub_process import PATIENCE_S


class Event(NamedTuple):
    """One server-sent event."""

    id: int
    kind: str
    body: dict[str, Any]


class Follower:
    """Comes back with the last id that it saw whole, whenever and wherever it was cut off.

    `events` is everything but pings, over all connections.
    """

    def __init__(self, caller: httpx.AsyncClient) -> None:
        self.events: list[Event] = []
        self.last_id: int | None = None
        self.connections = 0
        self._caller = caller
        self._lines_left: int | None = None
        self._news = asyncio.Condition()

    def cut_after(self, lines: int) -> None:
        """Hang up after so many more lines: between two events or within one."""
        self._lines_left = lines

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            with contextlib.suppress(httpx.TransportError):  # killed, or not there yet
                await self._connect()

    async def _connect(self) -> None:
        headers = {} if self.last_id is None else {"Last-Event-ID": str(self.last_id)}
        async with self._caller.stream("GET", "/api/v1/live", headers=headers) as response:
            assert response.status_code == 200
            self.connections += 1
            await self._read(response)

    async def _read(self, response: httpx.Response) -> None:
        fields: dict[str, str] = {}
        async for line in response.aiter_lines():
            if self._lines_left == 0:
                self._lines_left = None
                return
            if self._lines_left is not None:
                self._lines_left -= 1
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif "event" in fields:
                await self._take(fields)
                fields = {}

    async def _take(self, fields: dict[str, str]) -> None:
        self.last_id = int(fields["id"])
        if fields["event"] != "ping":
            event = Event(self.last_id, fields["event"], json.loads(fields["data"]))
            self.events.append(event)
        async with self._news:
            self._news.notify_all()

    async def until(self, so: Callable[[], bool]) -> None:
        """Return when `so` holds; it is looked at after every event and ping."""
        try:
            async with asyncio.timeout(PATIENCE_S), self._news:
                await self._news.wait_for(so)
        except TimeoutError:
            newest = "\n".join(map(str, self.events[-5:]))
            raise AssertionError(f"waited {PATIENCE_S} s in vain after\n{newest}") from None

    async def first(self, kind: str, **body: Any) -> Event:
        """The first event of a kind whose body holds these values, come or yet to come."""

        def found() -> Event | None:
            return next(
                (e for e in self.events if e.kind == kind and body.items() <= e.body.items()),
                None,
            )

        await self.until(lambda: found() is not None)
        event = found()
        assert event is not None
        return event


@contextlib.asynccontextmanager
async def following(caller: httpx.AsyncClient) -> AsyncIterator[Follower]:
    """A follower that is connected, for the length of a block."""
    follower = Follower(caller)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(follower.run())
        await follower.until(lambda: follower.last_id is not None)
        yield follower
        task.cancel()
