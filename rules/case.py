"""A case: what people do about an alert. A table of states; nobody but a person ends an emergency.

raised → answered → dispatched → on_site → dealt_with → called_back → closed, with short ways: one
who is on the spot need not be dispatched, a false press need not be called back.
接警 → 派单 → 到场 → 处置 → 回访.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rules.facts import DeviceFacts

if TYPE_CHECKING:
    from rules.finding import Finding

RAISED, ANSWERED, DISPATCHED, ON_SITE = "raised", "answered", "dispatched", "on_site"
DEALT_WITH, CALLED_BACK, CLOSED = "dealt_with", "called_back", "closed"
STATES = (RAISED, ANSWERED, DISPATCHED, ON_SITE, DEALT_WITH, CALLED_BACK, CLOSED)

# What a person may say was the matter. `ended_by_itself` is said by nobody: see `ended`.
OUTCOMES = ("real_need", "mistake", "test", "mended", "no_fault_found", "other")
ENDED_BY_ITSELF = "ended_by_itself"
TAKEN_BACK = "taken_back"
ENDS_BY_ITSELF = ("warning", "notice")  # severities

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
    """What a person does. `what`: answer, dispatch, arrive, note, confirm, close or shelve."""

    what: str
    by: str
    at_ms: int
    text: str | None = None
    to: str | None = None
    outcome: str | None = None
    until_ms: int | None = None
    reason: str | None = None
    called_back: bool = False  # `close`: the resident was called back, too


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

    @property
    def is_closed(self) -> bool:
        """Nothing more is done about it."""
        return self.state == CLOSED


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
    changed = _DO[done.what](case, done)
    if changed is case:
        return case
    state = changed.state if after is None or _stands(case.state, after) else after
    return _changed(changed, done.at_ms, state=state)


def _stands(state: str, after: str) -> bool:
    """A late answer does not send people back who are on the spot."""
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
    if case.arrived_at_ms is not None:
        return case
    case = _answered(case, done)
    return replace(case, arrived_at_ms=done.at_ms)


def _note(case: Case, done: Act) -> Case:
    text = _needed(done.text, "text", "备注内容", "the note's text")
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
    case = _answered(case, done)
    return replace(case, closed_at_ms=done.at_ms, closed_by=done.by, outcome=outcome)


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
    )


def again(case: Case, finding: "Finding") -> Case:
    """It happened once more, or the alert opened again: it adds to the open case.

    What was thought to be dealt with is not.
    """
    before = ON_SITE if case.arrived_at_ms is not None else ANSWERED
    state = before if case.state in (DEALT_WITH, CALLED_BACK) else case.state
    return _changed(case, finding.heard_ms, active=True, times=case.times + 1, state=state)


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
    if case.severity in ENDS_BY_ITSELF and case.answered_by is None:
        closed = {"state": CLOSED, "closed_at_ms": heard_ms, "outcome": outcome}
        return _changed(case, heard_ms, active=False, **closed)
    if not case.active:
        return case
    state = DEALT_WITH if case.state == ON_SITE else case.state  # the device itself confirms
    return _changed(case, heard_ms, active=False, state=state)
