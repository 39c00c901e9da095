"""The console in a real browser before the real judge: one press from the call to its end, and two
operators at once.
"""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, FilePayload, Page, expect

from tests.browser.conftest import log_in
from tests.dashboard_api.community import NAMES
from tests.dashboard_api.real_judge import RealJudge
from tests.dashboard_api.serving import Dashboard
from tests.hub.test_picture import png

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Dashboard, RealJudge]]:
    """Pages and a judge that all stories of this module share."""
    folder = tmp_path_factory.mktemp("console")
    dashboard = Dashboard(folder)
    dashboard.start()
    try:
        with RealJudge(dashboard.engine, dashboard.clock, folder).sitting() as judge:
            yield dashboard, judge
    finally:
        dashboard.close()


def operator(chromium: Browser, dashboard: Dashboard, name: str) -> Page:
    context = chromium.new_context(
        base_url=dashboard.url, viewport={"width": 1920, "height": 1080}, locale="zh-CN"
    )
    page = context.new_page()
    log_in(page, name)
    return page


def press(page: Page, judge: RealJudge, button: str) -> str:
    """The button is pressed; the case that it raises here."""
    judge.say(button, press="sos")
    card = page.locator("article[data-state=raised]")
    expect(card).to_have_count(1)
    return str(card.get_attribute("data-case"))


def test_a_press_is_answered_dispatched_reached_and_closed_and_all_of_it_is_one_line_of_time(
    chromium: Browser, judged: tuple[Dashboard, RealJudge]
) -> None:
    page = operator(chromium, judged[0], "staff")
    case_id = press(page, judged[1], "b-0")
    card = page.locator(f"#case-{case_id}")
    expect(page).to_have_title(re.compile(r"^\(1\)"))
    expect(page.locator("#heard")).to_contain_text("新事件")
    expect(card.locator(".limit")).to_have_text("应在 1:00 内接警")
    page.keyboard.press("a")
    expect(card).to_have_attribute("data-state", "answered")
    _call_the_daughter(page)
    page.keyboard.press("d")
    page.locator("#ask-to").fill("第一网格 王强")
    page.keyboard.press("Enter")
    expect(card.locator(".on-the-way")).to_contain_text("第一网格 王强")
    expect(card.locator(".limit")).to_have_text("应在 45:00 内到场")
    page.keyboard.press("r")
    expect(card).to_have_attribute("data-state", "on_site")
    page.keyboard.press("c")
    page.locator("#ask-outcome").select_option("real_need")
    page.locator("[name=called_back]").check()
    page.locator("#ask-text").fill("已扶起，无伤")
    page.get_by_role("button", name="保存").click()
    expect(card).to_have_count(0)

    page.goto(f"/cases/{case_id}")
    told = page.locator(".timeline li")
    for words in ("已致电", "查看了居民卡片", "第一网格 王强", "已扶起，无伤"):
        expect(told.filter(has_text=words).first).to_be_visible()
    page.context.close()


def _call_the_daughter(page: Page) -> None:
    """By the key: the card opens with every number, and what came of the call is a note."""
    page.keyboard.press("t")
    card = page.locator("#card")
    expect(card).to_contain_text(f"{NAMES[0]}的女儿")
    expect(card.locator("a[href='tel:13800000000']")).to_be_visible()
    card.locator(f"[data-called*='{NAMES[0]}的女儿']").first.click()
    expect(page.locator("#toast")).to_contain_text("接通")
    page.get_by_role("button", name="返回").click()
    expect(card).to_be_hidden()


def test_two_operators_see_each_other_and_nobody_overwrites_the_other(
    chromium: Browser, judged: tuple[Dashboard, RealJudge]
) -> None:
    first, second = (operator(chromium, judged[0], name) for name in ("staff", "admin"))
    case_id = press(first, judged[1], "b-1")
    card, same = (page.locator(f"#case-{case_id}") for page in (first, second))
    expect(same).to_be_visible()
    first.keyboard.press("a")
    expect(same.locator("[aria-current=step]")).to_contain_text("staff")
    same.click(position={"x": 5, "y": 5})
    expect(card.locator(".here")).to_have_text("admin 正在查看")
    first.keyboard.press("d")
    expect(same.locator(".here")).to_have_text("staff · 派单 正在查看")
    second.keyboard.press("d")
    first.locator("#ask-to").fill("王强")
    first.keyboard.press("Enter")
    expect(same).to_have_attribute("data-state", "dispatched")
    second.locator("#ask-to").fill("李娜")
    second.keyboard.press("Enter")
    expect(second.locator("#ask-wrong")).to_contain_text("staff · 派单 · 王强 已先操作")
    second.locator("#ask-cancel").click()
    expect(same.locator(".on-the-way")).to_contain_text("王强")

    judged[1].say("b-1", press="sos")  # a second press is nobody's doing: an act goes through
    expect(card).to_contain_text("2 次")

    first.keyboard.press("c")  # but who would close it is asked to look first
    first.locator("#ask-outcome").select_option("mistake")
    first.locator("[name=called_back]").check()
    judged[1].say("b-1", press="sos")
    expect(card).to_contain_text("3 次")
    first.locator("#ask-save").click()
    expect(first.locator("#ask-wrong")).to_contain_text("事件已有变化")
    first.locator("#ask-save").click()
    expect(card).to_have_count(0)
    for page in (first, second):
        page.context.close()


def test_what_is_done_without_a_connection_is_sent_when_it_is_back_even_after_a_reload(
    chromium: Browser, judged: tuple[Dashboard, RealJudge]
) -> None:
    page = operator(chromium, judged[0], "staff")
    case_id = press(page, judged[1], "b-2")
    card, context = page.locator(f"#case-{case_id}"), page.context
    _loses_its_connection(page, context, card.get_attribute("data-case") or "")
    context.set_offline(False)
    expect(card).to_have_attribute("data-state", "answered")
    expect(page.locator("#outbox")).to_be_hidden()

    context.set_offline(True)
    page.keyboard.press("n")
    page.locator("#ask-text").fill("断网时写的备注")
    page.get_by_role("button", name="保存").click()
    expect(page.locator("#outbox")).to_contain_text(f"备注 {case_id}")
    page.on("dialog", lambda dialog: dialog.accept())  # leaving with something unsent is asked
    context.set_offline(False)
    page.goto(f"/cases/{case_id}")
    line = page.locator(".timeline li", has_text="断网时写的备注")
    expect(line).to_have_count(1)
    context.close()


def _loses_its_connection(page: Page, context: BrowserContext, case_id: str) -> None:
    context.set_offline(True)
    page.keyboard.press("a")
    expect(page.locator(f"[data-pending='{case_id}']")).to_contain_text("等待连接恢复")
    expect(page.locator(f"#answer-{case_id}")).to_have_attribute("aria-busy", "true")
    expect(page.locator("#outbox")).to_contain_text(f"接警 {case_id}")


def test_a_floor_plan_is_uploaded_and_devices_are_placed_by_hand_and_by_keyboard(
    chromium: Browser, judged: tuple[Dashboard, RealJudge]
) -> None:
    page = operator(chromium, judged[0], "staff")
    page.goto("/map")
    page.get_by_text("添加平面图").click()
    picture = FilePayload(name="hall.png", mimeType="image/png", buffer=png(300, 200))
    page.locator("#plan-file").set_input_files(picture)
    page.locator("#plan-name").fill("活动室")
    page.get_by_role("button", name="添加", exact=True).click()
    floor = page.locator("#floor")
    expect(floor).to_have_attribute("data-mode", "place")
    page.wait_for_load_state("load")  # nobody listens to a click before
    page.locator("#device").select_option("d-1")
    box = floor.bounding_box()
    assert box is not None
    with page.expect_event("load"):  # the page is made anew with the mark on it, and listens
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    mark = floor.locator("[data-device=d-1]")
    expect(mark).to_have_attribute("data-x", "0.5")
    mark.focus()
    page.keyboard.press("Shift+ArrowRight")
    with page.expect_response(lambda answer: answer.request.method != "GET") as kept:
        page.keyboard.press("Enter")
    assert kept.value.ok
    expect(page.locator("#said")).to_have_text("已保存。")
    page.reload()
    expect(mark).to_have_attribute("data-x", "0.55")
    page.get_by_role("button", name="撤销").first.click()
    expect(mark).to_have_attribute("data-x", "0.5")
    page.context.close()
