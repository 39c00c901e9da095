"""Doors that are held open, and a hub that is killed: the moment of an alert does not move.

The rule waits ten seconds of the doors' own time. A door says since when it has been open, so that
kills fall before, at and after its due moment without a long wait.
"""

import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiomqtt
import msgspec
import pytest

from hub.clock import SystemClock
from tests.integration.hub_process import Ear, HubProcess, ear, hub_process, quick_client
from tests.programs import Mosquitto

HOLD_MS = 10_000
RULES = """
rules:
  - rule: yard-door-held-open
    title: {zh: 院门长时间未关, en: Yard door held open}
    where: {family: door, tags: [yard]}
    when: {point: contact, equals: open}
    hold_for: 10s
    severity: warning
    category: security
    say: {zh: "{place}的门已开{for}", en: "Door at {place} open for {for}"}
  - rule: bell
    title: {zh: 门铃, en: Bell}
    where: {family: door, tags: [bell]}
    when: {point: tamper, equals: true}
    severity: notice
    category: fault
    say: {zh: "{place}", en: "{place}"}
"""
DOORS = [f"yard-{number:02}" for number in range(30)]
BELLS = [f"bell-{number:02}" for number in range(10)]


@dataclass
class Yard:
    """A hub with watched doors, and all that is told of cases.

    A bell tells at once, and comes the same way as the doors: once its case is told, what the
    doors had said before it has been kept and judged.
    """

    hub: HubProcess
    client: aiomqtt.Client
    told: dict[str, list[str]] = field(default_factory=dict)  # by device, each notice once
    notices: set[int] = field(default_factory=set)
    listening: Ear | None = None

    def hear(self, _topic: str, body: dict[str, Any]) -> None:
        """One message about a case; a notice that comes again is the same notice."""
        if body["notice"] not in self.notices:
            self.notices.add(body["notice"])
            self.told.setdefault(body["device"], []).append(body["what"])

    async def say(self, device: str, body: dict[str, Any]) -> None:
        """A door says something; returns when the broker has it."""
        topic = f"community/demo/door/{device}/up"
        await self.client.publish(topic, msgspec.json.encode(body), qos=1)

    async def contact(self, device: str, contact: str, at_ms: int) -> None:
        """The door says how it stands, and since when."""
        await self.say(device, {"contact": contact, "ts": at_ms})

    async def until(self, so: Callable[[], bool]) -> None:
        """Wait for what is told."""
        assert self.listening is not None
        await self.listening.until(so, lambda: f"{self.told}\n{self.hub.story()}")

    async def until_judged(self, bell: str) -> None:
        """Return when all that was said before has been kept and judged."""
        await self.say(bell, {"tamper": True})
        await self.until(lambda: bell in self.told)

    def count(self, what: str) -> int:
        """How many doors have been told about in this way."""
        return sum(name in DOORS and what in words for name, words in self.told.items())

    def alerts(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every door's alerts: opened, closed, taken back?"""
        columns = "device, opened_at_ms, closed_at_ms, taken_back"
        order = "WHERE rule <> 'bell' ORDER BY opened_at_ms"
        found: dict[str, list[tuple[Any, ...]]] = {}
        for device, *moments in self.hub.rows(f"SELECT {columns} FROM alerts {order}"):
            found.setdefault(device, []).append(tuple(moments))
        return found

    def cases(self) -> dict[str, int]:
        """When each door's case was raised; a second case of a door would fail the test."""
        rows = self.hub.rows("SELECT device, raised_at_ms FROM cases WHERE rule <> 'bell'")
        assert len({device for device, _raised in rows}) == len(rows)
        return dict(rows)


@pytest.fixture
async def yard(tmp_path: Path, broker: Mosquitto) -> AsyncIterator[Yard]:
    """A hub that runs, and knows its doors."""
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "yard.yaml").write_text(RULES)
    async with (
        hub_process(tmp_path, broker, HUB_RULES_DIR=str(rules)) as hub,
        quick_client(broker) as client,
    ):
        hub.register(
            [{"id": door, "family": "door", "tags": [door.partition("-")[0]]} for door in DOORS]
            + [{"id": bell, "family": "door", "tags": ["bell"]} for bell in BELLS]
        )
        found = Yard(hub, client)
        async with ear(broker, ["hub/demo/cases"], found.hear) as found.listening:
            await hub.start()
            yield found


@pytest.mark.parametrize("seed", [1, 2])
async def test_what_is_pending_at_a_kill_opens_at_its_due_moment(yard: Yard, seed: int) -> None:
    """To the millisecond, once; a door that was shut before it was due opens nothing."""
    dice = random.Random(seed)
    opened_ms = await _open_doors(yard, dice)
    shut = await _shut_some(yard, dice, opened_ms)
    due = {door: at_ms + HOLD_MS for door, at_ms in opened_ms.items() if door not in shut}
    for kill in range(4):
        if dice.random() < 0.5:
            await yard.until_judged(BELLS[kill])
        more = min(len(due), yard.count("raised") + dice.randint(0, 6))
        await yard.until(lambda more=more: yard.count("raised") >= more)  # type: ignore[misc]
        await yard.hub.kill()
        await yard.hub.begin()
    await yard.until(lambda: yard.count("raised") == len(due))
    await yard.hub.ready()
    await yard.until_judged(BELLS[-1])
    assert await yard.hub.stop() == 0

    assert yard.alerts() == {door: [(at_ms, None, 0)] for door, at_ms in due.items()}
    assert yard.cases() == due
    told = yard.hub.rows(
        "SELECT c.device, l.what, l.at_ms FROM case_log l JOIN cases c ON c.id = l.case_id "
        "WHERE c.rule <> 'bell' AND l.what <> 'called'"
    )
    assert sorted(told) == sorted((door, "raised", at_ms) for door, at_ms in due.items())


async def _open_doors(yard: Yard, dice: random.Random) -> dict[str, int]:
    """All doors say that they have been open for a while: due from now on and 5 s long."""
    opened_ms = {}
    for door in dice.sample(DOORS, len(DOORS)):
        opened_ms[door] = SystemClock().now_ms() - dice.randint(5_000, 10_100)
        await yard.contact(door, "open", opened_ms[door])
    return opened_ms


async def _shut_some(yard: Yard, dice: random.Random, opened_ms: dict[str, int]) -> set[str]:
    """A few of those that are not due yet are shut."""
    now_ms = SystemClock().now_ms()
    pending = [door for door in DOORS if opened_ms[door] + HOLD_MS > now_ms + 2_000]
    shut = set(dice.sample(pending, 5))
    for door in shut:
        await yard.contact(door, "closed", dice.randint(opened_ms[door] + 1, now_ms))
    return shut


async def test_late_news_takes_an_opening_back(yard: Yard) -> None:
    """The door was shut in time and the news of it came late: people are told so, kill or not."""
    doors = DOORS[:6]
    opened_ms = {door: SystemClock().now_ms() - HOLD_MS - 2_000 - n for n, door in enumerate(doors)}
    for door, at_ms in opened_ms.items():
        await yard.contact(door, "open", at_ms)
    await yard.until(lambda: yard.count("raised") == len(doors))
    await yard.contact(doors[0], "closed", opened_ms[doors[0]] + HOLD_MS - 1)
    await yard.until(lambda: yard.count("taken_back") == 1)
    await yard.hub.kill()
    for door in doors[1:3]:
        await yard.contact(door, "closed", opened_ms[door] + 1)
    late_ms = opened_ms[doors[3]] + HOLD_MS + 500  # shut, but too late to be in time
    await yard.contact(doors[3], "closed", late_ms)
    await yard.hub.start()
    await yard.until(lambda: yard.count("taken_back") == 3 and yard.count("ended") == 1)
    await yard.hub.kill()
    await yard.hub.start()
    await yard.until_judged(BELLS[0])
    assert await yard.hub.stop() == 0

    due = {door: at_ms + HOLD_MS for door, at_ms in opened_ms.items()}
    alerts = yard.alerts()
    assert all(alerts[door] == [(due[door], None, 1)] for door in doors[:3])
    assert alerts[doors[3]] == [(due[doors[3]], late_ms, 0)]
    assert all(alerts[door] == [(due[door], None, 0)] for door in doors[4:])
    assert Counter(tuple(yard.told[door]) for door in doors) == {
        ("raised", "taken_back"): 3,
        ("raised", "ended"): 1,
        ("raised",): 2,
    }
