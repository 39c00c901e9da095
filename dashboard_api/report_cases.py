"""Cases of a period: by kind, grid, hour of the day, day and rule.

They count when the hub heard of them, by the site's clock.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dashboard_api.hours_of_use import hour_at, hours_between
from dashboard_api.report_period import Period
from hub.daily_log import NO_GRID
from hub.database import cases, places

CATEGORIES = ("emergency", "welfare", "security", "fault", "maintenance")
OPEN = "open"  # the outcome of a case that is not over

Kinds = Counter[str]  # by category


class Case(NamedTuple):
    """What is counted of one case."""

    category: str
    grid: str
    rule: str
    outcome: str
    heard_ms: int


class Row(NamedTuple):
    """A line of a table: what it is about, and its cases by category."""

    name: str
    kinds: Kinds

    @property
    def total(self) -> int:
        """All of them."""
        return self.kinds.total()


@dataclass(frozen=True, slots=True)
class CaseReport:
    """All tables; `categories` are those that the reader may see."""

    categories: list[str]
    total: Kinds
    hours: list[Row]
    days: list[Row]
    grids: list[Row]
    rules: list[Row]
    outcomes: list[Row]


def case_report(
    found: Collection[Case],
    span: tuple[int, int],
    zone: ZoneInfo,
    categories: list[str],
    grids: list[str],
) -> CaseReport:
    """Count them. Days of the `span` [from, to) and `grids` have a row each, cases or not."""
    hours = hours_between(*span, zone)
    days = list(dict.fromkeys(hour.day for hour in hours))
    at = {one: hours[hour_at(hours, one.heard_ms)] for one in set(found)}
    by_grid = _rows(found, lambda one: one.grid, grids)
    return CaseReport(
        categories=categories,
        total=Counter(one.category for one in found),
        hours=_rows(found, lambda one: str(at[one].hour), map(str, range(24))),
        days=_rows(found, lambda one: at[one].day, days),
        grids=by_grid,
        rules=_most(_rows(found, lambda one: one.rule)),
        outcomes=_most(_rows(found, lambda one: one.outcome)),
    )


def _rows(
    found: Iterable[Case], key: Callable[[Case], str], names: Iterable[str] = ()
) -> list[Row]:
    """A row for every name, and for every other that occurs behind them."""
    counts: dict[str, Kinds] = {name: Counter() for name in names}
    for one in found:
        counts.setdefault(key(one), Counter())[one.category] += 1
    return [Row(name, kinds) for name, kinds in counts.items()]


def _most(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (-row.total, row.name))


def find_cases(
    connection: Connection, period: Period, categories: Collection[str], grid: str | None
) -> list[Case]:
    """Cases that the hub heard of in the period."""
    its_grid: Any = sa.func.coalesce(cases.c.grid, places.c.grid, NO_GRID)
    outcome = sa.case((cases.c.closed_at_ms.is_(None), OPEN), else_=cases.c.outcome)
    query = (
        sa.select(cases.c.category, its_grid, cases.c.rule, outcome, cases.c.heard_at_ms)
        .outerjoin(places, places.c.path == cases.c.place)
        .where(
            cases.c.heard_at_ms >= period.from_ms,
            cases.c.heard_at_ms < period.to_ms,
            cases.c.category.in_(categories),
        )
    )
    if grid is not None:
        query = query.where(its_grid == grid)
    return [
        Case(one[0], one[1], one[2], one[3] or "other", one[4]) for one in connection.execute(query)
    ]
