"""Work orders: to read, to act on, as a table; their pages."""

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.engine import Connection

from dashboard_api import order_queries, queries
from dashboard_api.access import Right, Viewer
from dashboard_api.commands import changed_since
from dashboard_api.deps import CaseActor, DeviceReader, Parts, PartsDep, Reading
from dashboard_api.doors import DeviceVisitor
from dashboard_api.errors import Problem
from dashboard_api.keeping import Wish, keep_and_wait, scanned, signed
from dashboard_api.order_shapes import (
    OrderActing,
    OrderCommand,
    OrderDone,
    OrderOut,
    OrdersOut,
    OrderWhole,
)
from dashboard_api.order_words import COLUMNS, Told, cells, order_state, shown_words, tell
from dashboard_api.queries import Row
from dashboard_api.routes.pages import page_of
from dashboard_api.shapes import LogLine, Waiting
from dashboard_api.tables import csv_answer
from dashboard_api.texts import language_of

router = APIRouter()
api = APIRouter(prefix="/api/v1/orders", tags=["orders"])

Asked = Literal["unclosed", "open", "accepted", "on_site", "done", "closed", "all"]
PAGE_ROWS = 50
# The acts of people who work, as the judge knows them.
ACTS: dict[str, str] = {
    "accept": "answer",
    "give_back": "release",
    "on_site": "arrive",
    "done": "done",
    "sign": "sign",
    "note": "note",
}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    202: {"model": Waiting, "description": "Kept; the judge has not spoken yet."},
    404: {"description": "No such order, or no device has the scanned code."},
    409: {"description": "The judge's no: who was first, the wrong code, or the same person."},
}


class Shelf:
    """What is needed to put orders into words; read once for a list."""

    def __init__(self, its: Parts, connection: Connection) -> None:
        self._tables = its.orders
        self._rules = its.rulebook.in_force(connection, its.clock.now_ms()).rule_set
        self._places = queries.places_by_path(connection)

    def tell(self, row: Row) -> Told:
        """An order in words."""
        return tell(row, self._tables, self._rules, self._places)

    def shown(self, row: Row) -> OrderOut:
        """As it goes over the wire."""
        return OrderOut.of(row, self.tell(row))


def no_such_order(order_id: str) -> Problem:
    """The 404."""
    return Problem(404, f"There is no work order {order_id}.", code="no_such_order")


class Filter(BaseModel):
    """Which orders. `place`: that one and all below it. `by`: who has accepted or done it."""

    model_config = ConfigDict(extra="forbid")

    state: Asked = "unclosed"
    grid: str = Field("", max_length=128)
    ground: str = Field("", max_length=128)
    place: str = Field("", max_length=300)
    device: str = Field("", max_length=128)
    trouble: str = Field("", max_length=80)
    priority: int | None = Field(None, ge=1, le=4)
    by: str = Field("", max_length=128)

    def find(self, connection: Connection, limit: int, before: str = "") -> list[Row]:
        """The rows."""
        wanted = self.model_dump(exclude={"state"})
        found = {"state": self.state, "limit": limit, "before": before, **wanted}
        return order_queries.find_orders(connection, **found)


class PageFilter(Filter):
    """The same, a page at a time: `before` is the id of the last order of the page before."""

    limit: int = Field(PAGE_ROWS, ge=1, le=200)
    before: str = Field("", max_length=40)

    def page(self, connection: Connection) -> list[Row]:
        """One row more than is asked for, where there are more."""
        narrow = Filter(**self.model_dump(exclude={"limit", "before"}))
        return narrow.find(connection, self.limit + 1, self.before)


@api.get("")
def list_orders(
    _viewer: DeviceReader,
    its: PartsDep,
    connection: Reading,
    wanted: Annotated[PageFilter, Query()],
) -> OrdersOut:
    """Work orders, the most urgent first; closed or all, the newest first."""
    rows, limit = wanted.page(connection), wanted.limit
    shelf = Shelf(its, connection)
    return OrdersOut(orders=[shelf.shown(row) for row in rows[:limit]], more=len(rows) > limit)


@api.get("/{order_id}")
def read_order(
    order_id: str, _viewer: DeviceReader, its: PartsDep, connection: Reading
) -> OrderWhole:
    """An order with its story: who did what, with which parts, what the device showed."""
    row = order_queries.order(connection, order_id)
    if row is None:
        raise no_such_order(order_id)
    story = queries.story_of(connection, order_id)
    log = [LogLine.model_validate(line) for line in story]
    return OrderWhole(order=Shelf(its, connection).shown(row), log=log)


@api.post("/{order_id}/{act}", response_model=OrderDone, responses=_ANSWERS)
async def act_on_order(
    order_id: str,
    act: OrderActing,
    request: Request,
    viewer: CaseActor,
    its: PartsDep,
    command: OrderCommand | None = None,
) -> OrderDone | JSONResponse:
    """accept, give_back, on_site (by scanning), done, sign (by a second person) or note.

    With an `id` of the sender's own the same act sent again is done once. After `done` the order
    is closed by what the device says, or by `sign`; else it falls open again.
    """
    command = command or OrderCommand.model_validate({})
    wish = await asyncio.to_thread(_wish, its, viewer, order_id, act, command)
    kept, word = await keep_and_wait(its, request, viewer, wish)
    if word is None:
        return JSONResponse({"waiting": kept.seq}, 202)
    shown = await asyncio.to_thread(_shown, its, order_id)
    return OrderDone(seq=kept.seq, repeated=kept.repeated, order=shown)


def _wish(its: Parts, viewer: Viewer, order_id: str, act: str, command: OrderCommand) -> Wish:
    _check(its, viewer, act, command)
    with its.engine.connect() as connection:
        scan = scanned(connection, command.code) if act == "on_site" else {}
    body = signed(
        viewer,
        ACTS[act],
        case=order_id,
        text=command.text,
        reason=command.reason,
        outcome=command.outcome,
        parts=[part.model_dump() for part in command.parts],
        photos=command.photos,
        expected_version=command.expected_version,  # what waits to be judged may change it, too
        **scan,
    )

    def check(connection: Connection) -> None:
        row = order_queries.order(connection, order_id)
        if row is None:
            raise no_such_order(order_id)
        expected = command.expected_version
        if expected is not None and expected != row["version"]:
            raise changed_since(order_id, row["version"], expected)

    return Wish(body, command, command.photos, check)


def _check(its: Parts, viewer: Viewer, act: str, command: OrderCommand) -> None:
    if act == "on_site" and not (command.code or command.reason):
        raise Problem(
            422, "on_site: scan the code, or say why not (reason).", code="code_or_reason"
        )
    if act == "note" and not (command.text or command.photos):
        raise Problem(422, "note: expected a text or a photo.")
    if act == "sign" and viewer.role == "program":
        raise Problem(403, "A program is no second person.", code="not_allowed")
    if act != "done" and (command.outcome or command.parts):
        raise Problem(422, "outcome and parts belong to done.")
    if len(command.parts) > its.settings.parts_max:
        raise Problem(422, f"parts: expected at most {its.settings.parts_max}.")


def _shown(its: Parts, order_id: str) -> OrderOut:
    with its.engine.connect() as connection:
        row = order_queries.order(connection, order_id)
        if row is None:
            raise no_such_order(order_id)
        return Shelf(its, connection).shown(row)


# -- pages ----------------------------------------------------------------------------------------


@router.get("/orders", include_in_schema=False, response_class=HTMLResponse)
def orders_page(
    request: Request,
    its: PartsDep,
    viewer: DeviceVisitor,
    connection: Reading,
    wanted: Annotated[Filter, Query()],
) -> Response:
    """Work orders with filters; what is most urgent first."""
    limit = its.settings.page_rows_max
    rows = wanted.find(connection, limit + 1)
    shelf = Shelf(its, connection)
    return page_of(
        request,
        its,
        viewer,
        "orders.html",
        orders=[row | {"told": shelf.tell(row), "is": order_state(row)} for row in rows[:limit]],
        more=len(rows) > limit,
        states=["unclosed", *dict.fromkeys(order_queries.STATES.values()), "all"],
        grids=queries.grid_names(connection),
        grounds=order_queries.ground_names(connection),
        troubles=its.orders.troubles,
        chosen=wanted.model_dump(),
    )


@router.get("/orders.csv", include_in_schema=False)
def orders_table(
    request: Request,
    its: PartsDep,
    viewer: DeviceVisitor,
    connection: Reading,
    wanted: Annotated[Filter, Query()],
) -> Response:
    """The same as a table, for spreadsheets."""
    rows = wanted.find(connection, its.settings.orders_csv_rows_max)
    speaker = its.texts.speaker(language_of(request))
    head = [speaker.say(column) for column in COLUMNS]
    return csv_answer("orders", head, ([*cells(row, speaker)] for row in rows))


@router.get("/orders/{order_id}", include_in_schema=False, response_class=HTMLResponse)
def order_page(
    order_id: str, request: Request, its: PartsDep, viewer: DeviceVisitor, connection: Reading
) -> Response:
    """One order: the way, what is wrong, what to bring, what was done, what proves it."""
    row = order_queries.order(connection, order_id)
    if row is None:
        raise no_such_order(order_id)
    return page_of(
        request,
        its,
        viewer,
        "order.html",
        order=row | {"is": order_state(row)},
        told=Shelf(its, connection).tell(row),
        shown_words=shown_words,
        story=queries.story_of(connection, order_id),
        may_act=viewer.may(Right.ACTS),
    )
