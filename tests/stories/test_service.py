"""A button's life: found by its press, adopted, tested, swapped for another, and its ghost."""

import asyncio
from pathlib import Path
from typing import Any

import aiomqtt
import httpx
import msgspec

from tests.integration.hub_process import PATIENCE_S, quick_client
from tests.programs import Mosquitto
from tests.stories.test_strangers import known_as, register_is_read
from tests.stories.whole_hub import API, SITE, WholeHub, case_of, read, whole_hub

FIRST, SECOND = "native:nb-1", "native:nb-2"


async def press(client: aiomqtt.Client, address: str, number: str, **more: Any) -> None:
    """A press of a button, known by its number."""
    name = address.partition(":")[2]
    body = {"id": number, "press": "sos", "rssi": -87, "via": "gw-2", **more}
    topic = f"community/{SITE}/button/{name}/up"
    await client.publish(topic, msgspec.json.encode(body), qos=1)


async def post(caller: httpx.AsyncClient, path: str, **body: Any) -> Any:
    """The JSON of a POST that must succeed."""
    answer = await caller.post(f"{API}{path}", json=body)
    assert answer.is_success, answer.text
    return answer.json()


async def place_of(caller: httpx.AsyncClient) -> dict[str, Any]:
    """A home with who lives there."""
    found = await read(caller, "/places", q="", limit=50)
    home: dict[str, Any] = next(place for place in found if place["residents"])
    return home


async def heard_press(caller: httpx.AsyncClient, device: str) -> dict[str, Any]:
    """The newest line of its commissioning, once its test press was heard."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = await read(caller, f"/devices/{device}/commissioning")
            if found["test"] and found["test"]["heard_ms"]:
                line: dict[str, Any] = found["records"][0]
                return line


async def test_a_button_is_adopted_tested_and_swapped_and_keeps_its_id(
    tmp_path: Path, broker: Mosquitto
) -> None:
    async with whole_hub(tmp_path / "hub", broker) as hub:
        async with (
            hub.caller(await hub.token("desk", "staff")) as caller,
            quick_client(broker) as client,
        ):
            await press(client, FIRST, "p-0")
            stranger = await known_as(caller, FIRST, 1)
            assert (stranger["family"], stranger["signal"]) == ("button", {"rssi": -87.0})
            case = await case_of(caller, FIRST)
            assert case["severity"] == "emergency"
            await post(caller, f"/cases/{case['id']}/close", outcome="test", called_back=True)

            home = await adopt(hub, caller)
            await try_it(hub, caller, client)
            await swap_it(hub, caller, client, home)
            await hear_the_ghost(hub, caller, client, home)
        assert hub.starts == 1


async def adopt(hub: WholeHub, caller: httpx.AsyncClient) -> dict[str, Any]:
    """Into a home, as the form does it with its proposals."""
    home = await place_of(caller)
    asked = {"address": FIRST, "family": "button", "place": home["path"]}
    proposed = await read(caller, "/strangers/proposal", **asked)
    assert proposed["resident"] == home["residents"][0]["id"]
    names = {"name_zh": proposed["name"]["zh"], "resident": proposed["resident"]}
    await post(caller, "/strangers/adopt", **asked, **names, id="btn-new", driver="native")
    await register_is_read(hub, caller)
    [line] = (await read(caller, "/devices/btn-new/commissioning"))["records"]
    assert (line["why"], line["by"], line["place"]) == ("adopted", "desk", home["path"])
    assert (line["rssi"], line["gateway"], line["test_press_ms"]) == (-87.0, "gw-2", None)
    return home


async def try_it(hub: WholeHub, caller: httpx.AsyncClient, client: aiomqtt.Client) -> None:
    """The first press is a test and calls nobody, the second calls."""
    await post(caller, "/devices/btn-new/test")
    await press(client, FIRST, "p-1")
    line = await heard_press(caller, "btn-new")
    assert (line["test_press"], line["rssi"], line["gateway"]) == ("sos", -87.0, "gw-2")
    await press(client, FIRST, "p-2")
    case = await case_of(caller, "btn-new")
    assert (case["severity"], case["times"]) == ("emergency", 1), "of two presses one was a test"


async def swap_it(
    hub: WholeHub, caller: httpx.AsyncClient, client: aiomqtt.Client, home: dict[str, Any]
) -> None:
    """It keeps its id, place, resident and open case; the new address is its own."""
    await post(caller, "/devices/btn-new/swap", address=SECOND, reason="broken")
    await register_is_read(hub, caller)
    device = await read(caller, "/devices/btn-new")
    assert (device["place"], device["heard_ms"]) == (home["path"], None)
    await press(client, SECOND, "p-3")
    async with asyncio.timeout(PATIENCE_S):
        while (await case_of(caller, "btn-new"))["times"] < 2:
            pass
        while not (await read(caller, "/devices/btn-new"))["heard_ms"]:
            pass  # the newest values follow soon after the case


async def hear_the_ghost(
    hub: WholeHub, caller: httpx.AsyncClient, client: aiomqtt.Client, home: dict[str, Any]
) -> None:
    """The old one's word is a case of maintenance, its press an emergency with the old place."""
    name = FIRST.partition(":")[2]
    topic = f"community/{SITE}/button/{name}/up"
    await client.publish(topic, msgspec.json.encode({"battery": 50}), qos=1)
    haunted = await rule_case(caller, "ghost-speaks")
    assert (haunted["device"], haunted["severity"]) == ("btn-new", "warning")
    assert haunted["category"] == "maintenance"
    await press(client, FIRST, "p-4")
    case = await case_of(caller, FIRST)
    assert (case["severity"], case["place"]) == ("emergency", home["path"])
    assert case["resident"]["id"] == home["residents"][0]["id"]
    assert "换下的旧设备" in case["why"]["zh"]
    [ghost] = await read(caller, "/ghosts")
    assert (ghost["address"], ghost["device"], ghost["messages"]) == (FIRST, "btn-new", 2)
    assert FIRST not in {row["address"] for row in await read(caller, "/strangers")}

    names = {"name_zh": "修好的按钮", "driver": "native", "family": "button", "place": home["path"]}
    await post(caller, "/strangers/adopt", address=FIRST, id="btn-mended", **names)
    await register_is_read(hub, caller)
    assert await read(caller, "/ghosts") == []
    async with asyncio.timeout(PATIENCE_S):
        while await open_cases(caller, "ghost-speaks"):
            pass


async def open_cases(caller: httpx.AsyncClient, rule: str) -> list[dict[str, Any]]:
    """The open cases of a rule."""
    found = (await read(caller, "/cases", state="open", limit=200))["cases"]
    return [case for case in found if case["rule"] == rule]


async def rule_case(caller: httpx.AsyncClient, rule: str) -> dict[str, Any]:
    """The open case of a rule, once there is one."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = await open_cases(caller, rule)
            if found:
                return found[0]
