"""The hours of a rule: over midnight, over the days of the calendar, over clock changes."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.calendar import CHINA, PLAIN, read_calendar
from rules.during import DAY_KINDS, During, Hours

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
CALENDAR = read_calendar(CHINA)


def ms(text: str, zone: ZoneInfo = SHANGHAI) -> int:
    """A local moment."""
    return round(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1_000)


def edges(hours: Hours, from_ms: int, count: int) -> list[str]:
    """The next begins and ends, in UTC."""
    found = []
    at_ms: int | None = from_ms
    for _ in range(count):
        assert at_ms is not None
        at_ms = hours.next_edge_ms(at_ms)
        if at_ms is None:
            break
        found.append(f"{datetime.fromtimestamp(at_ms / 1_000, UTC):%m-%d %H:%M}")
    return found


def test_a_night_begins_and_ends_exactly() -> None:
    """The begin is in, the end is not."""
    hours = Hours(During(22 * 60, 6 * 60), SHANGHAI, PLAIN)

    assert not hours.inside(ms("2026-03-02T21:59:59.999"))
    assert hours.inside(ms("2026-03-02T22:00"))
    assert hours.inside(ms("2026-03-03T05:59:59.999"))
    assert not hours.inside(ms("2026-03-03T06:00"))
    assert hours.next_edge_ms(ms("2026-03-02T22:00")) == ms("2026-03-03T06:00")


def test_days_that_touch_are_one_span() -> None:
    """A weekend has no midnight."""
    hours = Hours(During(days=("sat", "sun")), SHANGHAI, PLAIN)

    assert hours.next_edge_ms(ms("2026-03-06T12:00")) == ms("2026-03-07T00:00")
    assert hours.next_edge_ms(ms("2026-03-07T00:00")) == ms("2026-03-09T00:00")


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    """Friday's night reaches into Saturday."""
    hours = Hours(During(22 * 60, 6 * 60, ("fri",)), SHANGHAI, PLAIN)

    assert hours.inside(ms("2026-03-07T03:00"))
    assert not hours.inside(ms("2026-03-07T23:00"))
    assert not hours.inside(ms("2026-03-06T03:00"))


@pytest.mark.parametrize(
    ("day", "workday"),
    [
        ("2026-02-28", True),  # a swapped Saturday
        ("2026-03-01", False),
        ("2026-10-01", False),  # a Thursday
        ("2026-10-10", True),  # a swapped Saturday
        ("2025-10-06", False),  # a Monday in the Mid-Autumn days
        ("2025-09-28", True),  # a swapped Sunday
        ("2026-03-02", True),
    ],
)
def test_workdays_and_holidays_of_china(day: str, workday: bool) -> None:
    """As the State Council says, not as the week says."""
    noon = ms(f"{day}T12:00")

    assert Hours(During(days=("workday",)), SHANGHAI, CALENDAR).inside(noon) is workday
    assert Hours(During(days=("holiday",)), SHANGHAI, CALENDAR).inside(noon) is not workday


def test_an_hour_that_does_not_exist_is_not_skipped() -> None:
    """Spring in Berlin: 02:30 does not come, its night's window does."""
    hours = Hours(During(2 * 60 + 30, 4 * 60), BERLIN, PLAIN)

    assert edges(hours, ms("2026-03-28T12:00", BERLIN), 4) == [
        "03-29 01:30",  # would have been 02:30, is 03:30 in summer time
        "03-29 02:00",
        "03-30 00:30",
        "03-30 02:00",
    ]


def test_an_hour_that_comes_twice_is_entered_once() -> None:
    """Autumn in Berlin: 02:30 comes twice."""
    hours = Hours(During(2 * 60 + 30, 2 * 60 + 45), BERLIN, PLAIN)

    assert edges(hours, ms("2026-10-24T12:00", BERLIN), 3) == [
        "10-25 00:30",
        "10-25 00:45",
        "10-26 01:30",
    ]


def test_hours_that_never_come_have_no_edge() -> None:
    """In a calendar in which every day is a workday nothing waits for a holiday."""
    days = {datetime.fromordinal(n).date(): True for n in range(739_000, 741_500)}
    hours = Hours(During(days=("holiday",)), SHANGHAI, PLAIN.with_own(days))

    assert hours.next_edge_ms(ms("2025-03-02T00:00")) is None


@given(
    st.integers(0, 1_439),
    st.integers(0, 1_440),
    st.lists(st.sampled_from(DAY_KINDS), unique=True, max_size=3),
    st.integers(ms("2025-01-05T00:00"), ms("2026-12-20T00:00")),
    st.sampled_from((SHANGHAI, BERLIN)),
)
def test_between_two_edges_nothing_changes(
    from_minute: int, to_minute: int, days: list[str], at_ms: int, zone: ZoneInfo
) -> None:
    """`inside` and `next_edge_ms` say the same."""
    if from_minute == to_minute:
        return
    hours = Hours(During(from_minute, to_minute, tuple(days)), zone, CALENDAR)
    edge = hours.next_edge_ms(at_ms)
    assert edge is not None
    assert edge > at_ms

    here = hours.inside(at_ms)
    for part in range(1, 8):
        assert hours.inside(at_ms + (edge - at_ms) * part // 8) is here
