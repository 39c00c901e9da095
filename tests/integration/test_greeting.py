"""What `hub run` says at its start and its end is so."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.integration.hub_process import HUB, PATIENCE_S, environment
from tests.programs import free_port


class Run:
    """A `hub run`, read line by line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def line_with(self, words: str) -> str:
        """The next line that holds these words."""
        assert self.process.stdout is not None
        lines: list[str] = []
        async for raw in self.process.stdout:
            lines.append(raw.decode().rstrip())
            if words in lines[-1]:
                return lines[-1]
        raise AssertionError(f"no line with {words!r} among {lines}")


@asynccontextmanager
async def running(folder: Path, http: int, mqtt: int) -> AsyncIterator[Run]:
    """The hub on its own broker, with pages."""
    settings = {
        "HUB_DATA_DIR": str(folder / "data"),
        "HUB_HTTP": f"127.0.0.1:{http}",
        "HUB_EMBEDDED_PORT": str(mqtt),
        "HUB_SETTINGS": os.devnull,
    }
    process = await asyncio.create_subprocess_exec(
        HUB, "run", env=environment(settings), stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield Run(process)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


async def test_the_first_start_names_password_broker_and_pages_and_the_end_says_goodbye(
    tmp_path: Path,
) -> None:
    http, mqtt = free_port(), free_port()
    async with running(tmp_path, http, mqtt) as hub:
        password = (await hub.line_with("First start")).split()[-1]
        assert "user password admin" in await hub.line_with("Not shown again")
        await hub.line_with("The hub runs.")
        assert f"127.0.0.1:{mqtt}" in await hub.line_with("Broker:")
        assert (await hub.line_with("Pages:")).endswith(f"http://127.0.0.1:{http}")
        hub.process.send_signal(signal.SIGINT)
        await hub.line_with("The hub has ended")
        assert await hub.process.wait() == 0
    assert len(password) == 18


async def test_a_taken_port_is_not_called_the_pages(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        http = other.getsockname()[1]
        async with running(tmp_path, http, free_port()) as hub:
            pages = await hub.line_with("Pages:")
    assert "will be served" in pages
    assert "when it is free" in pages
    assert "Address already in use" in pages
