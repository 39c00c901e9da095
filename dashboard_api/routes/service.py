"""A device in service: its commissioning, its test press, its swap for another, its ghosts."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from dashboard_api import commands, queries, senders
from dashboard_api.access import Right, Viewer
from dashboard_api.deps import DeviceReader, Parts, PartsDep, Reading, Registrar, Tester
from dashboard_api.errors import Problem
from dashboard_api.shapes import CommissioningOut, CommissioningsOut, GhostOut, TestOut, Waiting
from dashboard_api.texts import language_of
from hub.database import for_writing
from hub.journal import COMMAND, Entry, append
from hub.succession import REASON_CHARACTERS_MAX, NotSwapped, Swap, swap

router = APIRouter(prefix="/api/v1", tags=["devices"])

RECORDS_MAX = 100
_STATUS = {"no_such_device": 404, "taken": 409, "same_address": 409, "other_family": 409}
_WAITS: dict[int | str, dict[str, Any]] = {
    202: {"model": Waiting, "description": "Kept; the hub has not taken it in yet."},
    409: {"description": "Why it cannot be."},
}


@router.get("/devices/{device_id}/commissioning")
def read_commissioning(
    device_id: str,
    viewer: DeviceReader,
    its: PartsDep,
    connection: Reading,
    limit: Annotated[int, Query(ge=1, le=RECORDS_MAX)] = RECORDS_MAX,
) -> CommissioningsOut:
    """Who put it into service, where, with which signal and test press; the newest line first."""
    if queries.device(connection, device_id) is None:
        raise _no_such_device(device_id)
    rows = senders.commissionings_of(connection, device_id, limit)
    test = senders.test_of(connection, device_id, its.clock.now_ms())
    records = [CommissioningOut.of(row) for row in rows]
    if not viewer.may(Right.RESIDENTS):
        records = [one.model_copy(update={"resident": None}) for one in records]
    shown = None if test is None else TestOut.model_validate(test)
    return CommissioningsOut(device=device_id, test=shown, records=records)


def _no_such_device(device_id: str) -> Problem:
    return Problem(404, f"There is no device {device_id}.", code="no_such_device")


# -- testing --------------------------------------------------------------------------------------


class TestBegun(BaseModel):
    """A test as the hub has begun or ended it."""

    device: str
    by: str
    since_ms: int
    until_ms: int


@router.post("/devices/{device_id}/test", response_model=TestBegun, responses=_WAITS)
async def begin_test(
    device_id: str, request: Request, viewer: Tester, its: PartsDep
) -> TestBegun | JSONResponse:
    """From the answer on the button's next press is a test, once, for `HUB_DEVICE_TEST_S`.

    The second press, and every press after the end, is an emergency as always.
    """
    return await _order_test(device_id, request, viewer, its, end=False)


@router.delete("/devices/{device_id}/test", response_model=TestBegun, responses=_WAITS)
async def end_test(
    device_id: str, request: Request, viewer: Tester, its: PartsDep
) -> TestBegun | JSONResponse:
    """End a test before its time: every press is an emergency from now on."""
    return await _order_test(device_id, request, viewer, its, end=True)


async def _order_test(
    device_id: str, request: Request, viewer: Viewer, its: Parts, *, end: bool
) -> TestBegun | JSONResponse:
    body = {"act": "test", "device": device_id, "by": viewer.actor, "end": end}
    seq = await asyncio.to_thread(_keep, its, body)
    word = await commands.word_on(its, seq)
    if word is None:
        return JSONResponse({"waiting": seq}, 202)
    ok, said = word
    if not ok and said.get("code") == "no_such_device":
        raise _no_such_device(device_id)
    if not ok:
        raise commands.refusal(seq, said, language_of(request))
    return TestBegun(device=device_id, **said["test"])


def _keep(its: Parts, body: dict[str, Any]) -> int:
    with for_writing(its.engine).begin() as connection:
        return append(connection, [Entry(0, COMMAND, None, its.clock.now_ms(), body=body)])


# -- swapping -------------------------------------------------------------------------------------


class SwapWish(BaseModel):
    """Which device takes the place, and why."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    address: str = Field(max_length=1_000, description="Of a stranger, or typed by hand; a DevEUI.")
    reason: str = Field(max_length=REASON_CHARACTERS_MAX, description="Why (needed).")
    driver: str | None = Field(None, max_length=200, description="Where nothing else tells it.")


class SwapDone(BaseModel):
    """The device keeps its id; `old_address` is a ghost's from now on."""

    seq: int
    id: str
    old_address: str
    address: str
    driver: str


@router.post("/devices/{device_id}/swap", responses={409: {"description": "Why it cannot be."}})
def swap_device(device_id: str, wish: SwapWish, viewer: Registrar, its: PartsDep) -> SwapDone:
    """Put another device in its place: id, place, resident, rules and history go on as one life."""
    asked = Swap(device_id, wish.address, wish.reason, viewer.actor, wish.driver or None)
    try:
        with for_writing(its.engine).begin() as connection:
            done = swap(connection, asked, its.clock.now_ms())
    except NotSwapped as no:
        status = _STATUS.get(no.code, 422)
        raise Problem(status, no.en, code=no.code, reason_zh=no.zh, reason_en=no.en) from no
    return SwapDone(
        seq=done.seq,
        id=done.device,
        old_address=done.old_address,
        address=done.address,
        driver=done.driver,
    )


@router.get("/ghosts")
def list_ghosts(_viewer: DeviceReader, connection: Reading) -> list[GhostOut]:
    """Devices that were swapped for others, the newest first; `heard_ms`: it still speaks."""
    return [GhostOut.model_validate(row) for row in senders.ghosts_of(connection)]
