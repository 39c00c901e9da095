"""A whole API in this process, over a real database with a small community in it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.engine import Engine

from dashboard_api.app import create_app
from hub import users
from hub.local_series import LocalSeries
from hub.settings import Settings
from hub.site import Site
from tests.dashboard_api.community import PASSWORD, StandInJudge, seed
from tests.fresh import fresh_engine
from tests.people import let_in

NOW_MS = 1_772_413_200_000  # 2026-03-02 09:00 in Shanghai


class HandClock:
    """A clock that stands until a test turns it; waiting goes on by itself, a step per look."""

    def __init__(self) -> None:
        self.at_ms = NOW_MS
        self.at_s = 0.0
        self.step_s = 0.001

    def now_ms(self) -> int:
        return self.at_ms

    def monotonic_s(self) -> float:
        self.at_s += self.step_s
        return self.at_s


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, command_wait_s=2.0, login_tries_max=3)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


def _community(engine: Engine) -> None:
    seed(engine, NOW_MS)
    for role in users.USER_ROLES:
        let_in(engine, role, role, PASSWORD)


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    engine = fresh_engine(settings.data_dir / "hub.db", _community)
    assert str(engine.url) == settings.database
    yield engine
    engine.dispose()


@pytest.fixture
def judge(engine: Engine) -> Iterator[StandInJudge]:
    with StandInJudge(engine, NOW_MS).sitting() as sitting:
        yield sitting


@pytest.fixture
async def app(settings: Settings, clock: HandClock, engine: Engine) -> AsyncIterator[FastAPI]:
    series = LocalSeries(settings, "demo")
    app = create_app(settings, clock, engine, series, Site())
    yield app
    await series.close()


@pytest.fixture
async def anybody(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who is not logged in."""
    async with _client(app) as client:
        yield client


@pytest.fixture
async def staff(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Staff with a session."""
    async with _client(app) as client:
        body = {"name": "staff", "password": PASSWORD}
        assert (await client.post("/api/v1/session", json=body)).status_code == 200
        yield client


@pytest.fixture
async def wall(app: FastAPI, engine: Engine, clock: HandClock) -> AsyncIterator[httpx.AsyncClient]:
    """A wall screen with its token."""
    token = users.add_token(engine, clock, "hall", "wall")
    async with _client(app, token) as client:
        yield client


@pytest.fixture
async def crew(app: FastAPI, engine: Engine, clock: HandClock) -> AsyncIterator[httpx.AsyncClient]:
    """A crew's program with its token."""
    token = users.add_token(engine, clock, "van", "crew")
    async with _client(app, token) as client:
        yield client


def _client(app: FastAPI, token: str | None = None) -> httpx.AsyncClient:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://hub.test", headers=headers)
