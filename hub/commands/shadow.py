"""`hub rules shadow` and `hub rules promote`: rules on trial, and how their trial ends."""

from collections.abc import Iterator
from pathlib import Path

import click

from hub.cli import Complaint
from hub.clock import SystemClock
from hub.commands.at_hand import settings_at_hand
from hub.commands.backtest import alert_list, load_lines, shown
from hub.commands.spans import read_span
from hub.database import UnusableDatabase, migrate, open_engine
from hub.journal import DAY_MS
from hub.promote import promote_rule
from hub.rule_start import rules_in_force
from hub.settings import Settings, WrongSetting
from hub.shadows import ShadowReport, report_shadow
from hub.site import Site, WrongSite, read_site
from rules.document import nearest
from rules.loader import RuleMistakes
from rules.promotion import NotPromoted
from rules.rule import Rule, RuleSet

LAST_DAYS = 7  # where no span is asked for


def report_lines(
    name: str | None, from_: str | None, to: str | None, last: str | None
) -> list[str]:
    """The report on one rule on trial, or on all of them. Raises `Complaint`."""
    try:
        settings = settings_at_hand()
        site, now_ms = read_site(settings.site_file), SystemClock().now_ms()
        rules = rules_in_force(settings, now_ms)
        span = read_span(from_, to, last, site.zone, now_ms)
        from_ms = span.to_ms - LAST_DAYS * DAY_MS if span.from_ms is None else span.from_ms
        reports = _reports(settings, site, rules, _wanted(rules, name), (from_ms, span.to_ms))
    except (WrongSetting, WrongSite, UnusableDatabase, RuleMistakes, OSError) as error:
        raise Complaint(str(error)) from error
    return [line for report in reports for line in _lines(report, site)]


def _wanted(rules: RuleSet, name: str | None) -> list[Rule]:
    trials = [rule for rule in rules.rules if rule.is_shadow]
    if name is None:
        if not trials:
            raise Complaint("no rule in force is on trial (`mode: shadow`)")
        return trials
    found = [rule for rule in trials if rule.name == name]
    if not found:
        near = nearest(name, [rule.name for rule in trials])
        live = ", it is live" if rules.named(name) is not None else ""
        hint = f"; did you mean {near}?" if near else ""
        raise Complaint(f"no rule on trial is called {name}{live}{hint}")
    return found


def _reports(
    settings: Settings, site: Site, rules: RuleSet, wanted: list[Rule], span: tuple[int, int]
) -> list[ShadowReport]:
    if not Path(settings.database.removeprefix("sqlite:///")).exists():
        raise Complaint("no hub has run here yet: there is nothing to report")
    engine = open_engine(settings.database)
    try:
        migrate(engine)
        with engine.connect() as connection:
            return [report_shadow(connection, rules, one, *span, site) for one in wanted]
    finally:
        engine.dispose()


def _lines(report: ShadowReport, site: Site) -> Iterator[str]:
    rule, instead, found = report.rule, report.instead, report.difference
    span = f"{shown(report.from_ms, site)} to {shown(report.to_ms, site)}"
    beside = f" beside {instead.name}" if instead is not None else ""
    yield f"{rule.name} (on trial){beside}, {span}"
    if rule.instead_of and instead is None:
        yield f"  it stands instead of {rule.instead_of}, which is not in force"
    if instead is not None:
        both, moved = found.same + len(found.moved), len(found.moved)
        yield f"  both: {both}, of these at other moments: {moved}"
        yield from alert_list("only the live one", found.only_there, site)
    yield from alert_list("only the one on trial", found.only_here, site)
    yield from load_lines(f"  {rule.name} would have been", report.load)
    yield f"    and {report.again} times again"
    if instead is not None:
        yield from load_lines(f"  {instead.name} was", report.load_live)
        yield f"    and {report.again_live} times again"
    yield ""


def promote_lines(name: str) -> list[str]:
    """Make it live; what was done, for a person. Raises `Complaint`."""
    try:
        settings = settings_at_hand()
        site = read_site(settings.site_file)
        done = promote_rule(settings, site, name, SystemClock().now_ms())
    except (WrongSetting, WrongSite, RuleMistakes, NotPromoted) as error:
        raise Complaint(f"{error}\nnothing was changed") from error
    except OSError as error:
        raise Complaint(str(error)) from error
    lines = [f"{file}: written" for file in done.files]
    gone = f"; {done.replaced} is gone, and its open alerts end" if done.replaced else ""
    return [
        *lines,
        f"{name} is live{gone}. A hub that runs takes it up by itself, within a few looks at the "
        "folder (HUB_RULES_LOOK_S); an alert of it that is open is told then, once.",
    ]


def echo(lines: list[str]) -> None:
    """To the terminal."""
    for line in lines:
        click.echo(line)
