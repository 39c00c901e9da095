"""The whole program on one page: open, connect, run the loops, close in reverse.

broker → two links → ingest → journal → evaluate → outbox → deliver → people
                                 └→ archive → time series        dashboard (own process)
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from sqlalchemy.engine import Engine

from hub import private_files
from hub.announcements import Announcements, Row
from hub.archive import FOLLOWER as ARCHIVE
from hub.archive import archive
from hub.broker import open_broker
from hub.calendars import mind_calendar
from hub.canary import CHANNEL as CANARY
from hub.canary import Canary, Flight, fly
from hub.cases import Cases
from hub.clock import Clock
from hub.database import for_writing, migrate, open_engine
from hub.deliver import Channel, deliver
from hub.devices import Devices, read_devices
from hub.docket import Docket, Show
from hub.due import mind_upkeep
from hub.escalations import Escalations, default_ways, feeds_of
from hub.evaluate import FOLLOWER as JUDGE
from hub.evaluate import Evaluation, evaluate
from hub.feed import Feed
from hub.ghosts import read_ghosts
from hub.health import GREEN, RED, Health, Report
from hub.ingest import (
    BUTTONS,
    OTHERS,
    Around,
    Commits,
    Opened,
    Opener,
    ingest,
    keep_due,
    remembered,
)
from hub.journal import Entry, Journal, name_followers
from hub.memory import settle_memory
from hub.mqtt import Address, Link, LinkSettings, check_mqtt
from hub.notifiers import open_channels
from hub.notifiers.canary import CanaryChannel
from hub.notifiers.health import tell_health
from hub.notifiers.mqtt import Publisher, open_publisher
from hub.orders import Orders, orders_in_force
from hub.own_parts import ChannelStates, OwnParts, watch_parts
from hub.pages import keep_pages, split_address
from hub.people import roster_of_site
from hub.plan_files import plans_in_force
from hub.redecode import take_in
from hub.register import keep_site
from hub.reload import Reload, watch_rules
from hub.repeats import Repeats
from hub.rota import watch_rota
from hub.rule_start import rules_to_start_with
from hub.series import Series, open_series
from hub.settings import Settings, WrongSetting
from hub.site import Site, read_site
from hub.strangers import Strangers
from hub.supervise import Supervision, supervise
from hub.survey import FOLLOWER as SURVEY
from hub.survey import survey
from hub.tend import Tally, tend
from hub.worth import Worth
from hub.writer import NORMAL, Writer
from rules.calendar import Calendar
from rules.judge import Judge
from rules.loader import built_in


@dataclass(frozen=True, slots=True)
class Ground:
    """What everything stands on."""

    settings: Settings
    clock: Clock
    site: Site
    calendar: Calendar
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
        await writer.run(lambda connection: name_followers(connection, (JUDGE, ARCHIVE, SURVEY)))
        calendar = site.calendar(clock.now_ms())
        yield Ground(settings, clock, site, calendar, engine, writer, health)
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
    around: Around
    supervision: Supervision
    links: tuple[Link, Link]
    opener: Opener
    evaluation: Evaluation
    reload: Reload
    channels: Mapping[str, Channel]
    series: Series
    feed: Feed
    tally: Tally
    archive_wake: asyncio.Event
    deliver_wake: asyncio.Event
    canary: Canary


def build(ground: Ground, address: Address, channels: Mapping[str, Channel]) -> House:
    """Read what is known, and put the parts together. Raises `RuleMistakes`, `WrongSetting`."""
    settings = ground.settings
    with ground.engine.connect() as connection:
        devices = Devices()
        devices.replace(read_devices(connection), read_ghosts(connection))
        devices.trials.load(connection)
    unknown = Strangers(
        strangers_max=settings.strangers_max, messages_max=settings.stranger_messages_max
    )
    feed = Feed(settings.judge_queue_batches_max)
    archive_wake, deliver_wake = asyncio.Event(), asyncio.Event()
    links = _links(ground, address, devices)
    worth = Worth(settings)
    around = _around(ground, devices, unknown)
    listen_to_announced(links, devices, around.announcements)
    evaluation = _evaluation(
        ground,
        devices,
        list(channels),
        feed,
        on_written=deliver_wake.set,
        on_register=partial(_adopt, links, devices, unknown, around),
        show=around.downlinks.publication,
    )
    supervision = _supervision(ground, around, links, feed)
    evaluation.listened_until = supervision.listened_until
    evaluation.set_back.report = ground.health.report
    evaluation.on_redecoded = partial(_take_in, worth, archive_wake)
    unknown.on_gone(partial(_make_room, evaluation, around))
    around.gateways.on_gone(evaluation.make_room)
    return House(
        ground,
        devices,
        unknown,
        around,
        supervision,
        links,
        _opener(ground, devices, unknown, links, around, worth),
        evaluation,
        _reload(ground),
        channels,
        open_series(settings, ground.site),
        feed,
        Tally(archive_wake.set),
        archive_wake,
        deliver_wake,
        _canary(settings, channels),
    )


def _canary(settings: Settings, channels: Mapping[str, Channel]) -> Canary:
    """The presses of proof under way; the channel of their answers knows them."""
    canary, channel = Canary(settings), channels.get(CANARY)
    if isinstance(channel, CanaryChannel):
        channel.kept_ms, channel.told = canary.kept_ms, canary.told
    return canary


def _make_room(evaluation: Evaluation, around: Around, address: str) -> None:
    """A stranger is not kept any more; a gateway is, as long as something may be behind it."""
    name = around.gateways.name_of(address)
    for one in {address, name} - around.gateways.known.keys():
        evaluation.make_room(one)


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
        filter_topics_max=settings.filter_topics_max,
    )
    urgent = replace(common, client_id=f"{client_id}-buttons", will_topic=f"hub/{site}/state")
    others = [f"community/{site}/#", *check_mqtt(settings)]
    if settings.site_link_topic:
        others.append(settings.site_link_topic)
    buttons = [f"community/{site}/button/+/up", *devices.button_topics()]
    return (
        Link(address, urgent, buttons, partial(_report_link, report, "broker-buttons")),
        Link(address, common, others, partial(_report_link, report, "broker-others")),
    )


def _around(ground: Ground, devices: Devices, unknown: Strangers) -> Around:
    around = Around.of(ground.settings, devices, unknown, ground.clock.now_ms())
    with ground.engine.connect() as connection:
        around.load(connection, JUDGE)
    return around


def listen_to_announced(
    links: tuple[Link, Link], devices: Devices, announcements: Announcements
) -> None:
    """Topics that were announced come by the common way, those of buttons by their own as well."""
    own = [frozenset(link.filters) for link in links]

    def add(topic: str, row: Row) -> None:
        links[OTHERS].add_topic(topic)
        device = devices.by_address.get(row["address"] or "")
        if (row["family"] if device is None else device.family) == "button":
            links[BUTTONS].add_topic(topic)

    def drop(topic: str) -> None:
        for link, its in zip(links, own, strict=True):
            if topic not in its:
                link.drop_topic(topic)

    announcements.on_topics(add, drop)


def _supervision(
    ground: Ground, around: Around, links: tuple[Link, Link], feed: Feed
) -> Supervision:
    return Supervision(
        around.gateways,
        around.site,
        connected=lambda: any(link.is_up for link in links),
        writer=ground.writer,
        feed=feed,
        settings=ground.settings,
        clock=ground.clock,
        report=ground.health.report,
    )


def _adopt(links: tuple[Link, Link], devices: Devices, unknown: Strangers, around: Around) -> None:
    """The register was changed: who is in it is no stranger, and its buttons have a fast way."""
    unknown.adopted(devices.by_address)
    around.gateways.register_changed()
    for topic in devices.button_topics():
        links[BUTTONS].add_topic(topic)
    for device in devices.by_id.values():
        if device.family == "button":
            for topic in around.announcements.topics_of(device.address):
                links[BUTTONS].add_topic(topic)


def _take_in(worth: Worth, archive_wake: asyncio.Event, command: Entry) -> None:
    """Another process has read refusals again: the door learns from it, the archive has work."""
    take_in(worth, command)
    archive_wake.set()


def _report_link(report: Report, part: str, up: bool, why: str) -> None:
    if up:
        report(part, GREEN, "已连接", "connected")
    else:
        report(part, RED, f"与消息服务器断开：{why}", f"no connection to the broker: {why}")


def _opener(
    ground: Ground,
    devices: Devices,
    unknown: Strangers,
    links: tuple[Link, Link],
    around: Around,
    worth: Worth,
) -> Opener:
    settings = ground.settings
    repeats = Repeats(
        messages_max=settings.dedupe_messages_max,
        presses_max=settings.dedupe_presses_max,
        repeat_window_ms=settings.repeat_window_s * 1_000,
        copy_window_ms=settings.copy_window_s * 1_000,
        overlap_window_ms=settings.overlap_window_ms,
        several_fit=lambda link, topic: links[link].filters.several_fit(topic),
    )
    with ground.engine.connect() as connection:
        repeats.remember(remembered(connection, settings))
        unknown.load(connection)
        worth.load(connection)
    add_topic = links[BUTTONS].add_topic
    return Opener(settings, devices, repeats, unknown, around, add_topic, worth)


def _evaluation(
    ground: Ground,
    devices: Devices,
    channels: Sequence[str],
    feed: Feed,
    *,
    on_written: Callable[[], None],
    on_register: Callable[[], None],
    show: Show,
) -> Evaluation:
    settings = ground.settings
    rulings = rules_to_start_with(ground.engine, settings, ground.clock.now_ms())
    judge = Judge(
        rulings.files.with_built_in_of(built_in()),
        overrides=rulings.own,
        zone=ground.site.zone,
        calendar=ground.calendar,
        site=ground.site.id,
        rewind_inputs_max=settings.rewind_inputs_max,
    )
    plans = plans_in_force(settings)
    ways = [name for name in channels if name != CANARY]  # by which nobody is called
    people = Escalations(
        plans, roster_of_site(ground.site), ways, default_ways(ways), ground.site.zone
    )
    orders = Orders(orders_in_force(settings))
    evaluation = Evaluation(
        Docket(judge, Cases(), devices, feeds_of(channels), show, people, orders),
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


def _reload(ground: Ground) -> Reload:
    return Reload(
        engine=ground.engine,
        writer=ground.writer,
        settings=ground.settings,
        clock=ground.clock,
        report=ground.health.report,
    )


def loops(house: House, publisher: Publisher) -> dict[str, Coroutine[Any, Any, Any]]:
    """The loops by name. They do not know each other: journal and outbox are between them."""
    ground = house.ground
    settings, clock, report = ground.settings, ground.clock, ground.health.report
    states = ChannelStates(settings.channel_failures_max, apart=(CANARY,))
    parts = OwnParts(
        states,
        engine=ground.engine,
        writer=ground.writer,
        feed=house.feed,
        settings=settings,
        clock=clock,
    )
    commits = Commits(ground.writer, house.strangers, house.devices, house.around)

    def ingest_by(number: int) -> Coroutine[Any, Any, None]:
        return ingest(
            house.links[number],
            number,
            opener=house.opener,
            commits=commits,
            feed=house.feed,
            settings=settings,
            clock=clock,
            count=count,
        )

    def count(number: int, opened: Opened) -> None:
        if opened.canaries:
            house.canary.kept(opened.canaries, clock.now_ms())
        house.tally.count(number, opened)

    async def publish_heard(topic: str, payload: bytes) -> None:
        """When there is somebody to hear it: at a start the subscriptions come first."""
        for link in house.links:
            await link.ready()
        await publisher.ready()
        await publisher.publish(topic, payload)

    async def tell(entries: Sequence[Entry]) -> None:
        """What the hub itself has to say goes the way of all messages."""
        house.feed.put(await commits.keep(entries, NORMAL), list(entries))

    return {
        "link-buttons": house.links[BUTTONS].run(),
        "link-others": house.links[OTHERS].run(),
        "ingest-buttons": ingest_by(BUTTONS),
        "ingest-others": ingest_by(OTHERS),
        "keep-due": keep_due(
            opener=house.opener,
            commits=commits,
            feed=house.feed,
            settings=settings,
            clock=clock,
            count=house.tally.count,
        ),
        "supervise": supervise(house.supervision, settings.supervise_every_s),
        "evaluate": evaluate(house.evaluation, house.feed),
        "watch-rules": watch_rules(house.reload, settings.rules_look_s),
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
            states=states,
        ),
        "own-parts": watch_parts(parts, settings.own_parts_look_s),
        "canary": fly(
            Flight(
                house.canary,
                publish=publish_heard,
                site=ground.site.id,
                settings=settings,
                clock=clock,
                report=report,
            ),
            settings,
        ),
        "health": ground.health.run(),
        "tell-health": tell_health(
            ground.health.conditions, publisher, ground.site.id, settings.health_look_s
        ),
        "survey": survey(
            engine=ground.engine,
            writer=ground.writer,
            devices=house.devices,
            zone=ground.site.zone,
            settings=settings,
            clock=clock,
            tell=tell,
        ),
        "calendar": mind_calendar(
            calendar=ground.calendar,
            code=ground.site.country,
            zone=ground.site.zone,
            clock=clock,
            report=report,
            every_s=settings.calendar_look_s,
        ),
        "rota": watch_rota(
            engine=ground.engine,
            contacts=ground.site.roles,
            zone=ground.site.zone,
            settings=settings,
            clock=clock,
            report=report,
        ),
        "upkeep": mind_upkeep(
            engine=ground.engine,
            writer=ground.writer,
            tables=house.evaluation.order_tables,
            zone=ground.site.zone,
            settings=settings,
            clock=clock,
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
                publisher=publisher,
                site=ground.site.id,
                settings=settings,
                clock=clock,
                engine=ground.engine,
                zone=ground.site.zone,
            ) as channels,
        ):
            await _live(build(ground, address, channels), publisher, dashboard, ready)


async def _live(
    house: House, publisher: Publisher, dashboard: bool, ready: Callable[[], None] | None
) -> None:
    settle_memory()
    await house.supervision.look()  # time without the hub is in the journal before it is judged
    await house.reload.look(at_once=True)  # files may have changed meanwhile
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
