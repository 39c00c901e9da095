"""An escalation: where a case stands on its plan. It waits for nobody but a person.

Pure: moments come in, calls come out. Due moments hang on when the case was heard of, answered and
arrived at, never on when somebody looked; so a hub that was killed in the middle takes up at the
same second. What fell due while nobody looked is said at once: each step once, repeats of one step
together once.
"""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from rules.case import CLOSED, RAISED, STATES, Case
from rules.response import (
    CLOCKS,
    NOT_ARRIVED,
    NOT_CLOSED,
    UNANSWERED,
    Plan,
    Step,
    Wake,
    at_once,
)

OVER = "over"


class Call(NamedTuple):
    """Tell these roles now. `nth` counts from 1; `due_ms` is when it was to be said."""

    clock: str
    step: int
    roles: tuple[str, ...]
    nth: int
    due_ms: int


class Taken(NamedTuple):
    """A step that was taken: when it was due, and how often it was said."""

    at_ms: int
    times: int


@dataclass(frozen=True, slots=True)
class Escalation:
    """The clock that runs, since when, the steps of it that were taken, and what was hurried.

    `ahead_ms`: by how much the steps to come are earlier than planned, because one before them
    reached nobody. `nobody`: it was said that nobody took it.
    """

    clock: str
    since_ms: int
    taken: tuple[Taken, ...] = ()
    ahead_ms: int = 0
    nobody: bool = False

    def dump(self) -> list[Any]:
        """As JSON can carry it."""
        taken = [list(one) for one in self.taken]
        return [self.clock, self.since_ms, taken, self.ahead_ms, self.nobody]

    @classmethod
    def load(cls, state: list[Any]) -> "Escalation":
        """Back from `dump`."""
        clock, since_ms, taken, ahead_ms, nobody = state
        return cls(clock, since_ms, tuple(Taken(*one) for one in taken), ahead_ms, nobody)


def begin(case: Case) -> Escalation:
    """Of a case that was just raised: the clock counts from when the hub heard of it."""
    return follow(Escalation(UNANSWERED, case.heard_at_ms), case)


def follow(escalation: Escalation, case: Case) -> Escalation:
    """After the case has changed: the same clock goes on, or another one begins."""
    clock, since_ms = _clock_of(case)
    if clock == escalation.clock:
        return escalation
    if clock == UNANSWERED:  # it was given back: it begins anew, and the button may wait again
        return Escalation(clock, case.changed_ms)
    return Escalation(clock, since_ms, nobody=escalation.nobody)


def _clock_of(case: Case) -> tuple[str, int]:
    if case.state == CLOSED:
        return OVER, case.changed_ms
    if case.state == RAISED:
        return UNANSWERED, case.heard_at_ms
    answered_ms = case.answered_at_ms if case.answered_at_ms is not None else case.changed_ms
    if case.arrived_at_ms is not None:
        return NOT_CLOSED, case.arrived_at_ms
    if STATES.index(case.state) >= STATES.index("dealt_with"):  # dealt with from afar
        return NOT_CLOSED, answered_ms
    return NOT_ARRIVED, answered_ms


def due_ms(plan: Plan, escalation: Escalation, wake: Wake = at_once) -> int | None:
    """The next moment at which something is to be said; None: nothing more by itself."""
    moments = [moment for _, _, moment in _next_of(plan, escalation, wake)]
    if _nobody_is_open(plan, escalation):
        assert plan.nobody_after_ms is not None
        moments.append(escalation.since_ms + plan.nobody_after_ms)
    return min(moments, default=None)


def next_call(
    plan: Plan, escalation: Escalation, wake: Wake = at_once
) -> tuple[int, tuple[str, ...]] | None:
    """When the next step comes by itself, and whom it tells; None: no more steps."""
    found = _next_of(plan, escalation, wake)
    if not found:
        return None
    _, step, moment = min(found, key=lambda one: (one[2], one[0]))
    return moment, step.tell


def _nobody_is_open(plan: Plan, escalation: Escalation) -> bool:
    waits = escalation.clock == UNANSWERED and not escalation.nobody
    return waits and plan.nobody_after_ms is not None


def _next_of(plan: Plan, escalation: Escalation, wake: Wake) -> list[tuple[int, Step, int]]:
    """Of each step that has something left to say: its number, itself, and the next moment."""
    if escalation.clock not in CLOCKS:
        return []
    steps = plan.steps(escalation.clock)
    found = []
    for number, (step, taken) in enumerate(zip(steps, escalation.taken, strict=False)):
        if taken.times < step.times:
            moment = wake(taken.at_ms + taken.times * step.repeat_ms)
            found.append((number, step, moment))
    if len(escalation.taken) < len(steps):
        number = len(escalation.taken)
        planned_ms = escalation.since_ms + steps[number].after_ms - escalation.ahead_ms
        found.append((number, steps[number], wake(max(planned_ms, escalation.since_ms))))
    return found


def advance(
    plan: Plan, escalation: Escalation, now_ms: int, wake: Wake = at_once
) -> tuple[Escalation, list[Call], bool]:
    """All that is due by now, in the order of its moments; and whether nobody took it by then."""
    calls: list[Call] = []
    while True:
        ripe = [one for one in _next_of(plan, escalation, wake) if one[2] <= now_ms]
        if not ripe:
            break
        number, step, moment = min(ripe, key=lambda one: (one[2], one[0]))
        escalation, nth = _take(escalation, number, step, moment, now_ms)
        calls.append(Call(escalation.clock, number, step.tell, nth, moment))
    nobody = False
    if _nobody_is_open(plan, escalation):
        assert plan.nobody_after_ms is not None
        nobody = escalation.since_ms + plan.nobody_after_ms <= now_ms
    return replace(escalation, nobody=escalation.nobody or nobody), calls, nobody


def _take(
    escalation: Escalation, number: int, step: Step, moment: int, now_ms: int
) -> tuple[Escalation, int]:
    taken = list(escalation.taken)
    if number == len(taken):
        taken.append(Taken(moment, 1))
        return replace(escalation, taken=tuple(taken)), 1
    before = taken[number]
    missed = (now_ms - moment) // step.repeat_ms  # said once for all that nobody could say
    times = min(step.times, before.times + 1 + missed)
    taken[number] = before._replace(times=times)
    return replace(escalation, taken=tuple(taken)), times


def set_back(escalation: Escalation, case: Case, back_ms: int, now_ms: int) -> Escalation:
    """The clock by which it counts lost so much: moments that are yet to come were never so late.

    As much of a wait is left as was. A shelf ends when people said, if they said so by the clock
    as it is; else it ends earlier by as much.
    """

    def moved(at_ms: int) -> int:
        return at_ms if at_ms <= now_ms else min(at_ms - back_ms, now_ms)

    since_ms = moved(escalation.since_ms)
    if escalation.since_ms == case.shelved_until_ms:
        since_ms = escalation.since_ms - (back_ms if case.changed_ms > now_ms else 0)
    taken = tuple(one._replace(at_ms=moved(one.at_ms)) for one in escalation.taken)
    return replace(escalation, since_ms=since_ms, taken=taken)


def reached_nobody(
    plan: Plan, escalation: Escalation, clock: str, step: int, now_ms: int
) -> Escalation:
    """A step told nobody at all: the next one is due now, and those behind it come along.

    Of a step that is not the newest, or of a clock that runs no more, there is nothing to hurry:
    others have been told since.
    """
    if clock != escalation.clock or step != len(escalation.taken) - 1:
        return escalation
    steps = plan.steps(clock)
    if step + 1 >= len(steps):
        return escalation
    planned_ms = escalation.since_ms + steps[step + 1].after_ms - escalation.ahead_ms
    return replace(escalation, ahead_ms=escalation.ahead_ms + max(0, planned_ms - now_ms))
