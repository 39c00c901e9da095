"""The live feed's door."""

from collections.abc import AsyncIterator, Iterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, ConfigDict, Field

from dashboard_api.deps import CaseActor, Follower, PartsDep
from dashboard_api.errors import Problem

router = APIRouter(prefix="/api/v1", tags=["live"])

ID_DIGITS_MAX = 18


def _seat(its: PartsDep, _viewer: Follower) -> Iterator[None]:
    with its.feed.seat():
        yield


def _number(text: str | None) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > ID_DIGITS_MAX:
        raise Problem(422, f"Last-Event-ID: expected a number, not {text[:40]!r}.")
    return int(text)


def _after(
    last_event_id: Annotated[str | None, Header(max_length=40)] = None,
    after: Annotated[str | None, Query(max_length=40)] = None,
) -> int | None:
    """The header of a browser that comes back goes before what stands in the address."""
    return _number(last_event_id or after)


@router.get("/live", response_class=EventSourceResponse, dependencies=[Depends(_seat)])
async def follow(
    viewer: Follower, its: PartsDep, after: Annotated[int | None, Depends(_after)]
) -> AsyncIterator[ServerSentEvent]:
    """Server-sent events `case`, `device`, `notice`, `health`, `presence`, `ping`, `reset`.

    Begins after `Last-Event-ID` or `?after=`, without either now. After `reset` load everything
    anew. `ping` says whether the hub itself is alive.
    """
    async for event in its.feed.follow(viewer, after):
        yield event


class BeingAt(BaseModel):
    """At which case a page is, and what is being filled in there."""

    model_config = ConfigDict(extra="forbid")

    tab: str = Field(min_length=8, max_length=40, description="A random name of the page's own.")
    case: str = Field("", max_length=40, description="Left out: at none.")
    doing: str = Field("", max_length=20, description="The act whose form is open.")


@router.post("/presence", status_code=204)
async def be_at(given: BeingAt, viewer: CaseActor, its: PartsDep) -> None:
    """Say at which case this page is; others who follow as staff hear `presence`.

    To be said again within `presence_keep_s`, else the page counts as closed.
    """
    its.feed.be_at(given.tab, viewer, given.case, given.doing)
