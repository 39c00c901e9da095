"""What the invented community has behind it: test presses of its buttons, and weeks of batteries.

So that the demo's pages about coverage and batteries have something true to say. Written once, into
a database that has no such history yet.
"""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.database import commissionings, device_days
from hub.demo.community import community
from hub.journal import DAY_MS
from hub.register import ROWS_AT_ONCE, Row
from hub.simulated.day import battery_pct

DAYS = 60
INSTALLED_DAYS_AGO = 90
TESTED_DAYS_AGO = 28  # the last round of test presses began so long ago, and ended yesterday
FORGOTTEN_ONE_IN = 40  # buttons that the round has left out
INSTALLER = "示范安装队"


def seed_history(connection: Connection, now_ms: int) -> bool:
    """Commissioning records of all buttons, and a battery a day of every device that has one.

    False: there is a history already.
    """
    if connection.execute(sa.select(sa.func.count()).select_from(commissionings)).scalar():
        return False
    devices = community().devices
    buttons = [row for row in devices if row["family"] == "button"]
    connection.execute(commissionings.insert(), [_record(row, now_ms) for row in buttons])
    days = [
        _day(row, now_ms - day * DAY_MS)
        for row in devices
        if row["family"] != "gateway"
        for day in range(DAYS, 0, -1)
    ]
    for begin in range(0, len(days), ROWS_AT_ONCE):
        connection.execute(device_days.insert(), days[begin : begin + ROWS_AT_ONCE])
    return True


def _record(row: Row, now_ms: int) -> dict[str, Any]:
    number = int.from_bytes(sha256(row["id"].encode()).digest()[:4], "big")
    days = 1 + number % TESTED_DAYS_AGO
    forgotten = number % FORGOTTEN_ONE_IN == 0
    return {
        "device": row["id"],
        "address": row["address"],
        "why": "imported",
        "at_ms": now_ms - INSTALLED_DAYS_AGO * DAY_MS,
        "by": INSTALLER,
        "place": row.get("place"),
        "resident_id": row.get("resident_id"),
        "test_press_ms": now_ms - (INSTALLED_DAYS_AGO if forgotten else days) * DAY_MS,
    }


def _day(row: Row, at_ms: int) -> dict[str, Any]:
    day = datetime.fromtimestamp(at_ms / 1_000, UTC).date().isoformat()
    battery = float(battery_pct(row["id"], at_ms))
    return {"device": row["id"], "day": day, "messages": 24, "battery": battery}
