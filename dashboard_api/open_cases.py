"""The open cases as the console shows them: filtered, by pages, with who was told and what is next.

A filter may hide what is urgent: how many unanswered emergencies it hides is always said.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple
from urllib.parse import urlencode

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dashboard_api import queries, senders
from dashboard_api.access import Viewer
from dashboard_api.deps import Parts
from dashboard_api.plan_clock import calls_of
from dashboard_api.topology import with_explained
from hub.database import case_log, cases, devices, places, residents

PLAN_EVENTS = ("unreached", "nobody")  # what a plan says when people were not reached
TIMED = ("emergency", "urgent")  # severities for which people are measured by the clock


class Filter(NamedTuple):
    """Which open cases are wanted; what is empty does not matter."""

    severity: str = ""
    category: str = ""
    grid: str = ""
    whose: str = ""  # "mine": that the viewer has answered; "new": that nobody has
    words: str = ""

    @property
    def is_set(self) -> bool:
        """Does it leave anything out?"""
        return any(self)

    def query(self, page: int) -> str:
        """As the part of an address after the question mark."""
        named = {"severity": self.severity, "category": self.category, "grid": self.grid}
        named |= {"whose": self.whose, "q": self.words, "page": str(page) if page > 1 else ""}
        return urlencode({name: value for name, value in named.items() if value})

    def conditions(self, viewer: Viewer) -> Iterable[sa.ColumnElement[bool]]:
        """For a query over cases with their places, devices and residents."""
        for column, wanted in (
            (cases.c.severity, self.severity),
            (cases.c.category, self.category),
            (cases.c.grid, self.grid),
        ):
            if wanted:
                yield column == wanted
        if self.whose == "mine":
            yield cases.c.answered_by == viewer.actor
        elif self.whose == "new":
            yield cases.c.answered_by.is_(None)
        for word in self.words.split():
            yield sa.or_(*(column.contains(word, autoescape=True) for column in _LOOKED_AT))


_LOOKED_AT = (
    cases.c.id,
    cases.c.title_zh,
    cases.c.title_en,
    cases.c.place,
    places.c.name_zh,
    places.c.name_en,
    devices.c.name_zh,
    devices.c.name_en,
    residents.c.name,
    cases.c.dispatched_to,
)
NO_FILTER = Filter()


def console_words(
    its: Parts, viewer: Viewer, connection: Connection, wanted: Filter = NO_FILTER, page: int = 1
) -> dict[str, Any]:
    """What the template of the list needs."""
    after = queries.newest_change(connection)  # the first look: nothing newer is lost after it
    rows_max, now_ms = its.settings.console_cases_max, its.clock.now_ms()
    begin = (page - 1) * rows_max
    conditions = list(wanted.conditions(viewer))
    found = queries.open_cases_where(connection, viewer, conditions, rows_max + 1, begin)
    shown = with_explained(connection, found[:rows_max])
    ids = [case["id"] for case in shown]
    total = queries.open_total(connection, viewer)
    return {
        "after": after,
        "cases": [case | limit_of(its, case) for case in shown],
        "told": calls_of(queries.notices_of(connection, ids)),
        "missed": plan_events_of(connection, ids),
        "coming": its.plan_clock.next_of(connection, ids),
        "call_out": its.plan_clock.call_out,
        "tests": senders.running_tests(connection, now_ms),
        "total": total,
        "matching": len(found)
        if not begin and len(found) <= rows_max
        else queries.open_total(connection, viewer, conditions).cases,
        "hidden": _hidden(connection, viewer, conditions, total) if wanted.is_set else 0,
        "wanted": wanted,
        "query": wanted.query(page),
        "turns": {
            "page": page,
            "first": begin + 1,
            "last": begin + len(shown),
            "more": len(found) > rows_max,
        },
    }


def _hidden(
    connection: Connection,
    viewer: Viewer,
    conditions: list[sa.ColumnElement[bool]],
    total: queries.OpenTotal,
) -> int:
    """How many unanswered emergencies and urgent cases this filter leaves out."""
    return total.unanswered - queries.open_total(connection, viewer, conditions).unanswered


def limit_of(its: Parts, case: queries.Row) -> dict[str, Any]:
    """Until when people are to have answered it, or to be there: what they are measured by."""
    limit_ms, limit_for = None, ""
    if case["severity"] in TIMED and case["closed_at_ms"] is None:
        if case["answered_at_ms"] is None:
            limit_ms, limit_for = its.settings.target_answer_s * 1_000, "answer"
        elif case["dispatched_at_ms"] is not None and case["arrived_at_ms"] is None:
            limit_ms, limit_for = its.settings.target_on_site_s * 1_000, "on_site"
    due_ms = None if limit_ms is None else case["heard_at_ms"] + limit_ms
    return {"limit_ms": due_ms, "limit_for": limit_for, "limit_s": (limit_ms or 0) // 1_000}


def plan_events_of(connection: Connection, case_ids: list[str]) -> dict[str, list[queries.Row]]:
    """By case: the newest line of its plan that reached nobody, and that nobody took it.

    What was so before somebody answered is over: only what is not answered has any.
    """
    newest = (
        sa.select(sa.func.max(case_log.c.id))
        .join(cases, cases.c.id == case_log.c.case_id)
        .where(case_log.c.case_id.in_(case_ids), case_log.c.what.in_(PLAN_EVENTS))
        .where(cases.c.answered_by.is_(None))
        .group_by(case_log.c.case_id, case_log.c.what)
    )
    query = case_log.select().where(case_log.c.id.in_(newest)).order_by(case_log.c.id)
    found: dict[str, list[queries.Row]] = {}
    for row in queries.rows_of(connection, query):
        found.setdefault(row["case_id"], []).append(row)
    return found
