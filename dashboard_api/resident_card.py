"""The card of a resident for whoever helps: contacts, key, notes, neighbours, staff nearest.

Reading the card and writing down who read it are one transaction: nobody reads it unseen.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dashboard_api import queries
from dashboard_api.access import Viewer
from dashboard_api.deps import Parts
from dashboard_api.nearest import neighbours, staff_nearest
from hub.database import for_writing, looks, places, residents
from hub.people import roster_of_site

NEIGHBOURS_SHOWN = 6


def note_look(
    connection: Connection, viewer: Viewer, resident_id: str, case_id: str | None, now_ms: int
) -> None:
    """Somebody is shown this resident's card."""
    row = {"resident_id": resident_id, "case_id": case_id, "at_ms": now_ms, "by": viewer.actor}
    connection.execute(looks.insert().values(**row, phone=viewer.phone))


def looks_of_case(connection: Connection, case_id: str) -> list[queries.Row]:
    """Who looked at the card because of this case."""
    query = looks.select().where(looks.c.case_id == case_id).order_by(looks.c.id)
    return queries.rows_of(connection, query)


def looks_of_resident(connection: Connection, resident_id: str, limit: int) -> list[queries.Row]:
    """Who looked at it last, the newest first."""
    query = looks.select().where(looks.c.resident_id == resident_id)
    return queries.rows_of(connection, query.order_by(looks.c.id.desc()).limit(limit))


def card_for(its: Parts, viewer: Viewer, case: queries.Row) -> dict[str, Any]:
    """Everything that helps in this case; of a case about nobody, who is nearest."""
    now_ms = its.clock.now_ms()
    with for_writing(its.engine).begin() as connection:
        card = None
        if case["resident_id"]:
            card = queries.resident(connection, case["resident_id"])
            note_look(connection, viewer, case["resident_id"], case["id"], now_ms)
        return {
            "case": case,
            "card": card,
            "neighbours": _neighbours(connection, case["place"]),
            **_staff(its, connection, case["grid"], now_ms),
        }


def _neighbours(connection: Connection, place: str | None) -> list[queries.Row]:
    around = (place or "").rpartition("/")[0]
    if not around:
        return []
    query = (
        sa.select(residents, places.c.name_zh.label("place_zh"), places.c.name_en.label("place_en"))
        .outerjoin(places, places.c.path == residents.c.place)
        .where(residents.c.place.startswith(f"{around}/", autoescape=True))
    )
    return neighbours(place or "", queries.rows_of(connection, query), NEIGHBOURS_SHOWN)


def _staff(
    its: Parts, connection: Connection, grid: str | None, now_ms: int
) -> dict[str, list[queries.Row]]:
    grids = {one["id"]: one for one in queries.all_grids(connection)}
    roster = roster_of_site(its.site)
    stands_in = roster.next_grid(grid)
    shifts = queries.running_shifts(connection, now_ms)
    roles = [
        {"role": one.role, "name": one.name, "phone": one.phone}
        for one in its.site.roles
        if one.phone and one.grid is None
    ]
    return {"staff": staff_nearest(grid, stands_in, shifts, grids), "roles": roles, "grids": grids}  # type: ignore[dict-item]
