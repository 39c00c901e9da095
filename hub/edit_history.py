"""The history of edits: who changed which fields of what, when. Rows are only ever added.

`kind` and `key` name what was changed: a row of the register, a user, a mark on a floor plan.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.database import looks, register_edits

Row = dict[str, Any]


class Edit(NamedTuple):
    """One line of the history. `before` None: it was not there; `after` None: it is no more."""

    id: int
    kind: str
    key: str
    by: str
    at_ms: int
    before: Row | None
    after: Row | None
    undoes: int | None


def record(
    connection: Connection,
    what: tuple[str, str],
    before: Row | None,
    after: Row | None,
    by: str,
    now_ms: int,
    undoes: int | None = None,
) -> int:
    """Write down an edit of `(kind, key)`; its number."""
    row = {"kind": what[0], "key": what[1], "by": by, "at_ms": now_ms, "undoes": undoes}
    row |= {"before_json": _encode(before), "after_json": _encode(after)}
    done = connection.execute(register_edits.insert().values(row))
    assert done.inserted_primary_key is not None
    return int(done.inserted_primary_key[0])


def _encode(values: Row | None) -> str | None:
    return None if values is None else json.dumps(values, ensure_ascii=False)


def history(
    connection: Connection, kind: str, key: str | None = None, limit: int = 50
) -> list[Edit]:
    """The newest edits of a kind, or of one row of it."""
    query = register_edits.select().where(register_edits.c.kind == kind)
    if key is not None:
        query = query.where(register_edits.c.key == key)
    rows = connection.execute(query.order_by(register_edits.c.id.desc()).limit(limit))
    return [_edit(row) for row in rows]


def find(connection: Connection, edit_id: int) -> Edit | None:
    """One edit."""
    row = connection.execute(register_edits.select().where(register_edits.c.id == edit_id)).first()
    return None if row is None else _edit(row)


def _edit(row: Any) -> Edit:
    before, after = (
        None if text is None else json.loads(text) for text in (row.before_json, row.after_json)
    )
    return Edit(row.id, row.kind, row.key, row.by, row.at_ms, before, after, row.undoes)


def newest_id(connection: Connection, kind: str, key: str) -> int:
    """The number of the newest edit of a row; 0: nobody has edited it."""
    query = sa.select(sa.func.max(register_edits.c.id)).where(
        register_edits.c.kind == kind, register_edits.c.key == key
    )
    return connection.execute(query).scalar() or 0


def record_all(
    connection: Connection,
    kind: str,
    changes: Mapping[str, tuple[Row, Row]],
    by: str,
    now_ms: int,
) -> None:
    """Write down many changes of one kind by their keys: the fields before and after."""
    if not changes:
        return
    rows = [
        {
            "kind": kind,
            "key": key,
            "by": by,
            "at_ms": now_ms,
            "before_json": _encode(before),
            "after_json": _encode(after),
        }
        for key, (before, after) in changes.items()
    ]
    connection.execute(register_edits.insert(), rows)


def forget(connection: Connection, before_ms: int, rows_max: int) -> int:
    """Remove at most so many edits, and so many looks at cards, older than that; how many went.

    What people were is not kept for ever: an edit of a resident holds what stood there before.
    """
    gone = 0
    for table in (register_edits, looks):
        old = sa.select(table.c.id).where(table.c.at_ms < before_ms)
        oldest = old.order_by(table.c.id).limit(rows_max)
        gone += connection.execute(table.delete().where(table.c.id.in_(oldest))).rowcount
    return gone
