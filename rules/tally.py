"""How far a counter has really counted: resets and roll-overs taken out."""

from typing import Any

# A fall is a roll-over of a counter of so many bits when the growth that this would mean is at
# most so much; otherwise it is a reset. Growth between two messages is small against the width.
ROLL_OVER_GROWTH_MAX = {8: 32, 16: 2_048, 24: 4_096, 32: 4_096}


def rolled_over_by(before: float, after: float, highest: float) -> float | None:
    """Growth of a counter that fell from `before` to `after` by a whole width; None: it did not.

    `highest` is the highest value that the counter ever said: it shows which widths are possible.
    """
    for bits, growth_max in ROLL_OVER_GROWTH_MAX.items():
        growth = after + (1 << bits) - before
        if highest < (1 << bits) and growth <= growth_max:
            return growth
    return None


class Tally:
    """`total` never falls. `known` is False until the first value came."""

    __slots__ = ("highest", "known", "raw", "repeats", "total")

    def __init__(self) -> None:
        self.known = False
        self.repeats = False  # said by one event per repetition only
        self.raw = 0.0
        self.highest = 0.0
        self.total = 0.0

    def count(self, value: float) -> float:
        """The device says `value`; by how much it grew. The first value is no growth."""
        if not self.known or self.repeats:
            grown = 0.0
            if not self.known:
                self.total = value
            self.known, self.repeats = True, False
        else:
            raw = self.raw
            grown = value - raw if value >= raw else self._after_fall(value)
            self.total += grown
        self.raw = value
        if value > self.highest:  # noqa: PLR1730 - faster than `max()`, for every use
            self.highest = value
        return grown

    def repeat(self, times: float) -> float:
        """The device says "so many more". Counts only where no running total is said."""
        if self.known and not self.repeats:
            return 0.0
        self.known = self.repeats = True
        self.total += times
        return times

    def _after_fall(self, value: float) -> float:
        growth = rolled_over_by(self.raw, value, self.highest)
        return value if growth is None else growth

    def copy(self) -> "Tally":
        """One of its own."""
        other = Tally.__new__(Tally)
        other.known, other.repeats, other.raw = self.known, self.repeats, self.raw
        other.highest, other.total = self.highest, self.total
        return other

    def dump(self) -> list[Any]:
        """As JSON can carry it."""
        return [self.known, self.repeats, self.raw, self.highest, self.total]

    def load(self, state: list[Any]) -> None:
        """Back from `dump`."""
        self.known, self.repeats, self.raw, self.highest, self.total = state
