"""The judge with its cases, without I/O: entries, commands and time go in, rows come out.

What a judge's finding means for people is decided here and in `rules/case.py`: an opening raises a
case or adds to the open one, every change of a case is a row of its story, of the live feed and,
where there is a reason to tell somebody, of the outbox.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy.engine import Connection

from device_drivers.driver import Publication, Sign
from device_drivers.reading import Reading
from hub.canary import DEVICE as CANARY
from hub.canary import Presses
from hub.cases import LIVE, AlertRow, Cases, Ledger, encode, outward, public
from hub.device_facts import CARRIERS
from hub.devices import NATIVE, Devices
from hub.docket_rows import (
    MOMENT_MAX_MS,
    act_of,
    alert_id,
    alert_row,
    log_row,
    missing,
    notice,
    opening,
    problem,
    result,
    showing,
)
from hub.escalations import Escalations, Event
from hub.journal import PRESS, REDECODED, RETAINED, Entry
from hub.orders import Orders, serves
from hub.overrides import Rulings
from hub.own_parts import is_about
from hub.people import devices_out_of_service, roster_of
from hub.reach import UNREACHED
from hub.roll import Roll, Seen
from hub.trials import Trial, row_of
from rules import case as case_machine
from rules.case import Act, Case, NotAllowed
from rules.entry import CaseClosed, ServiceDone
from rules.facts import DeviceFacts
from rules.finding import Finding
from rules.judge import Judge
from rules.mute import OutOfService, why_muted
from rules.notice import reason as reason_to_tell
from rules.proof import Shown
from rules.response import ROLES
from rules.roster import Roster, Shift
from rules.rule import Rule, RuleSet

# Channels that are told of every change of a case, also of one that is no news for people.
EVERY_CHANGE = frozenset({"mqtt"})

# What the person at the button is told, by what was done to the case.
_DOWN: dict[str, Sign] = {
    "raised": "heard",
    "again": "heard",
    "release": "heard",  # whoever was on the way is not any more
    "nobody": "nobody",
    "dispatch": "on_the_way",
    "arrive": "arrived",
    "close": "closed",
}

Show = Callable[[str, Sign], Publication | None]


def show_nothing(_device: str, _sign: Sign) -> None:
    """What a device is shown where nobody knows how."""


class Docket:
    """The judge, the open cases and the register, and what they make of each entry."""

    def __init__(
        self,
        judge: Judge,
        cases: Cases,
        devices: Devices,
        channels: Sequence[str],
        show: Show = show_nothing,
        escalations: Escalations | None = None,
        orders: Orders | None = None,
    ) -> None:
        self.judge = judge
        self.cases = cases
        self.devices = devices
        self.roll = Roll(judge, devices)
        self._channels = channels
        self._show = show
        self._escalations = escalations or Escalations({}, Roster(), (), ())
        self.orders = orders or Orders()
        self.caught_up = True  # nothing that was heard waits to be judged
        self.proof_late_ms = 60_000
        self._rules_seen: RuleSet | None = None
        self.cancels: list[tuple[str, int, int]] = []  # just heard: which button, when, entry
        self._out: dict[str, OutOfService] = {}
        self.now_ms = 0  # when it works, for what was heard of old and is understood only now
        self._presses = Presses()

    def load_cases(self, connection: Connection) -> None:
        """The open cases, and where they stand on their plans."""
        self.cases.load(connection)
        self._escalations.load(connection, self.cases.open)
        self.orders.load(self.cases.open.values())
        self._out = devices_out_of_service(connection)
        self.people_changed(connection)

    def people_changed(self, connection: Connection) -> None:
        """Residents' contacts, grids or shifts may be others now."""
        self._escalations.roster = roster_of(connection, self._escalations.roster)

    # -- devices ---------------------------------------------------------------------------------

    def place_cases(self, seq: int, ledger: Ledger, now_ms: int) -> None:
        """What is open of senders that were unknown learns where they hang: people go there.

        The case stays under the name by which it was raised; the plan goes on in its grid.
        """
        for case in list(self.cases.open.values()):
            device = self.devices.by_address.get(case.device or "")
            if device is not None and device.id != case.device:
                after = case_machine.placed(case, self.roll.facts[device.id], now_ms)
                if after is not case:
                    self._change(case, after, "placed", ledger, seq, now_ms)

    def test(self, entry: Entry, until_ms: int, ledger: Ledger, now_ms: int) -> None:
        """A person begins (or ends) a test of a button: its next press is none that calls."""
        body = entry.body or {}
        device_id, by = str(body.get("device")), str(body.get("by") or "")
        trouble = self._no_test(device_id, by, until_ms, now_ms)
        if trouble is not None:
            ledger.results.append(result(entry.seq, trouble, ok=False))
            return
        if body.get("end") is True:
            until_ms = entry.arrived_ms
        trial = Trial(device_id, entry.seq, by, entry.arrived_ms, until_ms)
        if until_ms > entry.arrived_ms:
            self.devices.trials.begin(trial)
        else:
            self.devices.trials.end(device_id)
        ledger.trials.append(row_of(trial))
        told = {"by": by, "since_ms": trial.since_ms, "until_ms": until_ms}
        ledger.changes.append(
            {
                "kind": "device",
                "key": device_id,
                "body_json": encode({"test": told}),
                "at_ms": now_ms,
            }
        )
        ledger.results.append(result(entry.seq, {"test": told}))

    def _no_test(
        self, device_id: str, by: str, until_ms: int, now_ms: int
    ) -> dict[str, Any] | None:
        device = self.devices.by_id.get(device_id)
        if device is None:
            return problem(
                "no_such_device", f"没有设备 {device_id}", f"There is no device {device_id}."
            )
        if device.family != "button":
            return problem("no_button", "只有呼叫按钮可以测试", "Only a button can be tested.")
        if not by:
            return problem("by_needed", "请说明由谁测试", "Say who tests it.")
        if until_ms <= now_ms:
            zh, en = "测试开始得太晚，请重新开始", "The hub heard of this test too late."
            return problem("too_late", zh, f"{en} Begin it again.")
        return None

    # -- what goes in ----------------------------------------------------------------------------

    def hear(self, entry: Entry) -> None:
        """One entry of the kind reading."""
        seq, _, device_id, arrived_ms, readings, _, _, gateway, flags, _, _, _ = entry
        if device_id is None:
            return
        facts = self.roll.facts.get(device_id)
        if facts is None or (flags & PRESS and not facts.registered and facts.family != "button"):
            self.roll.meet(entry)  # or it turns out to be a button
            facts = self.roll.facts[device_id]
        if device_id == CANARY:
            _, before_ms = self.judge.latest(CANARY).get("press", ("", 0))
            readings = self._presses.hear(entry, before_ms)
        if gateway is not None and facts.gateway != gateway:
            self.judge.move(seq, device_id, gateway, arrived_ms)
            self.roll.facts[device_id] = self.judge.facts_of(device_id)
        retained = bool(flags & RETAINED)
        if flags & PRESS and not retained:
            self._hear_cancel(seq, device_id, readings)
        if flags & REDECODED:  # heard of old, understood now: people are told as of now
            arrived_ms = max(arrived_ms, self.now_ms)
        elif not retained:
            self.roll.seen[device_id] = tuple.__new__(Seen, (arrived_ms, gateway, flags))
        if device_id in self.orders.watched and not retained:
            self.orders.hear(device_id, seq, arrived_ms, readings)
        self.judge.hear(seq, device_id, arrived_ms, readings, retained)

    def change_rules(
        self, rulings: Rulings, entry: Entry, ledger: Ledger, now_ms: int
    ) -> dict[str, list[str]]:
        """Another set is in force; what was added, changed and removed, by name.

        Alerts of a rule that is gone close, and its standings go.
        """
        rules = rulings.files.with_built_in_of(self.judge.rules)
        changes = self.judge.change_rules(rules, entry.seq, entry.arrived_ms)
        self.judge.change_overrides(rulings.own, entry.seq, entry.arrived_ms)
        self.findings(ledger, now_ms)
        self.close_orphans(ledger, now_ms)
        ledger.rules_gone += changes.removed
        return {
            "added": list(changes.added),
            "changed": list(changes.changed),
            "removed": list(changes.removed),
            "reworded": list(changes.reworded),
        }

    def close_orphans(self, ledger: Ledger, now_ms: int) -> list[str]:
        """Alerts of rules that are gone end now; the names of their standings, to be removed."""
        gone = []
        for rule, key, opened_ms in self.judge.orphans:
            ledger.orphans.append((f"{rule}|{key}|{opened_ms}", now_ms))
            gone.append(f"{rule}|{key}")
            case = self.cases.about(rule, key)
            if case is not None:
                after = case_machine.rule_gone(case, now_ms)
                self._change(case, after, "ended", ledger, None, now_ms)
        self.judge.orphans.clear()
        return gone

    def order(self, entry: Entry, case: Case | None, ledger: Ledger, now_ms: int) -> None:
        """One command of a person; `case` is the one it names, if there is one."""
        body = entry.body or {}
        if body.get("act") == "service":
            self.judge.judge(ServiceDone(entry.seq, str(body["device"]), entry.arrived_ms))
            ledger.results.append(result(entry.seq, {}))
            return
        if case is None:
            trouble = problem(
                "no_such_case", "没有这个事件", f"There is no case {body.get('case')}."
            )
            ledger.results.append(result(entry.seq, trouble, ok=False))
            return
        if body.get("act") == "look":
            self._note_look(entry, case, ledger, now_ms)
            return
        if body.get("act") == UNREACHED:
            where = str(body["clock"]), int(body["step"]), str(body["contact"])
            self._escalations.unreached(case, *where, ledger, now_ms)
            ledger.results.append(result(entry.seq, {}))
            return
        try:
            act = self._equipped(act_of(body, entry), case)
            after = case_machine.act(case, act)
            served = self._served(case, after)
            act = replace(act, more={**(act.more or {}), "served": served}) if served else act
        except NotAllowed as refused:
            trouble = problem(refused.code, refused.zh, refused.en)
            ledger.results.append(result(entry.seq, trouble, ok=False))
            return
        self._change(case, after, act.what, ledger, entry.seq, now_ms, act=act)
        ledger.results.append(result(entry.seq, {"case": public(after)}))
        if served:
            self.judge.judge(ServiceDone(entry.seq, str(served), entry.arrived_ms))
        if after.closed_at_ms is not None and case.closed_at_ms is None:
            self._close_alert(case, entry.seq, after.closed_at_ms)

    def _close_alert(self, case: Case, seq: int, at_ms: int) -> None:
        if case.device is not None and case.device not in self.roll.facts:
            # A stranger that has not spoken since the start: its alert waits for it.
            self.roll.know_stranger(case.device, case.family or "")
        self.judge.judge(CaseClosed(seq, case.rule, case.key, at_ms))

    def _note_look(self, entry: Entry, case: Case, ledger: Ledger, now_ms: int) -> None:
        """Somebody has read the resident's card aloud or printed it: the story says who."""
        body = entry.body or {}
        phone = body.get("phone")
        act = Act("look", str(body.get("by")), entry.arrived_ms, phone=phone)
        ledger.log.append(log_row(case, "look", entry.seq, now_ms, act, None, {}))
        ledger.results.append(result(entry.seq, {}))

    # -- people and their phones -----------------------------------------------------------------

    @property
    def due_ms(self) -> int | None:
        """The next moment at which a plan, a shift or a device's rest wants something done."""
        ends = [shift.until_ms for shift in self._escalations.roster.shifts]
        ends += [one.until_ms for one in self._out.values()]
        due = (self._escalations.due_ms, self.orders.due_ms, min(ends, default=None))
        dues = [one for one in due if one]
        return min(dues, default=None)

    def clock_set_back(self, back_ms: int, ledger: Ledger, now_ms: int) -> None:
        """Plans go on by the clock as it is. What people set an end for ends when they said."""
        self._escalations.clock_set_back(self.cases.open, back_ms, ledger, now_ms)

    def ring(self, ledger: Ledger, now_ms: int) -> None:
        """Say what plans say by now; whose shift has ended gives back what is open."""
        for shift in self._escalations.roster.shifts:
            if shift.until_ms <= now_ms:
                self._end_shift(shift, "hub", None, ledger, now_ms)
        for device, one in list(self._out.items()):
            if one.until_ms <= now_ms:
                self._put_back(device, ledger, None, now_ms)
        if self.caught_up:
            self._end_waits(ledger, now_ms)
        for case in self._escalations.ring(self.cases.open, ledger, now_ms):
            self._show_at_device(case, "nobody", ledger, now_ms)
        for event in self._escalations.take_events():
            self._note_event(event, ledger)

    def _note_event(self, event: Event, ledger: Ledger) -> None:
        case = self.cases.open.get(event.case_id)
        if case is None:
            return
        row = log_row(case, event.what, None, event.at_ms, None, None, event.body)
        ledger.log.append(row)
        shown = encode({"what": event.what, **public(case), "call": event.body})
        change = {"kind": "case", "key": case.id, "body_json": shown, "at_ms": event.at_ms}
        ledger.changes.append(change)

    # -- work orders: proofs of their devices ----------------------------------------------------

    def _rule_of(self, case: Case) -> Rule | None:
        return self.judge.rules.named(case.rule)

    def _equipped(self, act: Act, case: Case) -> Act:
        if not case.is_order:
            return act
        proof = self.orders.proof(case, self._rule_of(case))
        base = self.orders.base(proof, self.judge.latest(case.device or ""))
        wait_ms = self._wait_ms(case) if proof.is_of_device else None
        return replace(act, base=base, wait_ms=wait_ms)

    def _wait_ms(self, case: Case) -> int:
        """How long the device's own word is waited for."""
        facts = None if case.device is None else self.roll.facts.get(case.device)
        silence_ms = 0 if facts is None else facts.expected_silence_ms
        return self.orders.proof(case, self._rule_of(case)).wait_ms(silence_ms)

    def _served(self, case: Case, after: Case) -> str | None:
        """The machine whose service is done by this act: its uses count anew from here."""
        is_done = case.done_at_ms is None and after.done_at_ms is not None
        return case.device if is_done and serves(self._rule_of(case)) else None

    def _prove(self, ledger: Ledger, now_ms: int) -> bool:
        """What was heard of devices on which somebody works; was an order closed by it?"""
        any_closed = False
        for case_id, word in self.orders.take_heard():
            case = self.cases.open.get(case_id)
            if case is not None:
                shown, after = self.orders.listen(case, self._rule_of(case), word)
                self._keep_work(case, after, shown, ledger, now_ms)
        for case_id in self.orders.take_touched():
            case = self.cases.open.get(case_id)
            if case is not None and case_machine.is_proved(case):
                done = case_machine.proved(case, now_ms)
                self._change(case, done, "proved", ledger, None, now_ms, act=showing(done))
                self._close_alert(case, self.judge.newest_seq, now_ms)
                any_closed = True
        return any_closed

    def _keep_work(
        self, before: Case, after: Case, shown: Shown | None, ledger: Ledger, now_ms: int
    ) -> None:
        """Not a change of the case that anybody is told, but what must survive a kill."""
        if shown is not None:
            after = case_machine.shows(after, shown, now_ms)
        if after is not before:
            self.cases.keep(after)
            self.orders.changed(after)
            ledger.cases[after.id] = after

    def _end_waits(self, ledger: Ledger, now_ms: int) -> None:
        """The proof did not come: the order falls open again."""
        for case_id in self.orders.ripe(now_ms):
            case = self.cases.open[case_id]
            until_ms = case.proof_until_ms or now_ms
            unheard = case.device in self.judge.explained()
            if unheard or now_ms > until_ms + self.proof_late_ms:
                later = replace(case, proof_until_ms=now_ms + self._wait_ms(case))
                self._keep_work(case, later, None, ledger, now_ms)
            elif not self.orders.proof(case, self._rule_of(case)).can_still_come(case.active):
                after = case_machine.to_be_signed(case, now_ms)
                self._change(case, after, "to_sign", ledger, None, now_ms)
            else:
                after = case_machine.fallen_open(case, now_ms)
                self._change(
                    case, after, "reopened", ledger, None, now_ms, act=missing(after, case)
                )

    # -- work orders of people, inspections and calendars ----------------------------------------

    def raise_order(self, wanted: Case, seq: int, ledger: Ledger, now_ms: int, act: Act) -> Case:
        """An order that no rule raises; `wanted` has everything but its number and urgency."""
        facts = None if wanted.device is None else self.roll.facts.get(wanted.device)
        case = replace(wanted, id=self.cases.next_id())
        case = self.orders.raised(case, None, facts)
        case = replace(case, muted=why_muted(case, self._out, now_ms))
        self._change(None, case, "raised", ledger, seq, now_ms, act=act)
        return case

    def change_order(
        self, before: Case, after: Case, what: str, seq: int, ledger: Ledger, now_ms: int, act: Act
    ) -> None:
        """An order is another one now."""
        self._change(before, after, what, ledger, seq, now_ms, act=act)

    def facts_of(self, device: str) -> DeviceFacts | None:
        """What is known of a device."""
        return self.roll.facts.get(device)

    # -- out of service --------------------------------------------------------------------------

    def rest(self, entry: Entry, ledger: Ledger, now_ms: int) -> None:
        """A person takes a device out of service until a moment, or puts it back before."""
        body = entry.body or {}
        device, until_ms, reason = (body.get(name) for name in ("device", "until_ms", "reason"))
        if body.get("act") == "in_service":
            if device not in self._out:
                trouble = problem("in_service", "设备没有停用", "It is not out of service.")
                ledger.results.append(result(entry.seq, trouble, ok=False))
                return
            self._put_back(str(device), ledger, entry.seq, now_ms)
            ledger.results.append(result(entry.seq, {"device": device}))
            return
        trouble_or_none = self._no_rest(device, until_ms, reason, now_ms)
        if trouble_or_none is not None:
            ledger.results.append(result(entry.seq, trouble_or_none, ok=False))
            return
        one = OutOfService(
            str(device), entry.arrived_ms, int(until_ms or 0), str(reason), str(body.get("by"))
        )
        self._out[one.device] = one
        ledger.out_of_service[one.device] = one._asdict()
        self._tell_rest(one.device, one._asdict(), ledger, now_ms)
        self._mute_cases(one.device, ledger, entry.seq, now_ms)
        ledger.results.append(result(entry.seq, {"device": one.device}))

    def _no_rest(
        self, device: Any, until_ms: Any, reason: Any, now_ms: int
    ) -> dict[str, Any] | None:
        if device not in self.devices.by_id:
            return problem("no_such_device", f"没有设备 {device}", f"There is no device {device}.")
        if not isinstance(reason, str) or not reason.strip():
            return problem("reason_needed", "请填写停用原因", "Say why (reason).")
        if not isinstance(until_ms, int) or not now_ms < until_ms < MOMENT_MAX_MS:
            return problem("until_needed", "请给出将来的恢复时刻", "Say until when (until_ms).")
        return None

    def _put_back(self, device: str, ledger: Ledger, seq: int | None, now_ms: int) -> None:
        del self._out[device]
        ledger.out_of_service[device] = None
        self._tell_rest(device, None, ledger, now_ms)
        self._mute_cases(device, ledger, seq, now_ms)

    def _tell_rest(
        self, device: str, told: dict[str, Any] | None, ledger: Ledger, now_ms: int
    ) -> None:
        change = {"kind": "device", "key": device, "body_json": encode({"out_of_service": told})}
        ledger.changes.append(change | {"at_ms": now_ms})

    def _mute_cases(self, device: str, ledger: Ledger, seq: int | None, now_ms: int) -> None:
        """What is open about it is told no more, or again."""
        for case in list(self.cases.open.values()):
            if case.device == device:
                after = case_machine.muted(case, why_muted(case, self._out, now_ms), now_ms)
                if after is not case:
                    what = "muted" if after.muted else "unmuted"
                    self._change(case, after, what, ledger, seq, now_ms)

    def _hear_cancel(self, seq: int, device_id: str, readings: Iterable[Reading]) -> None:
        for point, value, at_ms, _unit in readings:
            if point == "press" and value == "cancel" and at_ms is not None:
                self.cancels.append((device_id, at_ms, seq))

    def cancel(self, ledger: Ledger, now_ms: int) -> None:
        """Note what was just heard at the calls that came before it, however they were read.

        Were it done for a whole slice at once, a call after the cancel would be taken for
        cancelled when both were read from the disk after a kill.
        """
        self.findings(ledger, now_ms)
        for device_id, at_ms, seq in self.cancels:
            self._cancel(device_id, at_ms, seq, ledger, now_ms)
        self.cancels.clear()

    def _cancel(self, device_id: str, at_ms: int, seq: int, ledger: Ledger, now_ms: int) -> None:
        for case in list(self.cases.open.values()):
            if case.device == device_id and case.is_emergency:
                after = case_machine.cancelled(case, at_ms, seq, now_ms)
                if after is not case:
                    self._change(case, after, "cancelled", ledger, None, now_ms)

    def sign(self, entry: Entry, ledger: Ledger, now_ms: int) -> None:
        """Somebody signs on to a role for a shift, or off before its end."""
        body = entry.body or {}
        by = str(body.get("by") or "")
        if body.get("act") == "sign_off":
            self._sign_off(entry, by, ledger, now_ms)
            return
        role, person, until_ms = body.get("role"), body.get("person"), body.get("until_ms")
        if role not in ROLES or not isinstance(person, str) or not isinstance(until_ms, int):
            trouble = problem("wrong_shift", "值班信息不完整", "A shift needs role, person, end.")
            ledger.results.append(result(entry.seq, trouble, ok=False))
            return
        if until_ms <= now_ms:
            zh, en = "班次已经结束", "This shift would be over already."
            ledger.results.append(result(entry.seq, problem("too_late", zh, en), ok=False))
            return
        shift = Shift(entry.seq, role, body.get("grid"), person, entry.arrived_ms, until_ms, by)
        roster = self._escalations.roster
        self._escalations.roster = replace(roster, shifts=(*roster.shifts, shift))
        given_back = self._take_over(shift, body, ledger, now_ms)
        ledger.shifts.append({**asdict(shift), "ended_ms": None, "ended_by": None})
        ledger.results.append(result(entry.seq, {"shift": shift.id, "given_back": given_back}))

    def _take_over(
        self, shift: Shift, body: Mapping[str, Any], ledger: Ledger, now_ms: int
    ) -> list[str]:
        """The one before goes off duty; what was confirmed stays in hand, the rest goes back.

        Whoever begins a shift was shown what is open: each such case says so in its story.
        """
        before = self._running(body.get("takes_over"))
        if before is not None and (before.role, before.grid) != (shift.role, shift.grid):
            before = None
        named = body.get("confirmed")
        for name in named if isinstance(named, list) else []:
            case = self.cases.open.get(str(name))
            if case is None:
                continue
            mine = before is not None and case.answered_by == before.person != shift.person
            act = Act("take_over" if mine else "seen", shift.person, now_ms, phone=shift.by)
            if mine:
                after = case_machine.act(case, act)
                self._change(case, after, "take_over", ledger, shift.id, now_ms, act=act)
            else:
                ledger.log.append(log_row(case, "seen", shift.id, now_ms, act, None, {}))
        if before is None:
            return []
        return self._end_shift(before, shift.person, shift.id, ledger, now_ms)

    def _running(self, shift_id: Any) -> Shift | None:
        shifts = self._escalations.roster.shifts
        return next((shift for shift in shifts if shift.id == shift_id), None)

    def _sign_off(self, entry: Entry, by: str, ledger: Ledger, now_ms: int) -> None:
        wanted = (entry.body or {}).get("shift")
        shift = self._running(wanted)
        if shift is not None:
            given_back = self._end_shift(shift, by, entry.seq, ledger, now_ms)
            body = {"shift": shift.id, "given_back": given_back}
            ledger.results.append(result(entry.seq, body))
            return
        trouble = problem("no_such_shift", "没有这个班次", f"No shift {wanted} is running.")
        ledger.results.append(result(entry.seq, trouble, ok=False))

    def _end_shift(
        self, shift: Shift, by: str, seq: int | None, ledger: Ledger, now_ms: int
    ) -> list[str]:
        """What somebody had who is on no other shift goes back to the role."""
        roster = self._escalations.roster
        left = tuple(one for one in roster.shifts if one.id != shift.id)
        self._escalations.roster = replace(roster, shifts=left)
        ended = {**asdict(shift), "until_ms": min(shift.until_ms, now_ms)}
        ledger.shifts.append({**ended, "ended_by": by, "ended_ms": now_ms})
        if any(one.person == shift.person for one in left):
            return []
        mine = [case for case in self.cases.open.values() if case.answered_by == shift.person]
        for case in mine:
            after = case_machine.act(case, Act("release", by, now_ms, reason="shift_ended"))
            self._change(case, after, "release", ledger, seq, now_ms)
        return [case.id for case in mine]

    def findings(self, ledger: Ledger, now_ms: int) -> None:
        """What the judge has found since the last call becomes alerts, cases and notices."""
        self._take_findings(ledger, now_ms)
        if self._prove(ledger, now_ms):
            self._take_findings(ledger, now_ms)  # an alert of an event ends with its case

    def _take_findings(self, ledger: Ledger, now_ms: int) -> None:
        for finding in self.judge.take_findings():
            if finding.device == CANARY:
                self._answer_canary(finding, ledger, now_ms)
                continue
            case = None if self._is_quiet(finding) else self._follow(finding, ledger, now_ms)
            ledger.alerts.append(alert_row(finding, None if case is None else case.id))
        self._presses.forget()
        for one in self.judge.take_withdrawn():  # one press of several was none: no news
            ledger.withdrawn.append(alert_id(one.rule, one.key, one.opened_at_ms))

    def _answer_canary(self, finding: Finding, ledger: Ledger, now_ms: int) -> None:
        """No alert, no case: only the answer. With it the press is over, and the next one opens."""
        if finding.seq is None or finding.kind not in {"opens", "again"}:
            return
        answer = self._presses.notice(finding.seq, now_ms)
        ledger.notices += [] if answer is None else [answer]
        about = finding.rule.name, finding.key, finding.at_ms
        self.judge.judge(CaseClosed(finding.seq, *about))

    def _is_quiet(self, finding: Finding) -> bool:
        """A rule on trial tells nobody, but that what it told when it was live is over."""
        if not finding.rule.is_shadow:
            return False
        ends = finding.kind in {"closes", "taken_back"}
        return not ends or self.cases.about(finding.rule.name, finding.key) is None

    def take_rules_changed(self) -> bool:
        """Are other rules in force than at the last call? True at the first."""
        seen, self._rules_seen = self._rules_seen, self.judge.rules
        return seen is not self.judge.rules

    def promote(self, shadows: Iterable[dict[str, Any]], ledger: Ledger, now_ms: int) -> None:
        """Open alerts (rows) of rules that were on trial and are live now are told, once."""
        for row in shadows:
            rule = self.judge.rules.named(row["rule"])
            if rule is None or rule.is_shadow:
                continue
            case = self.cases.about(rule.name, row["key"])
            if case is None:
                finding = opening(rule, row, now_ms)
                case = self._raise(finding)
                self._change(None, case, "raised", ledger, None, now_ms, finding=finding)
            told = {**row, "mode": LIVE, "case_id": case.id}
            ledger.alerts.append(AlertRow(told, ("mode", "case_id")))

    def _follow(self, finding: Finding, ledger: Ledger, now_ms: int) -> Case | None:
        before = self.cases.about(finding.rule.name, finding.key)
        what = _WHAT[finding.kind]
        if before is None and finding.kind in {"closes", "taken_back"}:
            return None  # it ends, and its case was closed by a person before
        if before is None:  # of `again`: a press from before the closing, heard only now
            what, after = "raised", self._raise(finding)
        elif finding.kind in {"opens", "again"}:
            what, after = "again", case_machine.again(before, finding)
        elif finding.kind == "closes":
            after = case_machine.ended(before, finding)
            shown = self.orders.ended(before, finding.rule, finding)
            if shown is not None and not after.is_closed:
                after = case_machine.shows(after, shown, now_ms)
        else:
            after = case_machine.taken_back(before, finding)
        if before is None or after != before:
            self._change(before, after, what, ledger, finding.seq, now_ms, finding=finding)
        return after

    def _raise(self, finding: Finding) -> Case:
        facts = None if finding.device is None else self.roll.facts.get(finding.device)
        case = case_machine.raise_case(finding, facts, self.cases.next_id())
        case = self.orders.raised(case, finding.rule, facts)
        return replace(case, muted=why_muted(case, self._out, finding.heard_ms))

    def _change(
        self,
        before: Case | None,
        after: Case,
        what: str,
        ledger: Ledger,
        seq: int | None,
        now_ms: int,
        *,
        act: Act | None = None,
        finding: Finding | None = None,
    ) -> None:
        self.cases.keep(after)
        self.orders.changed(after)
        ledger.cases[after.id] = after
        ledger.log.append(
            log_row(after, what, seq, now_ms, act, finding, self._behind(after, what))
        )
        shown = encode({"what": what, **public(after)})
        ledger.changes.append(
            {"kind": "case", "key": after.id, "body_json": shown, "at_ms": now_ms}
        )
        reason = reason_to_tell(before, after, what)
        body = {"what": what, **outward(after)}
        if finding is not None:  # what its rule says; why it is so stays in `why_zh`, `why_en`
            body |= {"text_zh": finding.text_zh, "text_en": finding.text_en}
        for channel in self._channels:
            if is_about(after.device, channel):
                continue
            if reason is not None or channel in EVERY_CHANGE:
                ledger.notices.append(notice(after, channel, str(reason or what), body, now_ms))
        self._show_at_device(after, what, ledger, now_ms)
        self._escalations.changed(after, what, reason, ledger)

    def _show_at_device(self, case: Case, what: str, ledger: Ledger, now_ms: int) -> None:
        down = self._down(case, what)
        if down is not None:
            ledger.notices.append(notice(case, "down", what, down, now_ms))

    def _behind(self, case: Case, what: str) -> dict[str, Any]:
        """What the absence of a gateway, or of the site's link, explains and whom it cuts off.

        Without cover is who has a button behind it, and none that is not behind something gone.
        """
        if what not in {"raised", "again"} or case.family not in CARRIERS or case.device is None:
            return {}
        behind, gone = self.judge.behind(case.device), self.judge.explained()
        by_resident: dict[str, list[str]] = {}
        for device in self.devices.by_id.values():
            if device.family == "button" and device.resident_id is not None:
                by_resident.setdefault(device.resident_id, []).append(device.id)
        without_cover = [
            resident
            for resident, buttons in sorted(by_resident.items())
            if not behind.isdisjoint(buttons) and all(button in gone for button in buttons)
        ]
        return {"explained": self._count(behind), "without_cover": without_cover}

    def _count(self, names: Iterable[str]) -> int:
        known = (self.devices.by_id.get(name) for name in names)
        return sum(device is not None and device.family not in CARRIERS for device in known)

    def _down(self, case: Case, what: str) -> dict[str, Any] | None:
        """What the person at the button is told, of a call for help and of nothing else.

        A native device by its name, another one in its driver's words; None: it can show nothing.
        """
        state = _DOWN.get(what)
        called = case.family == "button" and case.category == "emergency"
        if state is None or case.device is None or not called:
            return None
        told = {"case": case.id, "state": state}
        native = self._address_of(case.device)
        if native is not None:
            return {"family": "button", "device": native, **told}
        shown = self._show(case.device, state)
        return None if shown is None else {**told, "topic": shown.topic, "payload": shown.payload}

    def _address_of(self, device_id: str) -> str | None:
        device = self.devices.by_id.get(device_id)
        kind, _, name = (device_id if device is None else device.address).partition(":")
        return name if kind == NATIVE else None

    # -- what pages look at ----------------------------------------------------------------------


_WHAT = {"opens": "raised", "again": "again", "closes": "ended", "taken_back": "taken_back"}


# Which columns a finding changes when its alert is known already.
