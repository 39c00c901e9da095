"""All figures of a span in one piece, for the API and the reports."""

from dataclasses import asdict
from typing import Any

from sqlalchemy.engine import Connection

from dashboard_api import alarm_load, noise, response_times
from dashboard_api.deps import Parts
from dashboard_api.targets import targets_of
from hub.site_days import day_at


def find_kpi(
    connection: Connection, its: Parts, from_ms: int, to_ms: int, *, public: bool = False
) -> dict[str, Any]:
    """See `shapes.KpiOut`. `public`: nothing that names a device, which may name a person."""
    targets, zone, now_ms = targets_of(its.settings), its.site.zone, its.clock.now_ms()
    span = connection, from_ms, to_ms
    first, last = (day_at(at_ms, zone).name for at_ms in (from_ms, to_ms - 1))
    return {
        "from_ms": from_ms,
        "to_ms": to_ms,
        **response_times.response_times(connection, span[1:], targets, zone, now_ms)._asdict(),
        "load": alarm_load.load(*span, targets),
        "stale": alarm_load.stale(connection, (from_ms, to_ms), now_ms, targets, zone),
        "false_presses": response_times.false_presses(*span),
        "test_presses": response_times.count_test_presses(connection, first, last),
        "chatter": [] if public else alarm_load.chatter(*span, targets),
        "noisiest": {} if public else _noisiest(connection, its, from_ms, to_ms),
        "targets": asdict(targets),
    }


def _noisiest(connection: Connection, its: Parts, from_ms: int, to_ms: int) -> dict[str, Any]:
    book = its.rulebook.in_force(connection, its.clock.now_ms())
    rules = {rule.name: rule for rule in book.rule_set.rules}
    return noise.noisiest(connection, from_ms, to_ms, targets_of(its.settings), rules)
