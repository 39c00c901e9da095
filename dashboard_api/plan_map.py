"""The site's plan as shapes: grids, buildings and places, coloured only where somebody must act.

Pure: places, grids and open cases come in; what is to be drawn comes out, in the units of the SVG.
A place without coordinates is not drawn; its cases are shown at the nearest place above it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from dashboard_api.queries import Row
from hub.natural import natural

WIDTH, HEIGHT = 1_000, 640
SEVERITIES = ("emergency", "urgent", "warning", "notice")
COLOURED = SEVERITIES[:3]  # a notice can wait: nobody must act now
HOUSES = ("building", "entrance")
HOUSE = (120, 40)  # how large a building is drawn
HOME = "home"  # too many for a plan; their entrance stands for them

Point = tuple[float, float]


class Mark(NamedTuple):
    """A place on the plan. `severity` of the most urgent open case there, "" without one.

    `fresh`: nobody has answered that one. `cases`: of all open ones the ids, the most urgent first.
    """

    path: str
    kind: str
    name_zh: str
    name_en: str
    x: float
    y: float
    severity: str
    fresh: bool
    cases: tuple[str, ...]


class Area(NamedTuple):
    """A grid: the corners of what surrounds its places, and where its name stands."""

    id: str
    name_zh: str
    name_en: str
    corners: tuple[Point, ...]
    label: Point


class PlanMap(NamedTuple):
    """The whole plan. `elsewhere`: open cases that no drawn place stands for."""

    areas: tuple[Area, ...]
    marks: tuple[Mark, ...]
    elsewhere: tuple[Row, ...]


def plan_map(
    places: Mapping[str, Row], grids: Mapping[str, Row], open_cases: Iterable[Row]
) -> PlanMap:
    """What is to be drawn; `open_cases` in the order of the console, the most urgent first."""
    drawn = {
        path: place
        for path, place in places.items()
        if place["x"] is not None and place["y"] is not None and place["kind"] != HOME
    }
    at: dict[str, list[Row]] = {}
    elsewhere = []
    for case in open_cases:
        path = standing_for(case["place"], drawn)
        if path is None:
            elsewhere.append(case)
        else:
            at.setdefault(path, []).append(case)
    marks = tuple(_mark(drawn[path], at.get(path, [])) for path in sorted(drawn, key=natural))
    return PlanMap(tuple(_areas(drawn.values(), grids)), marks, tuple(elsewhere))


def standing_for(path: str | None, drawn: Mapping[str, Row]) -> str | None:
    """The place itself, or the nearest one above it, that is on the plan."""
    while path:
        if path in drawn:
            return path
        path = path.rpartition("/")[0]
    return None


def _mark(place: Row, cases: Sequence[Row]) -> Mark:
    worst = cases[0] if cases else None
    severity = worst["severity"] if worst and worst["severity"] in COLOURED else ""
    fresh = any(case["state"] == "raised" for case in cases if case["severity"] == severity)
    ids = tuple(case["id"] for case in cases)
    about = place["path"], place["kind"], place["name_zh"], place["name_en"]
    return Mark(*about, *_point(place), severity, fresh, ids)


def _point(place: Row) -> Point:
    return round(place["x"] * WIDTH, 1), round(place["y"] * HEIGHT, 1)


def _areas(places: Iterable[Row], grids: Mapping[str, Row]) -> Iterable[Area]:
    """Of each grid around its houses; one that has none, around whatever it has."""
    houses: dict[str, list[Point]] = {}
    others: dict[str, list[Point]] = {}
    for place in places:
        if place["grid"] in grids:
            kind = houses if place["kind"] in HOUSES else others
            kind.setdefault(place["grid"], []).extend(_corners(place))
    for grid, found in sorted((others | houses).items()):
        corners = hull(found)
        top = min(corners, key=lambda corner: corner[1])
        middle = sum(corner[0] for corner in corners) / len(corners)
        names = grids[grid]["grid_zh"], grids[grid]["grid_en"]
        yield Area(grid, *names, corners, (round(middle, 1), top[1]))


def _corners(place: Row) -> Iterable[Point]:
    x, y = _point(place)
    half_width, half_height = (HOUSE[0] / 2, HOUSE[1] / 2) if place["kind"] == HOUSES[0] else (0, 0)
    for dx in (-half_width, half_width):
        for dy in (-half_height, half_height):
            yield round(x + dx, 1), round(y + dy, 1)


def hull(points: Iterable[Point]) -> tuple[Point, ...]:
    """The corners of the smallest convex shape around these points (Andrew's monotone chain)."""
    ordered = sorted(set(points))
    if len(ordered) <= 2:
        return tuple(ordered)
    lower, upper = _half(ordered), _half(ordered[::-1])
    return (*lower[:-1], *upper[:-1])


def _half(points: Sequence[Point]) -> list[Point]:
    half: list[Point] = []
    for point in points:
        while len(half) >= 2 and _turn(half[-2], half[-1], point) <= 0:
            half.pop()
        half.append(point)
    return half


def _turn(first: Point, second: Point, third: Point) -> float:
    return (second[0] - first[0]) * (third[1] - first[1]) - (second[1] - first[1]) * (
        third[0] - first[0]
    )
