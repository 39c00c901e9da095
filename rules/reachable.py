"""Whom a plan could reach, found before it is needed: step by step, grid by grid."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from rules.case import IMAGINED, Case
from rules.response import UNANSWERED, Plan
from rules.roster import ANSWERER, FAMILY, Roster, Way


@dataclass(frozen=True, slots=True)
class Gap:
    """A plan in a grid (None: of no grid). `steps`: those of which nobody can be told, from 0."""

    plan: str
    grid: str | None
    steps: tuple[int, ...]
    all_of_them: bool


def gaps(
    plans: Mapping[str, Plan],
    roster: Roster,
    channels: Iterable[str],
    default: tuple[Way, ...],
    now_ms: int,
) -> list[Gap]:
    """What is amiss right now: no contact, none with a channel that is set up, nobody signed on.

    Residents' own contacts and whoever has answered are people of one case and cannot be looked up
    beforehand: a step that tells only them counts as missed.
    """
    known = frozenset(channels)
    found = []
    for plan in plans.values():
        for grid in roster.grids or (None,):
            case = replace(IMAGINED, grid=grid)
            steps = plan.steps(UNANSWERED)
            missed = tuple(
                number
                for number, step in enumerate(steps)
                if not any(
                    _reaches(roster, role, case, known, default, now_ms) for role in step.tell
                )
            )
            if missed:
                found.append(Gap(plan.name, grid, missed, len(missed) == len(steps)))
    return found


def _reaches(
    roster: Roster,
    role: str,
    case: Case,
    channels: frozenset[str],
    default: tuple[Way, ...],
    now_ms: int,
) -> bool:
    if role in (FAMILY, ANSWERER):
        return False
    return any(
        any(way.channel in channels for way in contact.by(default))
        and roster.is_manned(contact, now_ms)
        for contact in roster.of(role, case, now_ms)
    )
