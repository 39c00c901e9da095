"""A short command after the demo means the demo's data, and says so."""

import os
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from hub import database
from hub.cli import cli
from hub.clock import SystemClock
from hub.commands.at_hand import DEMO_DATA_DIR, DEMO_SITE_FILE, settings_at_hand
from hub.demo.community import SITE_FILE
from hub.settings import Settings

DATA_DIR = Settings().data_dir
HOUR_MS = 3_600_000


def a_hub(folder: Path, *, silent_ms: int | None = None) -> None:
    """A database in this folder, whose hub said so long ago that it is alive, if it ever did."""
    folder.mkdir(parents=True, exist_ok=True)
    engine = database.open_engine(f"sqlite:///{folder / 'hub.db'}")
    database.migrate(engine)
    if silent_ms is not None:
        at_ms = SystemClock().now_ms() - silent_ms
        row = {"part": "hub", "state": "green", "text_zh": "", "text_en": "", "at_ms": at_ms}
        with database.for_writing(engine).begin() as connection:
            connection.execute(sa.insert(database.health).values(row))
    engine.dispose()


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of a person's terminal; no HUB_ variable is set."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HUB_DATA_DIR", raising=False)


def test_where_only_the_demo_was_run_its_data_and_site_are_meant(
    capsys: pytest.CaptureFixture[str],
) -> None:
    a_hub(DEMO_DATA_DIR)

    assert settings_at_hand().data_dir == DEMO_DATA_DIR
    assert Path(settings_at_hand().site_file) == DEMO_SITE_FILE == SITE_FILE
    assert "the demo's data in data/demo" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("own_silent_ms", "demo_silent_ms", "meant"),
    [
        (None, None, DATA_DIR),
        (HOUR_MS, 0, DEMO_DATA_DIR),
        (0, 0, DATA_DIR),
        (HOUR_MS, HOUR_MS, DATA_DIR),
    ],
)
def test_where_both_were_run_the_one_that_runs_is_meant_and_named(
    own_silent_ms: int | None,
    demo_silent_ms: int | None,
    meant: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    a_hub(DATA_DIR, silent_ms=own_silent_ms)
    a_hub(DEMO_DATA_DIR, silent_ms=demo_silent_ms)

    assert settings_at_hand().data_dir == meant
    assert f" in {meant} (" in capsys.readouterr().err


def test_a_folder_that_was_named_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_hub(DEMO_DATA_DIR, silent_ms=0)
    monkeypatch.setenv("HUB_DATA_DIR", str(tmp_path / "mine"))

    assert settings_at_hand().data_dir == tmp_path / "mine"


def test_where_nothing_was_run_the_default_is_meant(capsys: pytest.CaptureFixture[str]) -> None:
    assert settings_at_hand().data_dir == DATA_DIR
    assert capsys.readouterr().err == ""


def test_the_doctor_names_the_site_of_the_demo_on_the_demo_s_data() -> None:
    a_hub(DEMO_DATA_DIR)
    result = CliRunner(env={"HUB_SETTINGS": os.devnull}).invoke(cli, ["doctor"])

    assert "Huaiyin community" in result.output
