"""Unknown senders: each once, bounded, and over a restart."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from hub import strangers
from hub.database import for_writing, migrate, open_engine
from hub.database import strangers as table
from hub.strangers import Strangers


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = open_engine(f"sqlite:///{tmp_path / 'hub.db'}")
    migrate(opened)
    yield opened
    opened.dispose()


def meet(known: Strangers, address: str, at_ms: int, **said: object) -> None:
    known.met(address, f"t/{address}", at_ms, said, family="door", driver=None)


def kept(engine: Engine, known: Strangers) -> dict[str, tuple[int, str]]:
    with for_writing(engine).begin() as connection:
        strangers.write(connection, *known.take_rows())
    with engine.connect() as connection:
        rows = connection.execute(table.select()).mappings()
        return {row["address"]: (row["messages"], row["newest_json"]) for row in rows}


def test_a_stranger_is_one_row_with_its_newest_messages(engine: Engine) -> None:
    known = Strangers(strangers_max=10, messages_max=2)
    for at_ms in (1, 2, 3):
        meet(known, "a", at_ms, refused="why")

    newest = '[{"at_ms":3,"refused":"why"},{"at_ms":2,"refused":"why"}]'
    assert kept(engine, known) == {"a": (3, newest)}
    assert known.take_rows() == ([], [])


def test_the_longest_silent_goes_first(engine: Engine) -> None:
    known = Strangers(strangers_max=2, messages_max=1)
    for at_ms, address in enumerate("abac"):
        meet(known, address, at_ms)

    assert sorted(kept(engine, known)) == ["a", "c"]


def test_one_who_was_adopted_is_no_stranger_any_more(engine: Engine) -> None:
    known = Strangers(strangers_max=5, messages_max=1)
    meet(known, "a", 1)
    kept(engine, known)
    known.adopted(["a", "nobody"])

    assert kept(engine, known) == {}


def test_a_restart_goes_on_counting(engine: Engine) -> None:
    known = Strangers(strangers_max=5, messages_max=3)
    meet(known, "a", 1)
    kept(engine, known)
    known = Strangers(strangers_max=5, messages_max=3)
    with engine.connect() as connection:
        known.load(connection)
    meet(known, "a", 2)

    assert kept(engine, known) == {"a": (2, '[{"at_ms":2},{"at_ms":1}]')}
