"""Files that hold residents' data: for the user who runs the hub and for nobody else.

A file is made with its mode, so there is no moment in which others could read it. SQLite gives the
files beside a database (`-wal`, `-shm`) the database's own mode. A folder that is there already
keeps its mode, because it may be meant for more than the hub; `hub doctor` says so.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

FOLDER_MODE = 0o700
FILE_MODE = 0o600
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_BESIDE = ("", "-wal", "-shm", "-journal")  # what SQLite keeps next to a database


def make_folder(folder: Path) -> None:
    """Make the folder, and those above it, unless it is there. Raises OSError."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=FOLDER_MODE, exist_ok=True)


def make_file(file: Path) -> None:
    """Make the file, empty, unless it is there; a database's own files are closed to others.

    Another user's file keeps its mode: only its owner may change that. Raises OSError.
    """
    os.close(os.open(file, os.O_RDWR | os.O_CREAT, FILE_MODE))
    for part in (file.with_name(f"{file.name}{end}") for end in _BESIDE):
        if is_open_to_others(part) and part.stat().st_uid == os.geteuid():
            part.chmod(FILE_MODE)


def is_open_to_others(path: Path) -> bool:
    """May others than the owner do anything with it? Of what is not there: no."""
    return path.exists() and bool(stat.S_IMODE(path.stat().st_mode) & _OTHERS)


def close_to_others() -> None:
    """From now on this process and those it starts make files for their own user only."""
    os.umask(_OTHERS)


def open_ones(folder: Path, patterns: Iterable[str]) -> Iterator[Path]:
    """The folder and its files of these patterns that others than the owner may use."""
    found = sorted({file for pattern in patterns for file in folder.glob(pattern)})
    return (path for path in (folder, *found) if is_open_to_others(path))
