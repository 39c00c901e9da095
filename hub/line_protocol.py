"""A point as one line of InfluxDB's line protocol, written by hand because it is the hot path.

    readings,device=d1,family=door,point=contact,site=demo value_s="open" 1767225600000000007

One measurement, the same tags always, one field per kind of value (`value_f` numbers, `value_b`
yes or no, `value_s` texts), so that a type never conflicts with what is stored. Tags name things,
never people: no resident, and no place either, because a path such as b3/u1/1204 is somebody's
home. Line protocol can hold neither a line feed nor a backslash before a comma in a tag; such
characters are written as %0A, %5C and read back (`read_tag`).
"""

import re
from collections.abc import Callable
from functools import lru_cache
from urllib.parse import quote, unquote

from hub.series import Point

MEASUREMENT = "readings"

_SPECIAL = re.compile(r"[,= ]")
_UNWRITABLE = re.compile(r"[%\\\x00-\x1f\x7f]")


def write_tag(text: str) -> str:
    """A tag's value as it is stored: the characters that a line cannot hold as %XX."""
    return _UNWRITABLE.sub(lambda found: quote(found[0], safe=""), text)


def read_tag(stored: str) -> str:
    """What `write_tag` was given."""
    return unquote(stored)


def line_writer(site: str, keys_cached_max: int) -> Callable[[Point], str]:
    """A function that writes points of one site; it remembers what stands before the value."""
    head = lru_cache(maxsize=keys_cached_max)(_head)

    def line(point: Point) -> str:
        key = head(site, point.device, point.family, point.point, point.grid, point.ground)
        return f"{key}{_field(point.value)} {point.at_ns}"

    return line


def _head(
    site: str, device: str, family: str, point: str, grid: str | None, ground: str | None
) -> str:
    # Sorted by name, as the server wants them.
    tags = (
        ("device", device),
        ("family", family),
        ("grid", grid),
        ("ground", ground),
        ("point", point),
        ("site", site),
    )
    written = "".join(f",{name}={_escape(value)}" for name, value in tags if value is not None)
    return f"{MEASUREMENT}{written} "


def _escape(text: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", write_tag(text))


def _field(value: bool | float | str) -> str:
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'value_s="{escaped}"'
    if isinstance(value, bool):
        return "value_b=true" if value else "value_b=false"
    return f"value_f={float(value)!r}"
