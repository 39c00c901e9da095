"""The kind `email`: one mail a recipient by SMTP (aiosmtplib), confirmed by the server's 250."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Any

import aiosmtplib

from hub import mistakes
from hub.deliver import GiveUp, TryAgain
from hub.mistakes import Wrong
from hub.notifiers.channels_file import whole
from hub.notifiers.kind import Carrier, Entry, Kind, Recipient, TooFast, Tools
from hub.notifiers.limiter import Limits
from hub.notifiers.robot import WORDS_BYTES_MAX
from hub.notifiers.wording import Message, cut
from hub.settings import WrongSetting
from hub.yaml_file import as_text

TLS, STARTTLS, NONE = "tls", "starttls", "none"
_PORTS = {TLS: 465, STARTTLS: 587, NONE: 25}
_PERMANENT = 500  # RFC 5321: 5yz will never be, 4yz may be later
_TOO_MUCH = (421, 452)


class MailServer:
    """Hands mails to one server, each on a connection of its own: they are few."""

    def __init__(self, entry: Entry, tools: Tools) -> None:
        self._entry = entry
        self._tools = tools
        self._security = entry.get("security", STARTTLS)

    async def carry(self, message: Message, to: tuple[Recipient, ...]) -> None:
        """See `Carrier`."""
        address = to[0].address
        if address is None or "@" not in address:
            raise GiveUp("no mail address: the way's `to` is to name one")
        try:
            await aiosmtplib.send(self._mail(message, address), **self._how())
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _refused(error.recipients[0].code, error.recipients[0].message) from error
        except aiosmtplib.SMTPResponseException as error:
            raise _refused(error.code, error.message) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise TryAgain(f"{type(error).__name__}: no mail could be handed over") from error

    def _mail(self, message: Message, address: str) -> EmailMessage:
        mail = EmailMessage()
        mail["From"] = self._entry.get("sender")
        mail["To"] = Address(addr_spec=address)
        mail["Subject"] = message.title
        mail["Date"] = format_datetime(
            datetime.fromtimestamp(self._tools.clock.now_ms() / 1000, UTC)
        )
        mail["Message-ID"] = make_msgid(domain=self._entry.get("sender").rpartition("@")[2])
        if message.urgent:
            mail["X-Priority"], mail["Importance"] = "1", "high"
        mail.set_content("\n".join(message.lines) + "\n")
        return mail

    def _how(self) -> dict[str, Any]:
        security = self._security
        return {
            "hostname": self._entry.get("host"),
            "port": self._entry.get("port") or _PORTS[security],
            "username": self._entry.get("user"),
            "password": self._entry.secrets.get("password"),
            "timeout": self._tools.timeout_s,
            "use_tls": security == TLS,
            "start_tls": security == STARTTLS,
            "tls_context": None if security == NONE else ssl.create_default_context(),
        }


def _refused(code: int, words: str) -> Exception:
    reason = f"SMTP {code}: {cut(' '.join(words.split()), WORDS_BYTES_MAX)}"
    if code in _TOO_MUCH:
        return TooFast(reason)
    return GiveUp(reason) if code >= _PERMANENT else TryAgain(reason)


def mail_address(value: str) -> str:
    """One address of mail."""
    try:
        if not mistakes.text(value).isascii() or not Address(addr_spec=value).domain:
            raise ValueError
    except (ValueError, IndexError) as error:
        raise Wrong(f"expected one mail address, not {mistakes.shown(value)}") from error
    return value


def _check(values: Any) -> str | None:
    if values.get("user") and values.get("security") == NONE:
        return "a password would be sent in the clear: security is to be tls or starttls"
    return None


@asynccontextmanager
async def _open(entry: Entry, tools: Tools) -> AsyncIterator[Carrier]:
    if entry.get("user") and "password" not in entry.secrets:
        raise WrongSetting(f"channel {entry.name}: user: needs password_file or password_env")
    yield MailServer(entry, tools)


EMAIL = Kind(
    "email",
    keys={
        "host": (True, as_text(mistakes.name)),
        "port": (False, whole(1, 65_535)),
        "security": (False, as_text(mistakes.one_of(tuple(_PORTS)))),
        "user": (False, as_text(mistakes.text)),
        "sender": (True, as_text(mail_address)),
    },
    secrets={"password": False},
    limits=Limits(text_bytes_max=262_144, source="none: every server has its own"),
    open=_open,
    check=_check,
)
