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
from hub import journal, outbox
from hub.cases import Ledger
from hub.clock import Clock
from hub.daily_log import REMARK
from hub.database import gateways, latest, standings
from hub.devices import read_devices
from hub.docket import Docket
from hub.docket_rows import problem, result
from hub.feed import Feed
from hub.ghosts import read_ghosts
from hub.journal import COMMAND, READING, REDECODE, Entry
from hub.lanes import Lanes
from hub.own_parts import known_parts
from hub.rule_orders import ACTS, RuleOrders
from hub.set_back import SetBack
from hub.settings import Settings
from hub.upkeep import ACTS as UPKEEP_ACTS
from hub.upkeep import Upkeep
from hub.writer import URGENT, Writer
from rules.finding import Standing
from rules.judge import SITE
from rules.order import OrderTables

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
        # Called with the command behind readings that another process wrote.
        self.on_redecoded: Callable[[Entry], None] = lambda _command: None
        # Up to when the hub had listened, while the clock is ahead of that and nobody has said so.
        self.listened_until: Callable[[], int | None] = lambda: None
        self._held_ms: int | None = None
        self.set_back = SetBack(clock, round(settings.clock_set_back_s_min * 1_000))
        self._rule_orders = RuleOrders(engine, docket, settings)
        self._upkeep = Upkeep(docket, settings.reports_joined_max)
        docket.proof_late_ms = settings.proof_late_s * 1_000
        self._journal = journal.Journal(engine)
        self._reader = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self._lanes = self._lanes_from(0)
        self._commands_seen = 0
        self._flushed_ms = 0
        self.calm = asyncio.Event()  # set while nothing waits: others may have the processor

    @property
    def order_tables(self) -> OrderTables:
        """The tables about work orders that are in force."""
        return self._docket.orders.tables

    def _lanes_from(self, known_until: int) -> Lanes:
        return Lanes(
            known_until,
            common_max=self._settings.judge_queue_entries_max,
            slice_max=self._settings.judge_slice_entries_max,
        )

    def restore(self) -> None:
        """Take up where the last run stopped: standings, cases, then the journal from there."""
        with self._engine.connect() as connection:
            self._docket.load_cases(connection)
            self._upkeep.load(connection)
            known = connection.execute(sa.select(gateways.c.id)).scalars()
            self._docket.roll.know_gateways(name for name in known if name != SITE)
            self._docket.roll.know_parts(known_parts(connection))
            rows = connection.execute(sa.select(standings)).all()
            self._docket.judge.restore(Standing(row.key, row.seq, row.state) for row in rows)
            self._docket.roll.seen_before(connection.execute(latest.select()).mappings())
            start = journal.cursor(connection, FOLLOWER)
            self.set_back.begin(journal.passed_ms(connection, FOLLOWER))
        self._lanes = self._lanes_from(start)
        self._commands_seen = start

    def make_room(self, name: str) -> None:
        """A stranger, or a gateway, is not kept any more."""
        self._docket.roll.make_room(name)

    # -- reading ---------------------------------------------------------------------------------

    async def fill(self) -> None:
        """Get what is new into the lanes: from memory, or from disk where memory has a gap."""
        lanes = self._lanes
        self._held_ms = self.listened_until()  # before the words are taken that end it
        for first_seq, entries in self._feed.take():
            if first_seq > lanes.known_until + 1:
                await self._pass_over(first_seq - 1)
            lanes.add(first_seq, entries)
        if self._feed.overflowed():
            await self._pass_over(await asyncio.to_thread(self._journal.newest))
        if lanes.disk_from is not None and not lanes.common:
            await self._read_common(lanes.disk_from)
        redecoded = self._read_commands()
        if redecoded > lanes.known_until:  # beside the commands, another process wrote readings
            await self._pass_over(redecoded)
            if lanes.disk_from is not None and not lanes.common:
                await self._read_common(lanes.disk_from)

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

    def _read_commands(self) -> int:
        """People's commands come from another process: a look at a small index.

        Returns the number of the newest that stands behind readings of such a process, or 0.
        """
        newest = self._reader.exec_driver_sql(_NEWEST_COMMAND).scalar()
        if newest is None or newest <= self._commands_seen:
            return 0
        limit = self._settings.judge_batch_entries_max
        commands = journal.read(self._reader, self._commands_seen, limit, [COMMAND])
        self._lanes.add_urgent(commands)
        self._commands_seen = commands[-1].seq
        return max(
            (one.seq for one in commands if (one.body or {}).get("act") == REDECODE), default=0
        )

    # -- judging ---------------------------------------------------------------------------------

    async def step(self) -> bool:
        """Judge a slice and the passing of time, write what came of it. False: nothing waits."""
        now_ms = self._clock.now_ms()
        ledger = Ledger()
        if self._docket.take_rules_changed():
            self._docket.promote(case_store.open_shadows(self._reader), ledger, now_ms)
        if back_ms := self.set_back.look():
            await self._take_back(back_ms, ledger, now_ms)
        entries = self._lanes.next_slice()
        await self._judge(entries, ledger, now_ms)
        if not self._lanes.waits():
            self._docket.judge.tick(self._passed_ms(now_ms) - self._settings.settle_ms)
        self._docket.findings(ledger, now_ms)
        self._docket.caught_up = not self._lanes.waits()
        self._docket.ring(ledger, now_ms)
        await self._write(ledger, now_ms)
        return self._lanes.waits()

    async def _take_back(self, back_ms: int, ledger: Ledger, now_ms: int) -> None:
        """The clock was set back: nobody must wait for what is due until it is there again."""
        self._docket.clock_set_back(back_ms, ledger, now_ms)
        await self._writer.run(
            lambda connection: outbox.clock_set_back(connection, back_ms, now_ms), rank=URGENT
        )

    def _passed_ms(self, now_ms: int) -> int:
        """Up to when time has passed for the devices: not while the clock leapt ahead."""
        held = [one for one in (self._held_ms, self.listened_until()) if one is not None]
        return min([now_ms, *held])

    async def _judge(self, entries: list[Entry], ledger: Ledger, now_ms: int) -> None:
        orders = [entry.seq for entry in entries if entry.kind == COMMAND]
        done = case_store.applied(self._reader, orders) if orders else set()
        self._docket.now_ms = now_ms
        for entry in entries:
            if entry.kind == READING:
                self._docket.hear(entry)
                if self._docket.cancels:
                    self._docket.cancel(ledger, now_ms)
            elif entry.seq not in done:
                self._docket.findings(ledger, now_ms)
                await self._try_order(entry, ledger, now_ms)

    async def _try_order(self, entry: Entry, ledger: Ledger, now_ms: int) -> None:
        """One person's command must never stop the presses of all, whatever is wrong with it."""
        try:
            await self._rule_orders.prepare(entry)
            self._order(entry, ledger, now_ms)
        except Exception as error:  # a bug: told to the person and to the log, and passed over
            log.exception("command %d failed", entry.seq)
            en = f"The hub could not do this: {type(error).__name__}."
            body = problem("failed", "系统未能执行该操作", en)
            ledger.results.append(result(entry.seq, body, ok=False))

    def _order(self, entry: Entry, ledger: Ledger, now_ms: int) -> None:
        act = (entry.body or {}).get("act")
        if act in ACTS:
            self._rule_orders.apply(entry, ledger, now_ms)
        elif act in _ORDERS:
            _ORDERS[act](self, entry, ledger, now_ms)
        else:
            self._order_of_case(entry, ledger, now_ms)

    def _order_of_case(self, entry: Entry, ledger: Ledger, now_ms: int) -> None:
        case_id = str((entry.body or {}).get("case"))
        case = self._docket.cases.open.get(case_id) or ledger.cases.get(case_id)
        if case is None:
            case = case_store.find(self._reader, case_id)
        self._docket.order(entry, case, ledger, now_ms)

    def _register(self, entry: Entry, ledger: Ledger, now_ms: int) -> None:
        body = entry.body or {}
        known, haunting = read_devices(self._reader), read_ghosts(self._reader)
        self._docket.roll.register_changed(known, haunting, entry.seq, entry.arrived_ms)
        self._docket.people_changed(self._reader)
        self._docket.place_cases(entry.seq, ledger, now_ms)
        if body.get("act") == "swap":
            self._docket.roll.swapped(str(body.get("device")), entry.seq, entry.arrived_ms)
        self._on_register()
        ledger.results.append(result(entry.seq, {}))

    def _redecoded(self, entry: Entry, ledger: Ledger, _now_ms: int) -> None:
        self.on_redecoded(entry)
        ledger.results.append(result(entry.seq, {}))

    def _remark(self, entry: Entry, ledger: Ledger, _now_ms: int) -> None:
        """Written already, with its command; there is nothing to judge."""
        ledger.results.append(result(entry.seq, {}))

    def _test(self, entry: Entry, ledger: Ledger, now_ms: int) -> None:
        until_ms = entry.arrived_ms + self._settings.device_test_s * 1_000
        self._docket.test(entry, until_ms, ledger, now_ms)

    def _sign(self, entry: Entry, ledger: Ledger, now_ms: int) -> None:
        self._docket.sign(entry, ledger, now_ms)

    def _rest(self, entry: Entry, ledger: Ledger, now_ms: int) -> None:
        self._docket.rest(entry, ledger, now_ms)

    def _keep_up(self, entry: Entry, ledger: Ledger, now_ms: int) -> None:
        self._upkeep.apply(entry, ledger, now_ms)

    # -- writing ---------------------------------------------------------------------------------

    async def _write(self, ledger: Ledger, now_ms: int) -> None:
        since_ms = now_ms - self._flushed_ms  # below zero: the clock was set back
        flush = not 0 <= since_ms < self._settings.standings_flush_ms
        if not ledger and not flush:
            return
        rows_max = self._settings.standings_flush_rows_max if flush else 0
        changed = self._docket.judge.take_changed(rows_max)
        newest = self._docket.roll.take_renewed()
        if flush:
            rows, told = self._docket.roll.latest_rows(rows_max, self._docket.orders.watched)
            newest += rows
            ledger.changes.extend(told)
            self._flushed_ms = now_ms
        gone = self._docket.roll.take_gone()
        left = [key for one in gone for key in self._docket.judge.standings_of(one)]
        cursor = self._cursor()

        def job(connection: Connection) -> None:
            ledger.write(connection)
            _forget(connection, gone, left)  # who was met again meanwhile has rows of its own
            _write_standings(connection, changed)
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
        due_ms, now_ms = self._docket.judge.due_ms, self._clock.now_ms()
        if due_ms is not None and self._held_ms is None:
            dues = [due_ms + self._settings.settle_ms]
        else:
            dues = []
        if self._docket.due_ms is not None:
            dues.append(self._docket.due_ms)
        left_ms = min(dues, default=now_ms + self._settings.commands_poll_ms) - now_ms
        return max(0.0, min(poll_s, left_ms / 1000))


# Orders that are about no case, by their act.
_ORDERS: dict[str, Callable[[Evaluation, Entry, Ledger, int], None]] = {
    "register": Evaluation._register,
    "swap": Evaluation._register,
    REDECODE: Evaluation._redecoded,
    REMARK: Evaluation._remark,
    "test": Evaluation._test,
    "sign_on": Evaluation._sign,
    "sign_off": Evaluation._sign,
    "out_of_service": Evaluation._rest,
    "in_service": Evaluation._rest,
    **dict.fromkeys(UPKEEP_ACTS, Evaluation._keep_up),
}


def _write_orphans(connection: Connection, ledger: Ledger, gone: list[str]) -> None:
    ledger.write(connection)
    connection.execute(standings.delete().where(standings.c.key.in_(gone)))


def _forget(connection: Connection, device_ids: Sequence[str], keys: Sequence[str]) -> None:
    """Devices that are gone leave no standing behind that another of the name could take up."""
    if device_ids:
        one_each = [(key,) for key in keys]
        connection.exec_driver_sql("DELETE FROM standings WHERE key = ?", one_each)
        names = [(device_id,) for device_id in device_ids]
        connection.exec_driver_sql("DELETE FROM latest WHERE device = ?", names)


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
