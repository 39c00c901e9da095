"""How often the machines were used today, hour by hour, beside a usual day.

Pure: counted hours go in (`report_series.History`), by the same means as the report of the grounds,
so that the wall and the report of a day say the same. An hour of a machine that may have been dead
is unknown, never zero; what a usual day is stands in `hours_of_use`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from dashboard_api.hours_of_use import ABSENT, KNOWN, UNKNOWN, Hour, Tally, Typical, Unit
from dashboard_api.report_series import History
from dashboard_api.report_use import Wants, typical_hours
from hub.site_days import HOUR_MS

HOURS = range(24)

ByHour = Mapping[int, Typical]  # by the hour of the clock


class Usual(NamedTuple):
    """A usual day of today's kind: of all machines together, and of each by itself."""

    hours: ByHour
    own: Mapping[str, ByHour]

    @property
    def days(self) -> int:
        """Of how many days it is made: of the hour with the fewest; 0: nothing is usual."""
        return min((one.days for one in self.hours.values()), default=0)


class HourUse(NamedTuple):
    """An hour of today. `uses`: as far as anything is known; None: nothing is, or not yet.

    `unknown` machines may have been used too: `missing` is what they are usually used.
    """

    hour: int
    uses: int | None
    unknown: int
    missing: float
    usual: float | None


class MachineUse(NamedTuple):
    """How often one machine was used; `at_least`: some of its hours are unknown; None: all."""

    device: str
    uses: int | None
    at_least: bool


@dataclass(frozen=True, slots=True)
class Today:
    """The use of all machines as it was counted at `at_ms`.

    `total` is what is known of today, `at_least`: there are hours that are not; `unknown` machines
    cannot be known now. `usual_days`: days that the usual day rests on; `usual_so_far`: what is
    usual up to now, None: not known (yet).
    """

    at_ms: int
    total: int
    at_least: bool
    counters: int
    unknown: int
    hours: tuple[HourUse, ...]
    machines: tuple[MachineUse, ...]
    usual_days: int
    usual_so_far: float | None


# -- what is usual --------------------------------------------------------------------------------


def usual_of(
    history: History, groups: Iterable[Sequence[str]], wants: Wants, *, workday: bool
) -> Usual:
    """What is usual on workdays, or on days off; `groups`: machines by ground."""
    grounds = [Unit(tuple(history.tallies[one] for one in ids)) for ids in groups]
    comparable = (unit.counted(history.usual_days, wants.known_percent) for unit in grounds)

    def usual(units: Iterable[Unit]) -> ByHour:
        typical = typical_hours(units, history, history.usual_days, wants.days_min)
        return {hour: one for (kind, hour), one in typical.items() if kind is workday}

    own = {device: usual([Unit((tally,))]) for device, tally in history.tallies.items()}
    return Usual(usual(comparable), own)


# -- today ----------------------------------------------------------------------------------------


def today_of(history: History, dead: Collection[str], usual: Usual | None) -> Today:
    """Of the day that is the history's period. `dead`: of these nothing can be known now."""
    tallies, span = history.tallies, slice(history.first, history.last)
    whole = Unit(tuple(tallies.values())).figure(span.start, span.stop)
    now = span.stop - 1
    unknown = {one for one, its in tallies.items() if _state(its, now, now, one in dead) == UNKNOWN}
    return Today(
        at_ms=history.counted_ms,
        total=whole.uses,
        at_least=whole.known != "yes" or bool(unknown),
        counters=len(tallies),
        unknown=len(unknown),
        hours=tuple(_hours(history, dead, usual)),
        machines=tuple(_machines(history)),
        usual_days=0 if usual is None else usual.days,
        usual_so_far=_so_far(usual, history) if usual is not None and usual.days else None,
    )


def _state(tally: Tally, at: int, now: int, is_dead: bool) -> int:
    """A machine that cannot be heard is unknown in this hour before its silence shows it."""
    state = tally.state[at]
    return UNKNOWN if is_dead and at == now and state != ABSENT else state


def _hours(history: History, dead: Collection[str], usual: Usual | None) -> Iterable[HourUse]:
    by_clock = {history.hours[at].hour: at for at in range(history.first, history.last)}
    for hour in HOURS:
        expected = None if usual is None else usual.hours.get(hour)
        said = HourUse(hour, None, 0, 0.0, None if expected is None else expected.uses)
        at = by_clock.get(hour)
        yield said if at is None else _hour_use(said, history, at, dead, usual)


def _hour_use(
    said: HourUse, history: History, at: int, dead: Collection[str], usual: Usual | None
) -> HourUse:
    now = history.last - 1
    states = {one: _state(its, at, now, one in dead) for one, its in history.tallies.items()}
    unknown = [one for one, state in states.items() if state == UNKNOWN]
    uses = sum(its.uses[at] for its in history.tallies.values())
    nothing = not uses and KNOWN not in states.values()
    return said._replace(
        uses=None if nothing else uses,
        unknown=len(unknown),
        missing=sum(_usually(one, said.hour, usual) for one in unknown),
    )


def _usually(device: str, hour: int, usual: Usual | None) -> float:
    if usual is None or hour not in usual.own.get(device, {}):
        return 0.0
    return usual.own[device][hour].uses


def _machines(history: History) -> list[MachineUse]:
    """The most used first, unknown ones last."""
    found = []
    for device, tally in history.tallies.items():
        figure = tally.between(history.first, history.last)
        uses = None if figure.known == "no" else figure.uses
        found.append(MachineUse(device, uses, figure.known != "yes"))
    return sorted(found, key=lambda one: (one.uses is None, -(one.uses or 0), one.device))


def _so_far(usual: Usual, history: History) -> float:
    """What is usual up to now, of the present hour the part that has passed."""
    past = history.hours[history.first : history.last]
    return sum(
        usual.hours[hour.hour].uses * _part_passed(hour, history.counted_ms)
        for hour in past
        if hour.hour in usual.hours
    )


def _part_passed(hour: Hour, now_ms: int) -> float:
    return min(1.0, (now_ms - hour.from_ms) / HOUR_MS)
