"""The migrations lead to the tables that the code describes."""

from pathlib import Path
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from hub import database


def test_a_migrated_database_has_exactly_the_tables_of_the_code(tmp_path: Path) -> None:
    engine = database.open_engine(f"sqlite:///{tmp_path / 'hub.db'}")
    database.migrate(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences: list[Any] = compare_metadata(context, database.metadata)
    engine.dispose()

    assert differences == []
