"""The journal: everything that was heard, refused or ordered, in one order, on the disk.

Promises: what `append` returned is on the disk and has a number (`seq`) greater than all before;
numbers have no gaps but where retention removed the oldest. Followers (judge, archive) read on
from a cursor of their own. Format: one row per message, readings as JSON in `body`.
Bounds: `batch_messages_max` rows a commit, `readings_keep_days`, `refusals_keep_days`,
`commands_keep_days`.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from device_drivers.reading import Reading
from hub.database import cursors, journal

READING, REFUSAL, COMMAND = "reading", "refusal", "command"
REDECODE = "redecoded"  # the act of a command behind readings that another process wrote

# Bits of the column `flags`.
RETAINED = 1
PRESS = 2  # holds a press, or may hold one: came from a button
STRANGER = 4  # nobody registered the sender
GATEWAY = 8  # a gateway that nobody registered
WEAK = 16  # gave neither id nor time: equal bytes are no proof of a repeat
BY_ID = 32  # `dedupe` is of the message's own id
# How the moment of its newest reading was found; none of them: it is that of the arrival.
DEVICE_TIME = 64  # as the device says
GATEWAY_TIME = 128  # as gateway or network server say
CORRECTED_TIME = 256  # as the device says, less what its clock is off
REDECODED = 512  # a refusal that was read again, or what came of it
NOTE = 1_024  # a refusal that is a remark on a message that was kept all the same

_TIMES = {CORRECTED_TIME: "corrected", DEVICE_TIME: "device", GATEWAY_TIME: "gateway"}
ARRIVAL = "arrival"

DAY_MS = 86_400_000

_encode = msgspec.json.Encoder().encode
_decode_readings = msgspec.json.Decoder(tuple[Reading, ...]).decode
_decode_body = msgspec.json.Decoder(dict[str, Any]).decode


def time_from(flags: int) -> str:
    """How the moment of an entry was found: device, gateway, corrected or arrival."""
    return next((word for bit, word in _TIMES.items() if flags & bit), ARRIVAL)


def flags_of_time(word: str | None) -> int | None:
    """The bits for such a word, None for none."""
    if word is None:
        return None
    return next((bit for bit, known in _TIMES.items() if known == word), 0)


class Entry(NamedTuple):
    """One line of the journal. `seq` is 0 until it is kept.

    A reading's `at_ms` is never None here. `body` is for refusals and commands.
    """

    seq: int
    kind: str
    device: str | None
    arrived_ms: int
    readings: tuple[Reading, ...] = ()
    body: dict[str, Any] | None = None
    raw: bytes | None = None
    gateway: str | None = None
    flags: int = 0
    dedupe: int | None = None
    link: int | None = None
    packet_id: int | None = None


COLUMNS = [
    "kind",
    "device",
    "arrived_ms",
    "body",
    "raw",
    "gateway",
    "flags",
    "dedupe",
    "link",
    "packet_id",
]
_ROW = f"({', '.join('?' * len(COLUMNS))})"
_INSERT = f"INSERT INTO journal ({', '.join(COLUMNS)}) VALUES {_ROW}"  # noqa: S608 - constant names

# Rows of one statement, where so many wait. The driver lets go of the interpreter for every
# statement, and waits for it again while the event loop is busy: a row each costs half as much
# again. Ten values a row stay far below what SQLite allows in a statement (32,766).
ROWS_AT_ONCE = 200
_INSERT_MANY = _INSERT + f", {_ROW}" * (ROWS_AT_ONCE - 1)
_READ_COLUMNS = [journal.c.seq, *(journal.c[name] for name in COLUMNS)]


def append(connection: Connection, entries: Sequence[Entry]) -> int:
    """Write entries in their order within the caller's transaction; the number of the first.

    The connection must hold the writer's place (`for_writing`), so that the numbers are one run.
    """
    rows = [row_of(entry) for entry in entries]
    whole = len(rows) - len(rows) % ROWS_AT_ONCE
    for start in range(0, whole, ROWS_AT_ONCE):
        values = tuple(chain.from_iterable(rows[start : start + ROWS_AT_ONCE]))
        connection.exec_driver_sql(_INSERT_MANY, values)
    if whole < len(rows):
        connection.exec_driver_sql(_INSERT, rows[whole:])
    return newest(connection) - len(entries) + 1


def row_of(entry: Entry) -> tuple[Any, ...]:
    """The values of `COLUMNS`, as the table keeps them."""
    _, kind, device, arrived_ms, readings, body, *rest = entry
    text = _encode(readings if kind == READING else body).decode()
    return (kind, device, arrived_ms, text, *rest)


def newest(connection: Connection) -> int:
    """The highest number given so far; 0 for an empty journal."""
    found = connection.exec_driver_sql("SELECT max(seq) FROM journal").scalar()
    return 0 if found is None else int(found)


def read(
    connection: Connection, after_seq: int, limit: int, kinds: Iterable[str] = ()
) -> list[Entry]:
    """At most `limit` entries with a number above `after_seq`, in order."""
    query = sa.select(*_READ_COLUMNS).where(journal.c.seq > after_seq)
    if kinds:
        query = query.where(journal.c.kind.in_(list(kinds)))
    return [_entry(row) for row in connection.execute(query.order_by(journal.c.seq).limit(limit))]


def _entry(row: Any) -> Entry:
    seq, kind, device, arrived_ms, body, *rest = row
    if kind == READING:
        return Entry(seq, kind, device, arrived_ms, _decode_readings(body), None, *rest)
    return Entry(seq, kind, device, arrived_ms, (), _decode_body(body), *rest)


def newest_first(connection: Connection, kind: str, span_ms: int) -> Iterator[Entry]:
    """Entries of a kind that came within so long before the newest of all, the newest first."""
    query = sa.select(*_READ_COLUMNS).where(journal.c.kind == kind).order_by(journal.c.seq.desc())
    since_ms = None
    for row in connection.execution_options(yield_per=ROWS_AT_ONCE).execute(query):
        entry = _entry(row)
        since_ms = entry.arrived_ms - span_ms if since_ms is None else since_ms
        if entry.arrived_ms < since_ms:
            return
        yield entry


def cursor(connection: Connection, follower: str) -> int:
    """How far a follower has come; 0 at the beginning."""
    query = sa.select(cursors.c.seq).where(cursors.c.follower == follower)
    return connection.execute(query).scalar() or 0


def passed_ms(connection: Connection, follower: str) -> int:
    """Up to when a follower has judged time itself; 0 at the beginning."""
    query = sa.select(cursors.c.now_ms).where(cursors.c.follower == follower)
    return connection.execute(query).scalar() or 0


def move_cursor(connection: Connection, follower: str, seq: int, now_ms: int = 0) -> None:
    """Note that a follower has done everything up to `seq`."""
    connection.exec_driver_sql(
        "INSERT INTO cursors (follower, seq, now_ms) VALUES (?, ?, ?) "
        "ON CONFLICT (follower) DO UPDATE SET seq = excluded.seq, now_ms = excluded.now_ms",
        (follower, seq, now_ms),
    )


def name_followers(connection: Connection, followers: Iterable[str]) -> None:
    """See that each has a cursor: `forget` spares what one that never came so far has not read."""
    for follower in followers:
        connection.exec_driver_sql(
            "INSERT INTO cursors (follower, seq) VALUES (?, 0) ON CONFLICT (follower) DO NOTHING",
            (follower,),
        )


def forget(connection: Connection, kind: str, before_ms: int, rows_max: int) -> int:
    """Remove the oldest entries of a kind that every follower has passed; how many went."""
    passed = sa.select(sa.func.min(cursors.c.seq)).scalar_subquery()
    old = (
        sa.select(journal.c.seq)
        .where(journal.c.kind == kind, journal.c.arrived_ms < before_ms, journal.c.seq <= passed)
        .order_by(journal.c.seq)
        .limit(rows_max)
    )
    return connection.execute(journal.delete().where(journal.c.seq.in_(old))).rowcount


class Journal:
    """The reading side for followers: blocking calls, to be made in a thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def read(self, after_seq: int, limit: int, kinds: Iterable[str] = ()) -> list[Entry]:
        """See the function `read`."""
        with self._engine.connect() as connection:
            return read(connection, after_seq, limit, kinds)

    def cursor(self, follower: str) -> int:
        """See the function `cursor`."""
        with self._engine.connect() as connection:
            return cursor(connection, follower)

    def newest(self) -> int:
        """See the function `newest`."""
        with self._engine.connect() as connection:
            return newest(connection)

    def of_buttons(self, after_seq: int, until_seq: int, limit: int) -> list[Entry]:
        """Readings of buttons between two numbers, by an index of their own; at most `limit`."""
        theirs = sa.and_(journal.c.flags.op("&")(sa.literal_column("2")), journal.c.kind == READING)
        return self._between(theirs, after_seq, until_seq, limit)

    def of_others(self, after_seq: int, until_seq: int, limit: int) -> list[Entry]:
        """Readings of all other devices between two numbers; at most `limit`."""
        others = sa.and_(
            journal.c.kind == READING, sa.not_(journal.c.flags.op("&")(sa.literal_column("2")))
        )
        return self._between(others, after_seq, until_seq, limit)

    def _between(self, which: Any, after_seq: int, until_seq: int, limit: int) -> list[Entry]:
        span = sa.and_(journal.c.seq > after_seq, journal.c.seq <= until_seq)
        query = sa.select(*_READ_COLUMNS).where(which, span).order_by(journal.c.seq).limit(limit)
        with self._engine.connect() as connection:
            return [_entry(row) for row in connection.execute(query)]
