"""Fixtures of the hub's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub import database
from hub.writer import Writer
from tests.hub.office import Office


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    engine = database.open_engine(f"sqlite:///{tmp_path / 'hub.db'}")
    database.migrate(engine)
    writer = Writer(database.for_writing(engine), retry_s=0.01)
    yield Office(engine, writer)
    writer.close()
    engine.dispose()
