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
from alembic import command
from alembic.config import Config
from sqlalchemy import Boolean, Column, Float, Index, Integer, LargeBinary, String, Table, Text
from sqlalchemy.engine import Engine

from hub import private_files

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
    Index("alerts_open", "rule", "key", "closed_at_ms"),
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
    Column("version", Integer, nullable=False),  # grows with every change
    Column("changed_ms", Integer, nullable=False),
    Index("cases_open", "closed_at_ms", "raised_at_ms"),
    Index("cases_device", "device", "raised_at_ms"),
    Index("cases_of_rule", "rule", "key", "closed_at_ms"),
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
    sqlite_autoincrement=True,
)

# The outbox: one message to one channel about one case. Retry and give-up are visible here.
notices = Table(
    "notices",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("case_id", String, nullable=False, index=True),
    Column("channel", String, nullable=False),  # mqtt | webhook | log | down
    Column("role", String),
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
    Index("notices_waiting", "state", "due_ms"),
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
)

# The newest value of every point, for pages; the judge flushes it at least once a second.
latest = Table(
    "latest",
    metadata,
    Column("device", String, primary_key=True),
    Column("heard_ms", Integer, nullable=False),
    Column("gateway", String),
    Column("points_json", Text, nullable=False),  # {"contact": ["open", at_ms], …}
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
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", String, primary_key=True),
    Column("user", String, nullable=False),
    Column("expires_ms", Integer, nullable=False),
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


def migrate(engine: Engine) -> None:
    """Bring the database to this version's tables (Alembic, `hub/schema/versions`)."""
    config = Config()
    config.set_main_option("script_location", str(SCHEMA_DIR))
    try:
        make_private(engine)
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except (sa.exc.SQLAlchemyError, OSError) as error:
        raise UnusableDatabase(f"{engine.url}: {error}") from error
