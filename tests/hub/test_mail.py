"""Mail against an SMTP server of the tests' own, which speaks as RFC 5321 says."""

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from hub.deliver import Channel, GiveUp, TryAgain
from hub.notifiers.kind import TooFast
from hub.settings import WrongSetting
from tests.hub.messages import SETTINGS, a_body, a_notice, opened, write
from tests.listener import listening_on
from tests.programs import free_port


@dataclass
class Post:
    """Takes mails. `refusals`: an answer of its own to a word of the sender's; "" hangs up."""

    refusals: dict[str, str] = field(default_factory=dict)
    mails: list[tuple[list[str], bytes]] = field(default_factory=list)
    port: int = 0
    hangs: bool = False

    async def speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        writer.write(b"220 post.test ESMTP\r\n")
        to: list[str] = []
        try:
            while line := (await reader.readline()).decode().strip():
                word = line.split(":")[0].split(" ")[0].upper()
                if word in self.refusals:
                    writer.write(f"{self.refusals[word]}\r\n".encode())
                elif word == "DATA":
                    writer.write(b"354 go on\r\n")
                    body = await reader.readuntil(b"\r\n.\r\n")
                    self.mails.append((to, body))
                    writer.write(b"250 2.0.0 taken\r\n")
                elif word == "QUIT":
                    writer.write(b"221 bye\r\n")
                    break
                else:
                    to += [line.partition(":")[2]] if word == "RCPT" else []
                    writer.write(b"250 post.test\r\n")
                if self.hangs:
                    await reader.read()
        finally:
            writer.close()


@asynccontextmanager
async def mail(
    folder: Path, timeout_s: float = 5.0, **more: Any
) -> AsyncIterator[tuple[Channel, Post]]:
    post = Post()
    settings = replace(SETTINGS, deliver_timeout_s=timeout_s)
    async with listening_on(post.speak) as port:
        entry = {"kind": "email", "host": "127.0.0.1", "port": port, "security": "none"}
        entry |= {"sender": "hub@community.example", **more}
        async with opened(write(folder, {"mail": entry}), settings=settings) as channels:
            yield channels["mail"], post


async def test_a_mail_is_handed_over_with_subject_and_text(tmp_path: Path) -> None:
    async with mail(tmp_path) as (channel, post):
        assert await channel.send(a_notice("mail", address="office@community.example")) is None

    [(to, raw)] = post.mails
    assert to == ["<office@community.example>"]
    told = email.message_from_bytes(raw, policy=email.policy.default)
    assert told["Subject"] == "【紧急】紧急呼叫 · b3/u1/1204"
    assert (told["From"], told["Importance"]) == ("hub@community.example", "high")
    assert told["Date"].startswith("Tue, 14 Nov 2023 22:13:20")
    assert "时间：11-15 06:13:20" in told.get_content()


async def test_a_title_with_line_breaks_adds_no_header(tmp_path: Path) -> None:
    body = a_body(title_zh="门\r\nBcc: everybody@example.com")
    async with mail(tmp_path) as (channel, post):
        await channel.send(a_notice("mail", body, address="office@community.example"))

    [(to, raw)] = post.mails
    assert to == ["<office@community.example>"]
    assert email.message_from_bytes(raw, policy=email.policy.default)["Bcc"] is None


@pytest.mark.parametrize(
    ("word", "said", "end"),
    [
        ("RCPT", "550 5.1.1 no such mailbox", GiveUp),
        ("RCPT", "451 4.3.0 try later", TryAgain),
        ("RCPT", "450 4.7.1 greylisted", TryAgain),
        ("MAIL", "553 5.1.8 sender not allowed", GiveUp),
        ("DATA", "452 4.3.1 no room", TooFast),
        ("DATA", "554 5.7.1 spam", GiveUp),
        ("EHLO", "421 4.3.2 shutting down", TryAgain),
    ],
)
async def test_what_the_server_says_decides_whether_it_is_tried_again(
    tmp_path: Path, word: str, said: str, end: type[Exception]
) -> None:
    async with mail(tmp_path) as (channel, post):
        post.refusals = {word: said, "HELO": said} if word == "EHLO" else {word: said}
        expected = TryAgain if end is TooFast else end
        with pytest.raises(expected) as failed:
            await channel.send(a_notice("mail", address="office@community.example"))
        assert type(failed.value) is not TooFast  # the channel has taken notice of it
        if word != "EHLO":
            assert said[:3] in str(failed.value)
    assert post.mails == []


async def test_a_server_that_hangs_or_is_away_is_tried_again(tmp_path: Path) -> None:
    async with mail(tmp_path, timeout_s=0.1) as (channel, post):
        post.hangs = True
        with pytest.raises(TryAgain, match="Timeout"):
            await channel.send(a_notice("mail", address="office@community.example"))
    async with mail(tmp_path, port=free_port()) as (channel, _post):
        with pytest.raises(TryAgain, match="Connect"):
            await channel.send(a_notice("mail", address="office@community.example"))


async def test_who_has_no_mail_address_is_given_up(tmp_path: Path) -> None:
    async with mail(tmp_path) as (channel, _post):
        for address in (None, "0374-5550101"):
            with pytest.raises(GiveUp, match="no mail address"):
                await channel.send(a_notice("mail", address=address))


async def test_a_server_without_tls_gets_no_mail_where_tls_is_asked_for(tmp_path: Path) -> None:
    async with mail(tmp_path, security="starttls") as (channel, post):
        with pytest.raises((TryAgain, GiveUp)):
            await channel.send(a_notice("mail", address="office@community.example"))
    assert post.mails == []


async def test_a_user_without_a_password_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongSetting, match="channel mail: user: needs password_file"):
        async with mail(tmp_path, security="tls", user="hub"):
            pass
