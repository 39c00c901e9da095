"""The press of proof: it comes back over the whole way, and each broken station keeps it back."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from hub.canary import answer_topic, press_topic
from hub.database import alerts, changes, latest, notices, rule_sets, strangers
from tests.programs import Mosquitto
from tests.stories.hub_in_hand import (
    HOUR,
    MINUTE,
    PATIENCE_S,
    SITE_IS,
    HubInHand,
    hub_in_hand,
    native,
    up,
)

PRESS, ANSWER = press_topic(SITE_IS), answer_topic(SITE_IS)
DOWN = PRESS.removesuffix("/up") + "/down"
OWN: dict[str, Any] = {"canary_every_s": 60.0, "canary_look_s": 0.01}
PAGES = (
    "/",
    "/wall",
    "/reports",
    "/rules",
    "/log",
    "/quiet",
    "/api/v1/strangers",
    "/api/v1/devices",
    "/api/v1/cases?state=closed",
    "/api/v1/alerts",
    "/api/v1/kpi",
    "/api/v1/coverage",
    "/api/v1/rules",
)
RULES = """
rules:
  - rule: anything
    title: {zh: 甲, en: a}
    when: {point: press, happens: [canary, sos]}
    severity: emergency
    category: emergency
"""


class Answers:
    """What comes back: from the door, and from the far end of the way."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.told: list[dict[str, Any]] = []
        self.some = asyncio.Event()

    def take(self, topic: str, payload: bytes) -> None:
        body = msgspec.json.decode(payload)
        if topic == DOWN:
            self.heard.append(body["heard"])
        else:
            self.told.append(body)
        self.some.set()

    async def until(self, so: Callable[[], bool]) -> None:
        """Return when it is so; looked at with each message."""
        async with asyncio.timeout(PATIENCE_S):
            while not so():
                self.some.clear()
                await self.some.wait()

    def ids(self) -> list[str]:
        return [str(one["id"]) for one in self.told]


@contextlib.asynccontextmanager
async def listening(hub: HubInHand) -> AsyncIterator[Answers]:
    """An ear for the answers, while the block lasts."""
    answers = Answers()
    async with hub.client() as client:
        for topic in (DOWN, ANSWER):
            await client.subscribe(topic, qos=1)

        async def hear() -> None:
            async for message in client.messages:
                answers.take(str(message.topic), bytes(message.payload))

        task = asyncio.create_task(hear())
        try:
            yield answers
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def press(hub: HubInHand, press_id: str, **more: Any) -> None:
    """Somebody outside presses the canary."""
    body = {"press": "canary", "id": press_id, **more}
    async with hub.client() as client:
        await client.publish(PRESS, msgspec.json.encode(body), qos=1)


def part(hub: HubInHand, name: str = "canary") -> str:
    """The state of a part of the hub."""
    assert hub.house is not None
    found = hub.house.ground.health.conditions().get(name)
    return "" if found is None else found.state


def end_loop(name: str) -> None:
    """A loop of the hub ends without a word, as one that hangs would."""
    [task] = [task for task in asyncio.all_tasks() if task.get_name() == name]
    task.cancel()


async def test_it_comes_back_with_its_moments_and_nobody_else_hears_of_it(
    tmp_path: Path, broker: Mosquitto
) -> None:
    """Neither tables nor pages: only the real press is a case. Only that word is a canary."""
    async with hub_in_hand(tmp_path, broker, [native("b1", "button")]) as hub:
        async with listening(hub) as answers:
            await press(hub, "w-1", ts=hub.clock.now - 250)
            await answers.until(lambda: answers.ids() == ["w-1"])
            await press(hub, "w-1")  # a copy is no second press
            await press(hub, "w-2")
            await answers.until(lambda: answers.ids() == ["w-1", "w-2"])
        now, [first, second] = hub.clock.now, answers.told
        stations = ("heard_ms", "journaled_ms", "judged_ms", "told_ms")
        assert first == {"id": "w-1", "published_ms": now - 250, **dict.fromkeys(stations, now)}
        assert second["published_ms"] is None
        assert {"w-1", "w-2"} <= set(answers.heard)
        assert rows(hub, strangers, strangers.c.address) == []
        async with hub.api("admin") as caller:
            for path in PAGES:
                page = await caller.get(path)
                assert page.status_code == 200, path
                assert "hub-canary" not in page.text, path
                assert "@canary" not in page.text, path
            assert 'hub_notices{state="sent"} 0.0' in (await caller.get("/metrics")).text

        await hub.said_twice([up("b1", "button", press="sos", id="real")])
        await hub.said_twice([up("canary", "button", press="sos", id="help")])
        await hub.said_twice([up("other", "button", press="canary", id="x")])
        raised = [(row.key, row.severity) for row in hub.cases()]
        assert raised == [
            ("b1", "emergency"),
            ("native:canary", "emergency"),
            ("native:other", "urgent"),
        ]
        assert set(rows(hub, alerts, alerts.c.key)) == {key for key, _ in raised}
        assert "@canary" not in rows(hub, latest, latest.c.device)
        told = {(row.channel, row.case_id) for row in rows(hub, notices)}
        assert {one for one in told if "canary" in one[1]} == {
            ("canary", "@canary/w-1"),
            ("canary", "@canary/w-2"),
        }
        assert "@canary" not in str(rows(hub, changes))


def rows(hub: HubInHand, table: sa.Table, column: Any = None) -> list[Any]:
    """All rows of a table, or one column of them."""
    assert hub.house is not None
    query = table.select() if column is None else sa.select(column)
    with hub.house.ground.engine.connect() as connection:
        found = connection.execute(query)
        return list(found) if column is None else list(found.scalars())


async def test_whatever_rules_are_put_in_force_after_a_restart_and_by_whatever_clock(
    tmp_path: Path, broker: Mosquitto
) -> None:
    """And a retained copy of a press, which the broker hands out at the start, proves nothing."""
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "own.yaml").write_text(RULES)
    own: dict[str, Any] = {"rules_dir": str(folder), "rules_look_s": 0.01}
    async with hub_in_hand(tmp_path, broker, [native("d1")], **own) as hub, listening(hub) as ear:
        async with hub.client() as client:
            body = msgspec.json.encode({"press": "canary", "id": "old"})
            await client.publish(PRESS, body, qos=1, retain=True)
        await ear.until(lambda: ear.ids() == ["old"])  # it was pressed, once
        (folder / "own.yaml").write_text(RULES.replace("anything", "another"))
        await hub.until(lambda: len(rows(hub, rule_sets)) == 2)
        await hub.until(lambda: all(rows(hub, rule_sets, rule_sets.c.applied_ms)))
        await press(hub, "reloaded")
        await ear.until(lambda: "reloaded" in ear.ids())
        await hub.until(lambda: {row.state for row in rows(hub, notices)} == {"sent"})
        await hub.stop()
        await press(hub, "meanwhile")
        await hub.start()
        await ear.until(lambda: "meanwhile" in ear.ids())
        for leap_s, name in ((3 * HOUR, "forward"), (-6 * HOUR, "back"), (0, "last")):
            hub.clock.leap(leap_s * 1_000)
            await press(hub, name)
            await ear.until(lambda name=name: name in ear.ids())  # type: ignore[misc]
        assert ear.ids() == ["old", "reloaded", "meanwhile", "forward", "back", "last"]
        assert hub.cases() == []
        assert "hub-canary" not in str(rows(hub, rule_sets, rule_sets.c.diff_json))


async def test_the_hubs_own_is_green_with_its_way_and_in_the_figures_until_nobody_listens(
    tmp_path: Path, broker: Mosquitto
) -> None:
    """Yellow after a while, red when it is lost; a real call would be no better off."""
    hub = HubInHand(tmp_path / "hub", broker, **OWN, health_write_every_s=0.01)
    await hub.settle_in([native("b1", "button")])
    await hub.start()
    assert hub.house is not None
    figures = hub.house.canary.figures
    await hub.until(lambda: figures()["last_ms"] is not None)
    await hub.at(MINUTE)
    await hub.until(lambda: figures()["le_0.01"] == 2)
    assert part(hub) == "green"
    await hub.until(lambda: '"le_0.01":2' in written(hub))
    metrics = await hub.asked("/metrics")
    assert 'hub_canary_seconds_bucket{le="0.01"} 2.0' in metrics
    assert "hub_canary_seconds_count 2.0" in metrics
    assert "hub_canaries_lost 0.0" in metrics
    ready = await hub.asked("/readyz")
    assert [one["state"] for one in ready["parts"] if one["part"] == "canary"] == ["green"]

    end_loop("ingest-buttons")
    end_loop("ingest-others")
    async with hub.client() as client:  # the ear of the broker itself works on
        await client.subscribe(PRESS, qos=1)
        hub.clock.now += MINUTE * 1_000
        async with asyncio.timeout(PATIENCE_S):
            await anext(aiter(client.messages))
    hub.clock.now += 6_000
    await hub.until(lambda: part(hub) == "yellow")
    hub.clock.now += 85_000
    await hub.until(lambda: part(hub) == "red")
    await hub.stop()


def written(hub: HubInHand) -> str:
    """The figures of the part `canary` as pages see them."""
    query = sa.text("SELECT figures_json FROM health WHERE part = 'canary'")
    assert hub.house is not None
    with hub.house.ground.engine.connect() as connection:
        return str(connection.execute(query).scalar())
