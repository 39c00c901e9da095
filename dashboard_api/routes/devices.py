"""Devices, what they said, and who else is on the air."""

import asyncio
from base64 import b64encode
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from dashboard_api import queries, senders
from dashboard_api.deps import DeviceReader, Parts, PartsDep, Reading, SenderReader
from dashboard_api.errors import Problem
from dashboard_api.moments import DAY_MS, read_span, read_window
from dashboard_api.shapes import (
    NUMBER_MAX,
    DeviceOut,
    DevicesOut,
    ReadingOut,
    ReadingsOut,
    RefusalOut,
    StrangerOut,
)
from dashboard_api.topology import gone_since
from hub.journal import NOTE, REDECODED
from hub.series import Unavailable

router = APIRouter(prefix="/api/v1", tags=["devices"])

Family = Literal["button", "door", "counter", "gateway"]
Limit = Annotated[int, Query(ge=1, le=1_000)]
RETRY_S = 5


@router.get("/devices")
def list_devices(
    _viewer: DeviceReader,
    its: PartsDep,
    connection: Reading,
    family: Family | None = None,
    grid: Annotated[str | None, Query(max_length=80)] = None,
    q: Annotated[str, Query(max_length=80)] = "",
    after: Annotated[str, Query(max_length=200)] = "",
    limit: Limit = 200,
) -> DevicesOut:
    """Registered devices by id; `q` is looked for in id, names, place and code."""
    found = queries.find_devices(
        connection, family=family, grid=grid, words=q, after=after, limit=limit + 1
    )
    now_ms = its.clock.now_ms()
    gone = gone_since(connection)
    shown = [DeviceOut.of(row, now_ms, gone) for row in found[:limit]]
    return DevicesOut(devices=shown, more=len(found) > limit)


@router.get("/devices/{device_id}")
def read_device(
    device_id: str, _viewer: DeviceReader, its: PartsDep, connection: Reading
) -> DeviceOut:
    """One device with its newest values."""
    found = queries.device(connection, device_id)
    if found is None:
        raise _no_such_device(device_id)
    return DeviceOut.of(found, its.clock.now_ms(), gone_since(connection))


def _no_such_device(device_id: str) -> Problem:
    return Problem(404, f"There is no device {device_id}.", code="no_such_device")


@router.get("/devices/{device_id}/readings")
async def read_readings(
    device_id: str,
    _viewer: DeviceReader,
    its: PartsDep,
    from_: Annotated[str | None, Query(alias="from", max_length=40)] = None,
    to: Annotated[str | None, Query(max_length=40)] = None,
    every: Annotated[str | None, Query(max_length=12)] = None,
    point: Annotated[list[str] | None, Query(max_length=50)] = None,
) -> ReadingsOut:
    """What a device said in [from, to), the last day if left out; `every` (5m, 1h) sums up.

    Moments are RFC 3339 with a zone, or milliseconds since 1970. A device that was taken out of the
    register still has its readings; one that was never known is a 404.
    """
    from_ms, to_ms = read_window(from_, to, its.clock.now_ms(), DAY_MS)
    every_ms = None if every is None else read_span("every", every)
    try:
        rows = await its.series.readings(device_id, from_ms, to_ms, every_ms, point)
    except Unavailable as error:
        headers = {"Retry-After": error.retry_after or str(RETRY_S)}
        detail = f"The time series cannot be asked now: {error}"
        raise Problem(503, detail, headers=headers, code="series_unavailable") from error
    if not rows and not await asyncio.to_thread(_is_known, its, device_id):
        raise _no_such_device(device_id)
    return ReadingsOut(
        device=device_id,
        from_ms=from_ms,
        to_ms=to_ms,
        every_ms=every_ms,
        readings=[ReadingOut.model_validate(row, from_attributes=True) for row in rows],
        more=len(rows) >= its.settings.series_rows_max,
    )


def _is_known(its: Parts, device_id: str) -> bool:
    with its.engine.connect() as connection:
        return queries.device(connection, device_id) is not None


@router.get("/strangers")
def list_strangers(
    _viewer: SenderReader, connection: Reading, limit: Limit = 200
) -> list[StrangerOut]:
    """Senders that nobody registered, the newest first; those that are not ours are marked."""
    rows = senders.newest_strangers(connection, limit)
    return [StrangerOut.model_validate(row) for row in rows]


@router.get("/refusals")
def list_refusals(
    _viewer: SenderReader,
    connection: Reading,
    limit: Limit = 100,
    before: Annotated[int | None, Query(ge=1, le=NUMBER_MAX)] = None,
) -> list[RefusalOut]:
    """Messages that were refused, the newest first; `before`: with lower numbers than that."""
    return [_refusal(row) for row in queries.newest_refusals(connection, limit, before)]


def _refusal(row: queries.Row) -> RefusalOut:
    body = row["body"] or {}
    return RefusalOut(
        seq=row["seq"],
        device=row["device"],
        arrived_ms=row["arrived_ms"],
        topic=body.get("topic"),
        address=body.get("address"),
        reason=body.get("reason"),
        raw=None if row["raw"] is None else b64encode(row["raw"]).decode(),
        read_again=bool(row["flags"] & REDECODED),
        remark=bool(row["flags"] & NOTE),
    )
