"""Use by hour and a usual day: what is unknown stays unknown, and nothing is counted twice."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from dashboard_api.grounds import (
    HOUR_MS,
    HourUse,
    Table,
    Usual,
    by_hour,
    hours_of_day,
    machines_of_day,
    uses_in_windows,
    usual_day,
    window_ms,
)
from hub.series import Row

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = date(2026, 3, 2)
MIDNIGHT_MS = int(datetime(2026, 3, 2, tzinfo=SHANGHAI).timestamp() * 1_000)
SILENCE_MS = 3 * HOUR_MS
MONDAYS = [DAY - timedelta(days=7 * weeks) for weeks in range(1, 5)]


def total(hour: float, value: float, least: float | None = None) -> Row:
    """The window of an hour of the day in which a running total came to `value`."""
    at_ms = MIDNIGHT_MS + int(hour * HOUR_MS)
    last, lowest = float(value), float(value if least is None else least)
    return Row(at_ms, "uses", last, 2, last, lowest, last)


def sign(hour: float) -> Row:
    return Row(MIDNIGHT_MS + int(hour * HOUR_MS), "alive", True, 1)


def counted(rows: list[Row], hours: int, *, gone: bool = False) -> list[float | None]:
    """Uses by hour of the day up to that hour."""
    span = MIDNIGHT_MS, MIDNIGHT_MS + hours * HOUR_MS
    windows = uses_in_windows(rows, span, HOUR_MS, SILENCE_MS, gone=gone)
    return list(windows.values())


def test_a_total_grows_from_what_it_was_before_midnight() -> None:
    rows = [total(-1, 100), total(0, 104), total(1, 110), total(2, 110)]
    assert counted(rows, 3) == [4, 6, 0]


def test_the_first_total_ever_counts_only_what_its_own_hour_shows() -> None:
    assert counted([total(0, 500, least=490), total(1, 505)], 2) == [10, 5]


def test_after_a_reset_the_new_total_counts_from_zero() -> None:
    assert counted([total(-1, 900), total(0, 7)], 1) == [7]


def test_repetitions_count_by_themselves() -> None:
    at_ms = MIDNIGHT_MS
    assert counted([Row(at_ms, "rep", 3.0, 4, 2.5, 1.0, 4.0)], 1) == [10]


def test_a_repetition_with_the_hubs_own_total_behind_it_counts_once() -> None:
    rep = Row(MIDNIGHT_MS, "rep", 3.0, 4, 2.5, 1.0, 4.0)
    assert counted([total(-1, 90), rep, total(0, 100)], 1) == [10]


def test_an_idle_counter_that_lives_is_zero_and_a_dead_one_is_unknown() -> None:
    idle = [total(-1, 50), sign(1), sign(3)]
    dead = [total(-1, 50), sign(0)]
    assert counted(idle, 5) == [0, 0, 0, 0, 0]
    assert counted(dead, 8) == [0, None, None, None, None, None, None, None]


def test_silence_that_is_still_expected_is_no_death() -> None:
    assert counted([total(-1, 50), sign(0)], 4) == [0, 0, 0, 0]
    assert counted([total(-1, 50), sign(0)], 5)[1:] == [None, None, None, None]


def test_behind_a_gateway_that_is_gone_nothing_is_known_after_the_last_word() -> None:
    assert counted([total(-1, 50), sign(0)], 2, gone=True) == [0, None]


def test_before_the_first_word_nothing_is_known() -> None:
    assert counted([total(2, 5)], 4) == [None, None, 0, 0]
    assert counted([], 2) == [None, None]


def test_what_grew_while_it_was_dead_belongs_to_no_hour() -> None:
    rows = [total(-1, 50), total(0, 60), sign(6), total(7, 95), total(8, 97)]
    assert counted(rows, 9) == [10, None, None, None, None, None, 0, 0, 2]


@given(st.lists(st.integers(0, 30), min_size=24, max_size=24), st.integers(0, 1_000))
def test_a_whole_day_adds_up_to_what_the_total_grew_by(uses: list[int], start: int) -> None:
    rows, value = [total(-1, start)], start
    for hour, some in enumerate(uses):
        value += some
        rows.append(total(hour, value))
    assert counted(rows, 24) == uses


def test_hours_are_those_of_the_sites_clocks() -> None:
    windows: dict[int, float | None] = {MIDNIGHT_MS: 3, MIDNIGHT_MS + HOUR_MS: 4}
    assert by_hour(windows, SHANGHAI) == {(DAY, 0): 3, (DAY, 1): 4}


def test_where_hours_begin_at_half_past_the_windows_are_shorter() -> None:
    kolkata = ZoneInfo("Asia/Kolkata")
    at_ms = int(datetime(2026, 3, 2, 9, tzinfo=kolkata).timestamp() * 1_000)
    every_ms = window_ms(kolkata, at_ms)
    windows = {at_ms + part * every_ms: 1.0 for part in range(4)}
    assert HOUR_MS // every_ms == 4
    assert by_hour(windows, kolkata) == {(DAY, 9): 4}
    assert window_ms(SHANGHAI, at_ms) == HOUR_MS


def test_an_hour_that_comes_twice_holds_both_and_one_that_is_left_out_is_not_there() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    day_ms = int(datetime(2026, 10, 24, 22, tzinfo=UTC).timestamp() * 1_000)
    autumn = by_hour({day_ms + hour * HOUR_MS: 1.0 for hour in range(25)}, berlin)
    spring_ms = int(datetime(2026, 3, 28, 23, tzinfo=UTC).timestamp() * 1_000)
    spring = by_hour({spring_ms + hour * HOUR_MS: 1.0 for hour in range(23)}, berlin)
    assert autumn[date(2026, 10, 25), 2] == 2
    assert (date(2026, 3, 29), 2) not in spring
    assert sum(uses or 0 for uses in spring.values()) == 23


def test_an_hour_with_an_unknown_quarter_is_unknown() -> None:
    windows = {MIDNIGHT_MS: 3.0, MIDNIGHT_MS + HOUR_MS // 2: None}
    assert by_hour(windows, SHANGHAI) == {(DAY, 0): None}


def test_a_usual_day_is_the_median_of_the_sums_of_such_days() -> None:
    walker = {(day, 9): uses for day, uses in zip(MONDAYS, (10.0, 20.0, 30.0, 400.0), strict=True)}
    rower = {(day, 9): 1.0 for day in MONDAYS}
    usual = usual_day({"walker": walker, "rower": rower}, MONDAYS, 0.5)
    assert usual.hours[9] == 26  # of 11, 21, 31, 401
    assert usual.days == 4
    assert usual.hours[10] is None


def test_a_counter_that_was_dead_on_a_past_day_counts_there_with_its_own_mean() -> None:
    days = MONDAYS[:3]
    walker = {(days[0], 9): 10.0, (days[1], 9): None, (days[2], 9): 20.0}
    rower = {(day, 9): 1.0 for day in days}
    usual = usual_day({"walker": walker, "rower": rower}, days, 0.5)
    assert usual.hours[9] == 16  # of 11, 15 + 1, 21
    assert usual.own["walker"][9] == 15


def test_an_hour_of_which_too_little_is_known_is_not_part_of_it() -> None:
    days = MONDAYS[:2]
    tables = {
        name: {(days[0], 9): 5.0 if name == "a" else None, (days[1], 9): 7.0} for name in "abc"
    }
    assert usual_day(tables, days, 0.5).hours[9] == 21


def test_todays_dead_counters_are_told_beside_the_sum_with_what_they_usually_add() -> None:
    own = (None,) * 9 + (15.0,) + (None,) * 14
    usual = Usual((None,) * 9 + (40.0,) + (None,) * 14, 20, {"walker": own})
    tables: dict[str, Table] = {"walker": {(DAY, 9): None}, "rower": {(DAY, 9): 22.0}}
    hours = hours_of_day(tables, DAY, 9, usual)
    assert hours[9] == HourUse(9, 22.0, 1, 15.0, 40.0)
    assert hours[10] == HourUse(10, None, 0, 0.0, None)
    nobody = hours_of_day({"walker": {(DAY, 9): None}}, DAY, 9, None)[9]
    assert (nobody.uses, nobody.unknown, nobody.usual) == (None, 1, None)


def test_machines_stand_by_their_use_and_the_unknown_last() -> None:
    tables: dict[str, Table] = {
        "dead": {(DAY, 0): None, (DAY, 1): None},
        "some": {(DAY, 0): 3.0, (DAY, 1): None},
        "much": {(DAY, 0): 3.0, (DAY, 1): 4.0},
    }
    found = machines_of_day(tables, DAY, 1)
    assert [(one.device, one.uses, one.at_least) for one in found] == [
        ("much", 7, False),
        ("some", 3, True),
        ("dead", None, True),
    ]
