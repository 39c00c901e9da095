"""Which settings a short command works with: those in force, or the demo's where only it is there.

Somebody who tries the demo and then asks for a token means the demo's; told on standard error.
"""

from dataclasses import replace
from pathlib import Path

import click

from hub.settings import Settings, read_settings

DEMO_DATA_DIR = Path("data/demo")


def settings_at_hand() -> Settings:
    """The settings in force, or with the demo's data folder if there is no other data at all.

    Raises `WrongSetting`.
    """
    settings = read_settings()
    chosen = settings.database_url or settings.data_dir != Settings().data_dir
    if chosen or (settings.data_dir / "hub.db").exists():
        return settings
    if not (DEMO_DATA_DIR / "hub.db").exists():
        return settings
    click.echo(
        f"HUB_DATA_DIR is not set: working with the demo's data in {DEMO_DATA_DIR}", err=True
    )
    return replace(settings, data_dir=DEMO_DATA_DIR)
