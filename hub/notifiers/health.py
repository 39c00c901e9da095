"""How the hub is, for a watcher outside: the retained topic `hub/{site}/health`.

It needs no disk, so that a full one is told. The states only, no texts: these are in the log and,
for those who may read them, in the pages.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import NoReturn

import msgspec

from hub.deliver import TryAgain
from hub.health import Condition, worst_of
from hub.notifiers.mqtt import Publisher


async def tell_health(
    conditions: Callable[[], Mapping[str, Condition]],
    publisher: Publisher,
    site: str,
    look_every_s: float,
) -> NoReturn:
    """Publish what has changed, and all of it to a broker that came back, until cancelled."""
    topic, told = f"hub/{site}/health", (0, b"")
    while True:
        await publisher.ready()
        now = publisher.connections, payload(conditions())
        if now != told:
            try:
                await publisher.publish(topic, now[1], retain=True)
                told = now
            except TryAgain:
                told = (0, b"")  # the connections' own health says why; the next look tries again
        await asyncio.sleep(look_every_s)


def payload(conditions: Mapping[str, Condition]) -> bytes:
    """`{"state": worst, "parts": {part: state}}`, parts by name."""
    parts = {part: conditions[part].state for part in sorted(conditions)}
    return msgspec.json.encode({"state": worst_of(parts.values()), "parts": parts})
