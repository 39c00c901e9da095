"""Inspections by calendar and ends of life: what is due, what was done, their page."""

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from sqlalchemy.engine import Connection

from dashboard_api import order_queries, queries
from dashboard_api.access import Right, Viewer
from dashboard_api.deps import CaseActor, DeviceReader, Parts, PartsDep, Reading
from dashboard_api.doors import ActVisitor, DeviceVisitor
from dashboard_api.errors import Problem
from dashboard_api.inspection_words import checklist_of, due_of, life_of
from dashboard_api.keeping import Wish, keep_and_wait, scanned, signed
from dashboard_api.order_shapes import (
    DoneInspectionOut,
    InspectionDone,
    InspectionIn,
    InspectionsOut,
    LifeOut,
)
from dashboard_api.routes.pages import page_of
from dashboard_api.shapes import Waiting
from hub.due import DONE, LASTS, Due, day_of, find_due, find_lives
from hub.upkeep import INSPECT
from rules.inspection import Inspection

router = APIRouter()
api = APIRouter(prefix="/api/v1", tags=["orders"])

Asked = Literal["undone", "overdue", "due", "done", "all"]
Name = Annotated[str, Query(max_length=300)]
ROWS_MAX = 1_000
_ANSWERS: dict[int | str, dict[str, Any]] = {
    202: {"model": Waiting, "description": "Kept; the judge has not spoken yet."},
    404: {"description": "No such inspection, or it has no such subject."},
    409: {"description": "The scanned code is of another device."},
}


def _due(its: Parts, connection: Connection) -> list[Due]:
    return find_due(connection, its.orders, its.site.zone, its.clock.now_ms())


def _wanted(one: Due, state: str, grid: str, ground: str) -> bool:
    stands = state in ("all", one.state) or (state == "undone" and one.state != DONE)
    return (
        stands
        and (not grid or one.subject.grid == grid)
        and (not ground or one.subject.ground == ground)
    )


@api.get("/inspections")
def list_inspections(
    _viewer: DeviceReader,
    its: PartsDep,
    connection: Reading,
    state: Asked = "undone",
    grid: Name = "",
    ground: Name = "",
    limit: Annotated[int, Query(ge=1, le=ROWS_MAX)] = ROWS_MAX,
) -> InspectionsOut:
    """What is to be inspected, overdue first, by place; with the checklists."""
    found = [one for one in _due(its, connection) if _wanted(one, state, grid, ground)]
    shown = found[:limit]
    checklists = {one.inspection.name: one.inspection for one in shown}
    return InspectionsOut(
        today=day_of(its.clock.now_ms(), its.site.zone),
        checklists={name: checklist_of(one) for name, one in checklists.items()},
        inspections=[due_of(one) for one in shown],
        more=len(found) > limit,
    )


@api.get("/inspections/done")
def list_done(
    _viewer: DeviceReader,
    connection: Reading,
    inspection: Name = "",
    subject: Name = "",
    limit: Annotated[int, Query(ge=1, le=ROWS_MAX)] = 100,
) -> list[DoneInspectionOut]:
    """Inspections that were done, the newest first, with every answer."""
    rows = order_queries.inspections_of(connection, inspection, subject, limit)
    return [DoneInspectionOut.model_validate(row) for row in rows]


@api.post("/inspections", response_model=InspectionDone, responses=_ANSWERS)
async def inspect(
    done: InspectionIn, request: Request, viewer: CaseActor, its: PartsDep
) -> InspectionDone | JSONResponse:
    """A checklist was gone through: each failed item is a work order of its own."""
    wish = await asyncio.to_thread(_wish, its, viewer, done)
    kept, word = await keep_and_wait(its, request, viewer, wish)
    if word is None:
        return JSONResponse({"waiting": kept.seq}, 202)
    return InspectionDone(seq=kept.seq, orders=word["orders"], repeated=kept.repeated)


def _wish(its: Parts, viewer: Viewer, done: InspectionIn) -> Wish:
    inspection = its.orders.inspections.get(done.inspection)
    if inspection is None:
        raise Problem(404, f"There is no inspection {done.inspection}.", code="no_such_inspection")
    _check_answers(inspection, done)
    with its.engine.connect() as connection:
        due = next((one for one in _due(its, connection) if _is(one, done)), None)
        scan = scanned(connection, done.code)
    if due is None:
        raise Problem(404, f"{done.inspection} has no {done.subject}.", code="no_such_subject")
    if (
        due.subject.device is not None
        and scan.get("scanned", due.subject.device) != due.subject.device
    ):
        here, there = scan["scanned_place"], due.subject.place or due.subject.key
        raise Problem(409, f"This is {here}, the inspection is of {there}.", code="wrong_code")
    answers = [one.model_dump(exclude_defaults=True) for one in done.answers]
    body = signed(
        viewer,
        INSPECT,
        inspection=done.inspection,
        subject=done.subject,
        day=day_of(its.clock.now_ms(), its.site.zone).isoformat(),
        device=due.subject.device,
        place=due.subject.place,
        grid=due.subject.grid,
        answers=answers,
        scanned=scan.get("scanned"),
    )
    return Wish(body, done, [name for one in done.answers for name in one.photos])


def _is(due: Due, done: InspectionIn) -> bool:
    return (due.inspection.name, due.subject.key) == (done.inspection, done.subject)


def _check_answers(inspection: Inspection, done: InspectionIn) -> None:
    """Every question has one answer, and there is no other."""
    given = [one.item for one in done.answers]
    asked = [item.name for item in inspection.items]
    missing = [name for name in asked if name not in given]
    unknown = [name for name in given if name not in asked]
    if missing or unknown or len(given) != len(asked):
        detail = f"answers: expected one for each of {', '.join(asked)}."
        raise Problem(422, detail, code="answers", missing=missing, unknown=unknown)


@api.get("/ends-of-life")
def list_ends_of_life(
    _viewer: DeviceReader,
    its: PartsDep,
    connection: Reading,
    all_: Annotated[bool, Query(alias="all")] = False,
) -> list[LifeOut]:
    """Devices whose life has ended or ends soon, or `all` that have an end; soonest first."""
    found = find_lives(connection, its.orders, its.site.zone, its.clock.now_ms())
    return [life_of(one) for one in found if all_ or one.state != LASTS][:ROWS_MAX]


@router.get("/inspections", include_in_schema=False, response_class=HTMLResponse)
def inspections_page(
    request: Request,
    its: PartsDep,
    viewer: DeviceVisitor,
    connection: Reading,
    state: Asked = "undone",
    grid: Name = "",
    ground: Name = "",
) -> Response:
    """What is to be inspected, and what is at the end of its life."""
    everything = _due(its, connection)
    found = [one for one in everything if _wanted(one, state, grid, ground)]
    lives = find_lives(connection, its.orders, its.site.zone, its.clock.now_ms())
    limit = its.settings.page_rows_max
    return page_of(
        request,
        its,
        viewer,
        "inspections.html",
        may_act=viewer.may(Right.ACTS),
        dues=found[:limit],
        total=len(found),
        counts={name: sum(one.state == name for one in everything) for name in ("overdue", "due")},
        lives=[one for one in lives if one.state != LASTS][:limit],
        checklists=its.orders.inspections,
        grids=queries.grid_names(connection),
        grounds=order_queries.ground_names(connection),
        chosen={"state": state, "grid": grid, "ground": ground},
    )


@router.get(
    "/inspections/{inspection}/{subject:path}",
    include_in_schema=False,
    response_class=HTMLResponse,
)
def checklist_page(
    inspection: str,
    subject: str,
    request: Request,
    its: PartsDep,
    viewer: ActVisitor,
    connection: Reading,
) -> Response:
    """A checklist to go through, for one device or place."""
    asked = (inspection, subject)
    found = (
        one for one in _due(its, connection) if asked == (one.inspection.name, one.subject.key)
    )
    due = next(found, None)
    if due is None:
        raise Problem(404, f"{inspection} has no {subject}.", code="no_such_subject")
    words = {"due": due, "inspection": due.inspection, "subject": due.subject}
    return page_of(request, its, viewer, "inspection.html", **words)
