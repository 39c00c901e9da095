"""What one report is made of, read once for page, CSV and API alike."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy.engine import Connection

from dashboard_api import queries
from dashboard_api.access import Viewer
from dashboard_api.deps import Parts
from dashboard_api.report_cases import CATEGORIES, CaseReport, case_report, find_cases
from dashboard_api.report_devices import DeviceReport, device_report
from dashboard_api.report_period import Period
from dashboard_api.report_series import USES, History
from dashboard_api.report_sources import Sources, entrances, machines
from dashboard_api.report_use import UseReport, Wants, use_report
from dashboard_api.report_wear import Wear, interval_of, most_worn, services, wear
from dashboard_api.rulebook import book_of
from hub.daily_log import NO_GRID
from hub.device_facts import facts_of
from hub.journal import DAY_MS
from hub.series import WINDOW_MS_MAX
from rules.rule import RuleSet

SERVICE_LOOK_BACK_MS = 40 * DAY_MS


@dataclass(frozen=True, slots=True)
class Use:
    """A report of grounds or of houses, with the devices and names that it speaks of."""

    period: Period
    sources: Sources
    groups: dict[str, list[str]]
    history: History
    report: UseReport
    wear: list[Wear]


async def grounds_report(
    its: Parts, period: Period, ground: str | None = None, grid: str | None = None
) -> Use:
    """Use of the machines. Raises `Unavailable`."""
    sources, rules = await asyncio.to_thread(_machines, its)
    history = await its.histories.uses(sources.sources, period)
    groups = sources.only(ground, grid)
    report = await asyncio.to_thread(use_report, history, groups, Wants.of(its.settings))
    shown = [one for ids in groups.values() for one in ids]
    worn = await _wear(its, sources, rules, report, shown)
    return Use(period, sources, groups, history, report, worn)


async def visits_report(
    its: Parts, period: Period, house: str | None = None, grid: str | None = None
) -> Use:
    """Openings of the entrances of day-care station and culture centre. Raises `Unavailable`."""
    sources = await asyncio.to_thread(_entrances, its)
    history = await its.histories.openings(sources.sources, period)
    groups = sources.only(house, grid)
    report = await asyncio.to_thread(use_report, history, groups, Wants.of(its.settings))
    return Use(period, sources, groups, history, report, [])


def _machines(its: Parts) -> tuple[Sources, RuleSet]:
    rules = book_of(its).rule_set
    with its.engine.connect() as connection:
        return machines(connection, rules), rules


def _entrances(its: Parts) -> Sources:
    rules = book_of(its).rule_set
    with its.engine.connect() as connection:
        return entrances(connection, rules, its.settings)


# -- wear -----------------------------------------------------------------------------------------


async def _wear(
    its: Parts, sources: Sources, rules: RuleSet, report: UseReport, shown: Sequence[str]
) -> list[Wear]:
    """Of the machines for which a rule names an interval, what is due first before all."""
    now_ms, zone = its.clock.now_ms(), its.site.zone
    totals, served = await asyncio.to_thread(_totals, its)
    rates = {row.id: row.per_day for row in report.devices}
    found = []
    for device in shown:
        interval = interval_of(facts_of(sources.devices[device]), rules, now_ms, zone)
        if interval is None or device not in totals:
            continue
        at_service = None
        if device in served:
            at_service = served[device], await _total_at(its, device, served[device])
        today = its.texts.today(now_ms)
        found.append(wear(device, totals[device], at_service, interval, rates[device], today))
    return most_worn(found)


def _totals(its: Parts) -> tuple[dict[str, float], dict[str, int]]:
    """What every machine has counted so far, and when it had its last service."""
    with its.engine.connect() as connection:
        found = queries.find_devices(connection, family="counter")
        served = services(connection)
    totals = {one["id"]: _newest(one["points"]) for one in found}
    return {device: total for device, total in totals.items() if total is not None}, served


def _newest(points: Mapping[str, Any]) -> float | None:
    said = [value for name, (value, _at_ms) in points.items() if name in USES]
    return sum(said) if said else None


async def _total_at(its: Parts, device: str, at_ms: int) -> float:
    """The total at a moment: the highest that was told until then; 0 if none was.

    Mostly it was told in the days before, so that the whole past need not be read.
    """
    for from_ms in (max(0, at_ms - SERVICE_LOOK_BACK_MS), 0):
        windows = await its.series.readings(device, from_ms, at_ms + 1, WINDOW_MS_MAX, USES)
        highest: dict[str, float] = {}
        for one in windows:
            highest[one.point] = max(highest.get(one.point, 0.0), one.max or 0.0)
        if highest:
            return sum(highest.values())
    return 0.0


# -- visits ---------------------------------------------------------------------------------------


def visits_of(openings: float, openings_per_visit: float) -> float:
    """How many visits so many openings are taken for."""
    return openings / openings_per_visit if openings_per_visit > 0 else openings


# -- cases and devices ----------------------------------------------------------------------------


def cases_report(its: Parts, viewer: Viewer, period: Period, grid: str | None) -> CaseReport:
    """Cases that the viewer may see. Blocking."""
    categories = [one for one in CATEGORIES if viewer.sees(one)]
    with its.engine.connect() as connection:
        found = find_cases(connection, period, categories, grid)
        grids = [one for one in grid_ids(connection) if grid in (None, one)]
    span = period.from_ms, min(period.to_ms, its.clock.now_ms() + 1)
    return case_report(found, span, its.site.zone, categories, grids)


def devices_report(its: Parts, period: Period, grid: str | None) -> DeviceReport:
    """Devices and batteries. Blocking."""
    now_ms = its.clock.now_ms()
    today: date = its.texts.today(now_ms)
    with its.engine.connect() as connection:
        return device_report(connection, its.settings, period, now_ms, its.site.zone, today, grid)


def grid_ids(connection: Connection) -> list[str]:
    """The grids of the site, and that of what belongs to none."""
    return [*queries.grid_names(connection), NO_GRID]
