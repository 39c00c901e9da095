"""Orders about rules, at their place in the log: another set, an override, the end of one.

What must be read for an order is read in a thread beforehand, so that no press waits for it.
Whoever gave the order has checked it; here it is checked once more, against the rules that are in
force when its turn comes.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.engine import Engine

from hub import overrides, rule_files, rule_sets
from hub.cases import Ledger, encode
from hub.docket import Docket
from hub.docket_rows import problem, result
from hub.journal import Entry
from hub.overrides import OVERRIDE, OVERRIDE_END, OVERRIDES_REMEMBERED_MS, Row, Rulings
from hub.rule_sets import RULES, KeptSet
from hub.settings import Settings
from rules.loader import RuleMistakes

ACTS = frozenset({RULES, OVERRIDE, OVERRIDE_END})
MISTAKES_TOLD_MAX = 20


@dataclass(frozen=True, slots=True)
class _Ready:
    """What was read for an order."""

    rulings: Rulings | None = None  # None: nothing is to be changed
    kept: KeptSet | None = None
    row: Row | None = None
    trouble: dict[str, Any] | None = None


@dataclass(slots=True)
class _Now:
    """What is in force, in memory: orders of one slice are written together, after the last."""

    kept: KeptSet
    rows: dict[int, Row]

    def rows_since(self, ended_after_ms: int) -> list[Row]:
        """Overrides that matter still, in the order of their giving."""
        self.rows = {key: row for key, row in self.rows.items() if row.until_ms > ended_after_ms}
        return [self.rows[key] for key in sorted(self.rows)]


class RuleOrders:
    """Reads for an order, then applies it."""

    def __init__(self, engine: Engine, docket: Docket, settings: Settings) -> None:
        self._engine = engine
        self._docket = docket
        self._settings = settings
        self._ready: dict[int, _Ready] = {}
        self._now: _Now | None = None

    async def prepare(self, entry: Entry) -> None:
        """Read what the order needs, in a thread."""
        if (entry.body or {}).get("act") in ACTS:
            self._ready[entry.seq] = await asyncio.to_thread(self._read, entry)

    def apply(self, entry: Entry, ledger: Ledger, now_ms: int) -> None:
        """Change the judge, and write what came of it."""
        ready, body = self._ready.pop(entry.seq), entry.body or {}
        if ready.trouble is not None:
            ledger.results.append(result(entry.seq, ready.trouble, ok=False))
        elif body["act"] == RULES:
            self._apply_set(entry, ready, ledger, now_ms)
        else:
            self._apply_override(entry, ready, ledger, now_ms)

    # -- another set -----------------------------------------------------------------------------

    def _read(self, entry: Entry) -> _Ready:
        body, after_ms = entry.body or {}, entry.arrived_ms - OVERRIDES_REMEMBERED_MS
        if self._now is None:
            self._now = self._load(after_ms)
        rows = self._now.rows_since(after_ms)
        if body["act"] == RULES:
            return self._read_set(body, self._now.kept, rows)
        return self._read_override(entry, body, self._now.kept, rows)

    def _load(self, after_ms: int) -> _Now:
        with self._engine.connect() as connection:
            kept = rule_sets.in_force(connection)
            rows = overrides.since(connection, after_ms)
        assert kept is not None  # the hub began with a set
        return _Now(kept, {row.id: row for row in rows})

    def _read_set(self, body: Mapping[str, Any], current: KeptSet, rows: list[Row]) -> _Ready:
        with self._engine.connect() as connection:
            kept = rule_sets.find(connection, int(body["set"]))
        if kept is None:
            return _Ready(trouble=problem("no_such_set", "没有这组规则", "These rules are gone."))
        if current.digest == kept.digest:
            return _Ready(kept=kept)
        try:
            hears = self._docket.judge.rules.hears_presses
            rule_files.check(kept.texts, hears_presses=hears)
            return _Ready(overrides.with_overrides(kept.texts, rows), kept)
        except RuleMistakes as error:
            return _Ready(trouble=trouble_of(error))

    def _apply_set(self, entry: Entry, ready: _Ready, ledger: Ledger, now_ms: int) -> None:
        assert ready.kept is not None
        diff: Mapping[str, Any] = rule_sets.NOTHING
        if ready.rulings is not None:
            diff = self._docket.change_rules(ready.rulings, entry, ledger, now_ms)
            columns = rule_sets.applied(ready.rulings.files, diff, now_ms)
            assert self._now is not None
            self._now.kept = ready.kept
            ledger.rule_sets.append((ready.kept.id, columns))
            told = {"what": "rules", "by": ready.kept.by, **diff}
            ledger.changes.append(_change("rules", str(ready.kept.id), told, now_ms))
        body = {"set": ready.kept.id, "changed": ready.rulings is not None, "diff": dict(diff)}
        ledger.results.append(result(entry.seq, body))

    # -- overrides -------------------------------------------------------------------------------

    def _read_override(
        self, entry: Entry, body: Mapping[str, Any], current: KeptSet, rows: list[Row]
    ) -> _Ready:
        row = _begun(entry, body) if body["act"] == OVERRIDE else _ended(entry, body, rows)
        if row is None:
            zh, en = "没有这条例外，或它已结束", "There is no such override, or it has ended."
            return _Ready(trouble=problem("no_such_override", zh, en))
        if body["act"] == OVERRIDE:
            wrong = overrides.mistakes_of(row, self._docket.judge.rules)
            if wrong:
                return _Ready(trouble=trouble_of(RuleMistakes([one for _, one in wrong])))
        others = [one for one in rows if one.id != row.id]
        together = sorted([*others, row], key=lambda one: one.id)
        return _Ready(overrides.with_overrides(current.texts, together), row=row)

    def _apply_override(self, entry: Entry, ready: _Ready, ledger: Ledger, now_ms: int) -> None:
        assert ready.rulings is not None
        assert ready.row is not None
        self._docket.judge.change_overrides(ready.rulings.own, entry.seq, entry.arrived_ms)
        assert self._now is not None
        self._now.rows[ready.row.id] = ready.row
        ledger.overrides.append(ready.row.columns())
        told = {"what": str((entry.body or {})["act"]), "rule": ready.row.rule}
        ledger.changes.append(_change("rules", ready.row.rule, told, now_ms))
        shown = {"id": ready.row.id, "until_ms": ready.row.until_ms}
        ledger.results.append(result(entry.seq, {"override": shown}))


def _begun(entry: Entry, body: Mapping[str, Any]) -> Row:
    asked: dict[str, Any] = body["override"]
    return Row(
        id=entry.seq,
        rule=str(asked["rule"]),
        body={**asked, "by": body["by"]},
        by=str(body["by"]),
        reason=str(asked["reason"]),
        since_ms=entry.arrived_ms,
        until_ms=int(body["until_ms"]),
    )


def _ended(entry: Entry, body: Mapping[str, Any], rows: list[Row]) -> Row | None:
    found = next((row for row in rows if row.id == body["override"]), None)
    if found is None or found.until_ms <= entry.arrived_ms:
        return None
    return replace(found, until_ms=entry.arrived_ms, ended_by=str(body["by"]))


def trouble_of(error: RuleMistakes) -> dict[str, Any]:
    """Mistakes as a refusal of the judge carries them."""
    told = "\n".join(str(one) for one in error.mistakes[:MISTAKES_TOLD_MAX])
    return problem("wrong_rules", told, told)


def _change(kind: str, key: str, body: Mapping[str, Any], now_ms: int) -> dict[str, Any]:
    return {"kind": kind, "key": key, "body_json": encode(dict(body)), "at_ms": now_ms}
