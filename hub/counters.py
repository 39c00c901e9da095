"""How far each counter has really counted: the device's words in, the house's totals out.

Kept in memory and in the table `counters`. What the journal alone cannot tell (a reset, a
roll-over, a late word) is written in one transaction with its readings; a counter that only goes
on needs a row no more often than every `write_every_ms`, because what it said since stands in the
journal, whose newest entries are read at the start (`load`). A row knows its `turn`: of two
transactions that were made one after the other and committed the other way round, the newer stays.
Strangers are not counted: their totals begin when somebody registers them.
"""

from collections import deque
from typing import Any, NamedTuple

import msgspec
from sqlalchemy.engine import Connection

from device_drivers.points import POINTS
from device_drivers.reading import Reading
from hub import journal
from hub.database import counters
from hub.journal import READING
from hub.total import Bounds, Total

# Every point that counts up, and of those that happen so many times the total that they make.
TOTALS = frozenset(name for name, point in POINTS.items() if point.kind == "total")
TOTAL_OF = {name: name.replace("rep", "uses") for name in POINTS if name.partition("_")[0] == "rep"}
COUNTING = TOTALS.union(TOTAL_OF)
IN_FLIGHT_MS = 10_000  # so long a transaction may wait behind a younger one, by far
JUMP = "jump"  # the point that says how much was not counted
_NO_POINTS: dict[str, Total] = {}
JUMP_MAX = 2**53  # what JSON can carry exactly

WRITE = (
    "INSERT INTO counters (device, point, state_json, turn) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (device, point) DO UPDATE SET state_json = excluded.state_json, "
    "turn = excluded.turn WHERE excluded.turn > turn"
)

_encode = msgspec.json.Encoder().encode
_new = tuple.__new__


class Sender(NamedTuple):
    """Whose words they are: the register's id, the address, how many pulses are one use."""

    device: str
    address: str
    pulses_per_use: int = 1

    def per_use(self, point: str) -> int:
        """So many of what the device counts are one of what people mean."""
        return self.pulses_per_use if point.startswith("uses") else 1


class Counters:
    """All totals by device and point."""

    def __init__(self, bounds: Bounds, write_every_ms: int = 0) -> None:
        self._bounds = bounds
        self._write_every_ms = write_every_ms
        self._totals: dict[str, dict[str, Total]] = {}  # by device and point
        self._changed: set[tuple[str, str]] = set()
        self._going_on: deque[tuple[int, str, str]] = deque()  # since when without a row
        self._turn = 0

    def load(self, connection: Connection) -> None:
        """Read what an earlier run kept, and what the journal holds since the newest rows."""
        for row in connection.execute(counters.select()):
            state = msgspec.json.decode(row.state_json)
            self._totals.setdefault(row.device, {})[row.point] = Total.load(state)
            self._turn = max(self._turn, row.turn)
        span_ms = self._write_every_ms + IN_FLIGHT_MS
        for entry in reversed(list(journal.newest_first(connection, READING, span_ms))):
            for point, value, at_ms, _unit in entry.readings:
                total = self._totals.get(entry.device or "", _NO_POINTS).get(point)
                if total is not None and total.quick and type(value) is int and at_ms is not None:
                    total.reach(value, at_ms)

    def read(
        self, readings: tuple[Reading, ...], sender: Sender, now_ms: int
    ) -> tuple[tuple[Reading, ...], list[str]]:
        """The readings with the house's totals, and what of them could not be true, in words.

        A device that says repetitions only gets its running total behind each of them.
        Every reading has a moment already; the oldest is counted first.
        """
        out: list[Reading] = list(readings)
        notes: list[str] = []
        said = {reading[0] for reading in readings}
        for index, (point, value, at_ms, _unit) in _oldest_first(readings):
            counted = TOTAL_OF.get(point, point)
            if type(value) is not int or (counted != point and counted in said):
                continue
            total = self._total(sender.device, counted)
            before, per_use = total.present(), sender.per_use(counted)
            if counted == point:
                uses = total.count(value, at_ms, sender.address, per_use, self._bounds)
                out[index] = _new(Reading, (point, uses, at_ms, None))
            else:
                told = total.repeat(value, at_ms, now_ms, sender.address, per_use, self._bounds)
                if told is not None:
                    out.append(_new(Reading, (counted, *told, None)))
            if total.jump:
                notes.append(_too_much(point, total.jump, before))
                out.append(Reading(JUMP, min(total.jump, JUMP_MAX), at_ms))
        return tuple(out), notes

    def go_on(
        self, readings: tuple[Reading, ...], place: int, device: str, address: str, now_ms: int
    ) -> tuple[Reading, ...] | None:
        """The same for nearly every message: one total, at `place`, that went on a little.

        Else None: nothing was counted.
        """
        point, value, at_ms, _unit = readings[place]
        total = self._totals.get(device, _NO_POINTS).get(point)
        if total is None or not total.quick:
            return None
        uses = total.step(value, at_ms, address, self._bounds[0])  # type: ignore[arg-type]
        if uses is None:
            return None
        if not total.waits:
            total.waits = True
            self._going_on.append((now_ms, device, point))
        if uses == value:  # it never began anew
            return readings
        counted = _new(Reading, (point, uses, at_ms, None))
        return (*readings[:place], counted, *readings[place + 1 :])

    def look(self, reading: Reading, sender: Sender) -> Reading:
        """A total that a broker had kept: it may be older than what was heard since.

        So it is never a reset, and where something was heard it is no news.
        """
        value, per_use = reading.value, sender.per_use(reading.point)
        total = self._totals.get(sender.device, _NO_POINTS).get(reading.point)
        if total is not None:
            return reading._replace(value=total.present())
        return reading._replace(value=value // per_use) if type(value) is int else reading

    def _total(self, device: str, point: str) -> Total:
        points = self._totals.setdefault(device, {})
        total = points.get(point)
        if total is None:
            total = points[point] = Total()
        self._changed.add((device, point))
        return total

    def take_rows(self, now_ms: int) -> list[tuple[Any, ...]]:
        """Rows for `WRITE`: what must be written with what was just heard, and what is due."""
        going_on, every_ms = self._going_on, self._write_every_ms
        while going_on and not 0 <= now_ms - going_on[0][0] < every_ms:
            self._changed.add(going_on.popleft()[1:])
        if not self._changed:
            return []
        self._turn += 1
        rows = [self._row(device, point) for device, point in self._changed]
        self._changed.clear()
        return rows

    def _row(self, device: str, point: str) -> tuple[Any, ...]:
        total = self._totals[device][point]
        total.waits = False
        return device, point, _encode(total.dump()).decode(), self._turn


def _oldest_first(readings: tuple[Reading, ...]) -> list[tuple[int, Any]]:
    """What counts in a message, with its place: a backlog may begin with the newest."""
    found = [(index, one) for index, one in enumerate(readings) if one[0] in COUNTING]
    if len(found) > 1:
        found.sort(key=lambda pair: pair[1][2] or 0)
    return found


def _too_much(point: str, jump: int, before: int) -> str:
    return (
        f"{point}: {jump} more than {before} within so short a time cannot be true "
        "(HUB_COUNTER_JUMP_USES, HUB_COUNTER_USES_PER_S); not counted, the total goes on from there"
    )
