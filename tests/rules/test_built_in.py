"""The hub's own rules: in force beside every set, in none of them, and not to be changed by one."""

from zoneinfo import ZoneInfo

import pytest

from device_drivers.reading import Reading
from rules.facts import DeviceFacts
from rules.judge import Judge
from rules.loader import COMMUNITY, RuleMistakes, built_in, load, load_texts, read_override
from rules.rule import CANARY, RuleSet, diff
from rules.story import Story, play

ZONE = ZoneInfo("Asia/Shanghai")
[OWN] = built_in().rules
ANYTHING = """
rules:
  - rule: anything
    title: {zh: 甲, en: a}
    when: {point: press, happens: [canary, sos]}
    severity: emergency
    category: emergency
"""


def found(rules: RuleSet, facts: DeviceFacts, word: str) -> list[str]:
    """Which rules say something of one press."""
    judge = Judge(rules, zone=ZONE)
    judge.know(facts)
    judge.hear(1, facts.id, 1_000, (Reading("press", word, 1_000),))
    return [one.rule.name for one in judge.take_findings()]


@pytest.mark.parametrize("story", OWN.tests, ids=lambda story: story.story)
def test_it_carries_its_own_proof(story: Story) -> None:
    assert play(OWN, story, zone=ZONE).differences == ()


def test_it_hears_the_canary_and_nobody_else_and_no_other_rule_hears_the_canary() -> None:
    both = load_texts({"a.yaml": ANYTHING}).with_built_in_of(built_in())
    canary, button = DeviceFacts("@canary", CANARY), DeviceFacts("b1", "button")

    assert found(both, canary, "canary") == [OWN.name]
    assert found(both, canary, "sos") == []
    assert found(both, button, "canary") == ["anything"]


def test_it_is_in_no_set_that_people_see_and_no_difference_between_two() -> None:
    community = load([COMMUNITY])
    given = community.with_built_in_of(built_in())

    assert community.named(OWN.name) is None
    assert given.rules == (*community.rules, OWN)
    changes = diff(given, load_texts({"a.yaml": ANYTHING}).with_built_in_of(given))
    assert OWN.name not in (*changes.added, *changes.changed, *changes.removed)


def test_it_is_no_emergency_call_that_is_heard() -> None:
    assert not RuleSet(()).with_built_in_of(built_in()).hears_presses


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ANYTHING.replace("anything", OWN.name), "a.yaml:3:11: 'hub-canary' is a rule of the hub"),
        (
            ANYTHING.replace("    when:", "    where: {family: canary}\n    when:"),
            "the hub's own press of proof, heard by no other rule",
        ),
        (
            f"{ANYTHING}overrides:\n  - {{rule: hub-canary, device: d1, off: true, reason: r, "
            "by: b, until: 2030-01-01}\n",
            "hub-canary",
        ),
    ],
    ids=["its name", "its family", "an override"],
)
def test_no_file_can_take_its_place_or_switch_it_off(text: str, words: str) -> None:
    with pytest.raises(RuleMistakes) as caught:
        load_texts({"a.yaml": text})
    assert words in str(caught.value)


def test_no_override_of_a_page_can_switch_it_off() -> None:
    given = load_texts({"a.yaml": ANYTHING}).with_built_in_of(built_in())
    body = {"rule": OWN.name, "device": "@canary", "off": True, "reason": "r", "by": "b"}

    with pytest.raises(RuleMistakes, match="hub-canary"):
        read_override({**body, "until": "2030-01-01"}, given, name="1")
