"""What pages say: of strangers, devices, rules, lists and mistakes."""

from pathlib import Path

import httpx
import pytest
from sqlalchemy.engine import Engine

from dashboard_api.rule_words import sentence, tell
from hub.database import (
    clocks,
    commissionings,
    devices,
    for_writing,
    notices,
    residents,
    rhythms,
)
from hub.settings import Settings
from rules.loader import COMMUNITY, load
from tests.dashboard_api.community import NAMES, StandInJudge, encode
from tests.dashboard_api.conftest import NOW_MS

HTML = {"accept": "text/html,application/xhtml+xml"}
STRANGER = {"key": "native:my-button", "device": "native:my-button", "place": None}
NOBODYS = {"grid": None, "resident_id": None}


async def test_a_strangers_emergency_says_who_is_on_the_air(
    staff: httpx.AsyncClient, wall: httpx.AsyncClient, judge: StandInJudge
) -> None:
    case_id = judge.raise_case(**STRANGER, **NOBODYS)
    for client, path in ((staff, "/"), (staff, f"/cases/{case_id}"), (wall, "/wall")):
        assert "未登记的按钮 my-button" in (await client.get(path)).text


async def test_the_wall_names_no_button_that_belongs_to_a_person(
    wall: httpx.AsyncClient, judge: StandInJudge
) -> None:
    judge.raise_case(place=None, grid=None)
    page = (await wall.get("/wall")).text

    assert not any(name in page for name in NAMES)
    assert "呼叫按钮</span><small>" in page


async def test_the_wall_calls_only_for_emergencies_and_urgent_cases(
    wall: httpx.AsyncClient, judge: StandInJudge
) -> None:
    low = {"rule": "battery-low", "severity": "notice", "category": "maintenance"}
    for device in ("b-0", "b-1"):
        judge.raise_case(**low, key=device, device=device)
    calm = (await wall.get("/wall")).text
    judge.raise_case(severity="urgent", rule="button-undecodable")
    called = (await wall.get("/wall")).text

    assert "等待接警" not in calm
    assert "<dt>电量低</dt><dd>2</dd>" in calm
    assert "1 个紧急、紧迫事件等待接警" in called
    assert '<span class="kind-name">紧迫</span>' in called


async def test_a_case_page_offers_what_the_state_allows_and_tells_each_channel(
    staff: httpx.AsyncClient, judge: StandInJudge, engine: Engine
) -> None:
    case_id = judge.raise_case()
    row = {"case_id": case_id, "channel": "webhook", "role": "staff", "reason": "opened"}
    with for_writing(engine).begin() as connection:
        for state in ("sent", "given_up"):
            times = {"created_ms": NOW_MS, "due_ms": NOW_MS, "state": state}
            connection.execute(notices.insert().values(**row, **times, body_json="{}"))
    raised = (await staff.get(f"/cases/{case_id}")).text
    console = (await staff.get("/")).text
    await staff.post(f"/api/v1/cases/{case_id}/arrive")
    arrived = (await staff.get(f"/cases/{case_id}")).text

    assert f'id="answer-{case_id}"' in raised
    assert f'id="arrive-{case_id}"' not in arrived
    assert f'id="deal-{case_id}"' in arrived
    assert "13800000000" not in raised, "the card is shown when somebody looks, and that is kept"
    assert 'href="tel:13800000000"' in (await staff.get(f"/fragments/card/{case_id}")).text
    assert "值班员 · Webhook" in raised
    assert console.count("Webhook") == 1  # the newest only
    assert "notice-given_up" in console


async def test_a_device_page_speaks_in_words_with_units(
    staff: httpx.AsyncClient, judge: StandInJudge, engine: Engine
) -> None:
    case_id = judge.raise_case()
    points = {"battery": [98.0, NOW_MS], "rssi": [-112.0, NOW_MS], "alive": [True, NOW_MS]}
    points |= {"uses_2": [7, NOW_MS], "press": ["sos", NOW_MS]}
    with for_writing(engine).begin() as connection:
        connection.exec_driver_sql(
            "UPDATE latest SET points_json = ? WHERE device = 'b-0'", (encode(points),)
        )
    zh = (await staff.get("/d/b-0")).text
    await staff.get("/language/en")
    en = (await staff.get("/d/b-0")).text

    for text in ("电量", "98 %", "−112 dBm · 差", "心跳", "使用次数 2", "紧急呼叫"):
        assert text in zh, text
    for text in ("Battery", "98 %", "−112 dBm · bad", "Yes", "Uses 2", f"/cases/{case_id}"):
        assert text in en, text


async def test_a_button_page_says_what_supervises_it_and_how_long_it_may_be_silent(
    staff: httpx.AsyncClient, engine: Engine
) -> None:
    """What a swapped button said supervises nothing of the one in its place."""
    await staff.get("/language/en")
    tested = (await staff.get("/d/b-0")).text
    with for_writing(engine).begin() as connection:
        row = {"device": "b-0", "address": "x", "why": "swapped", "by": "wang", "at_ms": NOW_MS}
        connection.execute(commissionings.insert().values(**row))
    swapped = (await staff.get("/d/b-0")).text
    with for_writing(engine).begin() as connection:
        spoke = {"heard_ms": NOW_MS, "since_ms": NOW_MS, "gaps": 9, "learned_s": 7_200}
        connection.execute(rhythms.insert().values(device="b-0", state_json="{}", **spoke))
    speaking = (await staff.get("/d/b-0")).text

    assert "the monthly test press" in tested
    assert "nothing: press it once a month" in swapped
    assert "its own regular messages" in speaking
    assert "learned" in speaking
    assert "learned" not in tested


async def test_a_device_page_says_whose_time_it_has_and_how_wrong_its_clock_is(
    staff: httpx.AsyncClient, engine: Engine
) -> None:
    with for_writing(engine).begin() as connection:
        connection.exec_driver_sql("UPDATE latest SET time_from = 'corrected' WHERE device = 'b-0'")
        row = {"device": "b-0", "offset_ms": 8 * 3_600_000, "since_ms": NOW_MS}
        connection.execute(clocks.insert(), {**row, "heard_ms": NOW_MS, "state_json": "[]"})
    told = (await staff.get("/api/v1/devices/b-0")).json()
    other = (await staff.get("/api/v1/devices/b-1")).json()
    zh = (await staff.get("/d/b-0")).text
    await staff.get("/language/en")
    en = (await staff.get("/d/b-0")).text

    assert (told["time_from"], told["clock_offset_s"]) == ("corrected", 28_800.0)
    assert (other["time_from"], other["clock_offset_s"]) == (None, None)
    assert "设备时钟（已校正）" in zh
    assert "快 8 小时" in zh
    assert "8 hours ahead" in en


async def test_long_lists_lead_to_their_next_page(
    staff: httpx.AsyncClient, engine: Engine, settings: Settings
) -> None:
    rows_max = settings.page_rows_max
    with for_writing(engine).begin() as connection:
        device = dict(connection.execute(devices.select().limit(1)).mappings().one())
        person = dict(connection.execute(residents.select().limit(1)).mappings().one())
        for number in range(rows_max):
            name = f"x-{number:04}"
            own = {"id": name, "address": f"native:{name}", "code": None, "resident_id": None}
            connection.execute(devices.insert().values(device | own))
            connection.execute(residents.insert().values(person | {"id": name, "name": name}))
    for path in ("/devices", "/residents"):
        first, second = (await staff.get(path)).text, (await staff.get(f"{path}?page=2")).text

        assert f"1–{rows_max} /" in first
        assert 'rel="next" href="?page=2"' in first
        assert 'rel="next"' not in second
        assert 'rel="prev" href="?"' in second


def test_every_rule_of_the_community_has_words_in_both_languages() -> None:
    rules = load([COMMUNITY])
    night = rules.named("door-held-open-at-night")
    assert night is not None

    assert tell(night).when == ("门为打开", "contact is open")
    assert tell(night).hold_for == ("10 分钟", "10 minutes")
    assert tell(night).during == ("22:00–06:00", "22:00–06:00")
    assert sentence(night) == (
        "门磁；标签 entrance：门为打开，持续 10 分钟（仅在22:00–06:00），"
        "则产生预警事件并通知值班人员；"
        "恢复满 30 秒才算结束。",
        "Door; tags entrance: when contact is open for 10 minutes (only 22:00–06:00), a warning is "
        "raised and duty is told; it is over when it has been gone for 30 seconds.",
    )
    for rule in rules.rules:
        assert all(tell(rule).when)
        assert all(tell(rule).where)


CONDITIONS = {
    "{any: [{point: contact, equals: open}, {point: tamper, equals: true}]}": (
        "门为打开，或者报告防拆",
        "contact is open, or tamper is reported",
    ),
    "{point: uses, rises: 5, within: 10m}": (
        "使用次数在 10 分钟内增加至少 5",
        "uses grows by at least 5 within 10 minutes",
    ),
    "{point: contact, changes: 3, within: 1m}": (
        "门在 1 分钟内变化至少 3 次",
        "contact changes at least 3 times within 1 minute",
    ),
    "{first: {point: press, happens: [sos]}, without: {point: press, happens: [cancel]}, "
    "within: 5m, same: resident}": (
        "同一住户：收到按键（紧急呼叫），5 分钟内而没有收到按键（取消）",
        "at the same resident: press happens (SOS) is not followed by press happens (cancel) "
        "within 5 minutes",
    ),
}


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_condition_is_said_as_a_sentence(condition: str, tmp_path: Path) -> None:
    rule = f"rules:\n  - {{rule: one, when: {condition}, severity: notice, category: fault}}\n"
    (tmp_path / "one.yaml").write_text(rule, encoding="utf-8")
    [found] = load([tmp_path]).rules

    assert tell(found).when == CONDITIONS[condition]


@pytest.mark.parametrize(
    ("path", "zh", "en"),
    [
        ("/no/such/page", "没有这个页面。", "There is no such page."),
        ("/cases/C-999999", "没有这个事件。", "There is no such case."),
        ("/d/no-such-code", "没有这个编号的设备。", "There is no device with this code."),
    ],
)
async def test_a_person_with_a_browser_gets_a_page_for_what_is_not_there(
    staff: httpx.AsyncClient, path: str, zh: str, en: str
) -> None:
    chinese = await staff.get(path, headers=HTML)
    english = await staff.get(path, headers=HTML | {"accept-language": "en-GB,en;q=0.8,zh;q=0.5"})
    program = await staff.get(path)

    assert [answer.status_code for answer in (chinese, english, program)] == [404] * 3
    assert zh in chinese.text
    assert en in english.text
    assert program.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("header", "heading"),
    [
        ("", "登录"),
        ("en-US,en;q=0.9", "Log in"),
        ("fr,en;q=0.3,zh-CN;q=0.8", "登录"),
        ("de", "登录"),
        ("en;q=0, zh", "登录"),
        ("en;q=x;;,", "登录"),
    ],
)
async def test_the_log_in_speaks_the_browsers_language_until_one_is_chosen(
    anybody: httpx.AsyncClient, header: str, heading: str
) -> None:
    page = (await anybody.get("/login", headers={"accept-language": header})).text
    assert f"<title>{heading}" in page
    await anybody.get("/language/zh")
    assert "<title>登录" in (await anybody.get("/login", headers={"accept-language": "en"})).text


async def test_the_targets_stand_beside_the_figures(
    staff: httpx.AsyncClient, judge: StandInJudge
) -> None:
    judge.raise_case()
    page = (await staff.get("/reports")).text

    assert "目标 97.5 %" in page
    assert "目标 99 %" in page
    assert "二手资料" in page
