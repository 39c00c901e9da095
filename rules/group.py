"""Conditions over several devices of one place, grid, ground, resident or site.

Each device has a probe of its own for the inner condition; here is only what they are together.
"""

from collections.abc import Mapping
from typing import Any

from rules import condition as c
from rules.facts import DeviceFacts
from rules.local_days import PLAIN_DAYS, LocalDays
from rules.probe import FIRED, GATEWAY, NOTHING, Probe, copied, probe_of_device

Facts = Mapping[str, DeviceFacts]


class Members:
    """The probes of one inner condition, by device; made when a device is first heard of.

    `timed` are the moments that they ask for; `out` are devices that do not count for now: their
    probes go on hearing.
    """

    __slots__ = ("days", "facts", "out", "probes", "step", "timed")

    def __init__(self, step: c.Step, facts: Facts, days: LocalDays) -> None:
        self.step = step
        self.days = days
        self.facts = facts
        self.probes: dict[str, Probe] = {}
        self.timed: dict[str, int] = {}
        self.out: frozenset[str] = frozenset()

    def take(self, kind: int, device: str, at: int, payload: Any) -> bool:
        """One input for one device; did its condition become true by it?"""
        probe = self._probe(device)
        if probe is None:
            return False
        before = probe.true
        result = probe.take(kind, device, at, payload)
        return self._after(device, probe, before=before, result=result)

    def gateway(self, gateway: str, at: int, payload: Any) -> None:
        """A gateway went or came back: payload is (is it there, the devices behind it).

        Of a rule over one device it is only the former.
        """
        there, devices = (payload, tuple(self.facts)) if isinstance(payload, bool) else payload
        for device in devices:
            if (probe := self._probe(device)) is not None:
                probe.take(GATEWAY, gateway, at, there)
                self._after(device, probe, before=True, result=NOTHING)

    def ripen(self, at: int) -> list[str]:
        """The devices whose condition became true by the passing of time."""
        due = [device for device, due_ms in self.timed.items() if due_ms <= at]
        return [device for device in due if self._ripened(device, at)]

    def _ripened(self, device: str, at: int) -> bool:
        probe = self.probes[device]
        before = probe.true
        result = probe.ripen(at)
        return self._after(device, probe, before=before, result=result)

    def _after(self, device: str, probe: Probe, *, before: bool, result: int) -> bool:
        if probe.due_ms is not None:
            self.timed[device] = probe.due_ms
        else:
            self.timed.pop(device, None)
        return (result == FIRED or (probe.true and not before)) and device not in self.out

    def _probe(self, device: str) -> Probe | None:
        probe = self.probes.get(device)
        if probe is None:
            facts = self.facts.get(device)
            if facts is None or not self.step.where.fits(facts):
                return None
            probe = probe_of_device(self.step.when, facts, anywhere=False, days=self.days)
            self.probes[device] = probe
        return probe

    @property
    def due_ms(self) -> int | None:
        """The next moment that one of them asks for."""
        return min(self.timed.values()) if self.timed else None

    def busy_ms(self) -> int | None:
        """The same without mere waiting for news."""
        dues = [due for probe in self.probes.values() if (due := probe.busy_ms()) is not None]
        return min(dues, default=None)

    def is_true(self, device: str) -> bool:
        """Of one device, now."""
        probe = self.probes.get(device)
        return probe is not None and probe.true and device not in self.out

    def leave_out(self, out: frozenset[str]) -> list[str]:
        """From now on these do not count; returns those that count again and are true."""
        back, self.out = self.out - out, out
        return sorted(device for device in back if self.is_true(device))

    def adopt(self, other: "Members", at: int) -> bool:
        """As of a probe, for every device."""
        return all(
            (mine := self._probe(device)) is None
            or (mine.adopt(probe, at) and not self._after(device, mine, before=True, result=0))
            for device, probe in other.probes.items()
        )

    def adapt(self, facts: DeviceFacts) -> None:
        """What is known of a device has changed."""
        if (probe := self.probes.get(facts.id)) is not None:
            probe.adapt(facts)

    def drop(self, device: str) -> None:
        """The device has left."""
        self.probes.pop(device, None)
        self.timed.pop(device, None)

    def copy(self) -> "Members":
        """Of its own."""
        other = Members(self.step, self.facts, self.days)
        other.probes = {device: probe.copy() for device, probe in self.probes.items()}
        other.timed = dict(self.timed)
        other.out = self.out
        return other

    def dump(self) -> dict[str, Any]:
        """As JSON can carry it."""
        return {device: probe.dump() for device, probe in self.probes.items()}

    def load(self, state: dict[str, Any]) -> None:
        """Back from `dump`. Devices that are gone are left out."""
        for device, kept in state.items():
            if (probe := self._probe(device)) is not None:
                probe.load(kept)
                self._after(device, probe, before=True, result=NOTHING)


class GroupProbe(Probe):
    """Base: `device` is the one that was heard last among those that matter."""

    __slots__ = ("device",)
    STATE = (*Probe.STATE, "device")

    def __init__(self) -> None:
        super().__init__()
        self.device: str | None = None

    def _members(self) -> tuple[Members, ...]:
        raise NotImplementedError

    def _own_due(self) -> int | None:
        raise NotImplementedError

    def _arm(self) -> None:
        dues = [*(members.due_ms for members in self._members()), self._own_due()]
        self.due_ms = min((due for due in dues if due is not None), default=None)

    def busy_ms(self) -> int | None:
        dues = [*(members.busy_ms() for members in self._members()), self._own_due()]
        return min((due for due in dues if due is not None), default=None)

    def adapt(self, facts: DeviceFacts) -> None:
        for members in self._members():
            members.adapt(facts)

    def leave_out(self, out: frozenset[str], at: int) -> None:
        """From now on these devices do not count; those that were out and are not count again."""
        raise NotImplementedError

    def begin_without(self, out: frozenset[str]) -> None:
        """The same where there is no moment at which it became so."""
        for members in self._members():
            members.out = out

    def drop(self, device: str) -> None:
        """A device has left the group."""
        for members in self._members():
            members.drop(device)
        self._arm()

    def dump(self) -> list[Any]:
        return [super().dump(), *(members.dump() for members in self._members())]

    def load(self, state: list[Any]) -> None:
        super().load(state[0])
        for members, kept in zip(self._members(), state[1:], strict=True):
            members.load(kept)


class TogetherProbe(GroupProbe):
    """So many different devices within the window of one another, and still so many.

    `onsets` holds when each became true: of a lasting condition those that are true now, of an
    event those whose window has not passed.
    """

    __slots__ = ("at_least", "lasting", "members", "onsets", "within")
    STATE = (*GroupProbe.STATE, "onsets")

    def __init__(self, wanted: c.Together, facts: Facts, days: LocalDays) -> None:
        super().__init__()
        self.at_least, self.within = wanted.at_least, wanted.within_ms
        self.lasting = c.lasts(wanted.when)
        self.members = Members(c.Step(wanted.when, wanted.where), facts, days)
        self.onsets: dict[str, int] = {}

    def _members(self) -> tuple[Members, ...]:
        return (self.members,)

    def take(self, kind: int, device: str, at: int, payload: Any) -> int:
        if kind == GATEWAY:
            self.members.gateway(device, at, payload)
        elif self.members.take(kind, device, at, payload):
            self._join(device, at)
        self._weigh(at)
        return NOTHING

    def ripen(self, at: int) -> int:
        for device in self.members.ripen(at):
            self._join(device, at)
        self._weigh(at)
        return NOTHING

    def leave_out(self, out: frozenset[str], at: int) -> None:
        back = self.members.leave_out(out)
        self.onsets = {d: onset for d, onset in self.onsets.items() if d not in out}
        for device in back:
            self._join(device, at)
        self._weigh(at)

    def adopt(self, other: Probe, at: int) -> bool:
        if not isinstance(other, TogetherProbe) or other.lasting != self.lasting:
            return False
        if not self.members.adopt(other.members, at):
            return False
        is_true, onsets = self.members.is_true, other.onsets
        known = self.members.probes if self.lasting else onsets
        self.onsets = {d: onsets.get(d, at) for d in known if not self.lasting or is_true(d)}
        self.device = other.device
        self.true = self.lasting and self._gathered()
        self._weigh(at)
        return True

    def _gathered(self) -> bool:
        """Did so many ever become true within the window?"""
        times = sorted(self.onsets.values())
        pairs = zip(times, times[self.at_least - 1 :], strict=False)
        return any(last - first < self.within for first, last in pairs)

    def _join(self, device: str, at: int) -> None:
        self.onsets[device] = at
        self.device = device

    def _weigh(self, at: int) -> None:
        if self.lasting:
            is_true = self.members.is_true
            self.onsets = {d: onset for d, onset in self.onsets.items() if is_true(d)}
            gathered = self.true  # it stays true while so many are true, whenever they became so
        else:
            self.onsets = {d: t for d, t in self.onsets.items() if t > at - self.within}
            gathered = False
        near = sum(1 for onset in self.onsets.values() if onset > at - self.within)
        self.true = (gathered and len(self.onsets) >= self.at_least) or near >= self.at_least
        self.value = len(self.onsets)
        self._arm()

    def _own_due(self) -> int | None:
        if self.lasting or not self.true:
            return None
        newest = sorted(self.onsets.values(), reverse=True)
        return newest[self.at_least - 1] + self.within

    def copy(self) -> "TogetherProbe":
        other = super().copy()
        assert isinstance(other, TogetherProbe)
        other.members, other.onsets = self.members.copy(), dict(self.onsets)
        return other


class PairProbe(GroupProbe):
    """Base of the two sequences: a first half and a second."""

    __slots__ = ("by", "first", "second", "since", "within")
    STATE = (*GroupProbe.STATE, "since", "by")

    def __init__(
        self, first: c.Step, second: c.Step, within_ms: int, facts: Facts, days: LocalDays
    ) -> None:
        super().__init__()
        self.first, self.second = Members(first, facts, days), Members(second, facts, days)
        self.within = within_ms
        self.since: int | None = None  # when the first half happened
        self.by: str | None = None  # of which device

    def _members(self) -> tuple[Members, ...]:
        return (self.first, self.second)

    def take(self, kind: int, device: str, at: int, payload: Any) -> int:
        if kind == GATEWAY:
            for members in self._members():
                members.gateway(device, at, payload)
            return self._go([], [], at)
        first = [device] if self.first.take(kind, device, at, payload) else []
        second = [device] if self.second.take(kind, device, at, payload) else []
        return self._go(first, second, at)

    def leave_out(self, out: frozenset[str], at: int) -> None:
        first, second = self.first.leave_out(out), self.second.leave_out(out)
        if self.by in out:
            self.since = self.by = None
        self._go(first, second, at)

    def adopt(self, other: Probe, at: int) -> bool:
        if not isinstance(other, PairProbe) or type(other) is not type(self):
            return False
        if not (self.first.adopt(other.first, at) and self.second.adopt(other.second, at)):
            return False
        for slot in self.STATE:
            setattr(self, slot, copied(getattr(other, slot)))
        self._go([], [], at)
        return True

    def ripen(self, at: int) -> int:
        return self._go(self.first.ripen(at), self.second.ripen(at), at)

    def _go(self, first: list[str], second: list[str], at: int) -> int:
        raise NotImplementedError

    def copy(self) -> "PairProbe":
        other = super().copy()
        assert isinstance(other, PairProbe)
        other.first, other.second = self.first.copy(), self.second.copy()
        return other


class ThenProbe(PairProbe):
    """The second half follows the first within the window, and is still true (if it lasts)."""

    __slots__ = ("event", "following")
    STATE = (*PairProbe.STATE, "following")

    def __init__(self, wanted: c.Then, facts: Facts, days: LocalDays) -> None:
        super().__init__(wanted.first, wanted.then, wanted.within_ms, facts, days)
        self.event = not c.lasts(wanted.then.when)
        self.following: list[str] = []  # devices of the second half that are true since it followed

    def _go(self, first: list[str], second: list[str], at: int) -> int:
        followed = bool(second) and self.since is not None and at - self.within < self.since < at
        if followed:
            self.device = second[-1]
            self.following = [] if self.event else [*self.following, *second]
        if first:
            self.since, self.by = at, first[-1]
        self.following = [device for device in self.following if self.second.is_true(device)]
        self.true = bool(self.following)
        self._arm()
        return FIRED if followed and self.event else NOTHING

    def _own_due(self) -> int | None:
        return None


class WithoutProbe(PairProbe):
    """The first half happened and the second did not follow in time, until it does after all.

    `since` is the oldest first half that waits for an answer: one answer is enough for all.
    """

    __slots__ = ()

    def __init__(self, wanted: c.Without, facts: Facts, days: LocalDays) -> None:
        super().__init__(wanted.first, wanted.without, wanted.within_ms, facts, days)

    def _go(self, first: list[str], second: list[str], at: int) -> int:
        if second and self.since is not None and at > self.since:
            self.since = None
        if first and self.since is None:
            self.since = at
            self.device = self.by = first[-1]
        self.true = self.since is not None and at >= self.since + self.within
        self._arm()
        return NOTHING

    def _own_due(self) -> int | None:
        return None if self.since is None or self.true else self.since + self.within


def probe_of(
    wanted: c.Condition,
    facts: Facts,
    device: str,
    *,
    anywhere: bool,
    days: LocalDays = PLAIN_DAYS,
) -> Probe:
    """A fresh probe for a watched thing: the device, or the group that `facts` names."""
    match wanted:
        case c.Together():
            return TogetherProbe(wanted, facts, days)
        case c.Then():
            return ThenProbe(wanted, facts, days)
        case c.Without():
            return WithoutProbe(wanted, facts, days)
        case _:
            return probe_of_device(wanted, facts[device], anywhere=anywhere, days=days)
