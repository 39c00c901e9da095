"""The register is changed by page: residents and devices, with history, the way back, and CSV."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.engine import Connection

from dashboard_api import queries, register_lists
from dashboard_api.access import Right, Viewer
from dashboard_api.deps import Parts, PartsDep, Reading, Registrar
from dashboard_api.doors import DeviceVisitor, RegisterVisitor, ResidentVisitor
from dashboard_api.errors import Problem
from dashboard_api.register_lists import Wanted
from dashboard_api.register_words import (
    FIELD_LABELS,
    history_words,
    shown_fields,
    wrong_words,
)
from dashboard_api.resident_card import looks_of_resident, note_look
from dashboard_api.routes.pages import PAGES_MAX, page_of
from dashboard_api.tables import text_answer
from device_drivers.catalog import DRIVERS
from hub import edit_history, register_edits
from hub.database import for_writing
from hub.mistakes import Wrong
from hub.register import DEVICES, KINDS, RESIDENTS, Kind, read_known, tell_of_change
from hub.register_edits import EDITABLE, NotEdited, WrongFields

api = APIRouter(prefix="/api/v1/register", tags=["register"])
router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

KindName = Literal["devices", "residents"]
CELL_CHARS_MAX = 10_000
HISTORY_SHOWN = 30
LOOKS_SHOWN = 20
LONG = ("notes", "mobility", "key_holder", "contacts")  # fields that may have several lines
_STATUS = {"no_such_entry": 404}
Cell = Annotated[str, Field(max_length=CELL_CHARS_MAX)]


class Change(BaseModel):
    """Fields by the columns of the CSV files, as they stand there; an empty text: none."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    fields: dict[str, Cell] = Field(min_length=1, max_length=40)
    newest_edit: int | None = Field(
        None, ge=0, description="Refuse (409) if somebody has edited it after this edit."
    )


class NewResident(BaseModel):
    """A resident who was not in the register."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    id: str = Field(min_length=1, max_length=200)
    fields: dict[str, Cell] = Field(min_length=1, max_length=40)


class Edited(BaseModel):
    """What was done; `edit` is None where everything was so already."""

    kind: str
    key: str
    edit: int | None


class EditOut(BaseModel):
    """One line of the history. `before` None: it was not there; `after` None: it is no more."""

    id: int
    by: str
    at_ms: int
    before: dict[str, str] | None
    after: dict[str, str] | None
    undoes: int | None


@contextmanager
def _editing(its: Parts) -> Iterator[Connection]:
    """One transaction; what cannot be is said as a problem."""
    try:
        with for_writing(its.engine).begin() as connection:
            yield connection
    except WrongFields as error:
        raise _wrong(its, error) from error
    except NotEdited as no:
        status = _STATUS.get(no.code, 409)
        raise Problem(status, no.en, code=no.code, reason_zh=no.zh, reason_en=no.en) from no


def _wrong(its: Parts, error: WrongFields) -> Problem:
    said = [
        wrong_words(its.texts, name, text, empty=text == "is empty")
        if name in FIELD_LABELS
        else (f"{name}：没有这个字段", f"{name}: {text}")
        for name, text in error.wrong.items()
    ]
    zh, en = ("；".join(one[0] for one in said) + "。", "; ".join(one[1] for one in said) + ".")
    errors = [{"field": name, "expected": text} for name, text in error.wrong.items()]
    return Problem(422, en, code="wrong_fields", reason_zh=zh, reason_en=en, errors=errors)


@api.patch("/{kind}/{key}", responses={409: {"description": "Somebody was first; or it is taken."}})
def change_entry(
    kind: KindName, key: str, wish: Change, viewer: Registrar, its: PartsDep
) -> Edited:
    """Change fields of a device or a resident; the running hub knows at once."""
    its_kind, now_ms = KINDS[kind], its.clock.now_ms()
    with _editing(its) as connection:
        _check_newest(connection, kind, key, wish.newest_edit)
        values = register_edits.read_fields(
            its_kind, _allowed(kind, wish.fields), _known(connection)
        )
        edit = register_edits.change(connection, its_kind, key, values, viewer.actor, now_ms)
        if edit is not None:
            tell_of_change(connection, now_ms, viewer.actor)
    return Edited(kind=kind, key=key, edit=edit)


def _known(connection: Connection) -> Any:
    return read_known(connection, DRIVERS)


def _allowed(kind: str, fields: dict[str, str]) -> dict[str, str]:
    wrong = {
        name: "is no field that can be changed here"
        for name in fields
        if name not in EDITABLE[kind]
    }
    if wrong:
        raise WrongFields(wrong)
    return fields


def _check_newest(connection: Connection, kind: str, key: str, expected: int | None) -> None:
    newest = edit_history.newest_id(connection, kind, key)
    if expected is None or newest <= expected:
        return
    edit = edit_history.find(connection, newest)
    by = edit.by if edit else ""
    zh, en = f"{by} 已先修改，请重新打开后再改", f"{by} has changed it meanwhile; open it anew."
    raise NotEdited("changed_since", zh, en)


@api.post("/residents", status_code=201)
def add_resident(wish: NewResident, viewer: Registrar, its: PartsDep) -> Edited:
    """Take a resident into the register."""
    now_ms = its.clock.now_ms()
    with _editing(its) as connection:
        fields = {cell.column: "" for cell in RESIDENTS.cells if cell.required} | wish.fields
        del fields[RESIDENTS.key]
        values = register_edits.read_fields(RESIDENTS, fields, _known(connection))
        key = _own_key(wish.id)
        edit = register_edits.add(connection, RESIDENTS, key, values, viewer.actor, now_ms)
        tell_of_change(connection, now_ms, viewer.actor)
    return Edited(kind="residents", key=key, edit=edit)


def _own_key(text: str) -> str:
    cell = RESIDENTS.by_column[RESIDENTS.key]
    try:
        return str(cell.read(register_edits.NOTHING_KNOWN)(text))
    except Wrong as error:
        raise WrongFields({RESIDENTS.key: str(error)}) from error


@api.delete("/residents/{key}")
def remove_resident(key: str, viewer: Registrar, its: PartsDep) -> Edited:
    """Take a resident out of the register; refused while a device serves them."""
    now_ms = its.clock.now_ms()
    with _editing(its) as connection:
        edit = register_edits.remove(connection, RESIDENTS, key, viewer.actor, now_ms)
        tell_of_change(connection, now_ms, viewer.actor)
    return Edited(kind="residents", key=key, edit=edit)


@api.post("/edits/{edit_id}/undo")
def undo_edit(edit_id: int, viewer: Registrar, its: PartsDep) -> Edited:
    """Set the fields of an edit to what they were; refused if they were changed again since."""
    now_ms = its.clock.now_ms()
    with _editing(its) as connection:
        edit = edit_history.find(connection, edit_id)
        if edit is None or edit.kind not in EDITABLE:
            raise Problem(404, f"There is no edit {edit_id}.", code="no_such_edit")
        done = register_edits.undo(connection, edit, viewer.actor, now_ms)
        tell_of_change(connection, now_ms, viewer.actor)
    return Edited(kind=edit.kind, key=edit.key, edit=done)


@api.get("/{kind}/{key}/edits")
def read_edits(kind: KindName, key: str, _viewer: Registrar, connection: Reading) -> list[EditOut]:
    """Who changed what of a row, the newest first."""
    edits = edit_history.history(connection, kind, key, HISTORY_SHOWN)
    return [
        EditOut(
            id=edit.id,
            by=edit.by,
            at_ms=edit.at_ms,
            before=None if edit.before is None else shown_fields(kind, edit.before),
            after=None if edit.after is None else shown_fields(kind, edit.after),
            undoes=edit.undoes,
        )
        for edit in edits
    ]


# -- lists ----------------------------------------------------------------------------------------


def _wanted(
    q: Annotated[str, Query(max_length=80)] = "",
    grid: Annotated[str, Query(max_length=200)] = "",
    family: Annotated[str, Query(max_length=40)] = "",
    state: Annotated[str, Query(max_length=40)] = "",
    tag: Annotated[str, Query(max_length=128)] = "",
) -> Wanted:
    return Wanted(q.strip(), grid, family, state, tag)


Filter = Annotated[Wanted, Depends(_wanted)]
PageNumber = Annotated[int, Query(ge=1, le=PAGES_MAX)]


@api.get("/{kind}.csv", response_class=Response, responses={200: {"content": {"text/csv": {}}}})
def read_csv(
    kind: KindName, wanted: Filter, _viewer: Registrar, its: PartsDep, connection: Reading
) -> Response:
    """The list as a table that spreadsheets and `hub import` read."""
    return text_answer(kind, register_lists.csv_of(its, connection, KINDS[kind], wanted))


@router.get("/devices")
def devices_page(
    request: Request,
    its: PartsDep,
    viewer: DeviceVisitor,
    connection: Reading,
    wanted: Filter,
    page: PageNumber = 1,
) -> Response:
    """Devices with search and filter."""
    rows, turn = register_lists.devices_on_page(its, connection, wanted, page)
    serves: dict[str, str] = {}
    if viewer.may(Right.RESIDENTS):
        serves = register_lists.names_of(connection, {one["resident_id"] for one in rows})
    words = _list_words(connection, DEVICES, wanted)
    return page_of(
        request, its, viewer, "devices.html", devices=rows, turn=turn, serves=serves, **words
    )


@router.get("/residents")
def residents_page(
    request: Request,
    its: PartsDep,
    viewer: ResidentVisitor,
    connection: Reading,
    wanted: Filter,
    page: PageNumber = 1,
) -> Response:
    """Residents, and whether a press of theirs would be heard; for staff."""
    found = register_lists.residents_of(its, connection, wanted)
    rows, turn = register_lists.turn_of(found, page, its.settings.page_rows_max)
    words = _list_words(connection, RESIDENTS, wanted)
    return page_of(request, its, viewer, "residents.html", residents=rows, turn=turn, **words)


def _list_words(connection: Connection, kind: Kind, wanted: Wanted) -> dict[str, Any]:
    return {
        "wanted": wanted,
        "grids": queries.grid_names(connection),
        "tags": register_lists.tags_of(connection, kind),
    }


# -- one entry ------------------------------------------------------------------------------------


@router.get("/residents/new")
def new_resident_page(request: Request, its: PartsDep, viewer: RegisterVisitor) -> Response:
    """A form for a resident who is not in the register."""
    return page_of(request, its, viewer, "entry.html", **_form_words(RESIDENTS, None))


@router.get("/residents/{resident_id}")
def resident_page(
    resident_id: str, request: Request, its: PartsDep, viewer: ResidentVisitor
) -> Response:
    """One resident: to read (which is kept), to change, with who changed what and who looked."""
    return _entry_page(request, its, viewer, RESIDENTS, resident_id)


@router.get("/devices/{device_id}/edit")
def device_edit_page(
    device_id: str, request: Request, its: PartsDep, viewer: RegisterVisitor
) -> Response:
    """What the register says of one device: to change, with who changed what."""
    return _entry_page(request, its, viewer, DEVICES, device_id)


def _entry_page(request: Request, its: Parts, viewer: Viewer, kind: Kind, key: str) -> Response:
    looks: list[queries.Row] = []
    with for_writing(its.engine).begin() as connection:
        row = register_edits.stored(connection, kind, key)
        edits = edit_history.history(connection, kind.name, key, HISTORY_SHOWN)
        if row is not None and kind is RESIDENTS:
            looks = looks_of_resident(connection, key, LOOKS_SHOWN)
            note_look(connection, viewer, key, None, its.clock.now_ms())
        grids = queries.grid_names(connection)
        own = queries.devices_of_resident(connection, key) if kind is RESIDENTS else []
    if row is None and not edits:
        raise Problem(404, f"There is no {key}.", code="no_such_entry")
    words = {"history": history_words(edits), "looks": looks, "own_devices": own, "grids": grids}
    return page_of(request, its, viewer, "entry.html", **(_form_words(kind, row, key) | words))


def _form_words(kind: Kind, row: queries.Row | None, key: str = "") -> dict[str, Any]:
    values = shown_fields(kind.name, row)
    fields = [
        {
            "column": column,
            "label": FIELD_LABELS[column],
            "value": values.get(column, ""),
            "required": kind.by_column[column].required,
            "long": column in LONG,
        }
        for column in EDITABLE[kind.name]
    ]
    return {
        "kind": kind.name,
        "key": key,
        "there": row is not None,
        "fields": fields,
        "field_labels": FIELD_LABELS,
        "history": [],
        "looks": [],
        "own_devices": [],
        "grids": {},
    }
