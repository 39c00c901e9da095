"""The wall screens: to which browser each token belongs, and what each said of itself last.

A screen's token is good in one browser: the first that opens the wall with it gets a key of its
own, and from then on token and key go together. Any other browser is refused, which is written down
and becomes a case. A screen says every few seconds what it shows; one that does not say any more
that it shows what is so is dark. Both are words of the hub's own: see `hub/own_parts.py`.
"""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.engine import Connection

from hub.database import screens, tokens
from hub.users import digest

WALL = "wall"  # the role of a screen's token
CALLER_CHARS_MAX = 200

Row = dict[str, Any]
Admission = Literal["own", "free", "other"]


class Beat(NamedTuple):
    """What a screen says: `live` that what it shows is so now, made of data of `data_ms`.

    `frozen_ms`: how long its page has not moved; `edition`: of the pages that it runs.
    """

    page: str
    live: bool
    data_ms: int | None
    frozen_ms: int
    edition: str
    size: str

    @property
    def shows(self) -> bool:
        """Can somebody who looks at it believe it?"""
        return self.live and self.frozen_ms == 0


class Screen(NamedTuple):
    """What the loop needs of one: when it last showed what is so, when another was refused."""

    name: str
    shown_ms: int | None
    refused_ms: int | None


# -- which browser --------------------------------------------------------------------------------


def admission(connection: Connection, name: str, key: str | None) -> Admission:
    """Whose the token of that name is: this browser's, nobody's yet, or another one's."""
    query = sa.select(screens.c.key_hash).where(screens.c.name == name)
    bound = connection.execute(query).scalar()
    if bound is None:
        return "free"
    return "own" if key is not None and secrets.compare_digest(bound, digest(key)) else "other"


def bind(connection: Connection, name: str, now_ms: int) -> str | None:
    """The key of the browser to which the token belongs now; None: another was faster."""
    key = secrets.token_urlsafe(32)
    put = upsert(screens).values(name=name, key_hash=digest(key), bound_ms=now_ms)
    free = put.on_conflict_do_update(
        index_elements=["name"],
        set_={"key_hash": put.excluded.key_hash, "bound_ms": now_ms},
        where=screens.c.key_hash.is_(None),
    )
    return key if connection.execute(free).rowcount else None


def was_refused(connection: Connection, name: str, since_ms: int) -> bool:
    """Was another browser refused since then?"""
    query = sa.select(screens.c.refused_ms).where(screens.c.name == name)
    refused_ms = connection.execute(query).scalar()
    return refused_ms is not None and refused_ms > since_ms


def refuse(connection: Connection, name: str, caller: str, now_ms: int) -> None:
    """Note that another browser came with this token; `caller` is its address and what it is."""
    row = {"refused_ms": now_ms, "refused_by": caller[:CALLER_CHARS_MAX]}
    connection.execute(screens.update().where(screens.c.name == name).values(row))


def release(connection: Connection, name: str) -> bool:
    """The next browser that comes with the token is its own; it is not expected until then."""
    row = dict.fromkeys(
        ("key_hash", "bound_ms", "shown_ms", "heard_ms", "refused_ms", "refused_by")
    )
    freed = screens.update().where(screens.c.name == name).values(row)
    return bool(connection.execute(freed).rowcount)


# -- what they say --------------------------------------------------------------------------------


def hear(connection: Connection, name: str, beat: Beat, now_ms: int) -> None:
    """Keep what a screen says of itself."""
    row = beat._asdict() | {"heard_ms": now_ms}
    if beat.shows:
        row["shown_ms"] = now_ms
    connection.execute(screens.update().where(screens.c.name == name).values(row))


def all_screens(connection: Connection) -> list[Row]:
    """Every token for screens by name, with what is known of its screen."""
    columns = [column for column in screens.c if column.name not in ("name", "key_hash")]
    query = (
        sa.select(tokens.c.name, *columns)
        .outerjoin(screens, screens.c.name == tokens.c.name)
        .where(tokens.c.role == WALL)
        .order_by(tokens.c.name)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def is_dark(shown_ms: int | None, silence_s: int, now_ms: int) -> bool | None:
    """Does it not show what is so? None: it never did, so nothing is expected of it."""
    return None if shown_ms is None else now_ms - shown_ms > silence_s * 1_000


def known_screens(connection: Connection) -> list[Screen]:
    """The screens that have a token still."""
    rows = all_screens(connection)
    return [Screen(row["name"], row["shown_ms"], row["refused_ms"]) for row in rows]


class Limits(NamedTuple):
    """Beyond them a screen is dark, or the tries of others are over; milliseconds."""

    silence_ms: int
    quiet_ms: int


def states_of(
    known: Sequence[Screen], limits: Limits, since_ms: int, now_ms: int
) -> tuple[Mapping[str, tuple[bool, int]], Mapping[str, tuple[bool, int]]]:
    """Pure: is each screen bright, and is its token nobody else's? Each with since when.

    While the hub's pages did not run no screen could be heard: silence counts from `since_ms`. Who
    never showed anything is not there.
    """
    bright, alone = {}, {}
    for name, shown_ms, refused_ms in known:
        if shown_ms is not None:
            last_ms = max(shown_ms, since_ms)
            bright[name] = now_ms - last_ms <= limits.silence_ms, shown_ms
        if refused_ms is not None:
            quiet = now_ms - refused_ms > limits.quiet_ms
            alone[name] = quiet, now_ms if quiet else refused_ms
    return bright, alone
