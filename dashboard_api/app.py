"""The dashboard's app: JSON for programs, pages for people, made from what is passed in."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from sqlalchemy.engine import Engine

from dashboard_api import errors
from dashboard_api.access import LinkTries, LoginTries
from dashboard_api.crew_shell import CrewShell
from dashboard_api.deps import Parts
from dashboard_api.floods import Floods
from dashboard_api.guard import Guard, bodies_of_photos
from dashboard_api.live import LiveFeed
from dashboard_api.order_words import tables_of
from dashboard_api.plan_clock import PlanClock
from dashboard_api.report_series import Histories
from dashboard_api.routes import (
    alerts,
    answers,
    care,
    cases,
    console,
    crew,
    daily_log,
    devices,
    fault_reports,
    figures,
    inspections,
    live,
    orders,
    pages,
    photos,
    quiet,
    register,
    register_edits,
    register_pages,
    reports,
    rota,
    rounds,
    rule_pages,
    rules,
    screens,
    service,
    session,
    shifts,
    site_map,
    state,
    stickers,
    topology,
    users,
    wall,
)
from dashboard_api.rule_trials import RuleTrials
from dashboard_api.rulebook import Rulebook
from dashboard_api.texts import Texts
from dashboard_api.usage import Usage
from dashboard_api.wall import Wall
from hub.clock import Clock
from hub.series import Series
from hub.settings import Settings
from hub.site import Site

STATIC = Path(__file__).parent / "static"


def create_app(
    settings: Settings, clock: Clock, engine: Engine, series: Series, site: Site
) -> FastAPI:
    """The app over an open and migrated database; the caller closes engine and series."""
    feed, trials = LiveFeed(engine, clock, settings), RuleTrials(settings)
    texts, rulebook = Texts(site), Rulebook(settings)
    histories = Histories(series, clock, settings, site)
    usage = Usage(engine, histories, clock, settings, site, rulebook)
    app = FastAPI(
        title="Community Hub",
        version="1",
        description="Cases, devices, readings and figures of one community.",
        docs_url=None,
        redoc_url=None,
        lifespan=_living(feed, trials, usage),
    )
    app.state.parts = Parts(
        settings=settings,
        clock=clock,
        engine=engine,
        series=series,
        site=site,
        feed=feed,
        tries=LoginTries(clock, settings),
        link_tries=LinkTries(clock, settings),
        texts=texts,
        crew=CrewShell(settings, texts, site, STATIC),
        plan_clock=PlanClock(settings, site),
        orders=tables_of(settings),
        floods=Floods(clock, settings),
        histories=histories,
        usage=usage,
        wall=Wall(engine, clock, settings, site, usage),
        rulebook=rulebook,
        trials=trials,
    )
    errors.install(app)
    app.add_middleware(
        Guard, body_bytes_max=settings.body_bytes_max, larger=bodies_of_photos(settings)
    )
    for module in (
        session,
        cases,
        devices,
        register,
        service,
        figures,
        live,
        state,
        topology,
        rules,
        alerts,
        console,
        pages,
        register_edits,
        users,
        site_map,
        register_pages,
        rule_pages,
        care,
        reports,
        shifts,
        quiet,
        rota,
        daily_log,
        answers,
        orders,
        inspections,
        rounds,
        fault_reports,
        wall,
        screens,
        crew,
        stickers,
    ):
        app.include_router(module.router)
    app.include_router(care.api)
    app.include_router(reports.api)
    app.include_router(register_edits.api)
    app.include_router(users.api)
    app.include_router(site_map.api)
    app.include_router(users.token_api)
    app.include_router(shifts.api)
    app.include_router(quiet.api)
    app.include_router(rota.api)
    app.include_router(daily_log.api)
    for module in (orders, inspections, rounds, fault_reports, photos, crew, stickers):
        app.include_router(module.api)
    app.include_router(screens.api)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


def _living(
    feed: LiveFeed, trials: RuleTrials, usage: Usage
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await feed.start()
        reader = asyncio.create_task(feed.run(), name="live feed")
        yield
        await trials.close()
        await usage.close()
        feed.close()
        reader.cancel()
        with suppress(asyncio.CancelledError):
            await reader

    return lifespan
