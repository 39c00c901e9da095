"""The register on paper: devices, residents, places and grids as CSV and as seeds of a site.

One table a kind says what a row holds: column, whether it must be there, how it is read, how it is
written. Every row of a file is checked before one is kept; keeping the same rows again changes
nothing. What a file does not mention stays as it is, rows and columns alike.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Table
from sqlalchemy.engine import Connection

from hub import commissionings, edit_history, journal, mistakes
from hub.database import devices, ghosts, grids, places, residents
from hub.journal import COMMAND, Entry
from hub.mistakes import Mistakes, Reader, Wrong, nearest, shown
from hub.site import PLACE_KINDS, Site

FAMILIES = ("button", "door", "counter", "gateway")
CELL_CHARACTERS_MAX = 10_000
SILENCE_S_MAX = 366 * 86_400
PULSES_PER_USE_MAX = 1_000_000
BIRTH_YEARS = (1890, 2100)
ROWS_AT_ONCE = 500
DELIMITERS = ",;\t"
BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")
PROGRESS_EVERY_ROWS = 100

_ADDRESS = re.compile(r"[a-z][a-z0-9_]*:\S.*")
_EUI = re.compile(r"(?:[0-9A-Fa-f]{2}[-: ]?){7}[0-9A-Fa-f]{2}")
_NO_HEX = re.compile(r"[^0-9a-f]")

Progress = Callable[[int, int], None]  # so many of so many rows


def no_progress(_done: int, _total: int) -> None:
    """Nobody looks on."""


class WrongRegister(Mistakes):
    """A file that cannot be imported: one line per mistake, with file, line and column."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a row may refer to. An empty set is no knowledge, and nothing is compared with it."""

    drivers: Collection[str] = frozenset()
    grids: Collection[str] = frozenset()
    places: Collection[str] = frozenset()
    residents: Collection[str] = frozenset()


def read_known(connection: Connection, drivers: Collection[str]) -> Known:
    """What the database holds by now; `drivers` are the names of the catalogue."""

    def all_of(column: "sa.Column[str]") -> frozenset[str]:
        return frozenset(connection.execute(sa.select(column)).scalars())

    return Known(drivers, all_of(grids.c.id), all_of(places.c.path), all_of(residents.c.id))


class Cell(NamedTuple):
    """One column of a kind of file. `stored` is the table's column."""

    column: str
    stored: str
    read: Callable[[Known], Reader]
    required: bool = False
    empty: Any = None  # what an empty cell means
    write: Callable[[Any], str] = lambda value: "" if value is None else str(value)


class Kind(NamedTuple):
    """One kind of file: its table, the column that names a row, its cells."""

    name: str
    table: Table
    key: str
    cells: tuple[Cell, ...]
    unique: tuple[str, ...] = ()

    @property
    def by_column(self) -> Mapping[str, Cell]:
        """The cells by the names of the header."""
        return {cell.column: cell for cell in self.cells}


def _plain(read: Reader) -> Callable[[Known], Reader]:
    return lambda _known: read


def _read_tags(value: str) -> str:
    words = value.replace(",", " ").replace(";", " ").split()
    return _to_json(sorted({mistakes.name(word) for word in words}))


def _write_tags(value: str) -> str:
    return " ".join(json.loads(value))


def _read_contacts(value: str) -> str:
    return _to_json([_read_contact(part.strip()) for part in value.split(";") if part.strip()])


def _read_contact(part: str) -> dict[str, str]:
    fields = [field.strip() for field in part.split("|")]
    if len(fields) != 3 or not fields[0]:
        raise Wrong(f"expected name|relation|phone, several parted by ; and not {shown(part)}")
    name, relation, phone = fields
    return {
        "name": mistakes.text(name),
        "relation": mistakes.text(relation),
        "phone": mistakes.phone(phone),
    }


def _write_contacts(value: str) -> str:
    fields = ("name", "relation", "phone")
    return "; ".join("|".join(c.get(name) or "" for name in fields) for c in json.loads(value))


def _to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def read_address(value: str) -> str:
    """Who a device is on the air: `ecosystem:name`, or the 16 hex digits of a DevEUI alone."""
    mistakes.not_counted(value.rpartition(":")[2])
    ecosystem, mark, name = value.partition(":")
    if _EUI.fullmatch(value):
        ecosystem, mark, name = "lorawan", ":", value
    if ecosystem == "lorawan" and mark:
        digits = _NO_HEX.sub("", name.lower())
        if not _EUI.fullmatch(name):
            raise Wrong(
                f"expected the 16 hex digits of a DevEUI, not {shown(name)} with {len(digits)}"
                + ("; a spreadsheet eats leading zeros" if 0 < len(digits) < 16 else "")
            )
        return f"lorawan:{digits}"
    if not _ADDRESS.fullmatch(value):
        raise Wrong(
            "expected an address as the strangers' page has it, such as native:btn-1, "
            f"zigbee2mqtt:0x00158d0001a2b3c4 or lorawan:24e124136b501a01, not {shown(value)}"
        )
    return mistakes.text(value)


def _names() -> tuple[Cell, Cell]:
    text = _plain(mistakes.text)
    return Cell("name_zh", "name_zh", text, required=True), Cell("name_en", "name_en", text)


def _tags() -> Cell:
    return Cell("tags", "tags_json", _plain(_read_tags), empty="[]", write=_write_tags)


def _grid() -> Cell:
    return Cell("grid", "grid", lambda known: mistakes.known("grid", known.grids))


def _place(*, required: bool = False) -> Cell:
    def read(known: Known) -> Reader:
        is_known = mistakes.known("place", known.places)
        return lambda value: is_known(mistakes.path(value))

    return Cell("place", "place", read, required)


def _named(column: str, *, stored: str = "", required: bool = False) -> Cell:
    return Cell(column, stored or column, _plain(mistakes.name), required)


def _text(column: str, *, required: bool = False) -> Cell:
    return Cell(column, column, _plain(mistakes.text), required)


def _phone() -> Cell:
    return Cell("phone", "phone", _plain(mistakes.phone))


DEVICES = Kind(
    "devices",
    devices,
    "id",
    (
        _named("id", required=True),
        Cell("family", "family", _plain(mistakes.one_of(FAMILIES)), required=True),
        Cell("driver", "driver", lambda known: mistakes.known("driver", known.drivers), True),
        Cell("address", "address", _plain(read_address), required=True),
        *_names(),
        _place(),
        _grid(),
        _named("ground"),
        _tags(),
        Cell(
            "resident",
            "resident_id",
            lambda known: mistakes.known("resident", known.residents),
        ),
        _named("gateway"),
        Cell(
            "expected_silence_s",
            "expected_silence_s",
            _plain(mistakes.whole(1, SILENCE_S_MAX)),
        ),
        _named("code"),
        _text("maker"),
        _text("model"),
        Cell("pulses_per_use", "pulses_per_use", _plain(mistakes.whole(1, PULSES_PER_USE_MAX))),
        _named("cell"),
    ),
    unique=("address", "code"),
)
RESIDENTS = Kind(
    "residents",
    residents,
    "id",
    (
        _named("id", required=True),
        _text("name", required=True),
        Cell("birth_year", "birth_year", _plain(mistakes.whole(*BIRTH_YEARS))),
        _place(required=True),
        _grid(),
        _phone(),
        _tags(),
        Cell(
            "contacts",
            "contacts_json",
            _plain(_read_contacts),
            empty="[]",
            write=_write_contacts,
        ),
        Cell("notes", "notes", _plain(mistakes.notes)),
        Cell("mobility", "mobility", _plain(mistakes.notes)),
        Cell("key_holder", "key_holder", _plain(mistakes.notes)),
    ),
)
PLACES = Kind(
    "places",
    places,
    "path",
    (
        Cell("path", "path", _plain(mistakes.path), required=True),
        Cell("kind", "kind", _plain(mistakes.one_of(PLACE_KINDS)), required=True),
        *_names(),
        _grid(),
        Cell("x", "x", _plain(mistakes.fraction)),
        Cell("y", "y", _plain(mistakes.fraction)),
    ),
)
GRIDS = Kind(
    "grids",
    grids,
    "id",
    (_named("id", required=True), *_names(), _text("leader"), _phone()),
)
KINDS = {kind.name: kind for kind in (DEVICES, RESIDENTS, PLACES, GRIDS)}

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file that was read and found right: rows by the table's columns, in the file's order."""

    kind: Kind
    encoding: str
    rows: tuple[Row, ...]
    lines: tuple[int, ...] = ()  # where each row begins in the file
    columns: tuple[str, ...] = ()  # the header


class Kept(NamedTuple):
    """What keeping rows did: how many were new, how many changed, how many were so already."""

    added: int
    changed: int
    same: int


class Taken(NamedTuple):
    """A value of a row (by its place among the rows) that belongs to another row of the store."""

    row: int
    column: str
    text: str


# --- a file becomes rows ---------------------------------------------------------------------


def read_sheet(
    file: str,
    content: bytes,
    known: Known,
    kind: Kind | None = None,
    progress: Progress = no_progress,
) -> Sheet:
    """Read and check a whole CSV file. Raises `WrongRegister` with every mistake."""
    text, encoding = decode(file, content)
    if not text.strip():
        raise WrongRegister([f"{file}: the file is empty"])
    lines = _watched(_lines(file, text), text.count("\n"), progress)
    header_line, header = next(lines, (1, []))
    kind = kind or recognise(file, header)
    wrong = [f"{file}:{header_line}: {problem}" for problem in _wrong_header(kind, header)]
    if wrong:
        raise WrongRegister(wrong)
    begun, rows = [], []
    for line, row in _read_rows(file, kind, header, lines, known, wrong):
        begun.append(line)
        rows.append(row)
    if wrong:
        raise WrongRegister(wrong)
    return Sheet(kind, encoding, tuple(rows), tuple(begun), tuple(header))


def _watched(
    lines: Iterator[tuple[int, list[str]]], total: int, progress: Progress
) -> Iterator[tuple[int, list[str]]]:
    for number, found in enumerate(lines):
        if number % PROGRESS_EVERY_ROWS == 0:
            progress(min(found[0], total), total)
        yield found
    progress(total, total)


def decode(file: str, content: bytes) -> tuple[str, str]:
    """The text and the encoding it was read as: UTF-8 (with or without a mark) or GB18030."""
    if content.startswith(BYTE_ORDER_MARKS):
        raise WrongRegister(
            [f"{file}: this is UTF-16; save it as CSV UTF-8 (comma delimited) instead"]
        )
    try:
        text, encoding = content.decode("utf-8-sig"), "UTF-8"
    except UnicodeDecodeError:
        text, encoding = _decode_gb18030(file, content), "GB18030"
    line = text.count("\n", 0, text.index("\0")) + 1 if "\0" in text else None
    if line is not None:
        raise WrongRegister([f"{file}:{line}: a NUL character; this is no text file"])
    return text, encoding


def _decode_gb18030(file: str, content: bytes) -> str:
    try:
        return content.decode("gb18030")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise WrongRegister(
            [f"{file}:{line}: neither UTF-8 nor GB18030 (byte {error.start})"]
        ) from error


def _lines(file: str, text: str) -> Iterator[tuple[int, list[str]]]:
    """Every row that is not blank, with the line on which it begins."""
    first = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begins = 1
    try:
        for row in rows:
            if any(cell.strip() for cell in row):
                yield begins, [cell.strip() for cell in row]
            begins = rows.line_num + 1
    except csv.Error as error:
        problem = f"{file}:{begins}: {error}; look for a quote that is not closed or not doubled"
        raise WrongRegister([problem]) from error


def recognise(file: str, header: Sequence[str]) -> Kind:
    """The kind of file whose columns the header names. Raises `WrongRegister`."""
    fits = {name: len(kind.by_column.keys() & set(header)) for name, kind in KINDS.items()}
    best = max(fits.values())
    found = [name for name, count in fits.items() if count == best]
    exact = [name for name in found if _required(KINDS[name]) <= set(header)]
    if best < 2 or (len(found) > 1 and len(exact) != 1):
        expected = "; ".join(f"{name}: {', '.join(kind.by_column)}" for name, kind in KINDS.items())
        raise WrongRegister(
            [f"{file}:1: cannot tell what this is by its header ({expected}); --kind says it"]
        )
    return KINDS[exact[0] if len(exact) == 1 else found[0]]


def _required(kind: Kind) -> set[str]:
    return {cell.column for cell in kind.cells if cell.required}


def _wrong_header(kind: Kind, header: Sequence[str]) -> Iterator[str]:
    for number, column in enumerate(header):
        if column not in kind.by_column:
            hint = nearest(column, kind.by_column)
            yield f"unknown column {shown(column)} (column {number + 1}) for {kind.name}{hint}"
        elif column in header[:number]:
            yield f"the column {column} stands twice (column {number + 1})"
    for column in sorted(_required(kind) - set(header)):
        yield f"the column {column} is missing; {kind.name} need it"


def _read_rows(
    file: str,
    kind: Kind,
    header: Sequence[str],
    lines: Iterable[tuple[int, list[str]]],
    known: Known,
    wrong: list[str],
) -> Iterator[tuple[int, Row]]:
    readers = [(cell, cell.read(known)) for cell in map(kind.by_column.__getitem__, header)]
    seen: dict[tuple[str, Any], int] = {}
    for line, row in lines:
        if len(row) != len(header):
            wrong.append(f"{file}:{line}: {len(row)} cells where the header has {len(header)}")
            continue
        values: Row = {}
        for (cell, read), text in zip(readers, row, strict=True):
            try:
                values[cell.stored] = _read_cell(cell, read, text)
            except Wrong as error:
                wrong.append(f"{file}:{line}: {_place_in(header, cell.column)}: {error}")
        for column, problem in _twice(kind, values, line, seen):
            wrong.append(f"{file}:{line}: {_place_in(header, column)}: {problem}")
        yield line, values


def _place_in(header: Sequence[str], column: str) -> str:
    """A column by its name and its number from 1, as people count in a spreadsheet."""
    return f"{column} (column {header.index(column) + 1})"


def wrong_of(file: str, sheet: Sheet, taken: Iterable[Taken]) -> WrongRegister:
    """What `find_taken` found, as mistakes of the file."""
    return WrongRegister(
        [
            f"{file}:{sheet.lines[one.row]}: {_place_in(sheet.columns, one.column)}: {one.text}"
            for one in taken
        ]
    )


def _read_cell(cell: Cell, read: Reader, text: str) -> Any:
    if not text:
        if cell.required:
            raise Wrong("is empty")
        return cell.empty
    if len(text) > CELL_CHARACTERS_MAX:
        raise Wrong(f"longer than {CELL_CHARACTERS_MAX} characters")
    return read(text)


def _twice(
    kind: Kind, values: Row, line: int, seen: dict[tuple[str, Any], int]
) -> Iterator[tuple[str, str]]:
    for column in (kind.key, *kind.unique):
        value = values.get(column)
        if value is not None and seen.setdefault((column, value), line) != line:
            yield column, f"{shown(value)} stands already in line {seen[column, value]}"


# --- rows go into the database, and out again ------------------------------------------------


def keep(
    connection: Connection,
    kind: Kind,
    rows: Sequence[Row],
    now_ms: int,
    progress: Progress = no_progress,
    *,
    imported_by: str = "",
) -> Kept:
    """Add what is new and change what is otherwise. Raises `Wrong` when an address is taken.

    `imported_by`: new devices get a line of commissioning, changes one of the history by that name.
    """
    before = _stored(connection, kind)
    for taken in _taken(kind, rows, before):
        raise Wrong(f"{rows[taken.row][kind.key]}: {taken.column} {taken.text}")
    added = [_completed(kind, row, now_ms) for row in rows if row[kind.key] not in before]
    changed = [
        row
        for row in map(_with_english, rows)
        if row[kind.key] in before and _differs(row, before[row[kind.key]])
    ]
    _let_go(connection, kind, changed)
    for start in range(0, len(added), ROWS_AT_ONCE):
        connection.execute(kind.table.insert(), added[start : start + ROWS_AT_ONCE])
        progress(min(start + ROWS_AT_ONCE, len(added)), len(added) + len(changed))
    for number, row in enumerate(changed):
        key = kind.table.c[kind.key]
        connection.execute(kind.table.update().where(key == row[kind.key]).values(row))
        if number % PROGRESS_EVERY_ROWS == 0:
            progress(len(added) + number, len(added) + len(changed))
    if imported_by:
        news = {row[kind.key]: _news(kind, row, before[row[kind.key]]) for row in changed}
        edit_history.record_all(connection, kind.name, news, imported_by, now_ms)
    if kind is DEVICES:
        _register(connection, [row["address"] for row in (*added, *changed) if "address" in row])
        if imported_by:
            ids = [row["id"] for row in added]
            why = commissionings.IMPORTED
            commissionings.record_all(connection, ids, why=why, by=imported_by, at_ms=now_ms)
    return Kept(len(added), len(changed), len(rows) - len(added) - len(changed))


def _news(kind: Kind, row: Row, before: Mapping[Any, Any]) -> tuple[Row, Row]:
    """The fields that are others now: as they were, as they are."""
    names = [name for name, value in row.items() if name != kind.key and before[name] != value]
    return {name: before[name] for name in names}, {name: row[name] for name in names}


def _stored(connection: Connection, kind: Kind) -> dict[str, Mapping[Any, Any]]:
    found = connection.execute(sa.select(kind.table)).mappings()
    return {row[kind.key]: row for row in found}


def _register(connection: Connection, addresses: Sequence[str]) -> None:
    """Who is registered anew is no ghost any more."""
    haunting = set(connection.execute(sa.select(ghosts.c.address)).scalars())
    back = haunting & set(addresses)
    if back:
        connection.execute(ghosts.delete().where(ghosts.c.address.in_(back)))


def find_taken(connection: Connection, kind: Kind, rows: Sequence[Row]) -> list[Taken]:
    """What in these rows belongs to a row of the database that does not give it up."""
    return list(_taken(kind, rows, _stored(connection, kind)))


def _taken(
    kind: Kind, rows: Sequence[Row], before: Mapping[str, Mapping[Any, Any]]
) -> Iterator[Taken]:
    mentioned = {row[kind.key]: row for row in rows}
    for column in kind.unique:
        # Whoever holds it now and does not give it up with these very rows.
        held = {
            row[column]: key
            for key, row in before.items()
            if row[column] is not None
            and mentioned.get(key, row).get(column, row[column]) == row[column]
        }
        for number, row in enumerate(rows):
            owner = held.get(row.get(column))
            if owner is not None and owner != row[kind.key]:
                yield Taken(number, column, f"{shown(row[column])} belongs to {owner}")


def _let_go(connection: Connection, kind: Kind, changed: Sequence[Row]) -> None:
    """Two devices may swap addresses in one file: all let go before one takes hold."""
    key = kind.table.c[kind.key]
    for column in kind.unique:
        for row in changed:
            if column in row:
                parked = {column: f"\0{row[kind.key]}"}
                connection.execute(kind.table.update().where(key == row[kind.key]).values(parked))


def _with_english(row: Row) -> Row:
    if "name_en" in row and row["name_en"] is None:
        return {**row, "name_en": row["name_zh"]}
    return row


def _completed(kind: Kind, row: Row, now_ms: int) -> Row:
    full = {cell.stored: row.get(cell.stored, cell.empty) for cell in kind.cells}
    if "added_ms" in kind.table.c:
        full["added_ms"] = now_ms
    return _with_english(full)


def _differs(row: Row, stored: Mapping[Any, Any]) -> bool:
    return any(stored[column] != value for column, value in row.items())


def keep_site(connection: Connection, site: Site, now_ms: int) -> None:
    """Bring the site file's grids and places into the database."""
    rows = [asdict(grid) for grid in site.grids]
    for row in rows:
        del row["stands_in"]  # of the roster, which is read from the site itself
    keep(connection, GRIDS, rows, now_ms)
    keep(connection, PLACES, [asdict(place) for place in site.places], now_ms)


def tell_of_change(connection: Connection, now_ms: int, by: str) -> None:
    """An entry of the journal from which a running hub learns that the register was changed."""
    entry = Entry(0, COMMAND, None, now_ms, (), {"act": "register", "by": by})
    journal.append(connection, [entry])


def write_sheet(
    connection: Connection, kind: Kind, where: Sequence[sa.ColumnElement[bool]] = ()
) -> str:
    """Rows of a kind (all, or those of which it is true) as CSV, as `read_sheet` reads it."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(cell.column for cell in kind.cells)
    key = kind.table.c[kind.key]
    for row in connection.execute(sa.select(kind.table).where(*where).order_by(key)).mappings():
        writer.writerow(cell.write(row[cell.stored]) for cell in kind.cells)
    return out.getvalue()
