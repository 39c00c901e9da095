"""The daily log on its pages: read, printed, taken along, added to and never changed."""

import csv
from io import StringIO
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from dashboard_api.log_words import details
from dashboard_api.texts import Texts
from hub.daily_log import Line
from hub.database import alerts, cases, commissionings, for_writing, journal, notices, remarks
from hub.site import Site
from tests.dashboard_api.community import HOME, StandInJudge
from tests.dashboard_api.conftest import NOW_MS, HandClock

DAY = "2026-03-02"
PAGE = f"/log/grid-1/{DAY}"
API = "/api/v1/log"


def a_morning(engine: Engine, judge: StandInJudge) -> str:
    """A call that was answered, a notice that was lost, a device in trouble, one put in service."""
    case_id = judge.raise_case()
    with for_writing(engine).begin() as connection:
        connection.execute(
            notices.insert().values(
                case_id=case_id,
                channel="webhook",
                role="grid-leader",
                reason="opened",
                body_json="{}",
                created_ms=NOW_MS,
                due_ms=NOW_MS,
                tries=3,
                state="given_up",
                done_ms=NOW_MS + 90_000,
                last_error="=503",
            )
        )
        words = {"why_zh": "设备失联", "why_en": "Nothing heard"}
        connection.execute(
            alerts.insert().values(
                id="device-silent|d-1|1",
                rule="device-silent",
                rule_version="1",
                key="d-1",
                device="d-1",
                severity="warning",
                category="fault",
                opened_at_ms=NOW_MS,
                opened_heard_ms=NOW_MS + 1_000,
                closed_at_ms=NOW_MS + 61_000,
                closed_heard_ms=NOW_MS + 61_000,
                **words,
            )
        )
        line = {"device": "c-1", "address": "native:c-1", "why": "adopted", "by": "li"}
        connection.execute(commissionings.insert().values(**line, at_ms=NOW_MS))
    return case_id


async def read(client: httpx.AsyncClient, grid: str = "grid-1", day: str = DAY) -> dict[str, Any]:
    answer = await client.get(API, params={"grid": grid, "day": day})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_what_happened_stands_in_its_grid_and_on_its_day(
    staff: httpx.AsyncClient, engine: Engine, judge: StandInJudge, clock: HandClock
) -> None:
    case_id = a_morning(engine, judge)
    clock.at_ms += 45_000
    judge.now_ms = clock.at_ms
    await staff.post(f"/api/v1/cases/{case_id}/answer", json={})
    log = await read(staff)

    shown = [(one["what"], one["case"], one["after_s"]) for one in log["lines"]]
    assert shown == [
        ("raised", case_id, 0),
        ("trouble", None, None),
        ("answer", case_id, 45),
        ("well", None, 60),
        ("given_up", case_id, 90),
    ]
    assert log["figures"]["emergency"]["answered_within_60_s"] == 1
    assert log["counts"] == {"raised": 1, "trouble": 1, "answer": 1, "well": 1, "given_up": 1}
    other = await read(staff, "grid-2")
    assert [(one["what"], one["by"]) for one in other["lines"]] == [("adopted", "li")]
    assert (await read(staff, day="2026-03-01"))["lines"] == []


def test_whom_a_plan_told_stands_by_role_and_no_family_by_its_residents_id() -> None:
    nothing = dict.fromkeys(Line._fields)
    told = {"step": 0, "contacts": ["duty-phone:grid-1", "desk", "family:r-7:0", "family:r-7:1"]}
    line = Line(**nothing | {"what": "called", "details": told})  # type: ignore[arg-type]
    texts = Texts(Site())
    zh, en = (details(line, texts.speaker(language)) for language in ("zh", "en"))
    assert zh == "第 1 步第 1 次：值班手机 grid-1, 值班台, 家属"
    assert en == "step 1, call 1: Duty phone grid-1, Desk, Family"


async def test_a_remark_is_kept_under_its_writers_name_and_in_the_journal(
    staff: httpx.AsyncClient, engine: Engine
) -> None:
    body = {"grid": "grid-1", "day": "2026-03-01", "text": "  楼道灯坏了  "}
    answer = await staff.post(f"{API}/remarks", json=body)
    log = await read(staff, day="2026-03-01")

    assert answer.status_code == 201
    [line] = log["lines"]
    assert (line["what"], line["by"], line["text"]) == ("remark", "staff", "楼道灯坏了")
    with engine.connect() as connection:
        kept = connection.execute(
            sa.select(journal.c.body).where(journal.c.seq == answer.json()["seq"])
        ).scalar_one()
    assert '"act":"remark"' in kept
    assert "楼道灯坏了" in kept


@pytest.mark.parametrize("change", [remarks.update().values(text="x"), remarks.delete()])
async def test_a_remark_cannot_be_changed(
    staff: httpx.AsyncClient, engine: Engine, change: Any
) -> None:
    await staff.post(f"{API}/remarks", json={"grid": "-", "day": DAY, "text": "下雨"})

    with (
        pytest.raises(sa.exc.IntegrityError, match="only ever added"),
        for_writing(engine).begin() as connection,
    ):
        connection.execute(change)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"grid": "grid-9", "day": DAY, "text": "x"}, 404),
        ({"grid": "grid-1", "day": "2026-03-03", "text": "x"}, 422),
        ({"grid": "grid-1", "day": "20260302", "text": "x"}, 422),
        ({"grid": "grid-1", "day": "9999-12-31", "text": "x"}, 422),
        ({"grid": "grid-1", "day": "", "text": "x"}, 422),
        ({"grid": "grid-1", "day": DAY, "text": "   "}, 422),
        ({"grid": "grid-1", "day": DAY, "text": "x" * 2_001}, 422),
        ({"grid": "grid-1", "day": DAY, "text": "x", "by": "wang"}, 422),
    ],
)
async def test_a_remark_that_cannot_be_is_refused(
    staff: httpx.AsyncClient, engine: Engine, body: dict[str, str], status: int
) -> None:
    assert (await staff.post(f"{API}/remarks", json=body)).status_code == status
    with engine.connect() as connection:
        assert connection.execute(sa.select(remarks)).all() == []


async def test_the_log_is_not_for_walls_and_crews(
    anybody: httpx.AsyncClient, wall: httpx.AsyncClient, crew: httpx.AsyncClient
) -> None:
    for client, status in ((anybody, 401), (wall, 403), (crew, 403)):
        assert (await client.get(API, params={"grid": "grid-1"})).status_code == status
        posted = await client.post(f"{API}/remarks", json={"grid": "-", "day": DAY, "text": "x"})
        assert posted.status_code == status
        assert (await client.get(PAGE)).status_code == 303
    assert (await anybody.get(PAGE)).headers["location"].startswith("/login")


async def test_the_table_opens_in_a_spreadsheet_and_sums_nothing(
    staff: httpx.AsyncClient, engine: Engine, judge: StandInJudge
) -> None:
    case_id = a_morning(engine, judge)
    await staff.post(f"{API}/remarks", json={"grid": "grid-1", "day": DAY, "text": "=1+1"})
    answer = await staff.get(f"{PAGE}.csv")

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert f'filename="log-grid-1-{DAY}.csv"' in answer.headers["content-disposition"]
    assert answer.text[0] == "\ufeff"
    head, *rows = csv.reader(StringIO(answer.text[1:]))
    assert head[:3] == ["时间", "内容", "事件"]
    assert rows[0][:3] == ["2026-03-02 09:00:00", "事件发生", case_id]
    assert rows[0][4] == "3号楼1单元1204室"
    assert rows[1][-1] == "'=1+1"
    lost = next(row for row in rows if row[1] == "通知未送达")
    assert lost[-1].endswith("网格长，尝试 3 次 · =503")
    assert all(len(row) == len(head) for row in rows)


async def test_the_pages_lead_from_day_to_day_and_to_each_grid(
    staff: httpx.AsyncClient, engine: Engine, judge: StandInJudge
) -> None:
    case_id = a_morning(engine, judge)
    await staff.get("/language/en")
    overview, page = (await staff.get("/log")).text, (await staff.get(PAGE)).text
    before = (await staff.get("/log/grid-1/2026-03-01")).text

    assert f'href="{PAGE}"' in overview
    assert f'href="/log/-/{DAY}"' in overview
    assert "Nothing heard" in page
    assert f'href="/cases/{case_id}"' in page
    assert HOME not in page  # by its name, not by its path
    assert 'href="/log/grid-1/2026-03-01"' in page
    assert 'href="/log/grid-1/2026-03-03"' not in page  # a day yet to come
    assert f'href="{PAGE}"' in before
    assert "Nothing happened on this day." in before
    for path, status in (("/log/grid-9/2026-03-02", 404), ("/log/grid-1/today", 422)):
        assert (await staff.get(path)).status_code == status


async def test_the_log_shows_no_more_lines_than_it_may(
    staff: httpx.AsyncClient, engine: Engine, judge: StandInJudge
) -> None:
    judge.raise_case()
    with for_writing(engine).begin() as connection:
        row = dict(connection.execute(cases.select()).mappings().one())
        connection.execute(cases.insert(), [{**row, "id": f"C-1{n:05}"} for n in range(5_000)])
    log = await read(staff)

    assert (len(log["lines"]), log["more"]) == (5_000, True)
    assert log["counts"] == {"raised": 5_001}
