"""From the ingest to the judge, in memory: batches that are on the disk already.

Bounded: when the judge is behind by more than `batches_max`, newer batches are let go here, and
the judge finds by their numbers that it must read the disk instead. Nothing is lost by it.
"""

import asyncio
from collections import deque
from collections.abc import Sequence

from hub.journal import Entry


class Feed:
    """One producer side for all ingest loops, one consumer: the judge."""

    def __init__(self, batches_max: int) -> None:
        self._batches_max = batches_max
        self._batches: deque[tuple[int, Sequence[Entry]]] = deque()
        self._overflowed = False
        self.some = asyncio.Event()

    def put(self, first_seq: int, entries: Sequence[Entry]) -> None:
        """Entries that were kept under the numbers from `first_seq` on."""
        if len(self._batches) < self._batches_max:
            self._batches.append((first_seq, entries))
        else:
            self._overflowed = True
        self.some.set()

    def take(self) -> list[tuple[int, Sequence[Entry]]]:
        """All that waits, lowest number first."""
        taken = sorted(self._batches, key=lambda batch: batch[0])
        self._batches.clear()
        self.some.clear()
        return taken

    def overflowed(self) -> bool:
        """Were batches let go since the last call? Then the disk has more than was handed over."""
        overflowed, self._overflowed = self._overflowed, False
        return overflowed
