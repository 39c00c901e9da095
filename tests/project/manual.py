"""The generated pages of the manual: `python -m tests.project.manual` writes them anew."""

from collections.abc import Iterator
from pathlib import Path

import click

from hub.cli import cli
from hub.commands.care import markdown_table, rows
from hub.settings import Settings

ROOT = Path(__file__).parents[2]
SETTINGS, COMMANDS = ROOT / "docs/settings.md", ROOT / "docs/commands.md"
WIDTH = 96
_TABLE_BEGINS = "| name | default |"

_COMMANDS_HEAD = """# Commands

What `hub COMMAND --help` says, for every command.
This page is written by `python -m tests.project.manual`.
"""


def settings_page() -> str:
    """docs/settings.md as it must be: what a person wrote above the table, and the table."""
    head, _table = SETTINGS.read_text(encoding="utf-8").split(_TABLE_BEGINS, 1)
    return f"{head}{markdown_table(rows(Settings()))}\n"


def commands_page() -> str:
    """docs/commands.md as it must be."""
    parts = [
        f"\n## {name}\n\n```\n{text.rstrip()}\n```\n" for name, text in helps(cli, "hub", None)
    ]
    return _COMMANDS_HEAD + "".join(parts)


def helps(
    command: click.Command, name: str, parent: click.Context | None
) -> Iterator[tuple[str, str]]:
    """The name and the help of a command and of all below it."""
    context = click.Context(
        command,
        info_name=name,
        parent=parent,
        terminal_width=WIDTH,
        max_content_width=WIDTH,
    )
    yield context.command_path, command.get_help(context)
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            assert found is not None
            yield from helps(found, below, context)


def write() -> None:
    """Write both pages."""
    SETTINGS.write_text(settings_page(), encoding="utf-8")
    COMMANDS.write_text(commands_page(), encoding="utf-8")


if __name__ == "__main__":
    write()
