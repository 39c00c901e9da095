"""A mark on the page where people report: which device it is of, and when it was made.

Signed with the key of the data folder, so that nobody sends reports without having opened the page
of that very device; a robot that sends at once is seen by the time between.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode

SIGNATURE_BYTES = 16


def token_of(key: bytes, device: str, at_ms: int) -> str:
    """The mark of a page made at that moment."""
    told = f"report\n{device}\n{at_ms}"
    digest = hmac.new(key, told.encode(), hashlib.sha256).digest()[:SIGNATURE_BYTES]
    return f"{at_ms}-{urlsafe_b64encode(digest).decode().rstrip('=')}"


def made_at_ms(key: bytes, device: str, token: str) -> int | None:
    """When the page was made; None for a mark that is not ours."""
    at_ms, _, _signature = token.partition("-")
    if not at_ms.isascii() or not at_ms.isdigit() or len(at_ms) > 15:
        return None
    expected = token_of(key, device, int(at_ms))
    return int(at_ms) if hmac.compare_digest(expected, token) else None
