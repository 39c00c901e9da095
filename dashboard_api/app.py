"""The dashboard's app: JSON for programs, pages for people, made from what is passed in."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from sqlalchemy.engine import Engine

from dashboard_api import errors
from dashboard_api.access import LoginTries
from dashboard_api.deps import Parts
from dashboard_api.guard import Guard
from dashboard_api.live import LiveFeed
from dashboard_api.routes import cases, devices, figures, live, pages, register, session, state
from dashboard_api.texts import Texts
from dashboard_api.usage import Usage
from hub.clock import Clock
from hub.series import Series
from hub.settings import Settings
from hub.site import Site

STATIC = Path(__file__).parent / "static"


def create_app(
    settings: Settings, clock: Clock, engine: Engine, series: Series, site: Site
) -> FastAPI:
    """The app over an open and migrated database; the caller closes engine and series."""
    feed = LiveFeed(engine, clock, settings)
    app = FastAPI(
        title="Community Hub",
        version="1",
        description="Cases, devices, readings and figures of one community.",
        docs_url=None,
        redoc_url=None,
        lifespan=_following(feed),
    )
    app.state.parts = Parts(
        settings=settings,
        clock=clock,
        engine=engine,
        series=series,
        site=site,
        feed=feed,
        tries=LoginTries(clock, settings),
        texts=Texts(site),
        usage=Usage(engine, series, clock, settings.usage_every_s),
    )
    errors.install(app)
    app.add_middleware(Guard, body_bytes_max=settings.body_bytes_max)
    for module in (session, cases, devices, register, figures, live, state, pages):
        app.include_router(module.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


def _following(feed: LiveFeed) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await feed.start()
        reader = asyncio.create_task(feed.run(), name="live feed")
        yield
        feed.close()
        reader.cancel()
        with suppress(asyncio.CancelledError):
            await reader

    return lifespan
