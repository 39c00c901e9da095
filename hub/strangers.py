"""Senders that nobody registered: each kept once, with its newest messages, to be adopted.

Bounds: `strangers_max` senders (the longest silent goes first), `stranger_messages_max` messages.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.engine import Connection

from hub.database import strangers


@dataclass(slots=True)
class Stranger:
    """One unknown sender. `newest` is newest first."""

    address: str
    topic: str
    family: str | None
    driver: str | None
    first_ms: int
    last_ms: int
    messages: int = 0
    newest: deque[dict[str, Any]] = field(default_factory=deque)


class Strangers:
    """What is known of them, in memory; `rows()` gives what changed, for the next commit."""

    def __init__(self, *, strangers_max: int, messages_max: int) -> None:
        self._strangers_max = strangers_max
        self._messages_max = messages_max
        self._known: OrderedDict[str, Stranger] = OrderedDict()
        self._changed: set[str] = set()
        self._gone: list[str] = []
        self._tell_gone: Callable[[str], None] = lambda _address: None

    def load(self, connection: Connection) -> None:
        """Read what an earlier run kept."""
        for row in connection.execute(strangers.select().order_by(strangers.c.last_ms)).mappings():
            values = {name: row[name] for name in _KEPT}
            newest = deque(msgspec.json.decode(values.pop("newest_json")), self._messages_max)
            self._known[values["address"]] = Stranger(**values, newest=newest)

    def met(
        self,
        address: str,
        topic: str,
        at_ms: int,
        said: dict[str, Any],
        *,
        family: str | None,
        driver: str | None,
    ) -> None:
        """A message of an unknown sender; `said` holds its readings or why it was refused."""
        stranger = self._known.get(address)
        if stranger is None:
            newest: deque[dict[str, Any]] = deque(maxlen=self._messages_max)
            stranger = Stranger(address, topic, family, driver, at_ms, at_ms, newest=newest)
            self._known[address] = stranger
            self._make_room()
        stranger.topic, stranger.last_ms = topic, at_ms
        stranger.family, stranger.driver = family or stranger.family, driver or stranger.driver
        stranger.messages += 1
        stranger.newest.appendleft({"at_ms": at_ms, **said})
        self._known.move_to_end(address)
        self._changed.add(address)

    def topic_of(self, address: str) -> str | None:
        """Where an unknown sender was heard last."""
        stranger = self._known.get(address)
        return None if stranger is None else stranger.topic

    def driver_of(self, address: str) -> str | None:
        """The driver that understood an unknown sender."""
        stranger = self._known.get(address)
        return None if stranger is None else stranger.driver

    def _make_room(self) -> None:
        while len(self._known) > self._strangers_max:
            address, _ = self._known.popitem(last=False)
            self._changed.discard(address)
            self._gone.append(address)
            self._tell_gone(address)

    def adopted(self, addresses: Iterable[str]) -> None:
        """These are registered now: no strangers any more."""
        for address in addresses:
            if self._known.pop(address, None) is not None:
                self._changed.discard(address)
                self._gone.append(address)

    def on_gone(self, tell: Callable[[str], None]) -> None:
        """Have `tell` called with the address of one who had to make room."""
        self._tell_gone = tell

    def take_rows(self) -> tuple[list[dict[str, Any]], list[str]]:
        """Rows to write and addresses to remove since the last call."""
        rows = [_row(self._known[address]) for address in self._changed]
        gone, self._gone = self._gone, []
        self._changed.clear()
        return rows, gone


# What the hub itself writes of them; whether one is ignored is said by people.
_KEPT = (
    *("address", "topic", "family", "driver", "first_ms", "last_ms", "messages"),
    "newest_json",
)


def _row(stranger: Stranger) -> dict[str, Any]:
    return {
        "address": stranger.address,
        "topic": stranger.topic,
        "family": stranger.family,
        "driver": stranger.driver,
        "first_ms": stranger.first_ms,
        "last_ms": stranger.last_ms,
        "messages": stranger.messages,
        "newest_json": msgspec.json.encode(list(stranger.newest)).decode(),
    }


def write(connection: Connection, rows: list[dict[str, Any]], gone: list[str]) -> None:
    """Put changed strangers into the table and take those out that are none any more."""
    if gone:
        connection.execute(strangers.delete().where(strangers.c.address.in_(gone)))
    if rows:
        insert = upsert(strangers)
        new = {name: insert.excluded[name] for name in rows[0] if name != "address"}
        connection.execute(insert.on_conflict_do_update(index_elements=["address"], set_=new), rows)
