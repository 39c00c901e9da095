"""What people see and do, in a real browser."""

import pytest
from playwright.sync_api import Page, expect

from hub.database import for_writing, strangers
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
    expect(page.locator("#ask-wrong")).to_contain_text("须先回访本人")
    page.locator("[name=called_back]").check()
    page.get_by_role("button", name="保存").click()

    expect(page.locator("#ask")).to_be_hidden()
    expect(card).to_have_count(0)


def test_keys_act_on_the_focused_card_only_and_after_closing_on_the_next(
    page: Page, dashboard: Dashboard
) -> None:
    first, second, third = (dashboard.judge.raise_case() for _ in range(3))
    log_in(page)
    page.keyboard.press("c")
    expect(page.locator("#toast")).to_contain_text("请先选择一个事件")
    expect(page.locator("#ask")).to_be_hidden()
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator(f"#case-{second}")).to_be_focused()
    page.keyboard.press("c")
    page.locator("#ask-outcome").select_option("test")
    page.locator("[name=called_back]").check()
    page.get_by_role("button", name="保存").click()

    expect(page.locator(f"#case-{second}")).to_have_count(0)
    expect(page.locator(f"#case-{third}")).to_be_focused()
    page.keyboard.press("r")
    expect(page.locator(f"#case-{third}")).to_have_attribute("data-state", "on_site")
    expect(page.locator(f"#case-{first}")).to_have_attribute("data-state", "raised")


def test_a_crew_answers_arrives_and_says_what_was_done_on_the_page_of_the_case(
    page: Page, dashboard: Dashboard
) -> None:
    case_id = dashboard.judge.raise_case(category="fault", severity="warning")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"/cases/{case_id}")
    page.locator("#name").fill("crew")
    page.locator("#password").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    whole = page.locator("#whole")
    page.get_by_role("button", name="受理").click()
    expect(whole).to_have_attribute("data-state", "answered")
    page.get_by_role("button", name="到场").click()
    expect(whole).to_have_attribute("data-state", "on_site")
    expect(page.get_by_role("button", name="到场")).to_have_count(0)
    page.get_by_role("button", name="已处置").click()
    page.locator("#ask-outcome").select_option("mended")
    page.locator("#ask-text").fill("换了电池")
    page.get_by_role("button", name="保存").click()
    expect(whole).to_have_attribute("data-state", "dealt_with")

    expect(page.get_by_role("button", name="签字")).to_be_visible()  # for a second person
    expect(page.locator(".story")).to_contain_text("换了电池")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_on_a_phone_who_calls_stands_above_the_ways_to_choose_among_calls(
    page: Page, dashboard: Dashboard
) -> None:
    case_id = dashboard.judge.raise_case()
    page.set_viewport_size({"width": 390, "height": 844})
    log_in(page)
    card = page.locator(f"#case-{case_id}").bounding_box()
    assert card is not None
    assert card["y"] < 844 / 2
    severity = page.locator("#f-severity")
    expect(severity).to_be_hidden()
    page.get_by_role("button", name="筛选").click()
    severity.select_option("notice")
    expect(page.locator(f"#case-{case_id}")).to_have_count(0)
    expect(severity).to_be_visible()  # what hides a case is never hidden itself
    page.set_viewport_size({"width": 1280, "height": 800})
    expect(page.get_by_role("button", name="筛选")).to_be_hidden()


def test_no_page_scrolls_sideways_on_a_phone_whatever_a_sender_is_called(
    page: Page, dashboard: Dashboard
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    sender = {"device": "zigbee2mqtt:0x00158d0009999999", "key": "zigbee2mqtt:0x00158d0009999999"}
    nowhere = {"place": None, "grid": None, "resident_id": None}
    case_id = dashboard.judge.raise_case(**sender, **nowhere)
    log_in(page)
    for path in ("/", f"/cases/{case_id}", "/strangers", "/coverage", "/batteries", "/topology"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") == 390, path
    chosen = page.locator(".bar nav [aria-current]").bounding_box()
    assert chosen is not None
    assert 0 <= chosen["x"] <= 390 - chosen["width"], "the open page's name is in sight"


def test_a_stranger_is_registered_by_a_form_that_says_what_is_wrong(
    page: Page, dashboard: Dashboard
) -> None:
    row = {"address": "native:new-one", "family": "button", "driver": "native", "topic": "x/up"}
    times = {"first_ms": 0, "last_ms": 0, "messages": 1, "newest_json": "[]"}
    with for_writing(dashboard.engine).begin() as connection:
        connection.execute(strangers.insert().values(**row, **times))
    log_in(page)
    page.get_by_role("link", name="未登记设备").click()
    page.get_by_role("link", name="登记此设备").click()
    page.locator("[name=name_zh]").fill("")
    page.get_by_role("button", name="登记", exact=True).click()
    expect(page.locator(".adopt .wrong")).to_have_text("中文名称：请填写。")
    page.locator("[name=name_zh]").fill("新按钮")
    page.locator("#where").fill("b3/u1")
    page.get_by_role("button", name="3号楼1单元", exact=True).click()
    page.get_by_role("button", name="登记", exact=True).click()

    expect(page.get_by_role("heading", name="新按钮")).to_be_visible()
    expect(page.get_by_role("definition").filter(has_text="3号楼1单元")).to_be_visible()


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


def test_the_api_can_be_read_and_tried_without_any_other_server(page: Page) -> None:
    page.goto("/docs")
    expect(page.locator(".opblock").first).to_be_visible()
    expect(page.get_by_text("/api/v1/cases/{case_id}/{act}")).to_be_visible()
