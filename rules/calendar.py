"""Workdays and holidays. Days are data: a table of years, with what an own file says on top."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True)
class Calendar:
    """`days` says of a date whether it is a workday where that is not plain from the week.

    `years` are those for which the table is complete; outside of them a weekend is a holiday.
    """

    days: Mapping[date, bool] = field(default_factory=dict)
    years: frozenset[int] = frozenset()

    def is_workday(self, day: date) -> bool:
        """A swapped Saturday (调休) is a workday, a holiday on a Tuesday is none."""
        return self.days.get(day, day.weekday() < 5)

    def knows(self, year: int) -> bool:
        """Is the table complete for that year? If not, people must be warned."""
        return year in self.years

    def with_own(self, days: Mapping[date, bool]) -> "Calendar":
        """The same with a site's own days, which win."""
        return Calendar({**self.days, **days}, self.years)


PLAIN = Calendar()
