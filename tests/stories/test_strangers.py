"""Who is not in the register is shown, and comes in while the hub runs."""

from pathlib import Path
from typing import Any

import aiomqtt
import httpx
import msgspec

from tests.integration.hub_process import quick_client
from tests.programs import Mosquitto
from tests.stories.whole_hub import API, SITE, WholeHub, read, whole_hub

ROWER = "native:new-rower"
HATCH = "zigbee2mqtt:0x00158d0001a2b3c4"
TOPICS = {ROWER: f"community/{SITE}/counter/new-rower/up", HATCH: "zigbee2mqtt/0x00158d0001a2b3c4"}

DEVICES_CSV = f"""id,family,driver,address,name_zh,name_en
gym-g1-99,counter,native,{ROWER},新划船器,New rower
door-hatch,door,zigbee2mqtt,{HATCH},检修口,Hatch
"""


async def say(client: aiomqtt.Client, address: str, **body: Any) -> None:
    """A message of one of the two."""
    await client.publish(TOPICS[address], msgspec.json.encode(body), qos=1)


async def strangers(caller: httpx.AsyncClient) -> dict[str, Any]:
    """All strangers by their address."""
    return {row["address"]: row for row in await read(caller, "/strangers")}


async def known_as(caller: httpx.AsyncClient, address: str, messages: int) -> dict[str, Any]:
    """A stranger once it is known for so many messages."""
    while True:
        row = (await strangers(caller)).get(address)
        if row is not None and row["messages"] >= messages:
            found: dict[str, Any] = row
            return found


async def register_is_read(hub: WholeHub, caller: httpx.AsyncClient) -> None:
    """Return when the running hub has taken the newest change of the register in."""
    [(seq,)] = hub.rows("SELECT max(seq) FROM journal WHERE kind = 'command'")
    answer = await caller.get(f"{API}/commands/{seq}")
    while answer.status_code == 202:
        answer = await caller.get(f"{API}/commands/{seq}")
    assert (answer.status_code, answer.json()) == (200, {"seq": seq, "case": None})


async def values(caller: httpx.AsyncClient, device: str, point: str, wanted: int) -> list[Any]:
    """What a device is kept to have said at a point, once there are so many."""
    while True:
        readings = (await read(caller, f"/devices/{device}/readings", point=point))["readings"]
        if len(readings) >= wanted:
            return [row["value"] for row in readings]


async def test_strangers_are_shown_and_are_devices_from_the_import_on(
    tmp_path: Path, broker: Mosquitto
) -> None:
    async with whole_hub(tmp_path / "hub", broker) as hub:
        async with (
            hub.caller(await hub.token("desk", "staff")) as caller,
            quick_client(broker) as client,
        ):
            await say(client, ROWER, uses=10)
            await say(client, ROWER, uses=12, battery=80)
            await say(client, HATCH, contact=False, linkquality=90)
            rower, hatch = await known_as(caller, ROWER, 2), await known_as(caller, HATCH, 1)
            check_strangers(rower, hatch)

            sheet = hub.folder / "devices.csv"
            sheet.write_text(DEVICES_CSV, encoding="utf-8")
            await hub.order("import", str(sheet))
            assert TOPICS.keys().isdisjoint(await strangers(caller))
            await register_is_read(hub, caller)
            await say(client, ROWER, uses=15)
            await say(client, HATCH, contact=True, linkquality=91)

            assert await values(caller, "gym-g1-99", "uses", 1) == [15]
            assert await values(caller, "door-hatch", "contact", 1) == ["closed"]
            assert TOPICS.keys().isdisjoint(await strangers(caller))
            left = hub.rows("SELECT count(*) FROM strangers")
        assert hub.starts == 1
    assert left == [(0,)], "they are not kept as strangers any more"


def check_strangers(rower: dict[str, Any], hatch: dict[str, Any]) -> None:
    """What is shown of each: where it speaks, what it is, its last messages, newest first."""
    for address, row in ((ROWER, rower), (HATCH, hatch)):
        assert row["topic"] == TOPICS[address]
        assert row["first_ms"] <= row["last_ms"]
    assert (rower["family"], rower["driver"], rower["messages"]) == ("counter", "native", 2)
    said = [[reading[:2] for reading in message["readings"]] for message in rower["newest"]]
    assert said == [[["uses", 12], ["battery", 80]], [["uses", 10]]]
    assert hatch["driver"] == "zigbee2mqtt"
    assert ["contact", "open"] in [reading[:2] for reading in hatch["newest"][0]["readings"]]
