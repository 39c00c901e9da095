"""Pictures of every page in both languages, of a running demo: `make screenshots` takes them anew.

They stand in docs/pictures with docs/pages.md, which names for each page what it is and where. What
the app serves is the list: `tests/project/test_manual.py` asks for a picture of every page.
"""

import io
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import APIResponse, Browser, Page, ViewportSize, sync_playwright

from tests.browser.all_pages import filled_in, page_routes
from tests.browser.conftest import ARGUMENTS
from tests.demo_in_hand import Demo, running_demo
from tests.programs import program

ROOT = Path(__file__).parents[2]
PICTURES, PAGES = ROOT / "docs/pictures", ROOT / "docs/pages.md"
LANGUAGES = ("zh", "en")
LIVED_S = 150.0  # at the demo's pace two and a half hours of a morning
SETTLED_MS = 1_500  # charts are drawn, the map is there
DESK: ViewportSize = {"width": 1920, "height": 1080}
PHONE: ViewportSize = {"width": 390, "height": 844}
PHONE_SCALE = 2
QUALITY = 75  # of webp: text stays sharp
# What people hold in the hand.
# Pages that show nothing until something is chosen.
CHOSEN = {"/labels": "?grid=grid-1"}
WALL_PAGES = ("now", "reach", "grounds")
ON_A_PHONE = ("/crew", "/d/", "/a/", "/adopt", "/inspections/", "/shift")
_HEAD = """# Pages

Every page as the demo shows it, in Chinese and in English.
The pictures and this page are made by `make screenshots`.
Staff's pages are taken at 1920x1080, those for the hand at 390 pixels.
"""


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture to take: its file's name, what stands above it, and the address."""

    name: str
    route: str
    path: str

    @property
    def is_phones(self) -> bool:
        """Is it a page for the hand?"""
        return self.route.startswith(ON_A_PHONE)


def name_of(route: str) -> str:
    """The file's name for a page such as `/cases/{case_id}`: `cases-case_id`."""
    words = [word.strip("{}") for word in route.split("/") if word]
    return "-".join(words) or "console"


def shots(demo: Demo, page: Page) -> list[Shot]:
    """What there is to see, after something has happened in the community."""
    examples = _happen(demo, page)
    found = [
        Shot(name_of(route), route, path + CHOSEN.get(route, ""))
        for route, path in filled_in(page_routes(), examples).items()
    ]
    order = examples["order_id"]
    more = [
        Shot("login", "/login", "/login"),
        Shot("crew-order", "/crew#/order", f"/crew#/order/{order}"),
        Shot("docs", "/docs", "/docs"),
    ]
    return found + more


def _happen(demo: Demo, page: Page) -> dict[str, str]:
    """A press that nobody has answered, a reported fault, a floor plan; what to look at."""
    subprocess.run(demo.press, check=True)
    button = demo.press[demo.press.index("-t") + 1].split("/")[3]

    def a_press_is_open() -> bool:
        """The case of the press."""
        return bool(_cases(page, button))

    demo.wait_until(a_press_is_open)
    case = _cases(page, button)[0]
    devices = _ask(page, "/api/v1/devices?limit=500")["devices"]
    counter = next(one for one in devices if one["family"] == "counter" and one["code"])
    fault = f"/api/v1/devices/{counter['code']}/report"
    told = _send(page, "POST", fault, {"trouble": _ask(page, fault)["troubles"][0]["trouble"]})
    page.goto("/inspections")
    checklist = page.locator("a[href^='/inspections/']").first.get_attribute("href") or ""
    return {
        "case_id": case["id"],
        "order_id": told["order"],
        "inspection": checklist.split("/")[2],
        "subject": checklist.split("/", 3)[3],
        "code": counter["code"],
        "device_id": button,
        "resident_id": case["resident"]["id"],
        "plan_id": str(_plan(page, button, devices)),
        "name": "emergency-press",
        "grid": case["grid"],
        "day": _ask(page, "/api/v1/inspections")["today"],
    }


def _cases(page: Page, device: str) -> list[dict[str, Any]]:
    open_now = _ask(page, "/api/v1/cases?state=open")["cases"]
    return [one for one in open_now if one["device"] == device]


def _plan(page: Page, button: str, devices: list[dict[str, Any]]) -> int:
    """A floor of the house of the press, with the button and its neighbours on it."""
    place = next(one["place"] for one in devices if one["id"] == button)
    house = place.split("/")[0]
    answer = page.request.post(
        f"/api/v1/floor_plans?name={house}&place={house}",
        data=_drawing(),
        headers={"Content-Type": "image/png", "Origin": _origin(page)},
    )
    number = int(_read(answer)["id"])
    near = [one["id"] for one in devices if (one["place"] or "").startswith(f"{house}/")]
    for n, device in enumerate(dict.fromkeys([button, *near][:4])):
        spot = {"x": round(0.15 + 0.23 * n, 2), "y": 0.22}
        _send(page, "PUT", f"/api/v1/floor_plans/{number}/marks/{device}", spot)
    return number


def _drawing() -> bytes:
    """A floor with four flats on either side of its corridor."""
    image = Image.new("RGB", (1200, 700), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(34)
    draw.rectangle((40, 260, 1160, 440), outline="#333344", width=6)
    for n in range(4):
        left, right = 40 + 280 * n, 320 + 280 * n
        for top, number in ((40, 101 + n), (440, 105 + n)):
            draw.rectangle((left, top, right, top + 220), outline="#333344", width=6)
            draw.text((left + 110, top + 150), str(number), fill="#333344", font=font)
    written = io.BytesIO()
    image.save(written, "PNG")
    return written.getvalue()


def _origin(page: Page) -> str:
    return "/".join(page.url.split("/")[:3])


def _ask(page: Page, path: str) -> Any:
    return _read(page.request.get(path))


def _send(page: Page, method: str, path: str, body: dict[str, Any]) -> Any:
    """What a page sends, with the log-in of this browser."""
    headers = {"Origin": _origin(page)}
    return _read(page.request.fetch(path, method=method, data=body, headers=headers))


def _read(answer: APIResponse) -> Any:
    if not answer.ok:
        raise RuntimeError(f"{answer.url}: {answer.status} {answer.text()}")
    return msgspec.json.decode(answer.body())


@contextmanager
def logged_in(browser: Browser, demo: Demo, language: str, *, phone: bool) -> Iterator[Page]:
    """A page of a browser of its own; nobody has been here before."""
    context = browser.new_context(
        base_url=demo.url,
        viewport=PHONE if phone else DESK,
        device_scale_factor=PHONE_SCALE if phone else 1,
        has_touch=phone,
        locale="zh-CN" if language == "zh" else "en-GB",
        timezone_id="Asia/Shanghai",
    )
    page = context.new_page()
    page.goto(f"/language/{language}?back=/login")
    page.locator("#name").fill("admin")
    page.locator("#password").fill(demo.password)
    page.locator("[type=submit]").click()
    page.wait_for_selector("#log-out")
    yield page
    context.close()


def take(page: Page, path: str, file: Path) -> str:
    """A picture of a page as it stands once it has settled; its title."""
    page.goto(path)
    picture_of(page, file)
    return title_of(page)


def title_of(page: Page) -> str:
    """Its name alone, without the number of what waits and the name of the site."""
    return re.sub(r"^\(\d+\) ", "", page.title()).partition(" · ")[0]


def picture_of(page: Page, file: Path) -> None:
    """What the page shows once it has settled."""
    page.wait_for_timeout(SETTLED_MS)
    file.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.open(io.BytesIO(page.screenshot()))
    picture.convert("RGB").save(file, "WEBP", quality=QUALITY, method=6)


def pages_page(wanted: list[Shot], titles: dict[tuple[str, str], str]) -> str:
    """docs/pages.md: a title in both languages, the address, the two pictures."""
    parts = [_HEAD]
    for shot in wanted:
        zh, en = (titles[shot.name, language] for language in LANGUAGES)
        images = [
            f"![{title}](pictures/{language}/{shot.name}.webp)"
            for language, title in (("zh", zh), ("en", en))
        ]
        parts.append(f"\n## {en} · {zh}\n\n`{shot.route}`\n\n| 中文 | English |\n|---|---|\n")
        parts.append(f"| {images[0]} | {images[1]} |\n")
    return "".join(parts)


def main() -> None:
    """Start a demo, let it live, take all pictures."""
    with running_demo() as demo, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program("chromium"), args=ARGUMENTS)
        demo.live_for(LIVED_S)
        with logged_in(browser, demo, "zh", phone=False) as page:
            wanted = shots(demo, page)
        titles = {}
        for language in LANGUAGES:
            for phone in (False, True):
                with logged_in(browser, demo, language, phone=phone) as page:
                    for shot in (one for one in wanted if one.is_phones == phone):
                        file = PICTURES / language / f"{shot.name}.webp"
                        titles[shot.name, language] = take(page, shot.path, file)
        wanted += _quiet_walls(browser, demo, titles)
        browser.close()
    PAGES.write_text(pages_page(wanted, titles), encoding="utf-8")


def _quiet_walls(
    browser: Browser, demo: Demo, titles: dict[tuple[str, str], str]
) -> Iterator[Shot]:
    """The wall's pages when nobody calls: an emergency takes the whole screen."""
    for language in LANGUAGES:
        with logged_in(browser, demo, language, phone=False) as page:
            for case in _ask(page, "/api/v1/cases?state=open&limit=200")["cases"]:
                if case["answered_at_ms"] is None:
                    _send(page, "POST", f"/api/v1/cases/{case['id']}/answer", {})
            page.goto("/wall")
            for name in WALL_PAGES:
                page.locator(f"[data-turn-to={name}]").click()
                picture_of(page, PICTURES / language / f"wall-{name}.webp")
                titles[f"wall-{name}", language] = title_of(page)
    return (Shot(f"wall-{name}", "/wall", "/wall") for name in WALL_PAGES)


if __name__ == "__main__":
    main()
