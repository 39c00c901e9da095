"""Cases: to read, and to act on."""

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Query, Request
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
    Bulk,
    BulkDone,
    BulkOne,
    CaseOut,
    CasesOut,
    CaseWhole,
    Command,
    DeviceOut,
    Done,
    LogLine,
    NextStep,
    NoticeOut,
    ResidentOut,
    Uncovered,
    Waiting,
    Words,
)
from dashboard_api.texts import language_of
from dashboard_api.topology import gone_since, with_explained, without_cover

router = APIRouter(prefix="/api/v1", tags=["cases"])

State = Literal["open", "closed", "all"]
PAGE_ROWS = 50
KEY_CHARS_MAX = 100
Key = Annotated[str, Header(max_length=KEY_CHARS_MAX, pattern="^[A-Za-z0-9_-]*$")]


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
    shown = [CaseOut.of(row, viewer, places) for row in with_explained(connection, rows[:limit])]
    return CasesOut(cases=shown, more=len(rows) > limit)


@router.get("/cases/{case_id}")
def read_case(case_id: str, viewer: CaseReader, its: PartsDep, connection: Reading) -> CaseWhole:
    """A case with its story, who was told, its device, and for staff the resident's card."""
    row = queries.case(connection, viewer, case_id)
    if row is None:
        raise no_such_case(case_id)
    [row] = with_explained(connection, [row])
    if viewer.public:
        return CaseWhole(case=CaseOut.of(row, viewer, queries.places_by_path(connection)))
    device = queries.device(connection, row["device"]) if row["device"] else None
    return CaseWhole(
        case=CaseOut.of(row, viewer, {}),
        without_cover=[Uncovered.of(one, viewer) for one in without_cover(connection, case_id)],
        log=[LogLine.model_validate(line) for line in queries.story_of(connection, case_id)],
        notices=[
            NoticeOut.model_validate(line) for line in queries.notices_of(connection, [case_id])
        ],
        next_step=_next_step(its, connection, case_id),
        device=_device(connection, device, its.clock.now_ms()),
        resident=_card(connection, viewer, row["resident_id"]),
    )


def _next_step(its: Parts, connection: Connection, case_id: str) -> NextStep | None:
    coming = its.plan_clock.next_of(connection, [case_id]).get(case_id)
    return coming and NextStep(due_ms=coming.due_ms, roles=list(coming.roles))


def _device(connection: Connection, row: queries.Row | None, now_ms: int) -> DeviceOut | None:
    return None if row is None else DeviceOut.of(row, now_ms, gone_since(connection))


def _card(connection: Connection, viewer: Viewer, resident_id: str | None) -> ResidentOut | None:
    if resident_id is None or not viewer.may(Right.RESIDENTS):
        return None
    row = queries.resident(connection, resident_id)
    return None if row is None else ResidentOut.model_validate(row)


_ANSWERS: dict[int | str, dict[str, Any]] = {
    202: {"model": Waiting, "description": "Kept; the judge has not spoken yet."},
    409: {"description": "The judge's no: who was first, or what must come before."},
}


@router.post("/cases/bulk")
async def act_on_many(bulk: Bulk, viewer: CaseActor, its: PartsDep) -> BulkDone:
    """One act on many lesser cases, such as a flood of faults; each is judged alone.

    An emergency among them is refused by name, the others go through.
    """
    now_ms, ids = its.clock.now_ms(), list(dict.fromkeys(bulk.ids))
    if len(ids) > its.settings.bulk_cases_max:
        raise Problem(422, f"ids: expected at most {its.settings.bulk_cases_max}.")
    _check_end(bulk, now_ms, its.settings.shelve_days_max)
    given = bulk.model_dump(exclude_none=True, exclude={"ids", "act"})
    kept = await asyncio.to_thread(
        commands.keep_many, its.engine, viewer, ids, bulk.act, given, now_ms
    )
    words = await commands.words_on(its, [seq for seq in kept.values() if isinstance(seq, int)])
    told = [_told(case_id, kept[case_id], words) for case_id in ids]
    refused = sum(not one.ok and one.waiting is None for one in told)
    return BulkDone(done=sum(one.ok for one in told), refused=refused, cases=told)


_NOT_IN_BULK = {
    "no_such_case": Words(zh="没有这个事件", en="There is no such case."),
    "emergency": Words(zh="紧急事件须逐个处理", en="An emergency is acted on by itself."),
}


def _told(case_id: str, kept: int | str, words: dict[int, tuple[bool, dict[str, Any]]]) -> BulkOne:
    if isinstance(kept, str):
        return BulkOne(id=case_id, ok=False, code=kept, reason=_NOT_IN_BULK[kept])
    if kept not in words:
        return BulkOne(id=case_id, ok=False, waiting=kept)
    ok, body = words[kept]
    if ok:
        return BulkOne(id=case_id, ok=True)
    reason = Words(zh=body.get("reason_zh", ""), en=body.get("reason_en", ""))
    return BulkOne(id=case_id, ok=False, code=body.get("code"), reason=reason)


@router.post("/cases/{case_id}/{act}", response_model=Done, responses=_ANSWERS)
async def act_on_case(
    case_id: str,
    act: Acting,
    request: Request,
    viewer: CaseActor,
    its: PartsDep,
    command: Command | None = None,
    idempotency_key: Key = "",
) -> Done | JSONResponse:
    """Answer, dispatch, arrive, note, confirm, close, shelve, release or hand over.

    The judge decides in order. `release` gives a case back to everybody, `hand_over` says that a
    public service (`to`: 120) has it too. A request that is sent again with the same
    `Idempotency-Key`, because nobody knows whether it came, is done once.
    """
    command, now_ms = command or Command.model_validate({}), its.clock.now_ms()
    _check_end(command, now_ms, its.settings.shelve_days_max)
    wanted = (viewer, case_id, act, command, idempotency_key)
    seq = await asyncio.to_thread(commands.keep, its, *wanted)
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
        [row] = with_explained(connection, [row])
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
