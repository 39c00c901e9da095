"""The site's calendar: its country's workdays and holidays, and its own days on top.

Three sources, the later one wins, day by day: the package `holidays` (which follows the notices of
China's State Council, swapped days included), for China the table that comes with the rules, and
the site's own file. A year is known when one of them is complete for it. China's swapped days are
published a few weeks before the year begins; without them the package would say plain weekends, so
such a year counts as unknown, and people are warned from October on.
"""

import asyncio
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hub.clock import Clock
from hub.health import GREEN, YELLOW, Report
from hub.mistakes import Wrong, nearest
from rules.calendar import CHINA, PLAIN, Calendar, read_calendar

PART = "calendar"  # of the hub's health

CHINA_CODE = "CN"
# Where a site file names no country, its zone does if it is one of these.
CHINESE_ZONES = frozenset(
    {"Asia/Shanghai", "Asia/Urumqi", "Asia/Chongqing", "Asia/Harbin", "Asia/Kashgar", "PRC"}
)
YEARS_FROM = 2001  # the oldest notice that the package has
YEARS_AHEAD = 10  # how far computed feasts are worked out; a hub is started more often than that
_LANGUAGE = "en_US"  # in which the package says that a day is only estimated
_ESTIMATED = "estimated"


def country(text: str) -> str:
    """`CN`, or a part of a country such as `DE-BY`. Raises `Wrong` with the nearest right one."""
    code, _, part = text.partition("-")
    try:
        _table(code, part, [])
    except NotImplementedError as error:
        raise _unknown(text, code, part) from error
    if len(code) != 2:  # the package knows other spellings
        raise _unknown(text, code, part)
    return text


def _unknown(text: str, code: str, part: str) -> Wrong:
    found = _package().list_supported_countries()  # reads every country: only for the mistaken
    known = [name for name in found if len(name) == 2]
    if code not in known:
        near = nearest(code.upper(), known)
        return Wrong(
            f"expected a country by its two letters, such as CN or DE-BY, not {text!r}{near}"
        )
    parts = found[code]
    near = nearest(part.upper(), parts)
    return Wrong(f"{code} has no part {part!r}; it has {', '.join(parts) or 'none'}{near}")


def _package() -> Any:
    import holidays  # noqa: PLC0415 - a quarter of a second, and most commands need no calendar

    return holidays


def _table(code: str, part: str, years: Iterable[int]) -> Any:
    return _package().country_holidays(
        code, subdiv=part or None, years=years, expand=False, language=_LANGUAGE
    )


def country_of_zone(zone: ZoneInfo) -> str | None:
    """China of its own zones; elsewhere nobody can tell: a zone may hold several countries."""
    return CHINA_CODE if zone.key in CHINESE_ZONES else None


def calendar_of(code: str | None, own: Calendar, year: int) -> Calendar:
    """The calendar of a country as of that year, with the site's own days. None: no country."""
    found = PLAIN if code is None else _of_country(code, year + YEARS_AHEAD)
    if code == CHINA_CODE:
        shipped = read_calendar(CHINA)
        found = found.with_own(shipped.days, shipped.years)
    return found.with_own(own.days, own.years)


def _of_country(code: str, last_year: int) -> Calendar:
    name, _, part = code.partition("-")
    years = range(YEARS_FROM, last_year + 1)
    table = _table(name, part, years)
    weekend = frozenset(table.weekend)
    swapped = frozenset(table.weekend_workdays)
    if name == CHINA_CODE:
        known = frozenset(day.year for day in swapped)
    else:
        estimated = {day.year for day, label in table.items() if _ESTIMATED in label}
        first, last = table.start_year, table.end_year
        known = frozenset(y for y in years if first <= y <= last and y not in estimated)
    days = {day: False for day in table if day.weekday() not in weekend}
    days.update(dict.fromkeys(swapped, True))
    inside = {day: workday for day, workday in days.items() if day.year in known}
    return Calendar(inside, known, weekend)


# -- what people are told ------------------------------------------------------------------------


def missing_year(calendar: Calendar, zone: ZoneInfo, now_ms: int) -> int | None:
    """The year for which days are missing and needed: this one, or soon the next."""
    return calendar.missing_year(today(zone, now_ms))


def today(zone: ZoneInfo, now_ms: int) -> date:
    """By the site's clock."""
    return datetime.fromtimestamp(now_ms / 1_000, zone).date()


def warning(year: int, code: str | None) -> tuple[str, str]:
    """What to do about a year without data."""
    where_zh = f"国家/地区 {code}" if code else "站点文件未写 country"
    where_en = f"country {code}" if code else "the site file names no country"
    return (
        f"{year} 年没有节假日数据（{where_zh}）：在补充之前，该年只按周末判断工作日与节假日，"
        "请更新软件，或在站点文件的 calendar 中补充",
        f"no holidays are known for {year} ({where_en}): until they are, only weekends count as "
        "holidays in that year; update the hub, or add the days to the site's own calendar",
    )


async def mind_calendar(
    *,
    calendar: Calendar,
    code: str | None,
    zone: ZoneInfo,
    clock: Clock,
    report: Report,
    every_s: float,
) -> None:
    """Until cancelled: say how the calendar is. It is read when the hub starts."""
    while True:
        report_calendar(calendar, code, zone, clock.now_ms(), report)
        await asyncio.sleep(every_s)


def report_calendar(
    calendar: Calendar, code: str | None, zone: ZoneInfo, now_ms: int, report: Report
) -> None:
    """Yellow while days are missing that will be needed soon, or are needed now."""
    year = missing_year(calendar, zone, now_ms)
    figures = {"country": code, "known_until": known_until(calendar, today(zone, now_ms))}
    if year is None:
        report(PART, GREEN, "节假日数据齐全", "holidays are known", figures)
    else:
        report(PART, YELLOW, *warning(year, code), {**figures, "missing": year})


def known_until(calendar: Calendar, day: date) -> str | None:
    """The last day up to which every year from this one on is known; None: not even today."""
    year = day.year
    while calendar.knows(year):
        year += 1
    return None if year == day.year else (date(year, 1, 1) - timedelta(days=1)).isoformat()
