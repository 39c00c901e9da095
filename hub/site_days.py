"""Days of the site: where each begins and ends in its zone, and how clocks differ from UTC."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hub.journal import DAY_MS

HOUR_MS = 3_600_000
_STEP_MS = 900_000  # no zone has ever changed its clocks within a quarter of an hour of UTC


class Day(NamedTuple):
    """A day of the site and its moments, the end not included; 23 to 25 hours."""

    name: str  # 2026-11-25
    from_ms: int
    to_ms: int


def day_named(name: str, zone: ZoneInfo) -> Day:
    """The day of such a name. Raises ValueError for what is no day."""
    one = date.fromisoformat(name)
    if one.isoformat() != name:
        raise ValueError(name)  # 20261125 and 2026-W48 are days too, but not in a path of ours
    return Day(name, _midnight_ms(one, zone), _midnight_ms(one + timedelta(days=1), zone))


def day_at(at_ms: int, zone: ZoneInfo) -> Day:
    """The day to which a moment belongs."""
    one = datetime.fromtimestamp(at_ms / 1_000, zone).date()
    return day_named(one.isoformat(), zone)


def days_between(from_ms: int, to_ms: int, zone: ZoneInfo) -> Iterator[Day]:
    """Every day that has a moment in [from, to), oldest first; its bounds are not cut."""
    while from_ms < to_ms:
        day = day_at(from_ms, zone)
        yield day
        from_ms = day.to_ms


def _midnight_ms(one: date, zone: ZoneInfo) -> int:
    return int(datetime.combine(one, time(), zone).timestamp() * 1_000)


def offsets_between(from_ms: int, to_ms: int, zone: ZoneInfo) -> list[tuple[int, int]]:
    """By how many ms local clocks are ahead of UTC, each from its moment on; oldest first."""
    found = [(from_ms, _offset_ms(from_ms, zone))]
    at_ms = from_ms
    while at_ms < to_ms:
        next_ms = min(at_ms + DAY_MS, to_ms)
        if _offset_ms(next_ms, zone) != found[-1][1]:
            next_ms = _first_change(at_ms, next_ms, zone)
            found.append((next_ms, _offset_ms(next_ms, zone)))
        at_ms = next_ms
    return found


def _first_change(from_ms: int, until_ms: int, zone: ZoneInfo) -> int:
    before = _offset_ms(from_ms, zone)
    at_ms = (from_ms // _STEP_MS + 1) * _STEP_MS
    while at_ms < until_ms and _offset_ms(at_ms, zone) == before:
        at_ms += _STEP_MS
    return min(at_ms, until_ms)


def _offset_ms(at_ms: int, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(at_ms / 1_000, UTC).astimezone(zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds() * 1_000)
