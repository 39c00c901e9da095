"""Gateways, as messages name them: when each was heard, what is behind it, which are gone.

Some say themselves whether they are there (a will, a bridge's state): they are believed. The others
are there while anything comes through them. One through which nothing has come for longer than
`gateway_silence_s` and `gateway_silence_gaps` times its longest usual gap is gone, and is back with
the next message: both are words of the hub's own in the journal, so that a replay says the same.

The longest usual gap grows with every longer gap and halves in `gateway_rhythm_halves_s`. A gap
counts as twice the limit at the most: a gateway that is silent every night is taken for gone once
or twice, and a long outage does not teach that outages are usual. These figures are our own.
Bounds: `gateways_max`; the unregistered one that was silent longest goes first, before those that
carry devices of the register.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import log
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.engine import Connection

from device_drivers.reading import Reading
from hub.database import gateways, latest
from hub.devices import Devices
from hub.journal import GATEWAY, READING, STRANGER, Entry
from hub.settings import Settings
from rules.judge import SITE

# Ecosystems whose gateways belong to another one: The Things Stack's are LoRaWAN's.
_ECOSYSTEM_OF = {"tts": "lorawan"}


@dataclass(slots=True)
class Gateway:
    """One gateway. `gone_ms`: since when it is gone by the hub's own word; None: it is there."""

    id: str
    ecosystem: str
    first_ms: int
    heard_ms: int
    messages: int = 0
    says_itself: bool = False
    rhythm_ms: float = 0.0
    gone_ms: int | None = None


class Word(NamedTuple):
    """What the hub itself says of a gateway or of the site, to be kept with its entry."""

    id: str
    ecosystem: str
    gone_ms: int | None
    at_ms: int


class Said(NamedTuple):
    """An entry that no message brought, and what must be noted in its transaction."""

    entry: Entry
    word: Word


class Gateways:
    """All gateways that are known, in memory, and by which of them each device was heard last."""

    def __init__(self, settings: Settings, devices: Devices) -> None:
        self.known: dict[str, Gateway] = {}
        self._settings = settings
        self._devices = devices
        self._ids: dict[tuple[str, str], str] = {}  # by ecosystem and name, as the register has it
        self._of: dict[str, str] = {}  # registered device: gateway
        self._addresses = self._present_addresses()
        self._since_ms = 0  # silence counts from here: what the hub could not hear says nothing
        self._changed: set[str] = set()
        self._gone: list[str] = []
        self._tell_gone: Callable[[str], None] = lambda _gateway: None

    def load(self, connection: Connection) -> None:
        """Read what an earlier run kept."""
        query = gateways.select().where(gateways.c.ecosystem != SITE_ROW)
        for row in connection.execute(query).mappings():
            values = dict(row)
            values["rhythm_ms"] = values["rhythm_ms"] or 0.0
            self.known[values["id"]] = Gateway(**values)
        back = sa.select(gateways.c.heard_ms).where(gateways.c.ecosystem == SITE_ROW)
        self._since_ms = connection.execute(back).scalar() or 0
        heard = sa.select(latest.c.device, latest.c.gateway).where(latest.c.gateway.is_not(None))
        by_message = {row.device: row.gateway for row in connection.execute(heard)}
        for device in self._devices.by_id.values():
            gateway = by_message.get(device.id, device.gateway)
            if gateway is not None:
                self._of[device.id] = gateway

    def _present_addresses(self) -> dict[str, str]:
        """Of devices: another one than before is another device (`hub/succession.py`)."""
        return {device.id: device.address for device in self._devices.by_id.values()}

    def id_of(self, ecosystem: str, name: str) -> str:
        """The register's id of a gateway, else the name by which messages call it."""
        key = (ecosystem, name)
        found = self._ids.get(key)
        if found is None:
            if len(self._ids) >= self._settings.gateways_max:
                self._ids.clear()
            found = self._ids[key] = self._id_of(ecosystem, name)
        return found

    def _id_of(self, ecosystem: str, name: str) -> str:
        address = f"{_ECOSYSTEM_OF.get(ecosystem, ecosystem)}:{name}"
        device = self._devices.by_address.get(address)
        if device is not None and device.family == "gateway":
            return device.id
        return self.name_of(address)

    def name_of(self, address: str) -> str:
        """How one that nobody registered is called: by its name, as the messages call it.

        But at full length where that name is something else's, or the site's own.
        """
        name = address.partition(":")[2]
        known = (self._devices.by_id.get(name), self._devices.by_address.get(address))
        others = any(one is not None and one.family != "gateway" for one in known)
        return f"gateway:{address}" if others or name == SITE else name

    # -- what comes ------------------------------------------------------------------------------

    def heard(self, gateway_id: str, ecosystem: str, device: str | None, at_ms: int) -> bool:
        """A message came through it; of a registered device if `device` says so. Was it gone?"""
        gateway = self.known.get(gateway_id)
        if gateway is None:
            gateway = self._meet(gateway_id, ecosystem, at_ms)
        if (
            at_ms != gateway.heard_ms or not gateway.messages
        ):  # the messages of a batch come at once
            self._learn(gateway, at_ms)
            gateway.heard_ms = at_ms
            self._changed.add(gateway_id)
        gateway.messages += 1
        if device is not None and self._of.get(device) != gateway_id:
            self._of[device] = gateway_id
        return gateway.gone_ms is not None

    def spoke(self, gateway_id: str, ecosystem: str, at_ms: int, *, copy: bool) -> Word | None:
        """It says itself how it is; what is to be noted if the hub had spoken for it.

        A broker's retained `copy` is no word of this moment.
        """
        gateway = self.known.get(gateway_id) or self._meet(gateway_id, ecosystem, at_ms)
        spoken_for, gateway.gone_ms = gateway.gone_ms is not None, None
        gateway.says_itself = True
        if not copy:
            gateway.messages += 1
            gateway.heard_ms = at_ms
        self._changed.add(gateway_id)
        return Word(gateway_id, gateway.ecosystem, None, at_ms) if spoken_for else None

    def _meet(self, gateway_id: str, ecosystem: str, at_ms: int) -> Gateway:
        its = _ECOSYSTEM_OF.get(ecosystem, ecosystem)
        gateway = self.known[gateway_id] = Gateway(gateway_id, its, at_ms, at_ms)
        while len(self.known) > self._settings.gateways_max:
            carry = set(self._of.values())
            others = self._strange(gateway_id)
            least = min(others, key=lambda one: (one.id in carry, one.heard_ms), default=gateway)
            self._forget(least.id)
        return gateway

    def _strange(self, but: str) -> Iterator[Gateway]:
        registered = self._devices.by_id
        return (one for one in self.known.values() if one.id not in registered and one.id != but)

    def _forget(self, gateway_id: str) -> None:
        self.known.pop(gateway_id, None)
        self._changed.discard(gateway_id)
        self._gone.append(gateway_id)
        self._tell_gone(gateway_id)

    def on_gone(self, tell: Callable[[str], None]) -> None:
        """Have `tell` called with the id of one that is not kept any more."""
        self._tell_gone = tell

    def _learn(self, gateway: Gateway, at_ms: int) -> None:
        since_ms = max(gateway.heard_ms, self._since_ms)
        gap_ms = at_ms - since_ms
        if gap_ms > gateway.rhythm_ms:
            gateway.rhythm_ms = min(gap_ms, 2 * self.limit_ms(gateway))
        elif gap_ms > 0:
            share = gap_ms * log(2) / (self._settings.gateway_rhythm_halves_s * 1_000)
            gateway.rhythm_ms *= max(0.0, 1.0 - share)

    # -- who is gone -----------------------------------------------------------------------------

    def limit_ms(self, gateway: Gateway) -> int:
        """For how long nothing may come through it."""
        usual_ms = self._settings.gateway_silence_gaps * gateway.rhythm_ms
        return round(max(self._settings.gateway_silence_s * 1_000, usual_ms))

    def could_be_heard_since(self, at_ms: int) -> None:
        """The hub hears the site from this moment on: silence before it was the hub's."""
        self._since_ms = at_ms

    def fallen_silent(self, now_ms: int) -> list[Said]:
        """The hub's word on each gateway through which nothing has come for too long."""
        behind = set(self._of.values())
        return [
            self._is_gone(gateway, now_ms)
            for gateway in self.known.values()
            if gateway.id in behind and self._is_silent(gateway, now_ms)
        ]

    def _is_silent(self, gateway: Gateway, now_ms: int) -> bool:
        if gateway.says_itself or gateway.gone_ms is not None:
            return False
        known_well = gateway.messages >= self._settings.gateway_messages_min
        if not known_well and gateway.id not in self._devices.by_id:
            return False  # a neighbour's, that heard one of our devices by chance
        return now_ms - max(gateway.heard_ms, self._since_ms) > self.limit_ms(gateway)

    def _is_gone(self, gateway: Gateway, now_ms: int) -> Said:
        gone_ms = gateway.gone_ms = max(gateway.heard_ms, self._since_ms)
        word = Word(gateway.id, gateway.ecosystem, gone_ms, gone_ms)
        return own_word(word, now_ms, self._flags_of(gateway.id))

    def is_back(self, gateway_id: str, at_ms: int) -> Said:
        """The hub's word that something comes through it again."""
        gateway = self.known[gateway_id]
        gateway.gone_ms = None
        word = Word(gateway_id, gateway.ecosystem, None, at_ms)
        return own_word(word, at_ms, self._flags_of(gateway_id))

    def _flags_of(self, gateway_id: str) -> int:
        return 0 if gateway_id in self._devices.by_id else STRANGER | GATEWAY

    # -- the register ----------------------------------------------------------------------------

    def register_changed(self) -> None:
        """Gateways that are registered now go by their id; who left the register is behind none,
        and who was swapped behind none until the new device is heard."""
        by_id, before = self._devices.by_id, self._addresses
        self._ids.clear()
        self._addresses = now = self._present_addresses()
        self._of = {
            device: gateway
            for device, gateway in self._of.items()
            if device in now and before.get(device, now[device]) == now[device]
        }
        for device in by_id.values():
            name = device.address.partition(":")[2]
            if device.family == "gateway" and name != device.id and name in self.known:
                self._rename(name, device.id)

    def _rename(self, old: str, new: str) -> None:
        gateway = self.known[old]
        self._forget(old)
        gateway.id = new
        self.known.setdefault(new, gateway)
        self._changed.add(new)

    # -- what is written -------------------------------------------------------------------------

    def take_rows(self) -> tuple[list[dict[str, Any]], list[str]]:
        """Figures to write and gateways to remove since the last call."""
        rows = [_row(self.known[name]) for name in self._changed]
        gone, self._gone = self._gone, []
        self._changed.clear()
        return rows, gone


SITE_ROW = "site"  # the "ecosystem" of the row about the site itself


def own_word(word: Word, now_ms: int, flags: int) -> Said:
    """The hub says, at this moment, since when something is there or gone."""
    readings = (Reading("online", word.gone_ms is None, word.at_ms),)
    return Said(Entry(0, READING, word.id, now_ms, readings, flags=flags), word)


_FIGURES = ("ecosystem", "first_ms", "heard_ms", "messages", "says_itself", "rhythm_ms")


def _row(gateway: Gateway) -> dict[str, Any]:
    row = {name: getattr(gateway, name) for name in _FIGURES}
    return {"id": gateway.id, **row, "rhythm_ms": round(gateway.rhythm_ms)}


def write(connection: Connection, rows: list[dict[str, Any]], gone: Iterable[str]) -> None:
    """Put figures into the table; whether one is gone stays as it is (see `write_words`)."""
    for gateway_id in gone:
        connection.execute(gateways.delete().where(gateways.c.id == gateway_id))
    if rows:
        insert = upsert(gateways)
        new = {name: insert.excluded[name] for name in _FIGURES}
        connection.execute(insert.on_conflict_do_update(index_elements=["id"], set_=new), rows)


def write_words(connection: Connection, words: Iterable[Word]) -> None:
    """Note what the hub has said, in the transaction that keeps its entry."""
    insert = upsert(gateways)
    new = {"gone_ms": insert.excluded.gone_ms}
    for word in words:
        # Of the site `heard_ms` is since when it can be heard, or since when it is gone.
        changed = new | ({"heard_ms": word.at_ms} if word.ecosystem == SITE_ROW else {})
        put = insert.on_conflict_do_update(index_elements=["id"], set_=changed)
        row = {"id": word.id, "ecosystem": word.ecosystem, "gone_ms": word.gone_ms}
        row |= {"first_ms": word.at_ms, "heard_ms": word.at_ms, "messages": 0}
        connection.execute(put, row)
