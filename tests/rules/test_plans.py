"""Response plans as data: what is read, what is said of a mistake, and the plans' own tests."""

from pathlib import Path

import pytest

from rules.plan_reader import COMMUNITY_PLANS, load_plans
from rules.reading import RuleMistakes
from rules.rehearsal import rehearse
from rules.response import Plan, Step

PLANS = load_plans([COMMUNITY_PLANS])

GOOD = """\
plans:
  - plan: welfare
    title: {zh: 关怀, en: Welfare}
    unanswered:
      - {after: 0s, tell: [desk]}
      - {after: 5m, tell: grid-leader, repeat: 1m, times: 3}
    nobody_after: 10m
    tests:
      - story: nobody
        told:
          - 0s: desk
          - 5m: grid-leader
          - 6m: grid-leader
          - 7m: grid-leader
          - 10m: nobody
"""


@pytest.mark.parametrize(
    ("plan", "test"),
    [(plan, test) for plan in PLANS.values() for test in plan.tests],
    ids=lambda value: getattr(value, "name", getattr(value, "story", "")),
)
def test_the_communitys_plans_pass_their_own_tests(plan: Plan, test: object) -> None:
    assert rehearse(plan, test) == ()  # type: ignore[arg-type]


def test_every_plan_of_the_community_says_why_and_has_tests() -> None:
    assert set(PLANS) >= {"emergency", "welfare", "security", "fault", "maintenance"}
    for plan in PLANS.values():
        assert plan.reason_zh, plan.name
        assert plan.reason_en, plan.name
        assert plan.tests, plan.name


def read(folder: Path, text: str) -> dict[str, Plan]:
    file = folder / "plans.yaml"
    file.write_text(text, encoding="utf-8")
    return load_plans([file])


def test_a_plan_is_read(tmp_path: Path) -> None:
    plan = read(tmp_path, GOOD)["welfare"]
    later = Step(300_000, ("grid-leader",), 60_000, 3)
    assert plan.unanswered == (Step(0, ("desk",)), later)
    assert (plan.nobody_after_ms, plan.title_zh, plan.line) == (600_000, "关怀", 2)
    assert rehearse(plan, plan.tests[0]) == ()


def test_a_test_of_a_plan_can_fail(tmp_path: Path) -> None:
    plan = read(tmp_path, GOOD.replace("- 6m: grid-leader", "- 6m: desk"))["welfare"]
    assert rehearse(plan, plan.tests[0]) == (
        "was told, but is not listed: 6m: grid-leader",
        "is listed, but was not told: 6m: desk",
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("plans:", "plan:", ":1:1: the file: unknown key 'plan'; did you mean plans?"),
        ("plan: welfare", "pln: welfare", ":2:5: a plan: unknown key 'pln'; did you mean plan?"),
        ("plan: welfare", "plan: Wel fare", ":2:11: a rule's name is in kebab-case"),
        ("{zh: 关怀, en: Welfare}", "Welfare", ":3:12: a text: expected a mapping"),
        ("tell: [desk]", "tell: [dsk]", ":5:27: unknown role 'dsk'; there are"),
        ("after: 5m", "after: 5", ":6:17: 5 of what? a duration has a unit; did you mean 5s?"),
        ("after: 0s", "after: 6m", ":6:9: a step stands behind one that comes later"),
        (", times: 3", "", ":6:9: repeat and times (above 1) go together"),
        ("times: 3", "times: 1001", ":6:59: more than 1000 times"),
        ("nobody_after: 10m", "nobody_after: 0s", ":7:19: expected a duration above 0"),
        ("- 0s: desk", "- 0s: family", ":11:17: told: the plan tells no 'family'"),
        (
            "        told:",
            "        given: [{1m: answred}]\n        told:",
            "did you mean answered?",
        ),
        (
            "    nobody_after",
            '    quiet: {from: "7:00"}\n    nobody_after',
            "quiet: 'to' is missing",
        ),
        (
            "    nobody_after",
            '    quiet: {from: "7:00", to: "07:00"}\n    nobody_after',
            "it ends where",
        ),
        ("    unanswered:", "    not_closed:", "nobody is told of what nobody has answered"),
        ("    nobody_after", "  - plan: welfare\n    nobody_after", "'title' is missing"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(RuleMistakes) as caught:
        read(tmp_path, GOOD.replace(old, new, 1))
    assert said in str(caught.value)


def test_two_plans_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "b.yaml").write_text(GOOD, encoding="utf-8")
    with pytest.raises(RuleMistakes, match="a second plan of the name 'welfare'"):
        load_plans([tmp_path])
