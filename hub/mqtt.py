"""The only file that knows paho-mqtt: one durable connection to the broker, driven by asyncio.

A `Link` keeps a persistent session under a fixed client id, at QoS 1, and acknowledges a message
only when it is told to: after the journal's commit. An ack is bound to the connection that brought
its message; one of an older connection is dropped, because the broker counts packet ids anew and
would take it for another message. What is read and not yet taken is bounded: beyond
`inflight_messages_max` the socket is left alone and TCP holds the broker back.

MQTT 3.1.1 and not 5: paho reads a 3.1.1 PUBLISH 2.4 times as fast, and mosquitto 2.0.11 ignores
what MQTT 5 would add here (receive maximum). How long the broker keeps a session is the broker's
own setting (`persistent_client_expiration`).
"""

import asyncio
import logging
import random
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from hub.filters import Filters
from hub.settings import Settings, WrongSetting

log = logging.getLogger(__name__)

READS_AT_ONCE_MAX = 256  # then other tasks have their turn
HOUSEKEEPING_EVERY_S = 1.0
CHUNK_BYTES_MAX = 65_536
QOS = 1
U16_MAX = 65_535
CLIENT_ID_BYTES_MAX = 1_000  # room for what the hub's connections add to it
# `+` stands for a whole level, `#` for all levels that are left.
_FILTER = re.compile(r"(([^+#/\0]*|\+)/)*([^+#/\0]*|\+|#)")
PUBACK = 0x40
AT_ONCE = (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else an answer may wait 40 ms for an ack
_LOST = "the connection was lost"
_NO_REASON = ("Unspecified error", "Normal disconnection")  # paho's words for a broken socket
_PUBACK = struct.Struct("!BBH")


class WrongAddress(ValueError):
    """A broker's address that cannot be used; the text says what was expected."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a broker is: `mqtt[s]://user:password@host:port`."""

    host: str
    port: int
    secure: bool = False
    user: str | None = None
    password: str | None = None

    @classmethod
    def parse(cls, url: str) -> "Address":
        """Read a URL. Raises `WrongAddress`; the password is never in its text."""
        parts = urlsplit(url)
        if parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname:
            raise WrongAddress("HUB_BROKER: expected mqtt[s]://user:password@host:port")
        try:
            port = parts.port or (8883 if parts.scheme == "mqtts" else 1883)
        except ValueError as error:
            raise WrongAddress(f"HUB_BROKER: {error}") from error
        user = unquote(parts.username) if parts.username else None
        password = unquote(parts.password) if parts.password else None
        return cls(parts.hostname, port, parts.scheme == "mqtts", user, password)


def check_mqtt(settings: Settings) -> list[str]:
    """The filters of `HUB_TOPICS`. Raises `WrongSetting` for what MQTT cannot carry."""
    if settings.mqtt_keepalive_s > U16_MAX:
        raise WrongSetting(
            f"HUB_MQTT_KEEPALIVE_S: expected 0 to {U16_MAX}, not {settings.mqtt_keepalive_s}"
        )
    if len(settings.client_id.encode()) > CLIENT_ID_BYTES_MAX:
        raise WrongSetting(f"HUB_CLIENT_ID: expected at most {CLIENT_ID_BYTES_MAX} bytes")
    filters = settings.topic_filters
    for topic in filters:
        if not _FILTER.fullmatch(topic) or len(topic.encode()) > U16_MAX:
            raise WrongSetting(
                "HUB_TOPICS: expected filters such as zigbee2mqtt/+ or application/#, "
                f"separated by commas, not {topic!r}"
            )
    return filters


def is_filter(topic: str) -> bool:
    """Is this a filter that MQTT can carry, and one that does not ask for the whole broker?"""
    narrow = topic and topic[0] not in "+#$"
    return bool(narrow and _FILTER.fullmatch(topic)) and len(topic.encode()) <= U16_MAX


class Received(NamedTuple):
    """One message as it came. `packet_id` is 0 at QoS 0.

    Of a payload that is larger than allowed one byte more than allowed is kept; `size` is its own.
    """

    topic: str
    payload: bytes
    retained: bool
    repeated: bool  # MQTT's DUP: the broker has sent it before and saw no ack
    packet_id: int
    size: int


class Batch(NamedTuple):
    """Messages in the order of their arrival, all by one connection."""

    connection: "_Client"
    messages: list[Received]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSettings:
    """The bounds of one link; see `hub/settings.py`."""

    client_id: str
    keepalive_s: int
    reconnect_min_s: float
    reconnect_max_s: float
    inflight_messages_max: int
    payload_bytes_max: int = 262_144
    filter_topics_max: int = 100_000
    connect_s: float = 10.0
    will_topic: str | None = None  # told "online" (retained) when connected, "offline" by the will


class _Client(paho.Client):
    """paho with fewer system calls and fewer steps a message; what it does is paho's.

    Three of paho's private methods are used, for half of its cost at full speed: `_sock_recv` reads
    in chunks instead of three times a packet, `_handle_on_message` leaves out the search for
    callbacks by topic, `_packet_queue` sends the acks of a batch in one piece. The tests of the
    ingest fail when a later paho changes one of them.
    """

    def __init__(self, client_id: str, inbox: Callable[[paho.MQTTMessage], None]) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=False,
            protocol=paho.MQTTv311,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        self._inbox = inbox
        self._chunk = b""
        self._read_until = 0

    def _sock_recv(self, bufsize: int) -> bytes:
        if self._read_until >= len(self._chunk):
            self._chunk = super()._sock_recv(CHUNK_BYTES_MAX)
            self._read_until = 0
        start, self._read_until = self._read_until, self._read_until + bufsize
        return self._chunk[start : self._read_until]

    def has_more(self) -> bool:
        """Was more read from the socket than paho has taken? The socket will not tell."""
        return self._read_until < len(self._chunk)

    def _handle_on_message(self, message: paho.MQTTMessage) -> None:
        self._inbox(message)

    def ack_all(self, packet_ids: Iterable[int]) -> None:
        """PUBACK for each, sent in one piece."""
        acks = b"".join([_PUBACK.pack(PUBACK, 2, packet_id) for packet_id in packet_ids])
        if acks:
            self._packet_queue(PUBACK, acks, 0, QOS)


class Link:
    """One durable connection. `run()` keeps it up, `take()` yields what came, `ack()` frees it."""

    def __init__(
        self,
        address: Address,
        settings: LinkSettings,
        topics: Iterable[str],
        report: Callable[[bool, str], None] = lambda _up, _why: None,
    ) -> None:
        self.filters = Filters(topics, topics_max=settings.filter_topics_max)
        self._address = address
        self._settings = settings
        self._report = report
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._waiting: list[Received] = []
        self._some = asyncio.Event()
        self._ended = asyncio.Event()
        self._connection: _Client | None = None
        self._socket: Any = None
        self._subscribed = asyncio.Event()
        self._leaving = False
        self._refused = 0  # subscriptions of the present connection
        self.connections = 0

    # -- for the ingest ---------------------------------------------------------------------

    async def take(self, messages_max: int, age_s: float = 0.0) -> Batch:
        """What is waiting, at least one message; gathers up to `age_s` while few have come."""
        while True:
            await self._some.wait()
            if age_s and len(self._waiting) < messages_max:
                await asyncio.sleep(age_s)
            if self._waiting and self._connection is not None:
                return self._cut(self._connection, messages_max)
            self._some.clear()  # the connection went while we gathered: the broker sends again

    def _cut(self, connection: _Client, messages_max: int) -> Batch:
        taken, self._waiting = self._waiting[:messages_max], self._waiting[messages_max:]
        if not self._waiting:
            self._some.clear()
        self._listen()
        return Batch(connection, taken)

    def ack(self, batch: Batch) -> None:
        """Tell the broker that these are kept. Of an older connection: nothing is sent."""
        if batch.connection is not self._connection:
            return
        batch.connection.ack_all(
            [message.packet_id for message in batch.messages if message.packet_id]
        )

    def publish(self, batch: Batch, topic: str, payload: bytes) -> None:
        """Send on the connection of `batch`, in order before any later ack; else nothing.

        The order is what makes an answer sure: a broker that has got the ack has got what was
        sent before it; a broker that has not sends the message again, and it is answered again.
        """
        if batch.connection is self._connection:
            batch.connection.publish(topic, payload, QOS)

    async def ready(self) -> None:
        """Wait until the broker has granted the subscriptions of the present connection."""
        await self._subscribed.wait()

    @property
    def is_up(self) -> bool:
        """Has the broker answered the subscriptions of the present connection?"""
        return self._subscribed.is_set()

    def add_topic(self, topic: str) -> None:
        """Subscribe to one more topic, now and at every later connection."""
        covered = self.filters.add(topic)
        if covered is not None and self._connection is not None:
            self._connection.subscribe(topic, QOS)
            if covered:
                self._connection.unsubscribe(covered)

    def drop_topic(self, topic: str) -> None:
        """Listen to it no more, now and at later connections."""
        gone, uncovered = self.filters.drop(topic)
        if self._connection is not None:
            for one in uncovered:
                self._connection.subscribe(one, QOS)
            if gone:
                self._connection.unsubscribe([topic])

    # -- the life of the connection -----------------------------------------------------------

    async def run(self) -> None:
        """Connect, and connect again, until cancelled. Waits double, with jitter."""
        wait_s = self._settings.reconnect_min_s
        try:
            while True:
                connections = self.connections
                await self._live_once()
                if self.connections > connections:
                    wait_s = self._settings.reconnect_min_s
                await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
                wait_s = min(wait_s * 2, self._settings.reconnect_max_s)
        finally:
            self._hang_up()

    async def _live_once(self) -> None:
        self._ended.clear()
        client = self._client()
        try:
            await asyncio.to_thread(
                client.connect, self._address.host, self._address.port, self._settings.keepalive_s
            )
        except (OSError, ValueError) as error:
            self._report(False, str(error))
            return
        until_s = self._loop.time() + self._settings.connect_s
        while not self._ended.is_set():
            client.loop_misc()
            if self._connection is None and self._loop.time() > until_s:
                self._give_up(client)
                return
            try:
                async with asyncio.timeout(HOUSEKEEPING_EVERY_S):
                    await self._ended.wait()
            except TimeoutError:
                continue

    def _give_up(self, client: _Client) -> None:
        """Something took the connection and does not speak MQTT."""
        self._report(False, f"no answer of a broker within {self._settings.connect_s:g} s")
        sock: Any = client.socket()
        if sock is not None:
            self._abandon(sock.fileno())
            sock.close()

    def _client(self) -> _Client:
        client = _Client(self._settings.client_id, self._on_message)
        client.max_inflight_messages_set(65_535)  # an answer never waits behind another's PUBACK
        client.username_pw_set(self._address.user, self._address.password)
        if self._address.secure:
            client.tls_set_context(ssl.create_default_context())
        if self._settings.will_topic:
            client.will_set(self._settings.will_topic, b"offline", QOS, retain=True)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_socket_open = self._on_socket_open
        client.on_socket_close = self._on_socket_close
        client.on_socket_register_write = self._on_write_wanted
        client.on_socket_unregister_write = self._on_write_done
        return client

    def _hang_up(self) -> None:
        self._leaving = True
        if self._connection is not None:
            if self._settings.will_topic:
                self._connection.publish(self._settings.will_topic, b"offline", QOS, retain=True)
            self._connection.disconnect()
            self._connection.loop_write()
        self._drop()

    def _drop(self) -> None:
        self._connection = None
        self._waiting.clear()
        self._some.clear()
        self._subscribed.clear()
        self._ended.set()

    # -- paho's callbacks; those about sockets may come from the connecting thread ----------------

    def _on_socket_open(self, client: Any, _data: Any, sock: Any) -> None:
        self._in_loop(self._adopt, client, sock)

    def _on_write_wanted(self, client: Any, _data: Any, sock: Any) -> None:
        self._in_loop(self._write_when_possible, client, sock)

    def _on_write_done(self, _client: Any, _data: Any, sock: Any) -> None:
        if sock.fileno() >= 0:  # else it was closed here, and watches nothing any more
            self._in_loop(self._loop.remove_writer, sock.fileno())

    def _on_socket_close(self, _client: Any, _data: Any, sock: Any) -> None:
        self._in_loop(self._abandon, sock.fileno())

    def _in_loop(self, call: Callable[..., Any], *arguments: Any) -> None:
        if threading.get_ident() == self._thread:
            call(*arguments)
        else:
            self._loop.call_soon_threadsafe(call, *arguments)

    def _adopt(self, client: _Client, sock: Any) -> None:
        sock.setsockopt(*AT_ONCE)
        self._socket = sock
        self._loop.add_reader(sock.fileno(), self._read, client)

    def _abandon(self, descriptor: int) -> None:
        self._socket = None
        if descriptor >= 0:
            self._loop.remove_reader(descriptor)
            self._loop.remove_writer(descriptor)

    def _write_when_possible(self, client: _Client, sock: Any) -> None:
        if sock is self._socket:
            self._loop.add_writer(sock.fileno(), client.loop_write)

    def _on_connect(self, client: Any, _d: Any, _flags: Any, reason: Any, _p: Any = None) -> None:
        if reason.is_failure:
            self._report(False, str(reason))
            return
        self.connections += 1
        self._refused = 0
        self._connection = client
        if self._settings.will_topic:
            client.publish(self._settings.will_topic, b"online", QOS, retain=True)
        client.subscribe([(topic, QOS) for topic in self.filters])

    def _on_subscribe(self, _c: Any, _d: Any, _mid: int, reasons: Sequence[Any], _p: Any) -> None:
        refused = [reason for reason in reasons if reason.is_failure]
        self._refused += len(refused)
        if self._refused:
            why = f": {refused[0]}" if refused else ""
            self._report(False, f"the broker refused {self._refused} subscriptions{why}")
        else:
            self._report(True, "")
        self._subscribed.set()

    def _on_disconnect(self, client: Any, _d: Any, _f: Any, reason: Any, _p: Any = None) -> None:
        if self._connection is client or self._connection is None:
            self._drop()
            if not self._leaving:
                self._report(False, _LOST if str(reason) in _NO_REASON else str(reason))

    def _on_message(self, message: paho.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""  # fits nothing: refused in words like any other stray topic
        payload = message.payload
        kept = bytes(payload[: self._settings.payload_bytes_max + 1])
        self._waiting.append(
            Received(topic, kept, message.retain, message.dup, message.mid, len(payload))
        )

    # -- reading ----------------------------------------------------------------------------------

    def _read(self, client: _Client) -> None:
        for _ in range(READS_AT_ONCE_MAX):
            before = len(self._waiting)
            client.loop_read()
            if len(self._waiting) == before and not client.has_more():
                break
        if self._waiting:
            self._some.set()
        if self._socket is None:
            return
        if len(self._waiting) >= self._settings.inflight_messages_max:
            self._loop.remove_reader(self._socket.fileno())
        elif client.has_more() or (self._address.secure and self._socket.pending()):
            self._loop.call_soon(self._read, client)

    def _listen(self) -> None:
        """Read on, if reading had stopped because too much was waiting."""
        full = len(self._waiting) >= self._settings.inflight_messages_max
        if self._socket is None or self._connection is None or full:
            return
        self._loop.add_reader(self._socket.fileno(), self._read, self._connection)
        if self._connection.has_more():
            self._loop.call_soon(self._read, self._connection)
