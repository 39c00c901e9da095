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

from device_drivers.catalog import topics_of_all

AUTO = "auto"


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
    plans_dir: str = setting(
        "",
        "Folder of response plans that are in force *instead of* the community's; empty: those.",
    )
    orders_dir: str = setting(
        "",
        "Folder of the tables about work orders (troubles, priorities, inspections, ends of life) "
        "that are in force *instead of* the community's; empty: those.",
    )
    topics: str = setting(
        "auto",
        "Topics beside the native ones, separated by commas; `auto`: those of every driver "
        "(`hub drivers` lists them).",
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
        3_600,
        "The same id of the same device is the same message for so long: after the first time, and "
        "after each time that it is said again while nothing else comes on its topic.",
    )
    filter_topics_max: int = setting(
        100_000, "Topics of which is remembered whether several of the hub's filters fit them."
    )
    overlap_window_ms: int = setting(
        1_000,
        "On a topic that several filters fit, an equal message so soon is the broker's copy.",
    )
    copy_window_s: int = setting(
        600, "How long the other connection's copy of a button's message is waited for."
    )
    # what a value is worth
    counter_jump_uses: int = setting(
        20_000,
        "A counter that grows by more than so many uses at once, and by more than its time "
        "allows, is not believed.",
    )
    counter_uses_per_s: float = setting(
        20.0, "So many more uses are believed for every second since a counter's last word."
    )
    counter_write_every_s: float = setting(
        5.0,
        "A counter that only goes on is written to its table so often; the journal has the rest.",
    )
    clock_off_s: int = setting(120, "A device's clock that differs by no more is right.")
    clock_same_s: int = setting(
        30, "Times of a device that lag by amounts so close to each other lag by the same amount."
    )
    clock_messages_min: int = setting(
        3, "So many live messages that lag by the same amount prove a clock that is behind."
    )
    clock_span_s: int = setting(
        600, "Over so long at the least: what comes closer together may be a backlog."
    )
    clocks_devices_max: int = setting(
        20_000, "Devices with odd clocks that are remembered; the oldest goes first."
    )
    sos_again_s: int = setting(
        1_800, "A device that says `sos` without a break calls once more every so often."
    )
    sos_devices_max: int = setting(
        20_000, "Devices that say `sos` as a state; the longest silent is forgotten first."
    )
    chatter_burst_messages_max: int = setting(
        20_000, "Messages that a device may send at once before it is thinned; presses never are."
    )
    chatter_messages_per_s_max: float = setting(
        5.0, "Messages a second that a device may send for good."
    )
    chatter_keep_every_s: float = setting(
        2.0, "Of a device that is thinned the newest values are kept so often."
    )
    chatter_calm_s: int = setting(
        300, "A device from which nothing had to be left out for so long chatters no more."
    )
    chatter_devices_max: int = setting(
        50_000, "Devices whose messages are counted at a time; the quiet ones go first."
    )
    chatter_thinned_max: int = setting(
        2_000, "Devices that are thinned at a time; who was silent for longest begins anew first."
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
    edits_keep_days: int = setting(
        1_095, "Who changed what in the register, and who looked at a card, stays so long (ours)."
    )
    work_keep_days: int = setting(
        1_095,
        "Rounds that have ended and inspections stay so long, the last of each always (ours).",
    )
    plans_removed_keep_days: int = setting(
        365, "So long a floor plan that was taken away can come back (ours)."
    )
    notices_keep_days: int = setting(400, "Notices that were sent or given up stay so long.")
    changes_keep_rows: int = setting(
        100_000, "Rows of the live feed that a page may still ask for."
    )
    retention_rows_max: int = setting(5_000, "Rows deleted in one go, so that nobody waits for it.")
    retention_every_s: int = setting(600, "How often old rows are looked for.")
    strangers_max: int = setting(5_000, "Unknown senders that are kept; the oldest goes first.")
    stranger_messages_max: int = setting(5, "Newest messages kept of each unknown sender.")
    device_test_s: int = setting(
        300, "A test of a button ends by itself after so long; until then its next press is a test."
    )
    # what ecosystems announce
    announcements_max: int = setting(
        10_000, "Announcements of devices (parts of documents) that are kept."
    )
    announcement_bytes_max: int = setting(
        65_536, "A larger document of an announcement is refused."
    )
    announced_topics_max: int = setting(
        10_000, "Topics that the hub listens to because they were announced."
    )
    # gateways and the site's link
    gateways_max: int = setting(
        1_000, "Gateways that are known; the unregistered one that was silent longest goes first."
    )
    gateway_silence_s: float = setting(
        1_800.0,
        "A gateway that says nothing itself is gone when nothing has come through it for so long "
        "(our own figure).",
    )
    gateway_silence_gaps: float = setting(
        3.0, "And for so many times its longest usual gap (our own figure)."
    )
    gateway_rhythm_halves_s: float = setting(
        259_200.0, "In such a time the longest usual gap of a gateway halves (our own figure)."
    )
    gateway_messages_min: int = setting(
        20, "An unregistered gateway is judged by its silence after so many messages."
    )
    gateways_write_s: float = setting(5.0, "How often the gateways' figures are written.")
    site_gone_s: float = setting(
        10.0,
        "The site is gone when nothing can come from it for so long: no broker, no bridge, or the "
        "hub itself was not running.",
    )
    site_link_topic: str = setting(
        "",
        "Topic on which the site's bridge says `1` or `0`, such as "
        "`$SYS/broker/connection/NAME/state`; empty: none.",
    )
    supervise_every_s: float = setting(
        0.5, "How often gateways and the site's link are looked after."
    )
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
    clock_set_back_s_min: float = setting(
        5.0, "The machine's clock was set back if it lost so much; less is left to NTP."
    )
    settle_ms: int = setting(
        20, "A timer waits so long for readings that are just being kept before it is due."
    )
    rewind_inputs_max: int = setting(
        128, "Newest inputs a watched thing keeps, to judge late news at its own time."
    )
    # trying rules on the past
    backtest_batch_entries_max: int = setting(
        20_000, "Journal entries that a backtest reads at once."
    )
    backtest_alerts_max: int = setting(
        200_000, "A backtest whose rules open more alerts than that stops and says so."
    )
    backtest_row_entries_max: int = setting(
        60_000,
        "Entries within which a backtest judges the words of a device in a row; 0: never.",
    )
    backtest_processes: int = setting(
        0, "Processes that judge a long past side by side; 0: as many as there are processors."
    )
    backtest_processes_max: int = setting(
        8, "At most so many of them, where their number is that of the processors."
    )
    backtest_side_by_side_entries_min: int = setting(
        150_000, "A shorter past than so many entries is judged by one process: others must start."
    )
    backtest_days_max: int = setting(400, "The longest span of one backtest.")
    backtest_warm_up_h: int = setting(
        48,
        "What came so long before a backtest's span is judged, too, so that it begins with what "
        "was so then; longer where a rule looks back longer (ours).",
    )
    backtest_case_closed_s: int = setting(
        1_800,
        "A backtest thinks that people close the case of an event after so long, where the log "
        "knows of no case (ours).",
    )
    backtest_series_queries_max: int = setting(
        8, "Questions to the time series that a backtest asks at a time."
    )
    backtest_series_days: int = setting(
        2, "Days of all devices that a backtest takes from the time series at once."
    )
    recorded_line_bytes_max: int = setting(
        1_048_576, "Longest line of a file of recorded readings."
    )
    # the rules
    rules_look_s: float = setting(
        1.0, "How often the folder of rules is looked at; what has changed is taken when it rests."
    )
    rules_bytes_max: int = setting(4_194_304, "All files of rules together.")
    rule_sets_keep: int = setting(
        500, "Newest sets of rules that are kept with their texts, for the versions on alerts."
    )
    override_days_max: int = setting(
        400, "An override that is given by page or program may last so long."
    )
    overrides_max: int = setting(
        2_000, "Overrides given by page or program that are in force at a time."
    )
    rule_edits_keep: int = setting(
        200, "Newest edits of each rule that are kept, so that they can be taken back."
    )
    rule_trials_max: int = setting(
        1, "Trials of rules on the past that the pages run at a time, each a process of its own."
    )
    rule_trial_s_max: float = setting(300.0, "Longest time that such a trial may take.")
    rule_trials_kept: int = setting(20, "Ended trials of rules whose results can be asked for.")
    rule_trial_days_max: int = setting(31, "Days back that such a trial may look at.")
    # how devices do over weeks
    survey_every_s: float = setting(60.0, "How often the survey of all devices follows the log.")
    survey_look_s: float = setting(
        3_600.0, "How often rhythm and signal of all devices are looked at."
    )
    survey_batch_entries_max: int = setting(5_000, "Journal entries that the survey takes at once.")
    survey_days_keep: int = setting(400, "Daily figures of each device stay so long.")
    rhythm_days_min: int = setting(
        14, "Days on which a device must have spoken before its expected silence is learned (ours)."
    )
    rhythm_days_max: int = setting(28, "Newest such days that are looked at.")
    rhythm_factor: float = setting(
        2.0, "Expected is so many times the second-longest silence of these days (ours)."
    )
    rhythm_silence_s_min: int = setting(600, "Expected silence is never learned shorter than that.")
    rhythm_silence_s_max: int = setting(
        3_024_000, "Expected silence is never learned longer than that: 35 days."
    )
    signal_recent_days: int = setting(3, "Newest days whose mean signal is looked at.")
    signal_base_days: int = setting(28, "Days before them that say what is usual.")
    signal_base_days_min: int = setting(7, "Fewer of them say nothing.")
    signal_fall_db: float = setting(
        10.0, "A device heard worse by so much is reported: a tenth of the power (ours)."
    )
    signal_fall_lqi: float = setting(50.0, "The same in link quality, 0 to 255 (ours).")
    battery_flat_percent: float = setting(
        5.0, "A button with so little charge is not counted on (ours; it warns at 15 by a rule)."
    )
    battery_low_percent: float = setting(
        15.0, "Below that a battery is to be changed on the next round (ours)."
    )
    battery_changed_percent: float = setting(
        20.0, "A rise by so much from one day to the next is a new battery (ours)."
    )
    battery_soon_days: int = setting(
        30, "A battery that will be empty within so many days belongs to the next round (ours)."
    )
    battery_forecast_days_min: int = setting(
        14, "Days that a forecast of an empty battery must rest on (ours)."
    )
    battery_forecast_samples_min: int = setting(8, "Daily values that it must rest on (ours).")
    battery_forecast_days_max: int = setting(400, "Days back that a forecast looks at the most.")
    # who could call for help
    test_press_days: int = setting(
        31,
        "A button must have been pressed, if only as a test, within so many days to be counted on: "
        "monthly, as two UK providers of telecare do; 0: not asked for.",
    )
    duty_phone_silence_s: int = setting(
        300, "A duty phone that said it is at hand and has not for so long does not answer (ours)."
    )
    own_parts_look_s: float = setting(
        5.0, "How often the hub looks whether its phones and channels are there."
    )
    channel_failures_max: int = setting(
        3, "So many failed tries in a row, or a notice given up, and a channel is a case (ours)."
    )
    # the rota
    rota_warn_s: int = setting(
        43_200, "An absence without a stand-in is a warning so long before its shift (ours)."
    )
    rota_grace_s: int = setting(
        900, "A planned shift that nobody has signed on to is a warning so long after (ours)."
    )
    rota_look_s: float = setting(60.0, "How often the rota is looked at.")
    rota_days_shown: int = setting(14, "Days of the rota that its page shows.")
    # work orders
    proof_late_s: int = setting(
        60,
        "The wait for a device's proof begins anew when its end was missed by more than that: the "
        "hub was not running and could not hear it.",
    )
    upkeep_look_s: float = setting(
        300.0, "How often overdue inspections and ends of life are looked for."
    )
    upkeep_orders_max: int = setting(
        200, "Orders of overdue inspections and ends of life that are raised at one look."
    )
    made_at_hours_max: int = setting(
        168, "A phone's own word on when something was done is shown when it is no older."
    )
    made_at_ahead_s: int = setting(300, "And no more ahead of the hub's clock than that.")
    act_ids_keep_days: int = setting(
        90, "So long an act that a phone or a page sends again is known by its id."
    )
    parts_max: int = setting(50, "Kinds of parts that one act may name.")
    rounds_stops_max: int = setting(500, "Stops of one round.")
    rounds_open_max: int = setting(200, "Rounds that are open at a time.")
    orders_csv_rows_max: int = setting(50_000, "Rows of the table of work orders.")
    # the crew's phone
    crew_orders_max: int = setting(500, "Orders that a crew's phone takes along.")
    crew_closed_h: int = setting(24, "A phone shows what its crew did until so long after.")
    crew_keep_h: int = setting(
        96, "Work that a phone has not been able to look at anew for so long is not shown any more."
    )
    crew_acts_max: int = setting(200, "Acts that may wait on one phone until they can be sent.")
    crew_retry_s_max: int = setting(60, "Longest wait of a phone before it tries to send again.")
    labels_max: int = setting(480, "Labels that are drawn at a time: 20 sheets.")
    # photos
    photo_bytes_max: int = setting(16_777_216, "Largest photo that is taken, as it is sent.")
    photo_pixels_max: int = setting(
        60_000_000, "Most pixels of a photo that is looked at; a phone's largest has 50 million."
    )
    photo_side_pixels: int = setting(1_600, "A kept photo is no wider and no higher than that.")
    photo_quality: int = setting(82, "Quality of the JPEG that is kept, to 95.")
    photos_of_act_max: int = setting(6, "Photos of one act.")
    photos_bytes_max: int = setting(
        5_368_709_120, "All kept photos together; beyond that new ones are refused."
    )
    photos_room_bytes_min: int = setting(
        1_000_000_000,
        "Room that photos leave on the disk for the journal; with less, new ones are refused.",
    )
    photos_keep_days: int = setting(1_095, "Photos stay so long: three years (ours).")
    photos_unused_keep_h: int = setting(48, "A photo that no act names is removed after so long.")
    # reports of people without a log-in
    reports_device_per_h_max: int = setting(
        6, "Reports about one device that are taken in an hour (ours)."
    )
    reports_address_per_h_max: int = setting(
        20, "Reports from one address that are taken in an hour (ours)."
    )
    reports_per_h_max: int = setting(
        300, "Reports without a log-in that are taken in an hour, from everybody (ours)."
    )
    report_photos_max: int = setting(3, "Photos of one report.")
    report_text_characters_max: int = setting(200, "Characters that may be added to a report.")
    report_page_s_min: int = setting(1, "A report that is sent sooner after its page is a robot's.")
    report_page_s_max: int = setting(
        86_400, "A page on which a report can be sent is good so long."
    )
    reports_joined_max: int = setting(
        50, "Reports that one open order takes; further ones only say that it is known."
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
    channels_file: str = setting(
        "",
        "YAML file of further channels: chat groups, mail, phones, sirens (docs/channels.md); "
        "empty: none.",
    )
    merge_gather_s: float = setting(
        0.3, "When a channel's limit is nearly used up, lesser notices gather so long into one."
    )
    merge_notices_max: int = setting(20, "Notices that one merged message lists.")
    public_url: str = setting(
        "",
        "Address under which phones reach the dashboard, such as `https://hub.example.com`; with "
        "it calls carry a link that answers the case. Empty: no links.",
    )
    answer_link_s: int = setting(86_400, "A link that answers a case is good for so long.")
    answer_link_tries_max: int = setting(
        30, "Links that are not ours, per address and minute, before a pause."
    )
    deliver_timeout_s: float = setting(5.0, "Longest wait for a channel's answer.")
    deliver_tries_max: int = setting(12, "Tries of one notice before it is given up, visibly.")
    deliver_retry_min_s: float = setting(1.0, "First wait after a failed notice.")
    deliver_retry_max_s: float = setting(300.0, "Longest wait between two tries.")
    deliver_batch_max: int = setting(200, "Notices taken from the outbox at once.")
    deliver_retry_after_max_s: float = setting(
        3_600.0, "The longest Retry-After of a receiver that is honoured."
    )
    deliver_poll_s: float = setting(5.0, "How often the outbox is looked at when nobody calls.")
    # the press of proof
    canary_every_s: float = setting(
        60.0, "How often the hub presses its own canary, to prove the whole way; 0: never."
    )
    canary_slow_s: float = setting(
        5.0, "A canary that takes longer makes the part `canary` yellow (our own figure)."
    )
    canary_within_s: float = setting(
        90.0, "One that is not back within so long makes it red (our own figure)."
    )
    canary_look_s: float = setting(0.5, "How often the hub looks whether its canary is back.")
    canary_under_way_max: int = setting(
        100, "Presses of proof whose moments are remembered at a time; the oldest goes first."
    )
    canary_keep_days: int = setting(3, "Notices of canaries stay in the outbox so long.")
    # how the hub's parts are
    health_write_every_s: float = setting(5.0, "How often the parts' states are written.")
    health_look_s: float = setting(
        0.5, "How often a changed state is looked for, to be told on `hub/{site}/health`."
    )
    health_changes_max: int = setting(
        100, "Changes of state that wait for a full disk; the oldest goes first."
    )
    calendar_look_s: float = setting(
        3_600.0, "How often is looked whether the holidays of the coming year are known."
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
    shift_hours_max: int = setting(24, "The longest shift that somebody signs on for (ours).")
    out_of_service_days_max: int = setting(
        31, "The longest time that a device may be out of service at once (ours)."
    )
    console_cases_max: int = setting(50, "Cases on one page of the console.")
    case_before_s: int = setting(
        600, "The page of a case shows what its device said from so long before it was raised."
    )
    case_messages_max: int = setting(300, "Messages of its device that the page of a case shows.")
    map_cases_max: int = setting(2_000, "Open cases that the map takes into account.")
    picture_side_px_max: int = setting(10_000, "The longest side of a floor plan's picture.")
    floor_plans_max: int = setting(200, "Floor plans that are kept.")
    presence_keep_s: float = setting(
        25.0, "Whoever has not said so for so long is no longer shown as being at a case."
    )
    presence_tabs_max: int = setting(1_000, "Pages of which it is known at which case they are.")
    bulk_cases_max: int = setting(500, "Cases of one bulk act.")
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
    # by what people and rules are measured: another community has other figures
    target_answer_s: int = setting(
        60, "A call is to be answered within so long (UK telecare's key figure, read second-hand)."
    )
    target_answer_percent: float = setting(
        97.5, "So many of a hundred calls within it (the same source)."
    )
    target_answer_late_s: int = setting(180, "And within so long at the latest (the same source).")
    target_answer_late_percent: float = setting(
        99.0, "So many of a hundred calls within that (the same source)."
    )
    target_on_site_s: int = setting(
        2_700, "Who is sent is to be there within so long (one UK council's published figure)."
    )
    target_on_site_percent: float = setting(
        90.0, "So many of a hundred who are sent within it (the same source)."
    )
    target_on_site_late_s: int = setting(
        3_600, "And within so long at the latest (the same source)."
    )
    target_on_site_late_percent: float = setting(
        100.0, "So many of a hundred who are sent within that (the same source)."
    )
    load_window_s: int = setting(
        600, "Calls per person are counted in windows of so long (ISA-18.2, read second-hand)."
    )
    load_fine_calls: int = setting(
        1, "So many calls per person and window are fine (the same source)."
    )
    load_most_calls: int = setting(
        2, "So many are the most that a person can look after (the same source)."
    )
    load_flood_calls: int = setting(10, "More than so many are a flood (the same source).")
    stale_after_s: int = setting(
        86_400, "An alert that is true for longer is stale (ISA-18.2, read second-hand)."
    )
    stale_alerts_max: int = setting(
        5, "On no day as many stale alerts as that, or more (the same source)."
    )
    chatter_alerts: int = setting(
        3, "A rule that opens so often for one device chatters (ISA-18.2, read second-hand)."
    )
    chatter_alerts_within_s: int = setting(
        600,
        "A rule chatters that opens so often within so long (that source: a minute; this is ours).",
    )
    proposal_spares_percent: float = setting(
        50.0, "A change of a rule is proposed that would have spared so many of a hundred (ours)."
    )
    noisiest_rows_max: int = setting(10, "Rows of each list of what makes the most noise.")
    log_lines_max: int = setting(5_000, "Lines of one grid and day that the daily log shows.")
    usage_every_s: float = setting(60.0, "How often today's use of the machines is counted.")
    usage_wait_s: float = setting(
        0.5, "A page waits so long for that count; then it shows the last one with its age."
    )
    # reports
    report_days_max: int = setting(400, "The longest period of a report.")
    report_cache_s: float = setting(
        300.0, "So long the hours of a period are kept once they were counted from the time series."
    )
    report_periods_cached_max: int = setting(8, "Periods whose counted hours are kept.")
    report_queries_max: int = setting(4, "Questions to the time series at once.")
    report_rows_max: int = setting(500, "Rows of one table of a report; a CSV has all of them.")
    usual_days: int = setting(28, "Days before a period of which its usual day is made.")
    usual_days_min: int = setting(3, "Fewer days of a kind make no usual day (our own figure).")
    usual_known_percent: float = setting(
        50.0, "A machine of which less is known on these days is left out of the usual day (ours)."
    )
    use_known_hours_min: int = setting(
        24,
        "Fewer known hours of a machine tell neither how often it is used a day nor that nobody "
        "uses it (our own figure: nights count).",
    )
    unused_uses: int = setting(
        0, "A machine with no more uses in a period counts as one that nobody uses."
    )
    visit_tags: str = setting(
        "station-day-care,culture",
        "Doors with one of these tags are entrances whose openings are counted as visits, if they "
        "hang at the place itself and not in one of its rooms.",
    )
    visit_from_hour: int = setting(
        6, "Openings before this hour are no visits: day-care stations open at six (ours)."
    )
    visit_until_hour: int = setting(
        22, "Openings from this hour on are none: cultural places are shut by half past nine."
    )
    visit_flutter_s: float = setting(
        3.0, "A door that opens again so soon after closing was not closed: contacts bounce (ours)."
    )
    openings_per_visit: float = setting(
        2.0,
        "So many openings are taken for one visit: in and out again (ours); who enters together "
        "opens once, a door held open counts once, so it is an estimate.",
    )
    # wall screens
    wall_turn_s: int = setting(20, "A wall screen shows each of its pages for so long (ours).")
    wall_figures_every_s: float = setting(
        5.0, "Coverage, doors and devices on wall screens are counted at most so often."
    )
    wall_frozen_after_s: float = setting(
        6.0, "A wall screen's page that has not moved for so long is frozen: it says that it is."
    )
    wall_machines_max: int = setting(6, "Best-used machines that a wall screen lists.")
    screen_silence_s: int = setting(
        60,
        "A wall screen that has not said for so long that it shows what is so is a case (ours).",
    )
    screen_refusal_write_s: float = setting(
        10.0, "Tries of other browsers with a screen's token are written down at most so often."
    )
    screen_refusal_quiet_s: int = setting(
        3_600, "Without another such try for so long it is over (ours)."
    )
    command_wait_s: float = setting(2.0, "How long a request waits for the judge's word.")
    command_poll_ms: int = setting(10, "How often a request looks for the judge's word.")
    child_end_s: float = setting(5.0, "How long a child process may take to end by itself.")
    child_restart_s: float = setting(1.0, "Wait before the pages' process is started again.")
    cookie_secure: bool = setting(False, "Send the session cookie over HTTPS only.")

    @property
    def topic_filters(self) -> list[str]:
        """The filters beside the native ones, `auto` worked out."""
        if self.topics == AUTO:
            return topics_of_all()
        return [topic for topic in self.topics.split(",") if topic]

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
