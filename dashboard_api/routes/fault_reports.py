"""A trouble is reported at the device itself: by its QR page without a log-in, or by a program.

The page says nothing of who lives there. A report joins the order that is open about the device.
"""

import asyncio
from typing import Any, NamedTuple

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from sqlalchemy.engine import Connection
from starlette.datastructures import FormData, UploadFile

from dashboard_api import queries
from dashboard_api.access import Right, Viewer, check_origin
from dashboard_api.deps import Parts, PartsDep, PerhapsViewer
from dashboard_api.errors import Problem
from dashboard_api.keeping import Wish, judged, keep, signed
from dashboard_api.order_queries import find_orders
from dashboard_api.order_shapes import (
    Named,
    ReportableOut,
    ReportDone,
    ReportWish,
    TroubleOut,
)
from dashboard_api.queries import Row
from dashboard_api.routes.pages import page_of
from dashboard_api.routes.photos import keep_photo
from dashboard_api.shapes import Waiting, Words, public_place
from hub import report_token
from hub.answer_link import read_key
from hub.upkeep import REPORT

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
api = APIRouter(prefix="/api/v1/devices", tags=["orders"])

TAKEN, JOINED, KEPT = "taken", "joined", "kept"
FIELDS_MAX = 10
TRAP = "website"  # a field that no person sees; whoever fills it in is a robot
NOBODY = "-"  # the account of those who have none


class Reported(NamedTuple):
    """A device as it may be reported by everybody."""

    device: Row
    place: Words | None


def _find(connection: Connection, code: str, viewer: Viewer | None) -> Reported:
    """By its code; by its id only for those who may read devices."""
    row = queries.device_by_code(connection, code)
    if row is None and viewer is not None and viewer.may(Right.DEVICES):
        row = queries.device(connection, code)
    if row is None:
        raise Problem(404, "There is no device with this code.", code="no_such_device")
    return Reported(row, public_place(row, queries.places_by_path(connection)))


# -- for programs ---------------------------------------------------------------------------------


@api.get("/{code}/report")
async def what_may_be_reported(code: str, viewer: PerhapsViewer, its: PartsDep) -> ReportableOut:
    """What may be reported of the device behind a code; without a log-in."""
    return await asyncio.to_thread(_reportable, its, code, viewer)


def _reportable(its: Parts, code: str, viewer: Viewer | None) -> ReportableOut:
    with its.engine.connect() as connection:
        found = _find(connection, code, viewer)
        known = find_orders(connection, limit=1, device=found.device["id"])
    family = found.device["family"]
    offered = [
        TroubleOut(trouble=one.name, name=Words(zh=one.title.zh, en=one.title.en), icon=one.icon)
        for one in its.orders.offered(family)
    ]
    return ReportableOut(
        code=code, family=family, place_name=found.place, troubles=offered, known=bool(known)
    )


_WAITS: dict[int | str, dict[str, Any]] = {
    202: {"model": Waiting, "description": "Kept; the judge has not spoken yet."},
    429: {"description": "Too many reports; Retry-After says when to come again."},
}


@api.post("/{code}/report", response_model=ReportDone, responses=_WAITS)
async def report_device(
    code: str, request: Request, wish: ReportWish, viewer: PerhapsViewer, its: PartsDep
) -> ReportDone | JSONResponse:
    """Report a trouble. Without a log-in it is counted against floods, and takes no photos."""
    check_origin(request.headers)
    found = await asyncio.to_thread(_look, its, code, viewer)
    if viewer is None or not viewer.may(Right.ACTS):
        its.floods.begin(_address(request), found.device["id"])
        if wish.photos:
            raise Problem(403, "Photos need a log-in here; the page takes them.", code="log_in")
        viewer = None
    if wish.text and len(wish.text) > its.settings.report_text_characters_max:
        most = its.settings.report_text_characters_max
        raise Problem(422, f"text: expected at most {most} characters.")
    _check_trouble(its, found, wish.trouble)
    body = _body(viewer, found, wish.trouble, wish.text, wish.photos)
    sender = NOBODY if viewer is None else viewer.name
    kept = await asyncio.to_thread(keep, its, sender, Wish(body, wish, wish.photos))
    word = await judged(its, request, kept.seq)
    if word is None:
        return JSONResponse({"waiting": kept.seq}, 202)
    order = None if viewer is None else str(word["order"])
    joined = bool(word["joined"])
    return ReportDone(seq=kept.seq, joined=joined, order=order, repeated=kept.repeated)


def _look(its: Parts, code: str, viewer: Viewer | None) -> Reported:
    with its.engine.connect() as connection:
        return _find(connection, code, viewer)


def _check_trouble(its: Parts, found: Reported, trouble: str) -> None:
    offered = [one.name for one in its.orders.offered(found.device["family"])]
    if trouble not in offered:
        raise Problem(422, f"trouble: expected one of {', '.join(offered)}.", code="no_trouble")


def _body(
    viewer: Viewer | None, found: Reported, trouble: str, text: str | None, names: list[str]
) -> dict[str, Any]:
    about = {"device": found.device["id"], "trouble": trouble}
    more = {"text": text or None, "photos": names}
    if viewer is not None:
        return signed(viewer, REPORT, **about, **more)
    return {"act": REPORT, **about, **{name: value for name, value in more.items() if value}}


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


# -- the page -------------------------------------------------------------------------------------


@router.get("/d/{code}/report")
async def report_page(
    code: str, request: Request, its: PartsDep, viewer: PerhapsViewer, sent: str = ""
) -> Response:
    """What is wrong? A photo, if you like. Send. Three taps, without a log-in."""
    return await asyncio.to_thread(_page, request, its, viewer, code, sent)


def _page(
    request: Request, its: Parts, viewer: Viewer | None, code: str, sent: str
) -> HTMLResponse:
    now_ms = its.clock.now_ms()
    with its.engine.connect() as connection:
        found = _find(connection, code, viewer)
        known = find_orders(connection, limit=1, device=found.device["id"])
    token = report_token.token_of(read_key(its.settings.data_dir), found.device["id"], now_ms)
    return page_of(
        request,
        its,
        None,
        "report.html",
        family=found.device["family"],
        place=found.place,
        troubles=its.orders.offered(found.device["family"]),
        known=bool(known),
        token=token,
        trap=TRAP,
        signed_in=viewer is not None and viewer.may(Right.DEVICES),
        sent=sent if sent in (TAKEN, JOINED, KEPT) else "",
        photos_max=its.settings.report_photos_max,
        characters_max=its.settings.report_text_characters_max,
    )


@router.post("/d/{code}/report")
async def send_report(
    code: str, request: Request, its: PartsDep, viewer: PerhapsViewer
) -> Response:
    """Take the form of the page; then show that it was taken."""
    check_origin(request.headers)
    found = await asyncio.to_thread(_look, its, code, viewer)
    its.floods.begin(_address(request), found.device["id"])  # before the body is read
    files_max = its.settings.report_photos_max
    async with request.form(max_files=files_max + 1, max_fields=FIELDS_MAX) as form:
        return await _take(request, its, viewer, found, form)


async def _take(
    request: Request, its: Parts, viewer: Viewer | None, found: Reported, form: FormData
) -> Response:
    trouble, text = _text(form, "trouble"), _text(form, "text")
    _check_form(its, found, form)
    _check_trouble(its, found, trouble)
    text = text[: its.settings.report_text_characters_max]
    files = [one for one in form.getlist("photos") if isinstance(one, UploadFile) and one.size]
    if len(files) > its.settings.report_photos_max:
        raise Problem(422, f"At most {its.settings.report_photos_max} photos.", code="photos")
    person = viewer if viewer is not None and viewer.may(Right.ACTS) else None
    by = None if person is None else person.actor
    names = [(await keep_photo(its, await one.read(), by)).id for one in files]
    body = _body(person, found, trouble, text, names)
    kept = await asyncio.to_thread(keep, its, NOBODY, Wish(body, Named.model_validate({}), names))
    word = await judged(its, request, kept.seq)
    state = KEPT if word is None else JOINED if word["joined"] else TAKEN
    return RedirectResponse(f"{request.url.path}?sent={state}", 303)


def _check_form(its: Parts, found: Reported, form: FormData) -> None:
    """Was the page of this device opened, by somebody who reads it?"""
    key, now_ms = read_key(its.settings.data_dir), its.clock.now_ms()
    made_ms = report_token.made_at_ms(key, found.device["id"], _text(form, "token"))
    after_s = None if made_ms is None else (now_ms - made_ms) / 1_000
    settings = its.settings
    timely = after_s is not None and (
        settings.report_page_s_min <= after_s <= settings.report_page_s_max
    )
    if not timely or _text(form, TRAP):
        raise Problem(400, "Open the page again and send it once more.", code="open_again")


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""
