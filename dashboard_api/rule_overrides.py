"""Overrides for pages and programs: those of files and those given by people, in one list."""

from typing import Any

import msgspec
from sqlalchemy.engine import Connection

from dashboard_api import rule_desk
from dashboard_api.access import Right, Viewer
from dashboard_api.deps import Parts
from dashboard_api.rule_parts import LABELS, choice_of
from dashboard_api.rule_shapes import OverrideOut
from dashboard_api.rulebook import Book, book_of
from hub import overrides
from rules.rule import Rule

OVERRIDES_SHOWN = 500


def overrides_out(
    its: Parts,
    connection: Connection,
    book: Book,
    state: str = "active",
    rule: str = "",
    device: str = "",
) -> list[OverrideOut]:
    """Those of files and of the table."""
    now_ms, zone = its.clock.now_ms(), its.site.zone
    of_files = [one for one in book.rule_set.overrides if one.source != "api"]
    left_out = [row.id for row in book.left_out]
    found = [OverrideOut.of_file(one, zone, now_ms) for one in of_files]
    found += [
        OverrideOut.of_row(row, now_ms, left_out)
        for row in overrides.newest(connection, OVERRIDES_SHOWN)
    ]
    wanted = [
        one
        for one in found
        if (state == "all" or one.state != "ended")
        and rule in ("", one.rule)
        and (not device or device in one.device)
    ]
    return sorted(wanted, key=lambda one: (one.state == "ended", one.until_ms))


def overrides_for(its: Parts, viewer: Viewer, book: Book, **wanted: str) -> list[OverrideOut]:
    """The same for a page; nothing for whoever may not see them."""
    if not viewer.may(Right.RULES):
        return []
    with its.engine.connect() as connection:
        return overrides_out(its, connection, book, **wanted)


def form_words(rules: list[Rule]) -> dict[str, Any]:
    """What the form of an override needs."""
    choices = {rule.name: choice_of(rule) for rule in rules}
    able = [
        rule for rule in rules if choices[rule.name]["parts"] or not choices[rule.name]["grave"]
    ]
    return {
        "override_rules": able,
        "override_choices": msgspec.json.encode(choices).decode(),
        "override_labels": LABELS,
    }


def device_overrides(its: Parts, viewer: Viewer, device: str) -> dict[str, Any]:
    """What the page of a device says of rules: those that are different for it."""
    book = book_of(its)
    rules = [page.rule for page in book.pages] if viewer.may(Right.RULES) else []
    with its.engine.connect() as connection:
        fitting = [rule for rule in rules if device in rule_desk.watched(connection, rule)]
    given = overrides_for(its, viewer, book, device=device)
    return {"overrides": given, **form_words(fitting)}
