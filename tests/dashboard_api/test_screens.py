"""A wall screen's token is good in one browser; the screen says what it shows."""

from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.engine import Engine

from dashboard_api.edition import edition
from hub import users
from hub.database import screens
from tests.dashboard_api.conftest import NOW_MS, HandClock

BEAT = "/api/v1/screens/beat"
SHOWN = {
    "page": "now",
    "live": True,
    "data_ms": NOW_MS,
    "edition": edition(),
    "size": "1920x1080@1",
}
KIOSK = "Kiosk/1.0"


class Hall:
    """The token of the screen in the hall, and browsers that come with it."""

    def __init__(self, app: FastAPI, engine: Engine, clock: HandClock) -> None:
        self.app, self.engine, self.clock = app, engine, clock
        self.token = users.add_token(engine, clock, "hall", "wall")

    def browser(self) -> AbstractAsyncContextManager[httpx.AsyncClient]:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        headers = {"accept": "text/html", "user-agent": KIOSK}
        return httpx.AsyncClient(
            transport=transport, base_url="http://hub.test", headers=headers, follow_redirects=True
        )

    async def open(self, client: httpx.AsyncClient) -> int:
        return (await client.get("/wall", params={"token": self.token})).status_code

    def row(self) -> dict[str, Any]:
        with self.engine.connect() as connection:
            return dict(connection.execute(screens.select()).mappings().one())


@pytest.fixture
def hall(app: FastAPI, engine: Engine, clock: HandClock) -> Hall:
    return Hall(app, engine, clock)


async def test_the_first_browser_has_the_token_and_any_other_is_refused_and_written_down(
    hall: Hall, staff: httpx.AsyncClient
) -> None:
    async with hall.browser() as screen, hall.browser() as other:
        assert await hall.open(screen) == 200
        assert await hall.open(screen) == 200
        refused = await other.get("/wall", params={"token": hall.token})
        assert (refused.status_code, "此令牌属于另一块大屏" in refused.text) == (403, True)
        assert (await other.get("/api/v1/cases")).status_code == 401
        bearer = {"Authorization": f"Bearer {hall.token}"}
        assert (await other.get("/api/v1/cases", headers=bearer)).status_code == 403
        assert (await screen.get("/api/v1/cases", headers=bearer)).status_code == 200
        assert (await screen.get("/fragments/wall")).status_code == 200
    [told] = (await staff.get("/api/v1/screens")).json()["screens"]

    assert told["refused_ms"] == NOW_MS
    assert told["refused_by"].endswith(KIOSK)
    assert KIOSK in (await staff.get("/screens")).text


async def test_a_refused_browser_that_goes_on_is_written_down_now_and_then_only(hall: Hall) -> None:
    async with hall.browser() as screen, hall.browser() as other:
        await hall.open(screen)
        await hall.open(other)
        hall.clock.at_ms += 9_000
        await hall.open(other)
        assert hall.row()["refused_ms"] == NOW_MS
        hall.clock.at_ms += 2_000
        await hall.open(other)
        assert hall.row()["refused_ms"] == NOW_MS + 11_000


async def test_neither_a_cookie_of_the_key_alone_nor_a_made_up_key_opens_it(hall: Hall) -> None:
    async with hall.browser() as screen, hall.browser() as other:
        await hall.open(screen)
        other.cookies.set("hub_screen", "made-up", domain="hub.test")
        assert await hall.open(other) == 403
        other.cookies.clear()
        other.cookies.set("hub_screen", str(screen.cookies["hub_screen"]), domain="hub.test")
        assert (await other.get("/api/v1/cases")).status_code == 401


async def test_a_screen_is_one_even_while_somebody_is_logged_in_at_it(
    hall: Hall, staff: httpx.AsyncClient
) -> None:
    staff.cookies.set("hub_wall", hall.token, domain="hub.test")
    page = (await staff.get("/wall")).text

    assert 'data-screen="hall"' in page
    assert (await staff.post(BEAT, json=SHOWN)).status_code == 200
    assert (await staff.get("/api/v1/strangers")).status_code == 200


async def test_whoever_looks_at_the_wall_logged_in_is_no_screen(staff: httpx.AsyncClient) -> None:
    assert 'data-screen=""' in (await staff.get("/wall")).text
    assert (await staff.post(BEAT, json=SHOWN)).status_code == 401


async def test_a_screen_says_what_it_shows_and_hears_which_edition_runs(
    hall: Hall, staff: httpx.AsyncClient
) -> None:
    async with hall.browser() as screen:
        await hall.open(screen)
        assert (await staff.get("/api/v1/screens")).json()["screens"][0]["dark"] is None
        answer = await screen.post(BEAT, json=SHOWN)
        assert answer.json() == {"edition": edition()}
        hall.clock.at_ms += 50_000
        for said in ({"live": False}, {"frozen_ms": 8_000}):
            assert (await screen.post(BEAT, json=SHOWN | said)).status_code == 200
        [told] = (await staff.get("/api/v1/screens")).json()["screens"]
        hall.clock.at_ms += 11_000
        [dark] = (await staff.get("/api/v1/screens")).json()["screens"]
        page = (await staff.get("/screens")).text

    assert (told["dark"], told["heard_ms"], told["shown_ms"]) == (False, NOW_MS + 50_000, NOW_MS)
    assert (told["page"], told["size"], told["newest"]) == ("now", "1920x1080@1", True)
    assert dark["dark"] is True
    assert "无画面" in page
    assert "画面冻结" in page


async def test_a_beat_is_bounded_and_comes_from_our_own_page(hall: Hall) -> None:
    async with hall.browser() as screen:
        await hall.open(screen)
        for wrong in ({"page": "x" * 21}, {"frozen_ms": -1}, {"name": "other"}, {"live": None}):
            assert (await screen.post(BEAT, json=SHOWN | wrong)).status_code == 422
        forged = {"sec-fetch-site": "cross-site"}
        assert (await screen.post(BEAT, json=SHOWN, headers=forged)).status_code == 403
    assert hall.row()["heard_ms"] is None


async def test_a_released_screen_belongs_to_the_next_browser(
    hall: Hall, staff: httpx.AsyncClient, crew: httpx.AsyncClient
) -> None:
    async with hall.browser() as screen, hall.browser() as other:
        await hall.open(screen)
        await screen.post(BEAT, json=SHOWN)
        assert (await crew.delete("/api/v1/screens/hall")).status_code == 403
        assert (await staff.delete("/api/v1/screens/hall")).status_code == 204
        assert (await staff.delete("/api/v1/screens/no-such")).status_code == 404
        assert hall.row()["shown_ms"] is None
        assert await hall.open(other) == 200
        assert await hall.open(screen) == 403


async def test_a_token_that_is_taken_back_takes_its_screen_along(
    hall: Hall, staff: httpx.AsyncClient
) -> None:
    async with hall.browser() as screen:
        await hall.open(screen)
        users.remove_token(hall.engine, "hall")
        assert (await screen.get("/fragments/wall")).status_code == 401
        assert (await screen.post(BEAT, json=SHOWN)).status_code == 401
    assert (await staff.get("/api/v1/screens")).json()["screens"] == []


def test_the_edition_is_that_of_the_files() -> None:
    assert edition() == edition()
    assert len(edition()) == 12
