"""A rule on trial becomes live with the fewest changes to its file."""

import pytest

from rules.promotion import NotPromoted, promote

FILE = """\
# our rules
rules:
  # the old one:
  # too late for the guard
  - rule: old
    when: {point: contact, equals: open}   # as ever
    hold_for: 10m
    severity: warning
    category: security

  # the new one
  - rule: new   # since May
    mode: shadow   # on trial
    # a comment inside
    instead_of: "old"
    when: {point: contact, equals: open}
    hold_for: 5m
    severity: warning
    category: security
    say: |
      open
      for long

  - {rule: short, mode: shadow, when: {silent_for: 1h}, severity: notice, category: fault}
  - {rule: last, when: {silent_for: 1h}, severity: notice, category: fault, mode: shadow}
  - mode: shadow
    rule: first
    when: {silent_for: 1h}
    severity: notice
    category: fault
"""


def test_the_words_of_the_trial_go_and_the_other_rule_with_its_comments() -> None:
    """All else stays byte for byte."""
    promotion = promote({"a.yaml": FILE}, "new")

    assert promotion.replaced == "old"
    begin, end = FILE.index("  # the old one"), FILE.index("\n  # the new one")
    expected = FILE[:begin] + FILE[end:]
    expected = expected.replace("    mode: shadow   # on trial\n", "")
    expected = expected.replace('    instead_of: "old"\n', "")
    assert promotion.texts == {"a.yaml": expected}


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("short", "rule: short, mode: shadow, when", "rule: short, when"),
        ("last", "category: fault, mode: shadow}", "category: fault}"),
        ("first", "- mode: shadow\n    rule: first", "- rule: first"),
    ],
)
def test_wherever_the_word_stands(name: str, before: str, after: str) -> None:
    """In a line of its own, in braces, as the first key."""
    promotion = promote({"a.yaml": FILE}, name)

    assert promotion == promote({"a.yaml": FILE}, name)
    assert promotion.texts == {"a.yaml": FILE.replace(before, after)}
    assert promotion.replaced is None


def test_a_file_whose_only_rule_goes_keeps_its_list() -> None:
    """The other rule may stand in another file."""
    new = FILE.replace("- rule: old", "- rule: older")
    old = "rules:\n  # why\n  - rule: old\n    severity: warning\n# the end\n"
    promotion = promote({"new.yaml": new, "old.yaml": old}, "new")

    assert promotion.texts["old.yaml"] == "rules: []\n# the end\n"
    assert list(promotion.texts) == ["new.yaml", "old.yaml"]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("newer", "there is no rule newer; did you mean new?"),
        ("old", "a.yaml: the rule old is live already"),
    ],
)
def test_what_cannot_be_promoted_says_why(name: str, why: str) -> None:
    """In words."""
    with pytest.raises(NotPromoted) as refused:
        promote({"a.yaml": FILE}, name)

    assert str(refused.value) == why


def test_a_list_on_one_line_is_refused() -> None:
    """Nothing is cut where it is not certain what belongs to what."""
    text = "rules: [{rule: a, mode: shadow, instead_of: b}, {rule: b}]\n"
    with pytest.raises(NotPromoted, match="a line for each rule"):
        promote({"a.yaml": text}, "a")
