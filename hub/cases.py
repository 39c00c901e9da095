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

from hub import outbox, trials
from hub.database import (
    alerts,
    case_log,
    cases,
    changes,
    command_results,
    escalations,
    inspections_done,
    out_of_service,
    overrides,
    rounds,
    rule_sets,
    shifts,
    standings,
)
from hub.outbox import NewNotice
from rules.case import Case

_FIELDS = {f.name for f in fields(Case)}
_CASE_COLUMNS = tuple(f.name for f in fields(Case))
LIVE, SHADOW = "live", "shadow"  # of `alerts.mode`
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
    "done_by",
    "done_phone",
)


def outward(case: Case) -> dict[str, Any]:
    """A case as a notice tells it: what, where, since when and how far, nobody's name."""
    body = public(case)
    for name in (*_OF_PEOPLE, *_OF_THE_HUB):
        del body[name]
    return body


# By what a proof, and the press before a cancel, is recognised: of use to nobody else.
_OF_THE_HUB = ("work_since_ms", "work_seq", "work_base", "called_seq")


class AlertRow(NamedTuple):
    """A row of `alerts`, and which of its columns are news if the alert is known already.

    `times` as news is one more than before.
    """

    row: dict[str, Any]
    news: tuple[str, ...]


@dataclass(slots=True)
class Ledger:
    """Rows of one step of the judge, in the order in which they came about."""

    alerts: list[AlertRow] = field(default_factory=list)
    orphans: list[tuple[str, int]] = field(default_factory=list)  # alert, when it ended
    withdrawn: list[str] = field(default_factory=list)  # alerts that happened once less
    cases: dict[str, Case] = field(default_factory=dict)
    log: list[dict[str, Any]] = field(default_factory=list)
    notices: list[NewNotice] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    results: list[dict[str, Any]] = field(default_factory=list)
    trials: list[dict[str, Any]] = field(default_factory=list)
    rule_sets: list[tuple[int, dict[str, Any]]] = field(default_factory=list)  # id, columns
    rules_gone: list[str] = field(default_factory=list)  # their standings go
    overrides: list[dict[str, Any]] = field(default_factory=list)  # new ones, or their new end
    escalations: dict[str, dict[str, Any] | None] = field(default_factory=dict)  # None: it is over
    shifts: list[dict[str, Any]] = field(default_factory=list)
    out_of_service: dict[str, dict[str, Any] | None] = field(default_factory=dict)  # by device
    inspections: list[dict[str, Any]] = field(default_factory=list)
    rounds: dict[int, dict[str, Any]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Is there anything to write?"""
        return bool(
            self.alerts
            or self.orphans
            or self.withdrawn
            or self.cases
            or self.log
            or self.notices
            or self.results
            or self.changes
            or self.escalations
            or self.shifts
            or self.out_of_service
            or self.rounds
        )

    def write(self, connection: Connection) -> None:
        """All of it, within the caller's transaction."""
        for alert in self.alerts:
            connection.execute(_upsert(alerts, alert.news), alert.row)
        for alert_id in self.withdrawn:
            known = alerts.update().where(alerts.c.id == alert_id)
            connection.execute(known.values(times=alerts.c.times - 1))
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
        self._write_rules(connection)
        outbox.put(connection, self.notices)
        trials.put(connection, self.trials)
        self._write_people(connection)

    def _write_people(self, connection: Connection) -> None:
        for case_id, row in self.escalations.items():
            _put_escalation(connection, case_id, row)
        for row in self.shifts:
            connection.execute(_upsert(shifts, tuple(row)), row)
        for device, out in self.out_of_service.items():
            connection.execute(out_of_service.delete().where(out_of_service.c.device == device))
            if out is not None:
                connection.execute(out_of_service.insert(), out)

        if self.inspections:
            connection.execute(sa.insert(inspections_done), self.inspections)
        for row in self.rounds.values():
            connection.execute(_upsert(rounds, tuple(row)), row)

    def _write_rules(self, connection: Connection) -> None:
        for set_id, columns in self.rule_sets:
            connection.execute(rule_sets.update().where(rule_sets.c.id == set_id).values(columns))
        for rule in self.rules_gone:
            theirs = standings.c.key.startswith(f"{rule}|", autoescape=True)
            connection.execute(standings.delete().where(theirs))
        for row in self.overrides:
            connection.execute(_upsert(overrides, ("until_ms", "ended_by")), row)


def _put_escalation(connection: Connection, case_id: str, row: dict[str, Any] | None) -> None:
    connection.execute(escalations.delete().where(escalations.c.case_id == case_id))
    if row is not None:
        connection.execute(escalations.insert(), row)


@cache
def _upsert(table: sa.Table, news: tuple[str, ...]) -> Insert:
    """Puts a row, or of a known one only `news`. Made once: making a statement is slow."""
    insert = upsert(table)
    changed: dict[str, Any] = {name: insert.excluded[name] for name in news}
    if table is alerts and "times" in changed:
        changed["times"] = alerts.c.times + 1
    return insert.on_conflict_do_update(index_elements=["id"], set_=changed)


def open_shadows(connection: Connection) -> list[dict[str, Any]]:
    """Alerts that nobody was told of and that are not over."""
    still = sa.and_(alerts.c.closed_at_ms.is_(None), sa.not_(alerts.c.taken_back))
    query = alerts.select().where(alerts.c.mode == SHADOW, still).order_by(alerts.c.opened_at_ms)
    return [dict(row) for row in connection.execute(query).mappings()]


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
