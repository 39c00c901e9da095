"""Which settings a short command works with: those in force, or the demo's where that is meant.

Somebody who tries the demo and then asks for a token means the demo's: it is meant where it is the
only one that was ever run in this folder, or the only one that runs now. Told on standard error.
"""

import sqlite3
from dataclasses import replace
from pathlib import Path

import click

import hub.demo
from hub import backup
from hub.clock import SystemClock
from hub.health import HUB
from hub.settings import Settings, read_settings

DEMO_DATA_DIR = Path("data/demo")
DEMO_SITE_FILE = Path(hub.demo.__file__).with_name("site.yaml")
DATABASE = "hub.db"


def settings_at_hand() -> Settings:
    """The settings in force, or with the demo's data and site if the demo is meant.

    Raises `WrongSetting`.
    """
    settings = read_settings()
    chosen = settings.database_url or settings.data_dir != Settings().data_dir
    if chosen or not (DEMO_DATA_DIR / DATABASE).exists():
        return settings
    demo, why = _demo_is_meant(settings)
    folder = DEMO_DATA_DIR if demo else settings.data_dir
    whose = "the demo's data" if demo else "the data"
    click.echo(f"HUB_DATA_DIR is not set: working with {whose} in {folder} ({why})", err=True)
    return as_demo(settings) if demo else settings


def as_demo(settings: Settings) -> Settings:
    """The settings with the demo's own folder, site and rules where nothing else was wished."""
    data_dir = DEMO_DATA_DIR if settings.data_dir == Settings().data_dir else settings.data_dir
    return replace(
        settings,
        data_dir=data_dir,
        site_file=settings.site_file or str(DEMO_SITE_FILE),
        rules_dir=settings.rules_dir or str(demo_rules_dir(data_dir)),
    )


def demo_rules_dir(data_dir: Path) -> Path:
    """The demo's own copy of the community's rules, so that they can be edited by page."""
    return data_dir / "rules"


def _demo_is_meant(settings: Settings) -> tuple[bool, str]:
    if not (settings.data_dir / DATABASE).exists():
        return True, "there is no other"
    now_ms = SystemClock().now_ms()
    silent_after_ms = round(settings.silent_after_s * 1_000)
    if _lives(settings.data_dir, now_ms - silent_after_ms):
        return False, "a hub runs there"
    if _lives(DEMO_DATA_DIR, now_ms - silent_after_ms):
        return True, "it runs now"
    return False, f"the demo's are in {DEMO_DATA_DIR}; neither runs now"


def _lives(folder: Path, since_ms: int) -> bool:
    """Has a hub with this folder said since then that it is alive?"""
    try:
        with backup.reading(folder / DATABASE) as connection:
            newest = connection.execute("SELECT at_ms FROM health WHERE part = ?", (HUB,))
            row = newest.fetchone()
    except (backup.BackupFailed, sqlite3.Error):
        return False  # what cannot be read is `hub doctor`'s finding
    return row is not None and row[0] >= since_ms
