"""`hub rules check` and `hub rules test`: rules by the people who write them."""

from pathlib import Path

import click

from hub.site import Site
from rules.calendar import CHINA, read_calendar
from rules.loader import COMMUNITY, RuleMistakes, load
from rules.rule import RuleSet
from rules.story import Outcome, play

PATHS = click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]…")


@click.group()
def rules() -> None:
    """Check and test rules. PATH is a file or a folder; without one: the community's rules."""


@rules.command()
@PATHS
def check(paths: tuple[Path, ...]) -> None:
    """Show every mistake, with file and line; exit code 1 if there is one."""
    found = _load(paths)
    for line in _untested(found):
        click.echo(f"{line} (a warning)")
    count = len(found.rules)
    click.echo(f"{count} rule{'' if count == 1 else 's'}, no mistake")


@rules.command()
@PATHS
@click.option("--strict", is_flag=True, help="A rule without a test fails.")
def test(paths: tuple[Path, ...], *, strict: bool) -> None:
    """Run the rules' own stories; exit code 1 if one failed."""
    found = _load(paths)
    site = Site()
    calendar = read_calendar(CHINA)
    outcomes = [
        play(rule, story, zone=site.zone, calendar=calendar, site=site.id)
        for rule in found.rules
        for story in rule.tests
    ]
    for outcome in outcomes:
        _show(outcome)
    untested = _untested(found)
    for line in untested:
        click.echo(f"{line}{'' if strict else ' (a warning)'}")
    failed = sum(1 for outcome in outcomes if not outcome.passed) + len(untested) * strict
    click.echo(f"{sum(1 for outcome in outcomes if outcome.passed)} passed, {failed} failed")
    if failed:
        raise SystemExit(1)


def _load(paths: tuple[Path, ...]) -> RuleSet:
    try:
        return load(paths or (COMMUNITY,))
    except RuleMistakes as error:
        for mistake in error.mistakes:
            click.echo(str(mistake), err=True)
        count = len(error.mistakes)
        click.echo(f"{count} mistake{'' if count == 1 else 's'}, nothing loaded", err=True)
        raise SystemExit(1) from error


def _untested(found: RuleSet) -> list[str]:
    return [
        f"{rule.file}:{rule.line}:1: rule {rule.name} has no test"
        for rule in found.rules
        if not rule.tests
    ]


def _show(outcome: Outcome) -> None:
    story = outcome.story
    if outcome.passed:
        return
    click.echo(f"FAILED {story.file}:{story.line}: {outcome.rule.name}: {story.story}")
    for line in outcome.differences:
        click.echo(f"    {line}")
