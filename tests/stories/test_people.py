"""People at the console: who was first, what comes before what, and what the button hears."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import msgspec

from hub.clock import SystemClock
from tests.integration.hub_process import ear, quick_client
from tests.programs import Mosquitto
from tests.stories.following import Follower, following
from tests.stories.test_press import BUTTONS, press_topic
from tests.stories.whole_hub import API, SITE, WholeHub, case_of, read, whole_hub

BUTTON = BUTTONS[0]
HOUR_MS = 3_600_000


class Person:
    """Somebody who has logged in by name and password."""

    def __init__(self, browser: httpx.AsyncClient, name: str) -> None:
        self.browser = browser
        self.name = name

    async def does(self, case_id: str, act: str, **said: Any) -> httpx.Response:
        """One act on a case."""
        return await self.browser.post(f"{API}/cases/{case_id}/{act}", json=said or None)

    async def done(self, case_id: str, act: str, **said: Any) -> dict[str, Any]:
        """An act that must be allowed: the case after it."""
        answer = await self.does(case_id, act, **said)
        assert answer.status_code == 200, answer.text
        case: dict[str, Any] = answer.json()["case"]
        return case

    async def refused(self, case_id: str, act: str, **said: Any) -> dict[str, Any]:
        """An act that must be refused: the problem."""
        answer = await self.does(case_id, act, **said)
        assert answer.headers["content-type"] == "application/problem+json"
        problem: dict[str, Any] = answer.json()
        assert (answer.status_code, problem["status"]) == (409, 409), problem
        return problem


async def log_in(hub: WholeHub, browser: httpx.AsyncClient, name: str) -> Person:
    """A new member of the staff at a console of their own."""
    credentials = {"name": name, "password": await hub.password(name, "staff")}
    answer = await browser.post(f"{API}/session", json=credentials)
    assert (answer.status_code, answer.json()["name"]) == (200, name)
    return Person(browser, name)


async def test_two_people_look_after_a_press_until_it_is_closed(
    tmp_path: Path, broker: Mosquitto
) -> None:
    down: list[dict[str, Any]] = []
    down_topic = press_topic(BUTTON).removesuffix("/up") + "/down"
    async with (
        whole_hub(tmp_path / "hub", broker) as hub,
        hub.caller() as one,
        hub.caller() as other,
    ):
        zhang, wang = await log_in(hub, one, "zhang"), await log_in(hub, other, "wang")
        async with (
            following(zhang.browser) as follower,
            ear(broker, [down_topic], lambda _topic, body: down.append(body)) as listening,
            quick_client(broker) as client,
        ):
            await client.publish(press_topic(BUTTON), '{"press": "sos", "id": "p-1"}', qos=1)
            case_id = (await case_of(zhang.browser, BUTTON))["id"]
            await treat(zhang, wang, case_id)
            told = [{"case": case_id, "state": state} for state in DOWN]
            await listening.until(lambda: len(down) >= len(told) + 1, lambda: str(down))
            assert down == [{"heard": "p-1"}, *told]
            await check_story(zhang, follower, case_id)
            await client.publish(press_topic(BUTTONS[1]), '{"press": "sos"}', qos=1)
            second = (await case_of(zhang.browser, BUTTONS[1]))["id"]
            both = await asyncio.gather(*(who.does(second, "answer") for who in (zhang, wang)))
            assert sorted(answer.status_code for answer in both) == [200, 409], "one was first"


DOWN = ("heard", "on_the_way", "arrived", "closed")


async def treat(zhang: Person, wang: Person, case_id: str) -> None:
    """From the answer to the end, with everything that must be refused on the way."""
    version = (await zhang.done(case_id, "answer"))["version"]
    second = await wang.refused(case_id, "answer")
    assert (second["code"], second["reason_en"]) == (
        "already_answered",
        "zhang has answered already.",
    )
    assert second["reason_zh"] == second["detail"] == "zhang 已先接警"
    stale = await wang.refused(case_id, "note", text="?", expected_version=version - 1)
    assert (stale["code"], stale["version"]) == ("changed_since", version)

    nobody = await zhang.refused(case_id, "dispatch")
    assert (nobody["code"], nobody["reason_en"]) == ("to_needed", "Say who is sent (to).")
    assert (await zhang.done(case_id, "dispatch", to="李楼长"))["dispatched_to"] == "李楼长"
    assert (await wang.done(case_id, "arrive"))["state"] == "on_site"
    await wang.done(case_id, "note", text="老人摔倒，已扶起")

    later_ms = SystemClock().now_ms() + HOUR_MS
    shelved = await wang.refused(case_id, "shelve", until_ms=later_ms, reason="later")
    assert (shelved["code"], shelved["detail"]) == ("emergency", "紧急事件不能搁置")
    unsaid = await wang.refused(case_id, "close")
    assert (unsaid["code"], unsaid["reason_en"]) == ("outcome_needed", "Say the outcome (outcome).")
    assert unsaid["reason_zh"] == "请填写处置结果"

    assert (await zhang.done(case_id, "confirm"))["state"] == "called_back"
    closed = await wang.done(case_id, "close", outcome="real_need")
    assert (closed["state"], closed["closed_by"], closed["answered_by"]) == (
        "closed",
        "wang",
        "zhang",
    )
    over = await zhang.refused(case_id, "answer")
    assert (over["code"], over["reason_en"]) == ("closed", "The case is closed already (wang).")


async def check_story(viewer: Person, follower: Follower, case_id: str) -> None:
    """What is kept of it: each act with who did it, and each notice with what became of it."""
    for channel, reason in (("mqtt", "closed"), ("log", "closed"), ("down", "close")):
        await follower.first("notice", case=case_id, channel=channel, reason=reason, state="sent")
    whole = await read(viewer.browser, f"/cases/{case_id}")
    told = [line for line in whole["log"] if line["what"] != "called"]
    assert [(line["what"], line["by"]) for line in told] == [
        ("raised", None),
        ("answer", "zhang"),
        ("dispatch", "zhang"),
        ("arrive", "wang"),
        ("note", "wang"),
        ("confirm", "zhang"),
        ("close", "wang"),
    ]
    assert told[4]["text"] == "老人摔倒，已扶起"
    assert told[-1]["body"]["outcome"] == "real_need"
    assert {notice["state"] for notice in whole["notices"]} == {"sent"}
    by_channel: dict[str, list[str]] = {}
    for notice in whole["notices"]:
        by_channel.setdefault(notice["channel"], []).append(notice["reason"])
    assert by_channel["down"] == ["raised", "dispatch", "arrive", "close"]
    assert by_channel["log"] == ["opened", *["changed"] * 4, "closed"]
    assert by_channel["mqtt"] == [*by_channel["log"][:4], "note", *by_channel["log"][4:]]
    assert whole["resident"]["name"], "the staff see whose home it is"
    assert (await read(viewer.browser, "/cases", state="open"))["cases"] == []
    assert [case["id"] for case in (await read(viewer.browser, "/cases", state="closed"))["cases"]]


async def test_what_is_no_emergency_may_be_put_aside_with_a_reason_and_an_end(
    tmp_path: Path, broker: Mosquitto
) -> None:
    async with whole_hub(tmp_path / "hub", broker) as hub, hub.caller() as browser:
        wang = await log_in(hub, browser, "wang")
        async with quick_client(broker) as client:
            flat = msgspec.json.encode({"battery": 3})
            await client.publish(f"community/{SITE}/door/door-b1-u1/up", flat, qos=1)
        case_id = (await case_of(browser, "door-b1-u1"))["id"]
        now_ms = SystemClock().now_ms()
        unsaid = await wang.refused(case_id, "shelve", until_ms=now_ms + HOUR_MS)
        past = await wang.refused(case_id, "shelve", until_ms=now_ms - 1, reason="on order")
        until = {"until_ms": now_ms + HOUR_MS, "reason": "battery is on order"}
        shelved = await wang.done(case_id, "shelve", **until)
    assert (unsaid["code"], past["code"]) == ("reason_needed", "until_needed")
    assert shelved["shelved_until_ms"] == until["until_ms"]
    assert shelved["shelved_reason"] == until["reason"]
