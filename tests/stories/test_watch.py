"""The watcher outside against a real hub and a real broker: when it says nothing, and when it does.

The clock is in the hand, and the hub and the watcher share it; what is told is waited for.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hub.alarms import Call, NotTold
from hub.cli import cli
from hub.mqtt import Address
from hub.watch import Options, Watch
from hub.watcher import AGAIN, ALARM, BROKER, CANARY, OVER, READY, STATE, Bounds
from tests.programs import Mosquitto, free_port
from tests.stories.hub_in_hand import MINUTE, PATIENCE_S, HubInHand, hub_in_hand, native
from tests.stories.test_canary import OWN, end_loop, part

WELL = Bounds(every_s=60, within_s=90, again_s=900)


class Bell:
    """A way to tell that keeps what it was told; the first tries may fail."""

    name = "bell"

    def __init__(self, fails: int = 0) -> None:
        self.calls: list[Call] = []
        self._fails = fails

    async def tell(self, call: Call) -> None:
        """See `hub.alarms.Way`."""
        if self._fails:
            self._fails -= 1
            raise NotTold("nobody there")
        self.calls.append(call)

    def heard(self) -> list[tuple[str, set[str]]]:
        """The alarms with what was wrong."""
        return [
            (call.alarm.state, {one.what for one in call.alarm.troubles}) for call in self.calls
        ]


@contextlib.asynccontextmanager
async def watching(
    hub: HubInHand, bell: Bell, bounds: Bounds = WELL, url: str = ""
) -> AsyncIterator[Watch]:
    """A watcher that runs while the block lasts."""
    options = Options(
        address=Address.parse(hub.broker.url),
        site="demo",
        bounds=bounds,
        url=url,
        look_s=0.01,
        connect_s=1.0,
        reconnect_s=0.01,
        tell_retry_s=0.01,
    )
    watch = Watch(options, [bell], hub.clock)
    task = asyncio.create_task(watch.run())
    try:
        yield watch
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def minutes(hub: HubInHand, watch: Watch, count: int) -> None:
    """So many minutes in which each press is answered."""
    for _ in range(count):
        before = hub.clock.now
        await hub.until(lambda: watch.watcher.is_proved)
        hub.clock.now = before + MINUTE * 1_000
        await hub.until(lambda: not watch.watcher.is_time_to_press(hub.clock.monotonic_s()))
    await hub.until(lambda: watch.watcher.is_proved)


async def lapse(hub: HubInHand, seconds: int) -> None:
    """Time in which nobody answers."""
    hub.clock.now += seconds * 1_000


async def until(so: Callable[[], bool]) -> None:
    """Return when it is so, whether the hub runs or not."""
    async with asyncio.timeout(PATIENCE_S):
        while not so():
            await asyncio.to_thread(lambda: None)


async def test_a_judge_that_hangs_is_an_alarm_though_the_hub_is_online_and_then_that_it_is_gone(
    tmp_path: Path, broker: Mosquitto
) -> None:
    """Outside and inside. While all is well nothing is said; nor is a hub that is started anew."""
    hub, bell = HubInHand(tmp_path / "hub", broker, **OWN), Bell()
    await hub.settle_in([native("d1")])
    await hub.start()
    async with watching(hub, bell) as watch:
        await minutes(hub, watch, 2)
        await hub.stop()
        await hub.start()
        await minutes(hub, watch, 1)
        assert bell.calls == []
        end_loop("evaluate")
        await lapse(hub, 60)
        await hub.until(lambda: not watch.watcher.is_proved and under_way(hub) > 0)
        await lapse(hub, 91)
        await hub.until(lambda: bell.heard() == [(ALARM, {CANARY})])
        await hub.until(lambda: part(hub) == "red")
        await lapse(hub, 900)
        await hub.until(lambda: bell.heard()[1:] == [(AGAIN, {CANARY})])
        await hub.stop()
        await until(lambda: STATE in watch.watcher.wrong)
        await lapse(hub, 91)
        await until(lambda: bell.heard()[2:] == [(ALARM, {CANARY, STATE})])
        await hub.start()
        await lapse(hub, 60)
        await hub.until(lambda: bell.heard()[3:] == [(OVER, set())])
        await hub.until(lambda: part(hub) == "green")
    await hub.stop()


async def test_a_dead_broker_is_an_alarm_and_its_way_to_tell_is_tried_until_it_works(
    tmp_path: Path, broker: Mosquitto
) -> None:
    """For the hub its own canary is lost meanwhile, and all is well when the broker is back."""
    inside: dict[str, Any] = {**OWN, "deliver_timeout_s": 0.5}
    async with hub_in_hand(tmp_path, broker, [native("d1")], **inside) as hub:
        bell = Bell(fails=3)
        async with watching(hub, bell) as watch:
            await minutes(hub, watch, 3)
            await hub.until(lambda: under_way(hub) == 0)  # nor the first, which may have been early
            broker.stop()
            await hub.until(lambda: not watch.watcher.is_proved)
            await hub.until(lambda: part(hub, "broker-buttons") == "red")
            await lapse(hub, 61)
            await hub.until(lambda: under_way(hub) == 1)
            await lapse(hub, 91)
            await hub.until(lambda: bell.heard() == [(ALARM, {BROKER})])
            await hub.until(lambda: part(hub) == "red")
            broker.start()
            await hub.until(lambda: bell.heard()[1:] == [(OVER, set())])
            await hub.until(lambda: under_way(hub) == 0)  # else the leap makes it a slow one
            await lapse(hub, 61)
            await hub.until(lambda: part(hub) == "green")


def under_way(hub: HubInHand) -> Any:
    """Presses of the hub's own that are not back."""
    assert hub.house is not None
    return hub.house.canary.figures()["under_way"]


async def test_one_who_only_listens_hears_the_hubs_own_and_who_asks_pages_hears_that_none_answer(
    tmp_path: Path, broker: Mosquitto
) -> None:
    hub, bell, nobody = HubInHand(tmp_path / "hub", broker, **OWN), Bell(), Bell()
    await hub.settle_in([native("d1")])
    await hub.start()
    url = f"http://127.0.0.1:{free_port()}"
    async with (
        watching(hub, bell, WELL._replace(presses=False)) as watch,
        watching(hub, nobody, WELL._replace(presses=False, asks_ready=True), url) as asks,
    ):
        for _ in range(3):
            watch.watcher.last_s = None
            await lapse(hub, 60)
            await hub.until(lambda: watch.watcher.last_s is not None)
        assert bell.calls == []
        await hub.until(lambda: READY in str(asks.watcher.troubles(10**12)))
        end_loop("deliver-canary")
        await lapse(hub, 91)
        await hub.until(lambda: bell.heard() == [(ALARM, {CANARY})])
        await hub.until(lambda: nobody.heard()[-1:] == [(ALARM, {CANARY, READY})])
    await hub.stop()


async def test_hub_watch_once_proves_a_hub_and_fails_without_one(
    tmp_path: Path, broker: Mosquitto
) -> None:
    """The program as cron runs it: exit code 0, and 1 with the alarm told by a program."""
    heard, siren = tmp_path / "heard", tmp_path / "siren.sh"
    siren.write_text(f"#!/bin/sh\ncat > {heard}\n")
    siren.chmod(0o755)
    ask = ["--once", "--broker", broker.url, "--site", "demo", "--look", "0.01"]
    async with hub_in_hand(tmp_path, broker, [native("d1")]):
        done = await asyncio.to_thread(watch_command, *ask)
        assert done.exit_code == 0, done.output
        assert "The canary came back in" in done.output
    short = ["--within", "0.2", "--tell", f"command:{siren}"]
    done = await asyncio.to_thread(watch_command, *ask, *short)
    assert done.exit_code == 1, done.output
    told = json.loads(heard.read_text())
    assert (told["site"], told["state"]) == ("demo", "alarm")
    assert {one["what"] for one in told["troubles"]} <= {"canary", "state"}


def watch_command(*arguments: str) -> Result:
    """`hub watch …` in this process, with a loop of its own."""
    return CliRunner().invoke(cli, ["watch", *arguments])


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ([], "--tell: say how to raise the alarm"),
        (["--tell", "pigeon:x"], "--tell: expected one of"),
        (["--broker", "http://x"], "--broker: expected mqtt[s]://"),
        (["--tell", "command:true", "--listen", "--within", "5"], "--within"),
    ],
)
def test_a_wrong_option_is_refused_in_words(more: list[str], words: str) -> None:
    done = watch_command("--broker", "mqtt://127.0.0.1", *more)
    assert done.exit_code == 1
    assert words in done.output
    assert "Traceback" not in done.output
