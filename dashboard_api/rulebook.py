"""The rules for people to look at: those that the judge has, and what of the files differs.

Reading a set takes longer than a page may, so the newest one is kept in memory by its number.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import Connection

from dashboard_api.rule_words import Told, tell
from hub import overrides, rule_files, rule_sets
from hub.overrides import OVERRIDES_REMEMBERED_MS, Row
from hub.rule_sets import KeptSet
from hub.settings import Settings
from rules.document import Mistake
from rules.loader import RuleMistakes, load_texts
from rules.rule import Rule, RuleSet

if TYPE_CHECKING:
    from dashboard_api.deps import Parts


@dataclass(frozen=True, slots=True)
class Page:
    """One rule with its words."""

    rule: Rule
    told: Told

    @property
    def file(self) -> str:
        """The file in which it stands, relative to the folder."""
        return self.rule.file


@dataclass(frozen=True, slots=True)
class Book:
    """A set of rules, read. `kept` None: no hub has run yet, the files are shown."""

    rule_set: RuleSet
    pages: tuple[Page, ...]
    kept: KeptSet | None
    texts: Mapping[str, str]
    left_out: tuple[Row, ...] = ()

    def page(self, name: str) -> Page | None:
        """The rule of that name."""
        return next((page for page in self.pages if page.rule.name == name), None)


@dataclass(frozen=True, slots=True)
class Files:
    """The folder now: may it be edited, does it say what is in force, and what is wrong in it."""

    own: bool
    texts: Mapping[str, str]
    mistakes: Sequence[Mistake]
    differ: bool


class Rulebook:
    """Reads sets of rules, each once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._known: tuple[Any, Book] | None = None

    def in_force(self, connection: Connection, now_ms: int) -> Book:
        """The rules that the judge has, with all overrides. Blocking: for a thread."""
        kept = rule_sets.in_force(connection)
        rows = overrides.since(connection, now_ms - OVERRIDES_REMEMBERED_MS)
        texts: Mapping[str, str] = {} if kept is None else kept.texts
        if kept is None:
            texts = self._texts_of_files()
        name = (
            None if kept is None else kept.id,
            rule_files.digest_of(texts),
            tuple(map(str, rows)),
        )
        with self._lock:
            if self._known is None or self._known[0] != name:
                self._known = (name, _read(texts, rows, kept))
            return self._known[1]

    def _texts_of_files(self) -> Mapping[str, str]:
        try:
            return rule_files.read_texts(self._settings)
        except RuleMistakes:
            return {}

    def files(self, book: Book) -> Files:
        """What stands in the folder. Blocking: for a thread."""
        own = rule_files.is_own(self._settings)
        try:
            texts = rule_files.read_texts(self._settings)
        except RuleMistakes as error:
            return Files(own, {}, error.mistakes, differ=True)
        if dict(texts) == dict(book.texts) and book.pages:
            return Files(own, texts, (), differ=False)
        try:
            rule_files.check(texts, hears_presses=book.rule_set.hears_presses)
        except RuleMistakes as error:
            return Files(own, texts, error.mistakes, differ=True)
        return Files(own, texts, (), differ=True)


def _read(texts: Mapping[str, str], rows: list[Row], kept: KeptSet | None) -> Book:
    try:
        rulings = overrides.with_overrides(texts, rows)
    except RuleMistakes:
        rulings = overrides.Rulings(_sound_ones(texts))
    pages = tuple(Page(rule, tell(rule)) for rule in rulings.files.rules)
    return Book(rulings.together, pages, kept, texts, rulings.left_out)


def _sound_ones(texts: Mapping[str, str]) -> RuleSet:
    """Before a hub has run: the rules of those files that can be read."""
    rules: list[Rule] = []
    for name, text in texts.items():
        try:
            rules.extend(load_texts({name: text}).rules)
        except RuleMistakes:
            continue
    return RuleSet(tuple(rules))


def book_of(its: "Parts") -> Book:
    """The rules in force. Blocking."""
    with its.engine.connect() as connection:
        return its.rulebook.in_force(connection, its.clock.now_ms())
