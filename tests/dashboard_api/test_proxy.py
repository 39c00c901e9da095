"""Behind a proxy people are told apart by the address that it names, and by nobody else's word."""

from pathlib import Path

import httpx
import pytest

from tests.dashboard_api.serving import Dashboard

WRONG = {"name": "admin", "password": "wrong-password"}


async def answers(url: str) -> list[int]:
    """What three wrong passwords get, the third said to come from another address."""
    async with httpx.AsyncClient(base_url=url) as client:
        return [
            (
                await client.post("/api/v1/session", json=WRONG, headers={"X-Forwarded-For": home})
            ).status_code
            for home in ("10.0.0.1", "10.0.0.1", "10.0.0.2")
        ]


@pytest.mark.parametrize(
    ("proxies", "expected"),
    [("127.0.0.1", [401, 429, 401]), ("10.9.9.9", [401, 429, 429]), ("", [401, 429, 429])],
    ids=["a proxy that was named", "another one", "none"],
)
async def test_the_forwarded_address_is_believed_of_a_named_proxy_only(
    tmp_path: Path, proxies: str, expected: list[int]
) -> None:
    dashboard = Dashboard(tmp_path, HUB_HTTP_PROXIES=proxies, HUB_LOGIN_TRIES_MAX="1")
    dashboard.start()
    try:
        assert await answers(dashboard.url) == expected
    finally:
        dashboard.close()
