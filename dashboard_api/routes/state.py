"""How the hub is, for those who look after it: processes, orchestrators, Prometheus.

These need no log-in and say nothing of people.
"""

from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse
from sqlalchemy.engine import Engine

from dashboard_api import queries
from dashboard_api.deps import Parts, PartsDep
from dashboard_api.metrics import CONTENT_TYPE, exposition
from hub.database import for_writing

router = APIRouter(tags=["state"])

HUB = "hub"


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """This process lives."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"description": "Something is not as it must be."}})
def readyz(its: PartsDep) -> JSONResponse:
    """200: the database can be written, the hub runs and no part of it is red; else 503.

    A yellow part is one that the hub works around: it is listed and `well` is false.
    """
    database = _database_trouble(its.engine)
    state = [] if database == "unreadable" else _health(its)
    ready = database is None and bool(state) and all(part["ready"] for part in state)
    well = ready and all(part["state"] == "green" for part in state)
    body = {"ready": ready, "well": well, "database": database or "writable", "parts": state}
    return JSONResponse(body, 200 if ready else 503)


def _database_trouble(engine: Engine) -> str | None:
    try:
        with engine.connect() as connection:
            queries.newest_change(connection)
    except sa.exc.DatabaseError:
        return "unreadable"
    try:
        with for_writing(engine).begin():
            return None
    except sa.exc.DatabaseError as error:
        return str(error.orig)


def _health(its: Parts) -> list[dict[str, Any]]:
    with its.engine.connect() as connection:
        rows = queries.health_rows(connection)
    now_ms = its.clock.now_ms()
    silent_ms = its.settings.silent_after_s * 1000
    shown = [
        {"part": row["part"], "state": row["state"], "text": row["text_en"], "at_ms": row["at_ms"]}
        for row in rows
    ]
    for part in shown:  # only the hub itself speaks all the time; the others when they change
        fresh = part["part"] != HUB or now_ms - part["at_ms"] <= silent_ms
        part["ready"] = fresh and part["state"] != "red"
    if HUB not in {part["part"] for part in shown}:
        shown.append({"part": HUB, "state": "red", "text": "not running", "ready": False})
    return shown


@router.get("/metrics", response_class=PlainTextResponse)
def metrics(its: PartsDep) -> PlainTextResponse:
    """Counters and gauges for Prometheus."""
    with its.engine.connect() as connection:
        text = exposition(connection, its.clock.now_ms())
    return PlainTextResponse(text, media_type=CONTENT_TYPE)
