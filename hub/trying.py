"""Trying rules on the past, from settings to result: for the command and for the page.

Chooses where the history comes from: a recorded file, the journal, or for time that the journal no
longer holds the time series and then the journal.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from heapq import merge
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy.engine import Engine

from hub.backtest import Result, Trial, assumed_of, result_of
from hub.journal import DAY_MS, Entry
from hub.past import (
    FILE,
    JOURNAL,
    REGISTER_AS_TODAY,
    SERIES,
    Asked,
    NoPast,
    Past,
    look_back_ms,
    open_journal,
    read_commands,
    read_world,
    stretch_of,
)
from hub.past_series import ARRIVALS_UNKNOWN, STRANGERS_UNKNOWN, Stretches
from hub.recorded import read_known, read_messages
from hub.replay import Progress, Terms, Timing, replay
from hub.series import open_series
from hub.settings import Settings
from hub.side_by_side import processes_for, replay_side_by_side
from hub.site import Site
from hub.world import AFTER_ALL, PastCase, World
from rules.rule import RuleSet

SOURCES = ("auto", JOURNAL, SERIES)
# Numbers of the journal come after those of what the time series gave.
AFTER_SERIES = 2**53


class Span(NamedTuple):
    """What was asked for; `from_ms` None: as far back as the history goes."""

    from_ms: int | None
    to_ms: int


def try_rules(
    past: Past,
    trial: Trial,
    span: Span,
    settings: Settings,
    site: Site,
    progress: Progress = lambda _done, _at_ms: None,
) -> Result:
    """Judge the past by both sets of rules.

    Raises `TooMany`, `WrongFile`, `Unavailable`, `Fallen`.
    """
    from_ms = past.begins_ms if span.from_ms is None else max(span.from_ms, past.begins_ms)
    terms = terms_of(settings, site, past.ends_ms)
    timing = Timing(past.hub_since_ms, from_ms, max(past.ends_ms, from_ms))
    how: Any = {"assumed": assumed_of(trial), "alias": trial.alias, "progress": progress}
    about = trial.both, past.world, terms, timing
    processes = processes_for(past.about, settings)
    if past.bites is None or processes == 1:
        history = replay(past.entries(), *about, **how)
    else:
        history = replay_side_by_side(past.bites, *about, processes=processes, **how)
    return result_of(history, trial, past.world, terms, timing, night=site.night)


def terms_of(settings: Settings, site: Site, now_ms: int) -> Terms:
    """As the hub judges."""
    return Terms(
        zone=site.zone,
        calendar=site.calendar(now_ms),
        site=site.id,
        rewind_inputs_max=settings.rewind_inputs_max,
        settle_ms=settings.settle_ms,
        case_closed_after_ms=settings.backtest_case_closed_s * 1_000,
        alerts_max=settings.backtest_alerts_max,
        row_entries_max=settings.backtest_row_entries_max,
    )


# ---------------------------------------------------------------------- where the history is


def open_past(
    engine: Engine,
    settings: Settings,
    site: Site,
    rules: RuleSet,
    span: Span,
    source: str = "auto",
) -> Past:
    """The hub's own history for rules, from a little before the span on. Raises `NoPast`."""
    asked, back_ms = Asked(rules), look_back_ms(rules, settings)
    if source == SERIES:
        return _open_series(engine, settings, site, asked, span, back_ms)
    with engine.connect() as connection:
        held = stretch_of(connection)
    lacks = held is None or (
        span.from_ms is not None
        and span.from_ms - back_ms < held.oldest_ms
        and held.oldest_ms <= span.to_ms - (settings.readings_keep_days - 1) * DAY_MS
    )
    if source == JOURNAL or not lacks:
        return open_journal(engine, settings, asked, span.from_ms, span.to_ms, back_ms)
    return _open_series(engine, settings, site, asked, span, back_ms)


def _open_series(
    engine: Engine, settings: Settings, site: Site, asked: Asked, span: Span, back_ms: int
) -> Past:
    """The time series until the journal's oldest reading, then the journal."""
    if span.from_ms is None:
        raise NoPast("the time series need a beginning: --from or --last")
    starts_ms = span.from_ms - back_ms
    with engine.connect() as connection:
        held, world = stretch_of(connection), read_world(connection)
        turn_ms = span.to_ms + 1 if held is None else min(held.oldest_ms, span.to_ms + 1)
        commands = read_commands(connection, starts_ms, turn_ms - 1)
    world = replace(world, cases=[_renumbered(case, turn_ms) for case in world.cases])
    if not world.devices:
        raise NoPast("nobody is in the register, so there are no time series to ask for")
    series = Stretches(lambda: open_series(settings, site), settings, world.devices, asked)
    journal = None
    if held is not None and turn_ms <= span.to_ms:
        journal = open_journal(engine, settings, asked, turn_ms, span.to_ms, 0)

    def entries() -> Iterator[Entry]:
        old = merge(series.entries(starts_ms, turn_ms), commands, key=lambda one: one.arrived_ms)
        new = () if journal is None else journal.entries()
        return chain(old, (one._replace(seq=_later(one.seq)) for one in new))

    unknown = (REGISTER_AS_TODAY, ARRIVALS_UNKNOWN, STRANGERS_UNKNOWN)
    about = 0 if journal is None else journal.about
    name = SERIES if journal is None else f"{SERIES}, then {JOURNAL}"
    return Past(name, starts_ms, starts_ms, span.to_ms, starts_ms, about, entries, world, unknown)


def _renumbered(case: PastCase, turn_ms: int) -> PastCase:
    """A case that was closed before the journal's turn is closed at its moment, by no command."""
    old = case.closed_ms is not None and case.closed_ms < turn_ms
    return case._replace(seq=AFTER_ALL if old else _later(case.seq))


def _later(seq: int) -> int:
    return seq if seq > AFTER_SERIES else seq + AFTER_SERIES


def open_file(file: Path, settings: Settings, span: Span, at_hand: World | None) -> Past:
    """A recorded file; `at_hand` is the register for one that names no devices.

    Raises `WrongFile`, `NoPast`.
    """
    bytes_max = settings.recorded_line_bytes_max
    world, commands, has_devices = read_known(file, bytes_max)
    ends = _ends_of(read_messages(file, bytes_max))
    if ends is None:
        raise NoPast(f"{file}: holds no messages")
    if not has_devices:
        if at_hand is None or not at_hand.devices:
            raise NoPast(
                f"{file}: names no devices (lines of kind device), and there is no register here"
            )
        world = replace(at_hand, cases=world.cases)
    begins_ms, newest_ms, about = ends
    ends_ms = min(span.to_ms, newest_ms)

    def entries() -> Iterator[Entry]:
        messages = (one for one in read_messages(file, bytes_max) if one.arrived_ms <= ends_ms)
        return merge(commands, messages, key=lambda one: one.arrived_ms)

    return Past(FILE, begins_ms, begins_ms, ends_ms, None, about, entries, world)


def _ends_of(messages: Iterable[Entry]) -> tuple[int, int, int] | None:
    first_ms = last_ms = count = 0
    for count, entry in enumerate(messages, start=1):
        first_ms, last_ms = (first_ms if count > 1 else entry.arrived_ms), entry.arrived_ms
    return None if count == 0 else (first_ms, last_ms, count)
