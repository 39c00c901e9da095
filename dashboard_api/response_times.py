"""How fast people were: cases answered and reached in time, by category, grid and hour of the day.

The database counts, once, by the smallest groups; here they are added up. Times count from when
the hub heard: what a person could not know does not count against them. What is not known is None.
A case whose limit is not over is *undecided*: it belongs neither to those in time nor to the rest.
"""

from collections import Counter
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dashboard_api.targets import Targets
from hub.daily_log import NO_GRID
from hub.site_days import HOUR_MS, offsets_between

ALL = "all"  # the category of all cases

Figures = dict[str, Any]
Groups = dict[str, dict[str, Figures]]  # key → category → figures


class ResponseTimes(NamedTuple):
    """The same figures three times; only those of whole categories have medians."""

    categories: dict[str, Figures]
    by_grid: Groups
    by_hour: Groups


def response_times(
    connection: Connection,
    span: tuple[int, int],
    targets: Targets,
    zone: ZoneInfo,
    now_ms: int,
) -> ResponseTimes:
    """Figures of the cases heard in [from, to); hours are those of the zone's clocks."""
    _gather(connection, *span, zone)
    rows = connection.execute(sa.text(_counts(targets)), {"now_ms": now_ms}).mappings().all()
    names = tuple(name for name in rows[0] if name not in _KEYS) if rows else ()
    outcomes = connection.execute(_OUTCOMES).all()
    whole, by_grid, by_hour = Counts(names), Counts(names), Counts(names)
    for row in rows:
        for counts, key in ((whole, ""), (by_grid, row["grid"]), (by_hour, str(row["hour"]))):
            counts.add(key, row)
    for grid, hour, category, outcome, times in outcomes:
        for counts, key in ((whole, ""), (by_grid, grid), (by_hour, str(hour))):
            counts.add_outcome(key, category, outcome, times)
    categories = whole.groups.get("", {})
    for name, column in _MEDIANS.items():
        _add_medians(connection, categories, name, column)
    return ResponseTimes(categories, by_grid.groups, by_hour.groups)


class Counts:
    """Figures being added up."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self.groups: Groups = {}

    def add(self, key: str, row: Any) -> None:
        """Counts of a smallest group; to its category and to all."""
        kinds = self.groups.setdefault(key, {})
        for kind in (row["category"], ALL):
            figures = kinds.setdefault(kind, dict.fromkeys(self._names, 0) | {"outcomes": {}})
            for name in self._names:
                figures[name] += row[name]

    def add_outcome(self, key: str, category: str, outcome: str, times: int) -> None:
        """How often cases of a group ended so."""
        for kind in (category, ALL):
            found: Counter[str] = Counter(self.groups[key][kind]["outcomes"])
            found[outcome] += times
            self.groups[key][kind]["outcomes"] = dict(found)


# A table of this connection alone; it is gone when the look at the database is over.
_FORGET = sa.text("DROP TABLE IF EXISTS temp.kpi_cases")
_GATHER = f"""
CREATE TEMP TABLE kpi_cases AS
SELECT coalesce(c.grid, p.grid, '{NO_GRID}') AS grid, (({{local}}) / {HOUR_MS}) % 24 AS hour,
    c.category, c.outcome, c.answered_at_ms - c.heard_at_ms AS answered,
    c.arrived_at_ms - c.heard_at_ms AS arrived, c.closed_at_ms - c.heard_at_ms AS closed,
    c.dispatched_at_ms IS NOT NULL OR c.arrived_at_ms IS NOT NULL AS sent,
    c.heard_at_ms AS heard_at, c.closed_at_ms IS NULL AS is_open
FROM cases c LEFT JOIN places p ON p.path = c.place
WHERE c.heard_at_ms >= :from_ms AND c.heard_at_ms < :to_ms
"""
_KEYS = ("grid", "hour", "category")
_MEDIANS = {"answer": "answered", "arrival": "arrived", "closing": "closed"}
_OUTCOMES = sa.text(
    "SELECT grid, hour, category, outcome, count(*) FROM temp.kpi_cases "
    "WHERE outcome IS NOT NULL GROUP BY 1, 2, 3, 4"
)


def _gather(connection: Connection, from_ms: int, to_ms: int, zone: ZoneInfo) -> None:
    local, given = _local(from_ms, to_ms, zone)
    connection.execute(_FORGET)
    query = sa.text(_GATHER.format(local=local))
    connection.execute(query, {"from_ms": from_ms, "to_ms": to_ms, **given})


def _local(from_ms: int, to_ms: int, zone: ZoneInfo) -> tuple[str, dict[str, int]]:
    """When the hub heard, by the zone's clocks; and the values in this expression."""
    (_, first), *changes = offsets_between(from_ms, to_ms, zone)
    given, offset = {"offset": first}, ":offset"
    for number, (since_ms, offset_ms) in enumerate(changes):
        given |= {f"since_{number}": since_ms, f"offset_{number}": offset_ms}
        since = f"c.heard_at_ms >= :since_{number}"
        offset = f"CASE WHEN {since} THEN :offset_{number} ELSE {offset} END"
    return f"c.heard_at_ms + {offset}", given


def _counts(targets: Targets) -> str:
    limits = [("answered", target.within_s) for target in targets.answer]
    limits += [("arrived", target.within_s) for target in targets.on_site]
    within = (
        f"CAST(total({what} <= {limit_s * 1_000}) AS INTEGER) AS {what}_within_{limit_s}_s"
        for what, limit_s in limits
    )
    undecided = (
        f"CAST(total({_of(what)} AND {what} IS NULL AND is_open "
        f"AND :now_ms - heard_at <= {limit_s * 1_000}) AS INTEGER) AS {what}_undecided_{limit_s}_s"
        for what, limit_s in limits
    )
    counts = ("count(*) AS cases", "count(answered) AS answered", "sum(sent) AS sent")
    columns = ", ".join((*_KEYS, *counts, "count(arrived) AS arrived", *within, *undecided))
    return f"SELECT {columns} FROM temp.kpi_cases GROUP BY grid, hour, category"


def _of(what: str) -> str:
    """Whom a limit concerns: every case, or those to which somebody was sent."""
    return "sent" if what == "arrived" else "1"


def _add_medians(
    connection: Connection, categories: dict[str, Figures], name: str, span: str
) -> None:
    for figures in categories.values():
        figures[f"median_{name}_s"] = None
    for kind in (f"'{ALL}'", "category"):
        query = sa.text(_MEDIAN.format(kind=kind, span=span))
        for row in connection.execute(query):
            categories[row.kind][f"median_{name}_s"] = row.median


_MEDIAN = """
SELECT kind, avg(span) / 1000.0 AS median FROM (
    SELECT kind, span, row_number() OVER (PARTITION BY kind ORDER BY span) AS number,
        count(*) OVER (PARTITION BY kind) AS of
    FROM (SELECT {kind} AS kind, {span} AS span FROM temp.kpi_cases WHERE {span} IS NOT NULL)
) WHERE number IN ((of + 1) / 2, (of + 2) / 2) GROUP BY kind
"""


# -- calls that were none -------------------------------------------------------------------------

_CALLS = sa.text("""
SELECT count(*) AS calls,
    CAST(total(outcome = 'mistake') AS INTEGER) AS mistakes,
    CAST(total(outcome = 'test') AS INTEGER) AS tests,
    count(cancelled_at_ms) AS cancelled,
    CAST(total(outcome IN ('mistake', 'test') OR (outcome IS NULL
        AND cancelled_at_ms IS NOT NULL)) AS INTEGER) AS no_calls
FROM cases WHERE family = 'button' AND category = 'emergency'
    AND heard_at_ms >= :from_ms AND heard_at_ms < :to_ms
""")


def false_presses(connection: Connection, from_ms: int, to_ms: int) -> Figures:
    """Calls of buttons heard in [from, to), and how many of them were none.

    `no_calls` are those with the outcome mistake or test, and those that their button cancelled
    and of which nobody has said more; `share` is their part of all, None where nobody called.
    """
    row = connection.execute(_CALLS, {"from_ms": from_ms, "to_ms": to_ms}).mappings().one()
    share = row["no_calls"] / row["calls"] if row["calls"] else None
    return {**row, "share": share}


_TESTS = sa.text(
    "SELECT CAST(total(test_presses) AS INTEGER) AS presses, "
    "count(DISTINCT CASE WHEN test_presses > 0 THEN device END) AS buttons "
    "FROM device_days WHERE day >= :first AND day <= :last"
)


def count_test_presses(connection: Connection, first: str, last: str) -> Figures:
    """Test presses of these days of the site, both included, and of how many buttons."""
    return dict(connection.execute(_TESTS, {"first": first, "last": last}).mappings().one())
