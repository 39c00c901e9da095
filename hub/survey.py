"""The survey: how each device does over weeks. A follower of the journal with a cursor of its own.

It counts messages, test presses, battery and signal of every device and day (`device_days`), learns
the rhythm in which each device speaks (`rhythms`, see `rules/rhythm.py`), and once in a while looks
at all of them: an expected silence that has become another is told to the judge as a change of the
register, and a device that is heard worse than it used to be (`rules/signal.py`) gets a word in the
journal, so that rules can speak of it. That word is marked as a copy: it is no sign of life.

It is in no hurry: nothing waits for it, and it works behind everybody else.
Bounds: `survey_batch_entries_max`, `survey_days_keep`, one row a device in memory.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, NoReturn, Protocol
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from device_drivers.reading import Reading
from hub import journal
from hub.clock import Clock
from hub.database import device_days, latest, rhythms
from hub.devices import Devices
from hub.journal import READING, RETAINED, Entry, Journal
from hub.register import tell_of_change
from hub.settings import Settings
from hub.writer import IDLE, Writer
from rules import rhythm, signal
from rules.rhythm import Rhythm

FOLLOWER = "survey"
NAME = "survey"  # as author of a change of the register
SIGNAL_WORSE = "signal_worse"
_CALLS = frozenset(("press", "undecodable"))  # what a button does not say of itself
_SUMMED = {"rssi": "rssi", "snr": "snr", "lqi": "lqi"}
_NOT_RHYTHM = RETAINED


class Days:
    """Which day of the site a moment belongs to; the last day is remembered."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._from_ms = self._until_ms = 0
        self._day = ""

    def of(self, at_ms: int) -> str:
        """Such as 2026-11-25."""
        if not self._from_ms <= at_ms < self._until_ms:
            moment = datetime.fromtimestamp(at_ms / 1_000, self._zone)
            begin = moment.replace(hour=0, minute=0, second=0, microsecond=0)
            self._from_ms = int(begin.timestamp() * 1_000)
            self._until_ms = int((begin + timedelta(days=1)).timestamp() * 1_000)
            self._day = begin.date().isoformat()
        return self._day


@dataclass(slots=True)
class DayRow:
    """What one device said on one day, as far as it is not written yet."""

    messages: int = 0
    battery: float | None = None
    battery_v: float | None = None
    sums: dict[str, list[float]] = field(default_factory=dict)  # point → [sum, count]
    test_presses: int = 0

    def take(self, readings: Iterable[Reading]) -> None:
        """One message."""
        self.messages += 1
        for point, value, _at_ms, _unit in readings:
            if point in _SUMMED:
                one = self.sums.setdefault(point, [0.0, 0])
                one[0] += float(value)
                one[1] += 1
            elif point == "battery":
                self.battery = float(value)
            elif point == "battery_v":
                self.battery_v = float(value)
            elif point == "press" and value == "test":
                self.test_presses += 1

    def row(self, device: str, day: str) -> dict[str, Any]:
        """As the table has it."""
        row: dict[str, Any] = {"device": device, "day": day, "messages": self.messages}
        row |= {"battery": self.battery, "battery_v": self.battery_v}
        row["test_presses"] = self.test_presses
        for point in _SUMMED:
            total, count = self.sums.get(point, (0.0, 0))
            row |= {f"{point}_sum": total, f"{point}_count": count}
        return row


class Survey:
    """What was seen since the last writing, and every rhythm. Pure but for `load` and `write`."""

    def __init__(self, devices: Devices, zone: ZoneInfo, wants: rhythm.Wants) -> None:
        self._devices = devices
        self._days = Days(zone)
        self._wants = wants
        self._rhythms: dict[str, Rhythm] = {}
        self._whose: dict[str, str] = {}  # the address of the device that a rhythm is of
        self._rows: dict[tuple[str, str], DayRow] = {}
        self._heard: set[str] = set()

    def load(self, connection: Connection) -> None:
        """Read what an earlier run had learned."""
        for row in connection.execute(rhythms.select()).mappings():
            days = msgspec.json.decode(row["state_json"])["days"]
            one = Rhythm(row["since_ms"], row["heard_ms"], row["gaps"], days)
            self._rhythms[row["device"]] = one
            known = self._devices.by_id.get(row["device"])
            self._whose[row["device"]] = "" if known is None else known.address

    def take(self, entries: Iterable[Entry]) -> None:
        """Entries of the journal in their order."""
        for entry in entries:
            if entry.flags & _NOT_RHYTHM or entry.device not in self._devices.by_id:
                continue
            assert entry.device is not None
            key = (entry.device, self._days.of(entry.arrived_ms))
            row = self._rows.get(key)
            if row is None:
                row = self._rows[key] = DayRow()
            row.take(entry.readings)
            if not any(reading[0] in _CALLS for reading in entry.readings):
                self._hear(entry.device, entry.arrived_ms)

    def _hear(self, device: str, at_ms: int) -> None:
        self._heard.add(device)
        known, address = self._rhythms.get(device), self._devices.by_id[device].address
        if known is None or self._whose[device] != address:  # new, or swapped for another
            self._rhythms[device], self._whose[device] = Rhythm(at_ms, at_ms), address
        else:
            known.hear(at_ms, self._wants.days_max)

    def write(self, connection: Connection) -> None:
        """Add what was seen to the tables; with the cursor in one transaction."""
        rows = [one.row(device, day) for (device, day), one in self._rows.items()]
        if rows:
            connection.execute(_ADD_DAYS, rows)
        learned = [self._rhythm_row(device) for device in sorted(self._heard)]
        if learned:
            connection.execute(_KEEP_RHYTHM, learned)

    def written(self) -> None:
        """What `write` wrote is on the disk."""
        self._rows.clear()
        self._heard.clear()

    def _rhythm_row(self, device: str) -> dict[str, Any]:
        one = self._rhythms[device]
        state = msgspec.json.encode(one.dump()).decode()
        moments = {"heard_ms": one.heard_ms, "since_ms": one.since_ms, "gaps": one.gaps}
        return {"device": device, "state_json": state, **moments}

    def learned(self) -> dict[str, int | None]:
        """The expected silence of every device, in s, as its rhythm says now."""
        return {device: one.expected_s(self._wants) for device, one in self._rhythms.items()}


_ADD_DAYS = sa.text(
    "INSERT INTO device_days (device, day, messages, battery, battery_v, rssi_sum, rssi_count, "
    "snr_sum, snr_count, lqi_sum, lqi_count, test_presses) VALUES (:device, :day, :messages, "
    ":battery, :battery_v, :rssi_sum, :rssi_count, :snr_sum, :snr_count, :lqi_sum, :lqi_count, "
    ":test_presses) "
    "ON CONFLICT (device, day) DO UPDATE SET messages = messages + excluded.messages, "
    "battery = coalesce(excluded.battery, battery), "
    "battery_v = coalesce(excluded.battery_v, battery_v), "
    "rssi_sum = rssi_sum + excluded.rssi_sum, rssi_count = rssi_count + excluded.rssi_count, "
    "snr_sum = snr_sum + excluded.snr_sum, snr_count = snr_count + excluded.snr_count, "
    "lqi_sum = lqi_sum + excluded.lqi_sum, lqi_count = lqi_count + excluded.lqi_count, "
    "test_presses = test_presses + excluded.test_presses"
)
_KEEP_RHYTHM = sa.text(
    "INSERT INTO rhythms (device, heard_ms, gaps, since_ms, state_json) "
    "VALUES (:device, :heard_ms, :gaps, :since_ms, :state_json) "
    "ON CONFLICT (device) DO UPDATE SET heard_ms = excluded.heard_ms, gaps = excluded.gaps, "
    "since_ms = excluded.since_ms, state_json = excluded.state_json"
)


class Tell(Protocol):
    """Puts entries into the journal and hands them to the judge."""

    async def __call__(self, entries: Sequence[Entry]) -> None: ...


@dataclass(slots=True)
class Surveyor:
    """The steps of the loop: follow the journal, look at all devices."""

    survey: Survey
    engine: Engine
    journal: Journal
    writer: Writer
    settings: Settings
    clock: Clock
    tell: Tell

    async def follow(self) -> None:
        """Take all that is new."""
        limit = self.settings.survey_batch_entries_max
        seq = await asyncio.to_thread(self.journal.cursor, FOLLOWER)
        while True:
            newest = await asyncio.to_thread(self.journal.newest)
            entries = await asyncio.to_thread(self.journal.read, seq, limit, [READING])
            self.survey.take(entries)
            seq = entries[-1].seq if len(entries) == limit else max(seq, newest)
            await self._keep(seq)
            if len(entries) < limit:
                return

    async def _keep(self, seq: int) -> None:
        def job(connection: Connection) -> None:
            self.survey.write(connection)
            journal.move_cursor(connection, FOLLOWER, seq)

        await self.writer.run(job, rank=IDLE)
        self.survey.written()

    async def look(self) -> None:
        """Look at all devices: what is expected of them, and how they are heard."""
        learned = self.survey.learned()
        changed = await self.writer.run(lambda c: keep_learned(c, learned), rank=IDLE)
        now_ms = self.clock.now_ms()
        if changed:
            await self.writer.run(lambda c: tell_of_change(c, now_ms, NAME), rank=IDLE)
        words = await asyncio.to_thread(self._signal_words, now_ms)
        if words:
            await self.tell(words)
        await self.writer.run(self._forget_old, rank=IDLE)

    def _signal_words(self, now_ms: int) -> list[Entry]:
        with self.engine.connect() as connection:
            return signal_words(connection, self.settings, now_ms)

    def _forget_old(self, connection: Connection) -> None:
        oldest = day_before(self.clock.now_ms(), self.settings.survey_days_keep)
        connection.execute(device_days.delete().where(device_days.c.day < oldest))


def rhythm_wants(settings: Settings) -> rhythm.Wants:
    """What is asked for before a rhythm says anything."""
    return rhythm.Wants(
        settings.rhythm_days_min,
        settings.rhythm_days_max,
        settings.rhythm_factor,
        settings.rhythm_silence_s_min,
        settings.rhythm_silence_s_max,
    )


def keep_learned(connection: Connection, learned: Mapping[str, int | None]) -> int:
    """Write what was learned where it is another than before; how many changed."""
    query = sa.select(rhythms.c.device, rhythms.c.learned_s)
    known = {row.device: row.learned_s for row in connection.execute(query)}
    changed = [
        {"its": device, "now": now}
        for device, now in learned.items()
        if device in known and _is_other(known[device], now)
    ]
    if changed:
        update = rhythms.update().where(rhythms.c.device == sa.bindparam("its"))
        connection.execute(update.values(learned_s=sa.bindparam("now")), changed)
    return len(changed)


def _is_other(before_s: int | None, now_s: int | None) -> bool:
    """A tenth more or less is the same: the judge need not be told of every minute."""
    if before_s is None or now_s is None:
        return before_s is not now_s
    return abs(now_s - before_s) * 10 > before_s


def day_before(now_ms: int, days: int) -> str:
    """The day so many days ago, in UTC: for bounds where an hour does not matter."""
    now = datetime.fromtimestamp(now_ms / 1_000, tz=UTC)
    return (now - timedelta(days=days)).date().isoformat()


def signal_words(connection: Connection, settings: Settings, now_ms: int) -> list[Entry]:
    """A word for every device that is heard worse than it used to be, or well again."""
    days = 2 * (settings.signal_base_days + settings.signal_recent_days)  # some may be missing
    query = (
        sa.select(device_days)
        .where(device_days.c.day >= day_before(now_ms, days))
        .order_by(device_days.c.device, device_days.c.day)
    )
    before = _said_worse(connection)
    words = []
    for device, rows in groupby(
        connection.execute(query).mappings(), key=lambda row: row["device"]
    ):
        was = before.get(device, False)
        worse = worse_signal([dict(row) for row in rows], settings, was_worse=was)
        if worse is not was:
            reading = Reading(SIGNAL_WORSE, worse, now_ms)
            words.append(Entry(0, READING, device, now_ms, (reading,), flags=RETAINED))
    return words


def _said_worse(connection: Connection) -> dict[str, bool]:
    """What was said of the signal last."""
    said = sa.func.json_extract(latest.c.points_json, f"$.{SIGNAL_WORSE}[0]")
    query = sa.select(latest.c.device, said.label("said")).where(said.is_not(None))
    return {row.device: bool(row.said) for row in connection.execute(query)}


def worse_signal(rows: Sequence[Mapping[str, Any]], settings: Settings, *, was_worse: bool) -> bool:
    """By the strength where it is said, else by the link quality."""
    for point, fall in (("rssi", settings.signal_fall_db), ("lqi", settings.signal_fall_lqi)):
        means = daily_means(rows, point)
        if means:
            wants = signal_wants(settings, fall)
            found = signal.compare(means, wants)
            return signal.is_worse(found, wants, was_worse=was_worse)
    return False


def signal_wants(settings: Settings, fall: float) -> signal.Wants:
    """What is asked for before a signal is called worse."""
    return signal.Wants(
        settings.signal_recent_days, settings.signal_base_days, settings.signal_base_days_min, fall
    )


def daily_means(rows: Sequence[Mapping[str, Any]], point: str) -> list[float]:
    """The mean of each day on which it was said, oldest first."""
    return [row[f"{point}_sum"] / row[f"{point}_count"] for row in rows if row[f"{point}_count"]]


async def survey(
    *,
    engine: Engine,
    writer: Writer,
    devices: Devices,
    zone: ZoneInfo,
    settings: Settings,
    clock: Clock,
    tell: Tell,
) -> NoReturn:
    """Follow the journal, and look at all devices now and then, until cancelled."""
    seen = Survey(devices, zone, rhythm_wants(settings))
    await writer.run(seen.load, rank=IDLE)
    surveyor = Surveyor(seen, engine, Journal(engine), writer, settings, clock, tell)
    looks_s = clock.monotonic_s()
    while True:
        await surveyor.follow()
        if clock.monotonic_s() >= looks_s:
            await surveyor.look()
            looks_s = clock.monotonic_s() + settings.survey_look_s
        await asyncio.sleep(settings.survey_every_s)
