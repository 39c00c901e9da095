"""What pages and programs ask the database: short reads, each with its bound.

Every function takes a connection and gives rows as plain mappings; `shapes.py` and the templates
give them their form. Nothing here writes.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dashboard_api.access import WORK, Viewer
from hub.database import (
    case_log,
    cases,
    changes,
    command_results,
    cursors,
    devices,
    grids,
    health,
    journal,
    latest,
    notices,
    places,
    residents,
    strangers,
)
from rules.rule import GRAVE

Row = dict[str, Any]

_decode = msgspec.json.Decoder().decode

_URGENCY = sa.case(
    {"emergency": 0, "urgent": 1, "warning": 2, "notice": 3}, value=cases.c.severity, else_=4
)
_UNREGISTERED = strangers.c.address.not_in(sa.select(devices.c.address))
_RESIDENT = (
    residents.c.name.label("resident_name"),
    residents.c.birth_year.label("resident_birth_year"),
    residents.c.phone.label("resident_phone"),
)
_PLACE = (
    places.c.name_zh.label("place_zh"),
    places.c.name_en.label("place_en"),
    places.c.kind.label("place_kind"),
)
_GRID = (grids.c.name_zh.label("grid_zh"), grids.c.name_en.label("grid_en"))
_DEVICE = (devices.c.name_zh.label("device_zh"), devices.c.name_en.label("device_en"))


def rows_of(connection: Connection, query: sa.Select[Any]) -> list[Row]:
    """All rows of a query as mappings with names."""
    return [dict(row) for row in connection.execute(query).mappings()]


def _first(connection: Connection, query: sa.Select[Any]) -> Row | None:
    row = connection.execute(query).mappings().first()
    return None if row is None else dict(row)


# -- cases ----------------------------------------------------------------------------------------


def _cases(viewer: Viewer) -> sa.Select[Any]:
    query = (
        sa.select(cases, *_RESIDENT, *_PLACE, *_GRID, *_DEVICE)
        .outerjoin(residents, residents.c.id == cases.c.resident_id)
        .outerjoin(places, places.c.path == cases.c.place)
        .outerjoin(grids, grids.c.id == cases.c.grid)
        .outerjoin(devices, devices.c.id == cases.c.device)
    )
    return query.where(cases.c.category.in_(WORK)) if viewer.role == "crew" else query


def open_cases(connection: Connection, viewer: Viewer, limit: int, before: str = "") -> list[Row]:
    """Open cases, the most urgent and then the oldest first; `before`: what follows that case."""
    order = (_URGENCY, cases.c.raised_at_ms, cases.c.id)
    query = _cases(viewer).where(cases.c.closed_at_ms.is_(None)).order_by(*order)
    if before:
        query = query.where(sa.tuple_(*order) > _place_of(connection, before, order))
    return rows_of(connection, query.limit(limit))


def newest_cases(
    connection: Connection, viewer: Viewer, state: str, limit: int, before: str = ""
) -> list[Row]:
    """Closed (`state` "closed") or all cases, the newest first."""
    order = (cases.c.raised_at_ms, cases.c.id)
    query = _cases(viewer).order_by(*(column.desc() for column in order))
    if state == "closed":
        query = query.where(cases.c.closed_at_ms.is_not(None))
    if before:
        query = query.where(sa.tuple_(*order) < _place_of(connection, before, order))
    return rows_of(connection, query.limit(limit))


def _place_of(connection: Connection, case_id: str, order: Sequence[Any]) -> Any:
    """Where the case that stood last on the page before stands in this order."""
    row = connection.execute(sa.select(*order).where(cases.c.id == case_id)).first()
    return sa.tuple_(*(sa.literal(value) for value in row)) if row else sa.null()


def case(connection: Connection, viewer: Viewer, case_id: str) -> Row | None:
    """One case with what place, grid, device and resident add to it."""
    return _first(connection, _cases(viewer).where(cases.c.id == case_id))


def case_version(connection: Connection, case_id: str) -> tuple[str, int] | None:
    """Category and version of a case."""
    query = sa.select(cases.c.category, cases.c.version).where(cases.c.id == case_id)
    row = connection.execute(query).first()
    return None if row is None else (row.category, row.version)


def story_of(connection: Connection, case_id: str) -> list[Row]:
    """The case's log in its order."""
    query = case_log.select().where(case_log.c.case_id == case_id).order_by(case_log.c.id)
    return [row | {"body": _decode(row["body_json"] or "{}")} for row in rows_of(connection, query)]


def notices_of(connection: Connection, case_ids: Sequence[str]) -> list[Row]:
    """Who was told of these cases, by which channel, with which result."""
    wanted = [column for column in notices.c if column.name != "body_json"]
    query = sa.select(*wanted).where(notices.c.case_id.in_(case_ids)).order_by(notices.c.id)
    return rows_of(connection, query)


def open_counts(connection: Connection) -> dict[str, int]:
    """How many open cases of each severity."""
    query = (
        sa.select(cases.c.severity, sa.func.count())
        .where(cases.c.closed_at_ms.is_(None))
        .group_by(cases.c.severity)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


class OpenTotal(NamedTuple):
    """Open cases of one category, and how many emergencies and urgent ones nobody has answered."""

    cases: int
    unanswered: int


def open_totals(connection: Connection) -> dict[str, OpenTotal]:
    """How many open cases of each category; a category without one is not there."""
    unanswered = sa.func.count().filter(cases.c.state == "raised", cases.c.severity.in_(GRAVE))
    query = (
        sa.select(cases.c.category, sa.func.count(), unanswered)
        .where(cases.c.closed_at_ms.is_(None))
        .group_by(cases.c.category)
    )
    return {row[0]: OpenTotal(row[1], row[2]) for row in connection.execute(query)}


def open_cases_of_device(connection: Connection, viewer: Viewer, device_id: str) -> list[Row]:
    """What is open about a device, the most urgent first."""
    query = _cases(viewer).where(cases.c.closed_at_ms.is_(None), cases.c.device == device_id)
    return rows_of(connection, query.order_by(_URGENCY, cases.c.raised_at_ms))


def devices_of_rules(connection: Connection, rules: str) -> set[str]:
    """Devices about which a case of rules with names that begin so is open and still true."""
    query = sa.select(cases.c.device).where(
        cases.c.closed_at_ms.is_(None),
        cases.c.active,
        cases.c.device.is_not(None),
        cases.c.rule.startswith(rules, autoescape=True),
    )
    return set(connection.execute(query).scalars())


def cases_between(connection: Connection, from_ms: int, to_ms: int) -> list[Row]:
    """What figures need of the cases that the hub heard of in this span."""
    query = sa.select(
        cases.c.category,
        cases.c.severity,
        cases.c.heard_at_ms,
        cases.c.answered_at_ms,
        cases.c.arrived_at_ms,
        cases.c.closed_at_ms,
        cases.c.outcome,
    ).where(cases.c.heard_at_ms >= from_ms, cases.c.heard_at_ms < to_ms)
    return rows_of(connection, query)


def command_result(connection: Connection, seq: int) -> tuple[bool, dict[str, Any]] | None:
    """What the judge said of a command; None: nothing yet."""
    row = connection.execute(command_results.select().where(command_results.c.seq == seq)).first()
    return None if row is None else (bool(row.ok), _decode(row.body_json))


def is_command(connection: Connection, seq: int) -> bool:
    """Is this the number of a person's command?"""
    query = sa.select(journal.c.seq).where(journal.c.seq == seq, journal.c.kind == "command")
    return connection.execute(query).first() is not None


# -- devices --------------------------------------------------------------------------------------


def _devices() -> sa.Select[Any]:
    return (
        sa.select(
            devices,
            latest.c.heard_ms,
            latest.c.gateway.label("heard_by"),
            latest.c.points_json,
            *_PLACE,
            *_GRID,
        )
        .outerjoin(latest, latest.c.device == devices.c.id)
        .outerjoin(places, places.c.path == devices.c.place)
        .outerjoin(grids, grids.c.id == devices.c.grid)
    )


def find_devices(
    connection: Connection,
    *,
    family: str | None = None,
    grid: str | None = None,
    words: str = "",
    after: str = "",
    limit: int | None = None,
    offset: int = 0,
) -> list[Row]:
    """Registered devices by id; `words` is looked for in id, names, place and code."""
    query = _devices().where(devices.c.id > after).order_by(devices.c.id)
    query = query.limit(limit).offset(offset)
    if family is not None:
        query = query.where(devices.c.family == family)
    if grid is not None:
        query = query.where(devices.c.grid == grid)
    if words:
        columns = (devices.c.id, devices.c.name_zh, devices.c.name_en, devices.c.place)
        query = query.where(
            sa.or_(*(c.contains(words, autoescape=True) for c in (*columns, devices.c.code)))
        )
    return [_with_points(row) for row in rows_of(connection, query)]


def device(connection: Connection, device_id: str) -> Row | None:
    """One device with its newest values."""
    row = _first(connection, _devices().where(devices.c.id == device_id))
    return None if row is None else _with_points(row)


def device_by_code(connection: Connection, code: str) -> Row | None:
    """The device behind a QR code."""
    row = _first(connection, _devices().where(devices.c.code == code))
    return None if row is None else _with_points(row)


def _with_points(row: Row) -> Row:
    return {
        **row,
        "points": _decode(row["points_json"] or "{}"),
        "tags": _decode(row["tags_json"]),
    }


# -- people, places, senders ----------------------------------------------------------------------


def resident(connection: Connection, resident_id: str) -> Row | None:
    """A resident's card."""
    row = _first(connection, residents.select().where(residents.c.id == resident_id))
    return None if row is None else _with_lists(row)


def all_residents(connection: Connection, words: str, limit: int, offset: int = 0) -> list[Row]:
    """Residents by grid and place; `words` is looked for in name and place."""
    query = (
        sa.select(residents, *_PLACE, *_GRID)
        .outerjoin(places, places.c.path == residents.c.place)
        .outerjoin(grids, grids.c.id == residents.c.grid)
        .order_by(residents.c.grid, residents.c.place, residents.c.id)
        .limit(limit)
        .offset(offset)
    )
    if words:
        columns = (residents.c.name, residents.c.place, places.c.name_zh)
        query = query.where(sa.or_(*(c.contains(words, autoescape=True) for c in columns)))
    return [_with_lists(row) for row in rows_of(connection, query)]


def _with_lists(row: Row) -> Row:
    return {
        **row,
        "tags": _decode(row["tags_json"]),
        "contacts": _decode(row["contacts_json"]),
    }


def residents_by_id(connection: Connection) -> dict[str, Row]:
    """Every resident, for the question who can be reached."""
    query = sa.select(residents.c.id, residents.c.name, residents.c.place, residents.c.grid)
    return {row["id"]: row for row in rows_of(connection, query)}


def places_by_path(connection: Connection) -> dict[str, Row]:
    """Every named place."""
    return {row["path"]: row for row in rows_of(connection, places.select())}


def newest_strangers(connection: Connection, limit: int) -> list[Row]:
    """Senders that nobody registered, the newest first.

    One that was registered just now stays in the table until the hub's next write: not shown.
    """
    query = (
        strangers.select().where(_UNREGISTERED).order_by(strangers.c.last_ms.desc()).limit(limit)
    )
    return [row | {"newest": _decode(row["newest_json"])} for row in rows_of(connection, query)]


def stranger(connection: Connection, address: str) -> Row | None:
    """One sender that nobody registered."""
    query = strangers.select().where(strangers.c.address == address, _UNREGISTERED)
    return _first(connection, query)


def count_strangers(connection: Connection) -> int:
    """How many senders wait to be registered."""
    query = sa.select(sa.func.count()).select_from(strangers).where(_UNREGISTERED)
    return connection.execute(query).scalar() or 0


def newest_refusals(connection: Connection, limit: int, before: int | None) -> list[Row]:
    """Refused messages, the newest first; `before`: with lower numbers than that."""
    query = journal.select().where(journal.c.kind == "refusal").order_by(journal.c.seq.desc())
    if before is not None:
        query = query.where(journal.c.seq < before)
    return [row | {"body": _decode(row["body"])} for row in rows_of(connection, query.limit(limit))]


# -- the hub itself -------------------------------------------------------------------------------


def health_rows(connection: Connection) -> list[Row]:
    """How each part of the hub is."""
    return rows_of(connection, health.select().order_by(health.c.part))


def newest_change(connection: Connection) -> int:
    """Where the live feed is: a page that is made now follows from here."""
    return connection.execute(sa.select(sa.func.max(changes.c.id))).scalar() or 0


def notice_counts(connection: Connection) -> dict[str, int]:
    """How many notices wait, were sent, were given up."""
    query = sa.select(notices.c.state, sa.func.count()).group_by(notices.c.state)
    return {row[0]: row[1] for row in connection.execute(query)}


def follower_positions(connection: Connection) -> dict[str, int]:
    """How far each follower of the journal has come."""
    query = sa.select(cursors.c.follower, cursors.c.seq)
    return {row.follower: row.seq for row in connection.execute(query)}
