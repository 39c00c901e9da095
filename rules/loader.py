"""From files to rules: every mistake of every file at once, each with its place and what is right.

Nothing of a broken set is loaded. `load` raises `RuleMistakes`; what it returns is sound.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from string import Formatter
from typing import Any, TypeVar

from device_drivers.reading import Value
from rules import condition as c
from rules.document import Item, Mistake, Unreadable, nearest, read_document
from rules.duration import parse_duration
from rules.during import DAY_KINDS, During
from rules.facts import EXPECTED_SILENCE_MS, DeviceFacts
from rules.rule import CATEGORIES, SEVERITIES, Rule, RuleSet
from rules.story import Happened, Mark, Said, Story

COMMUNITY = Path(__file__).parent / "community"
COUNT_MAX = 10_000  # of changes, devices together, uses in a window: they are kept in memory
RULE_KEYS = (
    "rule", "title", "where", "when", "hold_for", "clear_for", "during", "severity", "category",
    "response", "say", "tests",
)  # fmt: skip
WHERE_KEYS = (
    "family",
    "driver",
    "device",
    "place",
    "grid",
    "ground",
    "tags",
    "resident_tags",
)
STORY_KEYS = ("story", "start", "devices", "given", "heard", "told", "until")
DEVICE_KEYS = (
    "family", "driver", "tags", "place", "grid", "ground", "resident", "resident_tags", "behind",
    "expected_silence",
)  # fmt: skip
SAMES = ("place", "grid", "ground", "resident", "site")
SAY_FIELDS = ("place", "for", "device", "name", "value", "at", "key", "resident", "grid", "ground")
FAMILIES = ("button", "door", "counter", "gateway")
POINTS = (
    "press", "contact", "tamper", "vibration", "uses", "rep", "openings", "in", "out", "battery",
    "battery_v", "battery_low", "rssi", "snr", "lqi", "temperature", "humidity", "alive", "online",
    "undecodable",
)  # fmt: skip
KINDS = {"heard": ("opens", "closes", "again"), "told": ("opens", "closes", "again", "taken_back")}
WORLD = {"gateway": ("offline", "online"), "service": ("done",), "case": ("closed",)}
HUB = ("restart", "reload")
# Words that each condition with a point may carry beside it.
VERBS = {
    "equals": (), "in": (), "below": ("back_above",), "above": ("back_below",), "happens": (),
    "changes": ("within",), "rises": ("within",), "rises_less_than": ("within",), "every": (),
    "still_for": (),
}  # fmt: skip
SPECIAL = ("any", "all", "together", "first", "silent_for")
ALL_KEYS = ("point", *VERBS, "back_above", "back_below", "within", *SPECIAL)

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)|(24):00")

Parsed = TypeVar("Parsed")
Other = TypeVar("Other")
_NO_KEYS: dict[str, Item] = {}


class RuleMistakes(Exception):
    """Everything that is wrong in the files."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = tuple(mistakes)


def load(paths: Sequence[Path]) -> RuleSet:
    """The rules of files and folders (`*.yaml`, `*.yml` below them). Raises `RuleMistakes`."""
    mistakes: list[Mistake] = []
    rules: list[Rule] = []
    for file in _files(paths, mistakes):
        rules += _Reader(str(file), mistakes).rules(file)
    _find_doubles(rules, mistakes)
    if mistakes:
        raise RuleMistakes(sorted(mistakes, key=lambda m: (m.file, m.line, m.column)))
    return RuleSet(tuple(rules))


def _files(paths: Sequence[Path], mistakes: list[Mistake]) -> list[Path]:
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


def _find_doubles(rules: Iterable[Rule], mistakes: list[Mistake]) -> None:
    first: dict[str, Rule] = {}
    for rule in rules:
        known = first.setdefault(rule.name, rule)
        if known is not rule:
            what = (
                f"a second rule of the name {rule.name!r}; the first is {known.file}:{known.line}"
            )
            mistakes.append(Mistake(rule.file, rule.line, 1, what))


def version_of(rule: Rule) -> str:
    """Changes with what the rule means, not with its titles, words and tests."""
    meaning = (
        rule.name, rule.where, rule.when, rule.hold_for_ms, rule.clear_for_ms, rule.during,
        rule.severity, rule.category, rule.response,
    )  # fmt: skip
    return hashlib.sha256(repr(meaning).encode()).hexdigest()[:16]


class Wrong(Exception):
    """Where and what; caught by the reader, which goes on with the next thing."""

    def __init__(self, item: Item, what: str, near: str | None = None) -> None:
        super().__init__(what)
        self.item = item
        self.what = what
        self.near = near


class _Reader:
    """Reads one file. Mistakes go to the list; each method gives a value or raises `Wrong`."""

    def __init__(self, file: str, mistakes: list[Mistake]) -> None:
        self._file = file
        self._mistakes = mistakes

    # ------------------------------------------------------------------ small things

    def _add(self, wrong: Wrong) -> None:
        place = (self._file, wrong.item.line, wrong.item.column)
        self._mistakes.append(Mistake(*place, wrong.what, wrong.near))

    def _try(
        self, read: Callable[[Item], Parsed], item: Item | None, other: Other
    ) -> Parsed | Other:
        """The value; or `other` where the key is left out or wrong (which is noted)."""
        if item is None:
            return other
        try:
            return read(item)
        except Wrong as wrong:
            self._add(wrong)
            return other

    def _map(self, item: Item, what: str, known: Iterable[str] | None = None) -> dict[str, Item]:
        """A mapping with known keys; unknown and doubled ones are noted and left out."""
        if not item.is_map:
            raise Wrong(item, f"{what}: expected a mapping, not {item.shown()}")
        found: dict[str, Item] = {}
        for key, value in item.value:
            name = _word(key)
            if known is not None and name not in known:
                self._add(Wrong(key, f"{what}: unknown key {name!r}", nearest(name, known)))
            elif name in found:
                self._add(Wrong(key, f"{what}: the key {name!r} stands here twice"))
            else:
                found[name] = value
        return found

    def _need(self, found: dict[str, Item], key: str, item: Item, what: str) -> Item | None:
        if key not in found:
            self._add(Wrong(item, f"{what}: {key!r} is missing"))
        return found.get(key)

    # ------------------------------------------------------------------ a file, a rule

    def rules(self, file: Path) -> list[Rule]:
        """Every rule of the file that is sound."""
        try:
            top = read_document(file, self._file)
        except Unreadable as unreadable:
            self._mistakes.append(unreadable.mistake)
            return []
        if top is None:
            return []
        found = self._try(
            lambda item: self._map(item, "the file", ("rules", "overrides")), top, _NO_KEYS
        )
        if "overrides" in found:
            self._add(Wrong(found["overrides"], "overrides are not there yet: remove them"))
        items = self._try(_list, found.get("rules"), ())
        rules = [self._try(self._rule, item, None) for item in items]
        return [rule for rule in rules if rule is not None]

    def _rule(self, item: Item) -> Rule | None:
        before = len(self._mistakes)
        found = self._map(item, "a rule", RULE_KEYS)
        name = self._try(_rule_name, self._need(found, "rule", item, "a rule"), "?")
        what = f"rule {name}"
        when = self._try(self._when, self._need(found, "when", item, what), None)
        severity = self._need(found, "severity", item, what)
        category = self._need(found, "category", item, what)
        title = self._try(lambda one: self._texts(one, "title"), found.get("title"), (name, name))
        say = self._try(lambda one: self._texts(one, "say"), found.get("say"), ("", ""))
        if when is None:
            return None
        rule = Rule(
            name=name,
            when=when,
            where=self._try(self._where, found.get("where"), c.Where()),
            title_zh=title[0],
            title_en=title[1],
            hold_for_ms=self._try(_duration, found.get("hold_for"), 0),
            clear_for_ms=self._try(_duration, found.get("clear_for"), 0),
            during=self._try(self._during, found.get("during"), None),
            severity=self._try(lambda one: _one_of(one, "severity", SEVERITIES), severity, ""),
            category=self._try(lambda one: _one_of(one, "category", CATEGORIES), category, ""),
            response=self._try(_text, found.get("response"), ""),
            say_zh=say[0],
            say_en=say[1],
            file=self._file,
            line=item.line,
        )
        if rule.hold_for_ms and c.fires(when):
            self._add(Wrong(found["hold_for"], "an event is true at one instant only: no hold_for"))
        self._check_hysteresis(found["when"], when)
        tests = self._try(lambda one: self._stories(one, rule), found.get("tests"), ())
        if len(self._mistakes) > before:
            return None
        return _with(
            rule, response=rule.response or rule.category, version=version_of(rule), tests=tests
        )

    def _texts(self, item: Item, what: str) -> tuple[str, str]:
        """`{zh: …, en: …}`, or one text for both."""
        if not item.is_map:
            text = _text(item)
            return text, text
        found = self._map(item, what, ("zh", "en"))
        for key in ("zh", "en"):
            self._need(found, key, item, what)
        texts = {key: self._try(_text, found.get(key), "") for key in ("zh", "en")}
        if what == "say":
            for key, text in texts.items():
                if key in found:
                    self._try(lambda one, text=text: _check_fields(one, text), found[key], None)  # type: ignore[misc]
        return texts["zh"], texts["en"]

    def _where(self, item: Item) -> c.Where:
        found = self._map(item, "where", WHERE_KEYS)
        values = {key: self._try(_names, one, ()) for key, one in found.items()}
        for name in values.get("family", ()):
            near = nearest(name, FAMILIES)
            if name not in FAMILIES and near:
                self._add(Wrong(found["family"], f"where: unknown family {name!r}", near))
        return c.Where(**values)

    def _during(self, item: Item) -> During:
        found = self._map(item, "during", ("from", "to", "days"))
        days = self._try(_names, found.get("days"), ())
        for day in days:
            if day not in DAY_KINDS:
                near = nearest(day.lower()[:3], DAY_KINDS) or nearest(day, DAY_KINDS)
                expected = f"expected {', '.join(DAY_KINDS)}"
                self._add(Wrong(found["days"], f"during: unknown day {day!r}; {expected}", near))
        if ("from" in found) != ("to" in found):
            raise Wrong(item, "during: from and to go together")
        if not found.get("from") and not days:
            raise Wrong(item, "during: expected from and to, or days")
        from_minute = self._try(_minute, found.get("from"), None)
        to_minute = self._try(_minute, found.get("to"), None)
        if from_minute is not None and from_minute == to_minute:
            raise Wrong(item, "during: an impossible window, it ends where it begins")
        if from_minute == 1_440:
            raise Wrong(found["from"], "during: a window cannot begin at 24:00", "00:00")
        return During(from_minute, to_minute, days)

    # ------------------------------------------------------------------ conditions

    def _when(self, item: Item) -> c.Condition:
        keys = _keys(item, "when")
        if "together" in keys:
            return self._together(item)
        if "first" in keys:
            return self._sequence(item)
        return self._of_device(item)

    def _of_device(self, item: Item) -> c.OfDevice:
        keys = _keys(item, "when")
        for key, kind in (("any", c.AnyOf), ("all", c.AllOf)):
            if key in keys:
                found = self._map(item, key, (key,))
                parts = _list(found[key])
                if not parts:
                    raise Wrong(found[key], f"{key}: expected at least one condition")
                return kind(tuple(self._simple(part, inside=key) for part in parts))
        return self._simple(item)

    def _simple(self, item: Item, inside: str = "") -> c.Simple:
        keys = _keys(item, "when")
        if inside and (nested := [key for key in SPECIAL[:4] if key in keys]):
            raise Wrong(item, f"{inside} goes one level deep: no {nested[0]} inside")
        if "silent_for" in keys:
            found = self._map(item, "when", ("silent_for",))
            return c.Silent(_expected_or_duration(found["silent_for"]))
        verbs = [key for key in keys if key in VERBS]
        if "point" not in keys and not verbs:
            unknown = next(iter(keys))
            near = nearest(unknown, ALL_KEYS)
            raise Wrong(keys[unknown][0], f"when: unknown condition {unknown!r}", near)
        if len(verbs) != 1:
            self._unknown_keys(keys)
            raise Wrong(item, f"when: expected one of {', '.join(VERBS)}; found {verbs or 'none'}")
        found = self._map(item, "when", ("point", verbs[0], *VERBS[verbs[0]]))
        point = self._need(found, "point", item, "when")
        if point is None:
            raise Wrong(item, "when: expected {point: …}")
        return self._verb(_point(point), verbs[0], found, item)

    def _unknown_keys(self, keys: dict[str, tuple[Item, Item]]) -> None:
        for name, (key, _) in keys.items():
            if name not in ALL_KEYS:
                self._add(Wrong(key, f"when: unknown key {name!r}", nearest(name, ALL_KEYS)))

    def _verb(self, point: str, verb: str, found: dict[str, Item], item: Item) -> c.Simple:
        return _VERB[verb](self, point, found, item)

    def _equals(self, point: str, found: dict[str, Item], _item: Item) -> c.Simple:
        return c.Equals(point, (_value(found["equals"]),))

    def _in(self, point: str, found: dict[str, Item], _item: Item) -> c.Simple:
        return c.Equals(point, _values(found["in"]))

    def _happens(self, point: str, found: dict[str, Item], _item: Item) -> c.Simple:
        return c.Happens(point, _values(found["happens"]))

    def _below(self, point: str, found: dict[str, Item], _item: Item) -> c.Simple:
        limit = _number(found["below"])
        return c.Below(point, limit, self._try(_number, found.get("back_above"), limit))

    def _above(self, point: str, found: dict[str, Item], _item: Item) -> c.Simple:
        limit = _number(found["above"])
        return c.Above(point, limit, self._try(_number, found.get("back_below"), limit))

    def _changes(self, point: str, found: dict[str, Item], item: Item) -> c.Simple:
        return c.Changes(point, _count(found["changes"]), self._within(found, item))

    def _rises(self, point: str, found: dict[str, Item], item: Item) -> c.Simple:
        return c.Rises(point, _count(found["rises"]), self._within(found, item))

    def _rises_less(self, point: str, found: dict[str, Item], item: Item) -> c.Simple:
        by = _count(found["rises_less_than"])
        return c.Rises(point, by, self._within(found, item), less=True)

    def _every(self, point: str, found: dict[str, Item], _item: Item) -> c.Simple:
        return c.Every(point, _positive(found["every"]))

    def _still(self, point: str, found: dict[str, Item], _item: Item) -> c.Simple:
        return c.Still(point, _period(found["still_for"]))

    def _within(self, found: dict[str, Item], item: Item) -> int:
        if "within" not in found:
            raise Wrong(item, "when: 'within' is missing: in which window?")
        return _period(found["within"])

    def _check_hysteresis(self, item: Item, when: c.Condition) -> None:
        for simple in c.simple_of(when):
            if isinstance(simple, c.Below) and simple.back < simple.limit:
                what = f"back_above {simple.back:g} lies below the limit {simple.limit:g}"
                self._add(Wrong(item, f"when: {what}"))
            if isinstance(simple, c.Above) and simple.back > simple.limit:
                what = f"back_below {simple.back:g} lies above the limit {simple.limit:g}"
                self._add(Wrong(item, f"when: {what}"))

    def _together(self, item: Item) -> c.Together:
        found = self._map(item, "when", ("together", "at_least", "within", "same", "when"))
        inner = self._need(found, "when", item, "together")
        at_least = self._need(found, "at_least", item, "together")
        if inner is None or at_least is None:
            raise Wrong(item, "together: expected at_least, within, same and when")
        count = _count(at_least)
        if count < 2:
            raise Wrong(at_least, f"together: at_least {count} is not together; expected 2 or more")
        when = self._inner(inner, "together")
        if c.fires(when) and c.lasts(when):
            raise Wrong(inner, "together: an event or a state, not either")
        where = self._where(found["together"])
        return c.Together(where, count, self._within(found, item), self._same(found, "site"), when)

    def _sequence(self, item: Item) -> c.Then | c.Without:
        found = self._map(item, "when", ("first", "then", "without", "within", "same"))
        if ("then" in found) == ("without" in found):
            raise Wrong(item, "first: expected either then or without beside it")
        within, same = self._within(found, item), self._same(found, "device")
        first = self._step(found["first"], "first")
        if "then" in found:
            return c.Then(first, self._step(found["then"], "then"), within, same)
        return c.Without(first, self._step(found["without"], "without"), within, same)

    def _same(self, found: dict[str, Item], other: str) -> str:
        if "same" not in found:
            return other
        same = _one_of(found["same"], "same", (*SAMES, "device"))
        return same if same != "device" or other == "device" else other

    def _step(self, item: Item, what: str) -> c.Step:
        """A condition, which may name its devices: `{where: {…}, point: …}`."""
        if not item.is_map:
            raise Wrong(item, f"{what}: expected a condition, not {item.shown()}")
        pairs = [(key, value) for key, value in item.value if _word(key) == "where"]
        rest = tuple(pair for pair in item.value if pair not in pairs)
        where = self._where(pairs[0][1]) if pairs else c.Where()
        return c.Step(self._inner(Item(rest, item.line, item.column), what), where)

    def _inner(self, item: Item, what: str) -> c.OfDevice:
        keys = _keys(item, what)
        if "together" in keys or "first" in keys:
            raise Wrong(item, f"{what}: expected a condition of one device")
        return self._of_device(item)

    # ------------------------------------------------------------------ stories

    def _stories(self, item: Item, rule: Rule) -> tuple[Story, ...]:
        stories = [self._try(lambda one: self._story(one, rule), one, None) for one in _list(item)]
        return tuple(story for story in stories if story is not None)

    def _story(self, item: Item, rule: Rule) -> Story:
        found = self._map(item, "a story", STORY_KEYS)
        text = self._try(_text, self._need(found, "story", item, "a story"), "?")
        devices = self._try(lambda one: self._devices(one, rule), found.get("devices"), ())
        if not found.get("devices"):
            devices = (("d1", fitting(rule, "d1")),)
        names = tuple(name for name, _ in devices)
        rows = self._try(_list, found.get("given"), ())
        given = [one for row in rows for one in self._try(lambda r: self._row(r, names), row, ())]
        heard = self._marks(self._need(found, "heard", item, f"story {text!r}"), "heard")
        until_ms = self._try(_duration, found.get("until"), None)
        last = max((row.at_ms for row in given), default=0)
        if until_ms is not None and until_ms < last:
            self._add(Wrong(found["until"], "until lies before the last row of given"))
        return Story(
            story=text,
            devices=devices,
            given=tuple(given),
            heard=heard or (),
            told=self._marks(found.get("told"), "told"),
            start_ms=self._try(_moment, found.get("start"), None),
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
                values[key] = frozenset(self._try(_names, one, ()))
            elif key == "expected_silence":
                values["expected_silence_ms"] = self._try(_period, one, EXPECTED_SILENCE_MS)
            else:
                values["gateway" if key == "behind" else key] = self._try(_text, one, None)
        return _with(facts, **values)

    def _row(self, item: Item, names: tuple[str, ...]) -> list[Said | Happened]:
        rows: list[Said | Happened] = []
        for key, value in _pairs(item, "given", "a row such as {5m: {contact: open}}"):
            at_ms = _duration(key)
            for name, one in self._subjects(value, names):
                rows += self._subject(at_ms, name, one, names)
        return rows

    def _subjects(self, item: Item, names: tuple[str, ...]) -> list[tuple[Item, Item]]:
        """Who does what; with one device its name may be left out."""
        pairs = _pairs(item, "given", "points, such as {contact: open}")
        own = [pair for pair in pairs if not _is_subject(pair, names)]
        if not own:
            return pairs
        if len(names) != 1:
            key = own[0][0]
            near = nearest(_word(key), [*names, "hub", *WORLD])
            devices = ", ".join(names)
            raise Wrong(key, f"given: {_word(key)!r} is none of the devices {devices}", near)
        rest = [pair for pair in pairs if pair not in own]
        device = Item(names[0], item.line, item.column)
        return [*rest, (device, Item(tuple(own), item.line, item.column))]

    def _subject(
        self, at_ms: int, subject: Item, item: Item, names: tuple[str, ...]
    ) -> list[Said | Happened]:
        name = _word(subject)
        if name in names:
            return [self._said(at_ms, name, item)]
        if name == "hub":
            return [Happened(at_ms, "hub", "", _one_of(item, "hub", HUB))]
        pairs = _pairs(item, name, f"such as {{{name}: {{d1: {WORLD[name][0]}}}}}")
        return [
            Happened(at_ms, name, _word(key), _one_of(value, name, WORLD[name]))
            for key, value in pairs
        ]

    def _said(self, at_ms: int, device: str, item: Item) -> Said:
        extra: dict[str, Any] = {"late_ms": 0, "retained": False, "again": False}
        points: list[tuple[str, Value]] = []
        for key, value in _pairs(item, "given", "points, such as {contact: open}"):
            name = _word(key)
            if name == "late":
                extra["late_ms"] = _duration(value)
            elif name in ("retained", "again"):
                extra[name] = _flag(value, name)
            elif name == "alive" and not _flag(value, name):
                raise Wrong(value, "given: alive is true, or it is not said")
            else:
                points.append((name, _value(value)))
        return Said(at_ms, device, tuple(points), **extra)

    def _marks(self, item: Item | None, what: str) -> tuple[Mark, ...] | None:
        if item is None:
            return None
        rows = self._try(_list, item, ())
        return tuple(m for row in rows for m in self._try(lambda r: _marks_of(r, what), row, ()))


_VERB: dict[str, Callable[[_Reader, str, dict[str, Item], Item], c.Simple]] = {
    "equals": _Reader._equals,
    "in": _Reader._in,
    "below": _Reader._below,
    "above": _Reader._above,
    "happens": _Reader._happens,
    "changes": _Reader._changes,
    "rises": _Reader._rises,
    "rises_less_than": _Reader._rises_less,
    "every": _Reader._every,
    "still_for": _Reader._still,
}


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


def _with(value: Parsed, **changes: Any) -> Parsed:
    slots: tuple[str, ...] = type(value).__slots__  # type: ignore[attr-defined]
    return type(value)(**{**{slot: getattr(value, slot) for slot in slots}, **changes})


def _is_subject(pair: tuple[Item, Item], names: tuple[str, ...]) -> bool:
    name = _word(pair[0])
    return name in names or (name == "hub") or (name in WORLD and pair[1].is_map)


def _marks_of(item: Item, what: str) -> list[Mark]:
    marks = []
    for key, value in _pairs(item, what, "a row such as {10m: opens}"):
        at_ms = _duration(key)
        for one in value.value if value.is_list else [value]:
            if not one.is_map:
                marks.append(Mark(at_ms, None, _one_of(one, what, KINDS[what])))
                continue
            for name, kinds in one.value:
                each = kinds.value if kinds.is_list else [kinds]
                words = [_one_of(kind, what, KINDS[what]) for kind in each]
                marks += [Mark(at_ms, _word(name), word) for word in words]
    return marks


# ---------------------------------------------------------------------- single values


def _keys(item: Item, what: str) -> dict[str, tuple[Item, Item]]:
    pairs = _pairs(item, what, "a condition such as {point: contact, equals: open}")
    return {_word(key): (key, value) for key, value in pairs}


def _pairs(item: Item, what: str, expected: str) -> list[tuple[Item, Item]]:
    if not item.is_map or not item.value:
        raise Wrong(item, f"{what}: expected {expected}, not {item.shown()}")
    return list(item.value)


def _list(item: Item) -> list[Item]:
    if item.value is None:
        return []
    if not item.is_list:
        raise Wrong(item, f"expected a list, not {item.shown()}")
    found: list[Item] = item.value
    return found


def _word(item: Item) -> str:
    if isinstance(item.value, list | tuple) or item.value is None:
        raise Wrong(item, f"expected a name, not {item.shown()}")
    return str(item.value)


def _text(item: Item) -> str:
    if not isinstance(item.value, str) or not item.value.strip():
        raise Wrong(item, f"expected a text, not {item.shown()}")
    return item.value


def _rule_name(item: Item) -> str:
    name = _text(item)
    if not _NAME.fullmatch(name):
        near = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or None
        raise Wrong(item, f"a rule's name is in kebab-case, unlike {name!r}", near)
    return name


def _names(item: Item) -> tuple[str, ...]:
    """One name or a list of them."""
    items = item.value if item.is_list else [item]
    if not items:
        raise Wrong(item, "expected a name or a list of names, not an empty list")
    return tuple(_plain(one) for one in items)


def _plain(item: Item) -> str:
    if isinstance(item.value, bool | list | tuple) or item.value is None:
        raise Wrong(item, f"expected a name, not {item.shown()}")
    return str(item.value)


def _value(item: Item) -> Value:
    if item.is_list or item.is_map or item.value is None:
        raise Wrong(item, f"expected one value, not {item.shown()}")
    value: Value = item.value
    return value


def _values(item: Item) -> tuple[Value, ...]:
    items = item.value if item.is_list else [item]
    if not items:
        raise Wrong(item, "expected at least one value")
    return tuple(_value(one) for one in items)


def _number(item: Item) -> float:
    if isinstance(item.value, bool) or not isinstance(item.value, int | float):
        raise Wrong(item, f"expected a number, not {item.shown()}")
    if item.value != item.value or abs(item.value) == float("inf"):
        raise Wrong(item, "expected a finite number")
    return item.value


def _positive(item: Item) -> float:
    number = _number(item)
    if number <= 0:
        raise Wrong(item, f"expected a number above 0, not {number:g}")
    return number


def _count(item: Item) -> int:
    number = _number(item)
    if number != int(number) or not 1 <= number <= COUNT_MAX:
        raise Wrong(item, f"expected a whole number from 1 to {COUNT_MAX}, not {number:g}")
    return int(number)


def _flag(item: Item, what: str) -> bool:
    if not isinstance(item.value, bool):
        raise Wrong(item, f"{what}: expected true or false, not {item.shown()}")
    return item.value


def _duration(item: Item) -> int:
    if item.value == 0 and not isinstance(item.value, bool):
        return 0
    if isinstance(item.value, int | float) and not isinstance(item.value, bool):
        raise Wrong(item, f"{item.value} of what? a duration has a unit", f"{item.value:g}s")
    try:
        return parse_duration(str(item.value) if isinstance(item.value, str) else item.shown())
    except ValueError as error:
        raise Wrong(item, str(error)) from error


def _period(item: Item) -> int:
    ms = _duration(item)
    if ms == 0:
        raise Wrong(item, "expected a duration above 0")
    return ms


def _expected_or_duration(item: Item) -> int | None:
    if item.value == "expected":
        return None
    if isinstance(item.value, str) and (near := nearest(item.value, ("expected",))):
        raise Wrong(item, f"silent_for: unknown word {item.value!r}", near)
    return _period(item)


def _one_of(item: Item, what: str, known: Sequence[str]) -> str:
    if item.value not in known:
        expected = f"{what}: expected {' | '.join(known)}, not {item.shown()}"
        raise Wrong(item, expected, nearest(item.value, known))
    return str(item.value)


def _point(item: Item) -> str:
    name = _text(item)
    bare = re.sub(r"_\d+$", "", name)
    if bare not in POINTS and (near := nearest(bare, POINTS, cutoff=0.75)):
        raise Wrong(item, f"unknown point {name!r}", near)
    return name


def _minute(item: Item) -> int:
    found = _CLOCK.fullmatch(item.value) if isinstance(item.value, str) else None
    if found is None:
        raise Wrong(item, f'expected a time of day such as "22:00", not {item.shown()}')
    hour, minute, midnight = found.groups()
    return 1_440 if midnight else int(hour) * 60 + int(minute)


def _moment(item: Item) -> int:
    try:
        at = datetime.fromisoformat(str(item.value))
    except ValueError as error:
        raise Wrong(
            item, f"start: expected a moment such as 2026-03-02T22:30:00+08:00, not {item.shown()}"
        ) from error
    if at.tzinfo is None:
        raise Wrong(item, "start: say the offset from UTC, such as +08:00")
    return round(at.timestamp() * 1_000)


def _check_fields(item: Item, text: str) -> None:
    try:
        fields = [name for _, name, _, _ in Formatter().parse(text) if name is not None]
    except ValueError as error:
        raise Wrong(item, f"say: {error}") from error
    for name in fields:
        if name not in SAY_FIELDS:
            expected = ", ".join(f"{{{one}}}" for one in SAY_FIELDS)
            raise Wrong(
                item, f"say: unknown {{{name}}}; there are {expected}", nearest(name, SAY_FIELDS)
            )
