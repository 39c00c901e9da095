"""`python -m dashboard_api`: serve API and pages until SIGTERM or SIGINT, then end cleanly."""

import asyncio
import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from socket import socket

import uvicorn

from dashboard_api.app import create_app
from hub import private_files
from hub.clock import SystemClock
from hub.database import UnusableDatabase, migrate, open_engine
from hub.log import set_up_log
from hub.mistakes import Mistakes
from hub.pages import split_address
from hub.series import open_series
from hub.settings import Settings, WrongSetting, read_settings
from hub.site import Site, read_site

log = logging.getLogger(__name__)

STOP_WITHIN_S = 3  # requests that take longer than this at the end are cut off


class Server(uvicorn.Server):
    """Ends the live feeds first, which would never end by themselves, and exits with 0."""

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """See uvicorn; nobody waits for an open feed."""
        self.config.app.state.parts.feed.close()  # type: ignore[union-attr]
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Both signals ask for the end; uvicorn's own way would raise them again afterwards."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)


async def serve(settings: Settings, site: Site) -> bool:
    """Serve until asked to end. False: the address could not be had (uvicorn has said why)."""
    host, port = split_address(settings.http)
    engine = open_engine(settings.database)
    try:
        migrate(engine)
        series = open_series(settings, site)
        try:
            app = create_app(settings, SystemClock(), engine, series, site)
            config = uvicorn.Config(
                app,
                host=host,
                port=port,
                log_level="warning",
                server_header=False,
                proxy_headers=bool(settings.http_proxies),
                forwarded_allow_ips=settings.http_proxies,
                timeout_graceful_shutdown=STOP_WITHIN_S,
            )
            server = Server(config)
            await server.serve()
            return server.started
        finally:
            await series.close()
    finally:
        engine.dispose()


def main() -> int:
    """Read the settings and serve; the exit code."""
    set_up_log()
    private_files.close_to_others()
    try:
        settings = read_settings()
        private_files.make_folder(settings.data_dir)
        site = read_site(settings.site_file)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return 0 if runner.run(serve(settings, site)) else 1
    except (WrongSetting, UnusableDatabase, Mistakes, OSError) as error:
        log.error("%s", error)
        return 1


def _loop_factory() -> type[asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop  # noqa: PLC0415 - not there on Windows

    return uvloop.Loop


if __name__ == "__main__":
    sys.exit(main())
