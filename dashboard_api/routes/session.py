"""Logging in and out."""

import asyncio

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from dashboard_api.access import SESSION_COOKIE, WALL_COOKIE, Right, Viewer, check_origin
from dashboard_api.deps import Anybody, Parts, PartsDep
from dashboard_api.errors import Problem
from dashboard_api.shapes import Credentials, SessionOut
from hub import users

router = APIRouter(prefix="/api/v1/session", tags=["session"])

_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            media: {"schema": Credentials.model_json_schema()}
            for media in ("application/json", "application/x-www-form-urlencoded")
        },
    }
}


def _session(viewer: Viewer) -> SessionOut:
    rights = [right.name.lower() for right in Right if viewer.may(right)]
    return SessionOut(name=viewer.name, role=viewer.role, rights=rights)


@router.post("", openapi_extra=_BODY)
async def log_in(request: Request, response: Response, its: PartsDep) -> SessionOut:
    """Log in with name and password (JSON or a form); the answer sets the session's cookie."""
    check_origin(request.headers)
    credentials = await _credentials(request)
    address = request.client.host if request.client else ""
    person = await _verified(its, address, credentials)
    hours = its.settings.session_hours
    secret = await asyncio.to_thread(
        users.open_session, its.engine, person.name, its.clock.now_ms(), hours
    )
    response.set_cookie(
        SESSION_COOKIE,
        secret,
        max_age=hours * 3_600,
        httponly=True,
        samesite="lax",
        secure=its.settings.cookie_secure,
    )
    return _session(Viewer(person.name, person.role))


async def _credentials(request: Request) -> Credentials:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind in {"application/x-www-form-urlencoded", "multipart/form-data"}:
            async with request.form(max_files=0, max_fields=10) as form:
                return Credentials.model_validate(dict(form))
        return Credentials.model_validate_json(await request.body())
    except ValidationError as error:
        wrong = [
            {"field": ".".join(map(str, part["loc"])), "expected": part["msg"]}
            for part in error.errors(include_input=False, include_url=False, include_context=False)
        ]
        raise Problem(422, "Expected name and password.", errors=wrong) from error


async def _verified(its: Parts, address: str, credentials: Credentials) -> users.Person:
    its.tries.begin(address, credentials.name)
    async with its.tries.turn():
        person = await asyncio.to_thread(
            users.verify, its.engine, credentials.name, credentials.password
        )
    if person is None:
        raise Problem(401, "Name or password is wrong.", code="wrong_password")
    its.tries.succeeded(address, credentials.name)
    return person


@router.get("")
def who_am_i(viewer: Anybody) -> SessionOut:
    """Who is asking, by cookie or token, and what the role may do."""
    return _session(viewer)


@router.delete("", status_code=204)
def log_out(request: Request, its: PartsDep, viewer: Anybody) -> Response:
    """End the session; its cookie is good for nothing from now on."""
    secret = request.cookies.get(SESSION_COOKIE)
    if secret is not None:
        users.close_session(its.engine, secret)
    response = Response(status_code=204)
    response.delete_cookie(SESSION_COOKIE)
    response.delete_cookie(WALL_COOKIE)
    return response
