"""InfluxDB is killed under load: no alarm waits for it, and afterwards every point is there once.

The whole hub as a process, a real mosquitto, a real influxd. The load paces itself: counters speak,
then somebody presses, and when the press's case has been told the next round begins.
"""

import asyncio
import signal
import statistics
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiomqtt
import msgspec
import pytest

from hub.archive import points_of
from hub.clock import SystemClock
from hub.database import open_engine
from hub.journal import READING, Journal
from tests.influxd import DATABASE, Influxd, influxd
from tests.integration.hub_process import (
    PATIENCE_S,
    Ear,
    HubProcess,
    ear,
    hub_process,
    note,
    quick_client,
)
from tests.programs import Mosquitto

MACHINES = [f"machine-{number:02}" for number in range(20)]
BUTTONS = [f"button-{number:02}" for number in range(20)]
ROUND = 60  # messages of counters before each press
# An alarm is late when it takes so long, and so many times as long as usual on this machine.
LATE_S = 2.0
LATE_TIMES = 10
FAMILY = {"machine": "counter", "button": "button"}


@dataclass
class Gym:
    """A hub with counters and buttons in its register, and the moments of presses and cases."""

    hub: HubProcess
    client: aiomqtt.Client
    server: Influxd
    listening: Ear | None = None
    uses: Counter[str] = field(default_factory=Counter)
    presses: int = 0
    told_s: dict[tuple[str, int], float] = field(default_factory=dict)
    delays_s: list[float] = field(default_factory=list)

    def hear(self, _topic: str, body: dict[str, Any]) -> None:
        """One message about a case."""
        key = body["device"], body["times"]
        self.told_s.setdefault(key, asyncio.get_running_loop().time())

    async def say(self, family: str, device: str, body: dict[str, Any]) -> None:
        """A device says something; returns when the broker has it."""
        topic = f"community/demo/{family}/{device}/up"
        await self.client.publish(topic, msgspec.json.encode(body), qos=1)

    async def train(self, messages: int) -> None:
        """People use the machines."""
        for number in range(messages):
            machine = MACHINES[number % len(MACHINES)]
            self.uses[machine] += 1
            uses = self.uses[machine]
            await self.say("counter", machine, {"uses": uses, "ts": SystemClock().now_ms()})

    async def round(self) -> None:
        """Counters speak on while somebody presses; the case is told."""
        assert self.listening is not None
        training = asyncio.create_task(self.train(ROUND))
        number, button = divmod(self.presses, len(BUTTONS))
        self.presses += 1
        key = BUTTONS[button], number + 1
        pressed_s = asyncio.get_running_loop().time()
        press = {"press": "sos", "id": f"press-{self.presses}"}
        await self.say("button", BUTTONS[button], press)
        await self.listening.until(lambda: key in self.told_s, self.hub.story)
        self.delays_s.append(self.told_s[key] - pressed_s)
        await training

    def told(self) -> int:
        """How many presses have been told as a case."""
        return sum(device in BUTTONS for device, _times in self.told_s)

    def figures(self, first: int) -> str:
        """Press → case message from press number `first` on, in milliseconds."""
        ms = [round(delay * 1000, 1) for delay in self.delays_s[first:]]
        p50, p99 = statistics.median(ms), statistics.quantiles(ms, n=100, method="inclusive")[98]
        return f"{len(ms)} presses: p50 {p50} ms, p99 {p99:.1f} ms, longest {max(ms)} ms"

    # -- what must be stored, and what is ---------------------------------------------------------

    def expected(self) -> set[tuple[Any, ...]]:
        """Every reading of the journal as InfluxDB must have it."""
        engine = open_engine(f"sqlite:///{self.hub.data / 'hub.db'}")
        entries = Journal(engine).read(0, 1_000_000, [READING])
        engine.dispose()
        return {
            (point.device, point.point, point.value, point.at_ns)
            for entry in entries
            for point in points_of(
                entry, str(entry.device), (FAMILY[str(entry.device).partition("-")[0]], None, None)
            )
        }

    def stored(self) -> list[tuple[Any, ...]]:
        """Every point of these devices in InfluxDB."""
        columns = "value_f, value_b, value_s, device, point"
        return [
            (
                row["device"],
                row["point"],
                next(row[k] for k in ("value_f", "value_b", "value_s") if row[k] is not None),
                row["time"],
            )
            for row in self.server.query(f"SELECT {columns} FROM readings WHERE site = 'demo'")
        ]

    async def until_archived(self, entries: int) -> None:
        """Return when the journal has so many lines and the archive has passed them all.

        Asks the hub's own database, with a turn to the broker and back between two questions.
        """
        query = "SELECT max(seq), (SELECT seq FROM cursors WHERE follower = 'archive') FROM journal"
        async with asyncio.timeout(PATIENCE_S):
            while await asyncio.to_thread(self.hub.rows, query) != [(entries, entries)]:
                await self.client.publish("nobody/listens", b"", qos=1)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Influxd]:
    """An influxd of this test's own."""
    folder = tmp_path / "influxd"
    folder.mkdir()
    with influxd(folder) as running:
        yield running


@pytest.fixture
async def gym(tmp_path: Path, broker: Mosquitto, server: Influxd) -> AsyncIterator[Gym]:
    """A hub that runs over that InfluxDB."""
    settings = {
        "INFLUXDB_V2_URL": server.url,
        "INFLUXDB_V2_BUCKET": DATABASE,
        "HUB_INFLUX_API": "v1",
        "HUB_ARCHIVE_AGE_MS": "100",
        "HUB_ARCHIVE_RETRY_MIN_S": "0.05",
        "HUB_ARCHIVE_RETRY_MAX_S": "0.2",
    }
    async with (
        hub_process(tmp_path, broker, **settings) as hub,
        quick_client(broker) as client,
    ):
        hub.register(
            [
                {"id": name, "family": FAMILY[name.partition("-")[0]]}
                for name in (*MACHINES, *BUTTONS)
            ]
        )
        found = Gym(hub, client, server)
        async with ear(broker, ["hub/demo/cases"], found.hear) as found.listening:
            await hub.start()
            yield found


async def outage(gym: Gym, *, presses_min: int, seconds: float) -> None:
    """Kill InfluxDB in the middle of the load, press on while it is away, and count at the end.

    Not one alarm comes late meanwhile.
    """
    loop = asyncio.get_running_loop()
    for _ in range(20):
        await gym.round()
    note(f"InfluxDB there: {gym.figures(0)}")
    gym.server.stop(signal.SIGKILL)
    before, since_s, uses = gym.presses, loop.time(), gym.uses.total()
    while gym.presses < before + presses_min or loop.time() < since_s + seconds:
        await gym.round()
    rate = (gym.uses.total() - uses) / (loop.time() - since_s)
    assert gym.told() == gym.presses
    note(f"InfluxDB away, {rate:.0f} messages/s of counters: {gym.figures(before)}")
    usual_s = statistics.median(gym.delays_s[:before])
    assert max(gym.delays_s[before:]) <= max(LATE_S, LATE_TIMES * usual_s)
    await gym.hub.says("archive is yellow")
    await asyncio.to_thread(gym.server.start)
    for _ in range(5):
        await gym.round()
    await gym.until_archived(gym.presses + gym.uses.total())
    assert await gym.hub.stop() == 0

    stored = await asyncio.to_thread(gym.stored)
    assert len(stored) == len(set(stored)) == gym.presses + gym.uses.total()
    assert set(stored) == gym.expected()
    assert gym.hub.rows("SELECT count(*) FROM dead_letters") == [(0,)]


async def test_no_alarm_waits_for_influxdb_and_no_point_is_lost(gym: Gym) -> None:
    """Short: away for as long as it takes to press a hundred times."""
    await outage(gym, presses_min=100, seconds=0)


@pytest.mark.campaign
async def test_influxdb_away_for_a_minute(gym: Gym) -> None:
    """The long form."""
    await outage(gym, presses_min=100, seconds=60)


async def test_three_poisoned_lines_in_a_thousand(gym: Gym) -> None:
    """997 are stored, three are put aside with the server's words."""
    at_ms = SystemClock().now_ms()
    gym.server.write(f"readings,device=old,site=other value_b=1.5 {at_ms * 1_000_000}")
    for number in range(1_000):
        body: dict[str, Any] = {"ts": at_ms, "id": f"m-{number}"}
        body |= {"tamper": True} if number in {17, 500, 999} else {"uses": number}
        await gym.say("counter", MACHINES[number % len(MACHINES)], body)
    await gym.until_archived(1_000)
    assert await gym.hub.stop() == 0

    values = [value for _device, _point, value, _at in await asyncio.to_thread(gym.stored)]
    assert sorted(values) == [n for n in range(1_000) if n not in {17, 500, 999}]
    dead = gym.hub.rows("SELECT line, error FROM dead_letters ORDER BY seq")
    assert [line.partition(" ")[0].partition(",")[2].split(",")[0] for line, _ in dead] == [
        "device=machine-17",
        "device=machine-00",
        "device=machine-19",
    ]
    assert {error for _line, error in dead} == {
        '400 partial write: field type conflict: input field "value_b" on measurement "readings" '
        "is type boolean, already exists as type float dropped=1"
    }
