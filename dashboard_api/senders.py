"""What pages and programs ask about senders: strangers with all that is known of them, ghosts,
tests and commissionings. Short reads, as in `queries.py`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dashboard_api.queries import UNREGISTERED, Row, decode, first_of, rows_of
from hub.database import (
    announcements,
    commissionings,
    devices,
    ghosts,
    journal,
    places,
    residents,
    strangers,
    trials,
)
from hub.device_code import CANDIDATES_MAX, DeviceCode, is_inside
from hub.natural import COLLATION

# -- strangers ------------------------------------------------------------------------------------


def newest_strangers(connection: Connection, limit: int) -> list[Row]:
    """Senders that nobody registered, the newest first, with what was announced of them.

    One that was registered just now stays in the table until the hub's next write: not shown.
    """
    query = strangers.select().where(UNREGISTERED).order_by(strangers.c.last_ms.desc()).limit(limit)
    return _told(connection, rows_of(connection, query))


def stranger(connection: Connection, address: str) -> Row | None:
    """One sender that nobody registered."""
    query = strangers.select().where(strangers.c.address == address, UNREGISTERED)
    return next(iter(_told(connection, rows_of(connection, query))), None)


def _told(connection: Connection, rows: Sequence[Row]) -> list[Row]:
    """The rows with their messages read, and family and driver filled in as far as is known."""
    announced = announced_of(connection, [row["address"] for row in rows])
    return [_with_said(row, announced.get(row["address"], {})) for row in rows]


def announced_of(connection: Connection, addresses: Iterable[str]) -> dict[str, Row]:
    """What ecosystems said beforehand of these addresses: name, maker, model, family, guess.

    Several parts of an announcement complete one another, the newest first.
    """
    query = (
        sa.select(*(announcements.c[name] for name in ("address", *_ANNOUNCED)))
        .where(announcements.c.address.in_(list(addresses)))
        .order_by(announcements.c.at_ms.desc())
    )
    found: dict[str, Row] = {}
    for row in rows_of(connection, query):
        known = found.setdefault(row["address"], dict.fromkeys(_ANNOUNCED))
        known.update({name: row[name] for name in _ANNOUNCED if known[name] is None})
    return found


_ANNOUNCED = ("name", "maker", "model", "family", "guess")


def _with_said(row: Row, announced: Mapping[str, Any]) -> Row:
    newest = decode(row["newest_json"])
    pressed = [one["at_ms"] for one in newest if _holds_press(one)]
    ignored_ms = row["ignored_ms"]
    return {
        **row,
        "newest": newest,
        "name": announced.get("name"),
        "maker": announced.get("maker"),
        "model": announced.get("model"),
        "family": row["family"] or announced.get("family") or ("button" if pressed else None),
        "driver": row["driver"] or announced.get("guess"),
        "signal": next(filter(None, map(_signal_of, newest)), {}),
        "pressed_ms": max(pressed, default=None),
        # A press of one that is not ours is heard as any other's: then it is shown again.
        "ignored": ignored_ms is not None and all(at_ms <= ignored_ms for at_ms in pressed),
    }


def _holds_press(said: Mapping[str, Any]) -> bool:
    return any(one[0] == "press" for one in said.get("readings") or ())


def _signal_of(said: Mapping[str, Any]) -> dict[str, float]:
    wanted = ("rssi", "snr", "lqi")
    return {one[0]: one[1] for one in said.get("readings") or () if one[0] in wanted}


def ignore(connection: Connection, address: str, by: str, now_ms: int | None) -> bool:
    """Say that a stranger is not ours (None: it is after all). False: there is none."""
    values = {"ignored_ms": now_ms, "ignored_by": None if now_ms is None else by}
    query = strangers.update().where(strangers.c.address == address).values(values)
    return connection.execute(query).rowcount > 0


def by_code(connection: Connection, code: DeviceCode) -> tuple[Row | None, list[Row]]:
    """The registered device and the strangers that a text on a device may stand for."""
    ours = sa.or_(devices.c.code.in_(code.codes), devices.c.address.in_(code.addresses))
    device = first_of(connection, sa.select(devices.c.id, devices.c.code).where(ours).limit(1))
    addresses = {*code.addresses, *_announced_with(connection, code.parts)}
    query = sa.select(strangers.c.address).where(UNREGISTERED)
    known = [
        address
        for address in connection.execute(query).scalars()
        if address in addresses or any(is_inside(part, address) for part in code.parts)
    ]
    query = strangers.select().where(strangers.c.address.in_(known[:CANDIDATES_MAX]))
    rows = rows_of(connection, query.order_by(strangers.c.last_ms.desc()))
    return device, _told(connection, rows)


def _announced_with(connection: Connection, parts: Sequence[str]) -> set[str]:
    """Addresses of devices in whose announcement these digits stand: names hide them."""
    if not parts:
        return set()
    told = sa.func.lower(announcements.c.document_json)
    holds = [text.contains(part) for part in parts for text in (told, announcements.c.key)]
    query = sa.select(announcements.c.address).where(sa.or_(*holds)).limit(CANDIDATES_MAX)
    return set(connection.execute(query).scalars()) - {None}


# -- where it may hang ----------------------------------------------------------------------------


def find_places(connection: Connection, words: str, limit: int) -> list[Row]:
    """Places by name, path or who lives there, each with its residents; homes first."""
    query = sa.select(places).order_by(
        places.c.kind != "home", sa.collate(places.c.path, COLLATION)
    )
    for word in words.split():
        lives = sa.select(residents.c.place).where(residents.c.name.contains(word, autoescape=True))
        columns = (places.c.path, places.c.name_zh, places.c.name_en)
        found = [column.contains(word, autoescape=True) for column in columns]
        query = query.where(sa.or_(*found, places.c.path.in_(lives)))
    rows = rows_of(connection, query.limit(limit))
    living = residents_of(connection, [row["path"] for row in rows])
    return [row | {"residents": living.get(row["path"], [])} for row in rows]


def residents_of(connection: Connection, paths: Sequence[str]) -> dict[str, list[Row]]:
    """Who lives at these places: id and name."""
    query = (
        sa.select(residents.c.id, residents.c.name, residents.c.place)
        .where(residents.c.place.in_(list(paths)))
        .order_by(residents.c.id)
    )
    found: dict[str, list[Row]] = {}
    for row in rows_of(connection, query):
        found.setdefault(row["place"], []).append({"id": row["id"], "name": row["name"]})
    return found


def ids_beginning(connection: Connection, stem: str) -> set[str]:
    """Ids of devices that are taken and begin so."""
    query = sa.select(devices.c.id).where(devices.c.id.startswith(stem, autoescape=True))
    return set(connection.execute(query).scalars())


# -- the life of a device -------------------------------------------------------------------------


def commissionings_of(connection: Connection, device_id: str, limit: int) -> list[Row]:
    """How it was put into service, the newest line first."""
    query = (
        sa.select(
            commissionings,
            places.c.name_zh.label("place_zh"),
            places.c.name_en.label("place_en"),
            residents.c.name.label("resident_name"),
        )
        .outerjoin(places, places.c.path == commissionings.c.place)
        .outerjoin(residents, residents.c.id == commissionings.c.resident_id)
        .where(commissionings.c.device == device_id)
        .order_by(commissionings.c.id.desc())
        .limit(limit)
    )
    return rows_of(connection, query)


def test_of(connection: Connection, device_id: str, now_ms: int) -> Row | None:
    """The newest test of a button; `running`: its next press is none that calls."""
    row = first_of(connection, trials.select().where(trials.c.device == device_id))
    return None if row is None else row | {"running": _runs(row, now_ms)}


def _runs(row: Row, now_ms: int) -> bool:
    return row["heard_ms"] is None and row["until_ms"] > now_ms


def running_tests(connection: Connection, now_ms: int) -> list[Row]:
    """All tests under way, with names, for whoever watches the console."""
    query = (
        sa.select(
            trials,
            devices.c.name_zh.label("device_zh"),
            devices.c.name_en.label("device_en"),
            places.c.name_zh.label("place_zh"),
            places.c.name_en.label("place_en"),
        )
        .join(devices, devices.c.id == trials.c.device)
        .outerjoin(places, places.c.path == devices.c.place)
        .where(trials.c.heard_ms.is_(None), trials.c.until_ms > now_ms)
        .order_by(trials.c.until_ms)
    )
    return rows_of(connection, query)


def ghosts_of(connection: Connection, device_id: str | None = None) -> list[Row]:
    """Addresses that devices (or this one) had before, the newest swap first."""
    query = ghosts.select().order_by(ghosts.c.swapped_ms.desc())
    if device_id is not None:
        query = query.where(ghosts.c.device == device_id)
    return rows_of(connection, query)


def ghost(connection: Connection, address: str) -> Row | None:
    """The ghost at an address."""
    return first_of(connection, ghosts.select().where(ghosts.c.address == address))


def refusals_of(connection: Connection, names: Sequence[str], limit: int) -> list[Row]:
    """The newest messages of a device (or its ghosts) that were refused."""
    query = (
        sa.select(journal.c.seq, journal.c.device, journal.c.arrived_ms, journal.c.body)
        .where(journal.c.kind == "refusal", journal.c.device.in_(list(names)))
        .order_by(journal.c.seq.desc())
        .limit(limit)
    )
    return [row | {"body": decode(row["body"])} for row in rows_of(connection, query)]
