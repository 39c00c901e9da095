"""The live feed of a real server: nothing lost, nothing twice, nothing that must not be seen."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
import sqlalchemy as sa

from hub import users
from hub.database import changes, for_writing
from tests.dashboard_api.community import NAMES
from tests.dashboard_api.serving import Dashboard

WITHIN_S = 10


class Event(NamedTuple):
    """One server-sent event."""

    kind: str
    id: str
    data: dict[str, Any]


@pytest.fixture
def dashboard(tmp_path: Path) -> Iterator[Dashboard]:
    running = Dashboard(tmp_path, HUB_LIVE_PING_MS="200", HUB_LIVE_CLIENTS_MAX="2")
    running.start()
    yield running
    running.close()


@pytest.fixture
async def client(dashboard: Dashboard) -> AsyncIterator[httpx.AsyncClient]:
    token = users.add_token(dashboard.engine, dashboard.clock, "console", "staff")
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=dashboard.url, headers=headers, timeout=30) as opened:
        yield opened


async def events(response: httpx.Response) -> AsyncIterator[Event]:
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "event" in fields:
            yield Event(fields["event"], fields["id"], json.loads(fields["data"]))
            fields = {}


async def follow(
    client: httpx.AsyncClient, until: int, *, query: str = "", **headers: str
) -> list[Event]:
    """What comes until so many events other than pings have come."""
    found: list[Event] = []
    async with (
        asyncio.timeout(WITHIN_S),
        client.stream("GET", f"/api/v1/live{query}", headers=headers) as response,
    ):
        assert response.headers["content-type"].startswith("text/event-stream")
        async for event in events(response):
            if event.kind != "ping":
                found.append(event)
            if len(found) >= until:
                return found
    return found


async def test_a_reconnect_goes_on_where_it_was_without_gap_or_double(
    dashboard: Dashboard, client: httpx.AsyncClient
) -> None:
    raised = [dashboard.judge.raise_case() for _ in range(3)]
    first = await follow(client, 2, query="?after=0")
    raised += [dashboard.judge.raise_case() for _ in range(3)]
    rest = await follow(client, 4, query="?after=0", **{"Last-Event-ID": first[-1].id})

    assert [event.data["id"] for event in first + rest] == raised
    ids = [int(event.id) for event in first + rest]
    assert ids == sorted(set(ids))


async def test_a_follower_hears_at_once_what_happens_now_and_nothing_older(
    dashboard: Dashboard, client: httpx.AsyncClient
) -> None:
    dashboard.judge.raise_case()
    async with asyncio.timeout(WITHIN_S), client.stream("GET", "/api/v1/live") as response:
        coming = events(response)
        ping = await anext(coming)
        raised = dashboard.judge.raise_case()
        heard = [await anext(coming)]
        while heard[-1].kind == "ping":
            heard.append(await anext(coming))

    assert ping.kind == "ping"
    assert ping.data["live"] is True
    assert (heard[-1].kind, heard[-1].data["id"]) == ("case", raised)


async def test_an_id_that_is_not_kept_any_more_is_answered_by_reset(
    dashboard: Dashboard, client: httpx.AsyncClient
) -> None:
    for _ in range(5):
        dashboard.judge.raise_case()
    with for_writing(dashboard.engine).begin() as connection:
        connection.execute(sa.delete(changes).where(changes.c.id <= 3))

    for lost in ("1", "999"):
        assert (await follow(client, 1, **{"Last-Event-ID": lost}))[0].kind == "reset"
    kept = await follow(client, 2, **{"Last-Event-ID": "3"})
    assert [event.id for event in kept] == ["4", "5"]


async def test_a_wall_hears_of_cases_without_any_name(
    dashboard: Dashboard, client: httpx.AsyncClient
) -> None:
    dashboard.judge.raise_case(answered_by="王主任")
    headers = {"Authorization": f"Bearer {dashboard.wall_token}"}
    heard = (await follow(client, 1, query="?after=0", **headers))[0]

    assert heard.data["severity"] == "emergency"
    for name in (*NAMES, "王主任", "1204", "b-0"):
        assert name not in json.dumps(heard.data, ensure_ascii=False)


async def test_feeds_are_bounded_and_a_seat_is_free_again_when_one_leaves(
    client: httpx.AsyncClient,
) -> None:
    async with asyncio.timeout(WITHIN_S), client.stream("GET", "/api/v1/live") as one:
        staying = events(one)
        async with client.stream("GET", "/api/v1/live") as two:
            leaving = events(two)
            await anext(staying)
            await anext(leaving)
            refused = await client.get("/api/v1/live")
            assert refused.status_code == 503
            assert refused.headers["retry-after"] == "5"
        while (await _status(client)) != 200:
            await anext(staying)


async def _status(client: httpx.AsyncClient) -> int:
    async with client.stream("GET", "/api/v1/live") as response:
        return response.status_code


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
async def test_the_process_ends_cleanly_while_a_feed_is_open(
    dashboard: Dashboard, client: httpx.AsyncClient, sign: int
) -> None:
    async with client.stream("GET", "/api/v1/live") as response:
        coming = events(response)
        await anext(coming)
        code = await asyncio.to_thread(dashboard.stop, sign)
        assert [event.kind async for event in coming if event.kind != "ping"] == []

    assert code == 0
