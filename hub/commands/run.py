"""`hub run`: the main job, until Ctrl-C or SIGTERM."""

import asyncio
import logging
import signal
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import click
import uvloop

from hub import private_files
from hub.app import open_ground
from hub.app import run as run_hub
from hub.broker import BrokerFailed, open_broker
from hub.cli import own_name
from hub.clock import SystemClock
from hub.database import UnusableDatabase
from hub.log import set_up_log
from hub.mistakes import Mistakes
from hub.mqtt import Address, WrongAddress
from hub.pages import require_free, split_address
from hub.settings import Settings, WrongSetting, read_settings
from hub.users import FIRST_USER, ensure_first_user
from rules.loader import RuleMistakes

CANCEL_AGAIN_S = 12.0  # longer than the broker and the pages are given to end by themselves
FELL = 70  # exit code of a bug: whoever looks after the process starts it again
FOR_A_PERSON = (
    WrongSetting,
    WrongAddress,
    Mistakes,
    RuleMistakes,
    UnusableDatabase,
    BrokerFailed,
)


@click.command()
@click.option("--dashboard/--no-dashboard", default=True, help="Serve the pages as well.")
def run(dashboard: bool) -> None:
    """Ingest, judge, archive, deliver and the dashboard, until Ctrl-C or SIGTERM.

    Settings come from the environment or hub.toml: see `hub settings`.
    """
    set_up_log()
    live(_run(dashboard))


async def _run(dashboard: bool) -> None:
    settings, clock = read_settings(), SystemClock()
    pages = where_pages_are(settings) if dashboard else "not served (--no-dashboard)"
    await greet(settings)
    async with open_broker(settings, settings.data_dir) as broker:
        address = Address.parse(broker.url)
        if broker.note:
            click.echo(broker.note)

        def tell() -> None:
            click.echo("The hub runs.")
            click.echo(f"Broker: {address.host}:{address.port}")
            click.echo(f"Pages:  {pages}")

        settings = replace(settings, broker=broker.url)
        await run_hub(settings, clock=clock, dashboard=dashboard, ready=tell)


def where_pages_are(settings: Settings) -> str:
    """The pages' address, or why they are not there yet. Raises `WrongSetting`."""
    split_address(settings.http)
    try:
        require_free(settings.http)
    except WrongSetting as error:
        return f"will be served at http://{settings.http} when it is free ({error})"
    return f"http://{settings.http}"


async def greet(settings: Settings) -> None:
    """At the very first start: make the first user and print its password, once."""
    clock = SystemClock()
    async with open_ground(settings, clock) as ground:
        password = ensure_first_user(ground.engine, clock)
    if password is not None:
        click.echo(f"First start. Log in as {FIRST_USER} with the password {password}")
        click.echo(f"Not shown again; another: {own_name()} user password {FIRST_USER}")


def live(job: Coroutine[Any, Any, None]) -> None:
    """Run a job until it ends or somebody ends it; a mistake of settings is told in words."""
    private_files.close_to_others()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_until_signal(job))
    except* FOR_A_PERSON as mistakes:
        raise click.ClickException(_words(mistakes)) from None
    except* Exception:
        logging.getLogger(__name__).critical("the hub fell; it goes on where it was", exc_info=True)
        raise SystemExit(FELL) from None


def _words(group: BaseExceptionGroup[BaseException]) -> str:
    return "\n".join(
        _words(error) if isinstance(error, BaseExceptionGroup) else str(error)
        for error in group.exceptions
    )


async def _until_signal(job: Coroutine[Any, Any, None]) -> None:
    task = asyncio.ensure_future(job)
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sign, _end, loop, task)
    try:
        await task
    except asyncio.CancelledError:
        if not task.cancelled():
            raise
        click.echo("The hub has ended; everything is kept, and the next start goes on from here.")


def _end(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
    """Cancel the job; whoever has not ended after a while is cancelled again.

    A library that waits by `asyncio.wait_for` can swallow a cancellation in Python 3.11; its task
    would go on, and the hub would hang until it is killed.
    """
    task.cancel()
    loop.call_later(CANCEL_AGAIN_S, _cancel_all, loop)


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.call_later(CANCEL_AGAIN_S, _cancel_all, loop)
