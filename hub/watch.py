"""The watcher's loops: listen, press, ask, and raise the alarm until somebody has heard it.

A program of its own for another machine: no database and none of the hub's settings. It watches its
own way to the broker too; who has no way knows nothing, and that is an alarm.
"""

import asyncio
import logging
import random
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import aiomqtt
import httpx
import msgspec

from hub.alarms import Call, NotTold, Way
from hub.canary import answer_topic, new_id, press_payload, press_topic
from hub.clock import Clock
from hub.mqtt import Address
from hub.notifiers.mqtt import is_cancelled
from hub.watcher import Alarm, Bounds, Watcher

log = logging.getLogger(__name__)

QOS = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Whom it watches, and the bounds of how; see `hub watch --help`."""

    address: Address
    site: str
    bounds: Bounds
    url: str = ""
    look_s: float = 1.0
    connect_s: float = 10.0
    reconnect_s: float = 5.0
    keepalive_s: int = 20
    tell_timeout_s: float = 20.0
    tell_retry_s: float = 30.0


class Watch:
    """The watcher with its connection and its ways to tell."""

    def __init__(self, options: Options, ways: Sequence[Way], clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._client: aiomqtt.Client | None = None
        self._tellers = [Teller(way, options) for way in ways]
        self.watcher = Watcher(options.bounds, clock.monotonic_s())

    async def run(self) -> NoReturn:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._begin(tasks)
            for teller in self._tellers:
                tasks.create_task(teller.run(), name=f"tell-{teller.name}")
            while True:
                await self.look()
                await asyncio.sleep(self._options.look_s)

    async def once(self) -> Alarm | None:
        """Watch until the way is proved (None) or something has been wrong for too long."""
        async with asyncio.TaskGroup() as tasks:
            begun = self._begin(tasks)
            while True:
                alarm = await self.look()
                if alarm is not None or self.watcher.is_proved:
                    break
                await asyncio.sleep(self._options.look_s)
            for task in begun:
                task.cancel()
        await asyncio.gather(*[teller.last_try() for teller in self._tellers])
        return alarm

    def _begin(self, tasks: asyncio.TaskGroup) -> list[asyncio.Task[Any]]:
        begun = [tasks.create_task(self._listen(), name="listen")]
        if self._options.url:
            begun.append(tasks.create_task(self._ask(), name="ask"))
        return begun

    async def look(self) -> Alarm | None:
        """Press if it is time; tell what must be told."""
        if self.watcher.is_time_to_press(self._clock.monotonic_s()):
            await self._press()
        alarm = self.watcher.look(self._clock.monotonic_s())
        if alarm is not None:
            call = Call(self._options.site, alarm, self._clock.now_ms())
            log.warning("%s | %s", call.zh, call.en)
            for teller in self._tellers:
                teller.take(call)
        return alarm

    # -- by the broker ---------------------------------------------------------------------------

    async def _listen(self) -> NoReturn:
        while True:
            try:
                await self._live_once()
            except aiomqtt.MqttError as error:
                if is_cancelled():
                    raise asyncio.CancelledError from error  # a goodbye that failed is one too
                self.watcher.disconnected(str(error), self._clock.monotonic_s())
            await asyncio.sleep(self._options.reconnect_s * random.uniform(0.5, 1.0))  # noqa: S311 - jitter

    async def _live_once(self) -> None:
        site = self._options.site
        async with self._new_client() as client:
            for topic in (answer_topic(site), f"hub/{site}/state"):
                await client.subscribe(topic, QOS)
            self._client = client
            self.watcher.connected()
            try:
                async for message in client.messages:
                    self._hear(str(message.topic), message.payload)
            finally:
                self._client = None

    def _new_client(self) -> aiomqtt.Client:
        address = self._options.address
        return aiomqtt.Client(
            address.host,
            address.port,
            username=address.user,
            password=address.password,
            keepalive=self._options.keepalive_s,
            timeout=self._options.connect_s,
            tls_context=ssl.create_default_context() if address.secure else None,
        )

    def _hear(self, topic: str, payload: Any) -> None:
        now_s = self._clock.monotonic_s()
        if topic.endswith("/state"):
            self.watcher.state_is(payload, now_s)
            return
        try:
            self.watcher.answered(msgspec.json.decode(payload, type=dict[str, Any]), now_s)
        except msgspec.DecodeError as error:
            log.warning("an answer that nobody understands: %s", error)

    async def _press(self) -> None:
        press_id = new_id("watch")
        self.watcher.pressed(press_id, self._clock.monotonic_s())
        payload = press_payload(press_id, self._clock.now_ms())
        try:
            if self._client is not None:
                await self._client.publish(press_topic(self._options.site), payload, QOS)
        except aiomqtt.MqttError as error:  # it will not come back, and that is told
            log.warning("the canary could not be pressed: %s", error)

    # -- by the pages ----------------------------------------------------------------------------

    async def _ask(self) -> NoReturn:
        async with httpx.AsyncClient(timeout=self._options.connect_s) as client:
            while True:
                why_not = await self._why_not(client)
                self.watcher.ready_is(why_not, self._clock.monotonic_s())
                soon = why_not is not None  # pages that are just starting need not wait a minute
                options = self._options
                await asyncio.sleep(options.reconnect_s if soon else options.bounds.every_s)

    async def _why_not(self, client: httpx.AsyncClient) -> str | None:
        try:
            answer = await client.get(f"{self._options.url.rstrip('/')}/readyz")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return f"{type(error).__name__}: {error}".removesuffix(": ")
        return None if answer.is_success else f"HTTP {answer.status_code}"


class Teller:
    """One way's newest alarm, tried again until it is told."""

    def __init__(self, way: Way, options: Options) -> None:
        self.name = way.name
        self._way = way
        self._options = options
        self._call: Call | None = None
        self._some = asyncio.Event()

    def take(self, call: Call) -> None:
        """This is to be told; what waited is old."""
        self._call = call
        self._some.set()

    async def run(self) -> NoReturn:
        """Tell until cancelled."""
        while True:
            await self._some.wait()
            self._some.clear()
            if not await self.last_try():
                await asyncio.sleep(self._options.tell_retry_s)
                self._some.set()

    async def last_try(self) -> bool:
        """Try what waits, once; was it told, or did nothing wait?"""
        call, way = self._call, self._way
        if call is None:
            return True
        try:
            async with asyncio.timeout(self._options.tell_timeout_s):
                await way.tell(call)
        except (NotTold, TimeoutError) as error:
            log.error("%s: not told, will try again: %s", way.name, str(error) or "out of time")
            return False
        if self._call is call:  # else a newer one came meanwhile
            self._call = None
        return True
