"""The day on which a battery will be empty."""

import pytest

from rules.battery import Sample, Wants, forecast, since_changed

WANTS = Wants(days_min=14, samples_min=8, changed_by=20.0, empty_percent=5.0)


def test_a_battery_that_falls_by_one_percent_a_day_has_its_day() -> None:
    samples = [Sample(1_000 + day, 100.0 - day) for day in range(31)]
    found = forecast(samples, WANTS)

    assert found is not None
    assert found.empty_day == 1_095
    assert found.per_day == pytest.approx(1.0)
    assert found.days == 30


def test_too_little_is_known_or_it_does_not_fall() -> None:
    falling = [Sample(day, 100.0 - day) for day in range(60)]

    assert forecast(falling[:14], WANTS) is None  # thirteen days
    assert forecast(falling[::8], WANTS) is None or len(falling[::8]) >= WANTS.samples_min
    assert forecast([Sample(day, 90.0) for day in range(60)], WANTS) is None
    assert forecast([], WANTS) is None


def test_a_new_battery_begins_anew() -> None:
    old = [Sample(day, 40.0 - day) for day in range(30)]
    new = [Sample(30 + day, 100.0 - day / 2) for day in range(31)]
    found = forecast([*old, *new], WANTS)

    assert since_changed([*old, *new], 20.0) == new
    assert found is not None
    assert found.empty_day == 220


def test_what_is_empty_already_is_not_empty_in_the_past() -> None:
    samples = [Sample(day, max(0.0, 20.0 - day)) for day in range(25)]
    found = forecast(samples, WANTS)

    assert found is not None
    assert found.empty_day == 24
