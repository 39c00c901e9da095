"""What the calendar asks of crews: inspections of each subject, and the end of life of devices.

Worked out from the tables and the register whenever somebody asks; only inspections that were done
are kept. A loop looks for what is overdue and says so in the journal, once for each ground or grid:
an order of maintenance comes of it, and is over when nothing of it is overdue any more.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.engine import Connection, Engine

from hub.clock import Clock
from hub.database import cases, commissionings, inspections_done, inspections_known, places
from hub.device_facts import facts_of
from hub.devices import Device, read_devices
from hub.journal import COMMAND, Entry, append
from hub.settings import Settings
from hub.upkeep import DUE
from hub.writer import IDLE, Writer
from rules.inspection import EndOfLife, Inspection, standing
from rules.order import OVERDUE, WORN, OrderTables

OVERDUE_NOW, DUE_NOW, DONE = "overdue", "due", "done"
NOWHERE = "-"
ENDED, ENDS_SOON, LASTS = "ended", "ends_soon", "lasts"


class Subject(NamedTuple):
    """What an inspection looks at."""

    key: str  # device:c-1 | ground:g1 | place:b3/u1
    device: str | None
    place: str | None
    grid: str | None
    ground: str | None
    name_zh: str
    name_en: str
    place_zh: str | None
    place_en: str | None
    known_since: date


@dataclass(frozen=True, slots=True)
class Due:
    """An inspection of one subject, as it stands today. `state` is overdue, due or done."""

    inspection: Inspection
    subject: Subject
    due: date
    state: str
    overdue_since: date | None
    last: Mapping[str, Any] | None  # the newest row of `inspections_done`

    @property
    def id(self) -> str:
        """The name of the pair."""
        return f"{self.inspection.name}:{self.subject.key}"


@dataclass(frozen=True, slots=True)
class Life:
    """A device and when it should be replaced. `state` is ended, ends_soon or lasts."""

    row: EndOfLife
    device: Device
    since: date
    ends: date
    state: str


def day_of(at_ms: int, zone: ZoneInfo) -> date:
    """The day at the site."""
    return datetime.fromtimestamp(at_ms / 1_000, zone).date()


# -- inspections ----------------------------------------------------------------------------------


def find_due(connection: Connection, tables: OrderTables, zone: ZoneInfo, now_ms: int) -> list[Due]:
    """Every inspection of every subject: what is overdue first, then by place."""
    today, devices = day_of(now_ms, zone), read_devices(connection)
    known, (done, newest) = _known_since(connection), _done_of(connection)
    found = []
    for inspection in tables.inspections.values():
        for subject in _subjects(connection, inspection, devices, zone):
            pair = inspection.name, subject.key
            days = done.get(pair, ())
            since = max(subject.known_since, known.get(inspection.name, today))
            stands = standing(inspection.every, today, since, days)
            state = DONE if stands.is_done else OVERDUE_NOW if stands.overdue else DUE_NOW
            found.append(
                Due(inspection, subject, stands.due, state, stands.overdue, newest.get(pair))
            )
    return sorted(found, key=_order)


def _order(one: Due) -> tuple[Any, ...]:
    rank = (OVERDUE_NOW, DUE_NOW, DONE).index(one.state)
    return (rank, one.subject.grid or "", one.subject.place or "", one.subject.key, one.id)


def _known_since(connection: Connection) -> dict[str, date]:
    """From which day on the hub has asked for each inspection."""
    rows = connection.execute(sa.select(inspections_known))
    return {row.inspection: date.fromisoformat(row.day) for row in rows}


def know(connection: Connection, tables: OrderTables, zone: ZoneInfo, now_ms: int) -> None:
    """Note new inspections: they are asked for from today on."""
    today = day_of(now_ms, zone).isoformat()
    for name in tables.inspections:
        row = {"inspection": name, "day": today}
        connection.execute(upsert(inspections_known).values(row).on_conflict_do_nothing())


def _done_of(
    connection: Connection,
) -> tuple[dict[tuple[str, str], list[date]], dict[tuple[str, str], Mapping[str, Any]]]:
    """The days on which each was done, and its newest row."""
    days: dict[tuple[str, str], list[date]] = defaultdict(list)
    newest: dict[tuple[str, str], Mapping[str, Any]] = {}
    names = ("seq", "inspection", "subject", "day", "at_ms", "by", "failed")
    query = sa.select(*(inspections_done.c[name] for name in names))
    for row in connection.execute(query.order_by(inspections_done.c.seq)).mappings():
        pair = row["inspection"], row["subject"]
        days[pair].append(date.fromisoformat(row["day"]))
        newest[pair] = dict(row)
    return days, newest


def _subjects(
    connection: Connection, inspection: Inspection, devices: Collection[Device], zone: ZoneInfo
) -> Iterator[Subject]:
    if inspection.each == "place":
        yield from _places(connection, inspection, zone)
        return
    grounds: dict[str, Subject] = {}
    for one in devices:
        if not inspection.where.fits(facts_of(one)):
            continue
        subject = _of_device(one, zone)
        if inspection.each == "device":
            yield subject
        elif one.ground is not None:
            first = grounds.get(one.ground, subject)
            since = min(first.known_since, subject.known_since)
            grounds[one.ground] = _of_ground(first, one.ground, since)
    yield from grounds.values()


def _of_device(one: Device, zone: ZoneInfo) -> Subject:
    return Subject(
        f"device:{one.id}",
        one.id,
        one.place,
        one.grid,
        one.ground,
        one.name_zh,
        one.name_en,
        one.place_zh,
        one.place_en,
        day_of(one.added_ms, zone),
    )


def _of_ground(one: Subject, ground: str, since: date) -> Subject:
    named = {"name_zh": one.place_zh or ground, "name_en": one.place_en or ground}
    return one._replace(key=f"ground:{ground}", device=None, known_since=since, **named)


def _places(connection: Connection, inspection: Inspection, zone: ZoneInfo) -> Iterator[Subject]:
    """Places have no day on which they came: the inspection's own counts."""
    query = sa.select(places).where(places.c.kind.in_(inspection.kinds)).order_by(places.c.path)
    for row in connection.execute(query):
        names = row.name_zh, row.name_en
        path, grid = row.path, row.grid
        yield Subject(f"place:{path}", None, path, grid, None, *names, *names, day_of(0, zone))


# -- ends of life ---------------------------------------------------------------------------------


def find_lives(
    connection: Connection, tables: OrderTables, zone: ZoneInfo, now_ms: int
) -> list[Life]:
    """Every device with an end of life, what ends first before."""
    today, since = day_of(now_ms, zone), _in_service_since(connection)
    found = []
    for one in read_devices(connection):
        facts = facts_of(one)
        row = next((row for row in tables.ends_of_life if row.fits(facts, one.model)), None)
        began_ms = since.get(one.id, one.added_ms)
        if row is None or not began_ms:
            continue
        began = day_of(began_ms, zone)
        ends = row.ends_on(began)
        state = ENDED if today >= ends else ENDS_SOON if today >= row.warns_on(began) else LASTS
        found.append(Life(row, one, began, ends, state))
    return sorted(found, key=lambda life: (life.ends, life.device.id))


def _in_service_since(connection: Connection) -> dict[str, int]:
    """When the thing that hangs there now was put there: a swap begins anew."""
    newest = (
        sa.select(commissionings.c.device, sa.func.max(commissionings.c.at_ms))
        .where(commissionings.c.why.in_(("adopted", "imported", "swapped")))
        .group_by(commissionings.c.device)
    )
    return {row[0]: row[1] for row in connection.execute(newest)}


# -- the loop -------------------------------------------------------------------------------------


class Untold(NamedTuple):
    """What the journal is to be told: orders to be raised, and keys of orders that are over."""

    found: list[dict[str, Any]]
    over: list[str]

    def __bool__(self) -> bool:
        return bool(self.found or self.over)


def find_untold(
    connection: Connection, tables: OrderTables, zone: ZoneInfo, now_ms: int, rows_max: int
) -> Untold:
    """What is overdue or ends, and of which there never was an order; what no longer is."""
    told = _told(connection)
    groups = _groups(find_due(connection, tables, zone, now_ms))
    found = [_overdue(name, theirs) for name, theirs in groups.items() if name not in told.open]
    lives = find_lives(connection, tables, zone, now_ms)
    found += [_worn(life) for life in lives if life.state != LASTS]
    fresh = [one for one in found if (one["rule"], one["key"]) not in told.keys]
    over = [key for name, key in told.open.items() if name not in groups]
    return Untold(fresh[:rows_max], over)


class _Told(NamedTuple):
    keys: set[tuple[str, str]]
    open: dict[str, str]  # of what is overdue: `inspection:where` → the key of its open order


def _told(connection: Connection) -> _Told:
    query = sa.select(cases.c.rule, cases.c.key, cases.c.closed_at_ms).where(
        cases.c.rule.in_((OVERDUE, WORN))
    )
    keys, still = set(), {}
    for rule, key, closed_ms in connection.execute(query):
        keys.add((rule, key))
        if rule == OVERDUE and closed_ms is None:
            still[key.rpartition(":")[0]] = key
    return _Told(keys, still)


def _groups(dues: Iterable[Due]) -> dict[str, list[Due]]:
    """What is overdue, by inspection and ground or grid: one order for one walk."""
    found: dict[str, list[Due]] = defaultdict(list)
    for due in dues:
        if due.state == OVERDUE_NOW:
            where = due.subject.ground or due.subject.grid or NOWHERE
            found[f"{due.inspection.name}:{where}"].append(due)
    return found


def _overdue(name: str, theirs: list[Due]) -> dict[str, Any]:
    one, since = theirs[0].inspection, max(due.overdue_since or date.min for due in theirs)
    places_of = {due.subject.place for due in theirs}
    return {
        "rule": OVERDUE,
        "key": f"{name}:{since}",
        "place": places_of.pop() if len(places_of) == 1 else None,
        "grid": theirs[0].subject.grid,
        "why_zh": f"{one.title_zh}：{len(theirs)} 项到 {since} 仍未做",
        "why_en": f"{one.title_en}: {len(theirs)} not done by {since}",
    }


def _worn(life: Life) -> dict[str, Any]:
    row, device = life.row, life.device
    return {
        "rule": WORN,
        "key": f"{row.name}:{device.id}:{life.ends}",
        "device": device.id,
        "why_zh": f"{row.title_zh}：{life.since} 投用，使用年限 {row.years:g} 年，到 {life.ends}",
        "why_en": f"{row.title_en}: in use since {life.since}, {row.years:g} years, "
        f"until {life.ends}",
    }


async def mind_upkeep(
    *,
    engine: Engine,
    writer: Writer,
    tables: OrderTables,
    zone: ZoneInfo,
    settings: Settings,
    clock: Clock,
) -> None:
    """Until cancelled: say in the journal what is overdue or at the end of its life."""

    def look() -> Untold:
        with engine.connect() as connection:
            rows_max = settings.upkeep_orders_max
            return find_untold(connection, tables, zone, clock.now_ms(), rows_max)

    def note_new(connection: Connection) -> None:
        know(connection, tables, zone, clock.now_ms())

    await writer.run(note_new, rank=IDLE)
    while True:
        untold = await asyncio.to_thread(look)
        if untold:
            body = {"act": DUE, "by": "hub", **untold._asdict()}
            entry = Entry(0, COMMAND, None, clock.now_ms(), body=body)
            await writer.run(lambda connection, entry=entry: append(connection, [entry]), rank=IDLE)  # type: ignore[misc]
        await asyncio.sleep(settings.upkeep_look_s)
