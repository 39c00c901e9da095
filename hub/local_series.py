"""The time series in a file of our own, for sites without InfluxDB.

`series.db` in the data folder, SQLite like the hub's database and as durable: the archive's cursor
says that what was written is kept, and a commit every half a second costs nothing. One row per
reading; the key is device, time, point and kind of value, so that a chart reads one run of rows and
a replay overwrites. Family, grid and ground stay in the register of devices.
Bounds: `series_keep_days`, `series_rows_max`.
"""

import asyncio
import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub import private_files
from hub.database import UnusableDatabase, for_writing, make_private, open_engine
from hub.line_protocol import line_writer
from hub.series import MS_NS, Point, Refused, Row, Unavailable, check_window, clamp_ns, in_time
from hub.settings import Settings

Result = TypeVar("Result")
FILE = "series.db"

_CREATE = """
CREATE TABLE IF NOT EXISTS readings (
    device TEXT NOT NULL,
    at_ns INTEGER NOT NULL,
    point TEXT NOT NULL,
    kind TEXT NOT NULL,  -- f a number, b yes or no, s a text
    value NOT NULL,
    PRIMARY KEY (device, at_ns, point, kind)
) WITHOUT ROWID
"""
_INSERT = "INSERT OR REPLACE INTO readings VALUES (?, ?, ?, ?, ?)"
_FOUND = """
    device = :device AND at_ns >= :from_ns AND at_ns < :to_ns
    AND (:all_points OR point IN :points)
"""
_POINTS: sa.BindParameter[list[str]] = sa.bindparam("points", expanding=True)
_RAW = sa.text(f"""
SELECT at_ns, point, kind, value FROM readings WHERE {_FOUND}
ORDER BY at_ns, point, kind LIMIT :rows_max
""").bindparams(_POINTS)  # noqa: S608 - constant text
_WINDOWS = sa.text(f"""
WITH windows AS (
    SELECT at_ns - ((at_ns % :every_ns) + :every_ns) % :every_ns AS start_ns, point, kind,
           count(*) AS count, avg(value) AS mean, min(value) AS min, max(value) AS max,
           max(at_ns) AS last_ns
    FROM readings WHERE {_FOUND} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3 LIMIT :rows_max
)
SELECT start_ns, point, kind, newest.value, count, mean, min, max
FROM windows JOIN readings AS newest USING (point, kind)
WHERE newest.device = :device AND newest.at_ns = last_ns
ORDER BY start_ns, point, kind
""").bindparams(_POINTS)  # noqa: S608 - constant text
_NEXT_DEVICE = sa.text("SELECT min(device) FROM readings WHERE device > :device")
_FORGET = sa.text("""
DELETE FROM readings WHERE (device, at_ns, point, kind) IN (
    SELECT device, at_ns, point, kind FROM readings
    WHERE device = :device AND at_ns < :before_ns ORDER BY at_ns LIMIT :rows_max)
""")


class LocalSeries:
    """`Series` in a SQLite file. Raises `UnusableDatabase` when the file cannot be opened."""

    def __init__(self, settings: Settings, site: str) -> None:
        self.line = line_writer(site, settings.series_keys_cached_max)
        self._rows_max = settings.series_rows_max
        file = settings.data_dir / FILE
        try:
            private_files.make_folder(file.parent)
            self._engine = open_engine(f"sqlite:///{file}")
            make_private(self._engine)
            with for_writing(self._engine).begin() as connection:
                connection.exec_driver_sql(_CREATE)
        except (sa.exc.DatabaseError, OSError) as error:
            raise UnusableDatabase(f"{file}: {getattr(error, 'orig', error)}") from error

    async def write(self, points: Sequence[Point]) -> None:
        """See `Series`; a write is stored whole or not at all."""
        await asyncio.to_thread(self._work, partial(_write, points=points))

    async def readings(
        self,
        device: str,
        from_ms: int,
        to_ms: int,
        every_ms: int | None = None,
        points: Collection[str] | None = None,
    ) -> list[Row]:
        """See `Series`."""
        check_window(every_ms)
        asked = {
            "device": device,
            "from_ns": clamp_ns(from_ms),
            "to_ns": clamp_ns(to_ms),
            "all_points": points is None,
            "points": list(points or ()),
            "rows_max": self._rows_max,
        }
        if every_ms is None:
            return await asyncio.to_thread(self._ask, _RAW, asked, _raw_row)
        asked["every_ns"] = every_ms * MS_NS
        return await asyncio.to_thread(self._ask, _WINDOWS, asked, _window_row)

    async def forget(self, before_ms: int, rows_max: int) -> int:
        """See `Series`."""
        job = partial(_forget, before_ns=clamp_ns(before_ms), rows_max=rows_max)
        return await asyncio.to_thread(self._work, job)

    async def close(self) -> None:
        """See `Series`."""
        self._engine.dispose()

    def _ask(
        self, query: sa.TextClause, asked: dict[str, Any], shape: Callable[..., Row]
    ) -> list[Row]:
        try:
            with self._engine.connect() as connection:
                return [shape(*found) for found in connection.execute(query, asked)]
        except sa.exc.DatabaseError as error:
            raise Unavailable(f"{FILE}: {error.orig}") from error

    def _work(self, job: Callable[[Connection], Result]) -> Result:
        try:
            with for_writing(self._engine).begin() as connection:
                return job(connection)
        except sa.exc.DatabaseError as error:
            raise Unavailable(f"{FILE}: {error.orig}") from error


def _write(connection: Connection, points: Sequence[Point]) -> None:
    rows = [_row(point) for point in points]
    if rows:
        connection.exec_driver_sql(_INSERT, rows)


def _row(point: Point) -> tuple[str, int, str, str, Any]:
    """A row of the table. Raises `Refused` for what InfluxDB refuses too."""
    if not (point.device and point.point):
        raise Refused("a point without a device or without a name")
    if not in_time(point.at_ns):
        raise Refused(f"time outside of what can be stored: {point.at_ns} ns")
    if isinstance(point.value, bool):
        return point.device, point.at_ns, point.point, "b", int(point.value)
    if isinstance(point.value, str):
        return point.device, point.at_ns, point.point, "s", point.value
    if not math.isfinite(point.value):
        raise Refused(f"invalid number: {point.value}")
    return point.device, point.at_ns, point.point, "f", float(point.value)


def _raw_row(at_ns: int, point: str, kind: str, value: Any) -> Row:
    return Row(at_ns // MS_NS, point, bool(value) if kind == "b" else value)


def _window_row(
    start_ns: int, point: str, kind: str, value: Any, count: int, *figures: float
) -> Row:
    row = replace(_raw_row(start_ns, point, kind, value), count=count)
    if kind != "f":
        return row
    mean, lowest, highest = figures
    return replace(row, mean=mean, min=lowest, max=highest)


def _forget(connection: Connection, before_ns: int, rows_max: int) -> int:
    """Device by device, for the key begins with it: no second index over all times is needed."""
    gone = 0
    device = connection.execute(_NEXT_DEVICE, {"device": ""}).scalar()
    while device is not None and gone < rows_max:
        asked = {"device": device, "before_ns": before_ns, "rows_max": rows_max - gone}
        gone += connection.execute(_FORGET, asked).rowcount
        device = connection.execute(_NEXT_DEVICE, {"device": device}).scalar()
    return gone
