"""Who is at which case just now, so that two people at once see each other.

Kept in memory only: it says where pages are open at this moment, and is nobody's record. A page
that has not said so again within `presence_keep_s` is forgotten; `presence_tabs_max` bounds them.
"""

from dataclasses import dataclass
from typing import Any

from hub.clock import Clock
from hub.settings import Settings


@dataclass(frozen=True, slots=True)
class At:
    """One open page: whose, at which case, and what is being filled in there ("" if nothing)."""

    by: str
    case: str
    doing: str
    heard_s: float


class Presence:
    """Pages by a random name of their own. `version` grows with every change that others see."""

    def __init__(self, clock: Clock, settings: Settings) -> None:
        self._clock = clock
        self._keep_s = settings.presence_keep_s
        self._tabs_max = settings.presence_tabs_max
        self._tabs: dict[str, At] = {}
        self.version = 0

    def say(self, tab: str, by: str, case: str, doing: str) -> bool:
        """This page is at that case ("": at none) from now on. True: others see another picture."""
        before = self._tabs.pop(tab, None)
        if case:
            self._tabs[tab] = At(by, case, doing, self._clock.monotonic_s())
            if len(self._tabs) > self._tabs_max:
                del self._tabs[next(iter(self._tabs))]  # the one that has said nothing for longest
        seen = None if before is None else (before.by, before.case, before.doing)
        changed = seen != ((by, case, doing) if case else None)
        self.version += changed
        return changed

    def forget_silent(self) -> None:
        """Pages that were closed without a word are there no more."""
        since_s = self._clock.monotonic_s() - self._keep_s
        silent = [tab for tab, one in self._tabs.items() if one.heard_s < since_s]
        for tab in silent:
            del self._tabs[tab]
        self.version += bool(silent)

    def shown(self) -> dict[str, list[dict[str, Any]]]:
        """By case: who is there, and doing what; `tab` lets a page leave itself out."""
        found: dict[str, list[dict[str, Any]]] = {}
        for tab, one in self._tabs.items():
            found.setdefault(one.case, []).append({"tab": tab, "by": one.by, "doing": one.doing})
        return found
