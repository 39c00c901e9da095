"""Conditions in the language's words and back; versions that no upgrade of the hub changes."""

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from device_drivers.catalog import DRIVERS
from device_drivers.points import POINTS as DRIVERS_POINTS
from rules import condition as c
from rules.during import During
from rules.loader import COMMUNITY, load
from rules.plain import plain, plain_during
from rules.point import COMMON_POINTS, FAMILY_POINTS, POINT_WORDS, bare_point
from rules.rule import Rule, version_of
from tests.rules.test_history import CONDITIONS

SAID = [rule.when for rule in load([COMMUNITY, Path(__file__).parent / "language"]).rules]


@pytest.mark.parametrize("when", [*CONDITIONS, *SAID], ids=lambda when: type(when).__name__)
def test_a_condition_is_read_as_what_it_was(tmp_path: Path, when: c.Condition) -> None:
    """An override changes a part of these words, so they must say all."""
    file = tmp_path / "a.yaml"
    rule = f"{{rule: x, severity: notice, category: fault, when: {plain(when)!r}}}"
    file.write_text(f"rules: [{rule}]\n".replace("True", "true"), encoding="utf-8")

    assert load([file]).rules[0].when == when


def test_every_condition_has_words() -> None:
    """A new one needs a row in `rules/plain.py`."""
    kinds = {*get_args(c.Simple), c.AnyOf, c.AllOf, c.Together, c.Then, c.Without}

    assert {type(simple) for when in CONDITIONS for simple in c.simple_of(when)} <= kinds
    assert kinds <= {type(when) for when in (*CONDITIONS, *SAID)}


def test_a_version_is_made_of_words_only() -> None:
    """This very text, whatever fields the program's values are given."""
    rule = Rule("held", c.Equals("contact", ("open",)), during=During(60, 120, ("sat", "mon")))

    assert plain_during(During(60, 120, ("sat", "mon"))) == {
        "from": "01:00", "to": "02:00", "days": ["mon", "sat"],
    }  # fmt: skip
    assert version_of(rule) == "9b3a2191179e7c81"
    assert version_of(rule) == version_of(replace(rule, mode="shadow", title_en="x", say_zh="y"))
    assert version_of(rule) != version_of(replace(rule, clear_for_ms=1))


def test_families_have_the_points_of_the_drivers_that_are_for_them_alone() -> None:
    """A rule about such a device is never refused."""
    alone = [driver for driver in DRIVERS.values() if len(driver.families) == 1]

    assert len(alone) > 10
    for driver in alone:
        for point in map(bare_point, driver.points):
            family = driver.families[0]
            known = FAMILY_POINTS.get(family)
            assert known is None or point in known | COMMON_POINTS, (driver.name, point)


def test_the_words_of_points_are_those_of_the_drivers() -> None:
    """The same table, written twice because the languages differ."""
    words = {bare_point(name): set(p.words) for name, p in DRIVERS_POINTS.items() if p.words}

    assert {name: set(those) for name, those in POINT_WORDS.items()} == words
