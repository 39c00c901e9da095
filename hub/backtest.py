"""Backtest: what rules would have found over the stored history, and what that is for people.

Late news, gateways, services, swaps and closed cases included (`hub/replay.py`). Nothing here does
I/O or asks a clock; entries come from `hub/past.py`.

Rules to try and rules in force are judged in one pass: a rule that is the same in both is judged
once, another one twice, the one in force under a name of its own.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from hub.journal import Entry
from hub.replay import Progress, Terms, Timing, replay
from hub.world import World
from rules.calendar import PLAIN
from rules.condition import fires
from rules.during import During, Hours
from rules.load import Load, load_of
from rules.override import Override
from rules.past import Call, Difference, History, Learned, PastAlert, compare
from rules.rule import RuleSet

IN_FORCE = "in force: "  # before the name of the rule that another one of that name may replace


@dataclass(frozen=True, slots=True)
class Trial:
    """Rules to try beside those in force, as one set for one judge."""

    here: RuleSet
    there: RuleSet
    both: RuleSet
    alias: Mapping[str, str] = field(default_factory=dict)  # from there's names to both's

    @classmethod
    def of(cls, here: RuleSet, there: RuleSet) -> "Trial":
        """Names of rules that differ are told apart."""
        same = {rule.name for rule in there.rules if is_same(rule.name, here, there)}
        alias = {
            rule.name: f"{IN_FORCE}{rule.name}" for rule in there.rules if rule.name not in same
        }
        renamed = (
            replace(rule, name=alias[rule.name]) for rule in there.rules if rule.name in alias
        )
        overrides = (
            replace(one, rule=alias[one.rule], id=f"{IN_FORCE}{one.id}")
            for one in there.overrides
            if one.rule in alias
        )
        both = RuleSet((*here.rules, *renamed), (*here.overrides, *overrides))
        return cls(here, there, both, alias)


def is_same(name: str, here: RuleSet, there: RuleSet) -> bool:
    """Does the rule of that name mean the same in both sets, overrides included?"""
    ours, theirs = here.named(name), there.named(name)
    if ours is None or theirs is None or ours.version != theirs.version:
        return False
    return _overrides_of(name, here) == _overrides_of(name, there)


def _overrides_of(name: str, rules: RuleSet) -> list[Override]:
    """Wherever they stand."""
    return [
        replace(one, source="", file="", line=0, id="")
        for one in rules.overrides
        if one.rule == name
    ]


# ---------------------------------------------------------------------- what came of it


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one set of rules found in the span that was asked for."""

    rules: RuleSet
    alerts: tuple[PastAlert, ...]  # that were so at any moment of the span
    taken_back: tuple[PastAlert, ...]  # told, and never so
    load: Load
    learned: tuple[Learned, ...] = ()  # what rules that learn know at the end of the span


@dataclass(frozen=True, slots=True)
class Result:
    """A backtest: the rules to try, those in force, and what differs."""

    from_ms: int
    to_ms: int
    here: Outcome
    there: Outcome
    difference: Difference
    assumed: tuple[str, ...]  # rules whose cases are thought to be closed after a while


def backtest(
    entries: Iterable[Entry],
    trial: Trial,
    world: World,
    terms: Terms,
    timing: Timing,
    *,
    night: During,
    progress: Progress = lambda _done, _at_ms: None,
) -> Result:
    """Try rules on the past. Raises `TooMany`, and whatever `progress` raises to make an end."""
    assumed = assumed_of(trial)
    history = replay(
        entries,
        trial.both,
        world,
        terms,
        timing,
        assumed=assumed,
        alias=trial.alias,
        progress=progress,
    )
    return result_of(history, trial, world, terms, timing, night=night)


def assumed_of(trial: Trial) -> tuple[str, ...]:
    """Rules to try of whose cases the log knows nothing, so that nobody closed them."""
    return tuple(
        rule.name
        for rule in trial.here.rules
        if fires(rule.when) and not is_same(rule.name, trial.here, trial.there)
    )


def result_of(
    history: History,
    trial: Trial,
    world: World,
    terms: Terms,
    timing: Timing,
    *,
    night: During,
) -> Result:
    """What the history is for the span that was asked for, by each set of rules."""
    _, from_ms, to_ms = timing
    grids = {device.id: device.grid for device in world.devices}
    hours = Hours(night, terms.zone, PLAIN)

    def outcome(rules: RuleSet, names: Mapping[str, str]) -> Outcome:
        alerts = list(_named(history.alerts, names))
        calls = [
            call._replace(rule=replace(call.rule, name=names[call.rule.name]))
            for call in history.calls
            if call.rule.name in names and from_ms <= call.at_ms <= to_ms
        ]
        load = load_of(
            calls,
            span_ms=to_ms - from_ms,
            zone=terms.zone,
            night=hours,
            grid_of=lambda call: _grid_of(call, grids),
        )
        return Outcome(
            rules,
            tuple(alert for alert in alerts if alert.was_so(from_ms, to_ms)),
            tuple(a for a in alerts if a.taken_back and from_ms <= a.opened_ms <= to_ms),
            load,
            tuple(
                one._replace(rule=names[one.rule]) for one in history.learned if one.rule in names
            ),
        )

    here = outcome(trial.here, {rule.name: rule.name for rule in trial.here.rules})
    there = outcome(
        trial.there,
        {trial.alias.get(rule.name, rule.name): rule.name for rule in trial.there.rules},
    )
    twins = {rule.instead_of: rule.name for rule in trial.here.rules if rule.instead_of}
    own = {rule.name for rule in trial.here.rules}
    twins = {rule.name: twins.get(rule.name, rule.name) for rule in trial.there.rules}
    twins |= {name: name for name in own & twins.keys()}
    there_as_here = _named(there.alerts, twins)
    difference = compare(here.alerts, there_as_here)
    return Result(from_ms, to_ms, here, there, difference, assumed_of(trial))


def _grid_of(call: Call, grids: Mapping[str, str | None]) -> str | None:
    if call.device is not None and call.device in grids:
        return grids[call.device]
    return call.key if getattr(call.rule.when, "same", None) == "grid" else None


def _named(alerts: Iterable[PastAlert], names: Mapping[str, str]) -> Iterator[PastAlert]:
    for alert in alerts:
        if alert.rule in names:
            yield replace(alert, rule=names[alert.rule])
