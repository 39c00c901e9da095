"""The folder of rules: those of the settings *instead of* the community's, read as texts.

What is in force is not what stands in the folder but what the judge was given last
(`hub/rule_sets.py`): a folder may be broken, or half written.
"""

import hashlib
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path

from hub.settings import Settings
from rules.document import FILE_BYTES_MAX, Mistake
from rules.loader import COMMUNITY, RuleMistakes, load_texts
from rules.rule import RuleSet

log = logging.getLogger(__name__)

ENDINGS = (".yaml", ".yml")
NO_PRESS = (
    "no rule hears a press: emergency calls raise no case; HUB_RULES_DIR is read instead of the "
    "community's rules, so copy its emergency.yaml into the folder"
)

Texts = Mapping[str, str]  # by the names of the files, relative to the folder
Stamp = tuple[int, int, int, int]  # inode, size, moments of its last changes


def folder_of(settings: Settings) -> Path:
    """Where rules are read from."""
    return Path(settings.rules_dir) if settings.rules_dir else COMMUNITY


def is_own(settings: Settings) -> bool:
    """Are these the site's own files? Those of the program are not to be changed."""
    return bool(settings.rules_dir)


def stamps(settings: Settings) -> dict[str, Stamp]:
    """What tells that a file has changed, without reading it."""
    folder, found = folder_of(settings), {}
    for file in _files(folder):
        about = file.stat()
        name = file.relative_to(folder).as_posix()
        found[name] = (about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns)
    return found


def read_texts(settings: Settings) -> dict[str, str]:
    """The texts of all files. Raises `RuleMistakes` for what is no text, too large or too many."""
    folder, mistakes = folder_of(settings), list[Mistake]()
    found: dict[str, str] = {}
    room = settings.rules_bytes_max
    for file in _files(folder):
        name = file.relative_to(folder).as_posix()
        try:
            with file.open("rb") as opened:
                raw = opened.read(FILE_BYTES_MAX + 1)
            found[name] = raw.decode("utf-8-sig")
        except OSError as error:
            mistakes.append(Mistake(name, 1, 1, f"cannot be read: {error.strerror}"))
            continue
        except UnicodeDecodeError as error:
            mistakes.append(_no_text(name, raw, error))
            continue
        room -= len(raw)
        if room < 0:
            what = (
                f"all files together have more than HUB_RULES_BYTES_MAX={settings.rules_bytes_max}"
            )
            raise RuleMistakes([*mistakes, Mistake(name, 1, 1, what)])
    if mistakes:
        raise RuleMistakes(mistakes)
    if not found:
        what = "no *.yaml file in this folder" if folder.is_dir() else "no such folder"
        raise RuleMistakes([Mistake(str(folder), 1, 1, what)])
    return found


def _no_text(name: str, raw: bytes, error: UnicodeDecodeError) -> Mistake:
    line = raw.count(b"\n", 0, error.start) + 1
    column = error.start - raw.rfind(b"\n", 0, error.start)
    return Mistake(name, line, column, "this is not UTF-8 text")


def _files(folder: Path) -> Iterator[Path]:
    return iter(sorted(path for path in folder.rglob("*") if path.suffix in ENDINGS))


def digest_of(texts: Texts) -> str:
    """The same for the same names and texts."""
    digest = hashlib.sha256()
    for name, text in sorted(texts.items()):
        for part in (name, text):
            digest.update(len(part.encode()).to_bytes(8, "big") + part.encode())
    return digest.hexdigest()[:32]


def check(texts: Texts, *, hears_presses: bool) -> RuleSet:
    """The rules of these texts. Raises `RuleMistakes`.

    `hears_presses`: a set that would switch the emergency calls off is refused. That is so while
    the rules in force hear them: nobody switches them off by a slip.
    """
    rule_set = load_texts(texts)
    if hears_presses and not rule_set.hears_presses:
        raise RuleMistakes([Mistake(".", 1, 1, NO_PRESS)])
    return rule_set


def rules_of_files(settings: Settings) -> RuleSet:
    """The rules that stand in the folder. Raises `RuleMistakes`, OSError."""
    return load_texts(read_texts(settings))
