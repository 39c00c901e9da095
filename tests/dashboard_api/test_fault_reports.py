"""A trouble is reported at the device without a log-in: three taps, no names, bounded floods."""

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import httpx
import pytest
from PIL import Image
from sqlalchemy.engine import Engine

from hub.database import devices, for_writing
from hub.settings import Settings
from rules.order_reader import COMMUNITY_ORDERS, load_orders
from tests.dashboard_api.community import NAMES
from tests.dashboard_api.conftest import HandClock
from tests.dashboard_api.real_judge import RealJudge
from tests.dashboard_api.test_orders_api import picture

API = "/api/v1"
TABLES = load_orders([COMMUNITY_ORDERS])
PAGE = "/d/K7/report"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return Settings(
        data_dir=settings.data_dir,
        reports_device_per_h_max=4,
        reports_address_per_h_max=6,
        reports_per_h_max=50,
        command_wait_s=5.0,
    )


@pytest.fixture
def codes(engine: Engine) -> None:
    """The button of the first resident has a sticker too."""
    with for_writing(engine).begin() as connection:
        for device, code in (("b-0", "K7"), ("c-1", "C1")):
            found = devices.update().where(devices.c.id == device)
            connection.execute(found.values(code=code))


@pytest.fixture
def court(engine: Engine, clock: HandClock, settings: Settings, codes: None) -> Iterator[RealJudge]:
    with RealJudge(engine, clock, settings.data_dir, orders=TABLES).sitting() as sitting:
        yield sitting


async def form_of(client: httpx.AsyncClient, clock: HandClock, path: str = PAGE) -> dict[str, str]:
    """The hidden fields of the page, a few seconds later."""
    page = await client.get(path)
    assert page.status_code == 200, page.text
    token = re.search(r'name="token" value="([^"]+)"', page.text)
    assert token is not None
    clock.at_ms += 5_000
    return {"token": token[1], "website": ""}


async def send(
    client: httpx.AsyncClient, fields: dict[str, str], path: str = PAGE, **more: Any
) -> httpx.Response:
    return await client.post(path, data=fields, **more)


async def test_somebody_reports_with_a_photo_and_the_next_one_joins(
    anybody: httpx.AsyncClient, staff: httpx.AsyncClient, court: RealJudge, clock: HandClock
) -> None:
    there = await anybody.get("/d/K7")
    assert there.headers["location"] == PAGE  # whoever scans the sticker need not log in
    page = (await anybody.get(PAGE)).text
    assert "按了没反应" in page
    assert "3号楼1单元" in page
    assert not any(name in page for name in NAMES)
    assert "1204" not in page

    fields = await form_of(anybody, clock)
    first = await send(
        anybody,
        {**fields, "trouble": "button-dead", "text": "<b>没声音</b>"},
        files=[("photos", ("a.jpg", picture(), "image/jpeg"))],
    )
    assert first.headers["location"] == f"{PAGE}?sent=taken"
    assert "已生成工单" in (await anybody.get(f"{PAGE}?sent=taken")).text
    again = await send(
        anybody,
        {**(await form_of(anybody, clock)), "trouble": "fell-off"},
        files=[("photos", ("b.jpg", picture("blue"), "image/jpeg"))],
    )
    assert again.headers["location"] == f"{PAGE}?sent=joined"
    assert "已经有人在处理" in (await anybody.get(PAGE)).text

    [order] = (await staff.get(f"{API}/orders")).json()["orders"]
    assert (order["trouble"], order["times"], order["priority"]) == ("button-dead", 2, 2)
    assert order["proof"]["by"] == "device"
    log = (await staff.get(f"{API}/orders/{order['id']}")).json()["log"]
    assert [line["what"] for line in log] == ["raised", "again"]
    assert [line["by"] for line in log] == [None, None]
    names = [line["body"]["photos"][0] for line in log]
    assert len(set(names)) == 2
    kept = await staff.get(f"{API}/photos/{names[0]}")
    assert not dict(Image.open(BytesIO(kept.content)).getexif())
    assert (await anybody.get(f"{API}/photos/{names[0]}")).status_code == 401
    shown = (await staff.get(f"/orders/{order['id']}")).text
    assert "&lt;b&gt;没声音" in shown
    assert names[1] in shown
    court.say("b-0", press="test")  # proves nothing: nobody has said that it is mended
    path = f"{API}/orders/{order['id']}"
    assert (await staff.post(f"{path}/done")).status_code == 200


async def test_a_report_that_nobody_read_the_page_for_is_refused(
    anybody: httpx.AsyncClient, court: RealJudge, clock: HandClock
) -> None:
    fields = {**(await form_of(anybody, clock)), "trouble": "button-dead"}
    wrong = (
        {**fields, "token": "1-x"},
        {**fields, "website": "http://buy.example"},
    )
    for one in wrong:
        assert (await send(anybody, one)).status_code == 400
    other = await form_of(anybody, clock, "/d/C1/report")
    assert (await send(anybody, {**other, "trouble": "button-dead"})).status_code == 400
    clock.at_ms += 2 * 86_400_000
    assert (await send(anybody, fields)).status_code == 400
    other = await form_of(anybody, clock, "/d/C1/report")
    wrong_kind = await send(anybody, {**other, "trouble": "button-dead"}, "/d/C1/report")
    assert wrong_kind.status_code == 422
    forged = await anybody.post(PAGE, data=fields, headers={"sec-fetch-site": "cross-site"})
    assert forged.status_code == 403
    assert (await anybody.get("/d/nothing/report")).status_code == 404
    assert (await anybody.get("/d/b-0/report")).status_code == 404  # an id is no code


async def test_floods_are_bounded_by_device_and_by_address(
    anybody: httpx.AsyncClient, staff: httpx.AsyncClient, court: RealJudge, clock: HandClock
) -> None:
    wish = {"trouble": "fell-off"}
    sent = [await anybody.post(f"{API}/devices/K7/report", json=wish) for _ in range(5)]
    assert [one.status_code for one in sent] == [200] * 4 + [429]
    assert (sent[0].json()["joined"], sent[1].json()["joined"]) == (False, True)
    assert sent[0].json()["order"] is None
    assert sent[-1].json()["code"] == "too_many_reports"
    assert int(sent[-1].headers["retry-after"]) > 1_800
    html = {"accept": "text/html"}
    page = await anybody.post(PAGE, data={}, headers=html)
    assert (page.status_code, "收到的报修太多" in page.text) == (429, True)
    for status in (429, 429):  # the address has sent six by now
        other = await anybody.post(f"{API}/devices/C1/report", json=wish)
        assert other.status_code == status
    [order] = (await staff.get(f"{API}/orders")).json()["orders"]
    assert order["times"] == 4
    clock.at_s += 3_601
    assert (await anybody.post(f"{API}/devices/C1/report", json=wish)).status_code == 200


async def test_programs_and_crews_report_by_the_api(
    crew: httpx.AsyncClient, anybody: httpx.AsyncClient, court: RealJudge
) -> None:
    offered = (await anybody.get(f"{API}/devices/C1/report")).json()
    assert (offered["family"], offered["place_name"]["zh"]) == ("counter", "健身广场")
    assert "machine-broken" in {one["trouble"] for one in offered["troubles"]}
    photo = (await crew.post(f"{API}/photos", content=picture())).json()["id"]
    wish = {"trouble": "machine-broken", "photos": [photo], "id": "report-0001"}
    first = (await crew.post(f"{API}/devices/C1/report", json=wish)).json()
    again = (await crew.post(f"{API}/devices/C1/report", json=wish)).json()
    assert (first["repeated"], again["repeated"], first["order"]) == (False, True, again["order"])
    refused = await anybody.post(f"{API}/devices/C1/report", json=wish)
    assert refused.status_code == 403
    wrong = await crew.post(f"{API}/devices/C1/report", json={"trouble": "button-dead"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "no_trouble")
    long = {"trouble": "other", "text": "x" * 300}
    assert (await crew.post(f"{API}/devices/C1/report", json=long)).status_code == 422


async def test_what_is_too_large_is_refused_before_it_is_read(
    anybody: httpx.AsyncClient, crew: httpx.AsyncClient, settings: Settings
) -> None:
    large = b"x" * (settings.photo_bytes_max + 1)
    assert (await crew.post(f"{API}/photos", content=large)).status_code == 413
    middling = b"x" * (settings.body_bytes_max + 1)
    assert (await crew.post(f"{API}/photos", content=middling)).status_code == 415
    other = await crew.post(f"{API}/inspections", content=middling)
    assert other.status_code == 413
