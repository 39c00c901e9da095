"""The kind `feishu`: a custom bot of 飞书 (Lark), signed with its secret, confirmed by `code` 0."""

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from hub.notifiers.kind import Carrier, Entry, Kind, Recipient, Tools
from hub.notifiers.limiter import Limits, Window
from hub.notifiers.robot import Refusal, address_of, check_code, post
from hub.notifiers.wording import Message, cut

TEXT_BYTES_MAX = 16_000  # of 20 KB for the whole body

# open.feishu.cn, "custom bot usage guide" (自定义机器人使用指南) and "generic error codes".
REFUSALS = {
    9499: Refusal("the message has a wrong form"),
    11232: Refusal("too many messages, or the service is under load", too_fast=True),
    19001: Refusal("the address is wrong, or the bot was removed"),
    19002: Refusal("a parameter is wrong"),
    19021: Refusal("the signature does not fit, or the clock is more than an hour off"),
    19022: Refusal("this address is not on the bot's list"),
    19024: Refusal("the message has none of the bot's keywords"),
    99991400: Refusal("too many requests", too_fast=True),
}


class FeishuBot:
    """Posts to one group."""

    def __init__(self, entry: Entry, tools: Tools) -> None:
        self._entry = entry
        self._tools = tools
        self._url = address_of(entry)

    async def carry(self, message: Message, to: tuple[Recipient, ...]) -> None:
        """See `Carrier`. The bot can call nobody by phone number, so `to` is not used."""
        text = {"text": cut(message.text, TEXT_BYTES_MAX)}
        clock = self._tools.clock
        body: dict[str, Any] = {"msg_type": "text", "content": text}
        secret = self._entry.secrets.get("secret")
        if secret is not None:
            now_s = clock.now_ms() // 1_000
            body |= {"timestamp": str(now_s), "sign": signature(secret, now_s)}
        answer = await post(self._tools.http, self._url, body, clock)
        code = answer.get("code", answer.get("StatusCode"))
        check_code(code, answer.get("msg"), REFUSALS, "code")


def signature(secret: str, now_s: int) -> str:
    """HMAC-SHA256 of nothing, keyed with moment and secret, in base64."""
    key = f"{now_s}\n{secret}".encode()
    return base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode()


@asynccontextmanager
async def _open(entry: Entry, tools: Tools) -> AsyncIterator[Carrier]:
    yield FeishuBot(entry, tools)


FEISHU = Kind(
    "feishu",
    secrets={"url": True, "secret": False},
    limits=Limits(
        (Window(100, 60.0), Window(5, 1.0)),
        pause_s=60.0,
        text_bytes_max=TEXT_BYTES_MAX,
        source="open.feishu.cn, 自定义机器人使用指南",
    ),
    one_address=True,
    open=_open,
)
