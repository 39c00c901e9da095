"""Cases: to read, and to act on."""

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse
from sqlalchemy.engine import Connection

from dashboard_api import commands, queries
from dashboard_api.access import Right, Viewer
from dashboard_api.commands import no_such_case
from dashboard_api.deps import CaseActor, CaseReader, Parts, PartsDep, Reading
from dashboard_api.errors import Problem
from dashboard_api.moments import DAY_MS
from dashboard_api.shapes import (
    NUMBER_MAX,
    Acting,
    CaseOut,
    CasesOut,
    CaseWhole,
    Command,
    DeviceOut,
    Done,
    LogLine,
    NoticeOut,
    ResidentOut,
    Waiting,
)
from dashboard_api.texts import language_of

router = APIRouter(prefix="/api/v1", tags=["cases"])

State = Literal["open", "closed", "all"]
PAGE_ROWS = 50


@router.get("/cases")
def list_cases(
    viewer: CaseReader,
    its: PartsDep,
    connection: Reading,
    state: State = "open",
    limit: Annotated[int, Query(ge=1, le=200)] = PAGE_ROWS,
    before: Annotated[str, Query(max_length=40)] = "",
) -> CasesOut:
    """Open cases, the most urgent first; closed or all, the newest first.

    `before` is the id of the last case of the page before.
    """
    if before and queries.case_version(connection, before) is None:
        raise Problem(422, f"before: there is no case {before}.")
    if state == "open":
        rows = queries.open_cases(connection, viewer, limit + 1, before)
    else:
        rows = queries.newest_cases(connection, viewer, state, limit + 1, before)
    places = queries.places_by_path(connection) if viewer.public else {}
    shown = [CaseOut.of(row, viewer, places) for row in rows[:limit]]
    return CasesOut(cases=shown, more=len(rows) > limit)


@router.get("/cases/{case_id}")
def read_case(case_id: str, viewer: CaseReader, its: PartsDep, connection: Reading) -> CaseWhole:
    """A case with its story, who was told, its device, and for staff the resident's card."""
    row = queries.case(connection, viewer, case_id)
    if row is None:
        raise no_such_case(case_id)
    if viewer.public:
        return CaseWhole(case=CaseOut.of(row, viewer, queries.places_by_path(connection)))
    device = queries.device(connection, row["device"]) if row["device"] else None
    return CaseWhole(
        case=CaseOut.of(row, viewer, {}),
        log=[LogLine.model_validate(line) for line in queries.story_of(connection, case_id)],
        notices=[
            NoticeOut.model_validate(line) for line in queries.notices_of(connection, [case_id])
        ],
        device=None if device is None else DeviceOut.of(device, its.clock.now_ms()),
        resident=_card(connection, viewer, row["resident_id"]),
    )


def _card(connection: Connection, viewer: Viewer, resident_id: str | None) -> ResidentOut | None:
    if resident_id is None or not viewer.may(Right.RESIDENTS):
        return None
    row = queries.resident(connection, resident_id)
    return None if row is None else ResidentOut.model_validate(row)


_ANSWERS: dict[int | str, dict[str, Any]] = {
    202: {"model": Waiting, "description": "Kept; the judge has not spoken yet."},
    409: {"description": "The judge's no: who was first, or what must come before."},
}


@router.post("/cases/{case_id}/{act}", response_model=Done, responses=_ANSWERS)
async def act_on_case(
    case_id: str,
    act: Acting,
    request: Request,
    viewer: CaseActor,
    its: PartsDep,
    command: Command | None = None,
) -> Done | JSONResponse:
    """Answer, dispatch, arrive, note, confirm, close or shelve; the judge decides in order."""
    command, now_ms = command or Command.model_validate({}), its.clock.now_ms()
    _check_end(command, now_ms, its.settings.shelve_days_max)
    seq = await asyncio.to_thread(commands.keep, its.engine, viewer, case_id, act, command, now_ms)
    return await _word(request, viewer, its, seq)


def _check_end(command: Command, now_ms: int, days_max: int) -> None:
    if command.until_ms is not None and command.until_ms > now_ms + days_max * DAY_MS:
        raise Problem(422, f"until_ms: expected a moment within {days_max} days from now.")


async def _word(request: Request, viewer: Viewer, its: Parts, seq: int) -> Done | JSONResponse:
    word = await commands.word_on(its, seq)
    if word is None:
        return JSONResponse({"waiting": seq}, 202)
    ok, body = word
    if not ok:
        raise commands.refusal(seq, body, language_of(request))
    if "case" not in body:  # of the register, or of a service: about no case
        return Done(seq=seq)
    case = await asyncio.to_thread(_case_of, its, viewer, str(body["case"]["id"]))
    return Done(seq=seq, case=case)


def _case_of(its: Parts, viewer: Viewer, case_id: str) -> CaseOut:
    with its.engine.connect() as connection:
        row = queries.case(connection, viewer, case_id)
    if row is None:
        raise no_such_case(case_id)
    return CaseOut.of(row, viewer, {})


@router.get("/commands/{seq}", response_model=Done, responses=_ANSWERS)
async def read_word(
    seq: Annotated[int, Path(ge=1, le=NUMBER_MAX)],
    request: Request,
    viewer: CaseActor,
    its: PartsDep,
) -> Done | JSONResponse:
    """The judge's word on a command that was answered by 202."""
    if not await asyncio.to_thread(_is_command, its, seq):
        raise Problem(404, f"There is no command {seq}.")
    return await _word(request, viewer, its, seq)


def _is_command(its: Parts, seq: int) -> bool:
    with its.engine.connect() as connection:
        return queries.is_command(connection, seq)
