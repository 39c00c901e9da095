"""Calls that last: devices that say `sos` in every message until it is taken back.

Such a state is one call when it begins. Whoever takes it back and calls again makes a new one. As
long as it lasts it counts once more every `sos_again_s`: people may have closed the case while the
watch went on calling, and a watch that says `sos` already cannot tell a second press.
Where it is in doubt (nothing is known of the device, or no longer) it is a call.
Kept by the device's address: one that takes another's place has said nothing yet.
Bound: `sos_devices_max`; who has said nothing for longest is forgotten first.
"""

from typing import Any, NamedTuple

from sqlalchemy.engine import Connection

from hub.database import lasting_calls

WRITE = (
    'INSERT INTO lasting_calls (device, "on", at_ms, called_ms, turn) VALUES (?, ?, ?, ?, ?) '
    'ON CONFLICT (device) DO UPDATE SET "on" = excluded."on", at_ms = excluded.at_ms, '
    "called_ms = excluded.called_ms, turn = excluded.turn WHERE excluded.turn > turn"
)


class Lasting(NamedTuple):
    """What a device said last, when, and the moment of its last call; None: it never called."""

    on: bool
    at_ms: int
    called_ms: int | None


class Calls:
    """The newest word of each device that says `sos`, by its address."""

    def __init__(self, *, again_ms: int, devices_max: int) -> None:
        self._again_ms = again_ms
        self._devices_max = devices_max
        self._lasting: dict[str, Lasting] = {}
        self._changed: set[str] = set()
        self._turn = 0

    def load(self, connection: Connection) -> None:
        """Read what an earlier run kept."""
        for row in connection.execute(lasting_calls.select().order_by(lasting_calls.c.at_ms)):
            self._lasting[row.device] = Lasting(row.on, row.at_ms, row.called_ms)
            self._turn = max(self._turn, row.turn)

    def say(self, address: str, at_ms: int, *, on: bool) -> bool:
        """A device says how it is at a moment. True: it calls."""
        before = self._lasting.pop(address, Lasting(on=False, at_ms=at_ms, called_ms=None))
        late = at_ms < before.at_ms
        calls = on and (self._is_apart(before, at_ms) or not (late or before.on))
        after = before if late else before._replace(on=on, at_ms=at_ms)
        if calls:
            after = after._replace(called_ms=max(at_ms, before.called_ms or at_ms))
        self._lasting[address] = after
        self._changed.add(address)
        if len(self._lasting) > self._devices_max:
            oldest = next(iter(self._lasting))
            del self._lasting[oldest]
            self._changed.discard(oldest)
        return calls

    def _is_apart(self, before: Lasting, at_ms: int) -> bool:
        """Is it so far from the last call that it must count by itself?"""
        called_ms = before.called_ms
        return called_ms is None or abs(at_ms - called_ms) >= self._again_ms

    def take_rows(self) -> list[tuple[Any, ...]]:
        """Rows for `WRITE`: what changed since the last call."""
        if not self._changed:
            return []
        self._turn += 1
        rows = [(name, *self._lasting[name], self._turn) for name in self._changed]
        self._changed.clear()
        return rows
