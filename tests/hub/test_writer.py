"""The one writer: order, transactions, and a disk that takes nothing for a while."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from hub.database import for_writing, migrate, open_engine
from hub.journal import REFUSAL, Entry, append, newest
from hub.writer import IDLE, NORMAL, URGENT, Writer


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = open_engine(f"sqlite:///{tmp_path / 'hub.db'}")
    migrate(opened)
    yield opened
    opened.dispose()


def a_line(_text: str = "") -> Entry:
    return Entry(0, REFUSAL, None, 1, (), {"reason": "x" * 2_000})


def turn_read_only(engine: Engine, state: dict[str, str]) -> None:
    """Every transaction from now on finds the file as `state` says."""

    def set_it(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute(f"PRAGMA query_only={state['query_only']}")

    sa.event.listen(engine, "checkout", set_it)


async def test_what_run_returns_is_committed(engine: Engine) -> None:
    writer = Writer(for_writing(engine), retry_s=0.01)

    first = await writer.run(lambda connection: append(connection, [a_line(), a_line()]))

    with engine.connect() as connection:
        assert (first, newest(connection)) == (1, 2)
    writer.close()


async def test_a_job_that_fails_changes_nothing_and_says_why(engine: Engine) -> None:
    writer = Writer(for_writing(engine), retry_s=0.01)

    def job(connection: Connection) -> None:
        append(connection, [a_line()])
        raise ValueError("second thoughts")

    with pytest.raises(ValueError, match="second thoughts"):
        await writer.run(job)
    with engine.connect() as connection:
        assert newest(connection) == 0
    writer.close()


async def test_a_wrong_statement_is_an_error_and_not_waited_out(engine: Engine) -> None:
    writer = Writer(for_writing(engine), retry_s=0.01)

    with pytest.raises(sa.exc.OperationalError):
        await writer.run(lambda connection: connection.exec_driver_sql("SELECT * FROM nothing"))
    writer.close()


async def test_urgent_jobs_go_first(engine: Engine) -> None:
    writer = Writer(for_writing(engine), retry_s=0.01)
    gate, done = threading.Event(), list[str]()
    held = writer.submit(lambda _c: gate.wait())

    def note(name: str) -> Callable[[Connection], None]:
        return lambda _connection: done.append(name)

    jobs = [
        asyncio.wrap_future(writer.submit(note(name), rank=rank))
        for name, rank in (("idle", IDLE), ("normal", NORMAL), ("urgent", URGENT))
    ]

    gate.set()
    await asyncio.gather(asyncio.wrap_future(held), *jobs)
    assert done == ["urgent", "normal", "idle"]
    writer.close()


async def test_a_full_disk_is_told_once_waited_out_and_told_when_it_is_over(
    engine: Engine,
) -> None:
    """`max_page_count` makes SQLite say "database or disk is full" as a full disk does."""
    told = list[str | None]()
    full = threading.Event()

    def on_trouble(text: str | None) -> None:
        told.append(text)
        full.set()

    writer = Writer(for_writing(engine), retry_s=0.01, on_trouble=on_trouble)
    pages = await writer.run(lambda c: c.exec_driver_sql("PRAGMA page_count").scalar_one())
    room = {"pages": pages}

    def job(connection: Connection) -> int:
        connection.exec_driver_sql(f"PRAGMA max_page_count={room['pages']}")
        return append(connection, [a_line()] * 100)

    writing = asyncio.wrap_future(writer.submit(job))
    await asyncio.to_thread(full.wait)
    assert not writing.done()
    room["pages"] = 1_000_000

    assert await writing == 1
    assert told == ["database or disk is full", None]
    with engine.connect() as connection:
        assert newest(connection) == 100
    writer.close()


async def test_a_read_only_disk_is_waited_out_as_well(engine: Engine) -> None:
    """`query_only` makes SQLite say what it says of a file system that turned read-only."""
    told = list[str | None]()
    refused = threading.Event()

    def on_trouble(text: str | None) -> None:
        told.append(text)
        refused.set()

    state = {"query_only": "ON"}
    turn_read_only(engine, state)
    writer = Writer(for_writing(engine), retry_s=0.01, on_trouble=on_trouble)

    writing = asyncio.wrap_future(writer.submit(lambda c: append(c, [a_line()])))
    await asyncio.to_thread(refused.wait)
    state["query_only"] = "OFF"

    assert await writing == 1
    assert told[0] is not None
    assert "readonly" in told[0]
    assert told[-1] is None
    writer.close()


async def test_a_writer_can_be_closed_while_the_disk_is_full(engine: Engine) -> None:
    refused = threading.Event()
    turn_read_only(engine, {"query_only": "ON"})
    writer = Writer(for_writing(engine), retry_s=60, on_trouble=lambda _text: refused.set())

    writing = writer.submit(lambda c: append(c, [a_line()]))
    await asyncio.to_thread(refused.wait)
    await asyncio.to_thread(writer.close)

    with pytest.raises(sa.exc.OperationalError):
        writing.result()
