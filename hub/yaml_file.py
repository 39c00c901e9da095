"""A YAML file that a person wrote: its keys are read one by one, every mistake with its line."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedBase, CommentedMap
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from hub import mistakes
from hub.mistakes import Mistakes, Wrong, nearest, shown

FILE_BYTES_MAX = 16_777_216

Read = Callable[[Any], Any]
Keys = Mapping[str, tuple[bool, Read]]  # key: is it required, how to read it


class YamlFile:
    """One file while it is read: where things stand in it, and what is wrong with it."""

    def __init__(self, path: Path, wrong: type[Mistakes], keys: str) -> None:
        """`wrong` is raised for what cannot be read at all; `keys` says what is expected."""
        self.path = path
        self.mistakes: list[str] = []
        self._wrong = wrong
        self._keys = keys

    def load(self) -> CommentedMap:
        """The file as a mapping that knows its lines. Raises what it was given to raise."""
        path = self.path
        try:
            if path.stat().st_size > FILE_BYTES_MAX:
                raise self._wrong([f"{path}: larger than {FILE_BYTES_MAX} bytes"])
            tree = YAML(typ="rt").load(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise self._wrong([f"{path}: {error.strerror}"]) from error
        except UnicodeDecodeError as error:
            raise self._wrong([f"{path}: not UTF-8 (byte {error.start})"]) from error
        except MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise self._wrong([f"{path}:{line}: {error.problem or error.context}"]) from error
        except (YAMLError, ValueError, RecursionError) as error:
            raise self._wrong([f"{path}: {_first_line(error)}"]) from error
        if not isinstance(tree, CommentedMap):
            raise self._wrong([f"{path}:1: expected keys such as {self._keys}"])
        return tree

    def note(self, line: int, problem: str) -> None:
        """One mistake of a line."""
        self.mistakes.append(f"{self.path}:{line}: {problem}")

    def check(self) -> None:
        """Raise all mistakes that were noted, if there are any."""
        if self.mistakes:
            raise self._wrong(self.mistakes)


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


def read_map(
    reading: YamlFile, tree: CommentedMap, keys: Keys, also: Sequence[str] = ()
) -> dict[str, Any]:
    """The values that are right; what is wrong is noted with its line. `also`: read elsewhere."""
    values: dict[str, Any] = {}
    for key, value in tree.items():
        line = line_of(tree, key)
        if key in also:
            continue
        if key not in keys:
            near = nearest(str(key), [*keys, *also])
            reading.note(line, f"unknown key {shown(str(key))}{near}")
            continue
        try:
            values[key] = keys[key][1](value)
        except Wrong as error:
            reading.note(line, f"{key}: {error}")
    for key, (required, _read) in keys.items():
        if required and key not in tree:
            reading.note(tree.lc.line + 1, f"the key {key} is missing")
    return values


def line_of(tree: CommentedBase, key: object) -> int:
    """The line, from 1, on which a key stands."""
    line: int = tree.lc.key(key)[0] + 1
    return line


def as_text(read: mistakes.Reader) -> Read:
    """A reader of text for what YAML gives, which may be no text at all."""

    def read_text(value: Any) -> Any:
        if not isinstance(value, str):
            raise Wrong(f"expected text (in quotes if it looks like a number), not {value!r}")
        return read(value)

    return read_text
