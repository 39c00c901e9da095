"""What the hub says of its own means to reach people: duty phones, channels, wall screens.

Like a gateway that is gone, each is a word of the hub's own in the journal (`phone:grid-3
online=false`), so that rules make one case of it and a replay says the same. The word and its note
in `own_words` go into one transaction; a hub that was killed says nothing twice.

A phone that never said that it is at hand is a number that people call: nothing is said of it.
While the hub's pages did not run nobody could be heard: silence counts from this run's start.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.engine import Connection, Engine

from device_drivers.reading import Reading
from hub import journal
from hub.clock import Clock
from hub.database import duty_phones, own_words
from hub.feed import Feed
from hub.journal import READING, STRANGER, Entry
from hub.screens import Limits, Screen, known_screens, states_of
from hub.settings import Settings
from hub.writer import URGENT, Writer
from rules.facts import DeviceFacts

PHONE, CHANNEL = "phone", "channel"
SCREEN, TOKEN = "screen", "token"  # a wall screen, and its token in another browser's hands


def part_of(family: str, name: str) -> str:
    """Its name as a device: `phone:grid-3`, `channel:webhook`."""
    return f"{family}:{name}"


def facts_of_part(device: str) -> DeviceFacts | None:
    """What rules may know of it; None: it is no part of ours."""
    family, _, name = device.partition(":")
    if family == PHONE and name:
        zh, en = f"{name} 值班手机", f"Duty phone of {name}"
        return DeviceFacts(device, PHONE, grid=name, name_zh=zh, name_en=en)
    if family == CHANNEL and name:
        return DeviceFacts(device, CHANNEL, name_zh=f"通知渠道 {name}", name_en=f"Channel {name}")
    if family == SCREEN and name:
        return DeviceFacts(device, SCREEN, name_zh=f"大屏 {name}", name_en=f"Wall screen {name}")
    if family == TOKEN and name:
        zh, en = f"大屏令牌 {name}", f"Token of wall screen {name}"
        return DeviceFacts(device, TOKEN, name_zh=zh, name_en=en)
    return None


def is_about(device: str | None, channel: str) -> bool:
    """Is this device the channel itself? Then it cannot tell of it."""
    return device == part_of(CHANNEL, channel)


class Word(NamedTuple):
    """What is to be said: since when the part is there or not."""

    part: str
    online: bool
    at_ms: int


def known_parts(connection: Connection) -> dict[str, bool]:
    """What was said last of each part."""
    rows = connection.execute(sa.select(own_words.c.part, own_words.c.online))
    return {row.part: bool(row.online) for row in rows}


def words_on_phones(
    heard: Mapping[str, int], said: Mapping[str, bool], since_ms: int, silence_ms: int, now_ms: int
) -> list[Word]:
    """Pure: `heard` is when each grid's phone said that it is at hand.

    What changed since it was said last; a phone that is not kept any more is silent no longer.
    """
    words = []
    for grid, heard_ms in heard.items():
        part, last_ms = part_of(PHONE, grid), max(heard_ms, since_ms)
        online = now_ms - last_ms <= silence_ms
        if said.get(part, True) != online:
            words.append(Word(part, online, heard_ms if online else last_ms + silence_ms))
    for part, online in said.items():
        family, _, grid = part.partition(":")
        if family == PHONE and not online and grid not in heard:
            words.append(Word(part, True, now_ms))
    return words


def words_on_screens(
    screens: Sequence[Screen],
    said: Mapping[str, bool],
    limits: Limits,
    since_ms: int,
    now_ms: int,
) -> list[Word]:
    """Pure: what changed since it was said last of screens that went dark and of their tokens.

    It is dark since it last showed what is so. One whose token is gone is not expected any more.
    """
    words, states = [], states_of(screens, limits, since_ms, now_ms)
    for family, found in zip((SCREEN, TOKEN), states, strict=True):
        for name, (online, at_ms) in found.items():
            part = part_of(family, name)
            if said.get(part, True) != online:
                words.append(Word(part, online, at_ms if online else min(at_ms + 1, now_ms)))
        missing = (
            part
            for part, online in said.items()
            if not online and part.startswith(f"{family}:") and part[len(family) + 1 :] not in found
        )
        words += [Word(part, True, now_ms) for part in missing]
    return words


class ChannelStates:
    """How the channels are, as their lanes see it; may be asked from another loop.

    `apart` are channels that tell no person anything: of them no case is made.
    """

    def __init__(self, failures_max: int, apart: Collection[str] = ()) -> None:
        self._failures_max = failures_max
        self._apart = frozenset(apart)
        self._failures: dict[str, int] = {}
        self.online: dict[str, bool] = {}

    def sent(self, channel: str) -> None:
        """A notice got through."""
        self._failures[channel] = 0
        self.online[channel] = True

    def failed(self, channel: str, *, given_up: bool) -> None:
        """A try failed: so many in a row, or a notice given up, and it does not deliver."""
        self._failures[channel] = self._failures.get(channel, 0) + 1
        if given_up or self._failures[channel] >= self._failures_max:
            self.online[channel] = channel in self._apart


class OwnParts:
    """One look after the other."""

    def __init__(
        self,
        channels: ChannelStates,
        *,
        engine: Engine,
        writer: Writer,
        feed: Feed,
        settings: Settings,
        clock: Clock,
    ) -> None:
        self._channels = channels
        self._engine = engine
        self._writer = writer
        self._feed = feed
        self._silence_ms = settings.duty_phone_silence_s * 1_000
        self._limits = Limits(
            settings.screen_silence_s * 1_000, settings.screen_refusal_quiet_s * 1_000
        )
        self._clock = clock
        self._since_ms = clock.now_ms()

    async def look(self) -> None:
        """Write what has become so since it was said last."""
        now_ms = self._clock.now_ms()
        words = await asyncio.to_thread(self._find, now_ms)
        if not words:
            return
        entries = [_entry(word, now_ms) for word in words]

        def job(connection: Connection) -> int:
            write_words(connection, words)
            return journal.append(connection, entries)

        self._feed.put(await self._writer.run(job, rank=URGENT), entries)

    def _find(self, now_ms: int) -> list[Word]:
        with self._engine.connect() as connection:
            said = known_parts(connection)
            rows = connection.execute(sa.select(duty_phones.c.grid, duty_phones.c.heard_ms))
            heard = {row.grid: row.heard_ms for row in rows}
            screens = known_screens(connection)
        words = words_on_phones(heard, said, self._since_ms, self._silence_ms, now_ms)
        words += words_on_screens(screens, said, self._limits, self._since_ms, now_ms)
        for channel, online in dict(self._channels.online).items():
            part = part_of(CHANNEL, channel)
            if said.get(part, True) != online:
                words.append(Word(part, online, now_ms))
        return words


def _entry(word: Word, now_ms: int) -> Entry:
    readings = (Reading("online", word.online, word.at_ms),)
    return Entry(0, READING, word.part, now_ms, readings, flags=STRANGER)


def write_words(connection: Connection, words: list[Word]) -> None:
    """Note what is said, in the transaction that keeps its entries."""
    insert = upsert(own_words)
    news = {name: insert.excluded[name] for name in ("online", "at_ms")}
    put = insert.on_conflict_do_update(index_elements=["part"], set_=news)
    connection.execute(put, [word._asdict() for word in words])


async def watch_parts(parts: OwnParts, every_s: float) -> None:
    """Look, again and again, until cancelled."""
    while True:
        await parts.look()
        await asyncio.sleep(every_s)
