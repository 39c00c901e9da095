"""From files to response plans: every mistake of every file at once, each with its place."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from rules.document import Item, Mistake, Unreadable, files_of, nearest, read_document
from rules.during import During
from rules.reading import (
    Reader,
    RuleMistakes,
    Wrong,
    count_of,
    duration_of,
    list_of,
    minute_of,
    names_of,
    one_of,
    pairs_of,
    period_of,
    rule_name_of,
    text_of,
)
from rules.rehearsal import DEEDS, NOBODY, Deed, Rehearsal, Told
from rules.response import CLOCKS, REPEATS_MAX, ROLES, Plan, Step

COMMUNITY_PLANS = Path(__file__).parent / "plans"
PLAN_KEYS = ("plan", "title", "reason", *CLOCKS, "nobody_after", "call_out", "quiet", "tests")
STEP_KEYS = ("after", "tell", "repeat", "times")
TEST_KEYS = ("story", "at", "given", "told", "unreachable", "until")

Row = TypeVar("Row")


def load_plans(paths: Sequence[Path]) -> dict[str, Plan]:
    """The plans of files and folders by name. Raises `RuleMistakes`; nothing is loaded then."""
    mistakes: list[Mistake] = []
    plans: dict[str, Plan] = {}
    for file in files_of(paths, mistakes):
        for plan in _PlanReader(str(file), mistakes).plans(file):
            first = plans.setdefault(plan.name, plan)
            if first is not plan:
                what = f"a second plan of the name {plan.name!r}; the first is {first.file}"
                mistakes.append(Mistake(plan.file, plan.line, 1, f"{what}:{first.line}"))
    if mistakes:
        raise RuleMistakes(sorted(mistakes, key=lambda m: (m.file, m.line, m.column)))
    return plans


class _PlanReader(Reader):
    """Reads one file of plans."""

    def plans(self, file: Path) -> list[Plan]:
        """Every plan of the file that is sound."""
        try:
            top = read_document(file, self._file)
        except Unreadable as unreadable:
            self._mistakes.append(unreadable.mistake)
            return []
        if top is None:
            return []
        nothing: dict[str, Item] = {}
        found = self._try(lambda item: self._map(item, "the file", ("plans",)), top, nothing)
        items = self._try(list_of, found.get("plans"), ())
        plans = [self._try(self._plan, item, None) for item in items]
        return [plan for plan in plans if plan is not None]

    def _plan(self, item: Item) -> Plan | None:
        before = len(self._mistakes)
        found = self._map(item, "a plan", PLAN_KEYS)
        name = self._try(rule_name_of, self._need(found, "plan", item, "a plan"), "?")
        title = self._try(self._texts, self._need(found, "title", item, f"plan {name}"), ("", ""))
        reason = self._try(self._texts, found.get("reason"), ("", ""))
        clocks: dict[str, Any] = {clock: self._steps(found.get(clock)) for clock in CLOCKS}
        if not clocks[CLOCKS[0]]:
            self._add(Wrong(item, f"plan {name}: nobody is told of what nobody has answered"))
        plan = Plan(
            name=name,
            title_zh=title[0],
            title_en=title[1],
            nobody_after_ms=self._try(period_of, found.get("nobody_after"), None),
            call_out=self._try(names_of, found.get("call_out"), ()),
            quiet=self._try(self._quiet, found.get("quiet"), None),
            reason_zh=reason[0],
            reason_en=reason[1],
            file=self._file,
            line=item.line,
            **clocks,
        )
        if len(self._mistakes) > before:  # its tests would only repeat what is wrong
            return None
        tests = tuple(self._tests(found.get("tests"), plan))
        return replace(plan, tests=tests) if len(self._mistakes) == before else None

    def _texts(self, item: Item) -> tuple[str, str]:
        found = self._map(item, "a text", ("zh", "en"))
        texts = [
            self._try(text_of, self._need(found, key, item, "a text"), "") for key in ("zh", "en")
        ]
        return texts[0], texts[1]

    def _quiet(self, item: Item) -> During:
        found = self._map(item, "quiet", ("from", "to"))
        edges = [self._need(found, key, item, "quiet") for key in ("from", "to")]
        begin, end = (self._try(minute_of, edge, 0) for edge in edges)
        if begin == end:
            raise Wrong(item, "quiet: it ends where it begins")
        return During(begin, end)

    def _steps(self, item: Item | None) -> tuple[Step, ...]:
        steps = []
        for row in self._try(list_of, item, ()):
            step = self._try(self._step, row, None)
            if step is not None:
                steps.append((row, step))
        for (_, one), (row, other) in pairwise(steps):
            if other.after_ms < one.after_ms:
                self._add(Wrong(row, "a step stands behind one that comes later"))
        return tuple(step for _, step in steps)

    def _step(self, item: Item) -> Step:
        found = self._map(item, "a step", STEP_KEYS)
        after_ms = self._try(duration_of, self._need(found, "after", item, "a step"), 0)
        roles = self._try(names_of, self._need(found, "tell", item, "a step"), ())
        for role in roles:
            if role not in ROLES:
                what = f"unknown role {role!r}; there are {', '.join(ROLES)}"
                self._add(Wrong(found["tell"], what, nearest(role, ROLES)))
        repeat_ms = self._try(period_of, found.get("repeat"), 0)
        times = self._try(count_of, found.get("times"), 1)
        if (times > 1) != bool(repeat_ms):
            raise Wrong(item, "repeat and times (above 1) go together")
        if times > REPEATS_MAX:
            raise Wrong(found["times"], f"more than {REPEATS_MAX} times")
        return Step(after_ms, roles, repeat_ms, times)

    def _tests(self, item: Item | None, plan: Plan) -> Iterable[Rehearsal]:
        for row in self._try(list_of, item, ()):
            test = self._try(lambda one: self._test(one, plan), row, None)
            if test is not None:
                yield test

    def _test(self, item: Item, plan: Plan) -> Rehearsal:
        found = self._map(item, "a test", TEST_KEYS)
        story = self._try(text_of, self._need(found, "story", item, "a test"), "?")
        told = self._need(found, "told", item, f"story {story!r}")
        unreachable = self._try(names_of, found.get("unreachable"), ())
        for role in unreachable:
            if role not in plan.roles:
                self._add(
                    Wrong(
                        found["unreachable"],
                        f"the plan tells no {role!r}",
                        nearest(role, plan.roles),
                    )
                )
        return Rehearsal(
            story=story,
            given=self._rows(found.get("given"), self._deed),
            told=self._rows(told, lambda row: self._told(row, plan)),
            unreachable=unreachable,
            until_ms=self._try(duration_of, found.get("until"), None),
            at_minute=self._try(minute_of, found.get("at"), 540),
            file=self._file,
            line=item.line,
        )

    def _rows(self, item: Item | None, read: Callable[[Item], Row]) -> tuple[Row, ...]:
        rows = (self._try(read, row, None) for row in self._try(list_of, item, ()))
        return tuple(row for row in rows if row is not None)

    def _deed(self, item: Item) -> Deed:
        at_ms, value = self._row(item, "moment: what somebody does")
        return Deed(at_ms, one_of(value, "given", DEEDS))

    def _told(self, item: Item, plan: Plan) -> Told:
        at_ms, value = self._row(item, "moment: [roles]")
        roles = names_of(value)
        known = (*plan.roles, NOBODY)
        for role in roles:
            if role not in known:
                raise Wrong(value, f"told: the plan tells no {role!r}", nearest(role, known))
        return Told(at_ms, roles)

    def _row(self, item: Item, expected: str) -> tuple[int, Item]:
        pairs = pairs_of(item, "a row", expected)
        if len(pairs) != 1:
            raise Wrong(item, f"a row: expected one {expected}")
        key, value = pairs[0]
        return duration_of(key), value
