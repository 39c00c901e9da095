"""Rounds and inspections of long ago are removed; of each inspection the last one stays.

When an inspection is due again counts from when it was last done, however long ago that was.
"""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.database import inspections_done, rounds


def forget(connection: Connection, before_ms: int, rows_max: int) -> int:
    """Remove at most so many of each that ended before that; how many went."""
    return _forget_rounds(connection, before_ms, rows_max) + _forget_inspections(
        connection, before_ms, rows_max
    )


def _forget_rounds(connection: Connection, before_ms: int, rows_max: int) -> int:
    old = sa.select(rounds.c.id).where(rounds.c.ended_ms < before_ms)
    oldest = old.order_by(rounds.c.id).limit(rows_max)
    return connection.execute(rounds.delete().where(rounds.c.id.in_(oldest))).rowcount


def _forget_inspections(connection: Connection, before_ms: int, rows_max: int) -> int:
    done, later = inspections_done, inspections_done.alias("later")
    again = sa.exists().where(
        later.c.inspection == done.c.inspection,
        later.c.subject == done.c.subject,
        later.c.seq > done.c.seq,
    )
    oldest = sa.select(done.c.seq).where(done.c.at_ms < before_ms, again).limit(rows_max)
    return connection.execute(done.delete().where(done.c.seq.in_(oldest))).rowcount
