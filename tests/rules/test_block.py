"""A rule's own lines: found whatever the style of the file, replaced without touching others."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.block import NoBlock, find_block, names_in, replace_block
from rules.loader import COMMUNITY, load, load_texts

ODD = """# the file
rules:
  # of a
  - rule: a
    when: {x: 1}  # why

    # inside a
  # of b
  -
    rule: b
    say: |
      two

      parts

  - rule: c
    when: {a: 1,
      b: 2}
  # said of nobody
overrides: []
"""


def block(name: str, text: str = ODD) -> str:
    return find_block({"f.yaml": text}, name).text


def test_comments_directly_above_and_inside_are_its_own() -> None:
    assert block("a") == "  # of a\n  - rule: a\n    when: {x: 1}  # why\n\n    # inside a\n"
    assert block("b") == "  # of b\n  -\n    rule: b\n    say: |\n      two\n\n      parts\n"
    assert block("c") == "  - rule: c\n    when: {a: 1,\n      b: 2}\n"
    assert names_in(ODD) == ["a", "b", "c"]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_other_lines_stay_byte_for_byte(name: str, end: str) -> None:
    text = ODD.replace("\n", end)
    found = find_block({"f.yaml": text}, name)
    lines = text.split(end)
    new = replace_block(text, found, "  - rule: new\n    when: {y: 1}\n")
    expected = [
        *lines[: found.first - 1],
        "  - rule: new",
        "    when: {y: 1}",
        *lines[found.last :],
    ]

    assert new == end.join(expected)
    assert replace_block(text, found, found.text.replace("\r", "")) == text


def test_a_file_without_a_line_end_gets_none() -> None:
    text = "rules:\n- rule: a\n  x: 1"
    assert replace_block(text, find_block({"f": text}, "a"), "- rule: a\n  x: 2\n") == (
        "rules:\n- rule: a\n  x: 2"
    )


@pytest.mark.parametrize(
    "text", ["", "rules: [", "rules: [{rule: a}]", "rules:\n- [a]\n", "- rule: a\n", "a: &a [*a]"]
)
def test_what_has_no_lines_of_its_own_is_said_to_have_none(text: str) -> None:
    with pytest.raises(NoBlock):
        find_block({"f": text}, "a")


def test_every_rule_of_the_community_has_a_block_that_is_that_rule_alone() -> None:
    texts = {file.name: file.read_text("utf-8") for file in sorted(COMMUNITY.glob("*.yaml"))}
    for rule in load([COMMUNITY]).rules:
        found = find_block(texts, rule.name)
        assert found.file == Path(rule.file).name
        assert found.first <= rule.line <= found.last
        [alone] = load_texts({"one.yaml": f"rules:\n{found.text}"}).rules
        assert alone.version == rule.version


@given(st.text(alphabet=" -#:\n\r\x85\u2028rule[]{}a\"'|&*", max_size=120))
def test_any_text_has_blocks_or_none_and_putting_one_back_changes_nothing(text: str) -> None:
    text = f"rules:\n  - rule: a\n{text}"
    for name in names_in(text):
        try:
            found = find_block({"f": text}, name)
        except NoBlock:
            continue
        assert found.text.rstrip("\n") in text
