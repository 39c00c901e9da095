"""From files to rules: every mistake of every file at once, each with its place and what is right.

Nothing of a broken set is loaded. `load` raises `RuleMistakes`; what it returns is sound.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any

from device_drivers.reading import Value
from rules import condition as c
from rules import unlike
from rules.document import (
    Item,
    Mistake,
    Unreadable,
    files_of,
    item_of,
    nearest,
    parse_text,
    read_document,
)
from rules.during import DAY_KINDS, During
from rules.override import Override
from rules.override_reader import OverrideReader
from rules.point import COMMON_POINTS, FAMILY_POINTS, bare_point
from rules.reading import (
    POINTS,
    Reader,
    RuleMistakes,
    Wrong,
    check_fields,
    check_words,
    count_of,
    duration_of,
    expected_or_duration,
    keys_of,
    list_of,
    minute_of,
    names_of,
    number_of,
    one_of,
    period_of,
    point_of,
    positive_of,
    rule_name_of,
    share_of,
    text_of,
    value_of,
    values_of,
    word_of,
)
from rules.rule import CANARY, CATEGORIES, MODES, SEVERITIES, Rule, RuleSet, version_of
from rules.story_reader import StoryReader

__all__ = ["COMMUNITY", "RuleMistakes", "built_in", "load", "load_texts", "read_override"]

COMMUNITY = Path(__file__).parent / "community"
BUILT_IN = Path(__file__).parent / "built_in"
RULE_KEYS = (
    "rule", "title", "where", "when", "hold_for", "clear_for", "during", "severity", "category",
    "response", "mode", "instead_of", "say", "reason", "tests",
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
SAMES = ("place", "grid", "ground", "resident", "site")
FAMILIES = ("button", "door", "counter", "gateway", "site", "phone", "channel", "screen", "token")
# Words that each condition with a point may carry beside it.
VERBS = {
    "equals": (), "in": (), "below": ("back_above",), "above": ("back_below",), "happens": (),
    "changes": ("within",), "rises": ("within",), "rises_less_than": ("within",), "every": (),
    "still_for": (),
}  # fmt: skip
SPECIAL = ("any", "all", "together", "first", "silent_for", "unlike_itself")
ALL_KEYS = ("point", *VERBS, "back_above", "back_below", "within", *SPECIAL)

SETS_REMEMBERED = 4

_NO_KEYS: dict[str, Item] = {}


def load(paths: Sequence[Path]) -> RuleSet:
    """The rules of files and folders (`*.yaml`, `*.yml` below them). Raises `RuleMistakes`."""
    mistakes: list[Mistake] = []
    found = files_of(paths, mistakes)
    return _gather({str(file): partial(read_document, file) for file in found}, mistakes)


def load_texts(texts: Mapping[str, str]) -> RuleSet:
    """The same for texts that were read already, by the names of their files."""
    if not texts:
        raise RuleMistakes([Mistake(".", 1, 1, "no *.yaml file in this folder")])
    return _load_texts(tuple(sorted(texts.items())))


@lru_cache(maxsize=SETS_REMEMBERED)
def _load_texts(files: tuple[tuple[str, str], ...]) -> RuleSet:
    """A start, a look at the folder and a page ask for the same set again and again."""
    return _gather({name: partial(parse_text, text, name) for name, text in files}, [])


@cache
def built_in() -> RuleSet:
    """The hub's own rules: in force beside every set, and in none of them."""
    mistakes: list[Mistake] = []
    files = files_of([BUILT_IN], mistakes)
    documents = {str(file): partial(read_document, file) for file in files}
    own = _gather(documents, mistakes, own=True)
    return RuleSet(tuple(replace(rule, built_in=True) for rule in own.rules))


def _gather(
    documents: Mapping[str, Callable[[], Item | None]],
    mistakes: list[Mistake],
    *,
    own: bool = False,
) -> RuleSet:
    readers = {name: _Reader(name, mistakes, own=own) for name in documents}
    rules = [rule for name, reader in readers.items() for rule in reader.rules(documents[name])]
    _find_doubles(rules, mistakes)
    by_name = {rule.name: rule for rule in rules}
    names = [name for reader in readers.values() for name in reader.names]
    overrides = [one for reader in readers.values() for one in reader.overrides(by_name, names)]
    if mistakes:
        raise RuleMistakes(sorted(mistakes, key=lambda m: (m.file, m.line, m.column)))
    return RuleSet(tuple(rules), tuple(overrides))


def read_override(
    body: Mapping[str, Any], rules: RuleSet, *, name: str, source: str = "api"
) -> Override:
    """One that is in no file, in the same words; `name` is its id. Raises `RuleMistakes`.

    A mistake's line tells the key: the n-th one of `body` stands on line n + 1.
    """
    mistakes: list[Mistake] = []
    by_name = {rule.name: rule for rule in rules.rules if not rule.built_in}
    reader = OverrideReader(source, mistakes, _Reader(source, mistakes), by_name, list(by_name))
    pairs = ((item_of(k, n, 1), item_of(v, n, 1)) for n, (k, v) in enumerate(body.items(), 2))
    override = reader.read(Item(tuple(pairs), 1, 1))
    if override is None:
        raise RuleMistakes(mistakes)
    return replace(override, id=name, source=source, file="", line=0)


def _find_doubles(rules: Iterable[Rule], mistakes: list[Mistake]) -> None:
    first: dict[str, Rule] = {}
    for rule in rules:
        known = first.setdefault(rule.name, rule)
        if known is not rule:
            what = (
                f"a second rule of the name {rule.name!r}; the first is {known.file}:{known.line}"
            )
            mistakes.append(Mistake(rule.file, rule.line, 1, what))


class _Reader(Reader):
    """Reads the rules of one file."""

    verbs: Mapping[str, tuple[str, ...]] = VERBS

    def __init__(self, file: str, mistakes: list[Mistake], *, own: bool = False) -> None:
        super().__init__(file, mistakes)
        self._own = own  # are these the hub's own rules?
        self.names: list[str] = []  # of all its rules, sound or not
        self._overrides: Item | None = None

    # ------------------------------------------------------------------ a file, a rule

    def rules(self, read: Callable[[], Item | None]) -> list[Rule]:
        """Every rule of the file that is sound."""
        try:
            top = read()
        except Unreadable as unreadable:
            self._mistakes.append(unreadable.mistake)
            return []
        if top is None:
            return []
        found = self._try(
            lambda item: self._map(item, "the file", ("rules", "overrides")), top, _NO_KEYS
        )
        self._overrides = found.get("overrides")
        items = self._try(list_of, found.get("rules"), ())
        rules = [self._try(self._rule, item, None) for item in items]
        return [rule for rule in rules if rule is not None]

    def overrides(self, rules: Mapping[str, Rule], names: Sequence[str]) -> list[Override]:
        """Every override of the file that is sound, of these rules; after `rules()`."""
        items = self._try(list_of, self._overrides, ())
        reader = OverrideReader(self._file, self._mistakes, self, rules, names)
        overrides = [reader.read(item) for item in items]
        return [one for one in overrides if one is not None]

    def _rule(self, item: Item) -> Rule | None:
        before = len(self._mistakes)
        found = self._map(item, "a rule", RULE_KEYS)
        name = self._try(self._name, self._need(found, "rule", item, "a rule"), "?")
        self.names.append(name)
        what = f"rule {name}"
        when = self._try(self._when, self._need(found, "when", item, what), None)
        severity = self._need(found, "severity", item, what)
        category = self._need(found, "category", item, what)
        title = self._try(lambda one: self._texts(one, "title"), found.get("title"), (name, name))
        reason = self._try(lambda one: self._texts(one, "reason"), found.get("reason"), ("", ""))
        if when is None:
            return None
        rule = Rule(
            name=name,
            when=when,
            where=self._try(self._where, found.get("where"), c.Where()),
            title_zh=title[0],
            title_en=title[1],
            severity=self._try(lambda one: one_of(one, "severity", SEVERITIES), severity, ""),
            category=self._try(lambda one: one_of(one, "category", CATEGORIES), category, ""),
            mode=self._try(lambda one: one_of(one, "mode", MODES), found.get("mode"), "live"),
            reason_zh=reason[0],
            reason_en=reason[1],
            instead_of=self._try(rule_name_of, found.get("instead_of"), ""),
            file=self._file,
            line=item.line,
        )
        rule = replace(rule, **self.parts(found))
        self.check(rule, found.get("hold_for"), found["when"])
        self._check_instead_of(rule, found.get("instead_of"))
        self._check_families(rule, found["when"])
        tests = self._try(
            lambda one: StoryReader(self._file, self._mistakes).stories(one, rule),
            found.get("tests"),
            (),
        )
        if len(self._mistakes) > before:
            return None
        rule = replace(rule, response=rule.response or rule.category, tests=tests)
        return replace(rule, version=version_of(rule))

    def _name(self, item: Item) -> str:
        name = rule_name_of(item)
        if not self._own and built_in().named(name) is not None:
            raise Wrong(item, f"{name!r} is a rule of the hub's own; give this one another name")
        return name

    def parts(self, found: Mapping[str, Item]) -> dict[str, Any]:
        """What an override may change too, as fields of a rule; only what is given."""
        parts: dict[str, Any] = {}
        for key, read in (("hold_for", duration_of), ("clear_for", duration_of)):
            if key in found:
                parts[f"{key}_ms"] = self._try(read, found[key], 0)
        if "during" in found:
            parts["during"] = self._try(self._during, found["during"], None)
        if "response" in found:
            parts["response"] = self._try(text_of, found["response"], "")
        if "say" in found:
            say = self._try(lambda one: self._texts(one, "say"), found["say"], ("", ""))
            parts["say_zh"], parts["say_en"] = say
        return parts

    def check(self, rule: Rule, hold_for: Item | None, when: Item) -> None:
        """What must hold of a rule as a whole; mistakes point to what was written."""
        if rule.hold_for_ms and c.fires(rule.when):
            what = "an event is true at one instant only: no hold_for"
            self._add(Wrong(hold_for or when, what))
        self._check_hysteresis(when, rule.when)

    def _check_families(self, rule: Rule, item: Item) -> None:
        """Can devices of the families that are meant say this at all?"""
        for where, when in _wheres(rule):
            named = where.family and set(where.family) <= FAMILY_POINTS.keys()
            if not named or where.driver or where.device:
                continue
            for point in sorted(c.points_of(when)):
                bare = bare_point(point)
                says = [name for name in where.family if bare in FAMILY_POINTS[name]]
                if bare in POINTS and bare not in COMMON_POINTS and not says:
                    family = " or ".join(where.family)
                    what = f"a {family} has no point {point!r}; of one that has it, name the driver"
                    near = nearest(bare, FAMILY_POINTS[where.family[0]], cutoff=0.75)
                    self._add(Wrong(_place_of(point, item), what, near))

    def condition(self, item: Item) -> c.Condition:
        """A whole condition. Raises `Wrong`."""
        return self._when(item)

    def _check_instead_of(self, rule: Rule, item: Item | None) -> None:
        if item is not None and not rule.is_shadow:
            self._add(Wrong(item, "instead_of is for a rule of `mode: shadow` only"))
        elif item is not None and rule.instead_of == rule.name:
            self._add(Wrong(item, "instead_of: a rule cannot stand instead of itself"))

    def _texts(self, item: Item, what: str) -> tuple[str, str]:
        """`{zh: …, en: …}`, or one text for both."""
        if not item.is_map:
            text = text_of(item)
            if what == "say":
                check_fields(item, text)
            return text, text
        found = self._map(item, what, ("zh", "en"))
        for key in ("zh", "en"):
            self._need(found, key, item, what)
        texts = {key: self._try(text_of, found.get(key), "") for key in ("zh", "en")}
        if what == "say":
            for key, text in texts.items():
                if key in found:
                    self._try(lambda one, text=text: check_fields(one, text), found[key], None)  # type: ignore[misc]
        return texts["zh"], texts["en"]

    def _where(self, item: Item) -> c.Where:
        found = self._map(item, "where", WHERE_KEYS)
        values = {key: self._try(names_of, one, ()) for key, one in found.items()}
        for name in values.get("family", ()):
            if name == CANARY and not self._own:
                what = f"where: {name} is the hub's own press of proof, heard by no other rule"
                self._add(Wrong(found["family"], what))
            near = nearest(name, FAMILIES)
            if name not in FAMILIES and near:
                self._add(Wrong(found["family"], f"where: unknown family {name!r}", near))
        return c.Where(**values)

    def _during(self, item: Item) -> During:
        before = len(self._mistakes)
        found = self._map(item, "during", ("from", "to", "days"))
        if len(self._mistakes) > before:
            return During()
        days = self._try(names_of, found.get("days"), ())
        for day in days:
            if day not in DAY_KINDS:
                near = nearest(day.lower()[:3], DAY_KINDS) or nearest(day, DAY_KINDS)
                expected = f"expected {', '.join(DAY_KINDS)}"
                self._add(Wrong(found["days"], f"during: unknown day {day!r}; {expected}", near))
        if ("from" in found) != ("to" in found):
            raise Wrong(item, "during: from and to go together")
        if not found.get("from") and not days:
            raise Wrong(item, "during: expected from and to, or days")
        from_minute = self._try(minute_of, found.get("from"), None)
        to_minute = self._try(minute_of, found.get("to"), None)
        if from_minute is not None and from_minute == to_minute:
            raise Wrong(item, "during: an impossible window, it ends where it begins")
        if from_minute == 1_440:
            raise Wrong(found["from"], "during: a window cannot begin at 24:00", "00:00")
        return During(from_minute, to_minute, days)

    # ------------------------------------------------------------------ conditions

    def _when(self, item: Item) -> c.Condition:
        keys = keys_of(item, "when")
        if "together" in keys:
            return self._together(item)
        if "first" in keys:
            return self._sequence(item)
        return self._of_device(item)

    def _of_device(self, item: Item) -> c.OfDevice:
        keys = keys_of(item, "when")
        for key, kind in (("any", c.AnyOf), ("all", c.AllOf)):
            if key in keys:
                found = self._map(item, key, (key,))
                parts = list_of(found[key])
                if not parts:
                    raise Wrong(found[key], f"{key}: expected at least one condition")
                return kind(tuple(self._simple(part, inside=key) for part in parts))
        return self._simple(item)

    def _simple(self, item: Item, inside: str = "") -> c.Simple:
        keys = keys_of(item, "when")
        if inside and (nested := [key for key in SPECIAL[:4] if key in keys]):
            raise Wrong(item, f"{inside} goes one level deep: no {nested[0]} inside")
        if "silent_for" in keys:
            found = self._map(item, "when", ("silent_for",))
            return c.Silent(expected_or_duration(found["silent_for"]))
        if "unlike_itself" in keys:
            return self._unlike(self._map(item, "when", ("unlike_itself",))["unlike_itself"])
        verbs = [key for key in keys if key in VERBS]
        if "point" not in keys and not verbs:
            unknown = next(iter(keys))
            near = nearest(unknown, ALL_KEYS)
            raise Wrong(keys[unknown][0], f"when: unknown condition {unknown!r}", near)
        if len(verbs) != 1:
            self._unknown_keys(keys)
            raise Wrong(
                item,
                f"when: expected one of {', '.join(VERBS)}; found {' and '.join(verbs) or 'none'}",
            )
        if any(name not in ALL_KEYS for name in keys):
            self._unknown_keys(keys)
            item = Item(tuple(p for p in item.value if p[0].value in ALL_KEYS), *item.place)
        found = self._map(item, "when", ("point", verbs[0], *VERBS[verbs[0]]))
        if "point" not in found:
            raise Wrong(item, "when: 'point' is missing")
        return self._verb(point_of(found["point"]), verbs[0], found, item)

    def _unknown_keys(self, keys: dict[str, tuple[Item, Item]]) -> None:
        for name, (key, _) in keys.items():
            if name not in ALL_KEYS:
                self._add(Wrong(key, f"when: unknown key {name!r}", nearest(name, ALL_KEYS)))

    def _verb(self, point: str, verb: str, found: dict[str, Item], item: Item) -> c.Simple:
        return _VERB[verb](self, point, found, item)

    def _equals(self, point: str, found: dict[str, Item], _item: Item) -> c.Simple:
        value = value_of(found["equals"])
        check_words(found["equals"], point, (value,))
        return c.Equals(point, (value,))

    def _in(self, point: str, found: dict[str, Item], _item: Item) -> c.Simple:
        return c.Equals(point, self._words(point, found["in"]))

    def _happens(self, point: str, found: dict[str, Item], _item: Item) -> c.Simple:
        return c.Happens(point, self._words(point, found["happens"]))

    def _words(self, point: str, item: Item) -> tuple[Value, ...]:
        values = values_of(item)
        check_words(item, point, values)
        return values

    def _below(self, point: str, found: dict[str, Item], _item: Item) -> c.Simple:
        limit = number_of(found["below"])
        return c.Below(point, limit, self._try(number_of, found.get("back_above"), limit))

    def _above(self, point: str, found: dict[str, Item], _item: Item) -> c.Simple:
        limit = number_of(found["above"])
        return c.Above(point, limit, self._try(number_of, found.get("back_below"), limit))

    def _changes(self, point: str, found: dict[str, Item], item: Item) -> c.Simple:
        return c.Changes(point, count_of(found["changes"]), self._within(found, item))

    def _rises(self, point: str, found: dict[str, Item], item: Item) -> c.Simple:
        return c.Rises(point, count_of(found["rises"]), self._within(found, item))

    def _rises_less(self, point: str, found: dict[str, Item], item: Item) -> c.Simple:
        by = count_of(found["rises_less_than"])
        return c.Rises(point, by, self._within(found, item), less=True)

    def _every(self, point: str, found: dict[str, Item], _item: Item) -> c.Simple:
        return c.Every(point, positive_of(found["every"]))

    def _still(self, point: str, found: dict[str, Item], _item: Item) -> c.Simple:
        return c.Still(point, period_of(found["still_for"]))

    def _unlike(self, item: Item) -> c.Simple:
        found = self._map(item, "unlike_itself", unlike.KEYS)
        if "point" not in found:
            raise Wrong(item, "unlike_itself: 'point' is missing")
        said = {key: _UNLIKE[key](one) for key, one in found.items()}
        try:
            return unlike.unlike(said["point"], said)
        except unlike.CannotBe as error:
            raise Wrong(found.get(error.key, item), str(error), error.near) from error

    def _within(self, found: dict[str, Item], item: Item) -> int:
        if "within" not in found:
            raise Wrong(item, "when: 'within' is missing: in which window?")
        return period_of(found["within"])

    def _check_hysteresis(self, item: Item, when: c.Condition) -> None:
        for simple in c.simple_of(when):
            if isinstance(simple, c.Below) and simple.back < simple.limit:
                what = f"back_above {simple.back:g} lies below the limit {simple.limit:g}"
                self._add(Wrong(_value_of("back_above", item), f"when: {what}"))
            if isinstance(simple, c.Above) and simple.back > simple.limit:
                what = f"back_below {simple.back:g} lies above the limit {simple.limit:g}"
                self._add(Wrong(_value_of("back_below", item), f"when: {what}"))

    def _together(self, item: Item) -> c.Together:
        found = self._map(item, "when", ("together", "at_least", "within", "same", "when"))
        inner = self._need(found, "when", item, "together")
        at_least = self._need(found, "at_least", item, "together")
        if inner is None or at_least is None:
            raise Wrong(item, "together: expected at_least, within, same and when")
        count = count_of(at_least)
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
        same = one_of(found["same"], "same", (*SAMES, "device"))
        return same if same != "device" or other == "device" else other

    def _step(self, item: Item, what: str) -> c.Step:
        """A condition, which may name its devices: `{where: {…}, point: …}`."""
        if not item.is_map:
            raise Wrong(item, f"{what}: expected a condition, not {item.shown()}")
        pairs = [(key, value) for key, value in item.value if word_of(key) == "where"]
        rest = tuple(pair for pair in item.value if pair not in pairs)
        where = self._where(pairs[0][1]) if pairs else c.Where()
        return c.Step(self._inner(Item(rest, item.line, item.column), what), where)

    def _inner(self, item: Item, what: str) -> c.OfDevice:
        keys = keys_of(item, what)
        if "together" in keys or "first" in keys:
            raise Wrong(item, f"{what}: expected a condition of one device")
        return self._of_device(item)


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


def _wheres(rule: Rule) -> list[tuple[c.Where, c.OfDevice]]:
    """Each condition of a device, with the narrowest that is said of where it is looked for."""
    match rule.when:
        case c.Together(where=where, when=when):
            return [(where if where.family else rule.where, when)]
        case c.Then(first=one, then=two) | c.Without(first=one, without=two):
            steps = (one, two)
            return [(step.where if step.where.family else rule.where, step.when) for step in steps]
        case _:
            return [(rule.where, rule.when)]


def _place_of(point: str, item: Item) -> Item:
    """Where a condition names the point."""
    if item.is_list:
        found = (_place_of(point, one) for one in item.value)
        return next((place for place in found if place.value == point), item)
    pairs: tuple[tuple[Item, Item], ...] = item.value if item.is_map else ()
    for key, value in pairs:
        if key.value == "point" and value.value == point:
            return value
        inner = _place_of(point, value)
        if inner.value == point:
            return inner
    return item


def _value_of(name: str, item: Item) -> Item:
    """What stands under the first key of that name; the whole, if there is none."""
    if item.is_list:
        found = (_value_of(name, one) for one in item.value)
        return next((value for value in found if value not in item.value), item)
    pairs: tuple[tuple[Item, Item], ...] = item.value if item.is_map else ()
    for key, value in pairs:
        if key.value == name:
            return value
        if (inner := _value_of(name, value)) is not value:
            return inner
    return item


# How each word of `unlike_itself` is read.
_UNLIKE: dict[str, Callable[[Item], Any]] = {
    "point": point_of,
    "by": lambda item: one_of(item, "by", unlike.BY),
    "over": period_of,
    "way": lambda item: one_of(item, "way", unlike.WAYS),
    "at_least_days": count_of,
    "rarer_than": share_of,
    "days": lambda item: one_of(item, "days", unlike.DAYS),
}
