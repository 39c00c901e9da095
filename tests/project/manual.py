"""The generated pages of the manual: `python -m tests.project.manual` writes them anew.

The page of the library of rules is made in `tests/project/library.py`.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click

from device_drivers.catalog import DRIVERS
from device_drivers.driver import Driver
from hub.cli import cli
from hub.commands.care import markdown_table, rows
from hub.commands.decode import folded
from hub.settings import Settings
from tests.project.library import LIBRARY, library_page

ROOT = Path(__file__).parents[2]
PACKAGES = ("device_drivers", "rules", "hub", "dashboard_api")
ARCHITECTURE = ROOT / "ARCHITECTURE.md"
SETTINGS, COMMANDS = ROOT / "docs/settings.md", ROOT / "docs/commands.md"
WIDTH = 96
_MAP_BEGINS = "| file | what it is |\n"
_SENTENCE = re.compile(r".*?[.!?](?=\s|$)")
DEVICES = ROOT / "docs/devices.md"
_DEVICES_BEGINS = (
    "| driver | for | maker | models | transport | points | may be silent | shows | tested on |\n"
)
_TABLE_BEGINS = "| name | default |"

_COMMANDS_HEAD = """# Commands

What `hub COMMAND --help` says, for every command.
This page is written by `python -m tests.project.manual`.
"""


def architecture_page() -> str:
    """ARCHITECTURE.md as it must be: what a person wrote, and the map of the code at its end."""
    head, _map = ARCHITECTURE.read_text(encoding="utf-8").split(_MAP_BEGINS, 1)
    lines = [f"| `{name}` | {sentence} |" for name, sentence in code_map()]
    return "\n".join([f"{head}{_MAP_BEGINS}|---|---|", *lines]) + "\n"


def code_map() -> Iterator[tuple[str, str]]:
    """Every module with the first sentence of its docstring, package by package."""
    for package in PACKAGES:
        for module in sorted((ROOT / package).rglob("*.py"), key=_place):
            document = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8")))
            own_folder = module.name == "__init__.py" and module.parent.parent != ROOT
            if document and not own_folder:
                paragraph = " ".join(document.split("\n\n")[0].split())
                sentence = _SENTENCE.match(paragraph)
                shown = sentence.group() if sentence else paragraph
                yield str(module.relative_to(ROOT)), shown.replace("|", "\\|")


def _place(module: Path) -> tuple[bool, tuple[str, ...]]:
    """A package's own modules before its folders, `__init__` first."""
    depth = len(module.relative_to(ROOT).parts)
    return depth > 2, module.relative_to(ROOT).with_suffix("").parts


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


def devices_page() -> str:
    """docs/devices.md as it must be: what a person wrote above the table, and the catalogue."""
    head, _table = DEVICES.read_text(encoding="utf-8").split(_DEVICES_BEGINS, 1)
    lines = [f"| {' | '.join(_device_cells(driver))} |" for driver in DRIVERS.values()]
    return "\n".join([f"{head}{_DEVICES_BEGINS}|{'---|' * 9}", *lines]) + "\n"


def _device_cells(driver: Driver) -> Iterator[str]:
    yield f"[{driver.name}](../device_drivers/{driver.name}/README.md)"
    yield ", ".join(driver.families)
    yield driver.maker
    yield ", ".join(f"`{model}`" for model in driver.models)
    yield driver.transport
    yield ", ".join(f"`{name}`" for name in folded(driver.points))
    yield f"{driver.expected_silence_s / 3_600:g} h"
    yield "no" if driver.heard.how == "none" else driver.heard.how.replace("_", " ")
    yield driver.tested


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
    """Write all pages."""
    ARCHITECTURE.write_text(architecture_page(), encoding="utf-8")
    SETTINGS.write_text(settings_page(), encoding="utf-8")
    DEVICES.write_text(devices_page(), encoding="utf-8")
    COMMANDS.write_text(commands_page(), encoding="utf-8")
    LIBRARY.write_text(library_page(), encoding="utf-8")


if __name__ == "__main__":
    write()
