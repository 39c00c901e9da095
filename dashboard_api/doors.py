"""The doors of pages: whom each lets in. Others are sent to log in, or to the page of their role.

Programs get 401 and 403 instead (`deps.py`): the doors are for people with a browser.
"""

from collections.abc import Callable
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Request

from dashboard_api.access import Right, Viewer
from dashboard_api.deps import PerhapsViewer
from dashboard_api.errors import SentElsewhere

HOME = {"admin": "/", "staff": "/", "crew": "/crew", "wall": "/wall", "program": "/docs"}


def to_log_in(request: Request) -> SentElsewhere:
    """To the log-in, and from there back to this page."""
    return SentElsewhere(f"/login?next={quote(request.url.path)}")


def to_own_page(viewer: Viewer) -> SentElsewhere:
    """To the first page of the viewer's role."""
    return SentElsewhere(HOME.get(viewer.role, "/login"))


def _somebody(request: Request, viewer: PerhapsViewer) -> Viewer:
    if viewer is None:
        raise to_log_in(request)
    return viewer


Visitor = Annotated[Viewer, Depends(_somebody)]


def visitor_with(right: Right) -> Callable[[Viewer], Viewer]:
    """Whoever is logged in and has this right."""

    def let_in(viewer: Visitor) -> Viewer:
        if not viewer.may(right):
            raise to_own_page(viewer)
        return viewer

    return let_in


ActVisitor = Annotated[Viewer, Depends(visitor_with(Right.ACTS))]
DeviceVisitor = Annotated[Viewer, Depends(visitor_with(Right.DEVICES))]
LogVisitor = Annotated[Viewer, Depends(visitor_with(Right.LOG))]
RegisterVisitor = Annotated[Viewer, Depends(visitor_with(Right.REGISTER))]
ResidentVisitor = Annotated[Viewer, Depends(visitor_with(Right.RESIDENTS))]
RuleVisitor = Annotated[Viewer, Depends(visitor_with(Right.RULES))]
UserVisitor = Annotated[Viewer, Depends(visitor_with(Right.USERS))]
