"""The register in memory, with what place and resident add."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from hub.database import devices, for_writing, migrate, open_engine, places, residents
from hub.devices import Device, Devices, read_devices


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = open_engine(f"sqlite:///{tmp_path / 'hub.db'}")
    migrate(opened)
    yield opened
    opened.dispose()


def test_a_device_has_the_words_of_its_place_and_the_tags_of_its_resident(engine: Engine) -> None:
    with for_writing(engine).begin() as connection:
        connection.execute(
            places.insert().values(
                path="b1/101", kind="home", name_zh="1号楼101", name_en="Flat 101", grid="g3"
            )
        )
        connection.execute(
            residents.insert().values(
                id="r1", name="王", place="b1/101", tags_json='["lives-alone"]'
            )
        )
        connection.execute(
            devices.insert().values(
                id="btn-1",
                family="button",
                driver="native",
                address="native:btn-1",
                name_zh="按钮",
                name_en="Button",
                place="b1/101",
                tags_json='["bedside"]',
                resident_id="r1",
                added_ms=5,
            )
        )
    with engine.connect() as connection:
        (found,) = read_devices(connection)

    assert found == Device(
        id="btn-1",
        family="button",
        driver="native",
        address="native:btn-1",
        name_zh="按钮",
        name_en="Button",
        place="b1/101",
        place_zh="1号楼101",
        place_en="Flat 101",
        grid="g3",
        tags=frozenset({"bedside"}),
        resident_id="r1",
        resident_tags=frozenset({"lives-alone"}),
        added_ms=5,
    )


def test_the_register_is_asked_by_address_and_by_id() -> None:
    known = Devices([Device("d1", "door", "native", "native:d1", "门", "Door", grid="g1")])

    assert known.driver_of("native:d1") == "native"
    assert known.driver_of("native:d2") is None
    assert known.describe("d1") == ("door", "g1", None)
    assert known.describe("d2") is None


def test_topics_of_buttons_of_other_ecosystems_are_known_from_their_addresses() -> None:
    known = Devices(
        [
            Device("b1", "button", "native", "native:b1", "", ""),
            Device("b2", "button", "zigbee2mqtt", "zigbee2mqtt:sos", "", ""),
            Device("b3", "button", "milesight_button", "lorawan:24e1", "", ""),
            Device("b4", "button", "x", "tts:app/dev", "", ""),
            Device("d1", "door", "zigbee2mqtt", "zigbee2mqtt:door", "", ""),
        ]
    )

    assert known.button_topics() == ["zigbee2mqtt/sos", "application/+/device/24e1/event/up"]
