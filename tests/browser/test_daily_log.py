"""The daily log in a browser: on a phone, on paper, and with a remark."""

from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.conftest import log_in
from tests.dashboard_api.serving import Dashboard

PHONE: ViewportSize = {"width": 390, "height": 844}
WIDE = "document.documentElement.scrollWidth > innerWidth"


def test_a_remark_is_added_on_a_phone_and_the_page_prints_without_its_form(
    page: Page, dashboard: Dashboard
) -> None:
    case_id = dashboard.judge.raise_case()
    log_in(page)
    page.set_viewport_size(PHONE)
    page.goto("/log")
    page.get_by_role("link", name="第一网格").click()
    expect(page.get_by_role("link", name=case_id)).to_be_visible()
    assert not page.evaluate(WIDE)

    page.get_by_label("添加备注").fill("<b>楼道灯坏了</b>")
    page.get_by_role("button", name="添加").click()
    line = page.locator(".log-lines .remark")
    expect(line).to_contain_text("<b>楼道灯坏了</b>")
    expect(line).to_contain_text("staff")

    page.emulate_media(media="print")
    expect(page.locator("#remark")).to_be_hidden()
    expect(page.locator(".bar")).to_be_hidden()
    expect(page.locator(".signatures")).to_be_visible()
    with page.expect_download() as download:
        page.emulate_media(media="screen")
        page.get_by_role("link", name="CSV").click()
    assert download.value.suggested_filename.startswith("log-grid-1-")


def test_the_reports_fit_a_phone(page: Page, dashboard: Dashboard) -> None:
    dashboard.judge.raise_case()
    log_in(page)
    page.set_viewport_size(PHONE)
    page.goto("/reports")
    expect(page.get_by_role("heading", name="各网格的紧急事件")).to_be_visible()
    assert not page.evaluate(WIDE)
