"""A short command after the demo means the demo's data, and says so."""

from pathlib import Path

import pytest

from hub.commands.at_hand import DEMO_DATA_DIR, settings_at_hand
from hub.settings import Settings


def a_database(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "hub.db").touch()


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of a person's terminal; no HUB_ variable is set."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HUB_DATA_DIR", raising=False)


def test_where_only_the_demo_was_run_its_data_are_meant(capsys: pytest.CaptureFixture[str]) -> None:
    a_database(DEMO_DATA_DIR)

    assert settings_at_hand().data_dir == DEMO_DATA_DIR
    assert "demo's data" in capsys.readouterr().err


def test_where_a_hub_was_run_its_data_are_meant(capsys: pytest.CaptureFixture[str]) -> None:
    a_database(DEMO_DATA_DIR)
    (Settings().data_dir / "hub.db").touch()

    assert settings_at_hand().data_dir == Settings().data_dir
    assert capsys.readouterr().err == ""


def test_a_folder_that_was_named_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_database(DEMO_DATA_DIR)
    monkeypatch.setenv("HUB_DATA_DIR", str(tmp_path / "mine"))

    assert settings_at_hand().data_dir == tmp_path / "mine"


def test_where_nothing_was_run_the_default_is_meant() -> None:
    assert settings_at_hand().data_dir == Settings().data_dir
