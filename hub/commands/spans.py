"""Spans of time as people type them: `--last 7d`, `--from 2026-03-01`.

A day or a time without its offset from UTC is meant in the site's zone.
"""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from hub.cli import Complaint
from hub.trying import Span
from rules.duration import parse_duration

_DIGITS = re.compile(r"[0-9]{10,15}")


def read_span(
    from_: str | None, to: str | None, last: str | None, zone: ZoneInfo, now_ms: int
) -> Span:
    """What was asked for; nothing: all that there is. Raises `Complaint`."""
    to_ms = now_ms if to is None else read_moment("--to", to, zone)
    if from_ is not None and last is not None:
        raise Complaint("--from and --last exclude each other")
    if last is not None:
        try:
            from_ms = to_ms - parse_duration(last)
        except ValueError as error:
            raise Complaint(f"--last: {error}") from error
    elif from_ is None:
        return Span(None, to_ms)
    else:
        from_ms = read_moment("--from", from_, zone)
    if from_ms >= to_ms:
        raise Complaint("--from: expected a moment before --to (left out: now)")
    return Span(max(0, from_ms), to_ms)


def read_moment(option: str, text: str, zone: ZoneInfo) -> int:
    """Milliseconds since 1970. Raises `Complaint`."""
    if _DIGITS.fullmatch(text):
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Complaint(
            f"{option}: expected a day or a moment such as 2026-03-01 or "
            f"2026-03-01T22:00:00+08:00, not {text!r}"
        ) from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return round(moment.timestamp() * 1_000)
