"""Every example of the manual of the language is complete, sound, and passes its own stories."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from hub.commands.rules import rules
from rules.loader import (
    RULE_KEYS,
    SAMES,
    VERBS,
    WHERE_KEYS,
)  # fmt: skip
from rules.override import SETTABLE
from rules.override_reader import OVERRIDE_KEYS
from rules.reading import POINTS, SAY_FIELDS
from rules.rule import CATEGORIES, MODES, SEVERITIES
from rules.story_reader import DEVICE_KEYS, STORY_KEYS

ROOT = Path(__file__).parents[2]
PAGE, CONTRIBUTING = ROOT / "docs/rules.md", ROOT / "CONTRIBUTING.md"
EXAMPLE = re.compile(r"```yaml\n(rules:.*?)```", re.DOTALL)


def examples() -> list[tuple[str, str]]:
    """Page and text of each."""
    return [
        (page.name, text)
        for page in (PAGE, CONTRIBUTING)
        for text in EXAMPLE.findall(page.read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize("example", examples(), ids=lambda example: example[0])
def test_an_example_passes_its_own_stories(tmp_path: Path, example: tuple[str, str]) -> None:
    """As `hub rules test --strict` plays them."""
    file = tmp_path / "example.yaml"
    file.write_text(example[1], encoding="utf-8")
    result = CliRunner().invoke(rules, ["test", "--strict", str(file)])

    assert result.exit_code == 0, result.output
    assert not result.output.startswith("0 passed")


def test_both_pages_have_examples() -> None:
    """So that the test above has something to look at."""
    pages = [name for name, _ in examples()]
    assert pages.count("rules.md") >= 5
    assert "CONTRIBUTING.md" in pages


@pytest.mark.parametrize(
    "words",
    [RULE_KEYS, WHERE_KEYS, STORY_KEYS, DEVICE_KEYS, tuple(VERBS), POINTS, SAMES, SAY_FIELDS,
     SEVERITIES, CATEGORIES, MODES, OVERRIDE_KEYS, SETTABLE,
     ("back_above", "back_below", "any", "all", "together", "silent_for")],
)  # fmt: skip
def test_every_word_of_the_language_stands_in_the_manual(words: tuple[str, ...]) -> None:
    """What the loader knows, the page names."""
    page = PAGE.read_text(encoding="utf-8")

    assert [word for word in words if not re.search(rf"\b{word}\b", page)] == []
