"""The cases that people work on: the open ones in memory, every change as rows to be written.

The judge's loop is the only one that changes cases. Nothing here writes: `Ledger` gathers the rows
of one step, and `hub/evaluate.py` puts them into one transaction with the judge's own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import Insert
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.engine import Connection

from hub import outbox
from hub.database import alerts, case_log, cases, changes, command_results
from hub.outbox import NewNotice
from rules.case import Case

_FIELDS = {f.name for f in fields(Case)}
_CASE_COLUMNS = tuple(f.name for f in fields(Case))
PREFIX = "C-"
NUMBER_DIGITS = 6  # at least; the millionth case has one more


def encode(value: Any) -> str:
    """JSON text of a value."""
    return msgspec.json.encode(value).decode()


def public(case: Case) -> dict[str, Any]:
    """A case as programs and screens may see it: places, no resident."""
    body = asdict(case)
    del body["resident_id"]
    return body


# What people wrote and who they are stays in the hub: a notice goes out of the house.
_OF_PEOPLE = (
    "answered_by",
    "closed_by",
    "dispatched_to",
    "shelved_by",
    "shelved_reason",
)


def outward(case: Case) -> dict[str, Any]:
    """A case as a notice tells it: what, where, since when and how far, nobody's name."""
    body = public(case)
    for name in _OF_PEOPLE:
        del body[name]
    return body


class AlertRow(NamedTuple):
    """A row of `alerts`, and which of its columns are news if the alert is known already."""

    row: dict[str, Any]
    news: tuple[str, ...]


@dataclass(slots=True)
class Ledger:
    """Rows of one step of the judge, in the order in which they came about."""

    alerts: list[AlertRow] = field(default_factory=list)
    orphans: list[tuple[str, int]] = field(default_factory=list)  # alert, when it ended
    cases: dict[str, Case] = field(default_factory=dict)
    log: list[dict[str, Any]] = field(default_factory=list)
    notices: list[NewNotice] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    results: list[dict[str, Any]] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Is there anything to write?"""
        return bool(
            self.alerts or self.orphans or self.cases or self.log or self.results or self.changes
        )

    def write(self, connection: Connection) -> None:
        """All of it, within the caller's transaction."""
        for alert in self.alerts:
            connection.execute(_upsert(alerts, alert.news), alert.row)
        for case in self.cases.values():
            connection.execute(_upsert(cases, _CASE_COLUMNS), asdict(case))
        for alert_id, now_ms in self.orphans:
            ended = {"closed_at_ms": now_ms, "closed_heard_ms": now_ms}
            connection.execute(alerts.update().where(alerts.c.id == alert_id).values(ended))
        for table, rows in (
            (case_log, self.log),
            (changes, self.changes),
            (command_results, self.results),
        ):
            if rows:
                connection.execute(sa.insert(table), rows)
        outbox.put(connection, self.notices)


@cache
def _upsert(table: sa.Table, news: tuple[str, ...]) -> Insert:
    """Puts a row, or of a known one only `news`. Made once: making a statement is slow."""
    insert = upsert(table)
    changed = {name: insert.excluded[name] for name in news}
    return insert.on_conflict_do_update(index_elements=["id"], set_=changed)


class Cases:
    """Open cases by id and by what they are about."""

    def __init__(self) -> None:
        self.open: dict[str, Case] = {}
        self._about: dict[tuple[str, str], str] = {}
        self._numbers = 0

    def load(self, connection: Connection) -> None:
        """Read the open ones and the highest number given so far."""
        query = cases.select().where(cases.c.closed_at_ms.is_(None))
        for row in connection.execute(query).mappings():
            self.keep(_case(row))
        number = sa.cast(sa.func.substr(cases.c.id, len(PREFIX) + 1), sa.Integer)
        self._numbers = connection.execute(sa.select(sa.func.max(number))).scalar() or 0

    def next_id(self) -> str:
        """A short name that can be said on the phone: C-000123."""
        self._numbers += 1
        return f"{PREFIX}{self._numbers:0{NUMBER_DIGITS}d}"

    def about(self, rule: str, key: str) -> Case | None:
        """The open case of a rule about a device or group."""
        found = self._about.get((rule, key))
        return None if found is None else self.open[found]

    def keep(self, case: Case) -> None:
        """Take the new state of a case; a closed one is let go."""
        if case.closed_at_ms is None:
            self.open[case.id] = case
            self._about[case.rule, case.key] = case.id
        else:
            self.open.pop(case.id, None)
            if self._about.get((case.rule, case.key)) == case.id:  # a newer one may be open
                del self._about[case.rule, case.key]


def find(connection: Connection, case_id: str) -> Case | None:
    """A case by its name, closed ones too."""
    row = connection.execute(cases.select().where(cases.c.id == case_id)).mappings().first()
    return None if row is None else _case(row)


def _case(row: Mapping[Any, Any]) -> Case:
    return Case(**{name: row[name] for name in _FIELDS})


def applied(connection: Connection, seqs: Iterable[int]) -> set[int]:
    """Which of these commands have their answer already."""
    query = sa.select(command_results.c.seq).where(command_results.c.seq.in_(list(seqs)))
    return set(connection.execute(query).scalars())


def forget_changes(connection: Connection, rows_max: int) -> int:
    """Keep the newest `rows_max` rows of the live feed; how many went."""
    newest = connection.execute(sa.select(sa.func.max(changes.c.id))).scalar() or 0
    return connection.execute(changes.delete().where(changes.c.id <= newest - rows_max)).rowcount
