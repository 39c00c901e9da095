"""The whole program on one page: open, connect, run the loops, close in reverse.

broker → two links → ingest → journal → evaluate → outbox → deliver → people
                                 └→ archive → time series        dashboard (own process)
"""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from sqlalchemy.engine import Engine

import rules
from hub.archive import archive
from hub.broker import open_broker
from hub.cases import Cases
from hub.clock import Clock
from hub.database import for_writing, migrate, open_engine
from hub.deliver import deliver
from hub.devices import Devices, read_devices
from hub.docket import Docket
from hub.evaluate import Evaluation, evaluate
from hub.feed import Feed
from hub.health import GREEN, RED, YELLOW, Health
from hub.ingest import BUTTONS, OTHERS, Commits, Opener, ingest, remembered
from hub.journal import Journal
from hub.mqtt import Address, Link, LinkSettings
from hub.notifiers import open_channels
from hub.repeats import Repeats
from hub.series import open_series
from hub.settings import Settings, as_environment
from hub.site import Site, read_site
from hub.strangers import Strangers
from hub.tend import Tally, tend
from hub.writer import Writer
from rules.judge import Judge
from rules.loader import load

log = logging.getLogger(__name__)

COMMUNITY_RULES = Path(rules.__file__).parent / "community"
DASHBOARD_RESTART_S = 1.0


@dataclass(frozen=True, slots=True)
class Ground:
    """What everything stands on."""

    settings: Settings
    clock: Clock
    site: Site
    engine: Engine
    writer: Writer
    health: Health


@asynccontextmanager
async def open_ground(settings: Settings, clock: Clock) -> AsyncIterator[Ground]:
    """Database, writer and health. Raises `WrongSetting`, `WrongSite`, `UnusableDatabase`."""
    site = read_site(settings.site_file)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    engine = open_engine(settings.database)
    migrate(engine)
    trouble: list[Callable[[str | None], None]] = []
    writer = Writer(
        for_writing(engine),
        retry_s=settings.disk_retry_s,
        on_trouble=lambda text: [tell(text) for tell in trouble] and None,
    )
    health = Health(
        writer=writer,
        clock=clock,
        write_every_s=settings.health_write_every_s,
        changes_max=settings.health_changes_max,
    )
    trouble.append(partial(_report_disk, health))
    try:
        yield Ground(settings, clock, site, engine, writer, health)
    finally:
        await asyncio.to_thread(writer.close)
        engine.dispose()


def _report_disk(health: Health, text: str | None) -> None:
    if text is None:
        health.report("journal", GREEN, "磁盘恢复，继续接收", "the disk takes entries again")
    else:
        zh = f"无法写入磁盘，已停止确认消息：{text}"
        health.report("journal", RED, zh, f"cannot write, so nothing is acknowledged: {text}")


def _links(ground: Ground, address: Address, devices: Devices) -> tuple[Link, Link]:
    """The two connections: buttons alone, and everything (buttons too: see `hub/repeats.py`)."""
    settings, site = ground.settings, ground.site.id
    client_id = settings.client_id or f"hub-{site}"
    common = LinkSettings(
        client_id=client_id,
        keepalive_s=settings.mqtt_keepalive_s,
        reconnect_min_s=settings.reconnect_min_s,
        reconnect_max_s=settings.reconnect_max_s,
        inflight_messages_max=settings.inflight_messages_max,
    )
    urgent = replace(common, client_id=f"{client_id}-buttons", will_topic=f"hub/{site}/state")
    others = [f"community/{site}/#", *filter(None, settings.topics.split(","))]
    buttons = [f"community/{site}/button/+/up", *devices.button_topics()]
    report = ground.health.report
    return (
        Link(address, urgent, buttons, partial(_report_link, report, "broker-buttons")),
        Link(address, common, others, partial(_report_link, report, "broker-others")),
    )


def _report_link(report: Callable[..., None], part: str, up: bool, why: str) -> None:
    if up:
        report(part, GREEN, "已连接", "connected")
    else:
        report(part, RED, f"与消息服务器断开：{why}", f"no connection to the broker: {why}")


def _docket(ground: Ground, devices: Devices, channels: list[str]) -> Docket:
    settings = ground.settings
    rule_set = load([Path(settings.rules_dir) if settings.rules_dir else COMMUNITY_RULES])
    judge = Judge(rule_set, zone=ground.site.zone, rewind_inputs_max=settings.rewind_inputs_max)
    return Docket(judge, Cases(), devices, [name for name in channels if name != "down"])


def _opener(ground: Ground, devices: Devices, unknown: Strangers, buttons: Link) -> Opener:
    settings = ground.settings
    repeats = Repeats(
        messages_max=settings.dedupe_messages_max,
        presses_max=settings.dedupe_presses_max,
        copy_window_ms=settings.copy_window_s * 1_000,
    )
    with ground.engine.connect() as connection:
        repeats.remember(remembered(connection, settings))
        unknown.load(connection)
    return Opener(settings, devices, repeats, unknown, buttons.add_topic)


async def run(
    settings: Settings,
    *,
    clock: Clock,
    dashboard: bool = True,
    ready: Callable[[], None] | None = None,
) -> None:
    """Run the hub until cancelled. `ready` is called when both links are subscribed."""
    async with (
        open_ground(settings, clock) as ground,
        open_broker(settings, settings.data_dir) as broker,
    ):
        await _live(ground, Address.parse(broker.url), dashboard, ready)


async def _live(
    ground: Ground, address: Address, dashboard: bool, ready: Callable[[], None] | None
) -> None:
    settings, clock, report = ground.settings, ground.clock, ground.health.report
    with ground.engine.connect() as connection:
        devices = Devices(read_devices(connection))
    unknown = Strangers(
        strangers_max=settings.strangers_max, messages_max=settings.stranger_messages_max
    )
    feed = Feed(settings.judge_queue_batches_max)
    archive_wake, deliver_wake = asyncio.Event(), asyncio.Event()
    tally = Tally(archive_wake.set)
    series = open_series(settings, ground.site)
    async with (
        open_channels(
            address=address, site=ground.site.id, settings=settings, clock=clock
        ) as channels,
        asyncio.TaskGroup() as tasks,
    ):
        docket = _docket(ground, devices, list(channels))
        evaluation = Evaluation(
            docket,
            engine=ground.engine,
            writer=ground.writer,
            feed=feed,
            settings=settings,
            clock=clock,
            on_written=deliver_wake.set,
        )
        evaluation.restore()
        links = _links(ground, address, devices)
        opener = _opener(ground, devices, unknown, links[BUTTONS])
        commits = Commits(ground.writer, unknown)

        def start(name: str, loop: "asyncio._CoroutineLike[None]") -> None:
            tasks.create_task(loop, name=name)

        start("evaluate", evaluate(evaluation, feed))
        for number in (BUTTONS, OTHERS):
            start(
                f"ingest-{number}",
                ingest(
                    links[number],
                    number,
                    opener=opener,
                    commits=commits,
                    feed=feed,
                    settings=settings,
                    clock=clock,
                    count=tally.count,
                ),
            )
            start(f"link-{number}", links[number].run())
        start(
            "archive",
            archive(
                journal=Journal(ground.engine),
                writer=ground.writer,
                series=series,
                settings=settings,
                clock=clock,
                wake=archive_wake,
                describe=devices.describe,
                report=report,
            ),
        )
        start(
            "deliver",
            deliver(
                engine=ground.engine,
                writer=ground.writer,
                channels=channels,
                settings=settings,
                clock=clock,
                wake=deliver_wake,
                report=report,
            ),
        )
        start("health", ground.health.run())
        start(
            "tend",
            tend(writer=ground.writer, tally=tally, settings=settings, clock=clock, report=report),
        )
        if dashboard:
            start("dashboard", keep_dashboard(settings, ground.health))
        for link in links:
            await link.ready()
        if ready is not None:
            ready()


async def keep_dashboard(settings: Settings, health: Health) -> None:
    """The pages, in a process of their own; started again when it ends. It never stops the hub."""
    environment = as_environment(settings)
    while True:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "dashboard_api", env={**_inherited(), **environment}
        )
        health.report("dashboard", GREEN, "页面已启动", "pages are served")
        try:
            code = await process.wait()
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()
        health.report("dashboard", YELLOW, f"页面进程退出（{code}）", f"pages ended with {code}")
        await asyncio.sleep(DASHBOARD_RESTART_S)
