"""Rules: to read, to reload, to edit; and their overrides."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from sqlalchemy.engine import Connection

from dashboard_api import commands, queries, rule_desk
from dashboard_api.access import Right, Viewer
from dashboard_api.deps import DeviceReader, Parts, PartsDep, RuleKeeper
from dashboard_api.errors import Problem
from dashboard_api.rule_overrides import overrides_out
from dashboard_api.rule_shapes import (
    Checked,
    Diff,
    EditOut,
    EditWish,
    FiringOut,
    LearnedOut,
    MistakeOut,
    OverrideDone,
    OverridesOut,
    OverrideWish,
    Reloaded,
    RuleOut,
    RulesOut,
    RuleWhole,
    SetOut,
    TestOut,
    TextWish,
    TrialOut,
    TrialWish,
    UndoWish,
)
from dashboard_api.rule_words import sentence
from dashboard_api.rulebook import Book, Files, Page, book_of
from dashboard_api.shapes import Waiting, Words
from dashboard_api.texts import language_of
from dashboard_api.topology import explained_by, gone_since
from hub import rule_edits, rule_sets
from hub.learning import read_learned
from rules.block import NoBlock, find_block
from rules.condition import Unlike, simple_of
from rules.loader import RuleMistakes
from rules.rule import Rule

router = APIRouter(prefix="/api/v1", tags=["rules"])

FIRINGS_SHOWN = 20
EDITS_SHOWN = 20
SETS_SHOWN = 20
_WAITS: dict[int | str, dict[str, Any]] = {
    202: {"model": Waiting, "description": "Kept; the hub has not taken it in yet."},
    409: {"description": "Why it cannot be."},
    422: {"description": "What is wrong in it, with line and column."},
}


def page_in(book: Book, name: str) -> Page:
    """A rule of them. Raises the 404 with the nearest name."""
    page = book.page(name)
    if page is None:
        raise rule_desk.no_such_rule(name, book)
    return page


# -- reading ---------------------------------------------------------------------------------------


@router.get("/rules")
def list_rules(viewer: DeviceReader, its: PartsDep) -> RulesOut:
    """The rules in force, and what is wrong in the files, if they say something else."""
    book = book_of(its)
    files = its.rulebook.files(book)
    with its.engine.connect() as connection:
        opened = queries.open_alerts_by_rule(connection)
    editor = viewer.may(Right.RULES) and rule_desk.why_not_editable(its) is None
    return RulesOut(
        set=set_out(book),
        files_differ=files.differ,
        editable=editor,
        mistakes=[MistakeOut.of(one) for one in files.mistakes],
        rules=[RuleOut.of(page, opened) for page in book.pages],
    )


def set_out(book: Book) -> SetOut | None:
    """Who put the set into force, and when."""
    kept = book.kept
    if kept is None:
        return None
    return SetOut(
        id=kept.id,
        by=kept.by,
        asked_ms=kept.asked_ms,
        applied_ms=kept.applied_ms,
        diff=Diff(**kept.diff),
    )


@router.get("/rules/sets")
def list_sets(
    _viewer: DeviceReader,
    its: PartsDep,
    limit: Annotated[int, Query(ge=1, le=SETS_SHOWN)] = SETS_SHOWN,
) -> list[SetOut]:
    """Which rules were put into force when, by whom, and what that changed; the newest first."""
    with its.engine.connect() as connection:
        return [SetOut.model_validate(row) for row in rule_sets.history(connection, limit)]


@router.get("/rules/{name}")
def read_rule(name: str, viewer: DeviceReader, its: PartsDep) -> RuleWhole:
    """A rule with its words, its own lines, its last alerts, its edits and its overrides."""
    book = book_of(its)
    return whole(its, viewer, book, page_in(book, name))


def whole(its: Parts, viewer: Viewer, book: Book, page: Page) -> RuleWhole:
    """All that is known of a rule."""
    name = page.rule.name
    editor, no = viewer.may(Right.RULES), rule_desk.why_not_editable(its)
    text, first_line, why_no_text = own_lines(its.rulebook.files(book), book, name)
    no = no or why_no_text
    with its.engine.connect() as connection:
        opened = queries.open_alerts_by_rule(connection)
        firings = queries.alerts_of_rule(connection, name, FIRINGS_SHOWN)
        edits = rule_edits.of_rule(connection, name, EDITS_SHOWN) if editor else []
        devices = rule_desk.watched(connection, page.rule)
        explained = _explained(connection, set(devices))
        learned = read_learned(connection, name) if _learns(page.rule) else []
        given = overrides_out(its, connection, book, "active", name) if editor else []
    return RuleWhole(
        rule=RuleOut.of(page, opened),
        watched=len(devices),
        explained=explained,
        text=text,
        first_line=first_line,
        editable=editor and no is None,
        not_editable=no,
        learned=LearnedOut.of(learned),
        firings=[_firing(row) for row in firings],
        edits=[EditOut.model_validate(row, from_attributes=False) for row in edits],
        overrides=given,
    )


def _learns(rule: Rule) -> bool:
    return any(isinstance(one, Unlike) for one in simple_of(rule.when))


def own_lines(files: Files, book: Book, name: str) -> tuple[str | None, int | None, str | None]:
    """The rule's own lines, as the folder has them; else as they are in force, and why."""
    for texts in (files.texts, book.texts):
        try:
            block = find_block(texts, name)
        except NoBlock as no:
            reason = str(no)
            continue
        return block.text, block.first, None if texts is files.texts else reason
    return None, None, reason


def _explained(connection: Connection, watched: set[str]) -> int:
    gone = gone_since(connection)
    if not gone:
        return 0
    rows = queries.find_devices(connection)
    return sum(row["id"] in watched and explained_by(row, gone) is not None for row in rows)


def _firing(row: queries.Row) -> FiringOut:
    return FiringOut(
        key=row["key"],
        device=row["device"],
        opened_at_ms=row["opened_at_ms"],
        closed_at_ms=row["closed_at_ms"],
        heard_at_ms=row["opened_heard_ms"],
        taken_back=row["taken_back"],
        rule_version=row["rule_version"],
        case=row["case_id"],
        why=Words(zh=row["why_zh"], en=row["why_en"]),
    )


# -- changing --------------------------------------------------------------------------------------


async def _answer(request: Request, its: Parts, seq: int) -> dict[str, Any] | JSONResponse:
    """The judge's word on a command; its no is a problem."""
    word = await commands.word_on(its, seq)
    if word is None:
        return JSONResponse({"waiting": seq}, 202)
    ok, body = word
    if not ok:
        raise commands.refusal(seq, body, language_of(request))
    return body


def _reloaded(seq: int, body: dict[str, Any] | JSONResponse) -> Reloaded | JSONResponse:
    if isinstance(body, JSONResponse):
        return body
    diff = Diff(**body["diff"])
    return Reloaded(seq=seq, set=body["set"], changed=body["changed"], diff=diff)


async def _in_thread(its: Parts, job: Callable[[Book], Any]) -> Any:
    """A job over the rules in force."""
    return await asyncio.to_thread(lambda: job(book_of(its)))


@router.post("/rules/reload", response_model=Reloaded, responses=_WAITS)
async def reload_rules(
    request: Request, viewer: RuleKeeper, its: PartsDep
) -> Reloaded | JSONResponse:
    """Put into force what the files say, all of it or nothing. (The hub notices by itself too.)"""
    seq = await _in_thread(its, partial(rule_desk.reload, its, viewer))
    if seq is None:
        return Reloaded(changed=False)
    return _reloaded(seq, await _answer(request, its, seq))


@router.post("/rules/{name}/check")
async def check_rule(name: str, wish: TextWish, _viewer: RuleKeeper, its: PartsDep) -> Checked:
    """Look at other lines for a rule: mistakes, its own tests, what would change. Saves nothing."""

    def job(book: Book) -> Checked:
        page_in(book, name)
        wanted = rule_desk.drafted(its, book, name, wish.text)
        try:
            rule_desk.must_stay(wanted)
            rule_set = rule_desk.read_draft(book, wanted)
        except RuleMistakes as error:
            mistakes = rule_desk.mistakes_of(error, wanted)
            return Checked(mistakes=mistakes, tests=[], diff=Diff(), words={})
        names = rule_desk.names_of(wanted)
        said = {one.name: sentence(one) for one in rule_set.rules if one.name in names}
        return Checked(
            mistakes=[],
            tests=rule_desk.run_tests(its, rule_set, names, wanted.block.first),
            diff=Diff(**rule_desk.changes_between(book, rule_set)),
            words={rule: Words(zh=zh, en=en) for rule, (zh, en) in said.items()},
        )

    found: Checked = await _in_thread(its, job)
    return found


@router.get("/rules/{name}/tests")
async def run_tests_of(name: str, _viewer: DeviceReader, its: PartsDep) -> list[TestOut]:
    """Run the rule's own tests, as it is in force."""

    def job(book: Book) -> list[TestOut]:
        page_in(book, name)
        return rule_desk.run_tests(its, book.rule_set, [name], 1)

    found: list[TestOut] = await _in_thread(its, job)
    return found


@router.put("/rules/{name}", response_model=Reloaded, responses=_WAITS)
async def edit_rule(
    name: str, wish: EditWish, request: Request, viewer: RuleKeeper, its: PartsDep
) -> Reloaded | JSONResponse:
    """Save other lines for a rule in its file, and put them into force.

    409 `changed_since` with a diff where somebody else was first; 422 with what is wrong, or with
    the tests that fail. The rest of the file stays as it is, byte for byte.
    """

    def job(book: Book) -> int:
        page_in(book, name)
        wanted = rule_desk.drafted(its, book, name, wish.text, wish.base)
        may_fail = wish.although_tests_fail
        return rule_desk.save(its, viewer, book, wanted, tests_may_fail=may_fail, undoes=None)

    seq = await _in_thread(its, job)
    return _reloaded(seq, await _answer(request, its, seq))


@router.post("/rules/{name}/undo", response_model=Reloaded, responses=_WAITS)
async def undo_edit(
    name: str, wish: UndoWish, request: Request, viewer: RuleKeeper, its: PartsDep
) -> Reloaded | JSONResponse:
    """Put back what stood there before an edit, if nobody has changed it since."""

    def job(book: Book) -> int:
        wanted = rule_desk.undone(its, book, name, wish.edit)
        return rule_desk.save(its, viewer, book, wanted, tests_may_fail=True, undoes=wish.edit)

    seq = await _in_thread(its, job)
    return _reloaded(seq, await _answer(request, its, seq))


# -- trying ----------------------------------------------------------------------------------------


@router.post("/rules/{name}/try", status_code=202)
async def try_rule(name: str, wish: TrialWish, viewer: RuleKeeper, its: PartsDep) -> TrialOut:
    """Begin to judge the last days by other lines for a rule, in a process of its own."""

    days_max = its.settings.rule_trial_days_max
    if wish.days > days_max:
        raise Problem(422, f"days: at most {days_max} (HUB_RULE_TRIAL_DAYS_MAX).")

    def job(book: Book) -> tuple[list[str], dict[str, str]]:
        page_in(book, name)
        if wish.text is None:
            return [name], dict(book.texts)
        wanted = rule_desk.drafted(its, book, name, wish.text)
        try:
            rule_desk.read_draft(book, wanted)
        except RuleMistakes as error:
            raise rule_desk.wrong_rules(error, wanted) from error
        return rule_desk.names_of(wanted), wanted.texts

    names, texts = await _in_thread(its, job)
    now_ms = its.clock.now_ms()
    return TrialOut.of(await its.trials.begin(name, names, texts, wish.days, viewer.name, now_ms))


@router.get("/rules/trials/{trial_id}")
async def read_trial(trial_id: str, _viewer: RuleKeeper, its: PartsDep) -> TrialOut:
    """How far it is, and what would have been."""
    return TrialOut.of(its.trials.get(trial_id))


@router.delete("/rules/trials/{trial_id}")
async def stop_trial(trial_id: str, _viewer: RuleKeeper, its: PartsDep) -> TrialOut:
    """End it before its time."""
    return TrialOut.of(await its.trials.stop(trial_id))


# -- overrides -------------------------------------------------------------------------------------


@router.get("/overrides")
def list_overrides(
    _viewer: RuleKeeper,
    its: PartsDep,
    state: Literal["active", "all"] = "active",
    rule: Annotated[str, Query(max_length=200)] = "",
    device: Annotated[str, Query(max_length=200)] = "",
) -> OverridesOut:
    """For which devices a rule is off or different, why, by whom and until when.

    Those of files and those by page or program together, the next to end first.
    """
    book = book_of(its)
    with its.engine.connect() as connection:
        return OverridesOut(overrides=overrides_out(its, connection, book, state, rule, device))


@router.post("/overrides", response_model=OverrideDone, responses=_WAITS)
async def give_override(
    wish: OverrideWish, request: Request, viewer: RuleKeeper, its: PartsDep
) -> OverrideDone | JSONResponse:
    """Have a rule off, or different, for some devices and until a day; the reason is needed.

    It is refused for what would be refused in a file: `off` on an emergency, an unknown rule or
    device (with the nearest word), a change that makes no sense of that rule.
    """
    seq = await _in_thread(its, lambda book: rule_desk.give(its, viewer, book, wish))
    return _given(seq, await _answer(request, its, seq))


@router.post("/overrides/{override_id}/end", response_model=OverrideDone, responses=_WAITS)
async def end_override(
    override_id: str, request: Request, viewer: RuleKeeper, its: PartsDep
) -> OverrideDone | JSONResponse:
    """End one now. Those of files end where they stand."""
    if not override_id.isdecimal():
        en = f"{override_id} stands in a file: change it there."
        zh = f"{override_id} 写在文件中，请在文件里修改。"
        raise Problem(409, en, code="of_a_file", reason_zh=zh, reason_en=en)
    seq = await asyncio.to_thread(rule_desk.end, its, viewer, int(override_id))
    return _given(seq, await _answer(request, its, seq))


def _given(seq: int, body: dict[str, Any] | JSONResponse) -> OverrideDone | JSONResponse:
    if isinstance(body, JSONResponse):
        return body
    done = body["override"]
    return OverrideDone(seq=seq, id=str(done["id"]), until_ms=done["until_ms"])
