"""Hours, silences, growth and usual days, piece by piece."""

import itertools
from datetime import date, datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from dashboard_api.hours_of_use import (
    ABSENT,
    KNOWN,
    UNKNOWN,
    Compared,
    Day,
    Figure,
    Hour,
    Silence,
    Tally,
    Typical,
    Unit,
    Unplaced,
    Window,
    compare,
    days_of,
    doubtful,
    gaps_of,
    grain_ms,
    hour_at,
    hours_between,
    openings,
    states,
    tally,
    together,
    usual_day,
    usual_hours,
)

BERLIN, SHANGHAI = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Shanghai")
H, M = 3_600_000, 60_000
ZERO = 1_767_196_800_000  # 2026-01-01 00:00 in Shanghai


def moment(text: str, zone: ZoneInfo) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1_000)


def clock(hours: int) -> list[Hour]:
    return hours_between(ZERO, ZERO + hours * H, SHANGHAI)


# -- hours ----------------------------------------------------------------------------------------


def test_a_day_of_a_clock_change_has_23_hours_or_one_of_two() -> None:
    spring = hours_between(
        moment("2026-03-29T00:00", BERLIN), moment("2026-03-30T00:00", BERLIN), BERLIN
    )
    autumn = hours_between(
        moment("2026-10-25T00:00", BERLIN), moment("2026-10-26T00:00", BERLIN), BERLIN
    )

    assert [hour.hour for hour in spring] == [0, 1, *range(3, 24)]
    assert [hour.hour for hour in autumn] == list(range(24))
    assert [hour.to_ms - hour.from_ms for hour in autumn] == [H, H, 2 * H, *[H] * 21]
    assert {hour.day for hour in autumn} == {"2026-10-25"}


def test_zones_of_half_and_quarter_hours_have_finer_windows() -> None:
    span = moment("2026-03-01T00:00", SHANGHAI), moment("2026-05-01T00:00", SHANGHAI)
    minutes = {
        name: grain_ms(*span, ZoneInfo(name)) // M
        for name in ("Asia/Shanghai", "Asia/Kolkata", "Asia/Kathmandu", "Europe/Berlin")
    }

    assert minutes == {
        "Asia/Shanghai": 60,
        "Asia/Kolkata": 30,
        "Asia/Kathmandu": 15,
        "Europe/Berlin": 60,
    }


@given(st.integers(0, 3_000), st.integers(1, 3_000))
def test_hours_follow_each_other_without_a_gap(begin_h: int, length_h: int) -> None:
    from_ms = ZERO + begin_h * H + 17 * M
    hours = hours_between(from_ms, from_ms + length_h * H, BERLIN)

    assert hours[0].from_ms == from_ms
    assert hours[-1].to_ms == from_ms + length_h * H
    for one, following in itertools.pairwise(hours):
        assert one.to_ms == following.from_ms
        assert hour_at(hours, following.from_ms) == hour_at(hours, one.from_ms) + 1
    assert len({(hour.day, hour.hour) for hour in hours}) == len(hours)


# -- silence --------------------------------------------------------------------------------------


def test_a_silence_within_an_hour_of_the_clock_is_none() -> None:
    assert gaps_of([0, 1, 2, 3], clock(4), 0) == []
    assert [(gap.first, gap.last) for gap in gaps_of([0, 3], clock(4), 0)] == [(0, 3)]


def test_only_gaps_of_which_hours_do_not_tell_are_doubtful() -> None:
    gaps = gaps_of([0, 4], clock(5), 0)

    assert (gaps[0].least_ms, gaps[0].most_ms) == (3 * H + 1, 5 * H - 1)
    assert doubtful(gaps, 3 * H) == []
    assert doubtful(gaps, 4 * H) == gaps
    assert doubtful(gaps, 5 * H) == []


def test_from_the_last_word_to_the_next_nothing_is_known() -> None:
    state, gaps = states([0, 1, 8, 9], clock(10), Silence(4 * H), {})

    assert list(state) == [KNOWN, *[UNKNOWN] * 8, KNOWN]
    assert [(gap.first, gap.last) for gap in gaps] == [(1, 8)]


def test_a_silence_that_goes_on_is_none_before_it_is_too_long() -> None:
    assert UNKNOWN not in states([0], clock(5), Silence(6 * H), {})[0]
    assert list(states([0], clock(9), Silence(6 * H), {})[0]) == [UNKNOWN] * 9


def test_where_the_carrier_was_gone_only_hours_without_a_word_are_unknown() -> None:
    gone = ((ZERO + 3 * H + 5 * M, ZERO + 4 * H + 10 * M),)
    state, _ = states([0, 1, 2, 7, 8], clock(9), Silence(26 * H, 0, gone), {})
    heard, _ = states([0, 1, 2, 3, 4, 7, 8], clock(9), Silence(26 * H, 0, gone), {})

    assert [n for n, one in enumerate(state) if one == UNKNOWN] == [3, 4, 7]
    assert UNKNOWN not in heard


def test_before_it_was_in_service_a_machine_is_absent_not_unknown() -> None:
    state, _ = states([5, 6], clock(8), Silence(26 * H, ZERO + 4 * H), {})

    assert list(state) == [ABSENT] * 4 + [KNOWN] * 4


# -- growth ---------------------------------------------------------------------------------------


def test_growth_counts_in_the_hour_in_which_it_was_told() -> None:
    windows = [Window(0, 100, 104), Window(1, 106, 110), Window(3, 111, 111)]
    found = tally([windows], [0, 1, 3], clock(4), Silence(26 * H), {})

    assert found.uses == [4, 6, 0, 1]
    assert found.between(0, 4) == Figure(11, 4, 4)


def test_growth_over_a_silence_is_in_no_hour_but_in_what_holds_it() -> None:
    windows = [Window(1, 100, 104), Window(8, 150, 152)]
    found = tally([windows], [1, 8, 9], clock(10), Silence(4 * H), {})

    assert found.uses[8] == 2
    assert found.unplaced == [Unplaced(1, 8, 46)]
    assert (found.between(0, 10).uses, found.between(2, 10).uses) == (4 + 46 + 2, 2)
    assert found.between(2, 8).known == "no"
    assert found.between(0, 10).known == "partly"


def test_the_first_total_is_no_growth_unless_one_is_known_from_before() -> None:
    windows = [Window(2, 500, 500)]

    assert tally([windows], [0, 1, 2], clock(3), Silence(H), {}).uses == [0, 0, 0]
    assert tally([windows], [0, 1, 2], clock(3), Silence(H), {}, {0: 480.0}).uses == [0, 0, 20]


def test_several_inputs_of_a_machine_add_up_and_a_total_that_falls_is_no_growth() -> None:
    one, other = [Window(0, 10, 20), Window(1, 5, 5), Window(2, 25, 25)], [Window(1, 0, 7)]

    assert tally([one, other], [0, 1, 2], clock(3), Silence(H), {}).uses == [10, 7, 5]


@given(st.lists(st.tuples(st.integers(0, 59), st.integers(0, 9)), min_size=1, max_size=40))
def test_what_was_told_is_all_there_however_it_falls_into_hours(
    steps: list[tuple[int, int]],
) -> None:
    total = 0
    told: dict[int, tuple[int, int]] = {}
    for hour, grown in sorted(steps):
        total += grown
        low, _ = told.get(hour, (total, total))
        told[hour] = low, total
    windows = [Window(hour, low, high) for hour, (low, high) in told.items()]
    found = tally([windows], sorted(told), clock(60), Silence(5 * H), {})

    assert found.between(0, 60).uses == total - windows[0].low
    for one in found.unplaced:
        assert UNKNOWN in found.state[one.first : one.last + 1]


# -- doors ----------------------------------------------------------------------------------------


def test_a_door_that_bounces_was_opened_once_and_its_first_word_is_no_opening() -> None:
    words = [(0, True), (2, False), (10, True), (20, False), (22, True), (23, False), (70, True)]
    contacts = [(ZERO + minute * M, is_open) for minute, is_open in words]

    assert openings(contacts, clock(2), 3 * M) == [1, 1]
    assert openings(contacts, clock(2), 0) == [2, 1]


def test_two_openings_without_a_closing_between_are_one() -> None:
    contacts = [(ZERO, False), (ZERO + M, True), (ZERO + 3 * H, True), (ZERO + 4 * H, False)]

    assert openings(contacts, clock(5), 0) == [1, 0, 0, 0, 0]


# -- usual days -----------------------------------------------------------------------------------


def plain(uses_a_day: list[int], unknown: set[int] | None = None) -> Tally:
    """Everything of a day at nine in the morning."""
    uses = [n if hour == 9 else 0 for n in uses_a_day for hour in range(24)]
    state = bytearray([KNOWN]) * len(uses)
    for day in unknown or set():
        state[day * 24 + 9] = UNKNOWN
    return Tally(uses, state)


def weeks(days: int) -> tuple[list[Hour], list[Day]]:
    hours = clock(24 * days)
    return hours, days_of(hours, lambda day: day.weekday() < 5, SHANGHAI)


def test_a_usual_day_is_the_median_of_days_of_its_kind_without_unknown_ones() -> None:
    hours, days = weeks(14)  # from a Thursday on
    uses = [10, 20, 90, 80, 30, 40, 50, 60, 900, 70, 60, 50, 50, 50]
    unit = Unit((plain(uses, unknown={8}),))

    workdays = sorted(n for n, day in zip(uses, days, strict=True) if day.workday and n != 900)
    found = usual_day(unit, days, 3)[True]
    assert found.days == len(workdays)
    assert found.uses == (workdays[len(workdays) // 2] + workdays[(len(workdays) - 1) // 2]) / 2
    assert usual_hours(unit, hours, days, 3)[True, 9] == found
    assert usual_hours(unit, hours, days, 3)[True, 10].days == 10
    assert usual_day(unit, days, 99) == {}


def test_a_ground_is_compared_on_days_on_which_all_its_machines_are_known() -> None:
    _, days = weeks(7)
    unit = Unit((plain([10] * 7), plain([5] * 7, unknown={1})))
    found = compare(unit, days, {True: Typical(12, 9)})

    assert found == Compared(60, 48, 4)
    assert found.percent == 25.0


def test_a_machine_that_was_dead_all_along_makes_no_usual_day() -> None:
    _, days = weeks(7)
    dead = Tally([0] * 168, bytearray([UNKNOWN]) * 168)
    alive = plain([10] * 7)

    assert Unit((alive, dead)).counted(days, 50.0) == Unit((alive,))
    assert Unit((dead,)).counted(days, 50.0) == Unit(())
    assert not Unit(()).is_clear(0, 24)


def test_grounds_together_are_usual_of_as_many_days_as_the_poorest_of_them() -> None:
    found = together([{(True, 9): Typical(4, 20)}, {(True, 9): Typical(3, 7)}, {}])

    assert found == {(True, 9): Typical(7, 7)}


def test_a_day_that_is_not_over_is_not_whole() -> None:
    hours = hours_between(ZERO, ZERO + 30 * H, SHANGHAI)
    days = days_of(hours, lambda day: day != date(2026, 1, 1), SHANGHAI)

    assert [(day.name, day.workday, day.whole) for day in days] == [
        ("2026-01-01", False, True),
        ("2026-01-02", True, False),
    ]
