"""The canary: a press that calls nobody and proves the whole way of one that does.

It is published on the native topic of a reserved device and goes through broker, driver, journal,
judge, outbox and broker like any press; a rule of its own hears it (`rules/built_in`), and what
comes of it is no case but one notice to the channel `canary`. Whoever pressed, the hub itself or
`hub watch` on another machine, knows its own by the id.
Bounds: `canary_under_way_max` presses are remembered; one is under way for `canary_within_s`.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import msgspec

from device_drivers.native.driver import CANARY as WORD
from device_drivers.native.driver import CANARY_ADDRESS
from device_drivers.reading import Reading
from hub.clock import Clock
from hub.deliver import TryAgain
from hub.health import GREEN, RED, YELLOW, Report
from hub.journal import Entry
from hub.outbox import NewNotice
from hub.settings import Settings
from rules.facts import DeviceFacts
from rules.rule import CANARY as FAMILY

PART = "canary"  # of the hub's health
CHANNEL = "canary"
DEVICE = "@canary"  # in the journal and before the judge; no device can be registered so
# Beside `press` in the journal's line: the id, and the moment (ms) that the press says itself. No
# foreign clock gets to the judge: all three are of one moment, that of the arrival.
ID_POINT, PUBLISHED_POINT = "canary", "published"

# Nobody's device and no stranger: the one rule for its family judges it.
THE_CANARY = DeviceFacts(DEVICE, FAMILY, name_zh="自检", name_en="canary")

# Upper bounds of the histogram of round trips, in s; longer ones are in the last, `+Inf`.
BUCKETS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 90.0)

Publish = Callable[[str, bytes], Awaitable[None]]


def press_topic(site: str) -> str:
    """Where a canary is pressed."""
    return f"community/{site}/button/{WORD}/up"


def answer_topic(site: str) -> str:
    """Where its answer comes."""
    return f"hub/{site}/{CHANNEL}"


def new_id(who: str) -> str:
    """An id that nobody else has given."""
    return f"{who}-{secrets.token_hex(8)}"


def press_payload(press_id: str, now_ms: int) -> bytes:
    """The press as a button would say it."""
    return msgspec.json.encode({"press": WORD, "id": press_id, "ts": now_ms})


# -- at the door -------------------------------------------------------------------------------


def is_canary(address: str, readings: Sequence[Reading]) -> bool:
    """Is this the press of proof? Anything else on its topic is a stranger's, and may be a call."""
    return address == CANARY_ADDRESS and len(readings) == 1 and readings[0][:2] == ("press", WORD)


def marked(
    readings: Sequence[Reading], press_id: str | None, said_ms: int | None
) -> tuple[Reading, ...]:
    """The journal's line: the press, and what its answer will say of it."""
    heard = readings[0]
    said = (heard, Reading(ID_POINT, press_id or "", heard.at_ms))
    return said if said_ms is None else (*said, Reading(PUBLISHED_POINT, said_ms, heard.at_ms))


# -- with the judge ----------------------------------------------------------------------------


class Presses:
    """The presses of proof that the judge is hearing in this step, by their entries' numbers."""

    def __init__(self) -> None:
        self._heard: dict[int, dict[str, Any]] = {}

    def hear(self, entry: Entry, before_ms: int) -> tuple[Reading, ...]:
        """Keep what its answer will say; returns its readings, as of a moment after `before_ms`.

        Two of one millisecond are one press to the judge, and one of a clock that was set back
        would be put into its past: proved is the way, not a clock.
        """
        said = {point: value for point, value, _at_ms, _unit in entry.readings}
        if ID_POINT in said:
            moments = {"published_ms": said.get(PUBLISHED_POINT), "heard_ms": entry.arrived_ms}
            self._heard[entry.seq] = {"id": said[ID_POINT], **moments}
        at_ms = max(entry.arrived_ms, before_ms + 1)
        return tuple(reading._replace(at_ms=at_ms) for reading in entry.readings)

    def notice(self, seq: int, now_ms: int) -> NewNotice | None:
        """The answer to the press of that entry, once; None: it had it."""
        said = self._heard.pop(seq, None)
        if said is None:
            return None
        body = msgspec.json.encode({**said, "judged_ms": now_ms}).decode()
        about = f"{DEVICE}/{said['id']}"  # each its own: one that is stuck holds no other up
        return NewNotice(about, CHANNEL, WORD, body, now_ms, now_ms)

    def forget(self) -> None:
        """The step is over."""
        self._heard.clear()


# -- the hub's own -----------------------------------------------------------------------------


class State(NamedTuple):
    """How the part `canary` is."""

    state: str
    text_zh: str
    text_en: str


class Canary:
    """The presses under way and how the last ones did. `now_s` is monotonic time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._under_way: dict[str, float] = {}  # id: when it was pressed, the oldest first
        self._kept_ms: dict[str, int] = {}  # id: when it was on the disk
        self._lost_s: float | None = None  # the first press since the last answer that was lost
        self._back_s = float("-inf")  # when the newest of those was pressed that came back
        self._last_s: float | None = None  # how long the newest answer took
        self._counts = dict.fromkeys([*map(str, BUCKETS_S), "inf"], 0)
        self._sum_s = 0.0
        self._lost = 0

    def pressed(self, press_id: str, now_s: float) -> None:
        """One is on its way."""
        self._under_way[press_id] = now_s
        self._trim(self._under_way)

    def kept(self, ids: Sequence[str], now_ms: int) -> None:
        """These are on the disk."""
        for press_id in ids:
            self._kept_ms[press_id] = now_ms
            self._trim(self._kept_ms)

    def _trim(self, known: dict[str, Any]) -> None:
        if len(known) > self._settings.canary_under_way_max:
            del known[next(iter(known))]

    def kept_ms(self, press_id: str) -> int | None:
        """When it was on the disk; None where this process has not seen that."""
        return self._kept_ms.get(press_id)

    def told(self, press_id: str, now_s: float) -> None:
        """The broker has confirmed its answer."""
        self._kept_ms.pop(press_id, None)
        pressed_s = self._under_way.pop(press_id, None)
        if pressed_s is None:
            return  # a watcher's, or given up long ago
        took_s = now_s - pressed_s
        self._last_s, self._lost_s = took_s, None
        self._back_s = max(self._back_s, pressed_s)
        self._sum_s += took_s
        self._counts[next((str(top) for top in BUCKETS_S if took_s <= top), "inf")] += 1

    def look(self, now_s: float) -> State:
        """Give up what has been under way too long, and say how it is.

        A later press that came back is the newer word: the lost one is counted, and no alarm.
        """
        slow_s = self._settings.canary_slow_s
        self._give_up(now_s - self._settings.canary_within_s)
        later = [at_s for at_s in self._under_way.values() if at_s > self._back_s]
        oldest_s = min(later, default=now_s)
        if self._lost_s is not None:
            return _lost(now_s - self._lost_s)
        if now_s - oldest_s > slow_s:
            return _slow(now_s - oldest_s, back=False)
        if self._last_s is None:
            return State(GREEN, "第一次自检按压在途中", "the first canary is on its way")
        if self._last_s > slow_s:
            return _slow(self._last_s, back=True)
        ms = round(self._last_s * 1_000)
        return State(GREEN, f"自检按压 {ms} 毫秒走完全程", f"a press goes the whole way in {ms} ms")

    def _give_up(self, before_s: float) -> None:
        for press_id, at_s in list(self._under_way.items()):
            if at_s >= before_s:
                continue
            del self._under_way[press_id]
            self._lost += 1
            if at_s > self._back_s and self._lost_s is None:
                self._lost_s = at_s

    def figures(self) -> dict[str, int | float | str | None]:
        """The last round trip in ms, and all of them as a histogram: `le_…`, each for itself."""
        last_ms = None if self._last_s is None else round(self._last_s * 1_000, 1)
        counts = {f"le_{top}": count for top, count in self._counts.items()}
        now = {"last_ms": last_ms, "under_way": len(self._under_way), "lost": self._lost}
        return {**now, "sum_s": round(self._sum_s, 6), **counts}


def _lost(age_s: float) -> State:
    zh = f"自检按压 {age_s:.0f} 秒没有回来：真的呼叫也可能到不了"
    en = f"a canary pressed {age_s:.0f} s ago has not come back: a real call may be lost as well"
    return State(RED, zh, en)


def _slow(took_s: float, *, back: bool) -> State:
    if back:
        return State(YELLOW, f"自检按压用了 {took_s:.1f} 秒", f"a canary took {took_s:.1f} s")
    zh = f"自检按压在途中已 {took_s:.0f} 秒"
    return State(YELLOW, zh, f"a canary has been under way for {took_s:.0f} s")


class Flight:
    """One look after the other: press when it is time, and report."""

    def __init__(
        self,
        canary: Canary,
        *,
        publish: Publish,
        site: str,
        settings: Settings,
        clock: Clock,
        report: Report,
    ) -> None:
        self._canary = canary
        self._publish = publish
        self._topic = press_topic(site)
        self._settings = settings
        self._clock = clock
        self._report = report
        self._next_s = clock.monotonic_s()
        self._told: tuple[State, Mapping[str, Any]] | None = None

    async def look(self) -> None:
        """Press if it is time; say how it is if that has changed."""
        now_s = self._clock.monotonic_s()
        if now_s >= self._next_s:
            self._next_s = now_s + self._settings.canary_every_s
            await self._press(now_s)
        state = self._canary.look(self._clock.monotonic_s())
        now = state, self._canary.figures()
        if now != self._told:
            self._report(PART, *state, now[1])
            self._told = now

    async def _press(self, now_s: float) -> None:
        press_id = new_id("hub")
        self._canary.pressed(press_id, now_s)  # before: one that cannot go out is lost as well
        with suppress(TryAgain, TimeoutError):  # it does not come back, and that is told
            async with asyncio.timeout(self._settings.deliver_timeout_s):
                await self._publish(self._topic, press_payload(press_id, self._clock.now_ms()))


async def fly(flight: Flight, settings: Settings) -> None:
    """Press and look until cancelled; not at all where `canary_every_s` is 0."""
    if not settings.canary_every_s:
        return
    while True:
        await flight.look()
        await asyncio.sleep(settings.canary_look_s)
