"""What is gone, on the pages: whom to call meanwhile, and gateways by their numbers."""

import httpx
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from hub.database import case_log, for_writing, gateways
from tests.dashboard_api.community import NAMES, StandInJudge, encode


async def test_the_case_of_a_gateway_names_who_is_without_cover_and_their_phones(
    staff: httpx.AsyncClient, crew: httpx.AsyncClient, engine: Engine, judge: StandInJudge
) -> None:
    nobodys = {"place": None, "resident_id": None}
    gone = {"device": "gw-1", "key": "gw-1", "family": "gateway", "category": "fault"}
    case_id = judge.raise_case(**gone, **nobodys)
    said = encode({"explained": 3, "without_cover": ["r-1"]})
    with for_writing(engine).begin() as connection:
        connection.execute(sa.update(case_log).values(body_json=said))

    for_staff = (await staff.get(f"/cases/{case_id}")).text
    for_crew = (await crew.get(f"/cases/{case_id}")).text

    assert NAMES[1] in for_staff
    assert 'href="tel:0374-5550101"' in for_staff
    assert "无法呼救的住户" in for_crew
    assert NAMES[1] not in for_crew
    assert "0374-5550101" not in for_crew


async def test_gateway_2_stands_before_gateway_10(staff: httpx.AsyncClient, engine: Engine) -> None:
    row = {"ecosystem": "native", "first_ms": 1, "heard_ms": 1, "messages": 1}
    with for_writing(engine).begin() as connection:
        for name in ("gw-10", "gw-2"):
            connection.execute(gateways.insert().values(row | {"id": name}))

    tree = (await staff.get("/api/v1/topology")).json()

    assert [one["id"] for one in tree["gateways"]] == ["gw-1", "gw-2", "gw-10"]


async def test_the_page_of_a_case_says_that_it_is_over_before_somebody_closes_it(
    staff: httpx.AsyncClient, judge: StandInJudge
) -> None:
    running, over = judge.raise_case(), judge.raise_case(active=False)

    assert "待接警 · 已恢复" in (await staff.get(f"/cases/{over}")).text
    assert "待接警 · 已恢复" not in (await staff.get(f"/cases/{running}")).text
