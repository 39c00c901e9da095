"""The time series: every reading of every device, for charts and reports.

One port, `Series`, with two stores behind it that answer the same questions with the same answers:
InfluxDB in three dialects (`hub/influx.py`) and a file of our own (`hub/local_series.py`). A store
says no in three ways: `Unavailable` (ask again later), `Refused` (these points will never do) and
`TooLarge` (fewer at a time).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from device_drivers.reading import Value
from hub.settings import Settings, WrongSetting
from hub.site import Site

MS_NS = 1_000_000

# InfluxDB's own bounds of time: what an int64 of nanoseconds holds, a little inside.
_NS_MAX = 2**63 - 2

WINDOW_MS_MAX = 3_660 * 86_400_000  # ten years

# A prime, so that the readings of one entry do not meet those of the entries after it.
_INDEX_STRIDE = 10_007


class Point(NamedTuple):
    """One value of one point of one device, on its way into a store.

    `seq` is its journal entry. Numbers are stored as floats. `at_ns` comes from `at_ns()`.
    """

    seq: int
    at_ns: int
    device: str
    point: str
    value: Value
    family: str
    grid: str | None = None
    ground: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One raw reading, or one window of readings of one point and one kind of value.

    Raw: `value` is the reading and `at_ms` when it happened. Window: `at_ms` is where the window
    starts, `value` the last one in it, `count` how many; numbers also have mean, min and max.
    Numbers are floats, whatever was written.
    """

    at_ms: int
    point: str
    value: bool | float | str
    count: int = 1
    mean: float | None = None
    min: float | None = None
    max: float | None = None


class Unavailable(Exception):
    """The store cannot answer now; the same may go well later.

    `retry_after` is the server's own wish as its header says it; `for_a_person` is true when
    waiting alone will hardly help (a wrong token, no such database).
    """

    def __init__(
        self, words: str, *, retry_after: str | None = None, for_a_person: bool = False
    ) -> None:
        super().__init__(words)
        self.retry_after = retry_after
        self.for_a_person = for_a_person


class Refused(Exception):
    """At least one of these points is refused for good; the text is the store's own words.

    Others of the same write may be stored or not: writing a point again changes nothing.
    """


class TooLarge(Refused):
    """So many points at once are refused."""


class Series(Protocol):
    """What every store of time series can do."""

    async def write(self, points: Sequence[Point]) -> None:
        """Store all points; the same point again changes nothing.

        Raises `Unavailable`, `Refused`, `TooLarge`.
        """
        ...

    async def readings(
        self,
        device: str,
        from_ms: int,
        to_ms: int,
        every_ms: int | None = None,
        points: Collection[str] | None = None,
    ) -> list[Row]:
        """What a device said from `from_ms` up to but not including `to_ms`, oldest first.

        `every_ms` gives a row per window, aligned to multiples of it since 1970; windows without
        readings have no row. `points` None means all. At most `series_rows_max` rows: exactly so
        many may mean that later ones were left out. Raises `Unavailable`, and `ValueError` for an
        `every_ms` that is no window (`check_window`).
        """
        ...

    async def forget(self, before_ms: int, rows_max: int) -> int:
        """Remove at most `rows_max` readings older than that; how many went.

        InfluxDB does this by its own retention policy: always 0 there.
        """
        ...

    def line(self, point: Point) -> str:
        """The point as a line of text, for people who look into what was refused."""
        ...

    async def close(self) -> None:
        """Let go of connections and files."""
        ...


def at_ns(at_ms: int, seq: int, index: int) -> int:
    """Nanoseconds of the `index`-th reading of journal entry `seq`.

    Two readings of one point at one time would overwrite each other, so their place in the journal
    stands in the digits below the millisecond: both live, and a replay writes the same again.
    """
    return at_ms * MS_NS + (seq + index * _INDEX_STRIDE) % MS_NS


def in_time(moment_ns: int) -> bool:
    """Can a store hold this moment (the years 1677 to 2262)?"""
    return -_NS_MAX <= moment_ns <= _NS_MAX


def clamp_ns(at_ms: int) -> int:
    """Milliseconds as nanoseconds, the nearest that a store can hold."""
    return max(-_NS_MAX, min(_NS_MAX, at_ms * MS_NS))


def check_window(every_ms: int | None) -> None:
    """Raise `ValueError` for a window that is nothing, negative or longer than ten years."""
    if every_ms is not None and not 1 <= every_ms <= WINDOW_MS_MAX:
        raise ValueError(f"every_ms: expected 1 to {WINDOW_MS_MAX}, not {every_ms}")


def open_series(settings: Settings, site: Site) -> Series:
    """The store that the settings name. Raises `WrongSetting`.

    A store's module is imported when it is chosen: InfluxDB's client alone takes a third of a
    second.
    """
    check_influx(settings)
    if not settings.influxdb_url:
        from hub.local_series import LocalSeries  # noqa: PLC0415 - see above

        return LocalSeries(settings, site.id)
    from hub.influx import open_influx  # noqa: PLC0415 - see above

    return open_influx(settings, site.id)


def check_influx(settings: Settings) -> None:
    """Raise `WrongSetting` for what no InfluxDB could be reached with."""
    if settings.influx_api not in {"v1", "v2", "v3"}:
        raise WrongSetting(f"HUB_INFLUX_API: expected v1, v2 or v3, not {settings.influx_api!r}")
    if not settings.influxdb_url:
        return
    if "@" in settings.influxdb_url:  # it would stand in every error text; the token is hidden
        raise WrongSetting(
            "INFLUXDB_V2_URL: expected no user and password in the address; "
            "INFLUXDB_V2_TOKEN is for them (dialect v1: user:password)"
        )
    address = urlsplit(settings.influxdb_url)
    if address.scheme not in {"http", "https"} or not address.hostname:
        raise WrongSetting(
            f"INFLUXDB_V2_URL: expected http://host:port, not {settings.influxdb_url!r}"
        )
    if not settings.influxdb_bucket:
        raise WrongSetting("INFLUXDB_V2_BUCKET: expected the name of a bucket or database")
    if settings.influx_api == "v2" and not settings.influxdb_org:
        # Without it the server answers 400 to every write, which reads like bad points.
        raise WrongSetting("INFLUXDB_V2_ORG: expected the organisation that owns the bucket")
    token = settings.influxdb_token
    if settings.influx_api == "v1" and token and ":" not in token:
        raise WrongSetting("INFLUXDB_V2_TOKEN: expected user:password for the dialect v1")
