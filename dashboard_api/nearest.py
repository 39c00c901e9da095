"""Who is nearest to a home: neighbours by the path of their place, staff by their grid.

Pure: rows come in, rows come out in the order in which one would ask them.
"""

import re
from collections.abc import Mapping, Sequence

from dashboard_api.queries import Row

_NUMBER = re.compile(r"\d+")
FLOOR_ROOMS = 100  # room 1204 is on floor 12
OTHER_FLOOR = 1_000  # one floor away is farther than any room of the same floor
OTHER_BRANCH = 1_000_000  # another entrance, another building


def apart(place: str, other: str) -> int:
    """How far two places are from one another; only greater and less mean something.

    `b3/u1/1204` has what is on its floor nearest, then its entrance, then its building.
    """
    mine, theirs = place.split("/"), other.split("/")
    shared = 0
    while shared < min(len(mine), len(theirs)) and mine[shared] == theirs[shared]:
        shared += 1
    steps = max(len(mine), len(theirs)) - shared
    if steps == 0:
        return 0
    if steps > 1:
        return steps * OTHER_BRANCH
    return _rooms_apart(mine[-1], theirs[-1])


def _rooms_apart(room: str, other: str) -> int:
    mine, theirs = _NUMBER.search(room), _NUMBER.search(other)
    if mine is None or theirs is None:
        return OTHER_BRANCH
    (floor, nth), (other_floor, other_nth) = (
        divmod(int(one[0]), FLOOR_ROOMS) for one in (mine, theirs)
    )
    return abs(floor - other_floor) * OTHER_FLOOR + abs(nth - other_nth)


def neighbours(place: str, residents: Sequence[Row], rows_max: int) -> list[Row]:
    """Those of the same entrance who can be called, the nearest first; not who lives there too."""
    around = place.rpartition("/")[0]
    near = [one for one in residents if one["place"] != place and one["phone"]]
    same = [one for one in near if around and one["place"].rpartition("/")[0] == around]
    return sorted(same, key=lambda one: (apart(place, one["place"]), one["id"]))[:rows_max]


def staff_nearest(
    grid: str | None, stands_in: str | None, shifts: Sequence[Row], grids: Mapping[str, Row]
) -> list[Row]:
    """Who is on duty, the case's own grid first, then the one that stands in, then the others.

    Each with the phone of its grid; the own grid's phone and leader stand there even if nobody has
    signed on.
    """
    order = {grid: 0, stands_in: 1, None: 2}
    found = [
        {"role": one["role"], "grid": one["grid"], "person": one["person"], "phone": None}
        for one in shifts
    ]
    manned = {(one["role"], one["grid"]) for one in found}
    found += [
        {"role": "duty-phone", "grid": name, "person": None, "phone": None}
        for name in dict.fromkeys((grid, stands_in))
        if name in grids and ("duty-phone", name) not in manned
    ]
    for one in found:
        known = grids.get(one["grid"]) if one["role"] in ("duty-phone", "grid-leader") else None
        one["phone"] = known["phone"] if known else None
        one["leader"] = known["leader"] if known else None
    return sorted(
        found, key=lambda one: (order.get(one["grid"], 3), one["role"], one["person"] or "")
    )
