"""The rota over HTTP and on its page."""

import httpx

from tests.dashboard_api.conftest import NOW_MS

ROTA = "/api/v1/rota"
CSV = """role,grid,person,from,to
duty-phone,grid-1,张三,2026-03-02 12:00,2026-03-02 20:00
desk,,李四,2026-03-02 20:00,2026-03-03 08:00
"""


async def test_a_file_is_read_changed_and_saved_again(
    staff: httpx.AsyncClient, crew: httpx.AsyncClient
) -> None:
    assert (await crew.post(ROTA, content=CSV)).status_code == 403
    done = await staff.post(ROTA, content=CSV)
    assert done.json() == {"rows": 2, "added": 2, "changed": 0}
    first, second = (await staff.get(ROTA)).json()["shifts"]
    assert (first["person"], first["since_ms"]) == ("张三", NOW_MS + 3 * 3_600_000)

    away = await staff.post(f"{ROTA}/{first['id']}/absence", json={"reason": "生病"})
    assert away.status_code == 204
    unmanned = (await staff.get(ROTA)).json()["unmanned"]
    assert [(one["person"], one["why"]) for one in unmanned] == [("张三", "absent")]
    page = (await staff.get("/rota")).text
    assert "缺勤，尚无人顶替" in page
    assert "生病" in page
    await staff.post(f"{ROTA}/{first['id']}/swap", json={"person": "王五"})
    await staff.delete(f"{ROTA}/{second['id']}")

    saved = (await crew.get(f"{ROTA}/csv")).content.decode("utf-8-sig").splitlines()
    assert saved[1:] == ["duty-phone,grid-1,王五,2026-03-02 12:00,2026-03-02 20:00"]
    assert (await staff.get(ROTA)).json()["unmanned"] == []


async def test_a_wrong_row_is_told_with_its_line_and_nothing_is_kept(
    staff: httpx.AsyncClient,
) -> None:
    wrong = await staff.post(ROTA, content=CSV.replace("grid-1", "grid-11"))

    assert (wrong.status_code, wrong.json()["code"]) == (422, "wrong_rota")
    assert (
        "rota.csv:2: grid: unknown grid 'grid-11'; did you mean grid-1?" in wrong.json()["detail"]
    )
    assert (await staff.get(ROTA)).json()["shifts"] == []
    assert (await staff.post(f"{ROTA}/1/swap", json={"person": "x"})).status_code == 404
    assert (await staff.get(f"{ROTA}?from=never")).status_code == 422
