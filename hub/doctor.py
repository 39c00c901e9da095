"""Is everything as it must be? One finding for each thing that the hub stands on.

A finding is `ok`, a `warning` (the hub runs, somebody should look) or a `problem` (it will not run,
or not do its work). Nothing is changed by looking.
"""

import asyncio
import shutil
import sqlite3
import tempfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa

from hub import backup, calendars, private_files, rota, rule_files
from hub.broker import NO_BROKER, find_program
from hub.canary import PART as CANARY
from hub.clock import Clock
from hub.database import UnusableDatabase, open_engine
from hub.escalations import default_ways
from hub.health import GREEN, HUB, YELLOW
from hub.local_series import FILE as SERIES_FILE
from hub.mistakes import nearest
from hub.mqtt import Address, WrongAddress
from hub.notifiers import check_public_url, names_of, read_channels
from hub.notifiers.channels_file import WrongChannels, with_secrets
from hub.notifiers.mqtt import reach
from hub.orders import orders_folder, orders_in_force
from hub.people import roster_of, roster_of_site
from hub.plan_files import plans_folder, plans_in_force
from hub.rule_files import NO_PRESS
from hub.rule_start import kept_in
from hub.series import Unavailable, check_influx, open_series
from hub.settings import Settings, WrongSetting
from hub.site import WrongSite, read_site
from rules.loader import RuleMistakes, load_texts
from rules.reachable import Gap, gaps
from rules.roster import Roster

OK, WARNING, PROBLEM = "ok", "warning", "problem"

# No machine that runs this code is older; an unset clock starts at 1970 or at its firmware's date.
CLOCK_NOT_BEFORE_MS = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp() * 1000)
CLOCK_BEHIND_MS_MAX = 60_000
GAPS_SHOWN_MAX = 5
PRIVATE = ("*.db*", "*.log*", "*.key")  # what of the data folder tells of residents, and keys


class Finding(NamedTuple):
    """What was looked at, how it is, and a sentence."""

    part: str
    verdict: str
    text: str


Check = Callable[[Settings, Clock], Awaitable[Finding]]


async def examine(settings: Settings, clock: Clock) -> list[Finding]:
    """Every finding, in the order of the list below."""
    return [await check(settings, clock) for check in CHECKS]


async def look_for_hub(settings: Settings, clock: Clock) -> list[Finding]:
    """Has a hub with this database said within `silent_after_s` that it is alive?"""
    try:
        file = backup.file_of(settings.database)
        with backup.reading(file) as connection:
            newest = connection.execute("SELECT at_ms FROM health WHERE part = ?", (HUB,))
            row = newest.fetchone()
    except (backup.BackupFailed, sqlite3.Error) as error:
        return [Finding("hub", PROBLEM, f"the database cannot be read: {error}")]
    if row is None:
        return [Finding("hub", PROBLEM, "no hub has run with this database yet")]
    age_s = (clock.now_ms() - row[0]) / 1000
    text = f"said {age_s:.1f} s ago that it is alive"
    return [Finding("hub", OK if age_s <= settings.silent_after_s else PROBLEM, text)]


async def check_data_folder(settings: Settings, _clock: Clock) -> Finding:
    """Can a file be written there (or, before the first start, the folder be made)?"""
    folder = settings.data_dir
    place = next(parent for parent in (folder, *folder.resolve().parents) if parent.exists())
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        return Finding("data folder", PROBLEM, f"{place}: {error.strerror or error}")
    return Finding("data folder", OK, f"{folder} is writable")


async def check_privacy(settings: Settings, _clock: Clock) -> Finding:
    """Can other users of this machine read residents' data?"""
    found = [str(path) for path in private_files.open_ones(settings.data_dir, PRIVATE)]
    if not found:
        return Finding("privacy", OK, "other users of this machine can read nothing of it")
    text = f"open to other users of this machine: chmod go= {' '.join(found)}"
    return Finding("privacy", WARNING, text)


async def check_disk(settings: Settings, _clock: Clock) -> Finding:
    """Is there room on the data folder's disk?"""
    folder = settings.data_dir.resolve()
    place = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(place).free
    text = f"{free / 1e9:.1f} GB free"
    if free >= settings.disk_room_bytes_min:
        return Finding("disk", OK, text)
    return Finding("disk", WARNING, f"{text}; HUB_DISK_ROOM_BYTES_MIN asks for more")


async def check_database(settings: Settings, _clock: Clock) -> Finding:
    """Is the database whole, and of this version?"""
    try:
        file = backup.file_of(settings.database)
        if not file.exists():
            return Finding("database", OK, f"{file}: not there yet; the first start makes it")
        revision = await asyncio.to_thread(backup.check, file)
    except backup.BackupFailed as error:
        return Finding("database", PROBLEM, str(error))
    if revision != backup.newest_revision():
        return Finding("database", OK, f"{file}: whole; the next start migrates it")
    return Finding("database", OK, f"{file}: whole, tables at migration {revision}")


async def check_clock(settings: Settings, clock: Clock) -> Finding:
    """Is the clock set, and not behind what the journal has already seen?"""
    now_ms = clock.now_ms()
    text = datetime.fromtimestamp(now_ms / 1000, UTC).isoformat(" ", "seconds")
    if now_ms < CLOCK_NOT_BEFORE_MS:
        return Finding("clock", PROBLEM, f"{text} cannot be: set the clock (NTP)")
    newest_ms = _newest_arrival_ms(settings)
    if newest_ms is not None and newest_ms > now_ms + CLOCK_BEHIND_MS_MAX:
        behind_s = (newest_ms - now_ms) // 1000
        return Finding("clock", PROBLEM, f"{text} is {behind_s} s before the newest journal entry")
    return Finding("clock", OK, text)


def _newest_arrival_ms(settings: Settings) -> int | None:
    try:
        with backup.reading(backup.file_of(settings.database)) as connection:
            newest = "SELECT arrived_ms FROM journal ORDER BY seq DESC LIMIT 1"
            row = connection.execute(newest).fetchone()
    except (sqlite3.Error, backup.BackupFailed):
        return None  # a database that cannot be read is `check_database`'s finding
    return int(row[0]) if row else None


async def check_broker(settings: Settings, _clock: Clock) -> Finding:
    """Can the broker be had, or reached and logged in to?"""
    if settings.broker == "embedded":
        program = find_program()
        if program is None:
            return Finding("broker", PROBLEM, NO_BROKER)
        verdict = WARNING if program.note else OK
        return Finding("broker", verdict, program.note or f"embedded: {program.name}")
    try:
        address = Address.parse(settings.broker)
    except WrongAddress as error:
        return Finding("broker", PROBLEM, str(error))
    reason = await reach(address, settings.deliver_timeout_s)
    where = f"{address.host}:{address.port}"
    if reason is not None:
        return Finding("broker", PROBLEM, f"{where}: {reason}")
    return Finding("broker", OK, f"{where} lets us in")


async def check_site(settings: Settings, _clock: Clock) -> Finding:
    """Can the site's file be read?"""
    try:
        site = read_site(settings.site_file)
    except WrongSite as error:
        return Finding("site", PROBLEM, str(error))
    return Finding("site", OK, f"{site.id}, {site.name_en}, {site.zone.key}")


async def check_calendar(settings: Settings, clock: Clock) -> Finding:
    """Are the holidays of this year known, and from October on those of the next?"""
    try:
        site = read_site(settings.site_file)
    except WrongSite:
        return Finding("calendar", WARNING, "not known: the site's file cannot be read")
    now_ms = clock.now_ms()
    calendar = site.calendar(now_ms)
    year = calendars.missing_year(calendar, site.zone, now_ms)
    if year is not None:
        return Finding("calendar", WARNING, calendars.warning(year, site.country)[1])
    until = calendars.known_until(calendar, calendars.today(site.zone, now_ms))
    own = f", with {len(site.own_days.days)} days of its own" if site.own_days.days else ""
    return Finding("calendar", OK, f"holidays of {site.country} known until {until}{own}")


async def check_rules(settings: Settings, _clock: Clock) -> Finding:
    """Can every file of rules be read, are they in force, and does one hear a press?"""
    folder = rule_files.folder_of(settings)
    try:
        texts = await asyncio.to_thread(rule_files.read_texts, settings)
        rule_set = await asyncio.to_thread(load_texts, texts)
        kept = await asyncio.to_thread(kept_in, settings)
    except (RuleMistakes, OSError) as error:
        return Finding("rules", PROBLEM, f"{folder}: {error}")
    except (UnusableDatabase, sa.exc.SQLAlchemyError):
        kept = None  # `check_database`'s finding
    if not rule_set.hears_presses:
        return Finding("rules", PROBLEM, NO_PRESS)
    count = len(rule_set.rules)
    if kept is None or kept.digest == rule_files.digest_of(texts):
        return Finding("rules", OK, f"{count} rules in {folder}")
    since = datetime.fromtimestamp((kept.applied_ms or 0) / 1_000, UTC).isoformat(" ", "seconds")
    text = f"{folder} differs from what is in force since {since}; a running hub takes it by itself"
    return Finding("rules", WARNING, text)


async def check_plans(settings: Settings, clock: Clock) -> Finding:
    """Can every plan be read, and would each of them reach somebody in every grid right now?"""
    try:
        plans = plans_in_force(settings)
        roster = _roster(settings)
        channels = names_of(settings)
    except (RuleMistakes, OSError, WrongSite, WrongChannels) as error:
        return Finding("plans", PROBLEM, str(error))
    found = gaps(plans, roster, channels, default_ways(channels), clock.now_ms())
    deaf = [gap for gap in found if gap.all_of_them]
    if deaf:
        return Finding("plans", PROBLEM, f"nobody at all would be told: {_places(deaf)}")
    late = [gap for gap in found if gap.steps[0] == 0]
    if late:
        text = f"the first step reaches nobody, the next one comes at once: {_places(late)}"
        return Finding("plans", WARNING, text)
    return Finding("plans", OK, f"{len(plans)} plans in {plans_folder(settings)}")


async def check_orders(settings: Settings, _clock: Clock) -> Finding:
    """Can the tables about work orders be read?"""
    try:
        tables = orders_in_force(settings)
    except (RuleMistakes, OSError) as error:
        return Finding("orders", PROBLEM, str(error))
    text = f"{len(tables.troubles)} troubles, {len(tables.inspections)} inspections"
    return Finding("orders", OK, f"{text} in {orders_folder(settings)}")


async def check_rota(settings: Settings, clock: Clock) -> Finding:
    """Is every shift of the rota manned, now and within `rota_warn_s`?"""
    try:
        site = read_site(settings.site_file)
        file = backup.file_of(settings.database)
        if not file.exists() or backup.check(file) != backup.newest_revision():
            return Finding("rota", OK, "nobody is planned yet")
        engine = open_engine(settings.database)
        with engine.connect() as connection:
            found = rota.find_unmanned(connection, site.roles, settings, clock.now_ms())
    except (WrongSite, backup.BackupFailed, UnusableDatabase):
        return Finding("rota", OK, "cannot be looked at")  # site and database have their findings
    if found:
        return Finding("rota", WARNING, rota.say(found, site.zone)[1])
    return Finding("rota", OK, "no planned shift is unmanned")


def _places(found: list[Gap]) -> str:
    shown = [f"{gap.plan} in {gap.grid or 'the site'}" for gap in found[:GAPS_SHOWN_MAX]]
    more = len(found) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _roster(settings: Settings) -> Roster:
    """As the site's file and, where there is one, the database say."""
    roster = roster_of_site(read_site(settings.site_file))
    try:
        file = backup.file_of(settings.database)
        if not file.exists() or backup.check(file) != backup.newest_revision():
            return roster
        engine = open_engine(settings.database)
        with engine.connect() as connection:
            return roster_of(connection, roster)
    except (backup.BackupFailed, UnusableDatabase):
        return roster  # a database that cannot be read is `check_database`'s finding


async def check_series(settings: Settings, clock: Clock) -> Finding:
    """Does InfluxDB answer a question with our token? Without one: is the local store whole?"""
    try:
        check_influx(settings)
        if settings.influxdb_url:
            await _ask_influxdb(settings, clock.now_ms())
            return Finding("time series", OK, f"InfluxDB answers ({settings.influx_api})")
        text = await asyncio.to_thread(_look_at_local_series, settings.data_dir / SERIES_FILE)
    except (WrongSetting, WrongSite, backup.BackupFailed) as error:
        return Finding("time series", PROBLEM, str(error))
    except Unavailable as error:
        text = f"InfluxDB: {error}; readings wait in the journal meanwhile"
        return Finding("time series", PROBLEM, text)
    return Finding("time series", OK, text)


async def _ask_influxdb(settings: Settings, now_ms: int) -> None:
    series = open_series(settings, read_site(settings.site_file))
    try:
        await series.readings("hub-doctor", now_ms - 1000, now_ms)
    finally:
        await series.close()


def _look_at_local_series(file: Path) -> str:
    if not file.exists():
        return "in the local store, which the first start makes; no InfluxDB is set"
    backup.check_whole(file)
    return f"in the local store {file}; no InfluxDB is set"


async def check_webhook(settings: Settings, _clock: Clock) -> Finding:
    """Is a webhook that is set also signed?"""
    if not settings.webhook_url:
        return Finding("webhook", OK, "none is set")
    if not settings.webhook_secret:
        return Finding("webhook", PROBLEM, "HUB_WEBHOOK_SECRET is needed to sign what is sent")
    return Finding("webhook", OK, "set and signed; it was not called")


async def check_channels(settings: Settings, _clock: Clock) -> Finding:
    """Can the channels file be used, are its secrets there, and are the site's ways set up?"""
    try:
        check_public_url(settings)
        found = read_channels(settings)
        with_secrets(settings.channels_file, found)
        known = names_of(settings)
        roles = read_site(settings.site_file).roles
    except (WrongChannels, WrongSetting, WrongSite) as error:
        return Finding("channels", PROBLEM, str(error))
    for role in roles:
        for way in role.ways:
            if way.channel not in known:
                near = nearest(way.channel, known)
                text = f"{role.id} is told by {way.channel}, a channel that nobody set up{near}"
                return Finding("channels", WARNING, text)
    said = ", ".join(one.entry.name for one in found) or "none beside the hub's own"
    return Finding("channels", OK, f"{said}; nothing was sent")


async def check_canary(settings: Settings, clock: Clock) -> Finding:
    """Did the newest press of proof of a hub with this database come back, and just now?"""
    if not settings.canary_every_s:
        return Finding("canary", WARNING, "HUB_CANARY_EVERY_S is 0: nothing proves the whole way")
    try:
        with backup.reading(backup.file_of(settings.database)) as connection:
            query = "SELECT state, text_en, at_ms FROM health WHERE part = ?"
            row = connection.execute(query, (CANARY,)).fetchone()
    except (sqlite3.Error, backup.BackupFailed):
        row = None  # a database that cannot be read is `check_database`'s finding
    if row is None:
        return Finding("canary", OK, "none has flown yet; a hub that runs presses one")
    state, text, at_ms = row
    age_s = (clock.now_ms() - at_ms) / 1_000
    if age_s > settings.canary_every_s + settings.canary_within_s:
        old = f"nothing new for {age_s:.0f} s: does the hub run? Its last word: {text}"
        return Finding("canary", WARNING, old)
    return Finding("canary", {GREEN: OK, YELLOW: WARNING}.get(state, PROBLEM), text)


CHECKS: tuple[Check, ...] = (
    check_data_folder,
    check_privacy,
    check_disk,
    check_clock,
    check_database,
    check_site,
    check_calendar,
    check_rules,
    check_plans,
    check_orders,
    check_rota,
    check_broker,
    check_series,
    check_webhook,
    check_channels,
    check_canary,
)
