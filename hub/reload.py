"""The loop that notices that files of rules have changed, and asks the judge to take them.

The folder is looked at every `rules_look_s` by names, sizes and moments of the files, which works
on every file system and in every container. What has changed is read when it has rested for one
look, so that nothing half written is taken. It is all or nothing: a mistake anywhere leaves the
rules in force, and is told once, with file, line and reason.
"""

import asyncio
import logging
from functools import partial

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from hub import rule_files, rule_sets
from hub.clock import Clock
from hub.database import command_results
from hub.health import GREEN, YELLOW, Report
from hub.rule_files import Stamp
from hub.rule_sets import HUB, KeptSet
from hub.settings import Settings
from hub.writer import NORMAL, Writer
from rules.loader import RuleMistakes

log = logging.getLogger(__name__)

PART = "rules"


class Reload:
    """What was seen of the folder, and what was done about it."""

    def __init__(
        self, *, engine: Engine, writer: Writer, settings: Settings, clock: Clock, report: Report
    ) -> None:
        self._engine = engine
        self._writer = writer
        self._settings = settings
        self._clock = clock
        self._report = report
        self._seen: dict[str, Stamp] | None = None
        self._done: dict[str, Stamp] | None = None
        self._asked: int | None = None

    async def look(self, *, at_once: bool = False) -> None:
        """Look once. `at_once`: what has changed need not rest first (the hub has just begun)."""
        if self._asked is not None:
            await self._hear_answer(self._asked)
        now = await asyncio.to_thread(self._stamps)
        if now == self._done:
            return
        if now != self._seen and not at_once:
            self._seen = now
            return
        self._seen = self._done = now
        try:
            await self._compare()
        except RuleMistakes as error:
            self._refuse(error)

    def _stamps(self) -> dict[str, Stamp]:
        try:
            return rule_files.stamps(self._settings)
        except OSError:  # a file that is being replaced at this very moment
            return {}

    async def _compare(self) -> None:
        texts = await asyncio.to_thread(rule_files.read_texts, self._settings)
        asked, current = await asyncio.to_thread(self._known)
        digest = rule_files.digest_of(texts)
        if asked is not None and asked.digest == digest:
            if asked.applied_ms is None:
                self._asked = asked.seq  # by a page, a moment ago
            else:
                self._well(asked)
            return
        hears = current is not None and await asyncio.to_thread(_hears_presses, current)
        await asyncio.to_thread(partial(rule_files.check, texts, hears_presses=hears))
        now_ms, keep = self._clock.now_ms(), self._settings.rule_sets_keep

        def ask(connection: Connection) -> int:
            return rule_sets.ask_for(connection, texts, HUB, now_ms, keep)

        self._asked = await self._writer.run(ask, rank=NORMAL)

    def _known(self) -> tuple[KeptSet | None, KeptSet | None]:
        with self._engine.connect() as connection:
            return rule_sets.newest_asked(connection), rule_sets.in_force(connection)

    async def _hear_answer(self, seq: int) -> None:
        """What the judge said of the set that was asked for."""
        answer, current = await asyncio.to_thread(self._answer, seq)
        if answer is None:
            return
        self._asked = None
        ok, body = answer
        if not ok:
            self._trouble(str(body))
        elif current is not None:
            said = "; ".join(
                f"{word}: {', '.join(names)}" for word, names in current.diff.items() if names
            )
            log.info(
                "new rules are in force, asked for by %s: %s", current.by, said or "only words"
            )
            self._well(current)

    def _answer(self, seq: int) -> tuple[tuple[bool, str] | None, KeptSet | None]:
        query = sa.select(command_results.c.ok, command_results.c.body_json)
        with self._engine.connect() as connection:
            row = connection.execute(query.where(command_results.c.seq == seq)).first()
            current = rule_sets.in_force(connection)
        return (None if row is None else (row.ok, row.body_json)), current

    def _well(self, current: KeptSet) -> None:
        count = len(current.versions)
        self._report(PART, GREEN, f"{count} 条规则生效", f"{count} rules in force")

    def _refuse(self, error: RuleMistakes) -> None:
        folder = rule_files.folder_of(self._settings)
        for mistake in error.mistakes:
            log.error("the rules in force stay in force: %s/%s", folder, mistake)
        first, more = error.mistakes[0], len(error.mistakes) - 1
        self._trouble(f"{first}" + (f" (+{more})" if more else ""))

    def _trouble(self, text: str) -> None:
        zh = f"规则文件有误，原规则继续生效：{text}"
        self._report(PART, YELLOW, zh, f"mistakes in the files, the rules in force stay: {text}")


def _hears_presses(current: KeptSet) -> bool:
    try:
        return rule_files.check(current.texts, hears_presses=False).hears_presses
    except RuleMistakes:
        return True


async def watch_rules(reload: Reload, every_s: float) -> None:
    """Look at the folder until cancelled."""
    while True:
        await asyncio.sleep(every_s)
        await reload.look()
