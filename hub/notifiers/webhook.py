"""The channel `webhook`: the case's JSON by HTTP POST, signed, confirmed by a 2xx answer.

Headers: `X-Hub-Notice` is the notice's id, the same at every try; `X-Hub-Timestamp` is the moment
of this try in whole seconds since 1970; `X-Hub-Signature` is `sha256=` and the HMAC-SHA256, in
hexadecimal, of timestamp, a full stop and the body as sent, keyed with HUB_WEBHOOK_SECRET.
"""

import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from hub.clock import Clock
from hub.deliver import GiveUp, TryAgain
from hub.outbox import Notice
from hub.retry_after import retry_after_s
from hub.settings import Settings, WrongSetting

_TRY_AGAIN = {408, 425, 429}
_SERVER_ERROR = 500


class WebhookChannel:
    """Posts notices to one address."""

    name = "webhook"

    def __init__(self, client: httpx.AsyncClient, url: str, secret: str, clock: Clock) -> None:
        self._client = client
        self._url = url
        self._secret = secret.encode()
        self._clock = clock

    async def ready(self) -> None:
        """At once: only a try tells whether the receiver is there."""

    async def send(self, notice: Notice) -> None:
        """Post it. 2xx is sent; 408, 425, 429, 5xx and silence: `TryAgain`; others: `GiveUp`."""
        body = notice.body_json.encode()
        timestamp = str(self._clock.now_ms() // 1000)
        headers = {
            "Content-Type": "application/json",
            "X-Hub-Notice": str(notice.id),
            "X-Hub-Timestamp": timestamp,
            "X-Hub-Signature": signature(self._secret, timestamp, body),
        }
        try:
            # The answer's body is never read: it may be of any length.
            async with self._client.stream(
                "POST", self._url, content=body, headers=headers
            ) as answer:
                self._judge(answer)
        except httpx.TransportError as error:
            raise TryAgain(f"{type(error).__name__}: {error}".removesuffix(": ")) from error

    def _judge(self, answer: httpx.Response) -> None:
        if answer.is_success:
            return
        reason = f"HTTP {answer.status_code} {answer.reason_phrase}".strip()
        if answer.status_code >= _SERVER_ERROR or answer.status_code in _TRY_AGAIN:
            header = answer.headers.get("Retry-After")
            raise TryAgain(reason, retry_after_s(header, self._clock.now_ms()))
        raise GiveUp(reason)


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    """The value of `X-Hub-Signature`."""
    return (
        f"sha256={hmac.new(secret, timestamp.encode() + b'.' + body, hashlib.sha256).hexdigest()}"
    )


@asynccontextmanager
async def open_webhook(settings: Settings, clock: Clock) -> AsyncIterator[WebhookChannel]:
    """The channel while the block lasts. Raises `WrongSetting` for an address or key of no use."""
    url = httpx.URL(settings.webhook_url)
    if url.scheme not in {"http", "https"} or not url.host:
        raise WrongSetting("HUB_WEBHOOK_URL: expected http[s]://host/path")
    if not settings.webhook_secret:
        raise WrongSetting("HUB_WEBHOOK_SECRET: needed to sign what goes to HUB_WEBHOOK_URL")
    async with httpx.AsyncClient(timeout=settings.deliver_timeout_s) as client:
        yield WebhookChannel(client, settings.webhook_url, settings.webhook_secret, clock)
