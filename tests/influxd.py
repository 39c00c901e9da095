"""A real InfluxDB 1.6.7 for tests, and a thin proxy that gives it the write route of 2.x.

Debian's 1.6.7 is the only real server that installs without Docker. It lacks `/api/v2/write`;
the proxy offers that route, hands the lines on to `/write` as they are, and can be told to fail in
the ways in which servers and networks fail. What 2.x and 3 themselves do is tried in
`tests/integration/test_influx_docker.py`.
"""

import asyncio
import contextlib
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from aiohttp import web

from tests.programs import free_port, program, wait_for_port

DATABASE = "hub"


class Influxd:
    """An influxd with a database `hub` in a folder of its own; it may be killed and started."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.config = folder / "influxdb.conf"
        self.log = folder / "influxd.log"
        self.config.write_text(
            f'reporting-disabled = true\nbind-address = "127.0.0.1:{free_port()}"\n'
            f'[meta]\ndir = "{folder}/meta"\n'
            f'[data]\ndir = "{folder}/data"\nwal-dir = "{folder}/wal"\n'
            "[monitor]\nstore-enabled = false\n"
            f'[http]\nbind-address = "127.0.0.1:{self.port}"\nlog-enabled = false\n'
        )
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """What INFLUXDB_V2_URL says for the dialect v1."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, or start it again on the same port with what it kept."""
        with self.log.open("ab") as log:
            command = [program("influxd"), "-config", str(self.config)]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_for_port(self.port, self.process)

    def stop(self, sign: int = signal.SIGTERM) -> None:
        """End it, SIGKILL included."""
        if self.process is not None:
            self.process.send_signal(sign)
            self.process.wait()
            self.process = None

    def create(self, database: str = DATABASE) -> None:
        """Make a database."""
        parameters = {"q": f'CREATE DATABASE "{database}"'}
        httpx.post(f"{self.url}/query", params=parameters, trust_env=False).raise_for_status()

    def write(self, lines: str, database: str = DATABASE) -> None:
        """Write lines past the hub, to prepare what it will find."""
        answer = httpx.post(
            f"{self.url}/write", params={"db": database}, content=lines.encode(), trust_env=False
        )
        answer.raise_for_status()

    def query(self, query: str, database: str = DATABASE) -> list[dict[str, Any]]:
        """The rows of an InfluxQL query past the hub, times in nanoseconds."""
        parameters = {"db": database, "q": query, "epoch": "ns"}
        answer = httpx.get(f"{self.url}/query", params=parameters, trust_env=False).json()
        return [
            dict(zip(series["columns"], values, strict=True))
            for series in answer["results"][0].get("series", ())
            for values in series["values"]
        ]


@contextlib.contextmanager
def influxd(folder: Path) -> Iterator[Influxd]:
    """A running server with its database for the length of a block."""
    server = Influxd(folder)
    server.start()
    try:
        server.create()
        yield server
    finally:
        server.stop(signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class Fault:
    """How the proxy answers a write instead of handing it on.

    `status` with `headers` and `body`; `hang`: never; `cut`: the connection ends without a word.
    """

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    hang: bool = False
    cut: bool = False


class Proxy:
    """`/api/v2/write`, `/query`, `/health` and `/ping` before a 1.x server.

    `faults` are used up one a write, in order. `writes` counts what was asked for, `tokens` are the
    Authorization headers that came.
    """

    def __init__(self, server: Influxd) -> None:
        self.port = free_port()
        self.faults: list[Fault] = []
        self.body_bytes_max = 0  # 0: no limit
        self.writes = 0
        self.tokens: set[str] = set()
        self._to = httpx.AsyncClient(base_url=server.url, trust_env=False)
        self._released = asyncio.Event()
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """What INFLUXDB_V2_URL says."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen."""
        app = web.Application(client_max_size=2**30)
        app.router.add_post("/api/v2/write", self._write)
        app.router.add_get("/query", self._query)
        app.router.add_get("/ping", self._ping)
        app.router.add_get("/health", self._health)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def stop(self) -> None:
        """Stop listening; what hangs is let go."""
        self._released.set()
        if self._runner is not None:
            await self._runner.cleanup()
        await self._to.aclose()

    async def _write(self, request: web.Request) -> web.Response:
        self.writes += 1
        self.tokens.add(request.headers.get("Authorization", ""))
        body = await request.read()
        if self.faults:
            return await self._fail(request, self.faults.pop(0))
        if self.body_bytes_max and len(body) > self.body_bytes_max:
            return web.json_response({"code": "request too large"}, status=413)
        if request.query["precision"] != "ns" or not request.query.get("org"):
            return web.json_response({"code": "invalid", "message": "precision, org"}, status=400)
        answer = await self._to.post("/write", params={"db": request.query["bucket"]}, content=body)
        return _as_it_came(answer)

    async def _fail(self, request: web.Request, fault: Fault) -> web.Response:
        if fault.hang:
            await self._released.wait()
        if (fault.cut or fault.hang) and request.transport is not None:
            request.transport.abort()
        status = fault.status or 503
        return web.Response(status=status, headers=fault.headers, text=fault.body)

    async def _query(self, request: web.Request) -> web.Response:
        return _as_it_came(await self._to.get("/query", params=dict(request.query)))

    async def _ping(self, _request: web.Request) -> web.Response:
        return _as_it_came(await self._to.get("/ping"))

    async def _health(self, _request: web.Request) -> web.Response:
        answer = await self._to.get("/ping")
        return web.json_response(
            {"name": "influxdb", "status": "pass" if answer.is_success else "fail"}
        )


@contextlib.asynccontextmanager
async def proxy_before(server: Influxd) -> AsyncIterator[Proxy]:
    """A listening proxy for the length of a block."""
    proxy = Proxy(server)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()


def _as_it_came(answer: httpx.Response) -> web.Response:
    kind = answer.headers.get("Content-Type", "application/json").partition(";")[0]
    return web.Response(status=answer.status_code, body=answer.content, content_type=kind)
