"""An override: for some devices and until a day, a rule is off or a little different."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from rules.facts import DeviceFacts
from rules.place import place_matches
from rules.rule import Rule

# Whose override wins, the narrowest first.
SELECTORS = ("device", "resident", "tags", "place")
# What of a rule may be different. Its name, category, devices and mode are its own.
SETTABLE = ("when", "hold_for", "clear_for", "during", "severity", "response", "say")
FOR_EVER_MS = 1 << 62


@dataclass(frozen=True, slots=True)
class Override:
    """Which devices, what is different, why, by whom, from when (ms) and until when.

    The selectors are as those of `where`: all that are given must hold, one of a list is enough,
    of `tags` all must be. `off`, or `set`: the changed keys as they were written. `parts` is what
    they mean for this very rule, by the names of the fields of `Rule`: a changed `when` is there
    whole. It begins at `since_ms` or with `since_day`, both None: it always was so. It ends at
    `until_ms` or with the end of `until_day`, days being the site's. `source` is `file:line` or
    `api`.
    """

    rule: str
    reason: str
    by: str
    device: tuple[str, ...] = ()
    resident: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    place: tuple[str, ...] = ()
    off: bool = False
    set: Mapping[str, Any] = field(default_factory=dict)
    parts: Mapping[str, Any] = field(default_factory=dict)
    since_ms: int | None = None
    since_day: date | None = None
    until_ms: int | None = None
    until_day: date | None = None
    id: str = ""
    source: str = ""
    file: str = ""
    line: int = 0

    def fits(self, facts: DeviceFacts) -> bool:
        """Is it about this device?"""
        return (
            (not self.device or facts.id in self.device)
            and (not self.resident or facts.resident in self.resident)
            and (not self.place or place_matches(facts.place, self.place))
            and facts.tags.issuperset(self.tags)
        )

    def names_group(self, same: str, key: str) -> bool:
        """Is it about the whole group of devices that share this place or resident?"""
        if self.given != (same,):
            return False
        return place_matches(key, self.place) if same == "place" else key in self.resident

    @property
    def given(self) -> tuple[str, ...]:
        """The selectors that it has."""
        return tuple(name for name in SELECTORS if getattr(self, name))

    def end_ms(self, zone: ZoneInfo) -> int:
        """The moment from which it holds no more. A day is meant to its end."""
        if self.until_ms is not None:
            return self.until_ms
        if self.until_day is None:
            return FOR_EVER_MS
        return _midnight_ms(self.until_day + timedelta(days=1), zone)

    def begin_ms(self, zone: ZoneInfo) -> int | None:
        """The moment from which it holds; None: always."""
        if self.since_day is not None:
            return _midnight_ms(self.since_day, zone)
        return self.since_ms

    def rank(self, zone: ZoneInfo) -> tuple[Any, ...]:
        """The smallest wins: the narrowest, of those the one that ends first, then the newest."""
        narrow = min(map(SELECTORS.index, self.given), default=len(SELECTORS))
        return (narrow, self.end_ms(zone), -(self.begin_ms(zone) or 0), self.id)

    def applied_to(self, rule: Rule) -> Rule:
        """The rule as it is for these devices. It keeps its version."""
        return replace(rule, **self.parts)


def _midnight_ms(day: date, zone: ZoneInfo) -> int:
    return round(datetime.combine(day, time(0), zone).timestamp() * 1_000)
