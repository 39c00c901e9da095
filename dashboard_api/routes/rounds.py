"""Rounds: one list for a walk through a grid or ground, begun, ticked off, ended; to print."""

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from sqlalchemy.engine import Connection

from dashboard_api import order_queries, queries
from dashboard_api.access import Right, Viewer
from dashboard_api.deps import CaseActor, DeviceReader, Parts, PartsDep, Reading
from dashboard_api.doors import DeviceVisitor
from dashboard_api.errors import Problem
from dashboard_api.keeping import Wish, keep_and_wait, scanned, signed
from dashboard_api.order_shapes import (
    Named,
    ProposalOut,
    RoundIn,
    RoundOut,
    RoundsOut,
    TickIn,
)
from dashboard_api.round_stops import kept as kept_stops
from dashboard_api.round_stops import stops_of
from dashboard_api.routes.pages import page_of
from dashboard_api.shapes import NUMBER_MAX, Waiting
from hub.upkeep import ROUND_END, ROUND_START, ROUND_TICK

router = APIRouter()
api = APIRouter(prefix="/api/v1/rounds", tags=["orders"])

Name = Annotated[str, Query(max_length=128)]
RoundId = Annotated[int, Path(ge=1, le=NUMBER_MAX)]
PAGE_ROWS = 50
_ANSWERS: dict[int | str, dict[str, Any]] = {
    202: {"model": Waiting, "description": "Kept; the judge has not spoken yet."},
    409: {"description": "The judge's no: it has ended, no such stop, the wrong code."},
}


@api.get("/proposal")
def propose_round(
    _viewer: DeviceReader,
    its: PartsDep,
    connection: Reading,
    grid: Name = "",
    ground: Name = "",
) -> ProposalOut:
    """What a walk would be now: open orders, batteries soon due, inspections, in order of place."""
    stops = stops_of(its, connection, grid or None, ground or None)
    limit = its.settings.rounds_stops_max
    return ProposalOut(
        grid=grid or None,
        ground=ground or None,
        at_ms=its.clock.now_ms(),
        stops=stops[:limit],
        more=len(stops) > limit,
    )


@api.get("")
def list_rounds(
    _viewer: DeviceReader,
    connection: Reading,
    state: Literal["open", "all"] = "open",
    limit: Annotated[int, Query(ge=1, le=200)] = PAGE_ROWS,
) -> RoundsOut:
    """Rounds, the newest first."""
    rows = order_queries.find_rounds(connection, is_open=state == "open", limit=limit)
    return RoundsOut(rounds=[RoundOut.model_validate(row) for row in rows])


@api.get("/{round_id}")
def read_round(round_id: RoundId, _viewer: DeviceReader, connection: Reading) -> RoundOut:
    """One round with its stops."""
    row = order_queries.round_of(connection, round_id)
    if row is None:
        raise _no_such_round(round_id)
    return RoundOut.model_validate(row)


def _no_such_round(round_id: int) -> Problem:
    return Problem(404, f"There is no round {round_id}.", code="no_such_round")


@api.post("", response_model=RoundOut, status_code=201, responses=_ANSWERS)
async def start_round(
    wish: RoundIn, request: Request, viewer: CaseActor, its: PartsDep
) -> RoundOut | JSONResponse:
    """Begin a walk: its stops are those of the proposal now, or some of them."""
    return await _done(its, request, viewer, await asyncio.to_thread(_start, its, viewer, wish))


def _start(its: Parts, viewer: Viewer, wish: RoundIn) -> Wish:
    with its.engine.connect() as connection:
        stops = stops_of(its, connection, wish.grid, wish.ground)
    if wish.keys is not None:
        stops = [stop for stop in stops if f"{stop.kind}:{stop.key}" in wish.keys]
    stops = stops[: its.settings.rounds_stops_max]
    numbered = [stop.model_copy(update={"number": nth}) for nth, stop in enumerate(stops, 1)]
    more = {"grid": wish.grid, "ground": wish.ground, "stops": kept_stops(numbered)}

    def check(connection: Connection) -> None:
        if not stops:
            raise Problem(409, "There is nothing to do there now.", code="nothing_to_do")
        if order_queries.count_open_rounds(connection) >= its.settings.rounds_open_max:
            raise Problem(409, "Too many rounds are open; end some.", code="too_many_rounds")

    return Wish(signed(viewer, ROUND_START, **more), wish, check=check)


@api.post("/{round_id}/tick", response_model=RoundOut, responses=_ANSWERS)
async def tick_stop(
    round_id: RoundId, tick: TickIn, request: Request, viewer: CaseActor, its: PartsDep
) -> RoundOut | JSONResponse:
    """Somebody is at a stop: by the code that was scanned there, or by its number."""
    if tick.stop is None and tick.code is None:
        raise Problem(422, "Say which stop, or scan the code there.", code="stop_or_code")
    return await _done(
        its, request, viewer, await asyncio.to_thread(_tick, its, viewer, round_id, tick)
    )


def _tick(its: Parts, viewer: Viewer, round_id: int, tick: TickIn) -> Wish:
    with its.engine.connect() as connection:
        scan = scanned(connection, tick.code)
    more = {"round": round_id, "stop": tick.stop, "text": tick.text, **scan}
    return Wish(signed(viewer, ROUND_TICK, **more), tick)


@api.post("/{round_id}/end", response_model=RoundOut, responses=_ANSWERS)
async def end_round(
    round_id: RoundId,
    request: Request,
    viewer: CaseActor,
    its: PartsDep,
    named: Named | None = None,
) -> RoundOut | JSONResponse:
    """End a walk; what was not reached stays open, as it was."""
    body = signed(viewer, ROUND_END, round=round_id)
    return await _done(its, request, viewer, Wish(body, named or Named.model_validate({})))


async def _done(
    its: Parts, request: Request, viewer: Viewer, wish: Wish
) -> RoundOut | JSONResponse:
    kept, word = await keep_and_wait(its, request, viewer, wish)
    if word is None:
        return JSONResponse({"waiting": kept.seq}, 202)
    return await asyncio.to_thread(_shown, its, int(word["round"]))


def _shown(its: Parts, round_id: int) -> RoundOut:
    with its.engine.connect() as connection:
        row = order_queries.round_of(connection, round_id)
    if row is None:
        raise _no_such_round(round_id)
    return RoundOut.model_validate(row)


# -- pages ----------------------------------------------------------------------------------------


@router.get("/rounds", include_in_schema=False, response_class=HTMLResponse)
def rounds_page(
    request: Request,
    its: PartsDep,
    viewer: DeviceVisitor,
    connection: Reading,
    grid: Name = "",
    ground: Name = "",
) -> Response:
    """The list of one walk, to print; and the walks that are under way."""
    chosen = bool(grid or ground)
    stops = stops_of(its, connection, grid or None, ground or None) if chosen else []
    limit = its.settings.rounds_stops_max
    return page_of(
        request,
        its,
        viewer,
        "rounds.html",
        stops=kept_stops(stops[:limit]),
        more=len(stops) > limit,
        grids=queries.grid_names(connection),
        grounds=order_queries.ground_names(connection),
        chosen={"grid": grid, "ground": ground},
        rounds=order_queries.find_rounds(connection, is_open=True, limit=PAGE_ROWS),
        may_act=viewer.may(Right.ACTS),
    )
