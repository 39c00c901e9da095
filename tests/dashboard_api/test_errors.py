"""Every error of every route has the one shape of RFC 9457."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI

from dashboard_api.access import HASHING_MAX, LoginTries
from hub.settings import Settings
from rules.case import TEXT_CHARACTERS_MAX
from tests.dashboard_api.community import PASSWORD, StandInJudge
from tests.dashboard_api.conftest import NOW_MS, HandClock

OPEN = {"/healthz", "/readyz", "/metrics"}
API = "/api/v1"
REPORT = f"{API}/devices/no-such/report"  # whoever stands before a device may report it
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
    filled |= {"{code}": "no-such"}
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
        expected = 401 if path != REPORT else 404 if method == "GET" else 422
        check(await anybody.request(method, path), expected)
    for path in {path for _method, path in operations}:
        check(await anybody.request("TRACE", path), 405)


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


async def log_in(app: FastAPI, address: str, name: str, password: str) -> httpx.Response:
    transport = httpx.ASGITransport(app, client=(address, 40_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://hub.test") as client:
        return await client.post(f"{API}/session", json={"name": name, "password": password})


async def test_too_many_wrong_passwords_pause_that_name_from_there_for_a_minute(
    app: FastAPI, clock: HandClock
) -> None:
    for _ in range(3):
        check(await log_in(app, "10.0.0.1", "staff", "wrong-password"), 401)
    paused = await log_in(app, "10.0.0.1", "staff", PASSWORD)
    check(paused, 429)
    assert 0 < int(paused.headers["retry-after"]) <= 61
    clock.at_s += 60

    assert (await log_in(app, "10.0.0.1", "staff", PASSWORD)).status_code == 200


@pytest.mark.parametrize(
    ("one", "other", "status"),
    [
        ("10.0.0.1", "10.0.0.2", 200),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", 200),
        ("2001:db8:1:2::1", "2001:db8:1:2:9::9", 429),
    ],
    ids=["another address", "another household", "the same household"],
)
async def test_nobody_can_lock_another_person_out(
    app: FastAPI, one: str, other: str, status: int
) -> None:
    for _ in range(5):
        await log_in(app, one, "staff", "wrong-password")

    assert (await log_in(app, one, "staff", PASSWORD)).status_code == 429
    assert (await log_in(app, other, "staff", PASSWORD)).status_code == status


def few_tries(app: FastAPI) -> int:
    """Each log-in takes a tenth of a second, by intention: a smaller bound than is set."""
    its, bound = app.state.parts, 6
    settings = replace(its.settings, login_address_tries_max=bound)
    tries = LoginTries(its.clock, settings)
    app.state.parts = replace(its, settings=settings, tries=tries)
    return bound


async def test_made_up_names_from_one_address_come_to_an_end(app: FastAPI) -> None:
    for number in range(few_tries(app)):
        check(await log_in(app, "10.0.0.1", f"nobody-{number}", "wrong-password"), 401)

    check(await log_in(app, "10.0.0.1", "nobody-at-all", "wrong-password"), 429)
    assert (await log_in(app, "10.0.0.2", "staff", PASSWORD)).status_code == 200


async def test_right_passwords_are_never_too_many(app: FastAPI) -> None:
    for _ in range(few_tries(app) + 1):
        assert (await log_in(app, "10.0.0.1", "staff", PASSWORD)).status_code == 200


async def test_more_log_ins_at_a_time_than_the_queue_holds_are_sent_away_uncounted(
    app: FastAPI, settings: Settings
) -> None:
    room = settings.login_queue_max + HASHING_MAX
    answers = await asyncio.gather(
        *(log_in(app, f"10.0.1.{number}", "staff", PASSWORD) for number in range(room + 5))
    )
    busy = [answer for answer in answers if answer.status_code == 503]

    assert sorted(answer.status_code for answer in answers) == [200] * room + [503] * 5
    for answer in busy:
        check(answer, 503)
        assert answer.headers["retry-after"] == "1"
    assert (await log_in(app, "10.0.1.1", "staff", PASSWORD)).status_code == 200


@pytest.mark.parametrize("number", [2**63, 10**30])
async def test_a_number_beyond_the_databases_own_is_refused(
    staff: httpx.AsyncClient, judge: StandInJudge, number: int
) -> None:
    shelve = f"{API}/cases/{judge.raise_case()}/shelve"

    check(await staff.get(f"{API}/refusals?before={number}"), 422)
    check(await staff.get(f"{API}/refusals?limit={number}"), 422)
    check(await staff.get(f"{API}/commands/{number}"), 422)
    check(await staff.get(f"{API}/commands/-{number}"), 422)
    check(await staff.get(f"{API}/live?after={number}"), 422)
    check(await staff.get(f"{API}/live", headers={"Last-Event-ID": str(number)}), 422)
    check(await staff.get(f"{API}/kpi?from={number}"), 422)
    check(await staff.post(shelve, json={"until_ms": number, "reason": "x"}), 422)
    check(await staff.post(shelve, json={"expected_version": number}), 422)


async def test_a_case_is_shelved_for_a_bounded_time(
    staff: httpx.AsyncClient, judge: StandInJudge, settings: Settings
) -> None:
    path = f"{API}/cases/{judge.raise_case()}/shelve"
    last_ms = NOW_MS + settings.shelve_days_max * 86_400_000

    check(await staff.post(path, json={"until_ms": last_ms + 1, "reason": "x"}), 422)
    right = await staff.post(path, json={"until_ms": last_ms, "reason": "x"})
    assert right.status_code == 200


async def test_a_note_may_be_as_long_as_the_judge_takes_it(
    staff: httpx.AsyncClient, judge: StandInJudge
) -> None:
    path = f"{API}/cases/{judge.raise_case()}/note"

    check(await staff.post(path, json={"text": "字" * (TEXT_CHARACTERS_MAX + 1)}), 422)
    right = await staff.post(path, json={"text": "字" * TEXT_CHARACTERS_MAX})
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
