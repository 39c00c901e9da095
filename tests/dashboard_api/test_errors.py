"""Every error of every route has the one shape of RFC 9457."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from tests.dashboard_api.community import PASSWORD, StandInJudge
from tests.dashboard_api.conftest import HandClock

OPEN = {"/healthz", "/readyz", "/metrics"}
API = "/api/v1"
JSON = {"content-type": "application/json"}


async def in_pieces(body: bytes) -> AsyncIterator[bytes]:
    """A body whose length is not told beforehand."""
    for begin in range(0, len(body), 100_000):
        yield body[begin : begin + 100_000]


def check(answer: httpx.Response, status: int) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["type"] == "about:blank"
    assert body["title"]
    assert body["detail"]


def api_operations(app: FastAPI) -> list[tuple[str, str]]:
    """Method and path of everything in OpenAPI, places filled with something that is not there."""
    filled = {"{case_id}": "C-999999", "{act}": "answer", "{seq}": "99", "{device_id}": "no-such"}
    found = []
    for path, methods in app.openapi()["paths"].items():
        for mark, value in filled.items():
            path = path.replace(mark, value)  # noqa: PLW2901 - filled step by step
        found += [(method.upper(), path) for method in methods]
    return found


async def test_every_route_refuses_a_nobody_and_a_wrong_method_in_the_one_shape(
    app: FastAPI, anybody: httpx.AsyncClient
) -> None:
    operations = api_operations(app)
    assert len(operations) > 15
    for method, path in operations:
        if path in OPEN or (method, path) == ("POST", f"{API}/session"):
            continue
        check(await anybody.request(method, path), 401)
    for path in {path for _method, path in operations}:
        check(await anybody.request("PATCH", path), 405)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/no/such/page", 404),
        ("GET", f"{API}/cases/C-999999", 404),
        ("POST", f"{API}/cases/C-999999/answer", 404),
        ("POST", f"{API}/cases/C-999999/dance", 422),
        ("GET", f"{API}/cases?state=lost", 422),
        ("GET", f"{API}/cases?limit=0", 422),
        ("GET", f"{API}/cases?before=C-999999", 422),
        ("GET", f"{API}/commands/99", 404),
        ("GET", f"{API}/devices/no-such", 404),
        ("GET", f"{API}/devices/no-such/readings", 404),
        ("GET", f"{API}/devices/b-0/readings?from=yesterday", 422),
        ("GET", f"{API}/devices/b-0/readings?every=often", 422),
        ("GET", f"{API}/devices/b-0/readings?from=2000&to=1000", 422),
        ("GET", f"{API}/kpi?from=0", 422),
        ("GET", f"{API}/live?after=abc", 422),
        ("GET", "/d/no-such-code", 404),
        ("GET", "/language/xx", 404),
        ("GET", "/static/no-such.css", 404),
    ],
)
async def test_what_cannot_be_is_said_in_the_one_shape(
    staff: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    check(await staff.request(method, path), status)


async def test_a_body_that_is_too_large_or_does_not_fit_is_refused(
    staff: httpx.AsyncClient, judge: StandInJudge
) -> None:
    path = f"{API}/cases/{judge.raise_case()}/note"
    huge = b'{"text": "' + b"x" * 2_000_000 + b'"}'

    check(await staff.post(path, content=huge, headers=JSON), 413)
    check(await staff.post(path, content=in_pieces(huge), headers=JSON), 413)
    check(await staff.post(path, json={"texts": "a field that is not there"}), 422)
    check(await staff.post(path, content=b"{", headers=JSON), 422)


async def test_a_log_in_that_is_not_one_is_refused_without_repeating_the_password(
    anybody: httpx.AsyncClient,
) -> None:
    answer = await anybody.post(f"{API}/session", json={"password": PASSWORD})
    check(answer, 422)
    assert PASSWORD not in answer.text


async def test_too_many_wrong_passwords_pause_that_name_for_a_minute(
    anybody: httpx.AsyncClient, clock: HandClock
) -> None:
    wrong = {"name": "staff", "password": "wrong-password"}
    for _ in range(3):
        check(await anybody.post(f"{API}/session", json=wrong), 401)
    paused = await anybody.post(f"{API}/session", json={"name": "staff", "password": PASSWORD})
    check(paused, 429)
    assert 0 < int(paused.headers["retry-after"]) <= 61
    clock.at_s += 60

    right = await anybody.post(f"{API}/session", data={"name": "staff", "password": PASSWORD})
    assert right.status_code == 200


async def test_another_sites_page_cannot_make_a_browser_act(
    staff: httpx.AsyncClient, judge: StandInJudge
) -> None:
    path = f"{API}/cases/{judge.raise_case()}/answer"

    check(await staff.post(path, headers={"Sec-Fetch-Site": "cross-site"}), 403)
    check(await staff.post(path, headers={"Origin": "http://evil.test"}), 403)
    assert (await staff.post(path, headers={"Origin": "http://hub.test"})).status_code == 200


@pytest.mark.parametrize("path", ["devices", "strangers", "refusals", "devices/b-0"])
async def test_a_wall_may_not_read_what_is_not_for_everybody(
    wall: httpx.AsyncClient, path: str
) -> None:
    check(await wall.get(f"{API}/{path}"), 403)


async def test_a_wall_cannot_act(wall: httpx.AsyncClient, judge: StandInJudge) -> None:
    check(await wall.post(f"{API}/cases/{judge.raise_case()}/answer"), 403)


async def test_every_answer_forbids_scripts_from_elsewhere(anybody: httpx.AsyncClient) -> None:
    for path in ("/login", "/docs", "/healthz", "/static/hub.css", "/no-such"):
        policy = (await anybody.get(path)).headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
