"""The archive: follows the journal into the time series at its own pace.

It reads on from its cursor, writes, and only then moves the cursor; killed in between it writes the
same points again, which changes nothing. A store that is away is waited for: the journal is the
buffer. A write that is refused is halved until the bad points stand alone: these go to
`dead_letters` with the store's own words, all others are stored.
Bounds: `archive_batch_entries_max`, `archive_age_ms`, `archive_retry_…`, `dead_letters_rows_max`.
"""

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, NoReturn, Protocol

from sqlalchemy.engine import Connection

from hub.clock import Clock
from hub.journal import DAY_MS, GATEWAY, READING, STRANGER, Entry, Journal, move_cursor
from hub.retry_after import retry_after_s
from hub.series import Point, Refused, Series, Unavailable, at_ns
from hub.settings import Settings
from hub.writer import Writer

FOLLOWER = "archive"
# Anybody may name himself anything: no tags for those. The register's people see them as strangers.
_UNREGISTERED = STRANGER | GATEWAY
_DOUBLINGS_MAX = 30  # beyond any wait that a setting allows
_BACK = ("时序数据正常写入", "Readings reach the time series.")
_AWAY = (
    "时序库暂时没有应答，读数留在日志里等待",
    "No time series store; readings wait in the journal",
)
_REFUSES = (
    "时序库拒绝连接，需要有人处理；读数留在日志里等待",
    "The time series store turns the hub away: somebody must look. Readings wait in the journal",
)


class Facts(NamedTuple):
    """What the archive tags a device's readings with."""

    family: str
    grid: str | None = None
    ground: str | None = None


UNKNOWN = Facts("unknown")  # taken off the register while its readings waited

Describe = Callable[[str], tuple[str, str | None, str | None] | None]
Wait = Callable[[float], Awaitable[Any]]


class Report(Protocol):
    """How a part of the hub says how it is; called when that changes."""

    def __call__(
        self, part: str, state: str, text_zh: str, text_en: str, figures: dict[str, Any]
    ) -> object: ...


class DeadLetter(NamedTuple):
    """A point that was refused, as a line, with the store's own words."""

    seq: int
    line: str
    error: str


async def archive(  # noqa: PLR0913 - whatever it works with is passed in
    *,
    journal: Journal,
    writer: Writer,
    series: Series,
    settings: Settings,
    clock: Clock,
    wake: asyncio.Event,
    describe: Describe,
    report: Report,
    calm: asyncio.Event | None = None,
    wait: Wait = asyncio.sleep,
    jitter: Callable[[], float] = random.random,
) -> NoReturn:
    """Follow the journal until cancelled.

    While `calm` is not set the judge has a backlog, and the archive lets it have the processor, for
    at most `archive_yield_max_s` a batch: the journal is the buffer. `wake` is set after a commit.
    `describe` gives family, grid and ground of a device, None if it is not registered; it is called
    in a thread. `jitter` gives a share from 0 to 1.
    """
    archivist = _Archivist(journal, writer, series, settings, clock, describe, report, wait, jitter)
    await archivist.follow(wake, calm)


@dataclass(slots=True)
class _Archivist:
    journal: Journal
    writer: Writer
    series: Series
    settings: Settings
    clock: Clock
    describe: Describe
    report: Report
    wait: Wait
    jitter: Callable[[], float]
    seq: int = 0
    state: str = ""
    dead_letters: int = 0
    forgets_at_s: float = 0.0

    async def follow(self, wake: asyncio.Event, calm: asyncio.Event | None) -> NoReturn:
        self.seq = await asyncio.to_thread(self.journal.cursor, FOLLOWER)
        self._tell("green", _BACK)
        while True:
            wake.clear()
            if calm is not None:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self.settings.archive_yield_max_s):
                        await calm.wait()
            batch = await asyncio.to_thread(self._read)
            await self._move(batch.end, await self._store(batch.points))
            await self._forget_old()
            if not batch.full:
                await wake.wait()
                await self.wait(self.settings.archive_age_ms / 1_000)

    def _read(self) -> "_Batch":
        """The next entries as points. In a thread: disk, JSON and a look-up for each entry."""
        newest = self.journal.newest()  # before the entries: none up to here is missed
        rows_max = self.settings.archive_batch_entries_max
        entries = self.journal.read(self.seq, rows_max, (READING,))
        full = len(entries) == rows_max
        # Of a batch that is not full nothing was left out, so refusals and commands are passed too.
        end = max(self.seq if full else newest, entries[-1].seq if entries else self.seq)
        points = [
            point
            for entry in entries
            if entry.device is not None and not entry.flags & _UNREGISTERED
            for point in points_of(entry, entry.device, self.describe(entry.device) or UNKNOWN)
        ]
        return _Batch(end, full, points)

    async def _store(self, points: Sequence[Point]) -> list[DeadLetter]:
        """Write all points; those that the store refuses, as dead letters."""
        return [
            DeadLetter(point.seq, self.series.line(point), words)
            for point, words in await sift(points, self._write)
        ]

    async def _write(self, points: Sequence[Point]) -> str | None:
        """Write until the store has an answer: None when stored, its words when refused."""
        words = None
        for tries in itertools.count():
            try:
                await self.series.write(points)
            except Unavailable as outage:
                self._tell_outage(outage)
                await self.wait(self._pause_s(outage, tries))
                continue
            except Refused as refusal:
                words = str(refusal)
            break
        self._tell("green", _BACK)
        return words

    def _pause_s(self, outage: Unavailable, tries: int) -> float:
        settings = self.settings
        asked_s = retry_after_s(outage.retry_after, self.clock.now_ms())
        if asked_s is not None:
            return min(asked_s, settings.archive_retry_after_max_s)
        doubled_s = settings.archive_retry_min_s * 2.0 ** min(tries, _DOUBLINGS_MAX)
        return min(doubled_s, settings.archive_retry_max_s) * (0.5 + self.jitter() / 2)

    async def _move(self, seq: int, refused: Sequence[DeadLetter]) -> None:
        if seq == self.seq and not refused:
            return
        job = partial(
            _move,
            seq=seq,
            refused=refused,
            at_ms=self.clock.now_ms(),
            rows_max=self.settings.dead_letters_rows_max,
        )
        await self.writer.run(job)
        self.seq = seq
        if refused:
            self.dead_letters += len(refused)
            self._say(self.state, _refused_texts(refused))

    async def _forget_old(self) -> None:
        """Let the local store drop what is too old, now and then and a bite at a time."""
        if self.clock.monotonic_s() < self.forgets_at_s:
            return
        before_ms = self.clock.now_ms() - self.settings.series_keep_days * DAY_MS
        rows_max = self.settings.retention_rows_max
        try:
            gone = await self.series.forget(before_ms, rows_max)
        except Unavailable as outage:
            self._tell_outage(outage)
            gone = 0
        if gone < rows_max:
            self.forgets_at_s = self.clock.monotonic_s() + self.settings.retention_every_s

    def _tell_outage(self, outage: Unavailable) -> None:
        state, texts = ("red", _REFUSES) if outage.for_a_person else ("yellow", _AWAY)
        self._tell(state, (f"{texts[0]}：{outage}", f"{texts[1]}: {outage}"))

    def _tell(self, state: str, texts: tuple[str, str]) -> None:
        """Say how the archive is, once when it changes."""
        if state != self.state:
            self.state = state
            self._say(state, texts)

    def _say(self, state: str, texts: tuple[str, str]) -> None:
        figures = {"cursor": self.seq, "dead_letters": self.dead_letters}
        self.report(FOLLOWER, state, *texts, figures)


class _Batch(NamedTuple):
    """What one step works on: points, up to which entry, and whether more may be waiting."""

    end: int
    full: bool
    points: list[Point]


async def sift(
    points: Sequence[Point], write: Callable[[Sequence[Point]], Awaitable[str | None]]
) -> list[tuple[Point, str]]:
    """Write all points; those that were refused when they stood alone, with the store's words.

    `write` says None for stored, else the store's words: the part is then halved and written again,
    the older half first, down to single points. A few bad points cost a few dozen small writes.
    """
    refused = []
    parts = [points] if points else []
    while parts:
        part = parts.pop()
        words = await write(part)
        if words is None:
            continue
        if len(part) == 1:
            refused.append((part[0], words))
        else:
            middle = len(part) // 2
            parts += [part[middle:], part[:middle]]
    return refused


def points_of(entry: Entry, device: str, facts: tuple[str, str | None, str | None]) -> list[Point]:
    """The readings of one entry as points; the same entry always gives the same points."""
    family, grid, ground = facts
    return [
        Point(
            entry.seq,
            at_ns(entry.arrived_ms if reading.at_ms is None else reading.at_ms, entry.seq, index),
            device,
            reading.point,
            reading.value,
            family,
            grid,
            ground,
        )
        for index, reading in enumerate(entry.readings)
    ]


def _refused_texts(refused: Sequence[DeadLetter]) -> tuple[str, str]:
    count, words = len(refused), refused[-1].error
    return (
        f"时序库拒收 {count} 条读数，已另存待查：{words}",
        f"The time series store refused {count} points, which are put aside: {words}",
    )


def _move(
    connection: Connection, seq: int, refused: Sequence[DeadLetter], at_ms: int, rows_max: int
) -> None:
    """Cursor and refused points in one transaction: neither is ever there without the other."""
    if refused:
        connection.exec_driver_sql(
            "INSERT OR IGNORE INTO dead_letters (seq, line, error, at_ms) VALUES (?, ?, ?, ?)",
            [(*letter, at_ms) for letter in refused],
        )
        connection.exec_driver_sql(
            "DELETE FROM dead_letters WHERE id <= (SELECT max(id) FROM dead_letters) - ?",
            (rows_max,),
        )
    move_cursor(connection, FOLLOWER, seq)
