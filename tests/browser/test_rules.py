"""A rule is looked at, edited, tried and put back in a real browser, over a real hub."""

import signal
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Page, expect
from sqlalchemy.engine import Connection

from device_drivers.reading import Reading
from hub.clock import SystemClock
from hub.database import devices, for_writing
from hub.demo.community import SITE_FILE, seed
from hub.journal import DAY_MS, READING, Entry, append
from hub.rule_copy import copy_community
from hub.site import read_site
from tests.browser.conftest import log_in
from tests.dashboard_api.community import PASSWORD
from tests.fresh import fresh_engine
from tests.integration.hub_process import HUB, PATIENCE_S, environment
from tests.people import let_in
from tests.programs import free_port, mosquitto, wait_for_port

pytestmark = pytest.mark.browser
RULE = "/rules/door-held-open-at-night"
NO_OVERRIDES = "目前没有例外。"


def five_minutes_at_night(connection: Connection, now_ms: int) -> list[Entry]:
    """An entrance door stood open for five minutes, last night at eleven."""
    entrance = devices.c.tags_json.contains("entrance")
    door = connection.execute(sa.select(devices.c.id).where(entrance)).scalars().first()
    zone = read_site(SITE_FILE).zone
    day = datetime.fromtimestamp(now_ms / 1_000, zone) - timedelta(days=1)
    at_ms = round(day.replace(hour=23, minute=0).timestamp() * 1_000)
    moments = ((at_ms, "open"), (at_ms + 300_000, "closed"))
    return [
        Entry(0, READING, door, moment, (Reading("contact", word, moment),))
        for moment, word in moments
    ]


class RunningHub:
    """`hub run` with its pages and a folder of rules of its own; a test's changes are put back."""

    def __init__(self, folder: Path, broker: str) -> None:
        self.rules = folder / "rules"
        copy_community(self.rules)
        self._files = {file: file.read_text("utf-8") for file in self.rules.rglob("*.yaml")}
        engine, clock = fresh_engine(folder / "hub.db"), SystemClock()
        with for_writing(engine).begin() as connection:
            seed(connection, clock.now_ms() - 3 * DAY_MS)
            append(connection, five_minutes_at_night(connection, clock.now_ms()))
        let_in(engine, "staff", "staff", PASSWORD)
        engine.dispose()
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        settings = {
            "HUB_DATA_DIR": str(folder),
            "HUB_BROKER": broker,
            "HUB_HTTP": f"127.0.0.1:{port}",
            "HUB_SITE_FILE": str(SITE_FILE),
            "HUB_RULES_DIR": str(self.rules),
            "HUB_RULES_LOOK_S": "0.05",
            "HUB_COMMAND_WAIT_S": "20",
        }
        self.process = subprocess.Popen([HUB, "run"], env=environment(settings), cwd=folder)
        self._port = port

    def wait(self) -> None:
        """Return when its pages are served."""
        wait_for_port(self._port, self.process, PATIENCE_S)

    def file(self, name: str = "entrances.yaml") -> str:
        """A file's text."""
        return (self.rules / name).read_text(encoding="utf-8")

    def put_back(self) -> None:
        """The rules' files as they were at the start."""
        for file, text in self._files.items():
            if file.read_text("utf-8") != text:
                file.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    folder = tmp_path_factory.mktemp("rules")
    (folder / "broker").mkdir()
    with mosquitto(folder / "broker") as broker:
        running = RunningHub(folder, broker.url)
        try:
            running.wait()
            yield running
        finally:
            running.process.send_signal(signal.SIGTERM)
            running.process.wait(PATIENCE_S)


@pytest.fixture
def rule_page(chromium: Browser, hub: RunningHub) -> Iterator[Page]:
    context = chromium.new_context(
        base_url=hub.url, viewport={"width": 1920, "height": 1080}, locale="zh-CN"
    )
    page = context.new_page()
    mistakes: list[str] = []
    page.on("pageerror", lambda error: mistakes.append(str(error)))
    page.on("console", lambda line: mistakes.append(line.text) if "Policy" in line.text else None)
    page.on("dialog", lambda dialog: dialog.accept())
    expect.set_options(timeout=PATIENCE_S * 1_000)  # a save goes through a whole hub
    log_in(page)
    yield page
    expect.set_options(timeout=None)
    hub.put_back()
    put_back = context.request.post("/api/v1/rules/reload", headers={"Origin": hub.url})
    context.close()
    assert put_back.ok
    assert mistakes == []


def rewrite(page: Page, before: str, after: str) -> None:
    """Change the text as somebody who types."""
    text = page.locator("#rule-text").input_value()
    assert before in text
    page.locator("#rule-text").fill(text.replace(before, after))


def test_a_rule_is_edited_with_a_mistake_shown_saved_and_put_back(
    rule_page: Page, hub: RunningHub
) -> None:
    page, before = rule_page, hub.file()
    page.goto(RULE)
    expect(page.get_by_text("持续 10 分钟").first).to_be_visible()
    rewrite(page, "severity: warning", "severity: warnin")
    page.get_by_role("button", name="保存", exact=True).click()
    expect(page.locator("#mistakes li")).to_contain_text("是否指 warning")
    expect(page.locator("#rule-text")).to_be_focused()
    chosen = page.evaluate(
        "(() => { const t = document.getElementById('rule-text');"
        " return t.value.slice(t.selectionStart, t.selectionEnd); })()"
    )
    assert chosen == "warnin"
    assert hub.file() == before

    rewrite(page, "severity: warnin", "severity: urgent")
    page.keyboard.press("Control+s")
    expect(page.locator("#rule-said")).to_have_text("已保存并生效。")
    expect(page.locator("h1 .chip")).to_have_text("紧迫")
    assert hub.file() == before.replace("severity: warning", "severity: urgent", 1)

    page.get_by_role("button", name="撤销此次修改").click()
    expect(page.locator("h1 .chip")).to_have_text("预警")
    assert hub.file() == before


def test_tests_that_fail_are_shown_and_saved_only_on_purpose(
    rule_page: Page, hub: RunningHub
) -> None:
    page, before = rule_page, hub.file()
    page.goto(RULE)
    page.get_by_role("button", name="运行测试").click()
    expect(page.locator("#tests .passed")).to_have_count(8)
    rewrite(page, "hold_for: 10m", "hold_for: 11m")
    page.get_by_role("button", name="保存", exact=True).click()
    expect(page.locator("#draft-tests .failed").first).to_contain_text("未通过")
    assert hub.file() == before
    page.get_by_role("button", name="测试未通过，仍要保存").click()
    expect(page.locator("#rule-said")).to_have_text("已保存并生效。")
    assert "hold_for: 11m" in hub.file()


def test_a_text_is_tried_on_the_past_before_it_is_saved(rule_page: Page, hub: RunningHub) -> None:
    page, before = rule_page, hub.file()
    page.goto(RULE)
    rewrite(page, "hold_for: 10m", "hold_for: 1s")
    page.get_by_role("button", name="用最近 7 天试算").click()
    expect(page.locator("#trial h3")).to_have_text("仅此文本会产生: 1")
    expect(page.locator("#trial table")).to_contain_text("夜间通知10")
    expect(page.get_by_role("button", name="停止")).to_be_hidden()
    assert hub.file() == before


def test_what_is_written_by_hand_is_told_on_the_list(rule_page: Page, hub: RunningHub) -> None:
    page = rule_page
    path = hub.rules / "entrances.yaml"
    path.write_text(hub.file().replace("equals: open", "equal: open"), encoding="utf-8")
    page.goto("/rules")
    expect(page.get_by_role("heading", name="规则文件有误，原规则继续生效。")).to_be_visible()
    expect(page.locator(".notice-box")).to_contain_text("entrances.yaml:6:")
    page.get_by_role("button", name="立即应用文件").click()
    expect(page.locator("#reload-said")).to_contain_text("有 ")
    expect(page.get_by_text("持续 10 分钟").first).to_be_visible()


@pytest.mark.parametrize("size", [(1920, 1080), (390, 844)])
def test_an_override_is_given_by_a_form_and_ended(
    rule_page: Page, hub: RunningHub, size: tuple[int, int]
) -> None:
    page = rule_page
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto("/rules/no-door-activity")
    expect(page.get_by_text(NO_OVERRIDES)).to_be_visible()
    page.get_by_text("添加例外").click()
    page.get_by_label("名称或编号 *").fill("nobody")
    page.get_by_label("无变化时长").fill("48h")
    page.get_by_role("button", name="添加", exact=True).click()
    wrong = page.locator("#override-form .wrong")
    expect(wrong).to_contain_text("请写明原因。")
    expect(wrong).to_contain_text("没有设备 nobody。")
    page.get_by_label("适用于 *").select_option("tags")
    page.get_by_label("名称或编号 *").fill("home")
    page.get_by_label("原因 *").fill("探亲")
    page.get_by_label("截止日期（含当日） *").fill("2036-01-01")
    page.get_by_role("button", name="添加", exact=True).click()
    expect(wrong).to_contain_text("最长 400 天。")
    page.evaluate("document.getElementById('override-until').value = " + TOMORROW)
    page.get_by_role("button", name="添加", exact=True).click()

    one = page.locator(".override")
    expect(one).to_contain_text("无变化时长 48h")
    expect(one).to_contain_text("探亲")
    expect(one.locator(".chip")).to_contain_text("后结束")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="立即结束").click()
    expect(page.get_by_text(NO_OVERRIDES)).to_be_visible()


TOMORROW = "new Date(Date.now() + 86400000).toISOString().slice(0, 10)"
