"""`/a/{token}`: a link of a message that answers one case, once, by one button, without a log-in.

Chat programs fetch the links that they show; so a GET only shows, and the button's POST answers.
"""

import asyncio
from collections.abc import Iterator
from typing import Any, NamedTuple

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.engine import Connection

from dashboard_api import commands, queries
from dashboard_api.access import Viewer
from dashboard_api.deps import Parts, PartsDep
from dashboard_api.errors import Problem
from dashboard_api.texts import language_of
from hub import answer_link
from hub.answer_link import Asked
from hub.database import for_writing
from hub.journal import COMMAND, Entry, append
from hub.people import signed_on

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

ASKED, YOURS, TAKEN, CLOSED = "asked", "yours", "taken", "closed"
EXPIRED, USED, KEPT = "expired", "used", "kept"
EVERYBODY = Viewer("link", "staff")  # sees every category; what the page shows is its own affair


class Seen(NamedTuple):
    """What stands behind a link: who is asked what, and how far it is."""

    asked: Asked
    case: queries.Row
    state: str


@router.get("/a/{token}")
async def show(token: str, request: Request, its: PartsDep) -> Response:
    """The case and one button; or, in words, why there is no button."""
    seen = await asyncio.to_thread(_look, request, its, token)
    return await asyncio.to_thread(_page, request, its, seen)


@router.post("/a/{token}")
async def answer(token: str, request: Request, its: PartsDep) -> Response:
    """Answer as that contact; the judge decides. A second time it only shows."""
    seen = await asyncio.to_thread(_look, request, its, token)
    if seen.state == ASKED:
        seq = await asyncio.to_thread(_keep, its, seen.asked)
        if seq is not None:
            await commands.word_on(its, seq)
    return RedirectResponse(f"/a/{token}", 303)


def _look(request: Request, its: Parts, token: str) -> Seen:
    address = request.client.host if request.client else ""
    its.link_tries.begin(address)
    with its.engine.connect() as connection:
        asked = _asked(its, connection, token)
        case = None if asked is None else queries.case(connection, EVERYBODY, asked.case_id)
        if asked is None or case is None:
            raise Problem(404, "This link is not one of ours.", code="no_such_link")
        its.link_tries.take_back(address)
        return Seen(asked, case, _state(its, connection, asked, case))


def _asked(its: Parts, connection: Connection, token: str) -> Asked | None:
    if not its.settings.public_url:  # then no message has a link
        return None
    return answer_link.find(connection, answer_link.read_key(its.settings.data_dir), token)


def _state(its: Parts, connection: Connection, asked: Asked, case: queries.Row) -> str:
    if case["closed_at_ms"] is not None:
        return CLOSED
    now_ms = its.clock.now_ms()
    if case["answered_by"] is not None:
        return YOURS if case["answered_by"] in _names(connection, asked, now_ms) else TAKEN
    if asked.answer_seq is not None:
        return USED if queries.command_result(connection, asked.answer_seq) else KEPT
    until_ms = asked.created_ms + its.settings.answer_link_s * 1_000
    return EXPIRED if now_ms > until_ms else ASKED


def _names(connection: Connection, asked: Asked, now_ms: int) -> Iterator[str]:
    """Names by which this contact answers, or has answered by this or an earlier message."""
    yield asked.recipient
    person = signed_on(connection, asked.recipient, now_ms)
    if person is not None:
        yield person
    if asked.answer_seq is not None:
        body = queries.command_body(connection, asked.answer_seq)
        if body is not None:
            yield str(body.get("by"))


def _keep(its: Parts, asked: Asked) -> int | None:
    """Write the command and that the link is used, both or neither; None: it was used before."""
    now_ms = its.clock.now_ms()
    with for_writing(its.engine).begin() as connection:
        by = signed_on(connection, asked.recipient, now_ms) or asked.recipient
        body: dict[str, Any] = {"act": "answer", "case": asked.case_id, "by": by, "at_ms": now_ms}
        body["notice"] = asked.id
        seq = append(connection, [Entry(0, COMMAND, None, now_ms, body=body)])
        if not answer_link.use(connection, asked.id, seq):
            connection.rollback()
            return None
        return seq


def _page(request: Request, its: Parts, seen: Seen) -> HTMLResponse:
    words = {"case": seen.case, "state": seen.state, "by": seen.case["answered_by"]}
    common = {"viewer": None, "now_ms": its.clock.now_ms(), "path": request.url.path}
    page = its.texts.page("answer.html", language_of(request), **common, **words)
    return HTMLResponse(page)
