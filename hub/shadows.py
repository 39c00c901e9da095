"""What rules on trial have found so far, beside the live rules whose place they may take.

Read from the table of alerts: nothing is judged again. Of an event that happened again while its
alert was open the table knows how often and not when, so the hours are those of the openings.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.database import alerts, devices, places
from hub.site import Site
from rules.calendar import PLAIN
from rules.during import Hours
from rules.load import Load, load_of
from rules.past import Call, Difference, PastAlert, compare
from rules.rule import Rule, RuleSet


@dataclass(frozen=True, slots=True)
class ShadowReport:
    """A rule on trial and the live one; `instead` is None where it stands alone.

    `again` and `again_live`: how often events happened while an alert was open already.
    """

    rule: Rule
    instead: Rule | None
    from_ms: int
    to_ms: int
    difference: Difference
    load: Load
    load_live: Load
    again: int
    again_live: int


def report_shadow(
    connection: Connection, rules: RuleSet, rule: Rule, from_ms: int, to_ms: int, site: Site
) -> ShadowReport:
    """What came of it between two moments."""
    instead = rules.named(rule.instead_of) if rule.instead_of else None
    grids = _grids(connection)
    found = {
        one.name: _alerts(connection, one.name, from_ms, to_ms)
        for one in (rule, instead)
        if one is not None
    }

    def load(one: Rule | None) -> Load:
        rows = [] if one is None else found[one.name]
        return load_of(
            [
                _call(one, row)
                for row in rows
                if one is not None and from_ms <= row["opened_heard_ms"]
            ],
            span_ms=to_ms - from_ms,
            zone=site.zone,
            night=Hours(site.night, site.zone, PLAIN),
            grid_of=lambda call: grids.get(call.device or "", None),
        )

    live = [] if instead is None else found[instead.name]
    mine = found[rule.name]
    return ShadowReport(
        rule,
        instead,
        from_ms,
        to_ms,
        compare(_past(mine, rule.name), _past(live, rule.name)),
        load(rule),
        load(instead),
        _agains(mine),
        _agains(live),
    )


def _alerts(connection: Connection, rule: str, from_ms: int, to_ms: int) -> list[Mapping[Any, Any]]:
    ended = sa.and_(alerts.c.closed_at_ms.is_not(None), alerts.c.closed_at_ms < from_ms)
    query = alerts.select().where(
        alerts.c.rule == rule,
        sa.not_(alerts.c.taken_back),
        alerts.c.opened_at_ms < to_ms,
        sa.not_(ended),
    )
    return list(connection.execute(query.order_by(alerts.c.opened_at_ms)).mappings())


def _grids(connection: Connection) -> dict[str, str | None]:
    grid = sa.func.coalesce(devices.c.grid, places.c.grid)
    query = sa.select(devices.c.id, grid).outerjoin(places, places.c.path == devices.c.place)
    return {device: grid for device, grid in connection.execute(query)}  # noqa: C416 - rows


def _past(rows: Iterable[Mapping[Any, Any]], name: str) -> list[PastAlert]:
    """Under one name, so that they can be compared."""
    return [
        PastAlert(name, row["key"], row["device"], row["opened_at_ms"], row["closed_at_ms"])
        for row in rows
    ]


def _call(rule: Rule, row: Mapping[Any, Any]) -> Call:
    return Call(row["opened_heard_ms"], rule, row["key"], row["device"], "opens")


def _agains(rows: Iterable[Mapping[Any, Any]]) -> int:
    return sum(row["times"] - 1 for row in rows)
