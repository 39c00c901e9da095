"""The wall screens: what each says of itself, and how they are, for those who look after them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from dashboard_api.access import check_origin
from dashboard_api.deps import (
    DeviceReader,
    Parts,
    PartsDep,
    Reading,
    Registrar,
    refuse_screen,
    screen_of,
)
from dashboard_api.doors import DeviceVisitor
from dashboard_api.edition import edition
from dashboard_api.errors import Problem
from dashboard_api.queries import Row
from dashboard_api.routes.pages import page_of
from dashboard_api.shapes import NUMBER_MAX
from hub import screens
from hub.database import for_writing

router = APIRouter(include_in_schema=False)
api = APIRouter(prefix="/api/v1", tags=["screens"])

Span = Annotated[int, Field(ge=0, le=NUMBER_MAX)]


class BeatIn(BaseModel):
    """What a screen says of itself; see `hub.screens.Beat`."""

    model_config = ConfigDict(extra="forbid")

    page: str = Field(max_length=20)
    live: bool
    data_ms: Span | None = None
    frozen_ms: Span = 0
    edition: str = Field(max_length=20)
    size: str = Field(max_length=40)


class BeatOut(BaseModel):
    """The edition of the pages that runs here: a screen with another one loads itself anew."""

    edition: str


class ScreenOut(BaseModel):
    """A wall screen. `dark`: it does not show what is so; null: it never has."""

    name: str
    dark: bool | None
    bound_ms: int | None
    heard_ms: int | None
    shown_ms: int | None
    page: str | None
    live: bool | None
    data_ms: int | None
    frozen_ms: int | None
    size: str | None
    newest: bool | None = Field(description="Does it run the edition of the pages that runs here?")
    refused_ms: int | None = Field(description="When another browser came with its token.")
    refused_by: str | None


class ScreensOut(BaseModel):
    """All of them, by name."""

    at_ms: int
    screens: list[ScreenOut]


def _this_screen(request: Request, its: PartsDep) -> str:
    """The screen that asks, in the browser that its token belongs to, whoever is logged in."""
    found = screen_of(request, its)
    if found is None:
        raise Problem(401, "This is for wall screens.", code="not_logged_in")
    check_origin(request.headers)
    name, whose = found
    if whose == "other":
        refuse_screen(request, its, name)
    if whose != "own":
        raise Problem(403, "This token belongs to another screen.", code="other_screen")
    return name


@api.post("/screens/beat")
def beat(body: BeatIn, name: Annotated[str, Depends(_this_screen)], its: PartsDep) -> BeatOut:
    """A wall screen says what it shows; only for the browser that the screen's token belongs to.

    The one thing that a screen's token can write, and only about the screen itself.
    """
    with for_writing(its.engine).begin() as connection:
        screens.hear(connection, name, screens.Beat(**body.model_dump()), its.clock.now_ms())
    return BeatOut(edition=edition())


@api.get("/screens")
def read_screens(_viewer: DeviceReader, its: PartsDep, connection: Reading) -> ScreensOut:
    """Every wall screen, when it last showed what is so, and who else tried its token."""
    now_ms = its.clock.now_ms()
    return ScreensOut(
        at_ms=now_ms, screens=[_out(row, its, now_ms) for row in screens.all_screens(connection)]
    )


@api.delete("/screens/{name}", status_code=204)
def release_screen(name: str, _viewer: Registrar, its: PartsDep) -> None:
    """The next browser that comes with this screen's token is the screen: another box behind it."""
    with for_writing(its.engine).begin() as connection:
        if not screens.release(connection, name):
            raise Problem(404, f"There is no screen {name}.", code="no_such_screen")


@router.get("/screens", response_class=HTMLResponse)
def screens_page(
    request: Request, its: PartsDep, viewer: DeviceVisitor, connection: Reading
) -> Response:
    """The wall screens as people look after them."""
    now_ms = its.clock.now_ms()
    rows = [_out(row, its, now_ms) for row in screens.all_screens(connection)]
    return page_of(request, its, viewer, "screens.html", screens=rows)


def _out(row: Row, its: Parts, now_ms: int) -> ScreenOut:
    kept = {name: row[name] for name in ScreenOut.model_fields if name in row}
    dark = screens.is_dark(row["shown_ms"], its.settings.screen_silence_s, now_ms)
    newest = None if row["edition"] is None else row["edition"] == edition()
    return ScreenOut(**kept, dark=dark, newest=newest)
