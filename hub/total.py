"""A running total as people mean it: it never falls, whatever the device's own counter does.

Pure: the device's words go in, the total comes out. A device's counter lives in *eras*: each reset,
each roll-over and each swap of the device begins another, and a word of an old moment is read by
the era of its moment. In pulses `total = era.base + what the device says`; people are told uses.

Sorted by their moments, the values that came out never fall. Where the device's own words allow it
they are the true count; where a late word shows that an era had gone further than was known, what
was missed is added from then on.
"""

from bisect import bisect_right
from typing import Any, NamedTuple

from device_drivers.points import WHOLE_MAX
from rules.tally import rolled_over_by

ERAS_MAX = 4  # so many resets back a late word finds its place; few, so that its row stays small
TOLD_MAX = 16  # values, by moment, between which a late one must lie


_AS_IT_IS = (1, 0, 0)
FIRST, RESET, ROLLED, JUMPED = "first", "reset", "rolled", "jumped"  # how an era began


class Bounds(NamedTuple):
    """What growth can be true: so many uses at once, and so many for every second since."""

    uses_at_once: int
    uses_per_s: float

    def allow(self, uses: float, elapsed_ms: int) -> bool:
        """Can a machine have been used so often in that time?"""
        return uses <= self.uses_at_once + self.uses_per_s * max(elapsed_ms, 0) / 1_000


class Era:
    """From one reset, roll-over or swap to the next. `top` is the newest raw value in it."""

    __slots__ = ("base", "began", "first_ms", "last_ms", "top")

    def __init__(self, base: int, first_ms: int, last_ms: int, top: int, began: str) -> None:
        self.base = base
        self.first_ms = first_ms
        self.last_ms = last_ms
        self.top = top
        self.began = began  # FIRST, RESET, ROLLED or JUMPED

    def dump(self) -> list[Any]:
        """As JSON can carry it."""
        return [self.base, self.first_ms, self.last_ms, self.top, self.began]


class Total:
    """The total of one point of one device. `jump` is what the newest word could not have grown."""

    __slots__ = (
        "address",
        "began_ms",
        "eras",
        "highest",
        "jump",
        "ordered",
        "owns",
        "pulses",
        "quick",
        "rate",
        "told",
        "waits",
    )

    def __init__(self) -> None:
        self.address: str | None = None  # of the device that said it: another one is another life
        self.owns = False  # the device says a total of its own; else it is added up from `rep`
        self.pulses = 0
        self.highest = 0  # raw, in the life of this device: shows how wide its counter is
        self.eras: list[Era] = []
        self.rate = _AS_IT_IS  # so many pulses are one use, from so many pulses = so many uses on
        self.told: list[tuple[int, int]] = []  # (moment, uses), by moment
        self.began_ms: int | None = None  # the moment of the first word that was told
        self.jump = 0
        self.quick = False  # its pulses are uses, from totals of its own that can be true
        self.waits = False  # for its row to be written; for whoever keeps it
        self.ordered = True  # no word was late so far: the newest told value says all

    def step(self, raw: int, at_ms: int, address: str, at_once: int) -> int | None:
        """The same as `count` for what nearly every word is: a little more, in order. Else None.

        Only while `quick`, and for a device of which one pulse is one use.
        """
        era, told = self.eras[-1], self.told
        growth = raw - era.top
        if (
            not 0 <= growth <= at_once
            or at_ms <= era.last_ms
            or at_ms <= told[-1][0]
            or address != self.address
        ):
            return None
        era.top, era.last_ms = raw, at_ms
        if raw > self.highest:  # noqa: PLR1730 - faster than `max()`, for every use
            self.highest = raw
        self.pulses = pulses = self.pulses + growth
        told.append((at_ms, pulses))
        if len(told) > TOLD_MAX:
            del told[0]
        return pulses

    def reach(self, uses: int, at_ms: int) -> None:
        """It is known to have come so far since it was kept; only while `quick`."""
        era = self.eras[-1]
        if at_ms >= era.last_ms and uses > self.pulses:
            era.top, era.last_ms = era.top + uses - self.pulses, at_ms
            self.highest = max(self.highest, era.top)
            self.pulses = uses
            self._tell(at_ms)

    # -- words of the device -------------------------------------------------------------------

    def count(self, raw: int, at_ms: int, address: str, per_use: int, bounds: Bounds) -> int:
        """The device says that it stands at `raw`; the uses so far, at that moment."""
        uses = self._count(raw, at_ms, address, per_use, bounds)
        self._look()
        return uses

    def _look(self) -> None:
        self.quick = self.owns and self.rate == _AS_IT_IS and self.eras[-1].began != JUMPED

    def _count(self, raw: int, at_ms: int, address: str, per_use: int, bounds: Bounds) -> int:
        self.jump = 0
        if per_use != self.rate[0]:
            self._change_rate(per_use)
        if address != self.address or not self.owns:
            self._take_over(raw, at_ms, address)
            return self._tell(at_ms)
        era = self.eras[-1]
        if at_ms < era.last_ms or (at_ms == era.last_ms and raw < era.top):
            return self._late(raw, at_ms, bounds)
        growth = raw - era.top
        if growth < 0:
            growth = self._fall(raw, at_ms, bounds)
        elif growth and not bounds.allow(growth / per_use, at_ms - era.last_ms):
            growth = self._leap(raw, at_ms, growth)
        era = self.eras[-1]
        era.top, era.last_ms = raw, at_ms
        if raw > self.highest and era.began != JUMPED:
            self.highest = raw
        self.pulses += growth
        return self._tell(at_ms)

    def repeat(
        self, times: int, at_ms: int, now_ms: int, address: str, per_use: int, bounds: Bounds
    ) -> tuple[int, int] | None:
        """The device says "so many more": uses so far and their moment. None: it says totals.

        One that is heard late is counted when it is heard: what was told before stays true. One
        from before the first word of all is not part of a total that begins with that word; a rule
        that counts repetitions has counted it by itself.
        """
        self.jump = 0
        if address != self.address:
            self.address, self.owns, self.eras = address, False, []
            self.quick = False
        if self.owns or (self.began_ms is not None and at_ms < self.began_ms):
            return None
        if per_use != self.rate[0]:
            self._change_rate(per_use)
        newest_ms = self.told[-1][0] if self.told else at_ms
        if bounds.allow(times / per_use, at_ms - newest_ms):
            self.pulses += times
        else:
            self.jump = times
        moment_ms = at_ms if at_ms >= newest_ms else max(now_ms, newest_ms)
        return self._tell(moment_ms), moment_ms

    def present(self) -> int:
        """The uses so far."""
        return self._uses(self.pulses)

    # -- eras ------------------------------------------------------------------------------------

    def _take_over(self, raw: int, at_ms: int, address: str) -> None:
        """The first word of a device: it goes on from what was, and is itself no growth."""
        if not self.told:
            self.pulses = raw
        self.address, self.owns, self.highest = address, True, raw
        self._begin(FIRST, raw, at_ms)

    def _begin(self, how: str, raw: int, at_ms: int, growth: int = 0) -> None:
        self.eras.append(Era(self.pulses + growth - raw, at_ms, at_ms, raw, how))
        del self.eras[:-ERAS_MAX]

    def _fall(self, raw: int, at_ms: int, bounds: Bounds) -> int:
        """It says less than before: a wrong value that is over, a roll-over, or a reset."""
        era, per_use = self.eras[-1], self.rate[0]
        if era.began == JUMPED and (back := self._back(raw, at_ms, bounds)) is not None:
            return back
        over = rolled_over_by(era.top, raw, max(self.highest, era.top))
        growth = raw if over is None else int(over)
        if not bounds.allow(growth / per_use, at_ms - era.last_ms):
            return self._leap(raw, at_ms, growth)
        self._begin(RESET if over is None else ROLLED, raw, at_ms, growth)
        return growth

    def _back(self, raw: int, at_ms: int, bounds: Bounds) -> int | None:
        """Growth since before the jump, if that is where the counter goes on."""
        before = self.eras[-2] if len(self.eras) > 1 else None
        if before is None or raw < before.top:
            return None
        growth = raw - before.top
        if not bounds.allow(growth / self.rate[0], at_ms - before.last_ms):
            return None
        self.eras.pop()
        before.base = self.pulses + growth - raw
        return growth

    def _leap(self, raw: int, at_ms: int, growth: int) -> int:
        """More than can be true: not counted, and the total goes on from there."""
        self.jump = growth
        self._begin(JUMPED, raw, at_ms)
        return 0

    def _change_rate(self, per_use: int) -> None:
        """Somebody said that so many pulses are one use, from here on."""
        self.rate = (per_use, self.pulses, self._uses(self.pulses))

    # -- late words ------------------------------------------------------------------------------

    def _late(self, raw: int, at_ms: int, bounds: Bounds) -> int:
        index = max(bisect_right(self.eras, at_ms, key=_first_ms) - 1, 0)
        era = self.eras[index]
        after = self.eras[index + 1] if index + 1 < len(self.eras) else None
        if after is not None and at_ms > era.last_ms and raw < era.top:
            era, index = after, index + 1  # it had begun anew already
            era.first_ms = at_ms
        era.last_ms = max(era.last_ms, at_ms)
        grown = raw - era.top
        if grown > 0 and bounds.allow(grown / self.rate[0], at_ms - era.first_ms):
            self._reach(index, grown)
        return self._tell(at_ms, era.base + min(raw, era.top))

    def _reach(self, index: int, grown: int) -> None:
        """An era had gone further than was known: all that came after it stands higher.

        But a roll-over says by itself how far the era before it went.
        """
        era, later = self.eras[index], self.eras[index + 1 :]
        era.top += grown
        self.highest = max(self.highest, era.top if not later else 0)
        if later and later[0].began == ROLLED:
            return
        for one in later:
            one.base += grown
        self.pulses += grown

    # -- what is told ----------------------------------------------------------------------------

    def _uses(self, pulses: int) -> int:
        per_use, from_pulses, from_uses = self.rate
        return min(max(from_uses + (pulses - from_pulses) // per_use, 0), WHOLE_MAX)

    def _tell(self, at_ms: int, pulses: int | None = None) -> int:
        """The uses at a moment: no less than before it, no more than after it."""
        uses = self._uses(self.pulses if pulses is None else pulses)
        told = self.told
        if self.began_ms is None:
            self.began_ms = at_ms
        if not told or at_ms >= told[-1][0]:
            if told and uses < told[-1][1]:
                uses = told[-1][1]
            told.append((at_ms, uses))
        else:
            self.ordered = False
            place = bisect_right(told, at_ms, key=_moment)
            lowest = told[place - 1][1] if place else 0
            uses = min(max(uses, lowest), told[place][1])
            told.insert(place, (at_ms, uses))
        if len(told) > TOLD_MAX:
            del told[0]
        return uses

    # -- what is kept ----------------------------------------------------------------------------

    def dump(self) -> list[Any]:
        """As JSON can carry it."""
        eras = [era.dump() for era in self.eras]
        whose = [self.address, self.owns, self.began_ms]
        told = self.told[-1:] if self.ordered else self.told
        return [*whose, self.pulses, self.highest, eras, self.rate, told, self.ordered]

    @classmethod
    def load(cls, state: list[Any]) -> "Total":
        """Back from `dump`."""
        total = cls()
        total.address, total.owns, total.began_ms, total.pulses, total.highest = state[:5]
        eras, rate, told, total.ordered = state[5:]
        total.eras = [Era(*era) for era in eras]
        total.rate = (rate[0], rate[1], rate[2])
        total.told = [(at_ms, uses) for at_ms, uses in told]
        total._look()
        return total


def _first_ms(era: Era) -> int:
    return era.first_ms


def _moment(told: tuple[int, int]) -> int:
    return told[0]
