"""What ecosystems announce: kept with its bounds, listened to, given to drivers, taken back."""

import json
from pathlib import Path
from typing import Any

import pytest

from device_drivers.catalog import ANNOUNCED_BY
from device_drivers.driver import Announcement
from hub.announcements import Announcements, announced_of, write
from hub.database import for_writing, migrate, open_engine
from hub.devices import Device
from hub.ingest import BUTTONS
from hub.settings import Settings
from tests.hub.announcing import NAME, config, read
from tests.hub.doorway import Doorway, client, doorway
from tests.programs import Mosquitto

DOOR: dict[str, Any] = {
    "topic": "rooms/pantry",
    "point": "contact",
    "values": {"ON": "open", "OFF": "closed"},
    "family": "door",
    "name": "Pantry",
    "maker": "Acme",
    "model": "D1",
}
BUTTON: dict[str, Any] = {
    "topic": "rooms/bed",
    "point": "press",
    "values": {"ON": "sos"},
    "family": "button",
}


def said(document: dict[str, Any]) -> bytes:
    """A document as it is published."""
    return json.dumps(document).encode()


async def announce(hub: Doorway, broker: Mosquitto, device: str, payload: bytes) -> None:
    """Publish it retained, and return when the table is as the memory is."""
    async with client(broker) as bridge:
        await bridge.publish(config(device), payload, qos=1, retain=True)
    known = payload != b""
    await hub.until_so(lambda: bool(hub.announced(device)) == known)


ANNOUNCING = "announcing/+/config"


def site(folder: Path) -> Settings:
    """A hub that listens to what is announced."""
    return Settings(data_dir=folder, reconnect_min_s=0.01, topics=ANNOUNCING)


async def test_what_is_announced_is_listened_to_and_read_by_its_document(
    broker: Mosquitto, tmp_path: Path
) -> None:
    async with doorway(broker, tmp_path, settings=site(tmp_path), read=read) as hub:
        await announce(hub, broker, "pantry", said(DOOR))
        assert hub.entries() == [], "an announcement alone is no word of the device"
        assert hub.strangers() == []
        assert "rooms/pantry" in hub.links[1].filters
        assert "rooms/pantry" not in hub.links[0].filters

        async with client(broker) as device:
            await device.publish("rooms/pantry", b"ON", qos=1)
        await hub.until(lambda hub: hub.done == 1)
        assert hub.points() == [(f"{NAME}:pantry", "contact", "open")]


async def test_a_retained_announcement_is_heard_at_the_start_and_known_at_the_next_one(
    broker: Mosquitto, tmp_path: Path
) -> None:
    async with client(broker) as bridge:
        await bridge.publish(config("pantry"), said(DOOR), qos=1, retain=True)
    async with doorway(broker, tmp_path, settings=site(tmp_path), read=read) as hub:
        await hub.until_so(lambda: bool(hub.announced("pantry")))
    silent = Settings(data_dir=tmp_path, reconnect_min_s=0.01, topics="nothing/here")
    async with doorway(broker, tmp_path, settings=silent, read=read) as hub:
        assert "rooms/pantry" in hub.links[1].filters
        async with client(broker) as device:
            await device.publish("rooms/pantry", b"OFF", qos=1)
        await hub.until(lambda hub: hub.done >= 1)
        assert hub.points() == [(f"{NAME}:pantry", "contact", "closed")]


async def test_an_empty_document_takes_it_back(broker: Mosquitto, tmp_path: Path) -> None:
    async with doorway(broker, tmp_path, settings=site(tmp_path), read=read) as hub:
        await announce(hub, broker, "pantry", said(DOOR))
        await announce(hub, broker, "pantry", b"")

        assert "rooms/pantry" not in hub.links[1].filters
        assert hub.around.announcements.documents("rooms/pantry") == {}


@pytest.mark.parametrize("by", ["its document", "the register"])
async def test_a_buttons_topic_comes_by_the_buttons_connection_as_well(
    broker: Mosquitto, tmp_path: Path, by: str
) -> None:
    document = BUTTON if by == "its document" else {**BUTTON, "family": None}
    bed = Device("bed-1", "button", NAME, f"{NAME}:bed", "床头", "Bed")
    known = [] if by == "its document" else [bed]
    async with doorway(broker, tmp_path, settings=site(tmp_path), read=read, known=known) as hub:
        await announce(hub, broker, "bed", said(document))
        assert "rooms/bed" in hub.links[0].filters
        assert "rooms/bed" in hub.links[1].filters
        async with client(broker) as device:
            await device.publish("rooms/bed", b"ON", qos=1)
        await hub.until(lambda hub: hub.done == 2)
        sender = f"{NAME}:bed" if by == "its document" else "bed-1"
        assert hub.points() == [(sender, "press", "sos")]


async def test_who_takes_back_a_topic_of_the_hubs_own_stops_no_button(
    broker: Mosquitto, tmp_path: Path
) -> None:
    async with doorway(broker, tmp_path, settings=site(tmp_path), read=read) as hub:
        own = [list(link.filters) for link in hub.links]
        for topic in own[BUTTONS]:
            bed = Announcement("bed", "1", BUTTON, topics=(topic,), family="button")
            hub.around.announcements.keep(NAME, [bed], 0)
            hub.around.announcements.keep(NAME, [Announcement("bed", "1", {})], 0)
        assert [list(link.filters) for link in hub.links] == own


async def test_the_bounds_are_said_in_words_and_hold(broker: Mosquitto, tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path,
        reconnect_min_s=0.01,
        topics=ANNOUNCING,
        announcements_max=1,
        announcement_bytes_max=300,
    )
    async with doorway(broker, tmp_path, settings=settings, read=read) as hub:
        await announce(hub, broker, "pantry", said(DOOR))
        async with client(broker) as bridge:
            await bridge.publish(config("second"), said({**DOOR, "topic": "a"}), qos=1)
            large = said({**DOOR, "note": "x" * 400})
            await bridge.publish(config("pantry"), large, qos=1)
        await hub.until(lambda hub: hub.done == 2)

        reasons = [str((entry.body or {})["reason"]) for entry in hub.entries("refusal")]
        assert "HUB_ANNOUNCEMENTS_MAX" in reasons[0]
        assert "HUB_ANNOUNCEMENT_BYTES_MAX" in reasons[1]
        assert hub.announced("second") == []


@pytest.mark.parametrize("topic", ["#", "+/x", "$SYS/x", "a/#/b", ""])
def test_a_topic_that_asks_for_the_whole_broker_is_refused(tmp_path: Path, topic: str) -> None:
    kept = Announcements(Settings(data_dir=tmp_path))
    one = Announcement("k", document={"a": 1}, topics=(topic,))
    [reason] = kept.keep("x", [one], 1)
    assert "no topic to listen to" in reason
    assert kept.documents("k") == {}


def test_parts_share_a_key_and_the_same_again_is_no_change(tmp_path: Path) -> None:
    kept = Announcements(Settings(data_dir=tmp_path))
    parts = [Announcement("k", name, {"of": name}, (f"t/{name}",), "x:1") for name in "ab"]
    assert kept.keep("x", parts, 1) == []
    assert kept.documents("k") == {ANNOUNCED_BY: "x", "a": {"of": "a"}, "b": {"of": "b"}}
    assert kept.topics_of("x:1") == ["t/a", "t/b"]
    rows, gone = kept.take_rows()
    assert ({row["part"] for row in rows}, gone) == ({"a", "b"}, [])

    kept.keep("x", parts, 2)
    assert not kept.waits()
    kept.keep("x", [Announcement("k", "a", {})], 3)
    assert kept.documents("k") == {ANNOUNCED_BY: "x", "b": {"of": "b"}}
    assert kept.take_rows() == ([], [("k", "a")])


def test_what_was_written_is_what_is_loaded(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'hub.db'}")
    migrate(engine)
    kept = Announcements(Settings(data_dir=tmp_path))
    kept.keep("x", [Announcement("k", "a", {"of": [1, "二"]}, ("t/a",), "x:1")], 1)
    with for_writing(engine).begin() as connection:
        write(connection, kept.take_rows())
    again = Announcements(Settings(data_dir=tmp_path))
    with engine.connect() as connection:
        again.load(connection)
    heard: list[str] = []
    again.on_topics(lambda topic, _row: heard.append(topic), heard.remove)
    assert (again.documents("k"), heard) == (kept.documents("k"), ["t/a"])
    again.keep("x", [Announcement("k", "a", {"of": 2}, ("t/b",), "x:1")], 2)
    assert heard == ["t/b"]
    engine.dispose()


def test_the_newest_word_about_an_address_counts() -> None:
    empty: dict[str, Any] = dict.fromkeys(("name", "maker", "model", "family", "guess"))
    rows = [empty | {"name": "old", "maker": "Acme"}, empty | {"name": "new", "guess": "d"}]
    told = announced_of(rows)
    assert told == {"name": "new", "maker": "Acme", "model": None, "family": None, "driver": "d"}
