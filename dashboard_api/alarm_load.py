"""How much people were asked to look at: calls per person, floods, alerts that stay, and chatter.

Calls are cases as the hub heard of them, in windows of the clock. The calls of a grid are shared
among those who are signed on there during the window; where nobody is, its duty phone is one.
"""

from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dashboard_api.targets import Targets
from hub.daily_log import NO_GRID
from hub.site_days import days_between

Figures = dict[str, Any]

# A table of this connection alone; it is gone when the look at the database is over.
_FORGET = sa.text("DROP TABLE IF EXISTS temp.kpi_load")
_GATHER = sa.text(f"""
CREATE TEMP TABLE kpi_load AS
SELECT grid, number * :window AS from_ms, calls, CASE WHEN calls <= :fine THEN 1 ELSE max(1, (
    SELECT count(DISTINCT s.person) FROM shifts s
    WHERE s.grid IS nullif(calls.grid, '{NO_GRID}') AND s.until_ms > calls.number * :window
        AND s.since_ms < (calls.number + 1) * :window
)) END AS persons
FROM (
    SELECT coalesce(c.grid, p.grid, '{NO_GRID}') AS grid, c.heard_at_ms / :window AS number,
        count(*) AS calls
    FROM cases c LEFT JOIN places p ON p.path = c.place
    WHERE c.heard_at_ms >= :from_ms AND c.heard_at_ms < :to_ms GROUP BY 1, 2
) calls
""")
_BY_GRID = sa.text("""
SELECT grid, sum(calls) AS calls, count(*) AS windows,
    sum(calls > :fine * persons) AS above_fine, sum(calls > :most * persons) AS above_most,
    sum(calls > :flood * persons) AS floods, max(1.0 * calls / persons) AS highest
FROM temp.kpi_load GROUP BY grid ORDER BY grid
""")
_FLOODS = sa.text("""
SELECT grid, from_ms, calls, persons FROM temp.kpi_load WHERE calls > :flood * persons
ORDER BY 1.0 * calls / persons DESC, from_ms, grid LIMIT :rows
""")


def load(connection: Connection, from_ms: int, to_ms: int, targets: Targets) -> Figures:
    """Calls per person in windows: by grid, and the worst floods.

    `windows` are those with a call in them; `highest` is the most calls per person in one.
    """
    given = {
        "from_ms": from_ms,
        "to_ms": to_ms,
        "window": targets.window_s * 1_000,
        "fine": targets.fine_calls,
        "most": targets.most_calls,
        "flood": targets.flood_calls,
        "rows": targets.rows_max,
    }
    connection.execute(_FORGET)
    connection.execute(_GATHER, given)
    by_grid = connection.execute(_BY_GRID, given).mappings()
    floods = connection.execute(_FLOODS, given).mappings()
    return {
        "window_s": targets.window_s,
        "by_grid": {row["grid"]: {**row} for row in by_grid},
        "floods": [dict(row) for row in floods],
    }


_STALE = sa.text("""
WITH days AS (
    SELECT json_extract(value, '$[0]') AS day, json_extract(value, '$[1]') AS from_ms,
        json_extract(value, '$[2]') AS to_ms FROM json_each(:days)
), stale AS MATERIALIZED (
    SELECT opened_heard_ms + :after AS since, coalesce(closed_heard_ms, :now) AS until FROM alerts
    WHERE NOT taken_back AND opened_heard_ms + :after < :to_ms
        AND coalesce(closed_heard_ms, :now) - opened_heard_ms > :after
        AND coalesce(closed_heard_ms, :now) > :from_ms
)
SELECT day, count(since) AS alerts
FROM days LEFT JOIN stale ON since < to_ms AND until > from_ms GROUP BY day ORDER BY day
""")


def stale(
    connection: Connection, span: tuple[int, int], now_ms: int, targets: Targets, zone: ZoneInfo
) -> Figures:
    """How many alerts were true for longer than they should, on every day of the site.

    Of the first and the last day only what lies within the span [from, to) counts.
    """
    from_ms, to_ms = span
    days = [
        (day.name, max(from_ms, day.from_ms), min(to_ms, day.to_ms))
        for day in days_between(from_ms, to_ms, zone)
    ]
    given = {"days": msgspec.json.encode(days).decode(), "from_ms": from_ms, "to_ms": to_ms}
    given |= {"after": targets.stale_after_s * 1_000, "now": now_ms}
    by_day = {row.day: row.alerts for row in connection.execute(_STALE, given)}
    return {
        "after_s": targets.stale_after_s,
        "by_day": by_day,
        "highest": max(by_day.values(), default=0),
        "days_above": sum(alerts >= targets.stale_alerts_max for alerts in by_day.values()),
    }


# `bursts`: how often an opening was the n-th within the span.
_CHATTER = sa.text("""
SELECT rule, key, device, count(*) AS alerts, sum(opened_at_ms - nth_before <= :within) AS bursts
FROM (
    SELECT rule, key, device, opened_at_ms, lag(opened_at_ms, :back) OVER (
        PARTITION BY rule, key ORDER BY opened_at_ms, id) AS nth_before
    FROM alerts
    WHERE opened_heard_ms >= :from_ms AND opened_heard_ms < :to_ms AND NOT taken_back
) GROUP BY rule, key HAVING bursts > 0 ORDER BY bursts DESC, alerts DESC, rule, key LIMIT :rows
""")


def chatter(connection: Connection, from_ms: int, to_ms: int, targets: Targets) -> list[Figures]:
    """Rules that opened again and again about one device or group, the worst first."""
    given = {"from_ms": from_ms, "to_ms": to_ms, "rows": targets.rows_max}
    given |= {"back": targets.chatter_alerts - 1, "within": targets.chatter_within_s * 1_000}
    return [dict(row) for row in connection.execute(_CHATTER, given).mappings()]
