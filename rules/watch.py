"""A watch: one rule over one device or group. Folds inputs in the order of their moments.

What is true is a pure function of the set of inputs. An input that comes in order is one step
forward; a late one is put where it belongs, the fold is done again from the last checkpoint before
it, and what comes out differently is reported. Two checkpoints and the inputs since the older one
are kept: between `inputs_max` and twice as many. What is older than that is too late.
"""

from bisect import bisect_right
from collections.abc import Callable
from typing import Any

from rules.baseline import Knowledge
from rules.condition import (
    Condition,
    Every,
    Silent,
    Where,
    fires,
    hears_life,
    points_of,
    simple_of,
)
from rules.during import Hours
from rules.facts import DeviceFacts
from rules.group import probe_of
from rules.local_days import PLAIN_DAYS, LocalDays
from rules.machine import Machine, Phase
from rules.probe import COPY, LIFE, Probe
from rules.rule import Rule
from rules.run import Alert, Change, Input, Run
from rules.schedule import (
    NOTHING_SAID,
    Schedule,
    Stretch,
    Variant,
    first_difference_ms,
    said_by,
)
from rules.varied_run import VariedRun

WITHDRAWN = "withdrawn"


class Watch:
    """One rule over one key. `take` and `pass_time` return how the history changed.

    `seq` is the newest journal number in it; `armed_ms` the moment for which the judge has set
    its alarm; `unsaved` the first number that no saved row covers, None if all is saved.
    """

    __slots__ = (
        "armed_ms",
        "base",
        "conditions",
        "counts",
        "days",
        "due_ms",
        "facts",
        "fires",
        "gap_ms",
        "hears_life",
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
        "schedule",
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
        days: LocalDays = PLAIN_DAYS,
    ) -> None:
        self.rule = rule
        self.key = key
        self.id = f"{rule.name}|{key}"  # the key of its row
        self.facts = facts  # of its device, or of the group's devices
        self.hours = hours
        self.days = days
        self.schedule: Schedule | None = None  # where overrides are about it
        self.inputs_max = inputs_max
        self._listen()
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

    def _listen(self) -> None:
        """What concerns it: all that concerns the rule or one of its overrides."""
        schedule = self.schedule
        wanted = (self.rule.when,) if schedule is None else schedule.conditions
        self.conditions: tuple[Condition, ...] = wanted
        self.points = _points_of(wanted)
        self.hears_life = any(map(hears_life, wanted))
        self.fires = any(map(fires, wanted))  # its alert may be an event's: it ends with its case
        self.counts = any(isinstance(one, Every) for when in wanted for one in simple_of(when))
        self.gap_ms = self._gap_ms()  # words of life closer than that need not all be kept

    def _make(self) -> Run:
        rule, schedule = self.rule, self.schedule
        probes = [self._probe(when) for when in self.conditions]
        machine = Machine(rule.hold_for_ms, rule.clear_for_ms)
        if schedule is None:
            return Run(probes[0], machine, self.hours)
        run = VariedRun(schedule, probes, machine)
        run.stand_at(None)
        return run

    def _probe(self, when: Condition) -> Probe:
        anywhere = self.rule.where == Where()
        return probe_of(when, self.facts, self.key, anywhere=anywhere, days=self.days)

    def _gap_ms(self) -> int | None:
        if not self.hears_life:
            return None
        gaps = [facts.expected_silence_ms for facts in self.facts.values()]
        simple = [one for when in self.conditions for one in simple_of(when)]
        silences = [one.for_ms for one in simple if isinstance(one, Silent) and one.for_ms]
        return min([*gaps, *silences], default=None)

    def adapt(self, facts: DeviceFacts) -> None:
        """A device of this watch is new, or what is known of it has changed."""
        self.facts[facts.id] = facts
        self.gap_ms = self._gap_ms()
        for run in self._runs():
            run.adapt(facts)
        self.due_ms = self.run.due_ms()

    def drop(self, device: str, now_ms: int) -> list[Change]:
        """A device has left the group."""
        self.facts.pop(device, None)
        told = self.run.alerts
        for run in (self.base, self.near):
            if run is not None:
                run.drop(device)
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

    def rule_at(self, at_ms: int) -> Rule:
        """The rule as it is at that moment: its overrides change it for a while."""
        return self.rule if self.schedule is None else self.schedule.variant_at(at_ms).rule

    def over_ms(self, change: Change) -> int | None:
        """When an alert was over whose opening is only told now; None: it is open still."""
        if change.kind != "opens":
            return None
        named = (one for one in self.run.alerts if one.told_as_ms == change.opened_at_ms)
        return next((one.closed_ms for one in named), None)

    def knows(self) -> Knowledge | None:
        """How much has its condition learned? None: it need not learn."""
        return self.run.probe.knows()

    # ------------------------------------------------------------------ overrides

    def change_schedule(
        self,
        schedule: Schedule | None,
        at_ms: int,
        present: Callable[[], list[Input]],
        *,
        again: bool = True,
    ) -> list[Change]:
        """Overrides changed. What they change from a moment that is still kept on is judged again.

        What they change of an older time is so from now (`at_ms`) on, and what came before is
        settled; so is all that is past where it is not to be judged `again`, because not the
        overrides changed but the devices. `present` says what is known of the devices now, for
        conditions that are new.
        """
        moment = first_difference_ms(said_by(self.schedule), said_by(schedule))
        if moment is None:
            self._take_words(schedule)
            return []
        if self.run.at_ms is None:
            self._take_schedule(schedule)
            self.run, self.base, self.near = self._make(), self._make(), None
            return []
        if self._is_settled(moment) or (moment < at_ms and not again):
            return self._turn_now(schedule, at_ms, present)
        told, rang_ms = self.run.alerts, self.run.rang_ms
        self._refold(schedule, present)
        self._ring_before(max(at_ms, rang_ms or 0) + 1, [])
        return compare(told, self.run.alerts)

    def _take_words(self, schedule: Schedule | None) -> None:
        """The same schedule; only who says so, and why, may differ."""
        if schedule is None or self.schedule is None:
            return
        self.schedule.edges, self.schedule.stretches = schedule.edges, schedule.stretches
        for run in self._runs():
            if isinstance(run, VariedRun):
                run.reword()

    def _take_schedule(self, schedule: Schedule | None) -> None:
        self.schedule = schedule
        self._listen()

    def _refold(self, schedule: Schedule | None, present: Callable[[], list[Input]]) -> None:
        old = self.conditions
        self._take_schedule(schedule)
        self.base = self._converted(self.base, old, present)
        if isinstance(self.base, VariedRun):
            self.base.stand_at(self.base.at_ms)
        if self.near is not None:
            self.near = self.base.copy()  # the fold makes it anew
        self._fold(self.base.copy(), 0)

    def _turn_now(
        self, schedule: Schedule | None, at_ms: int, present: Callable[[], list[Input]]
    ) -> list[Change]:
        changes: list[Change] = []
        self._ring_before(at_ms, changes)
        old, before = self.conditions, self.run
        at_ms = at_ms if before.at_ms is None else max(at_ms, before.at_ms)
        held = old[[probe is before.probe for probe in before.all_probes].index(True)]
        now = schedule or self._itself()
        same = now.variant_at(at_ms).rule.when == held
        if isinstance(before, VariedRun) and before.off:
            same = False
        self._take_schedule(now)
        run = self._converted(before, old, present)
        assert isinstance(run, VariedRun)
        run.turn_now(at_ms, changes, was=before.probe.true if same else None)
        self.run = run
        if schedule is None:
            conditions = self.conditions
            self._take_schedule(None)
            self.run = self._converted(run, conditions, present)
        self.begin_here()
        self.due_ms = self.run.due_ms()
        return changes

    def _itself(self) -> Schedule:
        variant = Variant(self.rule, off=False, condition=0, hours=self.hours)
        return Schedule([], [Stretch(variant, "", frozenset())], (self.rule.when,))

    def _converted(
        self,
        old: Run,
        conditions: tuple[Condition, ...],
        present: Callable[[], list[Input]],
    ) -> Run:
        """The same run with the probes that the schedule needs; new ones learn from the others."""
        new = self._make()
        known = dict(zip(conditions, old.all_probes, strict=True))
        for place, when in enumerate(self.conditions):
            probe = known.get(when)
            if probe is not None:
                new.put_probe(place, probe.copy())
        old.copy_into(new)
        for place, when in enumerate(self.conditions):
            if when not in known:
                self._teach(new.all_probes[place], old.all_probes, old.at_ms, conditions, present)
        return new

    def _teach(
        self,
        probe: Probe,
        others: list[Probe],
        at_ms: int | None,
        conditions: tuple[Condition, ...],
        present: Callable[[], list[Input]],
    ) -> None:
        """A probe that was not there so far: what another of its kind knows, or what is known."""
        if at_ms is not None and any(probe.adopt(other, at_ms) for other in others):
            return
        points, lively = _points_of(conditions), any(map(hears_life, conditions))
        for one in present():
            kept = (
                at_ms is None or one.at_ms > at_ms
            )  # then it is among the inputs, if it was heard
            if not (kept and _was_heard(one, points, lively=lively)):
                probe.take(one.kind, one.device, one.at_ms, one.payload)
        while at_ms is not None and probe.due_ms is not None and probe.due_ms <= at_ms:
            probe.ripen(probe.due_ms)

    # ------------------------------------------------------------------ entries and time

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
        if not one[4] and self._is_between(one):  # without readings
            self.inputs[-1] = one
        else:
            inputs = self.inputs
            inputs.append(one)
            if len(inputs) - self.split >= self.inputs_max:
                self._take_checkpoint()
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

    def _take_checkpoint(self) -> None:
        inputs = self.inputs
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
        """As JSON can carry it; of the readings only those that matter. `knows` is for readers."""
        knows = self.knows()
        return {
            **({} if knows is None else {"knows": knows}),
            "version": self.rule.version,
            "schedule": said_by(self.schedule),
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

    def load(
        self, state: dict[str, Any], at_ms: int, present: Callable[[], list[Input]]
    ) -> list[Change]:
        """Back from `dump`: what was told counts, whatever a fold would say now.

        Overrides that changed since then count as in `change_schedule`.
        """
        said = [(begin, mark, out) for begin, mark, out in state.get("schedule", NOTHING_SAID)]
        moment = first_difference_ms(said, said_by(self.schedule))
        if moment is not None and said == NOTHING_SAID:
            schedule = self.schedule
            self._take_schedule(None)
            self.run.alerts = self._load(state, present)
            return self.change_schedule(schedule, at_ms, present)
        told = self._load(state, present)
        if moment is None:
            self.run.alerts = told
            return []
        if self._is_settled(moment):
            return self._take_on(told, at_ms)
        return compare(told, self.run.alerts)

    def _load(self, state: dict[str, Any], present: Callable[[], list[Input]]) -> list[Alert]:
        """Returns the alerts that were told; the run has those that the fold finds now."""
        self.base = self._make()
        self.base.load(state["base"])
        for place in self.base.unknown_in(state["base"]):
            probes = self.base.all_probes
            self._teach(probes[place], probes[:1], self.base.at_ms, (self.rule.when,), present)
        self.split = state["split"]
        self.inputs = [_loaded(*kept) for kept in state["inputs"]]
        self.near = self._make() if state["near"] else None  # the fold makes it anew
        self._fold(self.base.copy(), 0)
        if state["rang"] is not None:
            self._ring_before(state["rang"] + 1, [])
        return [Alert.load(kept) for kept in state["told"]]

    def _is_settled(self, moment: int) -> bool:
        """Is that moment older than what is kept?"""
        return moment < 0 or (self.base.at_ms is not None and moment <= self.base.at_ms)

    def _take_on(self, told: list[Alert], at_ms: int) -> list[Change]:
        """The alerts are those of a schedule that is gone: from now on the new one counts."""
        run, changes = self.run, list[Change]()
        at_ms = max(at_ms, run.at_ms or at_ms)
        self._ring_before(at_ms, [])
        run.alerts = told
        alert = run.open_alert()
        run.machine.phase = Phase.IDLE if alert is None or run.latched else Phase.OPEN
        run.machine.due_ms = None
        run.settle_now(at_ms, changes)
        self.due_ms = run.due_ms()
        self.begin_here()
        return changes


def _points_of(conditions: tuple[Condition, ...]) -> frozenset[str]:
    return frozenset[str]().union(*map(points_of, conditions))


def _was_heard(one: Input, points: frozenset[str], *, lively: bool) -> bool:
    return one.payload[0][0] in points if one.kind == COPY else lively


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
