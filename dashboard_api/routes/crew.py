"""The crew's phone: its page, its worker and manifest, and the work that it takes along."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from dashboard_api import order_queries, queries
from dashboard_api.access import Viewer
from dashboard_api.crew_work import (
    AreaOut,
    CrewOut,
    PhoneOut,
    WhoOut,
    building_of,
    closed_of,
    codes_of,
    crew_order,
    heard_of,
    orders_of,
)
from dashboard_api.deps import CaseActor, Parts, PartsDep, Reading
from dashboard_api.doors import ActVisitor
from dashboard_api.errors import Problem
from dashboard_api.order_shapes import RoundOut
from dashboard_api.routes.orders import Shelf
from dashboard_api.routes.pages import phone_of
from dashboard_api.shapes import Words
from dashboard_api.texts import LANGUAGES, language_of

router = APIRouter(include_in_schema=False)
api = APIRouter(prefix="/api/v1/crew", tags=["orders"])

SCRIPT, MANIFEST = "text/javascript", "application/manifest+json"


@router.get("/crew", response_class=HTMLResponse)
@router.get("/crew/round", response_class=HTMLResponse)
def crew_page(request: Request, its: PartsDep, viewer: ActVisitor) -> Response:
    """Work orders and rounds on a phone, with or without a network."""
    return HTMLResponse(its.crew.pages[language_of(request)])


@router.get("/crew/shell/{language}")
def shell(language: str, its: PartsDep) -> Response:
    """The same page for the worker to keep: nothing of anybody stands in it."""
    if language not in LANGUAGES:
        raise Problem(404, f"There is no language {language}; there are {', '.join(LANGUAGES)}.")
    return HTMLResponse(its.crew.pages[language])


@router.get("/crew/worker.js")
def worker(its: PartsDep) -> Response:
    """The service worker; it may look after `/crew` and all below it."""
    return Response(
        its.crew.worker(), media_type=SCRIPT, headers={"Service-Worker-Allowed": "/crew"}
    )


@router.get("/crew/manifest.webmanifest")
def web_manifest(request: Request, its: PartsDep) -> Response:
    """What a phone shows of the app among its others."""
    return JSONResponse(its.crew.manifests[language_of(request)], media_type=MANIFEST)


# -- for the page ---------------------------------------------------------------------------------


def _who(request: Request, viewer: Viewer) -> WhoOut:
    return WhoOut(
        account=viewer.name,
        actor=viewer.actor,
        role=viewer.role,
        language=language_of(request),
    )


@api.get("/who")
def who_asks(request: Request, viewer: CaseActor) -> WhoOut:
    """Whose acts a phone may send now."""
    return _who(request, viewer)


@api.get("/work")
def work(request: Request, viewer: CaseActor, its: PartsDep, connection: Reading) -> CrewOut:
    """All that a phone needs where there is no network, as it is at one moment."""
    after, now_ms = queries.newest_change(connection), its.clock.now_ms()
    rows, walk = orders_of(connection, its.settings, now_ms)
    limit, places = its.settings.crew_orders_max, queries.places_by_path(connection)
    taken, shelf = rows[:limit], Shelf(its, connection)
    heard = heard_of(connection, {row["device"] for row in taken if row["device"]})
    rounds = order_queries.find_rounds(connection, is_open=True, limit=its.settings.rounds_open_max)
    named = {row["device"] for row in taken} | {
        stop["device"] for one in rounds for stop in one["stops"]
    }
    return CrewOut(
        who=_who(request, viewer),
        phone=_phone(request, its, viewer, now_ms),
        at_ms=now_ms,
        after=after,
        orders=[
            crew_order(
                shelf.shown(row),
                walk[row["id"]],
                heard.get(row["device"]),
                building_of(row, places),
            )
            for row in taken
        ],
        more=len(rows) > limit,
        closed=[shelf.shown(row) for row in closed_of(connection, viewer, its.settings, now_ms)],
        rounds=[RoundOut.model_validate(row) for row in rounds],
        codes=codes_of(connection, {one for one in named if one}),
        grids=[
            AreaOut(id=key, name=Words(zh=row["grid_zh"], en=row["grid_en"]))
            for key, row in queries.grid_names(connection).items()
        ],
        grounds=[
            AreaOut(id=key, name=Words(zh=row["ground_zh"], en=row["ground_en"]))
            for key, row in order_queries.ground_names(connection).items()
        ],
    )


def _phone(request: Request, its: Parts, viewer: Viewer, now_ms: int) -> PhoneOut | None:
    found = phone_of(request, its, viewer, now_ms)
    return None if found is None else PhoneOut(**found)
