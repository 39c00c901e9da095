"""The archive, journal and influxd real: nothing lost, nothing twice, bad points named."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import Connection, Engine

from device_drivers.reading import Reading, Value
from hub.archive import FOLLOWER, archive, points_of, sift
from hub.database import dead_letters, for_writing, migrate, open_engine
from hub.journal import COMMAND, DAY_MS, GATEWAY, READING, REFUSAL, STRANGER, Entry, Journal, append
from hub.retry_after import retry_after_s
from hub.series import Point, Series, at_ns, open_series
from hub.settings import Settings
from hub.site import Site
from hub.writer import NORMAL, Writer
from tests.influxd import Fault, Influxd, Proxy, influxd, proxy_before

T = 1_767_225_600_000
SITE = Site(id="demo")
FACTS = {"d1": ("door", "grid-3", None), "m1": ("counter", None, "ground-1")}


class Bell(asyncio.Event):
    """The archive's wake; `quiet` is set when the archive has done all and waits for the bell."""

    def __init__(self) -> None:
        super().__init__()
        self.quiet = asyncio.Event()

    def ring(self) -> None:
        """A commit has come."""
        self.quiet.clear()
        self.set()

    async def wait(self) -> Any:
        """As the archive calls it."""
        if not self.is_set():
            self.quiet.set()
        return await super().wait()


@dataclass
class House:
    """A journal with its writer on a real file, and what the archive did and said."""

    engine: Engine
    settings: Settings
    writer: Writer
    bell: Bell = field(default_factory=Bell)
    waits: list[float] = field(default_factory=list)
    said: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    now_ms: int = T
    up_s: float = 0.0

    async def append(self, entries: Sequence[Entry]) -> None:
        """Keep entries and ring."""
        await self.writer.run(lambda connection: append(connection, entries))
        self.bell.ring()

    async def wait(self, seconds: float) -> None:
        """Remembers the wait and lets everybody else have a turn instead."""
        if seconds:
            self.waits.append(seconds)
        await asyncio.sleep(0)

    def report(
        self, _part: str, state: str, _zh: str, text_en: str, figures: dict[str, Any]
    ) -> None:
        """Remembers what was said."""
        self.said.append((state, text_en, figures))

    async def archive(self, series: Series, **other: Any) -> None:
        """Run the archive until it is cancelled."""
        arguments: dict[str, Any] = {
            "journal": Journal(self.engine),
            "writer": self.writer,
            "series": series,
            "settings": self.settings,
            "clock": HouseClock(self),
            "wake": self.bell,
            "describe": FACTS.get,
            "report": self.report,
            "wait": self.wait,
            "jitter": lambda: 1.0,
        }
        await archive(**{**arguments, **other})

    def cursor(self) -> int:
        """Where the archive stands."""
        return Journal(self.engine).cursor(FOLLOWER)

    def dead(self) -> list[tuple[int, str, str]]:
        """The dead letters: seq, line, error."""
        columns = dead_letters.c.seq, dead_letters.c.line, dead_letters.c.error
        with self.engine.connect() as connection:
            query = sa.select(*columns).order_by(dead_letters.c.seq)
            return [(seq, line, error) for seq, line, error in connection.execute(query)]


@dataclass
class HouseClock:
    """The clock in the test's hand."""

    house: House

    def now_ms(self) -> int:
        """Wall time."""
        return self.house.now_ms

    def monotonic_s(self) -> float:
        """Time since the start."""
        return self.house.up_s


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A journal of its own."""
    engine = open_engine(f"sqlite:///{tmp_path / 'hub.db'}")
    migrate(engine)
    writer = Writer(for_writing(engine), retry_s=0.01)
    settings = Settings(
        data_dir=tmp_path, archive_age_ms=0, archive_retry_min_s=1, archive_retry_max_s=8
    )
    yield House(engine, settings, writer)
    writer.close()
    engine.dispose()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Influxd]:
    """An influxd of this test's own, to be killed and prepared."""
    folder = tmp_path / "influxd"
    folder.mkdir()
    with influxd(folder) as running:
        yield running


@pytest.fixture
async def proxy(server: Influxd) -> AsyncIterator[Proxy]:
    """The route of 2.x, and its faults."""
    async with proxy_before(server) as listening:
        yield listening


@contextlib.asynccontextmanager
async def archiving(house: House, series: Series, **other: Any) -> AsyncIterator[None]:
    """The archive at work for the length of a block; a bug of it falls out of the block."""
    house.bell.quiet.clear()
    task = asyncio.create_task(house.archive(series, **other))
    task.add_done_callback(lambda _done: house.bell.quiet.set())  # a bug ends the wait for quiet
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def influx(house: House, server: Influxd, **other: Any) -> Series:
    """The dialect v1 on the real server."""
    settings = replace(house.settings, influx_api="v1", influxdb_url=server.url, **other)
    return open_series(settings, SITE)


def influx_2(house: House, proxy: Proxy) -> Series:
    """The dialect v2 through the proxy."""
    settings = replace(house.settings, influxdb_url=proxy.url, influxdb_org="community")
    return open_series(settings, SITE)


def entry(at_ms: int, value: Value, *, point: str = "x", device: str = "d1") -> Entry:
    """One reading of a registered device."""
    return Entry(0, READING, device, at_ms, (Reading(point, value, at_ms),))


def stored(server: Influxd, value: str = "value_f") -> list[Any]:
    """All values of one kind in the real server, in the order of time."""
    return [row[value] for row in server.query(f"SELECT {value} FROM readings")]


async def test_readings_reach_influxdb_with_time_tags_and_typed_fields(
    house: House, server: Influxd
) -> None:
    """Only readings of known senders go; refusals and commands are passed by."""
    series = influx(house, server)
    await house.append(
        [
            Entry(0, REFUSAL, None, T, (), {"reason": "no JSON"}),
            entry(T, "open", point="contact"),
            Entry(0, READING, "m1", T, (Reading("uses", 7, T - 5), Reading("uses", 8, T - 5))),
            Entry(0, READING, "stranger", T, (Reading("x", 1, T),), flags=STRANGER),
            entry(T, 1.5, device="gone"),
            Entry(0, READING, "gw9", T, (Reading("alive", True, T),), flags=GATEWAY),
            Entry(0, COMMAND, None, T, (), {"act": "answer"}),
        ]
    )
    async with archiving(house, series):
        await house.bell.quiet.wait()
    await series.close()

    rows = server.query("SELECT * FROM readings")
    assert [(row["time"], row["device"], row["value_f"], row["value_s"]) for row in rows] == [
        (at_ns(T - 5, 3, 0), "m1", 7, None),
        (at_ns(T - 5, 3, 1), "m1", 8, None),
        (at_ns(T, 2, 0), "d1", None, "open"),
        (at_ns(T, 5, 0), "gone", 1.5, None),
    ]
    assert [(row["family"], row["grid"], row["ground"]) for row in rows] == [
        ("counter", None, "ground-1"),
        ("counter", None, "ground-1"),
        ("door", "grid-3", None),
        ("unknown", None, None),
    ]
    assert {row["site"] for row in rows} == {"demo"}
    assert house.cursor() == 7


async def test_new_readings_wake_it_and_gather_for_a_while(house: House) -> None:
    """After the bell it waits `archive_age_ms` once, then takes all that came."""
    house.settings = replace(house.settings, archive_age_ms=500)
    series = open_series(house.settings, SITE)
    async with archiving(house, series):
        await house.bell.quiet.wait()
        assert house.waits == []
        await house.append([entry(T, 1.0), entry(T + 1, 2.0)])
        await house.bell.quiet.wait()

    assert house.waits == [0.5]
    assert [row.value for row in await series.readings("d1", T, T + 9)] == [1.0, 2.0]
    await series.close()


async def test_a_long_journal_is_followed_in_bounded_batches(house: House) -> None:
    """`archive_batch_entries_max` entries a write, the cursor after each."""
    house.settings = replace(house.settings, archive_batch_entries_max=4)
    series = Counting(open_series(house.settings, SITE))
    await house.append([entry(T + n, float(n)) for n in range(10)])
    async with archiving(house, series):
        await house.bell.quiet.wait()

    assert series.writes == [4, 4, 2]
    assert house.cursor() == 10
    await series.close()


async def test_a_restart_goes_on_at_the_cursor(house: House) -> None:
    """What was done is not done again."""
    series = Counting(open_series(house.settings, SITE))
    await house.append([entry(T + n, float(n)) for n in range(3)])
    async with archiving(house, series):
        await house.bell.quiet.wait()
    await house.append([entry(T + 3, 3.0)])
    async with archiving(house, series):
        await house.bell.quiet.wait()

    assert series.writes == [3, 1]
    assert len(await series.readings("d1", T, T + 9)) == 4
    await series.close()


async def test_killed_between_write_and_cursor_it_writes_the_same_again(
    house: House, server: Influxd
) -> None:
    """The second write overwrites the first: every point is there once."""
    series = Counting(influx(house, server))
    await house.append([entry(T, float(n)) for n in range(20)])
    stuck = StuckWriter(house)
    async with archiving(house, series, writer=stuck):
        await stuck.reached.wait()
    stuck.close()
    assert house.cursor() == 0
    assert len(stored(server)) == 20

    async with archiving(house, series):
        await house.bell.quiet.wait()
    await series.close()

    assert series.writes == [20, 20]
    assert stored(server) == [float(n) for n in range(20)]
    assert house.cursor() == 20


async def test_influxd_killed_under_load_loses_and_doubles_nothing(
    house: House, server: Influxd
) -> None:
    """SIGKILL while readings come, more come while it is away, then it is back."""
    house.settings = replace(house.settings, archive_batch_entries_max=50)
    series = influx(house, server)
    away, back = asyncio.Event(), asyncio.Event()

    async def until_back(_seconds: float) -> None:
        """What the archive waits for after a failed write; between two good ones nothing."""
        if house.said[-1][0] == "yellow":
            away.set()
            await back.wait()

    async with archiving(house, series, wait=until_back):
        for batch in range(30):
            await house.append([entry(T + batch, float(batch * 40 + n)) for n in range(40)])
            if batch == 10:
                server.stop(signal.SIGKILL)
            if batch == 20:
                await away.wait()
                await asyncio.to_thread(server.start)
                back.set()
        await house.bell.quiet.wait()
    await series.close()

    assert sorted(stored(server)) == [float(n) for n in range(1_200)]
    assert house.cursor() == 1_200
    assert house.dead() == []
    assert [state for state, _text, _figures in house.said] == ["green", "yellow", "green"]


async def test_three_poisoned_lines_in_a_thousand(house: House, server: Influxd) -> None:
    """997 are stored; three are put aside with the server's words."""
    server.write(f"readings,device=old value_b=1.5 {T * 1_000_000}")
    poisoned = {17, 500, 999}
    entries = [entry(T + n, True if n in poisoned else float(n)) for n in range(1_000)]
    series = influx(house, server)
    await house.append(entries)
    async with archiving(house, series):
        await house.bell.quiet.wait()
    await series.close()

    assert stored(server) == [float(n) for n in range(1_000) if n not in poisoned]
    dead = house.dead()
    assert [seq for seq, _line, _error in dead] == [18, 501, 1_000]
    assert dead[0][1] == (
        "readings,device=d1,family=door,grid=grid-3,point=x,site=demo "
        f"value_b=true {at_ns(T + 17, 18, 0)}"
    )
    assert {error for _seq, _line, error in dead} == {
        '400 partial write: field type conflict: input field "value_b" on measurement "readings" '
        "is type boolean, already exists as type float dropped=1"
    }
    assert house.cursor() == 1_000
    assert house.said[-1][0] == "green"
    assert "refused 3 points" in house.said[-1][1]
    assert house.said[-1][2] == {"cursor": 1_000, "dead_letters": 3}


async def test_a_replay_of_dead_letters_keeps_each_once(house: House, server: Influxd) -> None:
    """The cursor is set back by a restored backup, say."""
    server.write(f"readings,device=old value_b=1.5 {T * 1_000_000}")
    series = influx(house, server)
    await house.append([entry(T, True), entry(T, 2.0)])
    for _ in range(2):
        await house.writer.run(_set_back)
        async with archiving(house, series):
            await house.bell.quiet.wait()
    await series.close()

    assert len(house.dead()) == 1
    assert stored(server) == [2.0]


async def test_dead_letters_are_bounded(house: House) -> None:
    """The oldest goes first."""
    house.settings = replace(house.settings, dead_letters_rows_max=3)
    series = open_series(house.settings, SITE)
    await house.append([entry(T, 1.0, device="") for _ in range(5)])
    async with archiving(house, series):
        await house.bell.quiet.wait()
    await series.close()

    assert [seq for seq, _line, _error in house.dead()] == [3, 4, 5]


async def test_retry_after_is_honoured_in_seconds_and_as_a_date(
    house: House, proxy: Proxy, server: Influxd
) -> None:
    """Otherwise the wait doubles up to its bound; the outage is told once and so is its end."""
    until = format_datetime(datetime.fromtimestamp(T / 1_000 + 90, UTC), usegmt=True)
    proxy.faults = [
        Fault(503, {"Retry-After": "7"}),
        Fault(429, {"Retry-After": until}),
        Fault(503, {"Retry-After": "99999999"}),
        Fault(503),
        Fault(cut=True),
        Fault(500),
        Fault(503, {"Retry-After": "soon"}),
    ]
    series = influx_2(house, proxy)
    await house.append([entry(T, 1.0)])
    async with archiving(house, series):
        await house.bell.quiet.wait()
    await series.close()

    assert house.waits == [7, 90, 3_600, 8, 8, 8, 8]
    assert stored(server) == [1.0]
    assert [state for state, _text, _figures in house.said] == ["green", "yellow", "green"]
    assert house.dead() == []


async def test_without_a_wish_of_the_server_waits_double_up_to_a_bound(
    house: House, proxy: Proxy, server: Influxd
) -> None:
    """With jitter at its least, each wait is half."""
    proxy.faults = [Fault(503)] * 6
    series = influx_2(house, proxy)
    await house.append([entry(T, 1.0)])
    async with archiving(house, series, jitter=lambda: 0.0):
        await house.bell.quiet.wait()
    await series.close()

    assert house.waits == [0.5, 1, 2, 4, 4, 4]
    assert stored(server) == [1.0]


async def test_a_wrong_token_is_red_and_waits_for_a_person(
    house: House, proxy: Proxy, server: Influxd
) -> None:
    """Nothing goes to the dead letters for a mistake of the settings."""
    proxy.faults = [Fault(401, body='{"message":"unauthorized access"}')] * 2 + [Fault(404)]
    series = influx_2(house, proxy)
    await house.append([entry(T, 1.0)])
    async with archiving(house, series):
        await house.bell.quiet.wait()
    await series.close()

    assert [state for state, _text, _figures in house.said] == ["green", "red", "green"]
    assert "401 unauthorized access" in house.said[1][1]
    assert stored(server) == [1.0]
    assert house.dead() == []


async def test_too_large_a_write_is_halved_until_it_goes(
    house: House, proxy: Proxy, server: Influxd
) -> None:
    """413 is about the size, not about the points."""
    proxy.body_bytes_max = 1_000
    series = influx_2(house, proxy)
    await house.append([entry(T, float(n)) for n in range(50)])
    async with archiving(house, series):
        await house.bell.quiet.wait()
    await series.close()

    assert stored(server) == [float(n) for n in range(50)]
    assert house.dead() == []
    assert proxy.writes < 20


async def test_the_local_store_drops_what_is_too_old(house: House) -> None:
    """At the start and then every `retention_every_s`; late news of long ago goes at the next."""
    series = open_series(house.settings, SITE)
    house.now_ms = T + 401 * DAY_MS
    await house.append([entry(T, 1.0), entry(house.now_ms, 2.0)])
    async with archiving(house, series):
        await house.bell.quiet.wait()
        first = await series.readings("d1", T, house.now_ms + 1)
        await house.append([entry(T + 1, 3.0)])
        await house.bell.quiet.wait()
        second = await series.readings("d1", T, house.now_ms + 1)
        house.up_s = house.settings.retention_every_s
        await house.append([entry(house.now_ms + 1, 4.0)])
        await house.bell.quiet.wait()
        third = await series.readings("d1", T, house.now_ms + 2)
    await series.close()

    assert [row.value for row in first] == [2.0]
    assert [row.value for row in second] == [3.0, 2.0]
    assert [row.value for row in third] == [2.0, 4.0]


@given(
    bad=st.sets(st.integers(1, 40)),
    count=st.integers(0, 40),
    size_max=st.integers(1, 50),
    keeps_the_good=st.booleans(),
)
def test_any_bad_points_are_found_and_all_others_stored(
    bad: set[int], count: int, size_max: int, keeps_the_good: bool
) -> None:
    """Whether a server keeps the good ones of a refused write (1.x) or none of it (3 Core).

    No server here refuses whole writes, so the store is one of the test's own.
    """
    everybody = {seq: Point(seq, seq, "d1", "x", 1.0, "door") for seq in range(1, count + 1)}
    kept: set[int] = set()

    async def write(points: Sequence[Point]) -> str | None:
        seqs = {point.seq for point in points}
        if len(points) > size_max:
            return "too many"
        if keeps_the_good or not seqs & bad:
            kept.update(seqs - bad)
        return "bad point" if seqs & bad else None

    refused = asyncio.run(sift(list(everybody.values()), write))
    assert kept == everybody.keys() - bad
    assert [point.seq for point, _words in refused] == sorted(everybody.keys() & bad)
    assert {words for _point, words in refused} <= {"bad point"}


def test_the_same_entry_always_gives_the_same_points() -> None:
    """Times come from the journal alone."""
    readings = (
        Reading("press", "sos", T),
        Reading("press", "sos", T),
        Reading("battery", 90, None),
    )
    kept = Entry(12, READING, "d1", T + 3, readings)

    points = points_of(kept, "d1", ("button", "grid-1", None))
    assert points == points_of(kept, "d1", ("button", "grid-1", None))
    assert len({point.at_ns for point in points}) == 3
    assert [point.at_ns // 1_000_000 for point in points] == [T, T, T + 3]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("5", 5.0),
        (" 5 ", 5.0),
        ("Thu, 01 Jan 2026 00:00:30 GMT", 30.0),
        ("Wed, 31 Dec 2025 00:00:00 GMT", 0.0),
        ("-3", None),
        ("nan", None),
        ("", None),
        ("later", None),
        ("٣", None),
        ("Thu, 01 Jan 2026 00:00:30 +9999999", None),
    ],
)
def test_retry_after_as_it_may_come(header: str | None, seconds: float | None) -> None:
    """What is no wait is no wish."""
    assert retry_after_s(header, T) == seconds


# What the tests above work with


class Counting:
    """A real store that counts the points of each write."""

    def __init__(self, series: Series) -> None:
        self._series = series
        self.writes: list[int] = []
        self.line = series.line
        self.readings = series.readings
        self.forget = series.forget
        self.close = series.close

    async def write(self, points: Sequence[Point]) -> None:
        """As the real one."""
        self.writes.append(len(points))
        await self._series.write(points)


class StuckWriter(Writer):
    """A writer in whose hands the hub dies: nothing that it is given is ever committed."""

    def __init__(self, house: House) -> None:
        super().__init__(for_writing(house.engine), retry_s=1)
        self.reached = asyncio.Event()

    async def run(self, job: Callable[[Connection], Any], *, rank: int = NORMAL) -> Any:
        """Never returns."""
        del job, rank
        self.reached.set()
        await asyncio.Event().wait()


def _set_back(connection: Connection) -> None:
    connection.exec_driver_sql("DELETE FROM cursors")
