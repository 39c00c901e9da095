"""Who is told when: to the second, over kills, until a person has it."""

from dataclasses import replace
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from rules.case import ANSWERED, CLOSED, ON_SITE, RAISED, Case
from rules.during import During
from rules.escalation import (
    OVER,
    Call,
    Escalation,
    advance,
    begin,
    due_ms,
    follow,
    reached_nobody,
)
from rules.response import NOT_ARRIVED, NOT_CLOSED, UNANSWERED, Plan, Step, waking

S = 1_000
MIN = 60 * S
RAISED_MS = 1_772_413_200_000

PLAN = Plan(
    "emergency",
    unanswered=(
        Step(0, ("duty-phone", "desk"), repeat_ms=20 * S, times=3),
        Step(60 * S, ("grid-leader",)),
        Step(120 * S, ("next-grid",)),
    ),
    not_arrived=(Step(15 * MIN, ("answerer", "grid-leader")),),
    not_closed=(Step(60 * MIN, ("desk",)),),
    nobody_after_ms=180 * S,
)


def a_case(state: str = RAISED, **more: object) -> Case:
    raised = Case(
        id="C-1",
        rule="emergency-press",
        key="btn-1",
        device="btn-1",
        family="button",
        severity="emergency",
        category="emergency",
        response="emergency",
        place="b1/101",
        grid="grid-1",
        resident_id="r-1",
        title_zh="",
        title_en="",
        why_zh="",
        why_en="",
        state=state,
        active=True,
        times=1,
        raised_at_ms=RAISED_MS,
        heard_at_ms=RAISED_MS,
        version=1,
        changed_ms=RAISED_MS,
    )
    return replace(raised, **more)  # type: ignore[arg-type]


def play_until(
    plan: Plan, escalation: Escalation, end_ms: int
) -> tuple[Escalation, list[tuple[float, str, int]]]:
    """Ring at every due moment: what was said, as (seconds since it was raised, roles, nth)."""
    said = []
    while (moment := due_ms(plan, escalation)) is not None and moment <= end_ms:
        escalation, calls, nobody = advance(plan, escalation, moment)
        said += [((moment - RAISED_MS) / S, "+".join(call.roles), call.nth) for call in calls]
        if nobody:
            said.append(((moment - RAISED_MS) / S, "nobody", 1))
    return escalation, said


def test_nobody_answers() -> None:
    _, said = play_until(PLAN, begin(a_case()), RAISED_MS + 60 * MIN)
    assert said == [
        (0, "duty-phone+desk", 1),
        (20, "duty-phone+desk", 2),
        (40, "duty-phone+desk", 3),
        (60, "grid-leader", 1),
        (120, "next-grid", 1),
        (180, "nobody", 1),
    ]


def test_an_answer_stops_the_clock_and_starts_the_next_one() -> None:
    escalation, _ = play_until(PLAN, begin(a_case()), RAISED_MS + 30 * S)
    answered = a_case(ANSWERED, answered_at_ms=RAISED_MS + 30 * S, answered_by="wang")
    escalation = follow(escalation, answered)
    assert (escalation.clock, escalation.since_ms) == (NOT_ARRIVED, RAISED_MS + 30 * S)
    escalation, said = play_until(PLAN, escalation, RAISED_MS + 60 * MIN)
    assert said == [(30 + 15 * 60, "answerer+grid-leader", 1)]
    there = replace(answered, state=ON_SITE, arrived_at_ms=RAISED_MS + 20 * MIN)
    escalation, said = play_until(PLAN, follow(escalation, there), RAISED_MS + 90 * MIN)
    assert (escalation.clock, said) == (NOT_CLOSED, [(80 * 60, "desk", 1)])
    over = follow(escalation, replace(there, state=CLOSED))
    assert (over.clock, due_ms(PLAN, over)) == (OVER, None)


def test_who_gives_it_back_starts_it_anew() -> None:
    escalation = Escalation(NOT_ARRIVED, RAISED_MS + 30 * S, nobody=True)
    back = a_case(changed_ms=RAISED_MS + 5 * MIN)
    _, said = play_until(PLAN, follow(escalation, back), RAISED_MS + 6 * MIN)
    assert [said[0], said[-1]] == [(300, "duty-phone+desk", 1), (360, "grid-leader", 1)]


def test_what_fell_due_while_nobody_looked_is_said_at_once_and_once() -> None:
    escalation, calls, nobody = advance(PLAN, begin(a_case()), RAISED_MS + 130 * S)
    assert calls == [
        Call(UNANSWERED, 0, ("duty-phone", "desk"), 1, RAISED_MS),
        Call(UNANSWERED, 0, ("duty-phone", "desk"), 3, RAISED_MS + 20 * S),
        Call(UNANSWERED, 1, ("grid-leader",), 1, RAISED_MS + 60 * S),
        Call(UNANSWERED, 2, ("next-grid",), 1, RAISED_MS + 120 * S),
    ]
    assert not nobody
    assert due_ms(PLAN, escalation) == RAISED_MS + 180 * S, "only that nobody took it is left"


def test_a_step_that_reaches_nobody_brings_the_next_one_at_once_and_all_behind_it() -> None:
    escalation, calls, _ = advance(PLAN, begin(a_case()), RAISED_MS)
    escalation = reached_nobody(PLAN, escalation, UNANSWERED, calls[-1].step, RAISED_MS + S)
    assert due_ms(PLAN, escalation) == RAISED_MS + S
    _, said = play_until(PLAN, escalation, RAISED_MS + 100 * S)
    assert [(at, roles) for at, roles, _ in said if "duty" not in roles] == [
        (1, "grid-leader"),
        (61, "next-grid"),
    ]


def test_the_last_step_has_nothing_to_hurry_nor_has_an_old_one() -> None:
    escalation, _, _ = advance(PLAN, begin(a_case()), RAISED_MS + 130 * S)
    assert reached_nobody(PLAN, escalation, UNANSWERED, 2, RAISED_MS + 131 * S) == escalation
    assert reached_nobody(PLAN, escalation, UNANSWERED, 0, RAISED_MS + 131 * S) == escalation
    assert reached_nobody(PLAN, escalation, NOT_ARRIVED, 0, RAISED_MS + 131 * S) == escalation


STEPS = st.lists(
    st.builds(
        lambda after, repeat, times: (after * S, repeat * S, times if repeat else 1),
        st.integers(0, 900),
        st.integers(0, 60),
        st.integers(1, 5),
    ),
    max_size=6,
).map(
    lambda rows: tuple(
        Step(after, (f"role-{number}",), repeat, times)
        for number, (after, repeat, times) in enumerate(sorted(rows))
    )
)
PLANS = st.builds(
    lambda steps, nobody: Plan("p", unanswered=steps, nobody_after_ms=nobody and nobody * S),
    STEPS,
    st.none() | st.integers(1, 1_200),
)


@given(PLANS, st.lists(st.integers(0, 2_000), max_size=12))
def test_looks_and_kills_in_between_change_nothing(plan: Plan, looks: list[int]) -> None:
    """Looking at due moments says all; more looks, dumped and loaded between, say no more."""
    end_ms = RAISED_MS + 2_000 * S
    _, wanted = play_until(plan, begin(a_case()), end_ms)
    escalation, said = begin(a_case()), []
    for look in sorted(looks):
        escalation, more = play_until(plan, escalation, RAISED_MS + look * S)
        said += more
        escalation, calls, nobody = advance(plan, escalation, RAISED_MS + look * S)
        assert (calls, nobody) == ([], False)
        escalation = Escalation.load(escalation.dump())
    said += play_until(plan, escalation, end_ms)[1]
    assert said == wanted


@given(PLANS, st.integers(0, 2_000))
def test_a_late_look_says_every_step_that_was_due(plan: Plan, look: int) -> None:
    now_ms = RAISED_MS + look * S
    escalation, calls, nobody = advance(plan, begin(a_case()), now_ms)
    due = [number for number, step in enumerate(plan.unanswered) if step.after_ms <= look * S]
    assert sorted({call.step for call in calls}) == due
    assert all(call.due_ms <= now_ms for call in calls)
    assert [call.due_ms for call in calls] == sorted(call.due_ms for call in calls)
    wants_nobody = plan.nobody_after_ms is not None and plan.nobody_after_ms <= look * S
    assert nobody == wants_nobody
    later = due_ms(plan, escalation)
    assert later is None or later > now_ms, "nothing that was due is left"


@given(PLANS, st.data())
def test_if_every_step_reaches_nobody_all_are_told_within_one_look(
    plan: Plan, data: st.DataObject
) -> None:
    escalation, told = begin(a_case()), []
    now_ms = RAISED_MS + data.draw(st.integers(0, 900)) * S
    for _ in plan.unanswered:
        escalation, calls, _ = advance(plan, escalation, now_ms)
        told += [call.step for call in calls if call.nth == 1]
        if not escalation.taken:
            break
        newest = len(escalation.taken) - 1
        escalation = reached_nobody(plan, escalation, UNANSWERED, newest, now_ms)
    if escalation.taken:
        assert told == list(range(len(plan.unanswered))), "each once, in their order"


def test_what_is_due_in_quiet_hours_waits_until_they_are_over() -> None:
    """Raised at nine in the morning of a zone; quiet from half past nine to ten."""
    quiet = During(9 * 60 + 30, 10 * 60)
    steps = (Step(0, ("a",)), Step(40 * MIN, ("b",)), Step(50 * MIN, ("c",)))
    plan = Plan("maintenance", unanswered=steps, quiet=quiet)
    wake = waking(plan, ZoneInfo("Asia/Shanghai"))
    escalation, said = begin(a_case()), []
    while (moment := due_ms(plan, escalation, wake)) is not None:
        escalation, calls, _ = advance(plan, escalation, moment, wake)
        said += [((moment - RAISED_MS) / MIN, call.roles[0]) for call in calls]
    assert said == [(0, "a"), (60, "b"), (60, "c")]
