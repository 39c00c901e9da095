"""From "the condition is true" to "the alert is open": four phases, one table.

`judge()` is told what is true at a moment, `ripen()` that a due moment has come. Everything that
affects the phase is in the table; nothing here knows what time it is.
"""

from enum import IntEnum
from typing import Any


class Phase(IntEnum):
    """Where an alert is."""

    IDLE = 0
    PENDING = 1  # true, but not for `hold_for` yet
    OPEN = 2
    CLEARING = 3  # untrue again, but not for `clear_for` yet


TRUE, FALSE, RIPE = "true", "false", "ripe"

TABLE = {
    (Phase.IDLE, TRUE): Phase.PENDING,
    (Phase.PENDING, FALSE): Phase.IDLE,
    (Phase.PENDING, RIPE): Phase.OPEN,
    (Phase.OPEN, FALSE): Phase.CLEARING,
    (Phase.CLEARING, TRUE): Phase.OPEN,
    (Phase.CLEARING, RIPE): Phase.IDLE,
}

OPENS, CLOSES = "opens", "closes"
_CHANGES = {(Phase.PENDING, Phase.OPEN): OPENS, (Phase.CLEARING, Phase.IDLE): CLOSES}


class Machine:
    """One alert's phase. `since_ms`: from when the condition has been true without a break."""

    __slots__ = ("clear_for_ms", "due_ms", "hold_for_ms", "phase", "since_ms")

    def __init__(self, hold_for_ms: int, clear_for_ms: int) -> None:
        self.hold_for_ms = hold_for_ms
        self.clear_for_ms = clear_for_ms
        self.phase = Phase.IDLE
        self.due_ms: int | None = None
        self.since_ms = 0

    def judge(self, at_ms: int, *, true: bool) -> str | None:
        """The condition is (un)true at `at_ms`; OPENS, CLOSES or None."""
        return self._go(TRUE if true else FALSE, at_ms)

    def ripen(self, at_ms: int) -> str | None:
        """`due_ms` has come."""
        return self._go(RIPE, at_ms)

    def end(self, at_ms: int) -> str | None:
        """Only then: the window of `during` is over, whatever is being waited for."""
        was_open = self.is_open
        self.phase, self.due_ms = Phase.IDLE, None
        return CLOSES if was_open else None

    @property
    def is_open(self) -> bool:
        """Open, or open and clearing."""
        return self.phase >= Phase.OPEN

    def _go(self, what: str, at_ms: int) -> str | None:
        before = self.phase
        after = TABLE.get((before, what), before)
        if after is before:
            return None
        self.phase, self.due_ms = after, None
        if after is Phase.PENDING:
            self.since_ms = at_ms
            return self._wait(at_ms, self.hold_for_ms)
        if after is Phase.CLEARING:
            return self._wait(at_ms, self.clear_for_ms)
        return _CHANGES.get((before, after))

    def _wait(self, at_ms: int, for_ms: int) -> str | None:
        if for_ms == 0:
            return self._go(RIPE, at_ms)
        self.due_ms = at_ms + for_ms
        return None

    def copy(self) -> "Machine":
        """One of its own."""
        other = Machine(self.hold_for_ms, self.clear_for_ms)
        other.phase, other.due_ms, other.since_ms = self.phase, self.due_ms, self.since_ms
        return other

    def dump(self) -> list[Any]:
        """As JSON can carry it."""
        return [int(self.phase), self.due_ms, self.since_ms]

    def load(self, state: list[Any]) -> None:
        """Back from `dump`."""
        self.phase = Phase(state[0])
        self.due_ms, self.since_ms = state[1:]
