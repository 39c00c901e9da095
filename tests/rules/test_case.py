"""What people do about an alert; nobody but a person ends an emergency."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.case import (
    ACTS,
    OUTCOMES,
    STATES,
    Act,
    Case,
    NotAllowed,
    act,
    again,
    cancelled,
    ended,
    raise_case,
    taken_back,
)
from rules.condition import Happens
from rules.facts import DeviceFacts
from rules.finding import Finding
from rules.notice import Reason, reason
from rules.rule import SEVERITIES, Rule

FACTS = DeviceFacts("d1", "button", place="b3/u1/1204", grid="g3", resident="r7")


def finding(
    severity: str = "emergency", kind: Any = "opens", at_ms: int = 1_000, seq: int = 7
) -> Finding:
    """One, of the rule `sos`."""
    rule = Rule("sos", Happens("press", ("sos",)), severity=severity, category="emergency")
    return Finding(kind, rule, "d1", "d1", at_ms, 1_000, at_ms + 5, seq, "sos", "为何", "why")


def fresh(severity: str = "emergency") -> Case:
    """A case that was just raised."""
    return raise_case(finding(severity), FACTS, "C-000001")


def done(what: str, by: str = "li", at_ms: int = 2_000, **more: Any) -> Act:
    """An act."""
    return Act(what, by, at_ms, **more)


def test_a_case_knows_where_and_whom_it_is_about() -> None:
    """From the finding and the facts of its device."""
    case = fresh()

    assert (case.state, case.active, case.times, case.version) == ("raised", True, 1, 1)
    assert (case.place, case.grid, case.resident_id, case.family) == (
        "b3/u1/1204", "g3", "r7", "button",
    )  # fmt: skip
    assert (case.raised_at_ms, case.heard_at_ms) == (1_000, 1_005)


def test_the_full_circle() -> None:
    """接警 → 派单 → 到场 → 处置 → 回访."""
    case = fresh()
    states = []
    for one in (
        done("answer"),
        done("dispatch", to="grid-3"),
        done("arrive", by="wang"),
        done("note", by="wang", text="helped up", outcome="real_need"),
        done("confirm"),
        done("close", outcome="real_need"),
    ):
        case = act(case, one)
        states.append(case.state)

    assert tuple(states) == STATES[1:]
    assert (case.answered_by, case.dispatched_to, case.closed_by) == ("li", "grid-3", "li")
    assert case.version == 7


def test_two_people_answer_and_the_second_hears_who_was_first() -> None:
    """The same person again changes nothing."""
    case = act(fresh(), done("answer"))

    assert act(case, done("answer", at_ms=3_000)) is case
    with pytest.raises(NotAllowed) as caught:
        act(case, done("answer", by="wang"))
    assert caught.value.code == "already_answered"
    assert "li" in caught.value.zh
    assert "li" in caught.value.en


@pytest.mark.parametrize(
    ("one", "code"),
    [
        (done("close"), "outcome_needed"),
        (done("close", outcome="fine"), "unknown_outcome"),
        (done("close", outcome="mistake"), "call_back_needed"),
        (done("release"), "wrong_state"),
        (done("hand_over"), "to_needed"),
        (done("dispatch"), "to_needed"),
        (done("note", text=" "), "text_needed"),
        (done("note", text="x" * 4_001), "text_too_long"),
        (done("shelve", until_ms=9_000, reason="x"), "emergency"),
        (done("dance"), "unknown_act"),
    ],
)
def test_what_is_not_allowed_says_why_in_two_languages(one: Act, code: str) -> None:
    """A code for programs, a sentence for people."""
    with pytest.raises(NotAllowed) as caught:
        act(fresh(), one)

    assert caught.value.code == code
    assert caught.value.zh
    assert caught.value.en


def test_what_began_from_an_older_state_is_refused_but_a_closed_case_says_who_closed_it() -> None:
    case = act(fresh(), done("answer"))
    sent = act(case, done("dispatch", to="wang", expected_version=case.version))
    with pytest.raises(NotAllowed) as caught:
        act(sent, done("dispatch", to="zhao", expected_version=case.version))
    assert caught.value.code == "changed_since"
    assert sent.dispatched_to == "wang"

    over = act(sent, done("close", outcome="mistake", called_back=True))
    with pytest.raises(NotAllowed) as caught:
        act(over, done("close", outcome="mistake", expected_version=case.version))
    assert caught.value.code == "closed"


def test_a_shelf_needs_a_reason_and_an_end() -> None:
    """Put aside is not forgotten."""
    case = fresh("warning")
    with pytest.raises(NotAllowed, match="moment yet to come"):
        act(case, done("shelve", reason="painters", until_ms=1_999))
    with pytest.raises(NotAllowed, match="reason"):
        act(case, done("shelve", until_ms=9_000))

    shelved = act(case, done("shelve", reason="painters", until_ms=9_000))
    assert (shelved.state, shelved.shelved_by) == ("raised", "li")


def test_a_closed_case_takes_notes_only() -> None:
    """Everything else is refused with the name of who closed it."""
    case = act(fresh(), done("close", outcome="mistake", called_back=True))

    assert act(case, done("note", text="sorry")).state == "closed"
    for what in set(ACTS) - {"note"}:
        with pytest.raises(NotAllowed, match="li"):
            act(case, done(what, outcome="other", to="x", reason="x", until_ms=9_999))


def test_who_gives_it_back_leaves_it_to_everybody() -> None:
    """Raised again, with nobody's name; what was dealt with only waits for the call back."""
    there = act(act(fresh(), done("dispatch", to="grid-3")), done("arrive"))
    back = act(there, done("release", at_ms=3_000))
    assert (back.state, back.answered_by, back.arrived_at_ms) == ("raised", None, None)
    assert act(back, done("answer", by="wang")).answered_by == "wang"

    dealt_with = act(there, done("note", text="helped", outcome="real_need"))
    back = act(dealt_with, done("release"))
    assert (back.state, back.answered_by) == ("dealt_with", None)


def test_a_press_on_a_case_that_nobody_has_any_more_begins_anew() -> None:
    """Dealt with, then given back at the end of a shift: whoever presses now is heard by all."""
    case = act(act(fresh(), done("arrive")), done("note", text="well", outcome="real_need"))
    given_back = act(case, done("release", at_ms=3_000))
    assert (given_back.state, given_back.answered_by) == ("dealt_with", None)

    after = again(given_back, finding(kind="again", at_ms=4_000))
    assert (after.state, after.arrived_at_ms, after.times) == ("raised", None, 2)
    assert again(case, finding(kind="again", at_ms=4_000)).state == "on_site", "li has it"


def test_a_case_that_120_has_is_still_ours() -> None:
    """Handed over, by name and moment; open until somebody has called back."""
    case = act(fresh(), done("hand_over", to="120"))
    assert (case.handed_to, case.handed_at_ms, case.state) == ("120", 2_000, "answered")
    assert case.answered_by == "li", "and whoever did it has answered"


def test_a_cancel_press_ends_nothing() -> None:
    """It is written beside the case; a press after it counts as before."""
    case = cancelled(fresh(), 3_000, 8, 3_005)
    assert (case.cancelled_at_ms, case.state, case.active) == (3_000, "raised", True)
    assert cancelled(case, 3_000, 8, 4_005) is case, "the same once more"
    assert cancelled(fresh(), 500, 8, 3_005).cancelled_at_ms is None, "it was before the press"
    assert cancelled(fresh(), 3_000, 6, 3_005).cancelled_at_ms is None, "it was heard before it"


def test_who_presses_after_a_cancel_calls() -> None:
    case = again(cancelled(fresh(), 3_000, 8, 3_005), finding(kind="again", at_ms=5_000, seq=9))
    assert (case.times, case.cancelled_at_ms) == (2, None)
    assert cancelled(case, 3_000, 8, 6_000).cancelled_at_ms is None, "heard again after a kill"
    assert cancelled(case, 4_000, 10, 6_000).cancelled_at_ms is None, "it comes late"
    assert cancelled(case, 6_000, 10, 6_000).cancelled_at_ms == 6_000
    late = again(cancelled(fresh(), 3_000, 8, 3_005), finding(kind="again", at_ms=2_000, seq=9))
    assert (late.times, late.cancelled_at_ms) == (2, 3_000), "of before the cancel"


@pytest.mark.parametrize("severity", SEVERITIES)
def test_an_alert_that_is_over_ends_a_lesser_case_that_nobody_answered(severity: str) -> None:
    """All else stays for a person."""
    over = ended(fresh(severity), finding(severity, "closes", 5_000))
    answered = ended(act(fresh(severity), done("answer")), finding(severity, "closes", 5_000))

    lesser = severity in ("warning", "notice")
    assert (over.state, over.outcome) == (
        ("closed", "ended_by_itself") if lesser else ("raised", None)
    )
    assert not over.active
    assert answered.state == "answered"


def test_the_device_itself_confirms_what_was_mended() -> None:
    """Over while somebody is on the spot: dealt with. Open again: not so."""
    case = act(act(fresh("urgent"), done("answer")), done("arrive"))
    mended = ended(case, finding("urgent", "closes", 5_000))
    assert mended.state == "dealt_with"

    assert again(mended, finding("urgent", "opens", 6_000)).state == "on_site"


_ACTS = st.builds(
    Act,
    st.sampled_from((*ACTS, "dance")),
    st.sampled_from(("li", "wang")),
    st.integers(0, 10_000),
    text=st.sampled_from((None, "text")),
    to=st.sampled_from((None, "grid-3")),
    outcome=st.sampled_from((None, *OUTCOMES, "fine")),
    until_ms=st.sampled_from((None, 20_000)),
    reason=st.sampled_from((None, "reason")),
    called_back=st.booleans(),
)
_KINDS = st.sampled_from(("opens", "again", "closes", "taken_back"))


@given(st.lists(st.one_of(_ACTS, _KINDS, st.just("cancel")), max_size=40))
def test_nothing_hides_an_emergency_that_nobody_confirmed(steps: list[Act | str]) -> None:
    """Open and unshelved until a person closes it, who has called back after the last press."""
    case, confirmed = fresh(), False
    for step in steps:
        if case.is_closed:
            break
        if isinstance(step, Act):
            try:
                case = act(case, step)
            except NotAllowed:
                continue
            confirmed |= step.what == "confirm" or (step.what == "close" and step.called_back)
        elif step == "cancel":
            case = cancelled(case, 3_000, 8, 3_000)
        else:
            confirmed &= step not in ("opens", "again")
            follow = {"closes": ended, "taken_back": taken_back}.get(step, again)
            case = follow(case, finding("emergency", step, 3_000))
        assert case.shelved_until_ms is None
        if case.is_closed:
            assert (confirmed, case.called_back_at_ms is not None) == (True, True)
            assert case.outcome in OUTCOMES
            assert case.closed_by in ("li", "wang")


@given(st.lists(st.one_of(_ACTS, _KINDS), max_size=30), st.sampled_from(SEVERITIES))
def test_nothing_but_a_persons_close_with_an_outcome_closes_an_emergency(
    steps: list[Act | str], severity: str
) -> None:
    """Whatever people do and the judge finds, in whatever order."""
    case = fresh(severity)
    for step in steps:
        before = case
        if isinstance(step, Act):
            try:
                case = act(case, step)
            except NotAllowed:
                continue
        else:
            follow = {"closes": ended, "taken_back": taken_back}.get(step, again)
            case = follow(case, finding(severity, step, 3_000))
        assert case.version >= before.version
        assert (case.state == "closed") == (case.closed_at_ms is not None)
        if case.is_closed and not before.is_closed and severity in ("emergency", "urgent"):
            assert isinstance(step, Act)
            assert step.what == "close"
            assert case.outcome in OUTCOMES


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("raised", Reason.OPENED),
        ("again", Reason.AGAIN),
        ("ended", Reason.ENDED),
        ("taken_back", Reason.TAKEN_BACK),
        ("answer", Reason.CHANGED),
        ("dispatch", Reason.CHANGED),
        ("arrive", Reason.CHANGED),
        ("confirm", Reason.CHANGED),
        ("close", Reason.CLOSED),
        ("shelve", Reason.SHELVED),
        ("release", Reason.CHANGED),
        ("hand_over", Reason.CHANGED),
        ("cancelled", Reason.CANCELLED),
        ("note", None),
    ],
)
def test_why_people_are_told(what: str, expected: Reason | None) -> None:
    """A note is for those who look at the case."""
    case = fresh("warning")
    before = None if what == "raised" else case

    assert reason(before, replace(case, version=2), what) is expected


def test_what_changed_nothing_is_no_news() -> None:
    """The same person answers again."""
    case = act(fresh(), done("answer"))

    assert reason(case, act(case, done("answer")), "answer") is None


def test_a_shelved_case_is_silent_about_repeats_until_its_time() -> None:
    """And speaks of them after it."""
    case = act(fresh("warning"), done("shelve", reason="painters", until_ms=9_000))

    early, late = (finding("warning", "again", at) for at in (8_000, 9_500))
    assert reason(case, again(case, early), "again") is None
    assert reason(case, again(case, late), "again") is Reason.AGAIN
