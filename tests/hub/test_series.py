"""One contract, every store: the local file, InfluxDB 1.x directly, and the route of 2.x."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.database import UnusableDatabase
from hub.line_protocol import line_writer, read_tag, write_tag
from hub.series import (
    Point,
    Refused,
    Row,
    Series,
    TooLarge,
    Unavailable,
    at_ns,
    open_series,
)
from hub.settings import Settings, WrongSetting
from hub.site import Site
from tests.hub.series_contract import FEW, MINUTE, SeriesContract, T, point
from tests.influxd import Fault, Influxd, Proxy, influxd, proxy_before
from tests.programs import free_port

SITE = Site(id="demo")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influxd]:
    """One influxd for all tests here; each has a site of its own in it."""
    with influxd(tmp_path_factory.mktemp("influxd")) as running:
        yield running


@pytest.fixture
async def proxy(server: Influxd) -> AsyncIterator[Proxy]:
    """The route of 2.x before it."""
    async with proxy_before(server) as listening:
        yield listening


def v1_settings(server: Influxd) -> Settings:
    """The dialect of 1.x against the real server."""
    return Settings(influx_api="v1", influxdb_url=server.url, archive_timeout_s=5)


def v2_settings(proxy: Proxy, dialect: str = "v2") -> Settings:
    """The dialects of 2.x and 3 against the real server behind the proxy."""
    return Settings(
        influx_api=dialect,
        influxdb_url=proxy.url,
        influxdb_org="community",
        influxdb_token="a-token",
        archive_timeout_s=5,
    )


@pytest.fixture(params=["local", "v1", "v2", "v3"])
async def series(
    request: pytest.FixtureRequest, server: Influxd, proxy: Proxy, tmp_path: Path
) -> AsyncIterator[Series]:
    """Every store, empty for this test."""
    chosen = {
        "local": Settings(),
        "v1": v1_settings(server),
        "v2": v2_settings(proxy),
        "v3": v2_settings(proxy, "v3"),
    }[request.param]
    chosen = replace(chosen, data_dir=tmp_path, series_rows_max=50)
    opened = open_series(chosen, Site(id=request.node.name))
    yield opened
    await opened.close()


class TestEveryStore(SeriesContract):
    """The local file, InfluxDB 1.x, and the routes of 2.x and 3 before it."""


@given(
    values=st.lists(
        st.tuples(st.integers(0, 5 * MINUTE), st.floats(-1e6, 1e6)), min_size=1, max_size=30
    ),
    every_s=st.integers(1, 200),
    start=st.integers(0, MINUTE),
)
@FEW
async def test_windows_are_what_a_plain_count_says(
    server: Influxd,
    tmp_path: Path,
    values: list[tuple[int, float]],
    every_s: int,
    start: int,
) -> None:
    """The local file and the real server agree with each other on any data."""
    device = f"{abs(hash((tuple(values), every_s, start)))}"
    points = [
        point(T + ms, value, seq=seq, device=device) for seq, (ms, value) in enumerate(values)
    ]
    answers = []
    for chosen in (replace(Settings(), data_dir=tmp_path), v1_settings(server)):
        series = open_series(chosen, Site(id="agree"))
        await series.write(points)
        answers.append(await series.readings(device, T + start, T + 4 * MINUTE, every_s * 1000))
        await series.close()

    local, influx = answers
    assert len(local) == len(influx)
    for ours, theirs in zip(local, influx, strict=True):
        assert ours.mean == pytest.approx(theirs.mean, rel=1e-9, abs=1e-6)
        assert replace(ours, mean=None) == replace(theirs, mean=None)


def test_tags_and_what_the_hub_reads_back_are_each_other() -> None:
    """A line of text as people see it in dead letters."""
    line = line_writer("demo", 10)
    written = line(Point(7, 1_000_007, "d 1,x=y\\", "contact", 'a"b', "door", None, "g1"))

    assert written == (
        "readings,device=d\\ 1\\,x\\=y%5C,family=door,ground=g1,point=contact,site=demo "
        'value_s="a\\"b" 1000007'
    )
    assert read_tag(write_tag("100%\n\\")) == "100%\n\\"


def test_nanoseconds_keep_the_millisecond_and_tell_readings_apart() -> None:
    """Any readings of an entry, and of entries near each other, have times of their own."""
    moments = {at_ns(T, seq, index) for seq in range(9_995, 10_005) for index in range(99)}

    assert len(moments) == 990
    assert {moment // 1_000_000 for moment in moments} == {T}
    assert at_ns(-1, 1, 0) // 1_000_000 == -1


# The local store


async def test_the_local_store_forgets_a_bite_at_a_time(tmp_path: Path) -> None:
    """The oldest go, of every device, no more than asked for at once."""
    series = open_series(Settings(data_dir=tmp_path), SITE)
    await series.write(
        [point(T + ms, 1.0, seq=ms + 1, device=f"d{n}") for n in (1, 2, 3) for ms in range(10)]
    )

    gone = [await series.forget(T + 5, 6) for _ in range(4)]
    left = [len(await series.readings(f"d{n}", T, T + 99)) for n in (1, 2, 3)]
    await series.close()
    assert gone == [6, 6, 3, 0]
    assert left == [5, 5, 5]


async def test_the_local_store_keeps_over_a_restart(tmp_path: Path) -> None:
    """Another opening, such as the dashboard's, sees what was written."""
    first = open_series(Settings(data_dir=tmp_path), SITE)
    await first.write([point(T, 1.0)])
    second = open_series(Settings(data_dir=tmp_path), SITE)
    assert await second.readings("d1", T, T + 1) == [Row(T, "x", 1.0)]
    await first.close()
    await second.close()


# InfluxDB's errors


async def test_a_field_of_another_type_is_refused_in_the_servers_words(tmp_path: Path) -> None:
    """A real conflict on a real 1.6.7."""
    with influxd(tmp_path) as server:
        server.write(f"readings,device=old value_b=1.5 {T * 1_000_000}")
        series = open_series(v1_settings(server), SITE)
        with pytest.raises(Refused, match=r"400 partial write: field type conflict.*value_b"):
            await series.write([point(T, True)])
        await series.close()


async def test_a_server_that_is_gone_is_unavailable() -> None:
    """Writes and reads say so, in both ways of writing."""
    for dialect in ("v1", "v2"):
        gone = Settings(
            influx_api=dialect,
            influxdb_url=f"http://127.0.0.1:{free_port()}",
            influxdb_org="community",
        )
        series = open_series(gone, SITE)
        with pytest.raises(Unavailable, match="127"):
            await series.write([point(T, 1.0)])
        with pytest.raises(Unavailable, match="127"):
            await series.readings("d1", T, T + 1)
        await series.close()


async def test_a_database_that_is_missing_is_for_a_person(server: Influxd, proxy: Proxy) -> None:
    """Waiting does not make a database; reads find the error inside an answer 200."""
    for chosen in (v1_settings(server), v2_settings(proxy)):
        series = open_series(replace(chosen, influxdb_bucket="nowhere"), SITE)
        with pytest.raises(Unavailable, match="database not found") as found:
            await series.write([point(T, 1.0)])
        assert found.value.for_a_person
        with pytest.raises(Unavailable, match="database not found: nowhere"):
            await series.readings("d1", T, T + 1)
        await series.close()


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (Fault(503, body="busy"), Unavailable, "503 busy"),
        (Fault(500, body='{"code":"internal","message":"oh"}'), Unavailable, "500 oh"),
        (Fault(429), Unavailable, "429"),
        (Fault(401, body='{"message":"unauthorized access"}'), Unavailable, "401 unauthorized"),
        (Fault(307, {"Location": "/elsewhere"}), Unavailable, "307"),
        (Fault(200, body="<html>log in</html>"), Unavailable, "no server"),
        (Fault(hang=True), Unavailable, "TimeoutError"),
        (Fault(cut=True), Unavailable, "disconnected"),
        (Fault(400, body='{"message":"bad line"}'), Refused, "400 bad line"),
        (Fault(422, body="outside of retention"), Refused, "422 outside"),
        (Fault(413), TooLarge, "413"),
        (
            Fault(400, body='{"error":"partial write","data":[{"error_message":"no tag"}]}'),
            Refused,
            "no tag",
        ),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, Fault) else "",
)
async def test_what_an_answer_means(
    proxy: Proxy, fault: Fault, kind: type[Exception], words: str
) -> None:
    """Only 400, 413 and 422 are about the points; all else is waited out."""
    proxy.faults = [fault]
    series = open_series(replace(v2_settings(proxy), archive_timeout_s=0.5), SITE)
    with pytest.raises(kind, match=words) as found:
        await series.write([point(T, 1.0)])

    assert type(found.value) is kind
    await series.write([point(T, 1.0)])
    await series.close()


async def test_the_token_goes_along(proxy: Proxy) -> None:
    """As both 2.x and 3 take it."""
    series = open_series(v2_settings(proxy), SITE)
    await series.write([point(T, 1.0)])
    await series.close()

    assert proxy.tokens == {"Token a-token"}


# Settings


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (Settings(influx_api="v4"), "HUB_INFLUX_API: expected v1, v2 or v3, not 'v4'"),
        (
            Settings(influxdb_url="localhost:8086"),
            "INFLUXDB_V2_URL: expected http://host:port, not 'localhost:8086'",
        ),
        (Settings(influxdb_url="http://me:hidden@x"), "INFLUXDB_V2_URL: expected no user"),
        (Settings(influxdb_url="me:hidden@x"), "INFLUXDB_V2_URL: expected no user"),
        (Settings(influxdb_url="http://x", influxdb_bucket=""), "INFLUXDB_V2_BUCKET: expected"),
        (Settings(influxdb_url="http://x"), "INFLUXDB_V2_ORG: expected"),
        (
            Settings(influxdb_url="http://x", influx_api="v1", influxdb_token="abc"),
            "INFLUXDB_V2_TOKEN: expected user:password",
        ),
    ],
    ids=["dialect", "url", "secret in url", "secret in no url", "bucket", "organisation", "token"],
)
def test_wrong_settings_are_named(wrong: Settings, words: str) -> None:
    """Before anything is connected."""
    with pytest.raises(WrongSetting, match=words):
        open_series(wrong, SITE)


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """A file stands where the data folder should be."""
    (tmp_path / "data").write_text("")
    with pytest.raises(UnusableDatabase, match=r"data/series\.db: .*File exists"):
        open_series(Settings(data_dir=tmp_path / "data"), SITE)
