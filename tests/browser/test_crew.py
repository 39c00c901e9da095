"""The crew's phone before the real judge: a cellar without network, a scan, a round, labels."""

import os
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
import segno
from PIL import Image
from playwright.sync_api import Browser, Page, Route, ViewportSize, expect

from hub.clock import SystemClock
from hub.database import devices, for_writing, places
from rules.order_reader import COMMUNITY_ORDERS, load_orders
from tests.browser.conftest import ARGUMENTS
from tests.dashboard_api.community import PASSWORD
from tests.dashboard_api.real_judge import RealJudge
from tests.dashboard_api.serving import Dashboard
from tests.programs import program

pytestmark = pytest.mark.browser

PICTURES = os.environ.get("PICTURES")  # a folder: what the person sees is kept there
PHONE = ViewportSize(width=390, height=844)


class Hub:
    """The dashboard's process, the real judge beside it, and staff who look at the API."""

    def __init__(self, dashboard: Dashboard, judge: RealJudge) -> None:
        self.dashboard, self.judge, self.url = dashboard, judge, dashboard.url
        self.staff = httpx.Client(base_url=dashboard.url)
        login = {"name": "staff", "password": PASSWORD}
        assert self.staff.post("/api/v1/session", json=login).is_success

    def get(self, path: str) -> Any:
        return self.staff.get(f"/api/v1{path}").json()

    def report(self, device: str, trouble: str) -> str:
        """An order that somebody reports."""
        body = {"trouble": trouble}
        return str(self.staff.post(f"/api/v1/devices/{device}/report", json=body).json()["order"])

    def log(self, order: str) -> list[str]:
        return [line["what"] for line in self.get(f"/orders/{order}")["log"]]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("crew")
    dashboard = Dashboard(folder)
    dashboard.start()
    tables = load_orders([COMMUNITY_ORDERS])
    with RealJudge(dashboard.engine, SystemClock(), folder, orders=tables).sitting() as judge:
        found = Hub(dashboard, judge)
        yield found
        found.staff.close()
    dashboard.close()


@pytest.fixture
def phone(chromium: Browser, hub: Hub) -> Iterator[Page]:
    yield from on_the_phone(chromium, hub)


def on_the_phone(browser: Browser, hub: Hub, **more: Any) -> Iterator[Page]:
    """The app on a crew's phone, its work loaded; a script's mistake fails."""
    context = browser.new_context(
        base_url=hub.url, viewport=PHONE, locale="zh-CN", has_touch=True, **more
    )
    page = context.new_page()
    mistakes: list[str] = []
    page.on("pageerror", lambda error: mistakes.append(str(error)))
    page.on("console", lambda line: mistakes.append(line.text) if "Policy" in line.text else None)
    log_in(page)
    yield page
    context.close()
    assert mistakes == []


def log_in(page: Page) -> None:
    page.goto("/login?next=/crew")
    page.locator("#name").fill("crew")
    page.locator("#password").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    expect(page.locator("#feed")).to_have_attribute("data-state", "live")


def picture(page: Page, name: str) -> None:
    """Keep what is seen, where somebody wants to look at it."""
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/{name}.png")


def kept_by_worker(page: Page) -> None:
    """The worker has the app and looks after this page."""
    page.evaluate("navigator.serviceWorker.ready.then(() => 0)")
    page.reload()
    assert page.evaluate("navigator.serviceWorker.controller !== null")


def menu(page: Page, view: str) -> None:
    page.locator(f"#menu a[data-view='{view}']").click()


def type_code(page: Page, code: str) -> None:
    page.locator("#scan-text").fill(code)
    page.locator("#scan-form button").click()
    expect(page.locator("#scan")).to_be_hidden()


def photo(folder: Path) -> Path:
    file = folder / "cellar.jpg"
    Image.effect_noise((2400, 1800), 40).convert("RGB").save(file)
    return file


def test_what_is_done_in_a_cellar_is_sent_later_in_order_and_once(
    phone: Page, hub: Hub, tmp_path: Path
) -> None:
    hub.judge.say("d-1", battery=3.0)
    card = phone.locator("li.work", has_text="电量低")
    expect(card).to_be_visible()  # by the live feed
    order = str(card.get_attribute("data-order"))
    other = hub.report("b-0", "button-dead")
    expect(phone.locator(f"#accept-{other}")).to_be_visible()
    kept_by_worker(phone)

    work_in_the_cellar(phone, order, other, photo(tmp_path))
    acts = phone.locator("li[data-act]")
    assert hub.log(order) == ["raised"]

    assert hub.staff.post(f"/api/v1/orders/{other}/accept").is_success  # somebody was quicker
    sent = lose_first_answer(phone, f"**/api/v1/orders/{order}/accept")
    phone.context.set_offline(False)
    expect(acts).to_have_count(1, timeout=30_000)
    expect(acts).to_contain_text("staff 已先接警")
    picture(phone, "cellar-refused")
    acts.get_by_role("button", name="搁置").click()
    expect(acts).to_have_count(0)
    assert len(sent) == 2  # asked twice under one id, done once
    assert sent[0]["id"] == sent[1]["id"]
    assert hub.log(order) == ["raised", "answer", "arrive", "done"]
    log = hub.get(f"/orders/{order}")["log"]
    done = log[-1]["body"]
    parts = [{"name": "小十字螺丝刀", "count": 1}, {"name": "CR2450", "count": 2}]
    assert (done["parts"], log[-1]["text"], log[2]["body"]["scanned"]) == (parts, "换了电池", "d-1")
    size = hub.staff.get(f"/api/v1/photos/{done['photos'][0]}").content
    with Image.open(BytesIO(size)) as shown:
        assert max(shown.size) == 1_600

    hub.judge.say("d-1", battery=96.0)
    menu(phone, "")
    expect(phone.locator(f"[data-closed='{order}']")).to_contain_text("设备已证明：电量 96 %")
    picture(phone, "cellar-proved")


def work_in_the_cellar(phone: Page, order: str, other: str, photo: Path) -> None:
    """Without a network: two orders accepted, one of them worked on to its end."""
    phone.context.set_offline(True)
    expect(phone.locator("#offline")).to_contain_text("无网络")
    phone.locator(f"#accept-{order}").click()
    phone.locator(f"#accept-{other}").click()
    phone.locator("#tab-mine").click()
    phone.locator(f"#order-{order}").click()
    phone.locator("#do-on_site").click()
    type_code(phone, "d1")
    expect(phone.get_by_role("heading", name="做了什么")).to_be_visible()
    phone.locator("#photo").set_input_files(photo)
    phone.get_by_role("button", name="+ 小十字螺丝刀").click()
    phone.locator("#part").fill("CR2450 × 2")  # not added by its button: it was used all the same
    phone.locator("#remark").fill("换了电池")
    expect(phone.locator(".thumb")).to_be_visible()
    phone.reload()  # without a network: the worker has the page, the phone has what was written
    expect(phone.locator("#remark")).to_have_value("换了电池")
    expect(phone.locator(".thumb")).to_be_visible()
    picture(phone, "cellar-form")
    phone.locator("#do-done").click()
    expect(phone.locator("#order-state")).to_have_text("已完工")
    phone.reload()
    expect(phone.locator("#order-state")).to_have_text("已完工")
    menu(phone, "waiting")
    acts = phone.locator("li[data-act]")
    expect(acts).to_have_count(4)
    kinds = acts.evaluate_all("all => all.map((one) => one.dataset.act)")
    assert kinds == ["accept", "accept", "on_site", "done"]
    picture(phone, "cellar-waiting")


def lose_first_answer(page: Page, path: str) -> list[dict[str, Any]]:
    """The hub takes the first request, and its answer gets lost; what was sent, each time."""
    sent: list[dict[str, Any]] = []

    def handle(route: Route) -> None:
        sent.append(dict(route.request.post_data_json or {}))
        if len(sent) == 1:
            assert route.fetch().ok
            route.abort()
        else:
            route.continue_()

    page.context.route(path, handle)
    return sent


def video_of(code: str, file: Path) -> Path:
    """A camera's picture of a label: a QR code on grey, as Chromium takes it for a camera."""
    drawn = BytesIO()
    segno.make_qr(code).save(drawn, kind="png", scale=8, border=4)
    view = Image.new("L", (640, 480), 150)
    with Image.open(drawn) as label:
        view.paste(label.convert("L").rotate(7, expand=True, fillcolor=150), (180, 90))
    frame = view.tobytes() + bytes([128]) * (640 * 480 // 2)
    file.write_bytes(b"YUV4MPEG2 W640 H480 F10:1 Ip A1:1 C420jpeg\n" + b"FRAME\n" + frame)
    return file


def test_the_camera_reads_the_label_and_the_device_is_seen_to_report_again(
    chromium: Browser, hub: Hub, tmp_path: Path
) -> None:
    given = hub.staff.post("/api/v1/labels/codes", json={"devices": ["c-1"]}).json()["codes"]
    order = hub.report("c-1", "counts-wrong")
    video = video_of(f"https://hub.example/d/{given['c-1']}", tmp_path / "label.y4m")
    camera = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    browser = chromium.browser_type.launch(
        executable_path=program("chromium"),
        args=[*ARGUMENTS, *camera, f"--use-file-for-fake-video-capture={video}"],
    )
    for page in on_the_phone(browser, hub, permissions=["camera"]):
        page.locator("#tab-free").click()
        page.locator(f"#order-{order}").click()
        page.locator("#do-accept").click()
        expect(page.locator("#order-state")).to_have_text("已接单")
        page.locator("#do-on_site").click()
        expect(page.locator("#order-state")).to_have_text("已到场")
        expect(page.locator("#do-done")).to_be_visible()
        expect(page.locator("#count-waiting")).to_be_hidden()  # the hub knows that he is there
        hub.judge.say("c-1", uses=121)
        expect(page.locator("#heard")).to_contain_text("设备已恢复上报：使用次数 121")
        picture(page, "heard-again")
        assert hub.get(f"/orders/{order}")["log"][-1]["body"]["scanned"] == "c-1"
    browser.close()


def test_a_round_is_walked_offline_and_neither_a_lost_log_in_nor_a_new_version_loses_it(
    phone: Page, hub: Hub
) -> None:
    hub.report("b-1", "button-dead")
    kept_by_worker(phone)
    phone.goto("/crew/round")
    phone.get_by_role("button", name="第一网格").click()
    phone.get_by_role("button", name="全部", exact=True).click()
    phone.locator("#begin-round").click()
    stops = phone.locator("li[data-stop]")
    expect(stops.first).to_be_visible()
    count = stops.count()
    picture(phone, "round")
    phone.context.set_offline(True)
    phone.locator("#tick-1").click()
    expect(phone.locator("#round-count")).to_have_text(f"1 / {count}")
    assert hub.get("/rounds")["rounds"][0]["stops"][0]["ticked_ms"] is None
    phone.request.delete("/api/v1/session")  # meanwhile the log-in runs out
    hub.dashboard.stop()
    hub.dashboard.start(HUB_CREW_ACTS_MAX="199")  # and another build of the app is served
    phone.context.set_offline(False)
    expect(phone.locator("#logged-out")).to_be_visible()
    phone.evaluate("navigator.serviceWorker.getRegistration().then((one) => one.update())")
    phone.locator("#take-version").click()
    expect(phone.locator("main[data-acts-max='199']")).to_be_visible()
    expect(phone.locator("#count-waiting")).to_have_text("1")
    log_in(phone)
    expect(phone.locator("#count-waiting")).to_be_hidden()
    stop = hub.get("/rounds")["rounds"][0]["stops"][0]
    assert (stop["ticked_by"], stop["ticked_ms"] is None) == ("crew", False)

    phone.locator(".menu summary").click()
    phone.locator("#log-out").click()
    expect(phone.locator("#login")).to_be_visible()
    assert phone.evaluate(KEPT) == [0, False]  # nothing of the work stays behind


KEPT = """async () => {
  const { openStore } = await import("/static/js/crew/store.js");
  const store = await openStore();
  return [(await store.acts()).length, (await store.kept("work")) !== undefined];
}"""
VIEWS = ("/crew#/", "/crew#/route", "/crew/round", "/crew#/waiting", "/labels?grid=grid-1")


def test_every_view_fits_any_phone_in_both_languages(phone: Page, hub: Hub) -> None:
    order = hub.report("b-2", "button-dead")
    phone.locator("#tab-all").click()
    expect(phone.locator(f"#order-{order}")).to_be_visible()
    queued = ["b", "a2", None, 2_000, 60_000, "done", "again", "refused"]
    assert phone.evaluate(QUEUE) == queued
    axe = Path(__file__).with_name("vendor") / "axe.min.js"
    for language, word in (("zh", "工单"), ("en", "Work orders")):
        phone.goto("/crew")
        if language == "en":
            phone.locator(".menu summary").click()
            phone.locator("#language").click()
        expect(phone.locator("h1")).to_have_text(word)
        for view in (*VIEWS, f"/crew#/order/{order}"):
            if view.startswith("/labels"):
                phone.goto(f"/language/{language}")
            phone.goto(view)
            phone.reload()
            expect(phone.locator("main h1").first).to_be_visible()
            for width, height in ((320, 640), (844, 390), (390, 844)):
                phone.set_viewport_size({"width": width, "height": height})
                assert phone.evaluate("document.documentElement.scrollWidth") <= width, view
            if view.startswith("/crew"):
                assert phone.evaluate(SMALL) == [], view
            if axe.exists():
                phone.evaluate(axe.read_text(encoding="utf-8"))
                assert phone.evaluate(AXE) == [], view
            picture(phone, f"{language}-{VIEWS.index(view) if view in VIEWS else 'order'}")


# What is tapped and is smaller than a gloved finger: 48 CSS pixels high.
SMALL = """() => [...document.querySelectorAll("main button, main a, main summary, #menu > *")]
  .filter((one) => one.offsetParent && one.getBoundingClientRect().height < 48)
  .map((one) => one.outerHTML.slice(0, 90))"""
AXE = """() => axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]})
  .then((found) => found.violations.map((one) => `${one.id} ${one.nodes[0].html}`))"""
# The queue's own logic, as pure functions.
QUEUE = """async () => {
  const q = await import("/static/js/crew/queue.js");
  const act = (n, id, group, more) => ({n, id, group, owner: "x/x", state: "waiting", next_ms: 0,
    tries: 0, photos: [], sent: {}, ...more});
  const acts = [act(1, "a1", "order:A", {next_ms: 500}), act(2, "a2", "order:A"),
    act(3, "b", "order:B")];
  const first = q.nextOf(acts, "x/x", 100);
  const no = q.verdictOf(409, {detail: "no"});
  const refused = q.after(acts[0], no, {nowMs: 1, longestMs: 9, chance: 0});
  const then = q.nextOf([refused, acts[1]], "x/x", 100);
  const never = q.nextOf(acts, "another/x", 100);
  const waits = [q.waitMs(0, 60000, 1), q.waitMs(30, 60000, 1)];
  return [first.id, then.id, never, ...waits, q.verdictOf(201, {}).kind,
    q.verdictOf(503, {}).kind, q.verdictOf(507, {code: "no_room", detail: "full"}).kind];
}"""


def test_labels_lie_on_paper_as_the_sheet_wants_them(phone: Page, hub: Hub) -> None:
    long = "许昌市许继社区第一网格3号楼东侧二单元十二层一千二百零四室入户门厅左侧墙面" * 2
    with for_writing(hub.dashboard.engine).begin() as connection:
        rows = [
            {"id": f"x-{n:02}", "family": "door", "driver": "native", "address": f"native:x-{n:02}"}
            | {"name_zh": long, "name_en": "Door " * 30, "added_ms": 0, "place": "b9/u1"}
            for n in range(30)
        ]
        connection.execute(devices.insert(), rows)
        place = {"path": "b9/u1", "kind": "entrance", "name_zh": long, "name_en": "Place " * 30}
        connection.execute(places.insert().values(place))
    phone.set_viewport_size({"width": 1280, "height": 900})
    staff = {cookie.name: cookie.value for cookie in hub.staff.cookies.jar}
    phone.context.add_cookies(
        [{"name": "hub_session", "value": str(staff["hub_session"]), "url": hub.url}]
    )
    phone.goto("/labels?building=b9&skip=5")
    expect(phone.get_by_text("30 台设备没有编号")).to_be_visible()
    phone.locator("#give-codes").click()
    labels = phone.locator(".sticker[data-link]")
    expect(labels).to_have_count(30)
    expect(phone.locator(".sheet")).to_have_count(2)
    expect(phone.locator(".sheet").first.locator(".sticker")).to_have_count(24)
    expect(phone.locator(".sticker.used")).to_have_count(5)
    phone.emulate_media(media="print")
    over = labels.evaluate_all(
        """all => all.filter((one) => {
          const words = one.querySelector(".words").getBoundingClientRect();
          const whole = one.getBoundingClientRect();
          const down = words.bottom > whole.bottom + 1 || words.top < whole.top - 1;
          return down || words.right > whole.right + 1;
        }).length"""
    )
    assert over == 0
    paper = phone.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) == 2
    if PICTURES:
        Path(PICTURES, "labels.pdf").write_bytes(paper)
    link = labels.first.get_attribute("data-link")
    code = labels.first.locator(".code").text_content()
    assert link == f"{hub.url}/d/{code}"
    assert phone.evaluate(DECODE) == link  # drawn so that our own decoder reads it


DECODE = """async () => {
  await import("/static/vendor/jsqr/jsQR.js");
  const svg = document.querySelector(".sticker svg").cloneNode(true);
  svg.setAttribute("width", "370"); svg.setAttribute("height", "370");
  const image = new Image();
  const drawn = new XMLSerializer().serializeToString(svg);
  image.src = "data:image/svg+xml," + encodeURIComponent(drawn);
  await image.decode();
  const canvas = Object.assign(document.createElement("canvas"), {width: 370, height: 370});
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, 370, 370);
  context.drawImage(image, 0, 0, 370, 370);
  const found = jsQR(context.getImageData(0, 0, 370, 370).data, 370, 370);
  return found && found.data;
}"""
