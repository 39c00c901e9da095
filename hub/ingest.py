"""Receive, know, decode, keep, answer, acknowledge: steps 1 to 5 of a reading's trip.

One loop per connection. A batch is what is waiting: it is opened (`Opener`), committed, answered
and only then acknowledged, in that order on one connection. A message that cannot be understood is
kept with its bytes and the reason; from a button it is an `undecodable` reading as well, because
somebody may have pressed.
"""

from asyncio import Future, wait, wrap_future
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from device_drivers.catalog import receive
from device_drivers.driver import Decoded, Refused
from device_drivers.message import Message
from device_drivers.points import POINTS
from device_drivers.reading import Reading
from hub import journal, strangers
from hub.clock import Clock
from hub.devices import NATIVE, Devices
from hub.feed import Feed
from hub.journal import (
    BY_ID,
    DAY_MS,
    GATEWAY,
    PRESS,
    READING,
    REFUSAL,
    RETAINED,
    STRANGER,
    WEAK,
    Entry,
)
from hub.mqtt import Link, Received
from hub.repeats import BY_TIME, Repeats, Trace, fingerprint
from hub.settings import Settings
from hub.strangers import Strangers
from hub.writer import NORMAL, URGENT, Writer

BUTTONS, OTHERS = 0, 1  # the two connections, as `journal.link` names them

EVENTS = frozenset(name for name, point in POINTS.items() if point.kind == "event")

_read_json: Callable[[bytes], Any] = msgspec.json.decode

# What is made of every message is made by this: a NamedTuple's own call takes twice as long.
_new = tuple.__new__


@dataclass(slots=True)
class Opened:
    """What a batch came to: lines to keep, answers to send, how many were repeats."""

    arrived_ms: int
    link: int
    entries: list[Entry] = field(default_factory=list)
    answers: list[tuple[str, bytes]] = field(default_factory=list)
    repeats: int = 0


class Opener:
    """Turns messages into journal entries; knows the register, the strangers and the repeats."""

    def __init__(
        self,
        settings: Settings,
        devices: Devices,
        repeats: Repeats,
        unknown: Strangers,
        on_button_topic: Callable[[str], None] = lambda _topic: None,
    ) -> None:
        self._settings = settings
        self._devices = devices
        self._repeats = repeats
        self._strangers = unknown
        self._on_button_topic = on_button_topic
        self._stamps: dict[str, int] = {}

    def open(self, messages: Sequence[Received], arrived_ms: int, link: int) -> Opened:
        """Open messages in their order. `arrived_ms` is the moment of all of them."""
        opened = Opened(arrived_ms, link)
        for message in messages:
            if not message.topic.endswith("/down"):  # the hub's own words, heard again
                self._open(message, opened)
        return opened

    def _open(self, message: Received, opened: Opened) -> None:
        result = self._decode(message)
        if isinstance(result, Refused):
            self._refuse(message, result, opened)
        else:
            self._accept(message, result, opened)

    def _decode(self, message: Received) -> Decoded | Refused:
        topic, payload = message.topic, message.payload
        size_max = self._settings.payload_bytes_max
        if message.size > size_max:
            sender = receive(Message(topic, b"", message.retained), self._devices.driver_of)
            reason = f"payload of {message.size} bytes; at most {size_max} (HUB_PAYLOAD_BYTES_MAX)"
            return Refused(reason, sender.address, sender.driver, sender.family)
        opened = _new(Message, (topic, payload, message.retained, _read_json))
        return receive(opened, self._devices.driver_of)

    # -- understood -------------------------------------------------------------------------------

    def _accept(self, message: Received, decoded: Decoded, opened: Opened) -> None:
        driver, address, family, readings, _, _, gateway, warnings = decoded
        arrived_ms, link = opened.arrived_ms, opened.link
        device_id, flags = self._sender(address, family)
        if flags & STRANGER and _press_of(readings) is not None:
            flags |= PRESS  # who presses is a button, whatever its topic tells
        if flags & PRESS and link == OTHERS and driver != NATIVE:
            self._on_button_topic(message.topic)
        if message.retained:
            self._accept_copy(message, decoded, device_id, flags, opened)
            return
        trace = self._trace(message, decoded, flags, opened)
        repeat = self._repeats.is_repeat(trace, redelivered=message.repeated)
        if link == BUTTONS or not repeat:  # a press's own connection answers repeats too
            self._answer(message, decoded, opened)
        if repeat:
            opened.repeats += 1
            return
        readings = self._timed(readings, device_id, arrived_ms)
        if flags & STRANGER:
            self._meet(message, decoded, {"readings": readings}, arrived_ms)
        gateway_id = None if gateway is None else self._gateway_id(gateway)
        mark, sign, _, _, packet_id, _ = trace
        line = (0, READING, device_id, arrived_ms, readings, None, None,
                gateway_id, flags | sign, mark, link, packet_id)  # fmt: skip
        opened.entries.append(_new(Entry, line))
        if warnings:
            self._note(message, "; ".join(warnings), device_id, opened)

    def _accept_copy(
        self, message: Received, decoded: Decoded, device_id: str, flags: int, opened: Opened
    ) -> None:
        """What a broker kept and hands to whoever comes, on both connections.

        It is compared with other such copies only: its original may still be on its way.
        """
        mark = fingerprint(b"retained", message.topic.encode(), message.payload)
        of_button, link = flags & PRESS != 0, opened.link
        trace = Trace(mark, BY_ID, of_button, link, message.packet_id, opened.arrived_ms)
        if self._repeats.is_repeat(trace, redelivered=False):
            opened.repeats += 1
            return
        readings = self._timed(decoded.readings, device_id, opened.arrived_ms)
        readings = self._without_events(message, device_id, readings, opened)
        flags |= RETAINED | BY_ID
        arrived_ms = opened.arrived_ms
        opened.entries.append(
            Entry(0, READING, device_id, arrived_ms, readings, flags=flags, dedupe=mark, link=link)
        )

    def _answer(self, message: Received, decoded: Decoded, opened: Opened) -> None:
        if decoded.driver != NATIVE:
            return
        pressed = _press_of(decoded.readings)
        if pressed is not None:
            opened.answers.append(_heard(message.topic, decoded, pressed, opened.arrived_ms))

    def _sender(self, address: str, family: str | None) -> tuple[str, int]:
        device = self._devices.by_address.get(address)
        if device is not None:
            return device.id, PRESS if device.family == "button" else 0
        if family == "gateway":
            return address.partition(":")[2], STRANGER | GATEWAY
        return address, STRANGER | PRESS if family == "button" else STRANGER

    def _gateway_id(self, name: str) -> str:
        device = self._devices.by_address.get(f"native:{name}")
        return name if device is None else device.id

    def _trace(self, message: Received, decoded: Decoded, flags: int, opened: Opened) -> Trace:
        if decoded.id is not None:
            mark, sign = fingerprint(decoded.address.encode(), decoded.id.encode()), BY_ID
        else:
            mark = fingerprint(message.topic.encode(), message.payload)
            sign = BY_TIME if self._has_time(decoded.readings, opened.arrived_ms) else WEAK
        of_button = flags & PRESS != 0
        found = (mark, sign, of_button, opened.link, message.packet_id, opened.arrived_ms)
        return _new(Trace, found)

    def _has_time(self, readings: tuple[Reading, ...], arrived_ms: int) -> bool:
        """Does a reading say when it happened, in a way that can be right?

        A clock that begins at the same moment after every sleep tells no message from another.
        """
        oldest_ms = arrived_ms - self._settings.readings_keep_days * DAY_MS
        return any(
            reading.at_ms is not None and oldest_ms < reading.at_ms <= arrived_ms
            for reading in readings
        )

    def _timed(
        self, readings: tuple[Reading, ...], device_id: str, arrived_ms: int
    ) -> tuple[Reading, ...]:
        """Every reading gets a moment: its own if it can be right, else that of the arrival."""
        oldest_ms = arrived_ms - self._settings.readings_keep_days * DAY_MS
        stamp_ms = 0
        timed = []
        for reading in readings:
            at_ms = reading[2]
            if at_ms is None or not oldest_ms < at_ms <= arrived_ms:
                stamp_ms = stamp_ms or self._stamp(device_id, arrived_ms)
                point, value, _, unit = reading
                reading = _new(Reading, (point, value, stamp_ms, unit))  # noqa: PLW2901
            timed.append(reading)
        return tuple(timed)

    def _stamp(self, device_id: str, arrived_ms: int) -> int:
        """The moment of an arrival, later than the device's last: a whole backlog comes at once.

        Two uses of a machine in one millisecond would be taken for one.
        """
        stamps = self._stamps
        last_ms = stamps.get(device_id)
        if last_ms is None and len(stamps) >= self._settings.dedupe_messages_max:
            del stamps[next(iter(stamps))]
        stamp_ms = arrived_ms
        if last_ms is not None and 0 <= last_ms - arrived_ms < self._settings.stamp_ahead_ms_max:
            stamp_ms = last_ms + 1  # not after a step of the clock: it would run ahead for ever
        stamps[device_id] = stamp_ms
        return stamp_ms

    def _without_events(
        self,
        message: Received,
        device_id: str,
        readings: tuple[Reading, ...],
        opened: Opened,
    ) -> tuple[Reading, ...]:
        """A broker's retained copy tells how things stand; that something happened it cannot."""
        events = [reading.point for reading in readings if reading.point in EVENTS]
        if events:
            reason = f"a retained copy of an event is no event: {', '.join(events)}"
            self._note(message, reason, device_id, opened)
        return tuple(reading for reading in readings if reading.point not in EVENTS)

    # -- not understood ---------------------------------------------------------------------------

    def _refuse(self, message: Received, refused: Refused, opened: Opened) -> None:
        arrived_ms, link = opened.arrived_ms, opened.link
        device_id, flags = None, 0
        if refused.address is not None:
            device_id, flags = self._sender(refused.address, refused.family)
        mark = fingerprint(message.topic.encode(), message.payload)
        of_button = bool(flags & PRESS)
        trace = Trace(mark, WEAK, of_button, link, message.packet_id, arrived_ms)
        if self._repeats.is_repeat(trace, redelivered=message.repeated):
            opened.repeats += 1
            return
        if flags & STRANGER:
            self._meet(message, refused, {"refused": refused.reason}, arrived_ms)
        self._note(message, refused.reason, device_id, opened, flags)
        if flags & PRESS and not message.retained:
            readings = (Reading("undecodable", True, arrived_ms),)
            opened.entries.append(
                Entry(0, READING, device_id, arrived_ms, readings, flags=flags, link=link)
            )

    def _note(
        self,
        message: Received,
        reason: str,
        device_id: str | None,
        opened: Opened,
        flags: int = 0,
    ) -> None:
        body = {"topic": message.topic, "reason": reason, "bytes": message.size}
        raw = message.payload[: self._settings.raw_bytes_max]
        mark = fingerprint(message.topic.encode(), message.payload)
        opened.entries.append(
            Entry(
                0, REFUSAL, device_id, opened.arrived_ms, (), body, raw, None, flags | WEAK,
                mark, opened.link, message.packet_id,
            )
        )  # fmt: skip

    def _meet(
        self, message: Received, result: Decoded | Refused, said: dict[str, Any], arrived_ms: int
    ) -> None:
        address, family, driver = result.address, result.family, result.driver
        if address is not None:
            self._strangers.met(
                address, message.topic, arrived_ms, said, family=family, driver=driver
            )


def _press_of(readings: Sequence[Reading]) -> Reading | None:
    for reading in readings:
        if reading[0] == "press":
            return reading
    return None


def _heard(topic: str, decoded: Decoded, pressed: Reading, arrived_ms: int) -> tuple[str, bytes]:
    """The answer to a native press, on the same device's `down`."""
    moment = pressed.at_ms if pressed.at_ms is not None else arrived_ms
    heard = decoded.answer if decoded.answer is not None else str(moment)
    return topic.removesuffix("/up") + "/down", msgspec.json.encode({"heard": heard})


class Commits:
    """Commits under way on any connection, so that a repeat can wait for its first copy's."""

    def __init__(self, writer: Writer, unknown: Strangers) -> None:
        self._writer = writer
        self._strangers = unknown
        self._under_way: set[Future[int]] = set()

    async def keep(self, entries: Sequence[Entry], rank: int) -> int:
        """Commit entries; the number of the first."""
        rows, gone = self._strangers.take_rows()

        def job(connection: Any) -> int:
            strangers.write(connection, rows, gone)
            return journal.append(connection, entries)

        future = wrap_future(self._writer.submit(job, rank=rank))
        self._under_way.add(future)
        try:
            return await future
        finally:
            self._under_way.discard(future)

    async def settled(self) -> None:
        """Return when what is under way now is on the disk."""
        if self._under_way:
            await wait(set(self._under_way))


async def ingest(
    link: Link,
    number: int,
    *,
    opener: Opener,
    commits: Commits,
    feed: Feed,
    settings: Settings,
    clock: Clock,
    count: Callable[[int, Opened], None] = lambda _number, _opened: None,
) -> None:
    """Take, keep, answer and acknowledge until cancelled."""
    rank = URGENT if number == BUTTONS else NORMAL
    age_s = 0.0 if number == BUTTONS else settings.batch_age_ms / 1000
    while True:
        batch = await link.take(settings.batch_messages_max, age_s)
        opened = opener.open(batch.messages, clock.now_ms(), number)
        if opened.repeats:
            await commits.settled()
        if opened.entries:
            feed.put(await commits.keep(opened.entries, rank), opened.entries)
        for topic, payload in opened.answers:
            link.publish(batch, topic, payload)
        link.ack(batch)
        count(number, opened)


def remembered(connection: Any, settings: Settings) -> list[Trace]:
    """What the journal holds that a repeat could be a repeat of, oldest first."""
    rows = connection.exec_driver_sql(_TRACES, (PRESS, settings.dedupe_presses_max)).all()
    rows += connection.exec_driver_sql(_OTHER_TRACES, (PRESS, settings.dedupe_messages_max)).all()
    return [
        Trace(mark, flags & (WEAK | BY_ID), bool(flags & PRESS), link, packet, arrived)
        for mark, packet, flags, link, arrived in reversed(rows)
    ]


_TRACES = (
    "SELECT dedupe, packet_id, flags, link, arrived_ms FROM journal "
    "WHERE flags & ? AND flags & 2 AND dedupe IS NOT NULL ORDER BY seq DESC LIMIT ?"
)
_OTHER_TRACES = (
    "SELECT dedupe, packet_id, flags, link, arrived_ms FROM journal "
    "WHERE NOT flags & ? AND dedupe IS NOT NULL ORDER BY seq DESC LIMIT ?"
)
