"""The crew's phone without a browser: what it takes along, in which order, and what it may keep."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.engine import Engine

from dashboard_api.app import STATIC
from dashboard_api.crew_shell import FILES, CrewShell
from dashboard_api.crew_work import building_of, by_urgency_and_way, walking_order
from dashboard_api.stickers import A4_HEIGHT_MM, A4_WIDTH_MM, SHEETS, chosen, pages, sticker
from dashboard_api.texts import Texts
from hub.database import devices, for_writing
from hub.new_codes import ALPHABET, give_codes, new_code
from hub.settings import Settings
from hub.site import Site
from rules.order_reader import COMMUNITY_ORDERS, load_orders
from tests.dashboard_api.community import NAMES
from tests.dashboard_api.conftest import NOW_MS, HandClock
from tests.dashboard_api.real_judge import RealJudge, until_found

API = "/api/v1"


def order(number: int, priority: int | None, place: str | None, **more: Any) -> dict[str, Any]:
    row = {"id": f"C-{number}", "priority": priority, "place": place, "ground": None}
    return row | {"its_grid": "grid-1"} | more


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["id"] for row in rows]


def test_the_most_urgent_come_first_and_within_a_priority_the_walk_goes_on() -> None:
    rows = [
        order(1, 3, "b10/u1/302"),
        order(2, 3, "b2/u2/1501"),
        order(3, 3, "b2/u1/1204"),
        order(4, 3, "b2/u1/302"),
        order(5, None, "b1"),
        order(6, 1, "b9/u9/901"),
        order(7, 3, None),
        order(8, 3, "b1", its_grid="grid-2"),
        order(9, 3, None, ground="g1", its_grid="grid-2"),
    ]
    assert ids(by_urgency_and_way(rows)) == [
        *("C-6", "C-4", "C-3", "C-2", "C-1", "C-7", "C-8", "C-9", "C-5")
    ]
    walked = sorted(rows, key=walking_order)
    assert ids(walked)[:5] == ["C-5", "C-4", "C-3", "C-2", "C-6"]  # floors 3 and 12 of one unit


def test_a_building_is_the_outermost_place_or_the_ground() -> None:
    places = {"b3": {"name_zh": "3号楼", "name_en": "Building 3"}}
    assert building_of(order(1, 1, "b3/u1/1204"), places).model_dump()["name"]["zh"] == "3号楼"
    assert building_of(order(1, 1, None, ground="g1"), places).key == "g1"
    assert building_of(order(1, 1, None), places).key is None


async def test_a_phone_takes_along_orders_codes_and_what_devices_said(
    crew: httpx.AsyncClient,
    wall: httpx.AsyncClient,
    anybody: httpx.AsyncClient,
    engine: Engine,
    clock: HandClock,
    settings: Settings,
) -> None:
    tables = load_orders([COMMUNITY_ORDERS])
    assert (await anybody.get(f"{API}/crew/work")).status_code == 401
    assert (await wall.get(f"{API}/crew/work")).status_code == 403
    with RealJudge(engine, clock, settings.data_dir, orders=tables).sitting() as court:
        court.say("d-1", battery=3.0)

        async def look() -> Any:
            found = (await crew.get(f"{API}/crew/work")).json()
            return found if found["orders"] and found["orders"][0]["points"] else None

        work = await until_found(look)
        [one] = work["orders"]
        assert work["who"] == {"account": "van", "actor": "van", "role": "crew", "language": "zh"}
        assert (one["building"]["key"], one["walk"], one["order"]["state"]) == ("b3", 1, "open")
        assert one["points"]["battery"][0] == 3.0
        assert work["codes"] == {"d-1": "D1"}
        assert [grid["id"] for grid in work["grids"]] == ["grid-1", "grid-2"]

        path = f"{API}/orders/{one['order']['id']}"
        typed = {"code": "d1"}  # in small letters
        assert (await crew.post(f"{path}/on_site", json=typed)).status_code == 200
        court.say("d-1", battery=4.0)  # somebody stands there: every word of it is told

        async def told() -> Any:
            clock.at_ms += settings.standings_flush_ms
            query = "SELECT body_json FROM changes WHERE kind = 'device' AND id > ?"
            with engine.connect() as connection:
                rows = connection.exec_driver_sql(query, (work["after"],)).all()
            return any('"battery":[4.0' in row[0] for row in rows)

        assert await until_found(told)
        assert (await crew.post(f"{path}/done")).status_code == 200
        court.say("d-1", battery=96.0)

        async def closed() -> Any:
            found = (await crew.get(f"{API}/crew/work")).json()
            return found if found["closed"] else None

        after = await until_found(closed)
        assert after["orders"] == []
        assert after["closed"][0]["proof"]["shown"] == "battery 96"
    clock.at_ms += (settings.crew_closed_h + 1) * 3_600_000
    assert (await crew.get(f"{API}/crew/work")).json()["closed"] == []


async def test_what_a_phone_may_keep_names_nobody(
    app: FastAPI, anybody: httpx.AsyncClient, staff: httpx.AsyncClient
) -> None:
    for language in ("zh", "en"):
        page = await anybody.get(f"/crew/shell/{language}")
        assert page.status_code == 200
        assert not any(name in page.text for name in (*NAMES, "staff"))
    assert (await anybody.get("/crew/shell/fr")).status_code == 404
    assert (await anybody.get("/crew")).headers["location"] == "/login?next=/crew"
    kept = (await anybody.get("/crew/shell/zh")).text
    assert (await staff.get("/crew")).text == kept
    worker = await anybody.get("/crew/worker.js")
    assert worker.headers["service-worker-allowed"] == "/crew"
    assert "worker-src 'self'" in worker.headers["content-security-policy"]
    for file in app.state.parts.crew.files:
        assert f'"/static/{file}"' in worker.text
        assert (await anybody.get(f"/static/{file}")).status_code == 200
    for language in ("zh", "en"):
        for link in _asked_for((await anybody.get(f"/crew/shell/{language}")).text):
            assert link.removeprefix("/static/") in app.state.parts.crew.files, link
    manifest = (await anybody.get("/crew/manifest.webmanifest")).json()
    assert (manifest["start_url"], manifest["scope"]) == ("/crew", "/crew")
    for icon in manifest["icons"]:
        assert (await anybody.get(icon["src"])).status_code == 200


def _asked_for(page: str) -> list[str]:
    return [part.split('"')[0] for part in page.split('="')[1:] if part.startswith("/static/")]


def test_another_build_is_another_version(tmp_path: Path, settings: Settings) -> None:
    own = [str(one.relative_to(STATIC)) for one in (STATIC / "js/crew").glob("*.js")]
    for file in [*FILES, *own]:
        copy = tmp_path / file
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((STATIC / file).read_bytes())
    site, texts = Site(), Texts(Site())
    before = CrewShell(settings, texts, site, tmp_path)
    assert before.version == CrewShell(settings, texts, site, STATIC).version
    (tmp_path / "js/crew/queue.js").write_text("// another", encoding="utf-8")
    assert CrewShell(settings, texts, site, tmp_path).version != before.version


# -- labels ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("sheet", SHEETS.values(), ids=list(SHEETS))
def test_a_sheet_lies_within_the_paper(sheet: Any) -> None:
    right = sheet.left_mm + (sheet.columns - 1) * sheet.across_mm + sheet.width_mm
    bottom = sheet.top_mm + (sheet.rows - 1) * sheet.down_mm + sheet.height_mm
    assert (sheet.labels, right <= A4_WIDTH_MM, bottom <= A4_HEIGHT_MM) == (24, True, True)
    assert sheet.across_mm >= sheet.width_mm
    assert sheet.down_mm >= sheet.height_mm
    assert sheet.source


def device(name: str, place: str | None, code: str | None = "K7M2QX") -> dict[str, Any]:
    return {"id": name, "grid": "grid-1", "place": place, "ground": None, "code": code}


def test_labels_come_in_the_order_of_the_walk_and_skip_what_is_used() -> None:
    rows = [device("a", "b10/u1"), device("b", "b2/u1/1204"), device("c", "b2/u1/302")]
    assert ids(chosen(rows, "", ())) == ["c", "b", "a"]
    assert ids(chosen(rows, "b2", ["b", "a"])) == ["b"]
    drawn = [sticker(row, "https://hub.example/") for row in chosen(rows, "", ()) * 8]
    assert drawn[0].link == "https://hub.example/d/K7M2QX"
    first, second = pages(drawn, SHEETS["70x37"], skip=10)
    assert (len(first), len(second)) == (24, 10)
    assert first[:10] == [None] * 10
    assert first[10:] + second == drawn
    assert pages([], SHEETS["70x37"], skip=3) == []


async def test_devices_without_a_code_are_given_one_that_nobody_has(
    staff: httpx.AsyncClient, crew: httpx.AsyncClient, engine: Engine
) -> None:
    wish = {"devices": ["c-1", "d-1"]}
    assert (await crew.post(f"{API}/labels/codes", json=wish)).status_code == 403
    given = (await staff.post(f"{API}/labels/codes", json=wish)).json()["codes"]
    assert list(given) == ["c-1"]  # d-1 keeps the one on its label
    assert (await staff.post(f"{API}/labels/codes", json=wish)).json()["codes"] == {}
    page = (await staff.get("/labels?grid=grid-2")).text
    assert f'data-link="http://hub.test/d/{given["c-1"]}"' in page
    assert (await staff.get("/labels?sheet=a5")).status_code == 422
    taken = iter(["D1", "b-0", given["c-1"], "NEW777"])
    with for_writing(engine).begin() as connection:
        codes = give_codes(connection, ["b-0"], "staff", NOW_MS, lambda: next(taken))
        assert codes == {"b-0": "NEW777"}
    label = (await crew.get("/labels?device=b-0")).text.split('class="sticker"')[-1]
    assert ("NEW777" in label, NAMES[0] in label) == (True, False)  # it hangs where all see it
    with for_writing(engine).begin() as connection:
        connection.execute(devices.update().values(code=None).where(devices.c.id == "b-0"))
        with pytest.raises(RuntimeError):
            give_codes(connection, ["b-0"], "staff", NOW_MS, lambda: "D1")
    assert set(new_code()) <= set(ALPHABET)
