"""What Prometheus is told, read from the database at each scrape."""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.engine import Connection

from dashboard_api import queries
from hub import journal

CONTENT_TYPE = CONTENT_TYPE_LATEST
_STATES = ("green", "yellow", "red")
_SEVERITIES = ("emergency", "urgent", "warning", "notice")


def exposition(connection: Connection, now_ms: int) -> str:
    """The text of one scrape."""
    registry = CollectorRegistry()
    registry.register(_Look(list(_metrics(connection, now_ms))))
    return generate_latest(registry).decode()


class _Look:
    """One look at the database, for the registry."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _metrics(connection: Connection, now_ms: int) -> Iterator[Metric]:
    counts = queries.open_counts(connection)
    by_severity = {severity: counts.get(severity, 0) for severity in _SEVERITIES}
    yield _gauge("hub_cases_open", "Open cases.", "severity", by_severity)
    newest = journal.newest(connection)
    yield GaugeMetricFamily("hub_journal_seq", "Newest entry of the journal.", newest)
    lag = {name: newest - at for name, at in queries.follower_positions(connection).items()}
    yield _gauge(
        "hub_follower_lag_entries", "Entries that a follower has not done.", "follower", lag
    )
    notices = {"waiting": 0, "given_up": 0, "sent": 0} | queries.notice_counts(connection)
    yield _gauge("hub_notices", "Notices by state.", "state", notices)
    health = GaugeMetricFamily(
        "hub_health", "1 for the state of each part.", labels=("part", "state")
    )
    age = GaugeMetricFamily("hub_health_age_seconds", "Since a part last spoke.", labels=("part",))
    for row in queries.health_rows(connection):
        age.add_metric((row["part"],), (now_ms - row["at_ms"]) / 1000)
        for state in _STATES:
            health.add_metric((row["part"], state), float(row["state"] == state))
    yield from (health, age)


def _gauge(name: str, about: str, label: str, values: dict[str, int]) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(name, about, labels=(label,))
    for key, value in values.items():
        gauge.add_metric((key,), value)
    return gauge
