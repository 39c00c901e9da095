"""A work order: what is wrong, how urgent it is, what to bring, and what must show that it is done.

An order is a case of a fault or of maintenance (`rules/case.py`); here is what its people need
beside the case. The tables are data (`rules/orders/*.yaml`): what is probable, what to bring, what
proves it and how long that may take is a community's own experience.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from rules import condition as c
from rules.facts import DeviceFacts
from rules.inspection import EndOfLife, Inspection
from rules.proof import SIGNED, Proof

LIVES_ALONE = "lives-alone"
# Who depends on a device, the most first.
DEPENDS = ("alone_button", "button", "alone_door", "door", "gateway", "counter")
FIRST, LAST = 1, 4  # priorities

# Names in the place of a rule's, of orders that no rule raised. No rule can have such a name.
REPORTED, FAILED, OVERDUE, WORN = "@report", "@inspection", "@overdue", "@end-of-life"
OWN_RULES = (REPORTED, FAILED, OVERDUE, WORN)


class Words(NamedTuple):
    """A text in both languages."""

    zh: str
    en: str


NO_WORDS = Words("", "")


@dataclass(frozen=True, slots=True)
class Trouble:
    """A kind of trouble. `reported`: families at whose QR page people may report it.

    By `conditions` and `points` it is found for a rule: all that are given must be met.
    """

    name: str
    title: Words
    conditions: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    reported: tuple[str, ...] = ()
    icon: str = ""
    probably: tuple[Words, ...] = ()
    bring: tuple[Words, ...] = ()
    proof: Proof = SIGNED
    reason: Words = NO_WORDS

    def is_of(self, words: frozenset[str], points: frozenset[str], family: str | None) -> bool:
        """Is a rule with such a condition, about such a device, of this trouble?"""
        if not self.conditions and not self.points:
            return False
        return (
            words.issuperset(self.conditions)
            and (not self.points or not points.isdisjoint(self.points))
            and (not self.families or family in self.families)
        )


@dataclass(frozen=True, slots=True)
class Priority:
    """A row of the table of priorities: the first that fits counts. Nothing given: it fits all."""

    priority: int
    severities: tuple[str, ...] = ()
    depends: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()
    reason: Words = NO_WORDS

    def fits(self, severity: str, depends: str | None, trouble: str | None) -> bool:
        """Do all the given columns hold?"""
        return (
            (not self.severities or severity in self.severities)
            and (not self.depends or depends in self.depends)
            and (not self.troubles or trouble in self.troubles)
        )


@dataclass(frozen=True, slots=True)
class OrderTables:
    """All tables about work orders; empty ones ask for a second person's signature always."""

    troubles: Mapping[str, Trouble] = field(default_factory=dict)
    priorities: tuple[Priority, ...] = ()
    inspections: Mapping[str, Inspection] = field(default_factory=dict)
    ends_of_life: tuple[EndOfLife, ...] = ()

    def trouble_of(self, when: c.Condition, family: str | None) -> str | None:
        """The kind of trouble that a rule with this condition finds; None: of no known kind."""
        words, points = condition_words(when), c.points_of(when)
        fitting = (one.name for one in self.troubles.values() if one.is_of(words, points, family))
        return next(fitting, None)

    def offered(self, family: str) -> list[Trouble]:
        """What people may report of a device of this family."""
        return [one for one in self.troubles.values() if family in one.reported]

    def priority_of(self, severity: str, depends: str | None, trouble: str | None) -> int:
        """How urgent an order is, 1 first."""
        row = self.row_of(severity, depends, trouble)
        return LAST if row is None else row.priority

    def row_of(self, severity: str, depends: str | None, trouble: str | None) -> Priority | None:
        """The row of the table that says so."""
        fitting = (row for row in self.priorities if row.fits(severity, depends, trouble))
        return next(fitting, None)


NO_TABLES = OrderTables()


def depends_on(facts: DeviceFacts | None) -> str | None:
    """Who depends on a device; None: nobody is known to."""
    if facts is None:
        return None
    alone = f"alone_{facts.family}"
    if LIVES_ALONE in facts.resident_tags and alone in DEPENDS:
        return alone
    return facts.family if facts.family in DEPENDS else None


_WORDS: dict[type, str] = {
    c.Equals: "equals",
    c.Below: "below",
    c.Above: "above",
    c.Happens: "happens",
    c.Changes: "changes",
    c.Every: "every",
    c.Still: "still_for",
    c.Silent: "silent_for",
    c.Unlike: "unlike",
    c.Together: "together",
    c.Then: "then",
    c.Without: "without",
}
CONDITION_WORDS = (*_WORDS.values(), "rises", "rises_less_than")


def condition_words(when: c.Condition) -> frozenset[str]:
    """The words of the language of rules that stand in a condition."""
    found = {_word(simple) for simple in c.simple_of(when)}
    if isinstance(when, c.Together | c.Then | c.Without):
        found.add(_WORDS[type(when)])
    return frozenset(found)


def _word(simple: c.Simple) -> str:
    if isinstance(simple, c.Rises):
        return "rises_less_than" if simple.less else "rises"
    return _WORDS[type(simple)]


def filled(texts: Iterable[Words], **known: str) -> list[Words]:
    """Texts with what is known of the device filled in; one whose word is not known is left out."""
    found = []
    for text in texts:
        missing = [name for name in FIELDS if f"{{{name}}}" in text.zh and not known.get(name)]
        if not missing:
            given = {name: known.get(name, "") for name in FIELDS}
            found.append(Words(text.zh.format(**given), text.en.format(**given)))
    return found


FIELDS = ("cell", "model", "maker", "driver")  # what a text may name of the device
