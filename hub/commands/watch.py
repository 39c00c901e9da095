"""`hub watch`: raise the alarm when the hub does not answer, from another machine."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, TypeVar

import click

from hub.alarms import Means, WrongWay, way_of
from hub.cli import Complaint
from hub.clock import SystemClock
from hub.log import set_up_log
from hub.mqtt import Address, WrongAddress
from hub.watch import Options, Watch
from hub.watcher import Bounds

_Command = TypeVar("_Command", bound=Callable[..., Any])
_SECONDS = click.FloatRange(min=0.01)


def bound(name: str, default: float, about: str) -> Callable[[_Command], _Command]:
    """An option in seconds, with a variable of its own."""
    variable = f"WATCH_{name.removeprefix('--').replace('-', '_').upper()}"
    return click.option(
        name, type=_SECONDS, default=default, envvar=variable, show_default=True, help=about
    )


@click.command(epilog="Exit code with --once: 0 if the whole way is proved, else 1.")
@click.option(
    "--broker",
    required=True,
    envvar="WATCH_BROKER",
    metavar="URL",
    help="The hub's broker, mqtt[s]://user:password@host:port; better as WATCH_BROKER.",
)
@click.option("--site", default="demo", envvar="WATCH_SITE", show_default=True, help="Its site.")
@click.option(
    "--tell",
    multiple=True,
    envvar="WATCH_TELL",
    metavar="WAY",
    help="How to raise the alarm; may be given several times (in WATCH_TELL: with spaces between, "
    "%20 for one within): command:PROGRAM, http[s]://… (signed with WATCH_SECRET), "
    "ntfy:http[s]://HOST/TOPIC, mqtt[s]://USER:PASSWORD@HOST/TOPIC, "
    "smtp[s]://USER:PASSWORD@HOST/TO?from=FROM.",
)
@click.option(
    "--press/--listen",
    default=True,
    help="Press the canary itself, or only listen for the hub's own.",
)
@click.option("--url", default="", envvar="WATCH_URL", help="The pages, to ask /readyz as well.")
@click.option("--once", is_flag=True, help="Prove the way once, for cron; then end.")
@bound("--every", 60.0, "Seconds between two presses, and two questions to --url.")
@bound("--within", 90.0, "What has been wrong for so many seconds is an alarm.")
@bound("--again", 900.0, "Seconds after which an alarm that lasts is said again.")
@bound("--look", 1.0, "Seconds between two looks.")
@bound("--connect", 10.0, "Seconds that broker and pages may take to answer.")
@bound("--reconnect", 5.0, "Seconds before connecting, or asking pages that are not ready, again.")
@bound("--tell-timeout", 20.0, "Seconds that a way to tell may take.")
@bound("--tell-retry", 30.0, "Seconds before what could not be told is tried again.")
@click.option(
    "--keepalive",
    type=click.IntRange(1, 65_535),
    default=20,
    envvar="WATCH_KEEPALIVE",
    show_default=True,
    help="Seconds of silence after which a dead connection is noticed.",
)
@click.option("--secret", default="", envvar="WATCH_SECRET", help="Key of the webhook's signature.")
def watch(tell: tuple[str, ...], once: bool, secret: str, **given: Any) -> None:
    """Watch a hub from another machine and raise the alarm by a channel of its own.

    Every minute a press that calls nobody goes through broker, driver, journal, judge, outbox and
    back. When it does not arrive, when the broker cannot be reached, or when the broker or the
    pages say that the hub is gone, the alarm is raised, said again, and ended when all is well.
    """
    options, clock = _options(given), SystemClock()
    try:
        timeout_s = options.tell_timeout_s
        ways = [way_of(one, Means(clock, secret), timeout_s) for one in tell]
    except WrongWay as error:
        raise Complaint(str(error)) from error
    if not (ways or once):
        raise Complaint("--tell: say how to raise the alarm, or use --once and its exit code")
    set_up_log()
    raise SystemExit(asyncio.run(_watch(options, ways, clock, once=once)))


def _options(given: dict[str, Any]) -> Options:
    if given["within"] < given["every"] and not given["press"]:
        raise Complaint("--within: less than --every would be an alarm every time with --listen")
    try:
        address = Address.parse(given["broker"])
    except WrongAddress as error:
        raise Complaint(str(error).replace("HUB_BROKER", "--broker")) from error
    bounds = Bounds(
        every_s=given["every"],
        within_s=given["within"],
        again_s=given["again"],
        presses=given["press"],
        asks_ready=bool(given["url"]),
    )
    return Options(
        address=address,
        site=given["site"],
        bounds=bounds,
        url=given["url"],
        look_s=given["look"],
        connect_s=given["connect"],
        reconnect_s=given["reconnect"],
        keepalive_s=given["keepalive"],
        tell_timeout_s=given["tell_timeout"],
        tell_retry_s=given["tell_retry"],
    )


async def _watch(options: Options, ways: list[Any], clock: SystemClock, *, once: bool) -> int:
    watch = Watch(options, ways, clock)
    if not once:
        logging.getLogger(__name__).info("watching %s", options.site)
        await watch.run()
    alarm = await watch.once()
    if alarm is not None:
        return 1
    took_s = watch.watcher.last_s or 0.0
    click.echo(f"The canary came back in {took_s * 1_000:.0f} ms.")
    return 0
