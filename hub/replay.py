"""The past, judged once more: entries of the journal go in, a history comes out. No I/O, no clock.

The very judge that runs in production, fed by the very docket, in parts that do not concern each
other (`hub/apart.py`).
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hub.apart import Part, parts_of
from hub.cases import Cases
from hub.device_facts import facts_of
from hub.devices import Device, Devices
from hub.docket import Docket
from hub.journal import COMMAND, GATEWAY, REDECODED, Entry
from hub.world import AFTER_ALL, PastCase, World
from rules.calendar import PLAIN, Calendar
from rules.condition import same_of
from rules.entry import CaseClosed, ServiceDone
from rules.finding import Finding
from rules.judge import SITE, Judge
from rules.past import History, Learned
from rules.rule import RuleSet

LOOK_EVERY = 5_000  # entries between two looks at findings and two words of progress

Progress = Callable[[int, int], None]  # entries done, and the moment up to which
Moment = tuple[int, Entry | None]  # what the hub's clock showed by then; None: it only went on


class TooMany(Exception):
    """The rules open more alerts than are kept: somebody should look at them first."""

    def __init__(self, alerts_max: int) -> None:
        super().__init__(
            f"more than {alerts_max} alerts (HUB_BACKTEST_ALERTS_MAX): "
            "try fewer rules, or a shorter span"
        )


class Timing(NamedTuple):
    """Judged until `to_ms`, counted from `from_ms` on.

    `hub_since_ms`: from when the hub is thought to run; None: as long as its register says.
    """

    hub_since_ms: int | None
    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On which terms the past is judged."""

    zone: ZoneInfo
    calendar: Calendar = PLAIN
    site: str = "demo"
    rewind_inputs_max: int = 128
    settle_ms: int = 20
    # An event's alert ends with its case. For a rule that had none then: after so long.
    case_closed_after_ms: int = 1_800_000
    alerts_max: int = 200_000
    row_entries_max: int = 60_000  # entries within which the words of a device come in a row


def replay(
    entries: Iterable[Entry],
    rules: RuleSet,
    world: World,
    terms: Terms,
    timing: Timing,
    *,
    assumed: Sequence[str] = (),
    alias: Mapping[str, str] | None = None,
    progress: Progress = lambda _done, _at_ms: None,
) -> History:
    """Judge entries of the journal, in its order, and the passing of time.

    `assumed` are rules whose cases nobody could close then. `alias`: other names for the rules of
    cases. Raises `TooMany`, and whatever `progress` raises to make an end.
    """
    by_turns = [*assumed, *([] if terms.row_entries_max else [rule.name for rule in rules.rules])]
    parts = parts_of(rules, world, terms.site, by_turns=by_turns, alias=alias)[0]
    moments = ((entry[3], entry) for entry in entries)
    return replay_parts(moments, parts, terms, timing, assumed, alias, progress)


def replay_parts(
    moments: Iterable[Moment],
    parts: Iterable[Part],
    terms: Terms,
    timing: Timing,
    assumed: Collection[str] = (),
    alias: Mapping[str, str] | None = None,
    progress: Progress = lambda _done, _at_ms: None,
) -> History:
    """The same for parts of a whole; each takes of the entries what concerns it."""
    assumed = frozenset(assumed)
    stages = [_Stage(part, terms, timing.hub_since_ms, assumed, alias or {}) for part in parts]
    routes = _Routes(stages)
    now_ms: int | None = None
    for number, (at_ms, entry) in enumerate(moments, start=1):
        if now_ms is None or at_ms > now_ms:  # the hub's clock, which no entry sets back
            if now_ms is None:
                for stage in stages:
                    stage.begin(at_ms)
            now_ms = at_ms
        if entry is not None:
            carries = is_carried(entry)
            for stage in stages if carries else routes[entry[2]]:
                stage.hear(entry, now_ms, alone=not carries)
        if number % LOOK_EVERY == 0:
            for stage in stages:
                stage.collect()
            _check_count(stages, terms)
            progress(number, at_ms)
    history = History()
    for stage in stages:
        stage.finish(timing.to_ms)
        history.join(stage.history)
    _check_count(stages, terms)
    return history


def is_carried(entry: Entry) -> bool:
    """Does it concern others than the device itself: people's commands, gateways, wills?"""
    if entry[1] == COMMAND or entry[8] & GATEWAY:
        return True
    return any(reading[0] == "online" for reading in entry[4])


def _check_count(stages: Iterable["_Stage"], terms: Terms) -> None:
    if sum(len(stage.history) for stage in stages) > terms.alerts_max:
        raise TooMany(terms.alerts_max)


class _Routes(dict[str | None, tuple["_Stage", ...]]):
    """Which stages must hear what a device says."""

    def __init__(self, stages: Sequence["_Stage"]) -> None:
        super().__init__({None: tuple(stages)})
        self._stages = stages

    def __missing__(self, device: str | None) -> tuple["_Stage", ...]:
        assert device is not None
        found = tuple(stage for stage in self._stages if stage.part.hears(device))
        self[device] = found
        return found


class _Stage:
    """The hub of a backtest: judge and docket, the devices that are yet to come, the history."""

    def __init__(
        self,
        part: Part,
        terms: Terms,
        begin_ms: int | None,
        assumed: frozenset[str],
        alias: Mapping[str, str],
    ) -> None:
        self.history = History()
        self.part = part
        rules, world = part.rules, part.world
        self._terms = terms
        self._judge = Judge(
            rules,
            zone=terms.zone,
            calendar=terms.calendar,
            site=terms.site,
            rewind_inputs_max=terms.rewind_inputs_max,
        )
        self._docket = Docket(self._judge, Cases(), Devices(), [])
        self._docket.devices.replace(world.devices, world.ghosts)
        self._docket.roll.know_gateways(world.gateways)
        self._cases = _Closings(world.cases, alias)
        self._assumed = assumed & {rule.name for rule in rules.rules}
        self._order = count()
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._next_ms = 0
        self._now_ms = begin_ms or 0
        # Thousands of devices by turns are too many for the processor's cache: where nothing binds
        # devices together, the words of one are judged in a row. Its time is its own then.
        self._rows: dict[str, list[tuple[Entry, int]]] = {}  # put off, by device
        self._carried: dict[str, set[str]] = {}  # of whom a gateway brought such words
        self._put_off_count = 0
        self._seen_ms = self._now_ms
        alone = all(same_of(rule.when) == "device" for rule in rules.rules)
        self._row_max = terms.row_entries_max if alone and not self._assumed else 0
        for device in world.devices:
            self._at(device.added_ms, self._adder(device, begin_ms))
        # By the number of the command: the case's key, and what closes it.
        self._closers: dict[int, list[tuple[str, Callable[[], None]]]] = {}
        for case in world.cases:
            if case.closed_ms is not None and (begin_ms is None or case.closed_ms >= begin_ms):
                self._will_close(case, case.closed_ms)
        if begin_ms is not None:
            self._go_on(begin_ms)

    def _adder(self, device: Device, begin_ms: int | None) -> Callable[[], None]:
        facts = facts_of(device)
        if begin_ms is not None and (facts.known_since_ms or 0) < begin_ms:
            facts = replace(facts, known_since_ms=begin_ms)

        def take_up() -> None:
            known = facts if facts.known_since_ms else replace(facts, known_since_ms=self._now_ms)
            self._docket.roll.know(known)

        return take_up

    def _will_close(self, case: PastCase, closed_ms: int) -> None:
        """At the place of its command in the journal; where that is not known, at its moment."""
        for name in self._cases.names(case.rule):
            do = self._closer(name, case.key, closed_ms, case.seq)
            if case.seq == AFTER_ALL:
                self._at(closed_ms, do)
            else:
                self._closers.setdefault(case.seq, []).append((case.key, do))

    def _closer(self, rule: str, key: str, at_ms: int, seq: int) -> Callable[[], None]:
        closed = CaseClosed(seq, rule, key, at_ms)
        return lambda: self._judge.judge(closed)

    def _at(self, at_ms: int, do: Callable[[], None]) -> None:
        heappush(self._due, (at_ms, next(self._order), do))
        self._next_ms = self._due[0][0]

    # -- what goes in ----------------------------------------------------------------------------

    def begin(self, now_ms: int) -> None:
        """The first entry of all has come, whomever it concerns."""
        if now_ms > self._now_ms:
            self._go_on(now_ms)

    def hear(self, entry: Entry, now_ms: int, *, alone: bool) -> None:
        """One entry: first what fell due before it, then itself. `alone`: it concerns no others."""
        self._seen_ms = now_ms
        if not self._row_max:
            self._hear(entry, now_ms)
        elif entry[8] & REDECODED or entry[2] == SITE or (self._due and self._next_ms <= now_ms):
            self._hear_rows()
            self._hear(entry, now_ms)
        elif alone:
            self._put_off(entry, now_ms)
        else:
            for name in self._concerned(entry):
                self._hear_row(name, now_ms)
            self._take(entry)

    def _put_off(self, entry: Entry, now_ms: int) -> None:
        _, _, device, _, _, _, _, gateway, *_ = entry
        self._rows.setdefault(device or "", []).append((entry, now_ms))
        if gateway is not None:
            self._carried.setdefault(gateway, set()).add(device or "")
        self._put_off_count += 1
        if self._put_off_count >= self._row_max:
            self._hear_rows()

    def _concerned(self, entry: Entry) -> list[str]:
        """Devices whose words before it must be judged before it, and none of those after it.

        Of a gateway those that are behind it, or may be by what they have said since.
        """
        if entry[1] == COMMAND:
            device = str((entry.body or {}).get("device"))
            keys = [key for key, _ in self._closers.get(entry.seq, ())]
            return sorted({device, *keys})
        carrier = entry[2] or ""
        behind = self._judge.behind(carrier)
        return sorted({carrier, *behind, *self._carried.get(carrier, ())})

    def _hear_rows(self) -> None:
        """All that was put off, device by device; then it is the same time for all."""
        began_ms = self._now_ms
        for name in sorted(self._rows):
            self._judge.tick_device(name, began_ms - self._terms.settle_ms)  # its own time
            self._hear_row(name, None)
        self._carried.clear()
        self._put_off_count = 0
        self._go_on(max(self._seen_ms, self._now_ms))

    def _hear_row(self, name: str, until_ms: int | None) -> None:
        """What a device said, each after the timers before it; then those until a moment."""
        tick, hear, settle_ms = self._judge.tick_device, self._docket.hear, self._terms.settle_ms
        rung_ms = self._now_ms
        for entry, now_ms in self._rows.pop(name, ()):
            if now_ms > rung_ms:  # as by turns: timers ring when time has passed
                rung_ms = now_ms
                tick(name, rung_ms - settle_ms)
            hear(entry)
        if until_ms is not None:
            tick(name, until_ms - settle_ms)

    def _hear(self, entry: Entry, now_ms: int) -> None:
        if now_ms > self._now_ms:
            self._go_on(now_ms)
        self._take(entry)
        if self._assumed:
            self.collect()

    def _take(self, entry: Entry) -> None:
        if entry[1] == COMMAND:
            self._order_of(entry)
        else:
            self._docket.hear(entry)

    def _order_of(self, entry: Entry) -> None:
        for _, close in self._closers.pop(entry.seq, ()):
            close()
        body = entry.body or {}
        device = str(body.get("device"))
        if body.get("act") == "service":
            self._judge.judge(ServiceDone(entry.seq, device, entry.arrived_ms))
        elif body.get("act") == "swap" and device in self._docket.devices.by_id:
            self._docket.roll.swapped(device, entry.seq, entry.arrived_ms)
            self._docket.roll.take_renewed()

    def _go_on(self, now_ms: int) -> None:
        """Time passes: timers ring as a hub that keeps pace rings them, each at its moment."""
        self._now_ms = self._docket.now_ms = now_ms
        settled_ms = now_ms - self._terms.settle_ms
        while self._due and self._next_ms <= now_ms:
            at_ms, _, do = heappop(self._due)
            self._next_ms = self._due[0][0] if self._due else 0
            self._ring_until(min(at_ms, settled_ms))
            do()
        self._ring_until(settled_ms)
        self._judge.tick(settled_ms)

    def _ring_until(self, until_ms: int) -> None:
        judge = self._judge
        while (due_ms := judge.due_ms) is not None and due_ms <= until_ms:
            judge.tick(due_ms)
            if self._assumed:
                self.collect()

    def finish(self, end_ms: int) -> None:
        """Nothing more is heard; time runs on until then."""
        self._hear_rows()
        self._go_on(max(end_ms, self._now_ms) + self._terms.settle_ms)
        self.collect()
        learned = (Learned(*one) for one in self._judge.learned())
        self.history.learned += [one for one in learned if self.part.owns(one.rule, one.key)]

    # -- what comes out --------------------------------------------------------------------------

    def collect(self) -> None:
        """What was found goes into the history, if it is this part's to say."""
        judge, history, owns = self._judge, self.history, self.part.owns
        for found in judge.take_findings():
            if owns(found.rule.name, found.key):
                history.note(found)
            if found.kind == "opens" and found.rule.name in self._assumed:
                self._will_be_closed(found)
        for withdrawn in judge.take_withdrawn():
            history.withdraw(withdrawn)

    def _will_be_closed(self, found: Finding) -> None:
        """Nobody closed the case of a rule that was not there; somebody would have."""
        if self._cases.was_open(found.rule.name, found.key, found.at_ms):
            return
        at_ms = max(found.at_ms, found.heard_ms) + self._terms.case_closed_after_ms
        self._at(at_ms, self._closer(found.rule.name, found.key, at_ms, AFTER_ALL))


class _Closings:
    """The cases of the log by the names that the rules have here."""

    def __init__(self, cases: Iterable[PastCase], alias: Mapping[str, str]) -> None:
        self._alias = alias
        self._spans: dict[tuple[str, str], list[tuple[int, float]]] = {}
        for case in cases:
            span = (case.raised_ms, float("inf") if case.closed_ms is None else case.closed_ms)
            for name in self.names(case.rule):
                self._spans.setdefault((name, case.key), []).append(span)

    def names(self, rule: str) -> tuple[str, ...]:
        """Under which names a rule of the log is judged here."""
        other = self._alias.get(rule)
        return (rule,) if other is None else (rule, other)

    def was_open(self, rule: str, key: str, at_ms: int) -> bool:
        """Had people a case of it open at that moment, which they closed or have still?"""
        return any(since <= at_ms < until for since, until in self._spans.get((rule, key), ()))
