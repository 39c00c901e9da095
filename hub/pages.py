"""The pages' process, looked after: started, watched, started again. It never stops the hub."""

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import Process

from hub.children import end_child, start_child
from hub.health import GREEN, YELLOW, Report
from hub.ports import try_address
from hub.settings import Settings, WrongSetting, as_environment

LOOK_EVERY_S = 0.2
PART = "dashboard"


def split_address(http: str) -> tuple[str, int]:
    """Host and port of HUB_HTTP. Raises `WrongSetting`."""
    host, _, port = http.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65_536:
        raise WrongSetting(f"HUB_HTTP: expected address:port such as 127.0.0.1:8000, not {http!r}")
    return host.strip("[]"), int(port)


def require_free(http: str) -> None:
    """Raise `WrongSetting` when the address is taken or is not this machine's."""
    host, port = split_address(http)
    try:
        try_address(host, port)
    except OSError as error:
        raise WrongSetting(
            f"HUB_HTTP: {http}: {error.strerror}; choose another, "
            f"such as HUB_HTTP={http.rpartition(':')[0]}:{port % 65_535 + 1}"
        ) from error


async def until_served(http: str) -> None:
    """Return when somebody answers at the address."""
    host, port = split_address(http)
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(host, port)
            writer.close()
            await writer.wait_closed()
            return
        await asyncio.sleep(LOOK_EVERY_S)


async def keep_pages(settings: Settings, report: Report) -> None:
    """Keep the process running until cancelled, and say how it is."""
    while True:
        try:
            require_free(settings.http)
        except WrongSetting as error:
            report(PART, YELLOW, f"页面未启动：{error}", f"pages are not served: {error}")
        else:
            code = await _run_once(settings, report)
            report(PART, YELLOW, f"页面进程退出（{code}）", f"pages ended with {code}")
        await asyncio.sleep(settings.child_restart_s)


async def _run_once(settings: Settings, report: Report) -> int:
    environment = {**os.environ, **as_environment(settings)}
    process = await start_child([sys.executable, "-m", "dashboard_api"], environment=environment)
    telling = asyncio.create_task(_tell_when_served(settings, report, process))
    try:
        return await process.wait()
    finally:
        telling.cancel()
        if process.returncode is None:
            await end_child(process, settings.child_end_s)


async def _tell_when_served(settings: Settings, report: Report, process: Process) -> None:
    await until_served(settings.http)
    if process.returncode is None:
        report(PART, GREEN, "页面可用", "pages are served")
