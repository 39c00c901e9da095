"""The rules in force: those of the settings' folder *instead of* the community's."""

from pathlib import Path

from hub.settings import Settings
from rules.loader import COMMUNITY, load
from rules.rule import RuleSet

NO_PRESS = (
    "no rule hears a press: emergency calls raise no case; HUB_RULES_DIR is read instead of the "
    "community's rules, so copy its emergency.yaml into the folder"
)


def folder_of(settings: Settings) -> Path:
    """Where the rules in force are read from."""
    return Path(settings.rules_dir) if settings.rules_dir else COMMUNITY


def rules_in_force(settings: Settings) -> RuleSet:
    """All of them. Raises `RuleMistakes`."""
    return load([folder_of(settings)])
