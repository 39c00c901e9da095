"""The loop that looks after what carries the messages: gateways that fall silent, the site's link.

What it finds it writes into the journal like any other news; the judge makes one case of it and
explains by it what is behind. Order: the word and its note in `gateways` in one transaction, then
the judge's feed.
"""

import asyncio
from collections.abc import Callable

from sqlalchemy.engine import Connection

from hub import gateways as gateway_store
from hub import journal
from hub.clock import Clock
from hub.feed import Feed
from hub.gateways import Gateways, Said
from hub.health import GREEN, RED, Report
from hub.settings import Settings
from hub.site_link import SiteLink
from hub.writer import NORMAL, URGENT, Writer


class Supervision:
    """One look after the other. `connected`: does a connection to the broker stand?"""

    def __init__(
        self,
        gateways: Gateways,
        site: SiteLink,
        *,
        connected: Callable[[], bool],
        writer: Writer,
        feed: Feed,
        settings: Settings,
        clock: Clock,
        report: Report,
    ) -> None:
        self._gateways = gateways
        self._site = site
        self._connected = connected
        self._writer = writer
        self._feed = feed
        self._clock = clock
        self._report = report
        self._figures_every_ms = round(settings.gateways_write_s * 1_000)
        self._figures_ms = 0
        self._told: bool | None = None
        self._leap_ms_max = round(settings.site_gone_s * 1_000)
        self._last: tuple[int, float] | None = None  # the last look, by both clocks
        self.looked_ms = 0  # up to when all that follows from the passing of time is written

    async def look(self) -> None:
        """Write what has become so since the last look."""
        now_ms, now_s = self._clock.now_ms(), self._clock.monotonic_s()
        leapt_from_ms = self.listened_until()
        said = [] if leapt_from_ms is None else self._site.missed(leapt_from_ms, now_ms)
        if leapt_from_ms is not None:
            self._gateways.could_be_heard_since(now_ms)
        said += self._find(now_ms)
        if said:
            await self._keep(said)
        self._last = now_ms, now_s  # what was to be said of the time before is with the judge
        if not 0 <= now_ms - self._figures_ms < self._figures_every_ms:
            await self.write_figures()
            self._figures_ms = now_ms
        self._tell()
        self.looked_ms = now_ms

    def listened_until(self) -> int | None:
        """The moment of the last look, while the clock has gone ahead since and time has not.

        Somebody set it, or the machine slept. Until the next look has said so, nobody must take
        that time for silence of the devices.
        """
        if self._last is None:
            return None
        last_ms, last_s = self._last
        passed_ms = (self._clock.monotonic_s() - last_s) * 1_000
        leapt_ms = self._clock.now_ms() - last_ms - passed_ms
        return last_ms if leapt_ms > self._leap_ms_max else None

    def _find(self, now_ms: int) -> list[Said]:
        # While the disk takes nothing no message is taken either: nobody can be heard.
        heard = self._connected() and not self._writer.is_troubled
        was_gone = self._site.gone_ms is not None
        said = self._site.look(now_ms, connected=heard)
        if not heard or self._site.gone_ms is not None or not self._site.is_heard:
            return said
        if was_gone:
            self._gateways.could_be_heard_since(now_ms)
        return said + self._gateways.fallen_silent(now_ms)

    async def _keep(self, said: list[Said]) -> None:
        entries, words = [one.entry for one in said], [one.word for one in said]

        def job(connection: Connection) -> int:
            gateway_store.write_words(connection, words)
            return journal.append(connection, entries)

        self._feed.put(await self._writer.run(job, rank=URGENT), entries)

    async def write_figures(self) -> None:
        """When each gateway was heard, and how often."""
        rows, gone = self._gateways.take_rows()
        if rows or gone:
            await self._writer.run(lambda c: gateway_store.write(c, rows, gone), rank=NORMAL)

    def _tell(self) -> None:
        gone = self._site.gone_ms is not None
        if gone and self._told is not True:
            zh, en = "听不到本社区的任何设备", "no device of the site can be heard"
            self._report("site-link", RED, zh, en)
        elif not gone and self._told is not False:
            self._report("site-link", GREEN, "可以收到消息", "messages can come")
        self._told = gone


async def supervise(supervision: Supervision, every_s: float) -> None:
    """Look, again and again, until cancelled."""
    while True:
        await supervision.look()
        await asyncio.sleep(every_s)
