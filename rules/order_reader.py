"""From files to the tables about work orders: every mistake of every file, each with its place."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from string import Formatter
from typing import Any, TypeVar

from rules import condition as c
from rules.document import Item, Mistake, Unreadable, files_of, nearest, read_document
from rules.inspection import EACH, PERIODS, EndOfLife, Inspection
from rules.inspection import Item as Question
from rules.loader import FAMILIES, WHERE_KEYS
from rules.order import (
    CONDITION_WORDS,
    DEPENDS,
    FIELDS,
    FIRST,
    LAST,
    OrderTables,
    Priority,
    Trouble,
    Words,
)
from rules.proof import DEVICE, GROWS, PROOFS, RULE, SAYS, Proof
from rules.reading import (
    Reader,
    RuleMistakes,
    Wrong,
    count_of,
    duration_of,
    list_of,
    names_of,
    number_of,
    one_of,
    point_of,
    positive_of,
    rule_name_of,
    text_of,
    values_of,
)
from rules.rule import SEVERITIES

COMMUNITY_ORDERS = Path(__file__).parent / "orders"
TABLES = ("troubles", "priorities", "inspections", "ends_of_life")
TROUBLE_KEYS = (
    *("trouble", "title", "conditions", "points", "families", "reported", "icon"),
    *("probably", "bring", "proof", "reason"),
)
PROOF_KEYS = ("by", "points", "above", "below", "among", "not_among", "within", "silences")
PRIORITY_KEYS = ("priority", "severities", "depends", "troubles", "reason")
INSPECTION_KEYS = ("inspection", "title", "each", "where", "kinds", "every", "items", "source")
ITEM_KEYS = ("item", "ask", "trouble")
LIFE_KEYS = ("end_of_life", "title", "where", "models", "years", "warn", "source")

Row = TypeVar("Row")


def load_orders(paths: Sequence[Path]) -> OrderTables:
    """The tables of files and folders. Raises `RuleMistakes`; nothing is loaded then."""
    mistakes: list[Mistake] = []
    rows: dict[str, list[Any]] = {table: [] for table in TABLES}
    for file in files_of(paths, mistakes):
        _OrderReader(str(file), mistakes).read(file, rows)
    _check_troubles(rows, mistakes)
    if mistakes:
        raise RuleMistakes(sorted(mistakes, key=lambda m: (m.file, m.line, m.column)))
    return OrderTables(
        troubles={one.name: one for one, _ in rows["troubles"]},
        priorities=tuple(one for one, _ in rows["priorities"]),
        inspections={one.name: one for one, _ in rows["inspections"]},
        ends_of_life=tuple(one for one, _ in rows["ends_of_life"]),
    )


Place = tuple[str, Item]  # file, and where in it


def _check_troubles(rows: Mapping[str, list[tuple[Any, Place]]], mistakes: list[Mistake]) -> None:
    """Names stand once, and what names a trouble names one that there is."""
    for table in ("troubles", "inspections", "ends_of_life"):
        seen: set[str] = set()
        for one, (file, item) in rows[table]:
            if one.name in seen:
                what = f"the name {one.name!r} stands here a second time"
                mistakes.append(Mistake(file, item.line, item.column, what))
            seen.add(one.name)
    known = {one.name for one, _ in rows["troubles"]}
    for named, (file, item) in _named_troubles(rows):
        if named not in known:
            what, near = f"unknown trouble {named!r}", nearest(named, known)
            mistakes.append(Mistake(file, item.line, item.column, what, near))


def _named_troubles(rows: Mapping[str, list[tuple[Any, Place]]]) -> list[tuple[str, Place]]:
    found = [(name, place) for row, place in rows["priorities"] for name in row.troubles]
    for inspection, place in rows["inspections"]:
        found += [(item.trouble, place) for item in inspection.items if item.trouble]
    return found


class _OrderReader(Reader):
    """Reads one file of tables."""

    def read(self, file: Path, rows: dict[str, list[Any]]) -> None:
        """Every sound row of the file goes to its table."""
        try:
            top = read_document(file, self._file)
        except Unreadable as unreadable:
            self._mistakes.append(unreadable.mistake)
            return
        if top is None:
            return
        nothing: dict[str, Item] = {}
        found = self._try(lambda item: self._map(item, "the file", TABLES), top, nothing)
        readers: dict[str, Callable[[Item], Any]] = {
            "troubles": self._trouble,
            "priorities": self._priority,
            "inspections": self._inspection,
            "ends_of_life": self._end_of_life,
        }
        for table, read in readers.items():
            for item in self._try(list_of, found.get(table), ()):
                row = self._sound(read, item)
                if row is not None:
                    rows[table].append((row, (self._file, item)))

    def _sound(self, read: Callable[[Item], Row], item: Item) -> Row | None:
        before = len(self._mistakes)
        row = self._try(read, item, None)
        return row if len(self._mistakes) == before else None

    # -- troubles --------------------------------------------------------------------------------

    def _trouble(self, item: Item) -> Trouble:
        found = self._map(item, "a trouble", TROUBLE_KEYS)
        name = self._try(rule_name_of, self._need(found, "trouble", item, "a trouble"), "?")
        return Trouble(
            name=name,
            title=self._words(self._need(found, "title", item, name)),
            conditions=self._of("conditions", found, CONDITION_WORDS),
            points=tuple(self._try(point_of, one, "") for one in self._items(found.get("points"))),
            families=self._of("families", found, FAMILIES),
            reported=self._of("reported", found, FAMILIES),
            icon=self._try(text_of, found.get("icon"), ""),
            probably=self._texts(found.get("probably")),
            bring=self._texts(found.get("bring")),
            proof=self._try(self._proof, self._need(found, "proof", item, name), Proof()),
            reason=self._words(self._need(found, "reason", item, name)),
        )

    def _proof(self, item: Item) -> Proof:
        found = self._map(item, "a proof", PROOF_KEYS)
        by = self._need(found, "by", item, "a proof")
        kind = self._try(lambda one: one_of(one, "by", PROOFS), by, DEVICE)
        proof = Proof(
            kind=kind,
            points=tuple(self._try(point_of, one, "") for one in self._items(found.get("points"))),
            above=self._try(number_of, found.get("above"), None),
            below=self._try(number_of, found.get("below"), None),
            among=self._try(values_of, found.get("among"), ()),
            not_among=self._try(values_of, found.get("not_among"), ()),
            within_ms=self._try(duration_of, found.get("within"), 0),
            silences=self._try(positive_of, found.get("silences"), 0.0),
        )
        if kind in (SAYS, GROWS) and not proof.points:
            raise Wrong(item, f"a proof by {kind} names its points")
        if kind in (DEVICE, RULE) and proof.points:
            raise Wrong(item, f"a proof by {kind} takes its points from the rule")
        if proof.is_of_device and not proof.within_ms and not proof.silences:
            raise Wrong(item, "a proof by the device says how long it is waited for (within)")
        return proof

    # -- priorities ------------------------------------------------------------------------------

    def _priority(self, item: Item) -> Priority:
        found = self._map(item, "a priority", PRIORITY_KEYS)
        number = self._need(found, "priority", item, "a priority")
        priority = self._try(count_of, number, LAST)
        if number is not None and not FIRST <= priority <= LAST:
            self._add(Wrong(number, f"priority: expected {FIRST} to {LAST}, {FIRST} is first"))
        return Priority(
            priority=priority,
            severities=self._of("severities", found, SEVERITIES),
            depends=self._of("depends", found, DEPENDS),
            troubles=self._try(names_of, found.get("troubles"), ()),
            reason=self._words(self._need(found, "reason", item, "a priority")),
        )

    # -- inspections and ends of life ------------------------------------------------------------

    def _inspection(self, item: Item) -> Inspection:
        found = self._map(item, "an inspection", INSPECTION_KEYS)
        name = self._try(rule_name_of, self._need(found, "inspection", item, "an inspection"), "?")
        title = self._words(self._need(found, "title", item, name))
        source = self._words(self._need(found, "source", item, name))
        every = self._need(found, "every", item, name)
        asked = self._try(list_of, self._need(found, "items", item, name), [])
        questions = [self._try(self._question, one, None) for one in asked]
        if len({one.name for one in questions if one}) < len(questions):
            self._add(Wrong(item, f"inspection {name}: an item stands twice or is wrong"))
        return Inspection(
            name=name,
            title_zh=title.zh,
            title_en=title.en,
            every=self._try(lambda one: one_of(one, "every", PERIODS), every, PERIODS[0]),
            items=tuple(one for one in questions if one is not None),
            where=self._try(self._where, found.get("where"), c.Where()),
            each=self._try(lambda one: one_of(one, "each", EACH), found.get("each"), EACH[0]),
            kinds=self._try(names_of, found.get("kinds"), ()),
            source_zh=source.zh,
            source_en=source.en,
        )

    def _question(self, item: Item) -> Question:
        found = self._map(item, "an item", ITEM_KEYS)
        name = self._try(rule_name_of, self._need(found, "item", item, "an item"), "?")
        ask = self._words(self._need(found, "ask", item, name))
        trouble = self._try(rule_name_of, found.get("trouble"), None)
        return Question(name, ask.zh, ask.en, trouble)

    def _end_of_life(self, item: Item) -> EndOfLife:
        found = self._map(item, "an end of life", LIFE_KEYS)
        name = self._need(found, "end_of_life", item, "an end of life")
        title = self._words(self._need(found, "title", item, "an end of life"))
        source = self._words(self._need(found, "source", item, "an end of life"))
        years = self._need(found, "years", item, "an end of life")
        return EndOfLife(
            name=self._try(rule_name_of, name, "?"),
            title_zh=title.zh,
            title_en=title.en,
            years=self._try(positive_of, years, 1.0),
            warn_ms=self._try(duration_of, found.get("warn"), 0),
            where=self._try(self._where, found.get("where"), c.Where()),
            models=self._try(names_of, found.get("models"), ()),
            source_zh=source.zh,
            source_en=source.en,
        )

    # -- single values ---------------------------------------------------------------------------

    def _where(self, item: Item) -> c.Where:
        found = self._map(item, "where", WHERE_KEYS)
        values = {key: self._try(names_of, one, ()) for key, one in found.items()}
        for name in values.get("family", ()):
            if name not in FAMILIES:
                near = nearest(name, FAMILIES)
                self._add(Wrong(found["family"], f"where: unknown family {name!r}", near))
        return c.Where(**values)

    def _of(self, key: str, found: Mapping[str, Item], known: Sequence[str]) -> tuple[str, ...]:
        names = self._try(names_of, found.get(key), ())
        for name in names:
            if name not in known:
                what = f"{key}: unknown word {name!r}; there are {', '.join(known)}"
                self._add(Wrong(found[key], what, nearest(name, known)))
        return names

    def _items(self, item: Item | None) -> list[Item]:
        if item is None:
            return []
        return list(item.value) if item.is_list else [item]

    def _texts(self, item: Item | None) -> tuple[Words, ...]:
        return tuple(self._words(one, filled=True) for one in self._try(list_of, item, []))

    def _words(self, item: Item | None, *, filled: bool = False) -> Words:
        nothing: dict[str, Item] = {}
        if item is None:
            return Words("", "")
        found = self._try(lambda one: self._map(one, "a text", ("zh", "en")), item, nothing)
        texts = [
            self._try(text_of, self._need(found, key, item, "a text"), "") for key in ("zh", "en")
        ]
        for text in texts if filled else ():
            self._check_fields(item, text)
        return Words(*texts)

    def _check_fields(self, item: Item, text: str) -> None:
        try:
            names = [name for _, name, _, _ in Formatter().parse(text) if name is not None]
        except ValueError as error:
            self._add(Wrong(item, f"a text with {{…}} that does not end: {error}"))
            return
        for name in names:
            if name not in FIELDS:
                what = f"unknown field {{{name}}}; there are {', '.join(FIELDS)}"
                self._add(Wrong(item, what, nearest(name, FIELDS)))
