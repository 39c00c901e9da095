"""The outbox: notices that wait, were sent, or were given up.

The judge puts notices in within its own transaction, so none is lost and none is invented; the
deliverer takes those that are due and notes what became of them. Within a line (one case, channel
and address; calls apart from news) the order of `id` is kept: only its oldest waiting notice (the
*head*) is ever taken. So a call never waits behind news that is held back or tried again.
A notice that was sent but not yet noted when the hub fell is sent again; its id tells the receiver.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.database import changes, notices
from rules.notice import Reason

WAITING, SENT, GIVEN_UP = "waiting", "sent", "given_up"

Line = tuple[str, str | None, bool]  # case, address, is it of calls


class NewNotice(NamedTuple):
    """A notice that the judge wants told. `body_json` is the message as it will be sent.

    For the channel `down` the body is `{"family", "device", "case", "state"}`: where to, and what;
    of another ecosystem `{"topic", "payload", "case", "state"}`, the payload's bytes in base64.
    `recipient` is a contact of the roster, `address` where it is on the channel; `ways_json`, of a
    call, lists `[channel, address]` of the ways to try when this one fails.
    """

    case_id: str
    channel: str
    reason: str
    body_json: str
    created_ms: int
    due_ms: int
    role: str | None = None
    recipient: str | None = None
    address: str | None = None
    ways_json: str | None = None


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
    recipient: str | None = None
    address: str | None = None
    ways_json: str | None = None

    @property
    def is_call(self) -> bool:
        """Is somebody asked to answer?"""
        return self.reason == Reason.CALL

    @property
    def line(self) -> Line:
        """Notices of one line go one after the other: of one case, to one address."""
        return self.case_id, self.address, self.is_call


class Outcome(NamedTuple):
    """What became of one try. `due_ms` is when to try again, if it is still waiting.

    `note` is kept with it (`unconfirmed`); not `tried`: the channel's own limit held it back.
    """

    notice: Notice
    state: str
    at_ms: int
    due_ms: int
    error: str | None = None
    note: str | None = None
    tried: bool = True

    @property
    def tries(self) -> int:
        """Tries so far, this one counted if it was one."""
        return self.notice.tries + self.tried


_COLUMNS = [notices.c[name] for name in Notice._fields]
_IS_CALL = sa.case((notices.c.reason == str(Reason.CALL), "call"), else_="news")
_LINE = notices.c.case_id + "|" + _IS_CALL + "|" + sa.func.coalesce(notices.c.address, "")


def _line_key(case_id: str, address: str | None, is_call: bool) -> str:
    return f"{case_id}|{'call' if is_call else 'news'}|{address or ''}"


def put(connection: Connection, rows: Sequence[NewNotice]) -> None:
    """Keep new notices in their order, in the caller's transaction."""
    if rows:
        connection.execute(notices.insert(), [row._asdict() for row in rows])


def heads(
    connection: Connection,
    channel: str,
    busy: Collection[Line],
    limit: int,
) -> list[Notice]:
    """The oldest waiting notice of every line that is not busy, soonest due first."""
    oldest = (
        sa.select(sa.func.min(notices.c.id))
        .where(notices.c.state == WAITING, notices.c.channel == channel)
        .where(_LINE.not_in([_line_key(*line) for line in busy]))
        .group_by(notices.c.case_id, notices.c.address, _IS_CALL)
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
    .values(last_error=sa.bindparam("last_error"), note=sa.bindparam("note"))
)


def note(connection: Connection, outcomes: Sequence[Outcome]) -> None:
    """Write what became of tries, and tell the live feed: sent, given up, or failed for now.

    What is about no case (`@canary/…`) is no news for a page.
    """
    if outcomes:
        connection.execute(_NOTE, [_noted(outcome) for outcome in outcomes])
    news = [_change(one) for one in outcomes if not one.notice.case_id.startswith("@")]
    if news:
        connection.execute(changes.insert(), news)


def _noted(outcome: Outcome) -> dict[str, Any]:
    return {
        "its_id": outcome.notice.id,
        "tries": outcome.tries,
        "state": outcome.state,
        "due_ms": outcome.due_ms,
        "done_ms": None if outcome.state == WAITING else outcome.at_ms,
        "last_error": outcome.error,
        "note": outcome.note,
    }


def clock_set_back(connection: Connection, back_ms: int, now_ms: int) -> None:
    """What waits for a moment of the clock as it was waits as long by the clock as it is."""
    earlier = sa.func.max(notices.c.due_ms - back_ms, now_ms)
    waiting = sa.and_(notices.c.state == WAITING, notices.c.due_ms > now_ms)
    connection.execute(notices.update().where(waiting).values(due_ms=earlier))


def forget(connection: Connection, before_ms: int, rows_max: int) -> int:
    """Remove the oldest notices that were sent or given up before that; how many went."""
    old = (
        sa.select(notices.c.id)
        .where(notices.c.state != WAITING, notices.c.done_ms < before_ms)
        .order_by(notices.c.id)
        .limit(rows_max)
    )
    return connection.execute(notices.delete().where(notices.c.id.in_(old))).rowcount


def forget_channel(connection: Connection, channel: str, before_ms: int, rows_max: int) -> int:
    """The same for one channel, whatever became of its notices; how many went."""
    old = (
        sa.select(notices.c.id)
        .where(notices.c.channel == channel, notices.c.created_ms < before_ms)
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
        "recipient": notice.recipient,
        "reason": notice.reason,
        "state": outcome.state,
        "tries": outcome.tries,
        "error": outcome.error,
        "note": outcome.note,
    }
    return {
        "kind": "notice",
        "key": str(notice.id),
        "body_json": msgspec.json.encode(body).decode(),
        "at_ms": outcome.at_ms,
    }
