"""The response plans in force: those of the settings' folder *instead of* the community's."""

from pathlib import Path

from hub.settings import Settings
from rules.plan_reader import COMMUNITY_PLANS, load_plans
from rules.response import Plan


def plans_folder(settings: Settings) -> Path:
    """Where the plans in force are read from."""
    return Path(settings.plans_dir) if settings.plans_dir else COMMUNITY_PLANS


def plans_in_force(settings: Settings) -> dict[str, Plan]:
    """All of them, by name. Raises `RuleMistakes`."""
    return load_plans([plans_folder(settings)])
