"""`hub rules …`: rules by the people who write them."""

from pathlib import Path

import click

from hub.cli import Complaint
from hub.clock import SystemClock
from hub.rule_copy import NotCopied, copy_for_a_person
from hub.site import Site
from rules.document import nearest
from rules.loader import COMMUNITY, RuleMistakes, load
from rules.rule import RuleSet
from rules.story import Outcome, play

PATHS = click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]…")


@click.group()
def rules() -> None:
    """Check, test and try rules. PATH is a file or a folder; without one: the community's."""


@rules.command()
@PATHS
def check(paths: tuple[Path, ...]) -> None:
    """Show every mistake, with file and line; exit code 1 if there is one."""
    found = _load(paths)
    for line in (*_untested(found), *_unknown_twins(found)):
        click.echo(f"{line} (a warning)")
    counted = [_counted(len(found.rules), "rule")]
    if found.overrides:
        counted.append(_counted(len(found.overrides), "override"))
    click.echo(f"{' and '.join(counted)}, no mistake")


@rules.command()
@PATHS
@click.option("--strict", is_flag=True, help="A rule without a test fails.")
def test(paths: tuple[Path, ...], *, strict: bool) -> None:
    """Run the rules' own stories; exit code 1 if one failed."""
    found = _load(paths)
    site = Site()
    calendar = site.calendar(SystemClock().now_ms())
    outcomes = [
        play(
            rule,
            story,
            zone=site.zone,
            calendar=calendar,
            site=site.id,
            overrides=found.overrides,
        )
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


@rules.command()
@PATHS
@click.option("--from", "from_", help="Beginning: a day or a moment; left out: all there is.")
@click.option("--to", help="End; left out: now.")
@click.option("--last", help="Only so long before the end, such as 7d.")
@click.option("--rule", "names", multiple=True, help="Only this rule of the files; repeatable.")
@click.option(
    "--instead", is_flag=True, help="The files replace all rules in force, not those they name."
)
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A recorded file (`hub export readings`) in place of the hub's own history.",
)
@click.option(
    "--source",
    type=click.Choice(["auto", "journal", "series"]),
    default="auto",
    help="Where the history is taken from; auto: the journal as far back as it goes.",
)
@click.option(
    "--processes",
    type=click.IntRange(1),
    help="Judge by so many processes; left out: HUB_BACKTEST_PROCESSES.",
)
@click.option("--json", "as_json", is_flag=True, help="All of it for programs.")
def backtest(  # noqa: PLR0913 - an option each
    paths: tuple[Path, ...],
    *,
    from_: str | None,
    to: str | None,
    last: str | None,
    names: tuple[str, ...],
    instead: bool,
    file: Path | None,
    source: str,
    processes: int | None,
    as_json: bool,
) -> None:
    """What these rules would have opened over the stored history; changes nothing.

    Compared with the rules in force, and with the calls per role and hour, at night, at the worst.
    Without PATH: the rules in force themselves.
    """
    from hub.commands import backtest as command  # noqa: PLC0415 - loads the hub

    report = command.run_backtest(
        _load(paths) if paths else command.in_force(),
        file=file,
        span_words=(from_, to, last),
        names=names,
        instead=instead,
        source=source,
        processes=processes,
    )
    if as_json:
        click.echo(command.json_of(report))
    else:
        for line in command.lines_of(report):
            click.echo(line)


@rules.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def copy(folder: Path) -> None:
    """Copy the community's rules into FOLDER, to be changed there (HUB_RULES_DIR names it)."""
    try:
        copied = copy_for_a_person(folder)
    except NotCopied as no:
        raise Complaint(str(no)) from no
    for file in copied:
        click.echo(str(file))
    click.echo(f"Set HUB_RULES_DIR={folder.resolve()}: these are read instead of the community's.")


@rules.command()
@click.argument("name", required=False)
@click.option("--from", "from_", help="Beginning: a day or a moment; left out: seven days ago.")
@click.option("--to", help="End; left out: now.")
@click.option("--last", help="Only so long before the end, such as 30d.")
def shadow(name: str | None, *, from_: str | None, to: str | None, last: str | None) -> None:
    """Rules on trial (`mode: shadow`) beside the live ones: both, only one, the load of each."""
    from hub.commands import shadow as command  # noqa: PLC0415 - loads the hub

    command.echo(command.report_lines(name, from_, to, last))


@rules.command()
@click.argument("name")
def promote(name: str) -> None:
    """Make a rule on trial live, in its file; the rule that it stands instead of goes.

    All or nothing: its own stories and all files must be right. Comments stay.
    """
    from hub.commands import shadow as command  # noqa: PLC0415 - loads the hub

    command.echo(command.promote_lines(name))


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


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


def _unknown_twins(found: RuleSet) -> list[str]:
    """Rules on trial instead of one that is not in these files: it may stand in others."""
    names = [rule.name for rule in found.rules]
    return [
        f"{rule.file}:{rule.line}:1: rule {rule.name} stands instead of {rule.instead_of}, which "
        f"is not in these files{_near(rule.instead_of, names)}"
        for rule in found.rules
        if rule.instead_of and rule.instead_of not in names
    ]


def _near(name: str, names: list[str]) -> str:
    near = nearest(name, names)
    return f"; did you mean {near}?" if near else ""


def _show(outcome: Outcome) -> None:
    story = outcome.story
    if outcome.passed:
        return
    click.echo(f"FAILED {story.file}:{story.line}: {outcome.rule.name}: {story.story}")
    for line in outcome.differences:
        click.echo(f"    {line}")
