"""Floor plans: pictures on which devices are placed by hand, with the history and the way back.

A plan that is taken away stays for `plans_removed_keep_days`, so that it can come back; its marks
stay with it.
"""

from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub import edit_history
from hub.database import devices, floor_plans, plan_marks
from hub.edit_history import Edit
from hub.picture import Picture

MARKS = "plan_marks"  # the kind in the history; its keys are `plan/device`
Row = dict[str, Any]


class NotPlaced(Exception):
    """A mark that cannot be; `code` for programs, the texts for people."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        super().__init__(en)
        self.code, self.zh, self.en = code, zh, en


class Spot(NamedTuple):
    """A place on a plan, 0 … 1 of its width and height."""

    x: float
    y: float


def forget(connection: Connection, before_ms: int, rows_max: int) -> int:
    """Remove at most so many plans, with their marks, that were taken away before that."""
    gone = sa.select(floor_plans.c.id).where(floor_plans.c.removed_ms < before_ms)
    found = connection.execute(gone.order_by(floor_plans.c.id).limit(rows_max)).scalars().all()
    connection.execute(plan_marks.delete().where(plan_marks.c.plan_id.in_(found)))
    return connection.execute(floor_plans.delete().where(floor_plans.c.id.in_(found))).rowcount


_ABOUT = [column for column in floor_plans.c if column.name != "picture"]


def add(
    connection: Connection,
    name: str,
    place: str | None,
    picture: Picture,
    content: bytes,
    by: str,
    now_ms: int,
) -> int:
    """Keep a plan; its number."""
    row = {**picture._asdict(), "name": name, "place": place, "picture": content}
    done = connection.execute(floor_plans.insert().values(**row, added_ms=now_ms, added_by=by))
    assert done.inserted_primary_key is not None
    return int(done.inserted_primary_key[0])


def all_plans(connection: Connection, *, removed: bool = False) -> list[Row]:
    """Those that are there (or were taken away), by name."""
    gone = floor_plans.c.removed_ms.is_not(None)
    query = sa.select(*_ABOUT).where(gone if removed else sa.not_(gone))
    return [dict(row) for row in connection.execute(query.order_by(floor_plans.c.name)).mappings()]


def find(connection: Connection, plan_id: int) -> Row | None:
    """One plan without its picture."""
    row = connection.execute(sa.select(*_ABOUT).where(floor_plans.c.id == plan_id)).mappings()
    found = row.first()
    return None if found is None else dict(found)


def picture_of(connection: Connection, plan_id: int) -> tuple[str, bytes] | None:
    """Media type and content."""
    columns = floor_plans.c.media_type, floor_plans.c.picture
    row = connection.execute(sa.select(*columns).where(floor_plans.c.id == plan_id)).first()
    return None if row is None else (row.media_type, row.picture)


def set_removed(connection: Connection, plan_id: int, by: str, now_ms: int | None) -> bool:
    """Take a plan away (None: put it back). False: there is none."""
    values = {"removed_ms": now_ms, "removed_by": None if now_ms is None else by}
    query = floor_plans.update().where(floor_plans.c.id == plan_id).values(values)
    return connection.execute(query).rowcount > 0


# -- marks ----------------------------------------------------------------------------------------


def marks_of(connection: Connection, plan_id: int) -> list[Row]:
    """Where devices hang, with their names."""
    query = (
        sa.select(
            plan_marks, devices.c.family, devices.c.place, devices.c.name_zh, devices.c.name_en
        )
        .join(devices, devices.c.id == plan_marks.c.device)
        .where(plan_marks.c.plan_id == plan_id)
        .order_by(plan_marks.c.device)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def place_device(
    connection: Connection, plan_id: int, device: str, spot: Spot | None, by: str, now_ms: int
) -> int | None:
    """Put a device there (None: take its mark away); the number of the edit, None if it was so."""
    before = _spot(connection, plan_id, device)
    if before == spot:
        return None
    _write(connection, plan_id, device, spot)
    return edit_history.record(
        connection, (MARKS, f"{plan_id}/{device}"), _row(before), _row(spot), by, now_ms
    )


def undo(connection: Connection, edit: Edit, by: str, now_ms: int) -> int:
    """Take an edit of a mark back. Raises `NotPlaced` if it was moved again since."""
    number, _, device = edit.key.partition("/")
    plan_id = int(number)
    if _row(_spot(connection, plan_id, device)) != edit.after:
        zh, en = "此后又有人移动，不能撤销", "It was moved again since and cannot be taken back."
        raise NotPlaced("changed_since", zh, en)
    before = None if edit.before is None else Spot(**edit.before)
    _write(connection, plan_id, device, before)
    what = MARKS, edit.key
    return edit_history.record(connection, what, edit.after, edit.before, by, now_ms, edit.id)


def _spot(connection: Connection, plan_id: int, device: str) -> Spot | None:
    query = sa.select(plan_marks.c.x, plan_marks.c.y).where(
        plan_marks.c.plan_id == plan_id, plan_marks.c.device == device
    )
    row = connection.execute(query).first()
    return None if row is None else Spot(row.x, row.y)


def _write(connection: Connection, plan_id: int, device: str, spot: Spot | None) -> None:
    mine = sa.and_(plan_marks.c.plan_id == plan_id, plan_marks.c.device == device)
    connection.execute(plan_marks.delete().where(mine))
    if spot is not None:
        row = {"plan_id": plan_id, "device": device, **spot._asdict()}
        connection.execute(plan_marks.insert().values(row))


def _row(spot: Spot | None) -> Row | None:
    return None if spot is None else spot._asdict()
