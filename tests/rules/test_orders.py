"""Work orders, purely: what proves them, how urgent they are, and that nothing else closes them."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from device_drivers.reading import Reading, Value
from rules import condition as c
from rules.case import (
    IMAGINED,
    Act,
    Case,
    NotAllowed,
    act,
    ended,
    fallen_open,
    is_proved,
    proved,
    reported_again,
    shows,
)
from rules.facts import DeviceFacts
from rules.finding import Finding
from rules.loader import COMMUNITY, load
from rules.notice import Reason, reason
from rules.order import OrderTables, condition_words, depends_on, filled
from rules.order_reader import COMMUNITY_ORDERS, load_orders
from rules.proof import (
    DEVICE,
    GROWS,
    REPORTS,
    RULE,
    SAYS,
    SIGNATURE,
    Proof,
    Shown,
    Work,
    look,
    proof_of,
)
from rules.rule import Rule

TABLES = load_orders([COMMUNITY_ORDERS])
ORDER = replace(
    IMAGINED, rule="battery-low", key="d1", device="d1", severity="notice", priority=3,
    category="maintenance", place="b3/u1", raised_at_ms=1_000, heard_at_ms=1_000,
)  # fmt: skip
H = 3_600_000


def done(what: str, by: str = "li", at_ms: int = 2_000, **more: Any) -> Act:
    """An act."""
    return Act(what, by, at_ms, seq=at_ms, **more)


def over(at_ms: int) -> Finding:
    """The alert ends."""
    rule = Rule(
        "battery-low", c.Below("battery", 15, 20), severity="notice", category="maintenance"
    )
    return Finding("closes", rule, "d1", "d1", at_ms, 1_000, at_ms, 9, 96.0, "好了", "well")


# -- the machine ----------------------------------------------------------------------------------


def test_accept_on_site_done_and_the_device_shows_it() -> None:
    """The circle of an order; the proof closes it in nobody's name."""
    case = act(ORDER, done("answer"))
    case = act(case, done("arrive", at_ms=3_000, scanned="d1", base=7.0))
    assert case.work == Work(3_000, 3_000, 7.0)
    case = act(case, done("done", at_ms=4_000, wait_ms=H))
    assert (case.state, case.done_by, case.proof_until_ms) == ("dealt_with", "li", 4_000 + H)
    case = shows(case, Shown(3_500, "battery", 96.0), 4_100)
    assert not is_proved(case), "its alert is not over"
    case = ended(case, over(3_500))
    assert is_proved(case)
    after = proved(case, 4_100)
    assert (after.state, after.closed_by, after.outcome, after.active) == (
        *("closed", None, "mended"),
        False,
    )
    assert reason(case, after, "proved") is Reason.CLOSED


def test_it_falls_open_again_as_everybodys_and_more_urgent() -> None:
    """Nothing of the work is left but that it was tried."""
    case = act(act(ORDER, done("answer")), done("done", wait_ms=H))
    after = fallen_open(case, 9_000)
    nothing = (after.answered_by, after.done_at_ms, after.work, after.proof_until_ms, after.outcome)
    assert nothing == (None,) * 5
    assert (after.state, after.priority, after.reopened) == ("raised", 2, 1)
    assert reason(case, after, "reopened") is Reason.REOPENED
    assert fallen_open(replace(after, priority=1), 9_001).priority == 1


@pytest.mark.parametrize(
    ("acts", "code"),
    [
        ([done("close", outcome="mended")], "proof_needed"),
        ([done("sign")], "wrong_state"),
        ([done("done"), done("done")], "wrong_state"),
        ([done("done"), done("sign")], "second_person_needed"),
        ([done("done"), done("close", outcome="mended")], "second_person_needed"),
        ([done("done", phone="duty"), done("sign", by="duty")], "second_person_needed"),
        ([done("done"), done("sign", by="wang", phone="li")], "second_person_needed"),
        ([done("arrive", scanned="d2", scanned_place="b3/u2")], "wrong_code"),
        ([done("note", text="x", outcome="mended"), done("sign")], "second_person_needed"),
    ],
)
def test_what_an_order_does_not_allow(acts: list[Act], code: str) -> None:
    """Each in words of both languages."""
    *before, last = acts
    case = ORDER
    for one in before:
        case = act(case, one)
    with pytest.raises(NotAllowed) as caught:
        act(case, last)
    assert caught.value.code == code
    assert caught.value.zh
    assert caught.value.en


def test_a_photo_is_a_note_without_a_word() -> None:
    """In a cellar nobody types."""
    case = act(ORDER, done("note", more={"photos": ["0" * 32]}))
    assert case.changed_ms == 2_000
    with pytest.raises(NotAllowed, match=r"\(text\)"):
        act(ORDER, done("note", more={"parts": []}))


def test_an_emergency_that_is_an_order_ends_after_a_call_and_never_by_its_device() -> None:
    """A lift that runs again says nothing of whoever was in it."""
    stuck = replace(ORDER, severity="emergency", category="fault", active=False)
    case = shows(act(stuck, done("done", wait_ms=H)), Shown(3_000), 3_000)
    assert not is_proved(case)
    with pytest.raises(NotAllowed, match="called back"):
        act(case, done("sign", by="wang"))
    called = act(case, done("confirm", by="wang", at_ms=4_000))
    assert act(called, done("sign", by="wang", at_ms=5_000)).is_closed


def test_an_order_that_was_called_back_first_can_still_be_done() -> None:
    """Else nothing could close it: it is not proved, and nobody did it."""
    case = act(ORDER, done("confirm"))
    case = act(case, done("done", at_ms=3_000))
    assert (case.state, case.done_by) == ("called_back", "li")
    assert act(case, done("sign", by="wang", at_ms=4_000)).is_closed
    old = replace(ORDER, state="dealt_with", answered_by="li")
    assert act(old, done("note", text="x", outcome="mended")).done_by == "li"


def test_what_is_no_order_is_never_done_or_signed() -> None:
    """Emergencies go their own way."""
    for what in ("done", "sign"):
        case = IMAGINED if what == "done" else replace(IMAGINED, state="dealt_with")
        with pytest.raises(NotAllowed, match="no work order"):
            act(case, done(what))


def test_an_order_without_a_device_is_at_its_place() -> None:
    """Any code of that place will do, and none of another."""
    ground = replace(ORDER, device=None, place="g1")
    assert act(ground, done("arrive", scanned="gym-1", scanned_place="g1/east")).work is not None
    for place in ("g10", "b3", None):
        with pytest.raises(NotAllowed):
            act(ground, done("arrive", scanned="gym-1", scanned_place=place))


def test_who_reports_it_again_says_that_it_is_not_mended() -> None:
    """What was thought to be done goes back to who has it."""
    case = act(act(ORDER, done("answer")), done("done"))
    after = reported_again(case, 9_000)
    assert (after.state, after.times, after.done_at_ms, after.answered_by) == (
        *("answered", 2),
        *(None, "li"),
    )
    assert reported_again(ORDER, 9_000).state == "raised"


MOMENTS = st.integers(1_001, 1_020)
EVENTS = st.one_of(
    st.tuples(
        st.just("act"),
        st.sampled_from(["answer", "arrive", "scan", "done", "note", "close", "sign", "release"]),
        st.sampled_from(["li", "wang"]),
    ),
    st.tuples(st.just("shows"), MOMENTS, st.booleans()),
    st.tuples(st.just("ends"), MOMENTS, st.none()),
    st.tuples(st.just("late"), st.none(), st.none()),
    st.tuples(st.just("again"), st.none(), st.none()),
)


@given(st.lists(EVENTS, max_size=30))
@effort(max_examples=400, deadline=None)
def test_no_acts_and_readings_close_an_order_without_proof_or_a_second_person(
    history: list[Any],
) -> None:
    """By any way: the device has shown it since the work began, or somebody else has signed."""
    case, worker, began = ORDER, None, None
    proof = Proof(SAYS, ("battery",), above=20, within_ms=H)
    for now, (what, first, second) in enumerate(history, 1_001):
        before = case
        if what == "act":
            case = _try(case, _act_of(first, second, now))
        elif what == "shows":
            case = _hear(case, proof, Reading("battery", 96.0 if second else 12.0, first), now)
        elif what == "ends":
            case = ended(case, over(first))
        elif what == "late" and case.done_at_ms is not None and not case.is_closed:
            case = fallen_open(case, now)
        elif what == "again" and not case.is_closed:
            case = reported_again(case, now)
        if is_proved(case):
            case = proved(case, now)
        worker, began = before.done_by or case.done_by, before.work_since_ms or case.work_since_ms
        if case.is_closed:
            _check_end(before, case, worker, began)
            return


def _act_of(what: str, by: str, now: int) -> Act:
    more: dict[str, Any] = {"outcome": "mended", "text": "x", "wait_ms": H}
    if what == "scan":
        return Act("arrive", by, now, seq=now, scanned="d1")
    return Act(what, by, now, seq=now, **more)


def _try(case: Case, one: Act) -> Case:
    try:
        return act(case, one)
    except NotAllowed:
        return case


def _hear(case: Case, proof: Proof, reading: Reading, now: int) -> Case:
    if case.work is None or case.is_closed:
        return case
    shown, _ = look(proof, case.work, now, now, (reading,))
    return case if shown is None else shows(case, shown, now)


def _check_end(before: Case, case: Case, worker: str | None, began: int | None) -> None:
    if case.closed_by is not None and worker is not None:
        assert case.closed_by != worker
    elif worker is not None:
        assert case.shown_at_ms is not None
        assert began is not None
        assert case.shown_at_ms >= began
        assert not case.active
    else:  # nobody has worked: the device was well by itself
        assert not before.active or not case.active


# -- proofs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "kind", "well", "unwell"),
    [
        (c.Below("battery", 15, 20), SAYS, 21, 20),
        (c.Above("temperature", 8, 7.5), SAYS, 7, 7.5),
        (c.Equals("tamper", (True,)), SAYS, False, True),
        (c.Every("uses", 100), GROWS, 11, 10),
        (c.Rises("uses", 1, H, less=True), GROWS, 11, 10),
        (c.AllOf((c.Still("uses", H), c.Rises("uses", 1, H, less=True))), GROWS, 11, 9),
    ],
)
def test_the_condition_of_the_rule_says_what_proves_it(
    when: c.Condition, kind: str, well: Value, unwell: Value
) -> None:
    """The limit that closes its alert, not the one that opens it."""
    proof = proof_of(Proof(DEVICE, within_ms=H, silences=2), when)
    assert (proof.kind, proof.within_ms, proof.silences) == (kind, H, 2)
    [point] = proof.points
    work = Work(1_000, 5, 10.0)
    assert look(proof, work, 6, 1_000, (Reading(point, well, 1_000),))[0] is not None
    assert look(proof, work, 6, 1_000, (Reading(point, unwell, 1_000),))[0] is None
    assert look(proof, work, 6, 1_000, (Reading(point, well, 999),))[0] is None
    assert look(proof, work, 5, 1_000, (Reading(point, well, 1_000),))[0] is None


def test_what_no_device_can_show_is_signed() -> None:
    """An event, a trouble of no rule; of a group the rule itself tells."""
    assert proof_of(Proof(DEVICE), c.Happens("press", ("sos",))).kind == SIGNATURE
    assert proof_of(Proof(DEVICE), None).kind == SIGNATURE
    assert proof_of(Proof(RULE), None).kind == SIGNATURE
    assert proof_of(Proof(SIGNATURE), c.Silent(None)) == Proof(SIGNATURE)
    assert proof_of(Proof(REPORTS, within_ms=H), None).kind == REPORTS
    together = c.Together(c.Where(), 2, H, "grid", c.Silent(None))
    assert proof_of(Proof(REPORTS, within_ms=H), together) == Proof(RULE, within_ms=H)
    assert proof_of(Proof(DEVICE), c.Changes("online", 6, H)).kind == RULE


def test_a_sign_of_life_is_a_report_from_its_arrival_on() -> None:
    """A device that says nothing but that it lives."""
    proof, work = Proof(REPORTS, within_ms=H), Work(1_000, 5)
    assert look(proof, work, 6, 1_001, ())[0] == Shown(1_001)
    assert look(proof, work, 6, 1_001, (Reading("rssi", -80, 900),))[0] is None


def test_uses_of_before_the_work_that_come_late_are_no_proof() -> None:
    """The base moves along; a repetition is more by itself."""
    proof, work = Proof(GROWS, ("uses",)), Work(1_000, 5, 100.0)
    shown, work = look(proof, work, 4, 1_000, (Reading("uses", 105, 950),))
    assert (shown, work.base) == (None, 105.0)
    shown, work = look(proof, work, 8, 1_000, (Reading("uses", 107, 990),))
    assert (shown, work.base) == (None, 107.0)
    assert look(proof, work, 9, 1_000, (Reading("uses", 107, 1_001),))[0] is None
    assert look(proof, work, 9, 1_000, (Reading("uses", 108, 1_001),))[0] is not None
    assert look(proof, work, 9, 1_000, (Reading("rep", 1, 1_001),))[0] is not None
    shown, first = look(proof, Work(1_000, 5), 6, 1_000, (Reading("uses", 3, 1_001),))
    assert (shown, first.base) == (None, 3.0)


def test_the_wait_is_the_longer_of_a_figure_and_the_expected_silences() -> None:
    """A meter that speaks weekly has weeks."""
    proof = Proof(REPORTS, within_ms=H, silences=2)
    assert (proof.wait_ms(10), proof.wait_ms(H)) == (H, 2 * H)


# -- tables ---------------------------------------------------------------------------------------

COMMON = {
    "duty-phone-silent",
    "channel-fails",
}


def test_every_rule_of_the_community_for_crews_has_its_trouble() -> None:
    """But for those of the hub's own parts."""
    without = set()
    for rule in load([COMMUNITY]).rules:
        family = (*rule.where.family, None)[0]
        for_crews = rule.category in ("fault", "maintenance")
        if for_crews and TABLES.trouble_of(rule.when, family) is None:
            without.add(rule.name)
    assert without == COMMON


def test_every_trouble_that_is_reported_stands_at_some_device() -> None:
    """Every family of ours has something to report, and `other` in the end."""
    for family in ("button", "door", "counter", "gateway"):
        assert [one.name for one in TABLES.offered(family)][-1] == "other"
        assert all(one.icon for one in TABLES.offered(family))


def test_whoever_depends_on_it_makes_it_urgent() -> None:
    """A button of somebody who lives alone first."""
    alone = DeviceFacts("b", "button", resident_tags=frozenset({"lives-alone"}))
    assert depends_on(alone) == "alone_button"
    assert depends_on(replace(alone, resident_tags=frozenset())) == "button"
    assert depends_on(replace(alone, family="phone")) is None
    assert depends_on(None) is None
    rows = [
        (("notice", "alone_button", "silent"), 1),
        (("notice", "alone_button", "battery-low"), 2),
        (("notice", "button", "silent"), 2),
        (("notice", "button", "battery-low"), 3),
        (("urgent", None, None), 1),
        (("warning", "counter", "silent"), 2),
        (("notice", "counter", "machine-loose"), 3),
        (("notice", "counter", "counts-wrong"), 4),
    ]
    assert [TABLES.priority_of(*given) for given, _ in rows] == [wanted for _, wanted in rows]
    assert OrderTables().priority_of("urgent", None, None) == 4


def test_texts_name_what_is_known_of_the_device_and_are_left_out_else() -> None:
    """A battery by its kind, or the general words."""
    bring = TABLES.troubles["battery-low"].bring
    assert filled(bring, cell="ER14505")[0] == ("电池 ER14505", "battery ER14505")
    assert filled(bring)[0].zh.startswith("与设备匹配")


def test_the_words_of_a_condition() -> None:
    """Of its parts, and of the group."""
    parts = c.AllOf((c.Still("uses", H), c.Rises("uses", 1, H, less=True)))
    assert condition_words(parts) == {"still_for", "rises_less_than"}
    together = c.Together(c.Where(), 2, H, "grid", c.Silent(None))
    assert condition_words(together) == {"together", "silent_for"}
