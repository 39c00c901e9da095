"""The page behind a message's link on a phone: one great button, and that it answers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from hub.answer_link import Asked, read_key, token_of
from hub.database import for_writing, notices
from tests.dashboard_api.serving import Dashboard

pytestmark = pytest.mark.browser
THUMB_PX = 88  # twice what phone makers ask for of a target: it is for gloves


@pytest.fixture
def dashboard(tmp_path: Path) -> Iterator[Dashboard]:
    running = Dashboard(tmp_path, HUB_PUBLIC_URL="https://hub.example")
    running.start()
    with running.judge.sitting():
        yield running
    running.close()


@pytest.fixture
def phone(chromium: Browser, dashboard: Dashboard) -> Iterator[Page]:
    context = chromium.new_context(
        base_url=dashboard.url,
        viewport={"width": 390, "height": 844},
        has_touch=True,
        is_mobile=True,
        locale="zh-CN",
    )
    yield context.new_page()
    context.close()


def link_of(dashboard: Dashboard, case_id: str) -> str:
    """A call to the duty phone, and its link."""
    now_ms = dashboard.clock.now_ms()
    row = {"case_id": case_id, "channel": "wecom", "reason": "call", "role": "duty-phone"}
    row |= {"recipient": "duty-phone:grid-1", "body_json": "{}"}
    with for_writing(dashboard.engine).begin() as connection:
        connection.execute(notices.insert().values(**row, created_ms=now_ms, due_ms=now_ms))
    asked = Asked(1, case_id, "duty-phone:grid-1", now_ms)
    return f"/a/{token_of(read_key(dashboard.folder), asked)}"


def test_one_tap_with_a_glove_answers(phone: Page, dashboard: Dashboard) -> None:
    phone.goto(link_of(dashboard, dashboard.judge.raise_case()))
    button = phone.get_by_role("button", name="我去处理")
    box = button.bounding_box()
    assert box is not None
    assert box["height"] >= THUMB_PX
    assert box["width"] >= 300
    assert box["y"] + box["height"] <= 844  # no scrolling before it
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    button.tap()

    expect(phone.locator("#asked")).to_have_attribute("data-state", "yours")
    expect(phone.get_by_role("status")).to_contain_text("已由您接警")
