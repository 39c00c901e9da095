"""What a person wrote and what was expected of it: one reader per kind of value.

A reader takes text and returns the value, or raises `Wrong` with what was expected, what stands
there and the nearest right word. Files that people write (site, CSV) are read with these.
"""

import re
from collections.abc import Callable, Collection
from difflib import get_close_matches
from typing import Any

TEXT_CHARACTERS_MAX = 1_000
NAME_CHARACTERS_MAX = 128
MISTAKES_SHOWN_MAX = 50

_NAME = re.compile(r"[^\s/+#|,;]{1,128}")
_PATH = re.compile(r"[^\s/+#|,;*?\[\]]+(/[^\s/+#|,;*?\[\]]+)*")
_COUNTED = re.compile(r"[0-9](?:[.,][0-9]+)?[Ee]\+[0-9]{1,3}")
_PHONE = re.compile(r"\+?[0-9][0-9 ()-]{1,30}")

Reader = Callable[[str], Any]


class Wrong(ValueError):
    """One value that cannot be used; the text says what was expected."""


class Mistakes(Exception):
    """All mistakes of one file, a line each: `file:line: what was expected`."""

    def __init__(self, lines: Collection[str]) -> None:
        shown = list(lines)[:MISTAKES_SHOWN_MAX]
        if len(lines) > len(shown):
            shown.append(f"and {len(lines) - len(shown)} more")
        super().__init__("\n".join(shown))


def nearest(word: str, known: Collection[str]) -> str:
    """`; did you mean …?`, or nothing when no known word is near."""
    near = get_close_matches(word, known, n=1)
    return f"; did you mean {near[0]}?" if near else ""


def shown(text: str) -> str:
    """A value as a sentence can carry it."""
    return repr(text if len(text) <= 60 else f"{text[:60]}…")


def text(value: str) -> str:
    """Any text of one line without control characters."""
    if len(value) > TEXT_CHARACTERS_MAX or not value.isprintable():
        raise Wrong(
            f"expected up to {TEXT_CHARACTERS_MAX} printable characters, not {shown(value)}"
        )
    return value


def notes(value: str) -> str:
    """Text that may have several lines."""
    text(re.sub(r"[\r\n\t]", " ", value))
    return value


def not_counted(value: str) -> str:
    """No name or number that a spreadsheet took for a sum and wrote as `2.4E+15`."""
    if _COUNTED.fullmatch(value):
        raise Wrong(
            f"{shown(value)} is what a spreadsheet makes of a long number; its digits are lost: "
            "give the column the format Text and enter it again"
        )
    return value


def name(value: str) -> str:
    """What stands in topics and addresses: no spaces, no characters of MQTT's own."""
    not_counted(value)
    if not _NAME.fullmatch(value) or not value.isprintable():
        raise Wrong(
            f"expected 1 to {NAME_CHARACTERS_MAX} characters without spaces and / + # | , ; "
            f"not {shown(value)}"
        )
    return value


def path(value: str) -> str:
    """The path of a place, such as `b3/u1/1204`."""
    if not _PATH.fullmatch(value) or len(value) > NAME_CHARACTERS_MAX or not value.isprintable():
        raise Wrong(f"expected a path such as b3/u1/1204, not {shown(value)}")
    return value


def phone(value: str) -> str:
    """A phone number as people write it."""
    not_counted(value)
    if not _PHONE.fullmatch(value):
        raise Wrong(f"expected a phone number such as 0374-5550103, not {shown(value)}")
    return value


def one_of(words: Collection[str]) -> Reader:
    """A closed list."""

    def read(value: str) -> str:
        if value not in words:
            expected = ", ".join(sorted(words))
            raise Wrong(f"expected {expected}, not {shown(value)}{nearest(value, words)}")
        return value

    return read


def known(what: str, words: Collection[str]) -> Reader:
    """One of many that are known; an empty collection is no knowledge, and is not checked."""

    def read(value: str) -> str:
        if words and value not in words:
            not_counted(value)
            raise Wrong(f"unknown {what} {shown(value)}{_near_or_cut(value, words)}")
        return value

    return read


def _near_or_cut(value: str, words: Collection[str]) -> str:
    """The nearest word; of a number the one whose leading zeros a spreadsheet may have eaten."""
    if value.isdigit():
        for word in words:
            if word.isdigit() and word.lstrip("0") == value:
                return f"; did you mean {word}? A spreadsheet eats leading zeros"
    return nearest(value, words)


def whole(low: int, high: int) -> Reader:
    """A whole number within bounds."""

    def read(value: str) -> int:
        if not re.fullmatch(r"-?[0-9]{1,18}", value) or not low <= int(value) <= high:
            raise Wrong(f"expected a whole number from {low} to {high}, not {shown(value)}")
        return int(value)

    return read


def fraction(value: str) -> float:
    """A number from 0 to 1."""
    if not re.fullmatch(r"[0-9]{0,20}(\.[0-9]{0,20})?(e-[0-9]{1,3})?", value) or value in ("", "."):
        raise Wrong(f"expected a number from 0 to 1, not {shown(value)}")
    number = float(value)
    if not 0 <= number <= 1:
        raise Wrong(f"expected a number from 0 to 1, not {shown(value)}")
    return number
