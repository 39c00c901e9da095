"""YAML files as plain values that know their line and column. The only place that parses YAML.

Bounds keep a hostile file from costing more than a moment: size, depth, and the number of items
after anchors are followed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

FILE_BYTES_MAX = 1_048_576
ITEMS_MAX = 100_000
DEPTH_MAX = 40
DOCUMENTS_REMEMBERED = 64

_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong in a file, for a person. Line and column count from 1."""

    file: str
    line: int
    column: int
    what: str
    nearest: str | None = None

    def __str__(self) -> str:
        """`door.yaml:7:5: unknown key 'hold_four'; did you mean hold_for?`"""
        nearest = f"; did you mean {self.nearest}?" if self.nearest else ""
        return f"{self.file}:{self.line}:{self.column}: {self.what}{nearest}"


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """A value of the file: str, bool, int, float, None, a list of items, or pairs of items."""

    value: Any
    line: int
    column: int

    @property
    def is_map(self) -> bool:
        """A mapping: `value` is a tuple of pairs."""
        return isinstance(self.value, tuple)

    @property
    def is_list(self) -> bool:
        """A sequence."""
        return isinstance(self.value, list)

    @property
    def place(self) -> tuple[int, int]:
        """Line and column."""
        return self.line, self.column

    def shown(self) -> str:
        """As a sentence can carry it."""
        if self.is_map:
            return "a mapping" if self.value else "an empty mapping"
        if self.is_list:
            return "a list"
        return "nothing" if self.value is None else repr(self.value)[:60]


def item_of(value: Any, line: int, column: int) -> Item:
    """A plain value as if it had been read at that place."""
    if isinstance(value, Mapping):
        pairs = tuple(
            (item_of(k, line, column), item_of(v, line, column)) for k, v in value.items()
        )
        return Item(pairs, line, column)
    if isinstance(value, list | tuple):
        return Item([item_of(one, line, column) for one in value], line, column)
    return Item(value.isoformat() if isinstance(value, date) else value, line, column)


def plain_of(item: Item) -> Any:
    """The value without its places."""
    if item.is_map:
        return {str(plain_of(key)): plain_of(value) for key, value in item.value}
    return [plain_of(one) for one in item.value] if item.is_list else item.value


class Unreadable(Exception):
    """The file is no YAML that can be used."""

    def __init__(self, mistake: Mistake) -> None:
        super().__init__(str(mistake))
        self.mistake = mistake


def nearest(word: object, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known word that was probably meant."""
    return next(iter(get_close_matches(str(word), list(known), n=1, cutoff=cutoff)), None)


def files_of(paths: Sequence[Path], mistakes: list[Mistake]) -> list[Path]:
    """The files of paths, of folders all `*.yaml` and `*.yml` below; each once, in order."""
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            here = sorted(p for p in path.rglob("*") if p.suffix in (".yaml", ".yml"))
            if not here:
                mistakes.append(Mistake(str(path), 1, 1, "no *.yaml file in this folder"))
            found.update(dict.fromkeys(here))
        elif path.exists():
            found[path] = None
        else:
            near = nearest(path.name, [p.name for p in path.parent.glob("*")])
            mistakes.append(Mistake(str(path), 1, 1, "no such file or folder", near))
    return list(found)


def read_document(file: Path, name: str | None = None) -> Item | None:
    """The file's one document; None if it is empty. Raises `Unreadable`."""
    name = str(file) if name is None else name
    try:
        with file.open("rb") as opened:
            raw = opened.read(FILE_BYTES_MAX + 1)
        text = raw.decode("utf-8-sig")
    except OSError as error:
        raise Unreadable(Mistake(name, 1, 1, f"cannot be read: {error.strerror}")) from error
    except UnicodeDecodeError as error:
        raise Unreadable(_not_utf8(name, raw, error)) from error
    if len(raw) > FILE_BYTES_MAX:
        raise Unreadable(Mistake(name, 1, 1, f"larger than {FILE_BYTES_MAX} bytes"))
    return parse_document(text, name)


def parse_text(text: str, name: str) -> Item | None:
    """The same for a text that was read already, with the bound of a file."""
    if len(text.encode()) > FILE_BYTES_MAX:
        raise Unreadable(Mistake(name, 1, 1, f"larger than {FILE_BYTES_MAX} bytes"))
    return parse_document(text, name)


@lru_cache(maxsize=DOCUMENTS_REMEMBERED)
def parse_document(text: str, name: str) -> Item | None:
    """The same without a bound of size.

    The same text is asked for again and again (at the start, at each look at the folder, before
    and after an edit) and parsing it is most of what reading rules costs.
    """
    try:
        node = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        what = " ".join(str(error.problem or error.context or "not YAML").split())
        raise Unreadable(Mistake(name, line, column, f"this is not YAML: {what}")) from error
    except (YAMLError, ValueError, TypeError, AttributeError, NotImplementedError) as error:
        what = " ".join(str(error).split())[:200]
        raise Unreadable(Mistake(name, 1, 1, f"this is not YAML: {what}")) from error
    except RecursionError as error:
        raise Unreadable(Mistake(name, 1, 1, f"nested deeper than {DEPTH_MAX} levels")) from error
    return None if node is None else _Walk(name).item(node, 0)


def _not_utf8(name: str, raw: bytes, error: UnicodeDecodeError) -> Mistake:
    line = raw.count(b"\n", 0, error.start) + 1
    column = error.start - raw.rfind(b"\n", 0, error.start)
    return Mistake(name, line, column, "this is not UTF-8 text")


class _Walk:
    """From parser's nodes to items, counting."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._count = 0

    def item(self, node: Node, depth: int) -> Item:
        line, column = node.start_mark.line + 1, node.start_mark.column + 1
        self._count += 1
        if depth > DEPTH_MAX:
            what = f"nested deeper than {DEPTH_MAX} levels"
            raise Unreadable(Mistake(self._name, line, column, what))
        if self._count > ITEMS_MAX:
            what = f"more than {ITEMS_MAX} items, anchors followed"
            raise Unreadable(Mistake(self._name, line, column, what))
        return Item(self._value(node, depth + 1), line, column)

    def _value(self, node: Node, depth: int) -> Any:
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        if isinstance(node, MappingNode):
            return tuple((self.item(k, depth), self.item(v, depth)) for k, v in node.value)
        return [self.item(one, depth) for one in node.value]

    def _scalar(self, node: ScalarNode) -> Any:
        kind, text = str(node.tag).removeprefix(_TAG), str(node.value)
        try:
            match kind:
                case "null":
                    return None
                case "bool":
                    return text.lower() in ("true", "yes", "on")
                case "int":
                    return int(text.replace("_", ""), 0 if text[:2] in ("0x", "0o", "0b") else 10)
                case "float":
                    return float(
                        text.replace("_", "").replace(".inf", "inf").replace(".nan", "nan")
                    )
                case _:
                    return text
        except ValueError as error:
            line, column = node.start_mark.line + 1, node.start_mark.column + 1
            raise Unreadable(
                Mistake(self._name, line, column, f"{text[:40]!r} is no {kind}")
            ) from error
