"""What a crew's phone takes along into a cellar: its orders by urgency and way, rounds, codes."""

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel, Field
from sqlalchemy.engine import Connection

from dashboard_api import order_queries, queries
from dashboard_api.access import Viewer
from dashboard_api.order_queries import NO_PRIORITY
from dashboard_api.order_shapes import OrderOut, RoundOut
from dashboard_api.queries import Row
from dashboard_api.shapes import Words
from hub.database import devices, latest
from hub.natural import natural
from hub.settings import Settings

HOUR_MS = 3_600_000


class WhoOut(BaseModel):
    """Who is at the phone: the account that is logged in, and who is on duty there."""

    account: str
    actor: str = Field(description="In whose name acts are done.")
    role: str
    language: str


class PhoneOut(BaseModel):
    """The duty phone of a grid, and how often it is to say that it is at hand."""

    grid: str
    every_ms: int


class BuildingOut(BaseModel):
    """Where a way begins; `key` null: nobody knows where."""

    key: str | None
    name: Words | None


class CrewOrder(BaseModel):
    """An order with what only somebody on the way needs.

    `walk`: its place in the order of a walk; `points`: the device's newest values, each with its
    moment.
    """

    order: OrderOut
    building: BuildingOut
    walk: int
    heard_ms: int | None
    points: dict[str, Any]


class AreaOut(BaseModel):
    """A grid or a ground."""

    id: str
    name: Words


class CrewOut(BaseModel):
    """All of it at one moment. The live feed goes on after the change `after`."""

    who: WhoOut
    phone: PhoneOut | None
    at_ms: int
    after: int
    orders: list[CrewOrder] = Field(description="Unclosed, the most urgent first, then by way.")
    more: bool = Field(description="There are more orders than a phone takes along.")
    closed: list[OrderOut] = Field(description="Done by this person, closed since a day.")
    rounds: list[RoundOut]
    codes: dict[str, str | None] = Field(description="The code of each device that is named here.")
    grids: list[AreaOut]
    grounds: list[AreaOut]


def walking_order(row: Row) -> tuple[Any, ...]:
    """By grid, building, unit and floor: what lies nowhere comes last."""
    where = row["place"] or row["ground"]
    return (row["its_grid"] or "~", natural(where), row["id"])


def by_urgency_and_way(rows: Iterable[Row]) -> list[Row]:
    """The most urgent first, those of one priority in the order of a walk."""
    return sorted(rows, key=lambda row: (row["priority"] or NO_PRIORITY, *walking_order(row)))


def building_of(row: Row, places: Mapping[str, Row]) -> BuildingOut:
    """The outermost place that an order is in; without a place its ground."""
    path = row["place"] or row["ground"]
    if not path:
        return BuildingOut(key=None, name=None)
    key = path.split("/")[0]
    known = places.get(key)
    name = (key, key) if known is None else (known["name_zh"], known["name_en"])
    return BuildingOut(key=key, name=Words(zh=name[0], en=name[1]))


def orders_of(
    connection: Connection, settings: Settings, now_ms: int
) -> tuple[list[Row], dict[str, int]]:
    """Unclosed orders that nobody has put off, and the place of each in a walk.

    One more than `crew_orders_max` where there are more: the most urgent ones.
    """
    rows = order_queries.unclosed_orders(connection)
    rows = [row for row in rows if (row["shelved_until_ms"] or 0) <= now_ms]
    rows = by_urgency_and_way(rows)[: settings.crew_orders_max + 1]
    walk = {row["id"]: nth for nth, row in enumerate(sorted(rows, key=walking_order), 1)}
    return rows, walk


def closed_of(connection: Connection, viewer: Viewer, settings: Settings, now_ms: int) -> list[Row]:
    """What this person did and what was closed of it a short while ago."""
    since_ms = now_ms - settings.crew_closed_h * HOUR_MS
    return order_queries.closed_since(connection, viewer.actor, since_ms, settings.crew_orders_max)


def heard_of(connection: Connection, ids: set[str]) -> dict[str, Row]:
    """The newest values of these devices."""
    query = sa.select(latest.c.device, latest.c.heard_ms, latest.c.points_json)
    found = queries.rows_of(connection, query.where(latest.c.device.in_(ids)))
    return {row["device"]: row for row in found}


def codes_of(connection: Connection, ids: set[str]) -> dict[str, str | None]:
    """What stands on the labels of these devices."""
    query = sa.select(devices.c.id, devices.c.code).where(devices.c.id.in_(ids))
    return {row["id"]: row["code"] for row in queries.rows_of(connection, query)}


def crew_order(shown: OrderOut, walk: int, heard: Row | None, where: BuildingOut) -> CrewOrder:
    """One order as it goes along."""
    return CrewOrder(
        order=shown,
        building=where,
        walk=walk,
        heard_ms=None if heard is None else heard["heard_ms"] or None,
        points={} if heard is None else queries.decode(heard["points_json"] or "{}"),
    )
