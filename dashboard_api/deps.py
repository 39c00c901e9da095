"""What a route may ask for in its signature: the parts of the app, a connection, who is asking."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.engine import Connection, Engine

from dashboard_api.access import (
    SCREEN_COOKIE,
    SESSION_COOKIE,
    WALL_COOKIE,
    LinkTries,
    LoginTries,
    Right,
    Viewer,
    check_origin,
)
from dashboard_api.crew_shell import CrewShell
from dashboard_api.errors import Problem
from dashboard_api.floods import Floods
from dashboard_api.live import LiveFeed
from dashboard_api.plan_clock import PlanClock
from dashboard_api.report_series import Histories
from dashboard_api.rule_trials import RuleTrials
from dashboard_api.rulebook import Rulebook
from dashboard_api.texts import Texts
from dashboard_api.usage import Usage
from dashboard_api.wall import Wall
from hub import screens, users
from hub.clock import Clock
from hub.database import for_writing
from hub.series import Series
from hub.settings import Settings
from hub.site import Site
from rules.order import OrderTables

log = logging.getLogger(__name__)

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
    link_tries: LinkTries
    texts: Texts
    crew: CrewShell
    usage: Usage
    histories: Histories
    wall: Wall
    rulebook: Rulebook
    trials: RuleTrials
    plan_clock: PlanClock
    orders: OrderTables
    floods: Floods


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
    """Who is asking: by a bearer token, by a session's cookie, or by a wall screen's cookies.

    A bearer token that is not known is refused, whatever the cookies say.
    """
    mark, _, secret = request.headers.get("authorization", "").partition(" ")
    if mark:
        return _of_token(request, its, secret.strip() if mark.lower() == "bearer" else "")
    return _of_session(request, its) or viewer_of_screen(request, its)


def _of_token(request: Request, its: Parts, secret: str) -> Viewer:
    with its.engine.connect() as opened:
        person = users.of_token(opened, secret)
    if person is None:
        raise _who_is_it("This token is not known.")
    if person.role == screens.WALL and is_elsewhere(request, its, person.name):
        raise Problem(403, "This token belongs to another screen.", code="other_screen")
    return Viewer(person.name, person.role)


def _of_session(request: Request, its: Parts) -> Viewer | None:
    secret = request.cookies.get(SESSION_COOKIE)
    if secret is None:
        return None
    with its.engine.connect() as opened:
        person = users.of_session(opened, secret, its.clock.now_ms())
    if person is None:
        return None
    return Viewer(person.name, person.role, by_cookie=True, on_duty=person.on_duty)


# -- wall screens ---------------------------------------------------------------------------------


def screen_of(request: Request, its: Parts) -> tuple[str, screens.Admission] | None:
    """The wall screen by its token's cookie, and whose the token is; None: no such token."""
    secret = request.cookies.get(WALL_COOKIE)
    if secret is None:
        return None
    with its.engine.connect() as opened:
        person = users.of_token(opened, secret)
        if person is None or person.role != screens.WALL:
            return None
        key = request.cookies.get(SCREEN_COOKIE)
        return person.name, screens.admission(opened, person.name, key)


def viewer_of_screen(request: Request, its: Parts) -> Viewer | None:
    """A wall screen in the browser that it belongs to. Of any other one it is written down."""
    found = screen_of(request, its)
    if found is None:
        return None
    name, whose = found
    if whose == "other":
        refuse_screen(request, its, name)
    return Viewer(name, screens.WALL, by_cookie=True) if whose == "own" else None


def is_elsewhere(request: Request, its: Parts, name: str) -> bool:
    """Does this screen's token come from another browser than its own? Then that is noted.

    A token that no screen has taken yet may be tried by a program.
    """
    with its.engine.connect() as opened:
        whose = screens.admission(opened, name, request.cookies.get(SCREEN_COOKIE))
    if whose == "other":
        refuse_screen(request, its, name)
    return whose == "other"


def refuse_screen(request: Request, its: Parts, name: str) -> None:
    """Note who came with another screen's token, at most every `screen_refusal_write_s`."""
    now_ms = its.clock.now_ms()
    since_ms = now_ms - int(its.settings.screen_refusal_write_s * 1_000)
    with its.engine.connect() as opened:
        if screens.was_refused(opened, name, since_ms):
            return
    address = request.client.host if request.client else "?"
    caller = f"{address} {request.headers.get('user-agent', '')}".strip()
    log.warning("the token of the wall screen %s was refused to %.200r", name, caller)
    with for_writing(its.engine).begin() as opened:
        screens.refuse(opened, name, caller, now_ms)


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
Tester = Annotated[Viewer, Depends(having(Right.TESTS))]
Registrar = Annotated[Viewer, Depends(having(Right.REGISTER))]
RuleKeeper = Annotated[Viewer, Depends(having(Right.RULES))]
FigureReader = Annotated[Viewer, Depends(having(Right.FIGURES))]
LogReader = Annotated[Viewer, Depends(having(Right.LOG))]
UserKeeper = Annotated[Viewer, Depends(having(Right.USERS))]
Follower = Annotated[Viewer, Depends(having(Right.LIVE))]
