"""Orders that no rule raises, inspections and rounds, at their place in the log.

People report a trouble at the device; an inspection is done, and each item that failed is an order
of its own; the hub itself says what is overdue or at the end of its life; a crew walks a round.
Each is a command of the journal, applied by the judge's loop like every other.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.engine import Connection

from hub.cases import Ledger, encode
from hub.database import rounds
from hub.docket import Docket
from hub.docket_rows import problem, result
from hub.journal import Entry
from rules import case as case_machine
from rules.case import IMAGINED, Act, Case
from rules.inspection import FAILED as ITEM_FAILED
from rules.inspection import Inspection
from rules.order import FAILED, OVERDUE, REPORTED, WORN, OrderTables

REPORT, INSPECT, DUE = "report", "inspect", "due"
ROUND_START, ROUND_TICK, ROUND_END = "round_start", "round_tick", "round_end"
ACTS = (REPORT, INSPECT, DUE, ROUND_START, ROUND_TICK, ROUND_END)
INSPECTED = "inspected"  # the outcome of what was overdue
URGENT_UP_TO = 2  # reports of such a priority are warnings, others notices


class Refused(Exception):
    """Why it cannot be; `code` for programs, the texts for people."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        super().__init__(en)
        self.told = problem(code, zh, en)


class Upkeep:
    """See the module. The open rounds are in memory, like the open cases."""

    def __init__(self, docket: Docket, reports_joined_max: int) -> None:
        self._docket = docket
        self._joined_max = reports_joined_max
        self._rounds: dict[int, dict[str, Any]] = {}

    @property
    def _tables(self) -> OrderTables:
        return self._docket.orders.tables

    def load(self, connection: Connection) -> None:
        """The open rounds, after a start."""
        query = rounds.select().where(rounds.c.ended_ms.is_(None))
        self._rounds = {row["id"]: dict(row) for row in connection.execute(query).mappings()}

    def apply(self, entry: Entry, ledger: Ledger, now_ms: int) -> None:
        """One command."""
        body = entry.body or {}
        try:
            told = _DO[str(body["act"])](self, body, entry, ledger, now_ms)
        except Refused as refused:
            ledger.results.append(result(entry.seq, refused.told, ok=False))
            return
        ledger.results.append(result(entry.seq, told))

    # -- reports ---------------------------------------------------------------------------------

    def _report(
        self, body: Mapping[str, Any], entry: Entry, ledger: Ledger, now_ms: int
    ) -> dict[str, Any]:
        """A trouble as somebody sees it; of a device of which it is known it joins the order."""
        device, trouble = str(body.get("device")), str(body.get("trouble"))
        facts = self._docket.facts_of(device)
        row = self._tables.troubles.get(trouble)
        if facts is None or not facts.registered:
            raise Refused("no_such_device", f"没有设备 {device}", f"There is no device {device}.")
        if row is None or facts.family not in row.reported:
            raise Refused(
                "unknown_trouble", "没有这类问题", f"There is no trouble {trouble!r} here."
            )
        act = _act_of(REPORT, body, entry)
        known = self._open_of(device, trouble)
        if known is not None:
            return self._join(known, act, entry, ledger, now_ms)
        priority = self._priority(device, trouble, "notice")
        severity = "warning" if priority <= URGENT_UP_TO else "notice"
        wanted = self._order(REPORTED, device, trouble, severity, entry.arrived_ms, device)
        why = (f"有人报修：{row.title.zh}", f"Somebody reports: {row.title.en}")
        # What a stranger wrote stands in the story, and goes out of the house in no notice.
        case = self._raise(wanted, why, "", act, entry, ledger, now_ms)
        return {"order": case.id, "joined": False, "times": 1}

    def _join(
        self, known: Case, act: Act, entry: Entry, ledger: Ledger, now_ms: int
    ) -> dict[str, Any]:
        if known.times < self._joined_max:
            after = case_machine.reported_again(known, now_ms)
            self._docket.change_order(known, after, "again", entry.seq, ledger, now_ms, act)
            known = after
        return {"order": known.id, "joined": True, "times": known.times}

    def _open_of(self, device: str, trouble: str) -> Case | None:
        """The open order that such a report is about: what people reported, or the same trouble."""
        theirs = [
            case
            for case in self._docket.cases.open.values()
            if case.device == device and case.is_order
        ]
        reported = (case for case in theirs if case.rule == REPORTED)
        same = (case for case in theirs if case.trouble == trouble)
        return next(reported, None) or next(same, None)

    # -- inspections -----------------------------------------------------------------------------

    def _inspect(
        self, body: Mapping[str, Any], entry: Entry, ledger: Ledger, now_ms: int
    ) -> dict[str, Any]:
        """A checklist that was gone through; each failed item is an order of its own."""
        inspection = self._tables.inspections.get(str(body.get("inspection")))
        if inspection is None:
            what = str(body.get("inspection"))
            raise Refused("no_such_inspection", f"没有巡检 {what}", f"No inspection {what!r}.")
        subject, answers = str(body["subject"]), list(body["answers"])
        failed = [one for one in answers if one["answer"] == ITEM_FAILED]
        ledger.inspections.append(
            {
                "seq": entry.seq,
                "inspection": inspection.name,
                "subject": subject,
                "day": str(body["day"]),
                "at_ms": entry.arrived_ms,
                "made_at_ms": body.get("made_at_ms"),
                "by": str(body["by"]),
                "failed": len(failed),
                "answers_json": encode(answers),
            }
        )
        orders = [self._fail(inspection, one, body, entry, ledger, now_ms).id for one in failed]
        return {"inspection": entry.seq, "orders": orders}

    def _fail(
        self,
        inspection: Inspection,
        answer: Mapping[str, Any],
        body: Mapping[str, Any],
        entry: Entry,
        ledger: Ledger,
        now_ms: int,
    ) -> Case:
        item = inspection.item(str(answer["item"]))
        assert item is not None, "the API has looked at the items"
        act = _act_of(INSPECT, {**body, **answer, "text": answer.get("note")}, entry)
        key = f"{inspection.name}:{item.name}:{body['subject']}"
        known = self._docket.cases.about(FAILED, key)
        if known is not None:
            self._join(known, act, entry, ledger, now_ms)
            return known
        device = body.get("device")
        wanted = self._order(FAILED, key, item.trouble, "notice", entry.arrived_ms, device, body)
        why = (
            f"{inspection.title_zh}不合格：{item.ask_zh}",
            f"{inspection.title_en}, failed: {item.ask_en}",
        )
        return self._raise(wanted, why, act.text or "", act, entry, ledger, now_ms)

    # -- what the calendar says ------------------------------------------------------------------

    def _due(
        self, body: Mapping[str, Any], entry: Entry, ledger: Ledger, now_ms: int
    ) -> dict[str, Any]:
        """Overdue inspections and ends of life, as the hub has found them."""
        raised = []
        for one in body["found"]:
            rule, key = str(one["rule"]), str(one["key"])
            if rule not in (OVERDUE, WORN) or self._docket.cases.about(rule, key) is not None:
                continue
            trouble = "inspection-overdue" if rule == OVERDUE else "end-of-life"
            device = one.get("device")
            wanted = self._order(rule, key, trouble, "notice", entry.arrived_ms, device, one)
            act = _act_of(DUE, {**body, "by": "hub"}, entry)
            why = (str(one["why_zh"]), str(one["why_en"]))
            raised.append(self._raise(wanted, why, "", act, entry, ledger, now_ms).id)
        for key in body["over"]:
            self._end_overdue(str(key), entry, ledger, now_ms)
        return {"orders": raised}

    def _end_overdue(self, key: str, entry: Entry, ledger: Ledger, now_ms: int) -> None:
        """Every inspection of it was done: that is its proof."""
        case = self._docket.cases.about(OVERDUE, key)
        if case is not None:
            act = Act(DUE, "hub", entry.arrived_ms, outcome=INSPECTED, seq=entry.seq)
            after = case_machine.inspected(case, act, INSPECTED)
            self._docket.change_order(case, after, "proved", entry.seq, ledger, now_ms, act)

    # -- orders ----------------------------------------------------------------------------------

    def _priority(self, device: str | None, trouble: str | None, severity: str) -> int:
        facts = None if device is None else self._docket.facts_of(device)
        probe = replace(IMAGINED, severity=severity, category="fault", trouble=trouble)
        priority = self._docket.orders.raised(probe, None, facts).priority
        assert priority is not None
        return priority

    def _order(
        self,
        rule: str,
        key: str,
        trouble: str | None,
        severity: str,
        at_ms: int,
        device: Any,
        where: Mapping[str, Any] | None = None,
    ) -> Case:
        facts = None if device is None else self._docket.facts_of(str(device))
        known = where or {}
        category = "fault" if rule in (REPORTED, FAILED) else "maintenance"
        return replace(
            IMAGINED,
            rule=rule,
            key=key,
            device=None if facts is None else facts.id,
            family=None if facts is None else facts.family,
            severity=severity,
            category=category,
            response=category,
            place=known.get("place") if facts is None else facts.place,
            grid=known.get("grid") if facts is None else facts.grid,
            resident_id=None if facts is None else facts.resident,
            trouble=trouble,
            raised_at_ms=at_ms,
        )

    def _raise(
        self,
        wanted: Case,
        why: tuple[str, str],
        said: str,
        act: Act,
        entry: Entry,
        ledger: Ledger,
        now_ms: int,
    ) -> Case:
        row = self._tables.troubles.get(wanted.trouble or "")
        title = why if row is None else row.title
        added = f"（{said}）" if said else ""
        case = replace(
            wanted,
            title_zh=title[0],
            title_en=title[1],
            why_zh=f"{why[0]}{added}",
            why_en=f"{why[1]}{f' ({said})' if said else ''}",
            heard_at_ms=now_ms,
            changed_ms=now_ms,
        )
        return self._docket.raise_order(case, entry.seq, ledger, now_ms, act)

    # -- rounds ----------------------------------------------------------------------------------

    def _start_round(
        self, body: Mapping[str, Any], entry: Entry, ledger: Ledger, now_ms: int
    ) -> dict[str, Any]:
        row = {
            "id": entry.seq,
            "grid": body.get("grid"),
            "ground": body.get("ground"),
            "by": str(body["by"]),
            "started_ms": entry.arrived_ms,
            "ended_ms": None,
            "ended_by": None,
            "stops_json": encode(list(body["stops"])),
        }
        self._keep_round(row, ledger, now_ms)
        return {"round": entry.seq}

    def _keep_round(self, row: dict[str, Any], ledger: Ledger, now_ms: int) -> None:
        if row["ended_ms"] is None:
            self._rounds[row["id"]] = row
        else:
            self._rounds.pop(row["id"], None)
        ledger.rounds[row["id"]] = row
        told = encode({"round": row["id"], "ended_ms": row["ended_ms"]})
        change = {"kind": "round", "key": str(row["id"]), "body_json": told, "at_ms": now_ms}
        ledger.changes.append(change)

    def _round(self, body: Mapping[str, Any]) -> dict[str, Any]:
        row = self._rounds.get(int(body["round"]))
        if row is None:
            zh, en = "没有这次巡修，或已结束", "There is no such round, or it has ended."
            raise Refused("no_such_round", zh, en)
        return row

    def _tick(
        self, body: Mapping[str, Any], entry: Entry, ledger: Ledger, now_ms: int
    ) -> dict[str, Any]:
        """Somebody stands at a stop: by its code, or by a tick of the list."""
        row = self._round(body)
        stops = json.loads(row["stops_json"])
        stop = _stop_of(stops, body)
        scanned = body.get("scanned")
        if scanned is not None and stop["device"] not in (None, scanned):
            here = body.get("scanned_place") or scanned
            there = f"{stop['place'] or '–'}（{stop['device']}）"
            raise Refused(
                "wrong_code",
                f"这里是 {here}（{scanned}），这一站是 {there}",
                f"This is {here} ({scanned}), the stop is {stop['place']} ({stop['device']}).",
            )
        if stop["ticked_ms"] is None:
            stop |= {"ticked_ms": entry.arrived_ms, "ticked_by": str(body["by"])}
            stop |= {"scanned": scanned is not None, "note": body.get("text")}
            self._keep_round({**row, "stops_json": encode(stops)}, ledger, now_ms)
        return {"round": row["id"], "stop": stop["number"]}

    def _end_round(
        self, body: Mapping[str, Any], entry: Entry, ledger: Ledger, now_ms: int
    ) -> dict[str, Any]:
        """What was not reached stays open, as it was."""
        row = self._round(body)
        ended = {**row, "ended_ms": entry.arrived_ms, "ended_by": str(body["by"])}
        self._keep_round(ended, ledger, now_ms)
        left = [one["number"] for one in json.loads(row["stops_json"]) if not one["ticked_ms"]]
        return {"round": row["id"], "left": left}


def _stop_of(stops: list[dict[str, Any]], body: Mapping[str, Any]) -> dict[str, Any]:
    """By its number, or the first open one of the scanned device."""
    number, scanned = body.get("stop"), body.get("scanned")
    found: Iterator[dict[str, Any]] = (
        one
        for one in stops
        if (one["number"] == number if number is not None else one["device"] == scanned)
    )
    theirs = list(found)
    open_ones = [one for one in theirs if one["ticked_ms"] is None]
    if not theirs:
        zh, en = "这次巡修里没有这一站", "This round has no such stop."
        raise Refused("no_such_stop", zh, en)
    return (open_ones or theirs)[0]


def _act_of(what: str, body: Mapping[str, Any], entry: Entry) -> Act:
    more = {name: body[name] for name in ("photos", "made_at_ms", "phone") if body.get(name)}
    return Act(
        what,
        str(body.get("by") or ""),
        entry.arrived_ms,
        text=body.get("text") or None,
        phone=body.get("phone"),
        seq=entry.seq,
        more=more,
    )


_Do = Callable[[Upkeep, Mapping[str, Any], Entry, Ledger, int], dict[str, Any]]
_DO: dict[str, _Do] = {
    REPORT: Upkeep._report,
    INSPECT: Upkeep._inspect,
    DUE: Upkeep._due,
    ROUND_START: Upkeep._start_round,
    ROUND_TICK: Upkeep._tick,
    ROUND_END: Upkeep._end_round,
}
