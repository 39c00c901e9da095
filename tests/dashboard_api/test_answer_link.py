"""A link of a message: a GET only shows, the button answers once, and all else is said in words."""

import asyncio
import re
import stat
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from sqlalchemy.engine import Engine

from hub import answer_link, journal
from hub.answer_link import KEY_FILE, Asked, read_key, token_of
from hub.database import cases, for_writing, notices, shifts
from hub.settings import Settings, WrongSetting
from tests.dashboard_api.community import StandInJudge
from tests.dashboard_api.conftest import NOW_MS, HandClock

PHONE = "duty-phone:grid-1"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        data_dir=tmp_path,
        public_url="https://hub.example",
        answer_link_s=600,
        answer_link_tries_max=3,
        command_wait_s=2.0,
    )


def call(engine: Engine, settings: Settings, case_id: str, recipient: str = PHONE) -> str:
    """A call to a contact; the path of its link."""
    row: dict[str, object] = {"case_id": case_id, "channel": "wecom", "reason": "call"}
    row["recipient"] = recipient
    row |= {"body_json": "{}", "created_ms": NOW_MS, "due_ms": NOW_MS, "role": "duty-phone"}
    with for_writing(engine).begin() as connection:
        number = connection.execute(notices.insert().values(row).returning(notices.c.id)).scalar()
    assert number is not None
    asked = Asked(number, case_id, recipient, NOW_MS)
    return f"/a/{token_of(read_key(settings.data_dir), asked)}"


def commands(engine: Engine) -> list[dict[str, object]]:
    with engine.connect() as connection:
        entries = journal.read(connection, 0, 100, [journal.COMMAND])
    return [entry.body for entry in entries if entry.body is not None]


def state_of(page: httpx.Response) -> str:
    found = re.search(r'id="asked" data-state="(\w+)"', page.text)
    assert found is not None, page.text
    return found[1]


async def press(client: httpx.AsyncClient, link: str) -> httpx.Response:
    answer = await client.post(link)
    assert (answer.status_code, answer.headers["location"]) == (303, link)
    return await client.get(link)


async def test_a_get_shows_and_never_answers(
    anybody: httpx.AsyncClient, judge: StandInJudge, engine: Engine, settings: Settings
) -> None:
    link = call(engine, settings, judge.raise_case())
    for _ in range(3):  # chat programs fetch what they show
        page = await anybody.get(link)
        assert (page.status_code, state_of(page)) == (200, "asked")
    assert "3号楼1单元1204室" in page.text
    assert "我去处理" in page.text
    assert page.text.count("<button") == 1
    assert "王秀英" not in page.text
    assert page.headers["cache-control"] == "no-store"
    assert (await anybody.head(link)).status_code in (200, 405)
    assert commands(engine) == []


async def test_the_button_answers_as_that_contact(
    anybody: httpx.AsyncClient, judge: StandInJudge, engine: Engine, settings: Settings
) -> None:
    case_id = judge.raise_case()
    link = call(engine, settings, case_id)
    page = await press(anybody, link)

    assert state_of(page) == "yours"
    assert "已由您接警" in page.text
    [body] = commands(engine)
    assert (body["act"], body["case"], body["by"]) == ("answer", case_id, PHONE)


async def test_who_is_signed_on_to_the_phone_answers_by_name(
    anybody: httpx.AsyncClient, judge: StandInJudge, engine: Engine, settings: Settings
) -> None:
    shift = {"role": "duty-phone", "grid": "grid-1", "person": "wang", "by": "wang"}
    with for_writing(engine).begin() as connection:
        connection.execute(
            shifts.insert().values(**shift, since_ms=NOW_MS - 1, until_ms=NOW_MS + 1_000)
        )
    page = await press(anybody, call(engine, settings, judge.raise_case()))
    assert state_of(page) == "yours"
    assert commands(engine)[0]["by"] == "wang"


async def test_a_link_answers_once_however_often_it_is_pressed(
    anybody: httpx.AsyncClient, judge: StandInJudge, engine: Engine, settings: Settings
) -> None:
    link = call(engine, settings, judge.raise_case())
    answers = await asyncio.gather(*(anybody.post(link) for _ in range(3)))
    assert {answer.status_code for answer in answers} == {303}
    assert state_of(await press(anybody, link)) == "yours"
    assert len(commands(engine)) == 1


async def test_an_earlier_message_of_the_same_contact_says_that_they_have_it(
    anybody: httpx.AsyncClient, judge: StandInJudge, engine: Engine, settings: Settings
) -> None:
    case_id = judge.raise_case()
    first, again = (call(engine, settings, case_id) for _ in range(2))
    await press(anybody, again)
    assert state_of(await press(anybody, first)) == "yours"
    assert len(commands(engine)) == 1


async def test_the_second_of_two_contacts_is_told_who_was_first(
    anybody: httpx.AsyncClient, judge: StandInJudge, engine: Engine, settings: Settings
) -> None:
    case_id = judge.raise_case()
    first, second = (call(engine, settings, case_id, who) for who in (PHONE, "desk"))
    await press(anybody, first)
    page = await press(anybody, second)
    assert state_of(page) == "taken"
    assert f"{PHONE} 已先接警" in page.text
    english = await anybody.get(second, headers={"Accept-Language": "en"})
    assert f"{PHONE} has answered already." in english.text


async def test_a_case_that_was_given_back_is_not_answered_by_the_old_link(
    anybody: httpx.AsyncClient, judge: StandInJudge, engine: Engine, settings: Settings
) -> None:
    case_id = judge.raise_case()
    link = call(engine, settings, case_id)
    await press(anybody, link)
    with for_writing(engine).begin() as connection:
        back = {"state": "raised", "answered_by": None, "answered_at_ms": None}
        connection.execute(cases.update().where(cases.c.id == case_id).values(back))

    assert state_of(await press(anybody, link)) == "used"
    assert len(commands(engine)) == 1
    assert state_of(await press(anybody, call(engine, settings, case_id))) == "yours"


async def test_too_old_and_closed_are_said_in_words(
    anybody: httpx.AsyncClient,
    judge: StandInJudge,
    engine: Engine,
    settings: Settings,
    clock: HandClock,
) -> None:
    old = call(engine, settings, judge.raise_case())
    closed = call(engine, settings, judge.raise_case(state="closed", closed_at_ms=NOW_MS))
    assert state_of(await press(anybody, closed)) == "closed"
    clock.at_ms += 600_000
    assert state_of(await anybody.get(old)) == "asked"
    clock.at_ms += 1
    assert state_of(await press(anybody, old)) == "expired"
    assert commands(engine) == []


async def test_while_the_judge_is_silent_the_answer_is_kept(
    anybody: httpx.AsyncClient, engine: Engine, settings: Settings, clock: HandClock
) -> None:
    judge, clock.step_s = StandInJudge(engine, NOW_MS), 1.0  # does not sit
    link = call(engine, settings, judge.raise_case())
    assert state_of(await press(anybody, link)) == "kept"
    judge.judge_all()
    assert state_of(await anybody.get(link)) == "yours"


async def test_a_link_that_is_not_ours_is_refused_and_counted(
    anybody: httpx.AsyncClient, judge: StandInJudge, engine: Engine, settings: Settings
) -> None:
    good = call(engine, settings, judge.raise_case())
    other = token_of(b"x" * 32, Asked(1, "C-000001", PHONE, NOW_MS))
    html = {"Accept": "text/html"}
    for token in (other, good[3:-1] + ("A" if good[-1] != "A" else "B")):
        page = await anybody.get(f"/a/{token}", headers=html)
        assert page.status_code == 404
        assert "链接无效" in page.text
    for _ in range(5):
        assert (await anybody.get(good)).status_code == 200  # good ones do not count
    assert (await anybody.post(f"/a/{other}")).status_code == 404
    refused = await anybody.get(good)
    assert refused.status_code == 429
    assert refused.headers["retry-after"]
    assert commands(engine) == []


@pytest.mark.parametrize(
    "token", ["0-" + "A" * 22, "1-short", "1", "-1-" + "A" * 22, "9" * 19 + "-" + "A" * 22, "%00"]
)
async def test_any_token_is_answered_in_words(
    anybody: httpx.AsyncClient, judge: StandInJudge, token: str
) -> None:
    judge.raise_case()
    assert (await anybody.get(f"/a/{token}")).status_code == 404


async def test_news_and_notices_to_nobody_have_no_link(
    anybody: httpx.AsyncClient, judge: StandInJudge, engine: Engine, settings: Settings
) -> None:
    link = call(engine, settings, judge.raise_case())
    with for_writing(engine).begin() as connection:
        connection.execute(notices.update().values(reason="changed"))
    assert (await anybody.get(link)).status_code == 404


async def test_without_a_public_address_there_are_no_links(
    engine: Engine, judge: StandInJudge, tmp_path: Path, app: FastAPI, settings: Settings
) -> None:
    link = call(engine, settings, judge.raise_case())
    app.state.parts = replace(app.state.parts, settings=Settings(data_dir=tmp_path))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://hub.test"
    ) as client:
        assert (await client.get(link)).status_code == 404


def test_the_key_is_made_once_and_is_nobody_elses(tmp_path: Path) -> None:
    key = read_key(tmp_path)
    assert len(key) == 32
    assert read_key(tmp_path) == key
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == [KEY_FILE]
    (tmp_path / KEY_FILE).write_text("no key", encoding="ascii")
    with pytest.raises(WrongSetting, match=KEY_FILE):
        read_key(tmp_path)


async def test_processes_that_make_the_key_at_the_same_time_get_the_same(tmp_path: Path) -> None:
    keys = await asyncio.gather(*(asyncio.to_thread(read_key, tmp_path) for _ in range(8)))
    assert len(set(keys)) == 1


def test_a_token_says_nothing_of_anybody_and_fits_into_an_sms() -> None:
    token = token_of(b"k" * 32, Asked(1_234_567, "C-000001", "family:r-7:0", NOW_MS))
    assert re.fullmatch(r"1234567-[A-Za-z0-9_-]{22}", token)
    others = [
        Asked(1_234_568, "C-000001", "family:r-7:0", NOW_MS),
        Asked(1_234_567, "C-000002", "family:r-7:0", NOW_MS),
        Asked(1_234_567, "C-000001", "family:r-7:1", NOW_MS),
        Asked(1_234_567, "C-000001", "family:r-7:0", NOW_MS + 1),
    ]
    signatures = {token_of(b"k" * 32, one)[8:] for one in others}
    assert token[8:] not in signatures
    assert len(signatures) == 4


def test_a_link_is_used_once(engine: Engine, judge: StandInJudge, settings: Settings) -> None:
    call(engine, settings, judge.raise_case())
    with for_writing(engine).begin() as connection:
        assert answer_link.use(connection, 1, 5)
        assert not answer_link.use(connection, 1, 6)
        assert connection.execute(sa.select(notices.c.answer_seq)).scalar() == 5


@pytest.fixture
async def anybody(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody with a phone who is not logged in."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://hub.test") as client:
        yield client
