"""The file of channels: what a person writes, and what is said of a mistake."""

from dataclasses import replace
from pathlib import Path

import pytest

from hub.clock import SystemClock
from hub.doctor import check_channels, check_plans
from hub.notifiers import KINDS, OWN, names_of
from hub.notifiers.channels_file import WrongChannels, read_entries, with_secrets
from hub.notifiers.limiter import Window
from hub.settings import Settings, WrongSetting
from tests.hub.messages import SETTINGS, opened

GOOD = """\
channels:
  wecom-grid-1:
    kind: wecom
    url_file: wecom
    per_minute: 10
  mail:
    kind: email
    host: smtp.example.com
    sender: hub@example.com
    user: hub
    password_env: MAIL_PASSWORD
    language: both
    private: true
  sms:
    kind: aliyun-sms
    access_key_id_env: ALI_ID
    access_key_secret_env: ALI_SECRET
    sign_name: 社区
    template: SMS_1
    params: {what: what, place: where}
  siren:
    kind: mqtt-show
    topic: zigbee2mqtt/siren/set
    show: '{"warning": {"mode": "emergency"}}'
    clear: '{"warning": {"mode": "stop"}}'
"""
ENVIRONMENT = {"MAIL_PASSWORD": "open sesame", "ALI_ID": "id", "ALI_SECRET": "secret"}


def written(folder: Path, text: str = GOOD) -> str:
    (folder / "wecom").write_text("https://qyapi.example/send?key=k\n", encoding="utf-8")
    file = folder / "channels.yaml"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_a_file_gives_channels_with_their_limits_and_secrets(tmp_path: Path) -> None:
    file = written(tmp_path)
    found = read_entries(file, KINDS, OWN)
    wecom, mail, sms, siren = with_secrets(file, found, ENVIRONMENT)

    assert wecom.limits.windows == (Window(10, 60.0),)
    assert wecom.secrets == {"url": "https://qyapi.example/send?key=k"}
    assert (mail.language, mail.private, mail.secrets) == (
        "both",
        True,
        {"password": "open sesame"},
    )
    assert sms.get("params") == {"what": "what", "place": "where"}
    assert siren.get("clear") == '{"warning": {"mode": "stop"}}'
    assert "sesame" not in repr(mail)


def test_names_need_no_secret(tmp_path: Path) -> None:
    settings = replace(SETTINGS, channels_file=written(tmp_path))
    (tmp_path / "wecom").unlink()
    own = ("mqtt", "calls", "down", "log")
    assert names_of(settings) == (*own, "wecom-grid-1", "mail", "sms", "siren")
    assert names_of(Settings()) == own


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("kind: wecom", "kind: wecon", ":3: kind: expected .*; did you mean wecom?"),
        ("    kind: wecom\n", "", ":3: the key kind is missing"),
        ("url_file: wecom", "url: https://x/", ":4: url: a secret does not stand here: url_file"),
        ("url_file: wecom", "url_fiel: x", ":4: unknown key 'url_fiel'; did you mean url_file"),
        ("url_file: wecom", "language: zh", ":3: the key url_file .or url_env. is missing"),
        ("url_file: wecom", "url_file: 5", ":4: url_file: expected text, not 5"),
        ("per_minute: 10", "per_minute: ten", ":5: per_minute: expected a whole number from 1"),
        ("per_minute: 10", "per_minute: 0", ":5: per_minute: expected a whole number from 1"),
        ("per_minute: 10", "format: html", ":5: format: expected markdown, text"),
        ("  mail:", "  webhook:", ":6: webhook is a channel of the hub's own"),
        ("  mail:", '  "my mail":', ":6: the channel's name: expected 1 to 128"),
        ("host: smtp.example.com", "hots: x", ":8: unknown key 'hots'; did you mean host?"),
        ("sender: hub@example.com", "sender: hub", ":9: sender: expected one mail address"),
        ("private: true", "private: yes please", ":13: private: expected true or false"),
        ("language: both", "language: de", ":12: language: expected both, en, zh"),
        ("place: where", "place: wehre", "params: place: expected .*; did you mean where?"),
        ("topic: zigbee2mqtt/siren/set", "topic: a/#", ": topic: expected a topic without"),
        ("user: hub", "user: hub\n    security: none", "a password would be sent in the clear"),
        ("password_env: MAIL_PASSWORD", "password_env: M\n    password_file: f", "one of them is"),
        ("channels:", "chanels:", ":1: unknown key 'chanels'; did you mean channels?"),
        (GOOD, "channels: [wecom]", ":1: channels: expected a table of channels"),
        (GOOD, "channels:\n  a: wecom", ":2: a: expected kind: and what belongs to it"),
        (GOOD, "channels:\n  a: {kind: wecom\n", r":\d+: "),
    ],
)
def test_a_mistake_is_told_with_its_line_and_the_nearest_word(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    file = written(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(WrongChannels, match=said):
        read_entries(file, KINDS, OWN)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("kind: wecom", "kind: wecon").replace("language: both", "language: de")
    with pytest.raises(WrongChannels) as wrong:
        read_entries(written(tmp_path, text), KINDS, OWN)
    assert str(wrong.value).count("\n") == 1


def test_secrets_that_are_not_there_are_told_all_together(tmp_path: Path) -> None:
    file = written(tmp_path)
    (tmp_path / "wecom").unlink()
    found = read_entries(file, KINDS, OWN)
    with pytest.raises(WrongChannels) as wrong:
        with_secrets(file, found, {"ALI_ID": "id", "ALI_SECRET": "\n"})

    lines = str(wrong.value).splitlines()
    assert [line.split(": ")[1:3] for line in lines] == [
        ["wecom-grid-1", "url_file"],
        ["mail", "password_env"],
        ["sms", "access_key_secret_env"],
    ]


@pytest.mark.parametrize(
    ("secret", "said"),
    [("qyapi.example/send", "expected http"), ("ftp://x/", "expected http"), ("http://", "http")],
)
async def test_an_address_of_no_use_is_refused_without_being_told(
    tmp_path: Path, secret: str, said: str
) -> None:
    file = written(tmp_path, "channels: {a: {kind: wecom, url_file: wecom}}")
    (tmp_path / "wecom").write_text(secret, encoding="utf-8")
    with pytest.raises(WrongSetting, match=said) as wrong:
        async with opened(file):
            pass
    assert secret not in str(wrong.value).replace("http[s]://host/path", "")


async def test_a_public_address_of_no_use_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path, "channels: {a: {kind: wecom, url_file: wecom}}")
    for url in ("hub.example.com", "ftp://x", "https://x/?a=b"):
        settings = replace(SETTINGS, public_url=url, data_dir=tmp_path)
        with pytest.raises(WrongSetting, match="HUB_PUBLIC_URL"):
            async with opened(file, settings=settings):
                pass


async def test_the_doctor_finds_mistakes_and_ways_that_nobody_set_up(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("id: demo\nroles:\n  - {role: desk, ways: [wecom-gird-1]}\n", encoding="utf-8")
    file = written(tmp_path, "channels: {wecom-grid-1: {kind: wecom, url_file: wecom}}")
    settings = replace(SETTINGS, channels_file=file, site_file=str(site), data_dir=tmp_path)
    found = await check_channels(settings, SystemClock())
    assert (found.verdict, found.part) == ("warning", "channels")
    assert "did you mean wecom-grid-1?" in found.text

    site.write_text("id: demo\nroles:\n  - {role: desk, ways: [wecom-grid-1]}\n", encoding="utf-8")
    assert (await check_channels(settings, SystemClock())).text == "wecom-grid-1; nothing was sent"

    written(tmp_path, "channels: {a: {kind: nothing}}")
    for check in (check_channels, check_plans):
        assert "kind: expected" in (await check(settings, SystemClock())).text
