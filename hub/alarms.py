"""The watcher's own ways to raise the alarm: none of them goes through the hub.

A way is named by an address: `command:PROGRAM ARGUMENTS` (a space may be written `%20`),
`http[s]://…` (posted and signed as the hub's own webhook), `ntfy:http[s]://HOST/TOPIC`,
`mqtt[s]://USER:PASSWORD@HOST/TOPIC` (retained, for a siren) and
`smtp[s]://USER:PASSWORD@HOST/TO?from=FROM`.
Bounds: `tell_timeout_s` a try; each way keeps the newest alarm only, and tries until it is told.
"""

import asyncio
import os
import shlex
import smtplib
import ssl
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any, NamedTuple, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

import aiomqtt
import httpx
import msgspec

from hub.clock import Clock
from hub.mqtt import Address, WrongAddress
from hub.notifiers.webhook import signature
from hub.watcher import OVER, Alarm

_WILDCARDS = frozenset("+#\x00")
_SUBMISSION_PORT, _SMTPS_PORT = 587, 465


class WrongWay(ValueError):
    """An address that names no way to tell; the text says what was expected."""


class NotTold(Exception):
    """It could not be told now; the text says why."""


class Call(NamedTuple):
    """An alarm in words, as every way tells it."""

    site: str
    alarm: Alarm
    at_ms: int

    @property
    def zh(self) -> str:
        """One line in Chinese."""
        if self.alarm.state == OVER:
            return f"【{self.site}】恢复正常，历时 {self.alarm.lasts_s:.0f} 秒"
        return f"【{self.site}】告警：{'；'.join(one.zh for one in self.alarm.troubles)}"

    @property
    def en(self) -> str:
        """The same in English."""
        if self.alarm.state == OVER:
            return f"{self.site}: all is well again, after {self.alarm.lasts_s:.0f} s"
        return f"{self.site}: ALARM: {'; '.join(one.en for one in self.alarm.troubles)}"

    def body(self) -> bytes:
        """For programs."""
        troubles = [
            {
                "what": one.what,
                "since_ms": self.at_ms - round(one.lasts_s * 1_000),
                "text_zh": one.zh,
                "text_en": one.en,
            }
            for one in self.alarm.troubles
        ]
        return msgspec.json.encode(
            {
                "site": self.site,
                "state": self.alarm.state,
                "at_ms": self.at_ms,
                "since_ms": self.at_ms - round(self.alarm.lasts_s * 1_000),
                "text_zh": self.zh,
                "text_en": self.en,
                "troubles": troubles,
            }
        )


class Way(Protocol):
    """One way to tell."""

    @property
    def name(self) -> str:
        """For the log: where to, without a secret."""
        ...

    async def tell(self, call: Call) -> None:
        """Return when the other side has confirmed. Raises `NotTold`."""
        ...


class Means(NamedTuple):
    """What ways need beside their address."""

    clock: Clock
    secret: str = ""


class Command:
    """Runs a program: the alarm as JSON on its standard input, its state in `WATCH_STATE`."""

    def __init__(self, text: str) -> None:
        try:
            self._arguments = shlex.split(unquote(text))
        except ValueError as error:
            raise WrongWay(f"--tell command: {error}") from error
        if not self._arguments:
            raise WrongWay("--tell command: expected command:PROGRAM ARGUMENTS")
        self.name = f"command:{self._arguments[0]}"

    async def tell(self, call: Call) -> None:
        """See `Way`. Told is what the program ended with 0 for."""
        try:
            process = await asyncio.create_subprocess_exec(
                *self._arguments,
                stdin=asyncio.subprocess.PIPE,
                env=os.environ | {"WATCH_STATE": call.alarm.state, "WATCH_TEXT": call.en},
            )
        except OSError as error:
            raise NotTold(str(error)) from error
        try:
            await process.communicate(call.body())
        finally:
            if process.returncode is None:  # out of time
                process.kill()
                await process.wait()
        if process.returncode:
            raise NotTold(f"ended with {process.returncode}")


class Webhook:
    """Posts the JSON, signed as the hub signs its own (`X-Hub-Signature`)."""

    def __init__(self, url: str, means: Means) -> None:
        if not means.secret:
            raise WrongWay("--tell http…: WATCH_SECRET is needed to sign what is sent")
        self._url, self._means = url, means
        self.name = _without_secret(url)

    async def tell(self, call: Call) -> None:
        """See `Way`."""
        body, timestamp = call.body(), str(self._means.clock.now_ms() // 1_000)
        headers = {
            "Content-Type": "application/json",
            "X-Hub-Timestamp": timestamp,
            "X-Hub-Signature": signature(self._means.secret.encode(), timestamp, body),
        }
        await _post(self._url, body, headers)


class Ntfy:
    """A push by a server of ntfy."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.name = f"ntfy:{_without_secret(url)}"

    async def tell(self, call: Call) -> None:
        """See `Way`."""
        urgent = call.alarm.state != OVER
        headers = {"Priority": "urgent" if urgent else "default", "Title": "Community Hub"}
        await _post(self._url, f"{call.zh}\n{call.en}".encode(), headers)


async def _post(url: str, body: bytes, headers: dict[str, str]) -> None:
    try:
        async with (
            httpx.AsyncClient(timeout=None) as client,  # noqa: S113 - bounded by who calls
            client.stream("POST", url, content=body, headers=headers) as answer,
        ):
            if not answer.is_success:
                raise NotTold(f"HTTP {answer.status_code}")
    except httpx.HTTPError as error:
        raise NotTold(f"{type(error).__name__}: {error}".removesuffix(": ")) from error


class Siren:
    """The JSON, retained, on a topic of a broker, which should not be the hub's own."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        try:
            self._address = Address.parse(url)
        except WrongAddress as error:
            raise WrongWay(str(error).replace("HUB_BROKER", "--tell mqtt")) from error
        self._topic = unquote(parts.path.removeprefix("/"))
        if not self._topic or parts.fragment or _WILDCARDS & set(self._topic):
            raise WrongWay("--tell mqtt: expected mqtt[s]://user:password@host:port/TOPIC")
        self.name = _without_secret(url)

    async def tell(self, call: Call) -> None:
        """See `Way`."""
        address = self._address
        client = aiomqtt.Client(
            address.host,
            address.port,
            username=address.user,
            password=address.password,
            tls_context=ssl.create_default_context() if address.secure else None,
        )
        try:
            async with client:
                await client.publish(self._topic, call.body(), qos=1, retain=True)
        except aiomqtt.MqttError as error:
            raise NotTold(str(error)) from error


class Mail:
    """An e-mail."""

    def __init__(self, url: str, timeout_s: float) -> None:
        parts = urlsplit(url)
        self._to = unquote(parts.path.removeprefix("/"))
        sender = parse_qs(parts.query).get("from")
        if not parts.hostname or "@" not in self._to or not sender:
            raise WrongWay("--tell smtp: expected smtp[s]://user:password@host:port/TO?from=FROM")
        self._from, self._timeout_s = sender[0], timeout_s
        self._secure = parts.scheme == "smtps"
        self._host = parts.hostname
        try:
            self._port = parts.port or (_SMTPS_PORT if self._secure else _SUBMISSION_PORT)
        except ValueError as error:
            raise WrongWay(f"--tell smtp: {error}") from error
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self.name = _without_secret(url)

    async def tell(self, call: Call) -> None:
        """See `Way`."""
        message = EmailMessage()
        message["Subject"], message["From"], message["To"] = call.zh, self._from, self._to
        message.set_content(f"{call.zh}\n\n{call.en}\n")
        try:
            await asyncio.to_thread(self._send, message)
        except (OSError, smtplib.SMTPException) as error:
            raise NotTold(str(error)) from error

    def _send(self, message: EmailMessage) -> None:
        context = ssl.create_default_context()
        with self._server(context) as server:
            if not self._secure and server.has_extn("starttls"):
                server.starttls(context=context)
            if self._user:
                server.login(self._user, self._password)
            server.send_message(message)

    def _server(self, context: ssl.SSLContext) -> smtplib.SMTP:
        if self._secure:
            return smtplib.SMTP_SSL(
                self._host, self._port, timeout=self._timeout_s, context=context
            )
        server = smtplib.SMTP(self._host, self._port, timeout=self._timeout_s)
        server.ehlo()
        return server


def _without_secret(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}{parts.path}"


def way_of(text: str, means: Means, timeout_s: float) -> Way:
    """The way that an address names. Raises `WrongWay`."""
    kind, _, rest = text.partition(":")
    makers: dict[str, Callable[[], Any]] = {
        "command": lambda: Command(rest),
        "http": lambda: Webhook(_web(text), means),
        "https": lambda: Webhook(_web(text), means),
        "ntfy": lambda: Ntfy(_web(rest)),
        "mqtt": lambda: Siren(text),
        "mqtts": lambda: Siren(text),
        "smtp": lambda: Mail(text, timeout_s),
        "smtps": lambda: Mail(text, timeout_s),
    }
    if kind not in makers:
        raise WrongWay(f"--tell: expected one of {', '.join(makers)} before the colon")
    found: Way = makers[kind]()
    return found


def _web(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise WrongWay("--tell: expected http[s]://host/path")
    return url
