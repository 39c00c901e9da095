"""Gateways: learned, judged by what comes through them, believed where they speak."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hub.database import for_writing, migrate, open_engine
from hub.devices import Device, Devices
from hub.gateways import Gateways, write, write_words
from hub.settings import Settings
from hub.site_link import SiteLink

MINUTE, HOUR = 60_000, 3_600_000
DOOR = Device("d-1", "door", "native", "native:d-1", "门", "Door")
LORA = Device("gw-roof", "gateway", "lorawan", "lorawan:a84041", "楼顶网关", "Roof")


def known(*devices: Device, **settings: Any) -> Gateways:
    """Gateways of a site with these devices."""
    return Gateways(Settings(data_dir=Path(), **settings), Devices([DOOR, *devices]))


def busy(gateways: Gateways, name: str = "gw", until_ms: int = HOUR, every_ms: int = MINUTE) -> int:
    """Let messages of the door come through it until that moment."""
    for at_ms in range(every_ms, until_ms + 1, every_ms):
        gateways.heard(name, "lorawan", "d-1", at_ms)
    return until_ms


@pytest.mark.parametrize("ecosystem", ["lorawan", "tts"])
def test_a_registered_gateway_of_any_ecosystem_goes_by_its_id(ecosystem: str) -> None:
    gateways = known(LORA)
    assert gateways.id_of(ecosystem, "a84041") == "gw-roof"
    assert gateways.id_of(ecosystem, "b84041") == "b84041"
    assert gateways.id_of("native", "a84041") == "a84041"


def test_one_through_which_nothing_comes_is_gone_and_back_with_the_next_message() -> None:
    gateways = known()
    last_ms = busy(gateways)
    assert gateways.fallen_silent(last_ms + 30 * MINUTE) == []
    [said] = gateways.fallen_silent(last_ms + 30 * MINUTE + 1)
    assert (said.entry.device, said.entry.readings[0][:3]) == ("gw", ("online", False, last_ms))
    assert gateways.fallen_silent(last_ms + 9 * HOUR) == [], "said once"

    assert gateways.heard("gw", "lorawan", "d-1", last_ms + 10 * HOUR), "it was gone"
    back = gateways.is_back("gw", last_ms + 10 * HOUR)
    assert back.entry.readings[0][1] is True
    assert not gateways.heard("gw", "lorawan", "d-1", last_ms + 10 * HOUR + 1)


def test_a_gateway_that_is_often_quiet_is_given_more_time() -> None:
    gateways = known(gateway_silence_s=60, gateway_messages_min=5)
    last_ms = busy(gateways, until_ms=10 * HOUR, every_ms=HOUR)
    limit_ms = gateways.limit_ms(gateways.known["gw"])
    assert limit_ms >= 2 * HOUR
    assert gateways.fallen_silent(last_ms + 2 * HOUR) == []
    assert len(gateways.fallen_silent(last_ms + limit_ms + 1)) == 1


def test_one_long_outage_does_not_teach_that_outages_are_usual() -> None:
    gateways = known()
    last_ms = busy(gateways)
    gateways.fallen_silent(last_ms + HOUR)
    gateways.heard("gw", "lorawan", "d-1", last_ms + 500 * HOUR)
    assert gateways.limit_ms(gateways.known["gw"]) <= 6 * HOUR
    busy_again_ms = last_ms + 500 * HOUR
    for step in range(1, 9 * 24 * 60):  # nine days of a message a minute
        gateways.heard("gw", "lorawan", "d-1", busy_again_ms + step * MINUTE)
    assert gateways.limit_ms(gateways.known["gw"]) <= 31 * MINUTE


def test_one_that_says_itself_how_it_is_is_never_judged_by_silence() -> None:
    gateways = known()
    last_ms = busy(gateways)
    gateways.spoke("gw", "lorawan", last_ms, copy=True)
    assert gateways.fallen_silent(last_ms + 90 * HOUR) == []


def test_a_neighbours_gateway_that_heard_a_device_by_chance_is_not_missed() -> None:
    gateways = known()
    gateways.heard("stranger", "lorawan", "d-1", 1)
    assert gateways.fallen_silent(90 * HOUR) == [], "too few messages"
    last_ms = busy(gateways, "gw")
    busy(gateways, "mine", last_ms)
    assert [said.word.id for said in gateways.fallen_silent(90 * HOUR)] == ["mine"]


def test_a_registered_gateway_is_judged_from_its_first_message_on() -> None:
    gateways = known(replace(LORA, id="gw"))
    gateways.heard("gw", "lorawan", "d-1", 1)
    [said] = gateways.fallen_silent(HOUR)
    assert said.entry.flags == 0


def test_silence_while_the_hub_could_hear_nothing_is_not_the_gateways() -> None:
    gateways = known()
    last_ms = busy(gateways)
    gateways.could_be_heard_since(last_ms + 40 * HOUR)
    assert gateways.fallen_silent(last_ms + 40 * HOUR + 30 * MINUTE) == []
    [said] = gateways.fallen_silent(last_ms + 41 * HOUR)
    assert said.word.gone_ms == last_ms + 40 * HOUR


def test_no_flood_of_names_fills_the_memory() -> None:
    gateways = known(LORA, gateways_max=3)
    gone: list[str] = []
    gateways.on_gone(gone.append)
    gateways.heard("gw-roof", "lorawan", None, 1)
    for number in range(10):
        gateways.heard(f"x-{number}", "native", None, 2 + number)
    assert sorted(gateways.known) == ["gw-roof", "x-8", "x-9"]
    assert gone == [f"x-{number}" for number in range(8)]


def test_a_flood_of_names_pushes_out_none_that_carries_our_devices() -> None:
    """It may be gone, and silent for longest: then its absence is what explains them."""
    gateways = known(gateways_max=3)
    gateways.heard("gw", "lorawan", "d-1", 1)
    for number in range(10):
        gateways.heard(f"x-{number}", "native", None, 2 + number)
    assert sorted(gateways.known) == ["gw", "x-8", "x-9"]


@pytest.mark.parametrize("name", ["d-1", "@site"])
def test_a_gateway_with_the_name_of_something_else_is_called_so(name: str) -> None:
    gateways = known()
    address = f"native:{name}"
    assert gateways.id_of("native", name) == gateways.name_of(address) == f"gateway:{address}"
    assert gateways.id_of("native", "gw") == gateways.name_of("native:gw") == "gw"


def test_what_was_said_of_it_is_known_after_a_restart(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'hub.db'}")
    migrate(engine)
    gateways = known()
    last_ms = busy(gateways)
    [said] = gateways.fallen_silent(last_ms + HOUR)
    with for_writing(engine).begin() as connection:
        write_words(connection, [said.word])  # as at a kill: before the figures
    again = known()
    with engine.connect() as connection:
        again.load(connection)
    assert again.known["gw"].gone_ms == last_ms
    with for_writing(engine).begin() as connection:
        write(connection, *gateways.take_rows())
    with engine.connect() as connection:
        again.load(connection)
    assert again.known["gw"].messages == 60
    assert again.known["gw"].gone_ms == last_ms, "figures never say whether it is there"
    engine.dispose()


def test_a_gateway_that_is_registered_later_is_the_same_under_its_id() -> None:
    gateways = known()
    busy(gateways, "a84041")
    gateways._devices.replace([DOOR, LORA])
    gateways.register_changed()
    assert gateways.known["gw-roof"].messages == 60
    assert "a84041" not in gateways.known
    assert gateways.take_rows()[1] == ["a84041"]


def test_a_gateway_behind_which_the_only_device_was_swapped_out_is_not_missed() -> None:
    gateways = known()
    last_ms = busy(gateways)
    gateways._devices.replace([replace(DOOR, address="native:d-9")])
    gateways.register_changed()
    assert gateways.fallen_silent(last_ms + 9 * HOUR) == []

    gateways.heard("gw", "lorawan", "d-1", last_ms + 9 * HOUR)  # the new one hangs there as well
    assert len(gateways.fallen_silent(last_ms + 20 * HOUR)) == 1


# -- the site's link ------------------------------------------------------------------------------


def link(since_ms: int = 0, **more: Any) -> SiteLink:
    """A link that nothing is known of yet."""
    return SiteLink(gone_after_ms=10_000, unheard_since_ms=since_ms, **more)


def test_a_blink_is_nothing_and_more_is_a_fact_with_the_moment_since_when() -> None:
    site = link()
    assert site.look(1_000, connected=True) == []
    assert site.look(2_000, connected=False) == []
    assert site.look(11_000, connected=False) == []
    assert site.look(11_500, connected=True) == []
    assert site.look(12_000, connected=False) == []
    [said] = site.look(22_000, connected=False)
    assert said.entry.readings[0][:3] == ("online", False, 12_000)
    assert site.look(99_000, connected=False) == []
    [back] = site.look(100_000, connected=True)
    assert back.entry.readings[0][:3] == ("online", True, 100_000)


def test_the_bridge_is_waited_for_at_the_start_but_not_for_ever() -> None:
    site = link(has_bridge=True)
    site.gone_ms = 5
    assert site.look(1_000, connected=True) == []
    assert site.bridge_says(b"0")
    assert site.look(20_000, connected=True) == [], "gone already"
    assert site.bridge_says(b"1\n")
    assert len(site.look(21_000, connected=True)) == 1

    silent = link(has_bridge=True)
    silent.gone_ms = 5
    assert silent.look(1_000, connected=True) == []
    assert len(silent.look(11_000, connected=True)) == 1
    assert not silent.bridge_says(b"maybe")
