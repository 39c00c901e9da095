"""Counters: the totals never fall, and are the true count where the device's own words allow."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_drivers.reading import Reading
from hub import counters as store
from hub.counters import JUMP, Counters, Sender
from hub.database import for_writing, migrate, open_engine
from hub.total import ERAS_MAX, TOLD_MAX, Bounds, Total
from rules.tally import ROLL_OVER_GROWTH_MAX, Tally

BOUNDS = Bounds(20_000, 20.0)
GYM = Sender("gym-1", "native:gym-1")
MINUTE_MS = 60_000


def say(total: Total, raw: int, minute: float, address: str = "a", per_use: int = 1) -> int:
    """The device says `raw` at that minute."""
    return total.count(raw, round(minute * MINUTE_MS), address, per_use, BOUNDS)


def all_said(words: Sequence[tuple[float, int]]) -> list[int]:
    """What comes of (minute, raw) in the order of their arrival."""
    total = Total()
    return [say(total, raw, minute) for minute, raw in words]


def test_a_counter_counts_on_from_its_first_value() -> None:
    assert all_said([(0, 500), (1, 503), (2, 503), (3, 510)]) == [500, 503, 503, 510]


def test_after_a_reset_the_new_value_counts_from_zero_on_top_of_what_was() -> None:
    assert all_said([(0, 500), (1, 3), (2, 5)]) == [500, 503, 505]


@pytest.mark.parametrize("bits", [8, 16, 24, 32])
def test_a_value_that_fell_by_a_whole_width_rolled_over(bits: int) -> None:
    width = 1 << bits
    assert all_said([(0, width - 4), (1, 6)]) == [width - 4, width + 6]


def test_a_late_word_from_before_a_reset_finds_its_era() -> None:
    """It is neither a reset itself nor does it make the total jump; what it adds is not lost."""
    words = [(0, 10), (5, 3), (2, 12), (6, 4)]
    assert all_said(words) == [10, 13, 12, 12 + 4]


def test_a_late_word_from_after_a_reset_finds_its_era_too() -> None:
    assert all_said([(0, 10), (5, 3), (2, 1), (6, 4)]) == [10, 13, 11, 14]


def test_a_late_word_from_before_a_roll_over_adds_nothing() -> None:
    assert all_said([(0, 250), (5, 3), (2, 252), (6, 4)]) == [250, 259, 252, 260]


def test_a_jump_that_cannot_be_true_is_not_counted_and_the_total_goes_on_from_there() -> None:
    total = Total()
    assert [say(total, 100, 0), say(total, 5_000_000, 1)] == [100, 100]
    assert total.jump == 4_999_900
    assert say(total, 5_000_007, 2) == 107
    assert total.jump == 0


def test_a_wrong_value_that_is_over_leaves_no_trace() -> None:
    assert all_said([(0, 100), (1, 5_000_000), (2, 101), (3, 103)]) == [100, 100, 101, 103]


def test_what_time_allows_is_no_jump() -> None:
    """A counter that was away for a month."""
    assert all_said([(0, 100), (30 * 24 * 60, 5_000_100)]) == [100, 5_000_100]


def test_another_address_is_another_device_that_goes_on_from_the_old_total() -> None:
    total = Total()
    assert say(total, 500, 0, "old") == 500
    assert say(total, 90_000, 1, "new") == 500
    assert say(total, 90_002, 2, "new") == 502
    assert say(total, 700, 3, "old") == 502


def test_pulses_become_uses_without_losing_a_remainder() -> None:
    total = Total()
    uses = [say(total, raw, raw, per_use=4) for raw in (0, 1, 2, 3, 4, 5, 7, 9, 12)]
    assert uses == [0, 0, 0, 0, 1, 1, 1, 2, 3]
    assert say(total, 1, 20, per_use=4) == 3  # 13 pulses, over a reset
    assert say(total, 4, 21, per_use=4) == 4


def test_another_number_of_pulses_per_use_counts_from_then_on() -> None:
    total = Total()
    assert say(total, 1_000, 0) == 1_000
    assert [say(total, 1_010, 1, per_use=10), say(total, 1_020, 2, per_use=10)] == [1_001, 1_002]


def test_the_state_survives_as_json_can_carry_it() -> None:
    total = Total()
    for minute, raw in enumerate((7, 9, 2, 4)):
        say(total, raw, minute)
    again = Total.load(total.dump())
    assert say(again, 5, 9) == say(total, 5, 9) == 14


# -- any sequence -------------------------------------------------------------------------------

WIDTHS = st.sampled_from([8, 16, 24, 32])


@st.composite
def lives(draw: st.DrawFn) -> list[tuple[int, int, int]]:
    """(moment, raw, true count) of a machine, one a minute: uses, resets and roll-overs."""
    bits = draw(WIDTHS)
    most = ROLL_OVER_GROWTH_MAX[bits]
    raw = draw(st.integers(0, (1 << bits) - 1))
    true, rows = raw, [(0, raw, raw)]
    for minute in range(1, draw(st.integers(1, 25))):
        if draw(st.integers(0, 5)) == 0:
            raw = 0
        used = draw(st.integers(0, most))
        true += used
        raw = (raw + used) % (1 << bits)
        rows.append((minute * MINUTE_MS, raw, true))
    return rows


@given(lives(), st.data())
@settings(max_examples=300)
def test_the_total_never_falls_whatever_is_lost_doubled_or_late(
    life: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    heard = data.draw(st.lists(st.sampled_from(life), max_size=TOLD_MAX * 2))
    total, told = Total(), []
    for at_ms, raw, _ in heard:
        told.append((at_ms, total.count(raw, at_ms, "a", 1, BOUNDS)))
        total = Total.load(total.dump()) if data.draw(st.booleans()) else total
        kept = total.told  # of older ones the era alone answers
        assert [uses for _, uses in kept] == sorted(uses for _, uses in kept)
    in_order = [told[0]] if told else []
    for at_ms, uses in told[1:]:
        if at_ms >= in_order[-1][0]:
            assert uses >= in_order[-1][1]
            in_order.append((at_ms, uses))


@st.composite
def plain_lives(draw: st.DrawFn) -> list[tuple[int, int, int]]:
    """The same where every reset and roll-over shows: before it more was said than after it."""
    bits = draw(WIDTHS)
    width, most = 1 << bits, ROLL_OVER_GROWTH_MAX[bits]
    raw = draw(st.integers(max(0, width - 4 * most), width - 1))
    true, rows = raw, [(0, raw, raw)]
    resets = 0
    for minute in range(1, draw(st.integers(2, 12))):
        # A reset tells itself from a roll-over where the counter was far from its end.
        if (
            raw > most
            and raw + most < width - most
            and resets < ERAS_MAX - 2
            and draw(st.booleans())
        ):
            raw, resets = 0, resets + 1
            used = draw(st.integers(0, most // 4))
        else:
            used = draw(st.integers(1, most))
        true += used
        raw = (raw + used) % width
        rows.append((minute * MINUTE_MS, raw, true))
    return rows


@given(plain_lives(), st.data())
@settings(max_examples=300)
def test_the_total_is_the_true_count_where_all_is_heard_in_order(
    life: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    """Doubled words change nothing."""
    total = Total()
    for at_ms, raw, true in life:
        for _ in range(data.draw(st.integers(1, 2))):
            assert total.count(raw, at_ms, "a", 1, BOUNDS) == true


@st.composite
def lives_with_resets(draw: st.DrawFn) -> tuple[list[tuple[int, int, int]], int]:
    """Of a counter far from its end: what falls was reset. Also how often it was."""
    raw, resets = draw(st.integers(5_000, 20_000)), 0
    true, rows = raw, [(0, raw, raw)]
    for minute in range(1, draw(st.integers(2, TOLD_MAX))):
        if resets < ERAS_MAX - 1 and draw(st.integers(0, 6)) == 0:
            raw, resets = 0, resets + 1
        used = draw(st.integers(0, 500))
        raw, true = raw + used, true + used
        rows.append((minute * MINUTE_MS, raw, true))
    return rows, resets


@given(lives_with_resets(), st.data())
@settings(max_examples=500)
def test_with_a_backlog_behind_it_the_total_is_the_true_count_where_no_reset_was_hidden(
    lived: tuple[list[tuple[int, int, int]], int], data: st.DataObject
) -> None:
    """The live words come first, what was missed comes later in any order."""
    life, resets = lived
    late = data.draw(st.sets(st.integers(1, len(life) - 1)))
    live = [row for index, row in enumerate(life) if index not in late]
    backlog = data.draw(st.permutations([life[index] for index in sorted(late)]))
    end = (len(life) * MINUTE_MS, life[-1][1], life[-1][2])
    total = Total()
    for at_ms, raw, _ in [*live, end, *backlog]:
        total.count(raw, at_ms, "a", 1, BOUNDS)
    told = total.count(end[1], end[0] + MINUTE_MS, "a", 1, BOUNDS)
    falls = sum(after[1] < before[1] for before, after in pairwise([*live, end]))
    assert told <= end[2]
    if falls == resets:
        assert told == end[2]


# -- repetitions --------------------------------------------------------------------------------


def read(known: Counters, *readings: Reading, sender: Sender = GYM) -> tuple[Reading, ...]:
    """What comes of one message."""
    return known.read(readings, sender, 10 * MINUTE_MS)[0]


def test_a_device_that_says_repetitions_only_gets_its_total_behind_them() -> None:
    known = Counters(BOUNDS)
    read(known, Reading("rep", 2, 1))
    assert read(known, Reading("battery", 80.0, 2), Reading("rep", 3, 2)) == (
        Reading("battery", 80.0, 2),
        Reading("rep", 3, 2),
        Reading("uses", 5, 2),
    )


def test_who_says_totals_gets_none_beside_them() -> None:
    known = Counters(BOUNDS)
    assert read(known, Reading("uses", 7, 1), Reading("rep", 1, 1)) == (
        Reading("uses", 7, 1),
        Reading("rep", 1, 1),
    )
    assert read(known, Reading("rep", 1, 2)) == (Reading("rep", 1, 2),)


def test_the_totals_of_channels_are_apart() -> None:
    known = Counters(BOUNDS)
    read(known, Reading("rep_2", 4, 1), Reading("uses_1", 9, 1))
    assert read(known, Reading("rep_2", 1, 2))[-1] == Reading("uses_2", 5, 2)


def test_a_jump_is_told_once_with_the_reason_and_visible_as_a_point() -> None:
    known = Counters(BOUNDS)
    known.read((Reading("uses", 100, 1),), GYM, 1)
    readings, notes = known.read((Reading("uses", 9_000_000, 2),), GYM, 2)
    assert readings == (Reading("uses", 100, 2), Reading(JUMP, 8_999_900, 2))
    assert len(notes) == 1
    assert "HUB_COUNTER_JUMP_USES" in notes[0]
    assert known.read((Reading("uses", 9_000_001, 3),), GYM, 3) == ((Reading("uses", 101, 3),), [])


def test_a_backlog_in_one_message_is_counted_from_its_oldest() -> None:
    known = Counters(BOUNDS)
    known.read((Reading("uses", 50, 1),), GYM, 1)
    told = read(known, Reading("uses", 3, 40), Reading("uses", 60, 20), Reading("uses", 55, 10))
    assert told == (Reading("uses", 63, 40), Reading("uses", 60, 20), Reading("uses", 55, 10))


def test_a_brokers_old_copy_of_a_total_is_no_reset() -> None:
    known = Counters(BOUNDS)
    known.read((Reading("uses", 50, 1),), GYM, 1)
    assert known.look(Reading("uses", 40, 2), GYM) == Reading("uses", 50, 2)
    assert read(known, Reading("uses", 51, 3)) == (Reading("uses", 51, 3),)


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9)), min_size=1, max_size=20),
    st.integers(0, 5),
)
def test_a_rule_on_uses_counts_each_repetition_once_in_every_order(
    words: list[tuple[int, int]], known_before: int
) -> None:
    """Also when the judge counted repetitions before, as an older hub did."""
    known, tally = Counters(BOUNDS), Tally()
    for _ in range(known_before):
        tally.repeat(1)
    heard = []
    for index, (minute, times) in enumerate(words):
        told = known.read((Reading("rep", times, minute),), GYM, 100 + index)[0]
        heard += [(reading.at_ms or 0, index, reading) for reading in told]
    grown = 0.0
    for _, _, reading in sorted(heard, key=lambda one: one[:2]):
        if reading.point == "rep":
            grown += tally.repeat(int(reading.value))
        else:
            grown += tally.count(float(reading.value))
    assert grown == sum(times for _, times in words)


# -- what is kept -------------------------------------------------------------------------------


def test_the_table_gives_back_what_was_known_and_an_older_row_never_wins(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'hub.db'}")
    migrate(engine)
    known = Counters(BOUNDS)
    read(known, Reading("uses", 90, 1))
    older = known.take_rows(0)
    read(known, Reading("uses", 5, 2))
    newer = known.take_rows(0)
    with for_writing(engine).begin() as connection:
        connection.exec_driver_sql(store.WRITE, newer)
        connection.exec_driver_sql(store.WRITE, older)
    again = Counters(BOUNDS)
    with engine.connect() as connection:
        again.load(connection)
    engine.dispose()

    assert again.take_rows(0) == []
    assert read(again, Reading("uses", 6, 3)) == (Reading("uses", 96, 3),)
