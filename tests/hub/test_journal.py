"""The journal against a plain list: append, follow, forget, fall and open again."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from sqlalchemy.engine import Engine

from device_drivers.reading import Reading
from hub import journal
from hub.database import for_writing, migrate, open_engine
from hub.journal import COMMAND, PRESS, READING, REFUSAL, Entry, Journal

VALUES = st.one_of(
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)
READINGS = st.builds(
    Reading, st.text("abc", min_size=1), VALUES, st.integers(0, 2**45), st.none() | st.just("%")
)


def reading_entry(
    device: str, arrived_ms: int, readings: list[Reading], flags: int, dedupe: int | None
) -> Entry:
    return Entry(0, READING, device, arrived_ms, tuple(readings), flags=flags, dedupe=dedupe)


ENTRIES = st.one_of(
    st.builds(
        reading_entry,
        st.sampled_from(["d1", "d2", "门"]),
        st.integers(0, 100),
        st.lists(READINGS, max_size=3),
        st.sampled_from([0, PRESS]),
        st.none() | st.integers(-(2**63), 2**63 - 1),
    ),
    st.builds(
        lambda at, why, raw: Entry(0, REFUSAL, None, at, (), {"reason": why}, raw),
        st.integers(0, 100),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
        st.binary(max_size=20),
    ),
    st.builds(lambda at: Entry(0, COMMAND, None, at, (), {"act": "answer"}), st.integers(0, 100)),
)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = open_engine(f"sqlite:///{tmp_path / 'hub.db'}")
    migrate(opened)
    yield opened
    opened.dispose()


def empty(engine: Engine) -> None:
    with for_writing(engine).begin() as connection:
        connection.exec_driver_sql("DELETE FROM journal")
        connection.exec_driver_sql("DELETE FROM cursors")
        connection.exec_driver_sql("DELETE FROM sqlite_sequence")


@effort(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batches=st.lists(st.lists(ENTRIES, min_size=1, max_size=5), max_size=6), step=st.integers(1, 4)
)
def test_a_follower_reads_exactly_what_was_appended_in_its_order(
    engine: Engine, batches: list[list[Entry]], step: int
) -> None:
    empty(engine)
    twin: list[Entry] = []
    for batch in batches:
        with for_writing(engine).begin() as connection:
            first = journal.append(connection, batch)
        assert first == len(twin) + 1
        twin += [entry._replace(seq=first + place) for place, entry in enumerate(batch)]

    store, found, at = Journal(engine), list[Entry](), 0
    while entries := store.read(at, step):
        found += entries
        at = entries[-1].seq
    assert found == twin
    assert store.of_buttons(0, len(twin), 100) == [
        entry for entry in twin if entry.flags & PRESS and entry.kind == READING
    ]
    assert store.of_others(0, len(twin), 100) == [
        entry for entry in twin if entry.kind == READING and not entry.flags & PRESS
    ]


def line(kind: str = READING, arrived_ms: int = 0) -> Entry:
    return Entry(0, kind, "d1", arrived_ms, (), None if kind == READING else {})


@pytest.mark.parametrize("beyond", [-1, 0, 1])
def test_a_batch_of_more_lines_than_one_statement_takes_keeps_their_order(
    engine: Engine, beyond: int
) -> None:
    batch = [line(arrived_ms=at) for at in range(2 * journal.ROWS_AT_ONCE + beyond)]
    with for_writing(engine).begin() as connection:
        assert journal.append(connection, [line()]) == 1
        assert journal.append(connection, batch) == 2
        assert journal.newest(connection) == 1 + len(batch)
    kept = Journal(engine).read(1, 2 * len(batch))
    assert kept == [entry._replace(seq=seq) for seq, entry in enumerate(batch, 2)]


def test_what_was_rolled_back_was_never_there_and_leaves_no_gap(engine: Engine) -> None:
    writing = for_writing(engine)
    with writing.connect() as connection:
        transaction = connection.begin()
        journal.append(connection, [line(), line()])
        transaction.rollback()
    with writing.begin() as connection:
        assert journal.append(connection, [line()]) == 1


def test_a_cursor_stays_where_it_was_put(engine: Engine) -> None:
    with for_writing(engine).begin() as connection:
        journal.move_cursor(connection, "archive", 7)
        journal.move_cursor(connection, "judge", 9, 1_000)
        journal.move_cursor(connection, "archive", 8)
    store = Journal(engine)

    assert (store.cursor("archive"), store.cursor("judge"), store.cursor("nobody")) == (8, 9, 0)


def test_only_what_every_follower_has_passed_is_forgotten(engine: Engine) -> None:
    with for_writing(engine).begin() as connection:
        journal.append(connection, [line(arrived_ms=at) for at in (1, 2, 3, 4)] + [line(REFUSAL)])
        journal.move_cursor(connection, "judge", 5)
        journal.move_cursor(connection, "archive", 2)
        gone = journal.forget(connection, READING, before_ms=4, rows_max=10)

    assert gone == 2
    assert [entry.seq for entry in Journal(engine).read(0, 10)] == [3, 4, 5]


def test_what_a_follower_that_never_came_so_far_has_not_read_is_spared(engine: Engine) -> None:
    with for_writing(engine).begin() as connection:
        journal.append(connection, [line()] * 3)
        journal.name_followers(connection, ["judge", "archive"])
        journal.move_cursor(connection, "judge", 3)
        journal.name_followers(connection, ["judge", "archive"])

        assert journal.forget(connection, READING, before_ms=9, rows_max=10) == 0
        assert journal.cursor(connection, "judge") == 3


def test_forgetting_is_bounded_and_numbers_are_never_used_twice(engine: Engine) -> None:
    with for_writing(engine).begin() as connection:
        journal.append(connection, [line()] * 4)
        journal.move_cursor(connection, "judge", 4)
        assert journal.forget(connection, READING, before_ms=9, rows_max=3) == 3
        assert journal.forget(connection, READING, before_ms=9, rows_max=3) == 1
        assert journal.append(connection, [line()]) == 5


def test_a_commit_is_on_the_disk(engine: Engine) -> None:
    with engine.connect() as connection:
        mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
        synchronous = connection.exec_driver_sql("PRAGMA synchronous").scalar()

    assert (mode, synchronous) == ("wal", 2)  # 2 is FULL
