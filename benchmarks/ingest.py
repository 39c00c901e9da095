"""`make bench`: the durable ingest against mosquitto's own C subscriber, in the same run.

Two measurements on one machine, one mosquitto:

1. Burst: COUNT counter messages at QoS 1 as fast as the broker takes them, to `mosquitto_sub`
   (which keeps nothing) and to the whole hub (decode, dedupe, journal with fsync, judge by the
   community's rules, ack). Rounds take turns; the ratio of the medians is reported.
2. Delay: presses, one every 100 ms, while 3,000 counter messages a second come in: from the publish
   to the case's message on `hub/{site}/cases`, after two commits. p50 and p99.

Prints JSON at the end. `python -m benchmarks.ingest [--count N] [--rounds R] [--presses P]`.
"""

import argparse
import asyncio
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiomqtt

from hub.clock import SystemClock
from hub.database import devices, for_writing, migrate, open_engine
from tests.programs import Mosquitto, mosquitto, program

OTHER_TRAFFIC_PER_S = 3_000
PRESS_EVERY_S = 0.1
MACHINES = 3_000  # a site of a few thousand devices
BUTTONS = 200
GIVE_UP_S = 120.0


def seed(folder: Path) -> None:
    """A register with machines and buttons."""
    folder.mkdir(parents=True)
    engine = open_engine(f"sqlite:///{folder / 'hub.db'}")
    migrate(engine)
    rows = [("counter", f"gym-{number}") for number in range(MACHINES)]
    rows += [("button", f"btn-{number}") for number in range(BUTTONS)]
    now_ms = SystemClock().now_ms()
    with for_writing(engine).begin() as connection:
        connection.execute(
            devices.insert(),
            [
                {
                    "id": name,
                    "family": family,
                    "driver": "native",
                    "address": f"native:{name}",
                    "name_zh": name,
                    "name_en": name,
                    "added_ms": now_ms,
                }
                for family, name in rows
            ],
        )
    engine.dispose()


@contextmanager
def hub(broker: Mosquitto, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The hub as people run it, without the pages."""
    seed(folder)
    process = subprocess.Popen(
        [Path(sys.executable).parent / "hub", "run", "--no-dashboard"],
        env=os.environ
        | {"HUB_DATA_DIR": str(folder), "HUB_BROKER": broker.url, "HUB_CANARY_EVERY_S": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("The hub runs"):
                break
        yield process
    finally:
        process.terminate()
        process.wait()


def flood(broker: Mosquitto, count: int, rate: float) -> subprocess.Popen[bytes]:
    """The publisher, a process of its own."""
    arguments = [str(broker.port), str(count), str(rate), str(MACHINES)]
    return subprocess.Popen([sys.executable, "-m", "benchmarks.flood", *arguments])


def cpu_s(process: subprocess.Popen[Any]) -> float:
    """CPU seconds of a process so far: user and system."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def to_subscriber(broker: Mosquitto, count: int) -> float:
    """Messages a second to mosquitto_sub, from the first message to the last."""
    listener = subprocess.Popen(
        [
            program("mosquitto_sub"),
            "-p",
            str(broker.port),
            "-q",
            "1",
            "-t",
            "community/#",
            "-C",
            str(count + 1),
            "-F",
            "%t",
        ],
        stdout=subprocess.PIPE,
    )
    assert listener.stdout is not None
    ready = [program("mosquitto_pub"), "-p", str(broker.port), "-t", "community/ready", "-m", "1"]
    time.sleep(0.5)
    subprocess.run(ready, check=True)
    listener.stdout.readline()
    publisher = flood(broker, count, 0)
    listener.stdout.readline()
    begun = time.perf_counter()
    while listener.stdout.read(1 << 16):
        pass
    rate = count / (time.perf_counter() - begun)
    listener.wait()
    publisher.wait()
    return rate


def to_hub(broker: Mosquitto, count: int, folder: Path) -> tuple[float, float, float]:
    """Messages a second that are on the disk; CPU seconds per 100,000; seconds behind.

    The clock stops with the last commit, its ack follows at once. The judge works all the while;
    what it and the archive have left to do then is the time behind, and its CPU is counted.
    """
    with hub(broker, folder) as process:
        journal = sqlite3.connect(f"file:{folder / 'hub.db'}?mode=ro", uri=True)
        kept_before, cpu_before_s = kept(journal), cpu_s(process)
        publisher = flood(broker, count, 0)
        while kept(journal) == kept_before:
            time.sleep(0.001)
        begun = time.perf_counter()
        while kept(journal) < kept_before + count:
            time.sleep(0.005)
            assert time.perf_counter() - begun < GIVE_UP_S, "messages are missing"
        seconds = time.perf_counter() - begun
        until_archived(journal, kept_before + count)
        behind_s = time.perf_counter() - begun - seconds
        publisher.wait()
        used_s = (cpu_s(process) - cpu_before_s) / count * 100_000
        return count / seconds, used_s, behind_s


def kept(journal: sqlite3.Connection) -> int:
    """The journal's newest number."""
    return int(journal.execute("SELECT coalesce(max(seq), 0) FROM journal").fetchone()[0])


def until_archived(journal: sqlite3.Connection, seq: int) -> None:
    """Wait for the archive, which lets the judge go first: so that all work is counted."""
    begun = time.perf_counter()
    while time.perf_counter() - begun < GIVE_UP_S:
        cursor = journal.execute("SELECT seq FROM cursors WHERE follower = 'archive'").fetchone()
        if cursor is not None and cursor[0] >= seq:
            return
        time.sleep(0.02)
    raise AssertionError("the archive did not get there")


async def delays(broker: Mosquitto, presses: int) -> list[float]:
    """Milliseconds from the publish of a press to its case's message."""
    sent: dict[str, float] = {}
    found: list[float] = []
    async with (
        aiomqtt.Client("127.0.0.1", broker.port) as listener,
        aiomqtt.Client("127.0.0.1", broker.port) as buttons,
    ):
        await listener.subscribe("hub/demo/cases", qos=1)
        heard = asyncio.create_task(_hear(listener, sent, found, presses))
        for number in range(presses):
            name = f"btn-{number % BUTTONS}"
            sent[name] = time.perf_counter()
            said = json.dumps({"id": f"delay-{number}", "press": "sos"})
            await buttons.publish(f"community/demo/button/{name}/up", said, qos=1)
            await asyncio.sleep(PRESS_EVERY_S)
        async with asyncio.timeout(GIVE_UP_S):
            await heard
    return found


async def _hear(
    listener: aiomqtt.Client, sent: dict[str, float], found: list[float], presses: int
) -> None:
    async for message in listener.messages:
        body = json.loads(bytes(message.payload or b""))
        if body["device"] in sent:
            found.append((time.perf_counter() - sent.pop(body["device"])) * 1_000)
        if len(found) == presses:
            return


def measure_delay(broker: Mosquitto, presses: int, folder: Path) -> dict[str, float]:
    """p50 and p99 of the delay under other traffic, and the hub's CPU at that rate."""
    with hub(broker, folder) as process:
        seconds = presses * PRESS_EVERY_S + 2
        traffic = flood(broker, int(OTHER_TRAFFIC_PER_S * seconds), OTHER_TRAFFIC_PER_S)
        time.sleep(1)
        cpu_before_s, begun = cpu_s(process), time.perf_counter()
        found = sorted(asyncio.run(delays(broker, presses)))
        share = (cpu_s(process) - cpu_before_s) / (time.perf_counter() - begun)
        traffic.terminate()
        traffic.wait()
    return {
        "press_to_case_ms_p50": round(statistics.median(found), 2),
        "press_to_case_ms_p99": round(found[int(len(found) * 0.99) - 1], 2),
        "press_to_case_ms_max": round(found[-1], 2),
        "cpu_share_of_one_core": round(share, 3),
        "cpu_s_per_100k": round(share / OTHER_TRAFFIC_PER_S * 100_000, 2),
    }


@contextmanager
def fresh_broker() -> Iterator[tuple[Mosquitto, Path]]:
    """A mosquitto without anybody's old session, and a folder."""
    with tempfile.TemporaryDirectory() as folder, mosquitto(Path(folder)) as broker:
        yield broker, Path(folder)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--presses", type=int, default=200)
    parser.add_argument("--ratio-min", type=float, default=0.3, help="exit 1 below it")
    options = parser.parse_args()
    subscriber, ours, cpu, behind_s = [], [], [], []
    for round_number in range(options.rounds):
        with fresh_broker() as (broker, _):
            subscriber.append(to_subscriber(broker, options.count))
        with fresh_broker() as (broker, folder):
            rate, used_s, late_s = to_hub(broker, options.count, folder / "hub")
            ours.append(rate)
            cpu.append(used_s)
            behind_s.append(late_s)
        print(f"round {round_number + 1}: C subscriber {subscriber[-1]:,.0f}/s, ", end="")
        print(f"hub {rate:,.0f}/s durable, {used_s:.2f} CPU-s per 100,000", flush=True)
    with fresh_broker() as (broker, folder):
        delay = measure_delay(broker, options.presses, folder / "hub")
    found = {
        "messages": options.count,
        "c_subscriber_per_s": round(statistics.median(subscriber)),
        "hub_durable_per_s": round(statistics.median(ours)),
        "ratio": round(statistics.median(ours) / statistics.median(subscriber), 3),
        "judged_and_archived_after_s": round(statistics.median(behind_s), 2),
        "hub_cpu_s_per_100k": round(statistics.median(cpu), 2),
        "other_traffic_per_s": OTHER_TRAFFIC_PER_S,
        **delay,
    }
    print(json.dumps(found, indent=1))
    if found["ratio"] < options.ratio_min:
        sys.exit(f"the ratio is below {options.ratio_min}")


if __name__ == "__main__":
    main()
