"""A demo's day is faster than life: the rules of its copy know it."""

from pathlib import Path

from hub.demo.pace import OVERRIDES_FILE, RULE, keep_pace
from hub.rule_copy import copy_community
from rules.loader import load


def test_a_fast_day_does_not_make_every_door_flutter(tmp_path: Path) -> None:
    copy_community(tmp_path)
    keep_pace(tmp_path, speed=60)
    (only,) = load([tmp_path]).overrides
    assert (only.rule, only.off, only.by) == (RULE, True, "hub demo")
    keep_pace(tmp_path, speed=1)
    assert not load([tmp_path]).overrides


def test_a_demo_without_the_rule_starts_all_the_same(tmp_path: Path) -> None:
    copy_community(tmp_path)
    keep_pace(tmp_path, speed=60)
    fleet = tmp_path / "fleet.yaml"
    fleet.write_text(
        fleet.read_text(encoding="utf-8").replace(f"rule: {RULE}\n", "rule: another\n")
    )
    keep_pace(tmp_path, speed=60)
    assert not (tmp_path / OVERRIDES_FILE).exists()
