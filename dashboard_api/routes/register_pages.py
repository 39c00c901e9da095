"""Pages for whoever stands before a new device with a phone: who is it, and where does it hang?"""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.engine import Connection

from dashboard_api import queries, senders
from dashboard_api.access import Right
from dashboard_api.deps import Parts, PartsDep, PerhapsViewer, Reading, Registrar
from dashboard_api.doors import RegisterVisitor
from dashboard_api.errors import Problem
from dashboard_api.queries import Row
from dashboard_api.routes.pages import page_of
from dashboard_api.routes.register import proposal
from dashboard_api.tables import csv_answer
from device_drivers.catalog import DRIVERS
from hub.device_code import TEXT_CHARACTERS_MAX
from hub.register import FAMILIES

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

Looked = Annotated[str, Query(max_length=80)]
JUST_NOW_MS = 30_000  # who spoke within this time is shown large: it may be the one in the hand


def _words(its: Parts, connection: Connection, words: str) -> dict[str, Any]:
    found = _found(its, connection, words)[: its.settings.page_rows_max]
    just_from_ms = its.clock.now_ms() - JUST_NOW_MS
    found.sort(key=lambda one: _pressed_since(one, just_from_ms), reverse=True)
    return {
        "strangers": [one for one in found if not one["ignored"]],
        "ignored": [one for one in found if one["ignored"]],
        "just_from_ms": just_from_ms,
        "words": words,
    }


def _found(its: Parts, connection: Connection, words: str) -> list[Row]:
    """The newest; with words, all in which each of them stands somewhere."""
    limit = its.settings.strangers_max if words else its.settings.page_rows_max
    found = senders.newest_strangers(connection, limit)
    wanted = [word.lower() for word in words.split()]
    return [one for one in found if all(word in _told_of(one) for word in wanted)]


def _told_of(stranger: Row) -> str:
    names = ("address", "name", "maker", "model", "family", "driver", "topic")
    return " ".join(str(stranger[name]) for name in names if stranger[name]).lower()


def _pressed_since(stranger: Row, from_ms: int) -> int:
    """When it was pressed just now, else 0: doors that chatter must not push it down the page."""
    pressed_ms = stranger["pressed_ms"] or 0
    return int(pressed_ms) if pressed_ms >= from_ms else 0


@router.get("/strangers")
def strangers_page(
    request: Request,
    its: PartsDep,
    viewer: RegisterVisitor,
    connection: Reading,
    q: Looked = "",
) -> Response:
    """Senders that nobody registered: press it, scan it, or look for it."""
    return page_of(request, its, viewer, "strangers.html", **_words(its, connection, q))


@router.get("/fragments/strangers")
def strangers_fragment(
    request: Request,
    its: PartsDep,
    viewer: PerhapsViewer,
    connection: Reading,
    q: Looked = "",
) -> Response:
    """Who is on the air, made anew."""
    if viewer is None or not viewer.may(Right.REGISTER):
        raise Problem(401, "Log in.", code="not_logged_in")
    return page_of(request, its, viewer, "fragments/strangers.html", **_words(its, connection, q))


@router.get("/strangers.csv", response_class=Response)
def strangers_table(
    its: PartsDep, _viewer: Registrar, connection: Reading, q: Looked = ""
) -> Response:
    """Unknown senders as a table."""
    header = ("address", "name", "family", "driver", "maker", "model", "topic", "messages")
    moments = ("first_ms", "last_ms", "ignored_ms")
    say = its.texts.speaker("zh").moment
    rows = (
        [*(one[name] for name in header), *(say(one[name]) for name in moments), one["ignored_by"]]
        for one in _found(its, connection, q)
    )
    return csv_answer("strangers", (*header, "first", "last", "ignored", "ignored_by"), rows)


@router.get("/adopt")
def adopt_page(
    request: Request,
    its: PartsDep,
    viewer: RegisterVisitor,
    connection: Reading,
    address: Annotated[str, Query(max_length=TEXT_CHARACTERS_MAX)] = "",
) -> Response:
    """One device is registered: a stranger, a ghost that comes back, or one that never spoke."""
    sender = senders.stranger(connection, address) if address else None
    ghost = senders.ghost(connection, address) if address else None
    said = sender or ghost or {"family": None, "driver": None}
    return page_of(
        request,
        its,
        viewer,
        "adopt.html",
        address=address,
        stranger=sender,
        ghost=ghost,
        family=said["family"],
        driver=said["driver"] or _driver_of(address),
        proposed=proposal(connection, address, said["family"], None) if address else None,
        registered=queries.device_at(connection, address) if address else None,
        families=FAMILIES,
        drivers=sorted(DRIVERS),
    )


def _driver_of(address: str) -> str | None:
    """The driver that goes by the ecosystem's own name, for one that has not spoken."""
    ecosystem = address.partition(":")[0]
    return ecosystem if ecosystem in DRIVERS else None
