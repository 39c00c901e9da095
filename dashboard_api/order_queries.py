"""What pages and programs ask about work orders, inspections and rounds: short reads, bounded."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dashboard_api.access import WORK
from dashboard_api.queries import Row, decode, first_of, rows_of
from hub.database import cases, devices, grids, inspections_done, places, rounds

# How people who work on an order say how far it is, and the states of the case behind.
OPEN, ACCEPTED, ON_SITE, DONE, CLOSED = "open", "accepted", "on_site", "done", "closed"
STATES = {
    "raised": OPEN,
    "answered": ACCEPTED,
    "dispatched": ACCEPTED,
    "on_site": ON_SITE,
    "dealt_with": DONE,
    "called_back": DONE,
    "closed": CLOSED,
}
NO_PRIORITY = 9  # of orders from before there were priorities: they come last

_PRIORITY = sa.func.coalesce(cases.c.priority, NO_PRIORITY)
_GRID_OF = sa.func.coalesce(cases.c.grid, places.c.grid)
_OF_DEVICE = ("driver", "maker", "model", "cell", "code", "ground")


def _orders() -> sa.Select[Any]:
    return (
        sa.select(
            cases,
            _GRID_OF.label("its_grid"),
            places.c.name_zh.label("place_zh"),
            places.c.name_en.label("place_en"),
            grids.c.name_zh.label("grid_zh"),
            grids.c.name_en.label("grid_en"),
            devices.c.name_zh.label("device_zh"),
            devices.c.name_en.label("device_en"),
            *(devices.c[name] for name in _OF_DEVICE),
        )
        .outerjoin(places, places.c.path == cases.c.place)
        .outerjoin(grids, grids.c.id == _GRID_OF)
        .outerjoin(devices, devices.c.id == cases.c.device)
        .where(cases.c.category.in_(WORK))
    )


def find_orders(
    connection: Connection,
    *,
    state: str = "unclosed",
    limit: int,
    before: str = "",
    **wanted: str | int | None,
) -> list[Row]:
    """Orders that are wanted. `state`: unclosed, all, or one of the words of `STATES`.

    What is not closed comes by priority and age, all else the newest first. `before`: what follows
    that order. `wanted`: grid, ground, place (and below), device, trouble, priority, by (who has or
    did it).
    """
    query = _narrowed(_orders(), wanted)
    oldest_first = state not in ("all", CLOSED)
    if state == "unclosed":
        query = query.where(cases.c.closed_at_ms.is_(None))
    elif state != "all":
        query = query.where(_is_in(state))
    order: tuple[Any, ...] = (_PRIORITY, cases.c.raised_at_ms, cases.c.id)
    if not oldest_first:
        order = (cases.c.raised_at_ms, cases.c.id)
    if before:
        row = connection.execute(sa.select(*order).where(cases.c.id == before)).first()
        last = sa.tuple_(*(sa.literal(value) for value in row)) if row else sa.null()
        here = sa.tuple_(*order)
        query = query.where(here > last if oldest_first else here < last)
    sorted_by = order if oldest_first else [column.desc() for column in order]
    return rows_of(connection, query.order_by(*sorted_by).limit(limit))


def _is_in(word: str) -> sa.ColumnElement[bool]:
    """As `order_words.order_state` says it of a row."""
    named = {
        one: cases.c.state.in_([name for name, its in STATES.items() if its == one])
        for one in (word, DONE)
    }
    undone = sa.and_(named[DONE], cases.c.done_at_ms.is_(None))
    arrived = cases.c.arrived_at_ms.is_not(None)
    if word == DONE:
        return sa.and_(named[DONE], cases.c.done_at_ms.is_not(None))
    if word == ON_SITE:
        return sa.or_(named[word], sa.and_(undone, arrived))
    if word == ACCEPTED:
        return sa.or_(named[word], sa.and_(undone, ~arrived))
    return named[word]


def _narrowed(query: sa.Select[Any], wanted: dict[str, str | int | None]) -> sa.Select[Any]:
    columns = {
        "grid": _GRID_OF,
        "ground": devices.c.ground,
        "device": cases.c.device,
        "trouble": cases.c.trouble,
        "priority": cases.c.priority,
    }
    for name, column in columns.items():
        if wanted.get(name):
            query = query.where(column == wanted[name])
    if wanted.get("place"):
        path = str(wanted["place"])
        below = cases.c.place.startswith(f"{path}/", autoescape=True)
        query = query.where(sa.or_(cases.c.place == path, below))
    if wanted.get("by"):
        by = wanted["by"]
        query = query.where(sa.or_(cases.c.answered_by == by, cases.c.done_by == by))
    return query


def order(connection: Connection, order_id: str) -> Row | None:
    """One order."""
    return first_of(connection, _orders().where(cases.c.id == order_id))


def unclosed_orders(connection: Connection) -> list[Row]:
    """All of them, for a round."""
    return rows_of(connection, _orders().where(cases.c.closed_at_ms.is_(None)))


def closed_since(connection: Connection, by: str, since_ms: int, limit: int) -> list[Row]:
    """Orders that somebody did and that were closed since then, the newest first."""
    query = _orders().where(cases.c.done_by == by, cases.c.closed_at_ms >= since_ms)
    return rows_of(connection, query.order_by(cases.c.closed_at_ms.desc()).limit(limit))


def inspections_of(
    connection: Connection, inspection: str | None, subject: str | None, limit: int
) -> list[Row]:
    """Inspections that were done, the newest first."""
    query = inspections_done.select().order_by(inspections_done.c.seq.desc()).limit(limit)
    if inspection:
        query = query.where(inspections_done.c.inspection == inspection)
    if subject:
        query = query.where(inspections_done.c.subject == subject)
    return [row | {"answers": decode(row["answers_json"])} for row in rows_of(connection, query)]


def find_rounds(connection: Connection, *, is_open: bool, limit: int) -> list[Row]:
    """Rounds, the newest first."""
    query = rounds.select().order_by(rounds.c.id.desc()).limit(limit)
    if is_open:
        query = query.where(rounds.c.ended_ms.is_(None))
    return [_with_stops(row) for row in rows_of(connection, query)]


def round_of(connection: Connection, round_id: int) -> Row | None:
    """One round."""
    row = first_of(connection, rounds.select().where(rounds.c.id == round_id))
    return None if row is None else _with_stops(row)


def count_open_rounds(connection: Connection) -> int:
    """How many rounds are not ended."""
    query = sa.select(sa.func.count()).where(rounds.c.ended_ms.is_(None))
    return connection.execute(query).scalar() or 0


def _with_stops(row: Row) -> Row:
    return row | {"stops": decode(row["stops_json"])}


def ground_names(connection: Connection) -> dict[str, Row]:
    """Grounds that have a device, with their names, by id; its id where a ground has no name."""
    name = {
        f"ground_{language}": sa.func.coalesce(column, devices.c.ground)
        for language, column in (("zh", places.c.name_zh), ("en", places.c.name_en))
    }
    query = (
        sa.select(devices.c.ground, *(column.label(key) for key, column in name.items()))
        .outerjoin(places, places.c.path == devices.c.ground)
        .where(devices.c.ground.is_not(None))
        .distinct()
        .order_by(devices.c.ground)
    )
    return {row["ground"]: row for row in rows_of(connection, query)}
