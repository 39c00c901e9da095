"""Overrides that people give by page or program: kept as rows, read by the very reader of files.

A row holds what would stand in a file, so that the same checks with the same words hold for both.
Ended ones stay, for whoever asks why nobody was told; the judge is given those that ended within
`OVERRIDES_REMEMBERED_MS`, because late news are judged by what held at their own time.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.database import overrides
from hub.rule_files import Texts
from rules.document import Mistake
from rules.loader import RuleMistakes, load_texts, read_override
from rules.override import Override
from rules.rule import RuleSet

log = logging.getLogger(__name__)

OVERRIDE, OVERRIDE_END = "override", "override_end"  # acts of commands
SELECTORS = ("device", "resident", "place", "tags")
KEYS = ("rule", *SELECTORS, "set", "off", "reason", "by", "until")
OVERRIDES_REMEMBERED_MS = 7 * 86_400_000
API = "api"  # the source of an override that stands in no file


@dataclass(frozen=True, slots=True)
class Row:
    """An override as it is kept. `body` has the keys of a file; its `until` is `until_ms`."""

    id: int
    rule: str
    body: dict[str, Any]
    by: str
    reason: str
    since_ms: int
    until_ms: int
    ended_by: str | None = None

    def columns(self) -> dict[str, Any]:
        """As the table has it."""
        body = json.dumps(self.body, ensure_ascii=False)
        own = {name: getattr(self, name) for name in self.__slots__ if name != "body"}
        return own | {"body_json": body}


def since(connection: Connection, ended_after_ms: int) -> list[Row]:
    """Those that are in force, or ended after that moment; in the order of their giving."""
    query = overrides.select().where(overrides.c.until_ms > ended_after_ms)
    return [_row(row) for row in connection.execute(query.order_by(overrides.c.id)).mappings()]


def find(connection: Connection, override_id: int) -> Row | None:
    """One of them."""
    query = overrides.select().where(overrides.c.id == override_id)
    row = connection.execute(query).mappings().first()
    return None if row is None else _row(row)


def newest(connection: Connection, limit: int) -> list[Row]:
    """The newest, ended ones too."""
    query = overrides.select().order_by(overrides.c.id.desc()).limit(limit)
    return [_row(row) for row in connection.execute(query).mappings()]


def count_in_force(connection: Connection, now_ms: int) -> int:
    """How many have not ended."""
    query = sa.select(sa.func.count()).where(overrides.c.until_ms > now_ms)
    return connection.execute(query).scalar() or 0


def _row(row: Mapping[Any, Any]) -> Row:
    body = json.loads(row["body_json"])
    names = ("by", "reason", "since_ms", "until_ms", "ended_by")
    return Row(row["id"], row["rule"], body, *(row[name] for name in names))


# -- reading ---------------------------------------------------------------------------------------


def end_of(text: str, zone: ZoneInfo) -> int | None:
    """The moment of `2026-12-31` (the end of that day at the site) or of a date with time.

    None for what is neither; a time without its offset is the site's.
    """
    try:
        if len(text) == len("2026-12-31"):
            day = date.fromisoformat(text) + timedelta(days=1)
            return round(datetime.combine(day, time.min, zone).timestamp() * 1_000)
        at = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        return None
    return round((at if at.tzinfo else at.replace(tzinfo=zone)).timestamp() * 1_000)


@dataclass(frozen=True, slots=True)
class Rulings:
    """Rules with the overrides of their files, and those given by page or program.

    `left_out`: rows that do not fit the rules any more and have no effect.
    """

    files: RuleSet
    own: tuple[Override, ...] = ()
    left_out: tuple[Row, ...] = ()

    @property
    def together(self) -> RuleSet:
        """All overrides in one set."""
        return replace(self.files, overrides=(*self.files.overrides, *self.own))


def with_overrides(texts: Texts, rows: Sequence[Row]) -> Rulings:
    """The rules of the files, and these overrides of them.

    Raises `RuleMistakes` for the files alone: an override of a rule that is gone, or was edited so
    that its change makes no sense, has no effect and keeps nobody from changing the rules.
    """
    files, own, left_out = load_texts(texts), list[Override](), list[Row]()
    for row in rows:
        try:
            own.append(_dated(read(row, files), row))
        except RuleMistakes as error:
            log.warning("override %d of rule %s has no effect: %s", row.id, row.rule, error)
            left_out.append(row)
    return Rulings(files, tuple(own), tuple(left_out))


def read(row: Row, rules: RuleSet) -> Override:
    """What it means of these rules. Raises `RuleMistakes`."""
    until = datetime.fromtimestamp(row.until_ms / 1_000, UTC).isoformat(timespec="seconds")
    return read_override(_body(row, until), rules, name=str(row.id), source=API)


def _body(row: Row, until: str) -> dict[str, Any]:
    given = {**row.body, "until": until}
    return {key: given[key] for key in KEYS if given.get(key) is not None}


def _dated(one: Override, row: Row) -> Override:
    """A row knows when its override was given; what stands in a file was always so."""
    return replace(
        one,
        source=API,
        id=str(row.id),
        since_ms=row.since_ms,
        until_ms=row.until_ms,
        until_day=None,
    )


def mistakes_of(row: Row, rules: RuleSet) -> list[tuple[str, Mistake]]:
    """What is wrong with a new override of these rules: the field (or empty), and what."""
    try:
        read(row, rules)
    except RuleMistakes as error:
        keys = list(_body(row, ""))
        return [(_field(keys, one), one) for one in error.mistakes]
    return []


def _field(keys: Sequence[str], mistake: Mistake) -> str:
    number = mistake.line - 2  # see `read_override`
    if 0 <= number < len(keys):
        return keys[number]
    return next((key for key in KEYS if f"'{key}'" in mistake.what), "")
