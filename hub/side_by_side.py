"""A long past, judged by several processes side by side, each its parts of the whole.

Each reads the journal itself and takes what concerns its parts (`hub/apart.py`); the histories are
joined by names and moments, so that it does not matter who was ready first. A process that is alone
because its parent was killed ends when it next says how far it is.
Bounds: `backtest_processes` processes (`backtest_processes_max` if it is 0).
"""

import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from hub.apart import Part, is_heard, parts_of
from hub.database import open_engine
from hub.memory import settle_memory
from hub.past import Asked, Bites, Reader
from hub.replay import Progress, Terms, Timing, TooMany, replay_parts
from hub.settings import Settings
from hub.world import World
from rules.past import History
from rules.rule import RuleSet


class Fallen(Exception):
    """A process ended without a word; what it wrote to its standard error says why."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one process is to do."""

    bites: Bites
    rules: RuleSet
    world: World
    parts: Sequence[Part]
    terms: Terms
    timing: Timing
    assumed: tuple[str, ...]
    alias: Mapping[str, str]


def processes_for(entries: int, settings: Settings) -> int:
    """How many are worth their start for so many entries."""
    if entries < settings.backtest_side_by_side_entries_min:
        return 1
    if settings.backtest_processes:
        return settings.backtest_processes
    return min(os.cpu_count() or 1, settings.backtest_processes_max)


def replay_side_by_side(  # noqa: PLR0913 - those of `replay`, and how many
    bites: Bites,
    rules: RuleSet,
    world: World,
    terms: Terms,
    timing: Timing,
    *,
    processes: int,
    assumed: Sequence[str] = (),
    alias: Mapping[str, str] | None = None,
    progress: Progress = lambda _done, _at_ms: None,
) -> History:
    """The same as `hub.replay.replay` of what `bites` reads. Raises `TooMany`, `Fallen`, and
    whatever `progress` raises to make an end.
    """
    dealt = parts_of(rules, world, terms.site, places=processes, by_turns=assumed, alias=alias)
    shares = [
        Share(bites, rules, world, parts, terms, timing, tuple(assumed), dict(alias or {}))
        for parts in dealt
    ]
    history = History()
    with _started(shares) as pipes:
        for found in _histories(pipes, progress):
            if found is not None:
                history.join(found)
            if found is None or len(history) > terms.alerts_max:
                raise TooMany(terms.alerts_max)
    return history


@contextmanager
def _started(shares: Sequence[Share]) -> Iterator[list[Connection]]:
    """The parent's ends of their pipes; whatever happens, no process is left."""
    context = get_context("spawn")  # threads and open files of this process stay its own
    children: list[BaseProcess] = []
    pipes: list[Connection] = []
    try:
        for share in shares:
            ours, theirs = context.Pipe()
            child: BaseProcess = context.Process(target=_work, args=(theirs,), daemon=True)
            child.start()
            theirs.close()
            children.append(child)
            pipes.append(ours)
            ours.send(share)
        yield pipes
    finally:
        for pipe in pipes:
            pipe.close()
        for child in children:
            child.terminate()
            child.join()
            child.close()


def _histories(pipes: Sequence[Connection], progress: Progress) -> Iterator[History | None]:
    """What each found, as it comes (None: too much); on the way, how far all are together."""
    done, left = dict.fromkeys(pipes, 0), list(pipes)
    while left:
        for pipe in wait(left):
            assert isinstance(pipe, Connection)
            match _word_of(pipe):
                case (int() as rows, int() as at_ms):
                    done[pipe] = rows
                    progress(sum(done.values()) // len(pipes), at_ms)
                case found:
                    left.remove(pipe)
                    yield found


def _word_of(pipe: Connection) -> Any:
    try:
        return pipe.recv()
    except EOFError as error:
        raise Fallen("a process of the backtest ended before it was ready") from error


# ---------------------------------------------------------------------- in the process


def _work(pipe: Connection) -> None:
    """One share, from its order to its history."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the parent, which ends this
    with suppress(BrokenPipeError, EOFError):  # then nobody waits for it any more
        share: Share = pipe.recv()
        pipe.send(_judge(share, pipe))


def _judge(share: Share, pipe: Connection) -> History | None:
    """What its parts found; None: too much."""
    engine = open_engine(share.bites.url)
    reader = Reader(engine, Asked(share.rules), share.world.devices)
    settle_memory()
    try:
        return replay_parts(
            reader.moments(share.bites, partial(is_heard, share.parts)),
            share.parts,
            share.terms,
            share.timing,
            share.assumed,
            share.alias,
            lambda _number, at_ms: pipe.send((reader.done, at_ms)),
        )
    except TooMany:
        return None
    finally:
        engine.dispose()
