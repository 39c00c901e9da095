"""Ghosts: who still speaks from the address of a device that was swapped for another.

A ghost is neither a device nor a stranger: what it says is kept as refused and counted here, and
only a press of it goes on to the judge, because somebody presses. Its address leaves the table when
it is registered anew. Counts are written with the journal's next commit.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.database import ghosts


@dataclass(slots=True)
class Ghost:
    """An address that belonged to `device` until `swapped_ms`; `heard_ms` is since then."""

    address: str
    device: str
    driver: str
    family: str
    swapped_ms: int
    heard_ms: int | None = None
    messages: int = 0


class Heard(NamedTuple):
    """How often a ghost of that swap has spoken by now, to be written."""

    address: str
    swapped_ms: int
    heard_ms: int
    messages: int


class Ghosts:
    """All ghosts by their address."""

    def __init__(self, known: Iterable[Ghost] = ()) -> None:
        self._known = {ghost.address: ghost for ghost in known}
        self._changed: set[str] = set()

    def get(self, address: str) -> Ghost | None:
        """The ghost that speaks from an address."""
        return self._known.get(address)

    def buttons(self) -> list[str]:
        """Addresses from which a press may still come."""
        return [ghost.address for ghost in self._known.values() if ghost.family == "button"]

    def replace(self, known: Iterable[Ghost]) -> None:
        """Take these; what was counted of them and is not written yet is not forgotten."""
        before, self._known = self._known, {ghost.address: ghost for ghost in known}
        for address in self._changed & self._known.keys():
            ghost, counted = self._known[address], before[address]
            if ghost.swapped_ms == counted.swapped_ms:
                ghost.heard_ms, ghost.messages = counted.heard_ms, counted.messages
        self._changed &= self._known.keys()

    def heard(self, ghost: Ghost, at_ms: int) -> bool:
        """It spoke; is it the first time since the swap?"""
        first = ghost.heard_ms is None
        ghost.heard_ms = at_ms
        ghost.messages += 1
        self._changed.add(ghost.address)
        return first

    def haunt(self, device_id: str) -> bool:
        """Does a ghost of this device speak?"""
        return any(
            ghost.device == device_id and ghost.heard_ms is not None
            for ghost in self._known.values()
        )

    def take_rows(self) -> list[Heard]:
        """What is to be written since the last call."""
        rows = []
        for address in self._changed:
            ghost = self._known[address]
            assert ghost.heard_ms is not None
            rows.append(Heard(address, ghost.swapped_ms, ghost.heard_ms, ghost.messages))
        self._changed.clear()
        return rows


def read_ghosts(connection: Connection) -> list[Ghost]:
    """Every ghost of the database."""
    wanted = [ghosts.c[name] for name in Ghost.__slots__]
    return [Ghost(**row) for row in connection.execute(sa.select(*wanted)).mappings()]


def write(connection: Connection, rows: Iterable[Heard]) -> None:
    """Keep the counts. One that was registered anew in the meantime has no row any more."""
    for address, swapped_ms, heard_ms, messages in rows:
        mine = sa.and_(ghosts.c.address == address, ghosts.c.swapped_ms == swapped_ms)
        connection.execute(ghosts.update().where(mine).values(heard_ms=heard_ms, messages=messages))
