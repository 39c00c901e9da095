"""The judge: feeds every watch what concerns it, rings its timers, and says what was found.

A deterministic fold over the journal: the same entries give the same history, in whatever order
they are judged. Devices and rules meet here: each rule is watched over each device that fits it
(or each group that they share).
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from heapq import heappop, heappush
from itertools import count
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from device_drivers.reading import Reading, Value
from rules.baseline import Knowledge
from rules.calendar import PLAIN, Calendar
from rules.condition import Happens, same_of
from rules.entry import CaseClosed, Entry, Heard, ServiceDone
from rules.explanation import text, why
from rules.facts import DeviceFacts
from rules.finder import Finder, key_of
from rules.finding import Finding, Standing, TooLate, Withdrawn
from rules.local_days import LocalDays
from rules.override import Override
from rules.point import is_event
from rules.probe import CLOSED, COPY, GATEWAY, LIFE, SERVICE, START
from rules.rule import GRAVE, Rule, RuleChanges, RuleSet, diff
from rules.run import Change, Input
from rules.schedule import Schedules, said_by
from rules.watch import WITHDRAWN, Watch

SITE = "@site"  # the "gateway" of all devices: the site's link, or the broker itself
TOO_LATE_MAX = 1_000  # newest entries that came too late and are still listed
ROUTES_MAX = 64  # combinations of points of one device that are remembered

_new = tuple.__new__  # for what is made of every message: Input(…) takes twice as long

_RULES_KEY = "rules|"
_DEVICE_KEY = "device|"


class Route(NamedTuple):
    """Who must hear a message with such points, and whether its readings matter to them.

    `kept`: the places of those readings that matter to any of them; None: all do. They are kept
    with the inputs of each, for as long as late news may come.
    """

    kept: tuple[int, ...] | None
    whom: tuple[tuple[Watch, bool], ...]


class _Device:
    """A device, the newest value of each of its points, and who listens to it."""

    __slots__ = (
        "facts",
        "heard_by",
        "id",
        "latest",
        "routes",
        "seq",
        "unsaved",
        "watches",
        "word",
    )

    def __init__(self, facts: DeviceFacts) -> None:
        self.facts = facts
        self.id = f"{_DEVICE_KEY}{facts.id}"
        self.latest: dict[str, tuple[Value, int]] = {}
        self.word: int | None = None  # its last sign of life
        self.heard_by: str | None = None  # the gateway that heard it last, as messages say
        self.watches: list[Watch] = []
        self.routes: dict[tuple[str, ...], Route] = {}
        self.seq = 0
        self.unsaved: int | None = None

    def route(self, points: tuple[str, ...]) -> Route:
        """Who must hear a message with these points, and which of its readings matter."""
        found = self.routes.get(points)
        if found is None:
            if len(self.routes) >= ROUTES_MAX:
                self.routes.clear()
            found = self.routes[points] = self._find_route(points)
        return found

    def _find_route(self, points: tuple[str, ...]) -> Route:
        heard = frozenset(points)
        whom = tuple(
            (watch, not heard.isdisjoint(watch.points))
            for watch in self.watches
            if watch.hears_life or not heard.isdisjoint(watch.points)
        )
        wanted = frozenset[str]().union(*(watch.points for watch in self.watches))
        kept = tuple(place for place, point in enumerate(points) if point in wanted)
        return Route(None if len(kept) == len(points) else kept, whom)

    def note(self, readings: tuple[Reading, ...], *, retained: bool) -> None:
        """Keep the newest values, by the moments at which they were so."""
        latest = self.latest
        for point, value, at_ms, _unit in readings:
            assert at_ms is not None
            known = latest.get(point)
            if (known is None or at_ms >= known[1]) and not (retained and is_event(point)):
                latest[point] = (value, at_ms)

    def dump(self) -> dict[str, Any]:
        """As JSON can carry it."""
        return {"latest": self.latest, "word": self.word, "heard_by": self.heard_by}

    def load(self, state: Mapping[str, Any]) -> None:
        """Back from `dump`."""
        self.latest = {point: (value, at) for point, (value, at) in state["latest"].items()}
        self.word = state["word"]
        self.heard_by = state.get("heard_by")
        if self.heard_by is not None:
            self.facts = replace(self.facts, gateway=self.heard_by)


class Judge:
    """See the module. Every entry has a `seq` of its own, at least 1."""

    def __init__(
        self,
        rules: RuleSet,
        *,
        overrides: Iterable[Override] = (),
        zone: ZoneInfo,
        calendar: Calendar = PLAIN,
        rewind_inputs_max: int = 128,
        site: str = "demo",
    ) -> None:
        self.rules = rules
        self._finder = Finder(rules)
        self.too_late: list[TooLate] = []  # the newest ones
        self.too_late_count = 0
        self.orphans: list[tuple[str, str, int]] = []  # open alerts of rules that are gone
        self._zone = zone
        self._days = LocalDays(zone, calendar)
        self._site = site
        self._inputs_max = rewind_inputs_max
        self._own_overrides = tuple(overrides)  # those that are in no file
        self._schedules = Schedules(zone, calendar)
        self._schedules.put((*rules.overrides, *self._own_overrides))
        self._devices: dict[str, _Device] = {}
        self._watches: dict[str, Watch] = {}
        self._behind: dict[str, set[str]] = {SITE: set()}
        self._now: int | None = None
        self._newest = 0
        self._unstarted: dict[str, DeviceFacts] = {}
        self._alarms: list[tuple[int, int, Watch]] = []
        self._order = count()
        self._found: list[Finding] = []
        self._withdrawn: list[Withdrawn] = []
        self._dirty: dict[str, Watch | _Device] = {}  # the longest unsaved first
        self._unsaved: list[tuple[int, str]] = []  # a heap; what is no longer so is skipped
        self._must: dict[str, Watch | _Device] = {}
        self._waiting: dict[str, Standing] = {}  # rows of devices that are not known yet
        self._rules_saved = False
        self._shown: dict[str, None] = {}

    # ------------------------------------------------------------------ devices

    def know(self, facts: DeviceFacts) -> None:
        """Add a device, or take notice that something about it has changed."""
        device = self._devices.get(facts.id)
        if device is not None and device.heard_by is not None:
            facts = replace(facts, gateway=device.heard_by)
        if device is not None and device.facts == facts:
            return
        if device is None:
            device = self._devices[facts.id] = _Device(facts)
            self._behind[SITE].add(facts.id)
            self._put_behind(device, None)
            self._restore_device(device)
            facts = device.facts
            self._unstarted[facts.id] = facts
        else:
            old = device.facts.gateway
            device.facts = facts
            self._put_behind(device, old)
            if old is not None and old != facts.gateway:
                self._gateway_input(old, [facts.id], 0, self._now or 0, there=True)
        self._match(device)
        if self._now is not None or facts.known_since_ms is not None:
            self._start(facts)

    def forget(self, device_id: str) -> None:
        """The device is gone; what was open about it closes."""
        device = self._devices.pop(device_id, None)
        if device is None:
            return
        for watch in device.watches:
            self._leave(watch, device_id)
        self._unstarted.pop(device_id, None)
        self._dirty.pop(device.id, None)
        self._must.pop(device.id, None)
        for behind in self._behind.values():
            behind.discard(device_id)

    def latest(self, device: str) -> Mapping[str, tuple[Value, int]]:
        """The newest value of each point and the moment at which it was so."""
        known = self._devices.get(device)
        return {} if known is None else known.latest

    def knows(self, rule: str, key: str) -> Knowledge | None:
        """How much the rule has learned of what it watches under that key; None: nothing."""
        watch = self._watches.get(f"{rule}|{key}")
        return None if watch is None else watch.knows()

    def learned(self) -> Iterator[tuple[str, str, Knowledge]]:
        """By rule and key, what every rule that learns has learned."""
        for watch in self._watches.values():
            knowledge = watch.knows()
            if knowledge is not None:
                yield watch.rule.name, watch.key, knowledge

    def explained(self) -> dict[str, str]:
        """The devices that a gateway explains right now, and which one; the site before others."""
        found: dict[str, str] = {}
        for gateway, behind in self._behind.items():  # the site is the first of them
            if self._is_gone(gateway):
                for device in behind:
                    found.setdefault(device, gateway)
        return found

    def facts_of(self, device: str) -> DeviceFacts:
        """What is known of a device, with the gateway that heard it last."""
        return self._devices[device].facts

    def insist(self, device: str) -> None:
        """What is known of a device is saved with the next rows: its entry is not read again."""
        known = self._devices[device]
        self._must[known.id] = known
        self._must |= {watch.id: watch for watch in known.watches}

    @property
    def newest_seq(self) -> int:
        """The highest number that was judged."""
        return self._newest

    def behind(self, gateway: str) -> Set[str]:
        """The devices that are behind a gateway, whether it is there or not."""
        return self._behind.get(gateway, frozenset())

    def move(self, seq: int, name: str, gateway: str, at_ms: int) -> None:
        """From now on the device is heard by this gateway, says the entry of that number.

        What another one's absence explained is explained no more. Cheap, because no rule asks by
        which gateway a device is heard: a device between two of them moves with every message.
        """
        device = self._devices[name]
        old = device.facts.gateway
        device.heard_by = gateway
        self._soil_device(device, seq)
        if old == gateway:
            return
        if self._now is None or at_ms > self._now:
            self._now = at_ms
        device.facts = facts = replace(device.facts, gateway=gateway)
        for watch in device.watches:
            watch.facts[name] = facts
        self._put_behind(device, old)
        if old is not None and self._is_gone(old):
            self._gateway_input(old, [name], seq, at_ms, there=True)
        if self._is_gone(gateway):
            self._gateway_input(gateway, [name], seq, at_ms, there=False)

    def swapped(self, seq: int, facts: DeviceFacts, at_ms: int) -> None:
        """Another device is in the place of this one, says the entry of that number.

        Its silence counts from now, and no gateway has heard it yet. The rows are written with the
        answer: whoever was told so must find it so after any kill.
        """
        device = self._devices[facts.id]
        device.heard_by = None
        self.know(facts)
        self.hear(seq, facts.id, at_ms, ())
        self._must[device.id] = device
        self._must.update({watch.id: watch for watch in device.watches})

    def _put_behind(self, device: _Device, old: str | None) -> None:
        gateway = device.facts.gateway
        if old is not None and old != gateway:
            self._behind[old].discard(device.facts.id)
        if gateway is not None:
            self._behind.setdefault(gateway, set()).add(device.facts.id)

    def _match(self, device: _Device, *, afresh: bool = True) -> None:
        """Who watches it; what is new of them begins with what is known (unless not `afresh`)."""
        wanted = {
            f"{rule.name}|{key}": (rule, key)
            for rule in self._rules_about(device.facts)
            if (key := key_of(rule, device.facts, self._site)) is not None
        }
        for watch in device.watches:
            if watch.id not in wanted:
                self._leave(watch, device.facts.id)
        device.watches = [self._watch(device, *names, afresh=afresh) for names in wanted.values()]
        device.routes.clear()

    def _rules_about(self, facts: DeviceFacts) -> Iterator[Rule]:
        if self._finder.of is not self.rules:
            self._finder = Finder(self.rules)
        return self._finder.may_fit(facts)

    def _watch(self, device: _Device, rule: Rule, key: str, *, afresh: bool) -> Watch:
        name = f"{rule.name}|{key}"
        watch = self._watches.get(name)
        fresh = watch is None or device.facts.id not in watch.facts
        if watch is None:
            watch = self._watches[name] = Watch(
                rule,
                key,
                facts={device.facts.id: device.facts},
                hours=self._schedules.hours_of(rule.during),
                inputs_max=self._inputs_max,
                days=self._days,
            )
        watch.adapt(device.facts)
        self._schedule(watch, again=not afresh)
        if not afresh:
            return watch
        if fresh and not self._take_up(watch) and (device.latest or device.word is not None):
            self._seed(watch, device)
        self._explain(watch, device.facts)
        self._arm(watch)
        return watch

    def _schedule(self, watch: Watch, *, again: bool = True) -> None:
        """Which overrides are about it, and when."""
        if not self._schedules.has(watch.rule) and watch.schedule is None:
            return
        schedule = self._schedules.schedule(watch.rule, watch.key, watch.facts)
        heard = (watch.points, watch.hears_life)
        changes = watch.change_schedule(
            schedule, self._moment(watch), lambda: self._present(watch), again=again
        )
        if (watch.points, watch.hears_life) != heard:
            for name in watch.facts:
                self._devices[name].routes.clear()
        self._report(watch, changes, None)
        if watch.run.at_ms is not None:
            self._must[watch.id] = watch
        self._arm(watch)

    def _moment(self, watch: Watch) -> int:
        """Now; before the first entry: the newest word of its devices."""
        if self._now is not None:
            return self._now
        return max((self._devices[name].word or 0 for name in watch.facts), default=0)

    def _present(self, watch: Watch) -> list[Input]:
        """What is known of its devices, each thing at its own moment."""
        found: list[Input] = []
        for name in watch.facts:
            device = self._devices[name]
            if device.word is not None:
                found.append(Input(device.word, 0, LIFE, name, ()))
            found += [
                Input(at_ms, 0, COPY, name, ((point, value),))
                for point, (value, at_ms) in device.latest.items()
                if not is_event(point)
            ]
            found += self._gone_inputs(watch, device.facts)
        return sorted(found, key=lambda one: one.at_ms)

    def _gone_inputs(self, watch: Watch, facts: DeviceFacts) -> list[Input]:
        return [
            Input(
                self._devices[gateway].latest["online"][1],
                0,
                GATEWAY,
                gateway,
                self._payload(watch, [facts.id], there=False),
            )
            for gateway in (facts.gateway, SITE)
            if gateway is not None and self._is_gone(gateway) and watch.hears_life
        ]

    def _leave(self, watch: Watch, device: str) -> None:
        now = self._now or 0
        if set(watch.facts) <= {device}:
            changes = watch.end(now)
            self._remove(watch)
        else:
            changes = watch.drop(device, now)
        self._report(watch, changes, None)

    def _remove(self, watch: Watch) -> None:
        watch.due_ms = None
        self._watches.pop(watch.id, None)
        self._dirty.pop(watch.id, None)

    def _seed(self, watch: Watch, device: _Device) -> None:
        """Start from the present values. They count from the newest of them on."""
        states = {p: kept for p, kept in device.latest.items() if not is_event(p)}
        if device.word is not None:
            self._feed(watch, Input(device.word, 0, LIFE, device.facts.id, ()))
        if states:
            at_ms = max([at for _, at in states.values()] + [device.word or 0])
            readings = tuple((point, value) for point, (value, _at) in states.items())
            self._feed(watch, Input(at_ms, 0, COPY, device.facts.id, readings))
        watch.seq = max(watch.seq, device.seq)
        if same_of(watch.rule.when) == "device":
            watch.begin_here()
        self._must[watch.id] = watch

    def _explain(self, watch: Watch, facts: DeviceFacts) -> None:
        for one in self._gone_inputs(watch, facts):
            self._feed(watch, one)

    def _is_gone(self, gateway: str) -> bool:
        device = self._devices.get(gateway)
        return device is not None and device.latest.get("online", (True, 0))[0] is False

    def _start(self, facts: DeviceFacts) -> None:
        """From now on its silence counts, if it never says a word."""
        if self._unstarted.pop(facts.id, None) is None:
            return
        at_ms = facts.known_since_ms if facts.known_since_ms is not None else self._now
        assert at_ms is not None
        for watch in self._devices[facts.id].watches:
            if watch.hears_life:
                self._feed(watch, Input(at_ms, 0, START, facts.id, None))
                self._must[watch.id] = watch

    # ------------------------------------------------------------------ entries

    def judge(self, entry: Entry) -> None:
        """One entry of the journal."""
        if isinstance(entry, Heard):
            self.hear(*entry)
        elif isinstance(entry, ServiceDone):
            self._service(entry)
        else:
            self._case_closed(entry)

    def hear(
        self,
        seq: int,
        name: str,
        arrived_ms: int,
        readings: tuple[Reading, ...],
        retained: bool = False,
    ) -> None:
        """The same for a `Heard` that is spread out: nearly every entry is one."""
        if seq > self._newest:  # noqa: PLR1730 - `max()` takes four times as long, here and below
            self._newest = seq
        self._now = arrived_ms
        if self._unstarted:
            self._start_all()
        device = self._devices.get(name)
        if device is None:
            device = self._devices[name] = _Device(DeviceFacts(name, "", registered=False))
        device.note(readings, retained=retained)
        self._shown[name] = None
        if device.unsaved is None or seq < device.unsaved:
            self._soil(device, seq)
        if seq > device.seq:  # noqa: PLR1730
            device.seq = seq
        if not readings:
            self._word(device, seq, arrived_ms, (), (), LIFE)
            return
        kind = COPY if retained else LIFE
        points, _, moments, _ = zip(*readings, strict=True)
        if moments.count(moments[0]) == len(moments):
            self._word(device, seq, moments[0], points, readings, kind)
        else:
            self._hear_parts(device, seq, readings, kind)

    def _hear_parts(
        self, device: _Device, seq: int, readings: tuple[Reading, ...], kind: int
    ) -> None:
        """A message about several moments: as if they had come one by one, the oldest first."""
        parts: dict[int, list[Reading]] = {}
        for reading in readings:
            assert reading.at_ms is not None
            parts.setdefault(reading.at_ms, []).append(reading)
        for at_ms in sorted(parts):
            points = tuple(reading.point for reading in parts[at_ms])
            self._word(device, seq, at_ms, points, tuple(parts[at_ms]), kind)

    def _word(
        self,
        device: _Device,
        seq: int,
        at_ms: int,
        points: tuple[str, ...],
        readings: tuple[Reading, ...],
        kind: int,
    ) -> None:
        name = device.facts.id
        if "online" in points:
            if kind == LIFE and points == ("online",) and readings[0].value is False:
                kind = COPY  # its will: somebody else says that it is gone
            if name in self._behind:
                there = next(r.value for r in readings if r.point == "online") is not False
                self._gateway_input(name, self._behind[name], seq, at_ms, there=there)
        if kind == LIFE and (device.word is None or at_ms > device.word):
            device.word = at_ms
        kept, whom = device.route(points)
        if kept is not None:
            readings = tuple([readings[place] for place in kept])
        one = _new(Input, (at_ms, seq, kind, name, readings))
        life = _new(Input, (at_ms, seq, kind, name, ()))
        for watch, matters in whom:
            if matters:
                self._give(watch, one)
            elif kind == LIFE:
                self._give(watch, life)

    def _give(self, watch: Watch, one: Input) -> None:
        """An input that the journal numbered.

        Numbers need not come in order. What a watch has taken in before (an entry that is read
        again after a restart) changes nothing: the same input twice is one.
        """
        seq = one[1]
        unsaved = watch.unsaved
        if unsaved is None or seq < unsaved:
            self._soil(watch, seq)
        if seq > watch.seq:  # noqa: PLR1730
            watch.seq = seq
        assert self._now is not None
        changes = watch.take(one, self._now)
        if changes or changes is None:
            self._report_taken(watch, changes, one)
        due = watch.due_ms
        if due is not None and (watch.armed_ms is None or due < watch.armed_ms):
            self._arm(watch)

    def _soil_device(self, device: _Device, seq: int) -> None:
        if device.unsaved is None or seq < device.unsaved:
            self._soil(device, seq)
        device.seq = max(device.seq, seq)

    def _soil(self, one: Watch | _Device, seq: int) -> None:
        """What is in memory of it since that number is not saved."""
        one.unsaved = seq
        self._dirty.setdefault(one.id, one)
        heappush(self._unsaved, (seq, one.id))

    def _feed(self, watch: Watch, one: Input) -> None:
        """An input that no number stands for."""
        self._report_taken(watch, watch.take(one, self._now or 0), one)
        self._arm(watch)

    def _report_taken(self, watch: Watch, changes: list[Change] | None, one: Input) -> None:
        if changes is not None:
            self._report(watch, changes, one.seq or None)
            return
        if one.seq <= watch.restored_seq:
            return  # it was judged before the restart
        self.too_late_count += 1
        self.too_late.append(TooLate(watch.rule.name, watch.key, one.device, one.at_ms, one.seq))
        del self.too_late[:-TOO_LATE_MAX]
        if watch.rule_at(one.at_ms).severity in GRAVE:
            self._report(watch, _call_of(watch, one), one.seq or None)

    def _start_all(self) -> None:
        for facts in list(self._unstarted.values()):
            self._start(facts)

    def _service(self, entry: ServiceDone) -> None:
        self._newest = max(self._newest, entry.seq)
        self._now = max(self._now or 0, entry.at_ms)
        device = self._devices.get(entry.device)
        for watch in [] if device is None else device.watches:
            if watch.counts:
                self._give(watch, Input(entry.at_ms, entry.seq, SERVICE, entry.device, None))
                self._must[watch.id] = watch  # what people did is saved with the answer to them

    def _case_closed(self, entry: CaseClosed) -> None:
        self._newest = max(self._newest, entry.seq)
        self._now = max(self._now or 0, entry.at_ms)
        watch = self._watches.get(f"{entry.rule}|{entry.key}")
        if watch is not None and watch.fires:
            self._give(watch, Input(entry.at_ms, entry.seq, CLOSED, "", None))
            self._must[watch.id] = watch

    def _gateway_input(
        self, gateway: str, devices: Iterable[str], seq: int, at_ms: int, *, there: bool
    ) -> None:
        concerned: dict[str, tuple[Watch, list[str]]] = {}
        for name in sorted(devices):
            for watch in self._devices[name].watches:
                if watch.hears_life and name != gateway:
                    concerned.setdefault(watch.id, (watch, []))[1].append(name)
        for watch, names in concerned.values():
            one = Input(at_ms, seq, GATEWAY, gateway, self._payload(watch, names, there=there))
            if seq:
                self._give(watch, one)
            else:
                self._feed(watch, one)
                self._must[watch.id] = watch

    def _payload(self, watch: Watch, devices: list[str], *, there: bool) -> Any:
        return there if same_of(watch.rule.when) == "device" else [there, devices]

    # ------------------------------------------------------------------ time

    def tick(self, now_ms: int) -> None:
        """Time has passed: ring every timer that is due up to `now_ms`."""
        self._now = now_ms
        if self._unstarted:
            self._start_all()
        alarms = self._alarms
        while alarms and alarms[0][0] <= now_ms:
            due_ms, _, watch = heappop(alarms)
            if watch.armed_ms == due_ms:
                watch.armed_ms = None
                if watch.due_ms is not None and watch.due_ms <= now_ms:
                    self._report(watch, watch.pass_time(now_ms), None)
                self._arm(watch)

    def tick_device(self, name: str, now_ms: int) -> None:
        """The same for one device alone, each timer at its own moment. For a replay, in which the
        words of one device are judged in a row; groups of devices have one time together.
        """
        device = self._devices.get(name)
        for watch in () if device is None else device.watches:
            due_ms = watch.due_ms
            if due_ms is None or due_ms > now_ms:
                continue
            while due_ms is not None and due_ms <= now_ms:
                self._now = due_ms
                self._report(watch, watch.pass_time(due_ms), None)
                due_ms = watch.due_ms
            self._arm(watch)
        self._now = now_ms

    @property
    def due_ms(self) -> int | None:
        """When the next timer is due."""
        alarms = self._alarms
        while alarms:
            due_ms, _, watch = alarms[0]
            if watch.armed_ms == watch.due_ms == due_ms:
                return due_ms
            heappop(alarms)
            if watch.armed_ms == due_ms:
                watch.armed_ms = None
                self._arm(watch)
        return None

    def busy_ms(self) -> int | None:
        """When the next timer is due that something set off: no mere waiting for news."""
        dues = [due for watch in self._watches.values() if (due := watch.run.busy_ms()) is not None]
        return min(dues, default=None)

    def _arm(self, watch: Watch) -> None:
        due = watch.due_ms
        if due is not None and (watch.armed_ms is None or due < watch.armed_ms):
            watch.armed_ms = due
            heappush(self._alarms, (due, next(self._order), watch))

    # ------------------------------------------------------------------ what comes out

    def _report(self, watch: Watch, changes: list[Change], seq: int | None) -> None:
        if not changes:
            return
        self._must[watch.id] = watch
        for change in changes:
            if change.kind == WITHDRAWN:
                found = Withdrawn(watch.rule.name, watch.key, change.at_ms, change.opened_at_ms)
                self._withdrawn.append(found)
                continue
            name = change.device or (watch.key if watch.key in watch.facts else None)
            facts = None if name is None else watch.facts.get(name)
            rule = watch.rule_at(change.opened_at_ms)
            heard_ms = self._now if self._now is not None else change.at_ms
            about = rule, watch.key, change, facts, self._zone
            told = why(*about, heard_ms=heard_ms, over_ms=watch.over_ms(change))
            self._found.append(
                Finding(
                    change.kind,  # type: ignore[arg-type]
                    rule,
                    watch.key,
                    name,
                    change.at_ms,
                    change.opened_at_ms,
                    heard_ms,
                    seq,
                    change.value,
                    *told,
                    *text(told, *about),
                )
            )

    def take_findings(self) -> list[Finding]:
        """What was found since the last call, in order."""
        found, self._found = self._found, []
        return found

    def take_withdrawn(self) -> list[Withdrawn]:
        """Happenings that were none after all, since the last call."""
        withdrawn, self._withdrawn = self._withdrawn, []
        return withdrawn

    def take_changed_devices(self, devices_max: int) -> list[str]:
        """Devices whose newest values changed since they were last taken."""
        taken = [name for name, _ in zip(self._shown, range(devices_max), strict=False)]
        for name in taken:
            del self._shown[name]
        return taken

    # ------------------------------------------------------------------ what is kept

    def take_changed(self, rows_max: int) -> list[Standing]:
        """Rows to be written with the findings: those that brought them, and some of the others.

        What is taken counts as saved.
        """
        rows = [] if self._rules_saved else [self._rules_row()]
        self._rules_saved = True
        must, self._must = self._must, {}
        rows += [self._row(one) for one in must.values() if self._is_known(one)]
        others = [one for one, _ in zip(self._dirty.values(), range(rows_max), strict=False)]
        return rows + [self._row(one) for one in others]

    def oldest_unsaved_seq(self) -> int | None:
        """The smallest number that no row covers; None if all is saved."""
        while self._unsaved:
            seq, name = self._unsaved[0]
            one = self._dirty.get(name)
            if one is not None and one.unsaved == seq:
                return seq
            heappop(self._unsaved)
        return None

    def _is_known(self, one: Watch | _Device) -> bool:
        return (
            self._devices.get(one.facts.id) is one
            if isinstance(one, _Device)
            else (one.id in self._watches)
        )

    def standings_of(self, device: str) -> list[str]:
        """The keys of all rows that can be about this device and nothing else."""
        alone = (rule.name for rule in self.rules.rules if same_of(rule.when) == "device")
        return [f"{_DEVICE_KEY}{device}", *(f"{rule}|{device}" for rule in alone)]

    def _row(self, one: Watch | _Device) -> Standing:
        one.unsaved = None
        self._dirty.pop(one.id, None)
        return Standing(one.id, one.seq, _bytes(one.dump()))

    def _rules_row(self) -> Standing:
        versions = {rule.name: rule.version for rule in self.rules.rules}
        return Standing(_RULES_KEY, self._newest, _bytes(versions))

    def restore(self, rows: Iterable[Standing]) -> None:
        """Take up where the rows leave off. After `know()`, before the first `judge()`.

        Rows of devices that become known later (strangers) wait for them.
        """
        self._waiting = {row.key: row for row in rows}
        row = self._waiting.pop(_RULES_KEY, None)
        known: Mapping[str, str] = {} if row is None else json.loads(row.state)
        self._rules_saved = known == {rule.name: rule.version for rule in self.rules.rules}
        for device in self._devices.values():
            self._restore_device(device)
        self._drop_stale(known)
        for watch in self._watches.values():
            row = self._waiting.get(watch.id)
            if not self._take_up(watch) and known.get(watch.rule.name) != watch.rule.version:
                self._waiting.pop(watch.id, None)
                opened_ms = None if row is None else _open_since(json.loads(row.state))
                self._start_afresh(watch, opened_ms, known=bool(known))

    def _drop_stale(self, known: Mapping[str, str]) -> None:
        """Rows of rules that are gone leave their open alerts; older ones must not come back."""
        for row in list(self._waiting.values()):
            rule, _, key = row.key.partition("|")
            if rule == "device":
                continue
            if self.rules.named(rule) is None:
                del self._waiting[row.key]
                self._orphan(rule, key, _open_since(json.loads(row.state)))
            elif known and rule not in known:  # of a time before the rule was taken away
                del self._waiting[row.key]

    def _orphan(self, rule: str, key: str, opened_ms: int | None) -> None:
        if opened_ms is not None:
            self.orphans.append((rule, key, opened_ms))

    def _restore_device(self, device: _Device) -> None:
        row = self._waiting.pop(device.id, None)
        if row is not None:
            old = device.facts.gateway
            device.load(json.loads(row.state))
            device.seq = row.seq
            self._newest = max(self._newest, row.seq)
            self._put_behind(device, old)
            for watch in device.watches:
                watch.facts[device.facts.id] = device.facts

    def _take_up(self, watch: Watch) -> bool:
        """Load the watch's row, if there is one of this version of the rule."""
        row = self._waiting.get(watch.id)
        if row is None:
            return False
        state = json.loads(row.state)
        if state["version"] != watch.rule.version:
            return False
        del self._waiting[watch.id]
        changes = watch.load(state, self._moment(watch), lambda: self._present(watch))
        watch.seq = watch.restored_seq = row.seq
        self._newest = max(self._newest, row.seq)
        if watch.hears_life:
            for name in watch.facts:
                self._unstarted.pop(name, None)
        self._must.pop(watch.id, None)
        if said_by(watch.schedule) != state.get("schedule"):
            self._must[watch.id] = watch
        self._report(watch, changes, None)
        self._arm(watch)
        return True

    def _start_afresh(self, watch: Watch, opened_ms: int | None, *, known: bool) -> None:
        """The rule is new or was edited: what was open closes, it starts from present values."""
        if opened_ms is not None:
            self._close_old(watch, opened_ms)
        if not known:
            return
        for name in list(watch.facts):
            device = self._devices[name]
            self._seed(watch, device)
            self._explain(watch, device.facts)
            if device.word is None and device.facts.known_since_ms is not None:
                at_ms = device.facts.known_since_ms
                self._feed(watch, Input(at_ms, 0, START, name, None))
        watch.begin_here()
        watch.restored_seq = watch.seq

    def _close_old(self, watch: Watch, opened_ms: int) -> None:
        """The rule was edited: what was open under its old words closes."""
        at_ms = max([opened_ms, *(self._devices[name].word or 0 for name in watch.facts)])
        change = Change("closes", at_ms, opened_ms, opened_ms, None, None)
        self._now = self._now if self._now is not None else at_ms
        self._report(watch, [change], None)

    # ------------------------------------------------------------------ what people change

    def change_rules(self, rules: RuleSet, seq: int, at_ms: int) -> RuleChanges:
        """Other files are in force, says the entry of that number.

        The same as a restart with them: an untouched rule keeps its standing to the millisecond,
        an edited or new one starts from the present values, the open alerts of one that is gone
        are `orphans`. Overrides of the files that changed count from now.
        """
        changes = diff(self.rules, rules)
        self._go_on(seq, at_ms)
        if changes.added or changes.changed or changes.removed:
            self._rules_saved = False
        edited = self._take_away(changes)
        self.rules = rules
        self._schedules.put((*rules.overrides, *self._own_overrides))
        by_name, before = {rule.name: rule for rule in rules.rules}, set(self._watches)
        for watch in self._watches.values():
            watch.rule = by_name[watch.rule.name]
        for device in self._devices.values():
            self._match(device, afresh=False)
        for watch in list(self._watches.values()):
            if watch.id not in before:
                self._start_afresh(watch, edited.get(watch.id), known=True)
                self._arm(watch)
        return changes

    def change_overrides(self, overrides: Sequence[Override], seq: int, at_ms: int) -> None:
        """These and no others are the overrides that are in no file, says that entry.

        One that is to end early is given with another end. Watches that no changed override is
        about are not touched.
        """
        self._go_on(seq, at_ms)
        self._own_overrides = tuple(overrides)
        touched = self._schedules.put((*self.rules.overrides, *self._own_overrides))
        for watch in list(self._watches.values()):
            if watch.rule.name in touched:
                self._schedule(watch)

    def _go_on(self, seq: int, at_ms: int) -> None:
        self._newest = max(self._newest, seq)
        self._now = at_ms if self._now is None else max(self._now, at_ms)

    def _take_away(self, changes: RuleChanges) -> dict[str, int | None]:
        """Watches of rules that are gone or edited; returns what was open of the edited ones."""
        edited: dict[str, int | None] = {}
        for watch in list(self._watches.values()):
            name, alert = watch.rule.name, watch.run.open_alert()
            opened_ms = None if alert is None else alert.told_as_ms
            if name in changes.removed:
                self._orphan(name, watch.key, opened_ms)
            elif name in changes.changed:
                edited[watch.id] = opened_ms
            else:
                continue
            self._remove(watch)
        for device in self._devices.values():
            device.watches = [watch for watch in device.watches if watch.id in self._watches]
        return edited


def _call_of(watch: Watch, one: Input) -> list[Change]:
    """A call for help that is too late to be put into the history is told all the same."""
    schedule = watch.schedule
    if schedule is not None and schedule.variant_at(one.at_ms).off:
        return []
    wanted = watch.rule_at(one.at_ms).when
    if not isinstance(wanted, Happens) or not is_event(wanted.point) or one.kind != LIFE:
        return []
    return [
        Change("again", one.at_ms, one.at_ms, one.at_ms, one.device, reading[1])
        for reading in one.payload
        if reading[0] == wanted.point and reading[1] in wanted.values
    ]


def _open_since(state: Mapping[str, Any]) -> int | None:
    """When the alert of a saved watch opened, if it is open."""
    told = state["told"]
    return told[-1][4] if told and told[-1][5] is None else None


_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False).encode


def _bytes(state: Any) -> bytes:
    return _encode(state).encode()
