"""The judge with its cases, without I/O: entries, commands and time go in, rows come out.

What a judge's finding means for people is decided here and in `rules/case.py`: an opening raises a
case or adds to the open one, every change of a case is a row of its story, of the live feed and,
where there is a reason to tell somebody, of the outbox.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from hub.cases import AlertRow, Cases, Ledger, encode, outward, public
from hub.devices import NATIVE, Device, Devices, expected_silence_s
from hub.journal import GATEWAY, PRESS, RETAINED, Entry
from hub.outbox import NewNotice
from rules import case as case_machine
from rules.case import Act, Case, NotAllowed
from rules.entry import CaseClosed, ServiceDone
from rules.facts import DeviceFacts
from rules.finding import Finding
from rules.judge import Judge
from rules.notice import reason as reason_to_tell

# Points whose change a page is told of at once; the others it asks for.
_SHOWN = ("contact", "press", "tamper", "online", "battery_low", "vibration")

MOMENT_MAX_MS = 2**53  # what JSON can carry exactly, and every column can keep

# Channels that are told of every change of a case, also of one that is no news for people.
EVERY_CHANGE = frozenset({"mqtt"})

# What the person at the button is told, by what was done to the case.
_DOWN = {
    "raised": "heard",
    "again": "heard",
    "dispatch": "on_the_way",
    "arrive": "arrived",
    "close": "closed",
}


def facts_of(device: Device) -> DeviceFacts:
    """What the rules may know of a registered device."""
    silence_s = expected_silence_s(device.expected_silence_s, device.driver)
    return DeviceFacts(
        id=device.id,
        family=device.family,
        driver=device.driver,
        place=device.place,
        place_zh=device.place_zh,
        place_en=device.place_en,
        grid=device.grid,
        ground=device.ground,
        tags=device.tags,
        resident=device.resident_id,
        resident_tags=device.resident_tags,
        gateway=device.gateway,
        name_zh=device.name_zh,
        name_en=device.name_en,
        known_since_ms=device.added_ms or None,
        expected_silence_ms=silence_s * 1_000,
    )


class Seen(NamedTuple):
    """When something was last heard of a device, and by which gateway."""

    heard_ms: int
    gateway: str | None


class Docket:
    """The judge, the open cases and the register, and what they make of each entry."""

    def __init__(
        self, judge: Judge, cases: Cases, devices: Devices, channels: Sequence[str]
    ) -> None:
        self.judge = judge
        self.cases = cases
        self.devices = devices
        self._channels = channels
        self._facts: dict[str, DeviceFacts] = {}
        self._seen: dict[str, Seen] = {}
        self._shown: dict[str, tuple[Any, ...]] = {}
        self._gone: list[str] = []
        for device in devices.by_id.values():
            self._know(facts_of(device))

    # -- devices ---------------------------------------------------------------------------------

    def _know(self, facts: DeviceFacts) -> None:
        self._facts[facts.id] = facts
        self.judge.know(facts)

    def register_changed(self, known: Iterable[Device]) -> None:
        """Somebody changed the register."""
        gateways = {device: seen.gateway for device, seen in self._seen.items()}
        self.devices.replace(known)
        for device_id in set(self._facts) - set(self.devices.by_id):
            self._forget(device_id)
        for device in self.devices.by_id.values():
            facts = facts_of(device)
            learned = gateways.get(device.id)
            self._know(facts if facts.gateway or not learned else replace(facts, gateway=learned))

    def make_room(self, address: str) -> None:
        """A stranger that is not kept any more: nothing of it stays."""
        for device_id in (address, address.partition(":")[2]):  # a gateway goes by its bare name
            facts = self._facts.get(device_id)
            if facts is not None and not facts.registered:
                self._forget(device_id)

    def _forget(self, device_id: str) -> None:
        del self._facts[device_id]
        self._seen.pop(device_id, None)
        self._shown.pop(device_id, None)
        self.judge.forget(device_id)
        self._gone.append(device_id)

    def take_gone(self) -> list[str]:
        """Devices that were forgotten since the last call: their rows are to be removed."""
        gone, self._gone = self._gone, []
        return gone

    def _meet(self, entry: Entry) -> None:
        """A sender that is not in the register: judged for emergencies only."""
        assert entry.device is not None
        family = "button" if entry.flags & PRESS else "gateway" if entry.flags & GATEWAY else ""
        name = entry.device.removeprefix(f"{NATIVE}:")
        self._know(
            DeviceFacts(
                id=entry.device, family=family, registered=False, name_zh=name, name_en=name
            )
        )

    # -- what goes in ----------------------------------------------------------------------------

    def hear(self, entry: Entry) -> None:
        """One entry of the kind reading."""
        seq, _, device_id, arrived_ms, readings, _, _, gateway, flags, _, _, _ = entry
        if device_id is None:
            return
        facts = self._facts.get(device_id)
        if facts is None or (flags & PRESS and not facts.registered and facts.family != "button"):
            self._meet(entry)  # or it turns out to be a button
        elif gateway is not None and facts.gateway is None:
            self._know(replace(facts, gateway=gateway))
        retained = bool(flags & RETAINED)
        if not retained:
            self._seen[device_id] = tuple.__new__(Seen, (arrived_ms, gateway))
        self.judge.hear(seq, device_id, arrived_ms, readings, retained)

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
        try:
            act = _act(body, entry.arrived_ms)
            after = case_machine.act(case, act)
        except NotAllowed as refused:
            trouble = problem(refused.code, refused.zh, refused.en)
            ledger.results.append(result(entry.seq, trouble, ok=False))
            return
        self._change(case, after, act.what, ledger, entry.seq, now_ms, act=act)
        ledger.results.append(result(entry.seq, {"case": public(after)}))
        if after.closed_at_ms is not None and case.closed_at_ms is None:
            self.judge.judge(CaseClosed(entry.seq, case.rule, case.key, after.closed_at_ms))

    def findings(self, ledger: Ledger, now_ms: int) -> None:
        """What the judge has found since the last call becomes alerts, cases and notices."""
        for finding in self.judge.take_findings():
            case = self._follow(finding, ledger, now_ms)
            ledger.alerts.append(_alert(finding, None if case is None else case.id))
        self.judge.take_withdrawn()  # late news that one press of several was none: no news

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
        else:
            after = case_machine.taken_back(before, finding)
        if before is None or after != before:
            self._change(before, after, what, ledger, finding.seq, now_ms, finding=finding)
        return after

    def _raise(self, finding: Finding) -> Case:
        facts = None if finding.device is None else self._facts.get(finding.device)
        return case_machine.raise_case(finding, facts, self.cases.next_id())

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
        ledger.cases[after.id] = after
        ledger.log.append(_log_row(after, what, seq, now_ms, act, finding))
        shown = encode({"what": what, **public(after)})
        ledger.changes.append(
            {"kind": "case", "key": after.id, "body_json": shown, "at_ms": now_ms}
        )
        reason = reason_to_tell(before, after, what)
        body = {"what": what, **outward(after)}
        for channel in self._channels:
            if reason is not None or channel in EVERY_CHANGE:
                ledger.notices.append(_notice(after, channel, str(reason or what), body, now_ms))
        down = self._down(after, what)
        if down is not None:
            ledger.notices.append(_notice(after, "down", what, down, now_ms))

    def _down(self, case: Case, what: str) -> dict[str, Any] | None:
        """What the person at the button is told, of a call for help and of nothing else."""
        state = _DOWN.get(what)
        address = None if case.device is None else self._address_of(case.device)
        called = case.family == "button" and case.category == "emergency"
        if state is None or address is None or not called:
            return None
        return {"family": "button", "device": address, "case": case.id, "state": state}

    def _address_of(self, device_id: str) -> str | None:
        device = self.devices.by_id.get(device_id)
        kind, _, name = (device_id if device is None else device.address).partition(":")
        return name if kind == NATIVE else None

    # -- what pages look at ----------------------------------------------------------------------

    def latest_rows(self, devices_max: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Rows of `latest` for devices that spoke, and rows of `changes` where a state changed."""
        rows, told = [], []
        for device_id in self.judge.take_changed_devices(devices_max):
            points = self.judge.latest(device_id)
            seen = self._seen.get(device_id, Seen(0, None))
            facts = self._facts.get(device_id)
            gateway = seen.gateway or (facts.gateway if facts else None)
            row = {"device": device_id, "heard_ms": seen.heard_ms, "gateway": gateway}
            rows.append({**row, "points_json": encode(points)})
            shown = tuple(points.get(point) for point in _SHOWN)
            if self._shown.get(device_id) != shown:
                self._shown[device_id] = shown
                body = encode({**row, "points": {name: points[name] for name in points}})
                told.append(
                    {
                        "kind": "device",
                        "key": device_id,
                        "body_json": body,
                        "at_ms": seen.heard_ms,
                    }
                )
        return rows, told

    def seen_before(self, rows: Iterable[Mapping[Any, Any]]) -> None:
        """Take in what an earlier run had written to `latest`."""
        for row in rows:
            self._seen[row["device"]] = Seen(row["heard_ms"], row["gateway"])
            facts = self._facts.get(row["device"])
            if facts is not None and facts.gateway is None and row["gateway"] is not None:
                self._know(replace(facts, gateway=row["gateway"]))


_WHAT = {"opens": "raised", "again": "again", "closes": "ended", "taken_back": "taken_back"}


def _act(body: Mapping[str, Any], at_ms: int) -> Act:
    """The act of a command's body. Raises `NotAllowed` for a field of the wrong kind."""
    words = {name: body.get(name) for name in ("text", "to", "outcome", "reason")}
    until_ms = body.get("until_ms")
    for name, value in words.items():
        if value is not None and not isinstance(value, str):
            raise NotAllowed("wrong_kind", f"{name} 应为文字", f"{name}: expected a text.")
    if until_ms is not None and not (isinstance(until_ms, int) and 0 < until_ms < MOMENT_MAX_MS):
        raise NotAllowed("wrong_kind", "until_ms 应为时刻", "until_ms: expected a moment.")
    return Act(
        what=str(body.get("act")),
        by=str(body.get("by")),
        at_ms=at_ms,
        until_ms=until_ms,
        called_back=body.get("called_back") is True,
        **words,
    )


def result(seq: int, body: dict[str, Any], *, ok: bool = True) -> dict[str, Any]:
    return {"seq": seq, "ok": ok, "body_json": encode(body)}


def problem(code: str, zh: str, en: str) -> dict[str, Any]:
    return {"code": code, "reason_zh": zh, "reason_en": en}


# Which columns a finding changes when its alert is known already.
_ALERT_NEWS = {
    "opens": ("closed_at_ms", "closed_heard_ms", "taken_back", "case_id"),
    "again": ("case_id",),
    "closes": ("closed_at_ms", "closed_heard_ms"),
    "taken_back": ("taken_back",),
}


def _alert(finding: Finding, case_id: str | None) -> AlertRow:
    rule = finding.rule
    # An `again` of an alert that is not known is a call that came too late for the history: over.
    closes = finding.kind in {"closes", "again"}
    row = {
        "id": f"{rule.name}|{finding.key}|{finding.opened_at_ms}",
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
    }
    return AlertRow(row, _ALERT_NEWS[finding.kind])


def _log_row(
    case: Case, what: str, seq: int | None, now_ms: int, act: Act | None, finding: Finding | None
) -> dict[str, Any]:
    at_ms, by, text = now_ms, None, None
    body: dict[str, Any] = {}
    if act is not None:
        at_ms, by, text = act.at_ms, act.by, act.text
        body = {"to": act.to, "outcome": act.outcome, "reason": act.reason}
    if finding is not None:
        at_ms = finding.at_ms
        body = {"value": finding.value, "why_zh": finding.why_zh, "why_en": finding.why_en}
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


def _notice(case: Case, channel: str, reason: str, body: dict[str, Any], now_ms: int) -> NewNotice:
    role = None if channel == "down" else "staff"
    return NewNotice(case.id, channel, reason, encode(body), now_ms, now_ms, role)
