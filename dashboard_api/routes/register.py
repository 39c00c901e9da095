"""Strangers are found by what stands on them and taken into the register, or said to be others'.

The row of a device is checked as a line of a file of devices is.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.engine import Connection

from dashboard_api import queries, senders
from dashboard_api.deps import Parts, PartsDep, Reading, Registrar
from dashboard_api.errors import Problem
from dashboard_api.register_words import wrong_words
from dashboard_api.shapes import FoundOut, PlaceOut, ProposalOut, StrangerOut, Words
from device_drivers.catalog import DRIVERS
from hub import commissionings
from hub.database import for_writing
from hub.device_code import TEXT_CHARACTERS_MAX, read_code
from hub.mistakes import Wrong
from hub.proposal import propose
from hub.register import DEVICES, Cell, Known, Row, keep, read_known, tell_of_change

router = APIRouter(prefix="/api/v1", tags=["devices"])

CELL_CHARS_MAX = 1_000
Address = Annotated[str, Query(max_length=CELL_CHARS_MAX)]


class Adoption(BaseModel):
    """Who a stranger is. An empty text is the same as none."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    address: str = Field(max_length=CELL_CHARS_MAX, description="As the list of strangers has it.")
    id: str = Field("", max_length=CELL_CHARS_MAX, description="Its name in the register.")
    family: str = Field("", max_length=CELL_CHARS_MAX)
    driver: str = Field("", max_length=CELL_CHARS_MAX)
    name_zh: str = Field("", max_length=CELL_CHARS_MAX)
    name_en: str = Field("", max_length=CELL_CHARS_MAX)
    place: str = Field("", max_length=CELL_CHARS_MAX, description="A path of the list of places.")
    resident: str = Field("", max_length=CELL_CHARS_MAX, description="Whom a button serves.")
    code: str = Field("", max_length=CELL_CHARS_MAX, description="Behind its QR code.")
    maker: str = Field("", max_length=CELL_CHARS_MAX)
    model: str = Field("", max_length=CELL_CHARS_MAX)
    unheard: bool = Field(False, description="Register it though it has never spoken.")


class Adopted(BaseModel):
    """The device that a stranger has become."""

    id: str
    address: str


@router.post(
    "/strangers/adopt", status_code=201, responses={409: {"description": "The name is taken."}}
)
def adopt(adoption: Adoption, viewer: Registrar, its: PartsDep) -> Adopted:
    """Register a stranger; the running hub knows it from its next look at the journal.

    A ghost (a device that was swapped for another) comes back the same way. `unheard` registers one
    that never spoke.
    """
    now_ms = its.clock.now_ms()
    with for_writing(its.engine).begin() as connection:
        row = _read(its, adoption, read_known(connection, DRIVERS))
        heard = _check_free(connection, adoption, str(row["address"]))
        try:
            keep(connection, DEVICES, [row], now_ms)
        except Wrong as error:
            raise _taken(adoption, error) from error
        commissionings.record(
            connection,
            adoption.id,
            why=commissionings.ADOPTED,
            by=viewer.actor,
            now_ms=now_ms,
            **commissionings.heard_of(heard),
        )
        tell_of_change(connection, now_ms, viewer.actor)
    return Adopted(id=adoption.id, address=str(row["address"]))


def _taken(adoption: Adoption, error: Wrong) -> Problem:
    if f"address {adoption.address!r}" in str(error):
        return _problem(409, "taken", f"地址 {adoption.address} 已被登记。", f"{error}.")
    return _problem(409, "taken", f"二维码编号 {adoption.code} 已被使用。", f"{error}.")


def _read(its: Parts, adoption: Adoption, known: Known) -> Row:
    """The row, as a line of a file of devices would give it. Raises the 422 with every mistake."""
    given: Mapping[str, str] = adoption.model_dump(exclude={"unheard"})
    row: Row = {}
    wrong: dict[str, tuple[str, str]] = {}
    for cell in DEVICES.cells:
        text = given.get(cell.column, "")
        try:
            row[cell.stored] = _read_cell(cell, text, known)
        except Wrong as error:
            wrong[cell.column] = wrong_words(its.texts, cell.column, error, empty=not text)
    if not wrong:
        return row
    text_zh = "；".join(zh for zh, _en in wrong.values())
    text_en = "; ".join(en for _zh, en in wrong.values())
    errors = [{"field": column, "expected": en} for column, (_zh, en) in wrong.items()]
    raise _problem(422, "wrong_device", f"{text_zh}。", f"{text_en}.", errors=errors)


def _read_cell(cell: Cell, text: str, known: Known) -> object:
    if text:
        return cell.read(known)(text)
    if cell.required:
        raise Wrong("is empty")
    return cell.empty


def _check_free(connection: Connection, adoption: Adoption, address: str) -> Row | None:
    """What is known of the sender. `keep` changes a row of the same name: nobody's may be taken."""
    heard = senders.stranger(connection, address)
    known = heard is not None or senders.ghost(connection, address) is not None
    if not known and not adoption.unheard:
        text_zh = f"没有地址为 {address} 的陌生设备，可能已被登记。"
        text_en = f"There is no stranger {address}; somebody may have registered it."
        raise _problem(409, "no_such_stranger", text_zh, text_en)
    if queries.device(connection, adoption.id) is not None:
        text_zh = f"编号 {adoption.id} 已属于另一台设备。"
        text_en = f"The id {adoption.id} belongs to another device."
        raise _problem(409, "taken", text_zh, text_en)
    return heard


class Ignored(BaseModel):
    """Whose a stranger is."""

    model_config = ConfigDict(extra="forbid")

    address: str = Field(max_length=CELL_CHARS_MAX)
    ignored: bool = Field(True, description="False: it is ours after all.")


@router.post("/strangers/ignore")
def ignore(given: Ignored, viewer: Registrar, its: PartsDep) -> Ignored:
    """Say that a sender is not ours: it is listed apart. A press of it is an emergency as before.

    When it presses it stands among the others again.
    """
    now_ms = its.clock.now_ms()
    with for_writing(its.engine).begin() as connection:
        when = now_ms if given.ignored else None
        if not senders.ignore(connection, given.address, viewer.actor, when):
            text_zh = f"没有地址为 {given.address} 的陌生设备。"
            text_en = f"There is no stranger {given.address}."
            raise _problem(404, "no_such_stranger", text_zh, text_en)
    return given


@router.get("/strangers/find")
def find(
    text: Annotated[str, Query(min_length=1, max_length=TEXT_CHARACTERS_MAX)],
    _viewer: Registrar,
    connection: Reading,
) -> FoundOut:
    """Who is meant by what stands on a device: a QR code's text, a DevEUI, a MAC, our own code."""
    code = read_code(text)
    device, strangers = senders.by_code(connection, code)
    return FoundOut(
        device=None if device is None else device["id"],
        page=None if device is None else f"/d/{device['code'] or device['id']}",
        strangers=[StrangerOut.model_validate(row) for row in strangers],
        addresses=list(code.addresses),
    )


@router.get("/strangers/proposal")
def read_proposal(
    _viewer: Registrar,
    connection: Reading,
    address: Address,
    family: Annotated[str, Query(max_length=40)] = "",
    place: Annotated[str, Query(max_length=200)] = "",
) -> ProposalOut:
    """An id and names for a device of that family at that place, and who lives there."""
    where = queries.places_by_path(connection).get(place)
    return proposal(connection, address, family, where)


def proposal(
    connection: Connection, address: str, family: str | None, place: Row | None
) -> ProposalOut:
    """The same for the page that is made with it."""
    stem = propose(family, place, address, ()).id
    called = senders.announced_of(connection, [address]).get(address, {}).get("name")
    found = propose(family, place, address, senders.ids_beginning(connection, stem), called)
    path = "" if place is None else str(place["path"])
    living = senders.residents_of(connection, [path]).get(path, [])
    resident = living[0]["id"] if living else None
    names = Words(zh=found.name_zh, en=found.name_en)
    return ProposalOut(id=found.id, name=names, resident=resident)


@router.get("/places")
def list_places(
    _viewer: Registrar,
    connection: Reading,
    q: Annotated[str, Query(max_length=80)] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 20,
) -> list[PlaceOut]:
    """Places by name, path, or the name of who lives there; homes first."""
    return [PlaceOut.of(row) for row in senders.find_places(connection, q, limit)]


def _problem(status: int, code: str, zh: str, en: str, **more: Any) -> Problem:
    return Problem(status, en, code=code, reason_zh=zh, reason_en=en, **more)
