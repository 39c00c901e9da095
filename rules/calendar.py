"""Workdays and holidays. Days are data: a table of years, with what an own file says on top."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from rules.document import Item, Mistake, Unreadable, nearest, read_document

CHINA = Path(__file__).parent / "calendars" / "cn.yaml"
RANGE_DAYS_MAX = 366
WEEKEND = frozenset({5, 6})  # Saturday and Sunday, as `date.weekday` counts
WARN_FROM_MONTH = 10  # from then on the next year must be known: its notice comes in November


@dataclass(frozen=True, slots=True)
class Calendar:
    """`days` says of a date whether it is a workday where that is not plain from the week.

    `years` are those for which the table is complete; outside of them a weekend is a holiday.
    `weekend` holds the days of the week that are no workdays, 0 for Monday.
    """

    days: Mapping[date, bool] = field(default_factory=dict)
    years: frozenset[int] = frozenset()
    weekend: frozenset[int] = WEEKEND

    def is_workday(self, day: date) -> bool:
        """A swapped Saturday (调休) is a workday, a holiday on a Tuesday is none."""
        return self.days.get(day, day.weekday() not in self.weekend)

    def knows(self, year: int) -> bool:
        """Is the table complete for that year? If not, people must be warned."""
        return year in self.years

    def with_own(
        self, days: Mapping[date, bool], years: frozenset[int] = frozenset()
    ) -> "Calendar":
        """The same with other days, which win, and with years for which these are complete."""
        return Calendar({**self.days, **days}, self.years | years, self.weekend)

    def missing_year(self, today: date) -> int | None:
        """The year for which people should add days now: this one, or from October on the next."""
        soon = today.year + (1 if today.month >= WARN_FROM_MONTH else 0)
        return next((year for year in (today.year, soon) if not self.knows(year)), None)


PLAIN = Calendar()


def read_calendar(file: Path) -> Calendar:
    """A file with `years`, `holidays` and `workdays`. Raises `Unreadable` with the place."""
    top = read_document(file)
    if top is None or not top.is_map:
        raise _wrong(file, top, "expected years, holidays and workdays")
    days: dict[date, bool] = {}
    years: set[int] = set()
    for key, item in top.value:
        if not item.is_list:
            raise _wrong(file, item, "expected a list")
        match key.value:
            case "years":
                years.update(_year(file, one) for one in item.value)
            case "holidays" | "workdays":
                for one in item.value:
                    _add(file, one, days, workday=key.value == "workdays")
            case other:
                near = nearest(other, ("years", "holidays", "workdays"))
                raise _wrong(file, key, f"unknown key {other!r}", near)
    return Calendar(days, frozenset(years))


def _add(file: Path, item: Item, days: dict[date, bool], *, workday: bool) -> None:
    for day in _days(file, item):
        if days.setdefault(day, workday) is not workday:
            raise _wrong(file, item, f"{day} is a holiday and a workday: say one of them")


def _wrong(file: Path, item: Item | None, what: str, near: str | None = None) -> Unreadable:
    line, column = (1, 1) if item is None else (item.line, item.column)
    return Unreadable(Mistake(str(file), line, column, what, near))


def _year(file: Path, item: Item) -> int:
    if not isinstance(item.value, int) or not 1970 <= item.value <= 9999:
        raise _wrong(file, item, f"expected a year, not {item.shown()}")
    return item.value


def _days(file: Path, item: Item) -> Iterator[date]:
    first, _, last = str(item.value).partition("..")
    try:
        begin = date.fromisoformat(first)
        end = date.fromisoformat(last) if last else begin
    except ValueError as error:
        raise _wrong(
            file, item, f"expected a day or a range of days, not {item.shown()}"
        ) from error
    if not 0 <= (end - begin).days <= RANGE_DAYS_MAX:
        raise _wrong(file, item, f"an impossible range: {item.shown()}")
    yield from (begin + timedelta(days=n) for n in range((end - begin).days + 1))
