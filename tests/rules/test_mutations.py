"""A sound file with pieces taken away, doubled, swapped or replaced: rules or mistakes, no more."""

from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from rules.document import Mistake
from rules.loader import COMMUNITY, RuleMistakes, load

LANGUAGE = Path(__file__).parent / "language"
SOUND = [
    (YAML(typ="safe", pure=True).load(file), file.name)
    for file in sorted([*COMMUNITY.glob("*.yaml"), *LANGUAGE.glob("*.yaml")])
]
ODD: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, float("nan"), 10**30, "", " ", "10m", "0s", "open", "d1", "{x",
    "2026-02-30", "22:00", "emergency", [], [[]], {}, {"a": {"b": []}}, {"point": "contact"},
    {"still_for": "1h"}, ["sos", None], {"first": {}}, {"0s": {}}, {"hub": "reload"}, {1: 2},
    "\u2028", "x" * 300,
)  # fmt: skip


def nodes(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to everything in it."""
    found = [path]
    if isinstance(tree, dict | list):
        pairs = tree.items() if isinstance(tree, dict) else enumerate(tree)
        for key, value in pairs:
            found += nodes(value, (*path, key))
    return found


def mutated(tree: Any, random: Random) -> Any:
    """One piece is different."""
    ways = nodes(tree)[1:]
    if not ways:
        return random.choice(ODD)
    *way, last = random.choice(ways)
    place = tree
    for key in way:
        place = place[key]
    match random.choice(("drop", "double", "replace", "take", "rename")):
        case "drop":
            del place[last]
        case "double" if isinstance(place, list):
            place.append(place[last])
        case "take":
            source = tree
            for key in random.choice(ways):
                source = source[key]
            place[last] = copy(source)
        case "rename" if isinstance(place, dict) and isinstance(last, str):
            place[last + random.choice("sx_")] = place.pop(last)
        case _:
            place[last] = random.choice(ODD)
    return tree


def copy(tree: Any) -> Any:
    """Of its own."""
    if isinstance(tree, dict):
        return {key: copy(value) for key, value in tree.items()}
    return [copy(one) for one in tree] if isinstance(tree, list) else tree


def written(file: Path, tree: Any) -> Path:
    """As YAML."""
    yaml = YAML(typ="safe", pure=True)
    yaml.representer.ignore_aliases = lambda _: True
    with file.open("w", encoding="utf-8") as opened:
        yaml.dump(tree, opened)
    return file


def check(file: Path, number: int, random: Random) -> None:
    """What comes out is a set of rules, or mistakes with a place in this file."""
    tree = copy(SOUND[number % len(SOUND)][0])
    tree["rules"] = [random.choice(tree["rules"])]
    for _ in range(random.randint(1, 4)):
        tree = mutated(tree, random)
    for one in mistakes_of(written(file, tree)):
        assert one.file == str(file)
        assert one.line > 0
        assert one.what


def mistakes_of(file: Path) -> tuple[Mistake, ...]:
    """Anything but these, or a sound set, is a defect."""
    try:
        load([file])
    except RuleMistakes as wrong:
        return wrong.mistakes
    return ()


SETTINGS: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": (HealthCheck.function_scoped_fixture, HealthCheck.too_slow),
}


@settings(max_examples=60, **SETTINGS)
@given(st.integers(0, 100), st.randoms(use_true_random=False))
def test_a_sound_file_with_pieces_changed(tmp_path: Path, number: int, random: Any) -> None:
    """The short form."""
    check(tmp_path / "changed.yaml", number, random)


@pytest.mark.campaign
@settings(max_examples=5_000, **SETTINGS)
@given(st.integers(0, 100), st.randoms(use_true_random=False))
def test_a_sound_file_with_pieces_changed_at_length(
    tmp_path: Path, number: int, random: Any
) -> None:
    """The long form."""
    check(tmp_path / "changed.yaml", number, random)
