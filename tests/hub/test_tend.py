"""Looking after the house: what is old goes, what is needed stays."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from hub import journal
from hub.database import (
    changes,
    floor_plans,
    for_writing,
    inspections_done,
    migrate,
    notices,
    open_engine,
    plan_marks,
    rounds,
)
from hub.ingest import BUTTONS, OTHERS, Opened
from hub.journal import COMMAND, DAY_MS, READING, REFUSAL, Entry, Journal
from hub.settings import Settings
from hub.tend import Tally, forget_old
from hub.writer import Writer

NOW_MS = 1_000 * DAY_MS


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = open_engine(f"sqlite:///{tmp_path / 'hub.db'}")
    migrate(opened)
    yield opened
    opened.dispose()


def line(kind: str, days_ago: int) -> Entry:
    body: dict[str, Any] | None = None if kind == READING else {}
    return Entry(0, kind, "d1", NOW_MS - days_ago * DAY_MS, (), body)


async def test_each_kind_stays_for_its_own_time(engine: Engine) -> None:
    settings = Settings(readings_keep_days=10, refusals_keep_days=5, commands_keep_days=20)
    lines = [line(kind, days) for kind in (READING, REFUSAL, COMMAND) for days in (30, 15, 7, 1)]
    with for_writing(engine).begin() as connection:
        journal.append(connection, lines)
        journal.move_cursor(connection, "judge", len(lines))
    writer = Writer(for_writing(engine), retry_s=0.01)

    gone = await forget_old(writer, settings, NOW_MS)
    writer.close()

    kept = [
        (entry.kind, (NOW_MS - entry.arrived_ms) // DAY_MS)
        for entry in Journal(engine).read(0, 100)
    ]
    assert kept == [
        *((READING, 7), (READING, 1), (REFUSAL, 1)),
        *((COMMAND, 15), (COMMAND, 7), (COMMAND, 1)),
    ]
    assert gone == 6


async def test_a_large_backlog_goes_in_bounded_pieces(engine: Engine) -> None:
    settings = Settings(readings_keep_days=10, retention_rows_max=3)
    with for_writing(engine).begin() as connection:
        journal.append(connection, [line(READING, 30)] * 10)
        journal.move_cursor(connection, "judge", 10)
    writer = Writer(for_writing(engine), retry_s=0.01)

    assert await forget_old(writer, settings, NOW_MS) == 10
    writer.close()


async def test_the_live_feed_keeps_its_newest_rows_and_a_waiting_notice_stays(
    engine: Engine,
) -> None:
    settings = Settings(changes_keep_rows=2)
    change = {"kind": "case", "key": "C-1", "body_json": "{}", "at_ms": 1}
    notice = {
        "case_id": "C-1",
        "channel": "log",
        "reason": "opened",
        "body_json": "{}",
        "created_ms": 1,
        "due_ms": 1,
    }
    with for_writing(engine).begin() as connection:
        connection.execute(changes.insert(), [change] * 5)
        connection.execute(notices.insert(), [notice])
    writer = Writer(for_writing(engine), retry_s=0.01)

    await forget_old(writer, settings, NOW_MS)
    writer.close()
    with engine.connect() as connection:
        ids = connection.execute(sa.select(changes.c.id)).scalars().all()
        waiting = connection.execute(sa.select(sa.func.count()).select_from(notices)).scalar()
    assert ids == [4, 5]
    assert waiting == 1


def test_the_tally_counts_and_wakes_the_followers_when_there_is_something() -> None:
    woken = list[int]()
    tally = Tally(lambda: woken.append(1))
    tally.count(BUTTONS, Opened(0, BUTTONS, [line(READING, 0)], [("t", b"")]))
    tally.count(OTHERS, Opened(0, OTHERS, repeats=2))

    assert len(woken) == 1
    figures = tally.figures()
    assert (figures["kept_buttons"], figures["repeats_others"], figures["answers"]) == (1, 2, 1)


async def test_rounds_inspections_and_plans_that_were_taken_away_go_in_the_end(
    engine: Engine,
) -> None:
    """Of each inspection the last one stays, and a round that goes on, and a plan that is there."""
    old, new = NOW_MS - 30 * DAY_MS, NOW_MS - DAY_MS
    settings = Settings(work_keep_days=10, plans_removed_keep_days=10)
    with for_writing(engine).begin() as connection:
        for number, ended in enumerate((old, new, None), 1):
            row = {"id": number, "by": "li", "started_ms": old, "stops_json": "[]"}
            connection.execute(rounds.insert().values(row | {"ended_ms": ended}))
        for seq, (subject, at_ms) in enumerate([("a", old), ("a", old), ("b", old), ("b", new)], 1):
            done = {"seq": seq, "inspection": "yearly", "subject": subject, "at_ms": at_ms}
            done |= {"day": "2026-01-01", "by": "li", "failed": 0, "answers_json": "[]"}
            connection.execute(inspections_done.insert().values(done))
        for number, removed in enumerate((old, new, None), 1):
            size = {"width": 1, "height": 1, "media_type": "image/png", "picture": b"x"}
            about = {"id": number, "name": "1", "added_ms": old, "added_by": "li"}
            connection.execute(floor_plans.insert().values(about | size | {"removed_ms": removed}))
            mark = {"plan_id": number, "device": "d-1", "x": 0.5, "y": 0.5}
            connection.execute(plan_marks.insert().values(mark))
    writer = Writer(for_writing(engine), retry_s=0.01)
    gone = await forget_old(writer, settings, NOW_MS)
    writer.close()

    with engine.connect() as connection:
        left = [
            list(connection.execute(sa.select(column).order_by(column)).scalars())
            for column in (
                rounds.c.id,
                inspections_done.c.seq,
                floor_plans.c.id,
                plan_marks.c.plan_id,
            )
        ]
    assert left == [[2, 3], [2, 4], [2, 3], [2, 3]]
    assert gone == 4
