"""A swap before the judge: what runs goes on, silence counts anew, a test calls nobody once."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from device_drivers.reading import Reading
from hub import journal
from hub.cli import cli
from hub.database import (
    cases,
    command_results,
    commissionings,
    devices,
    for_writing,
    ghosts,
    latest,
    migrate,
    open_engine,
    standings,
)
from hub.journal import COMMAND, GATEWAY, PRESS, READING, RETAINED, STRANGER, Entry
from hub.register import tell_of_change
from hub.succession import Swap, swap
from tests.hub.courtroom import DEVICES, Courtroom


@pytest.fixture
def court(tmp_path: Path) -> Iterator[Courtroom]:
    opened = Courtroom(tmp_path)
    with for_writing(opened.engine).begin() as connection:
        names = ("id", "family", "driver", "address", "name_zh", "name_en", "place")
        rows = [{name: getattr(one, name) for name in names} | {"added_ms": 0} for one in DEVICES]
        connection.execute(devices.insert(), rows)
    yield opened
    opened.close()


def swap_now(court: Courtroom, device: str, address: str) -> None:
    with for_writing(court.engine).begin() as connection:
        swap(connection, Swap(device, address, "broken", "wang"), court.clock.now)


def opened(court: Courtroom) -> list[tuple[str, str, int]]:
    return [
        (rule, key, raised - court.clock.now)
        for rule, key, raised in court.rows(cases, "rule", "key", "raised_at_ms")
    ]


async def test_a_hold_that_runs_goes_on_over_a_swap(court: Courtroom) -> None:
    court.said("door-1", contact="open")
    await court.at(4)
    swap_now(court, "door-1", "native:door-2")
    await court.at(11)
    assert opened(court) == [("door-open", "door-1", -1_000)]


async def test_silence_counts_from_the_swap(court: Courtroom) -> None:
    court.said("door-1", contact="closed")
    await court.at(40)
    assert court.rows(cases, "rule", "active") == [("silent", True)]
    swap_now(court, "door-1", "native:door-2")
    await court.at(41)
    assert court.rows(cases, "rule", "active") == [("silent", False)]
    await court.at(69)
    assert court.rows(cases, "rule") == ["silent"]
    await court.at(71)
    assert court.rows(cases, "rule", "active") == [("silent", False), ("silent", True)]


@pytest.mark.parametrize("killed", [False, True])
async def test_the_old_ones_gateway_explains_nothing_of_the_new_one(
    court: Courtroom, killed: bool
) -> None:
    closed = (Reading("contact", "closed", court.clock.now),)
    heard = Entry(0, READING, "door-1", court.clock.now, closed, gateway="gw-1")
    court.keep([heard])
    await court.at(1)
    gone = (Reading("online", False, court.clock.now),)
    court.keep([Entry(0, READING, "gw-1", court.clock.now, gone, flags=STRANGER | GATEWAY)])
    await court.at(20)
    swap_now(court, "door-1", "native:door-2")
    await court.at(20 + court.settings.standings_flush_ms / 2_000)
    if killed:
        await court.kill()
    await court.at(49)
    assert court.rows(cases, "rule") == []
    await court.at(51)
    assert court.rows(cases, "rule", "active") == [("silent", True)], "it hangs elsewhere"


async def test_the_old_ones_word_is_no_proof_of_the_new_one(court: Courtroom) -> None:
    court.said("door-1", contact="closed")
    await court.at(1)
    swap_now(court, "door-1", "native:door-2")
    await court.at(2)
    with court.engine.connect() as connection:
        heard = connection.exec_driver_sql("SELECT heard_ms FROM latest").scalar()
    assert heard == 0, "and so it is after a restart"


async def test_who_sees_the_swap_done_does_not_see_the_old_ones_word(court: Courtroom) -> None:
    """The newest values are written now and then only; those of a swap with its answer."""
    court.said("door-1", contact="closed")
    await court.at(1)
    swap_now(court, "door-1", "native:door-2")
    await court.at(1 + court.settings.standings_flush_ms / 2_000)
    [answered] = court.rows(command_results, "ok")
    assert (answered, court.rows(latest, "device", "heard_ms")) == (True, [("door-1", 0)])


async def test_a_strangers_emergency_stays_true_when_others_are_registered(
    court: Courtroom,
) -> None:
    court.said("native:btn-9", press="sos")
    await court.at(1)
    with for_writing(court.engine).begin() as connection:
        tell_of_change(connection, court.clock.now, "wang")
    await court.at(2)
    assert court.rows(cases, "key", "active") == [("native:btn-9", True)]


async def test_the_press_of_a_ghost_is_an_emergency_where_it_used_to_hang(
    court: Courtroom,
) -> None:
    swap_now(court, "btn-1", "native:btn-9")
    await court.at(1)
    readings = (Reading("press", "sos", court.clock.now),)
    entry = Entry(0, READING, "native:btn-1", court.clock.now, readings, flags=PRESS | STRANGER)
    court.keep([entry])
    await court.at(2)
    [(key, place, why)] = court.rows(cases, "key", "place", "why_en")
    assert (key, place) == ("native:btn-1", "b1/101")
    assert "swapped out before" in why


async def test_a_test_begins_by_a_person_and_the_front_door_knows_it_when_it_is_answered(
    court: Courtroom,
) -> None:
    order(court, device="btn-1", by="wang")
    order(court, device="door-1", by="wang")
    order(court, device="btn-1", by="")
    order(court, device="no-such", by="wang")
    await court.at(0)
    with court.engine.connect() as connection:
        said = connection.exec_driver_sql("SELECT ok, body_json FROM command_results").all()
        kept = connection.exec_driver_sql("SELECT device, by, until_ms - since_ms FROM trials")
        assert kept.all() == [("btn-1", "wang", court.settings.device_test_s * 1_000)]
    assert [bool(ok) for ok, _ in said] == [True, False, False, False]
    for (_, body), code in zip(said[1:], ("no_button", "by_needed", "no_such_device"), strict=True):
        assert code in body


async def test_a_test_that_the_hub_hears_of_too_late_does_not_begin(court: Courtroom) -> None:
    order(court, device="btn-1", by="wang")
    await court.at(court.settings.device_test_s)
    with court.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM trials").scalar() == 0


async def test_a_ghost_is_laid_when_it_is_registered_anew(court: Courtroom) -> None:
    swap_now(court, "btn-1", "native:btn-9")
    await court.at(1)
    haunted = (Reading("ghost", True, court.clock.now),)
    court.keep([Entry(0, READING, "btn-1", court.clock.now, haunted, flags=RETAINED)])
    await court.at(2)
    assert court.judge.latest("btn-1")["ghost"][0] is True
    with for_writing(court.engine).begin() as connection:
        connection.execute(ghosts.delete())
        tell_of_change(connection, court.clock.now, "wang")
    await court.at(3)
    assert court.judge.latest("btn-1")["ghost"][0] is False


def order(court: Courtroom, **body: str) -> None:
    """A command of a test, as the API writes it."""
    entry = Entry(0, COMMAND, None, court.clock.now, (), {"act": "test", **body})
    court.keep([entry], in_memory=False)


def test_the_command_swaps_and_says_what_is_wrong(tmp_path: Path) -> None:
    run = CliRunner(env={"HUB_DATA_DIR": str(tmp_path), "HUB_SETTINGS": os.devnull})
    engine = open_engine(f"sqlite:///{tmp_path / 'hub.db'}")
    migrate(engine)
    row = {"id": "btn-1", "family": "button", "driver": "native", "address": "native:1"}
    with for_writing(engine).begin() as connection:
        connection.execute(devices.insert().values(**row, name_zh="按", name_en="B", added_ms=0))
    wish = ["swap", "btn-1", "--to", "native:2", "--reason", "broken", "--by", "wang"]
    assert "btn-1: native:1 → native:2, driver native" in run.invoke(cli, wish).output
    again = run.invoke(cli, wish)
    assert (again.exit_code, "Traceback" in again.output) == (1, False)
    assert "This is the device that is there now." in again.output
    with engine.connect() as connection:
        assert connection.execute(sa.select(ghosts.c.address)).scalars().all() == ["native:1"]
        lines = connection.execute(sa.select(commissionings.c.why, commissionings.c.by)).all()
        assert [tuple(line) for line in lines] == [("swapped", "wang")]
        [told] = journal.read(connection, 0, 10, [COMMAND])
    assert (told.body or {})["to"] == "native:2"
    engine.dispose()


async def test_who_leaves_the_register_takes_nothing_along_of_others_with_a_name_like_its_own(
    court: Courtroom,
) -> None:
    """The database finds names alike that are not: large and small letters, and what is behind |"""
    others = ("Door-1", "x|DOOR-1", "door_1")
    with for_writing(court.engine).begin() as connection:
        row = connection.execute(devices.select().where(devices.c.id == "door-1")).mappings().one()
        rows = [{**row, "id": one, "address": f"native:{one}"} for one in (*others, "DOOR-1")]
        connection.execute(devices.insert(), rows)
        tell_of_change(connection, court.clock.now, "wang")
    await court.at(0)
    for one in others:
        court.said(one, contact="open")
    await court.at(4)
    with for_writing(court.engine).begin() as connection:
        connection.execute(devices.delete().where(devices.c.id == "DOOR-1"))
        tell_of_change(connection, court.clock.now, "wang")
    await court.at(5)
    kept = {key for key in court.rows(standings, "key") if key.startswith("door-open|")}
    assert kept >= {f"door-open|{one}" for one in others}
    assert "door-open|DOOR-1" not in kept


async def test_a_stranger_that_made_room_and_speaks_again_is_not_removed_with_what_it_was(
    court: Courtroom,
) -> None:
    court.said("native:btn-9", press="sos")
    await court.at(1)
    court.said("native:btn-9", press="sos")
    court.evaluation.make_room("native:btn-9")  # between its message and the judge
    await court.at(2)
    assert court.points("native:btn-9") is not None
    assert "emergency-press|native:btn-9" in court.rows(standings, "key")
