"""Months of a seeded community's use, at once: devices' own words through the hub's counters.

Machines that are plain, that roll over, that are swapped, that say repetitions only, that nobody
uses, that come later, that fall silent for days and count on meanwhile, that are dead; doors whose
contacts bounce; a gateway that is gone for an afternoon; words that come late. Everything stands in
the journal, from which `hub.archive` makes the time series and `recount_use` its own figures.
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from device_drivers.reading import Reading
from hub import journal
from hub.archive import points_of
from hub.counters import Counters, Sender
from hub.database import alerts, commissionings, devices, for_writing, grids, latest, places
from hub.journal import READING, Entry
from hub.series import Series
from hub.total import Bounds
from tests.dashboard_api.community import encode

HOUR_MS = 3_600_000
MINUTE_MS = 60_000
BATCH = 2_000
HELD_MS = 120_000  # so long the rule `gateway-offline` holds before its alert opens
# How many of a day's uses fall into each hour: early and after supper.
BY_HOUR = [0, 0, 0, 0, 0, 2, 6, 9, 6, 4, 3, 2, 1, 1, 3, 5, 6, 5, 7, 10, 8, 3, 1, 0]


@dataclass(frozen=True)
class Machine:
    """`raw` is what its counter begins with, `width` how wide it is in bits."""

    id: str
    ground: str
    a_day: float
    expected_s: int | None = None
    beats_h: float = 6.0
    raw: int = 0
    width: int = 32
    reps: bool = False
    since: date | None = None
    dead: tuple[tuple[datetime, datetime], ...] = ()
    swapped: datetime | None = None
    late_day: date | None = None


@dataclass(frozen=True)
class Community:
    """What is written, and the moments that tests speak of."""

    machines: tuple[Machine, ...]
    doors: tuple[tuple[str, str, float], ...]  # id, place, openings a day
    zone: ZoneInfo
    first: date
    last: datetime
    gone: tuple[tuple[str, datetime, datetime], ...] = ()  # gateways


def at_ms(moment: datetime) -> int:
    """Milliseconds since 1970."""
    return round(moment.timestamp() * 1_000)


def write_community(engine: Engine, community: Community, seed: int = 1) -> dict[str, int]:
    """Register and journal. By machine: what it was really used after its first use of all."""
    rng = random.Random(seed)
    counters = Counters(Bounds(1_000_000, 1_000_000.0))
    truth: dict[str, int] = {}
    entries: list[Entry] = []
    for machine in community.machines:
        words = list(_machine_words(machine, community, rng))
        counts = [uses for at, _, uses in words if uses and at <= at_ms(community.last)]
        truth[machine.id] = sum(counts[1:])
        entries += _counted(machine, words, counters)
    for door, ground, a_day in community.doors:
        entries += _door_entries(door, f"gw-{ground}", a_day, community, rng)
    for gateway, gone, back in community.gone:
        for moment, online in ((gone, False), (back, True)):
            said = Reading("online", online, at_ms(moment))
            entries.append(Entry(0, READING, gateway, at_ms(moment), (said,)))
    entries = [one for one in entries if one.arrived_ms <= at_ms(community.last)]
    entries.sort(key=lambda one: one.arrived_ms)
    with for_writing(engine).begin() as connection:
        _register(connection, community)
        for begin in range(0, len(entries), BATCH):
            journal.append(connection, entries[begin : begin + BATCH])
        _write_latest(connection, entries)
    return truth


async def archive_all(engine: Engine, series: Series) -> None:
    """The journal as points, as the archive makes them."""
    after = 0
    while True:
        with engine.connect() as connection:
            entries = journal.read(connection, after, BATCH, [READING])
        if not entries:
            return
        points = [
            point
            for entry in entries
            for point in points_of(entry, str(entry.device), ("counter", None, None))
        ]
        await series.write(points)
        after = entries[-1].seq


# -- machines -------------------------------------------------------------------------------------


def _days(community: Community, since: date | None = None) -> Iterator[date]:
    day = max(community.first, since or community.first)
    while day <= community.last.date():
        yield day
        day += timedelta(days=1)


def _machine_words(
    machine: Machine, community: Community, rng: random.Random
) -> Iterator[tuple[int, int | None, int]]:
    """Moments, what its counter says then (None: a heartbeat), and uses since its last word."""
    moments = sorted(_moments(machine, community, rng))
    raw, waiting = machine.raw, 0
    swapped_ms = None if machine.swapped is None else at_ms(machine.swapped)
    for moment, uses in moments:
        if swapped_ms is not None and moment >= swapped_ms:
            raw, waiting, swapped_ms = 0, 0, None  # what it counted unheard went with it
        raw = (raw + uses) % (1 << machine.width)
        waiting += uses
        if any(at_ms(begin) <= moment < at_ms(end) for begin, end in machine.dead):
            continue
        yield moment, raw if uses else None, waiting
        waiting = 0


def _moments(
    machine: Machine, community: Community, rng: random.Random
) -> Iterator[tuple[int, int]]:
    for day in _days(community, machine.since):
        begin_ms = at_ms(datetime.combine(day, time(), community.zone))
        end_ms = at_ms(datetime.combine(day + timedelta(days=1), time(), community.zone))
        at = begin_ms + rng.randrange(HOUR_MS)
        while at < end_ms:
            yield at, 0
            at += round(machine.beats_h * HOUR_MS * rng.uniform(0.8, 1.2))
        weekend = 1.4 if day.weekday() > 4 else 1.0
        for hour, weight in enumerate(BY_HOUR):
            if not machine.a_day or not weight:
                continue
            mean = machine.a_day * weight / sum(BY_HOUR) * weekend * rng.uniform(0.7, 1.3)
            for moment in sorted(rng.sample(range(HOUR_MS), k=min(2, max(1, round(mean))))):
                yield begin_ms + hour * HOUR_MS + moment, max(1, round(mean / 2))


def _counted(
    machine: Machine, words: Sequence[tuple[int, int | None, int]], counters: Counters
) -> Iterator[Entry]:
    """As the hub's counters tell them. Some words of the late day come five hours late."""
    swapped_ms = None if machine.swapped is None else at_ms(machine.swapped)
    arriving = sorted((_arrival(machine, word[0]), word) for word in words)
    for arrived_ms, (moment, raw, uses) in arriving:
        new = swapped_ms is not None and moment >= swapped_ms
        sender = Sender(machine.id, f"native:{machine.id}{'-2' if new else ''}")
        if raw is None:
            readings: tuple[Reading, ...] = (Reading("battery", 80.0, moment),)
        elif machine.reps:
            readings = (Reading("rep", uses, moment),)
        else:
            readings = (Reading("uses", raw, moment),)
        told, notes = counters.read(readings, sender, arrived_ms)
        assert notes == []
        yield Entry(0, READING, machine.id, arrived_ms, told)


def _arrival(machine: Machine, moment: int) -> int:
    late = machine.late_day is not None and (
        datetime.fromtimestamp(moment / 1_000, ZoneInfo("UTC")).date() == machine.late_day
    )
    return moment + (5 * HOUR_MS if late and moment // HOUR_MS % 3 == 0 else 0)


# -- doors ----------------------------------------------------------------------------------------


def _door_entries(
    door: str, gateway: str, a_day: float, community: Community, rng: random.Random
) -> Iterator[Entry]:
    gone = [(at_ms(g), at_ms(b)) for name, g, b in community.gone if name == gateway]
    for day in _days(community):
        begin_ms = at_ms(datetime.combine(day, time(), community.zone))
        for moment in sorted(rng.sample(range(7 * HOUR_MS, 21 * HOUR_MS, MINUTE_MS), round(a_day))):
            opened = begin_ms + moment
            closed = opened + rng.choice([800, 4_000, 30_000])
            words = [(opened, "open"), (closed, "closed")]
            if rng.random() < 0.2:  # it bounces
                words += [(closed + 500, "open"), (closed + 900, "closed")]
            for at, contact in words:
                if not any(begin <= at < end for begin, end in gone):
                    readings = (Reading("contact", contact, at),)
                    yield Entry(0, READING, door, at, readings)


# -- the register ---------------------------------------------------------------------------------


def _register(connection: Connection, community: Community) -> None:
    for grid in ("grid-1", "grid-2"):
        known = connection.execute(sa.select(grids.c.id).where(grids.c.id == grid)).scalar()
        if known is None:
            connection.execute(grids.insert().values(id=grid, name_zh=grid, name_en=grid))
    grounds = sorted({one.ground for one in community.machines})
    rows = [
        _place(name, "ground", f"{name} 号健身场", f"Ground {name}", n)
        for n, name in enumerate(grounds)
    ]
    rows += [_place("daycare", "station", "托老站", "Day-care station", 0)]
    rows += [_place("culture", "culture", "文化中心", "Culture centre", 1)]
    connection.execute(places.insert(), rows)
    connection.execute(devices.insert(), list(_device_rows(community)))
    connection.execute(alerts.insert(), list(_alerts(community))) if community.gone else None
    served = [
        {"device": one.id, "address": one.id, "why": "adopted", "at_ms": 0, "by": "test"}
        for one in community.machines
    ]
    connection.execute(commissionings.insert(), served)


def _place(path: str, kind: str, zh: str, en: str, number: int) -> dict[str, object]:
    grid = f"grid-{number % 2 + 1}"
    return {"path": path, "kind": kind, "name_zh": zh, "name_en": en, "grid": grid}


def _device_rows(community: Community) -> Iterator[dict[str, object]]:
    empty = {"driver": "native", "tags_json": "[]", "ground": None, "expected_silence_s": None}
    for number, one in enumerate(community.machines):
        first = one.since or community.first
        added = at_ms(datetime.combine(first, time(), community.zone)) if one.since else 0
        yield empty | {
            "id": one.id,
            "family": "counter",
            "address": f"native:{one.id}",
            "name_zh": f"器材 {number + 1}",
            "name_en": f"Machine {number + 1}",
            "place": one.ground,
            "ground": one.ground,
            "gateway": f"gw-{one.ground}",
            "expected_silence_s": one.expected_s,
            "added_ms": added,
        }
    for door, ground, _a_day in community.doors:
        place = "culture" if "culture" in door else "daycare"
        tag = "culture" if place == "culture" else "station-day-care"
        yield empty | {
            "id": door,
            "family": "door",
            "address": f"native:{door}",
            "name_zh": f"大门 {door}",
            "name_en": f"Entrance {door}",
            "place": place,
            "tags_json": f'["{tag}"]',
            "gateway": f"gw-{ground}",
            "added_ms": 0,
        }


def _alerts(community: Community) -> Iterator[dict[str, object]]:
    """As the judge writes them by the rule `gateway-offline`."""
    for gateway, gone, back in community.gone:
        opened = at_ms(gone) + HELD_MS
        yield {
            "id": f"gateway-offline|{gateway}|{opened}",
            "rule": "gateway-offline",
            "rule_version": "1",
            "key": gateway,
            "device": gateway,
            "severity": "urgent",
            "category": "fault",
            "opened_at_ms": opened,
            "closed_at_ms": at_ms(back),
            "opened_heard_ms": opened,
            "closed_heard_ms": at_ms(back),
            "why_zh": "",
            "why_en": "",
        }


def _write_latest(connection: Connection, entries: Iterable[Entry]) -> None:
    newest: dict[str, dict[str, list[object]]] = {}
    heard: dict[str, int] = {}
    for entry in entries:
        device = str(entry.device)
        heard[device] = entry.arrived_ms
        for reading in entry.readings:
            before = newest.setdefault(device, {}).get(reading.point)
            if before is None or int(str(before[1])) <= (reading.at_ms or 0):
                newest[device][reading.point] = [reading.value, reading.at_ms]
    rows = [
        {
            "device": device,
            "heard_ms": heard[device],
            "gateway": None,
            "points_json": encode(points),
        }
        for device, points in newest.items()
        if not device.startswith("gw-")
    ]
    connection.execute(latest.insert(), rows)
