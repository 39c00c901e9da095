"""What Prometheus is told, read from the database at each scrape."""

from collections.abc import Iterable, Iterator

import msgspec
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.engine import Connection

from dashboard_api import queries
from dashboard_api.topology import explained_counts
from hub import journal
from hub.canary import BUCKETS_S
from hub.canary import PART as CANARY

CONTENT_TYPE = CONTENT_TYPE_LATEST
INGEST = "ingest"
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
    resting = queries.out_of_service_now(connection, now_ms)
    muted = queries.count_muted(connection)
    yield GaugeMetricFamily("hub_cases_muted", "Open cases of which nobody is told.", muted)
    yield GaugeMetricFamily("hub_devices_out_of_service", "Devices at rest.", len(resting))
    on_duty = len(queries.running_shifts(connection, now_ms))
    yield GaugeMetricFamily("hub_shifts", "Shifts that run.", on_duty)
    newest = journal.newest(connection)
    yield GaugeMetricFamily("hub_journal_seq", "Newest entry of the journal.", newest)
    lag = {name: newest - at for name, at in queries.follower_positions(connection).items()}
    yield _gauge(
        "hub_follower_lag_entries", "Entries that a follower has not done.", "follower", lag
    )
    notices = {"waiting": 0, "given_up": 0, "sent": 0} | queries.notice_counts(connection)
    yield _gauge("hub_notices", "Notices by state.", "state", notices)
    explained = explained_counts(connection)
    yield _gauge("hub_devices_explained", "Devices behind what is gone.", "by", explained)
    health = GaugeMetricFamily(
        "hub_health", "1 for the state of each part.", labels=("part", "state")
    )
    age = GaugeMetricFamily("hub_health_age_seconds", "Since a part last spoke.", labels=("part",))
    heard = GaugeMetricFamily(
        "hub_ingest_messages", "What came in since the start, by what became of it.", labels=("of",)
    )
    for row in queries.health_rows(connection):
        age.add_metric((row["part"],), (now_ms - row["at_ms"]) / 1000)
        for state in _STATES:
            health.add_metric((row["part"], state), float(row["state"] == state))
        if row["part"] == INGEST:
            for name, count in msgspec.json.decode(row["figures_json"]).items():
                heard.add_metric((name,), float(count))
        elif row["part"] == CANARY:
            yield from _round_trips(msgspec.json.decode(row["figures_json"]))
    yield from (health, age, heard)
    chattering = queries.count_chatterers(connection)
    yield GaugeMetricFamily("hub_devices_chattering", "Devices that are thinned now.", chattering)


def _round_trips(figures: dict[str, float]) -> Iterator[Metric]:
    """The canary's way through everything, as a histogram since the start, and those lost."""
    buckets, total = [], 0.0
    for top in (*map(str, BUCKETS_S), "inf"):
        total += figures.get(f"le_{top}", 0)
        buckets.append(("+Inf" if top == "inf" else top, total))
    about = "From a press of proof to the broker's word that its answer is out."
    yield HistogramMetricFamily(
        "hub_canary_seconds", about, buckets=buckets, sum_value=figures.get("sum_s", 0.0)
    )
    lost = figures.get("lost", 0)
    yield GaugeMetricFamily("hub_canaries_lost", "Presses of proof that did not come back.", lost)


def _gauge(name: str, about: str, label: str, values: dict[str, int]) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(name, about, labels=(label,))
    for key, value in values.items():
        gauge.add_metric((key,), value)
    return gauge
