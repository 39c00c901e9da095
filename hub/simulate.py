"""The player: publishes events at their time, through any broker, and listens for answers.

A press is said again until the hub's `{"heard": id}` has come back on `…/down`: with a broker that
may forget what it has acknowledged, this is what makes a press never lost. Everything that waits
is bounded (`hub/simulated/figures.py`); while there is no connection the world waits too.
"""

import asyncio
import re
import ssl
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import aiomqtt
import msgspec

from hub.clock import Clock
from hub.mqtt import Address
from hub.simulated import figures
from hub.simulated.voices import Event, stamped

QOS = 1
LOOK_FOR_REPEATS_EVERY_S = 0.25

_SYSTEMS_NUMBER = re.compile(r"^\[Errno -?[0-9]+\] ")  # before the system's own words

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Unreachable(Exception):
    """The broker cannot be reached at the beginning; the text is for a person."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast: messages a second in all, simulated seconds a second, or both: then the slower."""

    rate: float | None = None
    speed: float | None = 1.0

    def due_s(self, number: int, passed_ms: int) -> float:
        """When a message is due, in seconds after the first."""
        by_rate = number / self.rate if self.rate else 0.0
        by_speed = passed_ms / 1_000 / self.speed if self.speed else 0.0
        return max(by_rate, by_speed)


@dataclass(slots=True)
class Waiting:
    """A press that nobody has heard yet."""

    topic: str
    payload: bytes
    since_s: float
    due_s: float
    wait_s: float = figures.REPEAT_FIRST_S


@dataclass(slots=True)
class Tally:
    """What was sent and heard."""

    families: Counter[str] = field(default_factory=Counter)
    transports: Counter[str] = field(default_factory=Counter)
    presses: int = 0
    presses_with_answer: int = 0  # sent by devices that the hub can answer
    heard: int = 0
    repeats: int = 0
    given_up: int = 0
    reconnects: int = 0
    outside: int = 0  # on topics that the hub does not listen to
    heard_after_ms_max: int = 0
    press_ids: list[str] = field(default_factory=list)

    def summary(self, seconds: float) -> dict[str, Any]:
        """The line that stands at the end."""
        return {
            "messages": self.families.total(),
            "families": dict(sorted(self.families.items())),
            "transports": dict(sorted(self.transports.items())),
            "presses": self.presses,
            "presses_that_can_be_answered": self.presses_with_answer,
            "presses_heard": self.heard,
            "presses_given_up": self.given_up,
            "press_repeats": self.repeats,
            "heard_after_ms_max": self.heard_after_ms_max,
            "press_ids": self.press_ids,
            "not_subscribed": self.outside,
            "reconnects": self.reconnects,
            "seconds": round(seconds, 3),
        }


class Player:
    """Plays events until they end, `count` is reached, or `stop` is called."""

    def __init__(
        self,
        address: Address,
        *,
        clock: Clock,
        pace: Pace,
        site: str,
        count: int | None = None,
        answer_wait_s: float = figures.ANSWER_WAIT_S,
        say: Callable[[str], None] = lambda _word: None,
        listened: Iterable[str] = (),
    ) -> None:
        self.tally = Tally()
        self._address = address
        self._clock = clock
        self._pace = pace
        self._site = site
        self._count = count
        self._answer_wait_s = answer_wait_s
        self._say = say
        self._listened = [aiomqtt.Wildcard(filter_) for filter_ in listened]
        self._queue: asyncio.Queue[Event] = asyncio.Queue(figures.IN_FLIGHT_MAX)
        self._again: deque[tuple[Event, bytes]] = deque()  # cut off in mid-sending; ≤ IN_FLIGHT_MAX
        self._waiting: dict[str, Waiting] = {}
        self._unsent = 0
        self._ended = False
        self._stopped = asyncio.Event()
        self._changed = asyncio.Event()  # something was sent, heard, or given up

    def stop(self) -> None:
        """End now; what is under way is left."""
        self._stopped.set()
        self._changed.set()

    async def play(self, events: Iterator[Event]) -> dict[str, Any]:
        """Play, and return the summary. Raises `Unreachable` when it never connects."""
        began_s = self._clock.monotonic_s()
        feeding = asyncio.create_task(self._feed(events))
        ending = asyncio.create_task(self._until_done(feeding))
        connecting = asyncio.create_task(self._stay_connected())
        try:
            await asyncio.wait({ending, connecting}, return_when=asyncio.FIRST_COMPLETED)
            if connecting.done():
                connecting.result()
            ending.result()
        finally:
            self._ended = True
            for task in (feeding, ending, connecting):
                task.cancel()
            await asyncio.gather(feeding, ending, connecting, return_exceptions=True)
        return self.tally.summary(self._clock.monotonic_s() - began_s)

    async def _feed(self, events: Iterator[Event]) -> None:
        began_s, first_ms = self._clock.monotonic_s(), None
        for number, event in enumerate(events):
            if number == self._count or self._stopped.is_set():
                return
            first_ms = event.at_ms if first_ms is None else first_ms
            due_s = began_s + self._pace.due_s(number, event.at_ms - first_ms)
            if (wait_s := due_s - self._clock.monotonic_s()) > 0:
                await asyncio.sleep(wait_s)
            self._unsent += 1
            await self._queue.put(event)

    async def _until_done(self, feeding: asyncio.Task[None]) -> None:
        stopped = asyncio.create_task(self._stopped.wait())
        try:
            await asyncio.wait({feeding, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if feeding.done():
                feeding.result()
            await self._until(lambda: self._unsent == 0)
            try:
                async with asyncio.timeout(self._answer_wait_s):
                    await self._until(lambda: not self._waiting)
            except TimeoutError:
                self._say(f"{len(self._waiting)} presses were not answered")
        finally:
            stopped.cancel()

    async def _until(self, is_so: Callable[[], bool]) -> None:
        while not is_so() and not self._stopped.is_set():
            self._changed.clear()
            await self._changed.wait()

    async def _stay_connected(self) -> None:
        # A connection that breaks while it is being closed hides the cancellation: hence `_ended`.
        wait_s, connected_once = figures.RECONNECT_MIN_S, False
        while not self._ended:
            try:
                async with self._client() as client:
                    connected_once, wait_s = True, figures.RECONNECT_MIN_S
                    await self._converse(client)
            except* aiomqtt.MqttError as errors:
                where, why = f"{self._address.host}:{self._address.port}", _why(errors)
                if not connected_once:
                    raise Unreachable(f"no broker answers at {where}: {why}") from None
                if not self._ended:
                    self._say(f"the broker at {where} is gone ({why}); connecting again")
                    self.tally.reconnects += 1
                    await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, figures.RECONNECT_MAX_S)

    def _client(self) -> aiomqtt.Client:
        address = self._address
        client = aiomqtt.Client(
            address.host,
            address.port,
            username=address.user,
            password=address.password,
            tls_context=ssl.create_default_context() if address.secure else None,
            max_inflight_messages=figures.IN_FLIGHT_MAX,
        )
        client.pending_calls_threshold = 2 * figures.IN_FLIGHT_MAX  # they are bounded here
        return client

    async def _converse(self, client: aiomqtt.Client) -> None:
        await client.subscribe(f"community/{self._site}/+/+/down", qos=QOS)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(client))
            tasks.create_task(self._repeat(client))
            for _ in range(figures.IN_FLIGHT_MAX):
                tasks.create_task(self._send(client))

    async def _send(self, client: aiomqtt.Client) -> None:
        # aiomqtt waits by `wait_for`, which can swallow a cancellation: hence `_ended`.
        while not self._ended:
            event, payload = await self._next()
            try:
                await client.publish(event.topic, payload, qos=QOS, retain=event.retained)
            except BaseException:
                self._again.append((event, payload))
                raise
            self._sent(event, payload)

    async def _next(self) -> tuple[Event, bytes]:
        if self._again:
            return self._again.popleft()
        event = await self._queue.get()
        body = stamped(event, self._clock.now_ms())
        payload = body if isinstance(body, bytes) else _encode(body)
        if event.press:
            self._note_press(event, payload)
        return event, payload

    def _note_press(self, event: Event, payload: bytes) -> None:
        """Before it is sent: the answer may be quicker than the broker's ack."""
        self.tally.presses += 1
        if not event.press_id:
            return
        self.tally.presses_with_answer += 1
        if len(self.tally.press_ids) < figures.PRESS_IDS_MAX:
            self.tally.press_ids.append(event.press_id)
        if len(self._waiting) >= figures.PRESSES_WAITING_MAX:
            self._waiting.pop(next(iter(self._waiting)))
            self.tally.given_up += 1
        now_s = self._clock.monotonic_s()
        due_s = now_s + figures.REPEAT_FIRST_S
        self._waiting[event.press_id] = Waiting(event.topic, payload, now_s, due_s)

    def _sent(self, event: Event, _payload: bytes) -> None:
        self._unsent -= 1
        self._changed.set()
        self.tally.families[event.family] += 1
        self.tally.transports[event.transport] += 1
        if self._listened and not any(map(aiomqtt.Topic(event.topic).matches, self._listened)):
            self.tally.outside += 1

    async def _repeat(self, client: aiomqtt.Client) -> None:
        while not self._ended:
            await asyncio.sleep(LOOK_FOR_REPEATS_EVERY_S)
            now_s = self._clock.monotonic_s()
            for waiting in [press for press in self._waiting.values() if press.due_s <= now_s]:
                waiting.wait_s = min(waiting.wait_s * 2, figures.REPEAT_MAX_S)
                waiting.due_s = now_s + waiting.wait_s
                await client.publish(waiting.topic, waiting.payload, qos=QOS)
                self.tally.repeats += 1

    async def _listen(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            waiting = self._waiting.pop(_heard_id(message.payload), None)
            if waiting is not None:
                after_ms = round(1_000 * (self._clock.monotonic_s() - waiting.since_s))
                self.tally.heard_after_ms_max = max(self.tally.heard_after_ms_max, after_ms)
                self.tally.heard += 1
                self._changed.set()


def _heard_id(payload: Any) -> str:
    """The id that the hub has heard; empty for every other word to a device."""
    try:
        return str(_decode(payload).get("heard", ""))
    except (msgspec.DecodeError, TypeError):
        return ""


def _why(errors: BaseExceptionGroup[BaseException]) -> str:
    """The first of them in words."""
    first: BaseException = errors
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return _SYSTEMS_NUMBER.sub("", str(first))
