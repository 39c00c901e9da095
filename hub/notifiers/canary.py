"""The channel `canary`: the answer to a press of proof, on `hub/{site}/canary`.

`{"id", "published_ms", "heard_ms", "journaled_ms", "judged_ms", "told_ms"}`: the press by its id,
and the moment at each station. `published_ms` is by the clock of whoever pressed, the others are by
the hub's; `journaled_ms` is null where the hub was started anew in between.
"""

from collections.abc import Callable

import msgspec

from hub.canary import CHANNEL, answer_topic
from hub.clock import Clock
from hub.deliver import GiveUp
from hub.notifiers.mqtt import Publisher
from hub.outbox import Notice


class CanaryChannel:
    """Answers presses of proof; `kept_ms` and `told` are set by whoever follows their way."""

    name = CHANNEL

    def __init__(self, publisher: Publisher, site: str, clock: Clock) -> None:
        self._publisher = publisher
        self._topic = answer_topic(site)
        self._clock = clock
        self.kept_ms: Callable[[str], int | None] = lambda _press_id: None
        self.told: Callable[[str, float], None] = lambda _press_id, _now_s: None

    async def ready(self) -> None:
        """Wait for the broker."""
        await self._publisher.ready()

    async def send(self, notice: Notice) -> None:
        """Publish it. Raises `TryAgain`, or `GiveUp` for a body that is no answer."""
        try:
            body = msgspec.json.decode(notice.body_json, type=dict[str, str | int | None])
            press_id = str(body["id"])
        except (msgspec.DecodeError, KeyError) as error:
            raise GiveUp(f"the body is no answer to a canary: {error}") from error
        moments = {"journaled_ms": self.kept_ms(press_id), "told_ms": self._clock.now_ms()}
        await self._publisher.publish(self._topic, msgspec.json.encode({**body, **moments}))
        self.told(press_id, self._clock.monotonic_s())
