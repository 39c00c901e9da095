"""The rota over HTTP and as a page: who is planned when, swaps, absences, CSV in and out."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from dashboard_api.deps import CaseActor, Parts, PartsDep, Reading, Registrar
from dashboard_api.doors import ActVisitor
from dashboard_api.errors import Problem
from dashboard_api.moments import DAY_MS, read_moment
from dashboard_api.routes.pages import page_of
from dashboard_api.shapes import WHO_CHARS_MAX
from hub import rota, users
from hub.database import for_writing
from hub.mistakes import Mistakes
from hub.rota import Planned, Unmanned

router = APIRouter()
api = APIRouter(prefix="/api/v1/rota", tags=["shifts"])

FILE = "rota.csv"
REASON_CHARS_MAX = 1_000
Moment = Annotated[str, Query(max_length=40)]


class PlannedOut(BaseModel):
    """One planned shift. `absent_reason`: the person will not come."""

    id: int
    role: str
    grid: str | None
    person: str
    since_ms: int
    until_ms: int
    instead_of: str | None
    absent_reason: str | None


class UnmannedOut(BaseModel):
    """Nobody is there, or will be; `why` is absent, not_signed_on or not_planned."""

    role: str
    grid: str | None
    person: str | None
    since_ms: int
    why: str


class RotaOut(BaseModel):
    """The shifts of a span, and what somebody must look after now."""

    from_ms: int
    to_ms: int
    shifts: list[PlannedOut]
    unmanned: list[UnmannedOut]


class Imported(BaseModel):
    """What became of a file's rows."""

    rows: int
    added: int
    changed: int


class SwapFor(BaseModel):
    """Who comes instead."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    person: str = Field(min_length=1, max_length=WHO_CHARS_MAX)


class Absence(BaseModel):
    """Why the person will not come; null: will come after all."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    reason: str | None = Field(max_length=REASON_CHARS_MAX, min_length=1)


def _span(its: Parts, from_: str, to: str) -> tuple[int, int]:
    now_ms = its.clock.now_ms()
    from_ms = read_moment("from", from_) if from_ else now_ms
    days = its.settings.rota_days_shown
    to_ms = read_moment("to", to) if to else from_ms + days * DAY_MS
    if not from_ms < to_ms <= from_ms + its.settings.kpi_days_max * DAY_MS:
        raise Problem(
            422, f"to: expected a moment within {its.settings.kpi_days_max} days of from."
        )
    return from_ms, to_ms


@api.get("")
def read_rota(
    _viewer: CaseActor,
    its: PartsDep,
    connection: Reading,
    from_: Annotated[str, Query(alias="from", max_length=40)] = "",
    to: Moment = "",
) -> RotaOut:
    """Who is planned when; and what is unmanned now or will be within `rota_warn_s`."""
    from_ms, to_ms = _span(its, from_, to)
    unmanned = _unmanned(its, connection)
    return RotaOut(
        from_ms=from_ms,
        to_ms=to_ms,
        shifts=[
            PlannedOut(**one._asdict()) for one in rota.planned_between(connection, from_ms, to_ms)
        ],
        unmanned=[UnmannedOut(**one._asdict()) for one in unmanned],
    )


def _unmanned(its: Parts, connection: Reading) -> list[Unmanned]:
    now_ms = its.clock.now_ms()
    return rota.find_unmanned(connection, its.site.roles, its.settings, now_ms)


@api.get("/csv", response_class=Response, responses={200: {"content": {"text/csv": {}}}})
def export_rota(
    _viewer: CaseActor,
    its: PartsDep,
    connection: Reading,
    from_: Annotated[str, Query(alias="from", max_length=40)] = "",
    to: Moment = "",
) -> Response:
    """The same as CSV, which the import reads."""
    rows = rota.planned_between(connection, *_span(its, from_, to))
    content = rota.write_rota(rows, its.site.zone).encode("utf-8-sig")
    headers = {"Content-Disposition": f'attachment; filename="{FILE}"'}
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)


@api.post(
    "",
    openapi_extra={"requestBody": {"required": True, "content": {"text/csv": {}}}},
)
async def import_rota(request: Request, viewer: Registrar, its: PartsDep) -> Imported:
    """Rows of a CSV file: role, grid, person, from, to. All are checked before one is kept."""
    content, now_ms = await request.body(), its.clock.now_ms()
    try:
        with for_writing(its.engine).begin() as connection:
            known = rota.known_grids(connection)
            rows = rota.read_rota(FILE, content, its.site.zone, known)
            added, changed = rota.keep(connection, rows, viewer.actor, now_ms)
    except Mistakes as error:
        raise Problem(422, str(error), code="wrong_rota") from error
    return Imported(rows=len(rows), added=added, changed=changed)


@api.post("/{number}/swap", status_code=204)
def swap_shift(number: int, given: SwapFor, viewer: Registrar, its: PartsDep) -> None:
    """Somebody else comes instead."""
    with for_writing(its.engine).begin() as connection:
        now_ms = its.clock.now_ms()
        _there(rota.swap(connection, number, given.person, viewer.actor, now_ms), number)


@api.post("/{number}/absence", status_code=204)
def note_absence(number: int, given: Absence, viewer: Registrar, its: PartsDep) -> None:
    """Whoever is planned will not come; a warning stands until somebody else does."""
    with for_writing(its.engine).begin() as connection:
        now_ms = its.clock.now_ms()
        _there(rota.absent(connection, number, given.reason, viewer.actor, now_ms), number)


@api.delete("/{number}", status_code=204)
def remove_shift(number: int, _viewer: Registrar, its: PartsDep) -> None:
    """Take a planned shift out of the rota."""
    with for_writing(its.engine).begin() as connection:
        _there(rota.remove(connection, number), number)


def _there(found: bool, number: int) -> None:
    if not found:
        raise Problem(404, f"There is no planned shift {number}.", code="no_such_shift")


# -- the page -------------------------------------------------------------------------------------


@router.get("/rota", include_in_schema=False, response_class=HTMLResponse)
def rota_page(request: Request, its: PartsDep, viewer: ActVisitor, connection: Reading) -> Response:
    """The coming days, with what is unmanned first."""
    rows: list[Planned] = rota.planned_between(connection, *_span(its, "", ""))
    return page_of(
        request,
        its,
        viewer,
        "rota.html",
        rows=rows,
        unmanned=_unmanned(its, connection),
        people=users.with_pin(connection),
    )
