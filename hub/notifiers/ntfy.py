"""The kind `ntfy`: pushes to phones by a server of ntfy, confirmed by its answer with an id."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from hub import mistakes
from hub.deliver import GiveUp, TryAgain
from hub.mistakes import Wrong
from hub.notifiers.kind import Carrier, Entry, Kind, Recipient, Tools
from hub.notifiers.limiter import Limits, Window
from hub.notifiers.robot import post
from hub.notifiers.wording import Message, cut
from hub.yaml_file import as_text

TEXT_BYTES_MAX = 4_096  # a longer message becomes an attached file
TITLE_BYTES_MAX = 250
LOUD, PLAIN = 5, 3  # ntfy's priorities; 5 vibrates long and passes "do not disturb" if allowed


class NtfyServer:
    """Publishes to topics of one server; an address is a topic."""

    def __init__(self, entry: Entry, tools: Tools) -> None:
        self._entry = entry
        self._tools = tools

    async def carry(self, message: Message, to: tuple[Recipient, ...]) -> None:
        """See `Carrier`."""
        topic = self._entry.get("topic") or to[0].address
        if topic is None:
            raise GiveUp("no topic: neither the channel nor the way names one")
        body: dict[str, Any] = {
            "topic": topic,
            "title": cut(message.title, TITLE_BYTES_MAX),
            "message": cut("\n".join(message.lines), TEXT_BYTES_MAX),
            "priority": LOUD if message.urgent else PLAIN,
        }
        if message.link:
            body["click"] = message.link
        token = self._entry.secrets.get("token")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        clock = self._tools.clock
        answer = await post(self._tools.http, self._entry.get("url"), body, clock, headers=headers)
        if not answer.get("id"):
            raise TryAgain("the answer names no message")


def web_address(value: str) -> str:
    """An address of the web."""
    try:
        url = httpx.URL(value)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in {"http", "https"} or not url.host:
        raise Wrong(f"expected http[s]://host[/path], not {mistakes.shown(value)}")
    return value


@asynccontextmanager
async def _open(entry: Entry, tools: Tools) -> AsyncIterator[Carrier]:
    yield NtfyServer(entry, tools)


NTFY = Kind(
    "ntfy",
    keys={
        "url": (True, as_text(web_address)),
        "topic": (False, as_text(mistakes.name)),
    },
    secrets={"token": False},
    limits=Limits(
        (Window(60, 300.0),),  # 60 at once, then one every five seconds
        text_bytes_max=TEXT_BYTES_MAX,
        source="docs.ntfy.sh, config, visitor-request-limit-burst and -replenish",
    ),
    open=_open,
)
