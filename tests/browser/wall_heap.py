"""What a wall's page holds on to: its heap, nodes and listeners after many refreshes."""

from typing import NamedTuple

from playwright.sync_api import CDPSession, Page

_REFRESH = """
async (times) => {
  for (let n = 0; n < times; n++) {
    const settled = new Promise((done) =>
      document.body.addEventListener("htmx:afterSettle", done, { once: true }));
    htmx.trigger("#tiles", "refresh");
    await settled;
  }
}
"""


class Held(NamedTuple):
    """Bytes of the page's own heap, and how many nodes, listeners and documents there are."""

    heap_bytes: int
    nodes: int
    listeners: int
    documents: int


def refresh(page: Page, times: int) -> None:
    """Have the tiles made anew so often, one after the other."""
    page.evaluate(_REFRESH, times)


def held(session: CDPSession) -> Held:
    """What is left after the garbage was collected, twice: what was freed may free more."""
    for _ in range(2):
        session.send("HeapProfiler.collectGarbage")
    found = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    names = ("JSHeapUsedSize", "Nodes", "JSEventListeners", "Documents")
    return Held(*(int(found[name]) for name in names))
