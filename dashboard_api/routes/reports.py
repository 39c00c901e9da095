"""Reports for those who run the community: pages to look at and to print, CSV, and JSON."""

import asyncio
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, Response

from dashboard_api import queries
from dashboard_api.access import Viewer
from dashboard_api.deps import DeviceReader, Parts, PartsDep
from dashboard_api.doors import DeviceVisitor
from dashboard_api.errors import Problem
from dashboard_api.kpi import find_kpi
from dashboard_api.moments import DAY_MS
from dashboard_api.report_cases import CATEGORIES
from dashboard_api.report_findings import findings
from dashboard_api.report_period import KINDS, MONTH, Asked, Period, read_period
from dashboard_api.report_shapes import CasesOut, DevicesOut, UseOut, VisitsOut, in_hours
from dashboard_api.report_tables import (
    CASE_TABLES,
    DEVICE_TABLES,
    USE_TABLES,
    as_csv,
    case_table,
    device_table,
    use_table,
)
from dashboard_api.reports import (
    Use,
    cases_report,
    devices_report,
    grounds_report,
    visits_of,
    visits_report,
)
from dashboard_api.routes.pages import KPI_DAYS, page_of
from dashboard_api.texts import language_of
from hub.daily_log import NO_GRID
from hub.series import Unavailable

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
api = APIRouter(prefix="/api/v1/reports", tags=["reports"])

DayName = Annotated[str, Query(max_length=10, description="Such as 2026-11-25.")]
Name = Annotated[str | None, Query(max_length=200)]


def asked(
    period: Annotated[str, Query(max_length=10, description=", ".join(KINDS))] = MONTH,
    day: DayName = "",
    from_: Annotated[str, Query(alias="from", max_length=10)] = "",
    to: DayName = "",
) -> Asked:
    """Which period: its kind and a day in it, or first and last day."""
    return Asked(period, day, from_, to)


AskedDep = Annotated[Asked, Depends(asked)]


class Filters(NamedTuple):
    """Of which ground or house, and of which grid; None: of all."""

    group: str | None = None
    grid: str | None = None


def filters(ground: Name = None, house: Name = None, grid: Name = None) -> Filters:
    """A report has grounds or houses, never both."""
    return Filters(ground or house or None, grid or None)


FiltersDep = Annotated[Filters, Depends(filters)]


def _period(its: Parts, wanted: Asked) -> Period:
    return read_period(wanted, its.clock.now_ms(), its.site.zone, its.settings.report_days_max)


# -- for programs ---------------------------------------------------------------------------------


@api.get("/grounds")
async def read_grounds(
    _viewer: DeviceReader, its: PartsDep, wanted: AskedDep, only: FiltersDep
) -> UseOut:
    """Use of the machines by hour, day, month, ground and machine, against a usual day."""
    return UseOut.of(await _grounds(its, _period(its, wanted), only))


@api.get("/visits")
async def read_visits(
    _viewer: DeviceReader, its: PartsDep, wanted: AskedDep, only: FiltersDep
) -> VisitsOut:
    """Openings of the entrances of day-care station and culture centre, and visits by them."""
    return VisitsOut.of(await _visits(its, _period(its, wanted), only), its.settings)


@api.get("/cases")
def read_cases(
    viewer: DeviceReader, its: PartsDep, wanted: AskedDep, grid: Name = None
) -> CasesOut:
    """Cases by kind, grid, hour, day and rule, as the hub heard of them."""
    period = _period(its, wanted)
    return CasesOut.of(cases_report(its, viewer, period, grid), period)


@api.get("/devices")
def read_devices(
    _viewer: DeviceReader, its: PartsDep, wanted: AskedDep, grid: Name = None
) -> DevicesOut:
    """Devices and batteries: how they are now, and how many were heard day by day."""
    period = _period(its, wanted)
    return DevicesOut.of(devices_report(its, period, grid), period)


async def _grounds(its: Parts, period: Period, only: Filters) -> Use:
    try:
        return await grounds_report(its, period, *only)
    except Unavailable as outage:
        raise _unavailable(outage) from outage


async def _visits(its: Parts, period: Period, only: Filters) -> Use:
    try:
        return await visits_report(its, period, *only)
    except Unavailable as outage:
        raise _unavailable(outage) from outage


def _unavailable(outage: Unavailable) -> Problem:
    return Problem(503, f"The time series cannot be asked now: {outage}", code="series_unavailable")


# -- pages ----------------------------------------------------------------------------------------


def _words(its: Parts, period: Period, chosen: dict[str, str | None]) -> dict[str, Any]:
    """What every page of a report says: its period, the ways to others, and the filters."""
    now_ms = its.clock.now_ms()
    with its.engine.connect() as connection:
        grids = queries.grid_names(connection)
    return {
        "period": period,
        "spans": KINDS,
        "running": period.is_running(now_ms),
        "after": period.after if period.to_ms <= now_ms else None,
        "today": its.texts.today(now_ms),
        "chosen": {name: text for name, text in chosen.items() if text},
        "grids": grids,
        "no_grid": NO_GRID,
        "rows_max": its.settings.report_rows_max,
        "usual_span": its.settings.usual_days,
    }


@router.get("/reports")
async def overview_page(request: Request, its: PartsDep, viewer: DeviceVisitor) -> Response:
    """What is remarkable this month, the ways to the reports, and how fast people were."""
    period = _period(its, Asked())
    found = await findings(its, viewer, period)
    kpi = await asyncio.to_thread(_kpi, its)
    kinds = kpi["categories"]
    return await asyncio.to_thread(
        page_of,
        request,
        its,
        viewer,
        "reports.html",
        found=found,
        kpi=kpi,
        kinds={name: kinds[name] for name in ("all", *CATEGORIES) if name in kinds},
        days=KPI_DAYS,
        **_words(its, period, {}),
    )


def _kpi(its: Parts) -> dict[str, Any]:
    now_ms = its.clock.now_ms()
    with its.engine.connect() as connection:
        return find_kpi(connection, its, now_ms - KPI_DAYS * DAY_MS, now_ms + 1)


@router.get("/reports/grounds")
async def grounds_page(
    request: Request, its: PartsDep, viewer: DeviceVisitor, wanted: AskedDep, only: FiltersDep
) -> Response:
    """Use of the grounds: charts with a table beside each."""
    period = _period(its, wanted)
    use = await _grounds(its, period, only)
    words = _words(its, period, {"ground": only.group, "grid": only.grid})
    return await _use_page("report_grounds.html", request, its, viewer, use, words)


@router.get("/reports/visits")
async def visits_page(
    request: Request, its: PartsDep, viewer: DeviceVisitor, wanted: AskedDep, only: FiltersDep
) -> Response:
    """Visits of day-care station and culture centre, by their doors."""
    period, per_visit = _period(its, wanted), its.settings.openings_per_visit
    use = await _visits(its, period, only)
    words = _words(its, period, {"house": only.group, "grid": only.grid})
    words |= {"in_hours": in_hours(use, its.settings), "settings": its.settings}
    words["visits_of"] = lambda openings: visits_of(openings, per_visit)
    return await _use_page("report_visits.html", request, its, viewer, use, words)


async def _use_page(
    template: str, request: Request, its: Parts, viewer: Viewer, use: Use, words: dict[str, Any]
) -> Response:
    words |= {"use": use, "report": use.report}
    return await asyncio.to_thread(page_of, request, its, viewer, template, **words)


@router.get("/reports/cases")
def cases_page(
    request: Request, its: PartsDep, viewer: DeviceVisitor, wanted: AskedDep, grid: Name = None
) -> Response:
    """Cases by kind, grid and hour."""
    period = _period(its, wanted)
    report = cases_report(its, viewer, period, grid or None)
    words = _words(its, period, {"grid": grid}) | {"titles": _titles(its)}
    return page_of(request, its, viewer, "report_cases.html", report=report, **words)


def _titles(its: Parts) -> dict[str, Any]:
    """Rules by name, for their titles."""
    with its.engine.connect() as connection:
        book = its.rulebook.in_force(connection, its.clock.now_ms())
    return {rule.name: rule for rule in book.rule_set.rules}


@router.get("/reports/devices")
def devices_page(
    request: Request, its: PartsDep, viewer: DeviceVisitor, wanted: AskedDep, grid: Name = None
) -> Response:
    """Devices and batteries."""
    period = _period(its, wanted)
    report = devices_report(its, period, grid or None)
    words = _words(its, period, {"grid": grid})
    return page_of(request, its, viewer, "report_devices.html", report=report, **words)


# -- as tables ------------------------------------------------------------------------------------


_TABLES = {
    "grounds": USE_TABLES,
    "visits": USE_TABLES,
    "cases": CASE_TABLES,
    "devices": DEVICE_TABLES,
}


@router.get("/reports/{name}/{table}.csv")
async def csv_table(
    name: str,
    table: str,
    request: Request,
    its: PartsDep,
    viewer: DeviceReader,
    wanted: AskedDep,
    only: FiltersDep,
) -> Response:
    """One table of a report, whole, for a spreadsheet."""
    if table not in _TABLES.get(name, ()):
        known = ", ".join(f"{one}/{its_}" for one, some in _TABLES.items() for its_ in some)
        raise Problem(404, f"There is no table {name}/{table}; there are {known}.")
    period, speaker = _period(its, wanted), its.texts.speaker(language_of(request))
    if name == "grounds":
        made = use_table(table, await _grounds(its, period, only), speaker)
    elif name == "visits":
        per_visit = its.settings.openings_per_visit
        made = use_table(table, await _visits(its, period, only), speaker, per_visit)
    elif name == "cases":
        cases = await asyncio.to_thread(cases_report, its, viewer, period, only.grid)
        made = case_table(table, cases, speaker)
    else:
        devices = await asyncio.to_thread(devices_report, its, period, only.grid)
        made = device_table(table, devices, speaker)
    text = await asyncio.to_thread(as_csv, made, speaker)
    disposition = f'attachment; filename="{name}-{table}-{period.name}.csv"'
    return Response(
        text,
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": disposition},
    )
