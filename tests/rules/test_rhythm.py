"""The silence that is expected of a device, learned from how it has spoken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.rhythm import DAY_MS, Rhythm, Wants, expected, supervision

HOUR_MS = 3_600_000
WANTS = Wants(days_min=14, days_max=28, factor=2.0, learned_s_min=600, learned_s_max=35 * 86_400)


def heard(moments_ms: list[int]) -> Rhythm:
    rhythm = Rhythm(moments_ms[0], moments_ms[0])
    for at_ms in moments_ms[1:]:
        rhythm.hear(at_ms, WANTS.days_max)
    return rhythm


def every(period_ms: int, days: int) -> list[int]:
    return list(range(0, days * DAY_MS, period_ms))


def test_a_heartbeat_every_six_hours_makes_twelve() -> None:
    assert heard(every(6 * HOUR_MS, 15)).expected_s(WANTS) == 12 * 3_600


def test_a_week_is_too_little() -> None:
    assert heard(every(6 * HOUR_MS, 7)).expected_s(WANTS) is None


def test_a_door_that_sleeps_at_night_may_sleep_at_night() -> None:
    """Thirty openings by day, none from ten to seven: twice the night, not twice half an hour."""
    moments = [
        day * DAY_MS + 7 * HOUR_MS + opening * HOUR_MS // 2
        for day in range(20)
        for opening in range(31)
    ]
    assert heard(moments).expected_s(WANTS) == 18 * 3_600


def test_one_outage_of_the_gateway_does_not_count() -> None:
    moments = [at for at in every(HOUR_MS, 28) if not 5 * DAY_MS < at < 8 * DAY_MS]

    assert heard(moments).expected_s(WANTS) == 2 * 3_600


def test_a_device_that_speaks_every_five_minutes_gets_ten_at_the_least() -> None:
    assert heard(every(60_000, 15)).expected_s(WANTS) == 600


def test_words_out_of_order_say_nothing_about_silence() -> None:
    moments = every(6 * HOUR_MS, 15)
    shuffled = [*moments[:-1], 0, moments[3], moments[-1]]

    assert heard(shuffled).expected_s(WANTS) == heard(moments).expected_s(WANTS)


@given(st.lists(st.integers(1, 3 * DAY_MS), min_size=2, max_size=300))
def test_what_is_kept_is_bounded_and_what_is_learned_within_its_limits(gaps: list[int]) -> None:
    moments = [sum(gaps[:number]) for number in range(len(gaps))]
    rhythm = heard(moments)
    learned = rhythm.expected_s(WANTS)

    assert len(rhythm.days) <= WANTS.days_max
    assert learned is None or WANTS.learned_s_min <= learned <= WANTS.learned_s_max
    again = Rhythm(rhythm.since_ms, rhythm.heard_ms, rhythm.gaps, rhythm.dump()["days"])
    assert again.expected_s(WANTS) == learned


@pytest.mark.parametrize(
    ("owner_s", "learned_s", "driver_s", "source"),
    [
        (1, 2, 3, "owner"),
        (None, 2, 3, "learned"),
        (None, None, 3, "driver"),
        (None, None, None, "plain"),
    ],
)
def test_whose_word_counts(
    owner_s: int | None, learned_s: int | None, driver_s: int | None, source: str
) -> None:
    assert expected(owner_s, learned_s, driver_s, 4).source == source


def test_what_supervises_a_button() -> None:
    """Its own words, else the monthly test press, else nothing."""

    def by(word_ms: int | None, gaps: int, pressed_ms: int | None) -> str:
        return supervision(
            word_ms=word_ms,
            gaps=gaps,
            pressed_ms=pressed_ms,
            silence_ms=26 * HOUR_MS,
            test_ms=31 * DAY_MS,
            now_ms=100 * DAY_MS,
        )

    assert by(100 * DAY_MS - HOUR_MS, 5, None) == "heartbeat"
    assert by(100 * DAY_MS - HOUR_MS, 0, None) == "nothing"  # one word is no rhythm
    assert by(98 * DAY_MS, 5, 90 * DAY_MS) == "test_press"
    assert by(None, 0, 60 * DAY_MS) == "nothing"
    assert by(None, 0, None) == "nothing"
