"""Trials: buttons that somebody is testing just now.

A trial begins by a person's command, takes one press and is over; if none comes it ends by itself.
Safe by construction: it takes one press only, only one that happened after it began (a press from
before that arrives late is a call for help), and what it took is on the disk in one transaction
with the press, so that no restart lets it take a second one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.engine import Connection

from device_drivers.reading import Reading
from hub import commissionings
from hub.database import trials

NO_PRESSES = ("cancel",)  # words of a press that test nothing


@dataclass(frozen=True, slots=True)
class Trial:
    """One test of one device; `seq` is its command's number in the journal."""

    device: str
    seq: int
    by: str
    since_ms: int
    until_ms: int


class Taken(NamedTuple):
    """A press that was taken for a trial, with the signal of its message."""

    trial: Trial
    at_ms: int
    arrived_ms: int
    kind: str
    gateway: str | None
    signal: dict[str, float]


class Trials:
    """The trials under way, by device."""

    def __init__(self) -> None:
        self.under_way: dict[str, Trial] = {}
        self._taken: list[Taken] = []

    def load(self, connection: Connection) -> None:
        """Those that an earlier run began and that have taken no press."""
        query = trials.select().where(trials.c.heard_ms.is_(None))
        for row in connection.execute(query).mappings():
            wanted = {name: row[name] for name in Trial.__slots__}
            self.under_way[row["device"]] = Trial(**wanted)

    def begin(self, trial: Trial) -> None:
        """From now on the next press of this device is a test."""
        self.under_way[trial.device] = trial

    def end(self, device: str) -> None:
        """Whatever it says from now on is meant."""
        self.under_way.pop(device, None)

    def take(
        self, device: str, readings: tuple[Reading, ...], arrived_ms: int, gateway: str | None
    ) -> tuple[Reading, ...]:
        """The readings with a press as a test, if it is one; else as they were."""
        trial = self.under_way.get(device)
        if trial is None:
            return readings
        if arrived_ms > trial.until_ms:
            self.end(device)
            return readings
        for place, (point, value, at_ms, _unit) in enumerate(readings):
            if point == "press" and value not in NO_PRESSES:
                assert at_ms is not None
                if at_ms < trial.since_ms:
                    continue  # from before: a call for help
                self.end(device)
                signal = commissionings.signal_of(readings)
                self._taken.append(Taken(trial, at_ms, arrived_ms, str(value), gateway, signal))
                tested = (Reading("press", "test", at_ms), Reading("test_press", value, at_ms))
                return (*readings[:place], *tested, *readings[place + 1 :])
        return readings

    def take_rows(self) -> list[Taken]:
        """The presses that were taken since the last call."""
        taken, self._taken = self._taken, []
        return taken


def put(connection: Connection, rows: Iterable[dict[str, Any]]) -> None:
    """Write trials that begin or end; of one that is newer nothing is changed."""
    for row in rows:
        insert = upsert(trials)
        new = {name: insert.excluded[name] for name in row if name != "device"}
        connection.execute(
            insert.on_conflict_do_update(
                index_elements=["device"], set_=new, where=trials.c.seq < insert.excluded.seq
            ),
            row,
        )


def row_of(trial: Trial, heard_ms: int | None = None) -> dict[str, Any]:
    """A trial as a row of its table."""
    values = {name: getattr(trial, name) for name in Trial.__slots__}
    return {**values, "heard_ms": heard_ms}


def write(connection: Connection, rows: Iterable[Taken]) -> None:
    """Keep that a trial has had its press, and what came of it with the device's commissioning."""
    for taken in rows:
        insert = upsert(trials)
        same = trials.c.seq <= insert.excluded.seq
        connection.execute(
            insert.on_conflict_do_update(
                index_elements=["device"],
                set_={name: insert.excluded[name] for name in row_of(taken.trial)},
                where=same,
            ),
            row_of(taken.trial, taken.arrived_ms),
        )
        commissionings.note_press(
            connection,
            taken.trial.device,
            by=taken.trial.by,
            at_ms=taken.at_ms,
            arrived_ms=taken.arrived_ms,
            kind=taken.kind,
            gateway=taken.gateway,
            signal=taken.signal,
        )


def end(connection: Connection, device: str, seq: int, now_ms: int) -> None:
    """A person ended it before its time."""
    mine = sa.and_(trials.c.device == device, trials.c.seq < seq)
    connection.execute(trials.update().where(mine).values(until_ms=now_ms))
