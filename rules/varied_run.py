"""A run of a rule with overrides: every variant's probe hears all, the one in force is judged.

At an edge the variant changes by itself, at an exact moment of event time. What is open and also
true under the variant that takes over stays open; what is untrue there closes at the edge; what
becomes true at the edge opens then, after its `hold_for`.
"""

from typing import Any

from rules.facts import DeviceFacts
from rules.group import GroupProbe
from rules.machine import Machine, Phase
from rules.plain import plain
from rules.probe import CLOSED, ENDED, FIRED, LIFE, NOTHING, Probe
from rules.run import Change, Input, Run
from rules.schedule import Schedule, Stretch


class VariedRun(Run):
    """`probe` and `hours` are those of the variant in force; `probes` are in the order of
    `schedule.conditions`.
    """

    __slots__ = ("index", "off", "probes", "schedule")

    def __init__(self, schedule: Schedule, probes: list[Probe], machine: Machine) -> None:
        super().__init__(probes[0], machine, None)
        self.schedule = schedule
        self.probes = probes
        self._stand(0)

    @property
    def all_probes(self) -> list[Probe]:
        return self.probes

    def put_probe(self, place: int, probe: Probe) -> None:
        self.probes[place] = probe
        self._put(self.schedule.stretches[self.index])

    def stand_at(self, at_ms: int | None) -> None:
        """Be where the schedule is at that moment, as if it always had been so."""
        self._stand(0 if at_ms is None else self.schedule.index(at_ms))
        rule = self.schedule.stretches[self.index].variant.rule
        self.machine.hold_for_ms, self.machine.clear_for_ms = rule.hold_for_ms, rule.clear_for_ms

    def _stand(self, index: int) -> None:
        self.index = index
        stretch = self.schedule.stretches[index]
        for probe in self.probes:
            if isinstance(probe, GroupProbe):
                probe.begin_without(stretch.out)
        self._put(stretch)

    def adapt(self, facts: DeviceFacts) -> None:
        for probe in self.probes:
            probe.adapt(facts)

    def drop(self, device: str) -> None:
        for probe in self.probes:
            if isinstance(probe, GroupProbe):
                probe.drop(device)

    def step(self, one: Input, changes: list[Change]) -> int | None:
        at_ms, _seq, kind, device, payload = one
        self.at_ms = at_ms
        ends = self._turn(at_ms)
        if kind == CLOSED:
            self._release(at_ms, changes)
        else:
            results = [probe.take(kind, device, at_ms, payload) for probe in self.probes]
            self._happen(one, results, changes)
        self._settle_turned(at_ms, changes, ends=ends)
        return self.due_ms()

    def ring(self, at_ms: int, changes: list[Change]) -> None:
        self.at_ms = self.rang_ms = at_ms
        ends = self._turn(at_ms)
        results = [
            probe.ripen(at_ms) if probe.due_ms is not None and probe.due_ms <= at_ms else NOTHING
            for probe in self.probes
        ]
        self._happen(Input(at_ms, 0, LIFE, "", ()), results, changes)
        self._settle_turned(at_ms, changes, ends=ends)
        if self.machine.due_ms is not None and self.machine.due_ms <= at_ms:
            self._note(self.machine.ripen(at_ms), at_ms, changes)

    def turn_now(self, at_ms: int, changes: list[Change], *, was: bool | None) -> None:
        """People changed the schedule: from now on it is this one.

        `was`: was the condition that now is in force true until now? None: it was not in force.
        """
        self.at_ms = self.rang_ms = at_ms
        self.index = self.schedule.index(at_ms)
        stretch = self.schedule.stretches[self.index]
        for probe in self.probes:
            if isinstance(probe, GroupProbe):
                probe.leave_out(stretch.out, at_ms)
        self._put(stretch)
        self._wait_anew(stretch, at_ms)
        ends = was is None or (was and not self.probe.true)
        self._settle_turned(at_ms, changes, ends=ends)

    def reword(self) -> None:
        """The stretches are the same in other words."""
        self._put(self.schedule.stretches[self.index])

    def settle_now(self, at_ms: int, changes: list[Change]) -> None:
        self.at_ms = self.rang_ms = at_ms
        self._settle_turned(at_ms, changes, ends=True)

    def _happen(self, one: Input, results: list[int], changes: list[Change]) -> None:
        mine = results[self.schedule.stretches[self.index].variant.condition]
        if mine == FIRED and not self.off:
            self._fire(one, changes)
        elif ENDED in results:
            self._release(one.at_ms, changes)

    def _settle_turned(self, at_ms: int, changes: list[Change], *, ends: bool) -> None:
        inside = not self.off and (self.hours is None or self.hours.inside(at_ms))
        if inside and not (ends and not self.probe.true):
            self._note(self.machine.judge(at_ms, true=self.probe.true), at_ms, changes)
        else:
            self._note(self.machine.end(at_ms), at_ms, changes)

    def _turn(self, at_ms: int) -> bool:
        """Go to the stretch of that moment; must what is untrue now close at once?"""
        index = self.schedule.index(at_ms)
        if index == self.index:
            return False
        probe, was = self.probe, self.probe.true
        self.index = index
        stretch = self.schedule.stretches[index]
        for one in self.probes:
            if isinstance(one, GroupProbe):
                one.leave_out(stretch.out, at_ms)
        self._put(stretch)
        self._wait_anew(stretch, at_ms)
        return self.probe is not probe or (was and not self.probe.true)

    def _put(self, stretch: Stretch) -> None:
        variant = stretch.variant
        self.probe = self.probes[variant.condition]
        self.hours = variant.hours
        self.off = variant.off

    def _wait_anew(self, stretch: Stretch, at_ms: int) -> None:
        """What is being waited for goes on, for as long as the new variant says."""
        machine, rule = self.machine, stretch.variant.rule
        if machine.due_ms is not None and machine.phase is Phase.PENDING:
            machine.due_ms = max(at_ms, machine.since_ms + rule.hold_for_ms)
        elif machine.due_ms is not None and machine.phase is Phase.CLEARING:
            machine.due_ms = max(at_ms, machine.due_ms - machine.clear_for_ms + rule.clear_for_ms)
        machine.hold_for_ms, machine.clear_for_ms = rule.hold_for_ms, rule.clear_for_ms

    def due_ms(self) -> int | None:
        dues = [probe.due_ms for probe in self.probes]
        dues += [self.machine.due_ms]
        if self.at_ms is not None:
            dues.append(self.schedule.next_edge_ms(self.index))
            if self.hours is not None and self.probe.true:
                dues.append(self.hours.next_edge_ms(self.at_ms))
        return min((due for due in dues if due is not None), default=None)

    def copy(self) -> "VariedRun":
        other = VariedRun(self.schedule, [probe.copy() for probe in self.probes], self.machine)
        self.copy_into(other)
        other._stand(self.index)
        return other

    def dump(self) -> list[Any]:
        """As that of a plain run, and then the probes of the other conditions."""
        others = [
            (plain(condition), probe.dump())
            for condition, probe in zip(self.schedule.conditions, self.probes, strict=True)
        ]
        return [self.probes[0].dump(), *super().dump()[1:], others[1:]]

    def load(self, state: list[Any]) -> None:
        self.probe = self.probes[0]
        super().load(state)
        for place, kept in enumerate(self._kept(state)):
            if kept is not None:
                self.probes[place + 1].load(kept)
        self.stand_at(self.at_ms)

    def unknown_in(self, state: list[Any]) -> list[int]:
        """The places of probes of which the dump knows nothing: their override came later."""
        return [place + 1 for place, kept in enumerate(self._kept(state)) if kept is None]

    def _kept(self, state: list[Any]) -> list[Any]:
        known = state[6] if len(state) > 6 else []
        return [
            next((dump for words, dump in known if words == plain(condition)), None)
            for condition in self.schedule.conditions[1:]
        ]
