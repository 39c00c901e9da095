"""`hub backup`, `hub restore`, `hub doctor`, `hub settings`: looking after a hub."""

import asyncio
import sys
from collections.abc import Iterator
from dataclasses import Field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import click
from rich.console import Console
from rich.table import Table

from hub.cli import Complaint
from hub.clock import SystemClock
from hub.commands.at_hand import settings_at_hand
from hub.settings import Settings, WrongSetting, variable_of

HIDDEN = "(hidden)"
_COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}


def present_settings() -> Settings:
    """The settings in force. Raises `Complaint`."""
    try:
        return settings_at_hand()
    except WrongSetting as error:
        raise Complaint(str(error)) from error


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def backup(file: Path) -> None:
    """Copy the database and the photos to the new file FILE while the hub runs.

    The copy holds everything: journal, cases, devices, residents, users, photos. Keep it as safe as
    the residents' data in it.
    """
    from hub import backup as backups  # noqa: PLC0415 - the settings' command needs no database
    from hub.photos import folder_of  # noqa: PLC0415 - see above

    settings = present_settings()
    try:
        size = backups.back_up(backups.file_of(settings.database), file, folder_of(settings))
    except backups.BackupFailed as error:
        raise Complaint(str(error)) from error
    click.echo(f"{file}: {size / 1e6:.1f} MB")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--refill",
    is_flag=True,
    help="Write every reading of the journal to the time series again; nothing doubles.",
)
def restore(file: Path, refill: bool) -> None:
    """Put the backup FILE in the place of the database.

    The hub and its pages must be stopped. The database that was there is kept beside it.
    """
    from hub import backup as backups  # noqa: PLC0415 - see above
    from hub.photos import folder_of  # noqa: PLC0415 - see above

    stamp = _utc(SystemClock().now_ms()).strftime("%Y%m%dT%H%M%SZ")
    try:
        settings = present_settings()
        database, folder = backups.file_of(settings.database), folder_of(settings)
        aside = backups.restore(file, database, stamp, refill=refill, photos_folder=folder)
    except backups.BackupFailed as error:
        raise Complaint(str(error)) from error
    click.echo(f"{database}: restored from {file}")
    if aside is not None:
        click.echo(f"{aside}: what was there before")


def _utc(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)


@click.command(epilog="Exit code: 1 if there is a problem; warnings alone give 0.")
@click.option("--alive", is_flag=True, help="Look only whether a hub is running here.")
def doctor(alive: bool) -> None:
    """Look whether everything that the hub stands on is as it must be; changes nothing."""
    from hub.doctor import PROBLEM, examine, look_for_hub  # noqa: PLC0415 - see above

    settings, clock = present_settings(), SystemClock()
    look = look_for_hub if alive else examine
    findings = asyncio.run(look(settings, clock))
    for finding in findings:
        verdict = click.style(f"{finding.verdict:8}", fg=_COLOURS[finding.verdict])
        text = finding.text.replace("\n", f"\n{' ' * 9}")
        click.echo(f"{verdict} {finding.part}: {text}")
    sys.exit(1 if any(finding.verdict == PROBLEM for finding in findings) else 0)


class Row(NamedTuple):
    """One setting as people read it."""

    variable: str
    default: str
    present: str
    about: str


@click.command("settings")
@click.option("--markdown", is_flag=True, help="Print the manual's table: without present values.")
def settings(markdown: bool) -> None:
    """Every setting: its name, default, present value (secrets hidden) and what it is for."""
    if markdown:
        click.echo(markdown_table(rows(Settings())))
        return
    table = Table("name", "default", "present", "about")
    for row in rows(present_settings()):
        changed = row.present != row.default
        table.add_row(*row, style="bold" if changed else None)
    Console().print(table)


def rows(present: Settings) -> Iterator[Row]:
    """A row for each setting, in the order of hub/settings.py."""
    for setting in fields(Settings):
        value = getattr(present, setting.name)
        default = _shown(setting.default)
        hidden = setting.metadata["secret"] and value != setting.default
        yield Row(
            variable_of(setting.name, setting.metadata),
            default,
            HIDDEN if hidden else _shown(value),
            _about(setting),
        )


def _about(setting: Field[Any]) -> str:
    return str(setting.metadata["about"])


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def markdown_table(shown: Iterator[Row]) -> str:
    """The table of the manual."""
    lines = ["| name | default | about |", "|---|---|---|"]
    lines += [
        f"| `{row.variable}` | {f'`{row.default}`' if row.default else ''} | {row.about} |"
        for row in shown
    ]
    return "\n".join(lines)
