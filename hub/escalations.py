"""Who is told of the open cases by their plans, without I/O: cases and time go in, rows come out.

For each open case its place on its plan, and who was told by which step. A step tells every
contact of its roles by their first way; the other ways wait beside the notice for its failure
(`hub/reach.py`). A step of which nobody can be told brings the next one at once.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.cases import Ledger, encode, outward
from hub.database import escalations
from hub.outbox import NewNotice
from hub.own_parts import is_about
from hub.site import PLAIN_ZONE
from rules.case import Case
from rules.escalation import (
    OVER,
    Call,
    Escalation,
    advance,
    begin,
    due_ms,
    follow,
    reached_nobody,
    set_back,
)
from rules.notice import Reason
from rules.response import Plan, waking
from rules.roster import Contact, Roster, Way

# Every change of a case goes to these, for programs and for the log.
FEEDS = ("mqtt", "webhook", "log")
# Who is called there hears of each change from a feed: they need not be told once more.
_HEARD_ANYWAY = frozenset({*FEEDS, "calls"})


def feeds_of(channels: Iterable[str]) -> list[str]:
    """Those of the channels that are set up which are told of every case."""
    return [name for name in channels if name in FEEDS]


def default_ways(channels: Iterable[str]) -> tuple[Way, ...]:
    """How a role is called for which the site names no way: the hub's own channels."""
    known = set(channels)
    return tuple(Way(name) for name in ("webhook", "calls") if name in known)


class Told(NamedTuple):
    """Somebody who was told by a step, and how."""

    role: str
    channel: str
    address: str | None


class Event(NamedTuple):
    """What came about, for the case's story: called, unreached, nobody."""

    case_id: str
    what: str
    at_ms: int
    body: dict[str, Any]


@dataclass(slots=True)
class Standing:
    """One open case on its plan. `waiting`: of a step's contacts, those not known to be missed."""

    plan: Plan
    escalation: Escalation
    told: dict[str, Told] = field(default_factory=dict)
    waiting: dict[str, list[str]] = field(default_factory=dict)

    def row(self, case_id: str) -> dict[str, Any]:
        """As its table keeps it."""
        told = {name: list(one) for name, one in self.told.items()}
        state = [self.escalation.dump(), told, self.waiting]
        return {"case_id": case_id, "plan": self.plan.name, "state_json": encode(state)}


def _step(clock: str, step: int) -> str:
    return f"{clock}:{step}"


class Escalations:
    """See the module. `default`: the ways of a contact that has none of its own."""

    def __init__(
        self,
        plans: Mapping[str, Plan],
        roster: Roster,
        channels: Iterable[str],
        default: Sequence[Way],
        zone: ZoneInfo = PLAIN_ZONE,
    ) -> None:
        self.plans = plans
        self._wake = {name: waking(plan, zone) for name, plan in plans.items()}
        self.roster = roster
        self._channels = frozenset(channels)
        self._default = tuple(default)
        self._standings: dict[str, Standing] = {}
        self._alarms: list[tuple[int, str]] = []  # a heap; what is no longer so is skipped
        self._due: dict[str, int] = {}
        self.events: list[Event] = []

    def load(self, connection: Connection, cases: Mapping[str, Case]) -> None:
        """Where earlier runs had got to. A case from before there were plans begins now."""
        rows = {row.case_id: row for row in connection.execute(sa.select(escalations))}
        for case in cases.values():
            plan = self._plan_of(case)
            if plan is None or case.muted:
                continue
            standing = Standing(plan, begin(case))
            row = rows.get(case.id)
            if row is not None and row.plan == plan.name:
                state, told, waiting = json.loads(row.state_json)
                standing.escalation = Escalation.load(state)
                standing.told = {name: Told(*one) for name, one in told.items()}
                standing.waiting = waiting
            self._standings[case.id] = standing
            self._set_alarm(case.id)

    def _plan_of(self, case: Case) -> Plan | None:
        return self.plans.get(case.response) or self.plans.get(case.category)

    @property
    def due_ms(self) -> int | None:
        """The next moment at which somebody is to be told."""
        while self._alarms and self._due.get(self._alarms[0][1]) != self._alarms[0][0]:
            heappop(self._alarms)
        return self._alarms[0][0] if self._alarms else None

    def _set_alarm(self, case_id: str) -> None:
        standing = self._standings.get(case_id)
        due = None if standing is None else self._due_ms(standing)
        if due is None:
            self._due.pop(case_id, None)
        elif self._due.get(case_id) != due:
            self._due[case_id] = due
            heappush(self._alarms, (due, case_id))

    def _due_ms(self, standing: Standing) -> int | None:
        plan = standing.plan
        return due_ms(plan, standing.escalation, self._wake[plan.name])

    # -- a case changes --------------------------------------------------------------------------

    def changed(self, case: Case, what: str, reason: Reason | None, ledger: Ledger) -> None:
        """The case is another one now: its clock follows, whoever was called hears of it."""
        standing = self._standings.get(case.id)
        if standing is None:
            plan = self._plan_of(case)
            if plan is None or case.is_closed or case.muted:
                return
            standing = self._standings[case.id] = Standing(plan, begin(case))
        if case.muted:
            self._standings.pop(case.id)
            ledger.escalations[case.id] = None
            self._set_alarm(case.id)
            return
        before = standing.escalation
        standing.escalation = _follow(before, case, what)
        if standing.escalation.clock != before.clock:
            standing.waiting.clear()
        if reason is not None and what != "raised":
            self._tell_those_called(standing, case, what, reason, ledger)
        self._keep(case, standing, ledger)

    def _keep(self, case: Case, standing: Standing, ledger: Ledger) -> None:
        over = standing.escalation.clock == OVER
        ledger.escalations[case.id] = None if over else standing.row(case.id)
        if over:
            self._standings.pop(case.id, None)
        self._set_alarm(case.id)

    def _tell_those_called(
        self, standing: Standing, case: Case, what: str, reason: Reason, ledger: Ledger
    ) -> None:
        body = encode({"what": what, **outward(case)})
        now_ms = case.changed_ms
        for name, (role, channel, address) in standing.told.items():
            if channel not in _HEARD_ANYWAY and not is_about(case.device, channel):
                more = (now_ms, now_ms, role, name, address)
                ledger.notices.append(NewNotice(case.id, channel, str(reason), body, *more))

    # -- time passes -----------------------------------------------------------------------------

    def ring(self, cases: Mapping[str, Case], ledger: Ledger, now_ms: int) -> list[Case]:
        """Say all that is due. Returns the cases that nobody took within their plan's limit."""
        nobody_took = []
        while (due := self.due_ms) is not None and due <= now_ms:
            case_id = heappop(self._alarms)[1]
            case, standing = cases[case_id], self._standings[case_id]
            del self._due[case_id]
            if self._ring(case, standing, ledger, now_ms):
                nobody_took.append(case)
            self._keep(case, standing, ledger)
        return nobody_took

    def _ring(self, case: Case, standing: Standing, ledger: Ledger, now_ms: int) -> bool:
        """Until nothing is due: a step that reaches nobody makes the next one due at once."""
        nobody_took = False
        wake = self._wake[standing.plan.name]
        while (due := self._due_ms(standing)) is not None and due <= now_ms:
            moment = standing.plan, standing.escalation, now_ms
            standing.escalation, calls, nobody = advance(*moment, wake)
            nobody_took |= nobody
            for call in calls:
                self._call(case, standing, call, ledger, now_ms)
        if nobody_took:
            self.events.append(Event(case.id, "nobody", now_ms, {"plan": standing.plan.name}))
        return nobody_took

    def _call(
        self, case: Case, standing: Standing, call: Call, ledger: Ledger, now_ms: int
    ) -> None:
        reached = []
        for role in call.roles:
            for contact in self.roster.of(role, case, now_ms):
                ways = self._ways(contact, case)
                if ways:
                    self._tell(case, standing, call, role, contact, ways, ledger, now_ms)
                if ways and self.roster.is_manned(contact, now_ms):
                    reached.append(contact.id)
        said = {"clock": call.clock, "step": call.step, "nth": call.nth, "due_ms": call.due_ms}
        told = {**said, "roles": list(call.roles), "contacts": reached}
        self.events.append(Event(case.id, "called", now_ms, told))
        if call.nth == 1:
            standing.waiting[_step(call.clock, call.step)] = reached
        if not reached and call.nth == 1:
            self._missed(case, standing, call.clock, call.step, now_ms)

    def _ways(self, contact: Contact, case: Case) -> list[Way]:
        """Those whose channel is set up; that a channel fails it cannot tell itself."""
        ways = contact.by(self._default)
        known = [way for way in ways if way.channel in self._channels]
        return [way for way in known if not is_about(case.device, way.channel)]

    def _tell(
        self,
        case: Case,
        standing: Standing,
        call: Call,
        role: str,
        contact: Contact,
        ways: Sequence[Way],
        ledger: Ledger,
        now_ms: int,
    ) -> None:
        first, *others = ways
        said = {"role": role, "contact": contact.id, "clock": call.clock, "step": call.step}
        body = {"what": "call", "call": {**said, "nth": call.nth}, **outward(case)}
        ledger.notices.append(
            NewNotice(
                case.id,
                first.channel,
                str(Reason.CALL),
                encode(body),
                now_ms,
                now_ms,
                role,
                contact.id,
                first.to,
                encode([list(way) for way in others]),
            )
        )
        standing.told[contact.id] = Told(role, first.channel, first.to)

    def _missed(self, case: Case, standing: Standing, clock: str, step: int, now_ms: int) -> None:
        moment = standing.plan, standing.escalation, clock, step, now_ms
        standing.escalation = reached_nobody(*moment)
        self.events.append(Event(case.id, "unreached", now_ms, {"clock": clock, "step": step}))

    def clock_set_back(
        self, cases: Mapping[str, Case], back_ms: int, ledger: Ledger, now_ms: int
    ) -> None:
        """The clock lost so much: a plan that counts from a moment yet to come would be silent."""
        for case_id, standing in self._standings.items():
            after = set_back(standing.escalation, cases[case_id], back_ms, now_ms)
            if after != standing.escalation:
                standing.escalation = after
                ledger.escalations[case_id] = standing.row(case_id)
                self._set_alarm(case_id)

    # -- word from the deliverer -----------------------------------------------------------------

    def unreached(
        self, case: Case, clock: str, step: int, contact: str, ledger: Ledger, now_ms: int
    ) -> None:
        """No way to this contact worked. When that is so of all of a step, the next one comes."""
        standing = self._standings.get(case.id)
        waiting = None if standing is None else standing.waiting.get(_step(clock, step))
        if standing is None or waiting is None or contact not in waiting:
            return
        waiting.remove(contact)
        if not waiting:
            self._missed(case, standing, clock, step, now_ms)
        self._keep(case, standing, ledger)

    def take_events(self) -> list[Event]:
        """What came about since the last call."""
        events, self.events = self.events, []
        return events


def _follow(escalation: Escalation, case: Case, what: str) -> Escalation:
    if what == "shelve" and case.shelved_until_ms is not None:  # and then from the beginning
        return replace(escalation, since_ms=case.shelved_until_ms, taken=(), ahead_ms=0)
    if what == "unmuted":  # nobody was told so far
        return replace(escalation, since_ms=case.changed_ms)
    return follow(escalation, case)
