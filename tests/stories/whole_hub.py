"""The whole hub as people get it: `hub run` with its pages, over a seeded community and a broker.

Nothing here stands in for anything. Whoever waits, waits for a line, a message, an event or an
answer, never for a time to pass.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx

from hub.clock import SystemClock
from hub.database import for_writing, open_engine
from hub.demo.community import SITE_FILE, seed
from hub.users import add_token
from tests.fresh import fresh_engine
from tests.integration.hub_process import PATIENCE_S, HubProcess, command
from tests.programs import Mosquitto, free_port

SITE = "demo"
API = "/api/v1"
PASSWORD_IS = "Password, shown this once: "
CONNECT_TRIES = 6  # with the library's growing pauses: longer than the pages take to start


class WholeHub(HubProcess):
    """`hub run`, its pages included; it may be killed and started again on the same addresses."""

    arguments = ("run",)

    def __init__(self, folder: Path, broker: Mosquitto, **settings: str) -> None:
        self.folder = folder
        self.http = f"127.0.0.1:{free_port()}"
        self.settings = {
            "HUB_HTTP": self.http,
            "HUB_SITE_FILE": str(SITE_FILE),
            "HUB_DATA_DIR": str(folder / "data"),
            "HUB_CHILD_RESTART_S": "0.05",
            **settings,
        }
        super().__init__(folder, broker, **self.settings)

    def settle_in(self) -> None:
        """The invented community moves in, before the first start."""
        self.data.mkdir(parents=True)
        engine = fresh_engine(self.data / "hub.db")
        with for_writing(engine).begin() as connection:
            seed(connection, SystemClock().now_ms())
        engine.dispose()

    async def order(self, *arguments: str) -> str:
        """A command of the hub on the same settings; what it printed. Fails if it failed."""
        code, output, errors = await command(*arguments, folder=self.folder, **self.settings)
        assert code == 0, errors
        return output

    async def token(self, name: str, role: str) -> str:
        """A new bearer token."""
        engine = open_engine(f"sqlite:///{self.data / 'hub.db'}")
        try:
            return await asyncio.to_thread(add_token, engine, SystemClock(), name, role)
        finally:
            engine.dispose()

    async def password(self, name: str, role: str) -> str:
        """A new person's password."""
        said = await self.order("user", "add", name, "--role", role)
        return said.partition(PASSWORD_IS)[2].strip()

    def caller(self, token: str | None = None, tries: int = CONNECT_TRIES) -> httpx.AsyncClient:
        """A program that calls the API; pages that are just starting are tried again."""
        return httpx.AsyncClient(
            base_url=f"http://{self.http}",
            headers={"Authorization": f"Bearer {token}"} if token else {},
            transport=httpx.AsyncHTTPTransport(retries=tries),
            timeout=PATIENCE_S,
        )

    def kill_pages(self) -> None:
        """SIGKILL to the pages' process, the hub's only child here."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        assert len(children) == 1, children
        os.kill(int(children[0]), signal.SIGKILL)


@contextlib.asynccontextmanager
async def whole_hub(folder: Path, broker: Mosquitto, **settings: str) -> AsyncIterator[WholeHub]:
    """A running hub with its community; it does not outlive the block."""
    hub = WholeHub(folder, broker, **settings)
    hub.settle_in()
    try:
        await hub.start()
        yield hub
    finally:
        if hub.is_running:
            await hub.stop()


async def read(caller: httpx.AsyncClient, path: str, **asked: Any) -> Any:
    """The JSON of a GET that must succeed."""
    answer = await caller.get(f"{API}{path}", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def case_of(caller: httpx.AsyncClient, device: str) -> dict[str, Any]:
    """The open case of a device; asked for again and again until it is there."""
    while True:
        for case in (await read(caller, "/cases", state="open", limit=200))["cases"]:
            if case["device"] == device:
                found: dict[str, Any] = case
                return found
