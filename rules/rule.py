"""A rule: what must be noticed, as a value. The loader makes it out of YAML."""

import hashlib
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from rules.condition import Condition, Happens, Simple, Where, simple_of
from rules.during import During
from rules.plain import plain, plain_during, plain_where

if TYPE_CHECKING:
    from rules.override import Override
    from rules.story import Story

SEVERITIES = ("emergency", "urgent", "warning", "notice")
CATEGORIES = ("emergency", "welfare", "security", "fault", "maintenance")
CANARY = "canary"  # family of the press of proof: the hub's own rule hears it, and no other
GRAVE = ("emergency", "urgent")  # judged even for a device that nobody registered
MODES = ("live", "shadow")  # judged and told; judged and only written down


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `version` changes with everything but titles, words, reason, tests and mode."""

    name: str
    when: Condition
    where: Where = field(default_factory=Where)
    title_zh: str = ""
    title_en: str = ""
    hold_for_ms: int = 0
    clear_for_ms: int = 0
    during: During | None = None
    severity: str = "warning"
    category: str = "fault"
    response: str = ""
    say_zh: str = ""
    say_en: str = ""
    reason_zh: str = ""  # why it is so, and where its figures come from
    reason_en: str = ""
    mode: str = "live"
    version: str = ""
    file: str = ""
    line: int = 0
    tests: tuple["Story", ...] = ()
    instead_of: str = ""  # of a shadow rule: the live one whose place it may take
    built_in: bool = False  # the hub's own: no file and no override touches it

    @property
    def is_shadow(self) -> bool:
        """Is it judged and written down, and nobody told?"""
        return self.mode == "shadow"


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules in force, by name, and what is different for some devices."""

    rules: tuple[Rule, ...]
    overrides: tuple["Override", ...] = ()

    def named(self, name: str) -> Rule | None:
        """The rule of that name."""
        return next((rule for rule in self.rules if rule.name == name), None)

    def with_built_in_of(self, other: "RuleSet") -> "RuleSet":
        """What a judge is given: the set that people know, and the hub's own rules of another."""
        own = tuple(rule for rule in other.rules if rule.built_in)
        return replace(self, rules=(*self.rules, *own))

    @property
    def hears_presses(self) -> bool:
        """Does any press make an emergency?"""
        return any(
            rule.severity == "emergency"
            and not (rule.is_shadow or rule.built_in)
            and any(map(_hears_press, simple_of(rule.when)))
            for rule in self.rules
        )


def _hears_press(simple: Simple) -> bool:
    return isinstance(simple, Happens) and simple.point == "press"


def version_of(rule: Rule) -> str:
    """Changes with what the rule means, not with its titles, words, tests and mode.

    Made of the words of the language and not of how the program holds them, so that an upgrade
    of the hub starts no rule afresh.
    """
    meaning = {
        "rule": rule.name,
        "where": plain_where(rule.where),
        "when": plain(rule.when),
        "hold_for": rule.hold_for_ms,
        "clear_for": rule.clear_for_ms,
        "during": None if rule.during is None else plain_during(rule.during),
        "severity": rule.severity,
        "category": rule.category,
        "response": rule.response,
    }
    text = json.dumps(meaning, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class RuleChanges(NamedTuple):
    """What differs between two sets of rules, by name.

    An untouched rule keeps its standing; those of its words or mode that changed are `reworded`.
    """

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    untouched: tuple[str, ...]
    reworded: tuple[str, ...] = ()


def diff(old: RuleSet, new: RuleSet) -> RuleChanges:
    """From the one to the other, each list in the order of the files."""
    before = {rule.name: rule for rule in old.rules}
    after = {rule.name: rule for rule in new.rules}
    both = [name for name in after if name in before]
    untouched = [name for name in both if before[name].version == after[name].version]
    return RuleChanges(
        added=tuple(name for name in after if name not in before),
        changed=tuple(name for name in both if before[name].version != after[name].version),
        removed=tuple(name for name in before if name not in after),
        untouched=tuple(untouched),
        reworded=tuple(name for name in untouched if _words(before[name]) != _words(after[name])),
    )


def _words(rule: Rule) -> tuple[str, ...]:
    titles = (rule.title_zh, rule.title_en, rule.say_zh, rule.say_en)
    return (*titles, rule.reason_zh, rule.reason_en, rule.mode)
