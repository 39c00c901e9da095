"""Reads the stories of a rule: the devices, what happens to them, and what must come of it."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from device_drivers.reading import Value
from rules import condition as c
from rules.document import Item, nearest
from rules.facts import EXPECTED_SILENCE_MS, DeviceFacts
from rules.reading import (
    Reader,
    Wrong,
    check_words,
    duration_of,
    flag_of,
    list_of,
    moment_of,
    names_of,
    one_of,
    pairs_of,
    period_of,
    point_of,
    text_of,
    value_of,
    word_of,
)
from rules.rule import Rule
from rules.story import Happened, Mark, Said, Story

STORY_KEYS = ("story", "start", "devices", "given", "heard", "told", "until")
DEVICE_KEYS = (
    "family", "driver", "tags", "place", "grid", "ground", "resident", "resident_tags", "behind",
    "expected_silence",
)  # fmt: skip
KINDS = {"heard": ("opens", "closes", "again"), "told": ("opens", "closes", "again", "taken_back")}
WORLD = {"gateway": ("offline", "online"), "service": ("done",), "case": ("closed",)}
HUB = ("restart", "reload")


class StoryReader(Reader):
    """Reads the stories of one rule."""

    def stories(self, item: Item, rule: Rule) -> tuple[Story, ...]:
        """All that are sound, of the value of `tests`."""
        stories = [
            self._try(lambda one: self._story(one, rule), one, None) for one in list_of(item)
        ]
        return tuple(story for story in stories if story is not None)

    def _story(self, item: Item, rule: Rule) -> Story:
        found = self._map(item, "a story", STORY_KEYS)
        text = self._try(text_of, self._need(found, "story", item, "a story"), "?")
        devices = self._try(lambda one: self._devices(one, rule), found.get("devices"), ())
        if not found.get("devices"):
            devices = (("d1", fitting(rule, "d1")),)
        names = tuple(name for name, _ in devices)
        rows = self._try(list_of, found.get("given"), ())
        given = [one for row in rows for one in self._try(lambda r: self._row(r, names), row, ())]
        self._check_world(found.get("given"), given, devices, rule)
        keys = _keys_of(rule, devices)
        heard = self._marks(self._need(found, "heard", item, f"story {text!r}"), "heard", keys)
        until_ms = self._try(duration_of, found.get("until"), None)
        last = max((row.at_ms for row in given), default=0)
        if until_ms is not None and until_ms < last:
            self._add(Wrong(found["until"], "until lies before the last row of given"))
        return Story(
            story=text,
            devices=devices,
            given=tuple(given),
            heard=heard or (),
            told=self._marks(found.get("told"), "told", keys),
            start_ms=self._try(lambda one: moment_of(one, "start"), found.get("start"), None),
            until_ms=until_ms,
            file=self._file,
            line=item.line,
        )

    def _devices(self, item: Item, rule: Rule) -> tuple[tuple[str, DeviceFacts], ...]:
        found = self._map(item, "devices")
        if not found:
            raise Wrong(item, "devices: expected at least one")
        return tuple((name, self._device(name, one, rule)) for name, one in found.items())

    def _device(self, name: str, item: Item, rule: Rule) -> DeviceFacts:
        """A device that says no family is one that fits, but for what is said of it."""
        if item.value is None:
            return fitting(rule, name)
        found = self._map(item, f"device {name}", DEVICE_KEYS)
        facts = DeviceFacts(name, "") if "family" in found else fitting(rule, name)
        values: dict[str, Any] = {}
        for key, one in found.items():
            if key in ("tags", "resident_tags"):
                values[key] = frozenset(self._try(names_of, one, ()))
            elif key == "expected_silence":
                values["expected_silence_ms"] = self._try(period_of, one, EXPECTED_SILENCE_MS)
            else:
                values["gateway" if key == "behind" else key] = self._try(text_of, one, None)
        return replace(facts, **values)

    def _row(self, item: Item, names: tuple[str, ...]) -> list[Said | Happened]:
        rows: list[Said | Happened] = []
        for key, value in pairs_of(item, "given", "a row such as {5m: {contact: open}}"):
            at_ms = duration_of(key)
            for name, one in self._subjects(value, names):
                rows += self._subject(at_ms, name, one, names)
        return rows

    def _subjects(self, item: Item, names: tuple[str, ...]) -> list[tuple[Item, Item]]:
        """Who does what; with one device its name may be left out."""
        pairs = pairs_of(item, "given", "points, such as {contact: open}")
        own = [pair for pair in pairs if not _is_subject(pair, names)]
        if not own:
            return pairs
        if len(names) != 1:
            key = own[0][0]
            near = nearest(word_of(key), [*names, "hub", *WORLD])
            devices = ", ".join(names)
            raise Wrong(key, f"given: {word_of(key)!r} is none of the devices {devices}", near)
        rest = [pair for pair in pairs if pair not in own]
        device = Item(names[0], item.line, item.column)
        return [*rest, (device, Item(tuple(own), item.line, item.column))]

    def _subject(
        self, at_ms: int, subject: Item, item: Item, names: tuple[str, ...]
    ) -> list[Said | Happened]:
        name = word_of(subject)
        if name in names:
            return [self._said(at_ms, name, item)]
        if name == "hub":
            return [Happened(at_ms, "hub", "", one_of(item, "hub", HUB))]
        pairs = pairs_of(item, name, f"such as {{{name}: {{d1: {WORLD[name][0]}}}}}")
        return [
            Happened(at_ms, name, word_of(key), one_of(value, name, WORLD[name]))
            for key, value in pairs
        ]

    def _said(self, at_ms: int, device: str, item: Item) -> Said:
        extra: dict[str, Any] = {"late_ms": 0, "retained": False, "again": False}
        points: list[tuple[str, Value]] = []
        for key, value in pairs_of(item, "given", "points, such as {contact: open}"):
            name = word_of(key)
            if name == "late":
                extra["late_ms"] = duration_of(value)
            elif name in ("retained", "again"):
                extra[name] = flag_of(value, name)
            elif name == "alive" and not flag_of(value, name):
                raise Wrong(value, "given: alive is true, or it is not said")
            else:
                said = value_of(value)
                check_words(value, point_of(key), (said,))
                points.append((name, said))
        return Said(at_ms, device, tuple(points), **extra)

    def _check_world(
        self,
        item: Item | None,
        given: Iterable[Said | Happened],
        devices: Iterable[tuple[str, DeviceFacts]],
        rule: Rule,
    ) -> None:
        """Are those things there that something happens to?"""
        names = tuple(name for name, _ in devices)
        gateways = {facts.gateway for _, facts in devices if facts.gateway}
        known = {"service": names, "case": _keys_of(rule, devices) or (), "gateway": (*gateways,)}
        for row in given:
            if isinstance(row, Said) or row.what == "hub" or not known[row.what]:
                continue
            near = nearest(row.name, known[row.what], cutoff=0.6)
            if row.name not in known[row.what] and (near or row.what == "service"):
                assert item is not None
                place = _key_named(row.name, item) or item
                self._add(Wrong(place, f"given: there is no {row.what} of {row.name!r}", near))

    def _marks(
        self, item: Item | None, what: str, keys: tuple[str, ...] | None
    ) -> tuple[Mark, ...] | None:
        if item is None:
            return None
        rows = self._try(list_of, item, ())
        return tuple(
            m for row in rows for m in self._try(lambda r: _marks_of(r, what, keys), row, ())
        )


def fitting(rule: Rule, name: str) -> DeviceFacts:
    """A device that fits the rule's `where`, with a place, a grid, … of its own."""
    wheres = [rule.where]
    match rule.when:
        case c.Together():
            wheres.append(rule.when.where)
        case c.Then():
            wheres += [rule.when.first.where, rule.when.then.where]
        case c.Without():
            wheres += [rule.when.first.where, rule.when.without.where]

    def first(key: str, other: str) -> str:
        found = next((getattr(where, key)[0] for where in wheres if getattr(where, key)), other)
        return str(found).replace("**", "1").replace("*", "1").replace("?", "1")

    return DeviceFacts(
        id=first("device", name),
        family=first("family", _family_of(rule.when)),
        driver=first("driver", ""),
        place=first("place", "p1"),
        grid=first("grid", "g1"),
        ground=first("ground", "s1"),
        tags=frozenset(tag for where in wheres for tag in where.tags),
        resident="r1",
        resident_tags=frozenset(tag for where in wheres for tag in where.resident_tags),
    )


def _family_of(when: c.Condition) -> str:
    families = {"press": "button", "undecodable": "button", "contact": "door", "uses": "counter"}
    points = sorted(c.points_of(when))
    return next((families[point] for point in points if point in families), "door")


def _is_subject(pair: tuple[Item, Item], names: tuple[str, ...]) -> bool:
    name = word_of(pair[0])
    return name in names or (name == "hub") or (name in WORLD and pair[1].is_map)


def _keys_of(rule: Rule, devices: Iterable[tuple[str, DeviceFacts]]) -> tuple[str, ...] | None:
    """By which names a story may tell whose alert it is; None: by any."""
    same = c.same_of(rule.when)
    if same == "device":
        return tuple(name for name, _ in devices)
    if same == "site" or "gateway" in rule.where.family:
        return None  # gateways may be named by their rows alone
    return tuple({str(getattr(facts, same)) for _, facts in devices if getattr(facts, same)})


def _key_named(name: str, item: Item) -> Item | None:
    """The first key of that name in it."""
    if item.is_list:
        return next((found for one in item.value if (found := _key_named(name, one))), None)
    for key, value in item.value if item.is_map else ():
        if key.value == name:
            return key  # type: ignore[no-any-return]
        if found := _key_named(name, value):
            return found
    return None


def _marks_of(item: Item, what: str, keys: tuple[str, ...] | None) -> list[Mark]:
    marks = []
    for key, value in pairs_of(item, what, "a row such as {10m: opens}"):
        at_ms = duration_of(key)
        for one in value.value if value.is_list else [value]:
            if not one.is_map:
                marks.append(Mark(at_ms, None, one_of(one, what, KINDS[what])))
                continue
            for name, kinds in one.value:
                if keys is not None and word_of(name) not in keys:
                    known = f"expected {' | '.join(keys) or 'none'}"
                    near = nearest(word_of(name), keys)
                    raise Wrong(name, f"{what}: whose alert is {word_of(name)!r}? {known}", near)
                each = kinds.value if kinds.is_list else [kinds]
                words = [one_of(kind, what, KINDS[what]) for kind in each]
                marks += [Mark(at_ms, word_of(name), word) for word in words]
    return marks
