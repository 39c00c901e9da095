"""The site: its name in topics, its zone of time, what people call it, its grids and places.

A site file is YAML:

    id: demo
    zone: Asia/Shanghai
    name: {zh: 示范社区, en: Demo community}
    grids:
      - {id: grid-1, name: {zh: 第一网格, en: Grid 1}, leader: 王建国, phone: "0374-5550101"}
    places:
      - {path: b1/u1, kind: entrance, name: {zh: 1号楼1单元, en: Building 1 unit 1}, grid: grid-1}

Every mistake of a file is told at once, with line and what was expected.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedBase, CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from hub import mistakes
from hub.mistakes import Mistakes, Wrong, nearest, shown

PLAIN_ZONE = ZoneInfo("Asia/Shanghai")
FILE_BYTES_MAX = 16_777_216

PLACE_KINDS = (
    "building",
    "entrance",
    "home",
    "ground",
    "station",
    "health",
    "shop",
    "culture",
    "office",
    "room",
    "yard",
    "other",
)


class WrongSite(Mistakes):
    """A site file that cannot be used: one line per mistake, with file and line."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A part of the community with a leader and one shared duty phone."""

    id: str
    name_zh: str
    name_en: str
    leader: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A named place; `x` and `y` are on the site's plan, 0 … 1."""

    path: str
    kind: str
    name_zh: str
    name_en: str
    grid: str | None = None
    x: float | None = None
    y: float | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """One community. `id` stands in topics; `zone` is for `during` and for what people read."""

    id: str = "demo"
    zone: ZoneInfo = PLAIN_ZONE
    name_zh: str = "示范社区"
    name_en: str = "Demo community"
    grids: tuple[Grid, ...] = ()
    places: tuple[Place, ...] = ()


def read_site(file: str | Path) -> Site:
    """The site of a file; of no file (an empty name) the plain site. Raises `WrongSite`."""
    if not str(file):
        return Site()
    reading = _File(str(file))
    tree = reading.load(Path(file))
    site = _site(reading, tree)
    if reading.mistakes:
        raise WrongSite(reading.mistakes)
    return site


class _File:
    """One file while it is read: where things stand in it, and what is wrong with it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.mistakes: list[str] = []

    def load(self, path: Path) -> CommentedMap:
        try:
            if path.stat().st_size > FILE_BYTES_MAX:
                raise WrongSite([f"{path}: larger than {FILE_BYTES_MAX} bytes"])
            content = path.read_text(encoding="utf-8")
            tree = YAML(typ="rt").load(content)
        except OSError as error:
            raise WrongSite([f"{path}: {error.strerror}"]) from error
        except UnicodeDecodeError as error:
            raise WrongSite([f"{path}: not UTF-8 (byte {error.start})"]) from error
        except MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise WrongSite([f"{path}:{line}: {error.problem or error.context}"]) from error
        except (YAMLError, ValueError, RecursionError) as error:
            raise WrongSite([f"{path}: {_first_line(error)}"]) from error
        if not isinstance(tree, CommentedMap):
            raise WrongSite([f"{path}:1: expected keys such as id, zone, name, grids, places"])
        return tree

    def wrong(self, line: int, problem: str) -> None:
        self.mistakes.append(f"{self.name}:{line}: {problem}")


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


# A row of a table of keys: (required, how to read it).
_Read = Callable[[Any], Any]
_Keys = Mapping[str, tuple[bool, _Read]]


def _site(reading: _File, tree: CommentedMap) -> Site:
    keys: _Keys = {
        "id": (True, _text(mistakes.name)),
        "zone": (False, _text(_zone)),
        "name": (False, _both_names),
        "grids": (False, _list_of("grids")),
        "places": (False, _list_of("places")),
    }
    values = _read_map(reading, tree, keys)
    grids = tuple(_each(reading, values.get("grids", ()), "id", _grid))
    places = tuple(
        _each(reading, values.get("places", ()), "path", _place({grid.id for grid in grids}))
    )
    zh, en = values.get("name", (Site().name_zh, Site().name_en))
    site_id, zone = values.get("id", ""), values.get("zone", PLAIN_ZONE)
    return Site(site_id, zone, zh, en, grids, places)


def _grid(reading: _File, tree: CommentedMap) -> Grid | None:
    keys: _Keys = {
        "id": (True, _text(mistakes.name)),
        "name": (True, _both_names),
        "leader": (False, _text(mistakes.text)),
        "phone": (False, _text(mistakes.phone)),
    }
    values = _read_map(reading, tree, keys)
    if not {"id", "name"} <= values.keys():
        return None
    zh, en = values["name"]
    return Grid(values["id"], zh, en, values.get("leader"), values.get("phone"))


def _place(grids: Collection[str]) -> Callable[[_File, CommentedMap], Place | None]:
    keys: _Keys = {
        "path": (True, _text(mistakes.path)),
        "kind": (True, _text(mistakes.one_of(PLACE_KINDS))),
        "name": (True, _both_names),
        "grid": (False, _text(mistakes.known("grid", grids))),
        "x": (False, _number),
        "y": (False, _number),
    }

    def read(reading: _File, tree: CommentedMap) -> Place | None:
        values = _read_map(reading, tree, keys)
        if not {"path", "kind", "name"} <= values.keys():
            return None
        (zh, en), (grid, x, y) = values["name"], map(values.get, ("grid", "x", "y"))
        return Place(values["path"], values["kind"], zh, en, grid, x, y)

    return read


def _read_map(reading: _File, tree: CommentedMap, keys: _Keys) -> dict[str, Any]:
    """The values that are right; what is wrong is noted with its line."""
    values: dict[str, Any] = {}
    for key, value in tree.items():
        line = _line_of(tree, key)
        if key not in keys:
            reading.wrong(line, f"unknown key {shown(str(key))}{nearest(str(key), keys)}")
            continue
        try:
            values[key] = keys[key][1](value)
        except Wrong as error:
            reading.wrong(line, f"{key}: {error}")
    for key, (required, _read) in keys.items():
        if required and key not in tree:
            reading.wrong(tree.lc.line + 1, f"the key {key} is missing")
    return values


def _each(
    reading: _File,
    rows: Collection[Any],
    key: str,
    read: Callable[[_File, CommentedMap], Any],
) -> Iterator[Any]:
    seen: dict[str, int] = {}
    for number, row in enumerate(rows):
        line = rows.lc.item(number)[0] + 1 if isinstance(rows, CommentedSeq) else 1
        if not isinstance(row, CommentedMap):
            reading.wrong(line, f"expected keys such as {key} and name, not {shown(str(row))}")
            continue
        value = read(reading, row)
        if value is None:
            continue
        name = getattr(value, key)
        if name in seen:
            reading.wrong(line, f"{key}: {shown(name)} stands already in line {seen[name]}")
        seen.setdefault(name, line)
        yield value


def _line_of(tree: CommentedBase, key: object) -> int:
    line: int = tree.lc.key(key)[0] + 1
    return line


def _text(read: mistakes.Reader) -> _Read:
    def read_text(value: Any) -> Any:
        if not isinstance(value, str):
            raise Wrong(f"expected text (in quotes if it looks like a number), not {value!r}")
        return read(value)

    return read_text


def _zone(value: str) -> ZoneInfo:
    zones = available_timezones()
    if value not in zones:
        raise Wrong(f"expected a zone such as Asia/Shanghai, not {value!r}{nearest(value, zones)}")
    return ZoneInfo(value)


def _both_names(value: Any) -> tuple[str, str]:
    if not isinstance(value, CommentedMap) or set(value) != {"zh", "en"}:
        raise Wrong(
            f"expected {{zh: …, en: …}}, not {shown(re.sub(r'ordereddict', '', str(value)))}"
        )
    zh, en = (_text(mistakes.text)(value[language]) for language in ("zh", "en"))
    return zh, en


def _list_of(what: str) -> _Read:
    def read(value: Any) -> Any:
        if not isinstance(value, CommentedSeq):
            raise Wrong(f"expected a list of {what}, each line beginning with -")
        return value

    return read


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Wrong(f"expected a number from 0 to 1, not {value!r}")
    return mistakes.fraction(str(float(value)))
