"""Devices and batteries: how they are now, how many were heard day by day, whose battery is due."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dashboard_api import queries
from dashboard_api.figures import is_alive, is_offline
from dashboard_api.report_period import Period
from dashboard_api.topology import explained_by, gone_since
from hub.batteries import Battery, find_batteries
from hub.daily_log import NO_GRID
from hub.database import device_days
from hub.settings import Settings
from hub.site_days import days_between

FAMILIES = ("button", "door", "counter", "gateway")
STATES = ("online", "silent", "offline", "explained", "unknown")
LEVELS = ("flat", "low", "half", "full", "not_said")
HALF_PERCENT = 50  # where a chart of charge is divided once more; nothing is judged by it

Row = dict[str, Any]


class Count(NamedTuple):
    """Devices of a family or a grid, by how they are."""

    name: str
    states: Counter[str]

    @property
    def total(self) -> int:
        """All of them."""
        return self.states.total()


class DayHeard(NamedTuple):
    """How many devices said something on a day, by family; `changed`: batteries that were."""

    day: str
    heard: Counter[str]
    changed: int


@dataclass(frozen=True, slots=True)
class DeviceReport:
    """All tables. `quiet`: the devices that are silent or offline now, longest first."""

    families: list[Count]
    grids: list[Count]
    days: list[DayHeard]
    quiet: list[Row]
    batteries: list[Count]  # by family; states are LEVELS
    due: list[Battery]
    changed: int
    at_ms: int


def device_report(
    connection: Connection,
    settings: Settings,
    period: Period,
    now_ms: int,
    zone: ZoneInfo,
    today: date,
    grid: str | None,
) -> DeviceReport:
    """Now, and the days of the period. A grid "-" is that of devices of none."""
    found = [one for one in _devices(connection) if grid in (None, one["its_grid"])]
    gone = gone_since(connection)
    for one in found:
        one["state"] = state_of(one, gone, now_ms)
    charged = [
        one
        for one in find_batteries(connection, settings, now_ms)
        if grid in (None, one.grid or NO_GRID)
    ]
    soon = date.fromordinal(today.toordinal() + settings.battery_soon_days)
    days = _days(connection, period, now_ms, zone, {one["id"]: one for one in found}, settings)
    return DeviceReport(
        families=_counts(found, lambda one: one["family"], FAMILIES),
        grids=_counts(found, lambda one: one["its_grid"], sorted(one["its_grid"] for one in found)),
        days=days,
        quiet=_quiet(found),
        batteries=_levels(found, {one.device: one for one in charged}),
        due=[one for one in charged if one.is_due(soon)],
        changed=sum(one.changed for one in days),
        at_ms=now_ms,
    )


def _devices(connection: Connection) -> list[Row]:
    by_place = {path: row["grid"] for path, row in queries.places_by_path(connection).items()}
    found = queries.find_devices(connection)
    for one in found:
        one["its_grid"] = one["grid"] or by_place.get(one["place"]) or NO_GRID
    return found


def state_of(device: Mapping[str, Any], gone: Mapping[str, int], now_ms: int) -> str:
    """One of STATES; `unknown`: nothing was ever heard of it."""
    if device["heard_ms"] is None:
        return "unknown"
    if is_offline(device):
        return "offline"
    if is_alive(device, now_ms):
        return "online"
    return "silent" if explained_by(device, gone) is None else "explained"


def _counts(found: Iterable[Row], key: Callable[[Row], str], names: Iterable[str]) -> list[Count]:
    counts: dict[str, Counter[str]] = {name: Counter() for name in names}
    for one in found:
        counts.setdefault(key(one), Counter())[one["state"]] += 1
    return [Count(name, states) for name, states in counts.items() if states]


def _quiet(found: Iterable[Row]) -> list[Row]:
    silent = [one for one in found if one["state"] in ("silent", "offline")]
    return sorted(silent, key=lambda one: (one["heard_ms"], one["id"]))


def _levels(found: Sequence[Row], charged: Mapping[str, Battery]) -> list[Count]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for one in found:
        counts[one["family"]][_level(charged.get(one["id"]))] += 1
    return [Count(name, counts[name]) for name in FAMILIES if counts[name]]


def _level(battery: Battery | None) -> str:
    if battery is None:
        return "not_said"
    if battery.flat:
        return "flat"
    if battery.low:
        return "low"
    if battery.percent is None:
        return "not_said"
    return "half" if battery.percent < HALF_PERCENT else "full"


def _days(
    connection: Connection,
    period: Period,
    now_ms: int,
    zone: ZoneInfo,
    known: Mapping[str, Row],
    settings: Settings,
) -> list[DayHeard]:
    days = days_between(period.from_ms, min(period.to_ms, now_ms + 1), zone)
    names = [day.name for day in days]
    heard = {name: Counter[str]() for name in names}
    for device, day in _heard(connection, names[0], names[-1]):
        if device in known:
            heard[day][known[device]["family"]] += 1
    changed = Counter(
        day
        for device, day in _changed(connection, names[0], names[-1], settings)
        if device in known
    )
    return [DayHeard(name, heard[name], changed[name]) for name in names]


def _heard(connection: Connection, first: str, last: str) -> Collection[Any]:
    query = sa.select(device_days.c.device, device_days.c.day).where(
        device_days.c.day.between(first, last), device_days.c.messages > 0
    )
    return connection.execute(query).all()


def _changed(connection: Connection, first: str, last: str, settings: Settings) -> Collection[Any]:
    """Days on which a battery was so much fuller than on the last day on which it said anything."""
    before = (
        sa.func.lag(device_days.c.battery)
        .over(partition_by=device_days.c.device, order_by=device_days.c.day)
        .label("before")
    )
    said = (
        sa.select(device_days.c.device, device_days.c.day, device_days.c.battery, before)
        .where(device_days.c.battery.is_not(None), device_days.c.day <= last)
        .subquery()
    )
    rise = said.c.battery - said.c.before >= settings.battery_changed_percent
    query = sa.select(said.c.device, said.c.day).where(rise, said.c.day >= first)
    return connection.execute(query).all()
