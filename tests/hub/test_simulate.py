"""Simulated devices: the same seed gives the same day; a press is said again until it is heard."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import islice, pairwise, takewhile
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiomqtt
import pytest
from click.testing import CliRunner

from device_drivers.catalog import (
    DRIVERS,
    driver_by_topic,
    is_network_server,
    receive,
    topics_of_all,
)
from device_drivers.driver import Decoded
from device_drivers.envelopes import SERVER_STEMS
from device_drivers.message import Message
from hub.cli import cli
from hub.clock import SystemClock
from hub.demo.community import device_rows
from hub.filters import covers
from hub.mqtt import Address
from hub.simulate import Pace, Player, Unreachable
from hub.simulated.day import Act, SimulatedDevice, battery_pct, live
from hub.simulated.figures import FIGURES
from hub.simulated.frames import Unusable, device_eui, read_frames
from hub.simulated.voices import Event, Outage, Promised, day_events, milesight_frame, stamped
from tests.programs import Mosquitto, free_port

ZONE = ZoneInfo("Asia/Shanghai")
START_MS = 1_772_398_800_000  # 2026-03-02 05:00 in Shanghai
DAY_MS = 86_400_000
WITHIN_S = 20.0
PROGRAM = [sys.executable, "-c", "from hub.cli import main; main()", "simulate"]


def devices(number: int = 300) -> list[SimulatedDevice]:
    return [SimulatedDevice.of(row) for row in device_rows(number)]


def one_day(seed: int = 1) -> list[Act]:
    acts = live(devices(), seed=seed, start_ms=START_MS, zone=ZONE)
    return list(takewhile(lambda act: act.at_ms < START_MS + DAY_MS, acts))


def events(number: int, *, seed: int = 1, first_press_ms: int | None = None) -> list[Event]:
    every = day_events(
        devices(),
        site="demo",
        zone=ZONE,
        seed=seed,
        start_ms=START_MS,
        run="r",
        promised=Promised(first_press_ms),
    )
    return list(islice(every, number))


# --- the day ---------------------------------------------------------------------------------


def test_the_same_seed_and_start_give_the_same_events_and_another_seed_others() -> None:
    assert events(3_000) == events(3_000)
    assert events(3_000) != events(3_000, seed=2)


def test_a_day_goes_forward_in_time_and_every_family_speaks() -> None:
    day = one_day()
    moments = [act.at_ms for act in day]
    assert moments == sorted(moments)
    assert {act.device.family for act in day} == {"button", "door", "counter"}
    assert 8_000 < len(day) < 40_000


def test_every_door_opens_and_closes_in_turn_by_its_own_resident() -> None:
    homes: dict[str, list[Any]] = {}
    for act in one_day():
        if act.device.role == "home" and "contact" in act.points:
            homes.setdefault(act.device.id, []).append(act.points["contact"])
    assert len(homes) > 80
    assert all(abs(words.count("open") - words.count("closed")) <= 1 for words in homes.values())


def test_machines_are_used_in_the_morning_and_the_evening_and_not_at_night() -> None:
    hours = Counter(
        datetime.fromtimestamp(act.at_ms / 1_000, ZONE).hour
        for act in one_day()
        if "uses" in act.points
    )
    assert min(hours[7], hours[19]) > 2 * hours[10] > 0
    assert not any(hours[night] for night in (0, 1, 2, 3, 4))


def test_a_machine_s_total_never_falls() -> None:
    totals: dict[str, int] = {}
    for act in one_day():
        if "uses" in act.points:
            total = int(act.points["uses"])
            assert total > totals.get(act.device.id, 0)
            totals[act.device.id] = total
    assert len(totals) == 30


def test_every_device_says_several_times_a_day_that_it_is_alive() -> None:
    alive = Counter(act.device.id for act in one_day() if "alive" in act.points)
    assert len(alive) == len([device for device in devices() if device.family != "gateway"])
    assert min(alive.values()) >= 24 / FIGURES.heartbeat_h - 1


def test_a_battery_falls_evenly_and_is_changed_before_it_is_empty() -> None:
    days = [battery_pct("btn-b1-302", day * DAY_MS) for day in range(2_000)]
    falls = [before - after for before, after in pairwise(days)]
    assert min(days) >= int(FIGURES.battery_changed_at_pct)
    assert sum(fall < 0 for fall in falls) in range(1, 9)
    assert max(falls) <= 1


def test_every_simulated_word_is_understood_by_the_catalogue_without_a_warning() -> None:
    driver_of = {row["address"]: row["driver"] for row in device_rows(300)}.get
    heard: Counter[str] = Counter()
    for event in events(12_000):
        body = stamped(event, START_MS)
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        decoded = receive(Message(event.topic, payload, event.retained), driver_of)
        assert isinstance(decoded, Decoded), decoded
        assert not decoded.warnings
        heard[decoded.driver] += 1
    assert {"native", "zigbee2mqtt", "milesight_em300_di", "milesight_door"} <= set(heard)


def test_a_first_press_comes_when_it_was_asked_for() -> None:
    presses = [event for event in events(500, first_press_ms=12_000) if event.press]
    assert presses[0].at_ms == START_MS + 12_000
    assert presses[0].press_id


def test_during_an_outage_a_gateway_is_gone_and_nothing_comes_from_behind_it() -> None:
    outage = Outage(600_000, 3_000_000)
    every = day_events(
        devices(),
        site="demo",
        zone=ZONE,
        seed=1,
        start_ms=START_MS,
        run="r",
        promised=Promised(outage=outage),
    )
    day = list(takewhile(lambda event: event.at_ms < START_MS + 4_000_000, every))
    [gone, back] = [event for event in day if event.family == "gateway"][-2:]
    assert (gone.body, back.body) == (b"offline", b"online")
    assert (gone.at_ms - START_MS, back.at_ms - START_MS) == outage
    name = gone.topic.split("/")[3].encode()
    moments = [e.at_ms - START_MS for e in day if name in json.dumps(e.body, default=str).encode()]
    assert any(moment < outage.from_ms for moment in moments)
    assert any(moment > outage.to_ms for moment in moments)
    assert not any(outage.from_ms <= moment < outage.to_ms for moment in moments)


def test_at_the_most_a_few_of_the_community_s_batteries_are_low() -> None:
    first_day = START_MS // DAY_MS
    for day in range(first_day, first_day + 400, 10):
        low = [d for d in devices() if battery_pct(d.id, day * DAY_MS) < 15]
        assert len(low) <= 5


def test_two_runs_of_the_same_day_have_ids_of_their_own(broker: Mosquitto) -> None:
    def ids(*more: str) -> list[str]:
        command = ["simulate", "--broker", broker.url, "--count", "600", "--rate", "5000"]
        command += ["--start", "2026-03-02T06:30", "--presses-per-day", "500", *more]
        command += ["--answer-wait", "0"]  # no hub is there to answer
        result = CliRunner(env={"HUB_SETTINGS": os.devnull}).invoke(cli, command)
        found: list[str] = json.loads(result.stdout.splitlines()[-1])["press_ids"]
        return found

    first, second = ids(), ids()
    assert first
    assert not set(first) & set(second)
    assert [one.rpartition("-")[2] for one in first] == [one.rpartition("-")[2] for one in second]
    assert ids("--run", "mine") == ids("--run", "mine")


def test_the_milesight_bytes_are_those_of_the_maker_s_examples() -> None:
    assert milesight_frame({"battery": 16, "press": "single"}).hex() == "017510ff2e01"
    assert milesight_frame({"uses": 200}).hex() == "05c8c8000000"


def test_thousands_of_devices_have_ids_of_their_own() -> None:
    assert len({device.id for device in devices(5_000)}) == len(devices(5_000)) >= 5_000
    assert [device.id for device in devices(50)] == [device.id for device in devices(50)]


# --- the player ------------------------------------------------------------------------------


def test_the_slower_of_rate_and_speed_counts() -> None:
    assert Pace(rate=10, speed=None).due_s(5, 999_999) == 0.5
    assert Pace(rate=None, speed=60).due_s(5, 60_000) == 1.0
    assert Pace(rate=10, speed=60).due_s(100, 60_000) == 10.0


def player_of(broker: Mosquitto, **more: Any) -> Player:
    address = Address.parse(broker.url)
    more = {"pace": Pace(rate=5_000, speed=None), "answer_wait_s": 5.0, **more}
    return Player(address, clock=SystemClock(), site="demo", **more)


def presses(number: int) -> Iterator[Event]:
    for n in range(number):
        topic = f"community/demo/button/btn-{n}/up"
        body = {"id": f"p-{n}", "press": "sos"}
        yield Event(0, topic, body, "button", "native", "ts", press=True, press_id=f"p-{n}")


async def hub_that_answers(client: aiomqtt.Client, from_try: int, heard: Counter[str]) -> None:
    """Answers a press when it was said so often, as a hub would that was away before."""
    async for message in client.messages:
        body = json.loads(bytes(message.payload))
        heard[body["id"]] += 1
        if heard[body["id"]] >= from_try:
            down = message.topic.value.removesuffix("up") + "down"
            await client.publish(down, json.dumps({"heard": body["id"]}), qos=1)


@pytest.mark.parametrize("from_try", [1, 2])
async def test_a_press_is_said_again_until_the_hub_has_heard_it(
    broker: Mosquitto, from_try: int
) -> None:
    heard: Counter[str] = Counter()
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        await client.subscribe("community/demo/button/+/up", qos=1)
        hub = asyncio.create_task(hub_that_answers(client, from_try, heard))
        summary = await player_of(broker, answer_wait_s=WITHIN_S).play(presses(50))
        hub.cancel()
    assert set(heard.values()) == {from_try}
    assert (summary["presses"], summary["presses_heard"]) == (50, 50)
    assert summary["press_repeats"] == 50 * (from_try - 1)
    assert summary["press_ids"] == [f"p-{n}" for n in range(50)]


async def test_every_message_arrives_once_and_the_summary_counts_what_arrived(
    broker: Mosquitto,
) -> None:
    arrived: Counter[str] = Counter()
    async with aiomqtt.Client("127.0.0.1", broker.port) as client, asyncio.timeout(WITHIN_S):
        await client.subscribe("#", qos=1)
        player = player_of(broker, count=2_000, answer_wait_s=0.0)
        summary = await player.play(iter(events(5_000)))
        while arrived.total() < 2_000:
            message = await anext(client.messages)
            arrived[message.topic.value.partition("/")[0]] += 1
    words = summary["transports"]
    assert arrived["community"] == words["native"]
    assert arrived["zigbee2mqtt"] == words.get("zigbee2mqtt", 0)
    assert arrived["application"] == words["lorawan"]
    assert summary["messages"] == sum(summary["families"].values()) == 2_000


async def test_over_a_fall_of_the_broker_every_press_is_heard_in_the_end(
    broker: Mosquitto,
) -> None:
    words: list[str] = []
    gone = asyncio.Event()

    def say(word: str) -> None:
        words.append(word)
        gone.set()

    player = player_of(broker, answer_wait_s=WITHIN_S, say=say, pace=Pace(rate=100, speed=None))
    playing = asyncio.create_task(player.play(presses(100)))
    async with asyncio.timeout(WITHIN_S):
        async with aiomqtt.Client("127.0.0.1", broker.port) as client:
            await client.subscribe("community/demo/button/+/up", qos=1)
            await anext(client.messages)  # the first press is there: now the broker falls
        broker.stop(signal.SIGKILL)
        await gone.wait()
        broker.start()
        async with aiomqtt.Client("127.0.0.1", broker.port) as client:
            await client.subscribe("community/demo/button/+/up", qos=1)
            hub = asyncio.create_task(hub_that_answers(client, 1, Counter()))
            summary = await playing
            hub.cancel()
    assert "connecting again" in words[0]
    assert (summary["presses"], summary["presses_heard"]) == (100, 100)
    assert summary["reconnects"] >= 1


async def test_a_broker_that_is_not_there_is_told_at_once() -> None:
    address = Address("127.0.0.1", free_port())
    player = Player(address, clock=SystemClock(), pace=Pace(), site="demo")
    with pytest.raises(Unreachable, match="no broker answers at 127"):
        await player.play(presses(1))


def test_ctrl_c_ends_the_command_cleanly_with_its_json_line(broker: Mosquitto) -> None:
    noon = ["--start", "2026-03-02T12:00:00+08:00"]  # between ten and eleven buttons are tested
    command = [*PROGRAM, "--broker", broker.url, "--speed", "600", "--first-press", "0", *noon]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        subprocess.run(
            ["mosquitto_sub", "-p", str(broker.port), "-t", "community/+/door/+/up", "-C", "5"],
            check=True,
            timeout=WITHIN_S,
            stdout=subprocess.DEVNULL,
        )
        process.send_signal(signal.SIGINT)
        try:
            out, errors = process.communicate(timeout=WITHIN_S)
        finally:
            process.kill()
    summary = json.loads(out)
    assert process.returncode == 0
    assert errors == b""
    assert summary["messages"] > 5
    assert summary["presses"] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--broker", "http://x"], "--broker: expected mqtt[s]://user:password@host:port"),
        ([], "--broker (or HUB_BROKER): expected mqtt[s]://"),
        (["--broker", "mqtt://127.0.0.1:1", "--start", "soon"], "--start: expected a moment"),
        (["--broker", "mqtt://x", "--devices", "0"], "0 is not in the range"),
        (["--broker", "mqtt://x", "--rate", "-1"], "-1.0 is not in the range"),
        (
            ["--broker", "mqtt://127.0.0.1:1"],
            "127.0.0.1:1: Connection refused",
        ),
    ],
)
def test_a_wrong_option_is_told_in_words(arguments: list[str], said: str) -> None:
    result = CliRunner(env={"HUB_SETTINGS": os.devnull}).invoke(cli, ["simulate", *arguments])
    assert result.exit_code in (1, 2)
    assert said in result.output
    assert "Traceback" not in result.output


# --- recorded frames -------------------------------------------------------------------------

FRAMES = """\
{"id":"a","family":"button","vendor":"milesight","model":"WS101","transport":"lorawan","topic":null,"payload":"017510ff2e01","payload_encoding":"hex","fport":85}
{"id":"b","family":"door","transport":"zigbee2mqtt","topic":"zigbee2mqtt/door-1","payload":{"contact":false},"payload_encoding":"json"}
{"id":"c","family":"gateway","transport":"zigbee2mqtt","topic":"zigbee2mqtt/bridge/state","payload":"online","payload_encoding":"text","retained":true}
{"id":"d","family":"button","transport":"sparkplug-b","topic":"spBv1.0/g/DDATA/gw/d","payload":"AQI=","payload_encoding":"base64"}
{"id":"e","family":"door","transport":"tts","topic":null,"payload":{"end_device_ids":{"device_id":"eui-1","application_ids":{"application_id":"app"}}},"payload_encoding":"json"}
{"id":"f","family":"door","transport":"loriot","topic":null,"payload":{"cmd":"gw"},"payload_encoding":"json"}
{"id":"i","family":"door","transport":"carrier-pigeon","topic":null,"payload":{"cmd":"coo"},"payload_encoding":"json"}

not json
{"id":"g","transport":"tasmota","topic":"stat/+/x","payload":{}}
{"id":"h","transport":"tasmota","topic":"stat/x","payload":"zz","payload_encoding":"hex"}
"""


def test_each_frame_goes_out_in_its_own_topic_and_envelope() -> None:
    found = list(read_frames(FRAMES.encode().splitlines(), run="r"))
    played = [event for event in found if isinstance(event, Event)]
    assert [event.topic for event in played[1:]] == [
        "zigbee2mqtt/door-1",
        "zigbee2mqtt/bridge/state",
        "spBv1.0/g/DDATA/gw/d",
        "v3/app@ttn/devices/eui-1/up",
        "lorawan/loriot/f",
        "frames/carrier-pigeon/i",
    ]
    assert [event.body for event in played[1:4]] == [b'{"contact":false}', b"online", b"\x01\x02"]
    assert [event.retained for event in played[1:4]] == [False, True, False]
    assert [frame.line for frame in found if isinstance(frame, Unusable)] == [9, 10, 11]


RECEIVERS = sorted({driver.transport for driver in DRIVERS.values() if driver.receive})


@pytest.mark.parametrize("transport", [*RECEIVERS, "lorawan", "tts", *SERVER_STEMS, "ttn-v3-http"])
def test_every_transport_that_a_driver_understands_is_played_where_the_hub_listens(
    transport: str,
) -> None:
    """Also where nobody recorded the topic, and with an id that would not fit into one."""
    line = {"id": "a/+#", "transport": transport, "topic": None, "payload": "00"}
    [event] = read_frames([json.dumps({**line, "payload_encoding": "hex"}).encode()], run="r")
    assert isinstance(event, Event)
    listened = ["community/demo/#", *topics_of_all()]
    assert any(covers(one, event.topic) for one in listened), event.topic
    assert not {"+", "#"} & set(event.topic)
    if transport in RECEIVERS:
        driver = driver_by_topic(event.topic)
        assert driver is not None
        assert driver.transport == transport
    else:
        assert is_network_server(event.topic)


def test_a_bare_lorawan_frame_is_wrapped_as_chirpstack_sends_it_and_understood() -> None:
    event = next(iter(read_frames(FRAMES.encode().splitlines(), run="r")))
    assert isinstance(event, Event)
    payload = json.dumps(stamped(event, START_MS)).encode()
    decoded = receive(Message(event.topic, payload), lambda _address: None)
    assert isinstance(decoded, Decoded)
    assert decoded.address == f"lorawan:{device_eui('a')}"
    assert decoded.driver == "milesight_button"
    readings = {reading.point: reading.value for reading in decoded.readings}
    assert readings["press"] == "single"
    assert readings["battery"] == 16


async def test_frames_pass_a_real_broker_as_they_are(broker: Mosquitto, tmp_path: Path) -> None:
    file = tmp_path / "frames.jsonl"
    file.write_text(FRAMES)
    async with aiomqtt.Client("127.0.0.1", broker.port) as client, asyncio.timeout(WITHIN_S):
        await client.subscribe("#", qos=1)
        command = [*PROGRAM, "--broker", broker.url, "--frames", str(file), "--rate", "1000"]
        process = await asyncio.create_subprocess_exec(
            *command, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        out, errors = await process.communicate()
        arrived = [await anext(client.messages) for _ in range(7)]
    summary = json.loads(out)
    assert summary["messages"] == 7
    assert summary["unusable"] == 3
    assert summary["not_subscribed"] == 1
    assert summary["transports"]["lorawan"] == 1
    assert f"{file}:10: topic: expected a topic without wildcards".encode() in errors
    by_topic = {message.topic.value: message.payload for message in arrived}
    assert by_topic["zigbee2mqtt/door-1"] == b'{"contact":false}'
    assert by_topic["spBv1.0/g/DDATA/gw/d"] == b"\x01\x02"
