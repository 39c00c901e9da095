"""At the front door: a device that was swapped out, and a button that is being tested."""

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from device_drivers.reading import Reading
from hub.database import commissionings, devices, for_writing, ghosts, migrate, open_engine, trials
from hub.devices import Device
from hub.ghosts import Ghost, read_ghosts
from hub.journal import PRESS, RETAINED, STRANGER
from hub.trials import Trial, Trials
from tests.hub.doorway import Doorway, client, doorway
from tests.programs import Mosquitto

UP = "community/demo/button/old/up"
BUTTON = Device("btn-1", "button", "native", "native:new", "按钮", "Button")
GHOST = Ghost("native:old", "btn-1", "native", "button", 1)
ROW = {"address": "native:old", "device": "btn-1", "driver": "native", "family": "button"}


def said(**points: object) -> bytes:
    return json.dumps(points).encode()


def haunt(hub: Doorway, ghost: Ghost = GHOST) -> None:
    """The ghost as the register holds it."""
    more = {"swapped_ms": 1, "swapped_by": "wang", "reason": "broken"}
    with for_writing(hub.engine).begin() as connection:
        connection.execute(ghosts.insert().values(ROW | more | {"family": ghost.family}))
        found = read_ghosts(connection)
    hub.devices.replace([BUTTON], found)


def ghost_row(hub: Doorway) -> Any:
    with hub.engine.connect() as connection:
        return connection.execute(sa.select(ghosts.c.messages, ghosts.c.heard_ms)).one()


async def test_what_a_ghost_says_is_kept_as_refused_counted_and_told_once(
    broker: Mosquitto, tmp_path: Path
) -> None:
    async with doorway(broker, tmp_path, known=[BUTTON]) as hub, client(broker) as device:
        haunt(hub)
        for battery in (80, 81, 82):
            await device.publish(UP, said(battery=battery), qos=1)
        await hub.until(lambda hub: hub.count("refusal") == 3)
        [told] = hub.entries("reading")

        assert (told.device, told.readings[0][:2], told.flags) == (
            "btn-1",
            ("ghost", True),
            RETAINED,
        )
        refusal = hub.entries("refusal")[0]
        assert (refusal.body or {})["reason"].startswith("ghost of btn-1")
        assert refusal.raw == said(battery=80)
        assert ghost_row(hub)[0] == 3
        assert hub.strangers() == []


async def test_a_press_of_a_ghost_goes_on_as_a_strangers_and_is_answered(
    broker: Mosquitto, tmp_path: Path
) -> None:
    async with doorway(broker, tmp_path, known=[BUTTON]) as hub, client(broker) as device:
        haunt(hub)
        await device.subscribe("community/demo/button/old/down", qos=1)
        await device.publish(UP, said(id="p-1", press="sos", battery=80), qos=1)
        answer = await anext(aiter(device.messages))

        assert json.loads(bytes(answer.payload or b"")) == {"heard": "p-1"}
        assert ("native:old", "press", "sos") in hub.points()
        assert ("native:old", "battery", 80) not in hub.points()
        [press] = [entry for entry in hub.entries("reading") if entry.device == "native:old"]
        assert press.flags & (STRANGER | PRESS) == STRANGER | PRESS


async def test_what_cannot_be_read_of_a_ghost_button_may_have_been_a_press(
    broker: Mosquitto, tmp_path: Path
) -> None:
    async with doorway(broker, tmp_path, known=[BUTTON]) as hub, client(broker) as device:
        haunt(hub)
        await device.publish(UP, b"{", qos=1)
        await hub.until(lambda hub: hub.count("refusal") == 1)
        assert ("native:old", "undecodable", True) in hub.points()


async def test_the_will_of_a_ghost_is_no_word_of_it(broker: Mosquitto, tmp_path: Path) -> None:
    async with doorway(broker, tmp_path, known=[BUTTON]) as hub, client(broker) as device:
        haunt(hub)
        await device.publish("community/demo/button/old/status", b"offline", qos=1, retain=True)
        await hub.until(lambda hub: hub.count("refusal") == 1)
        assert hub.points() == []
        assert tuple(ghost_row(hub)) == (0, None)


# -- tests of buttons -----------------------------------------------------------------------------

SINCE_MS, UNTIL_MS = 1_000, 301_000


def under_test() -> Trials:
    known = Trials()
    known.begin(Trial("btn-1", 7, "wang", SINCE_MS, UNTIL_MS))
    return known


def press(at_ms: int, kind: str = "sos") -> tuple[Reading, ...]:
    return (Reading("press", kind, at_ms), Reading("rssi", -87.0, at_ms))


def kinds(readings: tuple[Reading, ...]) -> list[Any]:
    return [value for point, value, _, _ in readings if point == "press"]


def test_one_press_is_a_test_and_the_second_is_meant() -> None:
    known = under_test()
    first = known.take("btn-1", press(5_000), 5_100, "gw-2")
    assert kinds(first) == ["test"]
    assert Reading("test_press", "sos", 5_000) in first
    assert kinds(known.take("btn-1", press(6_000), 6_100, "gw-2")) == ["sos"]


@pytest.mark.parametrize(
    ("device", "at_ms", "arrived_ms", "kind"),
    [
        ("btn-2", 5_000, 5_100, "sos"),  # another button
        ("btn-1", SINCE_MS - 1, 5_000, "sos"),  # pressed before the test, heard late
        ("btn-1", UNTIL_MS + 1, UNTIL_MS + 1, "sos"),  # after its end
        ("btn-1", 5_000, UNTIL_MS + 1, "sos"),  # pressed within it, heard after: nobody waits
        ("btn-1", 5_000, 5_100, "cancel"),
    ],
)
def test_every_other_press_is_as_it_was(
    device: str, at_ms: int, arrived_ms: int, kind: str
) -> None:
    assert kinds(under_test().take(device, press(at_ms, kind), arrived_ms, None)) == [kind]


def test_of_a_backlog_only_what_was_pressed_within_the_test_is_one() -> None:
    readings = (Reading("press", "sos", 10), Reading("press", "long", 5_000))
    assert kinds(under_test().take("btn-1", readings, 5_100, None)) == ["sos", "test"]


def test_a_test_that_was_ended_takes_nothing() -> None:
    known = under_test()
    known.end("btn-1")
    assert kinds(known.take("btn-1", press(5_000), 5_100, None)) == ["sos"]


async def test_a_test_press_is_kept_with_its_signal_and_no_restart_takes_a_second_one(
    broker: Mosquitto, tmp_path: Path
) -> None:
    topic = "community/demo/button/new/up"
    async with doorway(broker, tmp_path, known=[BUTTON]) as hub, client(broker) as device:
        row = {"id": "btn-1", "family": "button", "driver": "native", "address": "native:new"}
        names = {"name_zh": "按钮", "name_en": "Button", "added_ms": 0}
        with for_writing(hub.engine).begin() as connection:
            connection.execute(devices.insert().values(row | names))
        now_ms = hub.clock.now_ms()
        hub.devices.trials.begin(Trial("btn-1", 7, "wang", now_ms - 1_000, now_ms + 60_000))
        await device.publish(topic, said(press="sos", rssi=-87, via="gw-2", ts=now_ms), qos=1)
        await hub.until(lambda hub: ("btn-1", "press", "test") in hub.points())

        assert ("btn-1", "test_press", "sos") in hub.points()
        with hub.engine.connect() as connection:
            line = connection.execute(commissionings.select()).mappings().one()
            kept = connection.execute(sa.select(trials.c.heard_ms)).scalar()
        assert (line["why"], line["by"], line["test_press"]) == ("tested", "wang", "sos")
        assert (line["rssi"], line["gateway"], line["test_press_ms"]) == (-87.0, "gw-2", kept)
        assert kept is not None
        assert line["test_delay_ms"] == kept - now_ms
        after = Trials()
        with hub.engine.connect() as connection:
            after.load(connection)
        assert after.under_way == {}


def test_a_restart_in_the_middle_of_a_test_goes_on_with_it(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'hub.db'}")
    migrate(engine)
    row = {"device": "btn-1", "seq": 7, "by": "wang", "since_ms": 1, "until_ms": 2}
    with for_writing(engine).begin() as connection:
        connection.execute(trials.insert().values(row))
        known = Trials()
        known.load(connection)
    assert known.under_way == {"btn-1": Trial("btn-1", 7, "wang", 1, 2)}
    engine.dispose()
