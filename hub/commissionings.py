"""Commissionings: who put a device into service, when and where, its signal and its test press.

A line is written when a device is adopted, imported, swapped or tested, in one transaction with
what it tells of.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from device_drivers.reading import Reading
from hub.database import commissionings, devices

ADOPTED, IMPORTED, SWAPPED, TESTED = "adopted", "imported", "swapped", "tested"
SIGNALS = ("rssi", "snr", "lqi")


def signal_of(readings: Iterable[Reading]) -> dict[str, float]:
    """How strong a message came in, as far as it tells."""
    return {point: float(value) for point, value, _, _ in readings if point in SIGNALS}


def record(
    connection: Connection,
    device: str,
    *,
    why: str,
    by: str,
    now_ms: int,
    gateway: str | None = None,
    signal: Mapping[str, float] | None = None,
    note: str | None = None,
) -> None:
    """A line about a device as the register has it now."""
    row = connection.execute(devices.select().where(devices.c.id == device)).mappings().one()
    values = _line(row, why, by, now_ms) | {"gateway": gateway, "note": note} | dict(signal or {})
    connection.execute(commissionings.insert().values(values))


def record_all(
    connection: Connection, ids: Iterable[str], *, why: str, by: str, at_ms: int
) -> None:
    """Lines about many devices at once."""
    wanted = set(ids)
    found = connection.execute(devices.select()).mappings()
    lines = [_line(row, why, by, at_ms) for row in found if row["id"] in wanted]
    if lines:
        connection.execute(commissionings.insert(), lines)


def _line(row: Mapping[Any, Any], why: str, by: str, at_ms: int) -> dict[str, Any]:
    return {
        "device": row["id"],
        "address": row["address"],
        "why": why,
        "at_ms": at_ms,
        "by": by,
        "place": row["place"],
        "resident_id": row["resident_id"],
    }


def note_press(
    connection: Connection,
    device: str,
    *,
    by: str,
    at_ms: int,
    arrived_ms: int,
    kind: str,
    gateway: str | None,
    signal: Mapping[str, float],
) -> None:
    """Its test press: into the newest line if that has none yet, else a line of its own."""
    query = (
        sa.select(commissionings.c.id, commissionings.c.test_press_ms, commissionings.c.address)
        .where(commissionings.c.device == device)
        .order_by(commissionings.c.id.desc())
        .limit(1)
    )
    newest = connection.execute(query).first()
    address = connection.execute(
        sa.select(devices.c.address).where(devices.c.id == device)
    ).scalar()
    if newest is None or newest.test_press_ms is not None or newest.address != address:
        if address is None:
            return  # it was taken out of the register in this very moment
        record(connection, device, why=TESTED, by=by, now_ms=arrived_ms)
        newest = connection.execute(query).first()
        assert newest is not None
    values: dict[str, Any] = {**signal}
    values |= {"test_press_ms": arrived_ms, "test_delay_ms": arrived_ms - at_ms}
    values |= {"test_press": kind} | ({} if gateway is None else {"gateway": gateway})
    connection.execute(
        commissionings.update().where(commissionings.c.id == newest.id).values(values)
    )


def heard_of(stranger: Mapping[Any, Any] | None) -> dict[str, Any]:
    """Gateway and signal of the newest message that a stranger said them in."""
    said = msgspec.json.decode(stranger["newest_json"]) if stranger is not None else []
    for message in said:
        points = {one[0]: one[1] for one in message.get("readings", ()) if one[0] in SIGNALS}
        if points or message.get("gateway"):
            return {"gateway": message.get("gateway"), "signal": points}
    return {"gateway": None, "signal": {}}
