"""The disk of the data folder is full: nothing is acknowledged, answered or lost, and it passes.

A small real file system (tmpfs) is mounted for the test; where that is not allowed the test says so
and is skipped.
"""

import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiomqtt
import msgspec
import pytest

from hub.mqtt import Address
from hub.watch import Options, Watch
from hub.watcher import ALARM, CANARY, OVER, Bounds
from tests.hub.courtroom import HandClock
from tests.integration.hub_process import Ear, HubProcess, ear, hub_process, note, quick_client
from tests.programs import Mosquitto
from tests.stories.test_watch import Bell

DISK_BYTES = 64_000_000  # room for SQLite's logs, which may grow while somebody reads
PRESSES_UNTIL_FULL_MAX = 5_000


@contextlib.contextmanager
def mounted(folder: Path) -> Iterator[Path]:
    """A disk of `DISK_BYTES` for the length of a block."""
    folder.mkdir()
    size = f"size={DISK_BYTES}"
    mount = ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("no program `mount`")
    if done.returncode != 0:
        pytest.skip(f"no file system may be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@dataclass
class Desk:
    """A hub on the small disk, the presses of many buttons and their answers."""

    hub: HubProcess
    client: aiomqtt.Client
    disk: Path
    listening: Ear | None = None
    pressed: list[str] = field(default_factory=list)
    answered: set[str] = field(default_factory=set)
    told: set[str] = field(default_factory=set)
    pings: int = 0
    disk_is: str = ""  # as the hub's topic says it

    def hear(self, topic: str, body: dict[str, Any]) -> None:
        """A message on the broker."""
        if topic == "ping":
            self.pings += 1
        elif topic == "hub/demo/health":
            self.disk_is = body["parts"].get("journal", "")
        elif topic == "hub/demo/cases":
            self.told.add(body["device"].removeprefix("native:"))
        elif "heard" in body:
            self.answered.add(body["heard"])

    async def press(self) -> None:
        """One more button is pressed; returns when the broker has it."""
        name = f"b-{len(self.pressed)}"
        self.pressed.append(name)
        body = msgspec.json.encode({"press": "sos", "id": name})
        await self.client.publish(f"community/demo/button/{name}/up", body, qos=1)

    async def ping(self) -> None:
        """Once round by the broker: what it was sent before has been handed on."""
        assert self.listening is not None
        pings = self.pings
        await self.client.publish("ping", b"{}", qos=1)
        await self.listening.until(lambda: self.pings > pings)

    async def until_all_answered(self) -> None:
        """Every press so far has its answer and its case."""
        assert self.listening is not None
        pressed = set(self.pressed)
        await self.listening.until(
            lambda: self.answered >= pressed and self.told >= pressed, self.hub.story
        )

    async def until_watchers_hear(self, state: str) -> None:
        """Whoever watches from outside is told how the disk is, though nothing can be written."""
        assert self.listening is not None
        await self.listening.until(lambda: self.disk_is == state, self.hub.story)

    def fill(self) -> None:
        """Nothing more fits on the disk."""
        with (self.disk / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
            while True:
                filler.write(b"\0" * 4_096)

    def make_room(self) -> None:
        """Somebody has cleared up."""
        (self.disk / "filler").unlink()

    async def press_until_red(self) -> None:
        """Fill the disk; press until the hub says that it cannot write."""
        self.fill()
        red = asyncio.create_task(self.hub.says("journal is red"))
        while not red.done():
            assert len(self.pressed) < PRESSES_UNTIL_FULL_MAX
            await self.press()
            await self.ping()
        assert "cannot write, so nothing is acknowledged" in await red

    async def press_in_vain(self) -> set[str]:
        """Two hundred more presses; none of them is answered."""
        before = len(self.pressed)
        for _ in range(200):
            await self.press()
            await self.ping()
        more = set(self.pressed[before:])
        assert not self.answered & more
        return more

    def check(self) -> None:
        """Each press once in the journal, a case each."""
        assert self.hub.rows(
            "SELECT count(*), count(DISTINCT dedupe) FROM journal WHERE device IS NOT '@canary'"
        ) == [(len(self.pressed), len(self.pressed))]
        cases = self.hub.rows("SELECT device, times FROM cases ORDER BY id")
        assert sorted(cases) == sorted((f"native:{name}", 1) for name in self.pressed)


@pytest.fixture
async def desk(tmp_path: Path, broker: Mosquitto) -> AsyncIterator[Desk]:
    """A hub that runs, with room."""
    topics = ["community/demo/button/+/down", "hub/demo/cases", "hub/demo/health", "ping"]
    with mounted(tmp_path / "disk") as disk:
        settings = {"HUB_DATA_DIR": str(disk / "data"), "HUB_DISK_RETRY_S": "0.01"}
        async with (
            hub_process(tmp_path, broker, **settings) as hub,
            quick_client(broker) as client,
        ):
            found = Desk(hub, client, disk)
            async with ear(broker, topics, found.hear) as found.listening:
                await hub.start()
                yield found


@contextlib.asynccontextmanager
async def watched(broker: Mosquitto) -> AsyncIterator[tuple[Watch, Bell, HandClock]]:
    """A watcher outside, its clock in the hand, while the block lasts."""
    clock, bell = HandClock(), Bell()
    options = Options(
        address=Address.parse(broker.url), site="demo", bounds=Bounds(), look_s=0.01,
        reconnect_s=0.01, tell_retry_s=0.01,
    )  # fmt: skip
    watch = Watch(options, [bell], clock)
    running = asyncio.create_task(watch.run())
    try:
        yield watch, bell, clock
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_full_disk_stops_the_acks_and_passes_by_itself(
    desk: Desk, broker: Mosquitto
) -> None:
    """Said in the log; once there is room every press is kept and answered, by the same process.

    A watcher outside raises the alarm: its press is not kept, so it does not come back.
    """
    await desk.press()
    await desk.until_all_answered()
    pid = desk.hub.pid
    async with watched(broker) as (watch, bell, clock):
        while not watch.watcher.is_proved:
            await desk.ping()
        await desk.press_until_red()
        await desk.until_watchers_hear("red")
        clock.now += 60_000
        while watch.watcher.is_time_to_press(clock.monotonic_s()):
            await desk.ping()
        await desk.press_in_vain()
        clock.now += 91_000
        while bell.heard() != [(ALARM, {CANARY})]:
            await desk.ping()
        desk.make_room()
        await desk.until_all_answered()
        clock.now += 60_000  # the next press, and the first that is kept
        while bell.heard()[-1:] != [(OVER, set())]:
            await desk.ping()
    await desk.hub.says("journal is green")
    await desk.until_watchers_hear("green")
    assert desk.hub.pid == pid
    assert await desk.hub.stop() == 0
    note(f"{len(desk.pressed)} presses, 200 of them while the disk was full")
    desk.check()


async def test_a_hub_killed_on_a_full_disk_has_lost_nothing(desk: Desk) -> None:
    """What was answered is kept; what was not comes again from the broker."""
    await desk.press_until_red()
    waiting = await desk.press_in_vain()
    await desk.hub.kill()
    desk.make_room()
    await desk.hub.start()
    await desk.until_all_answered()
    assert await desk.hub.stop() == 0
    assert waiting <= desk.answered
    desk.check()
