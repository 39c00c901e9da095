"""InfluxDB behind the port `Series`: the one file that knows its client and its HTTP.

| dialect | server | write | read |
|---|---|---|---|
| v1 | 1.x | `/write` by httpx | InfluxQL on `/query` |
| v2 | 2.x | `/api/v2/write` by influxdb-client, one-shot | the same |
| v3 | 3 Core | the same | the same |

influxdb-client only writes to `/api/v2/write`, which 1.x does not have before 1.8 (404), hence
httpx there. Its batching writer drops points quietly when a server is away, so only its one-shot
write is used: it raises, and the journal is the buffer. InfluxQL is the one language that all three
speak (Flux is gone in 3). Timestamps are integer nanoseconds, which is every server's default: 1.x
takes an unknown precision for nanoseconds without a word, so none is named to it.
"""

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import aiohttp
import httpx
import msgspec
from influxdb_client.client.exceptions import InfluxDBError
from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync
from influxdb_client.domain.write_precision import WritePrecision

from hub.line_protocol import MEASUREMENT, line_writer, read_tag, write_tag
from hub.series import MS_NS, Point, Refused, Row, TooLarge, Unavailable, check_window, clamp_ns
from hub.settings import Settings

_FOR_A_PERSON = {401, 403, 404}
_RAW = f'SELECT "value_f", "value_b", "value_s", "point" FROM "{MEASUREMENT}" '  # noqa: S608 - constant names
_WINDOWS = (
    'SELECT mean("value_f") AS "mean", min("value_f") AS "min", max("value_f") AS "max", '  # noqa: S608 - constant names
    'last("value_f") AS "last_f", count("value_f") AS "count_f", '
    'last("value_b") AS "last_b", count("value_b") AS "count_b", '
    f'last("value_s") AS "last_s", count("value_s") AS "count_s" FROM "{MEASUREMENT}" '
)


class _WriteRoute(Protocol):
    """One way of posting lines; raises like `Series.write`."""

    async def post(self, body: bytes) -> None: ...

    async def close(self) -> None: ...


class InfluxSeries:
    """`Series` in an InfluxDB of any dialect; what differs is the route of a write."""

    def __init__(
        self, settings: Settings, site: str, http: httpx.AsyncClient, route: _WriteRoute
    ) -> None:
        self.line = line_writer(site, settings.series_keys_cached_max)
        self._site = site
        self._http = http
        self._route = route
        self._settings = settings

    async def write(self, points: Sequence[Point]) -> None:
        """See `Series`. A 1.x that refuses a point may have stored the others."""
        if points:
            body = await asyncio.to_thread(self._body, points)
            await self._route.post(body)

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
        if points is not None and not points:
            return []
        where = _where(self._site, device, from_ms, to_ms, points)
        rows_max = self._settings.series_rows_max
        if every_ms is None:
            query = f"{_RAW}{where} ORDER BY time LIMIT {rows_max}"
            found = [_raw_row(columns) for columns in await self._ask(query)]
        else:
            # The limit holds for each point here: more than enough, cut below.
            query = (
                f'{_WINDOWS}{where} GROUP BY time({every_ms}ms), "point" fill(none) '
                f"ORDER BY time LIMIT {rows_max}"
            )
            found = [row for columns in await self._ask(query) for row in _window_rows(columns)]
        return [row for _at_ns, row in sorted(found, key=_order)[:rows_max]]

    async def forget(self, before_ms: int, rows_max: int) -> int:
        """See `Series`: the server's own retention policy does it."""
        del before_ms, rows_max
        return 0

    async def close(self) -> None:
        """See `Series`."""
        await self._route.close()
        await self._http.aclose()

    def _body(self, points: Sequence[Point]) -> bytes:
        return "\n".join(map(self.line, points)).encode()

    async def _ask(self, query: str) -> Iterator[dict[str, Any]]:
        """The rows of one query as columns by name, a tag of GROUP BY among them."""
        parameters = {**_database(self._settings.influxdb_bucket), "q": query, "epoch": "ns"}
        answer = await _get(self._http, parameters, self._settings)
        return _rows(answer)


class _Direct:
    """`/write` of InfluxDB 1.x."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient) -> None:
        self._settings = settings
        self._http = http

    async def post(self, body: bytes) -> None:
        parameters = _database(self._settings.influxdb_bucket)
        try:
            async with asyncio.timeout(self._settings.archive_timeout_s):
                answer = await self._http.post("/write", params=parameters, content=body)
        except (httpx.HTTPError, TimeoutError) as error:
            raise _no_answer(self._settings, error) from error
        if not answer.is_success:
            raise _complaint(self._settings, answer.status_code, answer.content, answer.headers)

    async def close(self) -> None:
        """The client belongs to the series."""


class _ByClient:
    """`/api/v2/write` through influxdb-client."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: InfluxDBClientAsync | None = None

    async def post(self, body: bytes) -> None:
        settings = self._settings
        try:
            async with asyncio.timeout(settings.archive_timeout_s):
                stored = await self._write_api().write(
                    bucket=settings.influxdb_bucket,
                    record=body,
                    write_precision=WritePrecision.NS,
                )
        except InfluxDBError as error:
            answer = error.response
            if answer is None:
                raise Unavailable(f"{settings.influxdb_url}: {error}") from error
            headers = answer.getheaders()
            raise _complaint(settings, answer.status, answer.data, headers) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _no_answer(settings, error) from error
        if not stored:
            raise Unavailable(f"{settings.influxdb_url}: an answer that is no server's of InfluxDB")

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()  # type: ignore[no-untyped-call]

    def _write_api(self) -> Any:
        """Made at the first write: the client wants a running event loop."""
        if self._client is None:
            settings = self._settings
            self._client = InfluxDBClientAsync(
                settings.influxdb_url,
                token=settings.influxdb_token,
                org=settings.influxdb_org,
                timeout=round(settings.archive_timeout_s * 1_000),
                allow_redirects=False,  # a redirected POST would become a GET
            )
        return self._client.write_api()


def open_influx(settings: Settings, site: str) -> InfluxSeries:
    """The series in the InfluxDB that the settings name; they have been checked."""
    http = _http(settings)
    if settings.influx_api == "v1":
        return InfluxSeries(settings, site, http, _Direct(settings, http))
    return InfluxSeries(settings, site, http, _ByClient(settings))


def _http(settings: Settings) -> httpx.AsyncClient:
    auth: tuple[str, str] | None = None
    headers = {}
    if settings.influx_api == "v1" and settings.influxdb_token:
        user, _, password = settings.influxdb_token.partition(":")
        auth = (user, password)
    elif settings.influxdb_token:
        headers["Authorization"] = f"Token {settings.influxdb_token}"
    return httpx.AsyncClient(
        base_url=settings.influxdb_url,
        auth=auth,
        headers=headers,
        timeout=settings.archive_timeout_s,
        trust_env=False,  # like influxdb-client: no proxy by accident
    )


def _database(bucket: str) -> dict[str, str]:
    """`database/retention-policy` as 1.x and the compatible routes of 2 and 3 want it."""
    database, _, policy = bucket.partition("/")
    return {"db": database, "rp": policy} if policy else {"db": database}


# What went wrong


def _no_answer(settings: Settings, error: Exception) -> Unavailable:
    return Unavailable(f"{settings.influxdb_url}: {str(error) or type(error).__name__}")


def _complaint(
    settings: Settings, status: int, body: bytes, headers: Mapping[str, str]
) -> Exception:
    """What an answer other than 2xx means.

    Only 400 and 422 are about the points; whatever else a server or a proxy says, the points wait.
    """
    words = f"{status} {_words(body)}"[: settings.archive_error_chars_max]
    if status == 413:
        return TooLarge(words)
    if status in {400, 422}:
        return Refused(words)
    return Unavailable(
        f"{settings.influxdb_url}: {words}",
        retry_after=headers.get("Retry-After"),
        for_a_person=status in _FOR_A_PERSON,
    )


def _words(body: bytes) -> str:
    """The server's message: 1.x and 3 say `error`, 2.x says `message`; else the whole body."""
    text = body.decode(errors="replace")
    try:
        said = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return text
    if not isinstance(said, dict) or said.get("data"):
        return text  # 3 Core lists the bad lines in `data`
    return str(said.get("message") or said.get("error") or text)


# Reading


async def _get(
    http: httpx.AsyncClient, parameters: Mapping[str, str], settings: Settings
) -> dict[str, Any]:
    try:
        async with asyncio.timeout(settings.archive_timeout_s):
            answer = await http.get("/query", params=parameters)
    except (httpx.HTTPError, TimeoutError) as error:
        raise _no_answer(settings, error) from error
    if not answer.is_success:
        complaint = _complaint(settings, answer.status_code, answer.content, answer.headers)
        raise Unavailable(str(complaint))
    try:
        found: dict[str, Any] = msgspec.json.decode(answer.content, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise Unavailable(f"{settings.influxdb_url}: no JSON: {error}") from error
    for result in found.get("results", ()):
        if "error" in result:  # at HTTP 200
            raise Unavailable(f"{settings.influxdb_url}: {result['error']}")
    return found


def _rows(answer: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for result in answer.get("results", ()):
        for series in result.get("series", ()):
            tags = series.get("tags", {})
            for values in series["values"]:
                yield {**tags, **dict(zip(series["columns"], values, strict=True))}


def _raw_row(columns: Mapping[str, Any]) -> tuple[int, Row]:
    at_ns = columns["time"]
    kinds = ("value_f", "value_b", "value_s")
    kind = next(kind for kind in kinds if columns[kind] is not None)
    value = columns[kind] if kind != "value_f" else float(columns[kind])
    return at_ns, Row(at_ns // MS_NS, read_tag(columns["point"]), value)


def _window_rows(columns: Mapping[str, Any]) -> Iterator[tuple[int, Row]]:
    """A row for each kind of value in the window; a point mostly has one."""
    at_ns, point = columns["time"], read_tag(columns["point"])
    for kind in "bfs":
        if not columns[f"count_{kind}"]:
            continue
        row = Row(at_ns // MS_NS, point, columns[f"last_{kind}"], columns[f"count_{kind}"])
        yield at_ns, _with_figures(row, columns) if kind == "f" else row


def _with_figures(row: Row, columns: Mapping[str, Any]) -> Row:
    # A float without a fraction comes as a whole number in JSON.
    mean, lowest, highest = (float(columns[name]) for name in ("mean", "min", "max"))
    return replace(row, value=float(row.value), mean=mean, min=lowest, max=highest)


def _order(found: tuple[int, Row]) -> tuple[int, str]:
    at_ns, row = found
    return at_ns, row.point


def _where(site: str, device: str, from_ms: int, to_ms: int, points: Collection[str] | None) -> str:
    conditions = [
        f'"site" = {_literal(site)}',
        f'"device" = {_literal(device)}',
        f"time >= {clamp_ns(from_ms)}",
        f"time < {clamp_ns(to_ms)}",
    ]
    if points is not None:
        names = " OR ".join(f'"point" = {_literal(point)}' for point in sorted(points))
        conditions.append(f"({names})")
    return "WHERE " + " AND ".join(conditions)


def _literal(text: str) -> str:
    """A tag's value as InfluxQL's text; as stored it holds no backslash and no line feed."""
    quoted = write_tag(text).replace("'", "\\'")
    return f"'{quoted}'"
