"""What a wall screen shows: what is open and where, who can call, doors, devices, the last day.

Nothing here names a person: a home is shown as its entrance, a device that belongs to somebody, or
whose name has a resident's name in it, as its kind. Every part says of when it is (`at_ms`): it is
no younger than the hub's last word of itself. What takes long is counted at most once every
`wall_figures_every_s` for all screens together.
"""

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from dashboard_api import figures, queries
from dashboard_api.access import Viewer
from dashboard_api.edition import edition
from dashboard_api.figures import DeviceCounts
from dashboard_api.grounds import Today
from dashboard_api.queries import OpenTotal, Row
from dashboard_api.shapes import public_place
from dashboard_api.topology import explained_by, gone_since
from dashboard_api.usage import Usage
from hub.calendars import PART as CALENDAR
from hub.clock import Clock
from hub.coverage import find_coverage
from hub.database import cases, health, places, residents
from hub.health import HUB
from hub.settings import Settings
from hub.site import Site
from rules.rule import GRAVE

CATEGORIES = ("emergency", "welfare", "security", "fault", "maintenance")
CASES_MAX = 6  # what can be read from five metres, and what the tile holds in whole rows
EMERGENCIES_MAX = 3  # that fill the screen while nobody has answered them
REASONS_MAX = 4
OPEN_DOORS_MAX = 3
HOURS = 24
HOUR_MS = 3_600_000
NAME_CHARS_MIN = 2  # a shorter name would be found in half of all words
NO_CASES = OpenTotal(0, 0)
BATTERY_RULES = "battery-low"  # the rules of `fleet.yaml` about batteries begin so
FOR_THE_OFFICE = frozenset({CALENDAR})  # nothing that anybody in the hall could mend or mind
NOBODY = Viewer("", "wall")  # everybody sees the same here, whoever is logged in

_GRID = sa.func.coalesce(cases.c.grid, places.c.grid)


class OpenDoor(NamedTuple):
    """A door that is not a home's and stands open since then."""

    zh: str
    en: str
    since_ms: int


@dataclass(frozen=True, slots=True)
class Doors:
    """`unknown`: their sensors are silent for too long or cut off; they are in no other figure."""

    known: int
    unknown: int
    open: int
    longest: tuple[OpenDoor, ...]


@dataclass(frozen=True, slots=True)
class LastDay:
    """The cases of which the hub heard in the last 24 hours.

    `hours`: how many in each clock hour, the present one last, as (hour, cases). `answered_in_time`
    and `median_answer_s` are of emergencies.
    """

    total: int
    by_category: Mapping[str, int]
    hours: tuple[tuple[int, int], ...]
    answered_in_time: int
    median_answer_s: int | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Whatever takes long to count, as it was at `at_ms`. `reach` is (reachable, all) by grid."""

    at_ms: int
    reachable: int
    residents: int
    reasons: tuple[tuple[str, int], ...]
    reach: Mapping[str | None, tuple[int, int]]
    doors: Doors
    devices: DeviceCounts
    gateways: tuple[int, int]  # not gone, all
    day: LastDay


class Wall:
    """Makes the words of the wall's tiles."""

    def __init__(
        self, engine: Engine, clock: Clock, settings: Settings, site: Site, usage: Usage
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._settings = settings
        self._site = site
        self._usage = usage
        self._lock = asyncio.Lock()
        self._standing: tuple[float, Standing] | None = None  # counted when, by the steady clock
        self._best: tuple[Today, list[dict[str, Any]]] | None = None  # machines of that count

    async def words(self) -> dict[str, Any]:
        """Everything that the tiles' template asks for."""
        words: dict[str, Any] = await asyncio.to_thread(self._open_now)
        words["standing"] = await self._counted()
        today = await self._usage.today()
        words["today"] = today
        words["machines"] = [] if today is None else await self._best_used(today)
        words["edition"] = edition()
        words["settings"] = self._settings
        return words

    async def _counted(self) -> Standing:
        async with self._lock:
            now_s = self._clock.monotonic_s()
            if self._standing is not None:
                counted_s, standing = self._standing
                if now_s - counted_s < self._settings.wall_figures_every_s:
                    return standing
            standing = await asyncio.to_thread(self._count)
            self._standing = now_s, standing
            return standing

    def _count(self) -> Standing:
        now_ms = self._clock.now_ms()
        with self._engine.connect() as connection:
            return _standing(connection, self._settings, self._site, now_ms)

    def _open_now(self) -> dict[str, Any]:
        now_ms = self._clock.now_ms()
        with self._engine.connect() as connection:
            after = queries.newest_change(connection)
            shown = queries.open_cases(connection, NOBODY, CASES_MAX)
            calls = queries.waiting_emergencies(connection, NOBODY, EMERGENCIES_MAX)
            totals = queries.open_totals(connection)
            by_path = queries.places_by_path(connection)
            names = resident_names(connection)
            parts = queries.health_rows(connection)
            found_grids, by_grid = queries.all_grids(connection), _open_by_grid(connection)
        counts = {name: totals.get(name, NO_CASES).cases for name in CATEGORIES}
        waiting = totals.get("emergency", NO_CASES).unanswered
        return {
            "after": after,
            "at_ms": as_of(parts, self._settings, now_ms),
            "cases": [public_case(case, by_path, names) for case in shown],
            "more": sum(counts.values()) - len(shown),
            "calls": [public_case(case, by_path, names) for case in calls],
            "more_calls": max(0, waiting - len(calls)),
            "counts": counts,
            "unanswered": sum(total.unanswered for total in totals.values()),
            "grids": [_grid(row, by_grid) for row in found_grids],
            "health": [
                {name: row[name] for name in ("part", "state")}
                for row in parts
                if row["part"] not in FOR_THE_OFFICE
            ],
        }

    async def _best_used(self, today: Today) -> list[dict[str, Any]]:
        if self._best is None or self._best[0] is not today:
            self._best = today, await asyncio.to_thread(self._machines, today)
        return self._best[1]

    def _machines(self, today: Today) -> list[dict[str, Any]]:
        """The best-used machines of today with their names and grounds."""
        best = [one for one in today.machines if one.uses][: self._settings.wall_machines_max]
        with self._engine.connect() as connection:
            known = {row["id"]: row for row in queries.find_devices(connection, family="counter")}
            names, by_path = resident_names(connection), queries.places_by_path(connection)
        return [
            {"uses": one.uses, "at_least": one.at_least}
            | _machine(known[one.device], by_path, names)
            for one in best
            if one.device in known
        ]


def as_of(parts: Sequence[Row], settings: Settings, now_ms: int) -> int:
    """Of when what the tables say is: now, or when the hub last said that it runs."""
    heard_ms = next((row["at_ms"] for row in parts if row["part"] == HUB), 0)
    alive = now_ms - heard_ms <= settings.silent_after_s * 1_000
    return now_ms if alive else int(heard_ms)


# -- without names --------------------------------------------------------------------------------


def resident_names(connection: Connection) -> list[str]:
    """Every resident's name that could be recognised in a text."""
    found = connection.execute(sa.select(residents.c.name).distinct()).scalars()
    return [name for name in found if len(name) >= NAME_CHARS_MIN]


def nameless(text: str | None, names: Collection[str]) -> str:
    """The text, unless a resident's name stands in it: then nothing."""
    return "" if text is None or any(name in text for name in names) else text


def public_case(case: Row, by_path: dict[str, Row], names: Collection[str]) -> dict[str, Any]:
    """What everybody may see of a case."""
    kept = ("id", "severity", "category", "state", "raised_at_ms", "times", "title_zh", "title_en")
    place = public_place(case, by_path)
    shown = {name: case[name] for name in kept}
    shown |= {"place_zh": place.zh if place else "", "place_en": place.en if place else ""}
    shown |= {name: case[name] for name in ("grid_zh", "grid_en")}
    return shown | _sender(case, names)


def _sender(case: Row, names: Collection[str]) -> Row:
    """What names a case without a place: a device that is nobody's own, or an unknown sender."""
    registered = case["device_zh"] is not None
    own = case["resident_id"] is not None or case["place_kind"] == "home"
    zh, en = (nameless(case[f"device_{language}"], names) for language in ("zh", "en"))
    known = registered or not nameless(f"{case['key']} {case['device']}", names)
    return {
        "place": None,
        "kind": case["family"],
        "device_zh": zh if not own else "",
        "device_en": en if not own else "",
        **{name: None if known else case[name] for name in ("key", "device", "family")},
    }


def _machine(row: Row, by_path: dict[str, Row], names: Collection[str]) -> dict[str, str]:
    place = public_place(row, by_path)
    return {
        "name_zh": nameless(row["name_zh"], names),
        "name_en": nameless(row["name_en"], names),
        "ground_zh": place.zh if place else "",
        "ground_en": place.en if place else "",
    }


# -- figures --------------------------------------------------------------------------------------


def _open_by_grid(connection: Connection) -> dict[str | None, Row]:
    """Open cases of each grid, those of emergencies and urgent ones that nobody has answered."""
    waiting = sa.func.count().filter(cases.c.state == "raised", cases.c.severity.in_(GRAVE))
    grave = sa.func.count().filter(cases.c.severity.in_(GRAVE))
    query = (
        sa.select(_GRID.label("grid"), sa.func.count().label("open"))
        .add_columns(waiting.label("waiting"), grave.label("grave"))
        .select_from(cases.outerjoin(places, places.c.path == cases.c.place))
        .where(cases.c.closed_at_ms.is_(None))
        .group_by(_GRID)
    )
    return {row["grid"]: row for row in queries.rows_of(connection, query)}


def _grid(row: Row, by_grid: Mapping[str | None, Row]) -> dict[str, Any]:
    nothing: Row = {"open": 0, "waiting": 0, "grave": 0}
    found = by_grid.get(row["id"], nothing)
    names = {name: row[name] for name in ("id", "name_zh", "name_en")}
    return names | {name: found[name] for name in nothing}


def _standing(connection: Connection, settings: Settings, site: Site, now_ms: int) -> Standing:
    reach = find_coverage(connection, settings, now_ms)
    devices = queries.find_devices(connection)
    gone = gone_since(connection)
    judged_low = queries.devices_of_rules(connection, BATTERY_RULES)
    parts = queries.rows_of(connection, sa.select(health))
    reasons = Counter(reason for one in reach for reason in one.reasons[:1])
    known_reach = {one.resident_id: one.reachable for one in reach}
    gateways = [row["id"] for row in devices if row["family"] == "gateway"]
    return Standing(
        at_ms=as_of(parts, settings, now_ms),
        reachable=sum(known_reach.values()),
        residents=len(reach),
        reasons=tuple(reasons.most_common(REASONS_MAX)),
        reach=_reach_by_grid(connection, known_reach),
        doors=_doors(devices, gone, resident_names(connection), now_ms),
        devices=figures.count_devices(devices, now_ms, judged_low),
        gateways=(sum(one not in gone for one in gateways), len(gateways)),
        day=last_day(connection, settings, site, now_ms),
    )


def _reach_by_grid(
    connection: Connection, reachable: Mapping[str, bool]
) -> dict[str | None, tuple[int, int]]:
    query = sa.select(residents.c.id, sa.func.coalesce(residents.c.grid, places.c.grid)).outerjoin(
        places, places.c.path == residents.c.place
    )
    total: Counter[str | None] = Counter()
    well: Counter[str | None] = Counter()
    for resident_id, grid in connection.execute(query):
        total[grid] += 1
        well[grid] += reachable.get(resident_id, False)
    return {grid: (well[grid], total[grid]) for grid in total}


def _doors(
    devices: Sequence[Row], gone: Mapping[str, int], names: Collection[str], now_ms: int
) -> Doors:
    doors = [row for row in devices if row["family"] == "door"]
    known = [
        row
        for row in doors
        if "contact" in row["points"]
        and figures.is_alive(row, now_ms)
        and explained_by(row, gone) is None
    ]
    opened = [row for row in known if row["points"]["contact"][0] == "open"]
    public = [row for row in opened if row["resident_id"] is None and row["place_kind"] != "home"]
    public.sort(key=lambda row: (row["points"]["contact"][1], row["id"]))
    longest = (_open_door(row, names) for row in public)
    shown = tuple(door for door in longest if door.zh or door.en)[:OPEN_DOORS_MAX]
    return Doors(len(known), len(doors) - len(known), len(opened), shown)


def _open_door(row: Row, names: Collection[str]) -> OpenDoor:
    zh, en = nameless(row["name_zh"], names), nameless(row["name_en"], names)
    return OpenDoor(zh, en, row["points"]["contact"][1])


def last_day(connection: Connection, settings: Settings, site: Site, now_ms: int) -> LastDay:
    """The cases of which the hub heard in the last 24 hours by the clock, the present one too."""
    hour_ms = now_ms - now_ms % HOUR_MS + _past_the_hour_ms(site, now_ms)
    hour_ms -= HOUR_MS if hour_ms > now_ms else 0  # where the present hour of the site began
    query = sa.select(cases.c.category, cases.c.heard_at_ms, cases.c.answered_at_ms).where(
        cases.c.heard_at_ms >= hour_ms - (HOURS - 1) * HOUR_MS, cases.c.heard_at_ms <= now_ms
    )
    rows = connection.execute(query).all()
    answers = [
        row.answered_at_ms - row.heard_at_ms
        for row in rows
        if row.category == "emergency" and row.answered_at_ms is not None
    ]
    counts = Counter(row.category for row in rows)
    by_hour = Counter((row.heard_at_ms - hour_ms) // HOUR_MS for row in rows)
    return LastDay(
        total=len(rows),
        by_category={name: counts[name] for name in CATEGORIES},
        hours=tuple(
            (_hour(site, hour_ms + back * HOUR_MS), by_hour[back]) for back in range(1 - HOURS, 1)
        ),
        answered_in_time=sum(one <= settings.target_answer_s * 1_000 for one in answers),
        median_answer_s=round(median(answers) / 1_000) if answers else None,
    )


def _past_the_hour_ms(site: Site, now_ms: int) -> int:
    """How long after UTC's the hours of the site begin: half an hour in India, mostly nothing."""
    offset = datetime.fromtimestamp(now_ms / 1_000, site.zone).utcoffset()
    return 0 if offset is None else int(-offset.total_seconds() * 1_000) % HOUR_MS


def _hour(site: Site, at_ms: int) -> int:
    return datetime.fromtimestamp(at_ms / 1_000, site.zone).hour
