"""What rules found in the past: alerts as they were in the end, and who was called when.

Made from a judge's findings, by name of the rule, so that two sets of rules can be compared.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from rules.baseline import Knowledge
from rules.finding import Finding, Withdrawn
from rules.rule import Rule


@dataclass(slots=True)
class PastAlert:
    """One alert of the history. `again_ms`: what else happened while it was open."""

    rule: str
    key: str
    device: str | None
    opened_ms: int
    closed_ms: int | None = None
    again_ms: list[int] = field(default_factory=list)
    taken_back: bool = False
    times: int = 1  # it opened, and happened again

    def was_so(self, from_ms: int, to_ms: int) -> bool:
        """Was it open at any moment of that span?"""
        ended = self.closed_ms is not None and self.closed_ms < from_ms
        return not self.taken_back and self.opened_ms <= to_ms and not ended


class Learned(NamedTuple):
    """What a rule that learns knows of a device."""

    rule: str
    key: str
    knowledge: Knowledge


class Call(NamedTuple):
    """People are told that something opens or happens again; closings call nobody."""

    at_ms: int  # when the hub knew
    rule: Rule
    key: str
    device: str | None
    kind: str  # opens | again


def _order_of_call(call: Call) -> tuple[int, str, str, str, str]:
    return (call.at_ms, call.rule.name, call.key, call.kind, call.device or "")


class History:
    """Findings, folded. The same findings in the same order give the same history."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.learned: list[Learned] = []  # at its end
        self._alerts: dict[tuple[str, str, int], PastAlert] = {}

    def __len__(self) -> int:
        return len(self._alerts)

    def note(self, found: Finding) -> None:
        """One finding, as the table of alerts takes it."""
        name = (found.rule.name, found.key, found.opened_at_ms)
        alert = self._alerts.get(name)
        known = alert is not None
        if alert is None:
            alert = self._alerts[name] = PastAlert(*name[:2], found.device, found.opened_at_ms)
            if found.kind == "again":  # a call that came too late for the history: over
                alert.closed_ms = found.at_ms
        if found.kind in {"opens", "again"}:
            self.calls.append(Call(found.heard_ms, found.rule, found.key, found.device, found.kind))
        if found.kind == "opens":
            alert.closed_ms, alert.taken_back = None, False
        elif found.kind == "again" and known:
            alert.again_ms.append(found.at_ms)
            alert.times += 1
        elif found.kind == "closes":
            alert.closed_ms = found.at_ms
        elif found.kind == "taken_back":
            alert.taken_back = True

    def withdraw(self, found: Withdrawn) -> None:
        """One of several happenings was none."""
        alert = self._alerts.get((found.rule, found.key, found.opened_at_ms))
        if alert is not None:
            alert.again_ms = [at for at in alert.again_ms if at != found.at_ms]
            alert.times -= 1

    def join(self, other: "History") -> None:
        """Take what was found apart from this: of other rules, or under other keys."""
        self._alerts |= other._alerts
        self.calls = sorted((*self.calls, *other.calls), key=_order_of_call)
        self.learned = sorted((*self.learned, *other.learned))

    @property
    def alerts(self) -> list[PastAlert]:
        """All of them, those that were taken back too, by the moment of their opening."""
        return sorted(self._alerts.values(), key=lambda a: (a.opened_ms, a.rule, a.key))


class Moved(NamedTuple):
    """The same trouble under both sets of rules, at other moments."""

    here: PastAlert
    there: PastAlert


@dataclass(frozen=True, slots=True)
class Difference:
    """Alerts of one set of rules against those of another."""

    same: int
    only_here: tuple[PastAlert, ...]
    only_there: tuple[PastAlert, ...]
    moved: tuple[Moved, ...]


def compare(here: Iterable[PastAlert], there: Iterable[PastAlert]) -> Difference:
    """Alerts of the same rule and key that opened and closed together are the same.

    Of the others those that were open at the same time are one at other moments, each at most once.
    """
    ours, theirs = _by_key(here), _by_key(there)
    same = 0
    only_here: list[PastAlert] = []
    only_there: list[PastAlert] = []
    moved: list[Moved] = []
    for key in sorted({*ours, *theirs}):
        equal, left, right = _take_equal(ours.get(key, []), theirs.get(key, []))
        same += equal
        pairs, left, right = _pair(left, right)
        moved += pairs
        only_here += left
        only_there += right
    return Difference(same, _ordered(only_here), _ordered(only_there), tuple(moved))


def _by_key(alerts: Iterable[PastAlert]) -> Mapping[tuple[str, str], list[PastAlert]]:
    found: dict[tuple[str, str], list[PastAlert]] = defaultdict(list)
    for alert in sorted(alerts, key=lambda a: a.opened_ms):
        found[alert.rule, alert.key].append(alert)
    return found


def _take_equal(
    left: list[PastAlert], right: list[PastAlert]
) -> tuple[int, list[PastAlert], list[PastAlert]]:
    spans = {(a.opened_ms, a.closed_ms) for a in left} & {(a.opened_ms, a.closed_ms) for a in right}
    rest = [[a for a in side if (a.opened_ms, a.closed_ms) not in spans] for side in (left, right)]
    return len(spans), rest[0], rest[1]


def _pair(
    left: list[PastAlert], right: list[PastAlert]
) -> tuple[list[Moved], list[PastAlert], list[PastAlert]]:
    pairs: list[Moved] = []
    alone: list[PastAlert] = []
    right = list(right)
    for one in left:
        near = (a for a in right if _touch(one, a))
        other = min(near, key=lambda a: abs(a.opened_ms - one.opened_ms), default=None)
        if other is None:
            alone.append(one)
        else:
            right.remove(other)
            pairs.append(Moved(one, other))
    return pairs, alone, right


def _touch(one: PastAlert, other: PastAlert) -> bool:
    one_ended = one.closed_ms is not None and one.closed_ms < other.opened_ms
    other_ended = other.closed_ms is not None and other.closed_ms < one.opened_ms
    return not one_ended and not other_ended


def _ordered(alerts: list[PastAlert]) -> tuple[PastAlert, ...]:
    return tuple(sorted(alerts, key=lambda a: (a.opened_ms, a.rule, a.key)))
