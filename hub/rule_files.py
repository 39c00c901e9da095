"""The rules in force: those of the settings' folder *instead of* the community's."""

import logging
from pathlib import Path

from hub.settings import Settings
from rules.loader import COMMUNITY, load
from rules.rule import RuleSet

log = logging.getLogger(__name__)

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


def rules_to_run(settings: Settings) -> RuleSet:
    """The same for a hub that starts: the log has a loud word if no press would be heard."""
    rule_set = rules_in_force(settings)
    if not rule_set.hears_presses:
        log.critical(NO_PRESS)
    return rule_set
