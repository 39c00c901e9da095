"""A plan's own tests, as values, and the play of them on the escalation that runs in production."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from zoneinfo import ZoneInfo

from rules.case import IMAGINED, Act, Case, act
from rules.duration import UNIT_MS, format_duration
from rules.escalation import OVER, advance, begin, due_ms, follow, reached_nobody
from rules.response import CLOCKS, Plan, Wake, waking

NOBODY = "nobody"  # what the button shows, among the roles that are told
DEEDS = ("answered", "arrived", "closed", "given_back")
_ACTS = {"answered": "answer", "arrived": "arrive", "closed": "close", "given_back": "release"}
CALLS_MAX = 100_000  # a rehearsal that calls more often than that does not end


class Deed(NamedTuple):
    """Somebody does something so long after the case was heard of."""

    at_ms: int
    what: str  # one of DEEDS


class Told(NamedTuple):
    """At that moment these roles are told (or it is shown that nobody took it)."""

    at_ms: int
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """One test of a plan, which begins at this minute of a day (09:00 if it is not said).

    `unreachable`: roles that nobody has, or whose every way fails.
    """

    story: str
    given: tuple[Deed, ...] = ()
    told: tuple[Told, ...] = ()
    unreachable: tuple[str, ...] = ()
    until_ms: int | None = None
    at_minute: int = 540
    file: str = ""
    line: int = 0


def rehearse(plan: Plan, rehearsal: Rehearsal) -> tuple[str, ...]:
    """What was otherwise than listed, as lines for a person; nothing: it passed."""
    said = _play(plan, rehearsal, _waking(plan, rehearsal.at_minute))
    wanted = [(one.at_ms, tuple(sorted(one.roles))) for one in rehearsal.told]
    return tuple(
        f"{word}: {format_duration(at_ms)}: {', '.join(roles)}"
        for word, rows in (
            ("was told, but is not listed", _without(said, wanted)),
            ("is listed, but was not told", _without(wanted, said)),
        )
        for at_ms, roles in rows
    )


def _waking(plan: Plan, at_minute: int) -> Wake:
    """The plan's own, where moment zero is that minute of the day."""
    start_ms = at_minute * UNIT_MS["m"]
    wake = waking(plan, ZoneInfo("UTC"))
    return lambda due_ms: wake(due_ms + start_ms) - start_ms


_Row = tuple[int, tuple[str, ...]]


def _without(rows: Sequence[_Row], others: Sequence[_Row]) -> list[_Row]:
    left = list(others)
    found = []
    for row in rows:
        if row in left:
            left.remove(row)
        else:
            found.append(row)
    return found


def _play(plan: Plan, rehearsal: Rehearsal, wake: Wake) -> list[_Row]:
    case = IMAGINED
    escalation = begin(case)
    said: dict[int, set[str]] = {}
    deeds = sorted(rehearsal.given)
    end_ms = rehearsal.until_ms if rehearsal.until_ms is not None else _end_of(plan, deeds)
    while True:
        due = due_ms(plan, escalation, wake)
        if deeds and (due is None or deeds[0].at_ms < due):  # a step of the same moment comes first
            deed = deeds.pop(0)
            if escalation.clock != OVER:
                case = _done(case, deed)
                escalation = follow(escalation, case)
            continue
        if due is None or due > end_ms or len(said) > CALLS_MAX:
            break
        escalation, calls, nobody = advance(plan, escalation, due, wake)
        for call in calls:
            said.setdefault(due, set()).update(call.roles)
            if set(call.roles) <= set(rehearsal.unreachable):
                escalation = reached_nobody(plan, escalation, call.clock, call.step, due)
        if nobody:
            said.setdefault(due, set()).add(NOBODY)
    return [(at_ms, tuple(sorted(roles))) for at_ms, roles in sorted(said.items())]


def _end_of(plan: Plan, deeds: Sequence[Deed]) -> int:
    """Until every clock has said all that it has to say."""
    longest = [
        step.after_ms + step.repeat_ms * step.times for c in CLOCKS for step in plan.steps(c)
    ]
    last = deeds[-1].at_ms if deeds else 0
    night_ms = 0 if plan.quiet is None else UNIT_MS["d"]
    return last + night_ms + max([*longest, plan.nobody_after_ms or 0])


def _done(case: Case, deed: Deed) -> Case:
    done = Act(_ACTS[deed.what], "somebody", deed.at_ms, outcome="other", called_back=True)
    return act(case, done)
