"""A listening socket of a test's own, whose every connection is gone when the test is."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Speak = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening_on(speak: Speak) -> AsyncIterator[int]:
    """The port on which `speak` answers while the block lasts.

    A loop that ends before a closed connection was seen off leaves its socket to the collector,
    and the warning of that falls on whatever test runs then.
    """
    writers: list[asyncio.StreamWriter] = []

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await speak(reader, writer)

    server = await asyncio.start_server(one, "127.0.0.1", 0)
    try:
        async with server:
            yield server.sockets[0].getsockname()[1]
    finally:
        for writer in writers:
            writer.transport.abort()
        await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)
