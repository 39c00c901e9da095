"""Moments and spans as people write them in a query: RFC 3339 or milliseconds, `5m`, `1h`."""

import re
from datetime import datetime

from dashboard_api.errors import Problem

DAY_MS = 86_400_000
MOMENT_MS_MAX = 253_402_300_799_999  # the last one of the year 9999
_UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": DAY_MS}
_SPAN = re.compile(r"([1-9][0-9]{0,8})(ms|s|m|h|d)")
_DIGITS = re.compile(r"[0-9]{1,15}")


def read_moment(name: str, text: str) -> int:
    """Milliseconds since 1970. Raises the 422 that says what was expected."""
    if _DIGITS.fullmatch(text) and int(text) <= MOMENT_MS_MAX:
        return int(text)
    try:
        # A plus sign that was not escaped arrives as a space.
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or moment.year < 1970:
        raise Problem(
            422,
            f"{name}: expected a moment with its zone, such as 2026-03-02T09:00:00+08:00, "
            f"or milliseconds since 1970, not {text[:40]!r}.",
        )
    return int(moment.timestamp() * 1000)


def read_span(name: str, text: str) -> int:
    """Milliseconds of a span. Raises the 422 that says what was expected."""
    found = _SPAN.fullmatch(text)
    if found is None:
        raise Problem(422, f"{name}: expected a span such as 30s, 5m, 1h, 1d, not {text[:40]!r}.")
    return int(found[1]) * _UNITS_MS[found[2]]


def read_window(from_: str | None, to: str | None, now_ms: int, span_ms: int) -> tuple[int, int]:
    """From and to; left out: to now, from `span_ms` before that."""
    to_ms = now_ms if to is None else read_moment("to", to)
    from_ms = to_ms - span_ms if from_ is None else read_moment("from", from_)
    if from_ms >= to_ms:
        raise Problem(422, "from: expected a moment before `to`.")
    return max(0, from_ms), to_ms
