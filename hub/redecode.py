"""Refusals read again, after a driver was mended or a device got the right one.

The refusals lie in the journal with their bytes. Those that are understood now become readings of
their own old time, behind everything that was heard since; they are marked in the same transaction,
so that each is read again once, however often this runs, beside a running hub or without one.

What they say is worth what it would have been at the door: the same `Opener` opens them, on a copy
of what the door knows. What a counter or a call that lasts has learned by it is told to the hub in
a command behind the readings (`take_in`), because the hub's own memory of them goes on meanwhile.
Bound: `batch_messages_max` refusals a transaction.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from device_drivers.driver import Refused
from hub import journal as entries
from hub.database import for_writing, journal
from hub.devices import Devices, read_devices
from hub.ghosts import read_ghosts
from hub.ingest import Around, Opened, Opener, remembered
from hub.journal import (
    COMMAND,
    NOTE,
    PRESS,
    READING,
    REDECODE,
    REDECODED,
    REFUSAL,
    RETAINED,
    Entry,
)
from hub.mqtt import Received
from hub.repeats import Repeats
from hub.settings import Settings
from hub.strangers import Strangers
from hub.worth import Worth

NEVER_MS = -1  # two refusals of the same bytes are two: their copies were told apart at the door
NO_END = 10**9

_decode = msgspec.json.Decoder(dict[str, Any]).decode


class OldRefusal(NamedTuple):
    """A line of the journal that was not understood then."""

    seq: int
    arrived_ms: int
    topic: str
    reason: str
    raw: bytes
    size: int
    flags: int
    link: int


class ReadAgain(NamedTuple):
    """One that is understood now: its entries and the driver that understood it."""

    refusal: OldRefusal
    driver: str
    entries: Sequence[Entry]


@dataclass(slots=True)
class Outcome:
    """What became of all refusals, counted by driver and by reason."""

    read_again: Counter[str] = field(default_factory=Counter)
    presses: int = 0
    still_refused: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    known: int = 0  # the same message was understood another time

    def lines(self) -> Iterator[str]:
        """For a person: one line a driver and a reason."""
        for what, counts in (
            ("read again by", self.read_again),
            ("still refused:", self.still_refused),
            ("skipped:", self.skipped),
        ):
            for reason, count in counts.most_common():
                yield f"{count:6} {what} {reason}"
        if self.known:
            yield f"{self.known:6} known already: the same message was understood another time"


def redecode(
    engine: Engine,
    settings: Settings,
    now_ms: int,
    *,
    since_ms: int = 0,
    driver: str | None = None,
    dry_run: bool = False,
) -> Outcome:
    """Read refusals again and keep what is understood now; what became of them."""
    with engine.connect() as connection:
        opener = _opener(connection, settings)
        last_seq = entries.newest(connection)
    outcome, after_seq = Outcome(), 0
    while True:
        with engine.connect() as connection:
            limit = settings.batch_messages_max
            found, seen_seq = _refusals(connection, after_seq, last_seq, since_ms, limit)
        again = [one for old in found if (one := _open(opener, old, driver, outcome)) is not None]
        words = opener.worth.take_words()
        if again and not dry_run:
            with for_writing(engine).begin() as connection:
                _keep(connection, again, words, now_ms)
        if seen_seq is None:
            return outcome
        after_seq = seen_seq


def _opener(connection: Connection, settings: Settings) -> Opener:
    """The door as it is now, on a copy of all that it knows; nobody is thinned here."""
    repeats = Repeats(
        messages_max=settings.dedupe_messages_max,
        presses_max=settings.dedupe_presses_max,
        repeat_window_ms=settings.repeat_window_s * 1_000,
        copy_window_ms=NEVER_MS,
    )
    repeats.remember(remembered(connection, settings))
    worth = Worth(replace(settings, chatter_burst_messages_max=NO_END), listens=True)
    worth.load(connection)
    unknown = Strangers(strangers_max=settings.strangers_max, messages_max=1)
    devices = Devices()
    devices.replace(read_devices(connection), read_ghosts(connection))
    around = Around.of(settings, devices, unknown, now_ms=0)
    around.announcements.load(connection)  # what tells how some messages are to be read
    return Opener(settings, devices, repeats, unknown, around, worth=worth)


def _refusals(
    connection: Connection, after_seq: int, last_seq: int, since_ms: int, limit: int
) -> tuple[list[OldRefusal], int | None]:
    """The next refusals that were not read again yet, and where they end; None: all are seen."""
    unread = journal.c.flags.op("&")(REDECODED | NOTE) == 0
    query = (
        sa.select(journal)
        .where(journal.c.kind == REFUSAL, journal.c.seq > after_seq, journal.c.seq <= last_seq)
        .where(unread, journal.c.arrived_ms >= since_ms)
        .order_by(journal.c.seq)
        .limit(limit)
    )
    rows = connection.execute(query).all()
    return [_refusal(row) for row in rows], rows[-1].seq if len(rows) == limit else None


def _refusal(row: Any) -> OldRefusal:
    body, raw = _decode(row.body), row.raw or b""
    size = body.get("bytes", len(raw))
    told = (str(body.get("topic", "")), str(body.get("reason", "")), raw, size)
    return OldRefusal(row.seq, row.arrived_ms, *told, row.flags, row.link or 0)


def _open(
    opener: Opener, old: OldRefusal, driver: str | None, outcome: Outcome
) -> ReadAgain | None:
    """One refusal with today's drivers; None: it stays one."""
    if old.size > len(old.raw):
        outcome.skipped[f"cut off, {len(old.raw)} of {old.size} bytes were kept"] += 1
        return None
    retained = bool(old.flags & RETAINED)
    message = Received(old.topic, old.raw, retained, False, 0, old.size)
    result = opener.decode(message)
    if driver is not None and result.driver != driver:
        return None
    if isinstance(result, Refused):
        outcome.still_refused[result.reason] += 1
        return None
    opened = opener.open([message], old.arrived_ms, old.link)
    if not opened.entries:
        outcome.known += 1
    else:
        outcome.read_again[result.driver] += 1
        outcome.presses += _presses(opened)
    return ReadAgain(old, result.driver, opened.entries)


def _presses(opened: Opened) -> int:
    return sum(one.point == "press" for entry in opened.entries for one in entry.readings)


def _keep(
    connection: Connection, again: Sequence[ReadAgain], words: list[Any], now_ms: int
) -> None:
    """Mark the refusals and write what they say, but for those that another run has read."""
    new = []
    for one in again:
        mark = journal.update().where(
            journal.c.seq == one.refusal.seq, journal.c.flags.op("&")(REDECODED) == 0
        )
        marked = connection.execute(mark.values(flags=journal.c.flags.op("|")(REDECODED)))
        if marked.rowcount:
            new += [entry._replace(flags=entry.flags | REDECODED) for entry in one.entries]
    if not new:
        return
    kept = sum(entry.kind == READING for entry in new)
    presses = sum(entry.kind == READING and bool(entry.flags & PRESS) for entry in new)
    body = {"act": REDECODE, "by": "hub redecode", "readings": kept, "of_buttons": presses}
    command = Entry(0, COMMAND, None, now_ms, (), {**body, "words": words})
    entries.append(connection, [*new, command])


def take_in(worth: Worth, command: Entry) -> None:
    """What counters and lasting calls have learned from readings that were written elsewhere."""
    worth.hear((command.body or {}).get("words", []), command.arrived_ms)
