"""One cause, one alarm: what is behind something that is gone is explained, and nobody is told."""

import contextlib
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.programs import Mosquitto, mosquitto
from tests.stories.hub_in_hand import (
    HOUR,
    MINUTE,
    HubInHand,
    WillingGateway,
    hub_in_hand,
    lorawan,
    native,
    status,
    up,
    uplink,
)

GATEWAY, OTHER = "gw-1", "gw-2"
LORA, LORA_2 = "a84041ffff000001", "a84041ffff000002"
DEVICES = 300
DEAD = ("d-007", "d-008", "d-009")
SITE_TOPIC = "bridges/site"
OTHER_OF = {"site": "gateway", "gateway": "site"}

# Three residents: one with her only button behind the gateway, one with a second button behind
# another one, one who lives elsewhere; and one who lives alone, with a door.
PEOPLE: list[dict[str, Any]] = [
    {"id": "r-1", "name": "王秀英", "place": "b1/101"},
    {"id": "r-2", "name": "李建国", "place": "b1/102"},
    {"id": "r-3", "name": "赵玉兰", "place": "b2/201"},
    {"id": "r-4", "name": "孙桂芳", "place": "b1/104", "tags_json": '["lives-alone"]'},
]
BUTTONS = {"b-1": "r-1", "b-2": "r-2", "b-2b": "r-2", "b-3": "r-3"}
ELSEWHERE = {"b-2b": OTHER, "b-3": OTHER}
DOORS = [f"d-{number:03d}" for number in range(DEVICES - 2)]


def gateway_of(device: str) -> str:
    """Behind which gateway a native device of these stories is."""
    return ELSEWHERE.get(device, GATEWAY)


def register() -> list[dict[str, Any]]:
    """The 300 devices behind the gateway, and those elsewhere."""
    rows = [native(name, "button", resident_id=who) for name, who in BUTTONS.items()]
    rows += [native(name, resident_id="r-4" if name == "d-001" else None) for name in DOORS]
    return [*rows, native(GATEWAY, "gateway"), native(OTHER, "gateway")]


def alive(but: tuple[str, ...] = (), **more: Any) -> list[Any]:
    """A sign of life of every device; doors say that they are shut."""
    said = [up(name, "button", alive=True, via=gateway_of(name), **more) for name in BUTTONS]
    said += [up(name, contact="closed", via=GATEWAY, **more) for name in DOORS]
    return [one for one in said if one[0].split("/")[3] not in but]


@contextlib.asynccontextmanager
async def native_site(
    tmp_path: Path, broker: Mosquitto, **settings: Any
) -> AsyncIterator[tuple[HubInHand, WillingGateway]]:
    """The hub with its 300 devices, all of which have just spoken through a living gateway."""
    gateway = WillingGateway(broker, GATEWAY)
    async with hub_in_hand(tmp_path, broker, register(), PEOPLE, **settings) as hub:
        await gateway.connect()
        try:
            await hub.said([status(GATEWAY, "online"), status(OTHER, "online"), *alive()])
            yield hub, gateway
        finally:
            gateway.kill()


async def gateway_dies(hub: HubInHand, gateway: WillingGateway) -> None:
    """Its process is killed, and its will is heard."""
    gateway.kill()
    await hub.until(lambda: hub.own_words(GATEWAY)[-1][0] is False)
    await hub.settled()


async def three_hundred_are_explained(hub: HubInHand, cause: str, case_id: str) -> None:
    """Countable in the case, at each device and in the metrics."""
    whole = await hub.asked(f"/api/v1/cases/{case_id}")
    assert whole["case"]["explained"] == DEVICES
    listed = await hub.asked("/api/v1/devices?limit=1000")
    behind = [one["id"] for one in listed["devices"] if one["explained_by"] == cause]
    assert len(behind) == DEVICES
    assert f'hub_devices_explained{{by="{cause}"}} {DEVICES}.0' in await hub.asked("/metrics")


async def test_a_dead_gateway_with_300_devices_is_one_case_and_three_dead_ones_are_three(
    tmp_path: Path, broker: Mosquitto
) -> None:
    async with native_site(tmp_path, broker) as (hub, gateway):
        await hub.at(HOUR)
        await gateway_dies(hub, gateway)
        await hub.at(HOUR + 2 * MINUTE)

        [case] = hub.cases()
        assert (case.rule, case.key, case.severity) == ("gateway-offline", GATEWAY, "urgent")
        await three_hundred_are_explained(hub, GATEWAY, case.id)
        await check_without_cover(hub, case.id)

        await hub.at(48 * HOUR)  # far past the window of each of them
        await hub.said([up(name, "button", alive=True, via=OTHER) for name in ELSEWHERE])
        assert [row.rule for row in hub.cases() if row.device not in ELSEWHERE] == [case.rule]
        assert hub.told_of() <= {GATEWAY, *ELSEWHERE}

        await hub.at(50 * HOUR)
        await gateway.connect()
        await hub.said([status(GATEWAY, "online")])
        await hub.at(51 * HOUR)
        await hub.said(alive(but=DEAD))
        await hub.at(
            60 * HOUR
        )  # 11 hours after its door was heard of again: not yet still for a day
        await hub.said([up("d-001", contact="open", via=GATEWAY)])
        await hub.at(76 * HOUR - 1)
        assert [name for name, _ in hub.silent() if name not in ELSEWHERE] == []
        await hub.at(76 * HOUR)
        dead = [one for one in hub.silent() if one[0] not in ELSEWHERE]
        assert dead == [(name, 76 * HOUR) for name in DEAD]
        assert hub.told_of() <= {GATEWAY, *DEAD, *ELSEWHERE}
        assert hub.cases("no-door-activity") == [], "nobody could hear whether the door moved"


async def check_without_cover(hub: HubInHand, case_id: str) -> None:
    """Only who has no button elsewhere; names for staff alone."""
    whole = await hub.asked(f"/api/v1/cases/{case_id}")
    [one] = whole["without_cover"]
    assert (one["resident"], one["name"], one["place"]) == ("r-1", "王秀英", "b1/101")
    assert one["place_name"] == {"zh": "b1/101室", "en": "b1/101"}
    raised = [line["body"] for line in whole["log"] if line["what"] == "raised"]
    assert [(body["without_cover"], body["explained"]) for body in raised] == [(["r-1"], DEVICES)]

    for_crew = (await hub.asked(f"/api/v1/cases/{case_id}", "crew"))["without_cover"]
    assert [(row["resident"], row["name"]) for row in for_crew] == [("r-1", None)]
    on_wall = await hub.asked(f"/api/v1/cases/{case_id}", "wall")
    assert on_wall["without_cover"] == []
    assert "王秀英" not in json.dumps(on_wall, ensure_ascii=False)
    assert "王秀英" in await hub.asked(f"/cases/{case_id}")
    assert "王秀英" not in await hub.asked(f"/cases/{case_id}", "crew")


async def test_a_device_that_another_gateway_hears_is_not_explained_any_more(
    tmp_path: Path, broker: Mosquitto
) -> None:
    async with native_site(tmp_path, broker) as (hub, gateway):
        await hub.at(HOUR)
        await gateway_dies(hub, gateway)
        await hub.at(2 * HOUR)
        await hub.said([up("d-100", contact="closed", via=OTHER)])

        moved = await hub.asked("/api/v1/devices/d-100")
        assert (moved["gateway"], moved["explained_by"]) == (OTHER, None)
        [case] = hub.cases()
        whole = await hub.asked(f"/api/v1/cases/{case.id}")
        assert whole["case"]["explained"] == DEVICES - 1

        await hub.stop()  # what was learned stands over a restart
        await hub.start()
        await hub.said([up(name, "button", alive=True, via=OTHER) for name in ELSEWHERE])
        await hub.at(28 * HOUR)
        assert [one for one in hub.silent() if one[0] not in ELSEWHERE] == [("d-100", 28 * HOUR)]


async def test_a_door_that_stands_open_behind_a_dead_gateway_is_told_when_it_is_due(
    tmp_path: Path, broker: Mosquitto
) -> None:
    night = 14 * HOUR  # 23:00
    rows = [
        native("gate", tags_json='["entrance"]'),
        native("hatch", tags_json='["entrance"]'),
        native(GATEWAY, "gateway"),
    ]
    gateway = WillingGateway(broker, GATEWAY)
    async with hub_in_hand(tmp_path, broker, rows) as hub:
        await gateway.connect()
        await hub.at(night)
        shut = [up(name, contact="closed", via=GATEWAY) for name in ("gate", "hatch")]
        await hub.said([status(GATEWAY, "online"), *shut])
        await hub.at(night + MINUTE)
        await hub.said([up("gate", contact="open", via=GATEWAY)])
        await hub.at(night + 5 * MINUTE)
        await gateway_dies(hub, gateway)
        await hub.at(night + 30 * MINUTE)

        told = [(row.rule, row.key) for row in hub.cases()]
        assert sorted(told) == [("door-held-open-at-night", "gate"), ("gateway-offline", GATEWAY)]


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_gateway_that_says_nothing_itself_is_gone_when_nothing_comes_through_it(
    tmp_path: Path, broker: Mosquitto, restarted: bool
) -> None:
    numbers = range(1, 41)
    rows = [lorawan(f"l-{number:02d}", number) for number in numbers]
    rows.append(lorawan("sos-1", 99, "milesight_button", family="button", resident_id="r-1"))
    async with hub_in_hand(tmp_path, broker, rows, PEOPLE) as hub:
        await hub.said([uplink(number, LORA, 1) for number in (*numbers, 99)])
        await hub.at(30 * MINUTE)
        assert hub.cases() == []
        if restarted:
            await hub.stop()
            await hub.start()
        await hub.at(31 * MINUTE)

        assert hub.own_words(LORA) == [(False, 0)], "since its last message"
        [case] = hub.cases()
        assert (case.rule, case.key) == ("gateway-offline", LORA)
        whole = await hub.asked(f"/api/v1/cases/{case.id}")
        assert whole["case"]["explained"] == len(rows)
        assert [one["resident"] for one in whole["without_cover"]] == ["r-1"]
        if restarted:
            await hub.stop()
            await hub.start()
        await hub.at(40 * HOUR)
        assert len(hub.cases()) == 1, "all of them are explained"

        await hub.said([uplink(number, LORA, 2) for number in (*range(4, 41), 99)])
        assert hub.own_words(LORA) == [(False, 0), (True, 40 * HOUR)]
        await hub.at(66 * HOUR - 1)
        # The gateway has been silent again since; what it explains is explained from then on.
        assert {row.rule for row in hub.cases()} == {"gateway-offline"}
        assert hub.told_of() == {LORA}


async def test_three_dead_ones_behind_a_gateway_that_lives_again_are_three_cases(
    tmp_path: Path, broker: Mosquitto
) -> None:
    numbers = range(1, 25)
    rows = [lorawan(f"l-{number:02d}", number) for number in numbers]
    async with hub_in_hand(tmp_path, broker, rows, gateway_silence_s=8 * HOUR) as hub:
        await hub.said([uplink(number, LORA, 1) for number in numbers])
        await hub.at(9 * HOUR)
        assert hub.own_words(LORA) == [(False, 0)]
        for turn in range(5, 11):  # from 30 h on, every six hours, all but three
            await hub.at(turn * 6 * HOUR)
            await hub.said([uplink(number, LORA, turn) for number in numbers if number > 3])

        assert hub.own_words(LORA)[1:] == [(True, 30 * HOUR)]
        assert hub.silent() == [(f"l-0{number}", 56 * HOUR) for number in (1, 2, 3)]
        assert hub.told_of() == {LORA, "l-01", "l-02", "l-03"}


async def test_a_gateway_is_not_gone_while_the_hub_itself_hears_nothing(
    tmp_path: Path, broker: Mosquitto
) -> None:
    rows = [lorawan(f"l-{number:02d}", number) for number in range(1, 25)]
    async with hub_in_hand(tmp_path, broker, rows) as hub:
        await hub.said([uplink(number, LORA, 1) for number in range(1, 25)])
        broker.stop()
        await hub.settled(connected=False)
        await hub.at(3 * HOUR, connected=False)
        assert hub.own_words(LORA) == []
        broker.start()
        await hub.settled()
        await hub.at(3 * HOUR + 30 * MINUTE)
        assert hub.own_words(LORA) == [], "it is given its time anew"
        await hub.at(3 * HOUR + 31 * MINUTE)
        assert hub.own_words(LORA) == [(False, 3 * HOUR)]


async def test_devices_between_two_gateways_follow_the_one_that_heard_them_last(
    tmp_path: Path, broker: Mosquitto
) -> None:
    rows = [lorawan(f"l-{number:02d}", number) for number in range(1, 25)]
    async with hub_in_hand(tmp_path, broker, rows) as hub:
        await hub.said([uplink(number, LORA, 1) for number in range(1, 25)])
        await hub.at(20 * MINUTE)
        await hub.said([uplink(number, LORA_2, 2) for number in range(1, 25)])
        await hub.at(45 * MINUTE)
        assert hub.own_words(LORA) == [], "nobody is behind it: nobody misses it"
        tree = await hub.asked("/api/v1/topology")
        assert {one["id"]: one["devices"] for one in tree["gateways"]} == {LORA: 0, LORA_2: 24}


# -- the broker and the site's link ---------------------------------------------------------------


@pytest.mark.parametrize("killed", ["nobody", "the hub", "the hub at once"])
async def test_a_broker_that_is_gone_is_one_case(
    tmp_path: Path, broker: Mosquitto, killed: str
) -> None:
    async with native_site(tmp_path, broker) as (hub, _gateway):
        await hub.at(HOUR)
        broker.stop(signal.SIGKILL)
        await hub.settled(connected=False)
        await hub.at(HOUR + 9, connected=False)
        assert hub.own_words("@site") == [], "a blink is nothing"
        if killed == "the hub at once":
            await hub.stop()
            await hub.start(broker_is_there=False)
        await hub.at(HOUR + 20, connected=False)
        [(there, since_s)] = hub.own_words("@site")
        assert not there
        assert HOUR <= since_s <= HOUR + 9
        if killed == "the hub":
            await hub.stop()
            hub.clock.now += 20 * HOUR * 1_000
            await hub.start(broker_is_there=False)
        await hub.at(40 * HOUR, connected=False)

        [case] = hub.cases()
        assert (case.rule, case.family) == ("broker-gone", "site")
        whole = await hub.asked(f"/api/v1/cases/{case.id}")
        assert whole["case"]["explained"] == len(BUTTONS) + len(DOORS)
        assert [one["resident"] for one in whole["without_cover"]] == ["r-1", "r-2", "r-3"]

        broker.start()
        await hub.until(lambda: len(hub.own_words("@site")) == 2)
        await hub.settled()
        assert hub.own_words("@site")[1] == (True, 40 * HOUR)
        await hub.at(41 * HOUR)
        await hub.said(alive(but=DEAD))
        await hub.at(66 * HOUR - 1)
        assert hub.silent() == []
        await hub.at(66 * HOUR)
        assert hub.silent() == [(name, 66 * HOUR) for name in DEAD]
        assert [row.rule for row in hub.cases()].count("broker-gone") == 1


async def test_time_in_which_the_hub_did_not_run_is_no_silence_of_the_devices(
    tmp_path: Path, broker: Mosquitto
) -> None:
    async with native_site(tmp_path, broker) as (hub, _gateway):
        await hub.at(HOUR)
        await hub.stop()
        hub.clock.now += 100 * HOUR * 1_000
        await hub.start()

        assert hub.own_words("@site") == [(False, HOUR), (True, 101 * HOUR)]
        assert [row.rule for row in hub.cases()] == ["broker-gone"]
        await hub.at(102 * HOUR)
        await hub.said(alive(but=DEAD))
        await hub.at(127 * HOUR)
        assert [name for name, _ in hub.silent()] == list(DEAD)


async def test_a_clock_that_is_set_ahead_makes_no_device_silent(
    tmp_path: Path, broker: Mosquitto
) -> None:
    """A machine that begins without the right time, or that slept: nobody could be heard."""
    async with native_site(tmp_path, broker) as (hub, _gateway):
        await hub.at(HOUR)
        hub.clock.leap(100 * HOUR * 1_000)
        await hub.settled()

        assert hub.own_words("@site") == [(False, HOUR), (True, 101 * HOUR)]
        assert [row.rule for row in hub.cases()] == ["broker-gone"]
        await hub.at(102 * HOUR)
        await hub.said(alive(but=DEAD))
        await hub.at(127 * HOUR)
        assert [name for name, _ in hub.silent()] == list(DEAD)


async def test_a_clock_that_is_set_right_by_a_little_is_nothing(
    tmp_path: Path, broker: Mosquitto
) -> None:
    async with native_site(tmp_path, broker) as (hub, _gateway):
        await hub.at(HOUR)
        for ms in (5_000, -5_000, -HOUR * 1_000):
            hub.clock.leap(ms)
            await hub.settled()
        assert hub.own_words("@site") == []
        assert hub.cases() == []


async def test_a_short_restart_of_the_hub_is_nothing(tmp_path: Path, broker: Mosquitto) -> None:
    async with native_site(tmp_path, broker) as (hub, _gateway):
        await hub.at(HOUR)
        await hub.stop()
        hub.clock.now += 5_000
        await hub.start()
        assert hub.own_words("@site") == []
        assert hub.cases() == []


async def test_a_real_bridge_between_site_and_district_is_believed(tmp_path: Path) -> None:
    for name in ("district", "site"):
        (tmp_path / name).mkdir()
    with mosquitto(tmp_path / "district") as district:
        bridge = (
            f"connection uplink\naddress 127.0.0.1:{district.port}\nremote_clientid site-a\n"
            "topic community/# out 1\nrestart_timeout 1\nnotifications true\n"
        )
        topic = "$SYS/broker/connection/site-a/state"
        rows = [native("d-1"), native("b-1", "button", resident_id="r-1")]
        async with hub_in_hand(tmp_path, district, rows, PEOPLE, site_link_topic=topic) as hub:
            with mosquitto(tmp_path / "site", bridge) as site:
                await hub.said([up("d-1", contact="closed")], to=site)
                await hub.at(HOUR)
                assert hub.own_words("@site") == []
                site.stop(signal.SIGKILL)
                around = hub.house.around if hub.house else None
                assert around is not None
                await hub.until(lambda: not around.site.is_bridged)
                await hub.settled()
                await hub.at(HOUR + MINUTE)
                assert hub.own_words("@site") == [(False, HOUR)]
                await hub.at(HOUR + 2 * MINUTE)
                assert [row.rule for row in hub.cases()] == ["broker-gone"]
                await hub.at(40 * HOUR)
                site.start()
                await hub.until(lambda: len(hub.own_words("@site")) == 2)
                await hub.settled()
                assert [row.rule for row in hub.cases()] == ["broker-gone"]
                assert not hub.cases()[0].active


@pytest.mark.parametrize("first_back", ["site", "gateway"])
@pytest.mark.parametrize("restarted", [False, True])
async def test_site_and_gateway_gone_together_come_back_in_either_order(
    tmp_path: Path, broker: Mosquitto, first_back: str, restarted: bool
) -> None:
    async with native_site(tmp_path, broker, site_link_topic=SITE_TOPIC) as (hub, gateway):
        await hub.at(HOUR)
        await gateway_dies(hub, gateway)
        await hub.at(2 * HOUR)
        await link_says(hub, b"0")
        await hub.at(2 * HOUR + 5 * MINUTE)
        assert [row.rule for row in hub.cases()] == ["gateway-offline", "broker-gone"]
        assert (await hub.asked("/api/v1/devices/d-001"))["explained_by"] == "@site"
        assert (await hub.asked("/api/v1/devices/b-3"))["explained_by"] == "@site"
        if restarted:
            await hub.stop()
            await hub.start()
            assert len(hub.own_words("@site")) == 1
        for at_s, back in ((40 * HOUR, first_back), (45 * HOUR, OTHER_OF[first_back])):
            await hub.at(at_s)
            if back == "site":
                await link_says(hub, b"1")
            else:
                await gateway.connect()
                await hub.said([status(GATEWAY, "online")])
        assert len(hub.cases()) == 2
        await hub.at(60 * HOUR)
        await hub.said(alive(but=DEAD))
        await hub.at(71 * HOUR - 1)
        assert hub.silent() == []
        await hub.at(71 * HOUR)
        assert hub.silent() == [(name, 71 * HOUR) for name in DEAD], "26 h after the last return"


async def link_says(hub: HubInHand, word: bytes) -> None:
    """The bridge's state comes, and what follows from it is written."""
    assert hub.house is not None
    site = hub.house.around.site
    async with hub.client() as client:
        await client.publish(SITE_TOPIC, word, qos=1, retain=True)
    await hub.until(lambda: site.is_bridged == (word == b"1"))
    await hub.settled()
