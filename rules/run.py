"""A run: where the fold over inputs and timers of one watch stands, and its alerts."""

from typing import Any, NamedTuple

from device_drivers.reading import Value
from rules.during import Hours
from rules.facts import DeviceFacts
from rules.group import GroupProbe
from rules.machine import CLOSES, OPENS, Machine
from rules.probe import CLOSED, ENDED, FIRED, LIFE, Probe


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

    @property
    def all_probes(self) -> list[Probe]:
        """Of every condition of the rule and its overrides, the rule's own first."""
        return [self.probe]

    def unknown_in(self, _state: list[Any]) -> list[int]:
        """The places of probes of which a dump knows nothing."""
        return []

    def put_probe(self, place: int, probe: Probe) -> None:
        """Another in its place."""
        assert place == 0
        self.probe = probe

    def adapt(self, facts: DeviceFacts) -> None:
        """What is known of a device has changed."""
        self.probe.adapt(facts)

    def drop(self, device: str) -> None:
        """A device has left the group."""
        if isinstance(self.probe, GroupProbe):
            self.probe.drop(device)

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
        if result:
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

    def settle_now(self, at_ms: int, changes: list[Change]) -> None:
        """What is untrue now closes at once, without `clear_for`."""
        self.at_ms = self.rang_ms = at_ms
        if self.probe.true:
            self._settle(at_ms, changes)
        else:
            self._note(self.machine.end(at_ms), at_ms, changes)

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
        other = Run(self.probe.copy(), self.machine, self.hours)
        self.copy_into(other)
        return other

    def copy_into(self, other: "Run") -> None:
        """All but the probe and the hours."""
        other.machine = self.machine.copy()
        other.alerts = [alert.copy() for alert in self.alerts]
        other.latched, other.at_ms, other.rang_ms = self.latched, self.at_ms, self.rang_ms

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
        self.latched, self.at_ms, self.rang_ms = state[3:6]
