"""What each condition means over time: one small object per condition and watched thing.

A probe is fed inputs in the order of their moments and is told when a moment that it asked for
(`due_ms`) has come. It says whether it is `true` now; `take` also says whether it was true at that
instant only (FIRED) or that what fired is over (ENDED).

Same moment: inputs come before timers, so a window of length W at t holds (t - W, t].
"""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from device_drivers.reading import Value
from rules import condition as c
from rules.baseline import LESS, MORE, Baseline, Knowledge, spread_of
from rules.facts import DeviceFacts
from rules.local_days import PLAIN_DAYS, LocalDays
from rules.point import is_event, is_sign, is_total, repetitions_of
from rules.tally import Tally

# Kinds of input. Payload: readings | readings | is the gateway `device` there? | None …
LIFE = 0  # the device spoke: readings, maybe none
COPY = 1  # a retained copy or a will: the present state, no sign of life
GATEWAY = 2
SERVICE = 3
CLOSED = 4  # people closed the case
START = 5  # the device became known

NOTHING, FIRED, ENDED = 0, 1, 2


class Probe:
    """Base: a condition without timers. `value` is what it was last judged by."""

    __slots__ = ("due_ms", "true", "value")
    STATE: ClassVar[tuple[str, ...]] = ("true", "value", "due_ms")

    def __init__(self) -> None:
        self.true = False
        self.value: Value | None = None
        self.due_ms: int | None = None

    def take(self, kind: int, device: str, at: int, payload: Any) -> int:
        """One input: FIRED, ENDED or NOTHING."""
        raise NotImplementedError

    def ripen(self, at: int) -> int:
        """`due_ms` has come: FIRED or NOTHING."""
        raise NotImplementedError

    def busy_ms(self) -> int | None:
        """`due_ms`, but not that of mere waiting for news."""
        return self.due_ms

    def adapt(self, facts: DeviceFacts) -> None:
        """What is known of the device has changed."""

    def adopt(self, other: "Probe", at: int) -> bool:
        """Take over what another of the same kind and point knows; False: it is another kind."""
        point = getattr(self, "point", None)
        if type(other) is not type(self) or point != getattr(other, "point", None):
            return False
        for slot in self.STATE:
            setattr(self, slot, copied(getattr(other, slot)))
        self._weigh_anew(at)
        return True

    def _weigh_anew(self, at: int) -> None:
        """What is known is another's, with other limits: say what is true by one's own."""

    def knows(self) -> Knowledge | None:
        """How much has it learned? None: it need not learn, or has not begun."""
        return None

    def copy(self) -> "Probe":
        """One of its own, in the same state."""
        other = self.__class__.__new__(self.__class__)
        for kind in self.__class__.__mro__:
            for slot in getattr(kind, "__slots__", ()):
                setattr(other, slot, copied(getattr(self, slot)))
        return other

    def dump(self) -> list[Any]:
        """The state as JSON can carry it."""
        return [_dumped(getattr(self, slot)) for slot in self.STATE]

    def load(self, state: list[Any]) -> None:
        """Back from `dump`."""
        for slot, value in zip(self.STATE, state, strict=True):
            mine = getattr(self, slot)
            if isinstance(mine, Tally | Baseline):
                mine.load(value)
            else:
                setattr(self, slot, value)


def copied(value: Any) -> Any:
    """A value of a probe's state, of one's own."""
    if isinstance(value, list | dict | Tally | Baseline):
        return value.copy()
    return value


def _dumped(value: Any) -> Any:
    return value.dump() if isinstance(value, Tally | Baseline) else value


class EqualsProbe(Probe):
    """The newest value is one of these."""

    __slots__ = ("point", "values")

    def __init__(self, wanted: c.Equals) -> None:
        super().__init__()
        self.point = wanted.point
        self.values = frozenset(wanted.values)

    def _weigh_anew(self, at: int) -> None:
        self.true = self.value is not None and self.value in self.values

    def take(self, kind: int, device: str, at: int, payload: Any) -> int:
        if kind <= COPY:
            for reading in payload:
                if reading[0] == self.point:
                    self.value = reading[1]
                    self.true = reading[1] in self.values
        return NOTHING


class LimitProbe(Probe):
    """Past the limit, until past the way back. `sign` is 1 for below, -1 for above."""

    __slots__ = ("back", "limit", "point", "sign")

    def __init__(self, wanted: c.Below | c.Above) -> None:
        super().__init__()
        self.point = wanted.point
        self.sign = 1 if isinstance(wanted, c.Below) else -1
        self.limit = wanted.limit * self.sign
        self.back = wanted.back * self.sign

    def _weigh_anew(self, at: int) -> None:
        self.true = False  # who knows whether it was ever past this limit
        if self.value is not None and not isinstance(self.value, str):
            self._measure(self.value)

    def take(self, kind: int, device: str, at: int, payload: Any) -> int:
        if kind <= COPY:
            for reading in payload:
                if reading[0] == self.point and not isinstance(reading[1], str):
                    self._measure(reading[1])
        return NOTHING

    def _measure(self, value: float) -> None:
        self.value = value
        signed = value * self.sign
        if signed < self.limit:
            self.true = True
        elif self.true:  # with no way back of its own, "no longer past the limit" is back
            self.true = signed <= self.back and self.back != self.limit


class HappensProbe(Probe):
    """An event with one of these values; of a state: it changes to one of them."""

    __slots__ = ("event", "known", "point", "values")
    STATE = (*Probe.STATE, "known")

    def __init__(self, wanted: c.Happens) -> None:
        super().__init__()
        self.point = wanted.point
        self.values = frozenset(wanted.values)
        self.event = is_event(wanted.point)
        self.known: Value | None = None

    def take(self, kind: int, device: str, at: int, payload: Any) -> int:
        fired = NOTHING
        if kind <= COPY:
            for reading in payload:
                if reading[0] == self.point and self._happened(kind, reading[1]):
                    self.value = reading[1]
                    fired = FIRED
        return fired

    def _happened(self, kind: int, value: Value) -> bool:
        if self.event:
            return kind == LIFE and value in self.values
        before, self.known = self.known, value
        return before is not None and before != value and value in self.values


class ChangesProbe(Probe):
    """At least so many changes or events in the sliding window."""

    __slots__ = ("count", "event", "known", "point", "times", "within")
    STATE = (*Probe.STATE, "known", "times")

    def __init__(self, wanted: c.Changes) -> None:
        super().__init__()
        self.point, self.count, self.within = wanted.point, wanted.count, wanted.within_ms
        self.event = is_event(wanted.point)
        self.known: Value | None = None
        self.times: list[int] = []  # of the newest `count` changes

    def _weigh_anew(self, at: int) -> None:
        del self.times[: -self.count]
        if self.times:
            self._weigh(at)

    def take(self, kind: int, device: str, at: int, payload: Any) -> int:
        if kind <= COPY:
            for reading in payload:
                if reading[0] == self.point and self._changed(kind, reading[1]):
                    self.times.append(at)
                    del self.times[: -self.count]
                    self._weigh(at)
        return NOTHING

    def _changed(self, kind: int, value: Value) -> bool:
        if self.event:
            return kind == LIFE
        before, self.known = self.known, value
        return before is not None and before != value

    def ripen(self, at: int) -> int:
        self._weigh(at)
        return NOTHING

    def _weigh(self, at: int) -> None:
        until = self.times[0] + self.within
        self.true = len(self.times) == self.count and at < until
        self.due_ms = until if self.true else None
        self.value = len(self.times)


class RisesProbe(Probe):
    """A counter grew by at least (`less`: by less than) so much in the sliding window.

    Kept are only the newest growths that together reach `by`: the oldest of them says until when
    it is enough.
    """

    __slots__ = ("by", "growths", "less", "point", "repeats", "since", "sum", "tally", "within")
    STATE = (*Probe.STATE, "growths", "sum", "since", "tally")

    def __init__(self, wanted: c.Rises) -> None:
        super().__init__()
        self.point, self.repeats = wanted.point, repetitions_of(wanted.point)
        self.by, self.within, self.less = wanted.by, wanted.within_ms, wanted.less
        self.tally = Tally()
        self.growths: list[tuple[int, float]] = []
        self.sum = 0.0
        self.since: int | None = None  # when the counter was first heard

    def _weigh_anew(self, at: int) -> None:
        if self.since is not None:
            self._grow(at, 0)

    def take(self, kind: int, device: str, at: int, payload: Any) -> int:
        if kind <= COPY:
            grown, heard = _growth(self.tally, self.point, self.repeats, kind, payload)
            if heard:
                self.since = at if self.since is None else self.since
                self._grow(at, grown)
        return NOTHING

    def ripen(self, at: int) -> int:
        self._grow(at, 0)
        return NOTHING

    def _grow(self, at: int, grown: float) -> None:
        growths = self.growths
        if grown > 0:
            growths.append((at, grown))
            self.sum += grown
        rest, by, begin = self.sum, self.by, at - self.within
        while growths and (growths[0][0] <= begin or rest - growths[0][1] >= by):
            rest -= growths.pop(0)[1]  # too old, or it can be spared
        self.sum = rest
        self._weigh(at)

    def _weigh(self, at: int) -> None:
        enough = self.sum >= self.by
        self.value = self.sum
        if not self.less:
            self.true = enough
            self.due_ms = self.growths[0][0] + self.within if enough else None
            return
        full_at = (self.since or 0) + self.within  # before that nobody can say
        self.true = not enough and at >= full_at
        if enough:
            self.due_ms = self.growths[0][0] + self.within
        else:
            self.due_ms = full_at if at < full_at else None


class EveryProbe(Probe):
    """The uses since the last service pass another multiple of `step`."""

    __slots__ = ("base", "point", "repeats", "served", "step", "tally")
    STATE = (*Probe.STATE, "tally", "base", "served")

    def __init__(self, wanted: c.Every) -> None:
        super().__init__()
        self.point, self.repeats, self.step = (
            wanted.point,
            repetitions_of(wanted.point),
            wanted.step,
        )
        self.tally = Tally()
        self.base = 0.0
        self.served = False  # before the counter was ever heard

    def take(self, kind: int, device: str, at: int, payload: Any) -> int:
        if kind == SERVICE:
            self.base, self.served = self.tally.total, not self.tally.known
            return ENDED
        if kind > COPY:
            return NOTHING
        tally = self.tally
        before, known = tally.total, tally.known
        _growth(tally, self.point, self.repeats, kind, payload)
        if self.served and tally.known:
            self.base, self.served = tally.total, False
        base = self.base
        self.value = value = tally.total - base
        passed = (before - base) // self.step < value // self.step
        return FIRED if known and passed else NOTHING


def _growth(
    tally: Tally, point: str, repeats: str | None, kind: int, payload: Iterable[Any]
) -> tuple[float, bool]:
    grown, heard = 0.0, False
    for reading in payload:
        name, value = reading[0], reading[1]
        if name == point and not isinstance(value, str):
            grown += tally.count(value)
            heard = True
        elif name == repeats and kind == LIFE and not isinstance(value, str):
            grown += tally.repeat(value)
            heard = True
    return grown, heard


class StillProbe(Probe):
    """Nothing happened at the point for so long, counting the time in which the device lived.

    It lives from each word until just before its expected silence is over. The clock starts with
    its first word (`anywhere`: with the first value of the point, which it may not even have).
    While what carries its words is gone nobody can say whether something happened: the clock
    stands, and one that lived until then lives on from the return.
    """

    __slots__ = (
        "anywhere",
        "counted",
        "event",
        "expected",
        "gone",
        "known",
        "last",
        "paused",
        "period",
        "point",
        "run",
        "since",
    )
    STATE = (*Probe.STATE, "known", "counted", "run", "last", "since", "gone", "paused")

    def __init__(self, wanted: c.Still, facts: DeviceFacts, anywhere: bool) -> None:
        super().__init__()
        self.point, self.period, self.anywhere = wanted.point, wanted.for_ms, anywhere
        self.event = is_event(wanted.point)
        self.expected = facts.expected_silence_ms
        self.known: Value | None = None
        self.counted = 0  # lived before `run`
        self.run: int | None = None  # since when it lives without a break; None: not started
        self.last = 0  # its last word
        self.since: int | None = None  # when something last happened, or the clock started
        self.gone: list[str] = []  # gateways that are not there
        self.paused = 0  # since when, if any is not there

    def busy_ms(self) -> int | None:
        return None

    def adapt(self, facts: DeviceFacts) -> None:
        self.expected = facts.expected_silence_ms

    def _weigh_anew(self, at: int) -> None:
        self.true = False
        self._weigh(at)

    def take(self, kind: int, device: str, at: int, payload: Any) -> int:
        if kind == GATEWAY:
            self._gateway(device, at, there=payload)
            self._weigh(at)
            return NOTHING
        if kind > COPY:
            return NOTHING
        if kind == LIFE:
            self._live(at)
        for reading in payload:
            if reading[0] == self.point and self._happened(kind, reading[1]):
                self._restart(kind, at)
        self._weigh(at)
        return NOTHING

    def _live(self, at: int) -> None:
        if self.run is None:
            if self.anywhere and self.known is None:
                return
            self.run = self.since = at
        elif self.gone:
            self.run = at  # the pause has counted what was before it
        elif at > self.last + self.expected:
            self.counted += self.last + self.expected - self.run
            self.run = at
        self.last = at

    def _gateway(self, gateway: str, at: int, *, there: bool) -> None:
        if not there:
            if not self.gone:
                self._pause(at)
            self.gone = sorted({*self.gone, gateway})
        elif gateway in self.gone:
            self.gone = [other for other in self.gone if other != gateway]
            if not self.gone and self.run is not None:
                self.run = at
                if self.last + self.expected > self.paused:  # it lived when the pause began
                    self.last = at

    def _pause(self, at: int) -> None:
        self.paused = at
        if self.run is not None:
            self.counted += max(0, min(at, self.last + self.expected) - self.run)
            self.run = at

    def _happened(self, kind: int, value: Value) -> bool:
        if self.event:
            self.known = value
            return kind == LIFE
        before, self.known = self.known, value
        return before != value

    def _restart(self, kind: int, at: int) -> None:
        if kind == LIFE:
            self.last = at
        elif self.run is None:
            return  # a copy does not start the clock
        self.since = at
        self.run = min(at, self.last + self.expected)  # a copy may come while it is dead
        self.counted = 0
        self.true = False

    def ripen(self, at: int) -> int:
        self._weigh(at)
        return NOTHING

    def _weigh(self, at: int) -> None:
        self.due_ms = None
        if self.true or self.run is None or self.gone:
            return
        due = self.run + self.period - self.counted
        if due >= self.last + self.expected:
            return  # it will be dead by then, if nothing more comes
        if due <= at:
            self.true = True
        else:
            self.due_ms = due

    def load(self, state: list[Any]) -> None:
        whole = len(state) == len(self.STATE)
        super().load(state if whole else [*state, [], 0])  # kept before gateways stopped this clock


class SilentProbe(Probe):
    """Nothing came from the device for so long, and nothing explains it."""

    __slots__ = ("explained", "gone", "last", "period", "wanted")
    STATE = (*Probe.STATE, "last", "gone", "explained")

    def __init__(self, wanted: c.Silent, facts: DeviceFacts) -> None:
        super().__init__()
        self.wanted = wanted
        self.period = 0
        self.last: int | None = None  # last word, or the return of what explained the silence
        self.gone: list[str] = []  # gateways that are not there
        self.explained = False
        self.adapt(facts)

    def busy_ms(self) -> int | None:
        return None

    def adapt(self, facts: DeviceFacts) -> None:
        self.period = self.wanted.for_ms or facts.expected_silence_ms

    def _weigh_anew(self, at: int) -> None:
        self.true = False
        self._arm(at)

    def take(self, kind: int, device: str, at: int, payload: Any) -> int:
        if kind == LIFE:
            self.last = at
            self.true = False
            self.explained = bool(self.gone)
        elif kind == START:
            self.last = at if self.last is None else self.last
        elif kind == GATEWAY:
            self._gateway(device, at, there=payload)
        self._arm(at)
        return NOTHING

    def _gateway(self, gateway: str, at: int, *, there: bool) -> None:
        if not there:
            self.gone = sorted({*self.gone, gateway})
            self.explained = not self.true
        elif gateway in self.gone:
            self.gone = [other for other in self.gone if other != gateway]
            if self.explained and not self.gone:
                self.explained = False
                self.last = at

    def _arm(self, at: int) -> None:
        if self.last is None or self.true or self.explained:
            self.due_ms = None
            return
        self.due_ms = due = self.last + self.period
        if due <= at:
            self.ripen(at)

    def ripen(self, at: int) -> int:
        self.true = True
        self.due_ms = None
        return NOTHING


class UnlikeProbe(Probe):
    """Less, or more, than is usual at this hour (`rules/baseline.py` says what is usual).

    It learns from the first value of the point on. `less` comes true at the end of an hour and
    lasts until something happens; `more` comes true when it happens and lasts until the end of
    that hour. What is not alive, or whose gateway is gone, is not watched: nothing is learned from
    that time, and in an hour of which that is true of a part nothing comes true.
    """

    __slots__ = (
        "base", "event", "expected", "gone", "known", "last", "paused", "point", "repeats", "sign",
        "tally", "total", "until", "way",
    )  # fmt: skip
    STATE = (*Probe.STATE, "base", "known", "tally", "last", "gone", "paused", "until")

    def __init__(self, wanted: c.Unlike, facts: DeviceFacts, days: LocalDays) -> None:
        super().__init__()
        self.point, self.way = wanted.point, wanted.way
        self.repeats = repetitions_of(wanted.point)
        self.event, self.total = is_event(wanted.point), is_total(wanted.point)
        self.sign = is_sign(wanted.point)
        self.expected = facts.expected_silence_ms
        self.base = Baseline(wanted, days, spread_of(facts.id))
        self.known: Value | None = None
        self.tally = Tally()
        self.last = 0  # its last word
        self.gone: list[str] = []  # gateways that are not there
        self.paused = 0  # since when, if any is not there
        self.until: int | None = None  # until when `more` is true

    def busy_ms(self) -> int | None:
        return self.until

    def adapt(self, facts: DeviceFacts) -> None:
        self.expected = facts.expected_silence_ms
        self._arm()

    def knows(self) -> Knowledge | None:
        return None if self.base.hour is None else self.base.knows()  # it may lack the point

    def take(self, kind: int, device: str, at: int, payload: Any) -> int:
        if kind == GATEWAY:
            self._gateway(device, at, there=payload)
        elif kind <= COPY:
            moved, heard = self._moved(kind, payload)
            if self.base.hour is not None:
                self._hear(kind, at)
            elif heard and kind == LIFE:
                self.base.begin(at)
                self.last = at
            if self.base.hour is not None and moved:
                self._move(kind, at)
        self._arm()
        return NOTHING

    def _hear(self, kind: int, at: int) -> None:
        until = self.last + self.expected
        if kind == LIFE and at <= until:
            self.last = at  # it has lived without a break
        self._pass(at)
        if kind == LIFE and at > until:
            if not self.gone:  # else the pause has spoiled what must be
                self.base.unprove(self.last, until)
            self.base.spoil()
            self.last = at

    def _moved(self, kind: int, payload: Iterable[Any]) -> tuple[bool, bool]:
        """Did something happen, and was the point heard at all?"""
        if self.total:
            grown, heard = _growth(self.tally, self.point, self.repeats, kind, payload)
            return grown > 0, heard
        moved = heard = False
        for reading in payload:
            if reading[0] == self.point:
                heard = True
                moved = self._happened(kind, reading[1]) or moved
        return moved, heard

    def _happened(self, kind: int, value: Value) -> bool:
        before, self.known = self.known, value
        if self.event:
            return kind == LIFE
        if self.sign and value is True and kind == LIFE:
            return True  # some say only that something moves, never that it is over
        return before is not None and before != value

    def _move(self, kind: int, at: int) -> None:
        """Something happened; of a copy nobody knows when."""
        if self.until is None:
            self.true = False
        if kind == COPY:
            self.base.spoil()
            return
        found = self.base.more() if self.way != LESS else None
        self.base.act(at)
        if found is not None and self.until is None:
            assert self.base.hour is not None
            self.true, self.value, self.until = True, found.text(), self.base.hour.end_ms

    def _pass(self, at: int) -> None:
        """What is due by the passing of time alone."""
        if self.until is not None and at >= self.until:
            self.true, self.until = False, None
        closed = self.base.advance(at, 0 if self.gone else self.last + self.expected)
        if closed is not None and not self.true and self.way != MORE:
            found = self.base.less(closed)
            if found is not None:
                self.true, self.value = True, found.text()

    def _gateway(self, gateway: str, at: int, *, there: bool) -> None:
        if self.base.hour is not None:
            self._pass(at)
        if not there:
            if not self.gone:
                self.paused = at
            self.gone = sorted({*self.gone, gateway})
        elif gateway in self.gone:
            self.gone = [other for other in self.gone if other != gateway]
            if not self.gone and self.last + self.expected > self.paused:
                self.last = max(self.last, at)  # it lived when the pause began
        self.base.spoil()

    def ripen(self, at: int) -> int:
        self._pass(at)
        self._arm()
        return NOTHING

    def _arm(self) -> None:
        self.due_ms = self.until
        if self.base.hour is None or self.true or self.gone or self.way == MORE:
            return
        due = self.base.next_less_ms()
        if due < self.last + self.expected:
            self.due_ms = due  # else it will not be alive by then, if nothing more comes


class PartsProbe(Probe):
    """`any` and `all` over conditions of the same device."""

    __slots__ = ("events", "parts", "whole")

    def __init__(self, parts: list[Probe], events: list[bool], *, whole: bool) -> None:
        super().__init__()
        self.parts = parts
        self.events = events  # which of them are true at an instant only
        self.whole = whole

    def adopt(self, other: Probe, at: int) -> bool:
        if not isinstance(other, PartsProbe) or len(other.parts) != len(self.parts):
            return False
        both = zip(self.parts, other.parts, strict=True)
        if not all(mine.adopt(theirs, at) for mine, theirs in both):
            return False
        self._weigh([NOTHING for _ in self.parts])
        return True

    def take(self, kind: int, device: str, at: int, payload: Any) -> int:
        return self._weigh([part.take(kind, device, at, payload) for part in self.parts])

    def ripen(self, at: int) -> int:
        parts = self.parts
        return self._weigh(
            [p.ripen(at) if p.due_ms is not None and p.due_ms <= at else NOTHING for p in parts]
        )

    def _weigh(self, results: list[int]) -> int:
        due: int | None = None
        so = lasting = 0  # parts that are true now, and not at this instant only
        for part, result in zip(self.parts, results, strict=True):
            part_due = part.due_ms
            if part_due is not None and (due is None or part_due < due):
                due = part_due
            lasting += part.true
            if part.true or result == FIRED:
                if not so:
                    self.value = part.value
                so += 1
        self.due_ms = due
        if self.whole and any(self.events):
            fired = so == len(self.parts)
        else:
            fired = FIRED in results and not self.whole
            self.true = lasting == len(self.parts) if self.whole else lasting > 0
        if fired:
            return FIRED
        return ENDED if ENDED in results else NOTHING

    def busy_ms(self) -> int | None:
        return min(
            (due for part in self.parts if (due := part.busy_ms()) is not None), default=None
        )

    def adapt(self, facts: DeviceFacts) -> None:
        for part in self.parts:
            part.adapt(facts)

    def knows(self) -> Knowledge | None:
        return next((known for part in self.parts if (known := part.knows()) is not None), None)

    def copy(self) -> "PartsProbe":
        other = super().copy()
        assert isinstance(other, PartsProbe)
        other.parts = [part.copy() for part in self.parts]
        return other

    def dump(self) -> list[Any]:
        return [super().dump(), [part.dump() for part in self.parts]]

    def load(self, state: list[Any]) -> None:
        super().load(state[0])
        for part, kept in zip(self.parts, state[1], strict=True):
            part.load(kept)


def probe_of_device(
    wanted: c.OfDevice, facts: DeviceFacts, *, anywhere: bool, days: LocalDays = PLAIN_DAYS
) -> Probe:
    """A fresh probe. `anywhere`: the rule says no `where`, so the device may lack the point."""
    if isinstance(wanted, c.AnyOf | c.AllOf):
        parts = [
            probe_of_device(part, facts, anywhere=anywhere, days=days) for part in wanted.parts
        ]
        events = [c.fires(part) for part in wanted.parts]
        return PartsProbe(parts, events, whole=isinstance(wanted, c.AllOf))
    if isinstance(wanted, c.Still):
        return StillProbe(wanted, facts, anywhere)
    if isinstance(wanted, c.Silent):
        return SilentProbe(wanted, facts)
    if isinstance(wanted, c.Unlike):
        return UnlikeProbe(wanted, facts, days)
    return _PROBES[type(wanted)](wanted)


_PROBES: dict[type, Callable[[Any], Probe]] = {
    c.Equals: EqualsProbe,
    c.Below: LimitProbe,
    c.Above: LimitProbe,
    c.Happens: HappensProbe,
    c.Changes: ChangesProbe,
    c.Rises: RisesProbe,
    c.Every: EveryProbe,
}
