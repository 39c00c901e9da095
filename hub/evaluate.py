"""Walk the journal with the judge, and keep what it says.

Alerts, cases, notices, the standings of what was judged and the cursor go into one transaction, so
that a kill in the middle repeats nothing and skips nothing: a standing that brought a finding is
written with it, and after a restart each standing passes over what it has heard.

Entries of buttons are judged before what else waits (`hub/lanes.py`), so that no backlog of
counters stands before a press. That is sound because each standing has a number of its own.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.engine import Connection, Engine

from hub import cases as case_store
from hub import journal
from hub.cases import Ledger
from hub.clock import Clock
from hub.database import latest, standings
from hub.devices import read_devices
from hub.docket import Docket, problem, result
from hub.feed import Feed
from hub.journal import COMMAND, READING, Entry
from hub.lanes import Lanes
from hub.settings import Settings
from hub.writer import URGENT, Writer
from rules.finding import Standing

log = logging.getLogger(__name__)

FOLLOWER = "judge"


class Evaluation:
    """The loop's state and its steps: read, judge, write."""

    def __init__(
        self,
        docket: Docket,
        *,
        engine: Engine,
        writer: Writer,
        feed: Feed,
        settings: Settings,
        clock: Clock,
        on_written: Callable[[], None],
        on_register: Callable[[], None] = lambda: None,
    ) -> None:
        self._docket = docket
        self._engine = engine
        self._writer = writer
        self._feed = feed
        self._settings = settings
        self._clock = clock
        self._on_written = on_written
        self._on_register = on_register
        self._journal = journal.Journal(engine)
        self._reader = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self._lanes = self._lanes_from(0)
        self._commands_seen = 0
        self._flushed_ms = 0
        self.calm = asyncio.Event()  # set while nothing waits: others may have the processor

    def _lanes_from(self, known_until: int) -> Lanes:
        return Lanes(
            known_until,
            common_max=self._settings.judge_queue_entries_max,
            slice_max=self._settings.judge_slice_entries_max,
        )

    def restore(self) -> None:
        """Take up where the last run stopped: standings, cases, then the journal from there."""
        with self._engine.connect() as connection:
            self._docket.cases.load(connection)
            rows = connection.execute(sa.select(standings)).all()
            self._docket.judge.restore(Standing(row.key, row.seq, row.state) for row in rows)
            self._docket.seen_before(connection.execute(latest.select()).mappings())
            start = journal.cursor(connection, FOLLOWER)
        self._lanes = self._lanes_from(start)
        self._commands_seen = start

    def make_room(self, address: str) -> None:
        """A stranger is not kept any more."""
        self._docket.make_room(address)

    # -- reading ---------------------------------------------------------------------------------

    async def fill(self) -> None:
        """Get what is new into the lanes: from memory, or from disk where memory has a gap."""
        lanes = self._lanes
        for first_seq, entries in self._feed.take():
            if first_seq > lanes.known_until + 1:
                await self._pass_over(first_seq - 1)
            lanes.add(first_seq, entries)
        if self._feed.overflowed():
            await self._pass_over(await asyncio.to_thread(self._journal.newest))
        if lanes.disk_from is not None and not lanes.common:
            await self._read_common(lanes.disk_from)
        self._read_commands()

    async def catch_up(self) -> None:
        """Everything since the last run: presses at once, the others when their turn comes."""
        now_ms, ledger = self._clock.now_ms(), Ledger()
        gone = self._docket.close_orphans(ledger, now_ms)
        if gone:
            await self._writer.run(lambda connection: _write_orphans(connection, ledger, gone))
        await self._pass_over(await asyncio.to_thread(self._journal.newest))

    async def _pass_over(self, until: int) -> None:
        after, limit = self._lanes.known_until, self._settings.judge_batch_entries_max
        self._lanes.leave_on_disk(until)
        while after < until:
            found = await asyncio.to_thread(self._journal.of_buttons, after, until, limit)
            self._lanes.add_urgent(found)
            after = found[-1].seq if len(found) == limit else until
            if len(self._lanes.urgent) >= limit:
                await self.step()

    async def _read_common(self, after: int) -> None:
        limit = self._settings.judge_batch_entries_max
        until = self._lanes.known_until
        entries = await asyncio.to_thread(self._journal.of_others, after, until, limit)
        self._lanes.take_from_disk(entries, all_read=len(entries) < limit)

    def _read_commands(self) -> None:
        """People's commands come from another process: a look at a small index."""
        newest = self._reader.exec_driver_sql(_NEWEST_COMMAND).scalar()
        if newest is None or newest <= self._commands_seen:
            return
        limit = self._settings.judge_batch_entries_max
        commands = journal.read(self._reader, self._commands_seen, limit, [COMMAND])
        self._lanes.add_urgent(commands)
        self._commands_seen = commands[-1].seq

    # -- judging ---------------------------------------------------------------------------------

    async def step(self) -> bool:
        """Judge a slice and the passing of time, write what came of it. False: nothing waits."""
        now_ms = self._clock.now_ms()
        ledger = Ledger()
        entries = self._lanes.next_slice()
        await self._judge(entries, ledger, now_ms)
        if not self._lanes.waits():
            self._docket.judge.tick(now_ms - self._settings.settle_ms)
        self._docket.findings(ledger, now_ms)
        await self._write(ledger, now_ms)
        return self._lanes.waits()

    async def _judge(self, entries: list[Entry], ledger: Ledger, now_ms: int) -> None:
        orders = [entry.seq for entry in entries if entry.kind == COMMAND]
        done = case_store.applied(self._reader, orders) if orders else set()
        for entry in entries:
            if entry.kind == READING:
                self._docket.hear(entry)
            elif entry.seq not in done:
                self._docket.findings(ledger, now_ms)
                self._try_order(entry, ledger, now_ms)

    def _try_order(self, entry: Entry, ledger: Ledger, now_ms: int) -> None:
        """One person's command must never stop the presses of all, whatever is wrong with it."""
        try:
            self._order(entry, ledger, now_ms)
        except Exception as error:  # a bug: told to the person and to the log, and passed over
            log.exception("command %d failed", entry.seq)
            en = f"The hub could not do this: {type(error).__name__}."
            body = problem("failed", "系统未能执行该操作", en)
            ledger.results.append(result(entry.seq, body, ok=False))

    def _order(self, entry: Entry, ledger: Ledger, now_ms: int) -> None:
        body = entry.body or {}
        if body.get("act") == "register":
            self._docket.register_changed(read_devices(self._reader))
            self._on_register()
            ledger.results.append(result(entry.seq, {}))
            return
        case_id = str(body.get("case"))
        case = self._docket.cases.open.get(case_id) or ledger.cases.get(case_id)
        if case is None:
            case = case_store.find(self._reader, case_id)
        self._docket.order(entry, case, ledger, now_ms)

    # -- writing ---------------------------------------------------------------------------------

    async def _write(self, ledger: Ledger, now_ms: int) -> None:
        flush = now_ms - self._flushed_ms >= self._settings.standings_flush_ms
        if not ledger and not flush:
            return
        rows_max = self._settings.standings_flush_rows_max if flush else 0
        changed = self._docket.judge.take_changed(rows_max)
        newest: list[dict[str, Any]] = []
        if flush:
            newest, told = self._docket.latest_rows(rows_max)
            ledger.changes.extend(told)
            self._flushed_ms = now_ms
        gone = self._docket.take_gone()
        cursor = self._cursor()

        def job(connection: Connection) -> None:
            ledger.write(connection)
            _write_standings(connection, changed)
            _forget(connection, gone)
            _write_latest(connection, newest)
            journal.move_cursor(connection, FOLLOWER, cursor, now_ms)

        await self._writer.run(job, rank=URGENT)
        if ledger:
            self._on_written()

    def _cursor(self) -> int:
        unsaved = self._docket.judge.oldest_unsaved_seq()
        done = self._lanes.done_until()
        return done if unsaved is None else min(done, unsaved - 1)

    def wait_s(self) -> float:
        """How long nothing is due."""
        poll_s = self._settings.commands_poll_ms / 1000
        due_ms = self._docket.judge.due_ms
        if due_ms is None:
            return poll_s
        left_ms = due_ms + self._settings.settle_ms - self._clock.now_ms()
        return max(0.0, min(poll_s, left_ms / 1000))


def _write_orphans(connection: Connection, ledger: Ledger, gone: list[str]) -> None:
    ledger.write(connection)
    connection.execute(standings.delete().where(standings.c.key.in_(gone)))


def _forget(connection: Connection, device_ids: Sequence[str]) -> None:
    """Devices that are gone leave no standing behind that another of the name could take up."""
    for device_id in device_ids:
        ending = standings.c.key.endswith(f"|{device_id}", autoescape=True)
        connection.execute(standings.delete().where(ending))
        connection.execute(latest.delete().where(latest.c.device == device_id))


def _write_standings(connection: Connection, changed: Sequence[Standing]) -> None:
    if changed:
        connection.exec_driver_sql(
            "INSERT INTO standings (key, seq, state) VALUES (?, ?, ?) ON CONFLICT (key) "
            "DO UPDATE SET seq = excluded.seq, state = excluded.state",
            [tuple(standing) for standing in changed],
        )


def _write_latest(connection: Connection, rows: list[dict[str, Any]]) -> None:
    if rows:
        insert = upsert(latest)
        new = {column.name: insert.excluded[column.name] for column in latest.columns}
        connection.execute(insert.on_conflict_do_update(index_elements=["device"], set_=new), rows)


_NEWEST_COMMAND = "SELECT max(seq) FROM journal WHERE kind = 'command'"


async def evaluate(evaluation: Evaluation, feed: Feed) -> None:
    """Judge until cancelled: what waits first, then whatever comes or falls due."""
    await evaluation.catch_up()
    while True:
        await evaluation.fill()
        if await evaluation.step():
            evaluation.calm.clear()
            await asyncio.sleep(0)  # the ingest's turn
        else:
            evaluation.calm.set()
            with suppress(TimeoutError):
                async with asyncio.timeout(evaluation.wait_s()):
                    await feed.some.wait()
