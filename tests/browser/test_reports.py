"""Reports in a browser: charts out of the tables beside them, by keyboard, on a phone, on paper."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from hub.local_series import LocalSeries
from hub.settings import Settings
from tests.browser.conftest import log_in
from tests.dashboard_api.seeded_use import Community, Machine, archive_all, write_community
from tests.dashboard_api.serving import Dashboard

ZONE = ZoneInfo("Asia/Shanghai")
PHONE: ViewportSize = {"width": 390, "height": 844}
PAGES = ("grounds", "visits", "cases", "devices")
WIDE = "document.documentElement.scrollWidth > innerWidth"
# Pixels of a chart: how many are dark (bars), and how many of all are drawn at all.
INK = """figure => {
  const canvas = figure.querySelector('canvas');
  const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let dark = 0;
  for (let at = 0; at < data.length; at += 4)
    if (data[at + 3] > 200 && data[at] < 60 && data[at + 1] < 90) dark++;
  return dark;
}"""


def _community(now: datetime) -> Community:
    dead = (now - timedelta(days=8), now + timedelta(days=1))
    return Community(
        machines=(
            Machine("m-1", "g1", 160),
            Machine("m-2", "g1", 0),
            Machine("m-3", "g2", 90, dead=(dead,)),
        ),
        doors=(("d-daycare", "g1", 20.0),),
        zone=ZONE,
        first=(now - timedelta(days=20)).date(),
        last=now,
    )


@pytest.fixture
def dashboard(tmp_path: Path) -> Iterator[Dashboard]:
    """With twenty days of two grounds and a door behind it."""
    running = Dashboard(tmp_path)
    now = datetime.fromtimestamp(running.clock.now_ms() / 1_000, ZONE)
    write_community(running.engine, _community(now))
    with ThreadPoolExecutor(1) as other:  # the browser's own loop runs in this thread
        other.submit(lambda: asyncio.run(_archive(running))).result()
    running.start()
    with running.judge.sitting():
        yield running
    running.close()


async def _archive(running: Dashboard) -> None:
    series = LocalSeries(Settings(data_dir=running.folder), "demo")
    await archive_all(running.engine, series)
    await series.close()


def test_reports_are_drawn_filtered_printed_and_fit_a_phone(
    page: Page, dashboard: Dashboard
) -> None:
    dashboard.judge.raise_case()
    log_in(page)
    first = (dashboard.judge.now_ms // 86_400_000 - 6) * 86_400_000
    day = datetime.fromtimestamp(first / 1_000, ZONE).date().isoformat()
    page.goto(f"/reports/grounds?from={day}")
    _check_charts(page)
    _check_keyboard(page)
    _check_paper(page)
    page.emulate_media(media="screen")
    page.set_viewport_size(PHONE)
    for name in PAGES:
        page.goto(f"/reports/{name}?from={day}")
        expect(page.locator("figure[data-drawn]").first).to_be_attached()
        assert not page.evaluate(WIDE), name
    page.goto("/reports")
    expect(page.get_by_text("无人使用").first).to_be_visible()
    assert not page.evaluate(WIDE)
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", name="What is remarkable this month")).to_be_visible()


def _check_charts(page: Page) -> None:
    """Each has a bar where its table has a figure, and hatching where something is unknown."""
    for name, rows in (("days", page.locator("#days tbody tr").count()), ("groups", 3)):
        figure = page.locator(f"figure[data-chart={name}]")
        expect(figure).to_have_attribute("data-drawn", str(rows))
        expect(figure.locator("figcaption")).to_contain_text("未知占比")
        assert figure.evaluate(INK) > 1_000
    dead = page.locator("#groups tr", has_text="g2").locator("td").nth(1)
    expect(dead).to_have_text("未知")
    assert dead.get_attribute("data-value") is None
    assert dead.get_attribute("data-unknown") == "1.0000"
    expect(page.locator("#machines tr.unused")).to_contain_text("无人使用")


def _check_keyboard(page: Page) -> None:
    """The filter is chosen and the CSV fetched without a mouse."""
    page.locator("#ground").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#groups tbody tr")).to_have_count(1)
    with page.expect_download() as download:
        page.locator("a[href*='grounds/days.csv']").focus()
        page.keyboard.press("Enter")
    assert download.value.suggested_filename.startswith("grounds-days-")


def _check_paper(page: Page) -> None:
    """A4 pages with site and period, without what is there to be clicked."""
    page.emulate_media(media="print")
    expect(page.locator(".report-print")).to_contain_text("示范社区")
    for hidden in (".bar", ".report-filter", ".report-nav", "#print"):
        expect(page.locator(hidden)).to_be_hidden()
    paper = page.pdf(prefer_css_page_size=True)
    assert paper.startswith(b"%PDF")
    assert 2 <= paper.count(b"/Type /Page\n") <= 6
    assert b"/MediaBox [0 0 594.9" in paper  # A4, in points
