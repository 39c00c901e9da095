"""The library of rules: every rule has its reason, is proven both ways, and is gentle on people."""

import json
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from device_drivers.reading import Reading
from hub.demo.community import community
from hub.simulated.day import Act, SimulatedDevice, live
from hub.site import PLAIN_ZONE
from rules import condition as c
from rules.calendar import CHINA, read_calendar
from rules.entry import Heard
from rules.facts import DeviceFacts
from rules.finding import Finding
from rules.judge import Judge
from rules.loader import COMMUNITY, load
from rules.rule import GRAVE, Rule, RuleSet
from rules.story import play
from tests.rules.test_manual import examples

EXAMPLES = COMMUNITY.parent / "examples"
IN_FORCE = load([COMMUNITY]).rules
OWN = ("site", "phone", "channel", "screen", "token")  # what the hub says of its own parts
ALL = load([COMMUNITY, EXAMPLES]).rules
REASON_CHARACTERS_MIN = 20
HOUR_MS = 3_600_000
START_MS = 1_772_380_800_000  # 2026-03-02 00:00 in Shanghai

# What is about the devices themselves and may ring at night: calls for help are lost, goods spoil.
MAY_RING_AT_NIGHT = {
    "gateway-offline",
    "broker-gone",
    "grid-gone-quiet",
    "medicine-fridge-warm",
    "medicine-fridge-cold",
    "medicine-fridge-frozen",
    "cold-store-thaws",
}

each = pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.name)


@each
def test_a_rule_says_why_in_both_languages(rule: Rule) -> None:
    assert len(rule.reason_zh) >= REASON_CHARACTERS_MIN
    assert len(rule.reason_en) >= REASON_CHARACTERS_MIN
    assert rule.reason_zh != rule.reason_en
    assert rule.say_zh != rule.say_en


@each
def test_a_rule_has_a_story_in_which_it_opens_and_one_in_which_it_ends(rule: Rule) -> None:
    kinds = {mark.kind for story in rule.tests for mark in story.heard}

    assert "opens" in kinds
    assert "closes" in kinds or not c.lasts(rule.when)


@each
def test_a_rule_has_a_story_in_which_something_was_said_and_nobody_is_told(rule: Rule) -> None:
    assert any(story.given and not story.heard for story in rule.tests)


@pytest.mark.parametrize("example", load([EXAMPLES]).rules, ids=lambda rule: rule.name)
def test_an_example_passes_its_own_stories(example: Rule) -> None:
    calendar = read_calendar(CHINA)
    for story in example.tests:
        outcome = play(example, story, zone=PLAIN_ZONE, calendar=calendar)
        assert outcome.differences == (), story.story


def test_every_condition_of_the_language_is_used_in_the_library_or_the_manual(
    tmp_path: Path,
) -> None:
    for number, (_page, text) in enumerate(examples()):
        (tmp_path / f"{number}.yaml").write_text(text, encoding="utf-8")
    told = [rule for file in tmp_path.iterdir() for rule in load([file]).rules]
    simple = [one for rule in [*ALL, *told] for one in c.simple_of(rule.when)]
    used: set[type] = {type(one) for one in simple}
    used.update(type(rule.when) for rule in [*ALL, *told])

    assert used >= {
        *(c.Equals, c.Below, c.Above, c.Happens, c.Changes, c.Rises, c.Every, c.Still, c.Silent),
        *(c.AnyOf, c.AllOf, c.Together, c.Then, c.Without),
    }
    assert {one.less for one in simple if isinstance(one, c.Rises)} == {True, False}
    assert {one.for_ms is None for one in simple if isinstance(one, c.Silent)} == {True, False}
    assert any(isinstance(one, c.Equals) and len(one.values) > 1 for one in simple)
    assert any(isinstance(one, c.Below) and one.back != one.limit for one in simple)
    assert any(isinstance(one, c.Above) and one.back != one.limit for one in simple)


def test_what_is_about_devices_rings_at_night_only_where_calls_or_goods_are_lost() -> None:
    crews = [rule for rule in IN_FORCE if rule.response == "maintenance"]

    assert {rule.name for rule in crews if rule.severity in GRAVE} == MAY_RING_AT_NIGHT


@cache
def facts() -> dict[str, DeviceFacts]:
    """The devices of the demo, as the judge knows them."""
    everything = community()
    tags = {row["id"]: frozenset(json.loads(row["tags_json"])) for row in everything.residents}
    return {
        row["id"]: DeviceFacts(
            row["id"],
            row["family"],
            row["driver"],
            row["place"],
            grid=row["grid"],
            ground=row["ground"],
            tags=frozenset(json.loads(row["tags_json"])),
            resident=row["resident_id"],
            resident_tags=tags.get(row["resident_id"], frozenset()),
            gateway=row["gateway"],
            known_since_ms=START_MS,
        )
        for row in everything.devices
    }


@pytest.mark.parametrize("rule", IN_FORCE, ids=lambda rule: rule.name)
def test_a_rule_in_force_finds_a_device_of_the_demo(rule: Rule) -> None:
    own = [DeviceFacts(f"@{family}", family) for family in OWN]
    inner = rule.when.where if isinstance(rule.when, c.Together) else c.Where()

    assert any(rule.where.fits(one) and inner.fits(one) for one in [*facts().values(), *own])


def test_a_simulated_day_and_a_half_calls_nobody_for_nothing() -> None:
    """A day as it should be: what opens is what people did, and the batteries that are due."""
    opened = Counter(found.rule.name for found in _findings(36) if found.kind == "opens")

    assert set(opened) <= {
        "emergency-press",
        "no-door-activity",
        "door-held-open-at-night",
        "battery-low",
    }
    assert 1 <= opened["emergency-press"] <= 20
    assert 1 <= opened["no-door-activity"] <= 20


def _findings(hours: int) -> Iterator[Finding]:
    judge = Judge(RuleSet(IN_FORCE), zone=PLAIN_ZONE, calendar=read_calendar(CHINA))
    for one in facts().values():
        judge.know(one)
    for seq, act in enumerate(_acts(hours), start=1):
        if judge.due_ms is not None and judge.due_ms < act.at_ms:
            judge.tick(act.at_ms - 1)
        readings = tuple(Reading(point, value, act.at_ms) for point, value in act.points.items())
        judge.judge(Heard(seq, act.device.id, act.at_ms, readings))
        yield from judge.take_findings()


def _acts(hours: int) -> Iterator[Act]:
    senders = [row for row in community().devices if row["family"] != "gateway"]
    devices = [SimulatedDevice.of(row) for row in senders]
    for act in live(devices, seed=1, start_ms=START_MS, zone=PLAIN_ZONE):
        if act.at_ms >= START_MS + hours * HOUR_MS:
            return
        yield act
