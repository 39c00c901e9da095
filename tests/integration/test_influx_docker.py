"""The series against the real InfluxDB 2 and 3 Core, where a Docker engine can run them."""

import contextlib
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass

import httpx
import pytest

from hub.archive import sift
from hub.series import Point, Refused, Series, open_series
from hub.settings import Settings
from hub.site import Site
from tests.hub.series_contract import SeriesContract, T, point
from tests.programs import free_port

TRIES_MAX = 600  # a fifth of a second each
TOKEN = "a-token-of-the-tests"


def engine_missing() -> str:
    """Why no container can run here; empty if one can."""
    docker = shutil.which("docker")
    if docker is None:
        return "no program `docker`"
    asked = subprocess.run([docker, "info"], capture_output=True, text=True, check=False)
    return "" if asked.returncode == 0 else f"no Docker engine: {asked.stderr.strip()[-200:]}"


MISSING = engine_missing()
pytestmark = [pytest.mark.docker, pytest.mark.skipif(bool(MISSING), reason=MISSING)]


@dataclass(frozen=True)
class Image:
    """One server as its image starts."""

    name: str
    dialect: str
    port: int
    environment: tuple[str, ...] = ()
    command: tuple[str, ...] = ()


IMAGES = [
    Image(
        "influxdb:2",
        "v2",
        8086,
        (
            "DOCKER_INFLUXDB_INIT_MODE=setup",
            "DOCKER_INFLUXDB_INIT_USERNAME=hub",
            "DOCKER_INFLUXDB_INIT_PASSWORD=only-for-tests",
            "DOCKER_INFLUXDB_INIT_ORG=community",
            "DOCKER_INFLUXDB_INIT_BUCKET=hub",
            f"DOCKER_INFLUXDB_INIT_ADMIN_TOKEN={TOKEN}",
        ),
    ),
    Image(
        "influxdb:3-core",
        "v3",
        8181,
        command=(
            "influxdb3",
            "serve",
            "--node-id=tests",
            "--object-store=memory",
            "--without-auth",
        ),
    ),
]


@contextlib.contextmanager
def container(image: Image) -> Iterator[str]:
    """The address of a running server for the length of a block."""
    port = free_port()
    environment = [part for variable in image.environment for part in ("--env", variable)]
    publish = f"127.0.0.1:{port}:{image.port}"
    name = f"community-hub-tests-{port}"
    options = ["--rm", "--name", name, "--publish", publish, *environment]
    process = subprocess.Popen(["docker", "run", *options, image.name, *image.command])
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_it_writes(url, process)
        yield url
    finally:
        subprocess.run(["docker", "rm", "--force", name], capture_output=True, check=False)
        process.wait()


def wait_until_it_writes(url: str, process: subprocess.Popen[bytes]) -> None:
    """Return when the server takes a line; raise when it does not come."""
    for _ in range(TRIES_MAX):
        with contextlib.suppress(httpx.HTTPError):
            if write(url, "ready yes=true").is_success:
                return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.2)
            break
    raise RuntimeError(f"{process.args!r} took no line")


def write(url: str, line: str, bucket: str = "hub") -> httpx.Response:
    """A line past the hub."""
    return httpx.post(
        f"{url}/api/v2/write",
        params={"org": "community", "bucket": bucket, "precision": "ns"},
        headers={"Authorization": f"Token {TOKEN}"},
        content=line,
        timeout=5,
        trust_env=False,
    )


@pytest.fixture(scope="module", params=IMAGES, ids=lambda image: image.name)
def server(request: pytest.FixtureRequest) -> Iterator[tuple[Image, str]]:
    """Each image once for all tests here."""
    with container(request.param) as url:
        yield request.param, url


def opened(server: tuple[Image, str], site: str, bucket: str = "hub") -> Series:
    """The series as the hub opens it."""
    image, url = server
    settings = Settings(
        influx_api=image.dialect,
        influxdb_url=url,
        influxdb_org="community",
        influxdb_token=TOKEN,
        influxdb_bucket=bucket,
        series_rows_max=50,
    )
    return open_series(settings, Site(id=site))


@pytest.fixture
async def series(
    server: tuple[Image, str], request: pytest.FixtureRequest
) -> AsyncIterator[Series]:
    """An empty store: a site of this test's own."""
    found = opened(server, request.node.name)
    yield found
    await found.close()


class TestRealServers(SeriesContract):
    """The whole contract on 2.x and 3 Core."""


async def test_a_poisoned_point_is_found_among_good_ones(server: tuple[Image, str]) -> None:
    """Whether the server keeps the good ones of a refused write or not."""
    image, url = server
    # 2 keeps a field's type by the week, 3 for all times: a database of this test's own there.
    bucket = "poisoned" if image.dialect == "v3" else "hub"
    start_ms = T - 20 * 365 * 86_400_000
    line = f"readings,device=old value_b=1.5 {start_ms * 1_000_000}"
    write(url, line, bucket).raise_for_status()
    series = opened(server, "poisoned", bucket)

    async def store(part: Sequence[Point]) -> str | None:
        try:
            await series.write(part)
        except Refused as refusal:
            return str(refusal)
        return None

    values = [True if n == 7 else float(n) for n in range(20)]
    points = [point(start_ms + n, value, seq=n + 1) for n, value in enumerate(values)]
    refused = await sift(points, store)
    rows = await series.readings("d1", start_ms, start_ms + 99)
    await series.close()

    assert [found.seq for found, _words in refused] == [8]
    assert [row.value for row in rows] == [float(n) for n in range(20) if n != 7]
