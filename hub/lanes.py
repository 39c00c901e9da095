"""Entries on their way to the judge: those of buttons and people's commands before the others.

The common lane is bounded: when it is full its entries stay on the disk, and are read from
there, in order, when the lane is empty. Presses never wait for that: the database has an index of
them, and whoever reads by it lets the judge work when `judge_batch_entries_max` are waiting.
"""

from collections import deque
from collections.abc import Iterable, Sequence

from hub.journal import COMMAND, PRESS, READING, Entry


class Lanes:
    """Two queues over one journal. `known_until`: everything up to it is handed out or queued."""

    def __init__(self, known_until: int, *, common_max: int, slice_max: int) -> None:
        self.known_until = known_until
        self.disk_from: int | None = None  # common entries above it are to be read from disk
        self.urgent: deque[Entry] = deque()
        self.common: deque[Entry] = deque()
        self._common_max = common_max
        self._slice_max = slice_max

    def add(self, first_seq: int, entries: Sequence[Entry]) -> None:
        """A run of entries numbered from `first_seq`; those known already are passed over."""
        for seq, entry in enumerate(entries, first_seq):
            if seq > self.known_until:
                self._add_one(tuple.__new__(Entry, (seq, *entry[1:])))  # _replace, in half the time
        self.known_until = max(self.known_until, first_seq + len(entries) - 1)

    def _add_one(self, entry: Entry) -> None:
        if entry.kind == COMMAND or entry.flags & PRESS:
            self.add_urgent([entry])
        elif entry.kind == READING and self.disk_from is None:
            if len(self.common) < self._common_max:
                self.common.append(entry)
            else:
                self.disk_from = entry.seq - 1

    def add_urgent(self, entries: Iterable[Entry]) -> None:
        """Numbered entries of buttons, or commands."""
        self.urgent.extend(entry for entry in entries if entry.kind in {READING, COMMAND})

    def leave_on_disk(self, until: int) -> None:
        """Common entries between `known_until` and `until` are read from disk later."""
        if self.disk_from is None:
            self.disk_from = self.known_until
        self.known_until = max(self.known_until, until)

    def take_from_disk(self, entries: Sequence[Entry], *, all_read: bool) -> None:
        """Common entries above `disk_from`, in order."""
        self.common.extend(entries)
        self.disk_from = None if all_read else entries[-1].seq

    def next_slice(self) -> list[Entry]:
        """All urgent ones, then some of the others."""
        taken = list(self.urgent)
        self.urgent.clear()
        count = min(self._slice_max, len(self.common))
        return taken + [self.common.popleft() for _ in range(count)]

    def waits(self) -> bool:
        """Is there anything to judge, here or on the disk?"""
        return bool(self.urgent or self.common or self.disk_from is not None)

    def done_until(self) -> int:
        """Every entry up to this number has been handed out."""
        waiting = [lane[0].seq - 1 for lane in (self.urgent, self.common) if lane]
        if self.disk_from is not None:
            waiting.append(self.disk_from)
        return min(waiting, default=self.known_until)
