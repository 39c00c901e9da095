"""How the hub is, for those who look after it: processes, orchestrators, Prometheus.

These need no log-in and say nothing of people; what a part says in words needs one.
"""

from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse
from sqlalchemy.engine import Engine

from dashboard_api import queries
from dashboard_api.access import Right
from dashboard_api.deps import Parts, PartsDep, PerhapsViewer
from dashboard_api.metrics import CONTENT_TYPE, exposition
from hub.health import HUB

router = APIRouter(tags=["state"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """This process lives."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"description": "Something is not as it must be."}})
def readyz(its: PartsDep, viewer: PerhapsViewer) -> JSONResponse:
    """200: the hub runs and writes, and no part of it is red; else 503.

    The hub writes its own row all the time: while the disk takes nothing that row grows old, so
    nobody need try to write here. A yellow part is one that the hub works around: it is listed and
    `well` is false. What a part says of itself is for those who look after the hub.
    """
    rows = _health_rows(its.engine)
    detailed = viewer is not None and viewer.may(Right.TEXTS)
    parts = [] if rows is None else _parts(its, rows, detailed)
    ready = bool(parts) and all(part["ready"] for part in parts)
    well = ready and all(part["state"] == "green" for part in parts)
    database = "unreadable" if rows is None else "readable"
    body = {"ready": ready, "well": well, "database": database, "parts": parts}
    return JSONResponse(body, 200 if ready else 503)


def _health_rows(engine: Engine) -> list[queries.Row] | None:
    try:
        with engine.connect() as connection:
            return queries.health_rows(connection)
    except sa.exc.DatabaseError:
        return None


def _parts(its: Parts, rows: list[queries.Row], detailed: bool) -> list[dict[str, Any]]:
    silent_ms = its.settings.silent_after_s * 1000
    fresh_from_ms = its.clock.now_ms() - silent_ms
    shown = [_part(row, fresh_from_ms, detailed) for row in rows]
    if HUB not in {part["part"] for part in shown}:
        shown.append({"part": HUB, "state": "red", "ready": False})
    return shown


def _part(row: queries.Row, fresh_from_ms: float, detailed: bool) -> dict[str, Any]:
    # Only the hub itself speaks all the time; the others when they change.
    fresh = row["part"] != HUB or row["at_ms"] >= fresh_from_ms
    part = {"part": row["part"], "state": row["state"], "ready": fresh and row["state"] != "red"}
    return part | {"text": row["text_en"], "at_ms": row["at_ms"]} if detailed else part


@router.get("/metrics", response_class=PlainTextResponse)
def metrics(its: PartsDep) -> PlainTextResponse:
    """Counters and gauges for Prometheus."""
    with its.engine.connect() as connection:
        text = exposition(connection, its.clock.now_ms())
    return PlainTextResponse(text, media_type=CONTENT_TYPE)
