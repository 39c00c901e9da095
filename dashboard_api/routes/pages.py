"""Pages for people: crew, devices, network; see `console.py` for the console.

A page is made whole by the server and follows the live feed from the very change up to which it
was made (`data-after`); what changes is asked for again as a fragment of the same template.
"""

import asyncio
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from dashboard_api import queries
from dashboard_api.access import SESSION_COOKIE, Right, Viewer
from dashboard_api.commands import no_such_case
from dashboard_api.deps import Parts, PartsDep, PerhapsViewer, Reading
from dashboard_api.device_words import device_words, messages_of
from dashboard_api.doors import DeviceVisitor, ResidentVisitor, to_log_in, to_own_page
from dashboard_api.errors import Problem, SentElsewhere
from dashboard_api.resident_card import note_look
from dashboard_api.rule_overrides import device_overrides
from dashboard_api.texts import LANGUAGE_COOKIE, LANGUAGES, language_of
from dashboard_api.topology import topology
from hub import users
from hub.database import for_writing
from hub.journal import COMMAND, Entry, append

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

CATEGORIES = ("emergency", "welfare", "security", "fault", "maintenance")
YEAR_S = 31_536_000
OF_PHONES = ("console.html", "shift.html")  # pages that a duty phone keeps open
SAID_PER_SILENCE = 4  # so often a phone says that it is at hand: three may be lost
WITHOUT_MENU = ("wall.html", "fragments/wall.html", "fragments/cases.html")
KPI_DAYS = 30
PAGES_MAX = 10_000
Words = Annotated[str, Query(max_length=80)]
PageNumber = Annotated[int, Query(ge=1, le=PAGES_MAX)]
# What a public service has to hear of a case's story.
TOLD_ALOUD = ("raised", "again", "cancelled", "dispatch", "arrive", "note", "confirm", "hand_over")


def _page(
    request: Request, its: Parts, viewer: Viewer | None, template: str, **words: Any
) -> HTMLResponse:
    now_ms = its.clock.now_ms()
    year = datetime.fromtimestamp(now_ms / 1000, its.site.zone).year
    path = request.url.path
    common: dict[str, Any] = {"viewer": viewer, "now_ms": now_ms, "year": year, "path": path}
    common["phone"] = _phone_of(request, its, viewer, now_ms) if template in OF_PHONES else None
    if viewer is not None and viewer.may(Right.REGISTER) and template not in WITHOUT_MENU:
        with its.engine.connect() as connection:
            common["waiting"] = queries.count_strangers(connection)
    return HTMLResponse(its.texts.page(template, language_of(request), **common, **words))


def _phone_of(
    request: Request, its: Parts, viewer: Viewer | None, now_ms: int
) -> dict[str, Any] | None:
    """The grid whose duty phone shows this page, and how often it is to say that it is at hand.

    It is logged in by the grid's name, or somebody has signed on there for that grid.
    """
    secret = request.cookies.get(SESSION_COOKIE)
    if viewer is None or not viewer.by_cookie or secret is None:
        return None
    with its.engine.connect() as connection:
        grid = users.duty_phone_of(connection, secret, now_ms) or viewer.name
        if not queries.is_grid(connection, grid):
            return None
    every_ms = its.settings.duty_phone_silence_s * 1_000 // SAID_PER_SILENCE
    return {"grid": grid, "every_ms": every_ms}


page_of, phone_of = _page, _phone_of  # for the pages of other modules


# -- coming in ------------------------------------------------------------------------------------


@router.get("/login")
def login(
    request: Request,
    its: PartsDep,
    next_: Annotated[str, Query(alias="next", max_length=200)] = "/",
) -> Response:
    """Name and password."""
    return _page(request, its, None, "login.html", next_path=_own_path(next_))


def _own_path(path: str) -> str:
    """A path of ours, never another site's address."""
    own = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if own else "/"


@router.get("/language/{language}")
def choose_language(
    language: str, its: PartsDep, back: Annotated[str, Query(max_length=200)] = "/"
) -> Response:
    """Remember the language and go back."""
    if language not in LANGUAGES:
        raise Problem(404, f"There is no language {language}; there are {', '.join(LANGUAGES)}.")
    response = RedirectResponse(_own_path(back), 303)
    response.set_cookie(
        LANGUAGE_COOKIE,
        language,
        max_age=YEAR_S,
        httponly=True,
        samesite="lax",
        secure=its.settings.cookie_secure,
    )
    return response


# -- crews, and what is read aloud -----------------------------------------------------------------


@router.get("/cases/{case_id}/handover")
def handover_page(
    case_id: str, request: Request, its: PartsDep, viewer: ResidentVisitor
) -> Response:
    """To read aloud to 120 or 119, or to print: where, who, what, since when. The look is kept."""
    now_ms = its.clock.now_ms()
    body = {"act": "look", "case": case_id, "by": viewer.actor}
    if viewer.phone is not None:
        body["phone"] = viewer.phone
    with for_writing(its.engine).begin() as connection:
        row = queries.case(connection, viewer, case_id)
        if row is None:
            raise no_such_case(case_id)
        append(connection, [Entry(0, COMMAND, None, now_ms, body=body)])
        card = None
        if row["resident_id"]:
            card = queries.resident(connection, row["resident_id"])
            note_look(connection, viewer, row["resident_id"], case_id, now_ms)
        story = queries.story_of(connection, case_id)
        grids = {one["id"]: one for one in queries.all_grids(connection)}
    return _page(
        request,
        its,
        viewer,
        "handover.html",
        case=row,
        card=card,
        story=[line for line in story if line["what"] in TOLD_ALOUD],
        desk=_call_back(its, grids.get(row["grid"])),
    )


def _call_back(its: Parts, grid: queries.Row | None) -> list[tuple[str, str]]:
    """Numbers at which the service can ask back: the desk's, then the grid's duty phone."""
    found = [(one.role, one.phone) for one in its.site.roles if one.role == "desk" and one.phone]
    if grid is not None and grid["phone"]:
        found.append(("duty-phone", grid["phone"]))
    return found


# -- lists ----------------------------------------------------------------------------------------


@router.get("/d/{code}")
async def device_page(
    code: str,
    request: Request,
    its: PartsDep,
    viewer: PerhapsViewer,
    address: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """The device behind a QR code, or of that id; `address`: what is to take its place."""
    if viewer is None:  # whoever scans the sticker may say what is wrong; staff log in from there
        known = await asyncio.to_thread(_has_code, its, code)
        raise SentElsewhere(f"/d/{quote(code)}/report") if known else to_log_in(request)
    if not viewer.may(Right.DEVICES):
        raise to_own_page(viewer)
    words = await asyncio.to_thread(device_words, its, viewer, code)
    if words is None:
        raise Problem(404, f"There is no device with the code {code}.", code="no_such_device")
    device_id = words["device"]["id"]
    words["said"] = await messages_of(its, device_id)
    words |= await asyncio.to_thread(device_overrides, its, viewer, device_id)
    return _page(request, its, viewer, "device.html", successor=address, **words)


def _has_code(its: Parts, code: str) -> bool:
    with its.engine.connect() as connection:
        return queries.device_by_code(connection, code) is not None


@router.get("/topology")
def topology_page(
    request: Request, its: PartsDep, viewer: DeviceVisitor, connection: Reading
) -> Response:
    """What is behind what; what is gone stands first."""
    found = queries.find_devices(connection)
    tree = topology(connection, found, its.site, its.clock.now_ms())
    return _page(request, its, viewer, "topology.html", tree=tree)


@router.get("/docs")
def docs(request: Request, its: PartsDep) -> Response:
    """The API, to read and to try."""
    return _page(request, its, None, "docs.html")
