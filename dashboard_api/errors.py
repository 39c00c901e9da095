"""One shape for everything that goes wrong: RFC 9457 problem details.

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
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

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


async def _of_problem(_request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, Problem)
    return problem_response(error.status, error.detail, error.headers, **error.more)


async def _of_framework(_request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, HTTPException)
    return problem_response(error.status_code, str(error.detail), error.headers)


async def _of_validation(_request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, RequestValidationError)
    wrong = [_field(part) for part in error.errors()]
    detail = "; ".join(f"{part['field']}: {part['expected']}" for part in wrong)
    return problem_response(422, detail, errors=wrong)


def _field(part: Mapping[str, Any]) -> dict[str, str]:
    """Where it is wrong and what was expected; never the value, which may be a password."""
    place: Sequence[Any] = part["loc"]
    return {"field": ".".join(str(name) for name in place), "expected": str(part["msg"])}


async def _of_database(_request: Request, error: Exception) -> ProblemResponse:
    log.error("the database could not be asked: %s", error)
    detail = "The database cannot be asked at the moment; try again."
    return problem_response(503, detail, {"Retry-After": "1"})


async def _of_bug(_request: Request, _error: Exception) -> ProblemResponse:
    return problem_response(500, "A mistake of the hub's own; it is in its log.")


def install(app: FastAPI) -> None:
    """Have every error of `app` answered in the one shape."""
    app.add_exception_handler(Problem, _of_problem)
    app.add_exception_handler(HTTPException, _of_framework)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(sa.exc.OperationalError, _of_database)
    app.add_exception_handler(Exception, _of_bug)
