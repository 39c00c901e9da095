"""Every story of the community's rules and of the language is true, on the judge as it runs."""

from pathlib import Path

import pytest

from hub.site import PLAIN_ZONE
from rules.calendar import CHINA, read_calendar
from rules.loader import COMMUNITY, load
from rules.rule import Rule
from rules.story import Story, play

LANGUAGE = Path(__file__).parent / "language"
CALENDAR = read_calendar(CHINA)
RULES = load([COMMUNITY, LANGUAGE])
STORIES = [
    pytest.param(rule, story, id=f"{rule.name}: {story.story}")
    for rule in RULES.rules
    for story in rule.tests
]


@pytest.mark.parametrize(("rule", "story"), STORIES)
@pytest.mark.parametrize("rewind_inputs_max", [4, 128])
def test_a_rules_own_story(rule: Rule, story: Story, rewind_inputs_max: int) -> None:
    """What the story lists was so, and nothing else."""
    outcome = play(
        rule,
        story,
        zone=PLAIN_ZONE,
        calendar=CALENDAR,
        rewind_inputs_max=rewind_inputs_max,
        overrides=RULES.overrides,
    )

    assert outcome.differences == ()


def test_every_rule_of_the_community_has_a_story_and_speaks_both_languages() -> None:
    """Nobody can change a rule without a test, or add one that half of the people cannot read."""
    for rule in load([COMMUNITY]).rules:
        assert rule.tests, rule.name
        assert rule.title_zh != rule.title_en, rule.name
        assert rule.say_zh, rule.name
        assert rule.say_en, rule.name


WRONG = """
rules:
  - rule: wrong
    when: {point: contact, equals: open}
    hold_for: 10m
    severity: warning
    category: security
    tests:
      - story: the story is wrong
        given:
          - 0s: {contact: open}
        heard: [{9m: opens}, {20m: {d1: closes}}]
        told: []
"""


def test_a_story_that_is_wrong_says_what_was_expected_and_what_was_so(tmp_path: Path) -> None:
    """In the story's own moments."""
    (tmp_path / "wrong.yaml").write_text(WRONG, encoding="utf-8")
    rule = load([tmp_path]).rules[0]

    outcome = play(rule, rule.tests[0], zone=PLAIN_ZONE)

    assert outcome.differences == (
        "heard: expected 9m: opens, but it was not so",
        "heard: 10m: {d1: opens} was so, but is not listed",
        "heard: expected 20m: {d1: closes}, but it was not so",
        "told: 10m: {d1: opens} was so, but is not listed",
    )
