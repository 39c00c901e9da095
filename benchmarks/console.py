"""How the console answers with 1,000 open cases and 10,000 devices, measured in a real Chromium.

The pages' own process over a database, the real judge beside it. Told are the medians of so many
rounds in milliseconds, as a person would see them: from the navigation to the painted list, from a
key to the card that shows what was done, from a press to the card that is there, and so on.

    python -m benchmarks.console [--cases N] [--devices N] [--rounds N]
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Page, sync_playwright
from sqlalchemy.engine import Connection

from hub.database import cases, devices, for_writing, latest, places
from tests.dashboard_api.community import PASSWORD, encode
from tests.dashboard_api.real_judge import RealJudge
from tests.dashboard_api.serving import Dashboard
from tests.programs import program

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
SEVERITIES = ("urgent", "warning", "notice")
ROWS_AT_ONCE = 1_000


def fill(connection: Connection, cases_count: int, devices_count: int, now_ms: int) -> None:
    """Devices in blocks of flats, most of them heard, and open faults of many of them."""
    rows: list[dict[str, Any]] = []
    heard: list[dict[str, Any]] = []
    for n in range(devices_count):
        family, place = ("button", "door")[n % 2], f"x{n // 100}/u{n % 4}"
        rows.append(
            {
                "id": f"x-{n:05}",
                "family": family,
                "driver": "native",
                "address": f"native:x-{n:05}",
                "name_zh": f"设备{n:05}",
                "name_en": f"Device {n:05}",
                "place": place,
                "grid": f"grid-{n % 2 + 1}",
                "added_ms": 1,
            }
        )
        points = encode({"battery": [80.0, now_ms]})
        heard.append({"device": f"x-{n:05}", "heard_ms": now_ms - n, "points_json": points})
    for begin in range(0, devices_count, ROWS_AT_ONCE):
        connection.execute(devices.insert(), rows[begin : begin + ROWS_AT_ONCE])
        connection.execute(latest.insert(), heard[begin : begin + ROWS_AT_ONCE])
    connection.execute(places.update().where(places.c.path == "b3/u1").values(x=0.4, y=0.3))
    open_cases = [_case(n, rows[n % devices_count], now_ms) for n in range(cases_count)]
    connection.execute(cases.insert(), open_cases)


def _case(n: int, device: dict[str, Any], now_ms: int) -> dict[str, Any]:
    severity = SEVERITIES[n % len(SEVERITIES)]
    about = {name: device[name] for name in ("family", "place", "grid")}
    return {
        "id": f"C-{n + 1:06}",
        "rule": f"bench-{n}",
        "key": device["id"],
        "device": device["id"],
        **about,
        "severity": severity,
        "category": "fault",
        "response": "fault",
        "title_zh": "设备无信号",
        "title_en": "Device silent",
        "why_zh": f"{device['name_zh']}超过 26 小时没有消息",
        "why_en": f"{device['name_en']} has said nothing for 26 hours",
        "state": "raised",
        "active": True,
        "times": 1,
        "version": 1,
        "raised_at_ms": now_ms - n * 1_000,
        "heard_at_ms": now_ms - n * 1_000,
        "changed_ms": now_ms,
    }


# A frame that is painted after the condition holds; the clock of the page itself.
_PAINTED = """async ([selector, text]) => {
  const found = () => [...document.querySelectorAll(selector)];
  const holds = () => found().some((one) => one.textContent.includes(text));
  while (!holds()) await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
}"""


def measure(page: Page, judge: RealJudge, rounds: int) -> dict[str, float]:
    """Medians in milliseconds."""
    found: dict[str, list[float]] = {}

    def timed(name: str, work: Callable[[], object], selector: str, text: str = "") -> None:
        begun = time.perf_counter()
        work()
        page.evaluate(_PAINTED, [selector, text])
        found.setdefault(name, []).append((time.perf_counter() - begun) * 1_000)

    for n in range(rounds):
        timed("console painted", partial(page.goto, "/"), "article[data-case]")
        page.wait_for_selector("#feed[data-state=live]")
        timed("a key answers the first case", partial(page.keyboard.press, "a"), _answered(page))
        button = 5_000 + 2 * n
        press = partial(judge.say, f"x-{button:05}", press="sos")
        timed("a press is on the screen", press, ".case.emergency", f"设备{button:05}")
        timed("filtered by severity", partial(page.goto, "/?severity=notice"), ".case.notice")
        timed("searched in the cases", partial(page.goto, f"/?q=设备00{n:03}"), "#summary")
        timed("the next page of cases", partial(page.goto, "/?page=10"), "article[data-case]")
        timed("devices painted", partial(page.goto, "/devices"), "table tbody tr td")
        timed("devices filtered", partial(page.goto, "/devices?state=silent"), "table")
        timed("a device found", partial(page.goto, f"/devices?q=x-09{n:03}"), "td", f"09{n:03}")
        timed("map painted", partial(page.goto, "/map"), "svg .spot")
    return {name: round(statistics.median(spans), 1) for name, spans in found.items()}


def _answered(page: Page) -> str:
    first = page.locator("article[data-state=raised]").first.get_attribute("id")
    return f"#{first}[data-state=answered]"


def run(cases_count: int, devices_count: int, rounds: int) -> dict[str, Any]:
    """All of it in a folder that is gone afterwards."""
    with TemporaryDirectory() as name:
        dashboard = Dashboard(Path(name))
        try:
            with for_writing(dashboard.engine).begin() as connection:
                fill(connection, cases_count, devices_count, dashboard.clock.now_ms())
            dashboard.start()
            judge = RealJudge(dashboard.engine, dashboard.clock, Path(name))
            with judge.sitting(), sync_playwright() as playwright:
                path = program("chromium")
                browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
                context = browser.new_context(base_url=dashboard.url, locale="zh-CN")
                body = {"name": "staff", "password": PASSWORD}
                assert context.request.post("/api/v1/session", data=body).ok
                spans = measure(context.new_page(), judge, rounds)
                browser.close()
        finally:
            dashboard.close()
    return {"cases": cases_count, "devices": devices_count, "rounds": rounds, "median_ms": spans}


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cases", type=int, default=1_000)
    parser.add_argument("--devices", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    wish = parser.parse_args()
    print(json.dumps(run(wish.cases, wish.devices, wish.rounds), ensure_ascii=False, indent=2))


if __name__ == "__main__":
    main()
