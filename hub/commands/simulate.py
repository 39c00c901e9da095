"""`hub simulate`: devices that live a day, or recorded frames, through any broker."""

import asyncio
import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from hub.cli import Complaint
from hub.clock import Clock, SystemClock
from hub.demo.community import device_rows
from hub.mqtt import Address, WrongAddress
from hub.settings import Settings, WrongSetting, read_settings
from hub.simulate import Pace, Player, Unreachable
from hub.simulated.day import SimulatedDevice
from hub.simulated.figures import ANSWER_WAIT_S, DEVICES_MAX, FIGURES, OUTAGE_S
from hub.simulated.frames import Unusable, read_frames
from hub.simulated.voices import Event, Outage, Promised, day_events
from hub.site import Site, WrongSite, read_site

FRAMES_RATE = 50.0  # where no rate is named
UNUSABLE_TOLD_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the command line asks for."""

    broker: str
    devices: int
    rate: float | None
    speed: float | None
    count: int | None
    seed: int
    start: str | None
    first_press: float
    presses_per_day: float
    outage: float | None
    run: str
    answer_wait: float
    frames: Path | None

    @property
    def pace(self) -> Pace:
        """With a rate alone the day passes as fast as that needs."""
        if self.frames is not None:
            return Pace(self.rate or FRAMES_RATE, None)
        return Pace(self.rate, self.speed if self.speed or self.rate else 1.0)


@click.command()
@click.option("--broker", default="", help="mqtt[s]://user:password@host:port; else HUB_BROKER.")
@click.option("--devices", default=300, show_default=True, type=click.IntRange(1, DEVICES_MAX))
@click.option("--rate", type=click.FloatRange(0.001, 1e6), help="Messages a second, all together.")
@click.option("--speed", type=click.FloatRange(0.001, 1e6), help="Simulated seconds a second.")
@click.option("--count", type=click.IntRange(1), help="End after so many messages.")
@click.option("--seed", default=1, show_default=True, help="Another seed, another day.")
@click.option("--start", help="When the simulated day begins, RFC 3339; else now.")
@click.option(
    "--first-press",
    default=5.0,
    show_default=True,
    type=click.FloatRange(0, 1e6),
    help="One press after so many seconds, whatever the day brings.",
)
@click.option(
    "--presses-per-day",
    default=FIGURES.presses_per_button_and_day,
    show_default=True,
    type=click.FloatRange(0, 1e5),
    help="Presses of one button in one simulated day.",
)
@click.option(
    "--outage",
    type=click.FloatRange(0, 1e6),
    help=f"A gateway and all behind it fall silent after so many seconds, for {OUTAGE_S:g} s.",
)
@click.option(
    "--answer-wait",
    default=ANSWER_WAIT_S,
    show_default=True,
    type=click.FloatRange(0, 1e6),
    help="How many seconds the end waits for the answers to the last presses.",
)
@click.option("--run", default="", help="What every id begins with; else made from the clock.")
@click.option(
    "--frames",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Play recorded frames (JSONL) instead, each in its own topic and envelope, or in those of "
    "its ecosystem where none was recorded.",
)
def simulate(**options: Any) -> None:
    """Play devices against a broker; one JSON line at the end says what was sent.

    Without a rate a day passes at --speed (1: as in life). With a rate alone the day passes as fast
    as that needs; with both, the slower one counts. The same --seed and --start give the same
    day; its ids are new ones, unless --run names them. Ctrl-C ends it, too.
    """
    wish = Wish(**options)
    try:
        settings = read_settings()
        site = read_site(settings.site_file)
        summary = asyncio.run(_play(wish, _address(wish, settings), site, settings.topic_filters))
    except (WrongSetting, WrongSite, Unreachable, OSError) as error:
        raise Complaint(str(error)) from error
    click.echo(json.dumps(summary))


def _address(wish: Wish, settings: Settings) -> Address:
    try:
        return Address.parse(wish.broker or settings.broker)
    except WrongAddress as error:
        name = "--broker" if wish.broker else "--broker (or HUB_BROKER)"
        raise Complaint(f"{name}: {str(error).removeprefix('HUB_BROKER: ')}") from error


async def _play(wish: Wish, address: Address, site: Site, topics: list[str]) -> dict[str, Any]:
    clock = SystemClock()
    listened = [f"community/{site.id}/#", *topics]
    player = Player(
        address,
        clock=clock,
        pace=wish.pace,
        site=site.id,
        count=wish.count,
        say=_say,
        listened=listened,
        answer_wait_s=wish.answer_wait,
    )
    for sign in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sign, player.stop)
    if wish.frames is None:
        return {"devices": wish.devices, **await player.play(_day(wish, site, clock))}
    frames = Frames(wish.frames, f"{clock.now_ms():x}")
    summary = await player.play(frames.events())
    return {"frames": str(wish.frames), **summary, "unusable": frames.unusable}


def _say(word: str) -> None:
    click.echo(word, err=True)


def _day(wish: Wish, site: Site, clock: Clock) -> Iterator[Event]:
    now_ms, pace = clock.now_ms(), 1_000 * (wish.speed or 1)
    start_ms = now_ms if wish.start is None else _moment_ms(wish.start, site)
    outage = None
    if wish.outage is not None:
        outage = Outage(round(wish.outage * pace), round((wish.outage + OUTAGE_S) * pace))
    return day_events(
        [SimulatedDevice.of(row) for row in device_rows(wish.devices)],
        site=site.id,
        zone=site.zone,
        seed=wish.seed,
        start_ms=start_ms,
        run=wish.run or f"s{wish.seed}-{now_ms:x}",
        promised=Promised(round(wish.first_press * pace), outage),
        figures=replace(FIGURES, presses_per_button_and_day=wish.presses_per_day),
    )


def _moment_ms(text: str, site: Site) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Complaint(
            f"--start: expected a moment such as 2026-03-02T06:30:00, not {text!r}"
        ) from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=site.zone)
    return round(moment.timestamp() * 1_000)


@dataclass(slots=True)
class Frames:
    """The events of a file; what cannot be played is told and counted."""

    file: Path
    run: str
    unusable: int = 0

    def events(self) -> Iterator[Event]:
        """Read line by line, so that a large file needs no memory."""
        with self.file.open("rb") as lines:
            for frame in read_frames(lines, run=self.run):
                if isinstance(frame, Unusable):
                    self._tell(frame)
                else:
                    yield frame

    def _tell(self, frame: Unusable) -> None:
        self.unusable += 1
        if self.unusable <= UNUSABLE_TOLD_MAX:
            _say(f"{self.file}:{frame.line}: {frame.reason}")
