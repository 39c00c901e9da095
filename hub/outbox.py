"""The outbox: notices that wait, were sent, or were given up.

The judge puts notices in within its own transaction, so none is lost and none is invented; the
deliverer takes those that are due and notes what became of them. Within one case and channel the
order of `id` is kept: only the oldest waiting notice (the *head*) of each is ever taken.
A notice that was sent but not yet noted when the hub fell is sent again; its id tells the receiver.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.database import changes, notices

WAITING, SENT, GIVEN_UP = "waiting", "sent", "given_up"


class NewNotice(NamedTuple):
    """A notice that the judge wants told. `body_json` is the message as it will be sent.

    For the channel `down` the body is `{"family", "device", "case", "state"}`: where to, and what.
    """

    case_id: str
    channel: str
    reason: str
    body_json: str
    created_ms: int
    due_ms: int
    role: str | None = None


class Notice(NamedTuple):
    """A kept notice. `tries` counts the tries that have failed so far."""

    id: int
    case_id: str
    channel: str
    role: str | None
    reason: str
    body_json: str
    created_ms: int
    due_ms: int
    tries: int


class Outcome(NamedTuple):
    """What became of one try. `due_ms` is when to try again, if it is still waiting."""

    notice: Notice
    state: str
    at_ms: int
    due_ms: int
    error: str | None = None


_COLUMNS = [notices.c[name] for name in Notice._fields]


def put(connection: Connection, rows: Sequence[NewNotice]) -> None:
    """Keep new notices in their order, in the caller's transaction."""
    if rows:
        connection.execute(notices.insert(), [row._asdict() for row in rows])


def heads(
    connection: Connection, channel: str, cases_busy: Collection[str], limit: int
) -> list[Notice]:
    """The oldest waiting notice of every case that is not busy, soonest due first."""
    oldest = (
        sa.select(sa.func.min(notices.c.id))
        .where(notices.c.state == WAITING, notices.c.channel == channel)
        .where(notices.c.case_id.not_in(cases_busy))
        .group_by(notices.c.case_id)
    )
    query = sa.select(*_COLUMNS).where(notices.c.id.in_(oldest))
    rows = connection.execute(query.order_by(notices.c.due_ms, notices.c.id).limit(limit))
    return [Notice(*row) for row in rows]


def of_other_channels(connection: Connection, channels: Iterable[str], limit: int) -> list[Notice]:
    """Waiting notices for channels that are not set up."""
    query = sa.select(*_COLUMNS).where(
        notices.c.state == WAITING, notices.c.channel.not_in(list(channels))
    )
    return [Notice(*row) for row in connection.execute(query.order_by(notices.c.id).limit(limit))]


_NOTE = (
    notices.update()
    .where(notices.c.id == sa.bindparam("its_id"))
    .values({name: sa.bindparam(name) for name in ("tries", "state", "due_ms", "done_ms")})
    .values(last_error=sa.bindparam("last_error"))
)


def note(connection: Connection, outcomes: Sequence[Outcome]) -> None:
    """Write what became of tries, and tell the live feed: sent, given up, or failed for now."""
    if outcomes:
        connection.execute(_NOTE, [_noted(outcome) for outcome in outcomes])
        connection.execute(changes.insert(), [_change(outcome) for outcome in outcomes])


def _noted(outcome: Outcome) -> dict[str, Any]:
    return {
        "its_id": outcome.notice.id,
        "tries": outcome.notice.tries + 1,
        "state": outcome.state,
        "due_ms": outcome.due_ms,
        "done_ms": None if outcome.state == WAITING else outcome.at_ms,
        "last_error": outcome.error,
    }


def forget(connection: Connection, before_ms: int, rows_max: int) -> int:
    """Remove the oldest notices that were sent or given up before that; how many went."""
    old = (
        sa.select(notices.c.id)
        .where(notices.c.state != WAITING, notices.c.done_ms < before_ms)
        .order_by(notices.c.id)
        .limit(rows_max)
    )
    return connection.execute(notices.delete().where(notices.c.id.in_(old))).rowcount


def _change(outcome: Outcome) -> dict[str, str | int]:
    notice = outcome.notice
    body = {
        "id": notice.id,
        "case": notice.case_id,
        "channel": notice.channel,
        "role": notice.role,
        "reason": notice.reason,
        "state": outcome.state,
        "tries": notice.tries + 1,
        "error": outcome.error,
    }
    return {
        "kind": "notice",
        "key": str(notice.id),
        "body_json": msgspec.json.encode(body).decode(),
        "at_ms": outcome.at_ms,
    }
