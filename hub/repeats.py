"""Which messages are the same message: redelivered, resent, or copied by the other connection.

Four signs:
1. the broker's DUP flag with the packet id and bytes that this connection has seen before;
2. the message's own id, or the device's own time in it: the same bytes, time included, are the
   same message, however late and by whatever way; the same id of the same sender is, within
   `repeat_window_s` (a device that counts from zero after each start is heard all the same).
   Some devices say their last word again and again: as long as nothing else comes on its topic,
   the window begins anew with each time;
3. of a button that gives neither id nor time (many Zigbee ones): the two connections each bring
   one copy, so the n-th copy of the one is the n-th copy of the other;
4. on a topic that several filters of a connection fit, a broker may hand over one message as often:
   an equal one without id and time that comes at once is its copy.

Pure memory with named bounds; `hub/ingest.py` fills it from the journal at the start.
Buttons have a memory of their own, which no flood of counters can push out.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
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
        """Was it there no longer than `window_ms` ago? If not, it is there from now on.

        One that is ahead by more is of a time from which the hub's clock was set back.
        """
        before_ms = self._items.get(fingerprint)
        if before_ms is not None and abs(arrived_ms - before_ms) <= window_ms:
            return True
        self._items[fingerprint] = arrived_ms
        if len(self._items) > self._items_max:
            del self._items[next(iter(self._items))]
        return False

    def arrived_ms(self, fingerprint: int) -> int | None:
        """When it came first; None: it is not remembered."""
        return self._items.get(fingerprint)


class LastWords:
    """The last message with an id on each of the `topics_max` topics that spoke last."""

    def __init__(self, topics_max: int, window_ms: int) -> None:
        self._topics_max = topics_max
        self._window_ms = window_ms
        self._words: dict[str, tuple[int, int]] = {}  # by topic: fingerprint, when said last

    def is_said_again(self, topic: str, fingerprint: int, arrived_ms: int) -> bool:
        """Is it the topic's last word, said no longer than the window ago? From now on it is."""
        before = self._words.pop(topic, None)
        self._words[topic] = (fingerprint, arrived_ms)
        if len(self._words) > self._topics_max:
            del self._words[next(iter(self._words))]
        if before is None or before[0] != fingerprint:
            return False
        return abs(arrived_ms - before[1]) <= self._window_ms

    def end(self, topic: str) -> None:
        """Something else was said there: what comes next may be new, whatever its id."""
        self._words.pop(topic, None)


class Overlaps:
    """What a broker hands over once for each filter that fits the topic."""

    def __init__(self, topics_max: int, window_ms: int) -> None:
        self._topics_max = topics_max
        self._window_ms = window_ms
        self._newest: dict[tuple[int, str], tuple[int, int]] = {}  # fingerprint, when it came

    def is_copy(self, trace: Trace, topic: str) -> bool:
        """Did its twin come by the same connection just now? If not, this is the first of them."""
        place = (trace.link, topic)
        before = self._newest.get(place)
        mark, arrived_ms = trace.fingerprint, trace.arrived_ms
        since_ms = -1 if before is None or before[0] != mark else arrived_ms - before[1]
        if 0 <= since_ms <= self._window_ms:
            return True
        self._newest.pop(place, None)
        self._newest[place] = (mark, arrived_ms)
        if len(self._newest) > self._topics_max:
            del self._newest[next(iter(self._newest))]
        return False


class Repeats:
    """Remembers kept messages and recognises their repeats.

    `several_fit` tells of a connection's number and a topic whether several filters fit.
    """

    def __init__(
        self,
        *,
        messages_max: int,
        presses_max: int,
        repeat_window_ms: int,
        copy_window_ms: int,
        overlap_window_ms: int = 0,
        several_fit: Callable[[int, str], bool] = lambda _link, _topic: False,
    ) -> None:
        self._words = tuple(
            LastWords(most, repeat_window_ms) for most in (messages_max, presses_max)
        )
        self._overlaps = Overlaps(presses_max, overlap_window_ms)
        self._several_fit = several_fit
        self._marks = (Newest(messages_max), Newest(presses_max))
        self._windows_ms = {BY_ID: float(repeat_window_ms), BY_TIME: inf}
        self._packets: dict[tuple[int, int], int] = {}
        self._copies = Copies(copy_window_ms, presses_max)

    def remember(self, traces: Iterable[Trace]) -> None:
        """Take in what the journal holds, oldest first."""
        for trace in traces:
            self.is_repeat(trace, redelivered=False)

    def is_repeat(self, trace: Trace, *, redelivered: bool, topic: str = "") -> bool:
        """Was this message kept before? If not, it is remembered from now on.

        Without a topic (the journal holds none) it is nobody's last word.
        """
        if redelivered and self._packets.get((trace.link, trace.packet_id)) == trace.fingerprint:
            return True
        self._keep_packet(trace)
        if trace.sign == WEAK:
            return self._is_copy(trace, topic)
        mark, arrived_ms, of_button = trace.fingerprint, trace.arrived_ms, trace.of_button
        if trace.sign == BY_TIME:
            self._words[of_button].end(topic)
        elif self._is_last_word(trace, topic):
            return True  # and its mark is as old as it was: should the device count anew, it is new
        return self._marks[of_button].seen(mark, arrived_ms, self._windows_ms[trace.sign])

    def _is_last_word(self, trace: Trace, topic: str) -> bool:
        words = self._words[trace.of_button]
        return bool(topic) and words.is_said_again(topic, trace.fingerprint, trace.arrived_ms)

    def _is_copy(self, trace: Trace, topic: str) -> bool:
        """The same of a message that has neither an id nor a time."""
        if topic:
            self._words[trace.of_button].end(topic)
            if self._several_fit(trace.link, topic) and self._overlaps.is_copy(trace, topic):
                return True
        return trace.of_button and self._copies.is_copy(trace)

    def is_afresh(self, trace: Trace, said_ms: int, late_ms: int) -> bool:
        """A press with the very bytes of an earlier one: may it be another, from a clock that
        stands still?

        So it is where the first was late already by its own time, and long ago. Then it is
        remembered in the place of the first.
        """
        first_ms = self._marks[trace.of_button].arrived_ms(trace.fingerprint)
        if trace.sign != BY_TIME or first_ms is None or first_ms - said_ms <= late_ms:
            return False
        window_ms = self._windows_ms[BY_ID]
        return not self._marks[trace.of_button].seen(trace.fingerprint, trace.arrived_ms, window_ms)

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
        while waiting and abs(trace.arrived_ms - waiting[0].arrived_ms) > self._window_ms:
            waiting.popleft()
        if waiting and waiting[0].link != trace.link:
            waiting.popleft()
            return True
        waiting.append(trace)
        self._alone.move_to_end(trace.fingerprint)
        if len(self._alone) > self._items_max:
            self._alone.popitem(last=False)
        return False
