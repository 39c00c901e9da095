"""The period of a report: a day, week, month or year of the site, or days of one's own."""

from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from dashboard_api.errors import Problem
from hub.site_days import day_at, day_named

DAY, WEEK, MONTH, YEAR, OWN = "day", "week", "month", "year", "own"
KINDS = (DAY, WEEK, MONTH, YEAR, OWN)


@dataclass(frozen=True, slots=True)
class Period:
    """Days [first, last], both included, as the site's calendar has them; their moments [from, to).

    `before` and `after` are days in the period before and in the one after it.
    """

    kind: str
    first: date
    last: date
    from_ms: int
    to_ms: int

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    @property
    def before(self) -> date:
        """The last day before it."""
        return self.first - timedelta(days=1)

    @property
    def after(self) -> date:
        """The first day after it."""
        return self.last + timedelta(days=1)

    @property
    def name(self) -> str:
        """As it stands in names of files: `2026-03`, `2026-03-02`, `2026-03-02_2026-03-08`."""
        if self.kind == MONTH:
            return f"{self.first:%Y-%m}"
        if self.kind == YEAR:
            return f"{self.first:%Y}"
        first, last = self.first.isoformat(), self.last.isoformat()
        return first if first == last else f"{first}_{last}"

    def is_running(self, now_ms: int) -> bool:
        """Is it not over yet?"""
        return self.from_ms <= now_ms < self.to_ms


@dataclass(frozen=True, slots=True)
class Asked:
    """What a query says: the kind of period and a day in it, or the first and the last day."""

    kind: str = MONTH
    day: str = ""
    first: str = ""
    last: str = ""


def read_period(asked: Asked, now_ms: int, zone: ZoneInfo, days_max: int) -> Period:
    """The period that is meant; without a day the one that is now.

    Raises the 422 that says what was expected.
    """
    kind = OWN if asked.first or asked.last else asked.kind
    if kind not in KINDS:
        raise Problem(422, f"period: expected one of {', '.join(KINDS)}, not {kind[:20]!r}.")
    today = date.fromisoformat(day_at(now_ms, zone).name)
    day = _read_day("day", asked.day) if asked.day else today
    if kind == OWN:
        last = _read_day("to", asked.last) if asked.last else today
        first = _read_day("from", asked.first) if asked.first else min(last, day)
    else:
        first, last = _around(kind, day)
    if first > last:
        raise Problem(422, "from: expected a day no later than `to`.")
    if (last - first).days >= days_max:
        raise Problem(422, f"from: at most {days_max} days at once.")
    try:
        begin = day_named(first.isoformat(), zone).from_ms
        end = day_named(last.isoformat(), zone).to_ms
    except (OverflowError, ValueError) as error:
        raise Problem(422, "day: expected a day within the calendar.") from error
    if begin > now_ms:
        raise Problem(422, "day: expected a day that has begun.")
    return Period(kind, first, last, begin, end)


def _read_day(name: str, text: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.isoformat() != text or not 1970 <= found.year < 9999:
        raise Problem(422, f"{name}: expected a day such as 2026-11-25, not {text[:20]!r}.")
    return found


def _around(kind: str, day: date) -> tuple[date, date]:
    """The first and the last day of the period that holds the day."""
    if kind == WEEK:
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=6)
    if kind == MONTH:
        first = day.replace(day=1)
        return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    if kind == YEAR:
        return day.replace(month=1, day=1), day.replace(month=12, day=31)
    return day, day
