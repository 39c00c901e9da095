"""The kind `wecom`: a group robot of 企业微信, confirmed by `errcode` 0."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hub import mistakes
from hub.notifiers.kind import Carrier, Entry, Kind, Recipient, Tools
from hub.notifiers.limiter import Limits, Window
from hub.notifiers.robot import Refusal, address_of, check_code, mobiles, post
from hub.notifiers.wording import Message, cut
from hub.yaml_file import as_text

TEXT, MARKDOWN = "text", "markdown"
TEXT_BYTES_MAX = 2_048  # path/91770; of markdown 4,096

# Codes: developer.work.weixin.qq.com, document path/90313 (the list for all of its interfaces);
# 93000 as the robot answers it.
REFUSALS = {
    -1: Refusal("the service is busy", again=True),
    40008: Refusal("message of a kind that it does not know"),
    40058: Refusal("a parameter is wrong"),
    44004: Refusal("empty text"),
    45002: Refusal("text too long"),
    45009: Refusal("too many messages", too_fast=True),
    45033: Refusal("too many requests at the same time", again=True),
    50001: Refusal("address not trusted"),
    93000: Refusal("the robot's key is wrong, or the robot was removed"),
    93004: Refusal("the robot was switched off"),
    93008: Refusal("the robot is not in the group"),
    93017: Refusal("the message's keyword or address is not allowed"),
}


class WeComRobot:
    """Posts to one group."""

    def __init__(self, entry: Entry, tools: Tools) -> None:
        self._entry = entry
        self._tools = tools
        self._url = address_of(entry)
        self._format = entry.get("format", TEXT)

    async def carry(self, message: Message, to: tuple[Recipient, ...]) -> None:
        """See `Carrier`. Whom a phone belongs to is called by name in the group."""
        called = mobiles(self._entry, to)
        if self._format == MARKDOWN and not called:  # only texts can call somebody by name
            lines = "\n".join(f"> {line}" for line in message.lines)
            content = cut(f"**{message.title}**\n{lines}", 2 * TEXT_BYTES_MAX)
            body = {"msgtype": MARKDOWN, MARKDOWN: {"content": content}}
        else:
            content = cut(message.text, TEXT_BYTES_MAX)
            body = {"msgtype": TEXT, TEXT: {"content": content, "mentioned_mobile_list": called}}
        answer = await post(self._tools.http, self._url, body, self._tools.clock)
        check_code(answer.get("errcode"), answer.get("errmsg"), REFUSALS, "errcode")


@asynccontextmanager
async def _open(entry: Entry, tools: Tools) -> AsyncIterator[Carrier]:
    yield WeComRobot(entry, tools)


WECOM = Kind(
    "wecom",
    keys={"format": (False, as_text(mistakes.one_of((TEXT, MARKDOWN))))},
    secrets={"url": True},
    limits=Limits(
        (Window(20, 60.0),),
        pause_s=60.0,
        text_bytes_max=TEXT_BYTES_MAX,
        source="developer.work.weixin.qq.com, document path/91770",
    ),
    one_address=True,
    open=_open,
)
