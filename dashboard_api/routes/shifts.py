"""Who is on duty: signing on at a shared phone, handing over, signing off; the page for it.

The phone stays logged in as itself. Whoever takes it signs on by name and PIN, and sees first what
is open; from then on what is done there is done by that person, until the shift ends.
"""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from dashboard_api import commands, queries
from dashboard_api.access import SESSION_COOKIE, Viewer
from dashboard_api.deps import CaseActor, Parts, PartsDep, Reading
from dashboard_api.doors import ActVisitor
from dashboard_api.errors import Problem
from dashboard_api.routes.pages import page_of
from dashboard_api.shapes import NUMBER_MAX, WHO_CHARS_MAX, Waiting
from dashboard_api.texts import language_of
from hub import users
from hub.database import for_writing
from hub.journal import COMMAND, Entry, append
from rules.roster import DUTIES, DUTY_PHONE
from rules.rule import GRAVE

router = APIRouter()
api = APIRouter(prefix="/api/v1/shifts", tags=["shifts"])

HOUR_MS = 3_600_000
HOURS_OFFERED = (4, 8, 12, 24)
OF_CREWS = ("maintenance",)  # who may not see emergencies must not count as somebody who hears them


class ShiftOut(BaseModel):
    """Somebody on duty. `by`: the phone or person that signed on; `cases`: what the person has."""

    id: int
    role: str
    grid: str | None
    person: str
    since_ms: int
    until_ms: int
    by: str
    cases: list[str]


class DutyOut(BaseModel):
    """A role of the site: whether somebody is on duty, and what is open where it looks after."""

    role: str
    grid: str | None
    on_duty: bool
    must_sign_on: bool
    open: int
    unanswered: int


class ShiftsOut(BaseModel):
    """Who is on duty now, and what is open per role. `mine`: the shift of this phone."""

    at_ms: int
    mine: int | None
    shifts: list[ShiftOut]
    roles: list[DutyOut]


class SignOn(BaseModel):
    """Who takes which role until when.

    `confirmed`: the open cases that the person was shown; where it is given, every emergency and
    urgent case must be in it. `takes_over`: the shift that ends by this one; what was confirmed of
    it stays in hand, the rest goes back to everybody.
    """

    model_config = ConfigDict(extra="forbid")

    role: str = Field(max_length=WHO_CHARS_MAX)
    grid: str | None = Field(None, max_length=WHO_CHARS_MAX)
    person: str = Field(min_length=1, max_length=WHO_CHARS_MAX)
    pin: str = Field(max_length=users.PIN_DIGITS_MAX)
    until_ms: int = Field(ge=0, le=NUMBER_MAX)
    confirmed: list[str] | None = Field(None, max_length=1_000)
    takes_over: int | None = Field(None, ge=1, le=NUMBER_MAX)


class SignedOn(BaseModel):
    """The shift runs. `given_back`: cases of the one before that nobody has now."""

    seq: int
    shift: int
    given_back: list[str] = []


_ANSWERS: dict[int | str, dict[str, Any]] = {
    202: {"model": Waiting, "description": "Kept; the judge has not spoken yet."},
    409: {"description": "Open cases that were not confirmed, or the judge's no."},
    429: {"description": "Too many wrong PINs."},
}


@api.get("")
def read_shifts(
    request: Request, viewer: CaseActor, its: PartsDep, connection: Reading
) -> ShiftsOut:
    """Who is on duty now, and what is open per role."""
    now_ms = its.clock.now_ms()
    running = queries.running_shifts(connection, now_ms)
    theirs = queries.open_of_people(connection)
    shifts = [
        ShiftOut(**{name: row[name] for name in ShiftOut.model_fields if name != "cases"},
                 cases=theirs.get(row["person"], []))
        for row in running
    ]  # fmt: skip
    return ShiftsOut(
        at_ms=now_ms,
        mine=_mine(request, viewer, connection, now_ms),
        shifts=shifts,
        roles=_duties(its, viewer, connection, running),
    )


def _mine(request: Request, viewer: Viewer, connection: Reading, now_ms: int) -> int | None:
    secret = request.cookies.get(SESSION_COOKIE)
    if secret is None or not viewer.by_cookie:
        return None
    return users.shift_of(connection, secret, now_ms)


def _duties(
    its: Parts, viewer: Viewer, connection: Reading, running: list[queries.Row]
) -> list[DutyOut]:
    """As the site names them; of a site that names nobody the duty phone of every grid."""
    needed = {(one.role, one.grid): one.sign_on for one in its.site.roles if one.role in DUTIES}
    if not needed:
        needed = {(DUTY_PHONE, grid["id"]): False for grid in queries.all_grids(connection)}
    manned = {(row["role"], row["grid"]) for row in running}
    totals = queries.open_by_grid(connection, viewer)
    found = []
    for role, grid in dict.fromkeys([*needed, *sorted(manned, key=str)]):
        some = [total for name, total in totals.items() if grid in (None, name)]
        found.append(
            DutyOut(
                role=role,
                grid=grid,
                on_duty=(role, grid) in manned,
                must_sign_on=needed.get((role, grid), False),
                open=sum(total.cases for total in some),
                unanswered=sum(total.unanswered for total in some),
            )
        )
    return found


@api.post("", response_model=SignedOn, responses=_ANSWERS)
async def sign_on(
    wish: SignOn, request: Request, viewer: CaseActor, its: PartsDep
) -> SignedOn | JSONResponse:
    """Sign a person on by PIN; what this session does is that person's doing until the end."""
    now_ms = its.clock.now_ms()
    _check_wish(wish, viewer, now_ms, its.settings.shift_hours_max)
    await _check_pin(wish, request, its)
    seq = await asyncio.to_thread(_keep, its, wish, request, viewer, now_ms)
    word = await commands.word_on(its, seq)
    if word is None:
        return JSONResponse({"waiting": seq}, 202)
    ok, body = word
    if not ok:
        raise commands.refusal(seq, body, language_of(request))
    return SignedOn(seq=seq, shift=body["shift"], given_back=body["given_back"])


def _check_wish(wish: SignOn, viewer: Viewer, now_ms: int, hours_max: int) -> None:
    allowed = OF_CREWS if viewer.role == "crew" else DUTIES
    if wish.role not in allowed:
        raise Problem(422, f"role: expected {', '.join(allowed)}.", code="wrong_role")
    if not now_ms < wish.until_ms <= now_ms + hours_max * HOUR_MS:
        raise Problem(422, f"until_ms: expected a moment within {hours_max} hours from now.")


async def _check_pin(wish: SignOn, request: Request, its: Parts) -> None:
    """Tried at most as often as passwords are; also by who is logged in as that person."""
    address = request.client.host if request.client else ""
    its.tries.begin(address, f"PIN of {wish.person}")
    async with its.tries.turn():
        person = await asyncio.to_thread(users.verify_pin, its.engine, wish.person, wish.pin)
    if person is None:
        raise Problem(
            403,
            "Name or PIN is wrong.",
            code="wrong_pin",
            reason_zh="姓名或 PIN 码不对",
            reason_en="Name or PIN is wrong.",
        )
    its.tries.succeeded(address, f"PIN of {wish.person}")


def _keep(its: Parts, wish: SignOn, request: Request, viewer: Viewer, now_ms: int) -> int:
    """The command, and this session bound to its shift: that counts only if the judge says yes."""
    given = wish.model_dump(exclude_none=True, exclude={"pin"})
    body = {"act": "sign_on", "by": viewer.name, **given}
    with for_writing(its.engine).begin() as connection:
        if wish.grid is not None and not queries.is_grid(connection, wish.grid):
            raise Problem(404, f"There is no grid {wish.grid}.", code="no_such_grid")
        _check_confirmed(wish, viewer, connection, its.settings.page_rows_max)
        seq = append(connection, [Entry(0, COMMAND, None, now_ms, body=body)])
        secret = request.cookies.get(SESSION_COOKIE)
        if viewer.by_cookie and secret is not None:
            users.bind_session(connection, secret, seq)
    return seq


def _check_confirmed(wish: SignOn, viewer: Viewer, connection: Reading, limit: int) -> None:
    if wish.confirmed is None:
        return
    shown = set(wish.confirmed)
    rows = queries.open_in_grid(connection, viewer, wish.grid, limit)
    missed = [row["id"] for row in rows if row["severity"] in GRAVE and row["id"] not in shown]
    if missed:
        names = ", ".join(missed)
        raise Problem(
            409,
            f"Open and not confirmed: {names}.",
            code="open_cases",
            cases=missed,
            reason_zh=f"尚未确认的待处理事件：{names}",
            reason_en=f"Open and not confirmed: {names}.",
        )


@api.post("/{shift}/end", response_model=SignedOn, responses=_ANSWERS)
async def sign_off(
    shift: int, request: Request, viewer: CaseActor, its: PartsDep
) -> SignedOn | JSONResponse:
    """End a shift before its time; the answer says which cases nobody has any more."""
    seq = await asyncio.to_thread(_keep_end, its, shift, viewer)
    word = await commands.word_on(its, seq)
    if word is None:
        return JSONResponse({"waiting": seq}, 202)
    ok, body = word
    if not ok:
        raise commands.refusal(seq, body, language_of(request))
    return SignedOn(seq=seq, shift=body["shift"], given_back=body["given_back"])


def _keep_end(its: Parts, shift: int, viewer: Viewer) -> int:
    now_ms = its.clock.now_ms()
    with for_writing(its.engine).begin() as connection:
        running = queries.running_shifts(connection, now_ms)
        found = next((row for row in running if row["id"] == shift), None)
        if found is None:
            raise Problem(404, f"No shift {shift} is running.", code="no_such_shift")
        if viewer.role == "crew" and viewer.actor != found["person"]:
            raise Problem(403, "Crews end their own shifts only.", code="not_allowed")
        body = {"act": "sign_off", "shift": shift, "by": viewer.actor}
        return append(connection, [Entry(0, COMMAND, None, now_ms, body=body)])


# -- the page -------------------------------------------------------------------------------------


@router.get("/shift", include_in_schema=False, response_class=HTMLResponse)
def shift_page(
    request: Request,
    its: PartsDep,
    viewer: ActVisitor,
    connection: Reading,
    role: Annotated[str, Query(max_length=WHO_CHARS_MAX)] = "",
    grid: Annotated[str, Query(max_length=WHO_CHARS_MAX)] = "",
) -> Response:
    """For a phone: who is on duty, take over with what is open, end the shift."""
    now = read_shifts(request, viewer, its, connection)
    mine = next((one for one in now.shifts if one.id == now.mine), None)
    roles = OF_CREWS if viewer.role == "crew" else DUTIES
    grids = {row["id"]: row for row in queries.all_grids(connection)}
    role = role if role in roles else mine.role if mine else roles[0]
    wanted = grid or (mine.grid if mine and mine.grid else "") or viewer.name
    chosen = wanted if wanted in grids else None
    before = next((one for one in now.shifts if (one.role, one.grid) == (role, chosen)), None)
    limit = its.settings.page_rows_max
    return page_of(
        request,
        its,
        viewer,
        "shift.html",
        now=now,
        mine=mine,
        before=before,
        roles=roles,
        grids=grids,
        role=role,
        grid=chosen,
        people=users.with_pin(connection),
        open_cases=queries.open_in_grid(connection, viewer, chosen, limit),
        hours=[hours for hours in HOURS_OFFERED if hours <= its.settings.shift_hours_max],
    )
