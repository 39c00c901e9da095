"""Signal: does a device hear, or is it heard, worse than it used to?

The mean of its newest days is held against the median of the days before. Radio varies from day to
day (people, doors, rain), so a fall counts only when it is larger than `fall_db` and there are days
enough on both sides. A battery that weakens, a sensor that was moved behind a fridge and a gateway
whose antenna fell look like that.

Pure: figures in, figures out.
"""

from collections.abc import Sequence
from statistics import fmean, median
from typing import NamedTuple


class Wants(NamedTuple):
    """`recent_days` against up to `base_days` before them, at least `base_days_min`."""

    recent_days: int
    base_days: int
    base_days_min: int
    fall_db: float


class Signal(NamedTuple):
    """How it is and how it was, in dB(m) or link quality; `fall` is by how much it is worse."""

    recent: float
    usual: float
    fall: float


def compare(days: Sequence[float], wants: Wants) -> Signal | None:
    """`days` are the daily means, oldest first; None: not enough is known."""
    recent = days[-wants.recent_days :]
    base = days[: -wants.recent_days][-wants.base_days :]
    if len(recent) < wants.recent_days or len(base) < wants.base_days_min:
        return None
    now, usual = fmean(recent), median(base)
    return Signal(round(now, 1), round(usual, 1), round(usual - now, 1))


def is_worse(signal: Signal | None, wants: Wants, *, was_worse: bool) -> bool:
    """Worse than it used to be; once so, until half of the fall is made good."""
    if signal is None:
        return False
    return signal.fall >= (wants.fall_db / 2 if was_worse else wants.fall_db)
