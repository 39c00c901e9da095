"""Holidays are data, with a source, and a year without data is known long before."""

from datetime import date
from pathlib import Path

import pytest

from rules.calendar import CHINA, read_calendar
from rules.document import Unreadable


def test_a_year_without_days_is_missed_from_october_on() -> None:
    """The State Council publishes in November; people must know that the file waits."""
    calendar = read_calendar(CHINA)

    assert calendar.missing_year(date(2026, 9, 30)) is None
    assert calendar.missing_year(date(2026, 10, 1)) == 2027


def test_a_sites_own_days_win() -> None:
    """The community's own feast, or a swapped day that the notice does not know."""
    calendar = read_calendar(CHINA).with_own({date(2026, 10, 1): True})

    assert calendar.is_workday(date(2026, 10, 1))
    assert not calendar.is_workday(date(2026, 10, 2))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("holiday: []", ":1:1: unknown key 'holiday'; did you mean holidays?"),
        ("holidays: 2026-01-01", ":1:11: expected a list"),
        ("holidays: [tomorrow]", ":1:12: expected a day or a range of days"),
        ("holidays: [2026-05-05..2026-05-01]", "an impossible range"),
        ("years: [x]", "expected a year"),
        ("", "expected years, holidays and workdays"),
    ],
)
def test_a_calendar_that_is_wrong(tmp_path: Path, text: str, expected: str) -> None:
    """With its place."""
    file = tmp_path / "own.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(Unreadable) as caught:
        read_calendar(file)

    assert expected in str(caught.value)
