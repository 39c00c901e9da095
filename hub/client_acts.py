"""Acts that a phone or a page named itself: sent twice from a cellar, done once.

The command and its sender's name for it are written in one transaction. The same name again gives
the number of the first command, and nothing is written; for something else it is refused.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.database import client_acts
from hub.journal import COMMAND, Entry, append

ID_CHARACTERS_MAX = 64
_NOT_COMPARED = frozenset(
    # What a second sending may vary: who is on duty by now, what the hub adds at its moment.
    {"at_ms", "made_at_ms", "phone", "by", "day", "stops", "scanned_place"}
)


class IdUsed(Exception):
    """The name stands for another act already."""


def keep_once(
    connection: Connection, client_id: str | None, by: str, body: Mapping[str, Any], now_ms: int
) -> tuple[int, bool]:
    """The command's number, and whether it is new. `by` is the account whose phone sends it.

    The connection must hold the writer's place (`for_writing`). Raises `IdUsed`.
    """
    if client_id is None:
        return append(connection, [Entry(0, COMMAND, None, now_ms, body=dict(body))]), True
    digest = digest_of(body)
    query = sa.select(client_acts).where(client_acts.c.id == client_id)
    known = connection.execute(query).first()
    if known is not None:
        if (known.by, known.digest) != (by, digest):
            raise IdUsed(client_id)
        return int(known.seq), False
    seq = append(connection, [Entry(0, COMMAND, None, now_ms, body=dict(body))])
    row = {"id": client_id, "by": by, "digest": digest, "seq": seq, "at_ms": now_ms}
    connection.execute(client_acts.insert().values(row))
    return seq, True


def is_known(connection: Connection, client_id: str) -> bool:
    """Was an act of that name kept?"""
    query = sa.select(client_acts.c.seq).where(client_acts.c.id == client_id)
    return connection.execute(query).first() is not None


def digest_of(body: Mapping[str, Any]) -> str:
    """Of what is asked for, whoever asks and whenever."""
    asked = {name: value for name, value in body.items() if name not in _NOT_COMPARED}
    return hashlib.sha256(msgspec.json.encode(asked, order="deterministic")).hexdigest()


def forget(connection: Connection, before_ms: int, rows_max: int) -> int:
    """Remove the oldest; how many went."""
    old = (
        sa.select(client_acts.c.id)
        .where(client_acts.c.at_ms < before_ms)
        .order_by(client_acts.c.at_ms)
        .limit(rows_max)
    )
    return connection.execute(client_acts.delete().where(client_acts.c.id.in_(old))).rowcount
