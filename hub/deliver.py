"""The loop that tells people and programs: from the outbox through channels.

Every channel has a lane of its own, so one that hangs never delays another. Within a lane cases
and addresses go side by side, the notices of one case to one address one after the other. A try
ends sent, to be tried again (`TryAgain`: with backoff, jitter and the receiver's own Retry-After)
or given up (`GiveUp`, or `deliver_tries_max` tries); held back by a channel's own limit (`Later`)
is no try. What became of it is written after the fact: at least once, never lost. A call that
fails goes on to the next way at once (`hub/reach.py`).
Bounds: `deliver_batch_max` notices of a channel at a time, `deliver_timeout_s` a try.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from sqlalchemy.engine import Connection, Engine

from hub import outbox, reach
from hub.clock import Clock
from hub.health import GREEN, YELLOW, Report
from hub.outbox import GIVEN_UP, SENT, WAITING, Line, Notice, Outcome
from hub.own_parts import ChannelStates
from hub.settings import Settings
from hub.writer import Writer

log = logging.getLogger(__name__)

Wait = Callable[[asyncio.Event, float], Awaitable[None]]

_READY = ("可以通知", "ready")
_HELD = ("发送频率已到上限, 一般通知稍后合并发送", "at its limit, lesser notices wait to be merged")
UNCONFIRMED = "unconfirmed"  # the note of what was handed on, by whom nobody knows whether it came
_WORDS = {WAITING: ("通知失败, 将重试", "will try again"), GIVEN_UP: ("通知已放弃", "given up")}


class TryAgain(Exception):
    """The channel could not tell it now; later may help. `after_s`: the receiver's own wish."""

    def __init__(self, reason: str, after_s: float | None = None) -> None:
        super().__init__(reason)
        self.after_s = after_s


class GiveUp(Exception):
    """The channel will never be able to tell this notice; the text says why."""


class Later(Exception):
    """The channel's own limit holds it back for `after_s`; that is no try."""

    def __init__(self, reason: str, after_s: float) -> None:
        super().__init__(reason)
        self.after_s = after_s


class Channel(Protocol):
    """One way to tell. `send` returns when the other side has confirmed, else raises one above."""

    @property
    def name(self) -> str:
        """As the column `channel` of the outbox says it."""
        ...

    async def ready(self) -> None:
        """Return when there is somebody to send to; waiting here costs no notice a try."""
        ...

    async def send(self, notice: Notice) -> str | None:
        """Tell it; a note if there is one to keep. Raises `TryAgain`, `GiveUp` or `Later`."""
        ...


class Backoff(NamedTuple):
    """When to try again, and when no more. `jitter` gives a number from 0 to 1."""

    retry_min_s: float
    retry_max_s: float
    retry_after_max_s: float
    tries_max: int
    jitter: Callable[[], float] = random.random

    def wait_s(self, tries: int, after_s: float | None = None) -> float:
        """Seconds until the next try, after so many failed ones (1 or more)."""
        if after_s is not None:
            return min(after_s, self.retry_after_max_s)
        longest_s = min(self.retry_min_s * 2.0 ** min(tries - 1, 63), self.retry_max_s)
        return longest_s * (0.5 + self.jitter() / 2)


async def wait_for(event: asyncio.Event, seconds: float) -> None:
    """Return when `event` is set or `seconds` have passed."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


async def deliver(  # noqa: PLR0913 - the loop's whole world, by name
    *,
    engine: Engine,
    writer: Writer,
    channels: Mapping[str, Channel],
    settings: Settings,
    clock: Clock,
    wake: asyncio.Event,
    report: Report,
    wait: Wait = wait_for,
    jitter: Callable[[], float] = random.random,
    states: ChannelStates | None = None,
) -> None:
    """Deliver until cancelled. Set `wake` after every commit that put notices into the outbox."""
    backoff = Backoff(
        settings.deliver_retry_min_s,
        settings.deliver_retry_max_s,
        settings.deliver_retry_after_max_s,
        settings.deliver_tries_max,
        jitter,
    )
    states = states or ChannelStates(settings.channel_failures_max)
    lanes = [
        _Lane(channel, engine, writer, settings, clock, report, wait, backoff, states)
        for channel in channels.values()
    ]

    async def refuse_forever() -> None:
        while True:
            await _refuse_unknown_channels(engine, writer, channels, settings, clock, report)
            await wait(asyncio.Event(), settings.deliver_poll_s)

    async with asyncio.TaskGroup() as tasks:
        for lane in lanes:
            tasks.create_task(lane.run(), name=f"deliver-{lane.name}")
        tasks.create_task(refuse_forever())
        while True:
            wake.clear()
            for lane in lanes:
                lane.wake.set()
            await wait(wake, settings.deliver_poll_s)


async def _refuse_unknown_channels(
    engine: Engine,
    writer: Writer,
    channels: Mapping[str, Channel],
    settings: Settings,
    clock: Clock,
    report: Report,
) -> None:
    """Give up, visibly, what waits for a channel that nobody set up."""

    def find() -> list[Notice]:
        with engine.connect() as connection:
            return outbox.of_other_channels(connection, channels, settings.deliver_batch_max)

    now_ms = clock.now_ms()
    outcomes = [
        Outcome(n, GIVEN_UP, now_ms, n.due_ms, f"no channel {n.channel!r} is set up")
        for n in await asyncio.to_thread(find)
    ]
    if not outcomes:
        report("deliver", GREEN, *_READY)
        return
    await writer.run(_noting(outcomes))
    text = f"{len(outcomes)}: {outcomes[0].error}"
    report("deliver", YELLOW, f"通知已放弃: {text}", f"notices given up: {text}")


class _Lane:
    """One channel's notices on their way."""

    def __init__(  # noqa: PLR0913, PLR0917 - the lane's whole world
        self,
        channel: Channel,
        engine: Engine,
        writer: Writer,
        settings: Settings,
        clock: Clock,
        report: Report,
        wait: Wait,
        backoff: Backoff,
        states: ChannelStates,
    ) -> None:
        self._states = states
        self.name = channel.name
        self.wake = asyncio.Event()
        self._part = f"deliver-{channel.name}"
        self._channel = channel
        self._engine = engine
        self._writer = writer
        self._settings = settings
        self._clock = clock
        self._report = report
        self._wait = wait
        self._backoff = backoff
        self._busy: set[Line] = set()  # lines with a notice on its way
        self._done: list[Outcome] = []
        self._some_done = asyncio.Event()
        self._figures: Counter[str] = Counter()

    async def run(self) -> None:
        """Take, send and note until cancelled."""
        self._report(self._part, GREEN, *_READY)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._note_forever())
            while True:
                await self._until_ready()
                self.wake.clear()
                await self._wait(self.wake, await self._start_due(tasks))

    async def _until_ready(self) -> None:
        try:
            async with asyncio.timeout(self._settings.deliver_timeout_s):
                await self._channel.ready()
        except TimeoutError:
            self._report(self._part, YELLOW, "对方不在线, 通知在等待", "nobody there, notices wait")
            await self._channel.ready()
            self._report(self._part, GREEN, *_READY)

    async def _start_due(self, tasks: asyncio.TaskGroup) -> float:
        """Start a try of every notice that is due; seconds until the next one will be."""
        room = self._settings.deliver_batch_max - len(self._busy)
        if room <= 0:
            return self._settings.deliver_poll_s
        for notice in await asyncio.to_thread(self._read_heads, list(self._busy), room):
            due_in_s = (notice.due_ms - self._clock.now_ms()) / 1000
            if due_in_s > 0:  # the soonest comes first: nothing behind it is due
                return min(self._settings.deliver_poll_s, due_in_s)
            self._busy.add(notice.line)
            tasks.create_task(self._try(notice))
        return self._settings.deliver_poll_s

    def _read_heads(self, busy: Sequence[Line], room: int) -> list[Notice]:
        with self._engine.connect() as connection:
            return outbox.heads(connection, self.name, busy, room)

    async def _try(self, notice: Notice) -> None:
        outcome = await self._outcome(notice)
        self._done.append(outcome)  # only now: the list is another one after each note
        self._some_done.set()

    async def _outcome(self, notice: Notice) -> Outcome:
        try:
            async with asyncio.timeout(self._settings.deliver_timeout_s):
                note = await self._channel.send(notice)
        except GiveUp as error:
            return self._given_up(notice, str(error))
        except TryAgain as error:
            return self._again(notice, str(error), error.after_s)
        except Later as error:
            return self._held_back(notice, str(error), error.after_s)
        except TimeoutError:
            return self._again(notice, f"no answer within {self._settings.deliver_timeout_s} s")
        except Exception as error:
            # A fault in one channel's code must not stop the others; it shows as a failed try.
            log.exception("channel %s failed on notice %d", self.name, notice.id)
            return self._again(notice, f"{type(error).__name__}: {error}")
        return Outcome(notice, SENT, self._clock.now_ms(), notice.due_ms, note=note)

    def _held_back(self, notice: Notice, reason: str, after_s: float) -> Outcome:
        now_ms = self._clock.now_ms()
        due_ms = now_ms + round(min(after_s, self._backoff.retry_after_max_s) * 1000)
        return Outcome(notice, WAITING, now_ms, due_ms, reason, tried=False)

    def _again(self, notice: Notice, reason: str, after_s: float | None = None) -> Outcome:
        tries = notice.tries + 1
        if tries >= self._backoff.tries_max:
            return self._given_up(notice, f"{reason} ({tries} tries)")
        now_ms = self._clock.now_ms()
        due_ms = now_ms + round(self._backoff.wait_s(tries, after_s) * 1000)
        return Outcome(notice, WAITING, now_ms, due_ms, reason)

    def _given_up(self, notice: Notice, reason: str) -> Outcome:
        log.error("notice %d about %s given up: %s", notice.id, notice.case_id, reason)
        return Outcome(notice, GIVEN_UP, self._clock.now_ms(), notice.due_ms, reason)

    async def _note_forever(self) -> None:
        while True:
            await self._some_done.wait()
            self._some_done.clear()
            outcomes, self._done = self._done, []
            await self._writer.run(_noting(outcomes))
            self._busy.difference_update(outcome.notice.line for outcome in outcomes)
            self._tell_health(outcomes)
            self.wake.set()

    def _tell_health(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            if not outcome.tried:
                continue
            self._figures[outcome.note or outcome.state] += 1
            if outcome.state == SENT:
                self._states.sent(self.name)
            else:
                self._states.failed(self.name, given_up=outcome.state == GIVEN_UP)
        figures = {
            "sent": self._figures[SENT],
            "failed_tries": self._figures[WAITING],
            "given_up": self._figures[GIVEN_UP],
        }
        if self._figures[UNCONFIRMED]:
            figures[UNCONFIRMED] = self._figures[UNCONFIRMED]
        failed = [outcome for outcome in outcomes if outcome.state != SENT and outcome.tried]
        if failed:
            verb_zh, verb_en = _WORDS[failed[-1].state]
            text = f"{failed[-1].notice.case_id}: {failed[-1].error}"
            self._report(self._part, YELLOW, f"{verb_zh}: {text}", f"{verb_en}: {text}", figures)
        else:
            held = any(not outcome.tried for outcome in outcomes)
            self._report(self._part, GREEN, *(_HELD if held else _READY), figures)


def _noting(outcomes: Sequence[Outcome]) -> Callable[[Connection], None]:
    def job(connection: Connection) -> None:
        outbox.note(connection, outcomes)
        reach.go_on(connection, outcomes)

    return job
