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


LOOKS = 10
_NEXT_FRAME = "new Promise(requestAnimationFrame)"


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
    """What is left once the garbage was collected: the least of some looks, a frame apart.

    The document of an answer, and a chart that was taken away, may be let go a frame or two later;
    what is really held is there at every look.
    """
    looks = [_figures(session) for _ in range(LOOKS)]
    return Held(*map(min, *looks))


def _figures(session: CDPSession) -> Held:
    session.send("Runtime.evaluate", {"expression": _NEXT_FRAME, "awaitPromise": True})
    for _ in range(2):  # what was freed may free more
        session.send("HeapProfiler.collectGarbage")
    found = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    names = ("JSHeapUsedSize", "Nodes", "JSEventListeners", "Documents")
    return Held(*(int(found[name]) for name in names))
