"""Today's use beside a usual day: what is unknown stays unknown, and a dead counter is missed."""

from datetime import datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from dashboard_api.grounds import HourUse, Usual, today_of, usual_of
from dashboard_api.hours_of_use import (
    ABSENT,
    KNOWN,
    UNKNOWN,
    Tally,
    Typical,
    Unplaced,
    days_of,
    hours_between,
)
from dashboard_api.report_series import History
from dashboard_api.report_use import Wants

SHANGHAI = ZoneInfo("Asia/Shanghai")
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
MONDAY_MS = int(datetime(2026, 3, 2, tzinfo=SHANGHAI).timestamp() * 1_000)
WANTS = Wants(days_min=3, known_percent=50, unused_uses=0, known_hours_min=24)


def history(tallies: dict[str, Tally], hours: float, days: int = 0) -> History:
    """A Monday of so many hours, with so many days before it."""
    now_ms = MONDAY_MS + round(hours * HOUR_MS)
    found = hours_between(MONDAY_MS - days * DAY_MS, now_ms, SHANGHAI)
    of = days_of(found, lambda day: day.weekday() < 5, SHANGHAI)
    return History(found, 0, days * 24, len(found), of, tallies, now_ms)


def counted(uses: list[int], state: str = "", unplaced: list[Unplaced] | None = None) -> Tally:
    """`state`: a letter for each hour: k, u, a for absent; all are known if none is given."""
    letters = {"k": KNOWN, "u": UNKNOWN, "a": ABSENT}
    return Tally(uses, bytearray(letters[one] for one in state or "k" * len(uses)), unplaced or [])


def every_day(uses: int, days: int) -> Tally:
    """Nine o'clock is used so often on every one of the days before, and today until ten."""
    day = [uses if hour == 9 else 0 for hour in range(24)]
    return counted(day * days + day[:10])


def test_a_usual_hour_is_what_days_of_the_same_kind_have_of_all_grounds_together() -> None:
    tallies = {"walker": every_day(6, 28), "rower": every_day(1, 28)}
    usual = usual_of(history(tallies, 9.5, 28), [["walker"], ["rower"]], WANTS, workday=True)
    assert usual.hours[9] == Typical(7, 20)  # four weeks of Mondays to Fridays
    assert usual.own["walker"][9] == Typical(6, 20)
    assert usual.days == 20


def test_few_days_are_no_usual_day() -> None:
    few = history({"walker": every_day(6, 4)}, 9.5, 4)  # two of them are workdays
    usual = usual_of(few, [["walker"]], WANTS, workday=True)
    assert (usual.hours, usual.days) == ({}, 0)
    today = today_of(few, (), usual)
    assert (today.usual_days, today.usual_so_far) == (0, None)


def test_of_the_present_hour_so_much_is_usual_as_has_passed() -> None:
    usual = Usual({8: Typical(10, 20), 9: Typical(40, 20), 10: Typical(7, 20)}, {})
    today = today_of(history({"walker": counted([0] * 10)}, 9.25), (), usual)
    assert today.usual_so_far == 20


def test_a_dead_counter_is_told_beside_the_sum_with_what_it_usually_adds() -> None:
    usual = Usual({9: Typical(40, 20)}, {"walker": {9: Typical(15, 20)}})
    tallies = {"walker": counted([0] * 10, "k" * 8 + "uu"), "rower": counted([0] * 9 + [22])}
    today = today_of(history(tallies, 9.5), (), usual)
    assert today.hours[9] == HourUse(9, 22, 1, 15.0, 40)
    assert today.hours[10] == HourUse(10, None, 0, 0.0, None)
    assert (today.total, today.at_least, today.unknown, today.counters) == (22, True, 1, 2)


def test_an_hour_of_which_nothing_is_known_is_none_and_not_zero() -> None:
    today = today_of(history({"walker": counted([3, 0, 0], "kuu")}, 2.5), (), None)
    assert [one.uses for one in today.hours[:4]] == [3, None, None, None]


def test_one_that_cannot_be_heard_is_unknown_in_the_present_hour_already() -> None:
    today = today_of(history({"walker": counted([3, 2])}, 1.5), {"walker"}, None)
    assert [(one.uses, one.unknown) for one in today.hours[:2]] == [(3, 0), (2, 1)]
    assert (today.total, today.at_least, today.unknown) == (5, True, 1)


def test_in_the_first_moment_of_a_day_nothing_was_used_yet() -> None:
    today = today_of(history({"walker": counted([5] * 24)}, 0, 1), (), None)
    assert (today.total, today.at_least, today.unknown) == (0, False, 0)
    assert {one.uses for one in today.hours} == {None}


def test_one_that_is_not_in_service_yet_is_not_missed() -> None:
    today = today_of(history({"walker": counted([0, 2], "ak")}, 1.5), {"walker"}, None)
    assert [(one.uses, one.unknown) for one in today.hours[:2]] == [(None, 0), (2, 1)]


def test_growth_in_no_known_hour_counts_for_the_day() -> None:
    """Of both ends of the silence the hours are of today."""
    dead = counted([1, 0, 0, 2], "uuuu", [Unplaced(0, 3, 9)])
    today = today_of(history({"walker": dead}, 3.5), (), None)
    assert (today.total, sum(one.uses or 0 for one in today.hours)) == (12, 3)
    assert [(one.uses, one.at_least) for one in today.machines] == [(12, True)]


def test_machines_stand_by_their_use_and_the_unknown_last() -> None:
    tallies = {
        "dead": counted([0, 0], "uu"),
        "some": counted([3, 0], "ku"),
        "much": counted([3, 4]),
    }
    found = today_of(history(tallies, 2), (), None).machines
    assert [(one.device, one.uses, one.at_least) for one in found] == [
        ("much", 7, False),
        ("some", 3, True),
        ("dead", None, True),
    ]


@given(st.lists(st.lists(st.integers(0, 9), min_size=10, max_size=10), min_size=1, max_size=4))
def test_the_day_is_the_sum_of_its_hours_and_of_its_machines(uses: list[list[int]]) -> None:
    tallies = {f"m{number}": counted(some) for number, some in enumerate(uses)}
    today = today_of(history(tallies, 10), (), None)
    assert today.total == sum(map(sum, uses))
    assert today.total == sum(one.uses or 0 for one in today.hours)
    assert today.total == sum(one.uses or 0 for one in today.machines)
