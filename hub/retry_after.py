"""The header Retry-After: how long a server asks to be left alone."""

from email.utils import parsedate_to_datetime


def retry_after_s(header: str | None, now_ms: int) -> float | None:
    """Seconds that a Retry-After asks for, given as such or as a date; None for neither."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        until_ms = parsedate_to_datetime(text).timestamp() * 1_000
    except (ValueError, OverflowError):
        return None
    return max(0.0, (until_ms - now_ms) / 1_000)
