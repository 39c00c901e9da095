"""What is quiet for a while, by whom and why: devices out of service, shelved cases; the page."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from dashboard_api import commands, queries
from dashboard_api.access import Viewer
from dashboard_api.deps import DeviceReader, Parts, PartsDep, Reading, Tester
from dashboard_api.doors import DeviceVisitor
from dashboard_api.errors import Problem
from dashboard_api.moments import DAY_MS
from dashboard_api.routes.pages import page_of
from dashboard_api.shapes import NUMBER_MAX, Waiting, Words
from dashboard_api.texts import language_of
from hub.database import for_writing
from hub.journal import COMMAND, Entry, append
from hub.succession import REASON_CHARACTERS_MAX

router = APIRouter()
api = APIRouter(prefix="/api/v1", tags=["devices"])


class RestOut(BaseModel):
    """A device out of service. `muted`: its open cases of which nobody is told."""

    device: str
    name: Words | None
    place: str | None
    since_ms: int
    until_ms: int
    reason: str
    by: str
    muted: int


class ShelvedOut(BaseModel):
    """A case that was put aside."""

    case: str
    title: Words
    device: str | None
    until_ms: int
    reason: str
    by: str | None


class OverridesOut(BaseModel):
    """All that is quiet now; what ends first stands first."""

    at_ms: int
    out_of_service: list[RestOut]
    shelved: list[ShelvedOut]


class Rest(BaseModel):
    """Until when, and why."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    until_ms: int = Field(ge=0, le=NUMBER_MAX)
    reason: str = Field(min_length=1, max_length=REASON_CHARACTERS_MAX)


class RestDone(BaseModel):
    """The hub has taken it in."""

    seq: int
    device: str


_ANSWERS: dict[int | str, dict[str, Any]] = {
    202: {"model": Waiting, "description": "Kept; the judge has not spoken yet."},
    409: {"description": "The judge's no."},
}


@api.get("/quiet")
def read_overrides(viewer: DeviceReader, its: PartsDep, connection: Reading) -> OverridesOut:
    """Devices out of service and shelved cases: who, until when, why."""
    now_ms = its.clock.now_ms()
    return OverridesOut(
        at_ms=now_ms,
        out_of_service=[_rest(row) for row in queries.out_of_service_now(connection, now_ms)],
        shelved=[_shelved(row) for row in queries.shelved_cases(connection, viewer, now_ms)],
    )


def _rest(row: queries.Row) -> RestOut:
    named = row["name_zh"] is not None
    made = {name: row[name] for name in RestOut.model_fields if name != "name"}
    return RestOut(**made, name=Words(zh=row["name_zh"], en=row["name_en"]) if named else None)


def _shelved(row: queries.Row) -> ShelvedOut:
    return ShelvedOut(
        case=row["id"],
        title=Words(zh=row["title_zh"], en=row["title_en"]),
        device=row["device"],
        until_ms=row["shelved_until_ms"],
        reason=row["shelved_reason"] or "",
        by=row["shelved_by"],
    )


@api.post("/devices/{device_id}/out_of_service", response_model=RestDone, responses=_ANSWERS)
async def take_out(
    device_id: str, rest: Rest, request: Request, viewer: Tester, its: PartsDep
) -> RestDone | JSONResponse:
    """Until then nobody is told of its faults, maintenance and security; emergencies go on."""
    days_max, now_ms = its.settings.out_of_service_days_max, its.clock.now_ms()
    if not now_ms < rest.until_ms <= now_ms + days_max * DAY_MS:
        raise Problem(422, f"until_ms: expected a moment within {days_max} days from now.")
    more = rest.model_dump()
    return await _order(device_id, "out_of_service", more, request, viewer, its)


@api.delete("/devices/{device_id}/out_of_service", response_model=RestDone, responses=_ANSWERS)
async def put_back(
    device_id: str, request: Request, viewer: Tester, its: PartsDep
) -> RestDone | JSONResponse:
    """Put it back into service before its time: people are told of what is open."""
    return await _order(device_id, "in_service", {}, request, viewer, its)


async def _order(
    device_id: str, act: str, more: dict[str, Any], request: Request, viewer: Viewer, its: Parts
) -> RestDone | JSONResponse:
    body = {"act": act, "device": device_id, "by": viewer.actor, **more}
    seq = await asyncio.to_thread(_keep, its, body)
    word = await commands.word_on(its, seq)
    if word is None:
        return JSONResponse({"waiting": seq}, 202)
    ok, said = word
    if not ok and said.get("code") == "no_such_device":
        raise Problem(404, f"There is no device {device_id}.", code="no_such_device")
    if not ok:
        raise commands.refusal(seq, said, language_of(request))
    return RestDone(seq=seq, device=device_id)


def _keep(its: Parts, body: dict[str, Any]) -> int:
    with for_writing(its.engine).begin() as connection:
        return append(connection, [Entry(0, COMMAND, None, its.clock.now_ms(), body=body)])


@router.get("/quiet", include_in_schema=False, response_class=HTMLResponse)
def quiet_page(
    request: Request, its: PartsDep, viewer: DeviceVisitor, connection: Reading
) -> Response:
    """All that is quiet now, so that nothing stays so by being forgotten."""
    now_ms = its.clock.now_ms()
    return page_of(
        request,
        its,
        viewer,
        "quiet.html",
        resting=queries.out_of_service_now(connection, now_ms),
        shelved=queries.shelved_cases(connection, viewer, now_ms),
    )
