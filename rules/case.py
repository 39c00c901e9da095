"""A case: what people do about an alert. A table of states; nobody but a person ends an emergency.

raised → answered → dispatched → on_site → dealt_with → called_back → closed, with short ways: one
who is on the spot need not be dispatched, a false press need not be called back.
接警 → 派单 → 到场 → 处置 → 回访.

A case of a fault or of maintenance is a work order: raised → answered (accepted) → on_site →
dealt_with (done, and to be proved) → closed, when the device itself has shown it or a second
person has signed; else it falls open again.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rules.facts import DeviceFacts
from rules.proof import Shown, Work

if TYPE_CHECKING:
    from rules.finding import Finding

RAISED, ANSWERED, DISPATCHED, ON_SITE = "raised", "answered", "dispatched", "on_site"
DEALT_WITH, CALLED_BACK, CLOSED = "dealt_with", "called_back", "closed"
STATES = (RAISED, ANSWERED, DISPATCHED, ON_SITE, DEALT_WITH, CALLED_BACK, CLOSED)

# What a person may say was the matter. `ended_by_itself` is said by nobody: see `ended`.
OUTCOMES = ("real_need", "mistake", "test", "mended", "no_fault_found", "other")
MENDED = "mended"
ENDED_BY_ITSELF = "ended_by_itself"
TAKEN_BACK = "taken_back"
ENDS_BY_ITSELF = ("warning", "notice")  # severities

WORK = ("fault", "maintenance")  # categories whose cases are work orders

TEXT_CHARACTERS_MAX = 4_000


class NotAllowed(Exception):
    """An act that this case does not allow now; `code` for programs, the texts for people."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        super().__init__(en)
        self.code = code
        self.zh = zh
        self.en = en


@dataclass(frozen=True, slots=True)
class Act:
    """What a person does; `what` is one of `ACTS`."""

    what: str
    by: str
    at_ms: int
    text: str | None = None
    to: str | None = None
    outcome: str | None = None
    until_ms: int | None = None
    reason: str | None = None
    called_back: bool = False  # `close`: the resident was called back, too
    phone: str | None = None  # the shared phone on which it was done
    seq: int = 0  # its number in the journal
    # Of a work order. `arrive`: the device whose code was scanned, and where it hangs.
    scanned: str | None = None
    scanned_place: str | None = None
    base: float | None = None  # what its counter had counted until then
    wait_ms: int | None = None  # `done`: how long the device's proof is waited for; None: none
    more: dict[str, Any] | None = None  # for the story: parts, photos, when the phone says it was
    expected_version: int | None = None  # refused if the case is at another one by now


@dataclass(frozen=True, slots=True)
class Case:
    """One case as it stands. `version` grows with every change."""

    id: str
    rule: str
    key: str
    device: str | None
    family: str | None
    severity: str
    category: str
    response: str
    place: str | None
    grid: str | None
    resident_id: str | None
    title_zh: str
    title_en: str
    why_zh: str
    why_en: str
    state: str
    active: bool
    times: int
    raised_at_ms: int
    heard_at_ms: int
    version: int
    changed_ms: int
    answered_at_ms: int | None = None
    answered_by: str | None = None
    dispatched_at_ms: int | None = None
    dispatched_to: str | None = None
    arrived_at_ms: int | None = None
    called_back_at_ms: int | None = None
    closed_at_ms: int | None = None
    closed_by: str | None = None
    outcome: str | None = None
    shelved_until_ms: int | None = None
    shelved_reason: str | None = None
    shelved_by: str | None = None
    handed_to: str | None = None  # 120, 119: the public service that has it now
    handed_at_ms: int | None = None
    called_seq: int | None = None  # the journal entry and the moment of the newest press
    called_at_ms: int | None = None
    cancelled_at_ms: int | None = None  # it was followed by a "cancel"; a person asks all the same
    muted: str | None = None  # why nobody is told: see rules/mute.py
    # Of a work order: see rules/order.py and rules/proof.py.
    priority: int | None = None  # 1 first
    trouble: str | None = None
    depends: str | None = None  # who depends on the device
    work_since_ms: int | None = None  # what the device says since then counts as proof
    work_seq: int | None = None
    work_base: float | None = None
    done_at_ms: int | None = None
    done_by: str | None = None
    done_phone: str | None = None
    shown_at_ms: int | None = None  # when the device said what shows it
    shown: str | None = None  # what it said: "battery 96"
    proof_until_ms: int | None = None
    reopened: int = 0  # how often the proof did not come

    @property
    def is_order(self) -> bool:
        """A work order: only proof or a second person ends it."""
        return self.category in WORK

    @property
    def work(self) -> Work | None:
        """The work that a proof must be newer than; None: nobody has begun."""
        if self.work_since_ms is None or self.work_seq is None:
            return None
        return Work(self.work_since_ms, self.work_seq, self.work_base)

    @property
    def has_rule(self) -> bool:
        """Did a rule raise it? Orders that people report or inspections bring have no alert."""
        return not self.rule.startswith("@")

    @property
    def is_closed(self) -> bool:
        """Nothing more is done about it."""
        return self.state == CLOSED

    @property
    def is_emergency(self) -> bool:
        """Somebody may need help: only a person who has spoken with them ends it."""
        return self.severity == "emergency"


# An emergency about nobody, raised at moment 0: for plans that are tried before they are needed.
IMAGINED = Case(
    id="C-0",
    rule="",
    key="",
    device=None,
    family=None,
    severity="emergency",
    category="emergency",
    response="",
    place=None,
    grid=None,
    resident_id=None,
    title_zh="",
    title_en="",
    why_zh="",
    why_en="",
    state=RAISED,
    active=True,
    times=1,
    raised_at_ms=0,
    heard_at_ms=0,
    version=1,
    changed_ms=0,
)


# ---------------------------------------------------------------------- what people do

# From which states an act is allowed, and where it leads; None: it changes no state.
# A second answer, dispatch or arrival is looked at by the act itself.
_OPEN = STATES[:-1]
TABLE: dict[str, tuple[tuple[str, ...], str | None]] = {
    "answer": (_OPEN, ANSWERED),
    "dispatch": ((RAISED, ANSWERED, DISPATCHED), DISPATCHED),
    "arrive": ((RAISED, ANSWERED, DISPATCHED, ON_SITE), ON_SITE),
    "note": (STATES, None),
    "confirm": (_OPEN, CALLED_BACK),
    "close": (_OPEN, CLOSED),
    "shelve": (_OPEN, None),
    "release": (STATES[1:-1], RAISED),
    "hand_over": (_OPEN, ANSWERED),  # whoever called 120 has it in hand
    "take_over": (STATES[1:-1], None),
    "done": (_OPEN, DEALT_WITH),  # of a work order, once
    "sign": ((DEALT_WITH, CALLED_BACK), CLOSED),
}
ACTS = tuple(TABLE)


def act(case: Case, done: Act) -> Case:
    """The case after the act; the same case if it says nothing new. Raises `NotAllowed`."""
    if done.what not in TABLE:
        raise NotAllowed(
            "unknown_act", f"没有这个操作：{done.what}", f"There is no act {done.what!r}."
        )
    allowed, after = TABLE[done.what]
    if case.state not in allowed:
        raise _wrong_state(case, done)
    if done.expected_version not in (None, case.version):
        raise _changed_since(case, done)
    changed = _DO[done.what](case, done)
    if changed is case:
        return case
    state = changed.state if after is None or _stands(case.state, after) else after
    return _changed(changed, done.at_ms, state=state)


def _stands(state: str, after: str) -> bool:
    """A late answer does not send people back who are on the spot; who gives it back goes."""
    if after == RAISED:
        return state in (DEALT_WITH, CALLED_BACK)
    return STATES.index(state) > STATES.index(after)


def _changed(case: Case, at_ms: int, **values: object) -> Case:
    return replace(case, version=case.version + 1, changed_ms=at_ms, **values)  # type: ignore[arg-type]


def _wrong_state(case: Case, done: Act) -> NotAllowed:
    if case.is_closed:
        who = case.closed_by or ""
        return NotAllowed("closed", f"事件已关闭（{who}）", f"The case is closed already ({who}).")
    return NotAllowed(
        "wrong_state",
        f"当前状态（{case.state}）不能执行“{done.what}”",
        f"A case that is {case.state} does not allow {done.what}.",
    )


def _changed_since(case: Case, done: Act) -> NotAllowed:
    return NotAllowed(
        "changed_since",
        f"事件已有变化：现为第 {case.version} 版，不是第 {done.expected_version} 版",
        f"The case has changed: it is at version {case.version}, not {done.expected_version}.",
    )


def _answer(case: Case, done: Act) -> Case:
    if case.answered_by is None:
        return replace(case, answered_by=done.by, answered_at_ms=done.at_ms)
    if case.answered_by == done.by:
        return case
    raise NotAllowed(
        "already_answered",
        f"{case.answered_by} 已先接警",
        f"{case.answered_by} has answered already.",
    )


def _dispatch(case: Case, done: Act) -> Case:
    to = _needed(done.to, "to", "派给谁", "who is sent")
    if case.dispatched_to == to:
        return case
    case = _answered(case, done)
    return replace(case, dispatched_to=to, dispatched_at_ms=done.at_ms)


def _arrive(case: Case, done: Act) -> Case:
    """By scanning the device's code it also says when the work begins."""
    _check_scan(case, done)
    begins = case.is_order and done.scanned is not None and case.work_since_ms is None
    if case.arrived_at_ms is not None and not begins:
        return case
    case = _answered(case, done)
    if case.arrived_at_ms is None:
        case = replace(case, arrived_at_ms=done.at_ms)
    return _work_begins(case, done) if begins else case


def _check_scan(case: Case, done: Act) -> None:
    if done.scanned is None or done.scanned == case.device:
        return
    here = done.scanned_place or done.scanned
    if case.device is None and _is_within(done.scanned_place, case.place):
        return
    there = case.place or case.device or case.key
    raise NotAllowed(
        "wrong_code",
        f"这里是 {here}（{done.scanned}），工单在 {there}（{case.device or case.key}）",
        f"This is {here} ({done.scanned}), the order is for {there} ({case.device or case.key}).",
    )


def _is_within(place: str | None, above: str | None) -> bool:
    return place is not None and above is not None and f"{place}/".startswith(f"{above}/")


def _work_begins(case: Case, done: Act) -> Case:
    return replace(case, work_since_ms=done.at_ms, work_seq=done.seq, work_base=done.base)


def _note(case: Case, done: Act) -> Case:
    shows_photos = bool((done.more or {}).get("photos"))
    text = (
        done.text or ""
        if shows_photos
        else _needed(done.text, "text", "备注内容", "the note's text")
    )
    if len(text) > TEXT_CHARACTERS_MAX:
        raise NotAllowed(
            "text_too_long",
            f"备注不能超过 {TEXT_CHARACTERS_MAX} 字",
            f"A note has at most {TEXT_CHARACTERS_MAX} characters.",
        )
    if done.outcome is None:
        return replace(case, changed_ms=done.at_ms)
    if case.is_closed:
        raise _wrong_state(case, done)
    if case.is_order:
        if case.state not in TABLE["done"][0]:
            raise _wrong_state(case, done)
        return replace(_done(case, done), state=DEALT_WITH)
    dealt_with = _answered(case, done)
    return replace(dealt_with, outcome=_known_outcome(done.outcome), state=DEALT_WITH)


def _confirm(case: Case, done: Act) -> Case:
    if case.called_back_at_ms is not None:
        return case
    return replace(_answered(case, done), called_back_at_ms=done.at_ms)


def _close(case: Case, done: Act) -> Case:
    outcome = _known_outcome(_needed(done.outcome, "outcome", "处置结果", "the outcome"))
    if done.called_back and case.called_back_at_ms is None:
        case = replace(case, called_back_at_ms=done.at_ms)
    _check_called_back(case)
    if case.is_order:
        _check_proof(case, done)
    case = _answered(case, done)
    return replace(case, closed_at_ms=done.at_ms, closed_by=done.by, outcome=outcome)


def _check_called_back(case: Case) -> None:
    if case.is_emergency and case.called_back_at_ms is None:
        raise NotAllowed(
            "call_back_needed",
            "紧急事件须先回访本人，再关闭",
            "An emergency is closed after the person was called back (called_back).",
        )


# ---------------------------------------------------------------------- work orders


def _done(case: Case, done: Act) -> Case:
    """The work is done, says who did it; from now on the proof is waited for."""
    _check_order(case)
    if case.done_at_ms is not None:
        raise _wrong_state(case, done)
    case = _answered(case, done)
    if case.work is None:  # nobody scanned the code on site: only what comes from now on counts
        case = _work_begins(case, done)
    until_ms = None if done.wait_ms is None else done.at_ms + done.wait_ms
    return replace(
        case,
        done_at_ms=done.at_ms,
        done_by=done.by,
        done_phone=done.phone,
        proof_until_ms=until_ms,
        outcome=_known_outcome(done.outcome or MENDED),
    )


def _sign(case: Case, done: Act) -> Case:
    """A second person has looked at it."""
    _check_order(case)
    if case.done_at_ms is None:
        raise _wrong_state(case, done)
    _check_called_back(case)
    _check_second(case, done)
    outcome = case.outcome if done.outcome is None else _known_outcome(done.outcome)
    return replace(case, closed_at_ms=done.at_ms, closed_by=done.by, outcome=outcome)


def _check_order(case: Case) -> None:
    if not case.is_order:
        zh, en = "这不是工单", "This is no work order."
        raise NotAllowed("no_order", zh, en)


def _check_proof(case: Case, done: Act) -> None:
    """Whoever closes an order that is done signs it; one that is not done the device must show."""
    if case.done_at_ms is not None:
        _check_second(case, done)
    elif case.active:
        raise NotAllowed(
            "proof_needed",
            "工单须先报完工，再由设备证实或另一人签字后关闭",
            "Say first that the work is done; then the device shows it or a second person signs.",
        )


def _check_second(case: Case, done: Act) -> None:
    """Not the one who did it, nor the phone on which that was said without a person's name."""
    same = done.by in (case.done_by, case.done_phone) or done.phone == case.done_by
    if same:
        raise NotAllowed(
            "second_person_needed",
            f"由 {case.done_by} 完工，须另一人签字",
            f"{case.done_by} did it: another person must sign.",
        )


def shows(case: Case, shown: Shown, heard_ms: int) -> Case:
    """The device has said what shows it; whether the order is closed by that: see `is_proved`."""
    if case.shown_at_ms is not None or case.is_closed:
        return case
    return replace(case, shown_at_ms=shown.at_ms, shown=shown.words, changed_ms=heard_ms)


def is_proved(case: Case) -> bool:
    """It is done, the device has shown it, and its alert is over.

    Never of an emergency: a lift that runs again says nothing of whoever was in it.
    """
    open_and_done = not (case.is_closed or case.is_emergency) and case.done_at_ms is not None
    return open_and_done and case.shown_at_ms is not None and not (case.active and case.has_rule)


def proved(case: Case, now_ms: int) -> Case:
    """Closed by what the device showed."""
    return _changed(case, now_ms, state=CLOSED, active=False, closed_at_ms=now_ms)


def fallen_open(case: Case, now_ms: int) -> Case:
    """The proof did not come: it is everybody's again, and more urgent."""
    up = None if case.priority is None else max(1, case.priority - 1)
    case = _nobodys(_not_done(case))
    return _changed(case, now_ms, state=RAISED, priority=up, reopened=case.reopened + 1)


def inspected(case: Case, done: Act, outcome: str) -> Case:
    """What was overdue has been looked at: nothing else can prove it."""
    seen = replace(
        _answered(case, done),
        outcome=outcome,
        shown_at_ms=done.at_ms,
        done_at_ms=done.at_ms,
        done_by=done.by,
    )
    return proved(seen, done.at_ms)


def to_be_signed(case: Case, now_ms: int) -> Case:
    """It was well before the work already, and nothing more will come: a second person signs."""
    return _changed(case, now_ms, proof_until_ms=None)


def reported_again(case: Case, at_ms: int) -> Case:
    """Somebody else reports the same: what was thought to be done is not."""
    state = _before_it_was_done(case)
    case = _not_done(case) if state != case.state else case
    case = _nobodys(case) if state == RAISED else case
    return _changed(case, at_ms, times=case.times + 1, state=state)


def _before_it_was_done(case: Case) -> str:
    """Where a case goes back to that was dealt with too early. Given back: to everybody."""
    if case.state not in (DEALT_WITH, CALLED_BACK):
        return case.state
    if case.answered_by is None:
        return RAISED
    return ON_SITE if case.arrived_at_ms is not None else ANSWERED


_WORK_FIELDS = ("work_since_ms", "work_seq", "work_base")
_PROOF_FIELDS = (
    "done_at_ms",
    "done_by",
    "done_phone",
    "shown_at_ms",
    "shown",
    "proof_until_ms",
    "outcome",
)
_OF_SOMEBODY = (
    "answered_by",
    "answered_at_ms",
    "dispatched_to",
    "dispatched_at_ms",
    "arrived_at_ms",
)


def _not_done(case: Case) -> Case:
    """What was said of the work counts no more."""
    nothing: dict[str, Any] = dict.fromkeys((*_WORK_FIELDS, *_PROOF_FIELDS))
    return replace(case, **nothing)


def _nobodys(case: Case) -> Case:
    nobody: dict[str, Any] = dict.fromkeys(_OF_SOMEBODY)
    return replace(case, **nobody)


def _known_outcome(outcome: str) -> str:
    if outcome not in OUTCOMES:
        raise NotAllowed(
            "unknown_outcome",
            f"处置结果应为：{'、'.join(OUTCOMES)}",
            f"The outcome is one of {', '.join(OUTCOMES)}.",
        )
    return outcome


def _shelve(case: Case, done: Act) -> Case:
    if case.severity == "emergency":
        raise NotAllowed("emergency", "紧急事件不能搁置", "An emergency cannot be put aside.")
    reason = _needed(done.reason, "reason", "搁置原因", "the reason")
    if done.until_ms is None or done.until_ms <= done.at_ms:
        raise NotAllowed(
            "until_needed", "请给出将来的搁置期限", "Say until when, a moment yet to come."
        )
    return replace(case, shelved_until_ms=done.until_ms, shelved_reason=reason, shelved_by=done.by)


def _release(case: Case, done: Act) -> Case:
    """Whoever had it has it no more: its plan begins anew, and everybody may answer.

    What was done stays done: a case that is dealt with waits for the next one to call back.
    """
    if case.answered_by is None:
        return case
    if case.state in (DEALT_WITH, CALLED_BACK):
        return replace(case, answered_by=None)
    return _nobodys(_not_done(case)) if case.is_order else _nobodys(case)


def _take_over(case: Case, done: Act) -> Case:
    """The next one on duty has it now, as it stands; whoever had it has not."""
    if case.answered_by == done.by:
        return case
    return replace(_answered(case, done), answered_by=done.by)


def _hand_over(case: Case, done: Act) -> Case:
    """A public service was called; the case stays ours until somebody has called back."""
    to = _needed(done.to, "to", "转交给谁（如 120）", "to whom it is handed over, such as 120")
    if case.handed_to == to:
        return case
    case = _answered(case, done)
    return replace(case, handed_to=to, handed_at_ms=done.at_ms)


def _answered(case: Case, done: Act) -> Case:
    """Whoever acts on a case has answered it, if nobody has."""
    if case.answered_by is not None:
        return case
    return replace(case, answered_by=done.by, answered_at_ms=done.at_ms)


def _needed(text: str | None, name: str, zh: str, en: str) -> str:
    if text is None or not text.strip():
        raise NotAllowed(f"{name}_needed", f"请填写{zh}", f"Say {en} ({name}).")
    return text


_DO: dict[str, Callable[[Case, Act], Case]] = {
    "answer": _answer,
    "dispatch": _dispatch,
    "arrive": _arrive,
    "note": _note,
    "confirm": _confirm,
    "close": _close,
    "shelve": _shelve,
    "release": _release,
    "hand_over": _hand_over,
    "take_over": _take_over,
    "done": _done,
    "sign": _sign,
}


# ---------------------------------------------------------------------- what findings do


def raise_case(finding: "Finding", facts: DeviceFacts | None, case_id: str) -> Case:
    """A new case for an alert that opens (or for news of one whose case is closed)."""
    rule = finding.rule
    return Case(
        id=case_id,
        rule=rule.name,
        key=finding.key,
        device=finding.device,
        family=None if facts is None else facts.family,
        severity=rule.severity,
        category=rule.category,
        response=rule.response or rule.category,
        place=None if facts is None else facts.place,
        grid=None if facts is None else facts.grid,
        resident_id=None if facts is None else facts.resident,
        title_zh=rule.title_zh or rule.name,
        title_en=rule.title_en or rule.name,
        why_zh=finding.why_zh,
        why_en=finding.why_en,
        state=RAISED,
        active=True,
        times=1,
        raised_at_ms=finding.at_ms,
        heard_at_ms=finding.heard_ms,
        version=1,
        changed_ms=finding.heard_ms,
        called_seq=finding.seq,
        called_at_ms=finding.at_ms,
    )


def again(case: Case, finding: "Finding") -> Case:
    """It happened once more, or the alert opened again: it adds to the open case.

    What was thought to be dealt with is not, and whoever was called back is to be asked again.
    """
    state = _before_it_was_done(case)
    case = _called(case, finding)
    if case.is_order:
        case = _not_done(case)
    case = _nobodys(case) if state == RAISED else case
    news = {"active": True, "times": case.times + 1, "state": state, "outcome": None}
    return _changed(case, finding.heard_ms, called_back_at_ms=None, **news)


def _called(case: Case, finding: "Finding") -> Case:
    """Who pressed after a cancel does call."""
    seq = case.called_seq if finding.seq is None else finding.seq
    at_ms = max(finding.at_ms, _newest_call_ms(case))
    is_cancelled = case.cancelled_at_ms is not None and finding.at_ms < case.cancelled_at_ms
    cancelled_at_ms = case.cancelled_at_ms if is_cancelled else None
    return replace(case, called_seq=seq, called_at_ms=at_ms, cancelled_at_ms=cancelled_at_ms)


def _newest_call_ms(case: Case) -> int:
    return case.raised_at_ms if case.called_at_ms is None else case.called_at_ms


def cancelled(case: Case, at_ms: int, seq: int, heard_ms: int) -> Case:
    """The button that called says "cancel": most likely pressed by mistake, but a person asks.

    Whoever fell on the button, or stands beside somebody who is threatened, can cancel as well.
    A cancel is of the presses before it, by its time and by the order in the journal: after a kill
    the judge hears entries again, and then a press may be known that came after.
    """
    if case.is_closed or seq < (case.called_seq or 0) or at_ms < _newest_call_ms(case):
        return case
    if case.cancelled_at_ms is not None and at_ms <= case.cancelled_at_ms:
        return case
    return _changed(case, heard_ms, cancelled_at_ms=at_ms)


def muted(case: Case, why: str | None, at_ms: int) -> Case:
    """Nobody is told of it from now on, or (None) people are again."""
    return case if case.muted == why else _changed(case, at_ms, muted=why)


def placed(case: Case, facts: DeviceFacts, at_ms: int) -> Case:
    """Its sender was unknown and is registered now: where it hangs and whose it is are known."""
    found = {"place": facts.place, "grid": facts.grid, "resident_id": facts.resident}
    kept = {"place": case.place, "grid": case.grid, "resident_id": case.resident_id}
    news = {name: kept[name] or value for name, value in found.items()}
    return case if news == kept else _changed(case, at_ms, **news)


def ended(case: Case, finding: "Finding") -> Case:
    """The alert is over. A warning or notice that nobody answered is over with it.

    All else stays for a person: an emergency and an urgent matter always, and whatever somebody
    has begun to look after.
    """
    return _over(case, finding.heard_ms, ENDED_BY_ITSELF)


def taken_back(case: Case, finding: "Finding") -> Case:
    """Late news shows that it was never so: as `ended`, with an outcome that says this."""
    return _over(case, finding.heard_ms, TAKEN_BACK)


def rule_gone(case: Case, now_ms: int) -> Case:
    """The rule was removed, and its alert with it: as `ended`."""
    return _over(case, now_ms, ENDED_BY_ITSELF)


def _over(case: Case, heard_ms: int, outcome: str) -> Case:
    if case.is_closed:
        return case
    nobodys = case.answered_by is None and case.done_at_ms is None
    if case.severity in ENDS_BY_ITSELF and nobodys:
        closed = {"state": CLOSED, "closed_at_ms": heard_ms, "outcome": outcome}
        return _changed(case, heard_ms, active=False, **closed)
    if not case.active:
        return case
    confirmed = case.state == ON_SITE and not case.is_order  # of an order somebody says what it was
    state = DEALT_WITH if confirmed else case.state
    return _changed(case, heard_ms, active=False, state=state)
