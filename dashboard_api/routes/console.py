"""The console of the staff: the open cases, and one case with everything about it."""

import asyncio
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.engine import Connection

from dashboard_api import queries
from dashboard_api.access import Right, Viewer
from dashboard_api.commands import no_such_case
from dashboard_api.deps import Parts, PartsDep, PerhapsViewer, Reading
from dashboard_api.doors import ResidentVisitor, Visitor, to_own_page
from dashboard_api.errors import Problem
from dashboard_api.labels import WORD_LABELS
from dashboard_api.open_cases import Filter, console_words, limit_of, plan_events_of
from dashboard_api.resident_card import card_for, looks_of_case
from dashboard_api.routes.pages import PAGES_MAX, page_of
from dashboard_api.timeline import messages_of, timeline
from dashboard_api.topology import with_explained, without_cover
from hub.series import Unavailable

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

Word = Annotated[str, Query(max_length=40)]
PageNumber = Annotated[int, Query(ge=1, le=PAGES_MAX)]


def _filter(
    severity: Word = "",
    category: Word = "",
    grid: Annotated[str, Query(max_length=200)] = "",
    whose: Word = "",
    q: Annotated[str, Query(max_length=80)] = "",
) -> Filter:
    return Filter(severity, category, grid, whose, q.strip())


Wanted = Annotated[Filter, Depends(_filter)]


@router.get("/")
def console(
    request: Request,
    its: PartsDep,
    viewer: ResidentVisitor,
    connection: Reading,
    wanted: Wanted,
    page: PageNumber = 1,
) -> Response:
    """Open cases, the most urgent first."""
    words = console_words(its, viewer, connection, wanted, page)
    grids = queries.grid_names(connection)
    return page_of(request, its, viewer, "console.html", grids=grids, **words)


@router.get("/fragments/cases")
def cases_fragment(
    request: Request,
    its: PartsDep,
    viewer: PerhapsViewer,
    connection: Reading,
    wanted: Wanted,
    page: PageNumber = 1,
) -> Response:
    """The list of a page that is open."""
    if viewer is None or not viewer.may(Right.ACTS):
        raise Problem(401, "Log in.", code="not_logged_in")
    words = console_words(its, viewer, connection, wanted, page)
    return page_of(request, its, viewer, "fragments/cases.html", **words)


@router.get("/cases/{case_id}")
async def case_page(case_id: str, request: Request, its: PartsDep, viewer: Visitor) -> Response:
    """Everything about a case on one page, in one line of time."""
    if viewer.public:
        raise to_own_page(viewer)
    words = await asyncio.to_thread(_case_words, its, viewer, case_id)
    said, more = await _said_around(its, words["case"])
    notices, looks = words.pop("notices"), words.pop("looks")
    moments = timeline(words.pop("story"), notices, said or (), looks)
    return await asyncio.to_thread(
        partial(page_of, request, its, viewer, "case.html", moments=moments, said=said, more=more),
        **words,
    )


def _case_words(its: Parts, viewer: Viewer, case_id: str) -> dict[str, Any]:
    with its.engine.connect() as connection:
        after = queries.newest_change(connection)
        row = queries.case(connection, viewer, case_id)
        if row is None:
            raise no_such_case(case_id)
        [row] = with_explained(connection, [row])
        shows_looks = viewer.may(Right.RESIDENTS)
        return {
            "after": after,
            "case": row | limit_of(its, row),
            "total": queries.open_total(connection, viewer),
            "without_cover": without_cover(connection, case_id),
            "story": queries.story_of(connection, case_id),
            "notices": queries.notices_of(connection, [case_id]),
            "looks": looks_of_case(connection, case_id) if shows_looks else [],
            "coming": its.plan_clock.next_of(connection, [case_id]),
            "missed": plan_events_of(connection, [case_id]),
            "call_out": its.plan_clock.call_out,
            "week_points": _points_of(connection, row["device"]),
            "week_words": list(WORD_LABELS),
        }


def _points_of(connection: Connection, device: str | None) -> list[str]:
    row = queries.device(connection, device) if device else None
    return [] if row is None else list(row["points"])


async def _said_around(its: Parts, case: queries.Row) -> tuple[list[dict[str, Any]] | None, bool]:
    """What its device said from shortly before until the end, and whether there was more.

    None: the time series cannot be asked now.
    """
    if case["device"] is None:
        return [], False
    from_ms = case["raised_at_ms"] - its.settings.case_before_s * 1_000
    to_ms = (case["closed_at_ms"] or its.clock.now_ms()) + 1
    try:
        rows = await its.series.readings(case["device"], from_ms, to_ms)
    except Unavailable:
        return None, False
    said = messages_of(rows)
    return said[: its.settings.case_messages_max], len(said) > its.settings.case_messages_max


@router.get("/fragments/card/{case_id}")
def card_fragment(
    case_id: str, request: Request, its: PartsDep, viewer: PerhapsViewer, connection: Reading
) -> Response:
    """The resident's card, neighbours and staff, for whoever helps; the look is kept."""
    if viewer is None or not viewer.may(Right.RESIDENTS):
        raise Problem(401, "Log in.", code="not_logged_in")
    row = queries.case(connection, viewer, case_id)
    if row is None:
        raise no_such_case(case_id)
    connection.rollback()  # the look is written by another connection
    words = card_for(its, viewer, row)
    return page_of(request, its, viewer, "fragments/card.html", **words)
