"""The order of a walk: house 2 before house 10, flat 102 before flat 1001. Pure."""

from functools import lru_cache
from typing import Any

PATHS_MAX = 10_000  # whose pieces are kept: those of a community
COLLATION = "natural"
_LAST = "~"


@lru_cache(PATHS_MAX)
def natural(path: str | None) -> tuple[Any, ...]:
    """The key to sort a path by; what has none comes last."""
    return tuple(_piece(part) for part in (path or _LAST).split("/"))


def _piece(part: str) -> tuple[str, int, str]:
    head = part.rstrip("0123456789")
    digits = part[len(head) :]
    return (head, int(digits) if digits else -1, part)


def compare(one: str, other: str) -> int:
    """The same as SQLite asks for it: below, equal to or above zero."""
    mine, its = natural(one), natural(other)
    return (mine > its) - (mine < its)
