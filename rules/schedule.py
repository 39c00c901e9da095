"""A schedule: which variant of a rule is in force when, for one device or group.

A rule without overrides has none. With some, time falls into stretches; each has one variant of
the rule (or none: it is off) and, for a group, the devices that are out of it.
"""

import json
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

from rules.calendar import Calendar
from rules.condition import Condition, same_of
from rules.during import During, Hours
from rules.facts import DeviceFacts
from rules.override import Override
from rules.rule import Rule

HoursOf = Callable[[During | None], Hours | None]
Said = list[tuple[int | None, str, list[str]]]  # as JSON can carry it: from, mark, out
NOTHING_SAID: Said = [(None, "", [])]


class Variant(NamedTuple):
    """The rule as it is for a while. `condition` is its place in the schedule's list of them."""

    rule: Rule
    off: bool
    condition: int
    hours: Hours | None


class Stretch(NamedTuple):
    """A while: until the next edge this variant holds, and these devices are out of the group.

    `mark` says what the override changes: the same marks are the same variant.
    """

    variant: Variant
    mark: str
    out: frozenset[str]


class Schedule:
    """`edges[n]` ends stretch n and begins the next one. `conditions[0]` is the rule's own."""

    __slots__ = ("conditions", "edges", "stretches")

    def __init__(
        self, edges: list[int], stretches: list[Stretch], conditions: tuple[Condition, ...]
    ) -> None:
        self.edges = edges
        self.stretches = stretches
        self.conditions = conditions

    def index(self, at_ms: int) -> int:
        """The stretch of a moment; its begin is in it, its end is not."""
        return bisect_right(self.edges, at_ms)

    def next_edge_ms(self, index: int) -> int | None:
        """The end of a stretch; None: it has none."""
        return self.edges[index] if index < len(self.edges) else None

    def variant_at(self, at_ms: int) -> Variant:
        """What holds at a moment."""
        return self.stretches[self.index(at_ms)].variant

    def said(self) -> Said:
        """What must be kept to know later whether it has changed."""
        begins = [None, *self.edges]
        return [
            (begin, stretch.mark, sorted(stretch.out))
            for begin, stretch in zip(begins, self.stretches, strict=True)
        ]


def said_by(schedule: Schedule | None) -> Said:
    """Of a watch that may have none."""
    return NOTHING_SAID if schedule is None else schedule.said()


def first_difference_ms(old: Said, new: Said) -> int | None:
    """The first moment that they see differently, `-FOR_EVER` for always; None: there is none."""
    moments = sorted({begin for begin, _, _ in (*old, *new) if begin is not None})
    if old[0][1:] != new[0][1:]:
        return -(1 << 62)
    return next((at for at in moments if _at(old, at) != _at(new, at)), None)


def _at(said: Said, at_ms: int) -> tuple[str, list[str]]:
    begins = [begin for begin, _, _ in said[1:] if begin is not None]
    _, mark, out = said[bisect_right(begins, at_ms)]
    return mark, list(out)


def schedule_of(
    rule: Rule,
    key: str,
    facts: Mapping[str, DeviceFacts],
    overrides: Sequence[Override],
    zone: ZoneInfo,
    hours_of: HoursOf,
) -> Schedule | None:
    """The schedule of a watched device or group; None: no override is about it."""
    whole, parts = _concerned(rule, key, facts, overrides)
    if not whole and not parts:
        return None
    whole.sort(key=lambda override: override.rank(zone))
    made = _Maker(rule, zone, hours_of, whole, parts)
    return made.schedule()


def _concerned(
    rule: Rule, key: str, facts: Mapping[str, DeviceFacts], overrides: Sequence[Override]
) -> tuple[list[Override], list[tuple[Override, frozenset[str]]]]:
    """Those about the whole, and those that take devices out of a group."""
    same = same_of(rule.when)
    if same == "device":
        return [one for one in overrides if key in facts and one.fits(facts[key])], []
    whole: list[Override] = []
    parts: list[tuple[Override, frozenset[str]]] = []
    for one in overrides:
        if one.names_group(same, key):
            whole.append(one)
        elif one.off and one.given != (same,):
            devices = frozenset(name for name, known in facts.items() if one.fits(known))
            parts += [(one, devices)] if devices else []
    return whole, parts


class _Maker:
    """Cuts time at every begin and end, and joins again what is the same."""

    def __init__(
        self,
        rule: Rule,
        zone: ZoneInfo,
        hours_of: HoursOf,
        whole: list[Override],
        parts: list[tuple[Override, frozenset[str]]],
    ) -> None:
        self._rule = rule
        self._zone = zone
        self._hours_of = hours_of
        self._whole = whole
        self._parts = parts
        self._conditions: list[Condition] = [rule.when]

    def schedule(self) -> Schedule | None:
        """None, if it is the rule itself at all times."""
        overrides = [*self._whole, *(one for one, _ in self._parts)]
        begins = {begin for one in overrides if (begin := one.begin_ms(self._zone)) is not None}
        moments = sorted(begins | {one.end_ms(self._zone) for one in overrides})
        edges: list[int] = []
        stretches = [self._stretch(None)]
        for at_ms in moments:
            stretch = self._stretch(at_ms)
            if stretch != stretches[-1]:
                edges.append(at_ms)
                stretches.append(stretch)
        if all(stretch.mark == "" and not stretch.out for stretch in stretches):
            return None
        return Schedule(edges, stretches, tuple(self._conditions))

    def _stretch(self, at_ms: int | None) -> Stretch:
        winner = next((one for one in self._whole if self._holds(one, at_ms)), None)
        out = [devices for one, devices in self._parts if self._holds(one, at_ms)]
        return Stretch(self._variant(winner), mark_of(winner), frozenset().union(*out))

    def _holds(self, override: Override, at_ms: int | None) -> bool:
        begin_ms = override.begin_ms(self._zone)
        if at_ms is None:
            return begin_ms is None
        begun = begin_ms is None or begin_ms <= at_ms
        return begun and at_ms < override.end_ms(self._zone)

    def _variant(self, override: Override | None) -> Variant:
        rule = self._rule if override is None else override.applied_to(self._rule)
        if rule.when not in self._conditions:
            self._conditions.append(rule.when)
        place = self._conditions.index(rule.when)
        off = override is not None and override.off
        return Variant(rule, off, place, self._hours_of(rule.during))


class Schedules:
    """Whose schedule is which: the overrides in force, by rule, and the hours of all variants."""

    def __init__(self, zone: ZoneInfo, calendar: Calendar) -> None:
        self._zone = zone
        self._calendar = calendar
        self._hours: dict[During, Hours] = {}
        self._overrides: dict[str, tuple[Override, ...]] = {}

    def put(self, overrides: Iterable[Override]) -> set[str]:
        """These are in force; returns the names of the rules whose overrides are others now."""
        before, after = self._overrides, dict[str, tuple[Override, ...]]()
        for one in overrides:
            after[one.rule] = (*after.get(one.rule, ()), one)
        self._overrides = after
        return {name for name in {*before, *after} if before.get(name) != after.get(name)}

    def hours_of(self, during: During | None) -> Hours | None:
        """Worked out once for each."""
        if during is None:
            return None
        if during not in self._hours:
            self._hours[during] = Hours(during, self._zone, self._calendar)
        return self._hours[during]

    def has(self, rule: Rule) -> bool:
        """Are there overrides of this rule?"""
        return rule.name in self._overrides

    def schedule(self, rule: Rule, key: str, facts: Mapping[str, DeviceFacts]) -> Schedule | None:
        """Of one watched device or group."""
        overrides = self._overrides.get(rule.name, ())
        return schedule_of(rule, key, facts, overrides, self._zone, self.hours_of)


def mark_of(override: Override | None) -> str:
    """What it changes, in one text; empty for the rule itself."""
    if override is None:
        return ""
    return "off" if override.off else json.dumps(override.set, sort_keys=True, ensure_ascii=False)
