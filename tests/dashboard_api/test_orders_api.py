"""Work orders over HTTP, before the real judge: acts once, photos, rounds, inspections."""

import csv
from collections.abc import Iterator
from io import BytesIO, StringIO
from typing import Any

import httpx
import pytest
from PIL import Image
from sqlalchemy.engine import Engine

from hub.database import for_writing, photos
from hub.due import know
from hub.settings import Settings
from hub.site import Site
from rules.order_reader import COMMUNITY_ORDERS, load_orders
from tests.dashboard_api.conftest import NOW_MS, HandClock
from tests.dashboard_api.real_judge import RealJudge, until_found

API = "/api/v1"
ORDERS = f"{API}/orders"
TABLES = load_orders([COMMUNITY_ORDERS])
DAY_MS = 86_400_000


@pytest.fixture
def court(engine: Engine, clock: HandClock, settings: Settings) -> Iterator[RealJudge]:
    with RealJudge(engine, clock, settings.data_dir, orders=TABLES).sitting() as sitting:
        yield sitting


async def ordered(client: httpx.AsyncClient) -> Any:
    """The one open order, once there is one."""

    async def look() -> Any:
        return (await client.get(ORDERS)).json()["orders"]

    [order] = await until_found(look)
    return order


async def post(client: httpx.AsyncClient, path: str, status: int = 200, **body: Any) -> Any:
    answer = await client.post(f"{API}{path}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def picture(color: str = "red", **exif: Any) -> bytes:
    """A small photo as a phone makes it, place and all."""
    image, file = Image.new("RGB", (400, 300), color), BytesIO()
    tags = Image.Exif()
    tags[0x010F] = "Phone"
    tags.get_ifd(0x8825)[2] = (34.0, 1.0, 2.0)
    image.save(file, "JPEG", exif=tags, **exif)
    return file.getvalue()


async def test_an_order_from_its_battery_to_its_proof(
    staff: httpx.AsyncClient, crew: httpx.AsyncClient, court: RealJudge
) -> None:
    court.say("d-1", battery=3.0)
    order = await ordered(crew)
    assert (order["state"], order["trouble"], order["priority"]) == ("open", "battery-low", 4)
    assert order["bring"][0]["zh"] == "与设备匹配的新电池（型号见外壳或设备页）"
    assert [step["zh"] for step in order["place"]["way"]] == ["3号楼", "3号楼1单元"]
    assert order["proof"]["words"]["en"] == "the device says battery > 20 %"
    path = f"/orders/{order['id']}"
    assert (await post(crew, f"{path}/accept"))["order"]["accepted_by"] == "van"
    taken = await post(staff, f"{path}/accept", 409)
    assert (taken["code"], taken["reason_zh"]) == ("already_answered", "van 已先接警")

    wrong = await post(crew, f"{path}/on_site", 422)
    assert wrong["code"] == "code_or_reason"
    assert (await post(crew, f"{path}/on_site", 404, code="XX"))["code"] == "no_such_code"
    wrong = await post(crew, f"{path}/on_site", 409, code="b-0")
    assert (wrong["code"], "b3/u1/1204" in wrong["detail"]) == ("wrong_code", True)
    there = await post(crew, f"{path}/on_site", code="https://hub.example/d/D1")
    assert there["order"]["state"] == "on_site"

    photo = (await crew.post(f"{API}/photos", content=picture())).json()["id"]
    await post(crew, f"{path}/note", photos=[photo])  # without a word
    parts = [{"name": "CR2450", "count": 2}]
    made = {"made_at_ms": NOW_MS - 60_000}
    done = await post(crew, f"{path}/done", text="换好", parts=parts, photos=[photo], **made)
    assert (done["order"]["state"], done["order"]["done_by"]) == ("done", "van")
    court.say("d-1", battery=97.0)

    async def closed() -> Any:
        found = (await crew.get(f"{API}{path}")).json()
        return found if found["order"]["state"] == "closed" else None

    whole = await until_found(closed)
    assert whole["order"]["closed_by"] is None
    assert whole["order"]["proof"]["shown"] == "battery 97"
    assert whole["order"]["proof"]["shown_words"]["zh"] == "电量 97 %"
    [line] = [one for one in whole["log"] if one["what"] == "done"]
    assert line["body"]["parts"] == parts
    assert (line["body"]["photos"], line["body"]["made_at_ms"]) == ([photo], NOW_MS - 60_000)

    table = (await staff.get("/orders.csv?state=all", headers={"accept-language": "en"})).text
    head, row = list(csv.reader(StringIO(table.removeprefix("\ufeff"))))
    told = dict(zip(head, row, strict=True))
    assert (told["Order"], told["State"], told["Done by"]) == (order["id"], "Closed", "van")


async def test_the_same_act_sent_twice_is_done_once_and_a_second_person_signs(
    staff: httpx.AsyncClient, crew: httpx.AsyncClient, court: RealJudge
) -> None:
    court.say("d-1", battery=3.0)
    order = await ordered(crew)
    path = f"/orders/{order['id']}"
    one: dict[str, Any] = {"id": "cellar-0001", "made_at_ms": 5, "text": "在地下室"}
    first = await post(crew, f"{path}/done", **one)
    again = await post(crew, f"{path}/done", **one)
    assert (first["repeated"], again["repeated"]) == (False, True)
    assert first["seq"] == again["seq"]
    log = (await crew.get(f"{API}{path}")).json()["log"]
    assert [line["what"] for line in log] == ["raised", "done"]
    assert "made_at_ms" not in log[1]["body"]  # of 1970: no phone's clock is so right
    used = await post(crew, f"{path}/note", 409, id="cellar-0001", text="x")
    assert used["code"] == "id_used"
    assert (await post(staff, f"{path}/done", 409, **one))["code"] == "id_used"

    refused = await post(crew, f"{path}/sign", 409)
    assert (refused["code"], "van" in refused["reason_zh"]) == ("second_person_needed", True)
    signed = await post(staff, f"{path}/sign", text="看过")
    assert (signed["order"]["state"], signed["order"]["closed_by"]) == ("closed", "staff")


async def test_what_is_asked_for_wrongly_is_said(
    crew: httpx.AsyncClient, wall: httpx.AsyncClient, staff: httpx.AsyncClient, court: RealJudge
) -> None:
    court.say("d-1", battery=3.0)
    path = f"/orders/{(await ordered(crew))['id']}"
    assert (await post(crew, "/orders/C-9/accept", 404))["code"] == "no_such_order"
    assert (await wall.get(ORDERS)).status_code == 403
    await post(crew, f"{path}/note", 422)
    await post(crew, f"{path}/accept", 422, parts=[{"name": "x"}])
    await post(crew, f"{path}/dance", 422)
    lost = await post(crew, f"{path}/done", 422, photos=["0" * 32])
    assert lost["code"] == "no_such_photo"
    old = await post(crew, f"{path}/accept", 409, expected_version=7)
    assert "不是第 7 版" in old["reason_zh"]
    assert (old["code"], old["version"]) == ("changed_since", 1)
    early = await post(staff, f"/cases{path.removeprefix('/orders')}/close", 409, outcome="mended")
    assert early["code"] == "proof_needed"
    for query in ("?grid=grid-2", "?state=closed", "?trouble=silent", "?priority=1", "?by=van"):
        assert (await crew.get(ORDERS + query)).json()["orders"] == []
    for query in ("?grid=grid-1", "?state=open", "?place=b3", "?device=d-1", "?priority=4"):
        assert len((await crew.get(ORDERS + query)).json()["orders"]) == 1
    assert (await crew.get(f"{ORDERS}?stat=open")).status_code == 422


async def test_photos_lose_everything_but_their_pixels(
    crew: httpx.AsyncClient, anybody: httpx.AsyncClient, wall: httpx.AsyncClient
) -> None:
    sent = picture()
    assert b"Phone" in sent
    one = await crew.post(f"{API}/photos", content=sent)
    assert one.status_code == 201
    again = (await crew.post(f"{API}/photos", content=sent)).json()
    assert again == one.json()
    path = f"{API}/photos/{again['id']}"
    kept = await crew.get(path)
    assert kept.headers["content-type"] == "image/jpeg"
    assert kept.headers["x-content-type-options"] == "nosniff"
    image = Image.open(BytesIO(kept.content))
    assert (image.size, dict(image.getexif()), b"Phone" in kept.content) == ((400, 300), {}, False)
    assert (await anybody.get(path)).status_code == 401
    assert (await wall.get(path)).status_code == 403
    for name in ("0" * 32, "../../hub.db", "x"):
        assert (await crew.get(f"{API}/photos/{name}")).status_code == 404


def bomb() -> bytes:
    """A PNG that says it has a hundred million pixels."""
    file = BytesIO()
    Image.new("1", (10_000, 10_000)).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (bomb(), 413, "photo_too_large"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "photo_type"),
        (b"GIF89a" + bytes(100), 415, "photo_type"),
        (picture()[:2_000], 422, "photo_damaged"),
        (b"", 415, "photo_type"),
        (b"%PDF-1.7", 415, "photo_type"),
    ],
)
async def test_what_is_no_photo_of_ours_is_refused(
    crew: httpx.AsyncClient, sent: bytes, status: int, code: str
) -> None:
    answer = await crew.post(f"{API}/photos", content=sent)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["reason_zh"]


async def test_a_large_photo_is_kept_small_and_a_sideways_one_upright(
    crew: httpx.AsyncClient,
) -> None:
    image, file = Image.new("RGB", (4_000, 3_000), "green"), BytesIO()
    tags = Image.Exif()
    tags[0x0112] = 6  # lies on its side
    image.save(file, "JPEG", exif=tags)
    one = (await crew.post(f"{API}/photos", content=file.getvalue())).json()
    assert (one["width"], one["height"]) == (1_200, 1_600)


async def test_a_full_disk_refuses_photos_in_words(crew: httpx.AsyncClient, engine: Engine) -> None:
    row = {"id": "1" * 32, "at_ms": 0, "size": 6_000_000_000, "width": 1, "height": 1}
    with for_writing(engine).begin() as connection:
        connection.execute(photos.insert().values(row))
    answer = await crew.post(f"{API}/photos", content=picture())
    assert (answer.status_code, answer.json()["code"]) == (507, "no_room")


async def test_a_round_is_one_walk_by_place_ticked_by_scanning(
    crew: httpx.AsyncClient, court: RealJudge
) -> None:
    court.say("d-1", battery=3.0)
    order = await ordered(crew)
    proposal = (await crew.get(f"{API}/rounds/proposal?grid=grid-1")).json()
    first = proposal["stops"][0]
    assert (first["kind"], first["key"], first["place"]) == ("order", order["id"], "b3/u1")
    begun = await post(crew, "/rounds", 201, grid="grid-1", id="round-0001")
    again = await post(crew, "/rounds", 201, grid="grid-1", id="round-0001")
    assert again["id"] == begun["id"]
    path = f"/rounds/{begun['id']}"
    assert (await post(crew, f"{path}/tick", 422))["code"] == "stop_or_code"
    wrong = await post(crew, f"{path}/tick", 409, stop=1, code="b-0")
    assert wrong["code"] == "wrong_code"
    ticked = await post(crew, f"{path}/tick", code="D1", text="门口")
    stop = ticked["stops"][0]
    assert (stop["ticked_by"], stop["scanned"], stop["note"]) == ("van", True, "门口")
    assert (await post(crew, f"{path}/tick", 409, stop=999))["code"] == "no_such_stop"
    ended = await post(crew, f"{path}/end")
    assert (ended["ended_by"], ended["ended_ms"]) == ("van", NOW_MS)
    assert (await post(crew, f"{path}/tick", 409, stop=1))["code"] == "no_such_round"
    assert (await ordered(crew))["state"] == "open"  # to be there is not to mend
    assert (await crew.get(f"{API}/rounds")).json()["rounds"] == []
    assert len((await crew.get(f"{API}/rounds?state=all")).json()["rounds"]) == 1
    nothing = await post(crew, "/rounds", 409, grid="grid-9")
    assert nothing["code"] == "nothing_to_do"


async def test_a_failed_item_of_an_inspection_is_an_order_of_its_own(
    crew: httpx.AsyncClient, court: RealJudge, engine: Engine
) -> None:
    with for_writing(engine).begin() as connection:
        know(connection, TABLES, Site().zone, NOW_MS - 40 * DAY_MS)
    path = f"{API}/inspections"
    found = (await crew.get(path)).json()
    [machine] = [one for one in found["inspections"] if one["inspection"] == "fitness-monthly"]
    assert (machine["subject"], machine["state"]) == ("device:c-1", "overdue")
    assert (machine["due"], machine["overdue_since"]) == ("2026-03-31", "2026-03-01")
    items = found["checklists"]["fitness-monthly"]["items"]
    answers: list[dict[str, Any]] = [{"item": one["item"], "answer": "ok"} for one in items]
    which: dict[str, Any] = {"inspection": "fitness-monthly", "subject": "device:c-1"}
    short = await post(crew, "/inspections", 422, **which, answers=answers[1:])
    assert short["missing"] == [items[0]["item"]]
    wrong = await post(crew, "/inspections", 409, **which, code="D1", answers=answers)
    assert wrong["code"] == "wrong_code"
    await post(crew, "/inspections", 404, inspection="x", subject="device:c-1", answers=answers)

    answers[1] |= {"answer": "failed", "note": "螺栓缺两颗"}
    answers[2] |= {"answer": "not_applicable"}
    done = await post(crew, "/inspections", **which, code="c-1", answers=answers, id="check-0001")
    again = await post(crew, "/inspections", **which, code="c-1", answers=answers, id="check-0001")
    assert (again["seq"], again["repeated"]) == (done["seq"], True)
    order = await ordered(crew)
    assert [order["id"]] == done["orders"]
    assert (order["trouble"], order["device"], order["proof"]["by"]) == (
        *("machine-loose", "c-1"),
        "signature",
    )
    assert "螺栓缺两颗" in order["why"]["zh"]
    chinese = {"accept-language": "zh"}
    for report in ("/reports/cases", "/reports/cases/rules.csv"):  # no rule raised it
        assert "巡检发现" in (await crew.get(report, headers=chinese)).text, report
    [kept] = (await crew.get(f"{path}/done")).json()
    assert (kept["failed"], kept["by"], kept["day"]) == (1, "van", "2026-03-02")
    left = (await crew.get(path)).json()["inspections"]
    assert "fitness-monthly" not in {one["inspection"] for one in left}


async def test_an_order_that_was_called_back_is_not_done(
    staff: httpx.AsyncClient, crew: httpx.AsyncClient, court: RealJudge
) -> None:
    court.say("d-1", battery=3.0)
    order = await ordered(crew)
    await post(staff, f"/cases/{order['id']}/confirm")
    for state, ids in (("accepted", [order["id"]]), ("on_site", []), ("done", [])):
        found = (await crew.get(f"{ORDERS}?state={state}")).json()["orders"]
        assert [one["id"] for one in found] == ids, state
    done = await post(crew, f"/orders/{order['id']}/done")
    assert done["order"]["state"] == "done"


async def test_pages_of_orders_are_for_those_who_work(
    staff: httpx.AsyncClient,
    crew: httpx.AsyncClient,
    wall: httpx.AsyncClient,
    anybody: httpx.AsyncClient,
    court: RealJudge,
) -> None:
    court.say("d-1", battery=3.0)
    order = await ordered(crew)
    english = {"accept-language": "en"}
    for path, word in (
        ("/orders", order["id"]),
        ("/orders?state=all&grid=grid-1", order["id"]),
        (f"/orders/{order['id']}", "the battery is empty"),
        ("/inspections", "Fitness machine, monthly"),
        ("/rounds", "Grid 1"),
        ("/rounds?grid=grid-1", order["id"]),
    ):
        for who in (staff, crew):
            page = await who.get(path, headers=english)
            assert page.status_code == 200, path
            assert word in page.text, path
        assert (await wall.get(path)).status_code == 303
        assert "/login" in (await anybody.get(path)).headers["location"]
