"""`hub plans check`, `test` and `who`: response plans by the people who write them."""

from pathlib import Path

import click

from hub.cli import Complaint
from hub.clock import SystemClock
from hub.escalations import default_ways
from hub.notifiers import names_of
from hub.notifiers.channels_file import WrongChannels
from hub.people import roster_of_site
from hub.site import WrongSite, read_site
from rules.duration import format_duration
from rules.plan_reader import COMMUNITY_PLANS, load_plans
from rules.reachable import gaps
from rules.reading import RuleMistakes
from rules.rehearsal import rehearse
from rules.response import CLOCKS, Plan

PATHS = click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]…")


@click.group()
def plans() -> None:
    """Check and test response plans. PATH is a file or a folder; without one: the community's."""


@plans.command()
@PATHS
def check(paths: tuple[Path, ...]) -> None:
    """Show every mistake, with file and line; exit code 1 if there is one."""
    found = _load(paths)
    for plan in found.values():
        if not plan.tests:
            click.echo(f"{plan.file}:{plan.line}:1: plan {plan.name} has no test (a warning)")
    click.echo(f"{len(found)} plan{'' if len(found) == 1 else 's'}, no mistake")


@plans.command()
@PATHS
@click.option("--strict", is_flag=True, help="A plan without a test fails.")
def test(paths: tuple[Path, ...], *, strict: bool) -> None:
    """Run the plans' own tests; exit code 1 if one failed."""
    passed = failed = 0
    for plan in _load(paths).values():
        for one in plan.tests:
            differences = rehearse(plan, one)
            passed, failed = passed + (not differences), failed + bool(differences)
            if differences:
                click.echo(f"FAILED {one.file}:{one.line}: {plan.name}: {one.story}")
                click.echo("\n".join(f"    {line}" for line in differences))
        if strict and not plan.tests:
            failed += 1
            click.echo(f"{plan.file}:{plan.line}:1: plan {plan.name} has no test")
    click.echo(f"{passed} passed, {failed} failed")
    if failed:
        raise SystemExit(1)


@plans.command()
@PATHS
def who(paths: tuple[Path, ...]) -> None:
    """Show each plan step by step, and where it would reach nobody at this site."""
    from hub.commands.care import present_settings  # noqa: PLC0415 - `check` needs no settings

    settings = present_settings()
    try:
        roster = roster_of_site(read_site(settings.site_file))
        channels = names_of(settings)
    except (WrongSite, WrongChannels) as error:
        raise Complaint(str(error)) from error
    found = _load(paths)
    for plan in found.values():
        _show(plan)
    now_ms = SystemClock().now_ms()
    for gap in gaps(found, roster, channels, default_ways(channels), now_ms):
        steps = ", ".join(str(number + 1) for number in gap.steps)
        where = gap.grid or "the site"
        click.echo(f"{gap.plan} in {where}: nobody is reached by step {steps}")


def _show(plan: Plan) -> None:
    click.echo(f"{plan.name}: {plan.title_zh} / {plan.title_en}")
    for clock in CLOCKS:
        for step in plan.steps(clock):
            times = f", {step.times} times, every {format_duration(step.repeat_ms)}"
            told = ", ".join(step.tell)
            after = format_duration(step.after_ms)
            words = clock.replace("_", " ")
            click.echo(f"  {words} for {after}: {told}{times if step.times > 1 else ''}")
    if plan.nobody_after_ms is not None:
        click.echo(
            f"  the button shows that nobody took it: {format_duration(plan.nobody_after_ms)}"
        )


def _load(paths: tuple[Path, ...]) -> dict[str, Plan]:
    try:
        return load_plans(paths or (COMMUNITY_PLANS,))
    except RuleMistakes as error:
        for mistake in error.mistakes:
            click.echo(str(mistake), err=True)
        count = len(error.mistakes)
        click.echo(f"{count} mistake{'' if count == 1 else 's'}, nothing loaded", err=True)
        raise SystemExit(1) from error
