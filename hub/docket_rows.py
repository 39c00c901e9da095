"""From commands to acts, and from acts and findings to the rows of tables: shapes, no decisions."""

from collections.abc import Mapping
from typing import Any

from hub.cases import AlertRow, encode
from hub.journal import Entry
from hub.outbox import NewNotice
from rules.case import Act, Case, NotAllowed
from rules.finding import Finding
from rules.rule import Rule

MOMENT_MAX_MS = 2**53  # what JSON can carry exactly, and every column can keep


def result(seq: int, body: dict[str, Any], *, ok: bool = True) -> dict[str, Any]:
    """What became of the command `seq`, as whoever gave it waits for it."""
    return {"seq": seq, "ok": ok, "body_json": encode(body)}


def problem(code: str, zh: str, en: str) -> dict[str, Any]:
    """Why it could not be done, for a program and for people."""
    return {"code": code, "reason_zh": zh, "reason_en": en}


_TEXTS = ("text", "to", "outcome", "reason", "phone", "scanned", "scanned_place")
_MORE = ("parts", "photos", "made_at_ms", "scanned")  # what the story keeps of an act


def act_of(body: Mapping[str, Any], entry: Entry) -> Act:
    """The act of a command's body. Raises `NotAllowed` for a field of the wrong kind."""
    words = {name: body.get(name) for name in _TEXTS}
    until_ms = body.get("until_ms")
    for name, value in words.items():
        if value is not None and not isinstance(value, str):
            raise NotAllowed("wrong_kind", f"{name} 应为文字", f"{name}: expected a text.")
    if until_ms is not None and not (isinstance(until_ms, int) and 0 < until_ms < MOMENT_MAX_MS):
        raise NotAllowed("wrong_kind", "until_ms 应为时刻", "until_ms: expected a moment.")
    return Act(
        what=str(body.get("act")),
        by=str(body.get("by")),
        at_ms=entry.arrived_ms,
        until_ms=until_ms,
        called_back=body.get("called_back") is True,
        seq=entry.seq,
        more={name: body[name] for name in _MORE if body.get(name)},
        expected_version=_version(body.get("expected_version")),
        **words,
    )


def _version(given: Any) -> int | None:
    if given is not None and (isinstance(given, bool) or not isinstance(given, int)):
        zh, en = "expected_version 应为整数", "expected_version: expected a whole number."
        raise NotAllowed("wrong_kind", zh, en)
    return given


def showing(case: Case) -> Act:
    """What the device showed, as a line of the story that nobody has done."""
    more = {"shown": case.shown, "shown_at_ms": case.shown_at_ms}
    return Act("proved", "", case.changed_ms, outcome=case.outcome, more=more)


def missing(case: Case, before: Case) -> Act:
    """What did not come: of whose work, since when."""
    more = {"done_by": before.done_by, "done_at_ms": before.done_at_ms, "active": before.active}
    return Act("reopened", "", case.changed_ms, more=more)


# Which columns a finding changes when its alert is known already.
_ALERT_NEWS = {
    "opens": ("closed_at_ms", "closed_heard_ms", "taken_back", "case_id"),
    "again": ("case_id", "times"),
    "closes": ("closed_at_ms", "closed_heard_ms"),
    "taken_back": ("taken_back",),
}


def opening(rule: Rule, row: Mapping[str, Any], now_ms: int) -> Finding:
    """The finding by which the alert of this row had opened."""
    opened_ms, why = row["opened_at_ms"], (row["why_zh"], row["why_en"])
    about = (rule, row["key"], row["device"], opened_ms, opened_ms)
    return Finding("opens", *about, now_ms, None, None, *why)


def alert_id(rule: str, key: str, opened_ms: int) -> str:
    """One alert by its rule, what it is about, and when it opened."""
    return f"{rule}|{key}|{opened_ms}"


def alert_row(finding: Finding, case_id: str | None) -> AlertRow:
    """The row of `alerts` that a finding makes or changes; `case_id`: as which people know it."""
    rule = finding.rule
    # An `again` of an alert that is not known is a call that came too late for the history: over.
    closes = finding.kind in {"closes", "again"}
    row = {
        "id": alert_id(rule.name, finding.key, finding.opened_at_ms),
        "rule": rule.name,
        "rule_version": rule.version,
        "key": finding.key,
        "device": finding.device,
        "severity": rule.severity,
        "category": rule.category,
        "opened_at_ms": finding.opened_at_ms,
        "opened_heard_ms": finding.heard_ms,
        "closed_at_ms": finding.at_ms if closes else None,
        "closed_heard_ms": finding.heard_ms if closes else None,
        "taken_back": finding.kind == "taken_back",
        "why_zh": finding.why_zh,
        "why_en": finding.why_en,
        "case_id": case_id,
        "mode": rule.mode,
        "times": 1,
    }
    return AlertRow(row, _ALERT_NEWS[finding.kind])


def log_row(
    case: Case,
    what: str,
    seq: int | None,
    now_ms: int,
    act: Act | None,
    finding: Finding | None,
    behind: Mapping[str, Any],
) -> dict[str, Any]:
    """A line of a case's story: what was done or found, by whom, when it was and when heard."""
    at_ms, by, text = now_ms, None, None
    body: dict[str, Any] = {}
    if act is not None:
        at_ms, by, text = act.at_ms, act.by or None, act.text
        body = {"to": act.to, "outcome": act.outcome, "reason": act.reason, "phone": act.phone}
        body |= act.more or {}
        body |= {"version": case.version}  # who began from an older one is told what came between
    if finding is not None:
        at_ms = finding.at_ms
        body = {"value": finding.value, "why_zh": finding.why_zh, "why_en": finding.why_en}
        body |= {"version": case.version}
    body |= behind
    return {
        "case_id": case.id,
        "seq": seq,
        "at_ms": at_ms,
        "heard_ms": now_ms,
        "what": what,
        "by": by,
        "text": text,
        "body_json": encode({name: value for name, value in body.items() if value is not None}),
    }


def notice(case: Case, channel: str, reason: str, body: dict[str, Any], now_ms: int) -> NewNotice:
    """A notice of a case, on a channel that staff or the device itself is told by."""
    role = None if channel == "down" else "staff"
    return NewNotice(case.id, channel, reason, encode(body), now_ms, now_ms, role)
