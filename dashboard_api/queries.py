"""What pages and programs ask the database: short reads, each with its bound.

Every function takes a connection and gives rows as plain mappings; `shapes.py` and the templates
give them their form. Nothing here writes.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dashboard_api.access import WORK, Viewer
from hub.canary import CHANNEL as CANARY
from hub.database import (
    alerts,
    announcements,
    case_log,
    cases,
    changes,
    chatterers,
    clocks,
    command_results,
    cursors,
    devices,
    ghosts,
    grids,
    health,
    journal,
    latest,
    notices,
    out_of_service,
    places,
    residents,
    rhythms,
    shifts,
    strangers,
)
from hub.natural import COLLATION
from rules.rule import GRAVE

Row = dict[str, Any]

decode = msgspec.json.Decoder().decode

_URGENCY = sa.case(
    {"emergency": 0, "urgent": 1, "warning": 2, "notice": 3}, value=cases.c.severity, else_=4
)
UNREGISTERED = sa.and_(
    strangers.c.address.not_in(sa.select(devices.c.address)),
    strangers.c.address.not_in(sa.select(ghosts.c.address)),
)
_WAITING = sa.and_(UNREGISTERED, strangers.c.ignored_ms.is_(None))
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
# What its ecosystem calls a sender that nobody registered: it often says where it hangs.
_SENDER_NAME = (
    sa.select(announcements.c.name)
    .where(announcements.c.address == cases.c.device, announcements.c.name.is_not(None))
    .order_by(announcements.c.at_ms.desc())
    .limit(1)
    .scalar_subquery()
)


def rows_of(connection: Connection, query: sa.Select[Any]) -> list[Row]:
    """All rows of a query as mappings with names."""
    return [dict(row) for row in connection.execute(query).mappings()]


def first_of(connection: Connection, query: sa.Select[Any]) -> Row | None:
    row = connection.execute(query).mappings().first()
    return None if row is None else dict(row)


# -- cases ----------------------------------------------------------------------------------------


def _cases(viewer: Viewer) -> sa.Select[Any]:
    query = (
        sa.select(cases, *_RESIDENT, *_PLACE, *_GRID, *_DEVICE, _SENDER_NAME.label("sender_name"))
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


def waiting_emergencies(connection: Connection, viewer: Viewer, limit: int) -> list[Row]:
    """Emergencies that nobody has answered, the newest first."""
    query = _cases(viewer).where(
        cases.c.closed_at_ms.is_(None),
        cases.c.state == "raised",
        cases.c.category == "emergency",
        cases.c.severity.in_(GRAVE),
    )
    order = (cases.c.raised_at_ms.desc(), cases.c.id.desc())
    return rows_of(connection, query.order_by(*order).limit(limit))


def open_cases_where(
    connection: Connection,
    viewer: Viewer,
    conditions: Sequence[sa.ColumnElement[bool]],
    limit: int,
    offset: int = 0,
) -> list[Row]:
    """Those open cases of which all of it is true, in the order of `open_cases`."""
    query = _cases(viewer).where(cases.c.closed_at_ms.is_(None), *conditions)
    query = query.order_by(_URGENCY, cases.c.raised_at_ms, cases.c.id)
    return rows_of(connection, query.limit(limit).offset(offset))


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
    return first_of(connection, _cases(viewer).where(cases.c.id == case_id))


def case_version(connection: Connection, case_id: str) -> tuple[str, int] | None:
    """Category and version of a case."""
    query = sa.select(cases.c.category, cases.c.version).where(cases.c.id == case_id)
    row = connection.execute(query).first()
    return None if row is None else (row.category, row.version)


def story_of(connection: Connection, case_id: str) -> list[Row]:
    """The case's log in its order."""
    query = case_log.select().where(case_log.c.case_id == case_id).order_by(case_log.c.id)
    return [row | {"body": decode(row["body_json"] or "{}")} for row in rows_of(connection, query)]


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


def count_muted(connection: Connection) -> int:
    """How many open cases of which nobody is told."""
    query = sa.select(sa.func.count()).where(
        cases.c.closed_at_ms.is_(None), cases.c.muted.is_not(None)
    )
    return connection.execute(query).scalar() or 0


class OpenTotal(NamedTuple):
    """Open cases of one category, and how many emergencies and urgent ones nobody has answered.

    `raised`: how many of all severities.
    """

    cases: int
    unanswered: int
    raised: int = 0


def open_total(
    connection: Connection,
    viewer: Viewer,
    conditions: Sequence[sa.ColumnElement[bool]] = (),
) -> OpenTotal:
    """How many open cases a viewer may see (of which all of it is true)."""
    unanswered = sa.func.count().filter(cases.c.state == "raised", cases.c.severity.in_(GRAVE))
    shown = _cases(viewer).where(cases.c.closed_at_ms.is_(None), *conditions)
    raised = sa.func.count().filter(cases.c.state == "raised")
    columns = sa.func.count(), unanswered, raised
    query = shown.with_only_columns(*columns, maintain_column_froms=True)
    return OpenTotal(*connection.execute(query).one())


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


def open_in_grid(connection: Connection, viewer: Viewer, grid: str | None, limit: int) -> list[Row]:
    """Open cases of a grid (None: of the whole site), the most urgent first."""
    query = _cases(viewer).where(cases.c.closed_at_ms.is_(None))
    if grid is not None:
        query = query.where(cases.c.grid == grid)
    return rows_of(connection, query.order_by(_URGENCY, cases.c.raised_at_ms).limit(limit))


def open_by_grid(connection: Connection, viewer: Viewer) -> dict[str | None, OpenTotal]:
    """How many cases are open in each grid, and how many of them nobody has answered."""
    unanswered = sa.func.count().filter(cases.c.state == "raised")
    query = sa.select(cases.c.grid, sa.func.count(), unanswered).where(
        cases.c.closed_at_ms.is_(None)
    )
    if viewer.role == "crew":
        query = query.where(cases.c.category.in_(WORK))
    rows = connection.execute(query.group_by(cases.c.grid))
    return {row[0]: OpenTotal(row[1], row[2]) for row in rows}


def running_shifts(connection: Connection, now_ms: int) -> list[Row]:
    """Who is on duty, by role and grid."""
    query = shifts.select().where(
        shifts.c.ended_ms.is_(None), shifts.c.since_ms <= now_ms, shifts.c.until_ms > now_ms
    )
    return rows_of(connection, query.order_by(shifts.c.role, shifts.c.grid, shifts.c.id))


def open_of_people(connection: Connection) -> dict[str, list[str]]:
    """Which open cases each person has."""
    query = (
        sa.select(cases.c.answered_by, cases.c.id)
        .where(cases.c.closed_at_ms.is_(None), cases.c.answered_by.is_not(None))
        .order_by(cases.c.id)
    )
    found: dict[str, list[str]] = {}
    for person, case_id in connection.execute(query):
        found.setdefault(person, []).append(case_id)
    return found


def all_grids(connection: Connection) -> list[Row]:
    """Every grid by its id."""
    return rows_of(connection, grids.select().order_by(grids.c.id))


def out_of_service_now(connection: Connection, now_ms: int, device_id: str = "") -> list[Row]:
    """Devices out of service (or only this one), with how many open cases are muted by it."""
    muted = (
        sa.select(sa.func.count())
        .where(
            cases.c.device == out_of_service.c.device,
            cases.c.closed_at_ms.is_(None),
            cases.c.muted.is_not(None),
        )
        .scalar_subquery()
        .label("muted")
    )
    query = (
        sa.select(out_of_service, devices.c.name_zh, devices.c.name_en, devices.c.place, muted)
        .outerjoin(devices, devices.c.id == out_of_service.c.device)
        .where(out_of_service.c.until_ms > now_ms)
        .order_by(out_of_service.c.until_ms)
    )
    if device_id:
        query = query.where(out_of_service.c.device == device_id)
    return rows_of(connection, query)


def shelved_cases(connection: Connection, viewer: Viewer, now_ms: int) -> list[Row]:
    """Open cases that were put aside, what ends first before."""
    query = _cases(viewer).where(cases.c.closed_at_ms.is_(None), cases.c.shelved_until_ms > now_ms)
    return rows_of(connection, query.order_by(cases.c.shelved_until_ms))


def devices_of_rules(connection: Connection, rules: str) -> set[str]:
    """Devices about which a case of rules with names that begin so is open and still true."""
    query = sa.select(cases.c.device).where(
        cases.c.closed_at_ms.is_(None),
        cases.c.active,
        cases.c.device.is_not(None),
        cases.c.rule.startswith(rules, autoescape=True),
    )
    return set(connection.execute(query).scalars())


def command_result(connection: Connection, seq: int) -> tuple[bool, dict[str, Any]] | None:
    """What the judge said of a command; None: nothing yet."""
    row = connection.execute(command_results.select().where(command_results.c.seq == seq)).first()
    return None if row is None else (bool(row.ok), decode(row.body_json))


def command_results_of(
    connection: Connection, seqs: Sequence[int]
) -> dict[int, tuple[bool, dict[str, Any]]]:
    """The same of many; what has no word yet is not there."""
    query = command_results.select().where(command_results.c.seq.in_(seqs))
    return {row.seq: (bool(row.ok), decode(row.body_json)) for row in connection.execute(query)}


def severities_of(connection: Connection, viewer: Viewer, ids: Sequence[str]) -> dict[str, str]:
    """Of those of these cases that the viewer may see."""
    query = sa.select(cases.c.id, cases.c.severity, cases.c.category).where(cases.c.id.in_(ids))
    return {row.id: row.severity for row in connection.execute(query) if viewer.sees(row.category)}


def command_body(connection: Connection, seq: int) -> dict[str, Any] | None:
    """What a person's command said; None: it is kept no more."""
    query = sa.select(journal.c.body).where(journal.c.seq == seq, journal.c.kind == "command")
    body = connection.execute(query).scalar()
    return None if body is None else decode(body)


def is_command(connection: Connection, seq: int) -> bool:
    """Is this the number of a person's command?"""
    query = sa.select(journal.c.seq).where(journal.c.seq == seq, journal.c.kind == "command")
    return connection.execute(query).first() is not None


# -- devices --------------------------------------------------------------------------------------


# By how much a clock that is not believed is ahead (behind: below zero); null: it is believed.
_CLOCK_OFFSET_S = sa.case(
    (clocks.c.since_ms.is_not(None), clocks.c.offset_ms / 1_000.0), else_=None
).label("clock_offset_s")


def _devices() -> sa.Select[Any]:
    return (
        sa.select(
            devices,
            sa.func.nullif(latest.c.heard_ms, 0).label("heard_ms"),  # 0: swapped, not heard yet
            latest.c.gateway.label("heard_by"),
            latest.c.points_json,
            latest.c.time_from,
            _CLOCK_OFFSET_S,
            rhythms.c.learned_s,
            rhythms.c.gaps,
            rhythms.c.heard_ms.label("word_ms"),
            *_PLACE,
            *_GRID,
        )
        .outerjoin(latest, latest.c.device == devices.c.id)
        .outerjoin(clocks, clocks.c.device == devices.c.id)
        .outerjoin(rhythms, rhythms.c.device == devices.c.id)
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
    query = _devices().where(devices.c.id > after, *_of_devices(family, grid, words))
    query = query.order_by(devices.c.id).limit(limit).offset(offset)
    return [_with_points(row) for row in rows_of(connection, query)]


def count_devices(
    connection: Connection, family: str | None = None, grid: str | None = None, words: str = ""
) -> int:
    """How many there are of what `find_devices` finds."""
    query = sa.select(sa.func.count()).select_from(devices)
    return connection.execute(query.where(*_of_devices(family, grid, words))).scalar() or 0


def _of_devices(
    family: str | None, grid: str | None, words: str
) -> Iterator[sa.ColumnElement[bool]]:
    if family is not None:
        yield devices.c.family == family
    if grid is not None:
        yield devices.c.grid == grid
    if words:
        names = (devices.c.id, devices.c.name_zh, devices.c.name_en, devices.c.place)
        yield sa.or_(*(c.contains(words, autoescape=True) for c in (*names, devices.c.code)))


def device(connection: Connection, device_id: str) -> Row | None:
    """One device with its newest values."""
    row = first_of(connection, _devices().where(devices.c.id == device_id))
    return None if row is None else _with_points(row)


def device_by_code(connection: Connection, code: str) -> Row | None:
    """The device behind a QR code."""
    row = first_of(connection, _devices().where(devices.c.code == code))
    return None if row is None else _with_points(row)


def device_at(connection: Connection, address: str) -> str | None:
    """The id of the device that is registered at an address."""
    return connection.execute(sa.select(devices.c.id).where(devices.c.address == address)).scalar()


def _with_points(row: Row) -> Row:
    return {
        **row,
        "points": decode(row["points_json"] or "{}"),
        "tags": decode(row["tags_json"]),
    }


# -- people, places, senders ----------------------------------------------------------------------


def resident(connection: Connection, resident_id: str) -> Row | None:
    """A resident's card."""
    row = first_of(connection, residents.select().where(residents.c.id == resident_id))
    return None if row is None else _with_lists(row)


def device_names(connection: Connection) -> dict[str, Row]:
    """What every device is called, by id."""
    query = sa.select(devices.c.id, devices.c.name_zh, devices.c.name_en)
    return {row["id"]: row for row in rows_of(connection, query)}


def devices_of_resident(connection: Connection, resident_id: str) -> list[Row]:
    """The devices that serve somebody."""
    query = sa.select(devices.c.id, devices.c.name_zh, devices.c.name_en, devices.c.family)
    query = query.where(devices.c.resident_id == resident_id).order_by(devices.c.id)
    return rows_of(connection, query)


def _walk(*columns: sa.Column[Any]) -> list[sa.ColumnElement[Any]]:
    return [sa.collate(column, COLLATION) for column in columns]


def all_residents(
    connection: Connection, words: str, limit: int | None, offset: int = 0
) -> list[Row]:
    """Residents by grid and place; `words` is looked for in name and place."""
    query = (
        sa.select(residents, *_PLACE, *_GRID)
        .outerjoin(places, places.c.path == residents.c.place)
        .outerjoin(grids, grids.c.id == residents.c.grid)
        .order_by(*_walk(residents.c.grid, residents.c.place), residents.c.id)
        .limit(limit)
        .offset(offset)
    )
    if words:
        columns = (residents.c.name, residents.c.place, places.c.name_zh, residents.c.phone)
        query = query.where(sa.or_(*(c.contains(words, autoescape=True) for c in columns)))
    return [_with_lists(row) for row in rows_of(connection, query)]


def _with_lists(row: Row) -> Row:
    return {
        **row,
        "tags": decode(row["tags_json"]),
        "contacts": decode(row["contacts_json"]),
    }


def residents_by_id(connection: Connection) -> dict[str, Row]:
    """Every resident, for the question who can be reached."""
    query = sa.select(*(residents.c[name] for name in ("id", "name", "place", "grid", "phone")))
    return {row["id"]: row for row in rows_of(connection, query)}


def residents_of(connection: Connection, ids: Sequence[str]) -> list[Row]:
    """These residents by grid and place, with their names of places."""
    query = (
        sa.select(residents, *_PLACE, *_GRID, sa.func.coalesce(grids.c.id, "").label("grid_order"))
        .outerjoin(places, places.c.path == residents.c.place)
        .outerjoin(grids, grids.c.id == sa.func.coalesce(residents.c.grid, places.c.grid))
        .where(residents.c.id.in_(ids))
        .order_by(*_walk(grids.c.id, residents.c.place), residents.c.id)
    )
    return [_with_lists(row) for row in rows_of(connection, query)]


def is_grid(connection: Connection, grid: str) -> bool:
    """Is there such a grid?"""
    return connection.execute(sa.select(grids.c.id).where(grids.c.id == grid)).first() is not None


def grid_names(connection: Connection) -> dict[str, Row]:
    """The grids with their names, by id."""
    query = sa.select(grids.c.id, *_GRID).order_by(grids.c.id)
    return {row["id"]: row for row in rows_of(connection, query)}


def places_by_path(connection: Connection) -> dict[str, Row]:
    """Every named place."""
    return {row["path"]: row for row in rows_of(connection, places.select())}


def count_strangers(connection: Connection) -> int:
    """How many senders wait to be registered."""
    query = sa.select(sa.func.count()).select_from(strangers).where(_WAITING)
    return connection.execute(query).scalar() or 0


def count_chatterers(connection: Connection) -> int:
    """How many devices talk too much now."""
    query = sa.select(sa.func.count()).select_from(chatterers)
    return connection.execute(query).scalar() or 0


def newest_refusals(connection: Connection, limit: int, before: int | None) -> list[Row]:
    """Refused messages, the newest first; `before`: with lower numbers than that."""
    query = journal.select().where(journal.c.kind == "refusal").order_by(journal.c.seq.desc())
    if before is not None:
        query = query.where(journal.c.seq < before)
    return [row | {"body": decode(row["body"])} for row in rows_of(connection, query.limit(limit))]


# -- the hub itself -------------------------------------------------------------------------------


def health_rows(connection: Connection) -> list[Row]:
    """How each part of the hub is."""
    return rows_of(connection, health.select().order_by(health.c.part))


def newest_change(connection: Connection) -> int:
    """Where the live feed is: a page that is made now follows from here."""
    return connection.execute(sa.select(sa.func.max(changes.c.id))).scalar() or 0


def notice_counts(connection: Connection) -> dict[str, int]:
    """How many notices wait, were sent, were given up; answers to canaries are none."""
    query = sa.select(notices.c.state, sa.func.count()).group_by(notices.c.state)
    query = query.where(notices.c.channel != CANARY)
    return {row[0]: row[1] for row in connection.execute(query)}


def follower_positions(connection: Connection) -> dict[str, int]:
    """How far each follower of the journal has come."""
    query = sa.select(cursors.c.follower, cursors.c.seq)
    return {row.follower: row.seq for row in connection.execute(query)}


def open_alerts_by_rule(connection: Connection) -> dict[str, int]:
    """How many alerts of each rule are open now."""
    opened = sa.and_(alerts.c.closed_at_ms.is_(None), sa.not_(alerts.c.taken_back))
    query = sa.select(alerts.c.rule, sa.func.count()).where(opened).group_by(alerts.c.rule)
    return {row[0]: row[1] for row in connection.execute(query)}


def alerts_of_rule(connection: Connection, rule: str, limit: int) -> list[Row]:
    """A rule's newest alerts."""
    query = alerts.select().where(alerts.c.rule == rule)
    return rows_of(connection, query.order_by(alerts.c.opened_at_ms.desc()).limit(limit))
