"""Senders that nobody registered: shown, and taken into the register."""

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from hub.database import announcements, commissionings, devices, for_writing, strangers
from hub.journal import COMMAND, read
from tests.dashboard_api.community import HOME, StandInJudge, encode
from tests.dashboard_api.conftest import NOW_MS

ADOPT = "/api/v1/strangers/adopt"
ADDRESS = "native:my-button"
RIGHT = {
    "address": ADDRESS,
    "id": "my-button",
    "family": "button",
    "driver": "native",
    "name_zh": "新按钮",
    "place": HOME,
    "resident": "r-0",
}


@pytest.fixture(autouse=True)
def stranger(engine: Engine) -> None:
    """A button that pressed and that nobody knows."""
    said = [
        {"at_ms": NOW_MS, "readings": [["press", "sos", NOW_MS, None], ["rssi", -83.0, NOW_MS]]},
        {"at_ms": NOW_MS, "refused": "no such point"},
    ]
    row = {"address": ADDRESS, "family": "button", "driver": "native", "topic": "x/up"}
    times = {"first_ms": NOW_MS, "last_ms": NOW_MS, "messages": 2, "newest_json": encode(said)}
    with for_writing(engine).begin() as connection:
        connection.execute(strangers.insert().values(**row, **times))


async def test_the_page_shows_who_sends_and_the_menu_counts_them(staff: httpx.AsyncClient) -> None:
    page = (await staff.get("/strangers")).text

    assert ADDRESS in page
    assert "信号 −83 dBm · 好" in page
    assert "no such point" in page
    assert '<span class="count" id="waiting" >1</span>' in page


async def test_a_stranger_is_registered_and_the_hub_is_told(
    staff: httpx.AsyncClient, engine: Engine
) -> None:
    answer = await staff.post(ADOPT, json=RIGHT)
    assert answer.status_code == 201, answer.text
    with engine.connect() as connection:
        row = connection.execute(devices.select().where(devices.c.id == "my-button")).one()
        told = [entry.body for entry in read(connection, 0, 10, [COMMAND])]

    assert (row.address, row.resident_id, row.place) == (ADDRESS, "r-0", HOME)
    assert (row.name_zh, row.name_en, row.added_ms) == ("新按钮", "新按钮", NOW_MS)
    assert told == [{"act": "register", "by": "staff"}]
    assert ADDRESS not in (await staff.get("/strangers")).text
    assert (await staff.post(ADOPT, json=RIGHT)).status_code == 409


@pytest.mark.parametrize(
    ("wrong", "status", "zh", "en"),
    [
        ({"id": ""}, 422, "编号：请填写", "Name in the register: is empty"),
        ({"id": "a b"}, 422, "编号：应为", "Name in the register: expected 1 to 128 characters"),
        ({"family": "lamp"}, 422, "类别：应为", "Kind: expected"),
        ({"driver": "nativ"}, 422, "没有这个驱动", "did you mean native?"),
        ({"place": "b9/u9"}, 422, "没有这个地点", "unknown place"),
        ({"resident": "r-77"}, 422, "没有这位居民", "unknown resident"),
        ({"id": "b-0"}, 409, "编号 b-0 已属于另一台设备", "belongs to another device"),
        ({"code": "D1"}, 409, "二维码编号 D1 已被使用", "belongs to d-1"),
        ({"address": "native:b-0"}, 409, "没有地址为", "There is no stranger native:b-0"),
    ],
)
async def test_what_cannot_be_registered_is_said_in_both_languages_and_nothing_is_kept(
    staff: httpx.AsyncClient,
    engine: Engine,
    wrong: dict[str, str],
    status: int,
    zh: str,
    en: str,
) -> None:
    answer = await staff.post(ADOPT, json=RIGHT | wrong)

    assert answer.status_code == status, answer.text
    assert zh in answer.json()["reason_zh"]
    assert en in answer.json()["reason_en"]
    with engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(devices)).scalar() == 6
        assert not list(read(connection, 0, 10, [COMMAND]))


async def test_all_mistakes_are_told_at_once_with_their_fields(staff: httpx.AsyncClient) -> None:
    answer = await staff.post(ADOPT, json={"address": ADDRESS})

    fields = [part["field"] for part in answer.json()["errors"]]
    assert fields == ["id", "family", "driver", "name_zh"]


async def test_crews_and_walls_do_not_register(
    crew: httpx.AsyncClient, wall: httpx.AsyncClient
) -> None:
    for client in (crew, wall):
        assert (await client.post(ADOPT, json=RIGHT)).status_code == 403
        assert (await client.get("/strangers")).status_code == 303


async def test_what_its_ecosystem_announced_fills_in_what_its_messages_do_not_tell(
    staff: httpx.AsyncClient, engine: Engine
) -> None:
    [before] = (await staff.get("/api/v1/strangers")).json()
    assert (before["name"], before["maker"], before["model"]) == (None, None, None)
    empty = {"driver": "x", "document_json": "{}", "key": "k"}
    says = {"family": "door", "name": "床头", "maker": "Acme", "model": "B1", "guess": "y"}
    with for_writing(engine).begin() as connection:
        row = empty | says | {"part": "a", "address": ADDRESS, "at_ms": 1}
        connection.execute(announcements.insert().values(row))
    [after] = (await staff.get("/api/v1/strangers")).json()
    assert (after["name"], after["maker"], after["model"]) == ("床头", "Acme", "B1")
    assert (after["family"], after["driver"]) == ("button", "native"), "its messages tell these"


async def test_who_was_pressed_stands_before_doors_that_chatter(
    staff: httpx.AsyncClient, engine: Engine
) -> None:
    said = encode([{"at_ms": NOW_MS + 1, "readings": [["contact", "open", NOW_MS + 1, None]]}])
    row = {"address": "native:lobby", "family": "door", "driver": "native", "topic": "y/up"}
    times = {"first_ms": 1, "last_ms": NOW_MS + 1, "messages": 99, "newest_json": said}
    with for_writing(engine).begin() as connection:
        connection.execute(strangers.insert().values(**row, **times))

    page = (await staff.get("/fragments/strangers")).text

    assert page.index(ADDRESS) < page.index("native:lobby")


async def test_an_emergency_of_a_stranger_says_what_its_ecosystem_calls_it(
    staff: httpx.AsyncClient, wall: httpx.AsyncClient, engine: Engine, judge: StandInJudge
) -> None:
    announced = {"driver": "x", "document_json": "{}", "key": "k", "part": "a", "at_ms": 1}
    with for_writing(engine).begin() as connection:
        row = announced | {"address": ADDRESS, "name": "王秀英床头"}
        connection.execute(announcements.insert().values(row))
    nobodys = {"place": None, "grid": None, "resident_id": None}
    judge.raise_case(device=ADDRESS, key=ADDRESS, family="button", **nobodys)

    assert "未登记的按钮 王秀英床头 (my-button)" in (await staff.get("/")).text
    on_wall = (await wall.get("/wall")).text
    assert "未登记的按钮 my-button" in on_wall
    assert "王秀英" not in on_wall, "a name may be a person's"


async def test_a_test_press_of_which_only_the_moment_is_known_is_told_without_its_kind(
    staff: httpx.AsyncClient, engine: Engine
) -> None:
    line = {"device": "b-0", "address": "native:b-0", "why": "imported", "by": "x", "at_ms": NOW_MS}
    with for_writing(engine).begin() as connection:
        connection.execute(commissionings.insert().values(line | {"test_press_ms": NOW_MS}))

    records = (await staff.get("/d/b-0")).text.partition('id="records"')[2]

    assert "导入" in records
    assert "None" not in records
