"""A trouble is reported in three taps on a phone, and looked after on the order's own page."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from hub.database import devices, for_writing
from rules.order_reader import COMMUNITY_ORDERS, load_orders
from tests.dashboard_api.community import PASSWORD
from tests.dashboard_api.real_judge import RealJudge
from tests.dashboard_api.serving import Dashboard
from tests.dashboard_api.test_orders_api import picture

pytestmark = pytest.mark.browser
FINGER_PX = 44  # what phone makers ask for of a target


@pytest.fixture
def dashboard(tmp_path: Path) -> Iterator[Dashboard]:
    running = Dashboard(tmp_path, HUB_REPORT_PAGE_S_MIN="0")
    with for_writing(running.engine).begin() as connection:
        machine = devices.update().where(devices.c.id == "c-1")
        connection.execute(machine.values(code="C1"))
    running.start()
    tables = load_orders([COMMUNITY_ORDERS])
    with RealJudge(running.engine, running.clock, tmp_path, orders=tables).sitting():
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
    page = context.new_page()
    mistakes: list[str] = []
    page.on("pageerror", lambda error: mistakes.append(str(error)))
    page.on("console", lambda line: mistakes.append(line.text) if "Policy" in line.text else None)
    yield page
    context.close()
    assert mistakes == []


def story_says(phone: Page, text: str) -> None:
    """The page was made anew, and its script runs."""
    expect(phone.locator(".story")).to_contain_text(text)
    phone.wait_for_load_state()


def test_three_taps_report_it_and_two_people_end_it(
    phone: Page, dashboard: Dashboard, tmp_path: Path
) -> None:
    photo = tmp_path / "broken.jpg"
    photo.write_bytes(picture())
    phone.goto("/d/C1")  # what the sticker says
    choice = phone.get_by_text("松动、异响")
    box = choice.bounding_box()
    assert box is not None
    assert box["height"] >= FINGER_PX
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    choice.tap()
    phone.locator("input[type=file]").set_input_files(photo)
    phone.get_by_role("button", name="提交").tap()
    expect(phone.get_by_role("status")).to_contain_text("已生成工单")

    phone.goto("/login?next=/orders")
    phone.locator("#name").fill("crew")
    phone.locator("#password").fill(PASSWORD)
    phone.get_by_role("button", name="登录").tap()
    phone.get_by_role("link", name="松动、异响").tap()
    expect(phone.locator(".photos img")).to_have_js_property("complete", True)
    assert phone.locator(".photos img").evaluate("image => image.naturalWidth") == 400
    phone.get_by_role("button", name="受理").tap()
    story_says(phone, "已接单")
    phone.locator("input[name=parts]").fill("M8 螺栓 × 4，垫片")
    phone.locator("input[name=code]").fill("C1")
    phone.get_by_role("button", name="我已到场").tap()
    story_says(phone, "已扫码")
    phone.locator("input[name=parts]").fill("M8 螺栓 × 4，垫片")
    phone.get_by_role("button", name="报完工").tap()
    story_says(phone, "M8 螺栓 × 4、垫片 × 1")
    phone.get_by_role("button", name="作为另一人签字").tap()
    expect(phone.get_by_role("alert")).to_contain_text("由 crew 完工，须另一人签字")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_checklist_is_gone_through_and_what_failed_is_an_order(
    phone: Page, dashboard: Dashboard
) -> None:
    phone.goto("/login?next=/inspections")
    phone.locator("#name").fill("crew")
    phone.locator("#password").fill(PASSWORD)
    phone.get_by_role("button", name="登录").tap()
    phone.get_by_role("link", name="健身器材月检").first.tap()
    questions = phone.locator(".question")
    expect(questions).to_have_count(7)
    for number in range(questions.count() - 1):
        questions.nth(number).get_by_text("正常", exact=True).tap()
    phone.get_by_role("button", name="完成巡检").tap()
    expect(phone.get_by_role("alert")).to_have_text("请回答每一项。")
    last = questions.last
    last.get_by_text("不合格").tap()
    last.get_by_label("备注").fill("警示牌掉了")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    phone.get_by_role("button", name="完成巡检").tap()

    story_says(phone, "警示牌掉了")
    phone.goto("/inspections?state=done")
    expect(phone.locator("main")).to_contain_text("1 项不合格")
