"""Labels with QR codes: chosen, looked at, printed; codes for devices that have none."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from dashboard_api import queries, stickers
from dashboard_api.access import Right
from dashboard_api.deps import PartsDep, Reading, Registrar
from dashboard_api.doors import DeviceVisitor
from dashboard_api.errors import Problem
from dashboard_api.routes.pages import page_of
from dashboard_api.stickers import SHEETS, STANDARD
from hub.database import for_writing
from hub.new_codes import give_codes

router = APIRouter(include_in_schema=False)
api = APIRouter(prefix="/api/v1/labels", tags=["register"])

IDS_MAX = 2_000
FAMILIES = ("button", "door", "counter", "gateway")


class Choice(BaseModel):
    """Whose labels, on which sheet; `skip`: so many of the first sheet are used already."""

    model_config = ConfigDict(extra="forbid")

    grid: str = Field("", max_length=128)
    building: str = Field("", max_length=128)
    family: str = Field("", max_length=40)
    device: list[str] = Field(default=[], max_length=IDS_MAX)
    sheet: str = Field(STANDARD, max_length=40)
    skip: int = Field(0, ge=0, le=200)


def _sheet(name: str) -> stickers.Sheet:
    if name not in SHEETS:
        raise Problem(422, f"sheet: expected one of {', '.join(SHEETS)}, not {name[:40]}.")
    return SHEETS[name]


@router.get("/labels/sheet.css")
def sheet_style(sheet: Annotated[str, Query(max_length=40)] = STANDARD) -> Response:
    """The measures of a sheet: figures of its maker, not of the page."""
    return Response(stickers.style(_sheet(sheet)), media_type="text/css")


@router.get("/labels", response_class=HTMLResponse)
def labels_page(
    request: Request,
    its: PartsDep,
    viewer: DeviceVisitor,
    connection: Reading,
    choice: Annotated[Choice, Query()],
) -> Response:
    """What is chosen as it lies on paper; printed without all else."""
    sheet, limit = _sheet(choice.sheet), its.settings.labels_max
    rows = queries.find_devices(connection, grid=choice.grid or None, family=choice.family or None)
    found = stickers.chosen(rows, choice.building, ())
    picked = stickers.chosen(rows, choice.building, choice.device) if _is_some(choice) else []
    coded = [row for row in picked if row["code"]]
    base = its.settings.public_url or str(request.base_url)
    drawn = [stickers.sticker(row, base) for row in coded[:limit]]
    return page_of(
        request,
        its,
        viewer,
        "labels.html",
        pages=stickers.pages(drawn, sheet, choice.skip),
        count=len(drawn),
        devices=found if _is_some(choice) else [],
        without=[row["id"] for row in picked if not row["code"]],
        more=len(coded) > limit,
        limit=limit,
        sheet=sheet,
        sheets=[stickers.facts(one) for one in SHEETS.values()],
        grids=queries.grid_names(connection),
        buildings=_buildings(connection, queries.find_devices(connection)),
        families=FAMILIES,
        chosen=choice.model_dump(),
        base=base,
        is_public=bool(its.settings.public_url),
        may_give=viewer.may(Right.REGISTER),
    )


def _is_some(choice: Choice) -> bool:
    """Was anything chosen? All devices of a district are not drawn by chance."""
    return bool(choice.model_fields_set - {"sheet", "skip"})


def _buildings(connection: Reading, rows: list[queries.Row]) -> list[dict[str, Any]]:
    places = queries.places_by_path(connection)
    unnamed = {"name_zh": None, "name_en": None}
    return [{"path": path, **unnamed, **places.get(path, {})} for path in stickers.buildings(rows)]


class CodesIn(BaseModel):
    """Devices that are to have a code."""

    model_config = ConfigDict(extra="forbid")

    devices: list[str] = Field(min_length=1, max_length=IDS_MAX)


class CodesOut(BaseModel):
    """What was given, by device; one that had a code keeps it."""

    codes: dict[str, str]


@api.post("/codes")
def make_codes(wish: CodesIn, viewer: Registrar, its: PartsDep) -> CodesOut:
    """Short codes for devices that have none, for their labels."""
    with for_writing(its.engine).begin() as connection:
        given = give_codes(connection, wish.devices, viewer.actor, its.clock.now_ms())
    return CodesOut(codes=given)
