"""Rules are changed at noon in the whole hub, while timers of other rules run."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub import rule_sets
from hub.health import Condition
from hub.rule_copy import copy_community
from tests.hub.courtroom import MORNING_MS
from tests.programs import Mosquitto, mosquitto
from tests.stories.hub_in_hand import HOUR, MINUTE, HubInHand, hub_in_hand, native, up

API = "/api/v1"
OWN = """
rules:
  - rule: hatch-open
    title: {zh: 盖板未关, en: Hatch open}
    where: {family: door}
    when: {point: contact, equals: open}
    hold_for: 10m
    severity: warning
    category: security
"""
NOTHING = Condition("rules", "green", "", "", {}, 0)
NOON = 3 * HOUR  # the hub's morning is nine o'clock


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    (tmp_path / "broker").mkdir()
    with mosquitto(tmp_path / "broker") as running:
        yield running


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    folder = tmp_path / "rules"
    copy_community(folder)
    (folder / "own.yaml").write_text(OWN, encoding="utf-8")
    return folder


def own_rules(rules: Path, **settings: Any) -> dict[str, Any]:
    return {"rules_dir": str(rules), "rules_look_s": 0.01, **settings}


def in_force(hub: HubInHand, name: str) -> bool:
    assert hub.house is not None
    with hub.house.ground.engine.connect() as connection:
        found = rule_sets.in_force(connection)
    return found is not None and name in found.versions


def opened(hub: HubInHand, rule: str) -> list[tuple[str, float]]:
    return [(row.key, (row.raised_at_ms - MORNING_MS) / 1_000) for row in hub.cases(rule)]


async def test_a_file_is_edited_at_noon_and_the_other_rules_timer_rings_at_its_moment(
    tmp_path: Path, broker: Mosquitto, rules: Path
) -> None:
    async with hub_in_hand(tmp_path, broker, [native("d1")], **own_rules(rules)) as hub:
        await hub.at(NOON)
        await hub.said([up("d1", contact="open")])
        await hub.at(NOON + 5 * MINUTE)
        text = (rules / "fleet.yaml").read_text(encoding="utf-8")
        (rules / "fleet.yaml").write_text(text.replace("below: 15", "below: 18"), encoding="utf-8")
        (rules / "more.yaml").write_text(
            OWN.replace("hatch-open", "hatch-long").replace("10m", "20m"), encoding="utf-8"
        )
        await hub.until(lambda: in_force(hub, "hatch-long"))
        await hub.stop()
        await hub.start()
        await hub.at(NOON + 10 * MINUTE - 0.001)
        assert opened(hub, "hatch-open") == []
        await hub.at(NOON + 10 * MINUTE)
        assert opened(hub, "hatch-open") == [("d1", NOON + 10 * MINUTE)]
        await hub.at(NOON + 20 * MINUTE)

        assert opened(hub, "hatch-long") == [("d1", NOON + 20 * MINUTE)]
        [newest, *_] = await hub.asked(f"{API}/rules/sets")
        assert newest["by"] == "hub"
        assert (newest["diff"]["added"], newest["diff"]["changed"]) == (
            ["hatch-long"],
            ["battery-low"],
        )


async def test_a_broken_file_changes_nothing_and_is_told_everywhere(
    tmp_path: Path, broker: Mosquitto, rules: Path
) -> None:
    async with hub_in_hand(tmp_path, broker, [native("d1")], **own_rules(rules)) as hub:
        await hub.said([up("d1", contact="open")])
        (rules / "own.yaml").write_text(OWN.replace("equals", "equal"), encoding="utf-8")
        assert hub.house is not None
        health = hub.house.ground.health
        await hub.until(lambda: health.conditions().get("rules", NOTHING).state == "yellow")
        condition = health.conditions()["rules"]
        body = await hub.asked(f"{API}/rules")
        async with hub.api() as caller:
            refused = await caller.post(f"{API}/rules/reload")
        await hub.at(10 * MINUTE)

        assert condition.state == "yellow"
        assert "own.yaml:6:" in condition.text_en
        assert [one["nearest"] for one in body["mistakes"]] == [None, "equals"]
        assert refused.status_code == 422
        assert opened(hub, "hatch-open") == [("d1", 10 * MINUTE)]


async def test_an_override_by_program_holds_and_ends_by_itself(
    tmp_path: Path, broker: Mosquitto, rules: Path
) -> None:
    wish = {"rule": "hatch-open", "device": "d1", "off": True, "reason": "builders"}
    async with hub_in_hand(
        tmp_path, broker, [native("d1"), native("d2")], **own_rules(rules)
    ) as hub:
        async with hub.api() as caller:
            answer = await caller.post(
                f"{API}/overrides", json={**wish, "until": "2026-03-02T12:00:00"}
            )
        assert answer.status_code == 200, answer.text
        await hub.said([up("d1", contact="open"), up("d2", contact="open")])
        await hub.at(HOUR)
        assert opened(hub, "hatch-open") == [("d2", 10 * MINUTE)]
        await hub.stop()
        await hub.start()
        await hub.at(NOON + 10 * MINUTE)

        assert opened(hub, "hatch-open") == [("d2", 10 * MINUTE), ("d1", NOON + 10 * MINUTE)]
