"""A response plan: who is told of a case, in which order, by the second, until a person has it.

A plan is data, like a rule. It has three clocks, one after the other: nobody has answered, nobody
has arrived, it is not closed. Each clock has steps; a step tells roles, and may tell them again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from rules.calendar import PLAIN
from rules.during import During, Hours

if TYPE_CHECKING:
    from rules.rehearsal import Rehearsal

UNANSWERED, NOT_ARRIVED, NOT_CLOSED = "unanswered", "not_arrived", "not_closed"
CLOCKS = (UNANSWERED, NOT_ARRIVED, NOT_CLOSED)

# Whom a step may tell. A role is a duty, not a person: who has it is looked up when the step comes.
ROLES = (
    "duty-phone",  # of the grid in which it happened
    "grid-leader",
    "next-grid",  # the duty phone of the grid that stands in
    "desk",  # who sits at the console
    "day-care-station",
    "health-station",
    "volunteers",
    "family",  # the resident's own contacts
    "maintenance",
    "community-office",
    "answerer",  # whoever has taken the case
)
Wake = Callable[[int], int]  # from when something is due to when it may be said
REPEATS_MAX = 1_000  # of one step; a plan that calls more often has a slip of the pen


@dataclass(frozen=True, slots=True)
class Step:
    """After so long on its clock these roles are told, then every `repeat_ms`, `times` in all."""

    after_ms: int
    tell: tuple[str, ...]
    repeat_ms: int = 0
    times: int = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """One plan. Steps of a clock are in the order of `after_ms`.

    `nobody_after_ms`: unanswered for so long, the button that called shows that nobody took it.
    `call_out`: numbers of the public services to whom the case may be handed over (120, 119).
    `quiet`: what falls due in these hours waits until they are over.
    """

    name: str
    title_zh: str = ""
    title_en: str = ""
    unanswered: tuple[Step, ...] = ()
    not_arrived: tuple[Step, ...] = ()
    not_closed: tuple[Step, ...] = ()
    nobody_after_ms: int | None = None
    call_out: tuple[str, ...] = ()
    quiet: During | None = None
    reason_zh: str = ""
    reason_en: str = ""
    file: str = ""
    line: int = 0
    tests: tuple["Rehearsal", ...] = ()

    def steps(self, clock: str) -> tuple[Step, ...]:
        """The steps of one of `CLOCKS`."""
        return {
            UNANSWERED: self.unanswered,
            NOT_ARRIVED: self.not_arrived,
            NOT_CLOSED: self.not_closed,
        }[clock]

    @property
    def roles(self) -> tuple[str, ...]:
        """Every role that the plan may tell, in the order in which it comes to them."""
        steps = (step for clock in CLOCKS for step in self.steps(clock))
        return tuple(dict.fromkeys(role for step in steps for role in step.tell))


def at_once(due_ms: int) -> int:
    """Of a plan without quiet hours: whenever it is due."""
    return due_ms


def waking(plan: Plan, zone: ZoneInfo) -> Wake:
    """When, in this zone, the plan may say what is due."""
    if plan.quiet is None:
        return at_once
    hours = Hours(plan.quiet, zone, PLAIN)

    def wake(due_ms: int) -> int:
        end_ms = hours.next_edge_ms(due_ms) if hours.inside(due_ms) else None
        return due_ms if end_ms is None else end_ms

    return wake
