"""How often a service may be told something, and what is kept free for emergencies.

Pure: the monotonic clock is an argument. Each window is counted as it slides, so that its limit
holds over any stretch of that length. Lesser messages leave a part of every window to emergencies.
"""

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

NO_LIMIT = 1_000_000
ALL, LESSER = 1.0, 0.75  # parts of a window: emergencies may use all of it (our own figure)


class Window(NamedTuple):
    """So many messages within any stretch of so many seconds."""

    messages: int
    within_s: float


@dataclass(frozen=True, slots=True)
class Limits:
    """What a service allows. `pause_s`: how long it is left alone when it says "too fast".

    `text_bytes_max`: a longer text is refused by it. `source`: where these figures are from.
    """

    windows: tuple[Window, ...] = ()
    pause_s: float = 60.0
    text_bytes_max: int = 16_384
    source: str = ""


class Limiter:
    """What was sent of late to one address of a service."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._sent_s: deque[float] = deque()
        self._paused_until_s = float("-inf")
        self._longest_s = max((window.within_s for window in limits.windows), default=0.0)

    def room(self, now_s: float, *, urgent: bool = False) -> int:
        """How many messages may be sent at once. A pause is for lesser ones only."""
        if not urgent and now_s < self._paused_until_s:
            return 0
        self._forget(now_s)
        free = [_cap(one, urgent) - self._within(one, now_s) for one in self.limits.windows]
        return max(0, min(free, default=NO_LIMIT))

    def wait_s(self, now_s: float, *, urgent: bool = False) -> float:
        """Seconds until one may be sent; 0: now."""
        self._forget(now_s)
        waits = [self._slot_s(one, urgent) - now_s for one in self.limits.windows]
        if not urgent:
            waits.append(self._paused_until_s - now_s)
        return max(0.0, *waits, 0.0)

    def take(self, now_s: float) -> None:
        """One is being sent."""
        if self.limits.windows:
            self._sent_s.append(now_s)

    def pause(self, now_s: float, pause_s: float) -> None:
        """The service says that it was too fast: lesser messages leave it alone for a while."""
        self._paused_until_s = max(self._paused_until_s, now_s + pause_s)

    def _slot_s(self, window: Window, urgent: bool) -> float:
        """When the window has room: as the message goes out of it that fills it up now."""
        cap = _cap(window, urgent)
        if len(self._sent_s) < cap:
            return float("-inf")
        return self._sent_s[-cap] + window.within_s

    def _within(self, window: Window, now_s: float) -> int:
        return sum(1 for sent_s in self._sent_s if sent_s + window.within_s > now_s)

    def _forget(self, now_s: float) -> None:
        while self._sent_s and self._sent_s[0] + self._longest_s <= now_s:
            self._sent_s.popleft()


def _cap(window: Window, urgent: bool) -> int:
    return max(1, int(window.messages * (ALL if urgent else LESSER)))
