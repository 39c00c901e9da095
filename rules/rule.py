"""A rule: what must be noticed, as a value. The loader makes it out of YAML."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rules.condition import Condition, Happens, Simple, Where, simple_of
from rules.during import During

if TYPE_CHECKING:
    from rules.story import Story

SEVERITIES = ("emergency", "urgent", "warning", "notice")
CATEGORIES = ("emergency", "welfare", "security", "fault", "maintenance")
GRAVE = ("emergency", "urgent")  # judged even for a device that nobody registered


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `version` changes with everything but the titles, what is said and the tests."""

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
    version: str = ""
    file: str = ""
    line: int = 0
    tests: tuple["Story", ...] = ()


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules in force, by name."""

    rules: tuple[Rule, ...]

    def named(self, name: str) -> Rule | None:
        """The rule of that name."""
        return next((rule for rule in self.rules if rule.name == name), None)

    @property
    def hears_presses(self) -> bool:
        """Does any press make an emergency?"""
        return any(
            rule.severity == "emergency" and any(map(_hears_press, simple_of(rule.when)))
            for rule in self.rules
        )


def _hears_press(simple: Simple) -> bool:
    return isinstance(simple, Happens) and simple.point == "press"
