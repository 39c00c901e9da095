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
from hub.settings import WrongSetting

Result = TypeVar("Result")


def _with_database(work: Callable[[Engine], Result]) -> Result:
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
    _with_database(lambda engine: users.add_user(engine, SystemClock(), name, role, password))
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
    _with_database(lambda engine: users.set_password(engine, name, password))
    click.echo(f"{name} has another password; whoever was logged in by the old one is not now.")
    if not ask:
        click.echo(f"Password, shown this once: {password}")


@user.command("list")
def list_users() -> None:
    """Every person with the role."""
    for person in _with_database(users.list_users):
        click.echo(f"{person.name}\t{person.role}")


@user.command("remove")
@click.argument("name")
def remove_user(name: str) -> None:
    """Remove a person and end all of the person's sessions."""
    _with_database(lambda engine: users.remove_user(engine, name))
    click.echo(f"{name} may log in no longer.")


@click.group()
def token() -> None:
    """Bearer tokens for programs and screens."""


@token.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice(users.TOKEN_ROLES), required=True)
def add_token(name: str, role: str) -> None:
    """Make a token and print it: alone on the standard output, and never again."""
    secret = _with_database(lambda engine: users.add_token(engine, SystemClock(), name, role))
    click.echo(f"A token for {name} as {role}, shown this once:", err=True)
    click.echo(secret)


@token.command("list")
def list_tokens() -> None:
    """Every token's name and role."""
    for holder in _with_database(users.list_tokens):
        click.echo(f"{holder.name}\t{holder.role}")


@token.command("remove")
@click.argument("name")
def remove_token(name: str) -> None:
    """Take a token back."""
    _with_database(lambda engine: users.remove_token(engine, name))
    click.echo(f"The token {name} is good for nothing now.")
