"""The stored history as entries for a backtest: the journal where it still holds the time.

What the journal no longer holds is taken from the time series, which know values and moments but
neither arrivals nor gateways; `Past.unknown` says what is missing. A long read is done in bites, so
that a hub that runs beside it can go on cleaning up its log.
"""

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from device_drivers.reading import Reading
from hub.canary import DEVICE as CANARY
from hub.database import gateways
from hub.device_facts import facts_of
from hub.devices import Device, read_devices
from hub.ghosts import read_ghosts
from hub.journal import COMMAND, DAY_MS, GATEWAY, READING, Entry, newest
from hub.settings import Settings
from hub.world import PastCase, World
from rules.condition import Condition, Unlike, hears_life, inner_of, points_of, simple_of
from rules.facts import EXPECTED_SILENCE_MS, DeviceFacts
from rules.judge import SITE
from rules.rule import GRAVE, Rule, RuleSet

JOURNAL, SERIES, FILE = "journal", "series", "file"

REGISTER_AS_TODAY = "how the register (places, tags, expected silences) was then; today's is taken"
HOUR_MS = 3_600_000

_new = tuple.__new__  # for what is made of every row: Entry(…) takes twice as long
_decode_readings = msgspec.json.Decoder(tuple[Reading, ...]).decode
_decode_body = msgspec.json.Decoder(dict[str, Any]).decode


@dataclass(frozen=True, slots=True)
class Past:
    """A stretch of history. `entries()` gives it from `starts_ms` on, in the order of the journal.

    `begins_ms` is its oldest moment, whatever was asked for. `hub_since_ms`: from when the hub is
    thought to run, None: as long as the register says. `about` is how many entries there may be.
    """

    source: str
    begins_ms: int
    starts_ms: int
    ends_ms: int
    hub_since_ms: int | None
    about: int
    entries: Callable[[], Iterator[Entry]]
    world: World
    unknown: tuple[str, ...] = (REGISTER_AS_TODAY,)
    bites: "Bites | None" = None  # where other processes can read the same; None: only here


class Bites(NamedTuple):
    """A stretch of the journal: numbers above `after_seq`, what arrived until `to_ms`."""

    url: str
    after_seq: int
    until_seq: int
    to_ms: int
    rows_max: int  # at once


class NoPast(Exception):
    """There is nothing to look at; the text says what was looked for."""


class Asked:
    """Which entries matter to some rules: others need not even be decoded."""

    def __init__(self, rules: RuleSet) -> None:
        variants = list(variants_of(rules))
        points = {point for rule in variants for point in points_of(rule.when)}
        self._life = [rule for rule in variants if hears_life(rule.when)]
        if self._life:
            points.add("online")  # of a gateway: its absence explains the silence of others
        self.points = frozenset(points)
        names = "|".join(map(re.escape, sorted(points)))
        self._said = re.compile(f'"(?:{names})"' if points else r"(?!)").search

    def lives(self, facts: DeviceFacts | None) -> bool:
        """Does every word of the device matter, or only these points?"""
        if facts is None or not facts.registered:
            return any(rule.severity in GRAVE for rule in self._life)
        return any(rule.where.fits(facts) for rule in self._life)

    def says(self, body: str) -> bool:
        """May a body of the journal hold one of the points?"""
        return self._said(body) is not None


def variants_of(rules: RuleSet) -> Iterator[Rule]:
    """The rules, and what overrides make of them."""
    yield from rules.rules
    for override in rules.overrides:
        rule = rules.named(override.rule)
        if rule is not None and not override.off:
            yield override.applied_to(rule)


def look_back_ms(rules: RuleSet, settings: Settings) -> int:
    """For how long before a moment the rules must have listened to judge it."""
    spans = (_span_of(rule.when) + rule.hold_for_ms for rule in variants_of(rules))
    longest = max(spans, default=0)
    return max(longest, settings.backtest_warm_up_h * HOUR_MS)


def _span_of(condition: Condition) -> int:
    parts = [condition, *inner_of(condition), *simple_of(condition)]
    spans = [
        getattr(part, one.name) or EXPECTED_SILENCE_MS
        for part in dict.fromkeys(parts)
        for one in fields(part)
        if one.name.endswith("_ms")
    ]
    learned = [part.over_days * DAY_MS for part in parts if isinstance(part, Unlike)]
    return sum(spans) + max(learned, default=0)


def read_world(connection: Connection) -> World:
    """The register and the cases of a hub's database."""
    known = connection.execute(sa.select(gateways.c.id)).scalars()
    return World(
        devices=read_devices(connection),
        ghosts=read_ghosts(connection),
        gateways=[name for name in known if name != SITE],
        cases=_read_cases(connection),
    )


# A case that ended by itself ended nothing: only a person's closing ends the alert of an event.
_CASES = sa.text("""
SELECT cases.rule, cases.key, cases.raised_at_ms,
       CASE WHEN closed_by IS NULL AND closed_at_ms IS NULL THEN NULL ELSE closed_at_ms END,
       (SELECT max(seq) FROM case_log WHERE case_id = cases.id AND what IN ('close', 'sign'))
FROM cases WHERE closed_at_ms IS NULL OR closed_by IS NOT NULL ORDER BY cases.id
""")


def _read_cases(connection: Connection) -> list[PastCase]:
    found = []
    for rule, key, raised_ms, closed_ms, seq in connection.execute(_CASES):
        numbered = {} if seq is None else {"seq": seq}
        found.append(PastCase(rule, key, raised_ms, closed_ms, **numbered))
    return found


def read_commands(connection: Connection, from_ms: int, to_ms: int) -> list[Entry]:
    """What people did that rules listen to: services and swaps, in that time."""
    rows = connection.exec_driver_sql(_COMMANDS, (from_ms, to_ms)).all()
    found = [Entry(seq, COMMAND, None, at_ms, (), _decode_body(body)) for seq, at_ms, body in rows]
    theirs = [entry for entry in found if (entry.body or {}).get("act") in {"service", "swap"}]
    served = connection.exec_driver_sql(_SERVED, (from_ms, to_ms)).all()
    theirs += [
        Entry(seq, COMMAND, None, at_ms, (), {"act": "service", "device": device})
        for seq, at_ms, device in served
    ]
    return sorted(theirs, key=lambda entry: entry.seq)


# Work orders by which a service was done.
_SERVED = (
    "SELECT seq, at_ms, json_extract(body_json, '$.served') FROM case_log WHERE seq IS NOT NULL "
    "AND at_ms >= ? AND at_ms <= ? AND json_extract(body_json, '$.served') IS NOT NULL"
)

_COMMANDS = (
    "SELECT seq, arrived_ms, body FROM journal WHERE kind = 'command' "
    "AND arrived_ms >= ? AND arrived_ms <= ? ORDER BY seq"
)


# ---------------------------------------------------------------------- the journal


class Stretch(NamedTuple):
    """What the journal holds: numbers and moments of its oldest and newest reading."""

    oldest_seq: int
    oldest_ms: int
    newest_seq: int
    newest_ms: int


def stretch_of(connection: Connection) -> Stretch | None:
    """None: it holds no reading."""
    ends = []
    for order in ("ASC", "DESC"):
        query = f"{_ENDS} {order} LIMIT 1"
        row = connection.exec_driver_sql(query).first()
        if row is None:
            return None
        ends += [int(row[0]), int(row[1])]
    return Stretch(*ends)


_ENDS = "SELECT seq, arrived_ms FROM journal WHERE kind = 'reading' ORDER BY seq"
_NEXT = (
    "SELECT seq, arrived_ms FROM journal WHERE seq >= ? AND kind = 'reading' ORDER BY seq LIMIT 1"
)
_PART = (
    "SELECT seq, kind, device, arrived_ms, body, gateway, flags FROM journal "
    "WHERE seq > ? AND seq <= ? AND kind <> 'refusal' ORDER BY seq LIMIT ?"
)


def first_seq_since(connection: Connection, at_ms: int, held: Stretch) -> int:
    """The number of the first reading that arrived at that moment or later, by halving.

    Arrivals grow with numbers but for steps of the hub's clock, which are small beside a span.
    """
    low, high = held.oldest_seq, held.newest_seq + 1
    while low < high:
        middle = (low + high) // 2
        row = connection.exec_driver_sql(_NEXT, (middle,)).first()
        if row is None or row[1] >= at_ms:
            high = middle
        else:
            low = int(row[0]) + 1
    return low


def open_journal(
    engine: Engine,
    settings: Settings,
    asked: Asked | None,
    from_ms: int | None,
    to_ms: int,
    back_ms: int,
) -> Past:
    """The journal from `back_ms` before `from_ms` (None: its beginning) on. Raises `NoPast`.

    `asked` None: all of it.
    """
    with engine.connect() as connection:
        held = stretch_of(connection)
        if held is None:
            raise NoPast("the journal holds no readings yet")
        world = read_world(connection)
        starts_ms = held.oldest_ms if from_ms is None else max(held.oldest_ms, from_ms - back_ms)
        whole = starts_ms == held.oldest_ms and not _has_forgotten(held, to_ms, settings)
        first = held.oldest_seq if whole else first_seq_since(connection, starts_ms, held)
        last = first_seq_since(connection, to_ms + 1, held) - 1
        if last >= held.newest_seq:  # commands may stand behind the newest reading
            last = newest(connection)
    after_seq, rows_max = (0 if whole else first - 1), settings.backtest_batch_entries_max
    bites = Bites(settings.database, after_seq, last, to_ms, rows_max)
    read = Reader(engine, asked, world.devices)
    return Past(
        JOURNAL,
        held.oldest_ms,
        starts_ms,
        to_ms,
        None if whole else starts_ms,
        max(0, last - first + 1),
        lambda: read.entries(bites),
        world,
        bites=bites,
    )


def _has_forgotten(held: Stretch, now_ms: int, settings: Settings) -> bool:
    return held.oldest_ms <= now_ms - (settings.readings_keep_days - 1) * DAY_MS


class Reader:
    """Reads the journal in bites; of what no rule asks for, only numbers. `done`: rows so far."""

    def __init__(self, engine: Engine, asked: Asked | None, known: Iterable[Device]) -> None:
        self._engine = engine
        self._lives: dict[str, bool] = {}
        self._stranger_lives = asked is None or asked.lives(None)
        self._says = (lambda _body: True) if asked is None else asked.says
        if asked is not None:
            self._lives = {one.id: asked.lives(facts_of(one)) for one in known}
        self.done = 0

    def entries(self, bites: Bites) -> Iterator[Entry]:
        """Readings and commands, in order."""
        lives, stranger, says = self._lives, self._stranger_lives, self._says
        for row in self._rows(bites):
            kind, device, body = row[1], row[2], row[4]
            if kind == COMMAND or lives.get(device, stranger) or says(body):
                yield _entry(*row)

    def moments(
        self, bites: Bites, hears: Callable[[str], bool]
    ) -> Iterator[tuple[int, Entry | None]]:
        """The same of devices that `hears` knows, and of whatever carries the words of others.

        Each with what the hub's clock showed by then, whoever was heard; first the beginning.
        """
        lives, stranger, says = self._lives, self._stranger_lives, self._says
        heard: dict[str | None, bool] = {}
        now_ms: int | None = None
        for row in self._rows(bites):
            _, kind, device, arrived_ms, body, _, flags = row
            if now_ms is None:
                yield arrived_ms, None
                now_ms = arrived_ms
            now_ms = max(now_ms, arrived_ms)
            mine = heard.get(device)
            if mine is None:
                mine = heard[device] = device is None or hears(device)
            if not (mine or flags & GATEWAY or '"online"' in body):
                continue
            if kind == COMMAND or lives.get(device, stranger) or says(body):
                yield now_ms, _entry(*row)

    def _rows(self, bites: Bites) -> Iterator[tuple[Any, ...]]:
        _, after_seq, until_seq, to_ms, rows_max = bites
        while after_seq < until_seq:
            with self._engine.connect() as connection:
                # By the driver itself: a row of SQLAlchemy's costs as much again, and there are
                # millions.
                driver = connection.connection.driver_connection
                assert isinstance(driver, sqlite3.Connection)
                rows = driver.execute(_PART, (after_seq, until_seq, rows_max)).fetchall()
            for row in rows:
                if row[3] <= to_ms and row[2] != CANARY:
                    yield row
            self.done += len(rows)
            after_seq = rows[-1][0] if len(rows) == rows_max else until_seq


def _entry(
    seq: int,
    kind: str,
    device: str | None,
    arrived_ms: int,
    body: str,
    gateway: str | None,
    flags: int,
) -> Entry:
    if kind == COMMAND:
        return Entry(seq, kind, device, arrived_ms, (), _decode_body(body))
    readings = _decode_readings(body)
    return _new(
        Entry,
        (seq, READING, device, arrived_ms, readings, None, None, gateway, flags, None, None, None),
    )
