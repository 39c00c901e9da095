"""The way back to a device: a fake driver's words, on a real broker, out of the real judge."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
import sqlalchemy as sa

from device_drivers.catalog import DRIVERS
from device_drivers.driver import Downlink, Driver, Publication, Sign
from hub.announcements import Announcements
from hub.database import devices, for_writing, migrate, notices, open_engine
from hub.deliver import GiveUp
from hub.devices import Device, Devices, read_devices
from hub.downlinks import Downlinks, can_show, write
from hub.notifiers.mqtt import DownChannel
from hub.outbox import Notice
from hub.settings import Settings
from hub.strangers import Strangers
from tests.hub.announcing import NAME, driver, show
from tests.programs import Mosquitto
from tests.stories.hub_in_hand import HubInHand, hub_in_hand, native

TOPIC = "rooms/bed"
BED = Device("bed-1", "button", NAME, f"{NAME}:bed", "床头", "Bed", topic=TOPIC)
PENDANT = "24e124000000000a"
UPLINK = f"application/one/device/{PENDANT}/event/up"


def shows(one: Device, *drivers: Driver, **more: Any) -> Downlinks:
    """Ways back to one device."""
    unknown = Strangers(strangers_max=10, messages_max=1)
    announcements = Announcements(Settings(data_dir=Path()))
    known = {each.name: each for each in drivers}
    return Downlinks(Devices([one]), unknown, announcements.documents, drivers=known, **more)


def test_a_driver_that_shows_is_asked_with_the_newest_presss_topic() -> None:
    ways = shows(replace(BED, topic=None), driver(show=show))
    assert ways.publication("bed-1", "heard") is None, "nobody knows yet where it is"
    ways.heard("bed-1", f"{TOPIC}/availability", pressed=False)
    ways.heard("bed-1", TOPIC, pressed=True)
    ways.heard("bed-1", f"{TOPIC}/availability", pressed=False)

    assert ways.publication("bed-1", "heard") == (f"{TOPIC}/lamp", b"blink")
    assert ways.publication("bed-1", "nobody") is None, "the device has no sign for it"
    assert ways.take_rows() == {"bed-1": TOPIC}
    ways.heard("bed-1", TOPIC, pressed=True)
    assert not ways.waits(), "written when it changes, not with every press"


def test_a_frame_is_wrapped_for_its_network_server() -> None:
    def show_frame(sign: Sign) -> Downlink | None:
        return Downlink(85, b"\x01") if sign == "heard" else None

    def wrap(topic: str, address: str, downlink: Downlink) -> Publication | None:
        return Publication(f"{topic}|{address}", downlink.payload)

    ways = shows(BED, driver(show_frame=show_frame), wrap=wrap)
    assert ways.publication("bed-1", "heard") == (f"{TOPIC}|{NAME}:bed", b"\x01")
    assert ways.publication("bed-1", "closed") is None


def test_a_driver_that_falls_stops_nobody() -> None:
    def broken(_sign: Sign, _topic: str, _document: Any) -> Publication | None:
        raise ZeroDivisionError

    assert shows(BED, driver(show=broken)).publication("bed-1", "heard") is None


def test_a_driver_without_a_sign_shows_nothing() -> None:
    assert shows(BED, driver()).publication("bed-1", "heard") is None
    assert not can_show(driver())
    assert can_show(driver(show=show))
    assert can_show(DRIVERS["native"])


def test_where_a_button_was_heard_is_kept_with_the_register(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'hub.db'}")
    migrate(engine)
    with for_writing(engine).begin() as connection:
        connection.execute(devices.insert().values(**native("bed-1", "button"), added_ms=1))
        write(connection, {"bed-1": TOPIC})
    with engine.connect() as connection:
        assert [device.topic for device in read_devices(connection)] == [TOPIC]
    engine.dispose()


# -- the whole hub, with a driver that can show ---------------------------------------------------

ZIGBEE = "zigbee2mqtt/panic_1"


def zigbee(**more: Any) -> dict[str, Any]:
    """A panic button of zigbee2mqtt in the register."""
    row = native("panic-1", "button")
    return {**row, "driver": "zigbee2mqtt", "address": "zigbee2mqtt:panic_1", **more}


def set_siren(sign: Sign, topic: str, _document: Any) -> Publication | None:
    """What a siren could be told: `heard` and `closed` only."""
    words = {"heard": b'{"led":"on"}', "closed": b'{"led":"off"}'}
    return Publication(f"{topic}/set", words[sign]) if sign in words else None


@contextlib.asynccontextmanager
async def listening(hub: HubInHand, *topics: str) -> AsyncIterator[aiomqtt.Client]:
    """An ear on the broker."""
    async with hub.client() as client:
        for topic in topics:
            await client.subscribe(topic, qos=1)
        yield client


async def next_word(client: aiomqtt.Client) -> tuple[str, bytes]:
    """The next message there."""
    async with asyncio.timeout(20):
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            return str(message.topic), message.payload
    raise AssertionError("the connection ended")


def can_show_by(hub: HubInHand, *drivers: Driver) -> None:
    """Have the running hub know these drivers' signs, in place of the catalogue's."""
    assert hub.house is not None
    hub.house.around.downlinks.drivers = {one.name: one for one in drivers}


async def order(hub: HubInHand, act: str, **body: Any) -> None:
    """A person acts on the only case."""
    [case] = hub.cases()
    async with hub.api() as caller:
        asked = caller.post(f"/api/v1/cases/{case.id}/{act}", json=body)
        answer = await asked
    assert answer.status_code in (200, 202), answer.text
    await hub.settled()


async def test_what_becomes_of_a_press_is_shown_in_the_devices_own_words(
    tmp_path: Path, broker: Mosquitto
) -> None:
    siren = replace(DRIVERS["zigbee2mqtt"], show=set_siren)
    async with hub_in_hand(tmp_path, broker, [zigbee()]) as hub:
        can_show_by(hub, siren)
        async with listening(hub, f"{ZIGBEE}/set") as ear:
            await hub.said_twice([(ZIGBEE, {"action": "emergency"})])
            assert await next_word(ear) == (f"{ZIGBEE}/set", b'{"led":"on"}')
            await order(hub, "dispatch", to="grid 1")  # there is no sign for it
            await order(hub, "close", outcome="real_need", called_back=True)
            assert await next_word(ear) == (f"{ZIGBEE}/set", b'{"led":"off"}')

        await hub.stop()
        await hub.start()
        assert hub.house is not None
        assert hub.house.devices.by_id["panic-1"].topic == ZIGBEE, "known over a restart"


async def test_a_device_that_can_show_nothing_gets_no_notice_and_delays_nobody(
    tmp_path: Path, broker: Mosquitto
) -> None:
    rows = [zigbee(), native("b-1", "button")]
    async with hub_in_hand(tmp_path, broker, rows) as hub:
        async with listening(hub, "community/demo/button/b-1/down", "zigbee2mqtt/#") as ear:
            await hub.said_twice([(ZIGBEE, {"action": "emergency"})])
            assert (await next_word(ear))[0] == ZIGBEE
            await hub.said_twice([("community/demo/button/b-1/up", {"press": "sos", "id": "1"})])
            answers = [await next_word(ear), await next_word(ear)]
            bodies = [json.loads(payload) for _topic, payload in answers]
            assert {"heard": "1"} in bodies
            assert [body["state"] for body in bodies if "state" in body] == ["heard"]
        with open_engine(hub.settings.database).connect() as connection:
            down = connection.execute(
                sa.select(notices.c.case_id).where(notices.c.channel == "down")
            ).all()
        assert len(hub.cases()) == 2
        assert len(down) == 1, "of the native button only"


async def test_a_test_press_is_shown_nothing(tmp_path: Path, broker: Mosquitto) -> None:
    siren = replace(DRIVERS["zigbee2mqtt"], show=set_siren)
    async with hub_in_hand(tmp_path, broker, [zigbee()]) as hub:
        can_show_by(hub, siren)
        async with listening(hub, f"{ZIGBEE}/set") as ear:
            await hub.said_twice([(ZIGBEE, {"action": "release"})])
            assert hub.cases() == []
            await hub.said_twice([(ZIGBEE, {"action": "emergency"})])
            assert await next_word(ear) == (f"{ZIGBEE}/set", b'{"led":"on"}')


@pytest.mark.parametrize("topic", ["", "a/+/b", "a/#"])
async def test_a_topic_that_is_none_is_given_up(topic: str) -> None:
    body = {"topic": topic, "payload": "", "case": "C-1", "state": "heard"}
    notice = Notice(1, "C-1", "down", None, "raised", json.dumps(body), 0, 0, 0)
    publisher: Any = None  # never reached
    with pytest.raises(GiveUp):
        await DownChannel(publisher, "demo").send(notice)
