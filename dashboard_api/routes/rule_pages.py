"""Pages about rules: what must be noticed, what is different for whom, and a rule's own lines."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from dashboard_api import queries, rule_desk
from dashboard_api.access import Right, Viewer
from dashboard_api.deps import Parts, PartsDep, RuleKeeper
from dashboard_api.doors import DeviceVisitor, RuleVisitor
from dashboard_api.routes.pages import page_of
from dashboard_api.routes.rules import page_in, set_out, whole
from dashboard_api.rule_overrides import form_words, overrides_for
from dashboard_api.rule_shapes import MistakeOut, OverrideOut
from dashboard_api.rule_words import sentence
from dashboard_api.rulebook import book_of
from dashboard_api.tables import csv_answer
from hub import rule_files, rule_sets

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

SETS_SHOWN = 10


@router.get("/rules")
def rules_page(request: Request, its: PartsDep, viewer: DeviceVisitor) -> Response:
    """What must be noticed, as it is in force, and for whom it is different."""
    book = book_of(its)
    files = its.rulebook.files(book)
    with its.engine.connect() as connection:
        opened = queries.open_alerts_by_rule(connection)
        history = rule_sets.history(connection, SETS_SHOWN)
        given = overrides_for(its, viewer, book)
    return page_of(
        request,
        its,
        viewer,
        "rules.html",
        rules=book.pages,
        sentence=sentence,
        opened=opened,
        in_force=set_out(book),
        history=history,
        files=files,
        mistakes=[MistakeOut.of(one) for one in files.mistakes],
        keeper=viewer.may(Right.RULES),
        not_editable=rule_desk.why_not_editable(its),
        overrides=given,
        **form_words([page.rule for page in book.pages]),
    )


@router.get("/overrides")
def overrides_page(
    request: Request,
    its: PartsDep,
    viewer: RuleVisitor,
    q: Annotated[str, Query(max_length=80)] = "",
    state: Literal["active", "all"] = "all",
) -> Response:
    """What is or was different for some: searched, those that have ended too."""
    found = _overrides_with(its, viewer, q, state)
    words = {"found": found, "words": q, "state": state}
    return page_of(request, its, viewer, "overrides.html", **words)


def _overrides_with(its: Parts, viewer: Viewer, words: str, state: str) -> list[OverrideOut]:
    given = overrides_for(its, viewer, book_of(its), state=state)
    wanted = [word.lower() for word in words.split()]
    return [one for one in given if all(word in _told_of(one) for word in wanted)]


def _told_of(one: OverrideOut) -> str:
    for_whom = [*one.device, *one.resident, *one.place, *one.tags]
    return " ".join([one.rule, *for_whom, one.reason, one.by]).lower()


@router.get("/overrides.csv", response_class=Response)
def overrides_table(
    its: PartsDep,
    viewer: RuleKeeper,
    q: Annotated[str, Query(max_length=80)] = "",
    state: Literal["active", "all"] = "all",
) -> Response:
    """The same as a table."""
    say = its.texts.speaker("zh").moment
    header = ("rule", "device", "resident", "place", "tags", "off", "set", "reason", "by")
    rows = (
        [
            one.rule,
            *(" ".join(some) for some in (one.device, one.resident, one.place, one.tags)),
            *(one.off, one.set or "", one.reason, one.by),
            *(say(one.since_ms), say(one.until_ms), one.state, one.ended_by, one.source),
        ]
        for one in _overrides_with(its, viewer, q, state)
    )
    return csv_answer("overrides", (*header, "since", "until", "state", "ended_by", "source"), rows)


@router.get("/rules/{name}")
def rule_page(name: str, request: Request, its: PartsDep, viewer: DeviceVisitor) -> Response:
    """One rule: its words, its devices, its alerts, its tests, its lines."""
    book = book_of(its)
    page = page_in(book, name)
    its_own = whole(its, viewer, book, page)
    return page_of(
        request,
        its,
        viewer,
        "rule.html",
        page=page,
        whole=its_own,
        sentence=sentence(page.rule),
        keeper=viewer.may(Right.RULES),
        own_folder=rule_files.is_own(its.settings),
        days=its.settings.rule_trial_days_max,
        overrides=its_own.overrides,
        **form_words([page.rule]),
    )
