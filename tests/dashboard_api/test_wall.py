"""The wall names nobody, says how old it is, and its token can change nothing."""

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import httpx
import msgspec
import pytest
import sqlalchemy as sa
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from sqlalchemy.engine import Engine

from dashboard_api import routes
from dashboard_api.access import Viewer
from dashboard_api.app import create_app
from dashboard_api.live import Change, shown
from dashboard_api.wall import CASES_MAX, last_day, nameless
from hub import users
from hub.database import cases, devices, for_writing, health, latest, metadata, places, residents
from hub.demo.community import community
from hub.demo.community import seed as seed_demo
from hub.local_series import LocalSeries
from hub.settings import Settings
from hub.site import Site
from tests.dashboard_api.community import StandInJudge, encode, say_alive
from tests.dashboard_api.conftest import NOW_MS, HandClock
from tests.fresh import fresh_engine

HOUR_MS = 3_600_000
GET = "GET"
# A log-in, a link that is a key by itself, and a trouble told at the device: all without a token.
OF_ANYBODY = {
    "/api/v1/session",
    "/a/{token}",
    "/d/{code}/report",
    "/api/v1/devices/{code}/report",
}
OF_THE_SCREEN = "/api/v1/screens/beat"
ENDLESS = "/api/v1/live"


# -- no names -------------------------------------------------------------------------------------


def _demo(engine: Engine) -> None:
    """The demo's 120 residents, and all the ways in which their names get into other rows."""
    with for_writing(engine).begin() as connection:
        seed_demo(connection, NOW_MS)
        say_alive(connection, NOW_MS)
        people = connection.execute(residents.select()).mappings().all()
        for number, person in enumerate(people):
            connection.execute(cases.insert().values(_case_of(dict(person), number)))
        first, second, third = (person["name"] for person in people[:3])
        gym = devices.update().where(devices.c.id == "gym-g1-01")
        connection.execute(gym.values(name_zh=f"{first}捐赠的漫步机", name_en=f"{first}'s walker"))
        door = devices.update().where(devices.c.id == "door-shop-cold")
        connection.execute(door.values(name_zh=f"{second}的冷库", name_en=f"{second}'s store"))
        home = {"path": "lone", "kind": "home", "name_zh": f"{third}家", "name_en": f"{third}'s"}
        connection.execute(places.insert().values(home))
        opened = encode({"contact": ["open", NOW_MS - HOUR_MS]})
        row = {"heard_ms": NOW_MS, "gateway": "gw-centre", "points_json": opened}
        connection.execute(latest.insert().values(device="door-shop-cold", **row))


def _case_of(person: dict[str, Any], number: int) -> dict[str, Any]:
    """A case about this resident; by turns its place, device or sender's name gives them away."""
    state = ("raised", "answered")[number % 2]
    case = {
        "id": f"C-{number:06d}",
        "rule": "emergency-press",
        "key": f"native:{person['name']}",
        "device": f"native:{person['name']}",
        "family": "button",
        "severity": "emergency",
        "category": "emergency",
        "response": "emergency",
        "place": person["place"],
        "grid": person["grid"],
        "resident_id": person["id"],
        "title_zh": "紧急呼叫",
        "title_en": "Emergency call",
        "why_zh": f"{person['name']}按下了按钮",
        "why_en": f"{person['name']} pressed the button",
        "state": state,
        "answered_by": person["name"] if state == "answered" else None,
        "active": True,
        "times": 1,
        "version": 1,
        "raised_at_ms": NOW_MS - number,
        "heard_at_ms": NOW_MS - number,
        "changed_ms": NOW_MS,
    }
    odd: list[dict[str, Any]] = [
        {},
        {"place": "lone", "grid": None},
        {"place": None, "grid": None, "resident_id": None},
    ]
    if number % 4 == 3:  # a button is called by its home's room
        button = f"btn-{person['id'].removeprefix('r-')}"
        return case | {"device": button, "place": None, "grid": None}
    return case | odd[number % 3]


@pytest.fixture
def crowd(settings: Settings) -> Iterator[Engine]:
    engine = fresh_engine(settings.data_dir / "hub.db", _demo)
    yield engine
    engine.dispose()


@pytest.fixture
async def screen(
    settings: Settings, clock: HandClock, crowd: Engine
) -> AsyncIterator[httpx.AsyncClient]:
    """A wall screen before the demo's community, its token taken by its browser."""
    series = LocalSeries(settings, "demo")
    app = create_app(settings, clock, crowd, series, community().site)
    token = users.add_token(crowd, clock, "hall", "wall")
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://hub.test", follow_redirects=True
    ) as client:
        assert (await client.get("/wall", params={"token": token})).status_code == 200
        yield client
    await series.close()


def personal(engine: Engine) -> set[str]:
    """Names and numbers of all residents and their relatives, and the numbers of their rooms."""
    with engine.connect() as connection:
        people = connection.execute(residents.select()).mappings().all()
    found = {person[name] for person in people for name in ("name", "phone") if person[name]}
    for person in people:
        for contact in msgspec.json.decode(person["contacts_json"]):
            found |= {contact["name"], contact["phone"]}
        found.add(f"{(person['place'] or '').rpartition('/')[2]}室")
    return found


def named_in(text: str, secret: set[str]) -> list[str]:
    return sorted(word for word in secret if word in text)


async def test_no_public_render_names_any_resident_however_the_name_got_in(
    screen: httpx.AsyncClient, crowd: Engine
) -> None:
    secret = personal(crowd)
    assert len(secret) > 300
    with crowd.connect() as connection:
        ids = list(connection.execute(sa.select(cases.c.id).order_by(cases.c.id)).scalars())
    for language in ("zh", "en"):
        await screen.get(f"/language/{language}", params={"back": "/fragments/wall"})
        for path in ("/wall", "/api/v1/cases?state=open", "/api/v1/coverage"):
            assert named_in((await screen.get(path)).text, secret) == [], (language, path)
        for begin in range(0, len(ids), CASES_MAX):  # so many cases the wall shows at a time
            leave_open(crowd, ids[begin : begin + CASES_MAX])
            page = (await screen.get("/fragments/wall")).text
            assert page.count('class="kind-name"') == min(CASES_MAX, len(ids) - begin)
            assert named_in(page, secret) == [], (language, begin)
        leave_open(crowd, ids)


def leave_open(engine: Engine, ids: Sequence[str]) -> None:
    """Only these cases are open now."""
    closed = sa.case((cases.c.id.in_(ids), None), else_=NOW_MS)
    with for_writing(engine).begin() as connection:
        connection.execute(cases.update().values(closed_at_ms=closed))


async def test_every_emergency_is_shown_under_some_name_though(
    screen: httpx.AsyncClient, crowd: Engine
) -> None:
    """Whatever stands in a row, people still learn where to look."""
    with for_writing(crowd).begin() as connection:
        connection.execute(cases.update().values(state="raised"))
    page = (await screen.get("/fragments/wall")).text
    shown_where = re.findall(r'<p class="where">([^<]*)', page)

    assert [where.strip() for where in shown_where] == ["1号楼1单元", "呼叫按钮", "呼叫按钮"]
    assert "另有 117 个" in page


def test_the_feed_of_a_wall_has_no_names(crowd: Engine) -> None:
    secret = personal(crowd)
    with crowd.connect() as connection:
        rows = connection.execute(cases.select()).mappings().all()
    for row in rows:
        event = shown(Change(1, "case", row["id"], dict(row), NOW_MS), Viewer("hall", "wall"))
        assert event is not None
        assert named_in(str(event.data), secret) == []
    for kind in ("notice", "device", "rules"):
        body = {"text": "".join(secret)}
        assert shown(Change(1, kind, "x", body, NOW_MS), Viewer("hall", "wall")) is None


def test_a_text_with_a_name_in_it_is_left_out() -> None:
    assert nameless("王秀英的按钮", ["王秀英"]) == ""
    assert nameless("漫步机", ["王秀英"]) == "漫步机"
    assert nameless(None, []) == ""


# -- read only ------------------------------------------------------------------------------------


def all_routes() -> set[tuple[str, str]]:
    """Every method and path of every router."""
    modules = [
        import_module(f"{routes.__name__}.{found.name}") for found in iter_modules(routes.__path__)
    ]
    routers = [one for module in modules for one in vars(module).values()]
    return {
        (method, route.path)
        for router in routers
        if isinstance(router, APIRouter)
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }


def content_of(engine: Engine) -> dict[str, list[Any]]:
    """All rows of all tables but what a screen says of itself."""
    with engine.connect() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(sa.select(table))]
            for table in metadata.sorted_tables
            if table.name != "screens"
        }


def filled(path: str) -> str:
    known = {"case_id": "C-000000", "act": "answer", "name": "hall", "grid": "grid-1"}
    return re.sub(r"\{(\w+)(?::\w+)?\}", lambda found: known.get(found[1], "btn-b1-302"), path)


async def test_a_screens_token_can_change_nothing_and_reads_no_name_anywhere(
    screen: httpx.AsyncClient, crowd: Engine
) -> None:
    found, secret, before = all_routes(), personal(crowd), content_of(crowd)
    assert len(found) > 90
    screen.follow_redirects = False
    allowed = {}
    for method, path in sorted(found):
        if (path in OF_ANYBODY and method != GET) or path == ENDLESS:
            continue
        answer = await screen.request(method, filled(path), json={} if method != GET else None)
        assert named_in(answer.text, secret) == [], (method, path)
        assert answer.status_code < 500, (method, path)
        if method not in (GET, "HEAD") and answer.status_code not in (401, 403, 405):
            allowed[path] = answer.status_code

    assert allowed == {OF_THE_SCREEN: 422}
    assert content_of(crowd) == before


# -- how old it is --------------------------------------------------------------------------------


def ages(page: str) -> set[int]:
    return {int(at_ms) for at_ms in re.findall(r'class="age" data-at="(\d+)"', page)}


async def test_every_tile_says_of_when_it_is(wall: httpx.AsyncClient) -> None:
    page = (await wall.get("/wall")).text
    tiles = re.findall(r'<section class="tile (\w+)">.*?</section>', page, re.DOTALL)
    aged = re.findall(r'<section class="tile \w+">\s*<h2>[^<]*<span class="age"', page)

    assert tiles == ["list", "map", "cover", "doors", "devices", "day", "use", "machines"]
    assert len(aged) == len(tiles)
    assert ages(page) == {NOW_MS}


async def test_no_tile_is_younger_than_the_hubs_own_last_word(
    wall: httpx.AsyncClient, engine: Engine, clock: HandClock
) -> None:
    clock.at_ms += 60_000
    page = (await wall.get("/wall")).text

    assert f'data-shown="{NOW_MS}"' in page
    assert NOW_MS in ages(page)
    with for_writing(engine).begin() as connection:
        connection.execute(health.delete())
    assert "系统未运行" in (await wall.get("/wall")).text


async def test_the_hall_is_not_told_what_only_the_office_can_mend(
    wall: httpx.AsyncClient, engine: Engine
) -> None:
    row = {"state": "yellow", "text_zh": "?", "text_en": "?", "figures_json": "{}", "at_ms": NOW_MS}
    with for_writing(engine).begin() as connection:
        for part in ("calendar", "archive"):
            change = health.insert().prefix_with("OR REPLACE").values(part=part, **row)
            connection.execute(change)
    page = (await wall.get("/wall")).text
    assert "节假日历" not in page
    assert "时序库" in page or "存档" in page


async def test_what_takes_long_is_counted_once_for_all_screens_and_says_how_old_it_is(
    app: FastAPI, wall: httpx.AsyncClient, engine: Engine, clock: HandClock
) -> None:
    first = (await wall.get("/fragments/wall")).text
    with for_writing(engine).begin() as connection:
        connection.execute(residents.insert().values(id="r-9", name="孙新来", place="b3"))
    clock.at_ms += 3_000
    second = (await wall.get("/fragments/wall")).text
    clock.at_s += app.state.parts.settings.wall_figures_every_s
    third = (await wall.get("/fragments/wall")).text

    assert "共 3 人" in first
    assert "共 3 人" in second
    assert {NOW_MS, NOW_MS + 3_000} <= ages(second)
    assert "共 4 人" in third


# -- figures --------------------------------------------------------------------------------------


async def test_a_door_whose_sensor_is_dead_is_unknown_and_not_open(
    wall: httpx.AsyncClient, clock: HandClock
) -> None:
    alive = (await wall.get("/fragments/wall")).text
    clock.at_ms += 100 * HOUR_MS
    clock.at_s += 60
    dead = (await wall.get("/fragments/wall")).text

    assert '<p class="figure">1<small> / 1</small></p>' in alive
    assert "<dt>单元门</dt>" in alive
    assert '<p class="figure">0<small> / 0</small></p>' in dead
    assert "<dt>状态未知</dt><dd>1</dd>" in dead


async def test_grids_show_what_waits_there_and_who_can_call(
    wall: httpx.AsyncClient, judge: StandInJudge
) -> None:
    judge.raise_case()
    judge.raise_case(grid=None, place="ground", severity="notice", category="maintenance")
    page = (await wall.get("/fragments/wall")).text
    grids = re.findall(r'<li class="(waiting|some|none)">\s*<span class="name">(\S+)</span>', page)

    assert grids == [("waiting", "第一网格"), ("none", "第二网格")]
    assert "/ 3</span>" in page


async def test_only_an_emergency_that_nobody_answered_takes_the_screen(
    wall: httpx.AsyncClient, judge: StandInJudge
) -> None:
    judge.raise_case(severity="urgent", category="fault")
    calm = (await wall.get("/fragments/wall")).text
    judge.raise_case()
    taken = (await wall.get("/fragments/wall")).text
    with for_writing(judge.engine).begin() as connection:
        connection.execute(cases.update().values(state="answered"))
    answered = (await wall.get("/fragments/wall")).text

    assert ["takeover" in page for page in (calm, taken, answered)] == [False, True, False]
    assert "3号楼1单元" in taken[taken.index("takeover") :]


async def test_the_last_day_counts_what_the_hub_heard_in_it(
    judge: StandInJudge, engine: Engine, settings: Settings
) -> None:
    now_ms = NOW_MS + 30 * 60_000  # half past nine
    heard = {0: 30, 1: 90, 9: None, 23: 20, 24: 10}
    for hours, answered_s in heard.items():
        at_ms = now_ms - hours * HOUR_MS
        answered_ms = None if answered_s is None else at_ms + answered_s * 1_000
        judge.raise_case(heard_at_ms=at_ms, answered_at_ms=answered_ms)
    judge.raise_case(category="fault", heard_at_ms=now_ms)
    with engine.connect() as connection:
        day = last_day(connection, settings, Site(), now_ms)

    assert (day.total, day.by_category["emergency"], day.by_category["fault"]) == (5, 4, 1)
    assert (day.answered_in_time, day.median_answer_s) == (2, 30)
    assert day.hours[-1] == (9, 2)
    assert day.hours[0] == (10, 1)
    assert sum(count for _, count in day.hours) == 5
