"""Looking after what people depend on: batteries by grid, coverage by grid, duty phones."""

from dataclasses import asdict
from datetime import date
from itertools import groupby
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel
from sqlalchemy.dialects.sqlite import insert as upsert

from dashboard_api import queries
from dashboard_api.deps import CaseActor, DeviceReader, PartsDep, Reading, Registrar
from dashboard_api.doors import DeviceVisitor, ResidentVisitor
from dashboard_api.errors import Problem
from dashboard_api.routes.pages import _page
from dashboard_api.shapes import Words
from hub.batteries import Battery, find_batteries
from hub.coverage import find_coverage
from hub.database import duty_phones, for_writing

router = APIRouter()
api = APIRouter(prefix="/api/v1", tags=["devices"])

Grid = Annotated[str | None, Query(max_length=80)]


class BatteryOut(BaseModel):
    """The battery of one device. `percent` by its own word or by the curve of its cell."""

    device: str
    family: str
    name: Words
    place: str | None
    place_name: Words | None
    grid: str | None
    depends: str
    cell: str | None
    percent: float | None
    volts: float | None
    low: bool
    flat: bool
    said_ms: int
    empty_on: date | None
    per_day: float | None

    @classmethod
    def of(cls, one: Battery) -> "BatteryOut":
        """From the store's value."""
        made = {"name", "place_name"}
        whole = {name: getattr(one, name) for name in cls.model_fields if name not in made}
        place = one.place_zh is not None and one.place_en is not None
        return cls(
            **whole,
            name=Words(zh=one.name_zh, en=one.name_en),
            place_name=Words(zh=one.place_zh, en=one.place_en) if place else None,  # type: ignore[arg-type]
        )


class BatteriesOut(BaseModel):
    """By grid, in the order of a walk: the most urgent first."""

    at_ms: int
    batteries: list[BatteryOut]


@api.get("/batteries")
def read_batteries(
    _viewer: DeviceReader, its: PartsDep, connection: Reading, grid: Grid = None
) -> BatteriesOut:
    """Every battery that is known, by grid and by who depends on it, with the day it is empty."""
    now_ms = its.clock.now_ms()
    found = find_batteries(connection, its.settings, now_ms)
    shown = [BatteryOut.of(one) for one in found if grid is None or one.grid == grid]
    return BatteriesOut(at_ms=now_ms, batteries=shown)


class PhoneOut(BaseModel):
    """A duty phone that has just said that it is at hand."""

    grid: str
    heard_ms: int


@api.post("/grids/{grid}/phone", tags=["figures"])
def phone_at_hand(grid: str, viewer: CaseActor, its: PartsDep) -> PhoneOut:
    """The duty phone of a grid says that somebody has it at hand.

    Once it has said so it must go on, at least every `duty_phone_silence_s`: else the residents of
    its grid are not counted as covered.
    """
    now_ms = its.clock.now_ms()
    with for_writing(its.engine).begin() as connection:
        if not queries.is_grid(connection, grid):
            raise Problem(404, f"There is no grid {grid}.", code="no_such_grid")
        row = {"heard_ms": now_ms, "by": viewer.actor}
        said = upsert(duty_phones).values(grid=grid, **row)
        connection.execute(said.on_conflict_do_update(index_elements=["grid"], set_=row))
    return PhoneOut(grid=grid, heard_ms=now_ms)


@api.delete("/grids/{grid}/phone", status_code=204, tags=["figures"])
def forget_phone(grid: str, _viewer: Registrar, its: PartsDep) -> None:
    """This grid's phone need not say any more that it is at hand."""
    with for_writing(its.engine).begin() as connection:
        connection.execute(duty_phones.delete().where(duty_phones.c.grid == grid))


# -- pages ----------------------------------------------------------------------------------------


@router.get("/batteries", include_in_schema=False, response_class=HTMLResponse)
def batteries_page(
    request: Request,
    its: PartsDep,
    viewer: DeviceVisitor,
    connection: Reading,
    grid: Grid = None,
    all_: Annotated[bool, Query(alias="all")] = False,
) -> Response:
    """One round through a grid: which batteries to change, in which order, with room for a tick."""
    now_ms = its.clock.now_ms()
    found = find_batteries(connection, its.settings, now_ms)
    soon = date.fromordinal(its.texts.today(now_ms).toordinal() + its.settings.battery_soon_days)
    due = [asdict(one) for one in found if all_ or one.is_due(soon)]
    rounds = [
        (name, list(some))
        for name, some in groupby(due, key=lambda one: one["grid"])
        if grid in (None, name)
    ]
    names = {one.grid: asdict(one) for one in found}
    return _page(
        request,
        its,
        viewer,
        "batteries.html",
        rounds=rounds,
        grids=names,
        chosen=grid,
        everything=all_,
        known=len(found),
        soon_days=its.settings.battery_soon_days,
    )


@router.get("/coverage", include_in_schema=False, response_class=HTMLResponse)
def coverage_page(
    request: Request, its: PartsDep, viewer: ResidentVisitor, connection: Reading
) -> Response:
    """Who could not call for help right now, by grid, and why; for staff."""
    found = find_coverage(connection, its.settings, its.clock.now_ms())
    missing = [one.resident_id for one in found if not one.reachable]
    people = queries.residents_of(connection, missing)
    return _page(
        request,
        its,
        viewer,
        "coverage.html",
        residents=len(found),
        missing={one.resident_id: one for one in found if not one.reachable},
        people=people,
        buttons=queries.device_names(connection),
    )
