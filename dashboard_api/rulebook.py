"""The rules of the files in force, for people to look at; the judge has its own copy."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from dashboard_api.rule_words import Told, tell
from hub.settings import Settings
from rules.loader import COMMUNITY, RuleMistakes, load
from rules.rule import Rule


class Page(NamedTuple):
    """One rule with its words."""

    rule: Rule
    told: Told
    file: str


def read_rulebook(settings: Settings) -> tuple[list[Page], list[str]]:
    """Every rule of every file that can be read; and what is wrong with the others."""
    folder = Path(settings.rules_dir or COMMUNITY)
    found: list[Page] = []
    mistakes: list[str] = []
    for file in sorted(path for path in folder.rglob("*") if path.suffix in (".yaml", ".yml")):
        name = str(file.relative_to(folder))
        try:
            found.extend(Page(rule, tell(rule), name) for rule in load([file]).rules)
        except RuleMistakes as error:
            mistakes.extend(str(replace(mistake, file=name)) for mistake in error.mistakes)
    return found, mistakes
