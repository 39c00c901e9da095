"""`hub demo`: the main job on embedded defaults, with a seeded community that lives its day."""

import asyncio
import logging
import os
import sys
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from logging.handlers import RotatingFileHandler
from pathlib import Path

import click
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from hub import private_files
from hub.app import run as run_hub
from hub.broker import open_broker
from hub.children import end_child, start_child
from hub.cli import own_name
from hub.clock import Clock, SystemClock
from hub.commands.at_hand import as_demo, demo_rules_dir
from hub.commands.run import live
from hub.database import case_log, cases, devices, for_writing, migrate, open_engine
from hub.demo.community import community, seed
from hub.demo.history import seed_history
from hub.demo.pace import keep_pace
from hub.demo.past_uses import DAYS, keep_points, keep_totals, past_uses
from hub.demo.screen import Counts, News, Screen, open_screen
from hub.journal import newest
from hub.pages import require_free, until_served
from hub.rule_copy import copy_community
from hub.rule_files import NO_PRESS, rules_of_files
from hub.series import Refused, Unavailable, open_series
from hub.settings import Settings, as_environment, read_settings
from hub.site import Site, read_site
from hub.users import FIRST_USER, Refusal, add_token, ensure_first_user, remove_token

TOKEN = "demo"  # noqa: S105 - the name of a token, not a token
FIRST_PRESS_S = 8.0
DAY_BEGINS = "06:30"  # by the site's clock: a night would show little
COUNT_EVERY_S = 1.0
OUTAGE_AFTER_S = 45.0
NEWS_TOLD_MAX = 10
PAGES_WITHIN_S = 30.0
LOOK_EVERY_S = 0.1
LOG_BYTES_MAX = 5_000_000
LOGS_MAX = 2


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line asks for."""

    speed: float
    seed: int
    browser: bool


@dataclass(frozen=True, slots=True)
class Ready:
    """What the preparation yields: a person's way in."""

    password: str | None
    token: str
    news: int  # the newest row of the cases' log that was there before
    is_new: bool  # nothing was there before


class Day:
    """The simulated day: which hour it is by now. Its time goes `speed` times as fast as life."""

    def __init__(self, clock: Clock, speed: float) -> None:
        self._clock = clock
        self._speed = speed
        self._began_s: float | None = None

    def begin(self) -> None:
        """It begins now."""
        self._began_s = self._clock.monotonic_s()

    @property
    def hour(self) -> str:
        """Such as `07:10`; empty before it began."""
        if self._began_s is None:
            return ""
        passed_s = (self._clock.monotonic_s() - self._began_s) * self._speed
        began = datetime.combine(date.min, time.fromisoformat(DAY_BEGINS))
        return f"{began + timedelta(seconds=passed_s):%H:%M}"


@click.command()
@click.option(
    "--speed",
    default=60.0,
    show_default=True,
    type=click.FloatRange(0.001, 10_000),
    help="Simulated seconds a second; 60: a day in 24 minutes.",
)
@click.option("--seed", default=1, show_default=True, help="Another seed, another day.")
@click.option("--browser/--no-browser", default=False, help="Open the pages in a browser.")
def demo(speed: float, seed: int, browser: bool) -> None:
    """Run everything with simulated devices, until Ctrl-C: no broker, no InfluxDB needed.

    Data is kept in data/demo (or HUB_DATA_DIR). HUB_HTTP and HUB_EMBEDDED_PORT change the ports.
    """
    live(_demo(Wish(speed, seed, browser)))


async def _demo(wish: Wish) -> None:
    clock, settings = SystemClock(), as_demo(read_settings())
    site = read_site(settings.site_file)
    require_free(settings.http)
    _log_to_file(settings.data_dir)
    if settings.rules_dir == str(demo_rules_dir(settings.data_dir)):
        copy_community(Path(settings.rules_dir))
        keep_pace(settings, wish.speed)
    with open_screen() as screen:
        screen.step("starting the broker")
        async with open_broker(settings, settings.data_dir) as broker:
            settings = replace(settings, broker=broker.url)
            screen.say(f"Broker: {broker.url}. {broker.note}".strip())
            await _with_broker(wish, settings, site, clock, screen)


def _log_to_file(data_dir: Path) -> None:
    private_files.make_folder(data_dir)
    file = data_dir / "hub.log"
    private_files.make_file(file)
    handler = RotatingFileHandler(file, maxBytes=LOG_BYTES_MAX, backupCount=LOGS_MAX)
    form = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(level=logging.INFO, format=form, handlers=[handler])


async def _with_broker(
    wish: Wish, settings: Settings, site: Site, clock: Clock, screen: Screen
) -> None:
    engine = open_engine(settings.database)
    try:
        ready = await asyncio.to_thread(_prepare, engine, clock, screen.step)
        if ready.is_new:
            await _give_a_past(engine, settings, site, clock, screen)
        async with asyncio.TaskGroup() as tasks:
            subscribed = asyncio.Event()
            screen.step("starting the hub and its pages")
            tasks.create_task(run_hub(settings, clock=clock, dashboard=True, ready=subscribed.set))
            await subscribed.wait()
            await _until_served(settings.http)
            day = Day(clock, wish.speed)
            tasks.create_task(_live_residents(wish, settings, site, clock, screen, day))
            for line in way_in(settings, site, ready):
                screen.say(line)
            if not rules_of_files(settings).hears_presses:
                screen.say(f"BEWARE: {NO_PRESS}")
            if wish.browser:
                await asyncio.to_thread(webbrowser.open, f"http://{settings.http}")
            await _count(engine, screen, day, ready.news)
    finally:
        engine.dispose()


def _prepare(engine: Engine, clock: Clock, step: Callable[[str], None]) -> Ready:
    step("opening the database")
    migrate(engine)
    news = _newest_news(engine)
    step(_what_is_there(engine))
    with for_writing(engine).begin() as connection:
        seed(connection, clock.now_ms())
        is_new = seed_history(connection, clock.now_ms())
    with suppress(Refusal):  # there is none at the first start
        remove_token(engine, TOKEN)
    token = add_token(engine, clock, TOKEN, "program")
    return Ready(ensure_first_user(engine, clock), token, news, is_new)


async def _give_a_past(
    engine: Engine, settings: Settings, site: Site, clock: Clock, screen: Screen
) -> None:
    """Reports need weeks; a store that cannot be written now holds up no demo."""
    screen.step(f"making up {DAYS} days of use")
    past = await asyncio.to_thread(past_uses, clock.now_ms(), site.zone)
    series = open_series(settings, site)
    try:
        await keep_points(series, past.points)
    except (Unavailable, Refused) as no:
        screen.say(f"The reports begin empty: {no}")
        return
    finally:
        await series.close()
    await asyncio.to_thread(keep_totals, engine, past, settings)


def _what_is_there(engine: Engine) -> str:
    with engine.connect() as connection:
        known = connection.scalar(sa.select(sa.func.count()).select_from(devices))
        past = connection.scalar(sa.select(sa.func.count()).select_from(cases))
    if known:
        return f"data of the last run is there: {known} devices, {past} cases"
    everything = community()
    return (
        f"seeding {len(everything.site.grids)} grids, {len(everything.residents)} residents, "
        f"{len(everything.devices)} devices"
    )


def _newest_news(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.max(case_log.c.id))) or 0


async def _until_served(http: str) -> None:
    """The pages are a process of their own; wait for it, but not for ever."""
    with suppress(TimeoutError):
        async with asyncio.timeout(PAGES_WITHIN_S):
            await until_served(http)


def way_in(settings: Settings, site: Site, ready: Ready) -> list[str]:
    """What a person needs to look in and to press a button, to be copied from the terminal."""
    port = settings.broker.rpartition(":")[2]
    button = next(
        row["id"]
        for row in community().devices
        if row["family"] == "button" and row["driver"] == "native"
    )
    another = f"{own_name()} user password {FIRST_USER}"
    known = ready.password or f"as shown at the first start; another: {another}"
    return [
        f"Pages:  http://{settings.http}   user {FIRST_USER}, password {known}",
        f"Press:  mosquitto_pub -p {port} -q 1 -t community/{site.id}/button/{button}/up "
        """-m '{"press":"sos"}'""",
        f'API:    curl -H "Authorization: Bearer {ready.token}" '
        f'"http://{settings.http}/api/v1/cases?state=open"',
        f"Log:    {settings.data_dir / 'hub.log'}",
        "Ctrl-C ends everything.",
    ]


async def _live_residents(
    wish: Wish, settings: Settings, site: Site, clock: Clock, screen: Screen, day: Day
) -> None:
    """The simulated residents, in a process of their own."""
    today = datetime.fromtimestamp(clock.now_ms() / 1_000, site.zone).date()
    arguments = ["simulate", "--devices", str(len(community().devices))]
    arguments += ["--speed", str(wish.speed), "--seed", str(wish.seed)]
    arguments += ["--start", f"{today}T{DAY_BEGINS}", "--first-press", str(FIRST_PRESS_S)]
    arguments += ["--outage", str(OUTAGE_AFTER_S)]
    file = settings.data_dir / "residents.log"
    with file.open("wb") as errors:
        process = await start_child(
            [sys.executable, "-c", "from hub.cli import main; main()", *arguments],
            stdout=asyncio.subprocess.DEVNULL,
            stderr=errors.fileno(),
            environment={**os.environ, **as_environment(settings)},
        )
        day.begin()
        screen.say(f"Day:    begins at {DAY_BEGINS} and goes {wish.speed:g} times as fast as life")
        try:
            code = await process.wait()
        finally:
            if process.returncode is None:
                await end_child(process, settings.child_end_s)
    screen.say(f"The simulated residents stopped ({code}); see {file}")


async def _count(engine: Engine, screen: Screen, day: Day, seen: int) -> None:
    while True:
        screen.show(await asyncio.to_thread(_counts, engine, seen, day.hour))
        await asyncio.sleep(COUNT_EVERY_S)


def _counts(engine: Engine, seen: int, hour: str) -> Counts:
    """What is kept and open, and what was raised since the row `seen` of the cases' log."""
    with engine.connect() as connection:
        of_cases = sa.select(sa.func.count(), sa.func.count(cases.c.closed_at_ms))
        total, closed = connection.execute(of_cases).one()
        news = tuple(_news(row) for row in connection.execute(_raised_since(seen)))
        return Counts(newest(connection), total - closed, total, news, hour)


def _raised_since(seen: int) -> sa.Select[tuple[int, str, str, str, str, str, str, str]]:
    columns = "id", "title_zh", "title_en", "device", "place", "family"
    return (
        sa.select(case_log.c.id.label("number"), case_log.c.what, *(cases.c[n] for n in columns))
        .join(cases, cases.c.id == case_log.c.case_id)
        .where(case_log.c.id > seen, case_log.c.what.in_(("raised", "again")))
        .order_by(case_log.c.id.desc())
        .limit(NEWS_TOLD_MAX)
    )


def _news(row: sa.Row[tuple[int, str, str, str, str, str, str, str]]) -> News:
    words = [row.id, row.title_zh, row.title_en, row.device, row.place]
    if row.what == "again":
        words.append("pressed again" if row.family == "button" else "once more")
    return News(row.number, "  ".join(filter(None, words)))
