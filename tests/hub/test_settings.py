"""Every setting by name; a mistake is told with its place and the nearest right word."""

from dataclasses import fields
from pathlib import Path

import pytest

from hub.settings import Settings, WrongSetting, as_environment, read_settings, variable_of

NOWHERE = Path("/nonexistent/hub.toml")


def test_without_anything_the_defaults_hold() -> None:
    assert read_settings({}, NOWHERE) == Settings()


def test_every_default_can_be_handed_to_another_process() -> None:
    assert read_settings(as_environment(Settings()), NOWHERE) == Settings()


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "hub.toml"
    file.write_text('http = "0.0.0.0:9000"\nbroker = "mqtt://b"\ncookie_secure = true\n')
    settings = read_settings({"HUB_HTTP": "127.0.0.1:1"}, file)

    assert (settings.http, settings.broker, settings.cookie_secure) == (
        "127.0.0.1:1",
        "mqtt://b",
        True,
    )


def test_influxdb_is_named_as_its_own_client_names_it() -> None:
    settings = read_settings({"INFLUXDB_V2_URL": "http://i:8086"}, NOWHERE)

    assert settings.influxdb_url == "http://i:8086"


@pytest.mark.parametrize(
    ("environment", "text"),
    [
        ({"HUB_HTPP": "x"}, "unknown setting HUB_HTPP; did you mean HUB_HTTP?"),
        ({"HUB_DELIVER_TRIES_MAX": "many"}, "HUB_DELIVER_TRIES_MAX: expected a whole number"),
        ({"HUB_DELIVER_TRIES_MAX": "-1"}, "expected a number from"),
        ({"HUB_DISK_RETRY_S": "nan"}, "expected a number from"),
        ({"HUB_COOKIE_SECURE": "perhaps"}, "HUB_COOKIE_SECURE: expected true or false"),
    ],
)
def test_a_wrong_setting_is_told_in_words(environment: dict[str, str], text: str) -> None:
    with pytest.raises(WrongSetting) as wrong:
        read_settings(environment, NOWHERE)
    assert text in str(wrong.value)


@pytest.mark.parametrize(
    ("toml", "text"),
    [
        ("http = ", "hub.toml: "),
        ('htpp = "x"', "hub.toml: unknown setting 'htpp'; did you mean http?"),
        ("deliver_tries_max = 1.5", "hub.toml: deliver_tries_max: expected a whole number"),
        ("\xff", "hub.toml: "),
    ],
)
def test_a_wrong_file_is_told_in_words(tmp_path: Path, toml: str, text: str) -> None:
    file = tmp_path / "hub.toml"
    file.write_bytes(toml.encode("latin-1"))

    with pytest.raises(WrongSetting) as wrong:
        read_settings({}, file)
    assert text in str(wrong.value)


def test_settings_survive_the_way_to_another_process() -> None:
    settings = Settings(data_dir=Path("/x y"), cookie_secure=True, disk_retry_s=0.5, broker="b")

    assert read_settings(as_environment(settings), NOWHERE) == settings


def test_every_setting_says_what_it_is() -> None:
    for row in fields(Settings):
        assert row.metadata["about"].endswith("."), variable_of(row.name, row.metadata)
