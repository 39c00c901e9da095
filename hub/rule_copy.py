"""The community's rules copied into a folder of one's own, to be changed there."""

import shutil
from pathlib import Path

from rules.loader import COMMUNITY


class NotCopied(Exception):
    """Why nothing was copied, for a person."""


def copy_community(folder: Path) -> list[Path]:
    """Copy every file into the folder, which is made; what was copied.

    A folder that holds rules is left as it is: its owner has left out what is not in it. OSError.
    """
    if folder.is_dir() and any(folder.rglob("*.y*ml")):
        return []
    folder.mkdir(parents=True, exist_ok=True)
    copied = []
    for file in sorted(COMMUNITY.rglob("*.yaml")):
        target = folder / file.relative_to(COMMUNITY)
        target.parent.mkdir(parents=True, exist_ok=True)
        copied.append(Path(shutil.copyfile(file, target)))
    return copied


def copy_for_a_person(folder: Path) -> list[Path]:
    """The same; a folder with rules is refused. Raises `NotCopied`."""
    try:
        copied = copy_community(folder)
    except OSError as error:
        raise NotCopied(f"{folder}: {error.strerror or error}") from error
    if not copied:
        raise NotCopied(f"{folder} holds rules already; nothing was copied")
    return copied
