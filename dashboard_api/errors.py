"""One shape for everything that goes wrong: RFC 9457 problem details; for a browser, a page.

Domain code raises `Problem`; what the framework raises (no such route, wrong method, a body that
does not fit, too large a body) is brought into the same shape here, and so is a bug.
"""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import sqlalchemy as sa
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from dashboard_api.texts import language_of

log = logging.getLogger(__name__)

PROBLEM_JSON = "application/problem+json"


class Problem(Exception):
    """An answer other than the one that was asked for; `detail` is for a person.

    `more` are further members of the answer: `code`, `reason_zh`, `reason_en`, ….
    """

    def __init__(
        self, status: int, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers
        self.more = more


class SentElsewhere(Exception):
    """A person with a browser has no place here and is sent to another page of ours."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class ProblemResponse(JSONResponse):
    """A problem on its way out."""

    media_type = PROBLEM_JSON


def problem_response(
    status: int, detail: str, headers: Mapping[str, str] | None = None, **more: Any
) -> ProblemResponse:
    """The answer for a problem. A `type` would say no more than the status: `about:blank`."""
    title = HTTPStatus(status).phrase
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    return ProblemResponse(body, status, dict(headers or {}))


async def _of_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    if _wants_page(request):
        code = str(error.more.get("code", ""))
        return _problem_page(request, error.status, error.detail, error.headers, code)
    return problem_response(error.status, error.detail, error.headers, **error.more)


async def _of_door(_request: Request, error: Exception) -> Response:
    assert isinstance(error, SentElsewhere)
    return RedirectResponse(error.path, HTTPStatus.SEE_OTHER)


async def _of_framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if _wants_page(request):
        code = "no_such_page" if error.status_code == HTTPStatus.NOT_FOUND else ""
        return _problem_page(request, error.status_code, str(error.detail), error.headers, code)
    return problem_response(error.status_code, str(error.detail), error.headers)


def _wants_page(request: Request) -> bool:
    """A person with a browser, not a program: programs get the one shape."""
    accepted = request.headers.get("accept", "")
    return "text/html" in accepted and not request.url.path.startswith("/api/")


def _problem_page(
    request: Request, status: int, detail: str, headers: Mapping[str, str] | None, code: str
) -> HTMLResponse:
    """The same in the person's language; `code` tells the template which words to take."""
    its = request.app.state.parts
    page = its.texts.page(
        "error.html",
        language_of(request),
        viewer=None,
        now_ms=its.clock.now_ms(),
        path=request.url.path,
        status=status,
        detail=detail,
        code=code,
    )
    return HTMLResponse(page, status, {**(headers or {}), "Vary": "Accept"})


async def _of_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    wrong = [_field(part) for part in error.errors()]
    detail = "; ".join(f"{part['field']}: {part['expected']}" for part in wrong)
    if _wants_page(request):
        return _problem_page(request, 422, detail, None, "")
    return problem_response(422, detail, errors=wrong)


def _field(part: Mapping[str, Any]) -> dict[str, str]:
    """Where it is wrong and what was expected; never the value, which may be a password."""
    place: Sequence[Any] = part["loc"]
    return {"field": ".".join(str(name) for name in place), "expected": str(part["msg"])}


async def _of_database(request: Request, error: Exception) -> Response:
    log.error("the database could not be asked: %s", error)
    detail = "The database cannot be asked at the moment; try again."
    if _wants_page(request):
        return _problem_page(request, 503, detail, {"Retry-After": "1"}, "busy")
    return problem_response(503, detail, {"Retry-After": "1"})


async def _of_bug(request: Request, _error: Exception) -> Response:
    detail = "A mistake of the hub's own; it is in its log."
    if _wants_page(request):
        return _problem_page(request, 500, detail, None, "bug")
    return problem_response(500, detail)


def install(app: FastAPI) -> None:
    """Have every error of `app` answered in the one shape."""
    app.add_exception_handler(Problem, _of_problem)
    app.add_exception_handler(SentElsewhere, _of_door)
    app.add_exception_handler(HTTPException, _of_framework)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(sa.exc.OperationalError, _of_database)
    app.add_exception_handler(Exception, _of_bug)
