"""`hub rules backtest`: what rules would have opened in the past, and how often people are called.

The report is made here; the judging is in `hub/backtest.py`.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from hub.backtest import Outcome, Result, Trial
from hub.cli import Complaint
from hub.clock import SystemClock
from hub.commands.at_hand import settings_at_hand
from hub.commands.spans import read_span
from hub.database import UnusableDatabase, migrate, open_engine
from hub.journal import DAY_MS
from hub.memory import settle_memory
from hub.past import NoPast, Past, read_world
from hub.recorded import WrongFile
from hub.replay import Progress, TooMany
from hub.rule_start import rules_in_force
from hub.series import Unavailable
from hub.settings import Settings, WrongSetting
from hub.side_by_side import Fallen
from hub.site import Site, WrongSite, read_site
from hub.trying import Span, open_file, open_past, try_rules
from hub.world import World
from rules.document import nearest
from rules.duration import format_duration, say_duration
from rules.load import CROWD_MS, Load
from rules.loader import RuleMistakes
from rules.past import Learned, PastAlert
from rules.rule import RuleSet

_FOR_PEOPLE = (
    WrongSetting, WrongSite, UnusableDatabase, RuleMistakes, NoPast, WrongFile, TooMany,
)  # fmt: skip
LINES_MAX = 12  # of each list of differences; `--json` has all


@dataclass(frozen=True, slots=True)
class Report:
    """A result with what is needed to read it."""

    past: Past
    asked: Span
    result: Result
    site: Site
    left_out: tuple[str, ...]  # rules in force that are no part of the comparison


def in_force() -> RuleSet:
    """The rules of the hub at hand. Raises `Complaint`."""
    try:
        return rules_in_force(settings_at_hand(), SystemClock().now_ms())
    except (WrongSetting, RuleMistakes) as error:
        raise Complaint(str(error)) from error


def run_backtest(
    rules: RuleSet,
    *,
    file: Path | None,
    span_words: tuple[str | None, str | None, str | None],
    names: Sequence[str],
    instead: bool,
    source: str,
    processes: int | None = None,
) -> Report:
    """From options to a report. Raises `Complaint`."""
    try:
        settings = settings_at_hand()
        if processes is not None:
            settings = replace(settings, backtest_processes=processes)
        now_ms = SystemClock().now_ms()
        site, in_force = read_site(settings.site_file), rules_in_force(settings, now_ms)
        span = read_span(*span_words, site.zone, now_ms)
        _check_length(span, settings)
        trial, left_out = choose(rules, in_force, names, instead=instead)
        past = _open(settings, site, trial.both, span, file, source)
        settle_memory()
        with _bar(past) as progress:
            result = try_rules(past, trial, span, settings, site, progress)
    except _FOR_PEOPLE as error:
        raise Complaint(str(error)) from error
    except Fallen as error:
        raise Complaint(f"{error}; what it wrote stands above") from error
    except Unavailable as error:
        raise Complaint(f"the time series cannot be asked now: {error}") from error
    return Report(past, span, result, site, left_out)


def _check_length(span: Span, settings: Settings) -> None:
    days_max = settings.backtest_days_max
    if span.from_ms is not None and span.to_ms - span.from_ms > days_max * DAY_MS:
        raise Complaint(f"at most {days_max} days at once (HUB_BACKTEST_DAYS_MAX)")


def choose(
    rules: RuleSet, in_force: RuleSet, names: Sequence[str], *, instead: bool
) -> tuple[Trial, tuple[str, ...]]:
    """The rules to try against those in force of the same names, or against all of them."""
    known = [rule.name for rule in rules.rules]
    for name in names:
        if name not in known:
            near = nearest(name, known)
            hint = f"; did you mean {near}?" if near else ""
            raise Complaint(f"--rule: there is no rule {name!r} in these files{hint}")
    here = _only(rules, set(names) or set(known))
    compared = {rule.name for rule in here.rules}
    compared |= {rule.instead_of for rule in here.rules if rule.instead_of}
    there = in_force if instead and not names else _only(in_force, compared)
    kept = {rule.name for rule in there.rules}
    left_out = tuple(rule.name for rule in in_force.rules if rule.name not in kept)
    return Trial.of(here, there), left_out


def _only(rules: RuleSet, names: set[str]) -> RuleSet:
    return RuleSet(
        tuple(rule for rule in rules.rules if rule.name in names),
        tuple(override for override in rules.overrides if override.rule in names),
    )


def _open(
    settings: Settings, site: Site, rules: RuleSet, span: Span, file: Path | None, source: str
) -> Past:
    database = settings.database.removeprefix("sqlite:///")
    if not Path(database).exists():
        if file is not None:
            return open_file(file, settings, span, None)
        raise Complaint(
            f"there is no history: no database {database}; run the hub first, or give a recorded "
            "file with --file"
        )
    engine = open_engine(settings.database)
    try:
        migrate(engine)
        if file is None:
            return open_past(engine, settings, site, rules, span, source)
        with engine.connect() as connection:
            at_hand: World = read_world(connection)
        return open_file(file, settings, span, at_hand)
    finally:
        engine.dispose()  # it opens anew for whoever reads on


@contextmanager
def _bar(past: Past) -> Iterator[Progress]:
    """How far the judge has come, where somebody looks at a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Bar(
        *columns,
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task("Judging", total=past.about or None)
        yield lambda done, _at_ms: bar.update(task, completed=done)


# ---------------------------------------------------------------------- as text


def lines_of(report: Report) -> Iterator[str]:
    """The report for people, line by line."""
    result = report.result
    yield from _span_lines(report)
    yield ""
    yield from _rule_lines(result)
    yield from learning_lines(result.here.learned)
    yield ""
    yield from _difference_lines(report)
    yield ""
    yield from load_lines("The load of these rules", result.here.load)
    if result.there.load != result.here.load:
        yield ""
        yield from load_lines("The load of the rules in force", result.there.load)
    yield ""
    yield (
        "A call is an opening or an `again`; a role is the rule's response plan, its people those "
        "of the device's grid. Woken: calls at night of severity emergency or urgent."
    )


def _span_lines(report: Report) -> Iterator[str]:
    result, past = report.result, report.past
    length = say_duration(max(0, result.to_ms - result.from_ms))[1]
    begin, end = (shown(at_ms, report.site) for at_ms in (result.from_ms, result.to_ms))
    yield f"History: {length}, {begin} to {end}, from the {past.source}"
    asked = report.asked
    if asked.from_ms is not None and asked.from_ms < result.from_ms:
        wished = say_duration(asked.to_ms - asked.from_ms)[1]
        yield f"  shorter than asked: {wished} were, but the history begins at {begin}"
    yield from (f"  not known: {unknown}" for unknown in past.unknown)
    if result.assumed:
        yield (
            f"  nobody could close cases of {', '.join(result.assumed)}: they are thought to be "
            "closed after a while (HUB_BACKTEST_CASE_CLOSED_S), so that a later event opens anew"
        )


def _rule_lines(result: Result) -> Iterator[str]:
    names = dict.fromkeys(
        rule.name for side in (result.here, result.there) for rule in side.rules.rules
    )
    here, there = (_counts(side, result) for side in (result.here, result.there))
    width = max([len(name) for name in names] + [4])
    yield f"{'rule':{width}}  opened  again  open  taken back  in force: opened  again"
    for name in names:
        ours, theirs = here.get(name), there.get(name)
        mine = (
            "       –      –     –           –"
            if ours is None
            else f"  {ours[0]:6}  {ours[1]:5}  {ours[2]:4}  {ours[3]:10}"
        )
        other = (
            "                 –      –" if theirs is None else f"  {theirs[0]:16}  {theirs[1]:5}"
        )
        yield f"{name:{width}}{mine}{other}".rstrip()


def learning_lines(learned: Sequence[Learned]) -> Iterator[str]:
    """Of whom rules that learn know too little to say anything: who knows least comes first."""
    for rule in dict.fromkeys(one.rule for one in learned):
        whole = [one for one in learned if one.rule == rule]
        still = sorted(
            (one for one in whole if one.knowledge.learning),
            key=lambda one: (one.knowledge.days, one.key),
        )
        if not still:
            continue
        yield f"{rule}: still learning of {len(still)} of {len(whole)} devices at the end"
        for one in still[:LINES_MAX]:
            yield f"    {one.key}: {one.knowledge.days} of {one.knowledge.needed} days"
        if len(still) > LINES_MAX:
            yield f"    … and {len(still) - LINES_MAX} more (--json has all)"


def _counts(side: Outcome, result: Result) -> dict[str, tuple[int, int, int, int]]:
    """By rule: opened in the span, happened again in it, open at its end, taken back."""
    opened, again, still = Counter[str](), Counter[str](), Counter[str]()
    for alert in side.alerts:
        opened[alert.rule] += result.from_ms <= alert.opened_ms
        again[alert.rule] += sum(result.from_ms <= at <= result.to_ms for at in alert.again_ms)
        still[alert.rule] += alert.closed_ms is None
    back = Counter(alert.rule for alert in side.taken_back)
    names = (rule.name for rule in side.rules.rules)
    return {name: (opened[name], again[name], still[name], back[name]) for name in names}


def _difference_lines(report: Report) -> Iterator[str]:
    found, site = report.result.difference, report.site
    if not (found.only_here or found.only_there or found.moved):
        yield f"No difference to the rules in force: {found.same} alerts are the same"
    else:
        yield f"Difference to the rules in force ({found.same} alerts are the same)"
        yield from alert_list("only here", found.only_here, site)
        yield from alert_list("only in force", found.only_there, site)
        yield from _list(
            "at other moments",
            [f"{_alert(one.here, site)}; in force {_when(one.there, site)}" for one in found.moved],
        )
    if report.left_out:
        count = len(report.left_out)
        yield (
            f"  {count} rule{'' if count == 1 else 's'} in force that these files do not name "
            "are left out (--instead takes these files instead of all)"
        )


def alert_list(title: str, alerts: Sequence[PastAlert], site: Site) -> Iterator[str]:
    """How many they are, and the first of them."""
    yield from _list(title, [_alert(one, site) for one in alerts])


def _list(title: str, lines: list[str]) -> Iterator[str]:
    if lines:
        yield f"  {title}: {len(lines)}"
        yield from (f"    {line}" for line in lines[:LINES_MAX])
        if len(lines) > LINES_MAX:
            yield f"    … and {len(lines) - LINES_MAX} more (--json has all)"


def load_lines(title: str, load: Load) -> Iterator[str]:
    """Calls per role and hour, at night, at the worst, and who is woken."""
    per_day = load.calls / load.days if load.days else 0.0
    yield f"{title}: {_calls(load.calls)}, {per_day:.1f} a day, {load.at_night} at night"
    for role in load.roles:
        yield f"  {role.role}: {_calls(role.calls)}, {role.at_night} at night; by hour 0 … 23:"
        yield f"    {' '.join(str(count) for count in role.by_hour)}"
    if load.worst is not None:
        yield f"  the worst {format_duration(CROWD_MS)}: {_calls(load.worst.calls)}"
    for one in load.woken:
        where = f"grid {one.grid}" if one.grid else "no grid"
        nights = "1 night" if one.nights == 1 else f"{one.nights} nights"
        yield f"  woken: {one.role}, {where}: {_calls(one.calls)} in {nights}"


def _calls(count: int) -> str:
    return "1 call" if count == 1 else f"{count} calls"


def _alert(alert: PastAlert, site: Site) -> str:
    return f"{alert.rule} {alert.key} {_when(alert, site)}"


def _when(alert: PastAlert, site: Site) -> str:
    end = "still open" if alert.closed_ms is None else shown(alert.closed_ms, site)
    return f"{shown(alert.opened_ms, site)} to {end}"


def shown(at_ms: int, site: Site) -> str:
    """A moment in the site's zone."""
    moment = datetime.fromtimestamp(at_ms / 1_000, site.zone)
    return moment.strftime("%Y-%m-%d %H:%M:%S")


# ---------------------------------------------------------------------- as JSON


def json_of(report: Report) -> str:
    """All of it for programs; moments in ms since 1970."""
    result = report.result
    body: dict[str, Any] = {
        "source": report.past.source,
        "unknown": report.past.unknown,
        "asked_from_ms": report.asked.from_ms,
        "from_ms": result.from_ms,
        "to_ms": result.to_ms,
        "assumed_closed": result.assumed,
        "left_out": report.left_out,
        "here": _outcome(result.here),
        "in_force": _outcome(result.there),
        "difference": {
            "same": result.difference.same,
            "only_here": result.difference.only_here,
            "only_in_force": result.difference.only_there,
            "moved": [{"here": o.here, "in_force": o.there} for o in result.difference.moved],
        },
    }
    return msgspec.json.format(msgspec.json.encode(body)).decode()


def _outcome(side: Outcome) -> dict[str, Any]:
    return {
        "rules": {rule.name: rule.version for rule in side.rules.rules},
        "alerts": side.alerts,
        "taken_back": side.taken_back,
        "load": side.load,
        "learned": [
            {"rule": one.rule, "key": one.key, **one.knowledge._asdict()} for one in side.learned
        ],
    }
