"""Every page has a door: nobody sees one without a log-in, nor one that is not for the role."""

from collections import defaultdict
from collections.abc import Iterable

import httpx

from dashboard_api.doors import HOME
from tests.browser.all_pages import page_routes

# Whoever scans the sticker of a device may say what is wrong with it.
FOR_ANYBODY = {"/d/{code}/report"}


def pages() -> list[str]:
    """Addresses of all others; what they name need not be there: the door comes first."""
    routes = sorted({*page_routes()} - FOR_ANYBODY)
    return [route.format_map(defaultdict(lambda: "nothing")) for route in routes]


async def sent(client: httpx.AsyncClient, paths: Iterable[str]) -> dict[str, str | int]:
    """Where each page sends the client; its status where it sends nowhere."""
    answers = {path: await client.get(path) for path in paths}
    return {
        path: answer.headers["location"] if answer.status_code == 303 else answer.status_code
        for path, answer in answers.items()
    }


async def test_who_is_not_logged_in_is_sent_to_log_in_and_back_from_there(
    anybody: httpx.AsyncClient,
) -> None:
    paths = pages()
    assert len(paths) > 35
    assert await sent(anybody, paths) == {path: f"/login?next={path}" for path in paths}


async def test_a_wall_screen_is_sent_to_its_own_page(wall: httpx.AsyncClient) -> None:
    paths = [path for path in pages() if path != "/wall"]
    assert await sent(wall, paths) == dict.fromkeys(paths, HOME["wall"])


async def test_crews_see_no_lists_of_residents_and_change_no_users(
    crew: httpx.AsyncClient,
) -> None:
    paths = ["/", "/residents", "/coverage", "/map", "/log", "/users", "/cases/nothing/handover"]
    assert await sent(crew, paths) == dict.fromkeys(paths, HOME["crew"])
