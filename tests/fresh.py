"""Databases at the newest migration, made once in a process and copied: migrating takes longer."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy.engine import Engine

from hub.database import migrate, open_engine


def nothing_more(_engine: Engine) -> None:
    """An empty database."""


@cache
def _template(fill: Callable[[Engine], None]) -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "hub.db"
        engine = open_engine(f"sqlite:///{file}")
        migrate(engine)
        fill(engine)
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        engine.dispose()
        return file.read_bytes()


def fresh_engine(file: Path, fill: Callable[[Engine], None] = nothing_more) -> Engine:
    """An engine over a new database in `file`, with all tables and what `fill` puts into it.

    `fill` is called once for all tests of this process: it must always put the same.
    """
    file.write_bytes(_template(fill))
    return open_engine(f"sqlite:///{file}")
