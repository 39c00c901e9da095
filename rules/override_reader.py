"""Reads overrides: which rule, which devices, what is different, why, by whom and until when."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Protocol

from rules import condition as c
from rules.document import Item, Mistake, item_of, nearest, plain_of
from rules.override import SELECTORS, SETTABLE, Override
from rules.plain import plain
from rules.reading import Reader, Wrong, flag_of, moment_of, names_of, one_of, text_of, word_of
from rules.rule import SEVERITIES, Rule

OVERRIDE_KEYS = ("rule", *SELECTORS, "set", "off", "reason", "by", "since", "until")
NESTED = ("when", "first", "then", "without")  # keys of a condition under which another one is

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class RuleWords(Protocol):
    """What the reader of rules does for that of overrides."""

    verbs: Mapping[str, tuple[str, ...]]  # of conditions of one point, and their other words

    def condition(self, item: Item) -> c.Condition:
        """A whole condition."""
        ...

    def parts(self, found: Mapping[str, Item]) -> dict[str, Any]:
        """The other keys that may be set, as fields of a rule."""
        ...

    def check(self, rule: Rule, hold_for: Item | None, when: Item) -> None:
        """Is the rule sound as a whole?"""
        ...


class OverrideReader(Reader):
    """Reads the overrides of one file. `names`: of all rules, also of those with mistakes."""

    def __init__(
        self,
        file: str,
        mistakes: list[Mistake],
        words: RuleWords,
        rules: Mapping[str, Rule],
        names: Sequence[str],
    ) -> None:
        super().__init__(file, mistakes)
        self._words = words
        self._rules = rules
        self._names = names

    def read(self, item: Item) -> Override | None:
        """One override; None if it is not sound, which is noted."""
        before = len(self._mistakes)
        override = self._try(self._override, item, None)
        return override if len(self._mistakes) == before else None

    def _override(self, item: Item) -> Override:
        found = self._map(item, "an override", OVERRIDE_KEYS)
        rule = self._try(self._rule, self._need(found, "rule", item, "an override"), None)
        what = "an override" if rule is None else f"an override of {rule.name}"
        reason = self._try(text_of, self._need(found, "reason", item, what), "")
        by = self._try(text_of, self._need(found, "by", item, what), "")
        self._need(found, "until", item, what)
        selectors: dict[str, Any] = {
            key: self._try(names_of, found.get(key), ()) for key in SELECTORS
        }
        if not any(key in found for key in SELECTORS):
            self._add(Wrong(item, f"{what}: for whom? expected {', '.join(SELECTORS)}"))
        if ("set" in found) == ("off" in found):
            self._add(Wrong(item, f"{what}: expected either set or off: true"))
        override = Override(
            rule="?" if rule is None else rule.name,
            reason=reason,
            by=by,
            **selectors,
            **self._span(found),
            id=f"{self._file}:{item.line}",
            source=f"{self._file}:{item.line}",
            file=self._file,
            line=item.line,
        )
        return override if rule is None else self._change(override, rule, found)

    def _rule(self, item: Item) -> Rule | None:
        name = text_of(item)
        if name not in self._rules and name not in self._names:
            raise Wrong(item, f"there is no rule {name!r}", nearest(name, self._names))
        return self._rules.get(name)

    def _span(self, found: Mapping[str, Item]) -> dict[str, Any]:
        span: dict[str, Any] = {}
        for key in ("since", "until"):
            at = self._try(lambda one, key=key: _day_or_moment(one, key), found.get(key), None)  # type: ignore[misc]
            if at is not None:
                span[f"{key}_day" if isinstance(at, date) else f"{key}_ms"] = at
        days = span.get("since_day"), span.get("until_day")
        moments = span.get("since_ms"), span.get("until_ms")
        if _is_backwards(*days) or _is_backwards(*moments) or moments[0] == moments[1] is not None:
            self._add(Wrong(found["until"], "until lies before since"))
        return span

    # ------------------------------------------------------------------ what is different

    def _change(self, override: Override, rule: Rule, found: Mapping[str, Item]) -> Override:
        if "off" in found:
            self._check_off(found["off"], rule)
            off = self._try(lambda one: flag_of(one, "off"), found["off"], True)
            if not off:
                self._add(Wrong(found["off"], "off is true, or it is not said"))
            return replace(override, off=True)
        if "set" not in found:
            return override
        self._check_group(found["set"], override, rule)
        parts = self._try(lambda item: self._parts(item, rule), found["set"], {})
        return replace(override, set=plain_of(found["set"]), parts=parts)

    def _check_off(self, item: Item, rule: Rule) -> None:
        if rule.severity == "emergency":
            self._add(Wrong(item, f"rule {rule.name} is an emergency: it cannot be off"))

    def _check_group(self, item: Item, override: Override, rule: Rule) -> None:
        same = c.same_of(rule.when)
        if same == "device" or override.given == (same,):
            return
        if same in SELECTORS:
            what = f"a rule over a whole {same} is set for that {same}: name it, and nothing else"
        else:
            what = f"a rule over a whole {same} cannot be set for some; off takes a device out"
        self._add(Wrong(item, what))

    def _parts(self, item: Item, rule: Rule) -> dict[str, Any]:
        if not item.is_map or not item.value:
            raise Wrong(item, f"set: expected what is different, not {item.shown()}")
        found = self._map(item, "set", (*SETTABLE, *_OWN))
        for key in _OWN:
            if key in found:
                what = f"set: {key!r} is the rule's own; there are {', '.join(SETTABLE)}"
                self._add(Wrong(found[key], what))
        parts = self._words.parts(found)
        if "severity" in found:
            parts["severity"] = self._try(lambda one: _severity(one, rule), found["severity"], "")
        if "during" in found and rule.severity == "emergency":
            what = f"rule {rule.name} is an emergency: no hours can be set for it"
            self._add(Wrong(found["during"], what))
        if "when" in found:
            parts["when"] = self._try(lambda one: self._when(one, rule), found["when"], rule.when)
        self._words.check(replace(rule, **parts), found.get("hold_for"), found.get("when", item))
        return parts

    def _when(self, item: Item, rule: Rule) -> c.Condition:
        own = item_of(plain(rule.when), item.line, item.column)
        when = self._words.condition(merged(own, item, self._words.verbs))
        if c.same_of(when) != c.same_of(rule.when):
            raise Wrong(item, f"set: the rule is about one {c.same_of(rule.when)}: that stays so")
        return when


_OWN = ("rule", "title", "where", "category", "mode", "tests")


def merged(own: Item, given: Item, verbs: Mapping[str, tuple[str, ...]]) -> Item:
    """A condition with what is given instead of what it says; a whole one is taken as it is.

    `verbs`: of conditions of one point, with the words that each may carry beside it.
    """
    if not given.is_map or not given.value or _is_whole(_words(given), verbs):
        return given
    if {"any", "all"} & _words(own):
        raise Wrong(given, "set: a condition of several parts is given whole")
    verb = next((word for word in _words(given) if word in verbs), None)
    pairs = {str(key.value): (key, value) for key, value in own.value}
    if verb is not None:  # the rule's own way back is that of its own limit
        stays = {*verbs[verb], verb, "point", "where"} - _BACKS
        pairs = {key: pair for key, pair in pairs.items() if key in stays}
    for key, value in given.value:
        name = word_of(key)
        if name in NESTED and name in pairs and value.is_map:
            value = merged(pairs[name][1], value, verbs)  # noqa: PLW2901
        pairs[name] = (key, value)
    return Item(tuple(pairs.values()), given.line, given.column)


_BACKS = {"back_above", "back_below"}


def _words(item: Item) -> set[str]:
    return {word_of(key) for key, _ in item.value}


def _is_whole(words: set[str], verbs: Mapping[str, tuple[str, ...]]) -> bool:
    return (
        bool(words & {"any", "all", "silent_for"})
        or ("point" in words and not words.isdisjoint(verbs))
        or {"together", "when", "at_least"} <= words
        or ("first" in words and bool(words & {"then", "without"}) and "within" in words)
    )


def _is_backwards(begin: Any, end: Any) -> bool:
    return begin is not None and end is not None and bool(end < begin)


def _severity(item: Item, rule: Rule) -> str:
    severity = one_of(item, "severity", SEVERITIES)
    if rule.severity == "emergency" and severity != "emergency":
        raise Wrong(item, f"rule {rule.name} is an emergency: it cannot be made less")
    return severity


def _day_or_moment(item: Item, what: str) -> date | int:
    if isinstance(item.value, str) and _DAY.fullmatch(item.value):
        try:
            return date.fromisoformat(item.value)
        except ValueError as error:
            raise Wrong(item, f"{what}: there is no day {item.value}") from error
    return moment_of(item, what)
