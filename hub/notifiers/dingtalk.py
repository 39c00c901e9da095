"""The kind `dingtalk`: a group robot of 钉钉, signed with its secret, confirmed by `errcode` 0."""

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hub import mistakes
from hub.notifiers.kind import Carrier, Entry, Kind, Recipient, Tools
from hub.notifiers.limiter import Limits, Window
from hub.notifiers.robot import Refusal, address_of, check_code, mobiles, post
from hub.notifiers.wording import Message, cut
from hub.yaml_file import as_text

TEXT, MARKDOWN = "text", "markdown"
TEXT_BYTES_MAX = 16_000  # of 20,000 for the whole body

# open.dingtalk.com, "custom robot access" (自定义机器人接入), its table of errors; 130101 and
# 300001 are older answers that are still reported.
REFUSALS = {
    -1: Refusal("the service is busy", again=True),
    40035: Refusal("the JSON is missing"),
    43004: Refusal("wrong Content-Type"),
    130101: Refusal("too many messages", too_fast=True),
    300001: Refusal("there is no such access_token"),
    310000: Refusal(
        "keyword, signature or address not accepted: see the robot's security settings"
    ),
    400013: Refusal("the group was dissolved"),
    400101: Refusal("there is no such access_token"),
    400102: Refusal("the robot was switched off"),
    400105: Refusal("message of a kind that it does not know"),
    400106: Refusal("there is no such robot in the group"),
    410100: Refusal("too many messages", too_fast=True),
    430101: Refusal("a link in it is held to be unsafe"),
    430102: Refusal("its words are held to be improper"),
    430103: Refusal("its picture is held to be improper"),
    430104: Refusal("it is held to be improper"),
}


class DingTalkRobot:
    """Posts to one group."""

    def __init__(self, entry: Entry, tools: Tools) -> None:
        self._entry = entry
        self._tools = tools
        self._url = address_of(entry)
        self._format = entry.get("format", TEXT)

    async def carry(self, message: Message, to: tuple[Recipient, ...]) -> None:
        """See `Carrier`."""
        called = mobiles(self._entry, to)
        text = "\n".join([message.text, *(f"@{phone}" for phone in called)])
        content = cut(text, TEXT_BYTES_MAX)
        if self._format == MARKDOWN:
            shown = content.replace("\n", "  \n")  # two blanks: a new line in Markdown
            words = {"title": cut(message.title, 128), "text": shown}
        else:
            words = {"content": content}
        body = {"msgtype": self._format, self._format: words, "at": {"atMobiles": called}}
        clock = self._tools.clock
        signed = self._signed(clock.now_ms())
        answer = await post(self._tools.http, self._url, body, clock, params=signed)
        check_code(answer.get("errcode"), answer.get("errmsg"), REFUSALS, "errcode")

    def _signed(self, now_ms: int) -> dict[str, str]:
        secret = self._entry.secrets.get("secret")
        if secret is None:
            return {}
        return {"timestamp": str(now_ms), "sign": signature(secret, now_ms)}


def signature(secret: str, now_ms: int) -> str:
    """HMAC-SHA256 of moment and secret, keyed with the secret, in base64."""
    told = f"{now_ms}\n{secret}".encode()
    return base64.b64encode(hmac.new(secret.encode(), told, hashlib.sha256).digest()).decode()


@asynccontextmanager
async def _open(entry: Entry, tools: Tools) -> AsyncIterator[Carrier]:
    yield DingTalkRobot(entry, tools)


DINGTALK = Kind(
    "dingtalk",
    keys={"format": (False, as_text(mistakes.one_of((TEXT, MARKDOWN))))},
    secrets={"url": True, "secret": False},
    limits=Limits(
        (Window(20, 60.0),),
        pause_s=600.0,  # whoever is above it is shut out for ten minutes
        text_bytes_max=TEXT_BYTES_MAX,
        source="open.dingtalk.com, 自定义机器人接入",
    ),
    one_address=True,
    open=_open,
)
