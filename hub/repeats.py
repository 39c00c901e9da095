"""Which messages are the same message: redelivered, resent, or copied by the other connection.

Three signs:
1. the broker's DUP flag with the packet id and bytes that this connection has seen before;
2. the message's own id, or the device's own time in it: the same bytes, time included, are the
   same message, however late and by whatever way; the same id of the same sender is, within
   `repeat_window_s` (a device that counts from zero after each start is heard all the same);
3. of a button that gives neither id nor time (many Zigbee ones): the two connections each bring
   one copy, so the n-th copy of the one is the n-th copy of the other.

Pure memory with named bounds; `hub/ingest.py` fills it from the journal at the start.
Buttons have a memory of their own, which no flood of counters can push out.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable
from hashlib import blake2b
from math import inf
from typing import NamedTuple

from hub.journal import BY_ID, WEAK

BY_TIME = 0  # of `Trace.sign`: the fingerprint is of all bytes, and they hold a time
_HALF = 1 << 63


def fingerprint(*parts: bytes) -> int:
    """64 bits, signed as SQLite stores them, of some bytes; the same on every machine."""
    digest = blake2b(b"\0".join(parts), digest_size=8).digest()
    return int.from_bytes(digest, "big") - _HALF


class Trace(NamedTuple):
    """What is remembered of a kept message, or known of one that has just come."""

    fingerprint: int
    sign: int  # one of BY_ID, BY_TIME, WEAK
    of_button: bool
    link: int
    packet_id: int
    arrived_ms: int


class Newest:
    """The newest `items_max` fingerprints with the moment of their arrival."""

    def __init__(self, items_max: int) -> None:
        self._items_max = items_max
        self._items: dict[int, int] = {}

    def seen(self, fingerprint: int, arrived_ms: int, window_ms: float) -> bool:
        """Was it there no longer than `window_ms` ago? If not, it is there from now on."""
        before_ms = self._items.get(fingerprint)
        if before_ms is not None and arrived_ms - before_ms <= window_ms:
            return True
        self._items[fingerprint] = arrived_ms
        if len(self._items) > self._items_max:
            del self._items[next(iter(self._items))]
        return False


class Repeats:
    """Remembers kept messages and recognises their repeats."""

    def __init__(
        self, *, messages_max: int, presses_max: int, repeat_window_ms: int, copy_window_ms: int
    ) -> None:
        self._marks = (Newest(messages_max), Newest(presses_max))
        self._windows_ms = {BY_ID: float(repeat_window_ms), BY_TIME: inf}
        self._packets: dict[tuple[int, int], int] = {}
        self._copies = Copies(copy_window_ms, presses_max)

    def remember(self, traces: Iterable[Trace]) -> None:
        """Take in what the journal holds, oldest first."""
        for trace in traces:
            self.is_repeat(trace, redelivered=False)

    def is_repeat(self, trace: Trace, *, redelivered: bool) -> bool:
        """Was this message kept before? If not, it is remembered from now on."""
        if redelivered and self._packets.get((trace.link, trace.packet_id)) == trace.fingerprint:
            return True
        self._keep_packet(trace)
        if trace.sign != WEAK:
            window_ms = self._windows_ms[trace.sign]
            return self._marks[trace.of_button].seen(trace.fingerprint, trace.arrived_ms, window_ms)
        return trace.of_button and self._copies.is_copy(trace)

    def _keep_packet(self, trace: Trace) -> None:
        if trace.packet_id:  # 16 bits for each connection: bounded by MQTT itself
            self._packets[trace.link, trace.packet_id] = trace.fingerprint


class Copies:
    """Pairs the copies that two connections bring of messages without id and time."""

    def __init__(self, window_ms: int, items_max: int) -> None:
        self._window_ms = window_ms
        self._items_max = items_max
        self._alone: OrderedDict[int, deque[Trace]] = OrderedDict()  # by fingerprint

    def is_copy(self, trace: Trace) -> bool:
        """True when the other connection's twin was waiting; else this one waits for its twin."""
        waiting = self._alone.setdefault(trace.fingerprint, deque())
        while waiting and trace.arrived_ms - waiting[0].arrived_ms > self._window_ms:
            waiting.popleft()
        if waiting and waiting[0].link != trace.link:
            waiting.popleft()
            return True
        waiting.append(trace)
        self._alone.move_to_end(trace.fingerprint)
        if len(self._alone) > self._items_max:
            self._alone.popitem(last=False)
        return False
