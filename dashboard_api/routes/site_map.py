"""The map: the site's plan from its places, and floor plans with devices placed by hand."""

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.engine import Connection

from dashboard_api import plan_map, queries
from dashboard_api.access import Right, Viewer
from dashboard_api.deps import CaseReader, Parts, PartsDep, PerhapsViewer, Reading, Registrar
from dashboard_api.doors import ResidentVisitor
from dashboard_api.errors import Problem
from dashboard_api.register_words import history_words
from dashboard_api.routes.pages import page_of
from dashboard_api.shapes import NUMBER_MAX
from hub import edit_history, floor_plans
from hub.database import for_writing
from hub.floor_plans import MARKS, NotPlaced, Spot
from hub.mistakes import Wrong
from hub.picture import JPEG, PNG, Picture, read_picture

api = APIRouter(prefix="/api/v1/floor_plans", tags=["map"])
router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

PlanId = Annotated[int, Path(ge=1, le=NUMBER_MAX)]
Name = Annotated[str, Query(min_length=1, max_length=100)]
HISTORY_SHOWN = 30
SPOT_DIGITS = 4  # a tenth of a millimetre on a sheet of a metre
DEVICES_SHOWN = 500  # to choose from on one plan
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            media: {"schema": {"type": "string", "format": "binary"}} for media in (PNG, JPEG)
        },
    }
}


class PlanOut(BaseModel):
    """A floor plan; its picture is at `/picture`."""

    id: int
    name: str
    place: str | None
    media_type: str
    width: int
    height: int
    added_ms: int
    added_by: str


class MarkOut(BaseModel):
    """Where a device hangs, 0 … 1 of the plan's width and height."""

    model_config = ConfigDict(extra="forbid")

    x: float = Field(ge=0, le=1)
    y: float = Field(ge=0, le=1)


class Marked(BaseModel):
    """What was done; `edit` is None where it was so already."""

    plan: int
    device: str
    edit: int | None


@api.get("")
def list_plans(_viewer: CaseReader, connection: Reading) -> list[PlanOut]:
    """The floor plans, by name."""
    return [_out(row) for row in floor_plans.all_plans(connection)]


def _out(row: queries.Row) -> PlanOut:
    return PlanOut(**{name: row[name] for name in PlanOut.model_fields})


@api.post("", status_code=201, openapi_extra=_BODY)
async def add_plan(
    request: Request,
    viewer: Registrar,
    its: PartsDep,
    name: Name,
    place: Annotated[str, Query(max_length=200)] = "",
) -> PlanOut:
    """Take a picture (PNG or JPEG, at most `body_bytes_max`) as a floor plan."""
    content = await request.body()
    try:
        picture = read_picture(content, its.settings.picture_side_px_max)
    except Wrong as error:
        zh = "请选择 PNG 或 JPEG 图片，边长不超过上限，且文件完整"
        raise _problem(422, "wrong_picture", zh, f"{error}.") from error
    about = name.strip(), place.strip() or None
    return await asyncio.to_thread(_keep, its, viewer, about, picture, content)


def _keep(
    its: Parts, viewer: Viewer, about: tuple[str, str | None], picture: Picture, content: bytes
) -> PlanOut:
    now_ms = its.clock.now_ms()
    with for_writing(its.engine).begin() as connection:
        if len(floor_plans.all_plans(connection)) >= its.settings.floor_plans_max:
            text = f"There are {its.settings.floor_plans_max} plans already."
            raise _problem(409, "too_many", "平面图数量已达上限", text)
        name, place = about
        if place is not None and place not in queries.places_by_path(connection):
            raise _problem(422, "no_such_place", f"没有地点 {place}", f"There is no place {place}.")
        made = (name, place, picture, content)
        plan_id = floor_plans.add(connection, *made, viewer.actor, now_ms)
        row = floor_plans.find(connection, plan_id)
        assert row is not None
        return _out(row)


@api.get("/{plan_id}/picture", response_class=Response)
def read_plan_picture(plan_id: PlanId, _viewer: CaseReader, connection: Reading) -> Response:
    """The picture itself."""
    found = floor_plans.picture_of(connection, plan_id)
    if found is None:
        raise _no_such_plan(plan_id)
    return Response(found[1], media_type=found[0])


@api.delete("/{plan_id}", status_code=204)
def remove_plan(plan_id: PlanId, viewer: Registrar, its: PartsDep) -> None:
    """Take a plan away; it can be put back."""
    _set_removed(its, viewer, plan_id, its.clock.now_ms())


@api.post("/{plan_id}/restore", status_code=204)
def restore_plan(plan_id: PlanId, viewer: Registrar, its: PartsDep) -> None:
    """Put a plan back with its marks."""
    _set_removed(its, viewer, plan_id, None)


def _set_removed(its: Parts, viewer: Viewer, plan_id: int, now_ms: int | None) -> None:
    with for_writing(its.engine).begin() as connection:
        if not floor_plans.set_removed(connection, plan_id, viewer.actor, now_ms):
            raise _no_such_plan(plan_id)


@api.put("/{plan_id}/marks/{device}")
def place_device(
    plan_id: PlanId, device: str, spot: MarkOut, viewer: Registrar, its: PartsDep
) -> Marked:
    """Put a device there on the plan."""
    return _place(
        its, viewer, plan_id, device, Spot(round(spot.x, SPOT_DIGITS), round(spot.y, SPOT_DIGITS))
    )


@api.delete("/{plan_id}/marks/{device}")
def remove_mark(plan_id: PlanId, device: str, viewer: Registrar, its: PartsDep) -> Marked:
    """Take a device off the plan."""
    return _place(its, viewer, plan_id, device, None)


def _place(its: Parts, viewer: Viewer, plan_id: int, device: str, spot: Spot | None) -> Marked:
    now_ms = its.clock.now_ms()
    with for_writing(its.engine).begin() as connection:
        if floor_plans.find(connection, plan_id) is None:
            raise _no_such_plan(plan_id)
        if queries.device(connection, device) is None:
            text = f"There is no device {device}."
            raise _problem(404, "no_such_device", f"没有设备 {device}", text)
        what = (connection, plan_id, device, spot)
        edit = floor_plans.place_device(*what, viewer.actor, now_ms)
    return Marked(plan=plan_id, device=device, edit=edit)


@api.post("/edits/{edit_id}/undo")
def undo_mark(edit_id: int, viewer: Registrar, its: PartsDep) -> Marked:
    """Put a device back to where it was; refused if it was moved again since."""
    try:
        with for_writing(its.engine).begin() as connection:
            edit = edit_history.find(connection, edit_id)
            if edit is None or edit.kind != MARKS:
                raise Problem(404, f"There is no edit {edit_id}.", code="no_such_edit")
            done = floor_plans.undo(connection, edit, viewer.actor, its.clock.now_ms())
    except NotPlaced as no:
        raise _problem(409, no.code, no.zh, no.en) from no
    plan_id, _, device = edit.key.partition("/")
    return Marked(plan=int(plan_id), device=device, edit=done)


def _no_such_plan(plan_id: int) -> Problem:
    return _problem(404, "no_such_plan", "没有这张平面图", f"There is no floor plan {plan_id}.")


def _problem(status: int, code: str, zh: str, en: str) -> Problem:
    return Problem(status, en, code=code, reason_zh=zh, reason_en=en)


# -- pages ----------------------------------------------------------------------------------------


@router.get("/map")
def map_page(
    request: Request, its: PartsDep, viewer: ResidentVisitor, connection: Reading
) -> Response:
    """The site's plan; for staff."""
    plans = floor_plans.all_plans(connection)
    gone = floor_plans.all_plans(connection, removed=True)
    words = _map_words(its, viewer, connection)
    return page_of(
        request, its, viewer, "map.html", plans=plans, gone=gone, places=_buildings(words), **words
    )


@router.get("/fragments/map")
def map_fragment(
    request: Request, its: PartsDep, viewer: PerhapsViewer, connection: Reading
) -> Response:
    """The plan made anew."""
    if viewer is None or not viewer.may(Right.RESIDENTS):
        raise Problem(401, "Log in.", code="not_logged_in")
    words = _map_words(its, viewer, connection)
    return page_of(request, its, viewer, "fragments/map.html", **words)


def _map_words(its: Parts, viewer: Viewer, connection: Connection) -> dict[str, Any]:
    after = queries.newest_change(connection)
    open_cases = queries.open_cases(connection, viewer, its.settings.map_cases_max)
    places, grids = queries.places_by_path(connection), queries.grid_names(connection)
    drawn = plan_map.plan_map(places, grids, open_cases)
    return {
        "after": after,
        "plan": drawn,
        "size": (plan_map.WIDTH, plan_map.HEIGHT),
        "cases": {case["id"]: case for case in open_cases},
        "all_places": places,
    }


def _buildings(words: dict[str, Any]) -> list[queries.Row]:
    """What a floor plan may show."""
    places = words["all_places"].values()
    return [place for place in places if place["kind"] not in (plan_map.HOME, "entrance")]


@router.get("/map/{plan_id}")
def floor_plan_page(
    plan_id: PlanId,
    request: Request,
    its: PartsDep,
    viewer: ResidentVisitor,
    connection: Reading,
    mode: Literal["look", "place"] = "look",
) -> Response:
    """One floor plan; `place`: devices are placed on it."""
    plan = floor_plans.find(connection, plan_id)
    if plan is None:
        raise _no_such_plan(plan_id)
    words = {"plan": plan, "mode": mode, "after": queries.newest_change(connection)}
    words |= _plan_words(connection, viewer, plan, mode)
    return page_of(request, its, viewer, "floor_plan.html", **words)


def _plan_words(
    connection: Connection, viewer: Viewer, plan: queries.Row, mode: str
) -> dict[str, Any]:
    marks = floor_plans.marks_of(connection, plan["id"])
    known = {mark["device"] for mark in marks}
    at = {name: _worst(connection, viewer, name) for name in known}
    edits = [
        edit
        for edit in edit_history.history(connection, MARKS, limit=HISTORY_SHOWN)
        if edit.key.startswith(f"{plan['id']}/")
    ]
    return {
        "marks": [mark | {"case": at[mark["device"]]} for mark in marks],
        "devices": _placeable(connection, plan["place"], known) if mode == "place" else [],
        "history": history_words(edits) if mode == "place" else [],
        "field_labels": {"x": "x", "y": "y"},
    }


def _worst(connection: Connection, viewer: Viewer, device: str) -> queries.Row | None:
    return next(iter(queries.open_cases_of_device(connection, viewer, device)), None)


def _placeable(connection: Connection, place: str | None, known: set[str]) -> list[queries.Row]:
    """Devices that are not on the plan yet, those of its place first."""
    found = [one for one in queries.find_devices(connection) if one["id"] not in known]
    near = place or ""
    found.sort(key=lambda one: not (one["place"] or "").startswith(near) if near else False)
    return found[:DEVICES_SHOWN]
