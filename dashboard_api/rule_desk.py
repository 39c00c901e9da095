"""What people do to rules: look at a text, save it, put it back, reload, give and end overrides.

Everything is checked before it is written, by the checks that the files go through; the judge has
the last word, at the order's place in the log. All of it is blocking: for a thread.
"""

import threading
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dashboard_api.access import Viewer
from dashboard_api.deps import Parts
from dashboard_api.errors import Problem
from dashboard_api.rule_shapes import MistakeOut, OverrideWish, TestOut, listed
from dashboard_api.rulebook import Book
from hub import overrides, rule_edits, rule_files, rule_sets
from hub.database import devices, for_writing, residents
from hub.device_facts import facts_of
from hub.devices import read_devices
from hub.journal import COMMAND, DAY_MS, Entry, append
from hub.overrides import OVERRIDE, OVERRIDE_END, Row
from hub.rule_edits import Changed, Draft
from rules.block import NoBlock, names_in
from rules.condition import Then, Together, Where, Without
from rules.facts import DeviceFacts
from rules.loader import RuleMistakes
from rules.rule import Rule, RuleSet, diff
from rules.story import play

MISTAKES_TOLD_MAX = 50
COPY_FIRST = "The rules that came with the program cannot be changed here."
_edits = threading.Lock()  # one edit after another: each compares the files before it writes


# -- looking ---------------------------------------------------------------------------------------


def no_such_rule(name: str, book: Book) -> Problem:
    """The 404 for a rule that is not in force."""
    near = get_close_matches(name, [page.rule.name for page in book.pages], 1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return Problem(404, f"There is no rule {name}.{hint}", code="no_such_rule")


def watched(connection: Connection, rule: Rule) -> list[str]:
    """The registered devices that a rule looks at."""
    wheres = _wheres(rule)

    def is_watched(facts: DeviceFacts) -> bool:
        return any(all(where.fits(facts) for where in one) for one in wheres)

    return [one.id for one in read_devices(connection) if is_watched(facts_of(one))]


def _wheres(rule: Rule) -> list[tuple[Where, ...]]:
    match rule.when:
        case Together(where=where):
            return [(rule.where, where)]
        case Then(first=one, then=other) | Without(first=one, without=other):
            return [(rule.where, one.where), (rule.where, other.where)]
        case _:
            return [(rule.where,)]


def why_not_editable(its: Parts) -> str | None:
    """Why rules cannot be edited by this page; None: they can."""
    if not rule_files.is_own(its.settings):
        return COPY_FIRST
    folder = rule_files.folder_of(its.settings)
    if not folder.is_dir():
        return f"There is no folder {folder} here: HUB_RULES_DIR."
    return None


# -- a text ----------------------------------------------------------------------------------------


def drafted(its: Parts, book: Book, name: str, text: str, base: str | None = None) -> Draft:
    """The edit, not yet checked. Raises the problem that says why there is none."""
    try:
        return rule_edits.draft(_texts(its), name, text, base)
    except NoBlock as no:
        raise Problem(404, str(no), code="no_such_block") from no
    except Changed as changed:
        raise changed_since(changed) from changed


def _texts(its: Parts) -> rule_files.Texts:
    try:
        return rule_files.read_texts(its.settings)
    except RuleMistakes as error:
        raise wrong_rules(error) from error


def changed_since(changed: Changed) -> Problem:
    """The 409 with what the other did."""
    zh = "这条规则已被他人修改，请先看一下对方的改动。"
    return Problem(
        409,
        "Somebody else has changed these lines meanwhile.",
        code="changed_since",
        reason_zh=zh,
        reason_en="Somebody else has changed these lines meanwhile.",
        diff=changed.diff,
    )


def read_draft(book: Book, wanted: Draft) -> RuleSet:
    """The rules as they would be. Raises `RuleMistakes`."""
    return rule_files.check(wanted.texts, hears_presses=book.rule_set.hears_presses)


def must_stay(wanted: Draft) -> None:
    """A rule does not vanish by an edit of its own lines. Raises the problem."""
    if wanted.rule not in names_in(wanted.texts[wanted.block.file]):
        zh = f"规则名 {wanted.rule} 不能改：另一个名称就是另一条规则。"
        en = f"The name {wanted.rule} must stay: another name would be another rule."
        raise Problem(422, en, code="renamed", reason_zh=zh, reason_en=en)


def run_tests(
    its: Parts, rule_set: RuleSet, names: Iterable[str], first_line: int
) -> list[TestOut]:
    """The rules' own tests, on the engine that runs in production."""
    calendar, wanted = its.site.calendar(its.clock.now_ms()), set(names)
    return [
        TestOut.of(
            play(rule, story, zone=its.site.zone, calendar=calendar, site=its.site.id), first_line
        )
        for rule in rule_set.rules
        if rule.name in wanted
        for story in rule.tests
    ]


def names_of(wanted: Draft) -> list[str]:
    """The rules whose lines are in the edit: its own, and any that were put beside it."""
    before = set(names_in(wanted.before_texts[wanted.block.file]))
    now = names_in(wanted.texts[wanted.block.file])
    return [name for name in now if name == wanted.rule or name not in before]


def mistakes_of(error: RuleMistakes, wanted: Draft | None = None) -> list[MistakeOut]:
    """Mistakes with their lines in the rule's own text."""
    first = None if wanted is None else wanted.block.first
    file = "" if wanted is None else wanted.block.file
    told = error.mistakes[:MISTAKES_TOLD_MAX]
    return [MistakeOut.of(mistake, first, file) for mistake in told]


def wrong_rules(error: RuleMistakes, wanted: Draft | None = None) -> Problem:
    """The 422 with every mistake."""
    told = mistakes_of(error, wanted)
    count = len(error.mistakes)
    return Problem(
        422,
        f"{count} mistake{'' if count == 1 else 's'}; nothing was changed.",
        code="wrong_rules",
        reason_zh=f"有 {count} 处错误，未作任何改动。",
        reason_en=f"{count} mistake{'' if count == 1 else 's'}; nothing was changed.",
        mistakes=[one.model_dump() for one in told],
    )


def save(
    its: Parts,
    viewer: Viewer,
    book: Book,
    wanted: Draft,
    *,
    tests_may_fail: bool,
    undoes: int | None,
) -> int:
    """Check, write, and ask the judge; the command's number. Raises the problem."""
    no = why_not_editable(its)
    if no is not None:
        raise Problem(409, no, code="not_editable")
    must_stay(wanted)
    try:
        rule_set = read_draft(book, wanted)
    except RuleMistakes as error:
        raise wrong_rules(error, wanted) from error
    if not tests_may_fail:
        _require_tests(run_tests(its, rule_set, names_of(wanted), wanted.block.first))
    with _edits:
        return _write(its, viewer, wanted, undoes)


def _require_tests(tests: Sequence[TestOut]) -> None:
    failed = [one for one in tests if not one.passed]
    if failed:
        count = len(failed)
        en = f"{count} of the rule's own tests fail{'s' if count == 1 else ''}; nothing was saved."
        raise Problem(
            422,
            en,
            code="tests_fail",
            reason_zh=f"该规则自带的测试有 {count} 个未通过，未保存。",
            reason_en=en,
            tests=[one.model_dump() for one in failed],
        )


def _write(its: Parts, viewer: Viewer, wanted: Draft, undoes: int | None) -> int:
    try:
        with for_writing(its.engine).begin() as connection:
            now_ms = its.clock.now_ms()
            return rule_edits.save(connection, its.settings, wanted, viewer.name, now_ms, undoes)
    except Changed as changed:
        raise changed_since(changed) from changed
    except OSError as error:
        en = f"The file cannot be written: {error.strerror or error}."
        zh = f"无法写入文件：{error.strerror or error}。"
        raise Problem(409, en, code="not_written", reason_zh=zh, reason_en=en) from error


def undone(its: Parts, book: Book, name: str, edit_id: int) -> Draft:
    """The edit that takes back an earlier one. Raises the problem."""
    with its.engine.connect() as connection:
        edit = rule_edits.find(connection, edit_id)
    if edit is None or edit["rule"] != name:
        raise Problem(404, f"There is no edit {edit_id} of {name}.", code="no_such_edit")
    return drafted(its, book, name, edit["before"], base=edit["after"])


# -- reloading -------------------------------------------------------------------------------------


def reload(its: Parts, viewer: Viewer, book: Book) -> int | None:
    """Ask the judge for what stands in the files; None: it has that. Raises the problem."""
    texts = _texts(its)
    try:
        rule_files.check(texts, hears_presses=book.rule_set.hears_presses)
    except RuleMistakes as error:
        raise wrong_rules(error) from error
    if book.kept is not None and book.kept.digest == rule_files.digest_of(texts):
        return None
    keep = its.settings.rule_sets_keep
    with for_writing(its.engine).begin() as connection:
        return rule_sets.ask_for(connection, texts, viewer.name, its.clock.now_ms(), keep)


# -- overrides -------------------------------------------------------------------------------------


def give(its: Parts, viewer: Viewer, book: Book, wish: OverrideWish) -> int:
    """Check an override and ask the judge for it; the command's number. Raises the problem."""
    now_ms = its.clock.now_ms()
    with its.engine.connect() as connection:
        wrong = list(_wrong_fields(its, connection, book, wish, now_ms))
        full = overrides.count_in_force(connection, now_ms) >= its.settings.overrides_max
    until_ms = overrides.end_of(wish.until, its.site.zone)
    if not wrong:
        assert until_ms is not None
        wrong = _wrong_override(book, _row(viewer, wish, now_ms, until_ms))
    if wrong:
        raise _wrong(wrong)
    if full:
        en = f"There are {its.settings.overrides_max} overrides already: HUB_OVERRIDES_MAX."
        raise Problem(409, en, code="too_many", reason_zh="例外已达上限。", reason_en=en)
    body = {"act": OVERRIDE, "override": _body(wish), "until_ms": until_ms, "by": viewer.name}
    return keep(its, body)


def end(its: Parts, viewer: Viewer, override_id: int) -> int:
    """Ask the judge to end one now; the command's number."""
    with its.engine.connect() as connection:
        found = overrides.find(connection, override_id)
    if found is None:
        raise Problem(404, f"There is no override {override_id}.", code="no_such_override")
    return keep(its, {"act": OVERRIDE_END, "override": override_id, "by": viewer.name})


def keep(its: Parts, body: dict[str, Any]) -> int:
    """Write a command; its number."""
    with for_writing(its.engine).begin() as connection:
        return append(connection, [Entry(0, COMMAND, None, its.clock.now_ms(), body=body)])


def _body(wish: OverrideWish) -> dict[str, Any]:
    return wish.model_dump(exclude_none=True, exclude={"until"})


def _row(viewer: Viewer, wish: OverrideWish, now_ms: int, until_ms: int) -> Row:
    body = {**_body(wish), "by": viewer.name}
    return Row(0, wish.rule, body, viewer.name, wish.reason, now_ms, until_ms)


Wrong = tuple[str, str, str]  # field, Chinese, English


def _wrong_fields(
    its: Parts, connection: Connection, book: Book, wish: OverrideWish, now_ms: int
) -> Iterable[Wrong]:
    """What the reader of files cannot know: who is registered, and what time it is."""
    if book.page(wish.rule) is None:
        yield _unknown("rule", "规则", "rule", wish.rule, [page.rule.name for page in book.pages])
    if not wish.reason.strip():
        yield "reason", "请写明原因。", "Say why."
    yield from _wrong_end(its, wish.until, now_ms)
    given = {key: listed(getattr(wish, key)) for key in overrides.SELECTORS}
    if not any(given.values()):
        yield (
            "device",
            "请选择设备、住户、地点或标签。",
            "Say for which device, resident, place or tag.",
        )
    known = _known(connection, given)
    for key, names in given.items():
        for name in names:
            if key in known and name not in known[key]:
                yield _unknown(key, _NAMED[key], key, name, known[key])


_NAMED = {"device": "设备", "resident": "住户", "tags": "标签"}


def _known(connection: Connection, given: dict[str, list[str]]) -> dict[str, list[str]]:
    """What there is, of what is asked for by its very name; places may be patterns."""
    found: dict[str, list[str]] = {}
    if given["device"]:
        found["device"] = list(connection.execute(sa.select(devices.c.id)).scalars())
    if given["resident"]:
        found["resident"] = list(connection.execute(sa.select(residents.c.id)).scalars())
    if given["tags"]:
        found["tags"] = sorted({tag for one in read_devices(connection) for tag in one.tags})
    return found


def _unknown(field: str, zh: str, en: str, name: str, known: Sequence[str]) -> Wrong:
    near = get_close_matches(name, known, 1)
    hint_zh, hint_en = (f"是否指 {near[0]}？", f" Did you mean {near[0]}?") if near else ("", "")
    shown = name or "–"
    return field, f"没有{zh} {shown}。{hint_zh}", f"There is no {en} {shown}.{hint_en}"


def _wrong_end(its: Parts, until: str, now_ms: int) -> Iterable[Wrong]:
    until_ms = overrides.end_of(until, its.site.zone)
    days = its.settings.override_days_max
    if until_ms is None:
        yield "until", "请填写结束日期，如 2026-12-31。", "Say until when, such as 2026-12-31."
    elif until_ms <= now_ms:
        yield "until", "结束时间已过。", "The end has passed already."
    elif until_ms > now_ms + days * DAY_MS:
        yield "until", f"最长 {days} 天。", f"At most {days} days from now."


def _wrong_override(book: Book, row: Row) -> list[Wrong]:
    found = overrides.mistakes_of(row, book.rule_set)
    return [(field or "set", _said(one), _said(one)) for field, one in found]


def _said(mistake: Any) -> str:
    hint = f" Did you mean {mistake.nearest}?" if mistake.nearest else ""
    return f"{mistake.what}.{hint}"


def _wrong(wrong: Sequence[Wrong]) -> Problem:
    return Problem(
        422,
        " ".join(en for _, _, en in wrong),
        code="wrong_override",
        reason_zh="".join(zh for _, zh, _ in wrong),
        reason_en=" ".join(en for _, _, en in wrong),
        errors=[{"field": field, "expected": en} for field, _, en in wrong],
    )


def changes_between(book: Book, rule_set: RuleSet) -> dict[str, list[str]]:
    """What another set would bring."""
    found = diff(book.rule_set, rule_set)
    return {
        name: list(getattr(found, name)) for name in ("added", "changed", "removed", "reworded")
    }
