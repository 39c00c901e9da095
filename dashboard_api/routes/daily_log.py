"""The grids' daily log: to read, to print, to take along as a table, and to add remarks to."""

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.engine import Connection

from dashboard_api import queries
from dashboard_api.deps import LogReader, Parts, PartsDep, Reading
from dashboard_api.doors import LogVisitor
from dashboard_api.errors import Problem
from dashboard_api.log_words import COLUMNS, details, seconds
from dashboard_api.response_times import response_times
from dashboard_api.routes.pages import page_of
from dashboard_api.shapes import Words
from dashboard_api.tables import csv_answer
from dashboard_api.targets import targets_of
from dashboard_api.texts import language_of
from hub.daily_log import (
    NO_GRID,
    REMARK,
    REMARK_CHARACTERS_MAX,
    Line,
    Log,
    Remark,
    add_remark,
    count_lines,
    is_grid,
    read_log,
)
from hub.database import for_writing
from hub.site_days import Day, day_at, day_named

router = APIRouter()
api = APIRouter(prefix="/api/v1/log", tags=["log"])

GridName = Annotated[str, Query(max_length=128)]
DayName = Annotated[str, Query(max_length=10, description="Such as 2026-11-25; else today.")]


class LineOut(BaseModel):
    """One line; see `hub.daily_log.Line`. `at_ms` is null for what is known by the day only."""

    at_ms: int | None
    grid: str
    what: str
    case: str | None
    device: str | None
    by: str | None
    text: str | None
    after_s: float | None
    step_s: float | None
    outcome: str | None
    details: dict[str, Any]
    title: Words | None
    place: str | None
    place_name: Words | None

    @classmethod
    def of(cls, line: Line) -> "LineOut":
        """From the store's value."""
        made = {"case", "title", "place_name"}
        whole = {name: getattr(line, name) for name in cls.model_fields if name not in made}
        return cls(
            **whole,
            case=line.case_id,
            title=_words(line.title_zh, line.title_en),
            place_name=_words(line.place_zh, line.place_en),
        )


def _words(zh: str | None, en: str | None) -> Words | None:
    return None if zh is None or en is None else Words(zh=zh, en=en)


class LogOut(BaseModel):
    """The log of a grid and day; `figures` of the cases heard in it, by category and for `all`."""

    grid: str
    day: str
    from_ms: int
    to_ms: int
    counts: dict[str, int]
    figures: dict[str, dict[str, Any]]
    lines: list[LineOut]
    more: bool


@api.get("")
def read_daily_log(
    _viewer: LogReader, its: PartsDep, connection: Reading, grid: GridName, day: DayName = ""
) -> LogOut:
    """All that happened in a grid on a day of the site; the grid "-" is what belongs to none."""
    asked = _day(its, day)
    _check_grid(connection, grid)
    log = _read(its, connection, grid, asked)
    return LogOut(
        grid=grid,
        day=asked.name,
        from_ms=asked.from_ms,
        to_ms=asked.to_ms,
        counts=_counts(its, connection, asked).get(grid, {}),
        figures=_figures(its, connection, asked, grid),
        lines=[LineOut.of(line) for line in log.lines],
        more=log.more,
    )


def _day(its: Parts, name: str) -> Day:
    if not name:
        return day_at(its.clock.now_ms(), its.site.zone)
    try:
        return day_named(name, its.site.zone)
    except (ValueError, OverflowError) as error:
        raise Problem(422, f"day: expected a day such as 2026-11-25, not {name[:20]!r}.") from error


def _check_grid(connection: Connection, grid: str) -> None:
    if not is_grid(connection, grid):
        raise Problem(404, f"There is no grid {grid}.", code="no_such_grid")


def _read(its: Parts, connection: Connection, grid: str, day: Day) -> Log:
    changed, rows_max = its.settings.battery_changed_percent, its.settings.log_lines_max
    return read_log(connection, grid, day, changed_percent=changed, lines_max=rows_max)


def _counts(its: Parts, connection: Connection, day: Day) -> dict[str, dict[str, int]]:
    return count_lines(connection, day, its.settings.battery_changed_percent)


def _figures(its: Parts, connection: Connection, day: Day, grid: str) -> dict[str, Any]:
    targets, zone = targets_of(its.settings), its.site.zone
    span = day.from_ms, day.to_ms
    found = response_times(connection, span, targets, zone, its.clock.now_ms())
    return found.by_grid.get(grid, {})


# -- remarks --------------------------------------------------------------------------------------


class NewRemark(BaseModel):
    """What somebody adds. It cannot be changed later, only added to."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    grid: str = Field(max_length=128)
    day: str = Field(max_length=10, description="Which it is about; not a day to come.")
    text: str = Field(min_length=1, max_length=REMARK_CHARACTERS_MAX)


class RemarkOut(BaseModel):
    """It is kept: its number in the journal, and when."""

    seq: int
    at_ms: int


@api.post("/remarks", status_code=201)
def remark(wish: NewRemark, viewer: LogReader, its: PartsDep) -> RemarkOut:
    """Add a remark to the log of a grid and day, under one's own name."""
    now_ms = its.clock.now_ms()
    if _day(its, wish.day).from_ms > now_ms or not wish.day:
        raise Problem(422, "day: expected today or a day before it.")
    added = Remark(wish.grid, wish.day, viewer.name, wish.text)
    with for_writing(its.engine).begin() as connection:
        _check_grid(connection, wish.grid)
        return RemarkOut(seq=add_remark(connection, added, now_ms), at_ms=now_ms)


# -- pages ----------------------------------------------------------------------------------------


@router.get("/log", include_in_schema=False, response_class=HTMLResponse)
def log_page(
    request: Request,
    its: PartsDep,
    viewer: LogVisitor,
    connection: Reading,
    day: DayName = "",
) -> Response:
    """The logs of a day, a row a grid."""
    asked = _day(its, day)
    counts, names = _counts(its, connection, asked), queries.grid_names(connection)
    others = sorted({*counts, NO_GRID} - {*names})
    words = {"counts": counts, "names": names, "shown": [*names, *others], "no_grid": NO_GRID}
    return page_of(request, its, viewer, "log.html", **words, **_around(its, asked))


def _around(its: Parts, day: Day) -> dict[str, Any]:
    """The day with those before and after it; None: it is yet to come."""
    now_ms, zone = its.clock.now_ms(), its.site.zone
    before = day_at(max(0, day.from_ms - 1), zone).name
    after = day_at(day.to_ms, zone).name if day.to_ms <= now_ms else None
    return {"day": day.name, "before": before, "after": after, "today": day_at(now_ms, zone).name}


@router.get("/log/{grid}/{day}", include_in_schema=False, response_class=HTMLResponse)
def day_page(
    grid: str, day: str, request: Request, its: PartsDep, viewer: LogVisitor, connection: Reading
) -> Response:
    """The log of a grid and day, as it is read and printed; `….csv`: as a table."""
    asked = _day(its, day.removesuffix(".csv"))
    _check_grid(connection, grid)
    log = _read(its, connection, grid, asked)
    if day.endswith(".csv"):
        return _table(its, language_of(request), grid, asked, log)
    return page_of(
        request,
        its,
        viewer,
        "log_day.html",
        grid=grid,
        name=queries.grid_names(connection).get(grid),
        log=log,
        counts=_counts(its, connection, asked).get(grid, {}),
        figures=_figures(its, connection, asked, grid),
        targets=targets_of(its.settings),
        characters_max=REMARK_CHARACTERS_MAX,
        is_remark=REMARK,
        **_around(its, asked),
    )


# -- as a table -----------------------------------------------------------------------------------


def _table(its: Parts, language: str, grid: str, asked: Day, log: Log) -> Response:
    speaker = its.texts.speaker(language)
    name = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in grid)
    head = [speaker.say(column) for column in COLUMNS]
    rows = ([*_row(line, its, language)] for line in log.lines)
    return csv_answer(f"log-{name}-{asked.name}", head, rows)


def _row(line: Line, its: Parts, language: str) -> Iterator[str | None]:
    speaker = its.texts.speaker(language)
    its_own = line._asdict()
    named = [its_own[f"{name}_{language}"] or "" for name in ("title", "place", "device")]
    spans = [None if one is None else seconds(one) for one in (line.after_s, line.step_s)]
    cells = (
        "" if line.at_ms is None else speaker.moment(line.at_ms),
        speaker.label(f"log_{line.what}"),
        line.case_id,
        *named[:2],
        named[2] or line.device,
        line.by,
        *spans,
        details(line, speaker),
    )
    return iter(cells)
