"""An HTTP server of the tests' own, which answers as an outside service's documents say."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.listener import listening_on

SOON_S = 20.0


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Its body as JSON."""
        return json.loads(self.body)


Answer = bytes | asyncio.Event  # of an event: nothing until it is set, then a hang-up


def answer(body: object, status: str = "200 OK", **headers: str) -> bytes:
    """A whole answer."""
    content = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + content


@dataclass
class Service:
    """Answers what it is told, in turn; then `usual`, which may look at the request."""

    usual: Callable[[Asked], bytes]
    answers: list[Answer] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    url: str = ""
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
            pairs = (line.split(": ", 1) for line in head[1:] if line)
            headers = {name.lower(): value for name, value in pairs}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            method, target, _ = head[0].split(" ")
            self.asked.append(Asked(method, target, headers, body))
            self.came.set()
            said = self.answers.pop(0) if self.answers else self.usual(self.asked[-1])
            if isinstance(said, asyncio.Event):
                await said.wait()
            else:
                writer.write(said)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # whoever asked went away
        finally:
            writer.close()


@asynccontextmanager
async def serving(usual: Callable[[Asked], bytes]) -> AsyncIterator[Service]:
    """The service on a free port while the block lasts."""
    service = Service(usual)
    async with listening_on(service.speak) as port:
        service.url = f"http://127.0.0.1:{port}"
        yield service
