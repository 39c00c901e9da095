"""What a route may ask for in its signature: the parts of the app, a connection, who is asking."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.engine import Connection, Engine

from dashboard_api.access import (
    SESSION_COOKIE,
    WALL_COOKIE,
    LoginTries,
    Right,
    Viewer,
    check_origin,
)
from dashboard_api.errors import Problem
from dashboard_api.live import LiveFeed
from dashboard_api.texts import Texts
from dashboard_api.usage import Usage
from hub import users
from hub.clock import Clock
from hub.series import Series
from hub.settings import Settings
from hub.site import Site

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that routes work with, made once by `app.create_app`."""

    settings: Settings
    clock: Clock
    engine: Engine
    series: Series
    site: Site
    feed: LiveFeed
    tries: LoginTries
    texts: Texts
    usage: Usage


def parts(request: Request) -> Parts:
    """The app's parts."""
    found: Parts = request.app.state.parts
    return found


PartsDep = Annotated[Parts, Depends(parts)]


def connection(its: PartsDep) -> Iterator[Connection]:
    """A reading connection: one consistent look at the database for the whole request."""
    with its.engine.connect() as opened:
        yield opened


Reading = Annotated[Connection, Depends(connection)]


def viewer_or_nobody(request: Request, its: PartsDep) -> Viewer | None:
    """Who is asking: by a bearer token, by a session's cookie, or by a wall's cookie.

    A bearer token that is not known is refused, whatever the cookies say.
    """
    mark, _, secret = request.headers.get("authorization", "").partition(" ")
    if mark:
        return _of_token(its.engine, secret.strip() if mark.lower() == "bearer" else "")
    return _of_session(request, its) or _of_wall(request, its.engine)


def _of_token(engine: Engine, secret: str) -> Viewer:
    with engine.connect() as opened:
        person = users.of_token(opened, secret)
    if person is None:
        raise _who_is_it("This token is not known.")
    return Viewer(person.name, person.role)


def _of_session(request: Request, its: Parts) -> Viewer | None:
    secret = request.cookies.get(SESSION_COOKIE)
    if secret is None:
        return None
    with its.engine.connect() as opened:
        person = users.of_session(opened, secret, its.clock.now_ms())
    return None if person is None else Viewer(person.name, person.role, by_cookie=True)


def _of_wall(request: Request, engine: Engine) -> Viewer | None:
    secret = request.cookies.get(WALL_COOKIE)
    if secret is None:
        return None
    with engine.connect() as opened:
        person = users.of_token(opened, secret)
    if person is None or person.role != "wall":
        return None
    return Viewer(person.name, person.role, by_cookie=True)


def _who_is_it(detail: str) -> Problem:
    headers = {"WWW-Authenticate": 'Bearer realm="hub"'}
    return Problem(401, detail, headers=headers, code="not_logged_in")


PerhapsViewer = Annotated[Viewer | None, Depends(viewer_or_nobody)]


def who(request: Request, found: PerhapsViewer) -> Viewer:
    """Who is asking; 401 when nobody is, 403 when a browser was made to ask by another site."""
    if found is None:
        raise _who_is_it("Log in, or send a bearer token.")
    if found.by_cookie and request.method not in SAFE_METHODS:
        check_origin(request.headers)
    return found


Anybody = Annotated[Viewer, Depends(who)]


def having(right: Right) -> Callable[[Viewer], Viewer]:
    """Who is asking, if the role has this right."""

    def checked(viewer: Anybody) -> Viewer:
        viewer.check(right)
        return viewer

    return checked


CaseReader = Annotated[Viewer, Depends(having(Right.CASES))]
CaseActor = Annotated[Viewer, Depends(having(Right.ACTS))]
DeviceReader = Annotated[Viewer, Depends(having(Right.DEVICES))]
SenderReader = Annotated[Viewer, Depends(having(Right.SENDERS))]
Registrar = Annotated[Viewer, Depends(having(Right.REGISTER))]
FigureReader = Annotated[Viewer, Depends(having(Right.FIGURES))]
Follower = Annotated[Viewer, Depends(having(Right.LIVE))]
