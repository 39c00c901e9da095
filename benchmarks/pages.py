"""What every page weighs and how soon it shows something of use, on the demo, in a real Chromium.

For each page: bytes over the wire and requests of a first visit and of a later one (cached files
are asked for no more), and the milliseconds to the first paint that holds content and to the
largest one (`first-contentful-paint`, `largest-contentful-paint` of the browser): medians of some
rounds. Beside each stands the ratio to the log-in page of the same run, so that runs on other
machines can be compared.

    python -m benchmarks.pages [--rounds N] [--slow]

`--slow`: as over a phone's slow network (Chrome's "Slow 4G": 1.6 Mbit/s down, 150 ms there and
back).
"""

import argparse
import json
import statistics
from dataclasses import asdict, dataclass

from playwright.sync_api import Browser, CDPSession, Page, StorageState, sync_playwright

from tests.browser.conftest import ARGUMENTS
from tests.demo_in_hand import running_demo
from tests.programs import program
from tests.project.screenshots import DESK, PHONE, Shot, logged_in, shots

LIVED_S = 30.0
SETTLED_MS = 1_000
SLOW = {"latency": 150, "downloadThroughput": 1_600_000 / 8, "uploadThroughput": 750_000 / 8}
BASE = "/login"
WATCH = """
  window.painted = {};
  for (const [type, name] of [["paint", "first"], ["largest-contentful-paint", "largest"]])
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries())
        if (entry.name !== "first-paint") window.painted[name] = entry.startTime;
    }).observe({ type, buffered: true });
"""


@dataclass
class Visit:
    """One visit; times in ms since the navigation."""

    bytes: int
    requests: int
    first_ms: float
    largest_ms: float


class Wire:
    """What comes over the wire, as the browser's own network counts it."""

    def __init__(self, session: CDPSession, *, slow: bool) -> None:
        self.bytes = self.requests = 0
        session.send("Network.enable")
        if slow:
            session.send("Network.emulateNetworkConditions", {"offline": False, **SLOW})
        session.on("Network.loadingFinished", self._finished)

    def _finished(self, event: dict[str, float]) -> None:
        received = int(event["encodedDataLength"])
        self.bytes += received
        self.requests += received > 0  # from the cache: nothing was asked for


def visit(page: Page, path: str, *, slow: bool) -> Visit:
    """Go there and see what comes."""
    session = page.context.new_cdp_session(page)
    wire = Wire(session, slow=slow)
    page.goto(path)
    page.wait_for_timeout(SETTLED_MS)
    painted = page.evaluate("window.painted")
    session.detach()
    first_ms, largest_ms = painted.get("first", 0.0), painted.get("largest", 0.0)
    return Visit(wire.bytes, wire.requests, first_ms, largest_ms or first_ms)


def visits(
    browser: Browser, url: str, state: StorageState, shot: Shot, rounds: int, *, slow: bool
) -> tuple[list[Visit], list[Visit]]:
    """First visits, each of a browser that has nothing yet, and those that followed them."""
    cold, warm = [], []
    for _ in range(rounds):
        context = browser.new_context(
            base_url=url,
            storage_state=state,
            viewport=PHONE if shot.is_phones else DESK,
            locale="zh-CN",
        )
        context.add_init_script(WATCH)
        page = context.new_page()
        cold.append(visit(page, shot.path, slow=slow))
        warm.append(visit(page, shot.path, slow=slow))
        context.close()
    return cold, warm


def median(found: list[Visit]) -> Visit:
    """Of each figure by itself."""
    rows = [asdict(one) for one in found]
    middle = {name: statistics.median(row[name] for row in rows) for name in rows[0]}
    return Visit(
        int(middle["bytes"]), int(middle["requests"]), middle["first_ms"], middle["largest_ms"]
    )


def main() -> None:
    """Measure, and print a line of JSON for each page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--slow", action="store_true")
    given = parser.parse_args()
    with running_demo() as demo, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program("chromium"), args=ARGUMENTS)
        demo.live_for(LIVED_S)
        with logged_in(browser, demo, "zh", phone=False) as page:
            wanted = shots(demo, page)
            state = page.context.storage_state()
        wanted.sort(key=lambda shot: shot.route != BASE)
        base = 0.0
        for shot in wanted:
            cold, warm = map(
                median, visits(browser, demo.url, state, shot, given.rounds, slow=given.slow)
            )
            base = base or cold.largest_ms
            row = {
                "page": shot.route,
                "cold_kB": round(cold.bytes / 1_000),
                "cold_requests": cold.requests,
                "warm_kB": round(warm.bytes / 1_000),
                "first_ms": round(cold.first_ms),
                "largest_ms": round(cold.largest_ms),
                "warm_largest_ms": round(warm.largest_ms),
                "to_log_in": round(cold.largest_ms / base, 1) if base else None,
            }
            print(json.dumps(row), flush=True)
        browser.close()


if __name__ == "__main__":
    main()
