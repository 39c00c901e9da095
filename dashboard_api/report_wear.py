"""Wear of machines: uses since the last service, beside the interval of the rules in force.

The interval is that of the rule about the machine whose condition is `every` so many uses, with the
override that is in force for it. Nothing else is known of how a machine wears out.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.database import journal
from rules.condition import Every
from rules.facts import DeviceFacts
from rules.override import Override
from rules.rule import Rule, RuleSet

_COMMANDS = sa.text("kind = 'command'")  # as the index of commands has it
DAYS_AHEAD_MAX = 3_650  # what is due later than in ten years is not due


class Wear(NamedTuple):
    """One machine. `due`: the day on which the interval will be full at its present rate; None:
    not in sight, or not to be said. `serviced_ms` is None where no service is known."""

    device: str
    uses: int
    interval: int
    serviced_ms: int | None
    per_day: float | None
    due: date | None

    @property
    def share(self) -> float:
        """Of the interval; 1 and more: the service is due."""
        return self.uses / self.interval

    @property
    def is_due(self) -> bool:
        """Has it done its interval?"""
        return self.uses >= self.interval


def interval_of(facts: DeviceFacts, rules: RuleSet, now_ms: int, zone: ZoneInfo) -> int | None:
    """So many uses are between two services of this machine; None: no rule says so."""
    for rule in rules.rules:
        if not rule.where.fits(facts) or not _is_of_uses(rule) or rule.is_shadow:
            continue
        mine = [one for one in rules.overrides if _holds(one, rule, facts, now_ms, zone)]
        best = min(mine, key=lambda one: one.rank(zone), default=None)
        if best is not None and best.off:
            continue
        its = rule if best is None else best.applied_to(rule)
        if isinstance(its.when, Every) and its.when.step >= 1:
            return round(its.when.step)
    return None


def _is_of_uses(rule: Rule) -> bool:
    return isinstance(rule.when, Every) and rule.when.point.partition("_")[0] == "uses"


def _holds(one: Override, rule: Rule, facts: DeviceFacts, now_ms: int, zone: ZoneInfo) -> bool:
    begin_ms = one.begin_ms(zone)
    begun = begin_ms is None or begin_ms <= now_ms
    return one.rule == rule.name and one.fits(facts) and begun and now_ms < one.end_ms(zone)


def services(connection: Connection) -> dict[str, int]:
    """The newest service of each machine: when the hub was told that it was done."""
    device = sa.func.json_extract(journal.c.body, "$.device")
    query = (
        sa.select(device.label("device"), sa.func.max(journal.c.arrived_ms).label("at_ms"))
        .where(_COMMANDS, sa.func.json_extract(journal.c.body, "$.act") == "service")
        .group_by(device)
    )
    return {row.device: row.at_ms for row in connection.execute(query) if row.device}


def wear(
    device: str,
    total: float,
    at_service: tuple[int, float] | None,
    interval: int,
    per_day: float | None,
    today: date,
) -> Wear:
    """`at_service`: moment and total of the last service. A total counts from zero without one."""
    serviced_ms, base = (None, 0.0) if at_service is None else at_service
    uses = max(0, round(total - base))
    due = None
    if uses < interval and per_day:
        days = (interval - uses) / per_day
        due = today + timedelta(days=int(days)) if days <= DAYS_AHEAD_MAX else None
    elif uses >= interval:
        due = today
    return Wear(device, uses, interval, serviced_ms, per_day, due)


def most_worn(found: Iterable[Wear]) -> list[Wear]:
    """What is due first, first."""
    return sorted(found, key=lambda one: (-one.share, one.device))
