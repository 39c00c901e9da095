"""What people see and do, in a real browser."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import log_in
from tests.dashboard_api.community import NAMES, PASSWORD
from tests.dashboard_api.serving import Dashboard

pytestmark = pytest.mark.browser


def test_a_new_case_appears_by_itself_and_one_key_answers_it(
    page: Page, dashboard: Dashboard
) -> None:
    log_in(page)
    expect(page.get_by_text("目前没有待处理事件。")).to_be_visible()
    case_id = dashboard.judge.raise_case()
    card = page.locator(f"#case-{case_id}")
    expect(card).to_contain_text(NAMES[0])
    expect(page).to_have_title("(1) 值班台 · 示范社区")
    page.keyboard.press("a")

    expect(card).to_have_attribute("data-state", "answered")
    expect(card.locator("[aria-current=step]")).to_contain_text("staff")


def test_a_case_is_carried_to_its_end_by_keys(page: Page, dashboard: Dashboard) -> None:
    case_id = dashboard.judge.raise_case()
    log_in(page)
    card = page.locator(f"#case-{case_id}")
    page.keyboard.press("a")
    expect(card).to_have_attribute("data-state", "answered")
    page.keyboard.press("d")
    page.locator("#ask-to").fill("第一网格")
    page.keyboard.press("Enter")
    expect(card).to_have_attribute("data-state", "dispatched")
    page.keyboard.press("r")
    expect(card).to_have_attribute("data-state", "on_site")
    page.keyboard.press("c")
    page.get_by_role("button", name="保存").click()
    expect(page.locator("#ask-wrong")).to_have_text("请选择处置结果。")
    page.locator("#ask-outcome").select_option("real_need")
    page.get_by_role("button", name="保存").click()

    expect(page.locator("#ask")).to_be_hidden()
    expect(card).to_have_count(0)


def test_two_at_once_see_each_other_and_the_second_is_told_who_was_first(
    page: Page, dashboard: Dashboard
) -> None:
    case_id = dashboard.judge.raise_case()
    log_in(page)
    other = page.context.browser
    assert other is not None
    colleague = other.new_context(base_url=dashboard.url, locale="zh-CN").new_page()
    log_in(colleague, "admin")
    with colleague.expect_response("**/answer"):
        colleague.keyboard.press("a")
    expect(page.locator(f"#case-{case_id}")).to_contain_text("admin")
    page.evaluate(
        "id => { const late = document.createElement('button'); late.dataset.act = 'answer';"
        " late.dataset.case = id; document.body.append(late); late.click(); }",
        case_id,
    )

    expect(page.locator("#toast")).to_have_text("admin 已先接警")
    colleague.context.close()


def test_a_lost_connection_shows_within_five_seconds_and_heals(
    page: Page, dashboard: Dashboard
) -> None:
    log_in(page)
    dashboard.stop()
    expect(page.locator("#lost")).to_be_visible(timeout=5_000)
    case_id = dashboard.judge.raise_case()
    dashboard.start()

    expect(page.locator(f"#case-{case_id}")).to_be_visible(timeout=15_000)
    expect(page.locator("#lost")).to_be_hidden()


def test_a_wrong_password_is_said_and_the_right_one_leads_to_where_one_wanted(page: Page) -> None:
    page.goto("/residents")
    page.locator("#name").fill("staff")
    page.locator("#password").fill("not-the-password")
    page.keyboard.press("Enter")
    expect(page.locator("#login-wrong")).to_have_text("用户名或密码不正确。")
    page.locator("#password").fill(PASSWORD)
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="居民")).to_be_visible()
    expect(page.get_by_text(NAMES[2])).to_be_visible()


def test_the_wall_shows_places_and_no_names_and_its_token_leaves_the_address(
    page: Page, dashboard: Dashboard
) -> None:
    page.goto(f"/wall?token={dashboard.wall_token}")
    assert page.url == f"{dashboard.url}/wall"
    dashboard.judge.raise_case()
    expect(page.locator(".wall .list li")).to_contain_text("3号楼1单元")

    content = page.content()
    for name in (*NAMES, "1204"):
        assert name not in content
    expect(page.locator("#not-live")).to_be_hidden()


def test_the_wall_says_within_ten_seconds_that_it_is_not_live_and_recovers_alone(
    page: Page, dashboard: Dashboard
) -> None:
    page.goto(f"/wall?token={dashboard.wall_token}")
    expect(page.locator(".wall-grid")).to_be_visible()
    page.wait_for_function("document.querySelector('time.clock') === null")
    dashboard.stop()
    expect(page.locator("#not-live")).to_be_visible(timeout=10_000)
    expect(page.locator("#not-live-since")).to_have_text(re.compile(r"^\d\d:\d\d:\d\d$"))
    dashboard.start()

    expect(page.locator("#not-live")).to_be_hidden(timeout=15_000)


def test_the_wall_is_not_live_while_the_hub_itself_is_silent(
    page: Page, dashboard: Dashboard
) -> None:
    page.goto(f"/wall?token={dashboard.wall_token}")
    dashboard.say_alive(dashboard.clock.now_ms() - 60_000)
    expect(page.locator("#not-live")).to_be_visible(timeout=10_000)


def test_the_api_can_be_read_and_tried_without_any_other_server(page: Page) -> None:
    page.goto("/docs")
    expect(page.locator(".opblock").first).to_be_visible()
    expect(page.get_by_text("/api/v1/cases/{case_id}/{act}")).to_be_visible()
