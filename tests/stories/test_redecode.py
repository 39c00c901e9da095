"""Presses that nobody understood are called when somebody mends it, beside a running hub or not."""

import base64
import json
from pathlib import Path

import aiomqtt
import httpx

from tests.integration.hub_process import quick_client
from tests.programs import Mosquitto
from tests.stories.test_strangers import register_is_read, values
from tests.stories.whole_hub import WholeHub, case_of, whole_hub

FIRST, SECOND = "24e124535b316056", "24e124535b316057"
SHEET = f"""id,family,driver,address,name_zh,name_en
btn-ws-1,button,milesight_button,lorawan:{FIRST},新按钮一,New button one
btn-ws-2,button,milesight_button,lorawan:{SECOND},新按钮二,New button two
"""
PRESSED = bytes.fromhex("FF2E01")


async def press(client: aiomqtt.Client, eui: str, counter: int) -> None:
    """A WS101 is pressed; the hub does not know its model yet."""
    body = {
        "deduplicationId": f"{eui}-{counter}",
        "deviceInfo": {"devEui": eui},
        "fPort": 85,
        "fCnt": counter,
        "data": base64.b64encode(PRESSED).decode(),
    }
    await client.publish(f"application/1/device/{eui}/event/up", json.dumps(body).encode(), qos=1)


def refused_ms(hub: WholeHub, wanted: int) -> list[int]:
    """When the refusals came, once there are so many."""
    while True:
        rows = hub.rows("SELECT arrived_ms FROM journal WHERE kind = 'refusal' ORDER BY seq")
        if len(rows) >= wanted:
            return [at_ms for (at_ms,) in rows]


async def check_case(hub: WholeHub, caller: httpx.AsyncClient, device: str, at_ms: int) -> None:
    """The old press is a case of its old time, heard when it was understood."""
    case = await case_of(caller, device)
    [(told_ms,)] = hub.rows(
        "SELECT max(arrived_ms) FROM journal WHERE kind = 'command' AND body LIKE '%\"redecoded\"%'"
    )
    assert (case["rule"], case["times"]) == ("emergency-press", 1)
    assert case["raised_at_ms"] == at_ms
    assert case["heard_at_ms"] >= told_ms


async def test_an_old_press_is_called_when_it_is_understood(
    tmp_path: Path, broker: Mosquitto
) -> None:
    async with (
        whole_hub(tmp_path / "hub", broker) as hub,
        quick_client(broker) as client,
        hub.caller(await hub.token("desk", "staff")) as caller,
    ):
        await press(client, FIRST, 1)
        (first_ms,) = refused_ms(hub, 1)
        sheet = hub.folder / "devices.csv"
        sheet.write_text(SHEET, encoding="utf-8")

        # Beside the running hub: no other message comes, and judge and archive have it all.
        await hub.order("import", str(sheet))
        await register_is_read(hub, caller)
        said = await hub.order("redecode")
        assert said.splitlines()[-1] == "1 read again, 1 of them with a press; 0 stay refused"
        await check_case(hub, caller, "btn-ws-1", first_ms)
        assert await values(caller, "btn-ws-1", "press", 1) == ["single"]
        assert (await hub.order("redecode")).splitlines()[-1] == "0 read again; 0 stay refused"


async def test_a_hub_that_stood_still_calls_when_it_starts(
    tmp_path: Path, broker: Mosquitto
) -> None:
    async with whole_hub(tmp_path / "hub", broker) as hub:
        token = await hub.token("desk", "staff")
        async with quick_client(broker) as client:
            await press(client, SECOND, 1)
            (second_ms,) = refused_ms(hub, 1)
        await hub.stop()
        sheet = hub.folder / "devices.csv"
        sheet.write_text(SHEET, encoding="utf-8")
        await hub.order("import", str(sheet))
        await hub.order("redecode")
        await hub.start()
        async with hub.caller(token) as caller:
            await check_case(hub, caller, "btn-ws-2", second_ms)
            assert await values(caller, "btn-ws-2", "press", 1) == ["single"]
