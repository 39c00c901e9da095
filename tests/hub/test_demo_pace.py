"""A demo's day is faster than life: the rules of its copy know it."""

from pathlib import Path

import pytest

from hub.demo.pace import OVERRIDES_FILE, keep_pace
from hub.rule_copy import copy_community
from hub.settings import Settings
from rules.loader import load

FLUTTERS = "door-contact-flutters"


def test_a_fast_day_does_not_make_every_door_flutter_nor_a_morning_a_night(tmp_path: Path) -> None:
    copy_community(tmp_path)
    of_hours = {rule.name for rule in load([tmp_path]).rules if rule.during is not None}
    assert {"machine-used-at-night", "door-held-open-at-night"} <= of_hours
    keep_pace(Settings(rules_dir=str(tmp_path)), speed=60)
    overrides = load([tmp_path]).overrides
    assert {one.rule for one in overrides} == {FLUTTERS, *of_hours}
    assert {(one.off, one.by) for one in overrides} == {(True, "hub demo")}
    assert all(one.reason for one in overrides)
    keep_pace(Settings(rules_dir=str(tmp_path)), speed=1)
    assert not load([tmp_path]).overrides


def test_a_demo_without_these_rules_starts_all_the_same(tmp_path: Path) -> None:
    copy_community(tmp_path)
    keep_pace(Settings(rules_dir=str(tmp_path)), speed=60)
    for file in tmp_path.glob("*.yaml"):
        if file.name not in (OVERRIDES_FILE, "shop.yaml"):
            file.unlink()
    shop = tmp_path / "shop.yaml"
    kept, _, _ = shop.read_text(encoding="utf-8").partition("    during:")
    shop.write_text(kept[: kept.rindex("  - rule:")], encoding="utf-8")
    keep_pace(Settings(rules_dir=str(tmp_path)), speed=60)
    assert not (tmp_path / OVERRIDES_FILE).exists()


@pytest.mark.parametrize("content", [b"rules: [", b"rules: \xff"])
def test_rules_with_mistakes_are_left_to_the_hub_to_tell(tmp_path: Path, content: bytes) -> None:
    copy_community(tmp_path)
    (tmp_path / "shop.yaml").write_bytes(content)
    keep_pace(Settings(rules_dir=str(tmp_path)), speed=60)
    assert not (tmp_path / OVERRIDES_FILE).exists()
