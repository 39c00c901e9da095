"""The whole program on one page: open, connect, run the loops, close in reverse.

broker → two links → ingest → journal → evaluate → outbox → deliver → people
                                 └→ archive → time series        dashboard (own process)
"""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from sqlalchemy.engine import Engine

from hub import private_files
from hub.archive import FOLLOWER as ARCHIVE
from hub.archive import archive
from hub.broker import open_broker
from hub.cases import Cases
from hub.clock import Clock
from hub.database import for_writing, migrate, open_engine
from hub.deliver import Channel, deliver
from hub.devices import Devices, read_devices
from hub.docket import Docket
from hub.evaluate import FOLLOWER as JUDGE
from hub.evaluate import Evaluation, evaluate
from hub.feed import Feed
from hub.health import GREEN, RED, Health, Report
from hub.ingest import BUTTONS, OTHERS, Commits, Opener, ingest, remembered
from hub.journal import Journal, name_followers
from hub.mqtt import Address, Link, LinkSettings, check_mqtt
from hub.notifiers import open_channels
from hub.notifiers.health import tell_health
from hub.notifiers.mqtt import Publisher, open_publisher
from hub.pages import keep_pages, split_address
from hub.register import keep_site
from hub.repeats import Repeats
from hub.rule_files import rules_to_run
from hub.series import Series, open_series
from hub.settings import Settings, WrongSetting
from hub.site import Site, read_site
from hub.strangers import Strangers
from hub.tend import Tally, tend
from hub.writer import Writer
from rules.calendar import CHINA, read_calendar
from rules.judge import Judge

# The writer's thread asks for the interpreter after every statement; at Python's own 5 ms a commit
# waited longer for it than for the disk (measured: a third more messages a second).
SWITCH_INTERVAL_S = 0.0005
GC_THRESHOLDS = (50_000, 20, 100)  # objects that are new, then generations


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
    try:
        private_files.make_folder(settings.data_dir)
    except OSError as error:
        raise WrongSetting(f"HUB_DATA_DIR: {error}") from error
    engine = open_engine(settings.database)
    migrate(engine)
    writer = Writer(for_writing(engine), retry_s=settings.disk_retry_s)
    health = Health(
        writer=writer,
        clock=clock,
        write_every_s=settings.health_write_every_s,
        changes_max=settings.health_changes_max,
    )
    writer.on_trouble = partial(_report_disk, health)
    try:
        await writer.run(lambda connection: keep_site(connection, site, clock.now_ms()))
        await writer.run(lambda connection: name_followers(connection, (JUDGE, ARCHIVE)))
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


@dataclass(frozen=True, slots=True)
class House:
    """Everything that the loops share, built once."""

    ground: Ground
    devices: Devices
    strangers: Strangers
    links: tuple[Link, Link]
    opener: Opener
    evaluation: Evaluation
    channels: Mapping[str, Channel]
    series: Series
    feed: Feed
    tally: Tally
    archive_wake: asyncio.Event
    deliver_wake: asyncio.Event


def build(ground: Ground, address: Address, channels: Mapping[str, Channel]) -> House:
    """Read what is known, and put the parts together. Raises `RuleMistakes`, `WrongSetting`."""
    settings = ground.settings
    with ground.engine.connect() as connection:
        devices = Devices(read_devices(connection))
    unknown = Strangers(
        strangers_max=settings.strangers_max, messages_max=settings.stranger_messages_max
    )
    feed = Feed(settings.judge_queue_batches_max)
    archive_wake, deliver_wake = asyncio.Event(), asyncio.Event()
    links = _links(ground, address, devices)
    evaluation = _evaluation(
        ground,
        devices,
        list(channels),
        feed,
        on_written=deliver_wake.set,
        on_register=partial(_adopt, links, devices, unknown),
    )
    unknown.on_gone(evaluation.make_room)
    return House(
        ground,
        devices,
        unknown,
        links,
        _opener(ground, devices, unknown, links[BUTTONS]),
        evaluation,
        channels,
        open_series(settings, ground.site),
        feed,
        Tally(archive_wake.set),
        archive_wake,
        deliver_wake,
    )


def _links(ground: Ground, address: Address, devices: Devices) -> tuple[Link, Link]:
    """The two connections: buttons alone, and everything (buttons too: see `hub/repeats.py`)."""
    settings, site, report = ground.settings, ground.site.id, ground.health.report
    client_id = settings.client_id or f"hub-{site}"
    common = LinkSettings(
        client_id=client_id,
        keepalive_s=settings.mqtt_keepalive_s,
        reconnect_min_s=settings.reconnect_min_s,
        reconnect_max_s=settings.reconnect_max_s,
        inflight_messages_max=settings.inflight_messages_max,
        connect_s=settings.mqtt_connect_s,
        payload_bytes_max=settings.payload_bytes_max,
    )
    urgent = replace(common, client_id=f"{client_id}-buttons", will_topic=f"hub/{site}/state")
    others = [f"community/{site}/#", *check_mqtt(settings)]
    buttons = [f"community/{site}/button/+/up", *devices.button_topics()]
    return (
        Link(address, urgent, buttons, partial(_report_link, report, "broker-buttons")),
        Link(address, common, others, partial(_report_link, report, "broker-others")),
    )


def _adopt(links: tuple[Link, Link], devices: Devices, unknown: Strangers) -> None:
    """The register was changed: who is in it is no stranger, and its buttons have a fast way."""
    unknown.adopted(devices.by_address)
    for topic in devices.button_topics():
        links[BUTTONS].add_topic(topic)


def _report_link(report: Report, part: str, up: bool, why: str) -> None:
    if up:
        report(part, GREEN, "已连接", "connected")
    else:
        report(part, RED, f"与消息服务器断开：{why}", f"no connection to the broker: {why}")


def _opener(ground: Ground, devices: Devices, unknown: Strangers, buttons: Link) -> Opener:
    settings = ground.settings
    repeats = Repeats(
        messages_max=settings.dedupe_messages_max,
        presses_max=settings.dedupe_presses_max,
        repeat_window_ms=settings.repeat_window_s * 1_000,
        copy_window_ms=settings.copy_window_s * 1_000,
    )
    with ground.engine.connect() as connection:
        repeats.remember(remembered(connection, settings))
        unknown.load(connection)
    return Opener(settings, devices, repeats, unknown, buttons.add_topic)


def _evaluation(
    ground: Ground,
    devices: Devices,
    channels: Sequence[str],
    feed: Feed,
    *,
    on_written: Callable[[], None],
    on_register: Callable[[], None],
) -> Evaluation:
    settings = ground.settings
    judge = Judge(
        rules_to_run(settings),
        zone=ground.site.zone,
        calendar=read_calendar(CHINA),
        site=ground.site.id,
        rewind_inputs_max=settings.rewind_inputs_max,
    )
    told = [name for name in channels if name != "down"]  # a button is told of its own case only
    evaluation = Evaluation(
        Docket(judge, Cases(), devices, told),
        engine=ground.engine,
        writer=ground.writer,
        feed=feed,
        settings=settings,
        clock=ground.clock,
        on_written=on_written,
        on_register=on_register,
    )
    evaluation.restore()
    return evaluation


def loops(house: House, publisher: Publisher) -> dict[str, Coroutine[Any, Any, Any]]:
    """The loops by name. They do not know each other: journal and outbox are between them."""
    ground = house.ground
    settings, clock, report = ground.settings, ground.clock, ground.health.report
    commits = Commits(ground.writer, house.strangers)

    def ingest_by(number: int) -> Coroutine[Any, Any, None]:
        return ingest(
            house.links[number],
            number,
            opener=house.opener,
            commits=commits,
            feed=house.feed,
            settings=settings,
            clock=clock,
            count=house.tally.count,
        )

    return {
        "link-buttons": house.links[BUTTONS].run(),
        "link-others": house.links[OTHERS].run(),
        "ingest-buttons": ingest_by(BUTTONS),
        "ingest-others": ingest_by(OTHERS),
        "evaluate": evaluate(house.evaluation, house.feed),
        "archive": archive(
            journal=Journal(ground.engine),
            writer=ground.writer,
            series=house.series,
            settings=settings,
            clock=clock,
            wake=house.archive_wake,
            describe=house.devices.describe,
            calm=house.evaluation.calm,
            report=report,
        ),
        "deliver": deliver(
            engine=ground.engine,
            writer=ground.writer,
            channels=house.channels,
            settings=settings,
            clock=clock,
            wake=house.deliver_wake,
            report=report,
        ),
        "health": ground.health.run(),
        "tell-health": tell_health(
            ground.health.conditions, publisher, ground.site.id, settings.health_look_s
        ),
        "tend": tend(
            writer=ground.writer,
            tally=house.tally,
            settings=settings,
            clock=clock,
            report=report,
        ),
    }


async def run(
    settings: Settings,
    *,
    clock: Clock,
    dashboard: bool = True,
    ready: Callable[[], None] | None = None,
) -> None:
    """Run the hub until cancelled. `ready` is called when both links are subscribed."""
    split_address(settings.http)
    async with (
        open_ground(settings, clock) as ground,
        open_broker(settings, settings.data_dir) as broker,
    ):
        address = Address.parse(broker.url)
        async with (
            open_publisher(address, ground.site.id, settings) as publisher,
            open_channels(
                publisher=publisher, site=ground.site.id, settings=settings, clock=clock
            ) as channels,
        ):
            await _live(build(ground, address, channels), publisher, dashboard, ready)


def settle_memory() -> None:
    """What was built at the start stays: the collector need not look at it again and again.

    Entries come and go by reference count; a collection over thousands of standings for every few
    hundred of them took a third of the judge's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    sys.setswitchinterval(SWITCH_INTERVAL_S)


async def _live(
    house: House, publisher: Publisher, dashboard: bool, ready: Callable[[], None] | None
) -> None:
    settle_memory()
    try:
        async with asyncio.TaskGroup() as tasks:
            for name, loop in loops(house, publisher).items():
                tasks.create_task(loop, name=name)
            if dashboard:
                keeping = keep_pages(house.ground.settings, house.ground.health.report)
                tasks.create_task(keeping, name="dashboard")
            for link in house.links:
                await link.ready()
            if ready is not None:
                ready()
    finally:
        await house.series.close()
