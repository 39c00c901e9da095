"""A battery runs low: somebody goes there, and the device itself says whether it was changed."""

import asyncio
from pathlib import Path
from typing import Any

import httpx

from tests.programs import Mosquitto
from tests.stories.hub_in_hand import (
    HOUR,
    MINUTE,
    PATIENCE_S,
    HubInHand,
    hub_in_hand,
    native,
    up,
)

API = "/api/v1"
REGISTER = [
    native("btn-1", "button", place="b3/u1/1204", grid="g1", code="K7", resident_id="r1"),
    native("btn-2", "button", place="b3/u2/304", grid="g1", code="K8"),
]
PEOPLE = [
    {"id": "r1", "name": "王秀英", "place": "b3/u1/1204", "tags_json": '["lives-alone"]'},
]


async def ordered(crew: httpx.AsyncClient, state: str) -> dict[str, Any]:
    """The one order, once it is so far."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = (await crew.get(f"{API}/orders?state=all")).json()["orders"]
            if [one["state"] for one in found] == [state]:
                order: dict[str, Any] = found[0]
                return order


async def acted(crew: httpx.AsyncClient, order: str, act: str, **body: Any) -> dict[str, Any]:
    """The order after an act that must be allowed."""
    answer = await crew.post(f"{API}/orders/{order}/{act}", json=body)
    assert answer.status_code == 200, answer.text
    after: dict[str, Any] = answer.json()["order"]
    return after


async def told(hub: HubInHand, crew: httpx.AsyncClient, order: str) -> list[str]:
    """What the order's story is made of."""
    log = (await crew.get(f"{API}/orders/{order}")).json()["log"]
    assert hub.house is not None
    return [line["what"] for line in log if line["what"] not in ("called", "unreached", "nobody")]


async def test_a_changed_battery_closes_its_order_and_one_that_was_not_opens_it_again(
    tmp_path: Path, broker: Mosquitto
) -> None:
    async with hub_in_hand(tmp_path, broker, REGISTER, PEOPLE) as hub:
        await hub.said([up("btn-1", "button", battery=40), up("btn-2", "button", battery=80)])
        await hub.at(HOUR)
        await hub.said([up("btn-1", "button", battery=12), up("btn-2", "button", battery=80)])
        async with hub.api("crew") as crew:
            order = await ordered(crew, "open")
            name = order["id"]
            assert (order["trouble"], order["depends"]) == ("battery-low", "alone_button")
            assert (order["priority"], order["place"]["floor"]) == (2, 12)
            await acted(crew, name, "accept", id="phone-accept-1")
            await hub.at(2 * HOUR)
            wrong = await crew.post(f"{API}/orders/{name}/on_site", json={"code": "K8"})
            assert wrong.json()["code"] == "wrong_code"
            assert "b3/u2/304" in wrong.json()["detail"]
            await acted(crew, name, "on_site", code="K7")
            done = await acted(crew, name, "done", parts=[{"name": "CR2450", "count": 1}])
            assert done["state"] == "done"

            # He has forgotten it in his pocket: the button says what it said before, and the hub
            # is killed meanwhile.
            await hub.at(3 * HOUR)
            await hub.said([up("btn-1", "button", battery=11), up("btn-2", "button", battery=79)])
            assert (await ordered(crew, "done"))["active"]
            await hub.stop()
            await hub.start()
        async with hub.api("crew") as crew:
            for day in (1, 2):  # both speak day by day
                await hub.at(day * 24 * HOUR)
                say = [up("btn-1", "button", battery=11), up("btn-2", "button", battery=79)]
                await hub.said(say)
            until_ms = (await ordered(crew, "done"))["proof"]["until_ms"]
            assert until_ms == done["proof"]["until_ms"]
            await hub.at(2 * HOUR + 52 * HOUR)
            order = await ordered(crew, "open")
            assert (order["reopened"], order["priority"], order["accepted_by"]) == (1, 1, None)

            later = 55 * HOUR
            await hub.at(later)
            await acted(crew, name, "on_site", code="http://hub.example/d/K7")
            await hub.said([up("btn-1", "button", battery=100), up("btn-2", "button", battery=79)])
            await hub.at(later + 10 * MINUTE)
            closed = await acted(crew, name, "done", id="phone-done-2")
            assert closed["state"] in ("done", "closed")
            order = await ordered(crew, "closed")
            assert (order["closed_by"], order["proof"]["shown"]) == (None, "battery 100")
            again = await crew.post(f"{API}/orders/{name}/done", json={"id": "phone-done-2"})
            assert (again.status_code, again.json()["repeated"]) == (200, True)
            assert await told(hub, crew, name) == [
                *("raised", "answer", "arrive", "done", "reopened"),
                *("arrive", "ended", "done", "proved"),
            ]
