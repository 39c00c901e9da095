"""Sets of rules: which is in force, which were, who asked for each and what it changed.

A set is kept with the texts of its files, so that all processes see the one that the judge has, a
restart takes up just that one, and the version on an alert can be read years later. A new set is
a row here and a command in the journal, in one transaction; the judge applies it at its place in
the log. The newest `rule_sets_keep` sets are kept.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.database import command_results, rule_sets
from hub.journal import COMMAND, Entry, append, newest
from hub.rule_files import Texts, digest_of
from rules.rule import RuleSet

RULES = "rules"  # the act of the command that stands for a new set
HUB = "hub"  # asks when the files have changed
NOTHING: dict[str, list[str]] = {"added": [], "changed": [], "removed": [], "reworded": []}


@dataclass(frozen=True, slots=True)
class KeptSet:
    """A row of `rule_sets`, its JSON read."""

    id: int
    digest: str
    texts: dict[str, str]
    by: str
    asked_ms: int
    seq: int | None  # its command; of a set that the hub began with, what was there before
    applied_ms: int | None
    versions: dict[str, str]
    diff: dict[str, list[str]]


def in_force(connection: Connection) -> KeptSet | None:
    """The set that the judge took last; None before the first start."""
    query = rule_sets.select().where(rule_sets.c.applied_ms.is_not(None))
    # By the place in the log: two that were asked for at once are applied in that order.
    last = query.order_by(rule_sets.c.seq.desc(), rule_sets.c.id.desc()).limit(1)
    row = connection.execute(last).mappings().first()
    return None if row is None else _kept(row)


def find(connection: Connection, set_id: int) -> KeptSet | None:
    """A set by its number."""
    row = connection.execute(rule_sets.select().where(rule_sets.c.id == set_id)).mappings().first()
    return None if row is None else _kept(row)


def newest_asked(connection: Connection) -> KeptSet | None:
    """The set that somebody asked for last and that the judge has not refused."""
    refused = sa.select(command_results.c.seq).where(command_results.c.ok.is_(False))
    taken = rule_sets.c.applied_ms.is_not(None)
    query = rule_sets.select().where(taken | rule_sets.c.seq.not_in(refused))
    row = connection.execute(query.order_by(rule_sets.c.id.desc()).limit(1)).mappings().first()
    return None if row is None else _kept(row)


def history(connection: Connection, limit: int) -> list[dict[str, Any]]:
    """What was applied when, by whom, and what it changed; the newest first, without texts."""
    columns = [rule_sets.c[name] for name in ("id", "by", "asked_ms", "applied_ms", "diff_json")]
    query = sa.select(*columns).where(rule_sets.c.applied_ms.is_not(None))
    rows = connection.execute(query.order_by(rule_sets.c.id.desc()).limit(limit)).mappings()
    return [{**row, "diff": json.loads(row["diff_json"] or "{}") or NOTHING} for row in rows]


def _kept(row: Mapping[Any, Any]) -> KeptSet:
    return KeptSet(
        row["id"],
        row["digest"],
        json.loads(row["files_json"]),
        row["by"],
        row["asked_ms"],
        row["seq"],
        row["applied_ms"],
        json.loads(row["versions_json"] or "{}"),
        json.loads(row["diff_json"] or "{}") or NOTHING,
    )


def begin_with(connection: Connection, texts: Texts, rule_set: RuleSet, now_ms: int) -> None:
    """The hub begins with this set: there was none, or it cannot be read any more."""
    added = {**NOTHING, "added": [rule.name for rule in rule_set.rules]}
    row = _row(texts, HUB, now_ms) | applied(rule_set, added, now_ms)
    connection.execute(rule_sets.insert().values(row | {"seq": newest(connection)}))


def ask_for(connection: Connection, texts: Texts, by: str, now_ms: int, keep: int) -> int:
    """Write a set that was checked, and the command for the judge; the command's number.

    The connection must hold the writer's place.
    """
    made = connection.execute(rule_sets.insert().values(_row(texts, by, now_ms)))
    assert made.inserted_primary_key is not None
    set_id = int(made.inserted_primary_key[0])
    body = {"act": RULES, "set": set_id, "by": by, "at_ms": now_ms}
    seq = append(connection, [Entry(0, COMMAND, None, now_ms, body=body)])
    connection.execute(rule_sets.update().where(rule_sets.c.id == set_id).values(seq=seq))
    current = in_force(connection)
    spared = [set_id] if current is None else [set_id, current.id]
    old = sa.and_(rule_sets.c.id <= set_id - keep, rule_sets.c.id.not_in(spared))
    connection.execute(rule_sets.delete().where(old))
    return seq


def _row(texts: Texts, by: str, now_ms: int) -> dict[str, Any]:
    files = msgspec.json.encode(dict(texts)).decode()
    return {"digest": digest_of(texts), "files_json": files, "by": by, "asked_ms": now_ms}


def applied(rule_set: RuleSet, diff: Mapping[str, Any], now_ms: int) -> dict[str, Any]:
    """The columns that say that the judge has taken a set."""
    versions = {rule.name: rule.version for rule in rule_set.rules}
    return {
        "applied_ms": now_ms,
        "versions_json": msgspec.json.encode(versions).decode(),
        "diff_json": msgspec.json.encode(dict(diff)).decode(),
    }
