"""SMS and calls by 阿里云's SDK, and apprise, against a real HTTP server; without them: words.

The extras are not in the lock (the SDK brings half a hundred megabytes), so these tests are skipped
where nobody has installed them: `pip install 'community-hub[aliyun,apprise]'`.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from hub.deliver import Channel, GiveUp, TryAgain
from hub.settings import WrongSetting
from tests.hub.http_service import Asked, Service, answer, serving
from tests.hub.messages import a_body, a_notice, opened, write

with_sdk = pytest.mark.skipif(
    find_spec("alibabacloud_dysmsapi20170525") is None,
    reason="the extra aliyun is not installed",
)
with_apprise = pytest.mark.skipif(
    find_spec("apprise") is None, reason="the extra apprise is not installed"
)
SECRETS = {"id": "LTAI-id", "secret": "not-to-be-seen"}
PARAMS = {"what": "what", "place": "where", "since": "since"}
ENTRIES: dict[str, dict[str, Any]] = {
    "aliyun-sms": {"sign_name": "许继社区", "template": "SMS_1", "params": PARAMS},
    "aliyun-voice": {"template": "TTS_1", "caller": "0374-5550000", "params": PARAMS},
}


def query_of(asked: Asked) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(asked.target).query).items()}


def ok(_asked: Asked) -> bytes:
    return answer({"Code": "OK", "Message": "OK", "RequestId": "1", "BizId": "2", "CallId": "3"})


@asynccontextmanager
async def phone(folder: Path, kind: str) -> AsyncIterator[tuple[Channel, Service]]:
    async with serving(ok) as service:
        where = {"access_key_id_file": "id", "access_key_secret_file": "secret"}
        entry = {"kind": kind, "endpoint": service.url, **where, **ENTRIES[kind]}
        async with opened(write(folder, {"phone": entry}, **SECRETS)) as channels:
            yield channels["phone"], service


def what_was_asked(asked: Asked) -> dict[str, str]:
    """The SDK sends an action's parameters in the query or in the body."""
    body = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
    return {**query_of(asked), **body}


@with_sdk
@pytest.mark.parametrize("kind", sorted(ENTRIES))
async def test_a_phone_is_told_by_an_approved_template(tmp_path: Path, kind: str) -> None:
    async with phone(tmp_path, kind) as (channel, service):
        body = a_body(title_zh="一" * 50)
        note = await channel.send(a_notice("phone", body, address="138-0000-0001"))

    assert note == "unconfirmed"
    [asked] = service.asked
    told = what_was_asked(asked)
    values = json.loads(told.get("TemplateParam") or told["TtsParam"])
    assert told.get("PhoneNumbers") or told["CalledNumber"] == "13800000001"
    assert values["place"] == "b3/u1/1204"
    assert len(values["what"]) == 35
    assert "not-to-be-seen" not in f"{asked.target} {asked.headers} {asked.body!r}"


@with_sdk
@pytest.mark.parametrize("kind", sorted(ENTRIES))
@pytest.mark.parametrize(
    ("code", "end"),
    [
        ("isv.BUSINESS_LIMIT_CONTROL", TryAgain),
        ("isp.SYSTEM_ERROR", TryAgain),
        ("isv.MOBILE_NUMBER_ILLEGAL", GiveUp),
        ("isv.OUT_OF_SERVICE", GiveUp),
        ("isv.SMS_TEMPLATE_ILLEGAL", GiveUp),
    ],
)
async def test_an_ok_with_a_code_inside_is_a_failure(
    tmp_path: Path, kind: str, code: str, end: type[Exception]
) -> None:
    async with phone(tmp_path, kind) as (channel, service):
        service.answers = [answer({"Code": code, "Message": "in words", "RequestId": "1"})]
        with pytest.raises(end, match=code):
            await channel.send(a_notice("phone", address="13800000001"))


@with_sdk
@pytest.mark.parametrize(
    ("status", "code", "end"),
    [
        ("500 Oh", "InternalError", TryAgain),
        ("503 Later", "ServiceUnavailable", TryAgain),
        ("400 Bad", "Throttling.User", TryAgain),
        ("403 No", "InvalidAccessKeyId.NotFound", GiveUp),
        ("400 Bad", "SignatureDoesNotMatch", GiveUp),
    ],
)
async def test_a_status_of_the_gateway_decides_as_well(
    tmp_path: Path, status: str, code: str, end: type[Exception]
) -> None:
    async with phone(tmp_path, "aliyun-sms") as (channel, service):
        service.answers = [answer({"Code": code, "Message": "m", "RequestId": "1"}, status)] * 5
        with pytest.raises(end) as failed:
            await channel.send(a_notice("phone", address="13800000001"))
        assert "not-to-be-seen" not in str(failed.value)


@with_sdk
async def test_who_has_no_number_is_given_up(tmp_path: Path) -> None:
    async with phone(tmp_path, "aliyun-sms") as (channel, service):
        with pytest.raises(GiveUp, match="no phone number"):
            await channel.send(a_notice("phone"))
        assert service.asked == []


@with_apprise
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of its own imports
async def test_apprise_hands_over_and_nobody_knows_whether_it_came(tmp_path: Path) -> None:
    async with serving(lambda _asked: answer({"errcode": 1})) as service:
        url = service.url.replace("http://", "json://") + "/hook"
        file = write(tmp_path, {"other": {"kind": "apprise", "url_file": "url"}}, url=url)
        async with opened(file) as channels:
            assert await channels["other"].send(a_notice("other")) == "unconfirmed"
            service.answers = [answer({}, "500 Oh")]
            with pytest.raises(TryAgain):
                await channels["other"].send(a_notice("other"))
    assert "紧急呼叫" in service.asked[0].json["title"]


@with_apprise
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of its own imports
async def test_an_address_that_apprise_does_not_know_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path, {"other": {"kind": "apprise", "url_file": "url"}}, url="nothing://x")
    with pytest.raises(WrongSetting, match="knows no such service"):
        async with opened(file):
            pass


@pytest.mark.parametrize(
    ("kind", "package", "extra"),
    [
        ("aliyun-sms", "alibabacloud_tea_openapi", "aliyun"),
        ("aliyun-voice", "alibabacloud_tea_openapi", "aliyun"),
        ("apprise", "apprise", "apprise"),
    ],
)
async def test_a_missing_extra_is_told_with_the_command_that_brings_it(
    tmp_path: Path, kind: str, package: str, extra: str
) -> None:
    if find_spec(package) is not None:
        pytest.skip(f"the extra {extra} is installed")
    where = {"access_key_id_file": "id", "access_key_secret_file": "secret"}
    entry = {"kind": kind, **(where | ENTRIES[kind] if kind in ENTRIES else {"url_file": "url"})}
    file = write(tmp_path, {"phone": entry}, url="json://x", **SECRETS)
    with pytest.raises(WrongSetting, match=f"community-hub\\[{extra}\\]"):
        async with opened(file):
            pass
