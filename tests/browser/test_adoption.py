"""A button is adopted on a phone, with the real hub behind the page: so many steps, no more."""

import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from playwright.async_api import Browser, Page, ViewportSize, async_playwright, expect

from tests.browser.conftest import ARGUMENTS
from tests.integration.hub_process import note, quick_client
from tests.programs import Mosquitto, program
from tests.stories.test_strangers import known_as
from tests.stories.whole_hub import SITE, WholeHub, case_of, read, whole_hub

pytestmark = pytest.mark.browser

PHONE = ViewportSize(width=390, height=844)
ADDRESS = "native:nb-1"
TOPIC = f"community/{SITE}/button/nb-1/up"
PRESS = {"press": "sos", "rssi": -87, "via": "gw-2", "battery": 93}
STEPS_MAX = 7  # taps and words from "who is on the air" to "tested"
PICTURES = os.environ.get("PICTURES")  # a folder: what the person sees is kept there


class Person:
    """A person at the page, whose taps and words are counted."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.steps = 0

    async def tap(self, role: str, name: str) -> None:
        """Tap what is called so."""
        self.steps += 1
        await self.page.get_by_role(role, name=name).first.click()  # type: ignore[arg-type]

    async def write(self, label: str, text: str) -> None:
        """Write into the field of that label."""
        self.steps += 1
        await self.page.get_by_label(label).press_sequentially(text)

    async def picture(self, name: str) -> None:
        """Keep what is seen, where somebody wants to look at it."""
        if PICTURES:
            await self.page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(
            executable_path=program("chromium"), args=ARGUMENTS
        )
        yield opened
        await opened.close()


async def phone(browser: Browser, hub: WholeHub) -> Person:
    """Somebody of the staff, logged in on a phone."""
    password = await hub.password("wang", "staff")
    async with hub.caller() as caller:
        await caller.get("/healthz")  # tried again until the pages are there
    context = await browser.new_context(
        base_url=f"http://{hub.http}", viewport=PHONE, locale="zh-CN", has_touch=True
    )
    page = await context.new_page()
    await page.goto("/login?next=/strangers")
    await page.locator("#name").fill("wang")
    await page.locator("#password").fill(password)
    await page.get_by_role("button", name="登录").click()
    await page.wait_for_url("**/strangers")
    return Person(page)


async def test_a_button_is_pressed_found_adopted_and_tested_on_a_phone(
    tmp_path: Path, broker: Mosquitto, browser: Browser
) -> None:
    async with (
        whole_hub(tmp_path / "hub", broker) as hub,
        hub.caller(await hub.token("desk", "staff")) as caller,
        quick_client(broker) as client,
    ):
        home = next(
            place for place in await read(caller, "/places", limit=50) if place["residents"]
        )
        person = await phone(browser, hub)
        await person.picture("1-nobody")
        begun_s = time.perf_counter()
        await client.publish(TOPIC, msgspec.json.encode({"id": "p-0", **PRESS}), qos=1)
        await expect(person.page.get_by_text("刚刚按下的就是它")).to_be_visible()
        await known_as(caller, ADDRESS, 1)
        await person.picture("2-pressed")
        await person.tap("link", "登记此设备")
        await person.write("装在哪里？", home["residents"][0]["name"])
        await person.page.locator(".choice").first.wait_for()
        await person.picture("3-place")
        await person.tap("button", home["name"]["zh"])
        await expect(person.page.locator("#id")).to_have_value(
            f"btn-{home['path'].replace('/', '-')}"
        )
        await person.picture("4-form")
        await person.tap("button", "登记")
        await expect(person.page.locator("#test-text")).to_contain_text("请现在按下按钮")
        await person.picture("5-press-now")
        await client.publish(TOPIC, msgspec.json.encode({"id": "p-1", **PRESS}), qos=1)
        await expect(person.page.locator("#test-text")).to_contain_text("已收到")
        told = person.page.locator("#test-more")
        await expect(told).to_contain_text("−87 dBm")
        await expect(told).to_contain_text("经网关 gw-2")
        await expect(person.page.locator("#device-state")).to_contain_text("工作正常")
        await expect(person.page.locator("#records")).to_contain_text("gw-2")
        spent_s = time.perf_counter() - begun_s
        note(f"adopted and tested in {person.steps} steps, {spent_s:.1f} s of the machine")
        assert person.steps <= STEPS_MAX
        await person.page.reload()
        await person.picture("6-device")

        device = person.page.url.rpartition("/")[2]
        [line] = (await read(caller, f"/devices/{device}/commissioning"))["records"]
        assert (line["by"], line["test_press"], line["rssi"]) == ("wang", "sos", -87.0)
        assert line["resident"] == home["residents"][0]["id"]
        await client.publish(TOPIC, msgspec.json.encode({"id": "p-2", **PRESS}), qos=1)
        assert (await case_of(caller, device))["times"] == 1, "the second press calls"


SCANNER = """
// Stands in for the phone's own barcode reader and camera, which no test machine has.
window.BarcodeDetector = class {
  async detect() { return [{ rawValue: "LW:D0:24E124C0002A0001:24E124136B501A01:02400001" }]; }
};
Object.defineProperty(navigator, "mediaDevices", { value: {
  getUserMedia: async () => document.createElement("canvas").captureStream(),
} });
"""


async def test_a_scanned_code_that_nobody_has_heard_leads_to_the_form_with_its_address(
    tmp_path: Path, broker: Mosquitto, browser: Browser
) -> None:
    async with whole_hub(tmp_path / "hub", broker) as hub:
        person = await phone(browser, hub)
        await expect(person.page.locator("#no-camera")).to_be_visible()
        await person.page.add_init_script(SCANNER)
        await person.page.reload()
        await person.tap("button", "用摄像头扫码")
        await expect(person.page.locator("#find-wrong")).to_be_visible()
        await person.picture("7-scanned")
        await person.tap("link", "手动登记")
        address = person.page.locator("[name=address]")
        await expect(address).to_have_value("lorawan:24e124136b501a01")
