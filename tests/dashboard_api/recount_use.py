"""Uses and openings once more, by other means: from the journal, word by word, in plain Python.

It shares nothing with `dashboard_api/`: it goes through the entries of one device, knows silences
to the millisecond, and finds the hours of the clock by asking the zone minute by minute.
"""

import itertools
import json
import sqlite3
from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

MINUTE = 60_000
NO_LIFE = {"online", "signal_worse", "ghost"}

Key = tuple[str, int]  # day, hour


@cache
def clock(from_ms: int, to_ms: int, zone: str) -> tuple[list[int], list[Key]]:
    """When each hour of the clock begins, and its day and hour."""
    begins: list[int] = []
    keys: list[Key] = []
    for at in range(from_ms, to_ms, MINUTE):
        local = datetime.fromtimestamp(at / 1_000, UTC).astimezone(ZoneInfo(zone))
        key = (local.date().isoformat(), local.hour)
        if not keys or keys[-1] != key:
            begins.append(at)
            keys.append(key)
    return begins, keys


@dataclass
class Told:
    """What the journal says of one device."""

    words: list[int] = field(default_factory=list)
    totals: list[tuple[int, int]] = field(default_factory=list)
    contacts: list[tuple[int, str]] = field(default_factory=list)
    online: list[tuple[int, bool]] = field(default_factory=list)


def read(database: Path) -> dict[str, Told]:
    """Every device of the journal."""
    found: dict[str, Told] = {}
    connection = sqlite3.connect(database)
    rows = connection.execute("SELECT device, body FROM journal WHERE kind = 'reading'").fetchall()
    connection.close()
    for device, body in rows:
        its = found.setdefault(device, Told())
        for point, value, at_ms, _unit in json.loads(body):
            if point not in NO_LIFE:
                its.words.append(at_ms)
            if point == "uses":
                its.totals.append((at_ms, value))
            if point == "contact":
                its.contacts.append((at_ms, value))
            if point == "online":
                its.online.append((at_ms, value))
    for its in found.values():
        for some in (its.words, its.totals, its.contacts, its.online):
            some.sort()
    return found


@dataclass
class Counted:
    """One device, by number of the hour. `known` lacks the hours before it was there."""

    uses: dict[int, int]
    known: dict[int, bool]
    spread: list[tuple[int, int, int]]  # from that hour to that hour so many

    def total(self, hours: range) -> tuple[int, int, int]:
        """Uses, known hours, hours."""
        uses = sum(self.uses.get(one, 0) for one in hours)
        uses += sum(n for first, last, n in self.spread if first in hours and last in hours)
        there = [self.known[one] for one in hours if one in self.known]
        return uses, sum(there), len(there)


class Recount:
    """The hours of [from, now), and what devices counted in them."""

    def __init__(self, database: Path, zone: str, from_ms: int, now_ms: int) -> None:
        self.told = read(database)
        self.begins, self.keys = clock(from_ms, now_ms, zone)
        self.from_ms, self.now_ms = from_ms, now_ms

    def hour(self, at_ms: int) -> int:
        return bisect_right(self.begins, at_ms) - 1

    def hours_of(self, first: str, last: str) -> range:
        """Those of the days from the one to the other."""
        some = [n for n, (day, _) in enumerate(self.keys) if first <= day <= last]
        return range(some[0], some[-1] + 1)

    def machine(self, device: str, expected_ms: int, since_ms: int, gateway: str) -> Counted:
        """Uses of a machine."""
        its = self.told[device]
        hiding, known = self._silences(its, expected_ms, since_ms, gateway)
        uses: dict[int, int] = {}
        spread = []
        top, before = None, -1
        for at_ms, value in its.totals:
            if top is None:
                top = value
            grown, here = max(0, value - top), self.hour(at_ms)
            if here < 0:
                top = max(top, value)
                continue
            if grown and before != here and any(before <= a and b <= here for a, b in hiding):
                spread.append((before, here, grown))
            else:
                uses[here] = uses.get(here, 0) + grown
            top, before = max(top, value), here
        return Counted(uses, known, spread)

    def door(self, device: str, expected_ms: int, gateway: str, flutter_ms: int) -> Counted:
        """Openings of a door."""
        its = self.told[device]
        _hiding, known = self._silences(its, expected_ms, 0, gateway)
        uses: dict[int, int] = {}
        closings: list[int] = []
        for (_, before), (at_ms, now) in zip(its.contacts, its.contacts[1:], strict=False):
            if (before, now) == ("open", "closed"):
                closings.append(at_ms)
            if (before, now) == ("closed", "open"):
                bounced = bool(closings) and at_ms - closings[-1] < flutter_ms
                uses[self.hour(at_ms)] = uses.get(self.hour(at_ms), 0) + (not bounced)
        return Counted(uses, known, [])

    def _silences(
        self, its: Told, expected_ms: int, since_ms: int, gateway: str
    ) -> tuple[list[tuple[int, int]], dict[int, bool]]:
        """The silences in which something is hidden, by hours, and which hours are known."""
        start = max(since_ms, self.from_ms)
        first = self.hour(start) if since_ms > self.from_ms else -1
        known = {n: True for n in range(len(self.begins)) if n >= first}
        ends = [(start, first), *((at, self.hour(at)) for at in its.words if at >= start)]
        pairs = list(itertools.pairwise(ends))
        last = len(self.begins) - 1
        hiding = []
        for (a_ms, a), (b_ms, b) in pairs:
            hiding += self._look(known, (a_ms, a, b_ms, b), range(a + 1, b), expected_ms, gateway)
        a_ms, a = ends[-1]
        if last - a > 1:
            quiet = range(a + 1, last + 1)
            self._look(known, (a_ms, a, self.now_ms, last), quiet, expected_ms, gateway)
        return hiding, known

    def _look(
        self,
        known: dict[int, bool],
        silence: tuple[int, int, int, int],
        quiet: range,
        expected_ms: int,
        gateway: str,
    ) -> list[tuple[int, int]]:
        a_ms, a, b_ms, b = silence
        if not quiet:
            return []
        if b_ms - a_ms > expected_ms:
            hidden = set(range(max(a, 0), b + 1))
        else:
            hidden = {n for n in quiet if self._gone(n, gateway)}
            hidden |= {b} if hidden else set()
        for n in hidden:
            known[n] = False
        return [(a, b)] if hidden else []

    def _gone(self, hour: int, gateway: str) -> bool:
        begin = self.begins[hour]
        end = self.begins[hour + 1] if hour + 1 < len(self.begins) else self.now_ms
        said = self.told[gateway].online if gateway in self.told else []
        for (gone_ms, online), (back_ms, _) in itertools.pairwise(said):
            if not online and gone_ms < end and begin < back_ms:
                return True
        return False

    # -- usual -----------------------------------------------------------------------------------

    def days(self, hours: range) -> list[tuple[str, range]]:
        """The days of these hours."""
        names = sorted({self.keys[n][0] for n in hours})
        return [
            (name, range(*_ends([n for n in hours if self.keys[n][0] == name]))) for name in names
        ]

    def usual_day(self, group: list[Counted], hours: range) -> dict[bool, tuple[float, int]]:
        """Of the days of these hours, by whether they are Monday to Friday."""
        seen: dict[bool, list[int]] = {True: [], False: []}
        for name, its in self.days(hours):
            if all(one.known.get(n, True) for one in group for n in its):
                seen[is_workday(name)].append(sum(one.total(its)[0] for one in group))
        return {kind: (median(some), len(some)) for kind, some in seen.items() if some}


def _ends(some: list[int]) -> tuple[int, int]:
    return min(some), max(some) + 1


def is_workday(day: str) -> bool:
    """Monday to Friday."""
    return date.fromisoformat(day).weekday() < 5


def day_before(day: str, days: int) -> str:
    """So many days before."""
    return (date.fromisoformat(day) - timedelta(days=days)).isoformat()
