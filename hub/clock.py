"""The only place that asks what time it is; everybody else is told."""

import time
from typing import Protocol


class Clock(Protocol):
    """Wall time for what is kept and shown; monotonic time for waiting."""

    def now_ms(self) -> int:
        """Milliseconds since 1970, UTC."""
        ...

    def monotonic_s(self) -> float:
        """Seconds since some moment; never goes back."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now_ms(self) -> int:
        """Milliseconds since 1970, UTC."""
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        """Seconds since the machine started; never goes back."""
        return time.monotonic()
