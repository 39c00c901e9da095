"""What the page of one device says: how it is, what supervises it, what it can show, its life."""

import asyncio
from itertools import groupby
from typing import Any

from dashboard_api import figures, queries, senders
from dashboard_api.access import Right, Viewer
from dashboard_api.deps import Parts
from dashboard_api.moments import DAY_MS
from dashboard_api.shapes import SilenceOut
from dashboard_api.topology import explained_by, gone_since
from device_drivers.catalog import DRIVERS
from hub.coverage import last_pressed
from hub.series import Unavailable

RECORDS_SHOWN = 10
MESSAGES_SHOWN = 10
REFUSALS_SHOWN = 5
LOOK_BACK_MS = 7 * DAY_MS


def device_words(its: Parts, viewer: Viewer, code: str) -> dict[str, Any] | None:
    """All but what it said; None: there is no such device."""
    now_ms = its.clock.now_ms()
    with its.engine.connect() as connection:
        device = queries.device_by_code(connection, code) or queries.device(connection, code)
        if device is None:
            return None
        device_id = device["id"]
        haunting = senders.ghosts_of(connection, device_id)
        return {
            "device": device,
            "alive": figures.is_alive(device, now_ms),
            "explained": explained_by(device, gone_since(connection)),
            "serves": _serves(connection, viewer, device["resident_id"]),
            "gateway": _gateway(connection, device["heard_by"] or device["gateway"]),
            "cases": queries.open_cases_of_device(connection, viewer, device_id),
            "resting": next(iter(queries.out_of_service_now(connection, now_ms, device_id)), None),
            "silence": SilenceOut.of(device),
            "supervised": figures.supervised_by(
                device,
                last_pressed(connection, device_id, device["points_json"]),
                its.settings.test_press_days,
                now_ms,
            ),
            "heard": _heard(device["driver"]),
            "records": senders.commissionings_of(connection, device_id, RECORDS_SHOWN),
            "test": senders.test_of(connection, device_id, now_ms),
            "ghosts": haunting,
            "refusals": senders.refusals_of(connection, [device_id], REFUSALS_SHOWN),
            "candidates": _candidates(connection, viewer, device),
            "drivers": sorted(
                name for name, one in DRIVERS.items() if device["family"] in one.families
            ),
        }


def _serves(connection: Any, viewer: Viewer, resident_id: str | None) -> queries.Row | None:
    """Whose it is, for who may see that."""
    if resident_id is None or not viewer.may(Right.RESIDENTS):
        return None
    return queries.resident(connection, resident_id)


def _gateway(connection: Any, name: str | None) -> queries.Row | None:
    return None if name is None else queries.device(connection, name)


def _heard(driver: str) -> str:
    """How it shows its person that somebody has heard, by its driver's data sheet."""
    found = DRIVERS.get(driver)
    return "none" if found is None else found.heard.how


def _candidates(connection: Any, viewer: Viewer, device: queries.Row) -> list[queries.Row]:
    """Strangers that could take its place; only who may swap it need see them."""
    if not viewer.may(Right.REGISTER):
        return []
    fits = (None, device["family"])
    strangers = senders.newest_strangers(connection, RECORDS_SHOWN)
    return [one for one in strangers if one["family"] in fits and not one["ignored"]]


async def messages_of(its: Parts, device_id: str) -> list[queries.Row] | None:
    """What it said last, message by message, the newest first; None: nobody knows now."""
    now_ms = its.clock.now_ms()
    for span_ms in (DAY_MS, LOOK_BACK_MS):
        try:
            rows = await its.series.readings(device_id, now_ms - span_ms, now_ms + 1, None, None)
        except Unavailable:
            return None
        if rows:
            said = [
                {"at_ms": at_ms, "readings": [(row.point, row.value) for row in group]}
                for at_ms, group in groupby(rows, key=lambda row: row.at_ms)
            ]
            return said[: -MESSAGES_SHOWN - 1 : -1]
        await asyncio.sleep(0)
    return []
