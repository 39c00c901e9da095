"""The battery round: whose turn it is, and on which day a battery will be empty."""

from datetime import date, timedelta

import httpx
from sqlalchemy.engine import Engine

from hub.database import device_days, devices, for_writing, latest, residents
from tests.dashboard_api.community import encode
from tests.dashboard_api.conftest import NOW_MS

TODAY = date(2026, 3, 2)


def say(engine: Engine, device: str, **points: float | bool) -> None:
    said = encode({name: [value, NOW_MS] for name, value in points.items()})
    with for_writing(engine).begin() as connection:
        connection.execute(latest.delete().where(latest.c.device == device))
        row = {"device": device, "heard_ms": NOW_MS, "gateway": "gw-1", "points_json": said}
        connection.execute(latest.insert().values(row))


def said_daily(engine: Engine, device: str, percents: list[float]) -> None:
    days = [TODAY - timedelta(days=len(percents) - 1 - number) for number in range(len(percents))]
    rows = [
        {"device": device, "day": day.isoformat(), "messages": 1, "battery": percent}
        for day, percent in zip(days, percents, strict=True)
    ]
    with for_writing(engine).begin() as connection:
        connection.execute(device_days.insert(), rows)


async def test_what_people_depend_on_comes_first_and_what_is_flat_before_all(
    staff: httpx.AsyncClient, engine: Engine
) -> None:
    with for_writing(engine).begin() as connection:
        alone = residents.c.id == "r-2"
        connection.execute(residents.update().where(alone).values(tags_json='["lives-alone"]'))
    say(engine, "b-0", battery=10.0)
    say(engine, "b-1", battery=12.0)
    say(engine, "b-2", battery=13.0)
    say(engine, "d-1", battery=3.0)
    found = (await staff.get("/api/v1/batteries?grid=grid-1")).json()["batteries"]

    assert [(one["device"], one["depends"]) for one in found] == [
        ("d-1", "door"),
        ("b-2", "alone_button"),
        ("b-0", "button"),
        ("b-1", "button"),
    ]
    assert [one["flat"] for one in found] == [True, False, False, False]


async def test_a_day_is_named_when_enough_is_known(
    staff: httpx.AsyncClient, engine: Engine
) -> None:
    said_daily(engine, "b-0", [80.0 - day / 2 for day in range(31)])
    said_daily(engine, "b-1", [70.0 - day for day in range(5)])
    found = {
        one["device"]: one for one in (await staff.get("/api/v1/batteries")).json()["batteries"]
    }

    assert found["b-0"]["empty_on"] == (TODAY + timedelta(days=120)).isoformat()
    assert found["b-0"]["per_day"] == 0.5
    assert found["b-1"]["empty_on"] is None


async def test_volts_become_percent_by_the_cell_that_is_in_it(
    staff: httpx.AsyncClient, engine: Engine
) -> None:
    with for_writing(engine).begin() as connection:
        connection.execute(devices.update().where(devices.c.id == "b-2").values(cell="CR2032"))
    say(engine, "b-2", battery_v=2.9)
    say(engine, "d-1", battery_v=2.9, battery_low=True)
    found = {
        one["device"]: one for one in (await staff.get("/api/v1/batteries")).json()["batteries"]
    }

    assert (found["b-2"]["percent"], found["b-2"]["cell"]) == (42.0, "CR2032")
    assert (found["d-1"]["percent"], found["d-1"]["low"]) == (None, True)


async def test_the_round_shows_what_is_due_and_all_of_it_when_asked(
    staff: httpx.AsyncClient, engine: Engine
) -> None:
    say(engine, "b-0", battery=10.0)
    due = (await staff.get("/batteries", headers={"accept": "text/html"})).text
    whole = (await staff.get("/batteries?all=true", headers={"accept": "text/html"})).text

    assert "/d/b-0" in due
    assert "/d/b-1" not in due
    assert "/d/b-1" in whole
