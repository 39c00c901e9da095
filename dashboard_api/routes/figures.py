"""Figures: who can be reached, how fast people were."""

from typing import Annotated

from fastapi import APIRouter, Query

from dashboard_api import queries
from dashboard_api.deps import FigureReader, PartsDep, Reading
from dashboard_api.errors import Problem
from dashboard_api.kpi import find_kpi
from dashboard_api.moments import DAY_MS, MOMENT_MS_MAX, read_window
from dashboard_api.shapes import CoverageOut, KpiOut, ReachOut
from hub.coverage import find_coverage

router = APIRouter(prefix="/api/v1", tags=["figures"])

KPI_SPAN_MS = 30 * DAY_MS
CALENDAR_MS_MAX = MOMENT_MS_MAX - 2 * DAY_MS  # days after it may have no name in the site's zone


@router.get("/coverage")
def read_coverage(viewer: FigureReader, its: PartsDep, connection: Reading) -> CoverageOut:
    """Every resident: is it proven that a press reaches a person now, and if not, why not."""
    now_ms = its.clock.now_ms()
    reach = find_coverage(connection, its.settings, now_ms)
    known = {} if viewer.public else queries.residents_by_id(connection)
    return CoverageOut(
        at_ms=now_ms,
        residents=len(reach),
        reachable=sum(one.reachable for one in reach),
        list=[]
        if viewer.public
        else [ReachOut.of(one, known.get(one.resident_id), viewer) for one in reach],
    )


@router.get("/kpi")
def read_kpi(
    viewer: FigureReader,
    its: PartsDep,
    connection: Reading,
    from_: Annotated[str | None, Query(alias="from", max_length=40)] = None,
    to: Annotated[str | None, Query(max_length=40)] = None,
) -> KpiOut:
    """How fast people were, how much they were asked, what makes noise; else the last 30 days."""
    from_ms, to_ms = read_window(from_, to, its.clock.now_ms(), KPI_SPAN_MS)
    if to_ms - from_ms > its.settings.kpi_days_max * DAY_MS:
        raise Problem(422, f"from: at most {its.settings.kpi_days_max} days at once.")
    if to_ms > CALENDAR_MS_MAX:
        raise Problem(422, "to: expected a moment before the end of the year 9999.")
    return KpiOut(**find_kpi(connection, its, from_ms, to_ms, public=viewer.public))
