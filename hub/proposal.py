"""What a device could be called: an id and names made of its family and its place.

A proposal saves a person typing with cold hands in a stairwell; whoever knows better writes over
it.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from hub.mistakes import NAME_CHARACTERS_MAX

_WORDS = {
    "button": ("btn", "呼叫按钮", "button"),
    "door": ("door", "门磁", "door"),
    "counter": ("gym", "器材", "machine"),
    "gateway": ("gw", "网关", "gateway"),
}
_OTHER = ("dev", "设备", "device")
_NOT_IN_AN_ID = re.compile(r"[^0-9A-Za-z一-鿿._-]+")
NUMBER_CHARACTERS = 8  # room for `-2`, `-3`, …


class Proposal(NamedTuple):
    """An id that is free, and names."""

    id: str
    name_zh: str
    name_en: str


def propose(
    family: str | None,
    place: Mapping[str, Any] | None,
    address: str,
    taken: Collection[str],
    called: str | None = None,
) -> Proposal:
    """For a device of a family at a place (a row of `places`); without one by its address.

    `called` is its name in its own ecosystem: somebody thought about it already.
    """
    short, zh, en = _WORDS.get(family or "", _OTHER)
    where = place["path"] if place else address.partition(":")[2] or address
    stem = _NOT_IN_AN_ID.sub("-", where).strip("-.") or "new"
    if not stem.lower().startswith(f"{short}-"):
        stem = f"{short}-{stem}"
    number = _free(stem[: NAME_CHARACTERS_MAX - NUMBER_CHARACTERS], taken)
    if place is None and called:
        return Proposal(number, called, called)
    if place is None:
        return Proposal(number, f"{zh} {where}", f"{en.capitalize()} {where}")
    count = number.rpartition("-")[2] if number != stem else ""
    return Proposal(
        number, f"{place['name_zh']}{zh}{count}", f"{place['name_en']}, {en} {count}".rstrip()
    )


def _free(stem: str, taken: Collection[str]) -> str:
    number = 1
    found = stem
    while found in taken:
        number += 1
        found = f"{stem}-{number}"
    return found
