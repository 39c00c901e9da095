"""Reports, inspections, ends of life and rounds before the real judge, killed in between."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from hub.database import (
    case_log,
    cases,
    command_results,
    commissionings,
    devices,
    for_writing,
    inspections_done,
    inspections_known,
    places,
    rounds,
)
from hub.due import ENDED, ENDS_SOON, Untold, find_due, find_lives, find_untold, know
from hub.journal import COMMAND, Entry
from hub.site import Site
from rules.order_reader import COMMUNITY_ORDERS, load_orders
from tests.hub.courtroom import MORNING_MS, Courtroom
from tests.hub.test_orders import DEVICES, RULES

TABLES = load_orders([COMMUNITY_ORDERS])
ZONE = Site().zone
DAY_MS = 86_400_000
ITEMS = [item.name for item in TABLES.inspections["fitness-monthly"].items]


@pytest.fixture
def court(tmp_path: Path) -> Iterator[Courtroom]:
    court = Courtroom(tmp_path, RULES, DEVICES, orders=TABLES)
    court.set_rules(["battery-low"])
    court.begin()
    yield court
    court.close()


async def told(court: Courtroom, act: str, **body: Any) -> tuple[bool, dict[str, Any]]:
    """A command, and the judge's word."""
    given = {"act": act, "by": "li", **body}
    court.keep([Entry(0, COMMAND, None, court.clock.now, (), given)], in_memory=False)
    await court.work()
    ok, said = court.rows(command_results, "ok", "body_json")[-1]
    return bool(ok), json.loads(said)


# -- reports --------------------------------------------------------------------------------------


async def test_a_report_joins_what_is_open_about_the_device_and_never_makes_a_second(
    court: Courtroom,
) -> None:
    assert await told(court, "report", device="gym-1", trouble="machine-loose", text="晃") == (
        True,
        {"order": "C-000001", "joined": False, "times": 1},
    )
    await court.kill()
    again = await told(court, "report", device="gym-1", trouble="counts-wrong", by="")
    assert again == (True, {"order": "C-000001", "joined": True, "times": 2})
    assert court.rows(cases, "rule", "category", "severity", "trouble", "times", "place") == [
        ("@report", "fault", "notice", "machine-loose", 2, "g1")
    ]
    assert court.rows(case_log, "what", "by") == [("raised", "li"), ("again", None)]


async def test_a_report_of_what_a_rule_has_found_already_joins_its_order(
    court: Courtroom,
) -> None:
    court.said("btn-1", battery=9)
    await court.at(1)
    ok, said = await told(court, "report", device="btn-1", trouble="fell-off")
    assert (ok, said["joined"]) == (True, False)  # another trouble
    priorities = court.rows(cases, "trouble", "priority", "severity")
    assert priorities[1] == ("fell-off", 1, "warning")


@pytest.mark.parametrize(
    ("about", "code"),
    [
        ({"device": "nothing", "trouble": "other"}, "no_such_device"),
        ({"device": "gym-1", "trouble": "button-dead"}, "unknown_trouble"),
        ({"device": "gym-1", "trouble": "x"}, "unknown_trouble"),
    ],
)
async def test_a_report_of_nothing_is_refused(
    court: Courtroom, about: dict[str, str], code: str
) -> None:
    ok, said = await told(court, "report", **about)
    assert (ok, said["code"]) == (False, code)


async def test_a_report_of_what_is_thought_to_be_done_opens_it_again(court: Courtroom) -> None:
    await told(court, "report", device="gym-1", trouble="machine-loose")
    court.order("done", "C-000001", by="li")
    await court.work()
    await told(court, "report", device="gym-1", trouble="machine-loose")
    assert court.rows(cases, "state", "done_by") == [("answered", None)]


async def test_a_flood_of_reports_of_one_order_stays_bounded(court: Courtroom) -> None:
    for _ in range(court.settings.reports_joined_max + 5):
        await told(court, "report", device="gym-1", trouble="other")
    assert court.rows(cases, "times") == [court.settings.reports_joined_max]


async def test_a_report_of_a_device_is_proved_by_that_device(court: Courtroom) -> None:
    await told(court, "report", device="btn-1", trouble="button-dead")
    court.order("done", "C-000001", by="li")
    await court.work()
    court.said("btn-1", battery=90)
    await court.work()
    assert court.rows(cases, "state") == ["dealt_with"]
    court.said("btn-1", press="test")
    await court.work()
    assert court.rows(cases, "state", "shown") == [("closed", "press test")]


# -- inspections ----------------------------------------------------------------------------------


def answers(**given: str) -> list[dict[str, str]]:
    return [{"item": name, "answer": given.get(name, "ok")} for name in ITEMS]


async def inspect(court: Courtroom, **given: str) -> Any:
    which = {"inspection": "fitness-monthly", "subject": "device:gym-1", "device": "gym-1"}
    return await told(court, "inspect", **which, day="2026-03-02", answers=answers(**given))


async def test_each_failed_item_is_an_order_and_the_same_one_again_joins(court: Courtroom) -> None:
    failed = {ITEMS[0]: "failed", ITEMS[2]: "failed"}
    ok, said = await inspect(court, **failed)
    assert (ok, said["orders"]) == (True, ["C-000001", "C-000002"])
    await court.kill()
    ok, said = await inspect(court, **{ITEMS[0]: "failed"})
    assert said["orders"] == ["C-000001"]
    assert court.rows(cases, "trouble", "times", "priority") == [
        ("machine-loose", 2, 3),
        ("machine-broken", 1, 1),
    ]
    assert court.rows(inspections_done, "subject", "failed", "by") == [
        ("device:gym-1", 2, "li"),
        ("device:gym-1", 1, "li"),
    ]
    ok, said = await told(court, "inspect", inspection="nothing", subject="x", answers=[])
    assert (ok, said["code"]) == (False, "no_such_inspection")


def furnish(court: Courtroom, added_ms: int) -> None:
    """The register's rows, for what is asked of the database."""
    with for_writing(court.engine).begin() as connection:
        for one in DEVICES:
            row = {"id": one.id, "family": one.family, "driver": one.driver, "place": one.place}
            row |= {"address": one.address, "name_zh": one.name_zh, "name_en": one.name_en}
            tags = '["fitness"]' if one.family == "counter" else "[]"
            row |= {"grid": one.grid, "ground": one.ground, "tags_json": tags}
            connection.execute(devices.insert().values(**row, added_ms=added_ms))
        known_ms = MORNING_MS - 40 * DAY_MS
        know(connection, TABLES, ZONE, known_ms)
        ground = {"path": "g1", "kind": "ground", "name_zh": "广场", "name_en": "Ground"}
        connection.execute(places.insert().values(**ground))


def untold(court: Courtroom) -> Untold:
    with court.engine.connect() as connection:
        return find_untold(connection, TABLES, ZONE, court.clock.now, 100)


async def test_what_is_overdue_is_one_order_a_ground_until_all_of_it_is_done(
    court: Courtroom,
) -> None:
    furnish(court, MORNING_MS - 40 * DAY_MS)
    found = untold(court)
    keys = ["fitness-monthly:g1:2026-03-01", "ground-monthly:-:2026-03-01"]
    assert [one["key"] for one in found.found] == keys
    ok, said = await told(court, "due", by="hub", **found._asdict())
    assert (ok, len(said["orders"])) == (True, 2)
    assert untold(court) == ([], [])
    with court.engine.connect() as connection:
        states = {one.id: one.state for one in find_due(connection, TABLES, ZONE, MORNING_MS)}
    assert states["fitness-monthly:device:gym-1"] == "overdue"
    assert states["button-yearly:device:btn-1"] == "due"

    await inspect(court)
    found = untold(court)
    assert (found.found, found.over) == ([], [keys[0]])
    await told(court, "due", by="hub", **found._asdict())
    first, second = court.rows(cases, "rule", "state", "outcome", "closed_by")
    assert first == ("@overdue", "closed", "inspected", None)
    assert second[1] == "raised"
    assert untold(court) == ([], [])
    court.clock.now += 61 * DAY_MS  # two months on it is overdue once more
    assert "fitness-monthly:g1:2026-05-01" in [one["key"] for one in untold(court).found]


async def test_an_inspection_that_is_new_to_the_hub_has_the_whole_period(
    court: Courtroom,
) -> None:
    furnish(court, MORNING_MS - 400 * DAY_MS)
    with for_writing(court.engine).begin() as connection:
        connection.execute(inspections_known.delete())
        assert find_untold(connection, TABLES, ZONE, MORNING_MS, 100).found == []
        know(connection, TABLES, ZONE, MORNING_MS)
        know(connection, TABLES, ZONE, MORNING_MS + 40 * DAY_MS)  # the first day stays
        found = find_due(connection, TABLES, ZONE, MORNING_MS + 61 * DAY_MS)
    assert {one.state for one in found if one.inspection.every == "month"} == {"overdue"}


async def test_the_end_of_life_is_told_once_and_begins_anew_with_a_swap(court: Courtroom) -> None:
    years_ago_ms = MORNING_MS - round(7.8 * 365.25) * DAY_MS
    furnish(court, years_ago_ms)
    with court.engine.connect() as connection:
        lives = {one.device.id: one for one in find_lives(connection, TABLES, ZONE, MORNING_MS)}
    assert set(lives) == {"btn-1", "gym-1"}
    assert (lives["gym-1"].state, lives["btn-1"].state) == (ENDS_SOON, ENDS_SOON)
    assert lives["gym-1"].ends.year == 2026
    found = [one for one in untold(court).found if one["rule"] == "@end-of-life"]
    assert [one["device"] for one in found] == ["btn-1", "gym-1"]
    await told(court, "due", by="hub", found=found, over=[])
    assert not [one for one in untold(court).found if one["rule"] == "@end-of-life"]
    assert court.rows(cases, "trouble", "device") == [
        ("end-of-life", "btn-1"),
        ("end-of-life", "gym-1"),
    ]
    row = {"device": "gym-1", "address": "x", "why": "swapped", "at_ms": MORNING_MS, "by": "li"}
    with for_writing(court.engine).begin() as connection:
        connection.execute(commissionings.insert().values(row))
        late_ms = MORNING_MS + 365 * DAY_MS
        states = {one.device.id: one for one in find_lives(connection, TABLES, ZONE, late_ms)}
    assert (states["btn-1"].state, states["gym-1"].since) == (ENDED, date(2026, 3, 2))


# -- rounds ---------------------------------------------------------------------------------------


def stop(number: int, device: str | None, place: str) -> dict[str, Any]:
    known = {"kind": "order", "key": f"C-{number}", "title": {"zh": "x", "en": "x"}}
    rest = {"ticked_ms": None, "ticked_by": None, "scanned": False, "note": None}
    return {"number": number, "device": device, "place": place, **known, **rest}


async def test_a_round_lives_through_a_kill_and_what_was_not_reached_is_told(
    court: Courtroom,
) -> None:
    stops = [stop(1, "door-1", "b3/u1"), stop(2, "door-2", "b3/u2"), stop(3, None, "g1")]
    ok, said = await told(court, "round_start", grid="g1", stops=stops)
    assert ok
    number = said["round"]
    ok, said = await told(court, "round_tick", round=number, scanned="door-1")
    assert (ok, said["stop"]) == (True, 1)
    await court.kill()
    wrong = {"scanned": "door-1", "scanned_place": "b3/u1"}
    ok, said = await told(court, "round_tick", round=number, stop=2, **wrong)
    assert (ok, said["code"]) == (False, "wrong_code")
    assert "This is b3/u1 (door-1), the stop is b3/u2 (door-2)." in said["reason_en"]
    await told(court, "round_tick", round=number, stop=3, text="锁着")
    ok, said = await told(court, "round_end", round=number)
    assert (ok, said["left"]) == (True, [2])
    ok, said = await told(court, "round_tick", round=number, stop=2)
    assert (ok, said["code"]) == (False, "no_such_round")
    [row] = court.rows(rounds, "by", "ended_by", "stops_json")
    kept = json.loads(row[2])
    assert [one["ticked_by"] for one in kept] == ["li", None, "li"]
    assert [one["scanned"] for one in kept] == [True, False, False]
