"""Receive, keep, answer, acknowledge: on a real broker and a real database."""

import asyncio
import json
import threading
from functools import partial
from pathlib import Path

import aiomqtt
import pytest

from hub.devices import Device
from hub.filters import Filters
from hub.journal import PRESS, STRANGER
from hub.settings import Settings
from tests.hub.courtroom import HandClock
from tests.hub.doorway import Doorway, client, doorway
from tests.programs import Mosquitto, mosquitto

UP = "community/demo/button/btn-1/up"
DOWN = "community/demo/button/btn-1/down"
BUTTON = Device("btn-1", "button", "native", "native:btn-1", "按钮", "Button")
DOOR = Device("door-1", "door", "native", "native:door-1", "门", "Door")


def said(**points: object) -> bytes:
    return json.dumps(points).encode()


async def next_message(listener: aiomqtt.Client) -> aiomqtt.Message:
    async with asyncio.timeout(20):
        async for message in listener.messages:
            return message
    raise AssertionError("the connection ended")


async def test_a_press_is_kept_and_then_answered(broker: Mosquitto, tmp_path: Path) -> None:
    async with doorway(broker, tmp_path, known=[BUTTON]) as hub, client(broker) as device:
        await device.subscribe(DOWN, qos=1)
        await device.publish(UP, said(id="p-1", press="sos", battery=80), qos=1)
        answer = await next_message(device)

        assert json.loads(bytes(answer.payload or b"")) == {"heard": "p-1"}
        assert hub.points() == [("btn-1", "press", "sos"), ("btn-1", "battery", 80)]


async def test_the_same_press_again_is_answered_again_and_kept_once(
    broker: Mosquitto, tmp_path: Path
) -> None:
    async with doorway(broker, tmp_path, known=[BUTTON]) as hub, client(broker) as device:
        await device.subscribe(DOWN, qos=1)
        for _ in range(3):
            await device.publish(UP, said(id="p-1", press="sos"), qos=1)
            answer = await next_message(device)
            assert json.loads(bytes(answer.payload or b"")) == {"heard": "p-1"}

        assert hub.points() == [("btn-1", "press", "sos")]


async def test_a_press_known_before_a_restart_is_known_after_it(
    broker: Mosquitto, tmp_path: Path
) -> None:
    for _ in range(2):
        async with doorway(broker, tmp_path, known=[BUTTON]) as hub, client(broker) as device:
            await device.subscribe(DOWN, qos=1)
            await device.publish(UP, said(id="p-1", press="sos"), qos=1)
            await next_message(device)

            assert hub.points() == [("btn-1", "press", "sos")]


async def test_two_equal_presses_without_id_and_time_are_two_across_a_restart(
    broker: Mosquitto, tmp_path: Path
) -> None:
    """As zigbee2mqtt sends them: at QoS 0, without anything that tells one from the other."""
    sos = Device("sos-1", "button", "zigbee2mqtt", "zigbee2mqtt:sos_1", "求助", "SOS")
    for times in (1, 2):
        async with doorway(broker, tmp_path, known=[sos]) as hub, client(broker) as bridge:
            await bridge.publish("zigbee2mqtt/sos_1", said(action="emergency"), qos=0)
            await hub.until(lambda hub: hub.done == 2)

            assert hub.points() == [("sos-1", "press", "sos")] * times


async def test_a_press_without_id_is_answered_by_its_time(
    broker: Mosquitto, tmp_path: Path
) -> None:
    async with doorway(broker, tmp_path, known=[BUTTON]), client(broker) as device:
        await device.subscribe(DOWN, qos=1)
        await device.publish(UP, said(ts=1_764_000_000_000, press="single"), qos=1)
        answer = await next_message(device)

        assert json.loads(bytes(answer.payload or b"")) == {"heard": "1764000000000"}


async def test_of_a_retained_copy_the_press_is_refused_and_the_state_accepted(
    broker: Mosquitto, tmp_path: Path
) -> None:
    async with client(broker) as device:
        await device.publish(UP, said(id="p-1", press="sos"), qos=1, retain=True)
        state = said(contact="open", battery=50)
        await device.publish("community/demo/door/door-1/up", state, qos=1, retain=True)
    async with doorway(broker, tmp_path, known=[BUTTON, DOOR]) as hub:
        await hub.until(lambda hub: ("door-1", "contact", "open") in hub.points())
        await hub.until(lambda hub: hub.count("refusal") == 1)

        refusal = hub.entries("refusal")[0]
        assert refusal.body is not None
        assert "retained" in refusal.body["reason"]
        assert refusal.raw == said(id="p-1", press="sos")
        assert not [point for point in hub.points() if point[1] == "press"]


async def test_a_retained_copy_that_comes_first_does_not_swallow_the_press_itself(
    broker: Mosquitto, tmp_path: Path
) -> None:
    async with doorway(broker, tmp_path, known=[BUTTON]) as hub:
        async with client(broker) as device:
            await hub.stop()
            press = said(id="p-1", press="sos")
            await device.publish(UP, press, qos=1, retain=True)
        hub.links = hub._links()
        await hub.start()
        await hub.until(lambda hub: ("btn-1", "press", "sos") in hub.points())
        await hub.until(lambda hub: hub.done >= 4)

        assert hub.points().count(("btn-1", "press", "sos")) == 1


async def test_an_unregistered_button_of_another_ecosystem_is_a_button(
    broker: Mosquitto, tmp_path: Path
) -> None:
    async with doorway(broker, tmp_path) as hub, client(broker) as bridge:
        await bridge.publish("zigbee2mqtt/new_sos", said(action="emergency"), qos=1)
        await hub.until(lambda hub: hub.count("reading") == 1)

        (entry,) = hub.entries("reading")
        assert entry.flags & PRESS
        assert entry.flags & STRANGER


async def test_a_clock_that_always_begins_at_the_same_moment_makes_no_two_presses_one(
    broker: Mosquitto, tmp_path: Path
) -> None:
    async with doorway(broker, tmp_path, known=[BUTTON]) as hub, client(broker) as device:
        for times in (1, 2):
            await device.publish(UP, said(ts=946_684_800_000, press="sos"), qos=1)
            await hub.until(lambda hub: hub.done == 2 * times)  # noqa: B023

        assert hub.points() == [("btn-1", "press", "sos")] * 2


@pytest.mark.parametrize(
    ("topic", "payload", "word"),
    [
        ("community/demo/door/door-1/up", b"{", "JSON"),
        ("community/demo/door/door-1/up", b"\xff\xfe", ""),
        ("community/demo/door/door-1/up", b"[" * 100_000, ""),
        ("community/demo/door/door-1/up", b'{"contact": "ajar"}', "contact"),
        ("community/demo/lamp/l-1/up", b"{}", "topic"),
        ("community/demo/door", b"{}", "topic"),
        ("zigbee2mqtt/x", b"null", ""),
    ],
    ids=["broken", "not-utf-8", "deep", "unknown-word", "unknown-family", "short-topic", "null"],
)
async def test_what_cannot_be_understood_is_kept_with_its_bytes_and_a_reason(
    broker: Mosquitto, tmp_path: Path, topic: str, payload: bytes, word: str
) -> None:
    async with doorway(broker, tmp_path, known=[DOOR]) as hub, client(broker) as device:
        await device.publish(topic, payload, qos=1)
        await hub.until(lambda hub: hub.count("refusal") == 1)

        refusal = hub.entries("refusal")[0]
        assert refusal.body is not None
        assert word in refusal.body["reason"]
        assert refusal.body["topic"] == topic
        assert refusal.raw == payload[: hub.settings.raw_bytes_max]


async def test_a_payload_of_ten_megabytes_is_refused_in_words_and_a_press_still_comes_through(
    broker: Mosquitto, tmp_path: Path
) -> None:
    async with doorway(broker, tmp_path, known=[BUTTON]) as hub, client(broker) as device:
        await device.publish("community/demo/door/door-1/up", b"x" * 10_000_000, qos=1)
        await device.publish(UP, said(id="p-1", press="sos"), qos=1)
        await hub.until(lambda hub: hub.count("refusal") == 1 and hub.count("reading") == 1)

        refusal = hub.entries("refusal")[0]
        assert refusal.body is not None
        assert "10000000 bytes" in refusal.body["reason"]
        assert len(refusal.raw or b"") == hub.settings.raw_bytes_max


async def test_a_frame_of_a_button_that_cannot_be_read_may_be_a_press(
    broker: Mosquitto, tmp_path: Path
) -> None:
    async with doorway(broker, tmp_path, known=[BUTTON]) as hub, client(broker) as device:
        await device.publish(UP, b"\x00\x01", qos=1)
        await hub.until(lambda hub: hub.count("reading") == 1)

        assert hub.points() == [("btn-1", "undecodable", True)]
        assert hub.count("refusal") == 1


async def test_a_stranger_is_kept_once_and_its_press_is_heard(
    broker: Mosquitto, tmp_path: Path
) -> None:
    async with doorway(broker, tmp_path) as hub, client(broker) as device:
        for number in range(3):
            await device.publish(UP, said(id=f"p-{number}", press="sos"), qos=1)
        await hub.until(lambda hub: hub.count("reading") == 3)

        (stranger,) = hub.strangers()
        assert (stranger["address"], stranger["messages"]) == ("native:btn-1", 3)
        assert {device for device, _, _ in hub.points()} == {"native:btn-1"}


async def test_a_button_of_another_ecosystem_comes_both_ways_and_is_one(
    broker: Mosquitto, tmp_path: Path
) -> None:
    sos = Device("sos-1", "button", "zigbee2mqtt", "zigbee2mqtt:sos_1", "求助", "SOS")
    payload = said(action="emergency", linkquality=90)
    async with doorway(broker, tmp_path, known=[sos]) as hub, client(broker) as bridge:
        for _ in range(2):
            await bridge.publish("zigbee2mqtt/sos_1", payload, qos=1)
        await hub.until(lambda hub: hub.done == 4)

        presses = [point for point in hub.points() if point[1] == "press"]
        assert presses == [("sos-1", "press", "sos")] * 2


async def test_a_buttons_topic_is_learned_from_its_first_message(
    broker: Mosquitto, tmp_path: Path
) -> None:
    sos = Device("sos-1", "button", "zigbee2mqtt", "zigbee2mqtt:flat/sos", "求助", "SOS")
    settings = Settings(data_dir=tmp_path, topics="zigbee2mqtt/#")
    async with (
        doorway(broker, tmp_path, known=[sos], settings=settings) as hub,
        client(broker) as bridge,
    ):
        hub.links[0].filters = Filters(["community/demo/button/+/up"], topics_max=10)
        await bridge.publish("zigbee2mqtt/flat/sos", said(action="emergency"), qos=1)
        await hub.until(lambda hub: hub.done == 2)

        assert "zigbee2mqtt/flat/sos" in hub.links[0].filters


async def test_what_was_not_committed_when_the_hub_fell_comes_again(
    broker: Mosquitto, tmp_path: Path
) -> None:
    gate = threading.Event()
    first = Doorway(broker, tmp_path, known=[BUTTON])
    await first.start()
    held = first.writer.submit(lambda _connection: gate.wait())
    async with client(broker) as device:
        for number in range(10):
            await device.publish(UP, said(id=f"p-{number}", press="sos"), qos=1)
    await first.stop()
    gate.set()
    await asyncio.wrap_future(held)
    await first.close()

    async with doorway(broker, tmp_path, known=[BUTTON]) as second:
        await second.until(lambda hub: hub.count("reading") == 10)
        ids = [entry.dedupe for entry in second.entries("reading")]
        assert len(set(ids)) == 10


async def test_an_ack_of_an_old_connection_is_not_sent_on_a_new_one(
    broker: Mosquitto, tmp_path: Path
) -> None:
    """The broker falls while presses are being committed; they come again and are kept once."""
    gate = threading.Event()
    async with doorway(broker, tmp_path, known=[BUTTON]) as hub:
        held = hub.writer.submit(lambda _connection: gate.wait())
        async with client(broker) as device:
            for number in range(5):
                await device.publish(UP, said(id=f"a-{number}", press="sos"), qos=1)
        broker.stop()
        gate.set()
        await asyncio.wrap_future(held)
        broker.start()
        async with client(broker) as device:
            for number in range(5):
                await device.publish(UP, said(id=f"b-{number}", press="sos"), qos=1)
        await hub.until(lambda hub: hub.count("reading") == 10)

        marks = [entry.dedupe for entry in hub.entries("reading")]
        assert len(set(marks)) == 10


async def test_uses_that_come_all_at_once_keep_moments_of_their_own(
    broker: Mosquitto, tmp_path: Path
) -> None:
    """As after an outage: the broker hands over everything within one millisecond."""
    gate = threading.Event()
    async with doorway(broker, tmp_path) as hub, client(broker) as device:
        held = hub.writer.submit(lambda _connection: gate.wait())
        for number in range(50):
            said_now = said(id=str(number), rep=1)
            await device.publish("community/demo/counter/gym-1/up", said_now, qos=1)
        gate.set()
        await asyncio.wrap_future(held)
        await hub.until(lambda hub: hub.count("reading") == 50)

        moments = [entry.readings[0].at_ms for entry in hub.entries("reading")]
        assert len(set(moments)) == 50


async def test_messages_are_kept_in_order_and_memory_is_bounded(
    broker: Mosquitto, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path, inflight_messages_max=100, batch_messages_max=50)
    gate = threading.Event()
    async with doorway(broker, tmp_path, settings=settings) as hub, client(broker) as device:
        held = hub.writer.submit(lambda _connection: gate.wait())
        topic = "community/demo/counter/gym-1/up"
        for number in range(1_500):
            await device.publish(topic, said(id=str(number), uses=number), qos=1)
        waiting = len(hub.links[1]._waiting)
        gate.set()
        await asyncio.wrap_future(held)
        await hub.until(lambda hub: hub.count("reading") == 1_500)

        assert waiting <= 100 + 256
        assert [value for _, _, value in hub.points()] == list(range(1_500))


@pytest.mark.parametrize("setting", ["true", "false"])
async def test_where_filters_overlap_each_message_is_kept_once_and_equal_ones_live(
    tmp_path: Path, setting: str
) -> None:
    """mosquitto hands over a copy for each filter that fits, unless it is told not to."""
    clock = HandClock()
    names = ("status", "door")  # the first fits `+/status` and `zigbee2mqtt/+`
    config = f"allow_duplicate_messages {setting}\n"
    with mosquitto(tmp_path, config) as broker:
        async with (
            doorway(broker, tmp_path, clock=clock) as hub,
            client(broker) as ear,
            client(broker) as bridge,
        ):
            for filter_ in ("zigbee2mqtt/+", "+/status", "end"):
                await ear.subscribe(filter_, qos=1)
            for times in (1, 2):
                for name in names:
                    await bridge.publish(f"zigbee2mqtt/{name}", said(contact=False), qos=1)
                # It comes last by the same connection: what came before it, copies too, is done.
                await bridge.publish("community/demo/door/end/up", said(contact="open"), qos=1)
                await hub.until(partial(has_readings, 3 * times))
                clock.now += 60_000
            await bridge.publish("end", b"", qos=1)
            heard = await until_end(ear)

            kept = sorted(str(device) for device, point, _ in hub.points() if point == "contact")
    copies = 2 if setting == "true" else 1
    assert heard.count("zigbee2mqtt/status") == 2 * copies
    assert heard.count("zigbee2mqtt/door") == 2
    assert kept == sorted(2 * ["native:end", *(f"zigbee2mqtt:{name}" for name in names)])


def has_readings(number: int, hub: Doorway) -> bool:
    return hub.count("reading") >= number


def has_done(number: int, hub: Doorway) -> bool:
    return hub.done == number


async def until_end(listener: aiomqtt.Client) -> list[str]:
    """The topics that a client hears until the topic `end` speaks."""
    topics = []
    while (message := await next_message(listener)).topic.value != "end":
        topics.append(message.topic.value)
    return topics


async def test_a_press_on_a_topic_that_several_filters_fit_is_one_press(tmp_path: Path) -> None:
    sos = Device("sos-1", "button", "zigbee2mqtt", "zigbee2mqtt:online", "求助", "SOS")
    clock = HandClock()
    with mosquitto(tmp_path, "allow_duplicate_messages true\n") as broker:
        async with (
            doorway(broker, tmp_path, known=[sos], clock=clock) as hub,
            client(broker) as bridge,
        ):
            for times in (1, 2):  # each by the buttons' connection, and twice by the common one
                await bridge.publish("zigbee2mqtt/online", said(action="emergency"), qos=1)
                await hub.until(partial(has_done, 3 * times))
                clock.now += 60_000

            assert hub.points() == [("sos-1", "press", "sos")] * 2


async def test_what_is_covered_already_is_not_subscribed_to_again(
    broker: Mosquitto, tmp_path: Path
) -> None:
    async with doorway(broker, tmp_path) as hub, client(broker) as bridge:
        hub.links[1].add_topic("zigbee2mqtt/door")  # as an announcement asks
        await bridge.publish("zigbee2mqtt/door", said(contact=False), qos=1)
        await bridge.publish("community/demo/door/end/up", said(contact="open"), qos=1)
        await hub.until(lambda hub: hub.done >= 2)

        assert hub.points() == [
            ("zigbee2mqtt:door", "contact", "open"),
            ("native:end", "contact", "open"),
        ]


async def test_a_shelly_that_repeats_its_last_event_for_hours_gives_one_press(
    broker: Mosquitto, tmp_path: Path
) -> None:
    clock = HandClock()
    topic = "shellies/button-1/input_event/0"
    button = Device("sos-1", "button", "shelly_gen1", "shelly:button-1", "求助", "SOS")
    words = [*6 * [said(event="S", event_cnt=7)], said(event="S", event_cnt=8)]
    words += [*6 * [said(event="", event_cnt=0)], said(event="S", event_cnt=7)]
    hub = Doorway(broker, tmp_path, known=[button], clock=clock)
    hub.links[0].add_topic(topic)  # learned before: it comes by both connections
    await hub.start()
    try:
        async with client(broker) as shelly:
            for number, word in enumerate(words, 1):
                await shelly.publish(topic, word, qos=1)
                await hub.until(partial(has_done, 2 * number))
                clock.now += 30 * 60_000

        presses = [point for point in hub.points() if point[1] == "press"]
        assert presses == [("sos-1", "press", "single")] * 3
    finally:
        await hub.close()
