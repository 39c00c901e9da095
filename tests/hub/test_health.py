"""How the hub's parts are: in memory at once, on the disk soon, in the log once."""

import asyncio
import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from hub import database
from hub.health import GREEN, RED, YELLOW, Health
from hub.writer import Writer
from tests.hub.timekeeper import Timekeeper


class Ward:
    """A health with a real database."""

    def __init__(self, engine: Engine, writer: Writer) -> None:
        self.engine = engine
        self.writer = writer
        self.time = Timekeeper()
        self.health = self.begin()

    def begin(self) -> Health:
        return Health(
            writer=self.writer,
            clock=self.time,
            write_every_s=0.01,
            changes_max=3,
        )

    def rows(self, table: sa.Table) -> list[Any]:
        """Rows after everything that is queued has been written."""
        self.writer.submit(lambda _connection: None, rank=99).result(10)
        with self.engine.connect() as connection:
            return list(connection.execute(sa.select(table)))


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    engine = database.open_engine(f"sqlite:///{tmp_path / 'hub.db'}")
    database.migrate(engine)
    writer = Writer(database.for_writing(engine), retry_s=0.01)
    yield Ward(engine, writer)
    writer.close()
    engine.dispose()


def test_a_change_is_in_memory_on_the_disk_and_in_the_feed(ward: Ward) -> None:
    ward.health.report("archive", YELLOW, "等待", "waiting for InfluxDB", {"behind": 12})

    assert ward.health.conditions()["archive"].state == YELLOW
    assert ward.health.worst() == YELLOW
    [row] = ward.rows(database.health)
    assert (row.part, row.state, row.text_zh, row.text_en) == (
        "archive",
        "yellow",
        "等待",
        "waiting for InfluxDB",
    )
    assert json.loads(row.figures_json) == {"behind": 12}
    [change] = ward.rows(database.changes)
    assert (change.kind, change.key) == ("health", "archive")
    assert json.loads(change.body_json)["state"] == "yellow"


def test_a_part_that_begins_green_or_stays_as_it_was_is_no_news(ward: Ward) -> None:
    for _ in range(5):
        ward.health.report("judge", GREEN, "正常", "ready")
    ward.health.report("judge", RED, "停", "stopped")
    ward.health.report("judge", RED, "停", "still stopped")

    assert [row.state for row in ward.rows(database.health)] == [RED]
    assert len(ward.rows(database.changes)) == 1


def test_breaking_and_being_back_are_logged_once_each(
    ward: Ward, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for state in (GREEN, RED, RED, RED, GREEN, GREEN):
        ward.health.report("journal", state, "盘", "disk")

    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("ERROR", "journal is red: disk"),
        ("INFO", "journal is green: disk"),
    ]


def test_while_nothing_can_be_written_memory_still_says_so(ward: Ward) -> None:
    """The bounded news of that time are written when there is room again."""
    stuck, room = threading.Event(), threading.Event()

    def full_disk(_connection: Connection) -> None:
        stuck.set()
        room.wait(10)

    ward.writer.submit(full_disk)
    assert stuck.wait(10)
    for state in (RED, GREEN, RED, GREEN, RED):
        ward.health.report("journal", state, "盘满", "disk full")
    assert ward.health.worst() == RED
    room.set()

    assert [row.state for row in ward.rows(database.health)] == [RED]
    ward.rows(database.health)  # the second write is queued by the first one's end
    states = [json.loads(row.body_json)["state"] for row in ward.rows(database.changes)]
    assert states == [RED, RED, GREEN, RED]  # the first went at once, then the newest three


def test_a_new_run_forgets_the_parts_of_the_last_one(ward: Ward) -> None:
    ward.health.report("gone", RED, "坏", "broken")
    ward.rows(database.health)

    ward.begin().report("judge", GREEN, "正常", "ready")

    assert [row.part for row in ward.rows(database.health)] == ["judge"]


async def test_figures_are_written_and_the_hub_says_that_it_lives(ward: Ward) -> None:
    ward.health.report("judge", GREEN, "正常", "ready", {"entries": 1})
    ward.health.report("judge", GREEN, "正常", "ready", {"entries": 2})
    running = asyncio.create_task(ward.health.run())

    async with asyncio.timeout(10):
        while not any(
            row.part == "judge" and json.loads(row.figures_json) == {"entries": 2}
            for row in ward.rows(database.health)
        ):
            await ward.writer.run(lambda _connection: None, rank=99)
    running.cancel()

    assert {row.part for row in ward.rows(database.health)} == {"hub", "judge"}
