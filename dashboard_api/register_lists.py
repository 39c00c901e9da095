"""Lists of residents and devices as pages and tables (CSV) show them: searched and filtered.

What the database cannot tell (who can be reached, what is silent) is worked out for all rows first:
a few thousand residents and ten thousand devices are read in a fraction of a second.
"""

from collections.abc import Collection
from typing import Any, NamedTuple
from urllib.parse import urlencode

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dashboard_api import figures, queries
from dashboard_api.deps import Parts
from hub.coverage import find_coverage
from hub.register import DEVICES, RESIDENTS, Kind, write_sheet


class Wanted(NamedTuple):
    """Which rows; what is empty does not matter."""

    words: str = ""
    grid: str = ""
    family: str = ""  # of devices
    state: str = ""  # residents: reached, missed, no_button; devices: working, silent
    tag: str = ""

    def query(self, page: int = 1) -> str:
        """As the part of an address after the question mark."""
        named = {"q": self.words, "grid": self.grid, "family": self.family}
        named |= {"state": self.state, "tag": self.tag, "page": str(page) if page > 1 else ""}
        return urlencode({name: value for name, value in named.items() if value})


class Turn(NamedTuple):
    """One page of a list, and where it is in the whole."""

    page: int
    first: int
    last: int
    total: int
    more: bool


def turn_of(rows: list[Any], page: int, rows_max: int) -> tuple[list[Any], Turn]:
    """The rows of a page."""
    begin = (page - 1) * rows_max
    shown = rows[begin : begin + rows_max]
    total = len(rows)
    turn = Turn(page, begin + 1, begin + len(shown), total, total > begin + rows_max)
    return shown, turn


def residents_of(its: Parts, connection: Connection, wanted: Wanted) -> list[queries.Row]:
    """Residents with what is known of their cover: `reach`, None for one without a button."""
    rows = queries.all_residents(connection, wanted.words, None)
    reach = {
        one.resident_id: one for one in find_coverage(connection, its.settings, its.clock.now_ms())
    }
    shown = [row | {"reach": reach.get(row["id"])} for row in rows]
    return [row for row in shown if _fits_resident(row, wanted)]


def _fits_resident(row: queries.Row, wanted: Wanted) -> bool:
    return (
        wanted.grid in ("", row["grid"])
        and (not wanted.tag or wanted.tag in row["tags"])
        and wanted.state in ("", _reached(row))
    )


def _reached(row: queries.Row) -> str:
    if row["reach"] is None:
        return "no_button"
    return "reached" if row["reach"].reachable else "missed"


def devices_of(its: Parts, connection: Connection, wanted: Wanted) -> list[queries.Row]:
    """Devices with `alive` and the name of whom they serve."""
    now_ms = its.clock.now_ms()
    found = queries.find_devices(
        connection, words=wanted.words, family=wanted.family or None, grid=wanted.grid or None
    )
    shown = [row | {"alive": figures.is_alive(row, now_ms)} for row in found]
    return [row for row in shown if _fits_device(row, wanted)]


def devices_on_page(
    its: Parts, connection: Connection, wanted: Wanted, page: int
) -> tuple[list[queries.Row], Turn]:
    """A page of the same; where the database alone can tell, it reads no more than that."""
    rows_max = its.settings.page_rows_max
    if wanted.state or wanted.tag:
        return turn_of(devices_of(its, connection, wanted), page, rows_max)
    begin, now_ms = (page - 1) * rows_max, its.clock.now_ms()
    family, grid = wanted.family or None, wanted.grid or None
    total = queries.count_devices(connection, family, grid, wanted.words)
    found = queries.find_devices(
        connection,
        family=family,
        grid=grid,
        words=wanted.words,
        limit=rows_max,
        offset=begin,
    )
    shown = [row | {"alive": figures.is_alive(row, now_ms)} for row in found]
    turn = Turn(page, begin + 1, begin + len(shown), total, total > begin + rows_max)
    return shown, turn


def _fits_device(row: queries.Row, wanted: Wanted) -> bool:
    state = "working" if row["alive"] else "silent"
    return wanted.state in ("", state) and (not wanted.tag or wanted.tag in row["tags"])


def csv_of(its: Parts, connection: Connection, kind: Kind, wanted: Wanted) -> str:
    """The same rows as a table that `hub import` reads."""
    if not any(wanted):
        return write_sheet(connection, kind)
    find = {RESIDENTS.name: residents_of, DEVICES.name: devices_of}[kind.name]
    keys = [row[kind.key] for row in find(its, connection, wanted)]
    return write_sheet(connection, kind, [kind.table.c[kind.key].in_(keys)])


def tags_of(connection: Connection, kind: Kind) -> list[str]:
    """All tags of a kind, for a choice."""
    tags: set[str] = set()
    for text in connection.execute(sa.select(kind.table.c.tags_json).distinct()).scalars():
        tags.update(queries.decode(text))
    return sorted(tags)


def names_of(connection: Connection, ids: Collection[str]) -> dict[str, str]:
    """Residents' names by id."""
    known = queries.residents_by_id(connection)
    return {one: known[one]["name"] for one in ids if one in known}
