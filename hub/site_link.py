"""The site's link: can the hub hear anything of the site at all?

It cannot while no connection to the broker stands, while the bridge that carries the site's
messages says that it is down (`site_link_topic`), and while it does not run itself. Gone for longer
than `site_gone_s` it is a fact of the journal, with the moment since when: `@site online=false`,
and `true` when messages can come again. A hub that begins counts from when its judge was last at
work, so that no kill and no restart hides a gap.
"""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.database import cursors, gateways
from hub.gateways import SITE_ROW, Said, Word, own_word
from hub.journal import STRANGER
from rules.judge import SITE

BRIDGE_SAYS = {b"1": True, b"0": False, b"online": True, b"offline": False}


class SiteLink:
    """What is known of the link. `look` is called again and again; nothing here reads a clock."""

    def __init__(
        self, *, gone_after_ms: int, unheard_since_ms: int, has_bridge: bool = False
    ) -> None:
        self.gone_ms: int | None = None  # since when, as the journal says; None: it is there
        self.is_heard = False  # can messages come, at the last look?
        self._gone_after_ms = gone_after_ms
        self._unheard_since_ms: int | None = unheard_since_ms
        # As the bridge says; where there is none, always. None: it has not spoken to this run.
        self.is_bridged = None if has_bridge else True
        self._connected_since_ms: int | None = None

    def load(self, connection: Connection, follower: str) -> None:
        """Take up what an earlier run has written; silence counts from when it was last at work."""
        said = sa.select(gateways.c.gone_ms).where(gateways.c.id == SITE)
        self.gone_ms = connection.execute(said).scalar()
        at_work = sa.select(cursors.c.now_ms).where(cursors.c.follower == follower)
        last_ms = connection.execute(at_work).scalar() or 0
        if self._unheard_since_ms is not None and 0 < last_ms < self._unheard_since_ms:
            self._unheard_since_ms = last_ms

    def bridge_says(self, payload: bytes) -> bool:
        """Take a message of `site_link_topic`; is it one that can be understood?"""
        there = BRIDGE_SAYS.get(payload.strip().lower())
        if there is not None:
            self.is_bridged = there
        return there is not None

    def look(self, now_ms: int, *, connected: bool) -> list[Said]:
        """What is to be written now: nothing, or one word on the link."""
        if connected and self.is_bridged is None and self._waits_for_bridge(now_ms):
            return []
        if connected and self.is_bridged is not False:
            return self._hears(now_ms)
        self.is_heard, self._connected_since_ms = False, None
        if self._unheard_since_ms is None or self._unheard_since_ms > now_ms:
            self._unheard_since_ms = now_ms
        since_ms = self._unheard_since_ms
        if self.gone_ms is not None or now_ms - since_ms < self._gone_after_ms:
            return []
        self.gone_ms = since_ms
        return [_said(since_ms, since_ms, now_ms)]

    def missed(self, since_ms: int, now_ms: int) -> list[Said]:
        """The hub itself heard nothing between two moments: its clock went from one to the other.

        Nothing is said where that is said anyway, because the link was gone before.
        """
        if self.gone_ms is not None or self._unheard_since_ms is not None:
            return []
        return [_said(since_ms, since_ms, now_ms), _said(None, now_ms, now_ms)]

    def _waits_for_bridge(self, now_ms: int) -> bool:
        """Its state is retained and comes at once; one that does not come is not waited for."""
        if self._connected_since_ms is None or self._connected_since_ms > now_ms:
            self._connected_since_ms = now_ms
        return now_ms - self._connected_since_ms < self._gone_after_ms

    def _hears(self, now_ms: int) -> list[Said]:
        self._unheard_since_ms, self.is_heard = None, True
        if self.gone_ms is None:
            return []
        self.gone_ms = None
        return [_said(None, now_ms, now_ms)]


def _said(gone_ms: int | None, at_ms: int, now_ms: int) -> Said:
    return own_word(Word(SITE, SITE_ROW, gone_ms, at_ms), now_ms, STRANGER)
