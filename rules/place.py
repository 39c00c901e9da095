"""Paths of places (`b3/u1/1204`) and globs over them (`b3/u1/*`)."""

import re
from functools import lru_cache


def place_matches(place: str | None, globs: tuple[str, ...]) -> bool:
    """Does the place fit one of the globs?"""
    return place is not None and any(_pattern(glob).fullmatch(place) for glob in globs)


@lru_cache(maxsize=4_096)
def _pattern(glob: str) -> re.Pattern[str]:
    """`*` is one step of the path, or at the end everything below; `**` is any number of steps."""
    steps = glob.split("/")
    if steps[-1] == "*":
        steps[-1] = "**"
    return re.compile("/".join(_step(step) for step in steps))


def _step(step: str) -> str:
    if step == "**":
        return ".+"
    return "".join({"*": "[^/]*", "?": "[^/]"}.get(letter, re.escape(letter)) for letter in step)
