"""A device in service over the API: commissioning, test press, swap, ghosts, others' devices."""

from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from hub.database import announcements, command_results, devices, for_writing, ghosts, strangers
from hub.database import trials as trials_table
from hub.journal import COMMAND, read
from tests.dashboard_api.community import HOME, encode
from tests.dashboard_api.conftest import NOW_MS, HandClock

API = "/api/v1"
NEW = "native:new"
SWAP = f"{API}/devices/b-0/swap"


@pytest.fixture(autouse=True)
def strangers_on_the_air(engine: Engine) -> None:
    """A button that pressed, and a Zigbee sensor that its bridge announced."""
    said = [{"at_ms": NOW_MS, "gateway": "gw-2", "readings": [["press", "sos", NOW_MS, None],
            ["rssi", -87.0, NOW_MS, "dBm"]]}]  # fmt: skip
    times = {"first_ms": NOW_MS, "last_ms": NOW_MS, "messages": 1}
    button = {"address": NEW, "family": "button", "driver": "native", "topic": "x/up"}
    zigbee = {"address": "zigbee2mqtt:hatch", "family": None, "driver": "zigbee2mqtt", "topic": "z"}
    announced: dict[str, Any] = {"key": "zigbee2mqtt:hatch", "part": "", "driver": "zigbee2mqtt"}
    announced |= {"address": "zigbee2mqtt:hatch", "family": "door", "name": "Hatch"}
    announced |= {"maker": "Aqara", "model": "MCCGQ11LM", "guess": "zigbee2mqtt", "at_ms": NOW_MS}
    announced |= {"document_json": '{"ieee_address": "0x00158d0001a2b3c4"}'}
    with for_writing(engine).begin() as connection:
        connection.execute(strangers.insert().values(**button, **times, newest_json=encode(said)))
        connection.execute(strangers.insert().values(**zigbee, **times, newest_json="[]"))
        connection.execute(announcements.insert().values(announced))


def commands(engine: Engine) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        return [entry.body or {} for entry in read(connection, 0, 10, [COMMAND])]


async def test_a_stranger_is_shown_with_what_its_ecosystem_announced(
    staff: httpx.AsyncClient,
) -> None:
    found = {row["address"]: row for row in (await staff.get(f"{API}/strangers")).json()}
    hatch = found["zigbee2mqtt:hatch"]
    assert (hatch["name"], hatch["maker"], hatch["family"]) == ("Hatch", "Aqara", "door")
    assert (found[NEW]["signal"], found[NEW]["pressed_ms"]) == ({"rssi": -87.0}, NOW_MS)
    page = (await staff.get("/adopt", params={"address": "zigbee2mqtt:hatch"})).text
    assert 'value="Aqara"' in page
    assert '<option value="door" selected>' in page


@pytest.mark.parametrize(
    ("text", "address"),
    [("new", NEW), (NEW, NEW), ("00:15:8D:00:01:A2:B3:C4", "zigbee2mqtt:hatch")],
)
async def test_what_stands_on_a_device_finds_who_is_on_the_air(
    staff: httpx.AsyncClient, text: str, address: str
) -> None:
    found = (await staff.get(f"{API}/strangers/find", params={"text": text})).json()
    assert [row["address"] for row in found["strangers"]] == [address]


async def test_a_code_of_ours_leads_to_the_page_of_its_device(staff: httpx.AsyncClient) -> None:
    for text in ("D1", "https://hub.example/d/D1"):
        found = (await staff.get(f"{API}/strangers/find", params={"text": text})).json()
        assert (found["device"], found["page"]) == ("d-1", "/d/D1")


async def test_places_are_found_by_room_and_by_who_lives_there(staff: httpx.AsyncClient) -> None:
    for words in ("1204", "王秀英", "3号楼 1204"):
        found = (await staff.get(f"{API}/places", params={"q": words})).json()
        assert [place["path"] for place in found] == [HOME]
        assert found[0]["residents"] == [{"id": "r-0", "name": "王秀英"}]


async def test_a_proposal_is_free_and_names_who_lives_there(staff: httpx.AsyncClient) -> None:
    asked = {"address": NEW, "family": "button", "place": HOME}
    found = (await staff.get(f"{API}/strangers/proposal", params=asked)).json()
    assert (found["id"], found["resident"]) == ("btn-b3-u1-1204", "r-0")
    assert found["name"]["zh"] == "3号楼1单元1204室呼叫按钮"


async def test_who_is_not_ours_is_listed_apart_until_it_presses(
    staff: httpx.AsyncClient, engine: Engine, clock: HandClock
) -> None:
    given = {"address": NEW, "ignored": True}
    assert (await staff.post(f"{API}/strangers/ignore", json=given)).status_code == 200
    page = (await staff.get("/strangers")).text
    assert f'data-ours="{NEW}"' in page
    assert f'data-ignore="{NEW}"' not in page
    assert '<span class="count" id="waiting" >1</span>' in page

    said = [{"at_ms": NOW_MS + 1, "readings": [["press", "sos", NOW_MS + 1, None]]}]
    with for_writing(engine).begin() as connection:
        connection.execute(
            strangers.update().where(strangers.c.address == NEW).values(newest_json=encode(said))
        )
    assert f'data-ignore="{NEW}"' in (await staff.get("/strangers")).text
    assert (await staff.post(f"{API}/strangers/ignore", json={"address": "x:y"})).status_code == 404


async def test_one_that_never_spoke_is_registered_by_hand(staff: httpx.AsyncClient) -> None:
    row = {"address": "24-E1-24-13-6B-50-1A-01", "id": "btn-9", "family": "button"}
    row |= {"driver": "milesight_button", "name_zh": "按钮"}
    assert (await staff.post(f"{API}/strangers/adopt", json=row)).status_code == 409
    answer = await staff.post(f"{API}/strangers/adopt", json=row | {"unheard": True})
    assert (answer.status_code, answer.json()["address"]) == (201, "lorawan:24e124136b501a01")
    again = row | {"id": "btn-10", "unheard": True, "address": "native:b-0"}
    answer = await staff.post(f"{API}/strangers/adopt", json=again)
    assert (answer.status_code, answer.json()["code"]) == (409, "taken")


# -- swapping -------------------------------------------------------------------------------------


async def test_a_swap_keeps_the_id_and_is_written_down_for_everybody(
    staff: httpx.AsyncClient, engine: Engine
) -> None:
    answer = await staff.post(SWAP, json={"address": NEW, "reason": "broken"})
    assert answer.status_code == 200, answer.text
    with engine.connect() as connection:
        device = connection.execute(devices.select().where(devices.c.id == "b-0")).mappings().one()
        ghost = connection.execute(ghosts.select()).mappings().one()
    assert (device["address"], device["place"], device["resident_id"]) == (NEW, HOME, "r-0")
    assert (ghost["address"], ghost["device"], ghost["reason"]) == ("native:b-0", "b-0", "broken")
    [told] = commands(engine)
    assert (told["act"], told["device"], told["by"]) == ("swap", "b-0", "staff")
    found = (await staff.get(f"{API}/devices/b-0/commissioning")).json()
    [line] = found["records"]
    assert (line["why"], line["note"], line["rssi"], line["gateway"]) == (
        *("swapped", "broken", -87.0, "gw-2"),
    )
    assert NEW not in [row["address"] for row in (await staff.get(f"{API}/strangers")).json()]
    page = (await staff.get("/d/b-0")).text
    assert "native:b-0" in page

    back = await staff.post(SWAP, json={"address": "native:b-0", "reason": "mended"})
    assert back.status_code == 200
    assert [row["address"] for row in (await staff.get(f"{API}/ghosts")).json()] == [NEW]


@pytest.mark.parametrize(
    ("path", "wish", "status", "code"),
    [
        ("b-0", {"address": "native:b-0", "reason": "x"}, 409, "same_address"),
        ("b-0", {"address": "native:b-1", "reason": "x"}, 409, "taken"),
        ("b-0", {"address": "zigbee2mqtt:hatch", "reason": "x"}, 409, "other_family"),
        ("b-0", {"address": NEW, "reason": "x", "driver": "milesight_door"}, 409, "other_family"),
        ("b-0", {"address": NEW, "reason": "x", "driver": "nativ"}, 422, "no_such_driver"),
        ("b-0", {"address": NEW, "reason": " "}, 422, "reason_needed"),
        ("b-0", {"address": "nonsense", "reason": "x"}, 422, "wrong_address"),
        ("b-0", {"address": "lorawan:24e124136b501a01", "reason": "x"}, 422, "driver_needed"),
        ("no-such", {"address": NEW, "reason": "x"}, 404, "no_such_device"),
    ],
)
async def test_what_cannot_be_swapped_is_refused_in_words_and_nothing_is_kept(
    staff: httpx.AsyncClient,
    engine: Engine,
    path: str,
    wish: dict[str, str],
    status: int,
    code: str,
) -> None:
    answer = await staff.post(f"{API}/devices/{path}/swap", json=wish)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["reason_zh"]
    assert commands(engine) == []
    with engine.connect() as connection:
        assert connection.execute(sa.select(ghosts)).all() == []


# -- testing --------------------------------------------------------------------------------------


async def test_a_test_is_a_command_by_a_person_and_is_seen_where_people_look(
    staff: httpx.AsyncClient, crew: httpx.AsyncClient, engine: Engine
) -> None:
    row = {"device": "b-0", "seq": 1, "by": "van", "since_ms": NOW_MS}
    told = {"test": {"by": "van", "since_ms": NOW_MS, "until_ms": NOW_MS + 300_000}}
    with for_writing(engine).begin() as connection:  # the hub's word, said before it is asked
        connection.execute(trials_table.insert().values(**row, until_ms=NOW_MS + 300_000))
        result = {"seq": 1, "ok": True, "body_json": encode(told)}
        connection.execute(command_results.insert().values(result))
    answer = await crew.post(f"{API}/devices/b-0/test")
    assert (answer.status_code, answer.json()["until_ms"]) == (200, NOW_MS + 300_000)
    assert commands(engine) == [{"act": "test", "device": "b-0", "by": "van", "end": False}]
    for path in ("/", "/d/b-0", "/fragments/cases"):
        assert "van 正在测试" in (await staff.get(path)).text
    found = (await crew.get(f"{API}/devices/b-0/commissioning")).json()
    assert (found["test"]["running"], found["test"]["by"]) == (True, "van")


async def test_a_test_that_is_over_is_shown_nowhere(
    staff: httpx.AsyncClient, engine: Engine, clock: HandClock
) -> None:
    row = {"device": "b-0", "seq": 1, "by": "van", "since_ms": NOW_MS, "until_ms": NOW_MS + 1}
    with for_writing(engine).begin() as connection:
        connection.execute(trials_table.insert().values(row))
    clock.at_ms = NOW_MS + 1
    assert "正在测试" not in (await staff.get("/")).text
    found = (await staff.get(f"{API}/devices/b-0/commissioning")).json()
    assert found["test"]["running"] is False


async def test_crews_test_but_register_and_swap_nothing(
    crew: httpx.AsyncClient, wall: httpx.AsyncClient
) -> None:
    wish = {"address": NEW, "reason": "x"}
    assert (await crew.post(SWAP, json=wish)).status_code == 403
    assert (await crew.post(f"{API}/strangers/ignore", json={"address": NEW})).status_code == 403
    assert (await crew.get(f"{API}/places")).status_code == 403
    assert (await wall.post(f"{API}/devices/b-0/test")).status_code == 403
    assert (await wall.get(f"{API}/devices/b-0/commissioning")).status_code == 403
    assert (await crew.get(f"{API}/devices/no-such/commissioning")).status_code == 404


async def test_all_of_it_stands_in_openapi(staff: httpx.AsyncClient) -> None:
    paths = (await staff.get("/openapi.json")).json()["paths"]
    for path in ("swap", "test", "commissioning"):
        assert f"{API}/devices/{{device_id}}/{path}" in paths
