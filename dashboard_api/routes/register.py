"""A stranger is taken into the register: the row of a device, checked as a file of devices is."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.engine import Connection

from dashboard_api import queries
from dashboard_api.deps import PartsDep, Registrar
from dashboard_api.errors import Problem
from device_drivers.catalog import DRIVERS
from hub.database import for_writing
from hub.mistakes import Wrong
from hub.register import DEVICES, Cell, Known, Row, keep, read_known, tell_of_change

router = APIRouter(prefix="/api/v1", tags=["devices"])

CELL_CHARS_MAX = 1_000

# A field's name in both languages, and what it must be in Chinese; English comes from the reader.
_NAME_ZH = "应为 1 到 128 个字符，不含空格和 / + # | , ;"
_FIELDS: Mapping[str, tuple[str, str, str]] = {
    "address": ("地址", "Address", "应为可显示的文字"),
    "id": ("编号", "Name in the register", _NAME_ZH),
    "family": ("类别", "Kind", "应为呼叫按钮、门磁、器材计数或网关"),
    "driver": ("驱动", "Driver", "没有这个驱动"),
    "name_zh": ("中文名称", "Name in Chinese", "应为可显示的文字"),
    "name_en": ("英文名称", "Name in English", "应为可显示的文字"),
    "place": ("地点", "Where", "没有这个地点"),
    "resident": ("居民", "Whom it serves", "没有这位居民"),
    "code": ("二维码编号", "Code on its label", _NAME_ZH),
}


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


class Adopted(BaseModel):
    """The device that a stranger has become."""

    id: str
    address: str


@router.post(
    "/strangers/adopt", status_code=201, responses={409: {"description": "The name is taken."}}
)
def adopt(adoption: Adoption, viewer: Registrar, its: PartsDep) -> Adopted:
    """Register a stranger; the running hub knows it from its next look at the journal."""
    now_ms = its.clock.now_ms()
    with for_writing(its.engine).begin() as connection:
        row = _read(adoption, read_known(connection, DRIVERS))
        _check_free(connection, adoption)
        try:
            keep(connection, DEVICES, [row], now_ms)
        except Wrong as error:
            text_zh = f"二维码编号 {adoption.code} 已被使用。"
            raise _problem(409, "taken", text_zh, f"{error}.") from error
        tell_of_change(connection, now_ms, viewer.name)
    return Adopted(id=adoption.id, address=adoption.address)


def _read(adoption: Adoption, known: Known) -> Row:
    """The row, as a line of a file of devices would give it. Raises the 422 with every mistake."""
    given: Mapping[str, str] = adoption.model_dump()
    row: Row = {}
    wrong: dict[str, tuple[str, str]] = {}
    for cell in DEVICES.cells:
        text = given.get(cell.column, "")
        try:
            row[cell.stored] = _read_cell(cell, text, known)
        except Wrong as error:
            name_zh, name_en, expected = _FIELDS[cell.column]
            said_zh = f"{name_zh}：{expected if text else '请填写'}"
            wrong[cell.column] = said_zh, f"{name_en}: {error}"
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


def _check_free(connection: Connection, adoption: Adoption) -> None:
    """`keep` changes a row of the same name; a stranger must not take over another device."""
    if queries.stranger(connection, adoption.address) is None:
        text_zh = f"没有地址为 {adoption.address} 的陌生设备，可能已被登记。"
        text_en = f"There is no stranger {adoption.address}; somebody may have registered it."
        raise _problem(409, "no_such_stranger", text_zh, text_en)
    if queries.device(connection, adoption.id) is not None:
        text_zh = f"编号 {adoption.id} 已属于另一台设备。"
        text_en = f"The id {adoption.id} belongs to another device."
        raise _problem(409, "taken", text_zh, text_en)


def _problem(status: int, code: str, zh: str, en: str, **more: Any) -> Problem:
    return Problem(status, en, code=code, reason_zh=zh, reason_en=en, **more)
