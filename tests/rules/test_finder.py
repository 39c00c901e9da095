"""No rule that fits a device is overlooked, and the order of the set is kept."""

from hypothesis import given
from hypothesis import strategies as st

from rules.condition import Silent, Where
from rules.facts import DeviceFacts
from rules.finder import Finder
from rules.rule import Rule, RuleSet

names = st.lists(st.sampled_from(("door", "button", "d1", "d2")), max_size=3).map(tuple)
wheres = st.builds(Where, family=names, device=names, grid=st.sampled_from(((), ("g1",))))


@given(st.lists(wheres, max_size=12), st.sampled_from(("d1", "d2", "d3")), st.booleans())
def test_all_that_fit_are_found_in_their_order(
    found: list[Where], device: str, is_door: bool
) -> None:
    """As asking each would have done."""
    rules = RuleSet(tuple(Rule(f"r{n}", Silent(None), where) for n, where in enumerate(found)))
    facts = DeviceFacts(device, "door" if is_door else "button", grid="g1")
    asked = [rule for rule in rules.rules if rule.where.fits(facts)]
    candidates = list(Finder(rules).may_fit(facts))

    assert [rule for rule in candidates if rule.where.fits(facts)] == asked


def test_rules_about_others_are_not_asked() -> None:
    """Of ten thousand about single devices none is looked at for another one."""
    others = tuple(
        Rule(f"r{n}", Silent(None), Where(device=(f"machine-{n}",))) for n in range(10_000)
    )
    mine = Rule("mine", Silent(None), Where(device=("d1", "d1")))
    facts = DeviceFacts("d1", "door")

    assert list(Finder(RuleSet((*others, mine))).may_fit(facts)) == [mine]
