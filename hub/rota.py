"""The rota: who is planned to be on duty when. As CSV, with swaps, absences and what is unmanned.

    role,grid,person,from,to
    duty-phone,grid-3,张三,2026-03-02 08:00,2026-03-02 20:00

Moments are the site's own time. The rota calls nobody and keeps nobody from signing on: it is there
so that an unmanned shift is seen before it begins. No escalation waits for it.
"""

import asyncio
import csv
import io
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from hub import mistakes
from hub.clock import Clock
from hub.database import grids, rota, shifts
from hub.health import GREEN, YELLOW, Report
from hub.mistakes import Mistakes, Wrong, nearest, shown
from hub.register import decode
from hub.settings import Settings
from rules.roster import DUTIES, Contact

COLUMNS = ("role", "grid", "person", "from", "to")
FORM = "%Y-%m-%d %H:%M"
ABSENT, NOT_SIGNED_ON, NOT_PLANNED = "absent", "not_signed_on", "not_planned"
SHOWN_MAX = 3
_WHY = {
    ABSENT: ("缺勤", "is absent"),
    NOT_SIGNED_ON: ("未签到", "has not signed on"),
    NOT_PLANNED: ("无人排班", "nobody is planned"),
}


class WrongRota(Mistakes):
    """A rota that cannot be used: a line per mistake."""


class Planned(NamedTuple):
    """One shift of the rota. `id` 0: not kept yet."""

    id: int
    role: str
    grid: str | None
    person: str
    since_ms: int
    until_ms: int
    instead_of: str | None = None
    absent_reason: str | None = None


class Unmanned(NamedTuple):
    """Nobody is there, or will be: `why` is absent, not_signed_on or not_planned."""

    role: str
    grid: str | None
    person: str | None
    since_ms: int
    why: str


# -- as CSV ---------------------------------------------------------------------------------------


def read_rota(file: str, content: bytes, zone: ZoneInfo, known: Collection[str]) -> list[Planned]:
    """Every row, checked; `known` are the grids. Raises `Mistakes` with every mistake."""
    text, _encoding = decode(file, content)
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    wrong: list[str] = []
    found: list[Planned] = []
    try:
        header = [cell.strip() for cell in next(rows, [])]
        wrong += [f"{file}:1: {problem}" for problem in _wrong_header(header)]
        if not wrong:
            for cells in rows:
                if any(cell.strip() for cell in cells):
                    line = f"{file}:{rows.line_num}"
                    found += _read_row(line, header, cells, zone, known, wrong)
    except csv.Error as error:
        wrong.append(f"{file}:{rows.line_num}: {error}")
    if wrong:
        raise WrongRota(wrong)
    return found


def _wrong_header(header: Sequence[str]) -> Iterator[str]:
    for column in header:
        if column not in COLUMNS:
            yield f"unknown column {shown(column)}{nearest(column, COLUMNS)}"
    for column in COLUMNS:
        if header.count(column) != 1:
            yield f"the column {column} must stand there once"


def _read_row(
    line: str,
    header: Sequence[str],
    cells: Sequence[str],
    zone: ZoneInfo,
    known: Collection[str],
    wrong: list[str],
) -> list[Planned]:
    if len(cells) != len(header):
        wrong.append(f"{line}: expected {len(header)} cells, not {len(cells)}")
        return []
    texts = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
    readers: Mapping[str, Callable[[str], Any]] = {
        "role": mistakes.one_of(DUTIES),
        "grid": mistakes.known("grid", known),
        "person": _person,
        "from": _moment(zone),
        "to": _moment(zone),
    }
    values: dict[str, Any] = {}
    for name, text in texts.items():
        try:
            values[name] = None if name == "grid" and not text else readers[name](text)
        except Wrong as error:
            wrong.append(f"{line}: {name}: {error}")
    if len(values) < len(COLUMNS):
        return []
    if values["to"] <= values["from"]:
        wrong.append(f"{line}: to: expected a moment after {texts['from']}, not {texts['to']}")
        return []
    whole = (values[name] for name in ("role", "grid", "person", "from", "to"))
    return [Planned(0, *whole)]


def _person(value: str) -> str:
    if not value:
        raise Wrong("expected a name")
    return mistakes.text(value)


def _moment(zone: ZoneInfo) -> Callable[[str], int]:
    def read(value: str) -> int:
        try:
            moment = datetime.fromisoformat(value)
        except ValueError as error:
            raise Wrong(
                f"expected a moment such as 2026-03-02 08:00, not {shown(value)}"
            ) from error
        at = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
        return int(at.timestamp() * 1_000)

    return read


def write_rota(rows: Iterable[Planned], zone: ZoneInfo) -> str:
    """As `read_rota` reads it."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in rows:
        since, until = (_told(at_ms, zone) for at_ms in (row.since_ms, row.until_ms))
        writer.writerow((row.role, row.grid or "", row.person, since, until))
    return out.getvalue()


def _told(at_ms: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(at_ms / 1_000, UTC).astimezone(zone).strftime(FORM)


# -- as it is kept --------------------------------------------------------------------------------


def known_grids(connection: Connection) -> list[str]:
    """Grids that a row may name."""
    return list(connection.execute(sa.select(grids.c.id)).scalars())


def planned_between(connection: Connection, from_ms: int, to_ms: int) -> list[Planned]:
    """Whatever runs at some moment of [from, to), in order."""
    columns = [rota.c[name] for name in Planned._fields]
    query = sa.select(*columns).where(rota.c.until_ms > from_ms, rota.c.since_ms < to_ms)
    query = query.order_by(rota.c.since_ms, rota.c.role, rota.c.grid, rota.c.id)
    return [Planned(*row) for row in connection.execute(query)]


def keep(connection: Connection, rows: Iterable[Planned], by: str, now_ms: int) -> tuple[int, int]:
    """Put rows in; the same person at the same time is one row. How many are new, and changed."""
    added = changed = 0
    for row in rows:
        same = sa.and_(
            rota.c.role == row.role,
            rota.c.grid.is_not_distinct_from(row.grid),
            rota.c.person == row.person,
            rota.c.since_ms == row.since_ms,
        )
        before = connection.execute(sa.select(rota.c.until_ms).where(same)).scalar()
        news = {"until_ms": row.until_ms, "by": by, "changed_ms": now_ms}
        if before is None:
            kept = {name: getattr(row, name) for name in ("role", "grid", "person", "since_ms")}
            connection.execute(rota.insert().values(**kept, **news))
            added += 1
        elif before != row.until_ms:
            connection.execute(rota.update().where(same).values(**news))
            changed += 1
    return added, changed


def swap(connection: Connection, number: int, person: str, by: str, now_ms: int) -> bool:
    """Somebody else comes instead; False: there is no such row."""
    mine = rota.c.id == number
    before = connection.execute(sa.select(rota.c.person).where(mine)).scalar()
    if before is None:
        return False
    news = {"person": person, "instead_of": before, "absent_reason": None}
    connection.execute(rota.update().where(mine).values(**news, by=by, changed_ms=now_ms))
    return True


def absent(connection: Connection, number: int, reason: str | None, by: str, now_ms: int) -> bool:
    """Whoever is planned will not come (None: will come after all); False: no such row."""
    change = rota.update().where(rota.c.id == number)
    news = {"absent_reason": reason, "by": by, "changed_ms": now_ms}
    return bool(connection.execute(change.values(**news)).rowcount)


def remove(connection: Connection, number: int) -> bool:
    """The row is gone; False: there was none."""
    return bool(connection.execute(rota.delete().where(rota.c.id == number)).rowcount)


# -- what is unmanned -----------------------------------------------------------------------------


def find_unmanned(
    connection: Connection, contacts: Iterable[Contact], settings: Settings, now_ms: int
) -> list[Unmanned]:
    """What somebody must look after, before a shift begins where that can be known."""
    ahead_ms = now_ms + settings.rota_warn_s * 1_000
    rows = planned_between(connection, now_ms, ahead_ms)
    manned = _manned(connection, now_ms)
    found = [gap for row in rows for gap in _gap(row, rows, manned, settings, now_ms)]
    planned = {(row.role, row.grid) for row in rows if row.absent_reason is None}
    used = {tuple(row) for row in connection.execute(sa.select(rota.c.role, rota.c.grid))}
    for one in contacts:
        place = one.role, one.grid
        if one.sign_on and place in used and place not in planned | manned:
            found.append(Unmanned(*place, None, now_ms, NOT_PLANNED))
    return sorted(set(found), key=lambda gap: (gap.since_ms, gap.role, gap.grid or ""))


def _manned(connection: Connection, now_ms: int) -> set[tuple[str, str | None]]:
    running = sa.select(shifts.c.role, shifts.c.grid).where(
        shifts.c.ended_ms.is_(None), shifts.c.since_ms <= now_ms, shifts.c.until_ms > now_ms
    )
    return {(row.role, row.grid) for row in connection.execute(running)}


def _gap(
    row: Planned,
    rows: Sequence[Planned],
    manned: Collection[tuple[str, str | None]],
    settings: Settings,
    now_ms: int,
) -> Iterator[Unmanned]:
    place = row.role, row.grid
    told = Unmanned(*place, row.person, row.since_ms, ABSENT)
    if row.absent_reason is not None:
        instead = any(_stands_in(other, row) for other in rows)
        if not instead and not (row.since_ms <= now_ms and place in manned):
            yield told
    elif row.since_ms + settings.rota_grace_s * 1_000 <= now_ms and place not in manned:
        yield told._replace(why=NOT_SIGNED_ON)


def _stands_in(other: Planned, row: Planned) -> bool:
    same = (other.role, other.grid) == (row.role, row.grid) and other.absent_reason is None
    return same and other.since_ms <= row.since_ms and other.until_ms >= row.until_ms


def say(found: Sequence[Unmanned], zone: ZoneInfo) -> tuple[str, str]:
    """In Chinese and English, the first few of them."""
    said = []
    for gap in found[:SHOWN_MAX]:
        zh, en = _WHY[gap.why]
        where = gap.role if gap.grid is None else f"{gap.role} {gap.grid}"
        at = _told(gap.since_ms, zone)
        person = f" {gap.person}" if gap.person else ""
        said.append((f"{where}{person} {at} {zh}", f"{where} {at}:{person} {en}"))
    more = len(found) - len(said)
    zh_more, en_more = (f"等 {len(found)} 处", f" and {more} more") if more else ("", "")
    return "；".join(zh for zh, _ in said) + zh_more, "; ".join(en for _, en in said) + en_more


async def watch_rota(
    *,
    engine: Engine,
    contacts: Sequence[Contact],
    zone: ZoneInfo,
    settings: Settings,
    clock: Clock,
    report: Report,
) -> None:
    """Say, until cancelled, how the rota is: yellow before an unmanned shift begins."""

    def look() -> list[Unmanned]:
        with engine.connect() as connection:
            return find_unmanned(connection, contacts, settings, clock.now_ms())

    while True:
        found = await asyncio.to_thread(look)
        if found:
            report("rota", YELLOW, *say(found, zone), {"unmanned": len(found)})
        else:
            report("rota", GREEN, "值班已安排", "every planned shift is manned")
        await asyncio.sleep(settings.rota_look_s)
