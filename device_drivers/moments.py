"""Moments as devices and network servers write them, as milliseconds since 1970 UTC and back."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from device_drivers.driver import Unreadable
from device_drivers.points import shown

# A moment outside this span is a clock that was never set, or seconds taken for milliseconds.
EARLIEST_MS = 946_684_800_000  # 2000-01-01
LATEST_MS = 4_102_444_800_000  # 2100-01-01
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RFC_3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
EXPECTED = "milliseconds since 1970 (from the year 2000 to 2100) or RFC 3339 text with a zone"


def moment_ms(value: Any) -> int:
    """A moment given as whole milliseconds or as RFC 3339 text. Raises `Unreadable`."""
    if isinstance(value, str):
        return text_ms(value)
    if type(value) is int and EARLIEST_MS <= value <= LATEST_MS:
        return value
    seconds = "; these look like seconds" if _looks_like_seconds(value) else ""
    raise Unreadable(f"expected {EXPECTED}, not {shown(value)}{seconds}")


def text_ms(text: str) -> int:
    """RFC 3339 text with a zone, digits beyond milliseconds cut off. Raises `Unreadable`."""
    match = _RFC_3339.fullmatch(text)
    if match is None:
        raise Unreadable(f"expected {EXPECTED}, not {shown(text)}")
    day, hour, fraction, zone = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{hour}{zone.upper().replace('Z', '+00:00')}")
        whole_s = (moment - _EPOCH) // timedelta(seconds=1)
    except (ValueError, OverflowError) as error:
        raise Unreadable(f"expected {EXPECTED}, not {shown(text)} ({error})") from None
    return _in_span(whole_s * 1_000 + int((fraction or ".0")[1:4].ljust(3, "0")), text)


def unix_s_ms(seconds: int) -> int:
    """A device's own count of seconds since 1970. Raises `Unreadable` for a clock never set."""
    return _in_span(seconds * 1_000, seconds)


def rfc_3339(at_ms: int) -> str:
    """Milliseconds since 1970 as RFC 3339 text in UTC."""
    moment = _EPOCH + timedelta(milliseconds=at_ms)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _in_span(at_ms: int, value: object) -> int:
    if EARLIEST_MS <= at_ms <= LATEST_MS:
        return at_ms
    raise Unreadable(f"expected a time from the year 2000 to 2100, not {shown(value)}")


def _looks_like_seconds(value: Any) -> bool:
    return type(value) is int and EARLIEST_MS <= value * 1_000 <= LATEST_MS
