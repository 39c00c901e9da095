"""The command `hub`. Each subcommand lives in `hub/commands/` and is imported when it is called."""

import shutil
import sys
from importlib import import_module
from pathlib import Path

import click

# name: (module, attribute, one line of help)
COMMANDS = {
    "run": ("hub.commands.run", "run", "Ingest, judge, archive, deliver and the dashboard."),
    "demo": (
        "hub.commands.demo",
        "demo",
        "The same with a seeded community and simulated devices.",
    ),
    "simulate": (
        "hub.commands.simulate",
        "simulate",
        "Play devices or recorded frames against a broker.",
    ),
    "rules": ("hub.commands.rules", "rules", "Check, test and copy rules."),
    "plans": ("hub.commands.plans", "plans", "Check and test response plans."),
    "orders": ("hub.commands.orders", "orders", "Check the tables about work orders."),
    "decode": (
        "hub.commands.decode",
        "decode",
        "One message, or a file of them, through envelope and driver.",
    ),
    "drivers": (
        "hub.commands.decode",
        "drivers",
        "Every driver with family, maker, model, transport, points.",
    ),
    "import": ("hub.commands.register", "import_", "Devices, residents or places from a CSV file."),
    "export": ("hub.commands.register", "export", "Devices, residents or places as CSV."),
    "redecode": (
        "hub.commands.redecode",
        "redecode",
        "Read refusals again after a driver was mended.",
    ),
    "swap": ("hub.commands.register", "swap", "Put another device in a device's place."),
    "out-of-service": (
        "hub.commands.overrides",
        "out_of_service",
        "Tell nobody of a device's faults for a while.",
    ),
    "in-service": ("hub.commands.overrides", "in_service", "Put it back before its time."),
    "user": ("hub.commands.access", "user", "People who may log in."),
    "token": ("hub.commands.access", "token", "Bearer tokens for programs and screens."),
    "watch": (
        "hub.commands.watch",
        "watch",
        "Raise the alarm when a hub does not answer; for another machine.",
    ),
    "backup": ("hub.commands.care", "backup", "Copy database and photos while the hub runs."),
    "restore": ("hub.commands.care", "restore", "Put a backup in the database's place."),
    "doctor": ("hub.commands.care", "doctor", "Look whether everything is as it must be."),
    "settings": ("hub.commands.care", "settings", "Every setting with its present value."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _help = COMMANDS[cmd_name]
        found: click.Command = getattr(import_module(module), attribute)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in the help, without importing every command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, row[2]) for name, row in COMMANDS.items()])


@click.group(cls=LazyGroup)
def cli() -> None:
    """Community Hub: from a press, a door and a turn of the pedals to a person who comes."""


class Complaint(click.ClickException):
    """A mistake of input or settings, for a person; exit code 1."""


def own_name() -> str:
    """How this program is called in this terminal: `hub` where PATH finds it, else its file."""
    if shutil.which("hub"):
        return "hub"
    file, here = Path(sys.executable).with_name("hub"), Path.cwd()
    return str(file.relative_to(here) if file.is_relative_to(here) else file)


def main() -> None:
    """Run the command line; a person never sees a traceback of a mistake in the input."""
    sys.exit(cli(prog_name="hub"))


if __name__ == "__main__":
    main()
