"""The load that rules lay on people: calls by role and hour, at night, at the worst.

As long as no response plans say who goes, the plan's name that a rule carries (`response`; the
category if it names none) stands for the role, and the device's grid for the people of a place.
Whoever is called at night by something that only a person can end (`GRAVE`) is woken; a warning or
a notice may wait until the morning.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from rules.during import Hours
from rules.past import Call
from rules.rule import GRAVE, Rule

DAY_MS = 86_400_000
CROWD_MS = 600_000  # "the worst ten minutes"


@dataclass(frozen=True, slots=True)
class Woken:
    """Calls that would have woken the people of a role and a grid (None: of no grid)."""

    role: str
    grid: str | None
    calls: int
    nights: int


@dataclass(frozen=True, slots=True)
class Crowd:
    """The ten minutes with the most calls."""

    from_ms: int
    calls: int


@dataclass(frozen=True, slots=True)
class RoleLoad:
    """Calls to one role. `by_hour`: 24 sums by the hour of the site's day."""

    role: str
    calls: int
    by_hour: tuple[int, ...]
    at_night: int
    worst: Crowd | None


@dataclass(frozen=True, slots=True)
class Load:
    """All calls of a span."""

    days: float
    calls: int
    at_night: int
    roles: tuple[RoleLoad, ...]
    woken: tuple[Woken, ...]
    worst: Crowd | None


def role_of(rule: Rule) -> str:
    """Who follows the rule's plan."""
    return rule.response or rule.category


def load_of(
    calls: Sequence[Call],
    *,
    span_ms: int,
    zone: ZoneInfo,
    night: Hours,
    grid_of: Callable[[Call], str | None],
) -> Load:
    """What these calls, which came within `span_ms`, are for people."""
    by_role: dict[str, list[Call]] = {}
    for call in sorted(calls, key=lambda one: one.at_ms):
        by_role.setdefault(role_of(call.rule), []).append(call)
    roles = tuple(_role(role, by_role[role], zone, night) for role in sorted(by_role))
    return Load(
        days=span_ms / DAY_MS,
        calls=len(calls),
        at_night=sum(role.at_night for role in roles),
        roles=roles,
        woken=_woken(calls, zone, night, grid_of),
        worst=worst_of(call.at_ms for call in calls),
    )


def _role(role: str, calls: list[Call], zone: ZoneInfo, night: Hours) -> RoleLoad:
    hours = Counter(datetime.fromtimestamp(call.at_ms / 1_000, zone).hour for call in calls)
    return RoleLoad(
        role=role,
        calls=len(calls),
        by_hour=tuple(hours[hour] for hour in range(24)),
        at_night=sum(night.inside(call.at_ms) for call in calls),
        worst=worst_of(call.at_ms for call in calls),
    )


def _woken(
    calls: Iterable[Call],
    zone: ZoneInfo,
    night: Hours,
    grid_of: Callable[[Call], str | None],
) -> tuple[Woken, ...]:
    counts: Counter[tuple[str, str | None]] = Counter()
    nights: dict[tuple[str, str | None], set[int]] = {}
    for call in calls:
        if call.rule.severity in GRAVE and night.inside(call.at_ms):
            who = (role_of(call.rule), grid_of(call))
            counts[who] += 1
            nights.setdefault(who, set()).add(_night_of(call.at_ms, zone))
    return tuple(
        Woken(*who, counts[who], len(nights[who]))
        for who in sorted(counts, key=lambda who: (who[0], who[1] or ""))
    )


def _night_of(at_ms: int, zone: ZoneInfo) -> int:
    """Evening and morning of one night have the same number: nights are counted from noon."""
    return datetime.fromtimestamp(at_ms / 1_000 - 43_200, zone).toordinal()


def worst_of(moments_ms: Iterable[int]) -> Crowd | None:
    """The ten minutes that hold the most of these moments; the first of such."""
    moments = sorted(moments_ms)
    if not moments:
        return None
    counts = [bisect_left(moments, at + CROWD_MS) - n for n, at in enumerate(moments)]
    most = max(counts)
    return Crowd(moments[counts.index(most)], most)
