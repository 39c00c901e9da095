"""The site: its name in topics, its zone of time, what people call it, its grids and places.

A site file is YAML:

    id: demo
    zone: Asia/Shanghai
    name: {zh: 示范社区, en: Demo community}
    night: {from: "22:00", to: "06:00"}
    grids:
      - {id: grid-1, name: {zh: 第一网格, en: Grid 1}, leader: 王建国, phone: "0374-5550101"}
    places:
      - {path: b1/u1, kind: entrance, name: {zh: 1号楼1单元, en: Building 1 unit 1}, grid: grid-1}
    country: CN                # or DE-BY; left out: CN in China's zones, else none
    calendar: own-days.yaml    # beside this file; its days win over the country's
    roles:
      - {role: duty-phone, grid: grid-1, ways: [wecom-grid-1, {channel: sms}]}
      - {role: health-station, name: 卫生服务站, phone: "0374-5550120", ways: [{channel: voice}]}

A way is a channel by its name, with an address (`to`) where the channel needs one and it is not the
role's own phone; a role without ways is told on the hub's own channels (webhook, `…/calls`).
Of a site without roles every role is told there; where some are named, nobody has the others.

Every mistake of a file is told at once, with line and what was expected.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from hub import calendars, mistakes
from hub.mistakes import Mistakes, Wrong, nearest, shown
from hub.yaml_file import Keys, Read, YamlFile, as_text, line_of, read_map
from rules.calendar import PLAIN, Calendar, read_calendar
from rules.document import Unreadable
from rules.during import During
from rules.response import ROLES
from rules.roster import ANSWERER, DUTY_PHONE, NEXT_GRID, Contact, Way

PLAIN_ZONE = ZoneInfo("Asia/Shanghai")
# Ten in the evening until six: what China's law on noise calls night (噪声污染防治法, 2022, § 88).
PLAIN_NIGHT = During(22 * 60, 6 * 60)
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")

# `next-grid` and `answerer` are found out when they are needed; nobody can be put down as them.
_NAMED_ROLES = tuple(role for role in ROLES if role not in (NEXT_GRID, ANSWERER))

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
    stands_in: str | None = None  # the grid whose phone rings next


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
    """One community. `id` stands in topics; `zone` is for `during` and for what people read.

    `night` is when people sleep: a call then wakes somebody.
    """

    id: str = "demo"
    zone: ZoneInfo = PLAIN_ZONE
    name_zh: str = "示范社区"
    name_en: str = "Demo community"
    grids: tuple[Grid, ...] = ()
    places: tuple[Place, ...] = ()
    country: str | None = calendars.CHINA_CODE  # whose holidays; None: nobody said
    own_days: Calendar = PLAIN  # of the site's own calendar file
    night: During = PLAIN_NIGHT
    roles: tuple[Contact, ...] = ()

    def calendar(self, now_ms: int) -> Calendar:
        """Workdays and holidays as they are known now."""
        year = calendars.today(self.zone, now_ms).year
        return calendars.calendar_of(self.country, self.own_days, year)


def read_site(file: str | Path) -> Site:
    """The site of a file; of no file (an empty name) the plain site. Raises `WrongSite`."""
    if not str(file):
        return Site()
    reading = YamlFile(Path(file), WrongSite, "id, zone, name, grids, places")
    tree = reading.load()
    site = _site(reading, tree)
    reading.check()
    return site


def _site(reading: YamlFile, tree: CommentedMap) -> Site:
    keys: Keys = {
        "id": (True, as_text(mistakes.name)),
        "zone": (False, as_text(_zone)),
        "name": (False, _both_names),
        "night": (False, _night),
        "grids": (False, _list_of("grids")),
        "places": (False, _list_of("places")),
        "country": (False, as_text(calendars.country)),
        "calendar": (False, as_text(mistakes.text)),
        "roles": (False, _list_of("roles")),
    }
    values = read_map(reading, tree, keys)
    grids = tuple(_each(reading, values.get("grids", ()), "id", _grid))
    _check_stand_ins(reading, values.get("grids", ()), grids)
    known = {grid.id for grid in grids}
    places = tuple(_each(reading, values.get("places", ()), "path", _place(known)))
    phones = {grid.id: grid.phone for grid in grids}
    roles = tuple(_each(reading, values.get("roles", ()), "id", _role(phones)))
    zh, en = values.get("name", (Site().name_zh, Site().name_en))
    site_id, zone = values.get("id", ""), values.get("zone", PLAIN_ZONE)
    country = values.get("country", calendars.country_of_zone(zone))
    own_days = _own_days(reading, tree, values.get("calendar"))
    night = values.get("night", PLAIN_NIGHT)
    return Site(site_id, zone, zh, en, grids, places, country, own_days, night, roles)


def _own_days(reading: YamlFile, tree: CommentedMap, name: str | None) -> Calendar:
    """The calendar file that stands beside the site file."""
    if name is None:
        return PLAIN
    file = reading.path.parent / name
    if not file.is_file():
        near = nearest(file.name, [one.name for one in file.parent.glob("*.y*ml")])
        reading.note(line_of(tree, "calendar"), f"calendar: no file {shown(str(file))}{near}")
        return PLAIN
    try:
        return read_calendar(file)
    except Unreadable as error:
        reading.mistakes.append(str(error.mistake))
        return PLAIN


def _grid(reading: YamlFile, tree: CommentedMap) -> Grid | None:
    keys: Keys = {
        "id": (True, as_text(mistakes.name)),
        "name": (True, _both_names),
        "leader": (False, as_text(mistakes.text)),
        "phone": (False, as_text(mistakes.phone)),
        "stands_in": (False, as_text(mistakes.name)),
    }
    values = read_map(reading, tree, keys)
    if not {"id", "name"} <= values.keys():
        return None
    zh, en = values["name"]
    more = map(values.get, ("leader", "phone", "stands_in"))
    return Grid(values["id"], zh, en, *more)


def _check_stand_ins(reading: YamlFile, rows: Collection[Any], grids: Collection[Grid]) -> None:
    """A grid is helped out by another one that there is."""
    known = {grid.id for grid in grids}
    for row in rows:
        other = row.get("stands_in") if isinstance(row, CommentedMap) else None
        if isinstance(other, str) and (other not in known or other == row.get("id")):
            near = nearest(other, known - {str(row.get("id"))})
            what = f"stands_in: expected another grid of this site, not {shown(other)}{near}"
            reading.note(line_of(row, "stands_in"), what)


def _role(phones: Mapping[str, str | None]) -> Callable[[YamlFile, CommentedMap], Contact | None]:
    keys: Keys = {
        "role": (True, as_text(mistakes.one_of(_NAMED_ROLES))),
        "grid": (False, as_text(mistakes.known("grid", phones))),
        "name": (False, as_text(mistakes.text)),
        "phone": (False, as_text(mistakes.phone)),
        "ways": (False, _ways),
        "sign_on": (False, _flag),
    }

    def read(reading: YamlFile, tree: CommentedMap) -> Contact | None:
        values = read_map(reading, tree, keys)
        if "role" not in values:
            return None
        role, grid = values["role"], values.get("grid")
        own = phones.get(grid) if grid is not None and role == DUTY_PHONE else None
        return Contact(
            id=role if grid is None else f"{role}:{grid}",
            role=role,
            grid=grid,
            name=values.get("name", ""),
            phone=values.get("phone", own),
            ways=values.get("ways", ()),
            sign_on=values.get("sign_on", False),
        )

    return read


def _ways(value: Any) -> tuple[Way, ...]:
    if not isinstance(value, CommentedSeq) or not value:
        raise Wrong("expected a list of channels, the first one is tried first")
    return tuple(map(_way, value))


def _way(value: Any) -> Way:
    if isinstance(value, str):
        return Way(mistakes.name(value))
    if not isinstance(value, CommentedMap) or not {"channel"} <= set(value) <= {"channel", "to"}:
        raise Wrong(f"expected a channel or {{channel: …, to: …}}, not {shown(str(value))}")
    to = value.get("to")
    return Way(
        as_text(mistakes.name)(value["channel"]), None if to is None else as_text(mistakes.text)(to)
    )


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Wrong(f"expected true or false, not {value!r}")
    return value


def _place(grids: Collection[str]) -> Callable[[YamlFile, CommentedMap], Place | None]:
    keys: Keys = {
        "path": (True, as_text(mistakes.path)),
        "kind": (True, as_text(mistakes.one_of(PLACE_KINDS))),
        "name": (True, _both_names),
        "grid": (False, as_text(mistakes.known("grid", grids))),
        "x": (False, _number),
        "y": (False, _number),
    }

    def read(reading: YamlFile, tree: CommentedMap) -> Place | None:
        values = read_map(reading, tree, keys)
        if not {"path", "kind", "name"} <= values.keys():
            return None
        (zh, en), (grid, x, y) = values["name"], map(values.get, ("grid", "x", "y"))
        return Place(values["path"], values["kind"], zh, en, grid, x, y)

    return read


def _each(
    reading: YamlFile,
    rows: Collection[Any],
    key: str,
    read: Callable[[YamlFile, CommentedMap], Any],
) -> Iterator[Any]:
    seen: dict[str, int] = {}
    for number, row in enumerate(rows):
        line = rows.lc.item(number)[0] + 1 if isinstance(rows, CommentedSeq) else 1
        if not isinstance(row, CommentedMap):
            reading.note(line, f"expected keys such as {key} and name, not {shown(str(row))}")
            continue
        value = read(reading, row)
        if value is None:
            continue
        name = getattr(value, key)
        if name in seen:
            reading.note(line, f"{key}: {shown(name)} stands already in line {seen[name]}")
        seen.setdefault(name, line)
        yield value


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
    zh, en = (as_text(mistakes.text)(value[language]) for language in ("zh", "en"))
    return zh, en


def _night(value: Any) -> During:
    if not isinstance(value, CommentedMap) or set(value) != {"from", "to"}:
        raise Wrong('expected {from: "22:00", to: "06:00"}')
    begin, end = (_clock(value[word]) for word in ("from", "to"))
    if begin == end:
        raise Wrong("a night that ends where it begins")
    return During(begin, end)


def _clock(value: Any) -> int:
    found = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise Wrong(f'expected a time of day in quotes, such as "22:00", not {value!r}')
    return int(found[1]) * 60 + int(found[2])


def _list_of(what: str) -> Read:
    def read(value: Any) -> Any:
        if not isinstance(value, CommentedSeq):
            raise Wrong(f"expected a list of {what}, each line beginning with -")
        return value

    return read


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Wrong(f"expected a number from 0 to 1, not {value!r}")
    return mistakes.fraction(str(float(value)))
