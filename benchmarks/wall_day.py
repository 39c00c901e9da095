"""Does a wall's page grow? `python -m benchmarks.wall_day [REFRESHES]`, a day of them if left out.

A real Chromium before the real pages lives a day of the wall as fast as it goes: the tiles are made
anew as often as in 24 hours, the pages turn, cases come, take the screen and go, charts are drawn.
Every tenth of the way the garbage is collected, and what the page still holds is written down. At
the end stands what grew, by kind: what belongs to the browser's tools, which watch this run, and
the code that they compile are not the page's.
"""

import json
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import CDPSession, Page, sync_playwright

from hub.database import cases, for_writing
from tests.browser.conftest import ARGUMENTS
from tests.browser.wall_heap import Held, held, refresh
from tests.dashboard_api.serving import Dashboard
from tests.programs import program

DAY_REFRESHES = 21_600  # one every 4 s, as `REFRESH_ANYWAY_MS` in wall.js says
WARM_UP = 100
CASE_EVERY = 20
SAMPLES = 10
SETTINGS = {
    "HUB_WALL_FIGURES_EVERY_S": "0.2",
    "HUB_WALL_TURN_S": "1",
    "HUB_LIVE_CONNECTION_S": "20",
}


def live_through(page: Page, dashboard: Dashboard, times: int) -> None:
    """So many refreshes, with a case that comes and goes now and then."""
    for done in range(0, times, CASE_EVERY):
        kind = ("emergency", "fault")[done // CASE_EVERY % 2]
        dashboard.judge.raise_case(category=kind, heard_at_ms=dashboard.clock.now_ms())
        refresh(page, min(CASE_EVERY, times - done))
        with for_writing(dashboard.engine).begin() as connection:
            connection.execute(cases.update().values(state="answered"))
            if done % (10 * CASE_EVERY) == 0:
                connection.execute(cases.delete())


def kinds(session: CDPSession) -> Counter[str]:
    """Bytes of everything alive, by type and (but for texts) by name."""
    chunks: list[str] = []
    session.on("HeapProfiler.addHeapSnapshotChunk", lambda event: chunks.append(event["chunk"]))
    session.send("HeapProfiler.takeHeapSnapshot", {"reportProgress": False})
    found = json.loads("".join(chunks))
    fields, names = found["snapshot"]["meta"]["node_fields"], found["strings"]
    types = found["snapshot"]["meta"]["node_types"][0]
    at_type, at_name, at_size = (fields.index(name) for name in ("type", "name", "self_size"))
    bytes_of: Counter[str] = Counter()
    for begin in range(0, len(found["nodes"]), len(fields)):
        node = found["nodes"][begin : begin + len(fields)]
        kind = types[node[at_type]]
        name = "" if "string" in kind else names[node[at_name]][:60]
        bytes_of[f"{kind} {name}".strip()] += node[at_size]
    return bytes_of


def tell(done: int, found: Held, first: Held, since_s: float) -> None:
    """A line of the table."""
    grown = found.heap_bytes - first.heap_bytes
    print(
        f"{done:>6} refreshes  heap {found.heap_bytes / 1e6:6.2f} MB ({grown / 1e6:+.2f})  "
        f"nodes {found.nodes:>5}  listeners {found.listeners:>4}  documents {found.documents:>2}  "
        f"{time.monotonic() - since_s:6.0f} s",
        flush=True,
    )


def main(refreshes: int) -> None:
    """Measure and print."""
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        dashboard = Dashboard(Path(folder), **SETTINGS)
        dashboard.start()
        browser = playwright.chromium.launch(executable_path=program("chromium"), args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1920, "height": 1080})
        page.goto(f"{dashboard.url}/wall?token={dashboard.wall_token}")
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable")
        try:
            live_through(page, dashboard, WARM_UP)
            first, since_s = held(session), time.monotonic()
            before = kinds(session)
            tell(0, first, first, since_s)
            for part in range(1, SAMPLES + 1):
                live_through(page, dashboard, refreshes // SAMPLES)
                tell(part * (refreshes // SAMPLES), held(session), first, since_s)
            for kind, grown in (kinds(page.context.new_cdp_session(page)) - before).most_common(8):
                print(f"{grown / 1e3:+10.1f} kB  {kind}")
        finally:
            browser.close()
            dashboard.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else DAY_REFRESHES)
