"""A real Chromium before a real dashboard; only the judge is a stand-in, which says so."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.dashboard_api.community import PASSWORD
from tests.dashboard_api.serving import Dashboard
from tests.programs import program

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="module")  # its loop must end before tests with asyncio begin
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program("chromium"), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def dashboard(tmp_path: Path) -> Iterator[Dashboard]:
    running = Dashboard(tmp_path)
    running.start()
    with running.judge.sitting():
        yield running
    running.close()


@pytest.fixture
def page(chromium: Browser, dashboard: Dashboard) -> Iterator[Page]:
    """A page of a browser of its own; a script's mistake or a breach of the policy fails."""
    context = chromium.new_context(
        base_url=dashboard.url, viewport={"width": 1920, "height": 1080}, locale="zh-CN"
    )
    page = context.new_page()
    mistakes: list[str] = []
    page.on("pageerror", lambda error: mistakes.append(str(error)))
    page.on("console", lambda line: mistakes.append(line.text) if "Policy" in line.text else None)
    yield page
    context.close()
    assert mistakes == []


def log_in(page: Page, name: str = "staff") -> None:
    """Log in by hand and wait for the live feed."""
    page.goto("/login")
    page.locator("#name").fill(name)
    page.locator("#password").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    page.wait_for_selector("#feed[data-state=live]")
