"""Figures: who can be reached, how fast people were."""

from typing import Annotated

from fastapi import APIRouter, Query

from dashboard_api import figures, queries
from dashboard_api.deps import FigureReader, PartsDep, Reading
from dashboard_api.errors import Problem
from dashboard_api.moments import DAY_MS, read_window
from dashboard_api.shapes import CoverageOut, KpiOut, ReachOut

router = APIRouter(prefix="/api/v1", tags=["figures"])

KPI_SPAN_MS = 30 * DAY_MS


@router.get("/coverage")
def read_coverage(viewer: FigureReader, its: PartsDep, connection: Reading) -> CoverageOut:
    """Every resident with a button: can a press reach a person now, and if not, why."""
    now_ms = its.clock.now_ms()
    reach = figures.coverage(queries.find_devices(connection), now_ms)
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
    _viewer: FigureReader,
    its: PartsDep,
    connection: Reading,
    from_: Annotated[str | None, Query(alias="from", max_length=40)] = None,
    to: Annotated[str | None, Query(max_length=40)] = None,
) -> KpiOut:
    """Counts by category, answered within 60 and 180 s, medians; the last 30 days if left out."""
    from_ms, to_ms = read_window(from_, to, its.clock.now_ms(), KPI_SPAN_MS)
    if to_ms - from_ms > its.settings.kpi_days_max * DAY_MS:
        raise Problem(422, f"from: at most {its.settings.kpi_days_max} days at once.")
    found = queries.cases_between(connection, from_ms, to_ms)
    return KpiOut(from_ms=from_ms, to_ms=to_ms, categories=figures.kpi(found))
