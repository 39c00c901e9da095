"""From a press to an answer by one tap: real broker, journal, judge, deliverer, channel, page.

Only the push service is a server of the test's own.
"""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa

from hub.database import notices
from tests.hub.http_service import Asked, answer, serving
from tests.hub.messages import write
from tests.programs import Mosquitto
from tests.stories.hub_in_hand import HubInHand, hub_in_hand, native, up

SITE_FILE = """\
id: demo
grids:
  - {id: grid-1, name: {zh: 第一网格, en: Grid 1}, phone: "0374-5550101"}
places:
  - {path: b1/u1/101, kind: home, name: {zh: 1号楼1单元101室, en: Flat 1-1-101}, grid: grid-1}
roles:
  - {role: duty-phone, grid: grid-1, ways: [{channel: push, to: phone-1}]}
  - {role: desk, ways: [{channel: push, to: desk}]}
"""


def pushed(_asked: Asked) -> bytes:
    return answer({"id": "1"})


def link_in(message: dict[str, Any]) -> str:
    return urlsplit(str(message["click"])).path


def sent(hub: HubInHand) -> list[str]:
    assert hub.house is not None
    query = sa.select(notices.c.state).where(notices.c.channel == "push")
    with hub.house.ground.engine.connect() as connection:
        return list(connection.execute(query).scalars())


async def test_a_press_is_answered_by_one_tap_on_the_duty_phone(
    tmp_path: Path, broker: Mosquitto
) -> None:
    site = tmp_path / "site.yaml"
    site.write_text(SITE_FILE, encoding="utf-8")
    register = [native("btn-1", "button", place="b1/u1/101", grid="grid-1")]
    async with serving(pushed) as service:
        channels = write(tmp_path, {"push": {"kind": "ntfy", "url": service.url}})
        settings: dict[str, Any] = {
            "site_file": str(site),
            "channels_file": channels,
            "public_url": "https://hub.example",
        }
        async with hub_in_hand(tmp_path, broker, register, **settings) as hub:
            await hub.said_twice([up("btn-1", "button", press="sos", id="1")])
            await hub.until(lambda: len(sent(hub)) >= 1 and set(sent(hub)) == {"sent"})
            messages = {asked.json["topic"]: asked.json for asked in service.asked}
            call = messages["phone-1"]
            assert "1号楼1单元101室" in call["title"]
            assert "联系：0374-5550101" in call["message"]
            before = len(service.asked)

            async with hub.api() as phone:
                del phone.headers["Authorization"]  # nobody is logged in on it
                for _ in range(2):
                    page = await phone.get(link_in(call))
                    assert 'data-state="asked"' in page.text
                assert hub.cases("emergency-press")[0].state == "raised"
                await phone.post(link_in(call))
                await hub.until(lambda: hub.cases("emergency-press")[0].state == "answered")
                page = await phone.get(link_in(call))

            assert 'data-state="yours"' in page.text
            [case] = hub.cases("emergency-press")
            assert case.answered_by == "duty-phone:grid-1"
            await hub.until(lambda: len(service.asked) > before)
            told = [asked.json for asked in service.asked[before:]]
            assert all("已接警" in one["title"] for one in told)
            assert all("click" not in one for one in told)
            assert not re.search("duty-phone", str([one["message"] for one in told]))
