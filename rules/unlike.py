"""The parameters of `unlike_itself`, from what a file says: defaults, bounds, what cannot be.

Whoever reads the file hands over single values; what is wrong comes back with the key it is about.
"""

from collections.abc import Mapping
from math import ceil
from typing import Any

from rules.baseline import (
    DAY_MS,
    OVER_DAYS,
    OVER_DAYS_MAX,
    OVER_DAYS_MIN,
    RARER_THAN_MAX,
    default_at_least_days,
    default_rarer_than,
)
from rules.condition import Unlike
from rules.point import MEASURES

KEYS = ("point", "by", "over", "way", "at_least_days", "rarer_than", "days")
BY = ("hour",)
WAYS = ("less", "more", "either")
DAYS = ("alike", "apart")


class CannotBe(Exception):
    """`key` is the word of the file that is wrong, `near` what would be right, if one word is."""

    def __init__(self, key: str, what: str, near: str | None = None) -> None:
        super().__init__(what)
        self.key = key
        self.near = near


def unlike(point: str, said: Mapping[str, Any]) -> Unlike:
    """`said` holds `over` in ms, `at_least_days`, `rarer_than` (a share), `way`, `days`, if said.

    Raises `CannotBe` for what could never come true.
    """
    if point in MEASURES:
        what = f"{point} changes without anybody doing something; expected contact, motion, uses …"
        raise CannotBe("point", f"unlike_itself: {what}")
    apart = said.get("days") == "apart"
    over_days = _over_days(said.get("over"))
    at_least_days = said.get("at_least_days", default_at_least_days(over_days, apart=apart))
    if not 2 <= at_least_days <= over_days:
        what = f"at_least_days {at_least_days} is not between 2 and the {over_days} days of over"
        raise CannotBe("at_least_days", f"unlike_itself: {what}")
    rarer_than = _rarer_than(said.get("rarer_than"), over_days, at_least_days)
    return Unlike(point, said.get("way", "less"), over_days, at_least_days, rarer_than, apart)


def _over_days(over_ms: int | None) -> int:
    if over_ms is None:
        return OVER_DAYS
    days, rest = divmod(over_ms, DAY_MS)
    if rest or not OVER_DAYS_MIN <= days <= OVER_DAYS_MAX:
        what = f"over: expected whole days, {OVER_DAYS_MIN}d to {OVER_DAYS_MAX}d"
        raise CannotBe("over", f"unlike_itself: {what}")
    return days


def _rarer_than(share: float | None, over_days: int, at_least_days: int) -> float:
    if share is None:
        return default_rarer_than(at_least_days)
    if not 0 < share <= RARER_THAN_MAX:
        what = f"rarer_than: expected a share above 0, {RARER_THAN_MAX:.0%} at most"
        raise CannotBe("rarer_than", f"unlike_itself: {what}")
    if share * (over_days + 1) < 1 - 1e-9:
        needed = ceil(1 / share - 1e-9) - 1
        what = f"{over_days} days cannot show what is rarer than {share:.3g}: that takes {needed}"
        raise CannotBe("rarer_than", f"unlike_itself: {what}")
    return share
