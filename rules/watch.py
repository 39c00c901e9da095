"""A watch: one rule over one device or group. Folds inputs in the order of their moments.

What is true is a pure function of the set of inputs. An input that comes in order is one step
forward; a late one is put where it belongs, the fold is done again from the last checkpoint before
it, and what comes out differently is reported. Two checkpoints and the inputs since the older one
are kept: between `inputs_max` and twice as many. What is older than that is too late.
"""

from bisect import bisect_right
from typing import Any, NamedTuple

from device_drivers.reading import Value
from rules.condition import Silent, Where, fires, hears_life, points_of, simple_of
from rules.during import Hours
from rules.facts import DeviceFacts
from rules.group import GroupProbe, probe_of
from rules.machine import CLOSES, OPENS, Machine
from rules.probe import CLOSED, COPY, ENDED, FIRED, LIFE, Probe
from rules.rule import Rule

WITHDRAWN = "withdrawn"


class Input(NamedTuple):
    """One thing that happened. Readings in the payload are (point, value, …)."""

    at_ms: int
    seq: int
    kind: int
    device: str
    payload: Any


class Change(NamedTuple):
    """How the history changed: what a finding is made of."""

    kind: str
    at_ms: int
    opened_at_ms: int
    since_ms: int  # from when the condition was true
    device: str | None
    value: Value | None


class Alert:
    """One alert of the history. `told_as_ms`: under which moment people know it."""

    __slots__ = ("agains", "closed_ms", "device", "opened_ms", "since_ms", "told_as_ms", "value")

    def __init__(
        self, opened_ms: int, since_ms: int, device: str | None, value: Value | None
    ) -> None:
        self.opened_ms = self.told_as_ms = opened_ms
        self.since_ms = since_ms
        self.device = device
        self.value = value
        self.closed_ms: int | None = None
        self.agains: list[int] = []

    def copy(self) -> "Alert":
        """One of its own."""
        other = Alert(self.opened_ms, self.since_ms, self.device, self.value)
        other.told_as_ms, other.closed_ms = self.told_as_ms, self.closed_ms
        other.agains = self.agains.copy()
        return other

    def dump(self) -> list[Any]:
        """As JSON can carry it."""
        opening = [self.opened_ms, self.since_ms, self.device, self.value]
        return [*opening, self.told_as_ms, self.closed_ms, self.agains]

    @classmethod
    def load(cls, state: list[Any]) -> "Alert":
        """Back from `dump`."""
        alert = cls(*state[:4])
        alert.told_as_ms, alert.closed_ms, alert.agains = state[4:]
        return alert

    def change(self, kind: str, at_ms: int) -> Change:
        """As a change of the history."""
        return Change(kind, at_ms, self.told_as_ms, self.since_ms, self.device, self.value)


class Run:
    """The fold: where it stands after the inputs and timers up to `at_ms`."""

    __slots__ = ("alerts", "at_ms", "hours", "latched", "machine", "probe", "rang_ms")

    def __init__(self, probe: Probe, machine: Machine, hours: Hours | None) -> None:
        self.probe = probe
        self.machine = machine
        self.hours = hours
        self.alerts: list[Alert] = []  # since the older checkpoint; the last may be open
        self.latched = False  # open by an event: until its case is closed
        self.at_ms: int | None = None  # of the newest input or timer
        self.rang_ms: int | None = None  # of the newest timer

    def open_alert(self) -> Alert | None:
        """The alert that is open now."""
        if self.alerts and self.alerts[-1].closed_ms is None:
            return self.alerts[-1]
        return None

    def step(self, one: Input, changes: list[Change]) -> int | None:
        """Take the next input; timers before it have rung already. Returns the new `due_ms()`."""
        at_ms, _seq, kind, device, payload = one
        self.at_ms = at_ms
        if kind == CLOSED:
            self._release(at_ms, changes)
            return self.due_ms()
        probe = self.probe
        before = probe.true
        result = probe.take(kind, device, at_ms, payload)
        if result == FIRED:
            self._fire(one, changes)
        elif result == ENDED:
            self._release(at_ms, changes)
        if probe.true or before:
            self._settle(at_ms, changes)
            return self.due_ms()
        if self.machine.due_ms is not None:
            return self.due_ms()
        return probe.due_ms  # nothing is true and nothing waits: so it is nearly always

    def due_ms(self) -> int | None:
        """The next moment at which something may change by itself."""
        due = self.probe.due_ms
        other = self.machine.due_ms
        if other is not None and (due is None or other < due):
            due = other
        if self.hours is not None and self.probe.true and self.at_ms is not None:
            other = self.hours.next_edge_ms(self.at_ms)
            if other is not None and (due is None or other < due):
                due = other
        return due

    def busy_ms(self) -> int | None:
        """The next moment that something set off: not silence, stillness or the hours of a day."""
        dues = (self.probe.busy_ms(), self.machine.due_ms)
        return min((due for due in dues if due is not None), default=None)

    def ring(self, at_ms: int, changes: list[Change]) -> None:
        """A moment that was asked for has come."""
        self.at_ms = self.rang_ms = at_ms
        probe = self.probe
        if probe.due_ms is not None and probe.due_ms <= at_ms and probe.ripen(at_ms) == FIRED:
            self._fire(Input(at_ms, 0, LIFE, "", ()), changes)
        self._settle(at_ms, changes)
        if self.machine.due_ms is not None and self.machine.due_ms <= at_ms:
            self._note(self.machine.ripen(at_ms), at_ms, changes)

    def _settle(self, at_ms: int, changes: list[Change]) -> None:
        if self.hours is not None and not self.hours.inside(at_ms):
            self._note(self.machine.end(at_ms), at_ms, changes)
        else:
            self._note(self.machine.judge(at_ms, true=self.probe.true), at_ms, changes)

    def _note(self, change: str | None, at_ms: int, changes: list[Change]) -> None:
        if change == OPENS:
            if self.open_alert() is None:
                self._open(at_ms, self.machine.since_ms, changes)
        elif change == CLOSES and not self.latched:
            self._close(at_ms, changes)

    def _fire(self, one: Input, changes: list[Change]) -> None:
        if self.hours is not None and not self.hours.inside(one.at_ms):
            return
        alert = self.open_alert()
        if alert is None:
            self.latched = True
            self._open(one.at_ms, one.at_ms, changes)
        else:
            alert.agains.append(one.at_ms)
            changes.append(alert.change("again", one.at_ms)._replace(value=self.probe.value))

    def _release(self, at_ms: int, changes: list[Change]) -> None:
        if self.latched:
            self.latched = False
            if not self.machine.is_open:
                self._close(at_ms, changes)

    def _open(self, at_ms: int, since_ms: int, changes: list[Change]) -> None:
        device = getattr(self.probe, "device", None)
        alert = Alert(at_ms, since_ms, device, self.probe.value)
        self.alerts.append(alert)
        changes.append(alert.change("opens", at_ms))

    def _close(self, at_ms: int, changes: list[Change]) -> None:
        alert = self.alerts[-1]
        alert.closed_ms = at_ms
        changes.append(alert.change("closes", at_ms)._replace(value=self.probe.value))

    def copy(self) -> "Run":
        """A checkpoint."""
        other = Run(self.probe.copy(), self.machine.copy(), self.hours)
        other.alerts = [alert.copy() for alert in self.alerts]
        other.latched, other.at_ms, other.rang_ms = self.latched, self.at_ms, self.rang_ms
        return other

    def dump(self) -> list[Any]:
        """As JSON can carry it."""
        alerts = [alert.dump() for alert in self.alerts]
        moments = [self.at_ms, self.rang_ms]
        return [self.probe.dump(), self.machine.dump(), alerts, self.latched, *moments]

    def load(self, state: list[Any]) -> None:
        """Back from `dump`."""
        self.probe.load(state[0])
        self.machine.load(state[1])
        self.alerts = [Alert.load(kept) for kept in state[2]]
        self.latched, self.at_ms, self.rang_ms = state[3:]


class Watch:
    """One rule over one key. `take` and `pass_time` return how the history changed.

    `seq` is the newest journal number in it; `armed_ms` the moment for which the judge has set
    its alarm; `unsaved` the first number that no saved row covers, None if all is saved.
    """

    __slots__ = (
        "armed_ms",
        "base",
        "due_ms",
        "facts",
        "gap_ms",
        "hours",
        "id",
        "inputs",
        "inputs_max",
        "key",
        "near",
        "points",
        "restored_seq",
        "rule",
        "run",
        "seq",
        "split",
        "unsaved",
    )

    def __init__(
        self,
        rule: Rule,
        key: str,
        *,
        facts: dict[str, DeviceFacts],
        hours: Hours | None,
        inputs_max: int,
    ) -> None:
        self.rule = rule
        self.key = key
        self.id = f"{rule.name}|{key}"  # the key of its row
        self.facts = facts  # of its device, or of the group's devices
        self.hours = hours
        self.points = points_of(rule.when)
        self.gap_ms = self._gap_ms()  # words of life closer than that need not all be kept
        self.inputs_max = inputs_max
        self.run = self._make()
        self.base = self._make()  # before inputs[0]
        self.near: Run | None = None  # before inputs[split]
        self.inputs: list[Input] = []
        self.split = 0
        self.due_ms: int | None = None
        self.armed_ms: int | None = None
        self.seq = 0
        self.restored_seq = 0  # entries up to here may come again
        self.unsaved: int | None = None

    def _make(self) -> Run:
        rule = self.rule
        probe = probe_of(rule.when, self.facts, self.key, anywhere=rule.where == Where())
        return Run(probe, Machine(rule.hold_for_ms, rule.clear_for_ms), self.hours)

    def _gap_ms(self) -> int | None:
        if not hears_life(self.rule.when):
            return None
        gaps = [facts.expected_silence_ms for facts in self.facts.values()]
        silences = [one for one in simple_of(self.rule.when) if isinstance(one, Silent)]
        return min([*gaps, *(one.for_ms for one in silences if one.for_ms)], default=None)

    def adapt(self, facts: DeviceFacts) -> None:
        """A device of this watch is new, or what is known of it has changed."""
        self.facts[facts.id] = facts
        self.gap_ms = self._gap_ms()
        for run in self._runs():
            run.probe.adapt(facts)
        self.due_ms = self.run.due_ms()

    def drop(self, device: str, now_ms: int) -> list[Change]:
        """A device has left the group."""
        self.facts.pop(device, None)
        told = self.run.alerts
        for run in (self.base, self.near):
            if run is not None and isinstance(run.probe, GroupProbe):
                run.probe.drop(device)
        before_split = sum(1 for one in self.inputs[: self.split] if one.device != device)
        self.inputs = [one for one in self.inputs if one.device != device]
        self.split = before_split
        self._fold(self.base.copy(), 0)
        self._ring_before(now_ms, [])
        return compare(told, self.run.alerts)

    def begin_here(self) -> None:
        """What came before now is settled: it is too late for anything older."""
        self.base = self.run.copy()
        self.near = None
        self.inputs = []
        self.split = 0

    def end(self, at_ms: int) -> list[Change]:
        """Nobody watches any more: what is open closes."""
        alert = self.run.open_alert()
        self.due_ms = None
        return [] if alert is None else [alert.change("closes", at_ms)]

    def _runs(self) -> list[Run]:
        return [run for run in (self.base, self.near, self.run) if run is not None]

    @property
    def fires(self) -> bool:
        """Can its alert be that of an event, which ends with its case?"""
        return fires(self.rule.when)

    def take(self, one: Input, now_ms: int) -> list[Change] | None:
        """One input; None: it is too late to be judged."""
        run = self.run
        at_ms, frontier = one[0], run.at_ms
        if frontier is not None and at_ms <= frontier:
            fresh = self._fresh(one)
            if fresh is None:
                return []
            one = fresh
            if at_ms < frontier or at_ms == run.rang_ms:
                return self._rewind(one, now_ms)
        changes: list[Change] = []
        due = self.due_ms
        if due is not None and due < at_ms:
            self._ring_before(at_ms, changes)
        self.due_ms = due = run.step(one, changes)
        self._keep(one)
        if due is not None and due < now_ms:
            self._ring_before(now_ms, changes)
        return changes

    def pass_time(self, now_ms: int) -> list[Change]:
        """Time has passed: ring all that is due up to and including `now_ms`."""
        changes: list[Change] = []
        self._ring_before(now_ms + 1, changes)
        return changes

    def _ring_before(self, at_ms: int, changes: list[Change]) -> None:
        run = self.run
        due = self.due_ms
        while due is not None and due < at_ms:
            run.ring(due, changes)
            due = run.due_ms()
        self.due_ms = due

    def _keep(self, one: Input) -> None:
        inputs = self.inputs
        if not one[4] and self._is_between(one):  # without readings
            inputs[-1] = one
            return
        inputs.append(one)
        if len(inputs) - self.split >= self.inputs_max:
            if self.near is not None:
                del inputs[: self.split]
                self.base = self.near
                self._forget_before(self.base.at_ms)
            self.split = len(inputs)
            self.near = self.run.copy()

    def _is_between(self, one: Input) -> bool:
        """Is the last input a mere word between two others that are close enough?"""
        inputs, gap = self.inputs, self.gap_ms
        if gap is None or len(inputs) < self.split + 2:
            return False
        at_ms, _, kind, device, _ = one
        before_ms, _, before_kind, before_device, before_payload = inputs[-2]
        _, _, last_kind, last_device, last_payload = inputs[-1]
        return (
            kind == last_kind == before_kind == LIFE
            and device == last_device == before_device
            and not (last_payload or before_payload)
            and at_ms - before_ms < gap
        )

    def _forget_before(self, at_ms: int | None) -> None:
        for run in (self.base, self.run):
            run.alerts = [
                alert
                for alert in run.alerts
                if alert.closed_ms is None or at_ms is None or alert.closed_ms > at_ms
            ]

    def _fresh(self, one: Input) -> Input | None:
        """The input without what is known already: the same reading twice is one."""
        index = bisect_right(self.inputs, one.at_ms, key=_at_ms)
        same: list[Input] = []
        while index and self.inputs[index - 1].at_ms == one.at_ms:
            index -= 1
            known = self.inputs[index]
            if known.device == one.device and known.kind in (one.kind, LIFE):
                same.append(known)
        if not same:
            return one
        if one.kind > COPY:
            return None if any(known.payload == one.payload for known in same) else one
        seen = {(r[0], r[1]) for known in same for r in known.payload}
        left = tuple(r for r in one.payload if (r[0], r[1]) not in seen)
        return one._replace(payload=left) if left else None

    def _rewind(self, one: Input, now_ms: int) -> list[Change] | None:
        near = self.near
        if near is not None and near.at_ms is not None and one.at_ms > near.at_ms:
            start, index = near, self.split
        else:
            start, index = self.base, 0
        if start.at_ms is not None and one.at_ms <= start.at_ms:
            return None
        place = bisect_right(self.inputs, (one.at_ms, one.seq), key=_order)
        self.inputs.insert(place, one)
        if index == 0 and near is not None:
            self.split += 1
        before, rang_ms = self.run, self.run.rang_ms
        self._fold(start.copy(), index)
        # What rings exactly now may have rung already. A later ring was a clock gone wrong.
        self._ring_before(now_ms + 1 if rang_ms is not None and rang_ms >= now_ms else now_ms, [])
        return compare(before.alerts, self.run.alerts)

    def _fold(self, run: Run, index: int) -> None:
        """Do the inputs from `index` on again."""
        unheard: list[Change] = []
        self.run = run
        for position in range(index, len(self.inputs)):
            if position == self.split and self.near is not None and index < self.split:
                self.near = run.copy()
            one = self.inputs[position]
            self.due_ms = run.due_ms()
            self._ring_before(one.at_ms, unheard)
            run.step(one, unheard)
        if self.near is not None and index < self.split == len(self.inputs):
            self.near = run.copy()
        self.due_ms = run.due_ms()

    def dump(self) -> dict[str, Any]:
        """As JSON can carry it; of the readings only those that matter."""
        return {
            "version": self.rule.version,
            "base": self.base.dump(),
            "near": self.near is not None,
            "split": self.split,
            "inputs": self._dumped(),
            "told": [alert.dump() for alert in self.run.alerts],
            "rang": self.run.rang_ms,
        }

    def _dumped(self) -> list[tuple[Any, ...]]:
        points = self.points
        dumped = []
        for at_ms, seq, kind, device, payload in self.inputs:
            if kind <= COPY:
                payload = [reading[:2] for reading in payload if reading[0] in points]  # noqa: PLW2901
            dumped.append((at_ms, seq, kind, device, payload))
        return dumped

    def load(self, state: dict[str, Any]) -> None:
        """Back from `dump`: what was told counts, whatever a fold would say now."""
        self.base = self._make()
        self.base.load(state["base"])
        self.split = state["split"]
        self.inputs = [_loaded(*kept) for kept in state["inputs"]]
        self.near = self._make() if state["near"] else None  # the fold makes it anew
        self._fold(self.base.copy(), 0)
        if state["rang"] is not None:
            self._ring_before(state["rang"] + 1, [])
        self.run.alerts = [Alert.load(kept) for kept in state["told"]]


def _at_ms(one: Input) -> int:
    return one.at_ms


def _order(one: Input) -> tuple[int, int]:
    return (one.at_ms, one.seq)


def _loaded(at_ms: int, seq: int, kind: int, device: str, payload: Any) -> Input:
    if kind <= COPY:
        payload = tuple((point, value) for point, value in payload)
    return Input(at_ms, seq, kind, device, payload)


def compare(told: list[Alert], now: list[Alert]) -> list[Change]:
    """What people must hear so that what they were told becomes what is so.

    Alerts are the same if they opened at the same moment. An event that was told as an opening
    and now comes second, because an earlier one was heard late, stays under the moment by which
    people know it: nothing of it was wrong.
    """
    old = {alert.opened_ms: alert for alert in told}
    _keep_names(old, now)
    kept = {alert.told_as_ms for alert in now}
    changes = [
        alert.change("taken_back", alert.told_as_ms)
        for alert in told
        if alert.told_as_ms not in kept
    ]
    by_name = {alert.told_as_ms: alert for alert in told}
    for alert in now:
        changes += _differences(by_name.get(alert.told_as_ms), alert)
    return changes


def _keep_names(old: dict[int, Alert], now: list[Alert]) -> None:
    openings = {alert.opened_ms for alert in now}
    for alert in now:
        known = old.get(alert.opened_ms)
        if known is None:
            known = next((old[again] for again in alert.agains if again in old), None)
        name = alert.opened_ms if known is None else known.told_as_ms
        alert.told_as_ms = alert.opened_ms if name in openings else name


def _differences(old: Alert | None, new: Alert) -> list[Change]:
    changes = []
    if old is None or (old.closed_ms is not None and new.closed_ms is None):
        changes.append(new.change("opens", new.opened_ms))
    seen = set() if old is None else {old.opened_ms, *old.agains}
    happened = [*([] if old is None else [new.opened_ms]), *new.agains]
    changes += [new.change("again", at_ms) for at_ms in happened if at_ms not in seen]
    gone = sorted(seen.difference(happened))
    changes += [new.change(WITHDRAWN, at_ms) for at_ms in gone]
    if new.closed_ms is not None and (old is None or old.closed_ms != new.closed_ms):
        changes.append(new.change("closes", new.closed_ms))
    return changes
