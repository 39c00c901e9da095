"""`hub user` and `hub token`: who may come in."""

from collections.abc import Callable
from typing import TypeVar

import click
from sqlalchemy.engine import Engine

from hub import private_files, users
from hub.cli import Complaint
from hub.clock import SystemClock
from hub.commands.at_hand import settings_at_hand
from hub.database import UnusableDatabase, migrate, open_engine
from hub.screens import WALL
from hub.settings import WrongSetting

Result = TypeVar("Result")


def with_database(work: Callable[[Engine], Result]) -> Result:
    """Do `work` on the settings' database, whose tables are made if they are not there yet."""
    try:
        settings = settings_at_hand()
        private_files.make_folder(settings.data_dir)
        engine = open_engine(settings.database)
        migrate(engine)
        try:
            return work(engine)
        finally:
            engine.dispose()
    except (WrongSetting, UnusableDatabase, users.Refusal, OSError) as error:
        raise Complaint(str(error)) from error


@click.group()
def user() -> None:
    """People who may log in."""


@user.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice(users.USER_ROLES), required=True)
@click.option("--ask", is_flag=True, help="Ask for a password instead of making one up.")
def add_user(name: str, role: str, ask: bool) -> None:
    """Add a person. The password is made up and printed once, or asked for with --ask."""
    password = _new_password(ask=ask)
    with_database(lambda engine: users.add_user(engine, SystemClock(), name, role, password))
    click.echo(f"{name} may log in as {role}.")
    if not ask:
        click.echo(f"Password, shown this once: {password}")


def _new_password(*, ask: bool) -> str:
    if not ask:
        return users.make_password()
    asked: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return asked


@user.command("password")
@click.argument("name")
@click.option("--ask", is_flag=True, help="Ask for a password instead of making one up.")
def set_password(name: str, ask: bool) -> None:
    """Give a person another password and end all of the person's sessions.

    It is made up and printed once, or asked for with --ask.
    """
    password = _new_password(ask=ask)
    with_database(lambda engine: users.set_password(engine, name, password))
    click.echo(f"{name} has another password; whoever was logged in by the old one is not now.")
    if not ask:
        click.echo(f"Password, shown this once: {password}")


@user.command("pin")
@click.argument("name")
@click.option("--remove", is_flag=True, help="Take the PIN away: no more signing on.")
def set_pin(name: str, remove: bool) -> None:
    """Ask for the PIN by which a person signs on at a shared phone: 4 to 8 digits."""
    pin = None if remove else click.prompt("PIN", hide_input=True, confirmation_prompt=True)
    with_database(lambda engine: users.set_pin(engine, name, pin))
    click.echo(f"{name} can sign on at a shared phone{' no longer' if remove else ''}.")


@user.command("list")
def list_users() -> None:
    """Every person with the role."""
    for person in with_database(users.list_users):
        click.echo(f"{person.name}\t{person.role}")


@user.command("remove")
@click.argument("name")
def remove_user(name: str) -> None:
    """Remove a person and end all of the person's sessions."""
    with_database(lambda engine: users.remove_user(engine, name))
    click.echo(f"{name} may log in no longer.")


@click.group()
def token() -> None:
    """Bearer tokens for programs and screens."""


@token.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice(users.TOKEN_ROLES), required=True)
def add_token(name: str, role: str) -> None:
    """Make a token and print it: alone on the standard output, and never again."""
    secret = with_database(lambda engine: users.add_token(engine, SystemClock(), name, role))
    click.echo(f"A token for {name} as {role}, shown this once:", err=True)
    if role == WALL:
        click.echo(
            "Open /wall?token=… in that screen's browser; the first browser keeps it.", err=True
        )
    click.echo(secret)


@token.command("list")
def list_tokens() -> None:
    """Every token's name and role."""
    for holder in with_database(users.list_tokens):
        click.echo(f"{holder.name}\t{holder.role}")


@token.command("remove")
@click.argument("name")
def remove_token(name: str) -> None:
    """Take a token back."""
    with_database(lambda engine: users.remove_token(engine, name))
    click.echo(f"The token {name} is good for nothing now.")
