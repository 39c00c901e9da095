"""A device that is heard worse than it used to be."""

from rules.signal import Wants, compare, is_worse

WANTS = Wants(recent_days=3, base_days=28, base_days_min=7, fall_db=10.0)


def test_a_fall_of_ten_decibels_is_worse() -> None:
    found = compare([-80.0] * 20 + [-91.0, -90.0, -92.0], WANTS)

    assert found is not None
    assert (found.usual, found.recent, found.fall) == (-80.0, -91.0, 11.0)
    assert is_worse(found, WANTS, was_worse=False)


def test_weather_is_not() -> None:
    assert not is_worse(compare([-80.0, -86.0] * 12, WANTS), WANTS, was_worse=False)


def test_it_stays_worse_until_half_is_made_good() -> None:
    half = compare([-80.0] * 20 + [-86.0] * 3, WANTS)
    good = compare([-80.0] * 20 + [-84.0] * 3, WANTS)

    assert is_worse(half, WANTS, was_worse=True)
    assert not is_worse(half, WANTS, was_worse=False)
    assert not is_worse(good, WANTS, was_worse=True)


def test_a_few_days_say_nothing() -> None:
    assert compare([-80.0] * 6 + [-99.0] * 3, WANTS) is None
    assert compare([], WANTS) is None
    assert not is_worse(None, WANTS, was_worse=True)
