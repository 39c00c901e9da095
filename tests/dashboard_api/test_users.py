"""Users, sessions, tokens, and the commands that make them."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy.engine import Engine

from hub import users
from hub.cli import cli
from hub.database import migrate, open_engine, tokens
from hub.database import users as users_table
from tests.dashboard_api.community import PASSWORD
from tests.dashboard_api.conftest import NOW_MS, HandClock


@pytest.fixture
def empty(tmp_path: Path) -> Engine:
    engine = open_engine(f"sqlite:///{tmp_path / 'hub.db'}")
    migrate(engine)
    return engine


def test_the_first_start_makes_one_user_with_a_password_of_its_own_and_the_second_none(
    empty: Engine, clock: HandClock
) -> None:
    password = users.ensure_first_user(empty, clock)

    assert password is not None
    assert users.verify(empty, "admin", password) == users.Person("admin", "admin")
    assert users.ensure_first_user(empty, clock) is None


def test_no_secret_is_kept_in_a_form_that_opens_a_door(engine: Engine, clock: HandClock) -> None:
    token = users.add_token(engine, clock, "siren", "program")
    with engine.connect() as connection:
        kept = str(connection.execute(users_table.select()).all())
        kept += str(connection.execute(tokens.select()).all())

    assert PASSWORD not in kept
    assert token not in kept
    assert "$argon2id$" in kept


def test_a_removed_user_is_out_at_once(engine: Engine) -> None:
    secret = users.open_session(engine, "staff", NOW_MS, 12)
    users.remove_user(engine, "staff")

    with engine.connect() as connection:
        assert users.of_session(connection, secret, NOW_MS) is None
    assert users.verify(engine, "staff", PASSWORD) is None


def test_a_session_that_has_ended_is_cleared_away(engine: Engine) -> None:
    secret = users.open_session(engine, "staff", NOW_MS, 1)
    users.open_session(engine, "staff", NOW_MS + 3_600_000, 1)

    with engine.connect() as connection:
        assert users.of_session(connection, secret, NOW_MS) is None


@pytest.mark.parametrize(
    ("name", "role", "password"),
    [("", "staff", PASSWORD), ("li", "king", PASSWORD), ("li", "staff", "short"),
     ("staff", "staff", PASSWORD), ("a\nb", "staff", PASSWORD)],
    ids=["no name", "no such role", "short password", "taken", "a line break"],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_words(
    engine: Engine, clock: HandClock, name: str, role: str, password: str
) -> None:
    with pytest.raises(users.Refusal, match=r"."):
        users.add_user(engine, clock, name, role, password)


def test_the_commands_print_a_secret_once_and_the_list_none(tmp_path: Path) -> None:
    runner = CliRunner(env={"HUB_DATA_DIR": str(tmp_path)})
    made = runner.invoke(cli, ["token", "add", "hall", "--role", "wall"])
    added = runner.invoke(cli, ["user", "add", "li", "--role", "staff"])
    listed = (
        runner.invoke(cli, ["token", "list"]).output + runner.invoke(cli, ["user", "list"]).output
    )
    again = runner.invoke(cli, ["token", "add", "hall", "--role", "wall"])

    engine = open_engine(f"sqlite:///{tmp_path / 'hub.db'}")
    with engine.connect() as connection:
        holder = users.of_token(connection, made.stdout.strip())
    password = added.output.strip().rpartition(" ")[2]
    assert holder == users.Person("hall", "wall")
    assert users.verify(engine, "li", password) == users.Person("li", "staff")
    assert listed == "hall\twall\nli\tstaff\n"
    assert again.exit_code == 1
    assert "there is a token 'hall' already" in again.output
    engine.dispose()


def test_another_password_ends_the_sessions_of_the_old_one(engine: Engine) -> None:
    secret = users.open_session(engine, "staff", NOW_MS, 12)
    users.set_password(engine, "staff", "another password")

    with engine.connect() as connection:
        assert users.of_session(connection, secret, NOW_MS) is None
    assert users.verify(engine, "staff", PASSWORD) is None
    assert users.verify(engine, "staff", "another password") is not None
    with pytest.raises(users.Refusal, match="no user 'stuff'"):
        users.set_password(engine, "stuff", "another password")
    with pytest.raises(users.Refusal, match="password: expected"):
        users.set_password(engine, "staff", "short")


def test_the_command_prints_the_other_password_once(tmp_path: Path) -> None:
    runner = CliRunner(env={"HUB_DATA_DIR": str(tmp_path), "HUB_SETTINGS": os.devnull})
    first = runner.invoke(cli, ["user", "add", "li", "--role", "staff"]).output.split()[-1]
    second = runner.invoke(cli, ["user", "password", "li"]).output.split()[-1]
    engine = open_engine(f"sqlite:///{tmp_path / 'hub.db'}")

    assert users.verify(engine, "li", first) is None
    assert users.verify(engine, "li", second) == users.Person("li", "staff")
    assert runner.invoke(cli, ["user", "password", "wang"]).exit_code == 1
