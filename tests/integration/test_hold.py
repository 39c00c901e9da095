"""A door that is held open, and a hub that is killed: the moment of the alert does not move.

The rule waits ten seconds of the door's own time. The door says when it opened, so that a test
places the kill before or after the due moment without waiting long for it.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiomqtt
import msgspec
import pytest

from hub.clock import SystemClock
from tests.integration.hub_process import Ear, HubProcess, ear, hub_process, quick_client
from tests.programs import Mosquitto

HOLD_MS = 10_000
RULES = """
rules:
  - rule: yard-door-held-open
    title: {zh: 院门长时间未关, en: Yard door held open}
    where: {family: door, tags: [yard]}
    when: {point: contact, equals: open}
    hold_for: 10s
    severity: warning
    category: security
    say: {zh: "{place}的门已开{for}", en: "Door at {place} open for {for}"}
"""


@dataclass
class Yard:
    """A hub with one watched door, an unwatched one beside it, and all that is told of cases."""

    hub: HubProcess
    client: aiomqtt.Client
    told: list[dict[str, Any]] = field(default_factory=list)
    listening: Ear | None = None

    def hear(self, _topic: str, body: dict[str, Any]) -> None:
        """One message about a case."""
        self.told.append(body)

    async def say(self, contact: str, at_ms: int, device: str = "yard") -> None:
        """The door says how it stands since when."""
        payload = msgspec.json.encode({"contact": contact, "ts": at_ms})
        await self.client.publish(f"community/demo/door/{device}/up", payload, qos=1)

    async def until_told(self, *what: str) -> None:
        """Return when these and no others have been told, in this order."""
        assert self.listening is not None
        await self.listening.until(lambda: len(self.told) >= len(what), self.hub.story)
        assert [body["what"] for body in self.told] == list(what)

    async def until_kept(self, entries: int) -> None:
        """Return when so many messages are in the journal, looking again after each health row."""
        while self.hub.rows("SELECT count(*) FROM journal") < [(entries,)]:
            await asyncio.sleep(0)

    def alerts(self) -> list[tuple[Any, ...]]:
        """Every alert that ever was, with its moments."""
        columns = "opened_at_ms, closed_at_ms, taken_back"
        return self.hub.rows(f"SELECT {columns} FROM alerts ORDER BY opened_at_ms")
