"""How often a service is told: never above its limit, and room for emergencies always."""

from hypothesis import given
from hypothesis import strategies as st

from hub.notifiers.limiter import NO_LIMIT, Limiter, Limits, Window

FEISHU = Limits((Window(100, 60.0), Window(5, 1.0)))
WECOM = Limits((Window(20, 60.0),), pause_s=60.0)


@given(st.lists(st.tuples(st.floats(0.0, 3.0), st.booleans()), max_size=300))
def test_no_stretch_of_time_ever_holds_more_than_its_limit(
    asked: list[tuple[float, bool]],
) -> None:
    limiter, now_s, sent = Limiter(FEISHU), 0.0, []
    for step_s, urgent in asked:
        now_s += step_s
        if limiter.wait_s(now_s, urgent=urgent) == 0:
            limiter.take(now_s)
            sent.append(now_s)

    for number, begin_s in enumerate(sent):
        for messages, within_s in FEISHU.windows:
            held = [at_s for at_s in sent[number:] if at_s < begin_s + within_s]
            assert len(held) <= messages


@given(st.lists(st.floats(0.0, 2.0), min_size=1, max_size=200))
def test_lesser_messages_alone_always_leave_room_for_emergencies(steps: list[float]) -> None:
    limiter, now_s = Limiter(WECOM), 0.0
    for step_s in steps:
        now_s += step_s
        if limiter.room(now_s) > 0:
            limiter.take(now_s)
        assert limiter.room(now_s, urgent=True) >= 5


@given(st.lists(st.tuples(st.floats(0.0, 10.0), st.booleans()), max_size=100))
def test_after_the_wait_that_was_told_there_is_room(asked: list[tuple[float, bool]]) -> None:
    limiter, now_s = Limiter(FEISHU), 0.0
    for step_s, urgent in asked:
        now_s += step_s + limiter.wait_s(now_s + step_s, urgent=urgent) + 1e-6
        assert limiter.room(now_s, urgent=urgent) >= 1
        limiter.take(now_s)


def test_a_pause_holds_back_lesser_messages_only() -> None:
    limiter = Limiter(WECOM)
    limiter.pause(0.0, 60.0)
    assert (limiter.room(1.0), limiter.wait_s(1.0)) == (0, 59.0)
    assert (limiter.room(1.0, urgent=True), limiter.wait_s(1.0, urgent=True)) == (20, 0.0)
    assert limiter.room(60.0) == 15


def test_without_a_limit_there_is_none() -> None:
    limiter = Limiter(Limits())
    limiter.take(0.0)
    assert (limiter.room(0.0), limiter.wait_s(0.0)) == (NO_LIMIT, 0.0)
