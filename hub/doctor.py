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

from hub import backup, private_files
from hub.broker import NO_BROKER, find_program
from hub.clock import Clock
from hub.health import HUB
from hub.local_series import FILE as SERIES_FILE
from hub.mqtt import Address, WrongAddress
from hub.notifiers.mqtt import reach
from hub.rule_files import NO_PRESS, folder_of, rules_in_force
from hub.series import Unavailable, check_influx, open_series
from hub.settings import Settings, WrongSetting
from hub.site import WrongSite, read_site
from rules.loader import RuleMistakes

OK, WARNING, PROBLEM = "ok", "warning", "problem"

# No machine that runs this code is older; an unset clock starts at 1970 or at its firmware's date.
CLOCK_NOT_BEFORE_MS = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp() * 1000)
CLOCK_BEHIND_MS_MAX = 60_000
PRIVATE = ("*.db*", "*.log*")  # what of the data folder tells of residents


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


async def check_rules(settings: Settings, _clock: Clock) -> Finding:
    """Can every rule be read, and does one hear a press?"""
    try:
        rule_set = rules_in_force(settings)
    except (RuleMistakes, OSError) as error:
        return Finding("rules", PROBLEM, str(error))
    if not rule_set.hears_presses:
        return Finding("rules", PROBLEM, NO_PRESS)
    return Finding("rules", OK, f"{len(rule_set.rules)} rules in {folder_of(settings)}")


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


CHECKS: tuple[Check, ...] = (
    check_data_folder,
    check_privacy,
    check_disk,
    check_clock,
    check_database,
    check_site,
    check_rules,
    check_broker,
    check_series,
    check_webhook,
)
