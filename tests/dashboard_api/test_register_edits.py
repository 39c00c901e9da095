"""The register is changed by page: with checks, a history, the way back, and tables."""

import csv
import io

import httpx
from sqlalchemy.engine import Engine

from hub.database import for_writing, looks, residents
from hub.edit_history import forget, history, record
from hub.journal import COMMAND, read
from hub.register import RESIDENTS, keep
from tests.dashboard_api.community import HOME, NAMES
from tests.dashboard_api.conftest import NOW_MS

R0 = "/api/v1/register/residents/r-0"


async def test_a_change_is_kept_with_who_did_it_and_the_hub_hears_of_it(
    staff: httpx.AsyncClient, engine: Engine
) -> None:
    fields = {"mobility": "轮椅", "key_holder": "李娜 13800000002", "phone": "0374-5550100"}
    done = (await staff.patch(R0, json={"fields": fields})).json()
    with engine.connect() as connection:
        row = connection.execute(residents.select().where(residents.c.id == "r-0")).one()
        [edit] = history(connection, "residents", "r-0")
        [entry] = read(connection, 0, 10, [COMMAND])
    assert (row.mobility, row.key_holder) == ("轮椅", "李娜 13800000002")
    assert (edit.id, edit.by) == (done["edit"], "staff")
    assert set(edit.after or ()) == {"mobility", "key_holder"}, "the phone was so already"
    assert entry.body is not None
    assert entry.body["act"] == "register"
    assert (await staff.patch(R0, json={"fields": fields})).json()["edit"] is None
    page = (await staff.get("/residents/r-0")).text
    assert "轮椅" in page
    assert "撤销" in page


async def test_what_cannot_be_is_said_by_field_in_both_languages_and_nothing_is_changed(
    staff: httpx.AsyncClient, engine: Engine
) -> None:
    fields = {"birth_year": "old", "place": "b3/u9", "name": "", "notes": "fine"}
    refused = await staff.patch(R0, json={"fields": fields})
    said = refused.json()
    assert (refused.status_code, said["code"]) == (422, "wrong_fields")
    assert {one["field"] for one in said["errors"]} == {"birth_year", "place", "name"}
    assert "姓名：请填写" in said["reason_zh"]
    assert "did you mean" in said["reason_en"], "the nearest place is named"
    other = await staff.patch(R0, json={"fields": {"id": "r-9", "nmae": "x"}})
    assert {one["field"] for one in other.json()["errors"]} == {"id", "nmae"}
    with engine.connect() as connection:
        assert history(connection, "residents", "r-0") == []


async def test_who_began_before_another_one_changed_it_is_told_who_was_first(
    staff: httpx.AsyncClient,
) -> None:
    first = (await staff.patch(R0, json={"fields": {"notes": "a"}, "newest_edit": 0})).json()
    late = await staff.patch(R0, json={"fields": {"notes": "b"}, "newest_edit": 0})
    assert (late.status_code, late.json()["code"]) == (409, "changed_since")
    assert late.json()["reason_zh"].startswith("staff 已先修改")
    again = await staff.patch(R0, json={"fields": {"notes": "b"}, "newest_edit": first["edit"]})
    assert again.status_code == 200


async def test_a_change_is_taken_back_once_and_not_over_a_newer_one(
    staff: httpx.AsyncClient,
) -> None:
    first = (await staff.patch(R0, json={"fields": {"notes": "a", "mobility": "m"}})).json()["edit"]
    second = (await staff.patch(R0, json={"fields": {"notes": "b"}})).json()["edit"]
    refused = await staff.post(f"/api/v1/register/edits/{first}/undo")
    assert (refused.status_code, refused.json()["code"]) == (409, "changed_since")
    assert (await staff.post(f"/api/v1/register/edits/{second}/undo")).status_code == 200
    assert (await staff.post(f"/api/v1/register/edits/{first}/undo")).status_code == 200
    edits = (await staff.get(f"{R0}/edits")).json()
    assert [one["undoes"] for one in edits] == [first, second, None, None]
    assert edits[0]["after"] == {"notes": "", "mobility": ""}


async def test_a_resident_comes_into_the_register_and_leaves_it_and_may_come_back(
    staff: httpx.AsyncClient,
) -> None:
    wish = {"id": "r-9", "fields": {"name": "孙福", "place": HOME, "tags": "lives-alone"}}
    assert (await staff.post("/api/v1/register/residents", json=wish)).status_code == 201
    assert (await staff.post("/api/v1/register/residents", json=wish)).status_code == 409
    incomplete = {"id": "r-8", "fields": {"name": "孙福"}}
    refused = await staff.post("/api/v1/register/residents", json=incomplete)
    assert [one["field"] for one in refused.json()["errors"]] == ["place"]
    assert "孙福" in (await staff.get("/residents?q=孙福")).text

    assert (await staff.delete("/api/v1/register/residents/r-9")).status_code == 200
    gone = await staff.get("/residents/r-9")
    assert "已不在登记中" in gone.text
    edit = (await staff.get("/api/v1/register/residents/r-9/edits")).json()[0]
    assert edit["after"] is None
    assert (await staff.post(f"/api/v1/register/edits/{edit['id']}/undo")).status_code == 200
    assert "孙福" in (await staff.get("/residents?q=孙福")).text
    in_use = await staff.delete(R0)
    assert (in_use.status_code, in_use.json()["code"]) == (409, "in_use")
    assert "b-0" in in_use.json()["reason_en"]
    assert (await staff.get("/residents/nobody")).status_code == 404


async def test_a_device_is_moved_by_page_but_does_not_become_another(
    staff: httpx.AsyncClient, crew: httpx.AsyncClient
) -> None:
    path = "/api/v1/register/devices/b-1"
    moved = await staff.patch(path, json={"fields": {"place": HOME, "tags": "bedside"}})
    assert moved.status_code == 200
    taken = await staff.patch(path, json={"fields": {"code": "D1"}})
    assert (taken.status_code, taken.json()["code"]) == (409, "taken")
    other = await staff.patch(path, json={"fields": {"address": "native:x"}})
    assert other.status_code == 422
    assert (await crew.patch(path, json={"fields": {"code": "X"}})).status_code == 403
    page = (await staff.get("/devices/b-1/edit")).text
    assert HOME in page
    assert NAMES[1] in (await staff.get("/d/b-1")).text


TABLES = {
    "residents.csv": {"r-0", "r-1", "r-2"},
    f"residents.csv?q={NAMES[1]}": {"r-1"},
    "residents.csv?state=missed&grid=grid-2": set(),
    "devices.csv?family=button&state=working": {"b-0", "b-1"},
    "devices.csv?family=button&state=silent": {"b-2"},
}


async def test_a_list_is_taken_along_as_a_table_that_can_be_read_in_again(
    staff: httpx.AsyncClient,
) -> None:
    for query, shown in TABLES.items():
        answer = await staff.get(f"/api/v1/register/{query}")
        assert answer.headers["content-type"].startswith("text/csv")
        rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert {row["id"] for row in rows} == shown, query


async def test_the_pages_of_lists_filter_as_their_tables_do(staff: httpx.AsyncClient) -> None:
    silent = (await staff.get("/devices?family=button&state=silent")).text
    assert "/d/b-2" in silent
    assert "/d/b-0" not in silent
    missed = (await staff.get("/residents?state=missed")).text
    assert NAMES[2] in missed
    assert "state=missed" in missed, "the table to take along has the same filter"


def test_what_an_import_changes_stands_in_the_history_too(engine: Engine) -> None:
    row = {"id": "r-0", "name": "王秀英", "notes": "new"}
    with for_writing(engine).begin() as connection:
        keep(connection, RESIDENTS, [row], NOW_MS, imported_by="import of people.csv")
        [edit] = history(connection, "residents")
    assert (edit.by, edit.before, edit.after) == (
        "import of people.csv", {"notes": None}, {"notes": "new"},
    )  # fmt: skip


def test_what_people_were_is_not_kept_for_ever(engine: Engine) -> None:
    with for_writing(engine).begin() as connection:
        for at_ms in (NOW_MS - 10, NOW_MS):
            record(connection, ("residents", "r-0"), {"notes": "a"}, {"notes": "b"}, "wang", at_ms)
            look = {"resident_id": "r-0", "at_ms": at_ms, "by": "wang"}
            connection.execute(looks.insert().values(look))
        assert forget(connection, NOW_MS, 100) == 2
        assert [edit.at_ms for edit in history(connection, "residents")] == [NOW_MS]
