"""The dashboard's app: JSON for programs, pages for people, made from what is passed in."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.staticfiles import StaticFiles
from sqlalchemy.engine import Engine

from dashboard_api import errors
from dashboard_api.access import LoginTries
from dashboard_api.deps import Parts
from dashboard_api.live import LiveFeed
from dashboard_api.routes import cases, devices, figures, live, pages, session, state
from dashboard_api.texts import Texts
from dashboard_api.usage import Usage
from hub.clock import Clock
from hub.series import Series
from hub.settings import Settings
from hub.site import Site

STATIC = Path(__file__).parent / "static"

# Nothing but our own files; no script or style in a page's text. Swagger's icons are data: images.
_SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; font-src 'self'; manifest-src 'self'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
}


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
        max_body_size=settings.body_bytes_max,
        lifespan=_following(feed),
    )
    app.state.parts = Parts(
        settings=settings,
        clock=clock,
        engine=engine,
        series=series,
        site=site,
        feed=feed,
        tries=LoginTries(clock, settings.login_tries_max, settings.login_names_max),
        texts=Texts(site),
        usage=Usage(engine, series, clock, settings.usage_every_s),
    )
    errors.install(app)
    app.middleware("http")(_guard)
    for module in (session, cases, devices, figures, live, state, pages):
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


async def _guard(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await go_on(request)
    for name, value in _SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    kept = "no-cache" if request.url.path.startswith("/static/") else "no-store"
    response.headers.setdefault("Cache-Control", kept)
    return response
