"""A reading: what one device said about one point at one moment. The noun of this package."""

from typing import NamedTuple

Value = bool | int | float | str


class Reading(NamedTuple):
    """One value of one point.

    `at_ms` is when it *happened*, in milliseconds since 1970, as device or gateway say;
    None when the message does not say (the moment of arrival is taken then).
    """

    point: str
    value: Value
    at_ms: int | None = None
    unit: str | None = None
