"""The kind `mqtt-show`: a siren, a light, a wall that shows a call until somebody has the case.

A call publishes one payload; an answer, the end or the closing of the last case that it shows
publishes the other. Which cases it shows is asked of the outbox, so that a restart forgets none.
"""

import asyncio
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from hub.database import cases, notices
from hub.deliver import GiveUp
from hub.mistakes import Wrong, shown
from hub.notifiers.channels_file import flag
from hub.notifiers.kind import Entry, Kind, Tools
from hub.outbox import Notice
from hub.yaml_file import as_text
from rules.notice import Reason

TOPIC_BYTES_MAX = 65_535
_WILDCARDS = frozenset("+#\x00")
_read_object = msgspec.json.Decoder(dict[str, Any]).decode
RAISED = "raised"


class ShowChannel:
    """Publishes `show` to its topic for a call, `clear` when nothing that it shows is open."""

    def __init__(self, entry: Entry, tools: Tools, engine: Engine | None) -> None:
        self.name = entry.name
        self._entry = entry
        self._publisher = tools.publisher
        self._engine = engine

    async def ready(self) -> None:
        """Wait for the broker."""
        await self._publisher.ready()

    async def send(self, notice: Notice) -> None:
        """Publish it. Raises `TryAgain` or, for a body that is no JSON object, `GiveUp`."""
        state = _state(notice)
        waits = state == RAISED
        others = await asyncio.to_thread(self._others_wait, notice.case_id)
        if waits and notice.is_call:
            await self._publish("show")
        elif not waits and not others:
            await self._publish("clear")

    async def _publish(self, what: str) -> None:
        topic, payload = self._entry.get("topic"), str(self._entry.get(what, "")).encode()
        retain = bool(self._entry.get("retain", False))
        await self._publisher.publish(topic, payload, retain=retain)

    def _others_wait(self, case_id: str) -> bool:
        """Does another case that was called here still wait for an answer?"""
        if self._engine is None:
            return False
        query = (
            sa.select(notices.c.id)
            .join(cases, cases.c.id == notices.c.case_id)
            .where(notices.c.channel == self.name, notices.c.reason == str(Reason.CALL))
            .where(cases.c.state == RAISED, cases.c.id != case_id)
            .limit(1)
        )
        with self._engine.connect() as connection:
            return connection.execute(query).first() is not None


def _state(notice: Notice) -> str:
    try:
        return str(_read_object(notice.body_json).get("state"))
    except msgspec.DecodeError as error:
        raise GiveUp(f"the body is no JSON object: {error}") from error


def _topic(value: str) -> str:
    if not value or _WILDCARDS & set(value) or len(value.encode()) > TOPIC_BYTES_MAX:
        raise Wrong(f"expected a topic without + and #, not {shown(value)}")
    return value


def _payload(value: str) -> str:
    return value


MQTT_SHOW = Kind(
    "mqtt-show",
    keys={
        "topic": (True, as_text(_topic)),
        "show": (True, as_text(_payload)),
        "clear": (True, as_text(_payload)),
        "retain": (False, flag),
    },
    open_channel=ShowChannel,
)
