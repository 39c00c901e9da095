"""The day on which a battery will be empty: a straight line through the days since it was changed.

Pure: figures in, figures out.
"""

from collections.abc import Sequence
from statistics import linear_regression
from typing import NamedTuple


class Sample(NamedTuple):
    """The battery of one day: the day's ordinal, and the percent at its end."""

    day: int
    percent: float


class Forecast(NamedTuple):
    """When it will be empty: the fall in percent a day, and over how many days it was seen."""

    empty_day: int
    per_day: float
    days: int


class Wants(NamedTuple):
    """What a forecast needs before it says anything."""

    days_min: int  # from the first to the last day
    samples_min: int
    changed_by: float  # a rise by so many percent from one day to the next is a new battery
    empty_percent: float


def forecast(samples: Sequence[Sample], wants: Wants) -> Forecast | None:
    """The day on which the line through the samples since the last new battery meets empty.

    None where too little is known, or where it does not fall.
    """
    own = since_changed(samples, wants.changed_by)
    if len(own) < wants.samples_min or own[-1].day - own[0].day < wants.days_min:
        return None
    slope, begin = linear_regression([one.day for one in own], [one.percent for one in own])
    if slope >= 0:
        return None
    empty_day = max(own[-1].day, round((wants.empty_percent - begin) / slope))
    return Forecast(empty_day, -slope, own[-1].day - own[0].day)


def since_changed(samples: Sequence[Sample], changed_by: float) -> Sequence[Sample]:
    """The samples of the battery that is in there now."""
    begin = 0
    for place in range(1, len(samples)):
        if samples[place].percent - samples[place - 1].percent >= changed_by:
            begin = place
    return samples[begin:]
