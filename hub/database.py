"""The database: tables, connections, migrations. Stores say what the rows mean.

SQLite in WAL mode with `synchronous=FULL`: what is committed is on the disk. The hub writes
through one connection of one thread (`Writer` in `hub/writer.py`); the dashboard's process has a
connection of its own and waits for its turn (`busy_timeout`). All moments are milliseconds since
1970, UTC; all `*_json` columns and `body` are UTF-8 JSON.
"""

import sqlite3
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Boolean, Column, Float, Index, Integer, LargeBinary, String, Table, Text
from sqlalchemy.engine import Connection, Engine

from hub import private_files
from hub.natural import COLLATION, compare

BUSY_TIMEOUT_MS = 5_000
SCHEMA_DIR = Path(__file__).parent / "schema"

metadata = sa.MetaData()

# The one log. `seq` grows by one and is never used twice.
# kind: "reading" | "refusal" | "command".
journal = Table(
    "journal",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("kind", String, nullable=False),
    Column("device", String),  # the register's id; for a stranger its address
    Column("arrived_ms", Integer, nullable=False),
    # reading: [[point, value, at_ms, unit|null], …]   refusal: {"topic","reason","address"}
    # command: {"act", "by", …}
    Column("body", Text, nullable=False),
    Column("raw", LargeBinary),  # refusals: the payload as it came
    Column("gateway", String),
    Column("flags", Integer, nullable=False, server_default="0"),  # bits: see hub/journal.py
    Column("dedupe", Integer),  # 64 bits: the same number is the same message
    Column("link", Integer),  # which connection it came by: 0 buttons, 1 all others
    Column("packet_id", Integer),  # of MQTT, to recognise a redelivery without an id
    Index("journal_commands", "seq", sqlite_where=sa.text("kind = 'command'")),
    Index("journal_refusals", "seq", sqlite_where=sa.text("kind = 'refusal'")),
    Index("journal_buttons", "seq", sqlite_where=sa.text("flags & 2")),
    sqlite_autoincrement=True,
)

# How far each follower of the journal has come. `now_ms`: up to when time itself was judged.
cursors = Table(
    "cursors",
    metadata,
    Column("follower", String, primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("now_ms", Integer, nullable=False, server_default="0"),
)

# What the judge knows, a row per watched thing, so that a restart need not read the whole journal.
standings = Table(
    "standings",
    metadata,
    Column("key", String, primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("state", LargeBinary, nullable=False),
)

# Sets of rules as the judge was given them, the texts of their files included: what is in force is
# the one that was applied last, whatever stands in the folder by now.
rule_sets = Table(
    "rule_sets",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("digest", String, nullable=False),  # of names and texts of the files
    Column("files_json", Text, nullable=False),  # {"entrances.yaml": text, …}
    Column("by", String, nullable=False),  # who asked for it; "hub": the files had changed
    Column("asked_ms", Integer, nullable=False),
    Column("seq", Integer),  # its command in the journal, or the newest entry when the hub began
    Column("applied_ms", Integer),  # NULL: the judge has not taken it, or refused it
    Column("versions_json", Text),  # {"door-held-open": version, …}
    Column("diff_json", Text),  # {"added": […], "changed": […], "removed": […]}
    Index("rule_sets_applied", "applied_ms"),
    sqlite_autoincrement=True,
)

# A rule is meant otherwise for some devices, for a while; those of files stand in the files.
overrides = Table(
    "overrides",
    metadata,
    Column("id", Integer, primary_key=True),  # the number of its command in the journal
    Column("rule", String, nullable=False),
    # {"rule", "device"|"resident"|"place"|"tags", "set"|"off", "reason", "by", "until"}
    Column("body_json", Text, nullable=False),
    Column("by", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("since_ms", Integer, nullable=False),
    Column("until_ms", Integer, nullable=False),
    Column("ended_by", String),  # who ended it before its time
    Index("overrides_until", "until_ms"),
)

# What people changed in the files of rules by the page: a rule's own lines before and after.
rule_edits = Table(
    "rule_edits",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("rule", String, nullable=False),
    Column("file", String, nullable=False),
    Column("by", String, nullable=False),
    Column("at_ms", Integer, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("undoes", Integer),  # the edit that was taken back by it
    Index("rule_edits_of_rule", "rule"),
    sqlite_autoincrement=True,
)

# A rule is true of something, from then until then.
alerts = Table(
    "alerts",
    metadata,
    Column("id", String, primary_key=True),  # rule|key|opened_at_ms
    Column("rule", String, nullable=False),
    Column("rule_version", String, nullable=False),
    Column("key", String, nullable=False),  # the device, or the value of `same`
    Column("device", String),
    Column("severity", String, nullable=False),
    Column("category", String, nullable=False),
    Column("opened_at_ms", Integer, nullable=False),
    Column("closed_at_ms", Integer),
    Column("taken_back", Boolean, nullable=False, server_default=sa.false()),
    Column("opened_heard_ms", Integer, nullable=False),
    Column("closed_heard_ms", Integer),
    Column("why_zh", Text, nullable=False),
    Column("why_en", Text, nullable=False),
    Column("case_id", String),
    # live: people are told. shadow: its rule is on trial, and nobody is.
    Column("mode", String, nullable=False, server_default="live"),
    Column("times", Integer, nullable=False, server_default="1"),  # opened, and happened again
    Index("alerts_open", "rule", "key", "closed_at_ms"),
    Index("alerts_opened", "opened_heard_ms"),
    Index("alerts_closed", "closed_heard_ms"),
)

# What people do about an alert. One row is the present state; `case_log` is its story.
cases = Table(
    "cases",
    metadata,
    Column("id", String, primary_key=True),  # short, sayable on the phone: "C-000123"
    Column("rule", String, nullable=False),
    Column("key", String, nullable=False),
    Column("device", String),
    Column("family", String),
    Column("severity", String, nullable=False),  # emergency | urgent | warning | notice
    Column(
        "category", String, nullable=False
    ),  # emergency | welfare | security | fault | maintenance
    Column("response", String, nullable=False),
    Column("place", String),
    Column("grid", String),
    Column("resident_id", String),
    Column("title_zh", Text, nullable=False),
    Column("title_en", Text, nullable=False),
    Column("why_zh", Text, nullable=False),
    Column("why_en", Text, nullable=False),
    # raised → answered → dispatched → on_site → dealt_with → called_back → closed
    Column("state", String, nullable=False),
    Column("active", Boolean, nullable=False),  # is the alert true right now?
    Column("times", Integer, nullable=False),  # how often: a second press of an open case adds one
    Column("raised_at_ms", Integer, nullable=False),  # when it happened
    Column("heard_at_ms", Integer, nullable=False),  # when the hub knew
    Column("answered_at_ms", Integer),
    Column("answered_by", String),
    Column("dispatched_at_ms", Integer),
    Column("dispatched_to", String),
    Column("arrived_at_ms", Integer),
    Column("called_back_at_ms", Integer),
    Column("closed_at_ms", Integer),
    Column("closed_by", String),
    Column("outcome", String),
    Column("shelved_until_ms", Integer),
    Column("shelved_reason", String),
    Column("shelved_by", String),
    Column("handed_to", String),  # 120, 119
    Column("handed_at_ms", Integer),
    Column("called_seq", Integer),  # the journal entry and the moment of the newest press
    Column("called_at_ms", Integer),
    Column("cancelled_at_ms", Integer),  # its button said "cancel" after that
    Column("muted", String),  # why nobody is told: out_of_service
    # Of a work order: how urgent (1 first), of which kind, who depends on it; the work that a
    # proof must be newer than, who did it, what the device showed, until when that is waited for.
    Column("priority", Integer),
    Column("trouble", String),
    Column("depends", String),
    Column("work_since_ms", Integer),
    Column("work_seq", Integer),
    Column("work_base", Float),
    Column("done_at_ms", Integer),
    Column("done_by", String),
    Column("done_phone", String),
    Column("shown_at_ms", Integer),
    Column("shown", String),
    Column("proof_until_ms", Integer),
    Column("reopened", Integer, nullable=False, server_default="0"),
    Column("version", Integer, nullable=False),  # grows with every change
    Column("changed_ms", Integer, nullable=False),
    Index("cases_open", "closed_at_ms", "raised_at_ms"),
    Index("cases_device", "device", "raised_at_ms"),
    Index("cases_of_rule", "rule", "key", "closed_at_ms"),
    Index("cases_heard", "heard_at_ms"),
)

case_log = Table(
    "case_log",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("case_id", String, nullable=False, index=True),
    Column("seq", Integer),  # the journal entry that brought it; None for the passing of time
    Column("at_ms", Integer, nullable=False),
    Column("heard_ms", Integer, nullable=False),
    # raised, again, ended (the alert is no longer true), taken_back, answer, dispatch, arrive,
    # note, confirm, close, shelve, refused
    Column("what", String, nullable=False),
    Column("by", String),
    Column("text", Text),
    Column("body_json", Text),
    Index("case_log_at", "at_ms"),
    Index("case_log_heard", "heard_ms"),
    sqlite_autoincrement=True,
)

# Acts that a phone named itself, so that one that is sent again is done once.
client_acts = Table(
    "client_acts",
    metadata,
    Column("id", String, primary_key=True),
    Column("by", String, nullable=False),  # the account that sent it
    Column("digest", String, nullable=False),  # of what was asked for
    Column("seq", Integer, nullable=False),  # its command in the journal
    Column("at_ms", Integer, nullable=False),
    Index("client_acts_at", "at_ms"),
)

# Photos by their content; the files lie in the data folder.
photos = Table(
    "photos",
    metadata,
    Column("id", String, primary_key=True),  # of the file's bytes: SHA-256, the first half
    Column("at_ms", Integer, nullable=False),
    Column("by", String),  # None: somebody without a log-in
    Column("size", Integer, nullable=False),  # bytes
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("seq", Integer),  # the command that names it; None: none does so far
    Index("photos_at", "at_ms"),
)

# Inspections that were done: a row each, with every answer.
inspections_done = Table(
    "inspections_done",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),  # its command in the journal
    Column("inspection", String, nullable=False),
    Column("subject", String, nullable=False),  # device:c-1 | ground:g1 | place:b3/u1
    Column("day", String, nullable=False),  # in the site's zone
    Column("at_ms", Integer, nullable=False),
    Column("made_at_ms", Integer),  # as the phone says
    Column("by", String, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("answers_json", Text, nullable=False),  # [{"item","answer","note","photos"}, …]
    Index("inspections_done_of", "inspection", "subject", "day"),
)

# Since which day the hub knows of an inspection: what was missed before was not its affair.
inspections_known = Table(
    "inspections_known",
    metadata,
    Column("inspection", String, primary_key=True),
    Column("day", String, nullable=False),  # in the site's zone
)

# Walks through a grid or ground with what is to be done there.
rounds = Table(
    "rounds",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # its command in the journal
    Column("grid", String),
    Column("ground", String),
    Column("by", String, nullable=False),
    Column("started_ms", Integer, nullable=False),
    Column("ended_ms", Integer),
    Column("ended_by", String),
    Column("stops_json", Text, nullable=False),
    Index("rounds_started", "started_ms"),
)

# Where an open case stands on its response plan, and who was told by a step of it.
escalations = Table(
    "escalations",
    metadata,
    Column("case_id", String, primary_key=True),
    Column("plan", String, nullable=False),
    Column("state_json", Text, nullable=False),
)

# Who is signed on to which role, by whom that was said, and since and until when.
shifts = Table(
    "shifts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("role", String, nullable=False),
    Column("grid", String),
    Column("person", String, nullable=False),
    Column("since_ms", Integer, nullable=False),
    Column("until_ms", Integer, nullable=False),  # moved forward by signing off
    Column("by", String, nullable=False),
    Column("ended_ms", Integer),  # when its end was looked after: its cases went back
    Column("ended_by", String),
    Index("shifts_until", "until_ms"),
    Index("shifts_of_grid", "grid", "until_ms", "since_ms", "person"),
    sqlite_autoincrement=True,
)

# What people add to a grid's daily log: triggers of the database refuse every change of a row.
remarks = Table(
    "remarks",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("seq", Integer, nullable=False),  # its command in the journal
    Column("grid", String, nullable=False),  # "-": of no grid
    Column("day", String, nullable=False),  # which it is about, 2026-11-25, in the site's zone
    Column("at_ms", Integer, nullable=False),
    Column("by", String, nullable=False),
    Column("text", Text, nullable=False),
    Index("remarks_day", "day", "grid"),
    sqlite_autoincrement=True,
)

# Who is planned to be on duty when. `absent_reason`: will not come, and nobody instead is known.
rota = Table(
    "rota",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("role", String, nullable=False),
    Column("grid", String),
    Column("person", String, nullable=False),
    Column("since_ms", Integer, nullable=False),
    Column("until_ms", Integer, nullable=False),
    Column("instead_of", String),  # who was planned before a swap
    Column("absent_reason", Text),
    Column("by", String, nullable=False),
    Column("changed_ms", Integer, nullable=False),
    Index("rota_since", "since_ms"),
    sqlite_autoincrement=True,
)

# What the hub said last of its own phones and channels: see hub/own_parts.py.
own_words = Table(
    "own_words",
    metadata,
    Column("part", String, primary_key=True),  # phone:grid-3, channel:webhook
    Column("online", Boolean, nullable=False),
    Column("at_ms", Integer, nullable=False),
)

# Devices of which nobody is told until then, but in an emergency; see rules/mute.py.
out_of_service = Table(
    "out_of_service",
    metadata,
    Column("device", String, primary_key=True),
    Column("since_ms", Integer, nullable=False),
    Column("until_ms", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", String, nullable=False),
)

# The outbox: one message to one channel about one case. Retry and give-up are visible here.
notices = Table(
    "notices",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("case_id", String, nullable=False, index=True),
    Column("channel", String, nullable=False),  # mqtt | webhook | log | down | calls | …
    Column("role", String),
    Column("recipient", String),  # a contact of the roster: duty-phone:grid-3
    Column("address", String),  # on the channel, where it needs one
    Column("ways_json", Text),  # of a call: the ways that are left if this one fails
    Column(
        "reason", String, nullable=False
    ),  # opened, again, changed, ended, taken_back, closed, …
    Column("body_json", Text, nullable=False),
    Column("created_ms", Integer, nullable=False),
    Column("due_ms", Integer, nullable=False),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("state", String, nullable=False, server_default="waiting"),  # waiting | sent | given_up
    Column("done_ms", Integer),
    Column("last_error", Text),
    Column("note", String),  # unconfirmed: handed on, and nobody knows whether it came
    Column("answer_seq", Integer),  # the command of the journal by which its link was used
    Index("notices_waiting", "state", "due_ms"),
    Index("notices_done", "state", "done_ms"),
    sqlite_autoincrement=True,
)

# What pages are told, in order. SSE's event id is `id`.
changes = Table(
    "changes",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("kind", String, nullable=False),  # case | device | notice | health
    Column("key", String, nullable=False),
    Column("body_json", Text, nullable=False),
    Column("at_ms", Integer, nullable=False),
    sqlite_autoincrement=True,
)

# What the judge said of a person's command. The API waits for this row.
command_results = Table(
    "command_results",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("ok", Boolean, nullable=False),
    Column("body_json", Text, nullable=False),  # {"case": …} or {"code", "reason_zh", "reason_en"}
)

devices = Table(
    "devices",
    metadata,
    Column("id", String, primary_key=True),
    Column("family", String, nullable=False),  # button | door | counter | gateway
    Column("driver", String, nullable=False),
    Column("address", String, nullable=False, unique=True),  # as the driver's envelope names it
    Column("name_zh", String, nullable=False),
    Column("name_en", String, nullable=False),
    Column("place", String),
    Column("grid", String),
    Column("ground", String),
    Column("tags_json", Text, nullable=False, server_default="[]"),
    Column("resident_id", String),
    Column("gateway", String),  # learned from its messages, or set by hand
    Column("expected_silence_s", Integer),
    Column("code", String, unique=True),  # behind its QR code: /d/{code}
    Column("added_ms", Integer, nullable=False),
    Column("maker", String),
    Column("model", String),
    Column("pulses_per_use", Integer),  # of a counter: so many pulses are one use; None: one
    Column("cell", String),  # the kind of cell in it, by the names of hub/cells.py; None: driver's
    Column("topic", String),  # of its newest message: where downlinks are derived from
)

# A device that was swapped for another. Its address is no stranger's and no device's: who speaks
# from it is a ghost.
ghosts = Table(
    "ghosts",
    metadata,
    Column("address", String, primary_key=True),
    Column("device", String, nullable=False),  # the register's id, which its successor has now
    Column("driver", String, nullable=False),
    Column("family", String, nullable=False),
    Column("swapped_ms", Integer, nullable=False),
    Column("swapped_by", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("heard_ms", Integer),  # since the swap; None: it is quiet
    Column("messages", Integer, nullable=False, server_default="0"),
)

# Who put a device into service, and how it was then.
commissionings = Table(
    "commissionings",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("device", String, nullable=False, index=True),
    Column("address", String, nullable=False),
    Column("why", String, nullable=False),  # adopted | imported | swapped | tested
    Column("at_ms", Integer, nullable=False),
    Column("by", String, nullable=False),
    Column("place", String),
    Column("resident_id", String),
    Column("gateway", String),
    Column("rssi", Float),
    Column("snr", Float),
    Column("lqi", Float),
    Column("test_press_ms", Integer),  # when its test press was heard; None: it was not pressed
    Column("test_press", String),  # which kind of press it was
    Column("test_delay_ms", Integer),  # from the press, by device or network, to the hub
    Column("note", Text),
    sqlite_autoincrement=True,
)

# The newest test of each button: see hub/trials.py.
trials = Table(
    "trials",
    metadata,
    Column("device", String, primary_key=True),
    Column("seq", Integer, nullable=False),  # its command in the journal
    Column("by", String, nullable=False),
    Column("since_ms", Integer, nullable=False),
    Column("until_ms", Integer, nullable=False),
    Column("heard_ms", Integer),  # when its one press was heard
)

# What ecosystems say of their devices beforehand (`device_drivers.driver.Announcement`).
announcements = Table(
    "announcements",
    metadata,
    Column("key", String, primary_key=True),
    Column("part", String, primary_key=True),
    Column("driver", String, nullable=False),
    Column("document_json", Text, nullable=False),
    Column("topics_json", Text, nullable=False, server_default="[]"),
    Column("address", String),
    Column("family", String),
    Column("name", String),
    Column("maker", String),
    Column("model", String),
    Column("guess", String),  # the driver that it names for the device's own messages
    Column("at_ms", Integer, nullable=False),
    Index("announcements_address", "address"),
)

# Gateways that messages named, whether registered or not; and a row `@site` about the site's link.
gateways = Table(
    "gateways",
    metadata,
    Column("id", String, primary_key=True),  # as in `journal.gateway`
    Column("ecosystem", String, nullable=False),  # native | lorawan | zigbee2mqtt | …
    Column("first_ms", Integer, nullable=False),
    Column("heard_ms", Integer, nullable=False),  # itself, or a device through it
    Column("messages", Integer, nullable=False),
    Column(
        "says_itself", Boolean, nullable=False, server_default=sa.false()
    ),  # a status of its own
    Column("rhythm_ms", Integer),  # the longest usual gap between two messages through it
    Column("gone_ms", Integer),  # since when, by the hub's own word; None: it is there
)

# How far each counter has really counted; written in one transaction with the readings.
counters = Table(
    "counters",
    metadata,
    Column("device", String, primary_key=True),
    Column("point", String, primary_key=True),
    Column("state_json", Text, nullable=False),
    Column("turn", Integer, nullable=False),  # of two rows of the same counter the higher is newer
)

# Devices that say `sos` until it is taken back: what each said last, and when it last counted.
lasting_calls = Table(
    "lasting_calls",
    metadata,
    Column("device", String, primary_key=True),  # its address
    Column("on", Boolean, nullable=False),
    Column("at_ms", Integer, nullable=False),
    Column("called_ms", Integer),
    Column("turn", Integer, nullable=False),
)

# Devices that talk too much, with what of their words is not in the journal yet.
chatterers = Table(
    "chatterers",
    metadata,
    Column("device", String, primary_key=True),
    Column("state_json", Text, nullable=False),
)

# How far a device's clock is off, as its messages show.
clocks = Table(
    "clocks",
    metadata,
    Column("device", String, primary_key=True),
    Column("offset_ms", Integer, nullable=False),  # its clock less the right time
    Column("since_ms", Integer),  # from when it is corrected; None: it is right
    Column("heard_ms", Integer, nullable=False),
    Column("state_json", Text, nullable=False),
)

# One row a device and day of the site: what the survey has seen of it.
device_days = Table(
    "device_days",
    metadata,
    Column("device", String, primary_key=True),
    Column("day", String, primary_key=True),  # 2026-11-25, in the site's zone
    Column("messages", Integer, nullable=False),
    Column("battery", Float),  # the last of the day, percent
    Column("battery_v", Float),
    Column("rssi_sum", Float, nullable=False, server_default="0"),
    Column("rssi_count", Integer, nullable=False, server_default="0"),
    Column("snr_sum", Float, nullable=False, server_default="0"),
    Column("snr_count", Integer, nullable=False, server_default="0"),
    Column("lqi_sum", Float, nullable=False, server_default="0"),
    Column("lqi_count", Integer, nullable=False, server_default="0"),
    Column("test_presses", Integer, nullable=False, server_default="0"),
    Index("device_days_day", "day"),
)

# The rhythm in which a device speaks, and the silence that is expected of it by that.
rhythms = Table(
    "rhythms",
    metadata,
    Column("device", String, primary_key=True),
    Column("heard_ms", Integer, nullable=False),
    Column("gaps", Integer, nullable=False),
    Column("since_ms", Integer, nullable=False),
    Column("learned_s", Integer),  # None: not enough is known
    Column("state_json", Text, nullable=False),
)

# The duty phones of the grids, as they say that somebody has them at hand.
duty_phones = Table(
    "duty_phones",
    metadata,
    Column("grid", String, primary_key=True),
    Column("heard_ms", Integer, nullable=False),
    Column("by", String),
)

# The wall screens, by the names of their tokens: see hub/screens.py.
screens = Table(
    "screens",
    metadata,
    Column("name", String, primary_key=True),
    Column("key_hash", String),  # of the browser that it belongs to; None: to nobody yet
    Column("bound_ms", Integer),
    Column("heard_ms", Integer),
    Column("shown_ms", Integer),  # when it last said that it shows what is so
    Column("page", String),
    Column("live", Boolean),
    Column("data_ms", Integer),  # of when what it shows is
    Column("frozen_ms", Integer),
    Column("edition", String),
    Column("size", String),
    Column("refused_ms", Integer),  # when another browser came with its token
    Column("refused_by", String),
)

# The newest value of every point, for pages; the judge flushes it at least once a second.
latest = Table(
    "latest",
    metadata,
    Column("device", String, primary_key=True),
    Column("heard_ms", Integer, nullable=False),
    Column("gateway", String),
    Column("points_json", Text, nullable=False),  # {"contact": ["open", at_ms], …}
    Column("time_from", String),  # of its newest message: device | gateway | corrected | arrival
)

residents = Table(
    "residents",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("birth_year", Integer),
    Column("place", String, nullable=False),
    Column("grid", String),
    Column("phone", String),
    Column("tags_json", Text, nullable=False, server_default="[]"),
    Column("contacts_json", Text, nullable=False, server_default="[]"),
    Column("notes", Text),
    Column("mobility", Text),  # what whoever comes has to know: a wheelchair, hard of hearing
    Column("key_holder", Text),  # who has a key to the door, with a phone number
)

# Who has looked at a resident's card, and about which case.
looks = Table(
    "looks",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("resident_id", String, nullable=False),
    Column("case_id", String),
    Column("at_ms", Integer, nullable=False),
    Column("by", String, nullable=False),
    Column("phone", String),
    Index("looks_of_resident", "resident_id", "id"),
    Index("looks_of_case", "case_id"),
    sqlite_autoincrement=True,
)

# Who changed what in the register or on a floor plan: the fields before and after.
register_edits = Table(
    "register_edits",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("kind", String, nullable=False),  # devices | residents | … | plan_marks
    Column("key", String, nullable=False),
    Column("by", String, nullable=False),
    Column("at_ms", Integer, nullable=False),
    Column("before_json", Text),  # the fields that changed; NULL: it was not there
    Column("after_json", Text),  # NULL: it is not there any more
    Column("undoes", Integer),  # the edit that was taken back by it
    Index("register_edits_of", "kind", "key", "id"),
    sqlite_autoincrement=True,
)

# Pictures of floors or buildings on which devices are placed by hand.
floor_plans = Table(
    "floor_plans",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", String, nullable=False),
    Column("place", String),  # what it shows, such as a building
    Column("media_type", String, nullable=False),  # image/png | image/jpeg
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("picture", LargeBinary, nullable=False),
    Column("added_ms", Integer, nullable=False),
    Column("added_by", String, nullable=False),
    Column("removed_ms", Integer),
    Column("removed_by", String),
    sqlite_autoincrement=True,
)

# Where a device hangs on a floor plan, 0 … 1 of its width and height.
plan_marks = Table(
    "plan_marks",
    metadata,
    Column("plan_id", Integer, primary_key=True, autoincrement=False),
    Column("device", String, primary_key=True),
    Column("x", Float, nullable=False),
    Column("y", Float, nullable=False),
)

places = Table(
    "places",
    metadata,
    Column("path", String, primary_key=True),  # b3/u1/1204
    Column("kind", String, nullable=False),  # home | entrance | ground | station | shop | …
    Column("name_zh", String, nullable=False),
    Column("name_en", String, nullable=False),
    Column("grid", String),
    Column("x", Float),  # on the site's plan, 0 … 1
    Column("y", Float),
)

grids = Table(
    "grids",
    metadata,
    Column("id", String, primary_key=True),
    Column("name_zh", String, nullable=False),
    Column("name_en", String, nullable=False),
    Column("leader", String),
    Column("phone", String),  # the shared duty phone
)

# A sender that nobody registered, kept once, with its newest messages.
strangers = Table(
    "strangers",
    metadata,
    Column("address", String, primary_key=True),
    Column("family", String),
    Column("driver", String),  # a guess, may be empty
    Column("topic", String, nullable=False),
    Column("first_ms", Integer, nullable=False),
    Column("last_ms", Integer, nullable=False),
    Column("messages", Integer, nullable=False),
    Column(
        "newest_json", Text, nullable=False
    ),  # [{"at_ms", "readings"|"refused"}, …] newest first
    Column("ignored_ms", Integer),  # since when somebody says that it is not ours
    Column("ignored_by", String),
)

# Points that InfluxDB refused, with the server's own words.
dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("seq", Integer, nullable=False),
    Column("line", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("at_ms", Integer, nullable=False),
    Index("dead_letters_once", "seq", "line", unique=True),
    sqlite_autoincrement=True,
)

users = Table(
    "users",
    metadata,
    Column("name", String, primary_key=True),
    Column("role", String, nullable=False),  # staff | crew | admin
    Column("password_hash", String, nullable=False),
    Column("added_ms", Integer, nullable=False),
    Column("pin_hash", String),  # to sign on at a shared phone; None: cannot
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", String, primary_key=True),
    Column("user", String, nullable=False),
    Column("expires_ms", Integer, nullable=False),
    Column("shift", Integer),  # who is signed on at this phone, while that shift runs
)

tokens = Table(
    "tokens",
    metadata,
    Column("token_hash", String, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("role", String, nullable=False),  # staff | crew | admin | wall | program
    Column("added_ms", Integer, nullable=False),
)

# How the hub's parts are, for /readyz, /metrics and the pages; each loop writes its own row.
health = Table(
    "health",
    metadata,
    Column("part", String, primary_key=True),  # ingest-buttons, journal, judge, archive, deliver, …
    Column("state", String, nullable=False),  # green | yellow | red
    Column("text_zh", String, nullable=False),
    Column("text_en", String, nullable=False),
    Column("figures_json", Text, nullable=False, server_default="{}"),
    Column("at_ms", Integer, nullable=False),
)


class UnusableDatabase(Exception):
    """The database cannot be opened or migrated; the text is for a person."""


def only_sqlite(url: str) -> str:
    """Why this URL is refused; only its scheme is repeated, the rest may hold a password."""
    scheme = url.partition("://")[0] if "://" in url else "an address without a scheme"
    return (
        f"HUB_DATABASE_URL: expected sqlite:///PATH, not {scheme}: the log is one file beside the "
        "hub, so that no other server can be away when somebody presses "
        "(docs/decisions/0003-sqlite-wal-full.md)"
    )


def open_engine(url: str) -> Engine:
    """An engine for `url`. Raises `UnusableDatabase` for every kind but SQLite."""
    if not url.startswith("sqlite:///"):
        raise UnusableDatabase(only_sqlite(url))
    engine = sa.create_engine(url, connect_args={"isolation_level": None})
    sa.event.listen(engine, "connect", _set_pragmas)
    sa.event.listen(engine, "begin", _begin)
    return engine


def make_private(engine: Engine) -> None:
    """Close the database's file to other users, making it if need be. Raises OSError."""
    if engine.url.database:
        private_files.make_file(Path(engine.url.database))


def for_writing(engine: Engine) -> Engine:
    """The same database, its transactions taking the writer's place from their first moment.

    A transaction that reads first and writes later would be refused, not queued, when another
    process wrote in between.
    """
    return engine.execution_options(immediate=True)


def _begin(connection: sa.engine.Connection) -> None:
    options = connection.get_execution_options()
    if options.get("isolation_level") != "AUTOCOMMIT":  # else each statement sees the newest
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("immediate") else "BEGIN")


def _set_pragmas(connection: sqlite3.Connection, _record: Any) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_TIMEOUT_MS}"):
        connection.execute(f"PRAGMA {pragma}")
    connection.create_collation(COLLATION, compare)


def migrate(engine: Engine) -> None:
    """Bring the database to this version's tables (Alembic, `hub/schema/versions`)."""
    try:
        make_private(engine)
        with engine.begin() as connection:
            if not _is_newest(connection):
                _upgrade(connection)
    except (sa.exc.SQLAlchemyError, OSError) as error:
        raise UnusableDatabase(f"{engine.url}: {error}") from error


def _is_newest(connection: Connection) -> bool:
    if not sa.inspect(connection).has_table("alembic_version"):
        return False
    kept = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars()
    newest = max(file.name for file in (SCHEMA_DIR / "versions").glob("[0-9]*.py"))
    return [number.partition("_")[0] for number in kept] == [newest.partition("_")[0]]


def _upgrade(connection: Connection) -> None:
    # Loaded only when there is something to do: after a crash every tenth of a second counts.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(SCHEMA_DIR))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
