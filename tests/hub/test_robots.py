"""Robots of chat groups and ntfy against a real HTTP server that answers as their documents say."""

import asyncio
import base64
import hashlib
import hmac
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from hub.deliver import Channel, GiveUp, TryAgain
from hub.log import set_up_log
from hub.notifiers import dingtalk, feishu, wecom
from hub.notifiers.kind import TooFast
from hub.notifiers.robot import ANSWER_BYTES_MAX
from tests.hub.http_service import Asked, Service, answer, serving
from tests.hub.messages import NOON_MS, SETTINGS, a_body, a_notice, opened, write
from tests.programs import free_port

SECRET = "SEC-not-to-be-seen"
KEY = "key-not-to-be-seen"
CODES = {"wecom": "errcode", "dingtalk": "errcode", "feishu": "code"}
REFUSALS = {
    "wecom": wecom.REFUSALS,
    "dingtalk": dingtalk.REFUSALS,
    "feishu": feishu.REFUSALS,
}


def a_robot(kind: str) -> Any:
    """The service as it behaves towards whoever keeps its rules."""

    def usual(asked: Asked) -> bytes:
        url = urlsplit(asked.target)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        problem = _RULES[kind](url.path, query, asked)
        code, words = problem or (0, "ok")
        return answer({CODES[kind]: code, "errmsg": words, "msg": words})

    return usual


def _wecom(path: str, query: dict[str, str], asked: Asked) -> tuple[int, str] | None:
    if path != "/cgi-bin/webhook/send" or query.get("key") != KEY:
        return 93000, "invalid webhook url"
    content = asked.json.get(asked.json["msgtype"], {}).get("content", "")
    return (45002, "content too long") if len(content.encode()) > 4_096 else None


def _dingtalk(_path: str, query: dict[str, str], asked: Asked) -> tuple[int, str] | None:
    if query.get("access_token") != KEY:
        return 300001, "token is not exist"
    told = f"{query.get('timestamp')}\n{SECRET}".encode()
    expected = base64.b64encode(hmac.new(SECRET.encode(), told, hashlib.sha256).digest()).decode()
    if query.get("sign") != expected or int(query["timestamp"]) != NOON_MS:
        return 310000, "sign not match"
    return None if asked.json["text"]["content"] else (40035, "no json")


def _feishu(path: str, _query: dict[str, str], asked: Asked) -> tuple[int, str] | None:
    if path != f"/open-apis/bot/v2/hook/{KEY}":
        return 19001, "param invalid: incoming webhook access token invalid"
    key = f"{asked.json.get('timestamp')}\n{SECRET}".encode()
    expected = base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode()
    if asked.json.get("sign") != expected or asked.json["timestamp"] != str(NOON_MS // 1000):
        return 19021, "sign match fail or timestamp is not within one hour from current time"
    return None if asked.json["content"]["text"] else (9499, "Bad Request")


_RULES = {"wecom": _wecom, "dingtalk": _dingtalk, "feishu": _feishu}
PATHS = {
    "wecom": f"/cgi-bin/webhook/send?key={KEY}",
    "dingtalk": f"/robot/send?access_token={KEY}",
    "feishu": f"/open-apis/bot/v2/hook/{KEY}",
}
KINDS = sorted(PATHS)


@asynccontextmanager
async def robot(
    folder: Path, kind: str, url: str | None = None, **more: Any
) -> AsyncIterator[tuple[Channel, Service]]:
    async with serving(a_robot(kind)) as service:
        entry = {"kind": kind, "url_file": "address", **more}
        secrets = {"address": f"{url or service.url}{PATHS[kind]}"}
        if kind != "wecom":
            entry["secret_file"], secrets["secret"] = "secret", SECRET
        async with opened(write(folder, {"group": entry}, **secrets)) as channels:
            yield channels["group"], service


def text_of(asked: Asked) -> str:
    body = asked.json
    return str((body.get("text") or body.get("content") or body.get("markdown")).get("content", ""))


@pytest.mark.parametrize("kind", KINDS)
async def test_a_robot_tells_its_group_what_where_and_since_when(tmp_path: Path, kind: str) -> None:
    async with robot(tmp_path, kind) as (channel, service):
        assert await channel.send(a_notice("group")) is None

    [asked] = service.asked
    text = json.dumps(asked.json, ensure_ascii=False)
    for words in ("【紧急】紧急呼叫", "b3/u1/1204", "11-15 06:13:20", "C-000001"):
        assert words in text
    assert "王秀英" not in text
    assert asked.headers["content-type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize(("kind", "code"), [(k, c) for k in KINDS for c in REFUSALS[k]])
async def test_an_ok_with_a_code_inside_is_a_failure(tmp_path: Path, kind: str, code: int) -> None:
    refusal = REFUSALS[kind][code]
    async with robot(tmp_path, kind) as (channel, service):
        service.answers = [answer({CODES[kind]: code, "errmsg": "in words", "msg": "in words"})]
        later = refusal.again or refusal.too_fast
        with pytest.raises(TryAgain if later else GiveUp, match=str(code)) as failed:
            await channel.send(a_notice("group"))

    assert refusal.meaning in str(failed.value)
    if refusal.too_fast:
        assert isinstance(failed.value, TryAgain)
        assert failed.value.after_s == (600 if kind == "dingtalk" else 60)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "said",
    [
        answer({"errcode": 123456, "code": 123456}),
        answer({"ok": True}),
        answer({"errcode": "0", "code": None}),
        answer({"errcode": False, "code": False}),
        answer(b"<html>log in to the Wi-Fi</html>"),
        answer(b"[0]"),
        answer(b" " * (ANSWER_BYTES_MAX + 10)),
        answer({}, "500 Oh"),
        answer({}, "502 Bad"),
        answer({}, "429 Many", Retry_After="17"),
        answer({}, "408 Slow"),
    ],
)
async def test_what_no_document_knows_is_tried_again(
    tmp_path: Path, kind: str, said: bytes
) -> None:
    async with robot(tmp_path, kind) as (channel, service):
        service.answers = [said]
        with pytest.raises(TryAgain) as failed:
            await channel.send(a_notice("group"))
        assert await channel.send(a_notice("group")) is None

    if b"Retry-After" in said:
        assert failed.value.after_s == 17


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", ["301 Moved", "403 No", "404 Nothing"])
async def test_a_status_that_stays_is_given_up(tmp_path: Path, kind: str, status: str) -> None:
    async with robot(tmp_path, kind) as (channel, service):
        service.answers = [answer({}, status)]
        with pytest.raises(GiveUp, match=status.split(" ", maxsplit=1)[0]):
            await channel.send(a_notice("group"))


@pytest.mark.parametrize("kind", KINDS)
async def test_nobody_there_and_a_slow_answer_are_tried_again(tmp_path: Path, kind: str) -> None:
    async with robot(tmp_path, kind, url=f"http://127.0.0.1:{free_port()}") as (channel, _):
        with pytest.raises(TryAgain, match="no answer from 127"):
            await channel.send(a_notice("group"))

    async with serving(a_robot(kind)) as service:
        service.answers = [asyncio.Event()]
        secrets = {"address": f"{service.url}{PATHS[kind]}", "secret": SECRET}
        entry = {"kind": kind, "url_file": "address"}
        file = write(tmp_path, {"group": entry}, **secrets)
        quick = replace(SETTINGS, deliver_timeout_s=0.05)
        async with opened(file, settings=quick) as channels:
            with pytest.raises(TryAgain, match="ReadTimeout"):
                await channels["group"].send(a_notice("group"))


@pytest.mark.parametrize("kind", KINDS)
async def test_neither_address_nor_secret_is_ever_told(
    tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    set_up_log()
    caplog.set_level(logging.DEBUG)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # as `set_up_log` has it
    reasons = []
    for said in (answer({}), answer({}, "404 No"), answer({}, "503 No"), asyncio.Event()):
        async with robot(tmp_path, kind) as (channel, service):
            service.answers = [said]
            if isinstance(said, asyncio.Event):
                said.set()
            with pytest.raises((TryAgain, GiveUp)) as failed:
                await channel.send(a_notice("group"))
            reasons.append(f"{failed.value} {channel!r} {vars(channel)}")

    everything = caplog.text + " ".join(reasons)
    assert KEY not in everything
    assert SECRET not in everything


async def test_wecom_calls_the_duty_phone_by_name_but_no_relative(tmp_path: Path) -> None:
    async with robot(tmp_path, "wecom", format="markdown") as (channel, service):
        await channel.send(a_notice("group", address="13800000001"))
        await channel.send(a_notice("group", address="13800000002", role="family"))
        await channel.send(a_notice("group", address="0374-5550101"))

    first, *others = (asked.json for asked in service.asked)
    assert first["text"]["mentioned_mobile_list"] == ["13800000001"]
    assert [one["msgtype"] for one in others] == ["markdown", "markdown"]
    assert "13800000002" not in json.dumps(others)


async def test_dingtalk_calls_by_name_on_a_private_channel_relatives_too(tmp_path: Path) -> None:
    async with robot(tmp_path, "dingtalk", private=True) as (channel, service):
        await channel.send(a_notice("group", address="13800000002", role="family"))

    [asked] = service.asked
    assert asked.json["at"] == {"atMobiles": ["13800000002"]}
    assert "@13800000002" in asked.json["text"]["content"]
    assert "王秀英" in asked.json["text"]["content"]


async def test_a_long_message_is_cut_at_what_the_robot_takes(tmp_path: Path) -> None:
    body = a_body(title_zh="长" * 3_000)
    async with robot(tmp_path, "wecom") as (channel, service):
        await channel.send(a_notice("group", body))

    content = text_of(service.asked[0])
    assert len(content.encode()) <= wecom.TEXT_BYTES_MAX
    assert content.endswith("…")


def a_push(asked: Asked) -> bytes:
    if asked.headers.get("authorization") != f"Bearer {KEY}":
        return answer({"code": 40301, "http": 403, "error": "forbidden"}, "403 Forbidden")
    return answer({"id": "hwQ2YpKdmg", "event": "message", "topic": asked.json["topic"]})


@asynccontextmanager
async def ntfy(folder: Path, token: str = KEY, **more: Any) -> AsyncIterator[Any]:
    async with serving(a_push) as service:
        entry = {"kind": "ntfy", "url": service.url, "token_file": "token", **more}
        async with opened(write(folder, {"push": entry}, token=token)) as channels:
            yield channels["push"], service


async def test_ntfy_pushes_loudly_for_an_emergency_and_plainly_for_news(tmp_path: Path) -> None:
    async with ntfy(tmp_path) as (channel, service):
        await channel.send(a_notice("push", address="grid-1-phone"))
        news = a_body(what="answer", state="answered")
        await channel.send(a_notice("push", news, address="grid-1-phone"))

    call, told = (asked.json for asked in service.asked)
    assert (call["topic"], call["priority"], told["priority"]) == ("grid-1-phone", 5, 3)
    assert call["title"] == "【紧急】紧急呼叫 · b3/u1/1204"
    assert "已接警" in told["title"]


async def test_ntfy_tells_what_went_wrong(tmp_path: Path) -> None:
    async with ntfy(tmp_path) as (channel, service):
        with pytest.raises(GiveUp, match="no topic"):
            await channel.send(a_notice("push"))
        service.answers = [answer({"code": 42901}, "429 Too Many Requests")]
        with pytest.raises(TryAgain, match="429"):
            await channel.send(a_notice("push", address="t"))
        service.answers = [answer({"event": "message"})]
        with pytest.raises(TryAgain, match="names no message"):
            await channel.send(a_notice("push", address="t"))
    async with ntfy(tmp_path, token="another", topic="all") as (channel, _service):
        with pytest.raises(GiveUp, match="403"):
            await channel.send(a_notice("push"))


def test_too_fast_is_a_way_of_trying_again() -> None:
    assert issubclass(TooFast, TryAgain)
