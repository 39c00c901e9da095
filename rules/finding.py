"""What the judge found out: the changes of alerts, in the order in which it found them."""

from typing import Literal, NamedTuple

from device_drivers.reading import Value
from rules.rule import Rule

Kind = Literal["opens", "again", "closes", "taken_back"]


class Finding(NamedTuple):
    """One change of one alert, which is named by rule, key and `opened_at_ms`.

    `opens`: it is so since `at_ms` (for an alert that is closed already: its closing was wrong).
    `again`: it happened once more at `at_ms`. `closes`: it is over since `at_ms` (for one that is
    closed already: it was over at another moment). `taken_back`: it was never so.
    `heard_ms` is when the hub knew, `seq` the entry that told it, None for the passing of time.
    """

    kind: Kind
    rule: Rule
    key: str
    device: str | None
    at_ms: int
    opened_at_ms: int
    heard_ms: int
    seq: int | None
    value: Value | None
    why_zh: str
    why_en: str
    text_zh: str = ""  # what people read: what the rule says of it, or else why
    text_en: str = ""


class Withdrawn(NamedTuple):
    """A happening that was told as `again` and was none: nobody is told, but the history differs.

    (A state that "changed" to a value it had before, as a late reading shows.)
    """

    rule: str
    key: str
    at_ms: int
    opened_at_ms: int


class Standing(NamedTuple):
    """A row to be kept: all that is known up to the journal's number `seq`."""

    key: str
    seq: int
    state: bytes


class TooLate(NamedTuple):
    """An entry older than what a watched thing still keeps: it could not be judged."""

    rule: str
    key: str
    device: str
    at_ms: int
    seq: int
