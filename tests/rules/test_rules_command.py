"""`hub rules check` and `hub rules test`, as people call them."""

from pathlib import Path

from click.testing import CliRunner, Result

from hub.commands.rules import rules
from rules.loader import COMMUNITY
from tests.rules.test_loader import story, text_of


def hub_rules(*arguments: str | Path) -> Result:
    """`hub rules …`."""
    return CliRunner().invoke(rules, [str(one) for one in arguments])


def write(folder: Path, text: str) -> Path:
    """One file of rules."""
    file = folder / "a.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_communitys_rules_are_sound_and_pass() -> None:
    """Without a path these are meant."""
    checked, tested = hub_rules("check"), hub_rules("test", "--strict")

    assert checked.exit_code == tested.exit_code == 0
    assert tested.output.splitlines()[-1].endswith(" passed, 0 failed")


def test_check_shows_every_mistake_with_its_place(tmp_path: Path) -> None:
    """And fails."""
    file = write(tmp_path, text_of(severity="x", hold_for="10"))
    result = hub_rules("check", tmp_path)

    assert result.exit_code == 1
    assert f"{file}:7:15: 10 of what? a duration has a unit; did you mean 10s?" in result.output
    assert f"{file}:5:15: severity: expected emergency | urgent" in result.output
    assert "2 mistakes, nothing loaded" in result.output


def test_a_story_that_fails_is_shown_and_counted_last(tmp_path: Path) -> None:
    """With its file and line."""
    tests = "[" + story()[1:-1] + ", " + story(story="other", heard="[{0s: opens}]")[1:-1] + "]"
    file = write(tmp_path, text_of(tests=tests))
    result = hub_rules("test", file)

    assert result.exit_code == 1
    assert f"FAILED {file}:7:13: held: s" in result.output or f"FAILED {file}:7" in result.output
    assert "heard: 0s: {d1: opens} was so, but is not listed" in result.output
    assert result.output.splitlines()[-1] == "1 passed, 1 failed"


def test_a_rule_without_a_story_is_a_warning_and_fails_when_strict(tmp_path: Path) -> None:
    """People are told either way."""
    file = write(tmp_path, text_of())
    plain, strict = hub_rules("test", file), hub_rules("test", "--strict", file)

    assert plain.exit_code == 0
    assert "rule held has no test (a warning)" in plain.output
    assert plain.output.splitlines()[-1] == "0 passed, 0 failed"
    assert strict.exit_code == 1
    assert strict.output.splitlines()[-1] == "0 passed, 1 failed"


def test_one_rule_is_one_rule(tmp_path: Path) -> None:
    """And several are several."""
    assert "1 rule, no mistake" in hub_rules("check", write(tmp_path, text_of())).output
    assert " rules, no mistake" in hub_rules("check").output


def test_overrides_are_counted_and_hold_in_the_stories_of_their_file(tmp_path: Path) -> None:
    """The same story without it fails."""
    tests = "[" + story(heard="[]")[1:-1] + "]"
    off = "  - {rule: held, device: d1, off: true, reason: r, by: b, until: 2026-12-31}\n"
    file = write(tmp_path, text_of(tests=tests) + "overrides:\n" + off)
    without = tmp_path / "b.yaml"
    without.write_text(text_of(tests=tests), encoding="utf-8")

    assert "1 rule and 1 override, no mistake" in hub_rules("check", file).output
    assert hub_rules("test", file).output.splitlines()[-1] == "1 passed, 0 failed"
    assert hub_rules("test", without).output.splitlines()[-1] == "0 passed, 1 failed"


def test_the_communitys_rules_are_copied_once_to_be_changed(tmp_path: Path) -> None:
    folder = tmp_path / "mine" / "rules"
    copied = CliRunner().invoke(rules, ["copy", str(folder)])
    again = CliRunner().invoke(rules, ["copy", str(folder)])

    assert copied.exit_code == 0, copied.output
    assert f"HUB_RULES_DIR={folder}" in copied.output
    names = {file.name for file in COMMUNITY.glob("*.yaml")}
    assert {file.name for file in folder.iterdir()} == names
    assert again.exit_code == 1
    assert "holds rules already" in again.output
