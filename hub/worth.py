"""What a value is worth at the door: counters, clocks, calls that last, and who talks too much.

The ingest asks here; what is found out is written in the same transaction as the entries that it
belongs to (`take_writes`), so that a kill leaves neither without the other.
"""

from functools import cache
from itertools import chain
from typing import Any

from sqlalchemy.engine import Connection

from device_drivers.reading import Reading
from hub import calls, chatter, clocks, counters
from hub.calls import Calls
from hub.chatter import Chatter
from hub.clocks import Clocks, Limits
from hub.counters import COUNTING, Counters, Sender
from hub.settings import Settings
from hub.total import Bounds

# What a message holds, as bits: something that counts up, more than one such, a press, a call that
# lasts.
COUNTS, MANY, PRESSES, LASTS = 1, 2, 4, 8
SOS = "sos"
ROLES = {**dict.fromkeys(COUNTING, COUNTS), "press": PRESSES, SOS: LASTS}

ROWS_AT_ONCE = 100

Writes = list[tuple[str, list[tuple[Any, ...]]]]


class Worth:
    """The four together; one for all connections."""

    def __init__(self, settings: Settings, *, listens: bool = False) -> None:
        self._words: list[Any] | None = [] if listens else None
        self.listens = listens
        self.counters = Counters(
            Bounds(settings.counter_jump_uses, settings.counter_uses_per_s),
            round(settings.counter_write_every_s * 1_000),
        )
        self.clocks = Clocks(
            Limits(
                settings.clock_off_s * 1_000,
                settings.clock_same_s * 1_000,
                settings.clock_messages_min,
                settings.clock_span_s * 1_000,
            ),
            settings.clocks_devices_max,
        )
        self.calls = Calls(
            again_ms=settings.sos_again_s * 1_000, devices_max=settings.sos_devices_max
        )
        self.chatter = Chatter(
            burst_max=settings.chatter_burst_messages_max,
            per_s=settings.chatter_messages_per_s_max,
            keep_every_ms=round(settings.chatter_keep_every_s * 1_000),
            calm_ms=settings.chatter_calm_s * 1_000,
            devices_max=settings.chatter_devices_max,
            thinned_max=settings.chatter_thinned_max,
        )

    def load(self, connection: Connection) -> None:
        """Read what an earlier run kept."""
        for part in (self.counters, self.clocks, self.calls, self.chatter):
            part.load(connection)

    def counted(
        self, readings: tuple[Reading, ...], sender: Sender, now_ms: int
    ) -> tuple[tuple[Reading, ...], list[str]]:
        """The readings with the house's totals, and what of them could not be true, in words."""
        if self._words is not None:
            counting = [one[:3] for one in readings if one.point in COUNTING]
            self._words.append(["counts", *sender, counting])
        return self.counters.read(readings, sender, now_ms)

    def called(self, readings: tuple[Reading, ...], address: str) -> tuple[Reading, ...]:
        """The readings, a press behind the `sos` that is a call by itself."""
        out = list(readings)
        pressed = any(reading[0] == "press" for reading in readings)
        for reading in sorted(
            (one for one in readings if one[0] == SOS), key=lambda one: one[2] or 0
        ):
            if self._words is not None:
                self._words.append([SOS, address, reading[2], reading[1]])
            calls_now = self.calls.say(address, reading[2] or 0, on=reading[1] is True)
            if calls_now and not pressed:
                out.insert(out.index(reading) + 1, Reading("press", SOS, reading[2]))
        return tuple(out)

    def take_words(self) -> list[Any]:
        """What was counted and called since the last call, as JSON can carry it (`hear`)."""
        words, self._words = self._words or [], None if self._words is None else []
        return words

    def hear(self, words: list[Any], now_ms: int) -> None:
        """Learn from readings that another process has opened: from its `take_words`."""
        for what, whose, *rest in words:
            if what == SOS:
                self.calls.say(whose, rest[0], on=rest[1] is True)
            else:
                address, pulses_per_use, counting = rest
                readings = tuple(Reading(*one) for one in counting)
                self.counters.read(readings, Sender(whose, address, pulses_per_use), now_ms)

    def take_writes(self, now_ms: int) -> Writes:
        """Statements with their rows: what has changed since the last call."""
        odd, right = self.clocks.take_rows()
        talking, calm = self.chatter.take_rows()
        found: Writes = [
            (counters.WRITE, self.counters.take_rows(now_ms)),
            (clocks.REMOVE, right),
            (clocks.WRITE, odd),
            (calls.WRITE, self.calls.take_rows()),
            (chatter.REMOVE, calm),
            (chatter.WRITE, talking),
        ]
        return [(statement, rows) for statement, rows in found if rows]


def write(connection: Connection, writes: Writes) -> None:
    """Execute what `take_writes` gave, many rows a statement: for every statement the driver lets
    go of the interpreter and waits for it again."""
    for statement, rows in writes:
        whole = len(rows) - len(rows) % ROWS_AT_ONCE
        for start in range(0, whole, ROWS_AT_ONCE):
            values = tuple(chain.from_iterable(rows[start : start + ROWS_AT_ONCE]))
            connection.exec_driver_sql(_of_many(statement), values)
        if whole < len(rows):
            connection.exec_driver_sql(statement, rows[whole:])


@cache
def _of_many(statement: str) -> str:
    """The statement with the values of so many rows, where it has those of one."""
    begin, found, rest = statement.partition(" VALUES ")
    if not found:  # DELETE … WHERE device = ?
        begin, _, _ = statement.partition(" = ?")
        return f"{begin} IN ({', '.join('?' * ROWS_AT_ONCE)})"
    row, _, end = rest.partition(")")
    return f"{begin} VALUES {', '.join([row + ')'] * ROWS_AT_ONCE)}{end}"


def roles_of(readings: tuple[Reading, ...], network_ms: int | None) -> tuple[int, int, int | None]:
    """The roles of a message's readings, where one that counts stands, and the newest time in it
    that is the device's own."""
    roles = place = index = 0
    said = None
    for point, _value, at_ms, _unit in readings:
        if point in ROLES:
            role = ROLES[point]
            if role == COUNTS:
                roles, place = (roles | MANY if roles & COUNTS else roles), index
            roles |= role
        if at_ms is not None and at_ms != network_ms and (said is None or at_ms > said):
            said = at_ms
        index += 1  # noqa: SIM113 - faster than `enumerate()`, for every reading
    return roles, place, said
