"""The judge's loop over a real database, the clock in the test's hand, killed at will."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from device_drivers.reading import Reading, Value
from hub import journal
from hub.cases import Cases
from hub.database import (
    alerts,
    case_log,
    cases,
    command_results,
    for_writing,
    latest,
    notices,
)
from hub.devices import Device, Devices
from hub.docket import Docket
from hub.escalations import Escalations, default_ways, feeds_of
from hub.evaluate import Evaluation
from hub.feed import Feed
from hub.journal import COMMAND, PRESS, READING, STRANGER, Entry
from hub.orders import Orders
from hub.settings import Settings
from hub.site import Site
from hub.writer import Writer
from rules.judge import Judge
from rules.loader import load
from rules.order import NO_TABLES, OrderTables
from rules.response import Plan
from rules.roster import Roster
from rules.rule import RuleSet
from tests.fresh import fresh_engine

MORNING_MS = 1_772_413_200_000  # 2026-03-02 09:00 in Shanghai, a Monday

RULES = """
rules:
  - rule: emergency-press
    title: {zh: 紧急呼叫, en: Emergency press}
    where: {family: button}
    when: {point: press, happens: [sos]}
    severity: emergency
    category: emergency
  - rule: door-open
    title: {zh: 门未关, en: Door open}
    where: {family: door}
    when: {point: contact, equals: open}
    hold_for: 10s
    severity: warning
    category: security
  - rule: battery-low
    title: {zh: 电量低, en: Battery low}
    when: {point: battery, below: 10}
    severity: notice
    category: maintenance
  - rule: silent
    title: {zh: 失联, en: Silent}
    where: {family: door}
    when: {silent_for: 30s}
    severity: notice
    category: fault
"""

DEVICES = [
    Device("btn-1", "button", "native", "native:btn-1", "按钮", "Button", place="b1/101"),
    Device("btn-2", "button", "native", "native:btn-2", "按钮", "Button", place="b1/102"),
    Device("door-1", "door", "native", "native:door-1", "门", "Door", place="b1/u1"),
]


class HandClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now_ms: int = MORNING_MS) -> None:
        self.now = now_ms
        self._leapt_ms = 0

    def leap(self, ms: int) -> None:
        """Somebody sets the clock: no time passes by it."""
        self.now += ms
        self._leapt_ms += ms

    def now_ms(self) -> int:
        """See `hub.clock.Clock`."""
        return self.now

    def monotonic_s(self) -> float:
        """See `hub.clock.Clock`."""
        return (self.now - self._leapt_ms) / 1_000


class Courtroom:
    """Append to the journal, let the judge work, kill it, look at the tables."""

    def __init__(
        self,
        folder: Path,
        rules: str = RULES,
        register: Sequence[Device] = DEVICES,
        plans: Mapping[str, Plan] | None = None,
        roster: Roster | None = None,
        channels: Sequence[str] = ("mqtt", "log"),
        orders: OrderTables = NO_TABLES,
    ) -> None:
        self._orders = orders
        self._register = register
        self._plans, self._roster, self._channels = plans or {}, roster or Roster(), channels
        self.clock = HandClock()
        self.engine = fresh_engine(folder / "hub.db")
        self.writer = Writer(for_writing(self.engine), retry_s=0.01)
        self.settings = Settings(data_dir=folder, settle_ms=0)
        file = folder / "rules.yaml"
        file.write_text(rules, encoding="utf-8")
        self.rules = load([file])
        self.begin()

    def set_rules(self, names: Sequence[str]) -> None:
        """From the next process on only these rules are in force."""
        self.rules = RuleSet(tuple(rule for rule in self.rules.rules if rule.name in names))

    def begin(self) -> None:
        """A fresh process: nothing in memory, everything from the database."""
        self.feed = Feed(self.settings.judge_queue_batches_max)
        self.judge = Judge(self.rules, zone=Site().zone)
        people = Escalations(
            self._plans, self._roster, self._channels, default_ways(self._channels)
        )
        feeds = feeds_of(self._channels)
        docket = Docket(
            self.judge,
            Cases(),
            Devices(self._register),
            feeds,
            escalations=people,
            orders=Orders(self._orders),
        )
        self.evaluation = Evaluation(
            docket,
            engine=self.engine,
            writer=self.writer,
            feed=self.feed,
            settings=self.settings,
            clock=self.clock,
            on_written=lambda: None,
        )
        self.evaluation.restore()

    async def kill(self) -> None:
        """What was in memory is gone, its connections too; a new process catches up."""
        self.engine.dispose()
        self.begin()
        await self.evaluation.catch_up()

    def keep(self, entries: Sequence[Entry], *, in_memory: bool = True) -> None:
        """Commit entries, and hand them over as the ingest does."""
        with for_writing(self.engine).begin() as connection:
            first = journal.append(connection, entries)
        if in_memory:
            self.feed.put(first, entries)

    def said(self, device: str, late_ms: int = 0, **points: Value) -> None:
        """A device's message that happened `late_ms` ago."""
        at_ms = self.clock.now - late_ms
        readings = tuple(Reading(point, value, at_ms) for point, value in points.items())
        flags = PRESS if "btn" in device else 0
        flags |= STRANGER if device.startswith("native:") else 0
        self.keep([Entry(0, READING, device, self.clock.now, readings, flags=flags)])

    def order(self, act: str, case: str, by: str = "wang", **more: Any) -> None:
        """A person's command, written by another process."""
        body = {"act": act, "case": case, "by": by, **more}
        self.keep([Entry(0, COMMAND, None, self.clock.now, (), body)], in_memory=False)

    async def work(self) -> None:
        """Let the judge do all that there is to do now."""
        await self.evaluation.fill()
        while await self.evaluation.step():
            await self.evaluation.fill()

    async def at(self, seconds: float) -> None:
        """Move the clock to so many seconds after the morning, and let the judge work."""
        self.clock.now = MORNING_MS + int(seconds * 1_000)
        await self.work()

    def rows(self, table: sa.Table, *columns: str) -> list[Any]:
        """Rows in the order of their writing: the named columns, or the only one."""
        wanted = [table.c[name] for name in columns]
        with self.engine.connect() as connection:
            found = connection.execute(sa.select(*wanted).order_by(sa.text("rowid"))).all()
        return [row[0] if len(columns) == 1 else tuple(row) for row in found]

    def history(self) -> dict[str, list[Any]]:
        """All that must be the same whatever was killed: times as seconds of the morning."""
        return {
            "alerts": sorted(
                self.rows(alerts, "rule", "key", "opened_at_ms", "closed_at_ms", "taken_back"),
                key=str,
            ),
            "cases": self.rows(cases, "rule", "key", "state", "active", "times", "raised_at_ms"),
            "log": self.rows(case_log, "case_id", "what", "at_ms", "by"),
            "notices": self.rows(notices, "case_id", "channel", "reason", "recipient", "due_ms"),
            "results": self.rows(command_results, "seq", "ok"),
        }

    def points(self, device: str) -> Any:
        """What pages see of a device."""
        return dict(self.rows(latest, "device", "points_json")).get(device)

    def close(self) -> None:
        """Let the database go."""
        self.writer.close()
        self.engine.dispose()
