"""Who could not call for help right now, and why: what the tables know, asked the pure question.

The answer is made anew for each asking, out of the register, the newest values, the commissioning
records and the hub's own health; nothing is kept that could be out of date.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from device_drivers.cells import percent_of
from hub.commissionings import SWAPPED
from hub.database import (
    commissionings,
    devices,
    duty_phones,
    grids,
    health,
    latest,
    places,
    residents,
    rhythms,
)
from hub.devices import expected_silence_s
from hub.health import HUB, RED
from hub.journal import DAY_MS
from hub.settings import Settings
from rules.coverage import Button, Cover, Limits, Way, coverage, is_within
from rules.judge import SITE

LINKS = ("broker-buttons", "broker-others")  # presses come by either

_decode = msgspec.json.Decoder(dict[str, tuple[Any, int]]).decode


def find_coverage(connection: Connection, settings: Settings, now_ms: int) -> list[Cover]:
    """Every resident of the register: reachable, or the reasons why not."""
    limits = Limits(settings.battery_flat_percent, settings.test_press_days * DAY_MS)
    grid_of = _grids_of_residents(connection)
    way = read_way(connection, settings, now_ms)
    return coverage(grid_of, read_buttons(connection), way, limits, now_ms)


def _grids_of_residents(connection: Connection) -> dict[str, str | None]:
    query = sa.select(residents.c.id, sa.func.coalesce(residents.c.grid, places.c.grid)).outerjoin(
        places, places.c.path == residents.c.place
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def read_buttons(connection: Connection) -> dict[str, list[Button]]:
    """The buttons of every resident who has one."""
    lives = lives_of_devices()
    query = (
        sa.select(
            devices,
            latest.c.heard_ms,
            latest.c.gateway.label("heard_by"),
            latest.c.points_json,
            rhythms.c.learned_s,
            lives.c.tested_ms,
            lives.c.swapped_ms,
        )
        .outerjoin(latest, latest.c.device == devices.c.id)
        .outerjoin(rhythms, rhythms.c.device == devices.c.id)
        .outerjoin(lives, lives.c.device == devices.c.id)
        .where(devices.c.family == "button", devices.c.resident_id.is_not(None))
        .order_by(devices.c.id)
    )
    found: dict[str, list[Button]] = defaultdict(list)
    for row in connection.execute(query).mappings():
        found[row["resident_id"]].append(_button(row))
    return found


def lives_of_devices() -> sa.Subquery:
    """When each device was tested last, and when the one that is there now took its place."""
    swaps = sa.case((commissionings.c.why == SWAPPED, commissionings.c.at_ms))
    return (
        sa.select(
            commissionings.c.device,
            sa.func.max(commissionings.c.test_press_ms).label("tested_ms"),
            sa.func.max(swaps).label("swapped_ms"),
        )
        .group_by(commissionings.c.device)
        .subquery()
    )


def its_own(points_json: str | None, swapped_ms: int | None) -> dict[str, tuple[Any, int]]:
    """What the device that is there now has said, not the one that was there before it."""
    points = _decode(points_json or "{}")
    since_ms = swapped_ms or 0
    return {point: said for point, said in points.items() if said[1] > since_ms}


def _button(row: Mapping[Any, Any]) -> Button:
    swapped_ms = row["swapped_ms"] or 0
    points = its_own(row["points_json"], swapped_ms)
    silence_s = expected_silence_s(row["expected_silence_s"], row["driver"], row["learned_s"])
    heard_ms = row["heard_ms"] or 0
    return Button(
        id=row["id"],
        expected_silence_ms=silence_s * 1_000,
        heard_ms=heard_ms if heard_ms > swapped_ms else None,
        pressed_ms=_pressed(points, row["tested_ms"], swapped_ms),
        online=points.get("online", (True, 0))[0] is not False,
        gateway=row["heard_by"] or row["gateway"],
        battery=battery_percent(points, row["cell"]),
    )


def _pressed(own: Mapping[str, Any], tested_ms: int | None, swapped_ms: int) -> int | None:
    presses = (own["press"][1] if "press" in own else 0, tested_ms or 0)
    return max((at for at in presses if at > swapped_ms), default=None)


def last_pressed(connection: Connection, device: str, points_json: str | None) -> int | None:
    """When a press of the device that is there now came through last; None: never."""
    lives = lives_of_devices()
    life = connection.execute(lives.select().where(lives.c.device == device)).first()
    tested_ms, swapped_ms = (None, None) if life is None else (life.tested_ms, life.swapped_ms)
    return _pressed(its_own(points_json, swapped_ms), tested_ms, swapped_ms or 0)


def battery_percent(points: Mapping[str, Any], cell: str | None) -> float | None:
    """By the curve of the cell that its owner has put in, else what the device or driver says."""
    if "battery_v" in points and (cell or "battery" not in points):
        by_curve = percent_of(float(points["battery_v"][0]), cell)
        if by_curve is not None:
            return by_curve
    return float(points["battery"][0]) if "battery" in points else None


def read_way(connection: Connection, settings: Settings, now_ms: int) -> Way:
    """How the way is from the buttons to a person."""
    parts = {row.part: row for row in connection.execute(health.select())}
    hub = parts.get(HUB)
    links = [parts[name].state for name in LINKS if name in parts]
    gone = gateways_gone(connection)
    return Way(
        hub_alive=hub is not None and is_within(settings.silent_after_s * 1_000, hub.at_ms, now_ms),
        broker_up=SITE not in gone and not (links and all(state == RED for state in links)),
        gone=gone,
        no_phone=_grids_without_phone(connection, settings, now_ms),
    )


def gateways_gone(connection: Connection) -> frozenset[str]:
    """Everything of which the newest word is that it is not online, by every name it goes by."""
    said = sa.func.json_extract(latest.c.points_json, "$.online[0]")
    query = (
        sa.select(latest.c.device, devices.c.address)
        .outerjoin(devices, devices.c.id == latest.c.device)
        .where(said == 0)
    )
    names: set[str] = set()
    for device, address in connection.execute(query):
        names |= {device, (address or device).rpartition(":")[2]}
    return frozenset(names)


def _grids_without_phone(
    connection: Connection, settings: Settings, now_ms: int
) -> frozenset[str | None]:
    """Grids without a duty phone, or whose phone has said that it is at hand and does no more.

    A phone that never said so is a number that people call: nothing is known against it. A resident
    of no grid has no duty phone, unless the site has no grids at all: then it has one office.
    """
    query = sa.select(grids.c.id, grids.c.phone, duty_phones.c.heard_ms).outerjoin(
        duty_phones, duty_phones.c.grid == grids.c.id
    )
    rows = connection.execute(query).all()
    silent_ms = settings.duty_phone_silence_s * 1_000
    without = {
        row.id
        for row in rows
        if not row.phone
        or (row.heard_ms is not None and not is_within(silent_ms, row.heard_ms, now_ms))
    }
    return frozenset({*without, None} if rows else without)
