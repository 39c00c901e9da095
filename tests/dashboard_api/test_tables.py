"""Lists to search and to take along: unknown senders, overrides; no cell is a sum."""

import csv
import io

import httpx
from sqlalchemy.engine import Engine

from dashboard_api.tables import csv_answer
from hub.database import for_writing, overrides, strangers
from tests.dashboard_api.conftest import NOW_MS


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def test_a_name_that_anybody_may_give_himself_is_never_a_formula() -> None:
    answer = csv_answer("x", ("name", "n"), [('=HYPERLINK("http://x")', 1), ("-5", -5), (None, 0)])
    rows = rows_of(bytes(answer.body))
    assert [row["name"] for row in rows] == ['\'=HYPERLINK("http://x")', "'-5", ""]
    assert [row["n"] for row in rows] == ["1", "-5", "0"]


async def test_unknown_senders_are_searched_and_taken_along(
    staff: httpx.AsyncClient, crew: httpx.AsyncClient, engine: Engine
) -> None:
    times = {"first_ms": NOW_MS, "last_ms": NOW_MS, "messages": 1, "newest_json": "[]"}
    with for_writing(engine).begin() as connection:
        for address, family in (("native:alpha", "button"), ("lorawan:beta", "door")):
            row = {"address": address, "family": family, "driver": "native", "topic": "x"}
            connection.execute(strangers.insert().values(**row, **times))
    page = (await staff.get("/strangers?q=ALPHA button")).text
    assert "native:alpha" in page
    assert "lorawan:beta" not in page
    assert "lorawan:beta" not in (await staff.get("/fragments/strangers?q=alpha")).text
    taken = rows_of((await staff.get("/strangers.csv?q=beta")).content)
    assert [(row["address"], row["last"]) for row in taken] == [
        ("lorawan:beta", "2026-03-02 09:00:00")
    ]
    assert (await crew.get("/strangers.csv")).status_code == 403


async def test_overrides_that_have_ended_are_found_too(
    staff: httpx.AsyncClient, engine: Engine
) -> None:
    body = '{"rule": "no-door-activity", "device": "d-1", "off": true}'
    about = {"rule": "no-door-activity", "body_json": body, "by": "wang", "since_ms": 1}
    with for_writing(engine).begin() as connection:
        for number, when, until_ms in ((1, "past", NOW_MS - 1), (2, "now", NOW_MS + 86_400_000)):
            row = {"id": number, "reason": f"visit {when}", "until_ms": until_ms}
            connection.execute(overrides.insert().values(**about, **row))
    whole = (await staff.get("/overrides")).text
    assert "visit past" in whole
    assert "visit now" in whole
    assert "visit past" not in (await staff.get("/overrides?state=active")).text
    assert "visit past" not in (await staff.get("/overrides?q=visit now")).text
    taken = rows_of((await staff.get("/overrides.csv?q=visit past")).content)
    assert [(row["rule"], row["device"], row["state"]) for row in taken] == [
        ("no-door-activity", "d-1", "ended")
    ]
