"""Edits of the register by page: who changed which fields when, and the way back.

An edit and its row of history are one transaction. Taking one back sets its fields to what they
were, if nobody has changed them since; that is an edit of its own.
"""

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.database import devices
from hub.edit_history import Edit, record
from hub.mistakes import Wrong
from hub.register import DEVICES, KINDS, RESIDENTS, Kind, Known, Row, keep

RESIDENT_IN_USE = "in_use"


class WrongFields(Exception):
    """Fields that cannot be: the column with what was expected."""

    def __init__(self, wrong: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {text}" for name, text in wrong.items()))
        self.wrong = dict(wrong)


class NotEdited(Exception):
    """An edit that cannot be made as things are; `code` for programs, the texts for people."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        super().__init__(en)
        self.code, self.zh, self.en = code, zh, en


# -- edits ----------------------------------------------------------------------------------------


def read_fields(kind: Kind, given: Mapping[str, str], known: Known) -> Row:
    """The values of these columns, by the names of the table. Raises `WrongFields` with all."""
    values: Row = {}
    wrong: dict[str, str] = {}
    for column, text in given.items():
        cell = kind.by_column.get(column)
        if cell is None or cell.column == kind.key:
            wrong[column] = "is no field that can be changed"
            continue
        try:
            if not text and cell.required:
                raise Wrong("is empty")
            values[cell.stored] = cell.read(known)(text) if text else cell.empty
        except Wrong as error:
            wrong[column] = str(error)
    if wrong:
        raise WrongFields(wrong)
    return values


def stored(connection: Connection, kind: Kind, key: str) -> Row | None:
    """A row of the register by the names of its table."""
    query = kind.table.select().where(kind.table.c[kind.key] == key)
    row = connection.execute(query).mappings().first()
    return None if row is None else dict(row)


def change(
    connection: Connection, kind: Kind, key: str, values: Row, by: str, now_ms: int
) -> int | None:
    """Set these fields; the edit's number, or None if all were so already. Raises NotEdited."""
    before = stored(connection, kind, key)
    if before is None:
        raise NotEdited("no_such_entry", f"没有 {key}", f"There is no {key}.")
    news = {name: value for name, value in values.items() if before[name] != value}
    if not news:
        return None
    return _write(connection, kind, key, {name: before[name] for name in news}, news, by, now_ms)


def _write(
    connection: Connection,
    kind: Kind,
    key: str,
    before: Row,
    after: Row,
    by: str,
    now_ms: int,
    undoes: int | None = None,
) -> int:
    try:
        keep(connection, kind, [{kind.key: key, **after}], now_ms)
    except Wrong as error:
        raise NotEdited("taken", f"已被占用：{error}", f"{error}.") from error
    return record(connection, (kind.name, key), before, after, by, now_ms, undoes)


def add(connection: Connection, kind: Kind, key: str, values: Row, by: str, now_ms: int) -> int:
    """A row that was not there. Raises NotEdited if it was."""
    if stored(connection, kind, key) is not None:
        raise NotEdited("taken", f"编号 {key} 已存在", f"{key} is there already.")
    try:
        keep(connection, kind, [{kind.key: key, **values}], now_ms)
    except Wrong as error:
        raise NotEdited("taken", f"已被占用：{error}", f"{error}.") from error
    return record(connection, (kind.name, key), None, values, by, now_ms)


def remove(connection: Connection, kind: Kind, key: str, by: str, now_ms: int) -> int:
    """Take a resident out of the register. Raises NotEdited while a device serves them."""
    before = stored(connection, kind, key)
    if kind is not RESIDENTS or before is None:
        raise NotEdited("no_such_entry", f"没有 {key}", f"There is no {key}.")
    serving = connection.execute(
        sa.select(devices.c.id).where(devices.c.resident_id == key).order_by(devices.c.id)
    ).scalars()
    names = list(serving)
    if names:
        text = ", ".join(names)
        raise NotEdited(
            RESIDENT_IN_USE,
            f"仍有设备属于此居民：{text}。请先改掉这些设备。",
            f"Devices still serve this resident: {text}. Change those first.",
        )
    connection.execute(kind.table.delete().where(kind.table.c[kind.key] == key))
    return record(connection, (kind.name, key), before, None, by, now_ms)


# -- the way back ---------------------------------------------------------------------------------


def undo(connection: Connection, edit: Edit, by: str, now_ms: int) -> int:
    """Take an edit back; the number of the edit that does so. Raises NotEdited."""
    kind = KINDS[edit.kind]
    now = stored(connection, kind, edit.key)
    if edit.before is None:  # it was added
        return remove(connection, kind, edit.key, by, now_ms)
    if edit.after is None:  # it was removed
        values = {name: value for name, value in edit.before.items() if name != kind.key}
        return add(connection, kind, edit.key, values, by, now_ms)
    if now is None or any(now[name] != value for name, value in edit.after.items()):
        zh, en = "此后又有人改动，不能撤销", "It was changed again since and cannot be taken back."
        raise NotEdited("changed_since", zh, en)
    return _write(connection, kind, edit.key, edit.after, edit.before, by, now_ms, edit.id)


NOTHING_KNOWN = Known()  # for what is compared with nothing: the key of a new row
EDITABLE: Mapping[str, tuple[str, ...]] = {
    # not id, address and driver: another device is another matter, see hub/succession.py
    DEVICES.name: (
        *("name_zh", "name_en", "place", "grid", "ground", "tags", "resident", "gateway"),
        *("expected_silence_s", "code", "maker", "model", "pulses_per_use", "cell"),
    ),
    RESIDENTS.name: tuple(c.column for c in RESIDENTS.cells if c.column != RESIDENTS.key),
}
