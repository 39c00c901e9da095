"""The channels `mqtt` (`hub/{site}/cases`), `calls` (`hub/{site}/calls`) and `down`, by aiomqtt.

They share one connection of their own, at QoS 1 and without a session: a notice counts as sent
when the broker's PUBACK came, and what was not confirmed stays in the outbox, not in the client.
"""

import asyncio
import contextlib
import logging
import random
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiomqtt
import msgspec

from hub.deliver import GiveUp, TryAgain
from hub.mqtt import AT_ONCE, Address
from hub.outbox import Notice
from hub.settings import Settings

log = logging.getLogger(__name__)

QOS = 1
_WILDCARDS = frozenset("+#/\x00")

_read_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


class Publisher:
    """A connection that is kept up by `run`; `publish` returns when the broker has confirmed."""

    def __init__(self, address: Address, client_id: str, settings: Settings) -> None:
        self._address = address
        self._client_id = client_id
        self._settings = settings
        self._client: aiomqtt.Client | None = None
        self._connected = asyncio.Event()
        self._ended = asyncio.Event()
        self.connections = 0  # how many there have been: what was retained may have gone between

    async def run(self) -> None:
        """Connect, and connect again, until cancelled. Waits double, with jitter."""
        wait_s = self._settings.reconnect_min_s
        while True:
            if await self._live_once():
                wait_s = self._settings.reconnect_min_s
            await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
            wait_s = min(wait_s * 2, self._settings.reconnect_max_s)

    async def _live_once(self) -> bool:
        """One connection from its beginning to its end; whether there was one."""
        self._ended.clear()
        try:
            async with self._new_client() as self._client:
                self.connections += 1
                self._connected.set()
                async for _nothing_is_subscribed in self._client.messages:
                    continue
        except aiomqtt.MqttError as error:
            if is_cancelled():
                raise asyncio.CancelledError from error  # a goodbye that failed is one all the same
            log.debug("the broker is away: %s", error)  # the lanes' health says so, once
        lived = self._connected.is_set()
        self._connected.clear()
        self._ended.set()
        return lived

    def _new_client(self) -> aiomqtt.Client:
        client = aiomqtt.Client(
            self._address.host,
            self._address.port,
            username=self._address.user,
            password=self._address.password,
            identifier=self._client_id,
            clean_session=True,
            keepalive=self._settings.mqtt_keepalive_s,
            timeout=self._settings.deliver_timeout_s,
            max_inflight_messages=self._settings.deliver_batch_max,
            socket_options=[AT_ONCE],
            tls_context=ssl.create_default_context() if self._address.secure else None,
        )
        client.pending_calls_threshold = 2 * self._settings.deliver_batch_max
        return client

    async def ready(self) -> None:
        """Wait until there is a connection."""
        await self._connected.wait()

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish at QoS 1. Raises `TryAgain` when the broker is away or does not confirm."""
        if self._client is None or not self._connected.is_set():
            raise TryAgain("the broker is away")
        ended = asyncio.create_task(self._ended.wait())
        published = asyncio.create_task(self._client.publish(topic, payload, QOS, retain))
        try:
            await asyncio.wait({published, ended}, return_when=asyncio.FIRST_COMPLETED)
            if not published.done():
                raise TryAgain("the broker went before it confirmed")
            published.result()
        except aiomqtt.MqttError as error:
            raise TryAgain(f"not confirmed by the broker: {error}") from error
        finally:
            ended.cancel()
            published.cancel()


def is_cancelled() -> bool:
    """Has somebody asked the running task to end?"""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


@asynccontextmanager
async def open_publisher(
    address: Address, site: str, settings: Settings
) -> AsyncIterator[Publisher]:
    """A publisher that is connected, or tries to be, while the block lasts."""
    publisher = Publisher(address, f"{settings.client_id or f'hub-{site}'}-notices", settings)
    running = asyncio.create_task(publisher.run(), name="notices-connection")
    try:
        yield publisher
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


class CasesChannel:
    """Every change of a case on `hub/{site}/cases`: the judge's body with `notice`, its id."""

    name = "mqtt"

    def __init__(self, publisher: Publisher, site: str) -> None:
        self._publisher = publisher
        self._topic = f"hub/{site}/cases"

    async def ready(self) -> None:
        """Wait for the broker."""
        await self._publisher.ready()

    async def send(self, notice: Notice) -> None:
        """Publish it. Raises `TryAgain`, or `GiveUp` for a body that is no JSON object."""
        body = _body(notice)
        await self._publisher.publish(self._topic, _encode({"notice": notice.id, **body}))


class CallsChannel:
    """Every step of a plan on `hub/{site}/calls`: who is asked to answer, with `notice`, its id."""

    name = "calls"

    def __init__(self, publisher: Publisher, site: str) -> None:
        self._publisher = publisher
        self._topic = f"hub/{site}/calls"

    async def ready(self) -> None:
        """Wait for the broker."""
        await self._publisher.ready()

    async def send(self, notice: Notice) -> None:
        """Publish it. Raises `TryAgain`, or `GiveUp` for a body that is no JSON object."""
        body = _body(notice)
        await self._publisher.publish(self._topic, _encode({"notice": notice.id, **body}))


class DownChannel:
    """What became of a press, back to the device: `{"case", "state"}` on its own topic.

    A notice with a topic and a payload is for a device of another ecosystem, in that one's words.
    """

    name = "down"

    def __init__(self, publisher: Publisher, site: str) -> None:
        self._publisher = publisher
        self._site = site

    async def ready(self) -> None:
        """Wait for the broker."""
        await self._publisher.ready()

    async def send(self, notice: Notice) -> None:
        """Publish it. Raises `TryAgain`, or `GiveUp` for a body that names no device."""
        body = _body(notice)
        try:
            topic, payload = self._translated(body) if "topic" in body else self._native(body)
        except (KeyError, ValueError) as error:
            raise GiveUp(f"the body names no device: {error}") from error
        await self._publisher.publish(topic, payload)

    def _native(self, body: dict[str, msgspec.Raw]) -> tuple[str, bytes]:
        family, device = _segment(body.pop("family")), _segment(body.pop("device"))
        return f"community/{self._site}/{family}/{device}/down", _encode(body)

    def _translated(self, body: dict[str, msgspec.Raw]) -> tuple[str, bytes]:
        topic = msgspec.json.decode(body["topic"], type=str)
        if not topic or _WILDCARDS & set(topic.replace("/", "")):
            raise ValueError(f"{topic!r} is no topic")
        return topic, msgspec.json.decode(body["payload"], type=bytes)


def _body(notice: Notice) -> dict[str, msgspec.Raw]:
    try:
        return _read_object(notice.body_json)
    except msgspec.DecodeError as error:
        raise GiveUp(f"the body is no JSON object: {error}") from error


def _segment(raw: msgspec.Raw) -> str:
    """One level of a topic out of a JSON string. Raises ValueError."""
    text: str = msgspec.json.decode(raw, type=str)
    if not text or _WILDCARDS & set(text):
        raise ValueError(f"{text!r} is no level of a topic")
    return text


async def reach(address: Address, timeout_s: float) -> str | None:
    """Log in to a broker and out again; None, or why it did not work."""
    client = aiomqtt.Client(
        address.host,
        address.port,
        username=address.user,
        password=address.password,
        timeout=timeout_s,
        tls_context=ssl.create_default_context() if address.secure else None,
    )
    try:
        async with asyncio.timeout(timeout_s), client:
            return None
    except aiomqtt.MqttError as error:
        return str(error)
    except TimeoutError:
        return f"no answer within {timeout_s} s"
