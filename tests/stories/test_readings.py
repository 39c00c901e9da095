"""The same traffic gives the same answers, whichever store keeps the time series."""

import asyncio
from pathlib import Path
from typing import Any

import aiomqtt
import httpx
import msgspec
import pytest

from hub.clock import SystemClock
from tests.influxd import influxd
from tests.integration.hub_process import quick_client
from tests.programs import Mosquitto
from tests.stories.whole_hub import SITE, read, whole_hub

MINUTE_MS = 60_000
MESSAGES = 90  # of each device, twenty seconds apart
STEP_MS = 20_000

# One device of each family; what its n-th message says.
SPEAKERS: dict[str, Any] = {
    "button/btn-b1-302": lambda n: {"battery": 100 - n / 8, "tamper": n % 7 == 0, "rssi": -60 - n},
    "door/door-b1-u1": lambda n: {"contact": ("open", "closed")[n % 2], "temperature": n / 4},
    "counter/gym-g1-01": lambda n: {"uses": 3 * n} if n % 3 else {"rep": 2, "uses": 3 * n},
}


def readings_of(number: int) -> int:
    """How many readings all devices' n-th messages hold."""
    return sum(len(say(number)) for say in SPEAKERS.values())


async def speak(client: aiomqtt.Client, begin_ms: int) -> None:
    """Everybody says everything, with moments of their own that lie in the past."""
    for number in range(MESSAGES):
        for name, say in SPEAKERS.items():
            body = {"ts": begin_ms + number * STEP_MS, **say(number)}
            topic = f"community/{SITE}/{name}/up"
            await client.publish(topic, msgspec.json.encode(body), qos=1)


async def ask(caller: httpx.AsyncClient, name: str, begin_ms: int, **asked: Any) -> Any:
    """Readings of a device over the whole span."""
    until_ms = begin_ms + MESSAGES * STEP_MS
    path = f"/devices/{name.partition('/')[2]}/readings"
    return await read(caller, path, **{"from": begin_ms, "to": until_ms}, **asked)


async def all_kept(caller: httpx.AsyncClient, begin_ms: int) -> None:
    """Return when the time series holds everything that was said."""
    wanted = sum(readings_of(number) for number in range(MESSAGES))
    kept = 0
    while kept < wanted:
        answers = [await ask(caller, name, begin_ms) for name in SPEAKERS]
        kept = sum(len(answer["readings"]) for answer in answers)
    assert kept == wanted


@pytest.fixture
def begin_ms() -> int:
    """A full hour in the past."""
    now_ms = SystemClock().now_ms()
    return now_ms - now_ms % (60 * MINUTE_MS) - 60 * MINUTE_MS


async def test_influxdb_and_the_local_store_answer_the_same(
    tmp_path: Path, broker: Mosquitto, begin_ms: int
) -> None:
    (tmp_path / "influxd").mkdir()
    with influxd(tmp_path / "influxd") as server:
        there = {
            "HUB_CLIENT_ID": "with-influx",
            "HUB_INFLUX_API": "v1",
            "INFLUXDB_V2_URL": server.url,
        }
        async with (
            whole_hub(tmp_path / "local", broker, HUB_CLIENT_ID="alone") as alone,
            whole_hub(tmp_path / "other", broker, **there) as with_influx,
            alone.caller(await alone.token("reports", "program")) as local,
            with_influx.caller(await with_influx.token("reports", "program")) as influx,
            quick_client(broker) as client,
        ):
            await speak(client, begin_ms)
            async with asyncio.timeout(30):
                await all_kept(local, begin_ms)
                await all_kept(influx, begin_ms)
            assert server.query("SELECT count(*) FROM /.*/"), "they are in InfluxDB itself"
            await compare(local, influx, begin_ms)


async def compare(local: httpx.AsyncClient, influx: httpx.AsyncClient, begin_ms: int) -> None:
    """Raw, in windows, one point, a part of the time: the same rows in the same order."""
    part = {"from": begin_ms + 7 * MINUTE_MS + 1, "to": begin_ms + 11 * MINUTE_MS}
    for name in SPEAKERS:
        for asked in ({}, {"every": "1m"}, {"every": "7m"}, {"every": "1h", "point": "uses"}):
            ours = await ask(local, name, begin_ms, **asked)
            theirs = await ask(influx, name, begin_ms, **asked)
            assert ours == theirs, (name, asked)
            assert ours["readings"] or asked.get("point") == "uses"
        path = f"/devices/{name.partition('/')[2]}/readings"
        ours = await read(local, path, **part)
        assert ours == await read(influx, path, **part)
        moments = {row["at_ms"] for row in ours["readings"]}
        assert moments == set(range(begin_ms + 440_000, part["to"], STEP_MS))
    windows = (await ask(local, "door/door-b1-u1", begin_ms, every="1m"))["readings"]
    assert windows[0] == {
        "at_ms": begin_ms,
        "point": "contact",
        "value": "open",
        "count": 3,
        "mean": None,
        "min": None,
        "max": None,
    }
    assert [(row["point"], row["mean"], row["max"]) for row in windows[1:4:2]] == [
        ("temperature", 0.25, 0.5),
        ("temperature", 1.0, 1.25),
    ]
