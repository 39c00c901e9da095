"""The wall screen: its page and its tiles made anew. What they show names no person."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from dashboard_api.access import SCREEN_COOKIE, WALL_COOKIE, Viewer
from dashboard_api.deps import Parts, PartsDep, PerhapsViewer, refuse_screen, screen_of
from dashboard_api.doors import to_log_in
from dashboard_api.errors import Problem
from dashboard_api.routes.pages import YEAR_S, page_of
from hub import screens
from hub.database import for_writing

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

BEATS_PER_SILENCE = 4  # so often a screen says what it shows: three may be lost


@router.get("/wall")
async def wall(
    request: Request,
    its: PartsDep,
    viewer: PerhapsViewer,
    token: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """The wall screen. `?token=` is taken into a cookie at once, out of the address.

    The first browser that comes with a screen's token gets a key of its own; the screen's cookies
    go before a session's, so that a screen is one even while somebody is logged in at it.
    """
    if token is not None:
        response: Response = RedirectResponse("/wall", 303)
        _keep(response, its, WALL_COOKIE, token)
        return response
    name, key = await asyncio.to_thread(_take, request, its)
    seen_by = viewer if name is None else Viewer(name, screens.WALL, by_cookie=True)
    if seen_by is None:
        raise to_log_in(request)
    words = await its.wall.words()
    every_ms = its.settings.screen_silence_s * 1_000 // BEATS_PER_SILENCE
    response = page_of(
        request, its, seen_by, "wall.html", screen=name, beat_every_ms=every_ms, **words
    )
    if key is not None:
        _keep(response, its, SCREEN_COOKIE, key)
    return response


@router.get("/fragments/wall")
async def wall_fragment(request: Request, its: PartsDep, viewer: PerhapsViewer) -> Response:
    """The wall's tiles, made anew."""
    if viewer is None:
        raise Problem(401, "Log in.", code="not_logged_in")
    return page_of(request, its, viewer, "fragments/wall.html", **await its.wall.words())


def _take(request: Request, its: Parts) -> tuple[str | None, str | None]:
    """The screen that this browser is, and the key that it has just been given; None: none.

    Raises the 403 for a browser that comes with another screen's token.
    """
    found = screen_of(request, its)
    if found is None:
        return None, None
    name, whose = found
    key = None
    if whose == "free":
        with for_writing(its.engine).begin() as connection:
            key = screens.bind(connection, name, its.clock.now_ms())
    if whose == "other" or (whose == "free" and key is None):
        refuse_screen(request, its, name)
        raise Problem(403, "This token belongs to another screen.", code="other_screen")
    return name, key


def _keep(response: Response, its: Parts, cookie: str, text: str) -> None:
    response.set_cookie(
        cookie,
        text,
        max_age=YEAR_S,
        httponly=True,
        samesite="lax",
        secure=its.settings.cookie_secure,
    )
