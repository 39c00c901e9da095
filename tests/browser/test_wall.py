"""The wall in a real Chromium: nobody's name, honest however its feed dies, and it never grows."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from hub.database import cases, for_writing, screens
from tests.browser.wall_heap import held, refresh
from tests.dashboard_api.community import NAMES
from tests.dashboard_api.serving import Dashboard

SETTINGS = {
    "HUB_WALL_FROZEN_AFTER_S": "2",
    "HUB_SCREEN_SILENCE_S": "4",
    "HUB_WALL_TURN_S": "3600",  # a test turns them
}
SIZES = {"1920x1080": 1, "3840x2160": 1, "1366x768": 1, "3840x1080": 2, "5760x1080": 3}
LEAST_OF_HEIGHT = 28 / 1080  # of the screen's height: what is read from five metres
BLOCK = "setTimeout(() => { const end = Date.now() + 7000; while (Date.now() < end); }, 50)"
POLLS = 150

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """One for all of these tests: a screen's token is good in one browser only."""
    running = Dashboard(tmp_path_factory.mktemp("wall"), **SETTINGS)
    running.start()
    with running.judge.sitting():
        yield running
    running.close()


@pytest.fixture(scope="module")
def screen(chromium: Browser, dashboard: Dashboard) -> Iterator[Page]:
    """The wall screen in the hall; a script's mistake or a breach of the policy fails."""
    context = chromium.new_context(
        base_url=dashboard.url, viewport={"width": 1920, "height": 1080}, locale="zh-CN"
    )
    page = context.new_page()
    mistakes: list[str] = []
    page.on("pageerror", lambda error: mistakes.append(str(error)))
    page.on("console", lambda line: mistakes.append(line.text) if "Policy" in line.text else None)
    page.goto(f"/wall?token={dashboard.wall_token}")
    assert page.url == f"{dashboard.url}/wall"  # the token has left the address
    yield page
    context.close()
    assert mistakes == []


@pytest.fixture
def wall(screen: Page, dashboard: Dashboard) -> Page:
    """The same screen, loaded anew, with nothing open."""
    with for_writing(dashboard.engine).begin() as connection:
        connection.execute(cases.delete())
    screen.set_viewport_size({"width": 1920, "height": 1080})
    screen.goto("/language/zh?back=/wall")
    expect(screen.locator(".wall-pages")).to_be_visible()
    return screen


def wait_for_row(page: Page, dashboard: Dashboard, so: Callable[[Any], bool]) -> None:
    """Until the hub knows that of the screen; the page's own clock goes on meanwhile."""
    row = None
    for _ in range(POLLS):
        with dashboard.engine.connect() as connection:
            row = connection.execute(screens.select()).one()
        if so(row):
            return
        page.wait_for_timeout(100)
    raise AssertionError(row)


def mark(page: Page) -> None:
    """So that it is seen when the page is another one."""
    page.evaluate("document.body.id = 'loaded-before'")


def is_loaded_anew(page: Page) -> None:
    expect(page.locator("#loaded-before")).to_have_count(0, timeout=15_000)
    expect(page.locator(".wall-pages")).to_be_visible()


def test_a_new_emergency_takes_the_screen_and_gives_it_back_when_it_is_answered(
    wall: Page, dashboard: Dashboard
) -> None:
    wall.keyboard.press("ArrowRight")
    expect(wall.locator(".wall-page.reach")).to_be_visible()
    dashboard.judge.raise_case()
    expect(wall.locator(".takeover .where")).to_contain_text("3号楼1单元")
    expect(wall.locator(".takeover time")).to_have_text(re.compile(r"^\d\d:\d\d$"))
    content = wall.content()
    for name in (*NAMES, "1204"):
        assert name not in content
    with for_writing(dashboard.engine).begin() as connection:
        connection.execute(cases.update().values(state="answered"))
    dashboard.judge.raise_case(category="fault", severity="notice")

    expect(wall.locator(".takeover")).to_have_count(0)
    expect(wall.locator(".wall .list li").first).to_contain_text("已接警")
    expect(wall.locator(".wall-page.now")).to_be_visible()


_TURNS = """
async () => {
  const { Pages } = await import("/static/js/wall_pages.js");
  const pages = new Pages(20000);
  const begun = Date.now();
  const at = (seconds, taken = false) => {
    pages.turn(begun + seconds * 1000, taken);
    return document.body.dataset.page;
  };
  pages.show("now", begun);
  const shown = [at(19), at(20)];
  pages.hold(true);
  shown.push(at(999));
  pages.hold(false);
  pages.show("grounds", begun);
  shown.push(at(19), at(999, true), at(1000), at(1019), at(1020));
  return shown;
}
"""


def test_pages_turn_by_time_by_keys_and_not_while_they_are_held_or_an_emergency_has_the_screen(
    wall: Page,
) -> None:
    shown = ["now", "reach", "reach", "grounds", "grounds", "now", "now", "reach"]
    assert wall.evaluate(_TURNS) == shown
    current = wall.locator(".wall-turn [aria-current=page]")
    wall.reload()
    wall.keyboard.press("ArrowLeft")
    expect(current).to_have_text("健身场地")
    wall.keyboard.press(" ")
    expect(wall.locator("#wall-pause")).to_have_attribute("aria-pressed", "true")
    wall.get_by_role("button", name="居民与设备").click()
    expect(wall.locator(".wall-page.reach")).to_be_visible()
    expect(wall.locator("#chart-day canvas")).to_be_visible()


def rose_share(page: Page, png: str) -> float:
    """How much of a picture has the colour of NOT LIVE; counted by another page's canvas."""
    other = page.context.new_page()
    share: float = other.evaluate(
        """async (png) => {
          const bytes = Uint8Array.from(atob(png), (sign) => sign.charCodeAt(0));
          const picture = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
          const pen = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
          pen.drawImage(picture, 0, 0);
          const { data } = pen.getImageData(0, 0, picture.width, picture.height);
          let rose = 0;
          for (let at = 0; at < data.length; at += 4) {
            const [red, green, blue] = data.subarray(at, at + 3);
            if (red > 230 && green > 110 && green < 175 && blue < 175) rose++;
          }
          return rose / (data.length / 4);
        }""",
        png,
    )
    other.close()
    return share


def test_it_loads_itself_anew_after_an_update(wall: Page) -> None:
    """A page of another edition, as one that was opened before the update."""
    mark(wall)
    wall.evaluate("document.body.dataset.edition = 'of-yesterday'")
    is_loaded_anew(wall)


_SMALL = """
(least) => [...document.querySelectorAll(".wall *")]
  .filter((one) => [...one.childNodes].some((text) => text.nodeType === 3 && text.data.trim()))
  .filter((one) => one.checkVisibility({ visibilityProperty: true }))
  .filter((one) => one.getClientRects().length)
  .map((one) => [one.className, parseFloat(getComputedStyle(one).fontSize) / innerHeight])
  .filter(([, share]) => share < least)
"""
_OUTSIDE = """
() => [...document.querySelectorAll(".tile, .kind, .wall-head, .wall-foot")]
  .filter((one) => {
    const box = one.getBoundingClientRect();
    return box.right > innerWidth + 1 || box.bottom > innerHeight + 1 || box.width < 1;
  }).map((one) => one.className)
"""


def test_every_size_of_wall_is_filled_and_read_from_five_metres(
    wall: Page, dashboard: Dashboard
) -> None:
    for number in range(9):
        dashboard.judge.raise_case(category="fault", severity="warning", rule=f"r-{number}")
    for language in ("zh", "en"):
        wall.goto(f"/language/{language}?back=/wall")
        for size, together in SIZES.items():
            width, height = map(int, size.split("x"))
            wall.set_viewport_size({"width": width, "height": height})
            pages = wall.locator(".wall-page >> visible=true")
            expect(pages).to_have_count(together)
            assert wall.evaluate(_SMALL, LEAST_OF_HEIGHT * 0.99) == [], (language, size)
            assert wall.evaluate(_OUTSIDE) == [], (language, size)


def test_a_day_of_refreshes_leaves_nothing_behind(wall: Page) -> None:
    """The short form of `benchmarks/wall_day.py`."""
    session = wall.context.new_cdp_session(wall)
    session.send("Performance.enable")
    refresh(wall, 20)
    before = held(session)
    refresh(wall, 60)
    after = held(session)

    assert after.nodes <= before.nodes + 50
    assert after.listeners <= before.listeners + 5
    assert after.heap_bytes <= before.heap_bytes + 300_000


def test_a_frozen_page_says_so_by_its_worker_tells_the_hub_and_begins_afresh(
    wall: Page, dashboard: Dashboard
) -> None:
    """The page's thread stands in a loop; what Chromium then shows comes from its screencast.

    A screenshot waits for the page's thread, the screencast is taken from what is on the screen.
    """
    session = wall.context.new_cdp_session(wall)
    seen: list[str] = []
    session.on("Page.screencastFrame", lambda frame: seen.append(frame["data"]))
    wait_for_row(wall, dashboard, lambda row: row.live and row.frozen_ms == 0)
    mark(wall)
    session.send("Runtime.evaluate", {"expression": BLOCK})
    wait_for_row(wall, dashboard, lambda row: row.frozen_ms > 2_000)
    session.send("Page.startScreencast", {"format": "png", "maxWidth": 480, "maxHeight": 270})
    while not seen:
        wall.wait_for_timeout(100)
    session.send("Page.stopScreencast")

    assert rose_share(wall, seen[-1]) > 0.01
    is_loaded_anew(wall)
    wait_for_row(wall, dashboard, lambda row: row.frozen_ms == 0)


def test_it_says_within_ten_seconds_that_it_is_not_live_and_recovers_alone(
    wall: Page, dashboard: Dashboard
) -> None:
    wait_for_row(wall, dashboard, lambda row: row.live)
    dashboard.stop()
    expect(wall.locator("#not-live")).to_be_visible(timeout=10_000)
    expect(wall.locator("#not-live-since")).to_have_text(re.compile(r"^自 \d\d:\d\d:\d\d 起$"))
    dashboard.start()
    expect(wall.locator("#not-live")).to_be_hidden(timeout=15_000)

    dashboard.say_alive(dashboard.clock.now_ms() - 60_000)  # the hub itself is silent
    expect(wall.locator("#not-live")).to_be_visible(timeout=10_000)
    wait_for_row(wall, dashboard, lambda row: not row.live)
