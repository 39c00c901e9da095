"""The site's calendar: what its country says, what it says itself, and what nobody knows yet."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hub import calendars, doctor
from hub.calendars import calendar_of
from hub.doctor import OK, WARNING
from hub.health import NO_FIGURES, Figures
from hub.settings import Settings
from hub.site import Site, WrongSite, read_site
from rules.calendar import CHINA, PLAIN, read_calendar
from tests.hub.timekeeper import Timekeeper

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")

# 国务院办公厅关于2025年部分节假日安排的通知（2024年11月12日，国务院公报 content_6989767）,
# 国务院办公厅关于2026年部分节假日安排的通知（2025年11月4日，国务院公报 content_7048922）。
SWAPPED = ["2025-01-26", "2025-02-08", "2025-04-27", "2025-09-28", "2025-10-11",
           "2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20",
           "2026-10-10"]  # fmt: skip
FREE = ["2025-01-28..2025-02-04", "2025-04-04..2025-04-06", "2025-05-01..2025-05-05",
        "2025-05-31..2025-06-02", "2025-10-01..2025-10-08", "2026-01-01..2026-01-03",
        "2026-02-15..2026-02-23", "2026-04-04..2026-04-06", "2026-05-01..2026-05-05",
        "2026-06-19..2026-06-21", "2026-09-25..2026-09-27", "2026-10-01..2026-10-07"]  # fmt: skip


def ms(text: str) -> int:
    """A moment in UTC."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1_000)


def days_of(*years: int) -> list[date]:
    """Every day of these years."""
    return [
        date(year, 1, 1) + timedelta(days=n)
        for year in years
        for n in range((date(year + 1, 1, 1) - date(year, 1, 1)).days)
    ]


@pytest.mark.parametrize("day", SWAPPED)
def test_a_swapped_day_of_the_notices_is_a_workday_though_it_is_a_weekend(day: str) -> None:
    calendar = calendar_of("CN", PLAIN, 2026)
    assert date.fromisoformat(day).weekday() >= 5
    assert calendar.is_workday(date.fromisoformat(day))


@pytest.mark.parametrize("span", FREE)
def test_every_day_of_a_feast_of_the_notices_is_a_holiday(span: str) -> None:
    calendar = calendar_of("CN", PLAIN, 2026)
    first, last = map(date.fromisoformat, span.split(".."))
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    assert [day for day in days if calendar.is_workday(day)] == []


def test_the_package_and_the_table_of_the_rules_say_the_same() -> None:
    """Two sources for the years that both have: one that differs is wrong."""
    shipped = read_calendar(CHINA)
    package = calendars._of_country("CN", 2026)
    assert shipped.years <= package.years
    for day in days_of(*sorted(shipped.years)):
        assert package.is_workday(day) is shipped.is_workday(day), day


def test_a_year_whose_notice_is_not_out_is_unknown_and_nothing_is_made_up_for_it() -> None:
    """The package computes feasts for any year; without swapped days they would be wrong."""
    calendar = calendar_of("CN", PLAIN, 2026)
    assert calendar.knows(2026)
    assert not calendar.knows(2027)
    assert [day for day in calendar.days if day.year > 2026] == []
    assert calendar.is_workday(date(2027, 10, 1))  # a Friday: nobody has said otherwise


def test_a_site_says_itself_what_the_notice_says_and_what_it_does_not(tmp_path: Path) -> None:
    """Its days win, day by day; its years count as known."""
    (tmp_path / "own.yaml").write_text(
        "years: [2027]\nholidays: [2027-01-01..2027-01-03, 2026-11-26]\nworkdays: [2026-10-01]\n",
        encoding="utf-8",
    )
    file = tmp_path / "site.yaml"
    file.write_text("id: demo\ncalendar: own.yaml\n", encoding="utf-8")
    calendar = read_site(file).calendar(ms("2026-11-26T00:00"))

    assert not calendar.is_workday(date(2026, 11, 26))
    assert calendar.is_workday(date(2026, 10, 1))
    assert not calendar.is_workday(date(2026, 10, 2))
    assert calendar.knows(2027)
    assert not calendar.is_workday(date(2027, 1, 1))


def test_a_german_site_has_german_holidays_and_no_swapped_days(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text("id: demo\nzone: Europe/Berlin\ncountry: DE-BY\n", encoding="utf-8")
    calendar = read_site(file).calendar(ms("2026-11-26T00:00"))

    assert not calendar.is_workday(date(2026, 10, 3))  # 3 October, a Saturday anyway
    assert not calendar.is_workday(date(2026, 4, 3))  # Good Friday
    assert not calendar.is_workday(date(2026, 1, 6))  # Epiphany: in Bavaria, not in Berlin
    assert calendar_of("DE-BE", PLAIN, 2026).is_workday(date(2026, 1, 6))
    assert calendar.is_workday(date(2026, 10, 1))
    assert calendar.is_workday(date(2026, 10, 2))
    assert calendar.knows(2036)
    assert calendar.missing_year(date(2026, 12, 31)) is None


def test_a_weekend_need_not_be_saturday_and_sunday() -> None:
    calendar = calendar_of("SA", PLAIN, 2026)
    assert calendar.weekend == {4, 5}
    assert calendar.is_workday(date(2026, 11, 29))  # a Sunday
    assert not calendar.is_workday(date(2026, 11, 27))  # a Friday


def test_feasts_that_are_only_estimated_make_no_known_year() -> None:
    calendar = calendar_of("MY", PLAIN, 2026)
    assert calendar.knows(2025)
    assert not calendar.knows(2036)


@pytest.mark.parametrize(
    ("zone", "country"), [("Asia/Urumqi", "CN"), ("Europe/Berlin", None), ("Asia/Shanghai", "CN")]
)
def test_a_site_without_a_country_has_that_of_its_zone_or_none(
    tmp_path: Path, zone: str, country: str | None
) -> None:
    """Chinese holidays in Berlin would be a wrong answer; none is one that people are told of."""
    file = tmp_path / "site.yaml"
    file.write_text(f"id: demo\nzone: {zone}\n", encoding="utf-8")
    site = read_site(file)
    calendar = site.calendar(ms("2026-05-26T00:00"))

    assert site.country == country
    assert calendar.knows(2026) is (country is not None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id: demo\ncountry: GERMANY\n", ":2: country: expected a country by its two letters"),
        ("id: demo\ncountry: CHN\n", ":2: country: expected a country by its two letters"),
        ("id: demo\ncountry: DE-by\n", ":2: country: DE has no part 'by'.*did you mean BY"),
        ("id: demo\ncountry: cn\n", ":2: country: .*did you mean CN"),
        ("id: demo\ncountry: DE-BX\n", ":2: country: DE has no part 'BX'; it has BB, BE, BW, BY"),
        ("id: demo\ncontry: DE\n", ":2: unknown key 'contry'; did you mean country"),
        ("id: demo\ncalendar: nowhere.yaml\n", ":2: calendar: no file .*did you mean own.yaml"),
        ("id: demo\ncalendar: own.yaml\n", "own.yaml:2:12: 2027-01-01 is a holiday and a workday"),
    ],
)
def test_what_is_wrong_about_a_calendar_is_told_with_its_line(
    tmp_path: Path, text: str, said: str
) -> None:
    own = "holidays: [2027-01-01]\nworkdays: [2027-01-01]\n"
    (tmp_path / "own.yaml").write_text(own, encoding="utf-8")
    file = tmp_path / "site.yaml"
    file.write_text(text.replace("nowhere", "ownn"), encoding="utf-8")
    with pytest.raises(WrongSite, match=said):
        read_site(file)


class Reported:
    """What a part has said of itself."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str, str, str]] = []

    def __call__(
        self, part: str, state: str, text_zh: str, text_en: str, figures: Figures = NO_FIGURES
    ) -> None:
        self.said.append((part, state, text_zh, text_en))


def test_the_part_turns_yellow_long_before_the_year_begins() -> None:
    """By the site's clock: in Shanghai October begins eight hours earlier."""
    calendar, report = calendar_of("CN", PLAIN, 2026), Reported()
    for moment in ("2026-09-30T15:59:59", "2026-09-30T16:00:00"):
        calendars.report_calendar(calendar, "CN", SHANGHAI, ms(moment), report)

    assert [(part, state) for part, state, _, _ in report.said] == [
        ("calendar", "green"),
        ("calendar", "yellow"),
    ]
    assert "2027" in report.said[1][2]
    assert "no holidays are known for 2027 (country CN)" in report.said[1][3]


async def test_the_doctor_warns_of_the_year_that_is_missing(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    well = await doctor.check_calendar(settings, Timekeeper(ms("2026-03-02T00:00")))
    ill = await doctor.check_calendar(settings, Timekeeper(ms("2026-11-26T00:00")))

    assert (well.verdict, well.text) == (OK, "holidays of CN known until 2026-12-31")
    assert ill.verdict == WARNING
    assert "no holidays are known for 2027" in ill.text


async def test_the_doctor_says_that_no_country_is_named(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text("id: demo\nzone: Europe/Berlin\n", encoding="utf-8")
    settings = Settings(data_dir=tmp_path, site_file=str(file))
    found = await doctor.check_calendar(settings, Timekeeper(ms("2026-03-02T00:00")))

    assert found.verdict == WARNING
    assert "the site file names no country" in found.text


def test_the_plain_site_is_chinese() -> None:
    assert Site().country == "CN"
