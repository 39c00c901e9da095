"""The people whom plans tell, and the devices of which they are told nothing for a while."""

import json
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.database import grids, out_of_service, residents, shifts
from hub.site import Site
from rules.mute import OutOfService
from rules.roster import Relative, Roster, Shift


def roster_of_site(site: Site) -> Roster:
    """The roles and stand-ins that the site's file names."""
    stands_in = {grid.id: grid.stands_in for grid in site.grids if grid.stands_in is not None}
    order = tuple(grid.id for grid in site.grids)
    return Roster(contacts=site.roles, grids=order, stands_in=stands_in)


def roster_of(connection: Connection, roster: Roster) -> Roster:
    """The same with what the database holds: grids, residents' contacts, running shifts."""
    known = connection.execute(sa.select(grids.c.id).order_by(grids.c.id)).scalars()
    order = (*roster.grids, *(grid for grid in known if grid not in roster.grids))
    return replace(
        roster,
        grids=order,
        relatives={row.id: _relatives(row.contacts_json) for row in _residents(connection)},
        shifts=running_shifts(connection),
    )


def _residents(connection: Connection) -> "sa.CursorResult[tuple[str, str]]":
    return connection.execute(sa.select(residents.c.id, residents.c.contacts_json))


def _relatives(contacts_json: str) -> tuple[Relative, ...]:
    return tuple(
        Relative(str(one.get("name", "")), one.get("phone")) for one in json.loads(contacts_json)
    )


def signed_on(connection: Connection, contact: str, now_ms: int) -> str | None:
    """Who is signed on to the duty of a contact (`duty-phone:grid-3`); None: nobody, or several."""
    role, _, grid = contact.partition(":")
    persons = {
        shift.person
        for shift in running_shifts(connection)
        if (shift.role, shift.grid or "") == (role, grid) and shift.since_ms <= now_ms
        if now_ms < shift.until_ms
    }
    return persons.pop() if len(persons) == 1 else None


def running_shifts(connection: Connection) -> tuple[Shift, ...]:
    """Those whose end nobody has looked after yet."""
    rows = connection.execute(shifts.select().where(shifts.c.ended_ms.is_(None)))
    return tuple(
        Shift(row.id, row.role, row.grid, row.person, row.since_ms, row.until_ms, row.by)
        for row in rows
    )


def devices_out_of_service(connection: Connection) -> dict[str, OutOfService]:
    """By device; also those whose end nobody has looked after yet."""
    return {row.device: OutOfService(*row) for row in connection.execute(out_of_service.select())}
