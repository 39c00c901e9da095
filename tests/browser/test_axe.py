"""Every page that people see, in both languages, has nothing that keeps somebody from using it.

axe-core looks at each page as it stands in a real Chromium; the pages are those of the app's own
routes, so that a new one cannot be forgotten. `tests/browser/vendor/VENDORED.md` says which axe.
"""

from hashlib import sha256
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from hub import floor_plans
from hub.database import for_writing, strangers
from hub.floor_plans import Spot
from hub.picture import read_picture
from tests.browser.all_pages import filled_in, page_routes
from tests.browser.conftest import log_in
from tests.dashboard_api.serving import Dashboard
from tests.hub.test_picture import png

pytestmark = pytest.mark.browser

VENDOR = Path(__file__).with_name("vendor")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
# What stands in the address of a page.
EXAMPLES = {
    "case_id": "C-000001",
    "order_id": "C-000003",
    "inspection": "fitness-monthly",
    "subject": "device:c-1",
    "code": "D1",
    "device_id": "b-0",
    "resident_id": "r-0",
    "plan_id": "1",
    "name": "emergency-press",
    "grid": "grid-1",
    "day": "2026-03-02",
}


def violations(page: Page, *, colours: bool = True) -> list[str]:
    """What axe finds on a page as it stands: rule, how grave, where.

    `colours`: contrast takes four fifths of the time, and a language changes no colour.
    """
    found = page.evaluate(
        "([tags, colours]) => axe.run(document, {runOnly: tags, resultTypes: ['violations'],"
        " rules: {'color-contrast': {enabled: colours}}})",
        [TAGS, colours],
    )
    return [
        f"{one['id']} ({one['impact']}): {node['target']} {node['html'][:120]}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


def test_axe_is_the_one_that_was_vendored() -> None:
    told = (VENDOR / "VENDORED.md").read_text(encoding="utf-8")
    assert sha256((VENDOR / "axe.min.js").read_bytes()).hexdigest() in told


def test_no_page_keeps_anybody_out_in_either_language(
    chromium: Browser, dashboard: Dashboard
) -> None:
    _fill(dashboard)
    paths = filled_in(page_routes(), EXAMPLES).values()
    assert {"/", "/cases/C-000001", "/residents", "/d/D1", "/rules", "/reports"} <= set(paths)
    # The policy of the pages forbids scripts in the page: the test's own is let in.
    # The crew's worker would make a page anew of its own accord, in the middle of the next look.
    context = chromium.new_context(
        base_url=dashboard.url, locale="zh-CN", bypass_csp=True, service_workers="block"
    )
    context.add_init_script(path=VENDOR / "axe.min.js")
    page = context.new_page()
    log_in(page, "admin")
    found: dict[str, list[str]] = {}
    for language in ("zh", "en"):
        page.goto(f"/language/{language}?back=/login")
        for path in ("/login", *paths):
            page.goto(path, wait_until="domcontentloaded")
            if wrong := violations(page, colours=language == "zh"):
                found[f"{language} {path}"] = wrong
    found |= _with_dialogs_open(page)
    context.close()
    assert found == {}, "\n".join(f"{at}\n  " + "\n  ".join(some) for at, some in found.items())


def _with_dialogs_open(page: Page) -> dict[str, list[str]]:
    """What stands in the way of a person who acts: forms, the card, the bar of chosen cases."""
    found = {}
    page.goto("/")
    page.keyboard.press("j")
    for key, dialog in (("d", "#ask"), ("c", "#ask"), ("t", "#card")):
        page.keyboard.press(key)
        page.wait_for_selector(f"{dialog}[open]")
        if wrong := violations(page):
            found[f"dialog of {key}"] = wrong
        page.keyboard.press("Escape")
    return found


def _fill(dashboard: Dashboard) -> None:
    """Something of everything, so that the pages have something to show."""
    dashboard.judge.raise_case()
    dashboard.judge.raise_case(severity="urgent", category="security", answered_by="admin")
    dashboard.judge.raise_case(severity="warning", category="fault")
    dashboard.judge.raise_case(severity="notice", category="maintenance", state="dispatched")
    row = {"address": "native:new-one", "family": "button", "driver": "native", "topic": "x/up"}
    times = {"first_ms": 0, "last_ms": 0, "messages": 1, "newest_json": "[]"}
    with for_writing(dashboard.engine).begin() as connection:
        connection.execute(strangers.insert().values(**row, **times))
        picture = read_picture(png(), 100)
        floor_plans.add(connection, "b3", "b3", picture, png(), "admin", 0)
        floor_plans.place_device(connection, 1, "b-0", Spot(0.5, 0.5), "admin", 0)
