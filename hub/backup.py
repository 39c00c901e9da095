"""Copies of the database: made while the hub runs, put back while it stands still.

A copy is made by SQLite's own online backup: it is one moment of the database, whole. The local
time series need no copy: they follow from the journal, which the database holds; `refill` lets the
archive write them again. Photos lie beside the database; in a copy they are a table of it, so that
a backup is one file. Putting back keeps the database that was there, under another name.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from alembic.script import ScriptDirectory

from hub import photos, private_files
from hub.archive import FOLLOWER
from hub.database import SCHEMA_DIR, only_sqlite

PACKED = "packed_photos"  # the table of a backup in which they are
PAGES_AT_ONCE = 1_000  # of a copy; between them others may write


class BackupFailed(Exception):
    """A copy that cannot be made or put back; the text is for a person."""


def file_of(database_url: str) -> Path:
    """The file of a SQLite URL. Raises `BackupFailed`."""
    prefix, _, path = database_url.partition("sqlite:///")
    if prefix or not path:
        raise BackupFailed(only_sqlite(database_url))
    return Path(path)


def back_up(database: Path, target: Path, photos_folder: Path | None = None) -> int:
    """Copy `database`, and the photos, to the new file `target`; its size in bytes.

    Raises `BackupFailed`.
    """
    if target.exists():
        raise BackupFailed(f"{target}: exists already; name a new file")
    if not database.is_file():
        raise BackupFailed(f"{database}: there is no database yet")
    unfinished = target.with_name(f"{target.name}.unfinished")
    with _in_words(target):
        _copy(database, unfinished)
        if photos_folder is not None:
            _pack_photos(unfinished, photos_folder)
        unfinished.replace(target)
        return target.stat().st_size


def _pack_photos(copy: Path, folder: Path) -> None:
    """Those that the database names; one that is gone by now is missed by nobody."""
    with contextlib.closing(sqlite3.connect(copy)) as connection, connection:
        if "photos" not in _tables(connection):  # of a version that knew none
            return
        connection.execute(f"CREATE TABLE {PACKED} (name TEXT PRIMARY KEY, content BLOB NOT NULL)")
        names = [row[0] for row in connection.execute("SELECT id FROM photos ORDER BY id")]
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                content = photos.file_of(folder, name).read_bytes()
                connection.execute(f"INSERT INTO {PACKED} VALUES (?, ?)", (name, content))  # noqa: S608 - constant name
    _sync(copy)


def _unpack_photos(copy: Path, folder: Path) -> None:
    """Back into their folder; a photo that is there already is the same."""
    with contextlib.closing(sqlite3.connect(copy)) as connection:
        if PACKED not in _tables(connection):
            return
        with connection:
            for name, content in connection.execute(f"SELECT name, content FROM {PACKED}"):  # noqa: S608 - constant name
                _put_photo(folder, str(name), bytes(content))
            connection.execute(f"DROP TABLE {PACKED}")
        connection.execute("VACUUM")
    _sync(copy)


def _tables(connection: sqlite3.Connection) -> set[str]:
    return {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}


def _put_photo(folder: Path, name: str, content: bytes) -> None:
    try:
        photos.write_file(folder, photos.Photo(name, 0, 0, content))
    except ValueError as error:
        raise BackupFailed(f"a photo of the backup has a wrong name: {name!r}") from error
    except photos.NoPhoto as error:
        raise BackupFailed(f"{folder}: no room for the photos of the backup") from error


def restore(
    source: Path,
    database: Path,
    stamp: str,
    *,
    refill: bool = False,
    photos_folder: Path | None = None,
) -> Path | None:
    """Put the backup `source` in the place of `database`.

    Returns where the database that was there is kept now (its name with `stamp`), None if there
    was none. `refill`: every reading of the journal goes to the time series once more.
    Raises `BackupFailed`, having changed nothing, when `source` is no whole database of a hub, is
    of a later version, or a hub still has `database` open.
    """
    check(source)
    private_files.make_folder(database.parent)
    incoming = database.with_name(f"{database.name}.restoring")
    with _in_words(database):
        _copy(source, incoming)
        _unpack_photos(incoming, photos_folder or database.parent / photos.FOLDER)
        if refill:
            _rewind_archive(incoming)
        aside = _set_aside(database, stamp)
        incoming.replace(database)
        return aside


def check(source: Path) -> str:
    """The migration that a whole database of a hub stands at. Raises `BackupFailed`."""
    if not source.is_file():
        raise BackupFailed(f"{source}: there is no such file")
    with _in_words(source), reading(source) as connection:
        missing = {"journal", "cases", "cursors", "alembic_version"} - _tables(connection)
        if missing:
            raise BackupFailed(f"{source}: not a hub's database (no table {min(missing)})")
        _quick_check(source, connection)
        revision = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    if revision is None or revision[0] not in known_revisions():
        stands_at = revision[0] if revision else "none"
        raise BackupFailed(
            f"{source}: of another version of the hub (its tables are at migration {stands_at}, "
            f"this one knows up to {newest_revision()})"
        )
    return str(revision[0])


def check_whole(file: Path) -> None:
    """Raise `BackupFailed` unless `file` is an undamaged SQLite database."""
    with _in_words(file), reading(file) as connection:
        _quick_check(file, connection)


def _quick_check(file: Path, connection: sqlite3.Connection) -> None:
    [found] = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise BackupFailed(f"{file}: damaged: {found}")


def known_revisions() -> set[str]:
    """Every migration that this version knows."""
    return {script.revision for script in ScriptDirectory(str(SCHEMA_DIR)).walk_revisions()}


def newest_revision() -> str:
    """The migration that this version's tables are at."""
    head = ScriptDirectory(str(SCHEMA_DIR)).get_current_head()
    assert head is not None
    return head


@contextlib.contextmanager
def reading(file: Path) -> Iterator[sqlite3.Connection]:
    """A connection that changes nothing; beside a backup, which is one file, it makes no others.

    Raises sqlite3.Error.
    """
    beside = file.with_name(f"{file.name}-wal").exists()
    uri = f"{file.resolve().as_uri()}?mode=ro" + ("" if beside else "&immutable=1")
    with contextlib.closing(sqlite3.connect(uri, uri=True)) as connection:
        yield connection


def _copy(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    private_files.make_file(target)
    with (
        contextlib.closing(
            sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)
        ) as old,
        contextlib.closing(sqlite3.connect(target)) as new,
    ):
        old.backup(new, pages=PAGES_AT_ONCE)
        new.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it
    _sync(target)


def _sync(target: Path) -> None:
    with target.open("rb") as file:
        os.fsync(file.fileno())


def _rewind_archive(database: Path) -> None:
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE cursors SET seq = 0 WHERE follower = ?", (FOLLOWER,))


def _set_aside(database: Path, stamp: str) -> Path | None:
    """Rename the database that is there. Leaving WAL works only when nobody else has it open."""
    if not database.exists():
        return None
    with contextlib.closing(sqlite3.connect(database, timeout=0)) as connection:
        try:
            [mode] = connection.execute("PRAGMA journal_mode=DELETE").fetchone()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            mode = "wal"
    if mode != "delete":
        raise BackupFailed(f"{database}: a hub or its pages have it open; stop them first")
    aside = database.with_name(f"{database.name}.before-{stamp}")
    return database.rename(aside)


@contextlib.contextmanager
def _in_words(file: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise BackupFailed(f"{file}: {error}") from error
