"""The map colours what waits for somebody; floor plans are pictures, and every move is kept."""

import httpx
from sqlalchemy.engine import Engine

from dashboard_api.plan_map import hull, plan_map, standing_for
from dashboard_api.queries import Row
from hub.database import for_writing, places
from tests.dashboard_api.community import HOME, StandInJudge
from tests.hub.test_picture import png

PLANS = "/api/v1/floor_plans"


def place(path: str, kind: str, x: float | None, y: float | None, grid: str | None = None) -> Row:
    names = {"name_zh": path, "name_en": path}
    return {"path": path, "kind": kind, "x": x, "y": y, "grid": grid, **names}


def case(number: int, where: str | None, severity: str, state: str = "raised") -> Row:
    return {"id": f"C-{number}", "place": where, "severity": severity, "state": state}


PLACES = {
    one["path"]: one
    for one in (
        place("b3", "building", 0.5, 0.5, "grid-1"),
        place("b3/u1", "entrance", 0.45, 0.6, "grid-1"),
        place(HOME, "home", 0.45, 0.6, "grid-1"),
        place("b3/u2", "entrance", None, None, "grid-1"),
        place("ground", "ground", 0.9, 0.9, "grid-2"),
    )
}
GRIDS: dict[str, Row] = {
    name: {"id": name, "grid_zh": name, "grid_en": name} for name in ("grid-1", "grid-2")
}


def test_a_case_is_shown_where_it_is_or_at_the_nearest_place_above() -> None:
    assert standing_for(HOME, PLACES) == HOME
    drawn = plan_map(
        PLACES,
        GRIDS,
        [
            case(1, HOME, "emergency"),
            case(2, "b3/u2/0101", "urgent", "answered"),
            case(3, "b3/u2", "notice"),
            case(4, "b9", "warning"),
            case(5, None, "warning"),
        ],
    )
    at = {mark.path: mark for mark in drawn.marks}
    assert HOME not in at, "homes are too many for a plan"
    assert (at["b3/u1"].severity, at["b3/u1"].fresh) == ("emergency", True)
    assert (at["b3"].severity, at["b3"].fresh, at["b3"].cases) == ("urgent", False, ("C-2", "C-3"))
    assert (at["ground"].severity, at["ground"].cases) == ("", ())
    assert [one["id"] for one in drawn.elsewhere] == ["C-4", "C-5"]


def test_a_grid_surrounds_its_places() -> None:
    assert hull([(0, 0), (4, 0), (4, 4), (0, 4), (2, 2), (2, 0)]) == (
        (0, 0),
        (4, 0),
        (4, 4),
        (0, 4),
    )
    assert hull([(1, 1), (1, 1)]) == ((1, 1),)
    areas = {area.id: area for area in plan_map(PLACES, GRIDS, []).areas}
    assert set(areas) == {"grid-1", "grid-2"}
    assert (450.0, 384.0) in areas["grid-1"].corners


async def test_the_map_shows_a_call_where_it_came_from(
    staff: httpx.AsyncClient, crew: httpx.AsyncClient, judge: StandInJudge, engine: Engine
) -> None:
    with for_writing(engine).begin() as connection:
        connection.execute(places.update().where(places.c.path == "b3/u1").values(x=0.4, y=0.3))
    judge.raise_case()
    page = (await staff.get("/map")).text
    assert 'class="spot entrance emergency fresh" href="/cases/C-000001"' in page
    assert 'class="spot entrance emergency fresh"' in (await staff.get("/fragments/map")).text
    assert (await crew.get("/map")).status_code == 303
    assert (await crew.get("/fragments/map")).status_code == 401


async def test_a_floor_plan_is_a_picture_and_nothing_else(
    staff: httpx.AsyncClient, crew: httpx.AsyncClient
) -> None:
    made = await staff.post(f"{PLANS}?name=Hall&place=b3", content=png(300, 200))
    assert made.status_code == 201
    plan = made.json()
    assert (plan["width"], plan["height"], plan["added_by"]) == (300, 200, "staff")
    shown = await staff.get(f"{PLANS}/{plan['id']}/picture")
    assert (shown.headers["content-type"], shown.content) == ("image/png", png(300, 200))
    assert shown.headers["x-content-type-options"] == "nosniff"

    script = await staff.post(f"{PLANS}?name=x", content=b"<svg onload='alert(1)'/>")
    assert (script.status_code, script.json()["code"]) == (422, "wrong_picture")
    nowhere = await staff.post(f"{PLANS}?name=x&place=b9", content=png())
    assert nowhere.json()["code"] == "no_such_place"
    large = await staff.post(f"{PLANS}?name=x", content=bytes(2_000_000))
    assert large.status_code == 413
    assert (await crew.post(f"{PLANS}?name=x", content=png())).status_code == 403
    assert (await staff.get(f"{PLANS}/99/picture")).status_code == 404


async def test_a_device_is_placed_moved_and_put_back(
    staff: httpx.AsyncClient, judge: StandInJudge
) -> None:
    plan = (await staff.post(f"{PLANS}?name=Hall", content=png(300, 200))).json()["id"]
    mark = f"{PLANS}/{plan}/marks/b-0"
    first = (await staff.put(mark, json={"x": 0.1, "y": 0.2})).json()
    same = (await staff.put(mark, json={"x": 0.1, "y": 0.2})).json()
    moved = (await staff.put(mark, json={"x": 0.9, "y": 0.2})).json()
    assert same["edit"] is None
    outside = await staff.put(mark, json={"x": 1.1, "y": 0.2})
    assert outside.status_code == 422
    assert (
        await staff.put(f"{PLANS}/{plan}/marks/nobody", json={"x": 0, "y": 0})
    ).status_code == 404

    late = await staff.post(f"{PLANS}/edits/{first['edit']}/undo")
    assert (late.status_code, late.json()["code"]) == (409, "changed_since")
    assert (await staff.post(f"{PLANS}/edits/{moved['edit']}/undo")).status_code == 200
    judge.raise_case()
    page = (await staff.get(f"/map/{plan}")).text
    assert 'class="device emergency fresh" href="/cases/C-000001"' in page
    assert 'cx="30.0"' in page
    assert (await staff.delete(mark)).json()["edit"]
    placing = (await staff.get(f"/map/{plan}?mode=place")).text
    assert 'option value="b-0"' in placing
    assert placing.count("data-undo") == 2, "placed and taken off; the move is taken back already"


async def test_a_plan_that_was_taken_away_comes_back_with_its_marks(
    staff: httpx.AsyncClient,
) -> None:
    plan = (await staff.post(f"{PLANS}?name=Hall", content=png())).json()["id"]
    await staff.put(f"{PLANS}/{plan}/marks/b-0", json={"x": 0.5, "y": 0.5})
    assert (await staff.delete(f"{PLANS}/{plan}")).status_code == 204
    assert (await staff.get(PLANS)).json() == []
    assert "Hall" in (await staff.get("/map")).text, "among those that were taken away"
    assert (await staff.post(f"{PLANS}/{plan}/restore")).status_code == 204
    assert [one["name"] for one in (await staff.get(PLANS)).json()] == ["Hall"]
    assert 'class="device' in (await staff.get(f"/map/{plan}")).text
