"""Pages for people: console, wall, crew, devices, residents, rules, reports.

A page is made whole by the server and follows the live feed from the very change up to which it
was made (`data-after`); what changes is asked for again as a fragment of the same template.
"""

import asyncio
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from dashboard_api import figures, queries
from dashboard_api.access import WALL_COOKIE, Right, Viewer
from dashboard_api.commands import no_such_case
from dashboard_api.deps import Parts, PartsDep, PerhapsViewer, Reading
from dashboard_api.errors import Problem
from dashboard_api.moments import DAY_MS
from dashboard_api.rulebook import read_rulebook
from dashboard_api.shapes import public_place
from dashboard_api.texts import LANGUAGE_COOKIE, LANGUAGES, language_of
from device_drivers.catalog import DRIVERS
from hub.register import FAMILIES

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

HOME = {"admin": "/", "staff": "/", "crew": "/crew", "wall": "/wall", "program": "/docs"}
CATEGORIES = ("emergency", "welfare", "security", "fault", "maintenance")
YEAR_S = 31_536_000
WITHOUT_MENU = ("wall.html", "fragments/wall.html", "fragments/cases.html")
NO_CASES = queries.OpenTotal(0, 0)
WALL_CASES = 6  # what can be read from five metres, and what the tile holds in whole rows
KPI_DAYS = 30
PAGES_MAX = 10_000
Words = Annotated[str, Query(max_length=80)]
PageNumber = Annotated[int, Query(ge=1, le=PAGES_MAX)]
BATTERY_RULES = "battery-low"  # the rules of `fleet.yaml` about batteries begin so


def _page(
    request: Request, its: Parts, viewer: Viewer | None, template: str, **words: Any
) -> HTMLResponse:
    now_ms = its.clock.now_ms()
    year = datetime.fromtimestamp(now_ms / 1000, its.site.zone).year
    common = {"viewer": viewer, "now_ms": now_ms, "year": year, "path": request.url.path}
    if viewer is not None and viewer.may(Right.REGISTER) and template not in WITHOUT_MENU:
        with its.engine.connect() as connection:
            common["waiting"] = queries.count_strangers(connection)
    return HTMLResponse(its.texts.page(template, language_of(request), **common, **words))


def _log_in(request: Request) -> RedirectResponse:
    return RedirectResponse(f"/login?next={quote(request.url.path)}", 303)


def _home(viewer: Viewer) -> RedirectResponse:
    return RedirectResponse(HOME.get(viewer.role, "/login"), 303)


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


# -- the console ----------------------------------------------------------------------------------


def _console_words(its: Parts, viewer: Viewer, connection: Reading) -> dict[str, Any]:
    after = queries.newest_change(connection)  # the first look: nothing newer is lost after it
    limit = its.settings.page_rows_max
    cases = queries.open_cases(connection, viewer, limit)
    told: dict[str, dict[str, queries.Row]] = {}  # case, channel: the newest notice
    for notice in queries.notices_of(connection, [case["id"] for case in cases]):
        told.setdefault(notice["case_id"], {})[notice["channel"]] = notice
    return {"after": after, "cases": cases, "told": told, "limit": limit}


@router.get("/")
def console(
    request: Request, its: PartsDep, viewer: PerhapsViewer, connection: Reading
) -> Response:
    """Open cases, the most urgent first."""
    if viewer is None:
        return _log_in(request)
    if not viewer.may(Right.RESIDENTS):
        return _home(viewer)
    words = _console_words(its, viewer, connection)
    return _page(request, its, viewer, "console.html", **words)


@router.get("/crew")
def crew(request: Request, its: PartsDep, viewer: PerhapsViewer, connection: Reading) -> Response:
    """Open faults and maintenance, for a phone."""
    if viewer is None:
        return _log_in(request)
    if not viewer.may(Right.ACTS):
        return _home(viewer)
    words = _console_words(its, Viewer(viewer.name, "crew"), connection)
    return _page(request, its, viewer, "crew.html", **words)


@router.get("/fragments/cases")
def cases_fragment(
    request: Request,
    its: PartsDep,
    viewer: PerhapsViewer,
    connection: Reading,
    work: bool = False,
) -> Response:
    """The list of a page that is open; `work`: only what crews look after."""
    if viewer is None or not viewer.may(Right.ACTS):
        raise Problem(401, "Log in.", code="not_logged_in")
    seen_as = Viewer(viewer.name, "crew") if work else viewer
    words = _console_words(its, seen_as, connection)
    return _page(request, its, viewer, "fragments/cases.html", **words)


@router.get("/cases/{case_id}")
def case_page(
    case_id: str, request: Request, its: PartsDep, viewer: PerhapsViewer, connection: Reading
) -> Response:
    """A case's story on one page."""
    if viewer is None:
        return _log_in(request)
    if viewer.public:
        return _home(viewer)
    after = queries.newest_change(connection)
    row = queries.case(connection, viewer, case_id)
    if row is None:
        raise no_such_case(case_id)
    card = None
    if row["resident_id"] and viewer.may(Right.RESIDENTS):
        card = queries.resident(connection, row["resident_id"])
    return _page(
        request,
        its,
        viewer,
        "case.html",
        after=after,
        case=row,
        card=card,
        story=queries.story_of(connection, case_id),
        notices=queries.notices_of(connection, [case_id]),
    )


# -- the wall -------------------------------------------------------------------------------------


@router.get("/wall")
async def wall(
    request: Request,
    its: PartsDep,
    viewer: PerhapsViewer,
    token: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """The wall screen. `?token=` is taken into a cookie at once, out of the address."""
    if token is not None:
        response = RedirectResponse("/wall", 303)
        response.set_cookie(
            WALL_COOKIE,
            token,
            max_age=YEAR_S,
            httponly=True,
            samesite="lax",
            secure=its.settings.cookie_secure,
        )
        return response
    if viewer is None:
        return _log_in(request)
    return _page(request, its, viewer, "wall.html", **await _wall_words(its))


@router.get("/fragments/wall")
async def wall_fragment(request: Request, its: PartsDep, viewer: PerhapsViewer) -> Response:
    """The wall's tiles, made anew."""
    if viewer is None:
        raise Problem(401, "Log in.", code="not_logged_in")
    return _page(request, its, viewer, "fragments/wall.html", **await _wall_words(its))


async def _wall_words(its: Parts) -> dict[str, Any]:
    words: dict[str, Any] = await asyncio.to_thread(_wall_rows, its)
    words["uses"] = await its.usage.since(_midnight_ms(its))
    return words


def _midnight_ms(its: Parts) -> int:
    now = datetime.fromtimestamp(its.clock.now_ms() / 1000, its.site.zone)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return int(midnight.timestamp() * 1000)


def _wall_rows(its: Parts) -> dict[str, Any]:
    """Everybody sees the same here, whoever is logged in: nothing that names a person."""
    now_ms = its.clock.now_ms()
    with its.engine.connect() as connection:
        after = queries.newest_change(connection)
        cases = queries.open_cases(connection, Viewer("", "wall"), WALL_CASES)
        totals = queries.open_totals(connection)
        places = queries.places_by_path(connection)
        devices = queries.find_devices(connection)
        health = queries.health_rows(connection)
        judged_low = queries.devices_of_rules(connection, BATTERY_RULES)
    reach = figures.coverage(devices, now_ms)
    return {
        "after": after,
        "cases": [_wall_case(case, places) for case in cases],
        "more": sum(total.cases for total in totals.values()) - len(cases),
        "counts": {name: totals.get(name, NO_CASES).cases for name in CATEGORIES},
        "unanswered": sum(total.unanswered for total in totals.values()),
        "reachable": sum(one.reachable for one in reach),
        "residents": len(reach),
        "doors_open": figures.open_doors(devices),
        "doors": sum(device["family"] == "door" for device in devices),
        "devices": figures.count_devices(devices, now_ms, judged_low),
        "health": [{name: row[name] for name in ("part", "state")} for row in health],
    }


def _wall_case(case: queries.Row, places: dict[str, queries.Row]) -> dict[str, Any]:
    names = ("id", "severity", "category", "state", "raised_at_ms", "times", "title_zh", "title_en")
    place = public_place(case, places)
    shown = {name: case[name] for name in names}
    shown |= {"place_zh": place.zh if place else "", "place_en": place.en if place else ""}
    return shown | _wall_sender(case)


def _wall_sender(case: queries.Row) -> queries.Row:
    """What names a case without a place: a device that is nobody's own, or an unknown sender."""
    registered = case["device_zh"] is not None
    named = registered and case["resident_id"] is None
    sender = ("key", "device", "family")
    return {
        "place": None,
        "kind": case["family"],
        "device_zh": case["device_zh"] if named else "",
        "device_en": case["device_en"] if named else "",
        **{name: None if registered else case[name] for name in sender},
    }


# -- lists ----------------------------------------------------------------------------------------


@router.get("/d/{code}")
def device_page(
    code: str, request: Request, its: PartsDep, viewer: PerhapsViewer, connection: Reading
) -> Response:
    """The device behind a QR code, or of that id."""
    if viewer is None:
        return _log_in(request)
    if not viewer.may(Right.DEVICES):
        return _home(viewer)
    device = queries.device_by_code(connection, code) or queries.device(connection, code)
    if device is None:
        raise Problem(404, f"There is no device with the code {code}.", code="no_such_device")
    return _page(
        request,
        its,
        viewer,
        "device.html",
        device=device,
        alive=figures.is_alive(device, its.clock.now_ms()),
        cases=queries.open_cases_of_device(connection, viewer, device["id"]),
    )


@router.get("/devices")
def devices_page(
    request: Request,
    its: PartsDep,
    viewer: PerhapsViewer,
    connection: Reading,
    q: Words = "",
    page: PageNumber = 1,
) -> Response:
    """Devices with a search."""
    if viewer is None:
        return _log_in(request)
    if not viewer.may(Right.DEVICES):
        return _home(viewer)
    rows_max, now_ms = its.settings.page_rows_max, its.clock.now_ms()
    begin = (page - 1) * rows_max
    found = queries.find_devices(connection, words=q, limit=rows_max + 1, offset=begin)
    rows = [row | {"alive": figures.is_alive(row, now_ms)} for row in found[:rows_max]]
    turns = _turns(page, rows_max, found)
    return _page(request, its, viewer, "devices.html", devices=rows, words=q, turns=turns)


def _turns(page: int, rows_max: int, found: list[queries.Row]) -> queries.Row:
    """Where a page of a list is; `found` has one row more than is shown where there are more."""
    first = (page - 1) * rows_max + 1
    last = first + min(len(found), rows_max) - 1
    return {"page": page, "first": first, "last": last, "more": len(found) > rows_max}


@router.get("/residents")
def residents_page(
    request: Request,
    its: PartsDep,
    viewer: PerhapsViewer,
    connection: Reading,
    q: Words = "",
    page: PageNumber = 1,
) -> Response:
    """Residents, and whether a press of theirs would be heard; for staff."""
    if viewer is None:
        return _log_in(request)
    if not viewer.may(Right.RESIDENTS):
        return _home(viewer)
    rows_max = its.settings.page_rows_max
    found = queries.all_residents(connection, q, rows_max + 1, (page - 1) * rows_max)
    reach = figures.coverage(queries.find_devices(connection), its.clock.now_ms())
    by_id = {one.resident_id: one for one in reach}
    return _page(
        request,
        its,
        viewer,
        "residents.html",
        residents=found[:rows_max],
        reach=by_id,
        words=q,
        turns=_turns(page, rows_max, found),
    )


@router.get("/strangers")
def strangers_page(
    request: Request, its: PartsDep, viewer: PerhapsViewer, connection: Reading
) -> Response:
    """Senders that nobody registered, to be registered; for staff."""
    if viewer is None:
        return _log_in(request)
    if not viewer.may(Right.REGISTER):
        return _home(viewer)
    places = sorted(queries.places_by_path(connection).values(), key=lambda row: row["path"])
    return _page(
        request,
        its,
        viewer,
        "strangers.html",
        strangers=queries.newest_strangers(connection, its.settings.page_rows_max),
        places=places,
        residents=sorted(
            queries.residents_by_id(connection).values(), key=lambda row: (row["place"], row["id"])
        ),
        families=FAMILIES,
        drivers=sorted(DRIVERS),
    )


@router.get("/rules")
def rules_page(request: Request, its: PartsDep, viewer: PerhapsViewer) -> Response:
    """What must be noticed, as the files in force say it."""
    if viewer is None:
        return _log_in(request)
    if not viewer.may(Right.DEVICES):
        return _home(viewer)
    rules, mistakes = read_rulebook(its.settings)
    return _page(request, its, viewer, "rules.html", rules=rules, mistakes=mistakes)


@router.get("/reports")
def reports_page(
    request: Request, its: PartsDep, viewer: PerhapsViewer, connection: Reading
) -> Response:
    """How fast people were in the last 30 days."""
    if viewer is None:
        return _log_in(request)
    if not viewer.may(Right.DEVICES):
        return _home(viewer)
    now_ms = its.clock.now_ms()
    from_ms = now_ms - KPI_DAYS * DAY_MS
    kpi = figures.kpi(queries.cases_between(connection, from_ms, now_ms + 1))
    shown = {name: kpi[name] for name in ("all", *CATEGORIES) if name in kpi}
    return _page(
        request,
        its,
        viewer,
        "reports.html",
        kpi=shown,
        days=KPI_DAYS,
        targets=figures.ANSWER_TARGETS,
    )


@router.get("/docs")
def docs(request: Request, its: PartsDep) -> Response:
    """The API, to read and to try."""
    return _page(request, its, None, "docs.html")
