"""Every setting and every bound of the hub, by name, in one table.

A setting comes from the environment (`HUB_…`; InfluxDB's by the names its own client uses) or from
`hub.toml` (the name in lower case without `HUB_`); the environment wins. An unknown name or a
value of the wrong kind is refused with the place, what was expected and the nearest right name.
"""

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any


class WrongSetting(Exception):
    """A setting that cannot be used; the text says where it stands and what was expected."""


def setting(default: Any, about: str, *, env: str = "", secret: bool = False) -> Any:
    """One row of the table: default, one sentence for the manual, its name if not `HUB_…`."""
    return field(default=default, metadata={"about": about, "env": env, "secret": secret})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings. Units stand last in the names: `_s`, `_ms`, `_bytes_max`, `_days`."""

    # where things are
    data_dir: Path = setting(Path("data"), "Folder of database, local time series and broker.")
    broker: str = setting(
        "embedded",
        "`embedded`, or `mqtt[s]://user:password@host:port` of a broker.",
        secret=True,
    )
    database_url: str = setting(
        "",
        "`sqlite:///PATH`; empty: `hub.db` in the data folder. Other databases, PostgreSQL too, "
        "are refused: the log must not depend on another server (decision 0003).",
    )
    http: str = setting("127.0.0.1:8000", "Address and port of the dashboard.")
    site_file: str = setting("", "YAML file of the site; empty: a plain site named `demo`.")
    rules_dir: str = setting(
        "",
        "Folder of rules that are in force *instead of* the community's; empty: the community's.",
    )
    topics: str = setting(
        "zigbee2mqtt/+,zigbee2mqtt/+/availability,application/+/device/+/event/up,v3/+/devices/+/up",
        "Topics beside the native ones, separated by commas.",
    )
    # MQTT
    client_id: str = setting("", "Fixed MQTT client id; empty: `hub-{site}`.")
    mqtt_keepalive_s: int = setting(30, "Keep-alive of the hub's connections.")
    mqtt_connect_s: float = setting(10.0, "How long a broker may take to answer a connection.")
    reconnect_min_s: float = setting(0.2, "First wait before connecting again.")
    reconnect_max_s: float = setting(30.0, "Longest wait before connecting again; jitter is added.")
    inflight_messages_max: int = setting(
        10_000, "Messages read and not yet kept; beyond them the socket is left alone."
    )
    payload_bytes_max: int = setting(
        262_144, "A larger payload is refused; its first `raw_bytes_max` bytes are kept."
    )
    raw_bytes_max: int = setting(16_384, "Bytes of a refused payload that are kept.")
    batch_messages_max: int = setting(2_000, "Messages of one commit at the most.")
    batch_age_ms: int = setting(
        4, "How long a batch of other messages than presses may gather before its commit."
    )
    dedupe_messages_max: int = setting(
        200_000, "Newest messages among which a repeat is recognised."
    )
    dedupe_presses_max: int = setting(100_000, "The same for messages of buttons, kept apart.")
    stamp_ahead_ms_max: int = setting(
        10_000, "Messages of one device that arrive at once get moments so far apart at the most."
    )
    repeat_window_s: int = setting(
        3_600, "The same id of the same device is the same message for so long."
    )
    copy_window_s: int = setting(
        600, "How long the other connection's copy of a button's message is waited for."
    )
    # the embedded broker
    embedded_port: int = setting(
        0, "Port of the embedded broker; 0: 1883 where it is free, else any free one."
    )
    embedded_autosave_s: int = setting(1, "How often the embedded broker writes to the disk.")
    embedded_session_days: int = setting(
        7, "How long the embedded broker keeps the session of one who is away."
    )
    embedded_queue_messages_max: int = setting(
        1_000_000, "Messages that the embedded broker keeps for one who is away or slow."
    )
    embedded_inflight_messages_max: int = setting(
        1_000, "Messages that the embedded broker sends without an ack."
    )
    embedded_payload_bytes_max: int = setting(
        16_777_216, "Largest message that the embedded broker takes."
    )
    import_bytes_max: int = setting(67_108_864, "Largest CSV file of `hub import`.")
    # the database
    disk_retry_s: float = setting(1.0, "Wait before trying a full or read-only disk again.")
    readings_keep_days: int = setting(400, "Readings stay in the journal so long.")
    refusals_keep_days: int = setting(90, "Refusals and their raw bytes stay so long.")
    commands_keep_days: int = setting(3_650, "People's commands stay so long.")
    notices_keep_days: int = setting(400, "Notices that were sent or given up stay so long.")
    changes_keep_rows: int = setting(
        100_000, "Rows of the live feed that a page may still ask for."
    )
    retention_rows_max: int = setting(5_000, "Rows deleted in one go, so that nobody waits for it.")
    retention_every_s: int = setting(600, "How often old rows are looked for.")
    strangers_max: int = setting(5_000, "Unknown senders that are kept; the oldest goes first.")
    stranger_messages_max: int = setting(5, "Newest messages kept of each unknown sender.")
    # the judge
    commands_poll_ms: int = setting(20, "How often the judge looks for people's commands.")
    judge_queue_batches_max: int = setting(
        64, "Committed batches that wait for the judge in memory; beyond them it reads the disk."
    )
    judge_queue_entries_max: int = setting(
        50_000, "Entries of others than buttons that wait for the judge in memory."
    )
    judge_slice_entries_max: int = setting(
        256, "Entries of others than buttons that are judged before the next look for presses."
    )
    judge_batch_entries_max: int = setting(2_000, "Entries that the judge reads from disk at once.")
    standings_flush_ms: int = setting(100, "How often changed standings are written.")
    standings_flush_rows_max: int = setting(
        50, "Standings written in one go, so few that no press waits for them."
    )
    settle_ms: int = setting(
        20, "A timer waits so long for readings that are just being kept before it is due."
    )
    rewind_inputs_max: int = setting(
        128, "Newest inputs a watched thing keeps, to judge late news at its own time."
    )
    # InfluxDB
    influx_api: str = setting("v2", "Dialect: `v1`, `v2` or `v3`.")
    influxdb_url: str = setting("", "Address; empty: the local store.", env="INFLUXDB_V2_URL")
    influxdb_org: str = setting("", "Organisation.", env="INFLUXDB_V2_ORG")
    influxdb_token: str = setting("", "Token.", env="INFLUXDB_V2_TOKEN", secret=True)
    influxdb_bucket: str = setting("hub", "Bucket or database.", env="INFLUXDB_V2_BUCKET")
    archive_batch_entries_max: int = setting(2_000, "Journal entries of one write.")
    archive_age_ms: int = setting(500, "How long readings may gather before a write.")
    archive_yield_max_s: float = setting(
        2.0, "How long the archive lets a judge with a backlog go first, each time."
    )
    archive_timeout_s: float = setting(10.0, "Longest wait for one answer.")
    archive_retry_min_s: float = setting(0.5, "First wait after a failed write.")
    archive_retry_max_s: float = setting(
        60.0, "Longest wait; Retry-After may ask for less or more."
    )
    archive_retry_after_max_s: float = setting(
        3_600.0, "A longer Retry-After of InfluxDB is cut to this."
    )
    archive_error_chars_max: int = setting(
        500, "Characters that are kept of a time series store's own words."
    )
    dead_letters_rows_max: int = setting(
        100_000, "Points that InfluxDB refused, kept with its words; the oldest goes first."
    )
    series_rows_max: int = setting(10_000, "Rows of one answer about time series.")
    series_keep_days: int = setting(
        400, "Readings stay in the local store so long; InfluxDB has a retention policy of its own."
    )
    series_keys_cached_max: int = setting(
        50_000, "Points of devices whose written tags are remembered."
    )
    # notices
    webhook_url: str = setting("", "Where every change of a case is posted; empty: nowhere.")
    webhook_secret: str = setting("", "Key of the webhook's HMAC-SHA256 signature.", secret=True)
    deliver_timeout_s: float = setting(5.0, "Longest wait for a channel's answer.")
    deliver_tries_max: int = setting(12, "Tries of one notice before it is given up, visibly.")
    deliver_retry_min_s: float = setting(1.0, "First wait after a failed notice.")
    deliver_retry_max_s: float = setting(300.0, "Longest wait between two tries.")
    deliver_batch_max: int = setting(200, "Notices taken from the outbox at once.")
    deliver_retry_after_max_s: float = setting(
        3_600.0, "The longest Retry-After of a receiver that is honoured."
    )
    deliver_poll_s: float = setting(5.0, "How often the outbox is looked at when nobody calls.")
    # how the hub's parts are
    health_write_every_s: float = setting(5.0, "How often the parts' states are written.")
    health_look_s: float = setting(
        0.5, "How often a changed state is looked for, to be told on `hub/{site}/health`."
    )
    health_changes_max: int = setting(
        100, "Changes of state that wait for a full disk; the oldest goes first."
    )
    disk_room_bytes_min: int = setting(
        500_000_000, "`hub doctor` warns when the data folder's disk has less room."
    )
    # pages
    session_hours: int = setting(12, "A log-in is good for so long.")
    http_proxies: str = setting(
        "",
        "Addresses of proxies before the dashboard, separated by commas, whose X-Forwarded-For is "
        "believed; empty: none.",
    )
    login_tries_max: int = setting(
        10, "Wrong passwords per name, address and minute before a pause."
    )
    login_address_tries_max: int = setting(
        30, "Wrong passwords per address and minute before a pause, whatever the names."
    )
    login_queue_max: int = setting(20, "Log-ins that wait for their password to be looked at.")
    shelve_days_max: int = setting(366, "The longest time that a case may be shelved for.")
    body_bytes_max: int = setting(1_048_576, "Largest body of a request.")
    live_poll_ms: int = setting(100, "How often the live feed looks for changes.")
    live_clients_max: int = setting(500, "Open live feeds at a time.")
    live_ping_ms: int = setting(2_000, "How often the live feed says that it is alive.")
    live_rows_max: int = setting(1_000, "Newest changes kept in memory for all live feeds.")
    live_connection_s: int = setting(
        300, "A live feed ends after so long and is opened again, with its log-in looked at anew."
    )
    silent_after_s: float = setting(
        9.0, "A hub that has not said that it runs for so long is shown as not live."
    )
    login_names_max: int = setting(
        10_000, "Names and addresses whose wrong passwords are counted at a time."
    )
    page_rows_max: int = setting(200, "Rows of one page of cases, devices, strangers, refusals.")
    kpi_days_max: int = setting(400, "The longest span of figures that one request may ask for.")
    usage_every_s: float = setting(60.0, "How often today's use of the machines is counted.")
    command_wait_s: float = setting(2.0, "How long a request waits for the judge's word.")
    command_poll_ms: int = setting(10, "How often a request looks for the judge's word.")
    child_end_s: float = setting(5.0, "How long a child process may take to end by itself.")
    child_restart_s: float = setting(1.0, "Wait before the pages' process is started again.")
    cookie_secure: bool = setting(False, "Send the session cookie over HTTPS only.")

    @property
    def database(self) -> str:
        """The URL of the database, the default worked out."""
        return self.database_url or f"sqlite:///{self.data_dir / 'hub.db'}"


def variable_of(name: str, metadata: Mapping[str, Any]) -> str:
    """The environment's name of a setting."""
    return metadata["env"] or f"HUB_{name.upper()}"


def read_settings(
    environment: Mapping[str, str] | None = None, file: Path | None = None
) -> Settings:
    """Settings from `hub.toml` and the environment. Raises `WrongSetting`."""
    environment = os.environ if environment is None else environment
    file = Path(environment.get("HUB_SETTINGS", "hub.toml")) if file is None else file
    if "HUB_SETTINGS" in environment and not file.exists():
        raise WrongSetting(f"HUB_SETTINGS: there is no file {file}")
    values = dict(_from_file(file)) if file.exists() else {}
    values.update(_from_environment(environment))
    return Settings(**values)


def _from_file(file: Path) -> Iterator[tuple[str, Any]]:
    known = {f.name: f for f in fields(Settings)}
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise WrongSetting(f"{file}: {error}") from error
    for name, value in table.items():
        if name not in known:
            raise WrongSetting(f"{file}: unknown setting {name!r}{_nearest(name, known)}")
        yield name, _convert(f"{file}: {name}", str(value), known[name].type)


def _from_environment(environment: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    known = {variable_of(f.name, f.metadata): f for f in fields(Settings)}
    for variable, text in environment.items():
        if variable in known:
            setting_field = known[variable]
            yield setting_field.name, _convert(variable, text, setting_field.type)
        elif variable.startswith("HUB_") and variable != "HUB_SETTINGS":
            raise WrongSetting(f"unknown setting {variable}{_nearest(variable, known)}")


def _nearest(name: str, known: Mapping[str, Any]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]}?" if near else ""


_EXPECTED = {int: "a whole number", float: "a number", bool: "true or false"}


def _convert(where: str, text: str, kind: Any) -> Any:
    if kind is bool:
        if text.lower() not in {"true", "false", "1", "0"}:
            raise WrongSetting(f"{where}: expected true or false, not {text!r}")
        return text.lower() in {"true", "1"}
    try:
        value = kind(text)
    except ValueError as error:
        raise WrongSetting(
            f"{where}: expected {_EXPECTED.get(kind, kind)}, not {text!r}"
        ) from error
    lowest = 1 if where.lower().endswith("_max") else 0  # a bound of nothing would stop the hub
    if kind in (int, float) and not lowest <= value < float("inf"):
        raise WrongSetting(f"{where}: expected a number from {lowest} up, not {text!r}")
    return value


def as_environment(settings: Settings) -> dict[str, str]:
    """The same settings as environment variables, for a process that is started with them."""
    return {
        variable_of(f.name, f.metadata): str(getattr(settings, f.name)) for f in fields(Settings)
    }
