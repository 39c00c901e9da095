"""Rhythm: the silence that is expected of a device, learned from how it has spoken so far.

Of every day on which it spoke, the longest silence that ended on that day is kept, for the newest
`days_max` such days. A door that opens thirty times by day and sleeps at night has its night in
every one of them; a device with a heartbeat has its period. What is expected is `factor` times the
second-longest of them: one outage of a gateway or of the hub, which makes one silence far too long,
does not count. Less than `days_min` days are too few: then the driver's own figure stands.

A button that speaks only when it is pressed has no rhythm; of buttons only what is no press is
looked at, and where there is none, nothing is learned.

Pure: moments in, figures out.
"""

from dataclasses import dataclass, field
from math import ceil
from typing import Any, NamedTuple

DAY_MS = 86_400_000


class Wants(NamedTuple):
    """What is asked for before anything is said; all from the settings."""

    days_min: int
    days_max: int
    factor: float
    learned_s_min: int
    learned_s_max: int


@dataclass(slots=True)
class Rhythm:
    """One device's. `days` holds (day, longest silence that ended on it in ms), oldest first."""

    since_ms: int
    heard_ms: int
    gaps: int = 0
    days: list[list[int]] = field(default_factory=list)

    def hear(self, at_ms: int, days_max: int) -> None:
        """It spoke. What comes out of order says nothing about silence."""
        gap_ms = at_ms - self.heard_ms
        if gap_ms <= 0:
            return
        self.heard_ms = at_ms
        self.gaps += 1
        day = at_ms // DAY_MS
        if self.days and self.days[-1][0] == day:
            self.days[-1][1] = max(self.days[-1][1], gap_ms)
        else:
            self.days.append([day, gap_ms])
            del self.days[:-days_max]

    def expected_s(self, wants: Wants) -> int | None:
        """The silence to be expected, in s; None: not enough is known."""
        if len(self.days) < max(wants.days_min, 2):
            return None
        longest_ms = sorted((gap for _day, gap in self.days), reverse=True)[1]
        expected_s = ceil(longest_ms * wants.factor / 60_000) * 60
        return min(max(expected_s, wants.learned_s_min), wants.learned_s_max)

    def dump(self) -> dict[str, Any]:
        """As JSON can carry it."""
        return {"days": self.days}


def supervision(
    *,
    word_ms: int | None,
    gaps: int,
    pressed_ms: int | None,
    silence_ms: int,
    test_ms: int,
    now_ms: int,
) -> str:
    """What would show that a button is broken: `heartbeat`, `test_press` or `nothing`.

    `word_ms` is its newest message that was no press, `gaps` how many came before it. Something
    that speaks by itself, and did so within its expected silence, is supervised by that.
    """
    if gaps and word_ms is not None and now_ms - word_ms <= silence_ms:
        return "heartbeat"
    if test_ms and pressed_ms is not None and now_ms - pressed_ms <= test_ms:
        return "test_press"
    return "nothing"


class Words(NamedTuple):
    """How the expected silence of a device came about: for its page."""

    silence_s: int
    source: str  # owner | learned | driver | plain
    days: int = 0


def expected(
    owner_s: int | None, learned_s: int | None, driver_s: int | None, plain_s: int
) -> Words:
    """Whose word counts: its owner's, else what was learned, else its driver's."""
    if owner_s is not None:
        return Words(owner_s, "owner")
    if learned_s is not None:
        return Words(learned_s, "learned")
    if driver_s is not None:
        return Words(driver_s, "driver")
    return Words(plain_s, "plain")
