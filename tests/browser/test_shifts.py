"""A shared duty phone in a real browser, before the real judge."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from hub.database import duty_phones
from tests.browser.conftest import log_in
from tests.dashboard_api.community import PASSWORD
from tests.dashboard_api.real_judge import RealJudge
from tests.dashboard_api.serving import Dashboard
from tests.people import let_in

pytestmark = pytest.mark.browser


def test_a_person_takes_the_phone_by_pin_acts_on_it_and_gives_back_what_is_open(
    chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("shift")
    dashboard = Dashboard(folder)
    dashboard.start()
    let_in(dashboard.engine, "grid-1", "staff", PASSWORD)
    let_in(dashboard.engine, "张三", "staff", PASSWORD, pin="4071")
    context = chromium.new_context(
        base_url=dashboard.url, viewport={"width": 390, "height": 844}, locale="zh-CN"
    )
    try:
        with RealJudge(dashboard.engine, dashboard.clock, folder).sitting() as judge:
            _a_shift(context.new_page(), judge)
    finally:
        context.close()
        dashboard.close()


def _a_shift(page: Page, judge: RealJudge) -> None:
    log_in(page, "grid-1")
    judge.say("b-0", press="sos")
    card = page.locator("article[data-case]")
    expect(card).to_have_attribute("data-state", "raised")
    page.goto("/shift")
    expect(page.locator("#grid")).to_have_value("grid-1")
    page.locator("#who").select_option("张三")
    page.locator("#pin").fill("4071")
    page.locator("#sign-on").get_by_role("button", name="接班").click()
    expect(page.locator("#sign-on .wrong")).to_contain_text("尚未确认的待处理事件")
    page.locator("#open input").check()
    page.locator("#pin").fill("4070")
    page.locator("#sign-on").get_by_role("button", name="接班").click()
    expect(page.locator("#sign-on .wrong")).to_contain_text("PIN 码不对")
    page.locator("#pin").fill("4071")
    page.locator("#sign-on").get_by_role("button", name="接班").click()
    expect(page.locator("#mine")).to_contain_text("张三 · grid-1")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    page.goto("/")
    expect(page.locator(".who")).to_have_text("张三 · grid-1")
    page.get_by_role("button", name=re.compile("接警")).first.click()
    expect(card).to_have_attribute("data-state", "answered")
    expect(card.locator("[aria-current=step]")).to_contain_text("张三")

    page.goto("/shift")
    page.get_by_role("button", name="下班").click()
    expect(page.locator("#back")).to_contain_text("C-000001")
    expect(page.locator("#mine")).to_have_count(0)
    page.goto("/")
    expect(card).to_have_attribute("data-state", "raised")


def test_a_case_is_handed_over_and_given_back_on_the_console(
    page: Page, dashboard: Dashboard
) -> None:
    case_id = dashboard.judge.raise_case()
    log_in(page)
    card = page.locator(f"#case-{case_id}")
    page.keyboard.press("a")
    expect(card).to_have_attribute("data-state", "answered")
    card.get_by_role("button", name="转交").click()
    page.get_by_role("button", name="保存").click()
    expect(page.locator("#ask-wrong")).to_have_text("请填写转交给谁，如 120。")
    page.locator("#ask-service").fill("120")
    page.get_by_role("button", name="保存").click()
    expect(card).to_contain_text("已转交 120")
    card.get_by_role("button", name="退回").click()
    page.locator("#ask-text").fill("另有急事")
    page.get_by_role("button", name="保存").click()
    expect(card).to_have_attribute("data-state", "raised")

    card.get_by_role("link", name="转交信息").click()
    expect(page.locator("#address")).to_contain_text("3号楼1单元1204室")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_duty_phone_says_by_itself_that_it_is_at_hand(page: Page, dashboard: Dashboard) -> None:
    let_in(dashboard.engine, "grid-2", "staff", PASSWORD)
    page.set_viewport_size({"width": 390, "height": 844})
    with page.expect_response(re.compile("/api/v1/grids/grid-2/phone")) as said:
        log_in(page, "grid-2")
    assert said.value.status == 200
    with page.expect_response(re.compile("/api/v1/grids/grid-2/phone")):
        page.goto("/shift")
    with dashboard.engine.connect() as connection:
        [row] = connection.execute(duty_phones.select()).all()
    assert (row.grid, row.by) == ("grid-2", "grid-2")


def test_a_flood_of_faults_is_shelved_at_once_and_an_emergency_cannot_be_picked(
    page: Page, dashboard: Dashboard
) -> None:
    faults = [dashboard.judge.raise_case(category="fault", severity="notice") for _ in range(3)]
    emergency = dashboard.judge.raise_case()
    log_in(page)
    expect(page.locator(f"#case-{emergency} .pick")).to_have_count(0)
    page.locator(f"#case-{faults[0]} .pick").check()
    page.get_by_role("button", name="全选一般事件").click()
    expect(page.locator("#picked-count")).to_have_text("3")
    page.locator("#picked").get_by_role("button", name="接警").click()
    for fault in faults:
        expect(page.locator(f"#case-{fault}")).to_have_attribute("data-state", "answered")
    expect(page.locator("#toast")).to_contain_text("完成 3 个，拒绝 0 个")
    expect(page.locator(f"#case-{emergency}")).to_have_attribute("data-state", "raised")
